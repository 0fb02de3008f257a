"""Mistakes in data/energies.py, and the tests that must notice them."""

TESTS = (
    "test_plane.py",
    "test_densities.py",
    "test_arguments.py",
    "test_devices.py::test_densities_are_evaluated_where_the_points_are",
    "test_devices.py::test_what_a_density_is_made_of_may_be_anywhere",
)
MUTANTS = [
    (
        "barrier not at the origin",
        "((x[:, 0] / distance) ** 2 - 1) ** 2",
        "((x[:, 0] / distance) - 1) ** 2",
    ),
]
