"""Mistakes in _given.py, and the tests that must notice them."""

TESTS = ("test_given.py", "test_runs.py", "test_resume.py", "test_training.py")
MUTANTS = [
    (
        "other rates pass",
        "if key not in _ASIDE and",
        'if key not in (*_ASIDE, "lr") and',
    ),
    (
        "numbers of the likelihood pass",
        'yield f"{name}.{key}".removeprefix("."), value',
        "continue",
    ),
    ("what is annealed counts as given", "        model.at(0)\n", ""),
    ("the model is left at step 0", "with _left_as_it_is(model):", "if True:"),
    ("buffers are left at step 0", "tensor.copy_(was)", "pass"),
    ("new attributes stay", "attributes.clear()", "pass"),
    ("lists are left at step 0", "items[:] = was", "pass"),
    ("other numbers loaded", "if part in theirs and not _equal", "if False and _equal"),
    ("an optimizer of another model", "if not any(id(p) in known", "if not any(True"),
    (
        "an average of another model",
        "if not isinstance(ema.online, Model) or kept != mine:",
        "if False:",
    ),
    (
        "an average of the net alone",
        "if not isinstance(ema.online, Model) or kept != mine:",
        "if kept != mine:",
    ),
    ("LBFGS is let in", "if isinstance(optimizer, LBFGS):", "if False:"),
]
