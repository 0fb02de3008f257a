"""Mistakes in checks/_trial.py, and the tests that must notice them."""

TESTS = ("test_checks.py",)
MUTANTS = [
    ("nan in an input is a change", "(a == b) | ((a != a) & (b != b))", "a == b"),
    ("an input of another shape passes", "a.shape == b.shape and bool", "bool"),
    (
        "a default device set passes",
        "        if now != (before[1], device):",
        "        if False:",
    ),
    (
        "the failed call is not shown",
        "            self.shown = found[1]",
        "            pass",
    ),
    ("a view is not known", "data_ptr()", "data_ptr() * 0 + id(out)"),
    ("reseeding passes", "if torch.initial_seed() != before[0]:", "if False:"),
]
