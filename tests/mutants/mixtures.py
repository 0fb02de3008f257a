"""Mistakes in mixtures.py, and the tests that must notice them."""

TESTS = (
    "test_kept.py",
    "test_mixtures.py",
    "test_contract.py",
    "test_arguments.py",
    "test_parity_01.py",
    "test_devices.py::test_models_without_networks_are_fitted_where_the_data_is",
)
MUTANTS = [
    ("shares not divided by n", "weights=n_j / len(x)", "weights=n_j / n_j.max()"),
    (
        "covariance about the mean of all",
        "diff = x[:, None] - means",
        "diff = x[:, None] - x.mean(0)",
    ),
    (
        "floor is a variance",
        "floor**2 * torch.eye(x.shape[1]",
        "floor * torch.eye(x.shape[1]",
    ),
    ("seeds drawn by distance, not its square", ".amin(1).square()", ".amin(1)"),
    (
        "unseen pixels counted as black",
        "seen @ F.softplus(self.logits).T",
        "F.softplus(self.logits).sum(1)",
    ),
    (
        "smoothing counted once",
        "(n_j + 2 * smoothing)[:, None]",
        "(n_j + smoothing)[:, None]",
    ),
]
