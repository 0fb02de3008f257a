"""Mistakes in checks/_statistics.py, and the tests that must notice them."""

TESTS = ("test_checks_comparisons.py",)
MUTANTS = [
    ("one-sided tail", "erfc(z.abs() / 2**0.5)", "erfc(z / 2**0.5)"),
    ("mean without sqrt n", " / std * len(x) ** 0.5", " / std"),
    ("half the divergence", "torch.exp(-counts.sum() * rate)", "torch.exp(-rate)"),
    (
        "Massart without its two",
        "torch.exp(-2 * len(x) * gap",
        "torch.exp(-len(x) * gap",
    ),
]
