"""Mistakes in data/densities.py, and the tests that must notice them."""

TESTS = (
    "test_plane.py",
    "test_densities.py",
    "test_arguments.py",
    "test_devices.py::test_densities_are_evaluated_where_the_points_are",
    "test_devices.py::test_what_a_density_is_made_of_may_be_anywhere",
)
MUTANTS = [
    ("rings not averaged", " - math.log(len(big))", ""),
    (
        "density twisted the way of the samples",
        "base.log_prob(twist(x, -rate))",
        "base.log_prob(twist(x, rate))",
    ),
    (
        "banana's samples and density apart",
        "(x[:, 0] ** 2 - a**2)) / b",
        "x[:, 0] ** 2) / b",
    ),
    ("funnel without its log-det", "(e1**2 + e2**2 + x[:, 0])", "(e1**2 + e2**2)"),
    (
        "picture upside down",
        "mass = mass.flipud() / mass.sum()",
        "mass = mass / mass.sum()",
    ),
]
