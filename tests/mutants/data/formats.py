"""Mistakes in data/formats.py, and the tests that must notice them."""

TESTS = ("test_data_sets.py",)
