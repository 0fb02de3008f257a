"""Mistakes in augment.py, and the tests that must notice them."""

TESTS = ("test_augment.py", "test_contract.py::test_the_contract_holds")
MUTANTS = [
    ("upside down", "x.flip(3), x)", "x.flip(2), x)"),
    ("always mirrored", "< 0.5\n", "< 1.5\n"),
    (
        "one coin for the batch",
        "coin = torch.rand(len(x), device",
        "coin = torch.rand(1, device",
    ),
    (
        "three of the four turns",
        "torch.randint(4, (len(x),)",
        "torch.randint(3, (len(x),)",
    ),
    ("never unturned", "torch.randint(4, (len(x),)", "torch.randint(1, 4, (len(x),)"),
    (
        "one turn for the batch",
        "k = torch.randint(4, (len(x),), device=x.device)",
        "k = torch.randint(4, (1,), device=x.device).expand(len(x))",
    ),
    ("half turns", "x.rot90(k, (2, 3))", "x.rot90(2 * k, (2, 3))"),
    (
        "never the last shift",
        "torch.randint(-most, most + 1,",
        "torch.randint(-most, max(most, 1),",
    ),
    ("a quarter of the side", "x.shape[axis] // 8", "x.shape[axis] // 4"),
    (
        "one shift for the batch",
        "most + 1, (len(x), 1), device=x.device)",
        "most + 1, (1, 1), device=x.device).expand(len(x), 1)",
    ),
    ("shifted along one axis", "for axis in (2, 3):", "for axis in (2,):"),
    (
        "rows for columns",
        "place[:, None, :, None] if axis == 2",
        "place[:, None, :, None] if axis == 3",
    ),
    (
        "wrapped around",
        "return size - 1 - (size - 1 - place).abs()",
        "return place % size",
    ),
    (
        "the border repeated",
        "return size - 1 - (size - 1 - place).abs()",
        "return place.clamp(0, size - 1)",
    ),
    (
        "a brightness for each pixel",
        "x + _each(0.1 * torch.randn(len(x), device=x.device, dtype=x.dtype))",
        "x + 0.1 * torch.randn_like(x)",
    ),
    ("only brighter", "_each(0.1 * torch.randn(", "_each(0.1 * torch.rand("),
    ("twice as bright", "_each(0.1 *", "_each(0.2 *"),
    (
        "contrast about black",
        "return 0.5 + _each(factor) * (x - 0.5)",
        "return _each(factor) * x",
    ),
    ("contrast to the power of e", "factor = 2 **", "factor = 2.718 **"),
    ("a contrast below 0", "factor = 2 ** (", "factor = 1 + ("),
    (
        "one chance for the batch",
        "chosen = torch.rand(len(x), device",
        "chosen = torch.rand(1, device",
    ),
    (
        "the chance to be left alone",
        "device=x.device) < self.p",
        "device=x.device) >= self.p",
    ),
    (
        "chosen once for all kinds",
        "        for kind in self.kinds:\n            chosen = ",
        "        for kind in self.kinds:\n            torch.manual_seed(1)\n"
        "            chosen = ",
    ),
    (
        "kinds of the first image",
        "_changed(kind, x), x)\n        return x",
        "_changed(kind, x), x)\n            break\n        return x",
    ),
    (
        "no gradient",
        "x = torch.where(_each(chosen), _changed(kind, x), x)",
        "x = torch.where(_each(chosen), _changed(kind, x), x).detach()",
    ),
    ("images of another shape", "if y.shape != x.shape or", "if"),
    (
        "integers for pixels",
        " or y.is_floating_point() != x.is_floating_point():",
        ":",
    ),
    ("another precision", "return y.to(x.dtype)", "return y"),
    ("one kind without its comma", "if callable(kinds):", "if False:"),
    (
        "moves in eval mode",
        "if self.target is None or not self.training:",
        "if self.target is None:",
    ),
    (
        "moves without a target",
        "self.target is None or not self.training",
        "not self.training",
    ),
    (
        "less where the critic is sure",
        "(values.sign().mean() - self.target).sign()",
        "(self.target - values.sign().mean()).sign()",
    ),
    ("the mean of the values", "values.sign().mean()", "values.mean()"),
    (
        "as far as it is too sure",
        "(values.sign().mean() - self.target).sign()",
        "(values.sign().mean() - self.target)",
    ),
    (
        "a step for each batch",
        "too_sure * len(values) / self.images",
        "too_sure / self.images",
    ),
    ("chance above 1", ".clamp_(0, 1)", ".clamp_(min=0)"),
    ("chance below 0", ".clamp_(0, 1)", ".clamp_(max=1)"),
    (
        "the chance is not saved",
        'torch.tensor(probability("p", p)))',
        'torch.tensor(probability("p", p)), persistent=False)',
    ),
]
