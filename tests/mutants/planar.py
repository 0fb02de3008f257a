"""Mistakes in planar.py, and the tests that must notice them."""

TESTS = ("test_flows.py", "test_contract.py")
MUTANTS = [
    ("not invertible", "self.u + (due - raw) * self.w / square", "self.u"),
    ("moved by too much", "* self.w / square", "* self.w"),
    ("a slope of another function", "(1 - t.square())", "(1 - t)"),
    (
        "the offset forgotten on the way back",
        "(a + self.b).tanh()[:, None]",
        "a.tanh()[:, None]",
    ),
    ("the wrong half", "torch.where(above, low, a)", "torch.where(above, a, low)"),
    ("does not begin as the identity", "raw + 0.5413248546", "raw"),
]
