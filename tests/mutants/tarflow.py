"""Mistakes in tarflow.py, and the tests that must notice them."""

TESTS = ("test_tarflow.py", "test_contract.py")
MUTANTS = [
    (
        "patches of columns first",
        "values.flatten(2).mT",
        "values.mT.flatten(2).mT",
    ),
    ("a token sees itself", "self.into(x[:, :-1]), (0, 0, 1, 0)", "self.into(x)"),
    (
        "a token does not see the one before it",
        "F.pad(self.into(x[:, :-1]), (0, 0, 1, 0))",
        "F.pad(self.into(x[:, :-2]), (0, 0, 2, 0))",
    ),
    ("positions forgotten", "before + self.position + self", "before + self"),
    ("the label forgotten", "+ self.position + self._told(x, c)", "+ self.position"),
    (
        "shift and scale side by side",
        "torch.cat(self.head(h).chunk(self.per_value, 2), 1)",
        "self.head(h).reshape(len(x), -1, self.values)",
    ),
    ("the label forgotten in steps", "h = told + where", "h = 0 * told + where"),
    ("each token from the first", "now(x[:, i - 1 : i])", "now(x[:, :1])"),
    ("written over in a gradient's way", "now(x[:, i - 1 : i])", "x[:, i - 1 : i]"),
    (
        "the place of the token for that of its values",
        "slice(v * i, v * i + v)",
        "slice(i, i + v)",
    ),
    (
        "the first label for none",
        "self.label.num_embeddings - 1, device",
        "0, device",
    ),
    ("pushed the other way", "self.w * (told - plain)", "self.w * (plain - told)"),
    ("w of 1 for no guidance", "told + self.w *", "plain + self.w *"),
    (
        "guided toward the one it is pushed from",
        "self._pushed(self.net.params(x, c), self.net.params(x))",
        "self._pushed(self.net.params(x), self.net.params(x, c))",
    ),
    (
        "the density guided, the draws not",
        "yield place, self._pushed(told, plain)",
        "yield place, told",
    ),
    ("guidance of a label that is required", " or told.required:", ":"),
    ("parts left as they are", "if isinstance(part, Conditionals):", "if False:"),
    ("the same order throughout", "(patches.number)[::-1]", "(patches.number)"),
    ("no identity at the start", "        silent(self.head)\n", ""),
    ("labels never dropped", '"dropped": dropped', '"dropped": 0.0'),
    (
        "sigma for its square",
        'nonnegative("sigma", sigma) ** 2',
        'nonnegative("sigma", sigma)',
    ),
    ("noise added", "y.detach() + variance * score", "y.detach() - variance * score"),
    (
        "the score of another label",
        "() if c is None else (c,)",
        "() if c is None else (0 * c,)",
    ),
    (
        "no gradient where none is asked for",
        "torch.enable_grad(), evaluating",
        "evaluating",
    ),
    (
        "left in train mode",
        "torch.enable_grad(), evaluating(model)",
        "torch.enable_grad()",
    ),
]
