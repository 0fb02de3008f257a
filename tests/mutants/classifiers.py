"""Mistakes in classifiers.py, and the tests that must notice them."""

TESTS = (
    "test_kept.py",
    "test_classifiers.py",
    "test_metrics.py",
    "test_contract.py",
    "test_arguments.py",
    "test_devices.py::test_oracles_and_bounds_stay_where_the_model_is",
    "test_bad_input.py",
)
MUTANTS = [
    ("features in train mode", "with evaluating(self):", "if True:"),
    ("a wrong label is taken modulo", "self.check_condition(c, len(c))", "pass"),
    (
        "heads get each other's labels",
        "labels.append(c % classes)",
        "labels.append(c // classes)",
    ),
    ("only the first head learns", "return sum(F", "return next(F"),
    (
        "dropout in eval mode",
        "features(x), 0.1, self.training",
        "features(x), 0.1, True",
    ),
    ("images of another scale", "        within_unit(x)\n", ""),
    ("images of another scale, on a GPU", "within_unit(x, wait=True)", "pass"),
    ("dropout of sound in eval mode", "(z, 0.1, self.training)", "(z, 0.1, True)"),
    (
        "sound not expanded",
        "mu_law_inverse(x.flatten(1), self.levels)",
        "x.flatten(1) / self.levels",
    ),
    ("the mean taken for a pitch", "waves[:, 1:]", "waves[:, :-1]"),
    ("no logarithm", "+ 0.01).log()", "+ 0.01)"),
    ("the first frame alone", ".mean(2)", "[..., 0]"),
    (
        "labels of sound not looked at",
        "self.check(x, c)\n        assert c is not None  # check has seen to it\n"
        "        return F",
        "return F",
    ),
]
