"""Mistakes in classifiers.py, and the tests that must notice them."""

TESTS = (
    "test_classifiers.py",
    "test_metrics.py",
    "test_contract.py",
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
    ("dropout in eval mode", "0.1, self.training)", "0.1, True)"),
]
