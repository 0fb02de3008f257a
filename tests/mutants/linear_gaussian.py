"""Mistakes in linear_gaussian.py, and the tests that must notice them."""

TESTS = ("test_vae.py", "test_metrics.py", "test_contract.py", "test_parity_03.py")
MUTANTS = [
    (
        "a linear model is trained away from the data",
        "return -self.log_prob(x).mean()",
        "return self.log_prob(x).mean()",
    ),
    (
        "oracle without the noise",
        "return w @ w.T + noise",
        "return w @ w.T + 2 * noise",
    ),
    (
        "sample without its noise",
        "return mean + self.log_std.exp() * torch.randn_like(mean)",
        "return mean",
    ),
]
