"""Mistakes in data/fetch.py, and the tests that must notice them."""

TESTS = (
    "test_data_fetch.py",
    "test_data_sets.py",
)
MUTANTS = [
    ("hash not compared", "if found != expected:", "if False:"),
    ("offline is not asked about", 'elif flag("GMCOURSE_OFFLINE"):', "elif False:"),
    (
        "second process downloads again",
        "if locked and locate(entry, file, cache):",
        "if False:",
    ),
]
