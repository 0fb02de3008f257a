"""Mistakes in data/places.py, and the tests that must notice them."""

TESTS = ("test_data_fetch.py", "test_data_sets.py")
MUTANTS = [
    ("a folder of another set", "if _plain(path.name) in names]", "]"),
    ("0 switches a flag on", 'not in ("", "0")', 'not in ("",)'),
]
