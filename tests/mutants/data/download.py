"""Mistakes in data/download.py, and the tests that must notice them."""

TESTS = (
    "test_data_fetch.py",
    "test_data_sets.py",
)
MUTANTS = [
    (
        "written in place",
        "os.replace(temporary, folder / name)",
        "(folder / name).write_bytes(data)",
    ),
]
