"""Mistakes in live/transport.py, and the tests that must notice them."""

TESTS = ("test_live_transport.py",)
MUTANTS = [
    ("a box without width", "(left >= right).any()", "(left > right).any()"),
    ("weights of either sign", "weight.min() <= 0 or ", ""),
    ("weights not normalized", "weight / weight.sum()], 1", "weight], 1"),
    (
        "only the left end of p is held",
        "left.min() < -extent or right.max() > extent",
        "left.min() < -extent",
    ),
    ("q beyond the line", "abs(center) + width / 2 > extent", "abs(center) > extent"),
    ("the narrowest q wider than a box of p", "min(float(", "max(float("),
    ("the still upside down", "level.flip(0)[:, None]", "level[:, None]"),
    ("heights without weights", "(inside * p[:, 2] / (", "(inside / ("),
    ("q of height one", "<= width / 2) / width", "<= width / 2) / 1.0"),
]
