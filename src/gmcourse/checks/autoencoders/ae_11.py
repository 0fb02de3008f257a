"""Exercise ae-11: Codes from a Gaussian, whatever the codes."""

import torch

from .._exercise import Exercise


@Exercise(
    id="ae-11",
    title="Codes from a Gaussian, whatever the codes",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Draw from a Gaussian with given mean and covariance, also where the "
        "covariance has no inverse.",
    ),
    statement=r"""
Ex-post density estimation fits a Gaussian to the codes of the training set. In
practice some codes are dead, or two codes are always equal: then the covariance has
no inverse, and a Cholesky factorization stops with an error.

Write `fit_sampler(z)`: `z` holds codes, shape `(n, k)`. Return a function `sample(m)`
that draws `m` independent codes, shape `(m, k)`, from the Gaussian with the mean and
the covariance of `z`, fresh at each call. Where a code is constant in `z`, it is that
constant in every draw, and where two codes are equal, they are equal in every draw,
both to one hundredth of the largest standard deviation of the codes, however small the
codes are: room for rounding, none for a fixed number added to the covariance.
""",
    stub='''
def fit_sampler(z):
    """(n, k) -> a function sample(m) -> (m, k)."""
    return ...
''',
    answers={"fit_sampler": callable},
    hints=(
        "Any matrix R with R Rᵀ = Σ will do: mean + R ε has covariance Σ.",
        "The eigendecomposition of Σ exists whatever its rank. What do rounding errors "
        "do to eigenvalues that ought to be zero?",
        "R may even be the centered data themselves, (n, k), divided by the root of n: "
        "then ε has n entries.",
    ),
    misconceptions={
        "standard normal drawn": "Mean and covariance of z are due.",
        "covariance left out": "The draws have the mean of z and covariance one.",
        "each code on its own": "The codes are correlated; their covariance is due, "
        "not the variances alone.",
        "covariance in place of its root": "mean + Σ ε has covariance Σ².",
        "root on the wrong side": "With row vectors the factor is transposed: a row "
        "ε Lᵀ has covariance L Lᵀ.",
        "rotation forgotten": "The roots of the eigenvalues are spreads along the "
        "eigenvectors, not along the codes.",
        "training codes drawn again": "Repeating codes of the training set is no "
        "Gaussian: its draws are new.",
        "noise added to the covariance": "A constant code has to stay constant; a "
        "small number on the diagonal moves it.",
        "breaks where the covariance has no inverse": "A Cholesky factor needs a "
        "positive definite matrix, and rounding makes eigenvalues that should be 0 "
        "negative: use a root that always exists.",
    },
)
def ae_11(t, fit_sampler):
    n, k, m = 200, 3, 4000
    # Exactly known moments, far from a diagonal covariance; the divisors n and n - 1
    # of a covariance are equally right.
    root = torch.tensor([[1.5, 0, 0], [-2.0, 0.6, 0], [1.0, 0.9, 0.5]]).double()
    root = root * t.uniform(1, low=0.8, high=1.2).double()
    mean = t.away(k, low=3, high=6).double()
    # Far from Gaussian, too: the codes lie near the corners of a box.
    signs = (2 * t.integers(n, k, low=0, high=1) - 1).double()
    signs += 0.05 * torch.randn(n, k, generator=t.rng, dtype=torch.float64)
    corners = torch.linalg.qr(signs - signs.mean(0))[0]
    z = (mean + (n - 0.5) ** 0.5 * corners @ root.T).float()

    t.property("a function that draws (m, k)")
    sample = t.call(fit_sampler, z)
    t.true(callable(sample), "a function", type(sample).__name__)
    t.shape(t.call(sample, 7), (7, k), "m draws of k codes.")
    one, two = (z.double() for z in t.fresh(lambda m: t.call(sample, m), m))
    again = torch.cdist(one[:50].float(), z).amin(1).median()
    told = "Draws are new.", "Draws are rows of z.", "training codes drawn again"
    t.true(again > 1e-4, *told)

    t.property("the mean of the codes")
    cov, stds = root @ root.T, root.square().sum(1).sqrt()
    plain = one.std(0).log().abs().max() < 0.1
    ideas = {"standard normal drawn" if plain else "mean not added": 0.0}
    wide = torch.maximum(one.std(0), stds)
    t.mean(one, mean, wide, "The mean of z.", ideas=ideas)

    t.property("their standard deviations")
    spreads = torch.linalg.eigvalsh(cov).sqrt()
    ideas = {
        "covariance left out": 1.0,
        "covariance in place of its root": (cov @ cov).diagonal().sqrt(),
        "root on the wrong side": (root.T @ root).diagonal().sqrt(),
        "rotation forgotten": [spreads, spreads.flip(0)],
    }
    on_a_line = (one.T.corrcoef().abs() > 0.99).all()
    single = "one noise for all dimensions" if on_a_line else None
    t.std(one, stds, "Those of z.", single, ideas)

    t.property("their correlations: white after the root is undone")

    def white(draws):
        e = (t.tensor(draws).detach().double() - mean).T
        return torch.linalg.solve_triangular(root, e, upper=False).T

    alone = torch.linalg.inv(root) @ torch.diag(stds)
    ideas = {"each code on its own": alone.square().sum(1).sqrt()}
    t.std(white(one), 1.0, "Independent standard normals.", single, ideas)

    t.property("a constant code, and two codes that are equal")
    flat = torch.cat([z, torch.full((n, 1), 2.5), z[:, :1]], 1)
    singular = "breaks where the covariance has no inverse"
    # Rounding puts the eigenvalues that ought to be 0 on either side of it.
    for size in (1.0, 0.001, *t.uniform(8, low=0.1, high=3.0).tolist()):
        # Single precision keeps seven digits of a covariance, hence three or four of
        # a standard deviation; a number on the diagonal does not know the size.
        room = 0.01 * size * float(stds.max())
        try:
            drawn = t.tensor(fit_sampler(size * flat)(200)).detach().double()
        except Exception as error:
            why, got = "A Gaussian on a plane is one, too.", type(error).__name__
            t.fail(singular, why=why, got=got)
        t.shape(drawn, (200, k + 2), "200 draws.")
        t.finite(drawn, "The covariance is positive semi-definite.", singular)
        noisy = "noise added to the covariance"
        scale = "" if size == 1 else f" Here z is multiplied by {size:.3g}."
        why = f"A constant code stays constant, to {room:.2g}.{scale}"
        t.at_most((drawn[:, 3] - 2.5 * size).abs(), room, why, noisy)
        why = f"Equal codes stay equal, to {room:.2g}.{scale}"
        t.at_most((drawn[:, 4] - drawn[:, 0]).abs(), room, why, noisy)

    t.property("independent and normal")
    normal, other = torch.special.ndtr, "noise that is not normal"
    t.distribution(white(one), normal, "Independent standard normals.", other)

    def few():
        return torch.stack([white(t.call(sample, 5))[:, 0] for _ in range(1000)])

    t.independent_noise(white(one)[:, None], white(two)[:, None], few)
    t.far_tails(white(t.call(sample, 100_000)).flatten())
