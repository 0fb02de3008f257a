"""Mistakes in live/_points.py, and the tests that must notice them."""

TESTS = ("test_live_gan.py", "test_live_flow.py")
MUTANTS = [
    ("no sets pass", "if not sets:", "if False:"),
    ("points of a line pass", "points.shape != (n, 2)", "False"),
    ("others each time", "with seeded(0):", "if True:"),
]
