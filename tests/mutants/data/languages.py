"""Mistakes in data/languages.py, and the tests that must notice them."""

TESTS = (
    "test_structured.py",
    "test_arguments.py",
)
