"""Mistakes in live/_net.py, and the tests that must notice them."""

TESTS = ("test_live.py", "test_live_gan.py")
MUTANTS = [
    ("size of a layer not compared", "width not in (None, layer", "None in (0, layer"),
    (
        "a bias before its weight",
        '("weight", layer.weight), ("bias", bias)',
        '("bias", bias), ("weight", layer.weight)',
    ),
    ("a net that the page cannot train", "- _TRAINED", "- {*_TRAINED, 'gelu'}"),
    ("a generator of other points", "or linear[-1][2] != out", ""),
]
