"""Mistakes in zoo/measure.py, and the tests that must notice them."""

TESTS = (
    "test_zoo_molecules.py",
    "test_zoo.py",
    "test_zoo_text.py",
    "test_zoo_recipes.py",
)
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
        "parts that overlap",
        "part = slice(start, start + size)",
        "part = slice(start, start + size + 1)",
    ),
    ("standard deviation for standard error", "values.std() / n**0.5", "values.std()"),
    ("unseeded", "with seeded(0):", "if True:"),
    (
        "the training set measured",
        'x, c = source.part("test").first(self.n)\n\n        def neg',
        'x, c = source.part("train").first(self.n)\n\n        def neg',
    ),
    (
        "the modes of the test examples",
        "found = modes(drawn, truth.means, std)",
        "found = modes(real, truth.means, std)",
    ),
    (
        "modes of the most, not of the least",
        "int(drawn.counts.min())",
        "int(drawn.counts.max())",
    ),
    (
        "an error without its root",
        "(drawn * (100 - drawn) / n) ** 0.5",
        "drawn * (100 - drawn) / n",
    ),
    ("a channel read as another", "digits.view(-1, 3)", "digits.view(3, -1).T"),
    (
        "the test stacks for the draws",
        "found, floor = coverage(drawn, 1000), coverage(real, 1000)",
        "found, floor = coverage(real, 1000), coverage(drawn, 1000)",
    ),
    (
        "the divergence of the real",
        '{"kl": found.kl, "floor": floor.kl}',
        '{"kl": floor.kl, "floor": found.kl}',
    ),
    ("novel beside all", '.strings("train")[: self.against]', '.strings("train")'),
    ("novel beside the test part", 'source.strings("train")', 'source.strings("test")'),
    (
        "donors of all that are drawn",
        "sum(told) / max(1, len(told))",
        "sum(told) / len(strings)",
    ),
    (
        "donors without an end",
        "min(3, read(string).donors) == due",
        "read(string).donors == due",
    ),
    ("chance as if all were equal", "share.square().sum()", "share.mean()"),
    (
        "the error of one string",
        "(value * (100 - value) / len(strings)) ** 0.5",
        "(value * (100 - value)) ** 0.5",
    ),
    (
        "the real ones for the samples",
        "return Result.mean(drawn, real=float(real.mean()))",
        "return Result.mean(real, real=float(real.mean()))",
    ),
    ("not as warm as asked for", "temperature=how)", "temperature=1.0)"),
    ("read as anything", "argmax(1) == c)", "argmax(1) >= 0)"),
    ("a share for a percentage", "return 100.0 * (judge", "return 1.0 * (judge"),
]
