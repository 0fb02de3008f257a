"""Mistakes in live/_bytes.py, and the tests that must notice them."""

TESTS = ("test_live.py",)
MUTANTS = [
    ("PNG rows without their filter byte", 'b"\\0" + row', "row"),
    ("gray written as color", "0 if c == 1 else 2", "2"),
]
