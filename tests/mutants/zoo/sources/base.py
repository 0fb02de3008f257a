"""Mistakes in zoo/sources/base.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py",)
MUTANTS = [
    ("the test part is the training part", "seeded(1 if train else 2)", "seeded(1)"),
    ("points drawn anew each time", "with seeded(1 if train else 2):", "if True:"),
    ("a test part of another size", "examples // 10", "examples"),
]
