"""Mistakes in testing/_losses.py, and the tests that must notice them."""

TESTS = ("test_battery.py", "test_contract.py")
MUTANTS = [
    (
        "a copied batch is not compared",
        "assert gap < 6 * noise",
        "assert gap < 6e9 * noise",
    ),
    ("losses may be deaf", "if not torch.equal(*values):", "if True:"),
    (
        "buffers may move in eval mode",
        "assert same(state_of(model), before)",
        "assert before is not None",
    ),
]
