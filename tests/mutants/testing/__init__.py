"""Mistakes in testing/__init__.py, and the tests that must notice them."""

TESTS = ("test_battery.py", "test_contract.py")
MUTANTS = [("any model passes", "check(copy.deepcopy(model).train())", "pass")]
