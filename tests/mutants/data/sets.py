"""Mistakes in data/sets.py, and the tests that must notice them."""

TESTS = ("test_data_sets.py",)
MUTANTS = [
    ("the stand-in goes by the set's name", "(is_sample and entry.stand_in) or ", ""),
]
