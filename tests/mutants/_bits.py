"""Mistakes in _bits.py, and the tests that must notice them."""

TESTS = ("test_zoo_weights.py",)
MUTANTS = [
    (
        "one grid for all rows",
        "abs().amax(1).half()",
        "abs().amax(1).half().max()[None].expand(len(matrix))",
    ),
    ("cut off, not rounded", "steps.round()", "steps.trunc()"),
    ("the low bits swapped", "[low & 15, low >> 4]", "[low >> 4, low & 15]"),
    ("beyond the grid", ".clamp(-top, top)", ""),
]
