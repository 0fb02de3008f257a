"""Mistakes in checks/_relations.py, and the tests that must notice them."""

TESTS = ("test_checks_relations.py",)
MUTANTS = [
    (
        "right entries are spoken of",
        "common(out[bad], due[bad], lengths)",
        "common(out, due, lengths)",
    ),
    ("any factor of one number", "if told or abs(c + 1) <= SAME else", "if c else"),
    ("a shift of either sign", '"large" if c > 0', '"large" if c < 0'),
    ("order of what is nearly right", "if alike(out, due):", "if False:"),
    ("a bound from below above", "(due[bad] >= at)", "(due[bad] <= at)"),
    ("the good index for the bad", '(whole, "off at', '(~whole, "off at'),
]
