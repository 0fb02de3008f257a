"""Mistakes in _watch.py, and the tests that must notice them."""

TESTS = ("test_training.py", "test_runs.py", "test_bad_input.py")
MUTANTS = [
    ("non-finite loss passes", "if finite:", "if True:"),
    ("a loss without gradient passes", "if not loss.requires_grad:", "if False:"),
]
