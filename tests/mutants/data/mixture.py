"""Mistakes in data/mixture.py, and the tests that must notice them."""

TESTS = (
    "test_plane.py",
    "test_densities.py",
    "test_arguments.py",
    "test_devices.py::test_densities_are_evaluated_where_the_points_are",
    "test_devices.py::test_what_a_density_is_made_of_may_be_anywhere",
)
MUTANTS = [
    ("score with the wrong sign", "pull = -torch.einsum", "pull = torch.einsum"),
    (
        "diffused noise is a deviation",
        "noise = sigma**2 * torch.eye",
        "noise = sigma * torch.eye",
    ),
    (
        "factor transposed in sampling",
        '"nij,nj->ni", self._factor',
        '"nji,nj->ni", self._factor',
    ),
    (
        "entropy with a plus",
        "return -(log_p.exp() * log_p).sum()",
        "return (log_p.exp() * log_p).sum()",
    ),
]
