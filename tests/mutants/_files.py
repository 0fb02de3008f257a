"""Mistakes in _files.py, and the tests that must notice them."""

TESTS = ("test_files.py", "test_resume.py", "test_data_fetch.py", "test_bad_input.py")
MUTANTS = [
    ("written in place", "os.replace(temporary, path)", "path.write_bytes(data)"),
    ("half-written file left behind", "os.unlink(temporary)", "pass"),
    ("nobody else may read it", "os.chmod(temporary, 0o644)", "pass"),
    (
        "what another file left is removed",
        'startswith(f".{path.name}.")',
        'startswith(".")',
    ),
    ("the old file is not kept", "first(path)", "pass"),
    ("nothing is tidied away", "left.unlink()", "pass"),
    ("the folder is not made", "path.parent.mkdir(parents=True, exist_ok=True)", "..."),
]
