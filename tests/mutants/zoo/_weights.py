"""Mistakes in zoo/_weights.py, and the tests that must notice them."""

TESTS = ("test_zoo_weights.py",)
MUTANTS = [
    ("a clone fetches", "[PACKAGE, CLONE]", "[PACKAGE]"),
    ("weights that ship are asked for at the project", 'or known["ships"]', ""),
    (
        "not at the release",
        "mirrors=tuple(mirror.format(version=__version__)",
        "mirrors=tuple(mirror.format(version=0)",
    ),
    ("the advice speaks of a set", 'command=f"gmcourse zoo fetch {name}",', ""),
]
