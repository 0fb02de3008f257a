"""Mistakes in training.py, and the tests that must notice them."""

TESTS = (
    "test_training.py",
    "test_runs.py",
    "test_resume.py",
    "test_contract.py",
    "test_bad_input.py",
    "test_devices.py::test_models_train_and_sample_where_they_are",
)
MUTANTS = [
    ("gradients pile up", "optimizer.zero_grad()", "pass"),
    ("warm-up starts at zero", "(step + 1) / warmup", "step / warmup"),
    ("frozen parts are woken", "if not model.training:", "if True:"),
    ("the body's eval mode stays", "part.training = training", "pass"),
]
