"""Mistakes in _tables.py, and the tests that must notice them."""

TESTS = ("test_plots.py",)
MUTANTS = [
    ("a hyphen for a minus", '"\\u2212", str(value))', '"-", str(value))'),
    ("decimals without end", "3 if most >= 1 else 4", "9"),
]
