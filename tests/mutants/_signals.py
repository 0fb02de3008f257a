"""Mistakes in _signals.py, and the tests that must notice them."""

TESTS = ("test_runs.py", "test_resume.py")
MUTANTS = [
    (
        "a second Ctrl-C waits as well",
        "if pending:\n            _DEFAULT",
        "if False:\n            _DEFAULT",
    ),
    ("Ctrl-C is swallowed", "raise KeyboardInterrupt", "pass"),
    (
        "Ctrl-C stays deaf",
        "finally:\n        signal.signal(signal.SIGINT, _DEFAULT)",
        "finally:\n        pass",
    ),
]
