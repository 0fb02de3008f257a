"""Exercise vae-03: Samples that a gradient passes through."""

import itertools
import math

import torch
from torch.nn import functional as F

from .._comparisons import first
from .._exercise import Exercise

# Combinations of the entries, whose spreads tell one covariance from another.
PAIRS = [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 1, 1], [1, 0, -1]]
LOGS = torch.tensor([-0.6, 0.8, -1.2])  # of the diagonal


@Exercise(
    id="vae-03",
    title="Samples that a gradient passes through",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Draw from a Gaussian with any covariance so that the draw is a "
        "differentiable function of its parameters.",
    ),
    statement=r"""
A diagonal Gaussian takes the latents of an example to be independent, and seldom is
the posterior like that. A Gaussian with any covariance can lean. An invertible
covariance matrix is $L L^\top$ with exactly one lower triangular $L$ whose diagonal is
positive, its Cholesky factor, and $z = m + L \epsilon$ with
$\epsilon \sim \mathcal N(0, I)$ is a sample of $\mathcal N(m, L L^\top)$. A network
may put out any numbers; so it gives the **logarithms** of the diagonal.

Write `reparameterize(mean, raw, k)`. `mean` has shape `(b, d)`, and `raw` shape
`(b, d, d)`: for each example it holds the entries of $L$ below the diagonal as they
are, on the diagonal the logarithms of those of $L$, and above the diagonal numbers that
count for nothing. Return $k$ independent samples for each example, shape `(k, b, d)`,
of the dtype of `mean` and `raw`, which is float32 or float64, with gradients to both.
Every entry of $\epsilon$ is drawn on its own, anew at each call, and what is passed in
stays as it was. The diagonal of $L$ may be as small as $e^{-20}$ or as large as
$e^{10}$.
""",
    stub='''
def reparameterize(mean, raw, k):
    """(b, d), (b, d, d), int -> (k, b, d)."""
    return ...
''',
    answers={"reparameterize": callable},
    hints=(
        "First make $L$, shape `(b, d, d)`: `torch.tril` has an argument that leaves "
        "out the diagonal, and `torch.diag_embed` makes a diagonal matrix for each "
        "example.",
        r"Count the noise: $k \cdot b \cdot d$ numbers, each drawn on its own. "
        "Broadcasting would accept fewer without a word.",
        r"Entry $i$ of a sample is $m_i + \sum_j L_{ij} \epsilon_j$: row $i$ of $L$, "
        "not column $i$. Draw 100,000 samples and compare `torch.cov` with `L @ L.T`.",
    ),
    misconceptions={
        "L factored again": "L is given. L Lᵀ squares its small numbers: they are lost "
        "where large ones stand beside them, and no factorization brings them back.",
        "noise of the wrong shape": "The noise was broadcast against mean: it has "
        "another number of axes, or another order of them.",
        "samples given to other examples": "Row j of each sample belongs to mean[j] "
        "and raw[j]: look at the order of axes in view, repeat and transpose.",
        "L transposed": "L eps is the sum over the columns j of L_ij eps_j. With the "
        "rows and columns exchanged the covariance is LᵀL.",
        "covariance in place of its factor": "The noise is multiplied by L; L Lᵀ is "
        "the covariance that results.",
        "factor inverted": "L whitens if it is inverted; here it colors.",
        "entries of L summed before the noise": "Each entry of a row of L meets "
        "another number: L_ij goes with eps_j.",
        "diagonal of L alone": "The entries below the diagonal make the latents "
        "depend on each other.",
        "diagonal of L left out": "L has the entries below the diagonal, and exp(raw) "
        "on it.",
        "numbers above the diagonal used": "L is lower triangular: what raw holds "
        "above the diagonal counts for nothing.",
        "exponential of all entries": "Only the diagonal is given by its logarithm.",
        "diagonal taken as it is": "On the diagonal raw holds logarithms, and may be "
        "negative: L has their exponentials.",
        "diagonal added twice": "The diagonal of L is exp(raw) alone: raw's own "
        "diagonal, or a 1, is still in the sum.",
        "diagonal read as log variance": "The logarithm of the diagonal of L is given, "
        "not of its square: nothing is halved.",
        "diagonal squared": "The logarithm of the diagonal of L itself is given.",
        "sign of the diagonal flipped": "The larger the logarithm, the wider q.",
        "softplus in place of exp": "The input is a logarithm; softplus undoes "
        "another map.",
        "L symmetric": "L has zeros above its diagonal.",
        "diagonal cut off from the graph": "The gradient of the draw with respect to "
        "the logarithms on the diagonal is 0.",
        "entries below the diagonal cut off from the graph": "The gradient of the draw "
        "with respect to these entries is 0.",
        "another path": "The draw has the right distribution, but its gradient is not "
        "that of m + L eps with the noise held: is L made from raw by "
        "operations that autograd follows, and nothing else?",
    },
)
def vae_03(t, reparameterize):
    k, b, d = t.integer(5, 6), t.integer(3, 4), 2
    mean, raw = t.uniform(b, d, low=-3, high=3), t.uniform(b, d, d, low=-1, high=0.5)

    t.property("k samples for each example, of the type of mean")
    z = t.call(reparameterize, mean, raw, k)
    shape = "noise of the wrong shape"
    t.shape(z, (k, b, d), "k samples for each entry of mean.", misconception=shape)
    t.dtype(z, torch.float32, "mean is float32.")
    z = t.call(reparameterize, mean.double(), raw.double(), k)
    t.dtype(z, torch.float64, "mean is float64.")
    z = t.call(reparameterize, mean[:1, :1], raw[:1, :1, :1], 1)
    t.shape(z, (1, 1, 1), "axes of length one count.", misconception=shape)

    t.property("each sample belongs to its example and its dimension")
    far = 100.0 * (torch.randperm(b * d, generator=t.rng) + 1).view(b, d)
    nearest = (t.tensor(t.call(reparameterize, far, raw, k)) / 100).round()
    why = "Means are 100 apart here, so the nearest one tells where a sample is from."
    due, ideas = (far / 100).expand(k, b, d), {"mean not added": 0.0}
    t.close(nearest, due, why, "samples given to other examples", ideas)

    # Many draws of two examples. No two readings of raw are near each other here.
    b, d = 2, 3
    mean = t.uniform(b, d, low=1, high=2) * torch.tensor([1.0, -1.0, 2.0])
    at, pairs = torch.arange(d), torch.tensor(PAIRS).double()
    tiny = 1e-4  # so that a deviation of 0 can be tested as others can

    def spread_of(covs):
        return ((pairs @ covs * pairs).sum(-1).flatten(1) + tiny**2).sqrt()

    for _ in range(100):  # until no wrong reading of raw is near the right one
        raw = t.away(b, d, d, low=0.7, high=1.5)
        raw[:, at, at] = t.uniform(b, d, low=-0.1, high=0.1) + LOGS
        names, covs = readings(raw)
        spreads = spread_of(covs)
        if (spreads[1:] / spreads[0]).log().abs().amax(1).min() > 0.2:
            break
    factor = torch.linalg.cholesky(covs[0])

    def draw(n):
        return t.call(reparameterize, mean, raw, n)

    one, two = t.fresh(draw, 1500)
    t.property("the covariance of the entries of each example: L Lᵀ", of=two)
    both = torch.cat([one, two]).double() - mean
    e = torch.linalg.solve_triangular(factor, both[..., None], upper=False)[..., 0]
    seen = (both[..., None, :] * pairs).sum(-1).flatten(1)
    seen = seen + tiny * torch.randn(seen.shape, generator=t.rng)
    # Of all readings the nearest, and one mistake rather than two, is named.
    near = (spreads / seen.std(0)).log().abs().amax(1).nan_to_num(9.0)
    near = near + 0.05 * torch.tensor([len(v) for v in names])
    found = int(near.argmin())
    due = spreads[0]
    rivals: dict = {v: spreads[found] for v in names[found][:1]}
    rivals["uniform noise"] = [due / 12**0.5, due / 3**0.5]
    kurtosis = (e - e.mean(0)).pow(4).mean(0) / e.var(0).square() - 3
    odd = kurtosis.abs().max() > 0.8
    rivals["noise that is not normal"] = [0.8796 * due] + [seen.std(0)] * bool(odd)

    def apart(spread):
        return (seen.std(0) / spread).log().abs().nan_to_num(9.0)

    # Seven standard errors, so no test of chance is spent: less is left to `sampler`.
    worst = int(apart(due).argmax())
    got = f"{seen.std(0)[worst]:.4g} where {due[worst]:.4g} is due, in column {worst}"
    why = "The deviations of the three entries, and of three sums of two of them."
    name = first(rivals, lambda v: apart(v).max() < 0.1)
    t.true(apart(due).max() < 0.1, why, got, name)

    # What is left once L is undone: standard normal noise. Any mean and deviation.
    center, width = t.away(b, d, low=1, high=2), t.uniform(b, d, low=2, high=3)

    def noise(n):
        z = t.tensor(draw(n)).double() - mean
        e = torch.linalg.solve_triangular(factor, z[..., None], upper=False)[..., 0]
        return center + width * e

    def few():
        row = mean[:1].expand(1000, d), raw[:1].expand(1000, d, d)
        return t.tensor(t.call(reparameterize, *row, 3))[:, :, 0].T

    off = torch.linalg.solve_triangular(factor, -mean[..., None].double(), upper=False)
    lost = center + width * off[..., 0]
    half = center + width * factor.new_tensor(0.5)
    means = {"mean not added": lost.flatten(), "uniform noise": half.flatten()}
    t.sampler(noise, center, width, few=few, means=means)

    diagonal = torch.diag_embed(torch.ones(b, d))
    t.property("a diagonal of e⁻²⁰ and nothing below it leaves the mean")
    z = t.call(reparameterize, mean, -20 * diagonal, 1)
    floor = "floor under the standard deviation"
    t.close(z, mean[None], "The samples cannot be told from mean.", floor)
    for size, mistake in ((-20.0, floor), (10.0, "ceiling on the variance")):
        t.property(f"the spread at mean 0 and a logarithm of {size:g} on the diagonal")
        wide = size * diagonal
        z = t.tensor(t.call(reparameterize, 0 * mean, wide, 1000)).detach()
        spread, why = (z / math.exp(size)).std(), f"It is 1 in units of e^{size:g}."
        name = mistake if (spread > 1) == (size < 0) else None
        t.true(0.9 < spread < 1.1, why, f"{spread:.3g}", name)

    t.property("entries of 100 below the diagonal")
    z = t.call(reparameterize, 0 * mean, diagonal + 100 * (1 - diagonal), 1)
    t.finite(z, "They are taken as they are.", "exponential of all entries")
    t.property("a diagonal of e⁻²⁰ beside entries of 1 below it, in float64")
    below = torch.zeros(b, d, d).double()
    below[:, -1, :-1] = 1.0  # in the last row alone: so they can be taken off again
    small = below - 20 * diagonal
    z = t.tensor(t.call(reparameterize, 0 * mean.double(), small, 1000)).detach()
    narrow = below + math.exp(-20) * diagonal.double()
    e = torch.linalg.solve_triangular(narrow, z[..., None], upper=False)
    spread, why = e.std(), "What is left once L is undone has a spread of 1."
    t.true(0.9 < spread < 1.1, why, f"{spread:.3g}", "L factored again")

    mean, raw = mean.clone().requires_grad_(), raw.clone().requires_grad_()
    z = t.tensor(t.call(reparameterize, mean, raw, k))
    weight = t.uniform(*z.shape, low=0.5, high=2)
    by_mean, by_raw = t.grad(z, mean, weight), t.grad(z, raw, weight)
    no_path = "a random node without a derivative"
    if not z.requires_grad:
        no_path = "sampled outside the graph"
    nothing = not (by_mean.any() or by_raw.any())
    t.property("the gradient of each draw by the mean", of=z)
    ideas = {no_path if nothing else "mean cut off from the graph": 0.0}
    why = "How the draw moves with it while the noise stays as it is."
    t.close(by_mean, weight.sum(0), why, ideas=ideas, tol=1e-4)
    t.property("the gradient of each draw by raw", of=z)
    rest = (z.detach() - mean.detach()).double()[..., None]
    e = torch.linalg.solve_triangular(factor, rest, upper=False)[..., 0]
    outer = torch.einsum("kbi,kbj->bij", weight.double(), e)
    below, on = outer.tril(-1), torch.diag_embed((outer * factor)[:, at, at])
    due = below + on
    ideas = {
        "standard deviation cut off from the graph": 0.0,
        "diagonal cut off from the graph": below,
        "entries below the diagonal cut off from the graph": on,
    }
    t.close(by_raw, due, why, "another path", ideas, tol=1e-4)


def readings(raw):
    """The covariances (n, b, d, d) that readings of raw give, and their mistakes.

    L is read right in the first of them, the others are wrong in one or two ways.
    """
    raw = raw.double()
    logs = raw.diagonal(dim1=1, dim2=2)
    below, above, powers = raw.tril(-1), raw.triu(1), raw.exp().tril(-1)
    zero, eye = 0 * raw, torch.eye(raw.shape[1]).double().expand_as(raw)
    on = [
        ("", logs.exp()),
        ("diagonal taken as it is", logs),
        ("diagonal taken as it is", logs.abs()),
        ("diagonal added twice", logs + logs.exp()),
        ("diagonal added twice", 1 + logs.exp()),
        ("diagonal read as log variance", (logs / 2).exp()),
        ("diagonal squared", (2 * logs).exp()),
        ("sign of the diagonal flipped", (-logs).exp()),
        ("softplus in place of exp", F.softplus(logs)),
        ("diagonal of L left out", 0 * logs),
        ("diagonal of L left out", 0 * logs + 1),
    ]
    off = [
        ("", below),
        ("diagonal of L alone", zero),
        ("numbers above the diagonal used", below + above),
        ("numbers above the diagonal used", above),
        ("numbers above the diagonal used", above.mT),
        ("exponential of all entries", powers),
        ("exponential of all entries", powers + raw.exp().triu(1)),
        ("exponential of all entries", powers + zero.exp().triu(1)),
        ("L symmetric", below + below.mT),
    ]
    f = torch.stack([v.diag_embed() for _, v in on])[:, None]
    f = f + torch.stack([v for _, v in off])
    use = [
        ("", f),
        ("L transposed", f.mT),
        ("covariance in place of its factor", f @ f.mT),
        ("entries of L summed before the noise", f.sum(-1).diag_embed()),
        ("entries of L summed before the noise", f.sum(-2).diag_embed()),
        ("one noise for all dimensions", f.sum(-1, keepdim=True)),
        ("factor inverted", torch.linalg.pinv(f)),
        ("factor inverted", torch.linalg.pinv(f).mT),
        ("standard deviation ignored", eye.expand_as(f)),
        ("samples given to other examples", f.flip(-3)),
        ("samples given to other examples", f[..., :1, :, :].expand_as(f)),
        ("samples given to other examples", f[..., 1:, :, :].expand_as(f)),
        ("samples given to other examples", f.mean(-3, keepdim=True).expand_as(f)),
    ]
    names = itertools.product(*([name for name, _ in v] for v in (use, on, off)))
    covs = torch.stack([v @ v.mT for _, v in use]).flatten(0, 2)
    return [[v for v in name if v] for name in names], covs
