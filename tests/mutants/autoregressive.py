"""Mistakes in autoregressive.py, and the tests that must notice them."""

TESTS = ("test_autoregressive.py", "test_contract.py")
MUTANTS = [
    ("a value sees itself", "degrees[-1] < place", "degrees[-1] <= place"),
    ("hidden units see too little", "low <= high[:, None]", "low < high[:, None]"),
    ("the order taken for the places", "place[order] = ", "place[:] = "),
    (
        "the places in the order of the values",
        "degrees = [place]",
        "degrees = [order + 1]",
    ),
    ("hidden units of the last degree", "max(1, d - 1) // width", "d // width"),
    ("all units of one degree", "unit * max(1, d - 1) // width + 1", "0 * unit + 1"),
    (
        "kinds of outputs beside each other",
        "place.repeat(per_value)",
        "place.repeat_interleave(per_value)",
    ),
    ("masks forgotten", "layer.weight * mask", "layer.weight"),
    (
        "the first order's masks",
        '(self, f"masks_{i}")[order]',
        '(self, f"masks_{i}")[0]',
    ),
    ("activation at the input", "F.relu(h) if i else h", "F.relu(h)"),
    (
        "logarithms averaged over the orders",
        ".logsumexp(0) - math.log(len(each))",
        ".mean(0)",
    ),
    ("a sum in place of a mixture", " - math.log(len(each))", ""),
    ("always the first order", "torch.randint(len(self.orders), ())", "0"),
    ("all orders in training", "if not self.training", "if True"),
    (
        "drawn in the order of the values",
        "in self.orders[order].tolist()",
        "in range(len(self.orders[order]))",
    ),
    (
        "drawn at once",
        "x.view(n, -1)[:, i] = drawn.reshape(n, -1)[:, i]",
        "x.view(n, -1)[:] = drawn.reshape(n, -1)",
    ),
    (
        "draws side by side",
        "[torch.randperm(n, device=self.device)]",
        "[torch.arange(n, device=self.device)]",
    ),
]
