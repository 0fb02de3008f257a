"""Mistakes in settings.py, and the tests that must notice them."""

TESTS = ("test_training.py", "test_contract.py")
MUTANTS = [
    ("seeded leaks into the outer stream", "fork_rng(", "fork_rng(enabled=False, "),
]
