"""Mistakes in zoo/measure/base.py, and the tests that must notice them."""

TESTS = ("test_zoo_recipes.py", "test_zoo_text.py", "test_zoo.py")
MUTANTS = [
    (
        "parts that overlap",
        "part = slice(start, start + size)",
        "part = slice(start, start + size + 1)",
    ),
    ("standard deviation for standard error", "values.std() / n**0.5", "values.std()"),
    ("unseeded", "with seeded(0):", "if True:"),
]
