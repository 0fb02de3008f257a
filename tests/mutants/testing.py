"""Mistakes in testing.py, and the tests that must notice them."""

TESTS = ("test_battery.py", "test_contract.py")
MUTANTS = [
    ("any model passes", "check(copy.deepcopy(model).train())", "pass"),
    (
        "no gradient is asked for",
        "reached = p.grad is not None and",
        "reached = True or",
    ),
    ("the mean score is not looked at", "assert worst < 9", "assert worst < 9e9"),
]
