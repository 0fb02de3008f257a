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
        "mean left out": "The draws are centered at zero, the codes are not.",
        "covariance left out": "The draws have the mean of z and covariance one.",
        "each code on its own": "The codes are correlated; their covariance is due, "
        "not the variances alone.",
        "covariance in place of its root": "mean + Σ ε has covariance Σ².",
        "root on the wrong side": "With row vectors the factor is transposed: a row "
        "ε Lᵀ has covariance L Lᵀ.",
        "training codes drawn again": "Repeating codes of the training set is no "
        "Gaussian: its draws are new.",
        "noise added to the covariance": "A constant code has to stay constant; a "
        "small number on the diagonal moves it.",
        "breaks where the covariance has no inverse": "A Cholesky factor needs a "
        "positive definite matrix, and rounding makes eigenvalues that should be 0 "
        "negative: use a root that always exists.",
        "one noise for all codes": "Each draw needs k independent numbers.",
        "draws that depend on each other": "The m draws are independent: no noise is "
        "used twice, with either sign.",
        "rotation forgotten": "The roots of the eigenvalues are spreads along the "
        "eigenvectors, not along the codes.",
        "no Gaussian": "Mean and covariance are right, the shape is not: a Gaussian "
        "comes from Gaussian noise.",
        "noise drawn once": "Each call draws anew.",
    },
)
def ae_11(t, fit_sampler):
    n, k, m = 400, 3, 4000
    # Exactly known moments, far from a diagonal covariance.
    root = torch.tensor([[1.5, 0, 0], [-2.0, 0.6, 0], [1.0, 0.9, 0.5]]).double()
    root = root * t.uniform(1, low=0.8, high=1.2).double()
    mean = t.away(k, low=3, high=6).double()
    # Far from Gaussian, too: the codes lie near the corners of a box.
    signs = (2 * t.integers(n, k, low=0, high=1) - 1).double()
    signs += 0.05 * torch.randn(n, k, generator=t.rng, dtype=torch.float64)
    corners = torch.linalg.qr(signs - signs.mean(0))[0]
    z = (mean + n**0.5 * corners @ root.T).float()

    t.property("a function that draws (m, k)")
    sample = t.call(fit_sampler, z)
    t.true(callable(sample), "a function", type(sample).__name__)
    one, two = t.call(sample, m), t.call(sample, m)
    t.shape(one, (m, k), "m draws of k codes.")
    t.true(not torch.equal(one, two), "Other numbers.", "The same numbers.",
           "noise drawn once")  # fmt: skip
    one = t.tensor(one).detach().double()
    again = torch.cdist(one[:50].float(), z).amin(1).median()
    t.true(again > 1e-4, "Draws are new.", "Draws are rows of z.",
           "training codes drawn again")  # fmt: skip
    alike = bool(one.std(0).max() < 1e-6)
    t.true(not alike, "m draws.", "All rows are equal.", "one noise for all draws")

    t.property("the mean of the codes")
    stds = root.pow(2).sum(1).sqrt()
    zero = torch.zeros(k)
    center = one.mean(0)
    plain = float(one.std(0).log().abs().max()) < 0.1
    name = "standard normal drawn" if plain else "mean left out"
    if float(center.abs().max()) < 0.5:
        t.close(center, mean, "The mean of z.", name, tol=1e-2)
    t.mean(one, mean, torch.maximum(one.std(0), stds), "The mean of z.",
           ideas={"mean left out": zero})  # fmt: skip

    t.property("their standard deviations")
    cov = root @ root.T
    squared = (cov @ cov).diagonal().sqrt()
    turned = (root.T @ root).diagonal().sqrt()
    spreads = torch.linalg.eigvalsh(cov).sqrt()
    ideas = {
        "covariance left out": 1.0,
        "covariance in place of its root": squared,
        "root on the wrong side": turned,
        "one noise for all codes": root.sum(1).abs(),
        "rotation forgotten": [spreads, spreads.flip(0)],
    }
    t.std(one, stds, "Those of z.", ideas=ideas)

    t.property("their correlations: white after the root is undone")
    white = torch.linalg.solve_triangular(root, (one - mean).T, upper=False).T
    alone = torch.linalg.inv(root) @ torch.diag(stds)
    ideas = {"each code on its own": alone.pow(2).sum(1).sqrt()}
    single = (
        "one noise for all codes" if (one.T.corrcoef().abs() > 0.99).all() else None
    )
    t.std(white, 1.0, "Independent standard normals.", single, ideas)
    cdf = torch.distributions.Normal(0.0, 1.0).cdf
    t.distribution(white, cdf, "Independent standard normals.", "no Gaussian")
    t.independent(white, "Independent standard normals.", "no Gaussian")

    t.property("independent draws: neighbors, halves, calls")
    next_call = t.tensor(two).detach().double()
    for a, c in ((one[::2], one[1::2]), one.chunk(2), (one, next_call)):
        both = torch.cat([a[:, :1], c[:, :1]], 1)
        other = "draws that depend on each other"
        t.independent(both, "No draw tells about another.", other)

    t.property("a constant code, and two codes that are equal")
    flat = torch.cat([z, torch.full((n, 1), 2.5), z[:, :1]], 1)
    for size in (1.0, 0.001):
        # Single precision keeps seven digits of a covariance, hence three or four of
        # a standard deviation; a number on the diagonal does not know the size.
        room = 0.01 * size * float(stds.max())
        try:
            drawn = t.tensor(fit_sampler(size * flat)(200)).detach().double()
        except Exception as error:
            name = "breaks where the covariance has no inverse"
            why, got = "A Gaussian on a plane is one, too.", type(error).__name__
            t.fail(name, why=why, got=got)
        t.shape(drawn, (200, k + 2), "200 draws.")
        t.finite(drawn, "The covariance is positive semi-definite.",
                 "breaks where the covariance has no inverse")  # fmt: skip
        noisy = "noise added to the covariance"
        scale = "" if size == 1 else f" Here z is multiplied by {size}."
        why = f"A constant code stays constant, to {room:.2g}.{scale}"
        t.at_most((drawn[:, 3] - 2.5 * size).abs(), room, why, noisy)
        why = f"Equal codes stay equal, to {room:.2g}.{scale}"
        t.at_most((drawn[:, 4] - drawn[:, 0]).abs(), room, why, noisy)
