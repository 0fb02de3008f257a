"""Mistakes in data/download.py, and the tests that must notice them."""

TESTS = ("test_files.py", "test_data_fetch.py", "test_data_sets.py")
MUTANTS = [
    (
        "what is left of a killed download stays",
        "_files.remove_partial(folder / name)",
        "pass",
    ),
]
