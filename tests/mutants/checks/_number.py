"""Mistakes in checks/_number.py, and the tests that must notice them."""

TESTS = ("test_checks_combinators.py",)
MUTANTS = [
    (
        "an idea that is due",
        "            if abs(float(value) - due) <= 3 * tol * scale:",
        "            if False:",
    ),
    ("absolute tolerance", "tol * scale:\n        return", "tol:\n        return"),
    ("bits where no unit is said", '    if unit == "nats":', "    if True:"),
]
