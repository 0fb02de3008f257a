"""Mistakes in zoo/measure/likelihoods.py, and the tests that must notice them."""

TESTS = ("test_zoo_text.py", "test_zoo_recipes.py", "test_zoo.py")
MUTANTS = [
    (
        "the tail of a text lost",
        "range(0, last, length // 2), last]",
        "range(0, last + 1, length // 2)]",
    ),
    ("the first half counted", ">= length - new]", "< new]"),
    (
        "characters as if independent",
        "result, error = Result.mean(nats), Result.mean(means).std_error",
        "result = Result.mean(nats); error = result.std_error",
    ),
    ("bits times log 2", "result.value / math.log(2)", "result.value * math.log(2)"),
    (
        "windows that follow one another",
        "range(0, last, length // 2)",
        "range(0, last, length)",
    ),
    (
        "the bound without its sign",
        "return self.result(-bound, model)",
        "return self.result(bound, model)",
    ),
    (
        "log p for -log p",
        "return -(model.log_prob(x) if",
        "return (model.log_prob(x) if",
    ),
    (
        "a conditional quantity called unconditional",
        '"-log p(x)" if model.condition is None else "-log p(x | c)"\n\n    def result',
        '"-log p(x)"\n\n    def result',
    ),
    (
        "the truth below the model",
        "truth.log_prob(x) - model.log_prob(x)",
        "model.log_prob(x) - truth.log_prob(x)",
    ),
    (
        "the entropy for the truth at each point",
        "truth.log_prob(x) - model",
        "-truth.entropy - model",
    ),
    (
        "the training set measured",
        'x, c = source.part("test").first(self.n)\n\n        def neg',
        'x, c = source.part("train").first(self.n)\n\n        def neg',
    ),
    ("an estimate of log p", "[-self.estimate(", "[self.estimate("),
    ("the sum of draws", "torch.stack(each).mean(0)", "torch.stack(each).sum(0)"),
    ("one draw for many", "torch.stack(each).mean(0)", "each[0]"),
    ("a density of whole numbers", '"levels": self.levels}', '"levels": None}'),
    (
        "levels told where they are clear",
        '"ratios": (self.smallest, 80.0)',
        '"ratios": (1e-3, 80.0)',
    ),
    ("one estimate, counted as two", "both.mean(1)", "both[:, 0]"),
    ("the noise of one example", "/ (4 * len(x)) ** 0.5", "/ 2"),
    ("the noise of a difference", "(4 * len(x))", "len(x)"),
]
