"""Exercise ae-11: Codes from a Gaussian, whatever the codes."""

import time

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

Write `fit_sampler(z)`: `z` holds codes, shape `(n, k)`, where `k` may be 1. Return a
function `sample(m)` that draws `m` independent codes, shape `(m, k)`, from the Gaussian
with the mean and the covariance of `z`, fresh at each call. Where a code is constant in
`z`, it is that constant in every draw, and where two codes are equal, they are equal in
every draw: up to one percent of the largest standard deviation of the codes, which
leaves room for rounding. Codes may be as small as 1e-9, and a fixed number added to
their covariance would be far too much.
""",
    stub='''
def fit_sampler(z):
    """(n, k) -> a function sample(m) -> (m, k)."""
    return ...
''',
    answers={"fit_sampler": callable},
    hints=(
        r"Any matrix $R$ with $R R^\top = \Sigma$ will do: $\text{mean} + R \epsilon$ "
        r"has covariance $\Sigma$.",
        r"The eigendecomposition of $\Sigma$ exists whatever its rank. What do "
        "rounding errors do to eigenvalues that ought to be zero? For one column "
        "`torch.cov` gives a number, and `torch.atleast_2d` a matrix.",
        "$R$ may even be the centered data themselves, turned to `(k, n)` and divided "
        r"by $\sqrt{n - 1}$, as in `torch.cov`: then $\epsilon$ has $n$ entries.",
    ),
    misconceptions={
        "standard normal drawn": "Mean and covariance of z are due.",
        "covariance left out": "The draws have the mean of z and covariance one.",
        "each code on its own": "The codes are correlated; their covariance is due, "
        "not the variances alone.",
        "covariance in place of its root": "mean + Σ ε has covariance Σ².",
        "root on the wrong side": "With row vectors the factor is transposed: a row "
        "ε Lᵀ has covariance L Lᵀ.",
        "not rotated, or the wrong way": "The roots of the eigenvalues are spreads "
        "along the eigenvectors, not along the codes: the rotation is missing, or the "
        "factor is transposed (rows: ε Rᵀ).",
        "root of each entry": "The root of a matrix is no matrix of roots.",
        "inverse of the covariance": "The draws are wide where the codes are narrow.",
        "directions left out": "All directions count, also narrow ones: the draws lie "
        "nearly on a line or a plane where the codes do not.",
        "covariance of the rows": "torch.cov takes each row for a variable: it wants "
        "the transpose.",
        "noise of another shape and spread": "What the root is applied to must be "
        "standard normal: not cut off, and no mixture of training codes.",
        "standard deviations off, correlations right": "Each code is off by a factor "
        "of its own.",
        "correlations off, standard deviations right": "Each code alone is right; what "
        "they have in common is not.",
        "another center": "The mean of each code is due: not its median, a single code "
        "or the middle of its range.",
        "rows and columns swapped": "One row for each draw, one column for each code.",
        "n draws in place of m": "How many to draw is the argument of sample.",
        "training codes drawn again": "Repeating codes of the training set is no "
        "Gaussian: its draws are new.",
        "draws end where the training codes end": "A Gaussian has no range: its draws "
        "lie beyond the codes that it was fitted to, too.",
        "one mean for all codes": "Each code has a mean of its own.",
        "correlations in place of the covariance": "The draws have the right "
        "correlations, and a standard deviation of 1.",
        "another factor on the covariance": "The draws have the right shape, and are "
        "too wide or too narrow, all by the same factor. The covariance is a mean over "
        "the codes, and counts once.",
        "noise added to the covariance": "A constant code has to stay constant; a "
        "small number on the diagonal moves it.",
        "constant codes lost": "The constant itself is due, in every draw.",
        "breaks where the covariance has no inverse": "All was well where it has one. "
        "Dead and equal codes make variances that are 0 up to rounding, on either side "
        "of it: use a root that always exists.",
        "a size taken for granted": "Codes may be small: a number below which a "
        "variance counts as zero, or to which it is rounded, has a unit.",
        "an axis of length one lost": "One draw, or one code, still has two axes.",
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
    shapes = {"rows and columns swapped": (k, 7), "n draws in place of m": (n, k)}
    t.shape(t.call(sample, 7), (7, k), "m draws of k codes.", ideas=shapes)
    start = time.process_time()
    one, two = (z.double() for z in t.fresh(lambda m: t.call(sample, m), m))
    quick = time.process_time() - start < 0.02
    again = torch.cdist(one[:50].float(), z).amin(1).median()
    told = "Draws are new.", "Draws are rows of z.", "training codes drawn again"
    t.true(again > 1e-4, *told)
    why, got = "Some draws lie beyond all codes of z.", "None does."
    ends = "draws end where the training codes end"
    t.true((one.amax(0) - z.amax(0)).abs().max() > 1e-4, why, got, ends)

    why, got = "No draw tells of the one before it.", "a correlation of {:.2f}"
    pair = torch.stack([one[:-1, 0], one[1:, 0]]).corrcoef()[0, 1]
    got = got.format(float(pair))
    t.true(not abs(pair) > 0.2, why, got, "draws not independent")

    def white(draws):
        e = (t.tensor(draws).detach().double() - mean).T
        return torch.linalg.solve_triangular(root, e, upper=False).T

    t.property("the mean of the codes")
    stds = root.square().sum(1).sqrt()
    seen, inner = one.std(0), white(one)
    plain = seen.log().abs().max() < 0.1
    flat_noise = (inner.std(0) * 12**0.5).log().abs().max() < 0.05
    ends = z.double().amin(0), z.double().amax(0)
    ideas = {
        "standard normal drawn" if plain else "mean not added": 0.0,
        "uniform noise": one.mean(0) if flat_noise else torch.inf,
        "one mean for all codes": mean.mean(),
        "another center": [z.double().median(0).values, sum(ends) / 2, *ends, z[0],
                           z[-1], 2 * mean, -mean, mean.abs(), mean + stds],
    }  # fmt: skip
    wide = torch.maximum(seen, stds)
    t.mean(one, mean, wide, "The mean of z.", ideas=ideas)

    def still() -> bool:
        """Whether a code that is constant stays so."""
        try:
            drawn = fit_sampler(torch.cat([z, torch.full((n, 1), 2.5)], 1))(200)
            return bool(t.tensor(drawn).detach()[:, k].std() < 0.01)
        except Exception:
            return False

    t.property("their standard deviations")
    name = cause(z.double(), root, mean, one, inner, still)
    t.std(one, stds, "Those of z.", name)
    t.property("their correlations: white after the root is undone")
    t.std(inner, 1.0, "Independent standard normals.", name)

    t.property("one draw, and one code")
    lost = "an axis of length one lost"
    t.shape(t.call(sample, 1), (1, k), "one draw.", lost)
    thin = t.call(t.call(fit_sampler, z[:, :1]), 4000)
    t.shape(thin, (4000, 1), "draws of one code.", lost)
    # Here and below eleven standard errors are allowed: no right sampler needs them.
    spread = t.tensor(thin).detach().double().std(0)
    t.close(spread / stds[:1], torch.ones(1), "The deviation of z.", tol=0.06)

    t.property("codes far from zero")
    far, large = 1e4, "difference of large numbers"
    drawn = t.tensor(t.call(t.call(fit_sampler, z + far), m)).detach().double()
    t.finite(drawn, "A shift moves the mean alone.", large)
    off, why = (drawn.mean(0) - far - mean) / stds, "A shift moves the mean by as much."
    ideas = {"result of an earlier call": -far / stds}
    t.close(off, torch.zeros(k), why, large, ideas, tol=0.3)
    spread = white(drawn - far).std(0)
    t.close(spread, torch.ones(k), "A shift moves the mean alone.", large, tol=0.06)

    t.property("a constant code, and codes that are equal")
    flat = torch.cat([z, torch.full((n, 1), 2.5), z], 1)
    fewer = {"constant codes lost": (200, 2 * k)}
    singular = "breaks where the covariance has no inverse"
    # Rounding puts the eigenvalues that ought to be 0 on either side of it.
    for size in (1.0, 1e-3, 1e-9, *t.uniform(6, low=0.1, high=3.0).tolist()):
        # Single precision keeps seven digits of a covariance, hence three or four of
        # a standard deviation; a number on the diagonal does not know the size.
        room = 0.01 * size * float(stds.max())
        try:
            drawn = t.tensor(fit_sampler(size * flat)(200)).detach().double()
        except Exception as error:
            why, got = "A Gaussian on a plane is one, too.", type(error).__name__
            t.fail(singular, why=why, got=got)
        t.shape(drawn, (200, 2 * k + 1), "200 draws.", ideas=fewer)
        t.finite(drawn, "The covariance is positive semi-definite.", singular)
        moved, gap = drawn[:, k] - 2.5 * size, drawn[:, k + 1 :] - drawn[:, :k]
        noise, split = moved.std(), gap.std(0)
        if moved.abs().min() > room > noise:
            name = "constant codes lost"
        elif noise > 0 and (split / noise / 2**0.5).log().abs().max() < 0.3:
            name = "noise added to the covariance"
        elif (split / stds / size / 2**0.5).log().abs().max() < 0.3:
            name = "each code on its own"
        else:
            name = singular
        scale = "" if size == 1 else f" Here z is multiplied by {size:.3g}."
        why = f"A constant code stays constant, to {room:.2g}.{scale}"
        t.at_most(moved.abs(), room, why, name)
        t.at_most(
            gap.abs(), room, f"Equal codes stay equal, to {room:.2g}.{scale}", name
        )

    t.property("small codes")
    for size in (1e-3, 1e-9):
        drawn = t.tensor(t.call(t.call(fit_sampler, size * z), m)).detach().double()
        why = f"All codes are multiplied by {size:g}, and so are the draws."
        spread, unit = white(drawn / size).std(0), "a size taken for granted"
        t.close(spread, torch.ones(k), why, unit, tol=0.06)

    # Code that draws code by code is spared most of them.
    many = white(t.call(sample, 100_000 if quick else 10_000))
    t.property(f"one spread in {len(many):,} draws")
    spread, room = many.std(0), 0.002 + 6 / (2 * len(many)) ** 0.5
    alike = spread.amax() - spread.amin() < room
    bell = abs(((many / spread) ** 4).mean() - 3) < 0.1
    why, got = "Independent standard normals.", f"{spread.mean():.4g} times as wide"
    factor = alike and bell and (spread.mean() - 1).abs() > room
    t.true(not factor, why, got, "another factor on the covariance")

    t.property("independent and normal")
    normal, other = torch.special.ndtr, "noise that is not normal"
    t.distribution(white(one), normal, why, other)

    def few():
        return torch.stack([white(t.call(sample, 5))[:, 0] for _ in range(1000)])

    t.independent_noise(white(one)[:, None], white(two)[:, None], few)
    t.far_tails(many.flatten())


def cause(z, root, mean, one, inner, still) -> str | None:
    """The mistake whose covariance the draws have, ``inner`` being whitened draws."""
    cov, (m, k) = root @ root.T, one.shape
    back, eye = torch.linalg.inv(root), torch.eye(k).double()
    stds = cov.diagonal().sqrt()
    seen, sides = inner.T.cov(), back @ back.T
    values, vectors = torch.linalg.eigh(cov)

    def fits(white) -> bool:
        size = white.diagonal()
        error = ((size[:, None] * size + white**2).clamp(min=0) / m).sqrt()
        return bool(((seen - white).abs() <= 7 * error + 1e-5).all())

    def made(factor):
        return back @ factor @ factor.T @ back.T

    ones = torch.ones(k, 1).double()
    turned = vectors * values.sqrt()
    symmetric = turned @ vectors.T
    entries = [cov.abs().sqrt(), cov.clamp(min=0).sqrt(), cov.sign() * cov.abs().sqrt()]
    flip = vectors.flip(1) * values.flip(0).sqrt()
    rows = torch.linalg.cholesky(torch.cov(z)[:k, :k] + 1e-9 * eye)
    thin = [torch.tensor(v).double() for v in (
        (0, 0, 1), (0, 1, 1), (1, 0, 0), (1, 1, 0), (0, 1, 0))]  # fmt: skip
    squared = torch.diag(stds**2)
    rivals = {
        "covariance left out": [eye],
        "each code on its own": [torch.diag(stds)],
        "covariance in place of its root": [cov, turned * values.sqrt(), squared],
        "root on the wrong side": [root.T],
        "not rotated, or the wrong way": [
            *[torch.diag(v).sqrt() for v in (values, values.flip(0))], turned.T, flip.T,
            vectors.T * values.sqrt(), torch.diag(values), torch.diag(values.flip(0))],
        "root of each entry": entries,
        "inverse of the covariance": [back, back.T, torch.linalg.inv(cov),
                                      turned / values],
        "correlations in place of the covariance": [root / stds[:, None]],
        "second moment in place of the variance": [torch.cat([root, mean[:, None]], 1)],
        "one noise for all dimensions": [
            v @ ones for v in (root, root.T, turned, flip, turned.T, symmetric,
                               torch.diag(stds), eye, cov)],
        "directions left out": [vectors * (values * v).sqrt() for v in thin],
        "covariance of the rows": [rows],
    }  # fmt: skip
    for name, factors in rivals.items():
        if any(fits(made(factor)) for factor in factors):
            return name
    # A factor on the covariance; a number on its diagonal, also as a mixture.
    scale = seen.trace() / k
    if fits(scale * eye):
        drawn = (inner - inner.mean(0)) / scale.sqrt()
        normal = abs(float((drawn**4).mean()) - 3) < 0.3
        near = abs(scale.sqrt() * 12**0.5 - 1) < 0.05
        other = "uniform noise" if near else "noise of another shape and spread"
        return "another factor on the covariance" if normal else other
    basis = torch.stack([eye.flatten(), sides.flatten()], 1)
    a, c = (torch.linalg.pinv(basis) @ seen.flatten()).tolist()
    if c > 0 and fits(a * eye + c * sides) and not still():
        return "noise added to the covariance"
    factor = one.std(0) / stds
    if fits(made(factor[:, None] * root)):
        return "standard deviations off, correlations right"
    if (one.T.corrcoef().abs() > 0.99).all():
        return "one noise for all dimensions"
    alone = factor.log().abs().max() < 0.1
    return "correlations off, standard deviations right" if alone else None
