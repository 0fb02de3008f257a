"""Mistakes in autoencoders.py, and the tests that must notice them."""

TESTS = (
    "test_kept.py",
    "test_autoencoders.py",
    "test_contract.py",
    "test_arguments.py",
    "test_parity_02.py",
)
MUTANTS = [
    (
        "error averaged over pixels",
        "(x - y).square().flatten(1).sum(1)",
        "(x - y).square().flatten(1).mean(1)",
    ),
    (
        "denoiser compared with the noisy input",
        "squared_error(x, self.decode(self.encode(noisy)))",
        "squared_error(noisy, self.decode(self.encode(noisy)))",
    ),
    ("noise is a variance", "x + self.std * torch", "x + self.std**0.5 * torch"),
    ("penalty that rescaling can cheat", "(z * self.decoder.weight.norm(dim=0))", "z"),
    ("codes may be negative", "nn.Sequential(encoder, nn.ReLU())", "encoder"),
    (
        "a floor in the units of the codes",
        "1e-6 * cov.diagonal()",
        "1e-6 * torch.ones_like(cov.diagonal())",
    ),
    ("Cholesky factor transposed", "eps @ self.cholesky.T", "eps @ self.cholesky"),
]
