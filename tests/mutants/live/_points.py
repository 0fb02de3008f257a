"""Mistakes in live/_points.py, and the tests that must notice them."""

TESTS = ("test_live_gan.py", "test_live_flow.py", "test_live_velocity.py")
MUTANTS = [
    ("no sets pass", "if not sets:", "if False:"),
    ("points of a line pass", "points.shape != (n, 2)", "False"),
    ("others each time", "with seeded(0):", "if True:"),
    ("the point beyond the plane", " or point.abs().max() > extent", ""),
    ("the still upside down", "SIDE - 2 - up + down", "up + down"),
    ("small dots in the still", "for right in range(size)", "for right in range(1)"),
]
