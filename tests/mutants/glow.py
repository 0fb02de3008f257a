"""Mistakes in glow.py, and the tests that must notice them."""

TESTS = ("test_flows.py", "test_contract.py")
MUTANTS = [
    ("one place alone", "-self.log_std.sum() * _places(x)", "-self.log_std.sum()"),
    ("the sign of the scale", "log_det = -self.log_std", "log_det = self.log_std"),
    ("set by the mean of each example", "x.transpose(0, 1).flatten(1)", "x.flatten(1)"),
    ("set in eval mode too", "self.training and not self.ready", "not self.ready"),
    ("set at every batch", "        self.ready.fill_(True)\n", ""),
    (
        "a variance for a deviation",
        "values.std(1, correction=0)",
        "values.var(1, correction=0)",
    ),
    (
        "mixed once, counted once",
        "self.log_size.sum() * _places(x)",
        "self.log_size.sum()",
    ),
    ("signs lost", "self.sign * self.log_size.exp()", "self.log_size.exp()"),
    (
        "the inverse of the permutation",
        "self.permutation @ lower @ upper",
        "self.permutation.T @ lower @ upper",
    ),
    (
        "undone where it is done",
        "self._mixed(x, self.matrix)",
        "self._mixed(x, self.inverse)",
    ),
    (
        "all channels go on",
        "self.chain.to_latent(x[:, half:], c)",
        "self.chain.to_latent(x[:, half:] * 1.01, c)",
    ),
    (
        "the other half",
        "torch.cat([x[:, :half], z], 1)",
        "torch.cat([z, x[:, :half]], 1)",
    ),
    (
        "the logit without its slope",
        "(slope + math.log(share)).flatten(1).sum(1)",
        "0 * slope.flatten(1).sum(1)",
    ),
    ("the slope without the margin's", "(slope + math.log(share))", "slope"),
    ("a margin on one side", "share = 1 - 2 * self.margin", "share = 1 - self.margin"),
    (
        "moved into other channels on the way back",
        "self.chain.from_latent(self._small(z), c), 2)",
        "self.chain.from_latent(self._small(z).flip(1), c), 2)",
    ),
    ("the label forgotten", "h = h + self.label(c)[:, :, None, None]", "pass"),
    (
        "the condition forgotten",
        "x = torch.cat([x, c], 1)",
        "x = torch.cat([x, 0 * c], 1)",
    ),
]
