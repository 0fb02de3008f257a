"""Mistakes in _feed.py, and the tests that must notice them."""

TESTS = ("test_training.py", "test_runs.py", "test_contract.py", "test_bad_input.py")
MUTANTS = [
    (
        "data that are empty end a run quietly",
        'raise ValueError("data is empty (or an iterator already used up)")',
        "return",
    ),
    ("labels of the first batch not read", "_look(model, x, c)", "pass"),
    ("conditions lost", "c = rest[0] if rest else None", "c = None"),
]
