"""Mistakes in zoo/sources/text.py, and the tests that must notice them."""

TESTS = ("test_zoo_text.py",)
MUTANTS = [
    ("a test text in steps of one", 'split == "train" else self.length', "True else 1"),
    ("the last window lost", "- self.length + 1, step", "- self.length, step"),
    (
        "strings of the training part",
        "data.load_text(self.name, split)\n        x =",
        "data.load_text(self.name)\n        x =",
    ),
]
