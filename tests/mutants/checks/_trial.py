"""Mistakes in checks/_trial.py, and the tests that must notice them."""

TESTS = ("test_checks.py",)
MUTANTS = [
    ("nan in an input is a change", '"equal_nan": True', '"equal_nan": False'),
    (
        "an input of another type passes",
        "a.shape == b.shape and a.dtype == b.dtype",
        "a.shape == b.shape",
    ),
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
