"""Mistakes in autoregressive_flows.py, and the tests that must notice them."""

TESTS = ("test_flows.py", "test_tarflow.py", "test_contract.py")
MUTANTS = [
    ("slopes of each value", "slopes.flatten(1).sum(1)", "slopes.flatten(1).mean(1)"),
    ("z of another place", "due[:, own], params", "due.roll(1, 1)[:, own], params"),
    (
        "no masks",
        'weight = layer.weight * getattr(self, f"mask{i}")',
        "weight = layer.weight",
    ),
    (
        "no mask at the end",
        'last.weight * getattr(self, f"mask{len(inner)}")',
        "last.weight",
    ),
    (
        "the label forgotten in steps",
        "                    h = h + told[:, rows]\n",
        "                    pass\n",
    ),
    ("a unit that waits one value longer", "(degrees <= i)", "(degrees < i)"),
    (
        "units computed again and others not",
        "self.ready[max(place - 1, 0)]",
        "self.ready[place]",
    ),
    (
        "the outputs of another kind",
        "own = slice(place, None, self.d)",
        "own = slice(place, place + self.per_value)",
    ),
    (
        "written over in a gradient's way",
        "x.clone() if torch.is_grad_enabled() else x",
        "x",
    ),
    (
        "the noise is seen",
        "seen = x if self.seen is None else self.seen(x)",
        "seen = x",
    ),
    ("the noise is seen in drawing", "= self.seen(values[:, own])", "= values[:, own]"),
    ("always the one direction", "Inverse(part) if inverse else part", "part"),
    ("the same order throughout", "range(d)[::-1]", "range(d)"),
    ("no identity at the start", "        silent(self.layers[-1])\n", ""),
]
