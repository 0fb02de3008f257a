"""Mistakes in likelihoods.py, and the tests that must notice them."""

TESTS = (
    "test_vae.py",
    "test_arguments.py",
)
MUTANTS = [
    (
        "Bernoulli sign",
        "(x * params - F.softplus(params))",
        "(F.softplus(params) - x * params)",
    ),
    (
        "Bernoulli mean over pixels",
        "F.softplus(params)).flatten(1).sum(1)",
        "F.softplus(params)).flatten(1).mean(1)",
    ),
    ("Gaussian constant counted once", "scaled.shape[1] * constant", "constant"),
    ("Gaussian without log std", ".square() - std.log()", ".square()"),
    (
        "half bins too wide",
        "half = 0.5 / (self.levels - 1)",
        "half = 0.5 / self.levels",
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
]
