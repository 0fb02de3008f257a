"""Mistakes in flows.py, and the tests that must notice them."""

TESTS = ("test_flows.py", "test_tarflow.py", "test_contract.py")
MUTANTS = [
    ("the constant once", "z.shape[1] * math.log", "math.log"),
    ("the constant without its pi", "math.log(2 * math.pi))", "math.log(2))"),
    (
        "the sign of the log-determinant",
        "normal_log_prob(z) + log_det",
        "normal_log_prob(z) - log_det",
    ),
    (
        "the log-determinant forgotten",
        "normal_log_prob(z) + log_det",
        "normal_log_prob(z)",
    ),
    ("the last part's alone", "log_det = log_det + more", "log_det = more"),
    ("undone in the same order", "in reversed(self.parts)", "in self.parts"),
    ("the sign in an inverse", "return z, -self.part", "return z, self.part"),
    (
        "the log-determinant at x",
        "self.part.to_latent(z, c)[1]",
        "self.part.to_latent(x, c)[1]",
    ),
    (
        "a temperature squared",
        "temperature * self.noise",
        "temperature**2 * self.noise",
    ),
    (
        "put back by the same order",
        "index_select(1, self.back)",
        "index_select(1, self.order)",
    ),
    (
        "the moved half steers",
        "self._params(stay, c))\n        return self._joined(stay, moved), slopes",
        "self._params(moved, c))\n        return self._joined(stay, moved), slopes",
    ),
    (
        "the noise is seen",
        "seen = stay if self.seen is None else self.seen(stay)",
        "seen = stay",
    ),
    (
        "slopes of each value",
        "moved), slopes.flatten(1).sum(1)",
        "moved), slopes.flatten(1).mean(1)",
    ),
    (
        "the condition forgotten on the way back",
        "self.transform.from_latent(moved, self._params(stay, c))",
        "self.transform.from_latent(moved, self._params(stay, None))",
    ),
    (
        "halves joined the wrong way",
        "(moved, stay) if self.flip",
        "(stay, moved) if self.flip",
    ),
    (
        "dropped in eval mode too",
        "if self.training and self.dropped",
        "if self.dropped",
    ),
    ("none dropped", "c = self.condition.drop(c, self.dropped)", "pass"),
    ("always the same half", "flip=bool(i % 2)", "flip=False"),
    ("no identity at the start", "        silent(net[-1])\n", ""),
]
