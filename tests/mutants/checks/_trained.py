"""Mistakes in checks/_trained.py, and the tests that must notice them."""

TESTS = ("test_checks_combinators.py",)
MUTANTS = [
    ("training mode stays", "    model.eval()", "    pass"),
    (
        "buffers not looked at",
        "(*model.named_parameters(), *model.named_buffers())",
        "model.named_parameters()",
    ),
    ("nan is no divergence", '"training diverged" if value != value else None', "None"),
    ("chance not asked", "value >= chance", "False"),
]
