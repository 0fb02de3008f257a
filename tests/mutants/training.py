"""Mistakes in training.py, and the tests that must notice them."""

TESTS = (
    "test_training.py",
    "test_resume.py",
    "test_contract.py",
    "test_bad_input.py",
)
MUTANTS = [
    ("gradients pile up", "optimizer.zero_grad(set_to_none=True)", "pass"),
    ("schedule one step late", "schedule(run.step)", "schedule(run.step + 1)"),
    ("non-finite loss passes", "if finite:", "if True:"),
    ("warm-up starts at zero", "(step + 1) / warmup", "step / warmup"),
]
