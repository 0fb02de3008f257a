"""Mistakes in checks/_trial.py, and the tests that must notice them."""

TESTS = ("test_checks.py",)
MUTANTS = [
    (
        "NaN passes as close",
        "return ~(near | (a == b))",
        "return ~(near | (a == b) | a.isnan())",
    ),
    ("broadcasting passes", "if b.dim() and a.shape != b.shape:", "if False:"),
    ("inputs changed in place pass", "not torch.equal(a, b.to(a.device))", "False"),
    ("reseeding passes", "if torch.initial_seed() != before:", "if False:"),
    (
        "no correction for many columns",
        "tests.min() * len(tests) >= ALPHA",
        "tests.min() >= ALPHA",
    ),
]
