"""Mistakes in live/_net.py, and the tests that must notice them."""

TESTS = ("test_live.py",)
MUTANTS = [
    ("size of a layer not compared", "width not in (None, layer", "None in (0, layer"),
    (
        "a bias before its weight",
        '("weight", layer.weight), ("bias", bias)',
        '("bias", bias), ("weight", layer.weight)',
    ),
]
