"""Mistakes in multiscale.py, and the tests that must notice them."""

TESTS = ("test_flows.py", "test_contract.py")
MUTANTS = [
    (
        "no place of its own",
        "self.first(seen.permute(0, 3, 1, 2)) + self.place",
        "self.first(seen.permute(0, 3, 1, 2))",
    ),
    ("neighbors forgotten", "h = h + near(h.relu())", "h = h + 0 * near(h.relu())"),
    ("far places forgotten", "far.weight @ at + far.bias", "at + far.bias"),
    ("the noise is seen", "flip=True, seen=level", "flip=True"),
    ("the noise of the smallest is seen", "**how), spline, level)", "**how), spline)"),
    ("other corners", "Permute([1, 2, 0, 3])", "Permute([0, 1, 2, 3])"),
    ("not back in its place", "Permute([2, 0, 1, 3])", "Permute([0, 1, 2, 3])"),
    (
        "the one that stayed goes on as well",
        "OnHalf(coupling(1, half, width), OnHalf(coarser))",
        "OnHalf(coupling(1, half, width))",
    ),
    (
        "the fine ones stay",
        "Coupling(net, spline, flip=True",
        "Coupling(net, spline, flip=False",
    ),
    ("no identity at the start", "        silent(self.last)\n", ""),
    ("any spline", "if not spline.unit:", "if False:"),
]
