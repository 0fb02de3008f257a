"""Mistakes in data/places.py, and the tests that must notice them."""

TESTS = (
    "test_data_fetch.py",
    "test_data_sets.py",
)
MUTANTS = [
    ("quotes kept", "map(unquoted, os", "(os"),
    ("any folder is the set's own", "if _plain(whole.name) in names", "if True"),
    ("upper case is another name", "name.lower().replace", "name.replace"),
    ("no dotted names", 'file.name.replace("-idx", ".idx")', "file.name"),
]
