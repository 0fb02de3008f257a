"""Mistakes in checks/_report.py, and the tests that must notice them."""

TESTS = ("test_checks.py",)
MUTANTS = [
    ("a long message", "len(line) <= 300", "len(line) <= 3000000"),
    ("a long word", "break_long_words=True", "break_long_words=False"),
]
