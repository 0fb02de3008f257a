"""Mistakes in testing/_densities.py, and the tests that must notice them."""

TESTS = ("test_battery.py", "test_contract.py")
MUTANTS = [
    ("the mean score is not looked at", "assert worst < 9", "assert worst < 9e9"),
    (
        "any factor will do",
        "assert (factor - 1).abs() < 1e-6",
        "assert (factor - 1).abs() < 1e6",
    ),
    ("any sum will do", "assert abs(total - 1) < 1e-6", "assert abs(total - 1) < 1e6"),
]
