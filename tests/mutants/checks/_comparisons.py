"""Mistakes in checks/_comparisons.py, and the tests that must notice them."""

TESTS = (
    "test_checks.py",
    "test_checks_comparisons.py",
)
MUTANTS = [
    ("of= does nothing", "        self.about(of)\n", ""),
    ("what is compared is not known", "        self.about(out)\n", ""),
    (
        "float32 is held to more than it holds",
        "        if single and bad.any():",
        "        if False:",
    ),
    ("float32 is held to nothing", "SINGLE * (size", "1.0 * (size"),
    (
        "NaN passes as close",
        "return ~(near | (a == b))",
        "return ~(near | (a == b) | a.isnan())",
    ),
    ("broadcasting passes", "if b.dim() and a.shape != b.shape:", "if False:"),
    (
        "no correction for many columns",
        "tests.min() * len(tests) >= ALPHA",
        "tests.min() >= ALPHA",
    ),
]
