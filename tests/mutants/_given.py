"""Mistakes in _given.py, and the tests that must notice them."""

TESTS = ("test_runs.py", "test_resume.py", "test_training.py")
MUTANTS = [
    (
        "other rates pass",
        'if key not in ("params", "initial_lr")',
        'if key not in ("params", "lr")',
    ),
    ("numbers of the likelihood pass", ", *_held(name, part)]", "]"),
    ("what is annealed counts as given", "model.at(0)", "pass"),
]
