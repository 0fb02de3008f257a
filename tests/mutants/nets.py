"""Mistakes in nets.py, and the tests that must notice them."""

TESTS = (
    "test_autoencoders.py",
    "test_contract.py",
    "test_bad_input.py",
)
MUTANTS = [
    (
        "height and width swapped",
        "(width, height // 4, breadth // 4)",
        "(width, breadth // 4, height // 4)",
    ),
    (
        "label planes of the wrong label",
        "F.one_hot(c, self.classes)",
        "F.one_hot(c.flip(0), self.classes)",
    ),
]
