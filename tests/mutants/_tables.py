"""Mistakes in _tables.py, and the tests that must notice them."""

TESTS = ("test_plots.py",)
MUTANTS = [
    ("a hyphen for a minus", '"\\u2212", str(value))', '"-", str(value))'),
    ("a decimal too few", "1 - _exponent(least), 0)", "0 - _exponent(least), 0)"),
]
