"""Mistakes in checks/_layer.py, and the tests that must notice them."""

TESTS = ("test_checks_combinators.py",)
MUTANTS = [
    ("no way back", "    t.close(back, x", "    (lambda *a, **k: None)(back, x"),
    ("mask not tested", "    if mask is not None:", "    if False:"),
    (
        "log-determinant not tested",
        "    t.close(log_det",
        "    (lambda *a, **k: None)(log_det",
    ),
]
