"""Mistakes in autoregressive.py, and the tests that must notice them."""

TESTS = (
    "test_autoregressive.py",
    "test_pixels.py",
    "test_decoding.py",
    "test_contract.py",
)
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
    ("masks forgotten", "torch.where(mask, layer.weight, 0.0)", "layer.weight"),
    (
        "the first order's masks",
        "places, per_value = self.orders[order]",
        "places, per_value = self.orders[0]",
    ),
    (
        "nothing between two layers",
        "h = h + _masked(layer, F.silu(h)",
        "h = h + _masked(layer, h",
    ),
    ("no way past the hidden layers", "out = out + _masked", "out = _masked"),
    ("inner layers not added", "h = h + _masked(layer", "h = _masked(layer"),
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
        "values[:, place] = drawn",
        "values[:] = drawn[:, None]",
    ),
    (
        "one order for all draws",
        "torch.randint(len(self.orders), (n,))",
        "torch.randint(len(self.orders), (1,)).expand(n)",
    ),
    ("a temperature the wrong way", "params / temperature", "params * temperature"),
    (
        "restricted before the temperature",
        "params = params / temperature\n"
        "                params = params if restrict is None else restrict(params)",
        "params = params if restrict is None else restrict(params)\n"
        "                params = params / temperature",
    ),
    ("any likelihood is restricted", "likelihood.per_value > 1)", "True)"),
    ("known values drawn", "if place not in kept", "if place >= 0"),
    (
        "given ones not put in",
        "torch.where(known.to(x.device), given.to(x), x)",
        "x.clone()",
    ),
    (
        "all given, as if known",
        "torch.where(known.to(x.device), given.to(x), x)",
        "given.to(x).expand_as(x).clone()",
    ),
    ("another row's given", "given[rows]", "given[: int(rows.sum())]"),
    (
        "a value that sees itself in the sum",
        "values[:, place, None] * self.into[place]",
        "values[:, place - 1, None] * self.into[place]",
    ),
    (
        "the hidden layer's own sums",
        "total.sigmoid() @ self.out[place]",
        "total @ self.out[place]",
    ),
    ("no bias at the outputs", " + self.bias[place]", " + 0 * self.bias[place]"),
    (
        "the sum over a batch",
        "-self.log_prob(x, c).mean()",
        "-self.log_prob(x, c).sum()",
    ),
]
