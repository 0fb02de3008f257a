"""Mistakes in data/catalog.py, and the tests that must notice them."""

TESTS = (
    "test_data_fetch.py",
    "test_data_sets.py",
)
