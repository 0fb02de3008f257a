"""Mistakes in classifiers.py, and the tests that must notice them."""

TESTS = (
    "test_metrics.py",
    "test_arguments.py",
    "test_devices.py::test_oracles_and_bounds_stay_where_the_model_is",
)
MUTANTS = [
    ("features in train mode", "with evaluating(self):", "if True:"),
    ("a wrong label is taken modulo", "self.check_condition(c, len(c))", "pass"),
    ("heads get each other's labels", "labels.append(c % classes)", "labels.append(c)"),
    ("images of another scale", "        within_unit(x)\n", ""),
    ("images of another scale, on a GPU", "within_unit(x, wait=True)", "pass"),
]
