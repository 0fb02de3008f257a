"""Mistakes in data/archives.py, and the tests that must notice them."""

TESTS = (
    "test_data_sets.py",
    "test_data_fetch.py",
)
