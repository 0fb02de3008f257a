"""Mistakes in testing/_tools.py, and the tests that must notice them."""

TESTS = ("test_battery.py", "test_contract.py")
MUTANTS = [
    ("anything is refused", 'raise AssertionError(f"{what} is accepted")', "return")
]
