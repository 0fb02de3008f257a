"""Mistakes in state.py, and the tests that must notice them."""

TESTS = (
    "test_kept.py",
    "test_runs.py::test_a_compiled_model_is_named",
    "test_resume.py::test_weights_and_runs_are_told_apart",
    "test_contract.py",
    "test_training.py",
    "test_bad_input.py",
)
MUTANTS = [
    ("EMA reversed", "current, 1.0 - decay)", "current, decay)"),
    ("EMA forgets buffers", "kept.copy_(seen)", "pass"),
    ("EMA without its ramp", "min(self.decay, (1 + ", "max(self.decay, (0 * "),
    (
        "the average in train mode",
        "copy.deepcopy(model).eval()",
        "copy.deepcopy(model)",
    ),
    ("weights of another model", "if shapes == want:", "if True:"),
]
