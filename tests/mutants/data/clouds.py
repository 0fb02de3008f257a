"""Mistakes in data/clouds.py, and the tests that must notice them."""

TESTS = (
    "test_plane.py",
    "test_densities.py",
    "test_arguments.py",
)
