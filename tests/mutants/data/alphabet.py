"""Mistakes in data/alphabet.py, and the tests that must notice them."""

TESTS = ("test_data_alphabet.py",)
MUTANTS = [
    ("the end is a symbol's token", "start=int(end)", "start=0"),
    ("the end not counted", "len(self.symbols) + self.end", "len(self.symbols)"),
    ("the end is decoded", "if self.end and 0 in places:", "if False:"),
    ("read beyond the end", "places.index(0)]", "places.index(0) + 1]"),
    ("an end where there is none", "if self.end and 0 in", "if 0 in"),
    ("cut where it is too long", "if len(tokens) > length or (", "if (0) or ("),
    ("short strings without an end", "and not self.end)", "and False)"),
    ("characters for symbols", "found = self.split(text)", "found = list(text)"),
    ("a symbol twice", "== len(set(self.symbols))", "<= len(self.symbols)"),
    ("one too high", "< len(self):", "<= len(self):"),
]
