"""Mistakes in _files.py, and the tests that must notice them."""

TESTS = (
    "test_resume.py",
    "test_bad_input.py",
    "test_data_fetch.py",
)
MUTANTS = [
    ("written in place", "os.replace(temporary, path)", "path.write_bytes(data)"),
    ("half-written file left behind", "os.unlink(temporary)", "pass"),
    ("nothing is tidied away", "left.unlink()", "pass"),
    (
        "the reader's own files tidied away",
        'startswith(f".{path.name}.")',
        'startswith("")',
    ),
    ("the folder is not made", "path.parent.mkdir(parents=True, exist_ok=True)", "..."),
]
