"""Mistakes in vae.py, and the tests that must notice them."""

TESTS = (
    "test_kept.py",
    "test_vae.py",
    "test_contract.py",
    "test_arguments.py",
    "test_parity_03.py",
)
MUTANTS = [
    ("KL with a plus for log_std", "- 1 - 2 * log_std)", "- 1 + 2 * log_std)"),
    ("KL without its half", "return 0.5 * (mean.square()", "return (mean.square()"),
    (
        "KL averaged over latents",
        "- 1 - 2 * log_std).sum(-1)",
        "- 1 - 2 * log_std).mean(-1)",
    ),
    (
        "log_std read as log variance",
        "return mean + log_std.exp()",
        "return mean + (0.5 * log_std).exp()",
    ),
    (
        "one noise for the batch",
        "return mean + log_std.exp() * torch.randn_like(mean)",
        "return mean + log_std.exp() * torch.randn_like(mean[:1])",
    ),
    (
        "std detached",
        "return mean + log_std.exp()",
        "return mean + log_std.detach().exp()",
    ),
    (
        "Gaussian constant once, not per dimension",
        " - 0.5 * LOG_2PI).sum(-1)",
        ").sum(-1) - 0.5 * LOG_2PI",
    ),
    (
        "the noise's density without its width",
        "gaussian_log_prob(eps) - log_std.sum(-1)",
        "gaussian_log_prob(eps)",
    ),
    ("IWAE without log k", ".logsumexp(0) - math.log(k)", ".logsumexp(0)"),
    ("IWAE averages logs", ".logsumexp(0) - math.log(k)", ".mean(0)"),
    (
        "q forgotten in the weights",
        "+ gaussian_log_prob(z) - log_q",
        "+ gaussian_log_prob(z)",
    ),
    (
        "labels in the wrong order",
        "c.expand(k, *c.shape).flatten(0, 1)",
        "c.repeat_interleave(k, 0)",
    ),
    (
        "beta on the reconstruction",
        "self.beta * kl - log_lik",
        "kl - self.beta * log_lik",
    ),
]
