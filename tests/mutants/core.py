"""Mistakes in core.py, and the tests that must notice them."""

TESTS = (
    "test_contract.py",
    "test_training.py",
    "test_devices.py::test_models_train_and_sample_where_they_are",
)
MUTANTS = [
    ("noise is always on the CPU", "device=weight.device, ", ""),
    ("EMA reversed", "current, 1.0 - decay)", "current, decay)"),
    ("EMA forgets buffers", "kept.copy_(seen)", "pass"),
    ("EMA without its ramp", "min(self.decay, (1 + ", "max(self.decay, (0 * "),
    ("sampling leaves eval mode on", "module.training = training", "pass"),
    (
        "sampling forgets frozen parts",
        "module.training = training",
        "module.training = modes[0][1]",
    ),
    ("sampling in train mode", "with evaluating(self):", "if True:"),
    ("seeded leaks into the outer stream", "fork_rng(", "fork_rng(enabled=False, "),
    ("labels not checked from above", "c.max() < self.classes", "True"),
]
