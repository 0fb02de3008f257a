"""Mistakes in likelihoods.py, and the tests that must notice them."""

TESTS = (
    "test_likelihoods.py",
    "test_arguments.py",
)
MUTANTS = [
    (
        "Bernoulli sign",
        "return x * params - F.softplus(params)",
        "return F.softplus(params) - x * params",
    ),
    (
        "mean over pixels",
        "self.log_probs(at_least_float32(params), x).flatten(1).sum(1)",
        "self.log_probs(at_least_float32(params), x).flatten(1).mean(1)",
    ),
    (
        "Gaussian constant of a variance",
        "math.log(self.std) + 0.5",
        "2 * math.log(self.std) + 0.5",
    ),
    ("Gaussian without log std", ".square() - std.log()", ".square()"),
    (
        "half bins too wide",
        "half = 0.5 / (levels - 1)",
        "half = 0.5 / levels",
    ),
    (
        "edge bins not open",
        "torch.where(x < half, below,",
        "torch.where(x < -half, below,",
    ),
    ("bin width forgotten", " + torch.log(-torch.expm1(-width))", ""),
    (
        "logistic sampled with the wrong sign",
        "u.log() - (-u).log1p()",
        "u.log() + (-u).log1p()",
    ),
    (
        "weights of a mixture not normalized",
        "log_weight.log_softmax(1), mean",
        "log_weight, mean",
    ),
    (
        "a mixture's logarithms averaged",
        "(log_weight + mass).logsumexp(1)",
        "(log_weight.exp() * mass).sum(1)",
    ),
    (
        "kinds of parameters beside each other",
        "(3, self.components, -1)\n        ).unbind(1)",
        "(self.components, 3, -1)\n        ).unbind(2)",
    ),
    (
        "another component's scale",
        "log_scale.gather(1, one)",
        "log_scale.gather(1, 0 * one)",
    ),
    (
        "softmax over the wrong axis",
        "return params.unflatten(1, (self.levels, -1))",
        "return params.unflatten(1, (-1, self.levels)).movedim(2, 1)",
    ),
    (
        "levels counted for the highest",
        "x * (levels - 1)).round()",
        "x * levels).round()",
    ),
    (
        "draws on another grid",
        "self.tokens.sample(params).to(params.dtype) / (self.levels - 1)",
        "self.tokens.sample(params).to(params.dtype) / self.levels",
    ),
    (
        "the likeliest in place of a draw",
        "share = logits.movedim(1, -1)",
        "share = (9 * logits).movedim(1, -1)",
    ),
    (
        "a sum for a mean",
        "(log_weight.exp() * mean.clamp(0.0, 1.0))",
        "(mean.clamp(0.0, 1.0))",
    ),
]
