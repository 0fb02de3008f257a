"""Mistakes in data/energies.py, and the tests that must notice them."""

TESTS = (
    "test_plane.py",
    "test_densities.py",
    "test_arguments.py",
)
MUTANTS = [
    (
        "barrier not at the origin",
        "((x[:, 0] / distance) ** 2 - 1) ** 2",
        "((x[:, 0] / distance) - 1) ** 2",
    ),
]
