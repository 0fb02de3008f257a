"""Mistakes in distributed.py, and the tests that must notice them."""

TESTS = ("test_distributed.py",)
MUTANTS = [
    ("no engine", "return self.engine(x, c)", "return self.engine.module(x, c)"),
    ("outside of a group", "if not distributed.is_initialized():", "if False:"),
    ("several players", "if len(model.players()) != 1:", "if False:"),
    (
        "the batch alone",
        "return self.model.loss(x, c)",
        "return self.model.loss(x.flip(0), c)",
    ),
]
