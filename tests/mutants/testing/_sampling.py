"""Mistakes in testing/_sampling.py, and the tests that must notice them."""

TESTS = ("test_battery.py", "test_contract.py")
MUTANTS = [
    ("samples may be deaf", "if not torch.equal(one, two):", "if True:"),
    ("one sample for all", "assert (many != many[0]).any()", "assert many is not None"),
]
