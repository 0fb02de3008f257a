"""Mistakes in core.py, and the tests that must notice them."""

TESTS = (
    "test_kept.py",
    "test_contract.py",
    "test_training.py",
    "test_devices.py::test_models_train_and_sample_where_they_are",
)
MUTANTS = [
    ("noise is always on the CPU", "device=like.device, dtype", "dtype"),
    ("sampling leaves eval mode on", "module.training = training", "pass"),
    (
        "sampling forgets frozen parts",
        "module.training = training",
        "module.training = modes[0][1]",
    ),
    ("sampling in train mode", "with evaluating(self):", "if True:"),
    ("a batch may be empty", " or shape[0] < least", ""),
    ("a dropped label passes", "c is None and self.condition.required", "False"),
    ("a condition passes where there is none", "self.condition is None and c", "not c"),
    ("tokens out of range pass", 'within_levels("x", x, self.levels)', "pass"),
]
