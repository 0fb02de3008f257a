"""Mistakes in data/download.py, and the tests that must notice them."""

TESTS = (
    "test_data_fetch.py",
    "test_data_sets.py",
)
MUTANTS = [
    ("nothing is tidied away", "_files.remove_partial(folder / name)", "pass"),
]
