"""Mistakes in sequences.py, and the tests that must notice them."""

TESTS = ("test_pixels.py", "test_contract.py")
MUTANTS = [
    (
        "a token sees itself",
        "self.token(x.flatten(1)[:, :-1])",
        "self.token(x.flatten(1)[:, 1:])",
    ),
    (
        "the axes of tokens and levels",
        "self.head(self.net(h)).transpose(1, 2)",
        "self.head(self.net(h))",
    ),
    (
        "positions forgotten in steps",
        "self.net(h + where, cache)",
        "self.net(h, cache)",
    ),
    (
        "the token before that",
        "self.token(tokens[:, place, None])",
        "self.token(tokens[:, place - 1, None])",
    ),
    (
        "no label is a class",
        "x.new_full((len(x),), self.classes)",
        "x.new_full((len(x),), max(0, self.classes - 1))",
    ),
    ("not turned", "rotate if rotary else None", "None"),
    (
        "label forgotten in steps",
        "self.net.cache(), self.begin(x, c)",
        "self.net.cache(), self.begin(x, None)",
    ),
]
