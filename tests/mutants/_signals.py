"""Mistakes in _signals.py, and the tests that must notice them."""

TESTS = ("test_runs.py", "test_resume.py")
MUTANTS = [
    ("Ctrl-C is swallowed", "raise KeyboardInterrupt", "pass"),
    (
        "Ctrl-C stays deaf",
        "finally:\n        signal.signal(signal.SIGINT, _DEFAULT)",
        "finally:\n        pass",
    ),
]
