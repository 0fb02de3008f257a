"""Mistakes in testing/_training.py, and the tests that must notice them."""

TESTS = ("test_battery.py", "test_contract.py")
MUTANTS = [
    (
        "no gradient is asked for",
        "reached = p.grad is not None and",
        "reached = True or",
    ),
    ("weights of nobody", "assert id(p) in owned or", "assert True or"),
]
