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
    ("the condition forgotten", "self.model.loss(x, c)", "self.model.loss(x)"),
    ("no condition for the engine", "self.engine(x, c)", "self.engine(x)"),
    ("not told the step", "self.engine.module.model.at(step)", "pass"),
    ("told the first step", "module.model.at(step)", "module.model.at(0)"),
    ("no condition", "self.condition = model.condition", "self.condition = None"),
    ("the weights' precision", "            model.dtype,\n", "            None,\n"),
    ("any level", "            model.levels,\n", "            None,\n"),
]
