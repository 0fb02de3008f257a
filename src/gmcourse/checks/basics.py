"""Exercises of the chapter on what a generative model is."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal

from ..data.densities import pinwheel
from ._engine import Exercise


def all_images(d: int) -> Tensor:
    """The 2^d binary vectors, float32."""
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d).view(-1, d)


def line_mixture(w: Tensor, means: Tensor, stds: Tensor) -> MixtureSameFamily:
    """A mixture of normals on the line, in float64."""
    parts = Normal(means.double(), stds.double())
    return MixtureSameFamily(Categorical(probs=w.double()), parts)


def fractions(t, k: int) -> Tensor:
    """k unequal positive numbers that sum to one, in steps of 0.01; k is 3 or 4."""
    parts = torch.tensor({3: [52, 30, 18], 4: [42, 29, 18, 11]}[k])
    moved = t.integer(-3, 3)
    parts[0] += moved
    parts[1] -= moved
    return parts[torch.randperm(k, generator=t.rng)] / 100


@Exercise(
    id="gm-01",
    title="From counts to a density",
    difficulty=1,
    minutes=10,
    compute="cpu-instant",
    points=1,
    objectives=("Turn the counts of a histogram into a density, cell by cell.",),
    statement=r"""
The cells of a histogram need not be equally wide: narrow ones where there are many
points, wide ones in the tails. Maximum likelihood then still gives each cell a
constant density.

Write `histogram_log_prob(x, edges, counts)`: `edges` holds the `m + 1` increasing
borders of `m` cells, `counts` (shape `(m,)`, float) how many points fell into each,
and `x` has shape `(b,)`. Return $\log p(x)$ in nats, shape `(b,)`. A cell holds its
left border, not its right one. In an empty cell, and left and right of all cells, the
density is zero and its logarithm is minus infinity.
""",
    stub='''
def histogram_log_prob(x, edges, counts):
    """(b,), (m + 1,), (m,) -> (b,): the log-density, in nats."""
    return ...
''',
    answers={"histogram_log_prob": callable},
    hints=(
        "Before any code: a cell that is twice as wide and holds as many points has "
        "which density?",
        "What must come out when you multiply each cell's density by its width and "
        "add up?",
        "`torch.bucketize(x, edges, right=True)` counts the borders that are not "
        "above x. Which values does it give left of all cells, and right of them?",
    ),
    misconceptions={
        "probability of the cell in place of a density": "The share of a cell is a "
        "probability; a density is that per unit of length, and may be above one.",
        "multiplied by the width": "A wide cell spreads its share thinly: it is a "
        "low one.",
        "one width for all cells": "Each cell has a width of its own.",
        "does not integrate to one": "Multiply each density by the width of its cell "
        "and add up: a density gives one.",
        "order of the points lost": "Entry i of the result belongs to entry i of x. x "
        "is in any order, and several points may share a cell.",
        "counts not divided by their sum": "The density must integrate to one, "
        "however many points there are.",
        "right border taken in": "A point on a border belongs to the cell that begins "
        "there.",
        "outside taken for the nearest cell": "Where there is no cell there is no "
        "density: a clamp of the index hides that.",
        "zero replaced by a small number": "log 0 is minus infinity; a small constant "
        "makes an impossible point merely unlikely, and the integral wrong.",
        "smoothed": "Maximum likelihood leaves an empty cell empty.",
        "negative logarithm returned": "The sign is that of a loss.",
        "density in place of its logarithm": "The logarithm is due.",
        "bits in place of nats": "Nats are due: the natural logarithm.",
    },
)
def gm_01(t, histogram_log_prob):
    m = t.integer(4, 6)
    widths = t.uniform(m, low=0.3, high=0.8) * torch.linspace(0.5, 4, m)
    edges = torch.cat([torch.zeros(1), widths.cumsum(0)]) - t.uniform(1, low=1, high=3)
    widths = edges.diff()
    counts = t.integers(m, low=2, high=9).float()
    middles = edges[:-1] + widths / 2

    t.property("one number for each point, for a single one too")
    for b in (3, 1):
        out = t.call(histogram_log_prob, middles[:b], edges, counts)
        t.shape(out, (b,), "one log-density for each of the points.")

    t.property("narrow cells and few points: the logarithm may be negative")
    few = torch.cat([torch.ones(1), torch.full((m - 1,), 99.0)])
    out = t.call(histogram_log_prob, middles[:1], edges, few)
    why = "One of hundreds of points in a cell: a density below one."
    value = float(t.tensor(out))
    if value > 0:
        name = "density in place of its logarithm" if value < 0.5 else None
        if abs(value + math.log(widths[0])) < 1e-3:
            name = "counts not divided by their sum"
        t.at_most(out, 0.0, why, name or "negative logarithm returned")

    t.property("two points of one cell have the same density")
    left, right = (edges[:-1] + f * widths for f in (0.1, 0.9))
    out = t.call(histogram_log_prob, middles, edges, counts)
    t.finite(out, "No cell is empty here.")
    for x in (left, right):
        t.close(t.call(histogram_log_prob, x, edges, counts), out, "The same cells.")
    order = torch.randperm(m, generator=t.rng).repeat(2)
    mixed = t.call(histogram_log_prob, torch.cat([right, left])[order], edges, counts)
    lost = "order of the points lost"
    t.close(mixed, t.tensor(out).detach()[order], "The same cells, shuffled.", lost)

    t.property("a cell of twice the count: log 2 more")
    more = counts.clone()
    more[1] *= 2
    up = t.call(histogram_log_prob, middles, edges, more)
    step = (up - out)[1] - (up - out)[0]
    t.close(
        step,
        math.log(2),
        "Relative to the other cells it is twice as dense.",
        ideas={
            "bits in place of nats": [1.0, math.log10(2)],
        },
        misconception="smoothed",
        tol=1e-4,
    )

    t.property("densities times widths add up to one")
    total = (t.tensor(out).exp() * widths).sum()
    share = counts / counts.sum()
    ideas = {
        "counts not divided by their sum": [
            counts.sum(),
            (counts * widths).sum(),
            counts.sum() / counts.max(),
        ],
        "probability of the cell in place of a density": (share * widths).sum(),
        "multiplied by the width": (share * widths * widths).sum(),
        "one width for all cells": [
            (share * widths).sum() / one for one in (widths.mean(), widths[0])
        ],
    }
    less = "does not integrate to one"
    t.close(total, 1.0, "That is what makes it a density.", less, ideas, tol=1e-4)
    mass = t.tensor(out).exp() * widths
    ideas = {"probability of the cell in place of a density": share * widths}
    wide = "one width for all cells"
    t.close(mass, share, "Each cell has its share.", wide, ideas)

    t.property("a border belongs to the cell on its right")
    out = t.call(histogram_log_prob, edges[1:-1], edges, counts)
    inner = t.call(histogram_log_prob, middles[1:], edges, counts)
    t.close(out, inner, "Left borders are inside.", "right border taken in")
    first = t.call(histogram_log_prob, edges[:1], edges, counts)
    due = t.call(histogram_log_prob, middles[:1], edges, counts)
    t.close(first, due, "The first border too.", "right border taken in")

    t.property("zero density outside and in empty cells")
    ends = torch.stack([edges[0] - 0.5, edges[-1] + 0.5])
    out = t.call(histogram_log_prob, ends, edges, counts)
    outside = "outside taken for the nearest cell"
    small = "zero replaced by a small number"
    name = outside if t.tensor(out).min() > -12 else small
    t.close(out, -math.inf, "There is no cell.", name)
    out = t.call(histogram_log_prob, edges[-1:], edges, counts)
    t.close(out, -math.inf, "The last border has no cell.", "right border taken in")
    empty = counts.clone()
    empty[2] = 0
    out = t.call(histogram_log_prob, middles, edges, empty)
    t.close(out[2], -math.inf, "No point was there.", small)


@Exercise(
    id="gm-02",
    title="The logarithm of a sum of densities",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Compute the log-density of a mixture without ever forming a density.",
    ),
    statement=r"""
A mixture of $k$ Gaussians with diagonal covariances has the density
$p(x) = \sum_j \pi_j\, \mathcal N(x;\, \mu_j, \operatorname{diag}(\sigma_j^2))$.

Write `mixture_log_prob(x, log_w, means, log_stds)`: `x` has shape `(b, d)`, `log_w`
holds the $k$ logarithms $\log \pi_j$ of weights that sum to one, `means` and
`log_stds` (natural logarithms of the standard deviations) have shape `(k, d)`. Return
$\log p(x)$ in nats, shape `(b,)`. It has to be right, and so has its gradient in `x`,
also for points hundreds of standard deviations away from every component.
""",
    stub='''
def mixture_log_prob(x, log_w, means, log_stds):
    """(b, d), (k,), (k, d), (k, d) -> (b,): log p(x) in nats."""
    return ...
''',
    answers={"mixture_log_prob": callable},
    hints=(
        "Make a tensor of shape (b, k, d) first: every example against every "
        "component. Which axis is summed, and which is mixed?",
        "Independent dimensions: their log-densities add up. Components: their "
        "densities add up.",
        "exp(-1000) is 0 in float32, and log(0) is lost. `torch.logsumexp` takes "
        "logarithms in and gives a logarithm out.",
    ),
    misconceptions={
        "logarithms averaged": "The weighted mean of log-densities is below the "
        "logarithm of the weighted mean density (Jensen).",
        "weights left out": "Each component counts with its weight.",
        "weights used as logarithms": "log_w are logarithms already.",
        "best component only": "A maximum in place of the sum is the density of no "
        "mixture: it integrates to less than one.",
        "standard deviations read as variances": "log_stds are logarithms of standard "
        "deviations: the square of their exponential divides the squared distance.",
        "log_stds left out of the normalizer": "A wide component is a low one.",
        "mean over the dimensions": "Log-densities of independent dimensions add up.",
        "constant left out": "Without log(2 pi)/2 it does not integrate to one.",
        "constant counted once": "There is one log(2 pi)/2 for each dimension, however "
        "many there are.",
        "factor one half lost": "The exponent of a normal density is half a squared "
        "distance.",
        "not the density of a Gaussian": "Take one component and one dimension, and "
        "compare term by term with torch.distributions.Normal.",
        "densities not mixed by their weights": "Compute two components by hand, and "
        "add up weight times density.",
        "gradient cut off": "The value is right, its slope is not: something on the "
        "way from x to the result was detached.",
        "negative log-likelihood returned": "The sign is that of a loss.",
        "logarithm of an underflown density": "Far from all components the densities "
        "are below what float32 holds, and their sum is 0.",
        "small number added to the density": "log(p + eps) is flat where p is below "
        "eps: the value is wrong there and the gradient gone.",
        "components not summed": "One number for each example is due.",
        "component chosen for each dimension": "The component is chosen once for the "
        "whole point. Mixing each dimension on its own and adding the logarithms "
        "makes the dimensions independent.",
    },
)
def gm_02(t, mixture_log_prob):
    b, k, d = 5, t.integer(3, 4), 2
    log_w = fractions(t, k).log()
    means, log_stds = t.uniform(k, d, low=-2, high=2), t.uniform(k, d, low=-1, high=0.4)
    x = t.uniform(b, d, low=-3, high=3)

    t.property("one number for each example")
    out = t.call(mixture_log_prob, x, log_w, means, log_stds)
    ideas = {"components not summed": [(b, k)]}
    t.shape(out, (b,), "log p(x) of each of the b examples.", ideas=ideas)
    out = t.call(mixture_log_prob, x[:1], log_w, means, log_stds)
    t.shape(out, (1,), "one example is a batch too.")

    t.property("one component: log-densities of the dimensions add up")
    one, mean = torch.zeros(1), t.uniform(1, 3, low=-2, high=2)
    log_std = t.uniform(1, 3, low=-0.1, high=0.1) + torch.tensor([-1.0, -0.2, 0.5])
    eps = t.uniform(b, 3, low=-2, high=2)
    x = mean + log_std.exp() * eps
    each = Normal(mean.double(), log_std.double().exp()).log_prob(x.double())
    half = 0.5 * math.log(2 * math.pi)
    narrow = Normal(mean.double(), (log_std.double() / 2).exp()).log_prob(x.double())
    ideas = {
        "negative log-likelihood returned": -each.sum(1),
        "mean over the dimensions": each.mean(1),
        "constant left out": (each + half).sum(1),
        "constant counted once": [(each + half).sum(1) - n * half for n in (1, 2)],
        "factor one half lost": (each - 0.5 * eps.double() ** 2).sum(1),
        "standard deviations read as variances": narrow.sum(1),
        "log_stds left out of the normalizer": (each + log_std).sum(1),
        "weights used as logarithms": [-math.inf, each.sum(1) + 1],
    }
    out = t.call(mixture_log_prob, x, one, mean, log_std)
    other = "not the density of a Gaussian"
    t.close(out, each.sum(1), "A diagonal Gaussian.", other, ideas, tol=1e-4)

    t.property("the density is the weighted mean of the components' densities")
    line = torch.linspace(-14, 14, 1401)[:, None]
    state = log_w, means[:, :1], log_stds[:, :1]
    parts = [
        t.call(mixture_log_prob, line, one, state[1][j : j + 1], state[2][j : j + 1])
        for j in range(k)
    ]
    parts = torch.stack([t.tensor(p).detach().double() for p in parts], 1)
    near = parts.amax(1) > -50  # where float32 holds the densities too
    parts, weight = parts[near], log_w.double().exp()
    density = torch.stack([weight[j] * parts[:, j].exp() for j in range(k)]).sum(0)
    ideas = {
        "weights left out": [parts.exp().sum(1).log(), parts.exp().mean(1).log()],
        "logarithms averaged": parts @ weight,
        "best component only": (parts + log_w).amax(1),
        "small number added to the density": [
            (density + eps).log() for eps in (1e-6, 1e-8, 1e-10, 1e-12)
        ],
    }
    out = t.call(mixture_log_prob, line[near], *state)
    blend = "densities not mixed by their weights"
    t.close(out, density.log(), "Densities are mixed.", blend, ideas, tol=1e-3)

    t.property("on the line it integrates to one")
    out = t.call(mixture_log_prob, line, *state)
    total = t.tensor(out).exp().sum() * 0.02
    why = "A mixture of densities is one."
    t.close(total, 1.0, why, "constant counted once", tol=1e-3)

    t.property("in the plane too: one component for the whole point")
    corners = t.away(k, d, low=1, high=2)
    state = log_w, corners, log_stds / 2  # where float32 holds the densities
    x = t.uniform(b, d, low=-2, high=2)
    parts = [
        t.call(mixture_log_prob, x, one, *(v[j : j + 1] for v in state[1:]))
        for j in range(k)
    ]
    parts = torch.stack([t.tensor(p).detach().double() for p in parts], 1)
    apart = [
        t.call(
            mixture_log_prob, x[:, i, None], log_w, *(v[:, i, None] for v in state[1:])
        )
        for i in range(d)
    ]
    ideas = {"component chosen for each dimension": t.tensor(sum(apart)).detach()}
    out = t.call(mixture_log_prob, x, *state)
    t.close(out, (parts.exp() @ weight).log(), "Mixed.", blend, ideas, tol=1e-3)

    t.property("the gradient in x is the slope")
    x = t.uniform(b, 1, low=-3, high=3).requires_grad_()
    out = t.call(mixture_log_prob, x, log_w, means[:, :1], log_stds[:, :1])
    exact = x.detach().double().requires_grad_()
    law = line_mixture(log_w.exp(), means[:, 0], log_stds[:, 0].exp())
    slope = torch.autograd.grad(law.log_prob(exact[:, 0]).sum(), exact)[0]
    cut = "gradient cut off"
    t.close(t.grad(out, x), slope, "Of a mixture on the line.", cut, tol=1e-3)

    t.property("far away: the nearest component's value and gradient")
    means = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]])[:k]
    far = torch.full((2, d), 300.0) * torch.tensor([[1.0], [-0.7]])
    far = far.requires_grad_()
    same = log_stds[:1].expand(k, d).contiguous()
    out = t.call(mixture_log_prob, far, log_w, means, same)
    gone = "small number added to the density"
    name = "logarithm of an underflown density"
    t.finite(out, "A density is never zero here.", name)
    each = Normal(means.double(), log_stds[0].double().exp())
    exact = far.detach().double().requires_grad_()
    nearest = each.log_prob(exact[:, None]).sum(2).amax(1)
    t.close(out, nearest.detach(), "It outweighs all others.", gone, tol=1e-3)
    pull = torch.autograd.grad(nearest.sum(), exact)[0]
    t.finite(t.grad(out, far), "The pull toward the components.", name)
    t.close(t.grad(out, far), pull, "The pull of the nearest one.", cut, tol=1e-3)


@Exercise(
    id="gm-03",
    title="The M-step",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Fit Gaussians to points that belong to them in part.",),
    statement=r"""
EM's second half: given responsibilities, find the weights, means and covariances that
maximize
$\sum_i \sum_j r_{ij} \log \bigl(\pi_j\, \mathcal N(x_i; \mu_j, \Sigma_j)\bigr)$.

Write `m_step(x, r)`: `x` has shape `(n, d)`; `r` has shape `(n, k)`, its rows sum to
one, and no component is empty. Return three tensors `(w, means, covs)` of the shapes
`(k,)`, `(k, d)`, `(k, d, d)`: full covariances, at the maximum exactly, with nothing
added to them.
""",
    stub='''
def m_step(x, r):
    """(n, d), (n, k) -> (k,), (k, d), (k, d, d)."""
    w, means, covs = ..., ..., ...
    return w, means, covs
''',
    answers={"m_step": callable},
    hints=(
        "Take responsibilities of 0 and 1 first: each component then has its own "
        "points, and you know what to do with them.",
        "A point of responsibility 1/2 is half a point. How many points does a "
        "component own, then?",
        "The covariance is around the component's own new mean: a tensor of "
        "differences of shape (n, k, d) holds what is needed.",
    ),
    misconceptions={
        "divided by all points": "A component's mean is over what it owns, the sum of "
        "its responsibilities, not over all n points.",
        "centered at the mean of all points": "Each covariance is around the mean of "
        "its own component.",
        "not centered": "The mean of x x^T is not a covariance: the mean is missing.",
        "divided by one point less": "The unbiased estimate has another denominator "
        "than the one that maximizes the likelihood.",
        "only the diagonal": "Full covariances are due.",
        "weights not normalized": "The weights are shares of all points and sum to "
        "one.",
        "weights all equal": "A component that owns more points weighs more.",
        "each point to its best component": "That is k-means: a point may belong to "
        "several components in part.",
        "variance with a floor": "Nothing is to be added to the covariances here, not "
        "even a millionth.",
        "another matrix than the covariance": "Take two points of one component and "
        "write down the four numbers by hand.",
        "responsibilities squared": "Each product of differences is weighted by r, "
        "once.",
        "not three tensors": "Return (w, means, covs).",
    },
)
def gm_03(t, m_step):
    n, d, k = t.integer(9, 11), 2, 3
    x = t.uniform(n, d, low=-2, high=2) + torch.tensor([3.0, -1.0])
    owner = torch.arange(n) % k
    owner[-1] = 0
    hard = torch.eye(k)[owner]

    def run(r, x=x):
        out = t.call(m_step, x, r)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, covs) is due.", got, "not three tensors")
        return out

    t.property("weights (k,), means (k, d), covariances (k, d, d)")
    w, means, covs = run(hard)
    t.shape(w, (k,), "one weight for each component.")
    t.shape(means, (k, d), "one mean for each component.")
    ideas = {"only the diagonal": (k, d)}
    t.shape(covs, (k, d, d), "full covariances.", ideas=ideas)

    t.property("responsibilities of 0 and 1: each component fits its own points")
    groups = [x[owner == j].double() for j in range(k)]
    sizes = torch.tensor([float(len(g)) for g in groups])
    ideas = {"weights all equal": 1 / k}
    t.close(w, sizes / n, "Shares of the points.", "weights not normalized", ideas)
    own = torch.stack([g.mean(0) for g in groups])
    ideas = {"divided by all points": own * (sizes / n)[:, None]}
    t.close(means, own, "The means of the groups.", ideas=ideas)
    due = torch.stack([g.T.cov(correction=0) for g in groups])
    ratio = (sizes / n)[:, None, None].double()
    away = own - x.double().mean(0)
    ideas = {
        "divided by all points": due * ratio,
        "divided by one point less": torch.stack([g.T.cov() for g in groups]),
        "only the diagonal": due * torch.eye(d),
        "not centered": due + own[:, :, None] * own[:, None],
        "centered at the mean of all points": due + away[:, :, None] * away[:, None],
    }
    floor, more = "variance with a floor", t.tensor(covs).detach().double() - due
    ideas[floor] = due + more.diagonal(dim1=1, dim2=2).mean().relu() * torch.eye(d)
    other = "another matrix than the covariance"
    t.close(covs, due, "The covariances of the groups.", other, ideas)
    flat = x * torch.tensor([1.0, 0.0])
    _, _, thin = run(hard, flat)
    across = t.tensor(thin)[:, 1, 1]
    t.close(across, 0.0, "Points on a line have no width across.", floor, tol=1e-9)

    t.property("halves count as halves")
    soft = 0.5 * hard + 0.5 * hard[:, [1, 2, 0]]
    w, means, covs = run(soft)
    pairs = [torch.cat([groups[j], groups[(j + 1) % k]]) for j in range(k)]
    kmeans = "each point to its best component"
    due = torch.stack([g.mean(0) for g in pairs])
    t.close(means, due, "Each component owns half of two groups.", kmeans)
    due = torch.stack([g.T.cov(correction=0) for g in pairs])
    t.close(covs, due, "The same for the covariances.", "responsibilities squared")

    t.property("any responsibilities: nothing raises the objective")
    r = t.uniform(n, k, low=0.1, high=1)
    r = r / r.sum(1, keepdim=True)
    w, means, covs = (t.tensor(v).detach().double() for v in run(r))
    leaves = [w.log(), means, torch.linalg.cholesky(covs)]
    leaves = [v.requires_grad_() for v in leaves]
    normal = torch.distributions.MultivariateNormal(
        leaves[1], scale_tril=leaves[2].tril()
    )
    joint = leaves[0].log_softmax(0) + normal.log_prob(x.double()[:, None])
    why = "At the maximum the gradient vanishes."
    names = (kmeans, kmeans, "responsibilities squared")
    for grad, name in zip(torch.autograd.grad((r * joint).sum(), leaves), names):
        t.close(grad, torch.zeros_like(grad), why, name, tol=1e-3)


@Exercise(
    id="gm-04",
    title="Bayes' rule on a computer",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=("Turn log-likelihoods of classes into probabilities of classes.",),
    statement=r"""
A density was fitted to each class, and `log_lik[i, y]` is $\log p(x_i \mid y)$ in
nats. Of images, that is a number like $-900$, of larger ones $-9000$, and classes may
differ by as much. `counts[y]` says how many training
examples there were of class $y$: their shares are the prior.

Write `posterior(log_lik, counts)`: shapes `(b, classes)` and `(classes,)` (int64);
return $p(y \mid x)$, shape `(b, classes)`, rows that sum to one. A class without
training examples has posterior zero.
""",
    stub='''
def posterior(log_lik, counts):
    """(b, classes), (classes,) -> (b, classes): p(y | x)."""
    return ...
''',
    answers={"posterior": callable},
    hints=(
        "The posterior is proportional to prior times likelihood. Which axis has to "
        "sum to one?",
        "exp(-900) is zero in every floating-point type. Does the posterior change if "
        "you add the same number to all log-likelihoods of one example?",
        "log(prior) + log_lik, and then the function that exponentiates and "
        "normalizes in one go.",
    ),
    misconceptions={
        "prior left out": "A class that is nine times as frequent starts with nine "
        "times the probability.",
        "prior added, not multiplied": "Logarithms are added to logarithms: the prior "
        "needs one first.",
        "prior counted twice": "The prior enters once.",
        "normalized over the examples": "Each row is a distribution over classes.",
        "not normalized": "The rows must sum to one.",
        "prior applied after normalizing": "Multiplying by the prior changes the sum: "
        "normalize after it, not before.",
        "log posterior returned": "Probabilities are due.",
        "only the winner": "A posterior is more than its largest class.",
        "exponential that underflows": "exp(-900) is 0 for all classes, and 0/0 is "
        "nan.",
        "one shift for all examples": "Subtracting one number everywhere saves the "
        "likeliest example alone: the others still underflow.",
        "exponential that overflows": "A class far above what was subtracted gives "
        "infinity over infinity, which is nan.",
        "empty class smoothed": "A class that was never seen has prior zero here.",
        "empty class cut out afterward": "What the empty class had in the sum is "
        "missing from the row: set its prior to zero, not its posterior.",
        "log-likelihoods rescaled": "They are natural logarithms: their exponentials "
        "are the likelihoods, as they are.",
    },
)
def gm_04(t, posterior):
    b, k = t.integer(3, 4), 5
    counts = t.integers(k, low=2, high=9) * torch.tensor([1, 2, 3, 5, 8])
    log_lik = t.uniform(b, k, low=-2, high=0)

    t.property("one probability for each example and class")
    out = t.call(posterior, log_lik, counts)
    t.shape(out, (b, k), "p(y | x) of all classes.")
    t.finite(out, "All classes have examples.")
    t.shape(t.call(posterior, log_lik[:1], counts), (1, k), "one is a batch too.")

    t.property("rows sum to one")
    joint = torch.zeros(b, k, dtype=torch.float64)
    for y in range(k):
        joint[:, y] = log_lik[:, y].double().exp() * int(counts[y])
    every = joint / joint.sum(1, keepdim=True)
    flat = log_lik.double().softmax(1)
    share = counts.double() / int(counts.sum())
    ideas = {
        "log posterior returned": every.log().sum(1),
        "normalized over the examples": (joint / joint.sum(0)).sum(1),
        "prior applied after normalizing": (flat * share).sum(1),
    }
    total = t.tensor(out).sum(1)
    why = "One of the classes it must be."
    t.close(total, 1.0, why, "not normalized", ideas, tol=1e-4)

    t.property("equal likelihoods give back the prior")
    same = t.call(posterior, torch.full((2, k), -0.5), counts)
    twice = share.square() / share.square().sum()
    sure = t.tensor(same)
    why, got = "No class is ruled out by the prior.", "zeros and ones alone"
    t.true(((sure != 0) & (sure != 1)).any(), why, got, "only the winner")
    ideas = {
        "prior left out": 1 / k,
        "prior counted twice": twice.expand(2, k),
        "prior added, not multiplied": [
            share.softmax(0).expand(2, k),
            counts.double().softmax(0).expand(2, k),
        ],
    }
    smooth = "empty class smoothed"
    why = "x says nothing about y then."
    t.close(same, share.expand(2, k), why, smooth, ideas)

    t.property("odds of two classes: prior odds times likelihood ratio")
    out = t.call(posterior, log_lik, counts)
    odds = t.tensor(out)[:, 0] / t.tensor(out)[:, 1]
    due = (log_lik[:, 0] - log_lik[:, 1]).exp() * (int(counts[0]) / int(counts[1]))
    name = "log-likelihoods rescaled"
    t.close(odds, due, "Bayes' rule for two of them.", name, tol=1e-3)

    t.property("log-likelihoods of images: a shift changes nothing")
    far = t.call(posterior, log_lik - 900, counts)
    name = "exponential that underflows"
    t.finite(far, "Adding a number to a row of log_lik cancels.", name)
    t.close(far, out, "Adding a number to a row cancels.", name, tol=1e-3)
    depth = -300.0 * torch.arange(1, b + 1)[:, None]
    far = t.call(posterior, log_lik + depth, counts)
    name = "one shift for all examples"
    t.finite(far, "Each row has a shift of its own.", name)
    t.close(far, out, "Each row has a shift of its own.", name, tol=1e-3)

    t.property("one class thousands of nats ahead has posterior one")
    ahead = log_lik - 9000
    ahead[:, 2] += 8000
    out = t.call(posterior, ahead, counts)
    t.finite(out, "One, and zeros.", "exponential that overflows")
    t.close(t.tensor(out)[:, 2], 1.0, "It leaves nothing to the others.")

    t.property("a class without examples has posterior zero")
    none = counts.clone()
    none[3] = 0
    out = t.call(posterior, log_lik, none)
    t.finite(out, "The other classes are as before.", smooth)
    t.close(t.tensor(out)[:, 3], 0.0, "Its prior is zero.", smooth, tol=0.0)
    cut = "empty class cut out afterward"
    t.close(t.tensor(out).sum(1), 1.0, "The others share all of it.", cut, tol=1e-4)


@Exercise(
    id="gm-05",
    title="A classifier that draws",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Build naive Bayes as a generative model: fit, score, draw.",
        "Smooth counts, so that nothing is impossible for want of data.",
    ),
    statement=r"""
Write a class `NaiveBayes` for binary vectors whose pixels are independent given the
class.

- `NaiveBayes(x, c, classes, smoothing)` fits it: `x` of shape `(n, d)` holds zeros and
  ones (float), `c` of shape `(n,)` int64 labels, all of which occur. $p(y)$ is the
  share of the class among the `n` examples. Pixel probabilities get `smoothing`
  pseudo-counts of *each* outcome: the class's examples count as `smoothing` more with
  the pixel lit, and `smoothing` more with it dark. `smoothing` is a positive float.
- `log_joint(x)`: shape `(b, d)` to `(b, classes)`, $\log p(x, y)$ in nats, for all
  classes.
- `sample(c)`: for labels of shape `(m,)`, one fresh draw each, `(m, d)`, zeros and
  ones.
""",
    stub='''
class NaiveBayes:
    def __init__(self, x, c, classes, smoothing):
        """(n, d) of zeros and ones, (n,) labels, int, float."""
        ...

    def log_joint(self, x):
        """(b, d) -> (b, classes): log p(x, y) in nats."""
        return ...

    def sample(self, c):
        """(m,) -> (m, d): a fresh draw for each label."""
        return ...
''',
    answers={"NaiveBayes": callable},
    hints=(
        "Two things have to be stored: a probability for each class, and one for each "
        "class and pixel.",
        "A pixel that is dark is evidence too: each of the d factors is one of two "
        "numbers. With logarithms of both, a matrix product does all at once.",
        "The pseudo-counts stand in numerator and denominator: with none of the "
        "class's examples lit, what is left above, and what below?",
    ),
    misconceptions={
        "dark pixels left out": "A pixel that is dark has a probability too.",
        "not the logarithm of a probability": "The logarithm of a probability is at "
        "most 0: no minus sign, no exponential.",
        "bits in place of nats": "Nats are due: the natural logarithm.",
        "prior left out": "log p(x, y) contains log p(y).",
        "prior uniform": "p(y) is the share of the class among the examples.",
        "prior smoothed": "Only the pixels get pseudo-counts.",
        "prior without a logarithm": "Logarithms are added to logarithms.",
        "not smoothed": "A pixel never seen lit must not have probability zero.",
        "pseudo-count in the numerator alone": "Counted once lit and once dark, the "
        "class has 2 · smoothing more examples.",
        "pseudo-count of one outcome alone": "smoothing more with the pixel lit and "
        "none more with it dark: both outcomes are due.",
        "pseudo-counts that add up to smoothing": "Each of the two outcomes gets "
        "smoothing pseudo-counts.",
        "smoothing fixed at one": "The argument says how many pseudo-counts.",
        "another rule of smoothing": "Count by hand: three examples of a class, one "
        "of them lit, and the pseudo-counts.",
        "pixels pooled over the classes": "Each class has pixel probabilities of its "
        "own.",
        "posterior in place of the joint": "log p(y | x) sums to one over classes "
        "alone: p(x) has been divided away.",
        "mean over the pixels": "Independent pixels: logarithms add up.",
        "probabilities in place of draws": "A draw is zeros and ones.",
        "most likely image in place of a draw": "Rounding the probabilities gives the "
        "same image each time.",
        "one draw for all of a class": "Each label gets a draw of its own.",
        "one draw for several labels": "Each label gets a draw of its own.",
        "training examples in place of draws": "A draw need not be one of the "
        "examples: given the class each pixel is lit or dark by itself.",
        "drawn with other probabilities": "log_joint and sample have to speak of the "
        "same distribution.",
        "one noise for all pixels": "Given the class, each pixel is drawn on its own.",
        "label ignored": "A draw comes from the class that was asked for.",
    },
)
def gm_05(t, NaiveBayes):
    n, d, k, a = 40, 4, 3, 0.5 + t.integer(0, 4) / 10
    c = torch.cat([torch.zeros(20), torch.ones(12), torch.full((8,), 2.0)]).long()
    tilt = torch.tensor(
        [[0.8, 0.3, 0.5, 0.4], [0.2, 0.7, 0.6, 0.5], [0.5, 0.2, 0.3, 0.8]]
    )
    x = (torch.rand(n, d, generator=t.rng) < tilt[c]).float()
    x[c == 1, 2] = 0.0  # never lit in class 1, and always lit in none
    x[[0, 20, 32]] = 0.0
    order = torch.randperm(n, generator=t.rng)
    x, c = x[order], c[order]
    model = t.call(NaiveBayes, x, c, k, a)
    images = all_images(d)

    t.property("log p(x, y) for each class")
    out = t.call(model.log_joint, images)
    t.shape(out, (2**d, k), "one number for each image and class.")
    name = "not smoothed"
    t.finite(out, "With pseudo-counts nothing is impossible.", name)
    t.at_most(out, 0.0, "Pixels are discrete.", "not the logarithm of a probability")

    t.property("it depends on p(x): the classes do not sum to one for each image")
    mass = t.tensor(out).detach().double().exp()
    share = mass.sum(1)
    why, got = "p(x, y), not p(y | x).", "the classes sum to one"
    name = "posterior in place of the joint"
    t.true(((share - 1).abs() > 0.01).any(), why, got, name)

    t.property("odds of a lit pixel: lit against dark, each with its pseudo-count")
    lit = torch.stack([x[c == y].sum(0) for y in range(k)])
    dark = torch.stack([(1 - x[c == y]).sum(0) for y in range(k)])
    zero, odds = torch.zeros(1, d), []
    for i in range(d):
        up = zero.clone()
        up[0, i] = 1.0
        gap = t.call(model.log_joint, up) - t.call(model.log_joint, zero)
        odds.append(t.tensor(gap)[0].detach())
    odds = torch.stack(odds, 1).exp()
    base = lit + dark
    ideas = {
        "not smoothed": lit / dark,
        "pseudo-count in the numerator alone": (lit + a) / (dark - a),
        "pseudo-count of one outcome alone": (lit + a) / dark,
        "pseudo-counts that add up to smoothing": (lit + a / 2) / (dark + a / 2),
        "smoothing fixed at one": (lit + 1) / (dark + 1),
        "pixels pooled over the classes": [
            ((lit.sum(0) + s) / (dark.sum(0) + s)).expand(k, d) for s in (a, k * a, 0)
        ],
        "dark pixels left out": [lit / base, (lit + a) / (base + 2 * a)],
    }
    due = (lit + a) / (dark + a)
    ideas["mean over the pixels"] = due ** (1 / d)
    ideas["bits in place of nats"] = due ** (1 / math.log(2))
    # Smoothed where a count is zero alone, or clipped: all others are as counted.
    raw = ((odds - lit / dark).abs() < 1e-3)[(lit > 0) & (dark > 0)]
    other = "not smoothed" if raw.all() else "another rule of smoothing"
    t.close(odds, due, "Lit against dark, both raised.", other, ideas, 1e-3)

    t.property("p(x, y) sums to one over all images and classes")
    share = torch.tensor([20, 12, 8]) / n
    ideas = {
        "prior left out": float(k),
        "prior without a logarithm": share.double().exp().sum(),
    }
    why = "It is a distribution over pairs."
    t.close(mass.sum(), 1.0, why, "dark pixels left out", ideas, tol=1e-3)

    t.property("summed over the images, it is the share of the class")
    smooth = (share * n + a) / (n + k * a)
    ideas = {"prior uniform": 1 / k, "prior smoothed": [smooth, (share * n + 1) / 43]}
    t.close(mass.sum(0), share, "p(y).", ideas=ideas, tol=1e-3)

    t.property("draws are zeros and ones, fresh for each label")
    m = 6000
    labels = torch.arange(3 * m) % k
    drawn = t.call(model.sample, labels)
    t.shape(drawn, (3 * m, d), "one draw for each label.")
    drawn = t.tensor(drawn).float()
    name = "probabilities in place of draws"
    t.true(((drawn == 0) | (drawn == 1)).all(), "0 and 1 alone.", "other values", name)
    again = t.tensor(t.call(model.sample, labels)).float()
    fixed = "most likely image in place of a draw"
    t.true((drawn != again).any(), "A second call differs.", "the same draws", fixed)
    first = drawn[labels == 0]
    name = "one draw for all of a class"
    t.true((first != first[:1]).any(), "Draws differ.", "all equal", name)

    t.property("draws follow the model's own p(x | y)")
    place = 2.0 ** torch.arange(d - 1, -1, -1)
    number = (drawn @ place).long()
    every = mass / mass.sum(0)
    plain = torch.where(images[:, None] == 1, lit / base, dark / base).prod(2).double()
    for y in range(k):
        counts = torch.bincount(number[labels == y], minlength=2**d)
        probs = every[:, y]
        copies = torch.bincount((x[c == y] @ place).long(), minlength=2**d)
        lit = probs @ images.double()  # of each pixel; with one threshold for all:
        upper = torch.where(images == 1, lit, 1.0).amin(1)
        lower = torch.where(images == 0, lit, 0.0).amax(1)
        ideas = {
            "one noise for all pixels": (upper - lower).clamp(min=0),
            "label ignored": [mass.sum(1), every.mean(1)],
            "not smoothed": plain[:, y],
            "training examples in place of draws": copies.double() / copies.sum(),
        }
        why, other = f"Draws of class {y}.", "drawn with other probabilities"
        t.frequencies(counts, probs, why, other, ideas)

    t.property("each draw is made anew, also within one call")
    drawn = t.tensor(t.call(model.sample, torch.zeros(4000).long())).float()
    alike = every[:, 0].square().sum()
    for first, second in (drawn.view(2, 2000, d), (drawn[::2], drawn[1::2])):
        same = (first == second).all(1).double().mean()
        counts = 2000 * torch.stack([same, 1 - same])
        why = "How often two draws are the same image."
        chance = torch.stack([alike, 1 - alike])
        t.frequencies(counts, chance, why, "one draw for several labels")


@Exercise(
    id="gm-06",
    title="The gradient of a log-likelihood, by hand",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "See that the gradient of a mixture's log-likelihood is made of "
        "responsibilities: gradient ascent and EM follow the same signal.",
    ),
    statement=r"""
Given are data $x_1, \dots, x_n$ on the line and a mixture,
$p(x) = \sum_j \pi_j\, \mathcal N(x; \mu_j, \sigma_j^2)$. Derive

$$
\frac{\partial}{\partial \mu_j} \sum_{i=1}^n \log p(x_i)
$$

in closed form, and write it as `mean_gradient(x, w, means, stds)`: `x` has shape
`(n,)`, the others `(k,)`; return the `k` derivatives of the **sum** over the data. It
has to be right also for points a hundred standard deviations away from all components.
""",
    stub='''
def mean_gradient(x, w, means, stds):
    """(n,), (k,), (k,), (k,) -> (k,): d/d means of the sum of log p(x)."""
    return ...
''',
    answers={"mean_gradient": callable},
    hints=(
        "The derivative of a logarithm is one over its argument, times the derivative "
        "of the argument. Only one term of the sum contains mu_j.",
        "The derivative of a Gaussian density is that density times something. Then "
        "look at the fraction that multiplies it: you have met it in the E-step.",
        "Compute responsibilities from logarithms (softmax over the components).",
    ),
    misconceptions={
        "weights left out of the responsibilities": "A component of weight 0.1 takes a "
        "tenth of the say.",
        "divided by the standard deviation once": "The derivative of -(x - m)²/2s² in "
        "m has s² below.",
        "not divided by the variance": "A narrow component pulls harder.",
        "sign flipped": "Moving a mean toward its points raises the likelihood.",
        "mean over the data": "The derivative of the sum is due.",
        "points given to their best component": "Responsibilities are shares, not a "
        "choice.",
        "every point pulls with full force": "A point pulls a component by its "
        "responsibility for it.",
        "normalized over the data": "Responsibilities sum to one over the components.",
        "widths left out of the responsibilities": "A wide component is a low one: "
        "the density has the factor 1/std.",
        "densities that underflow": "Far away all densities are 0 and the "
        "responsibilities 0/0; a small number added above or below hides it.",
        "weights added, not their logarithms": "Logarithms are added to logarithms.",
        "not the derivative": "Compare with torch.autograd, first for one component, "
        "then for two.",
    },
)
def gm_06(t, mean_gradient):
    n, k = t.integer(6, 8), 3
    w, stds = fractions(t, k), t.uniform(k, low=0.6, high=2.2)
    means = torch.tensor([-1.5, 0.2, 1.8]) + t.uniform(k, low=-0.2, high=0.2)
    x = t.uniform(n, low=-3, high=3)

    t.property("one derivative for each component")
    out = t.call(mean_gradient, x, w, means, stds)
    t.shape(out, (k,), "one number for each mean.")

    t.property("one component: the sum of (x - mean)/std²")
    one = [v[:1] for v in (w * 0 + 1, means, stds)]
    scale = stds[0]
    due = ((x - means[0]) / scale.square()).sum()[None]
    ideas = {
        "sign flipped": -due,
        "mean over the data": due / n,
        "divided by the standard deviation once": due * scale,
        "not divided by the variance": due * scale**2,
    }
    out = t.call(mean_gradient, x, *one)
    single = line_mixture(*one).log_prob(x.double())
    other = "normalized over the data"
    ideas[other] = (single.softmax(0) * (x - means[0]) / scale**2).sum()[None]
    no = "not the derivative"
    t.close(out, due, "A single Gaussian.", no, ideas, tol=1e-4)

    t.property("the slope of the log-likelihood, by finite differences")

    def slope(x, stds):
        def total(m):
            return line_mixture(w, m, stds).log_prob(x.double()).sum()

        h, step = 1e-5, torch.eye(k, dtype=torch.float64)
        ends = [(total(means + h * e), total(means - h * e)) for e in step]
        return torch.stack([up - down for up, down in ends]) / (2 * h)

    pull = (x[:, None] - means).double() / stds.double().square()
    each = Normal(means.double(), stds.double()).log_prob(x.double()[:, None])
    best = torch.eye(k, dtype=torch.float64)[(each + w.double().log()).argmax(1)]
    plain = torch.eye(k, dtype=torch.float64)[each.argmax(1)]
    ideas = {
        "weights left out of the responsibilities": (each.softmax(1) * pull).sum(0),
        "points given to their best component": [
            (best * pull).sum(0),
            (plain * pull).sum(0),
        ],
        "every point pulls with full force": [pull.sum(0), (w * pull).sum(0)],
        "widths left out of the responsibilities": [
            ((each + v.log() + stds.log()).softmax(1) * pull).sum(0) for v in (w, w**0)
        ],
        "weights added, not their logarithms": ((each + w).softmax(1) * pull).sum(0),
    }
    out = t.call(mean_gradient, x, w, means, stds)
    due = slope(x, stds)
    t.close(out, due, "Central differences in float64.", no, ideas, tol=1e-3)

    t.property("far from all components")
    far = torch.tensor([150.0, -200.0])
    name = "densities that underflow"
    for wide in (torch.full((k,), 1.5), torch.tensor([1.0, 2.0, 1.5])):
        for points in (far, far[:1], far[1:]):
            out = t.call(mean_gradient, points, w, means, wide)
            t.finite(out, "One component pulls.", name)
            why = "Here one component has nearly all of the responsibility."
            t.close(out, slope(points, wide), why, name, tol=1e-3)


@Exercise(
    id="gm-07",
    title="One Gaussian for two humps",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Minimize the KL divergence in both directions, one by hand, one by numerics.",
    ),
    statement=r"""
The truth is $p = 0.3\, \mathcal N(-1,\, 0.5^2) + 0.7\, \mathcal N(2,\, 1^2)$, the model
one Gaussian $q = \mathcal N(\mu, \sigma^2)$.

1. Derive the $\mu$ and $\sigma$ that minimize $\mathrm{KL}(p \,\|\, q)$.
2. Find those that minimize $\mathrm{KL}(q \,\|\, p)$, by numerics: a fine grid on the
   line and any optimizer.

Give the four numbers to three decimals.
""",
    stub="""
forward_mean = ...
forward_std = ...
reverse_mean = ...
reverse_std = ...
""",
    answers={
        "forward_mean": float,
        "forward_std": float,
        "reverse_mean": float,
        "reverse_std": float,
    },
    hints=(
        "Forward: which two properties of p does E_p[log q] contain?",
        "The variance of a mixture is the mean of the variances plus the variance of "
        "the means.",
        "Reverse: both log p and log q on a grid from -12 to 12, the integral as a "
        "sum, and torch.optim.LBFGS over the mean and the logarithm of the standard "
        "deviation.",
    ),
    misconceptions={
        "spread between the components forgotten": "The variance of a mixture is more "
        "than the mean of its parts' variances.",
        "variance in place of the standard deviation": "sigma is asked for.",
        "standard deviations averaged": "Second moments add up, deviations do not.",
        "the larger component": "The reverse optimum is near it, but the other "
        "component still tilts it.",
        "components weighted equally": "The weights are 0.3 and 0.7.",
        "weights exchanged": "The component at -1 has the weight 0.3.",
        "mean not subtracted": "A second moment is a variance only around the mean.",
        "directions exchanged": "Forward is the mean under the truth p.",
        "one answer for both": "The two directions have different minima.",
        "not the minimum": "Compare your divergence at the answer with its neighbors.",
    },
)
def gm_07(t, forward_mean, forward_std, reverse_mean, reverse_std):
    w, m, s = (torch.tensor(v) for v in ([0.3, 0.7], [-1.0, 2.0], [0.5, 1.0]))
    line = torch.linspace(-12, 14, 2601, dtype=torch.float64)
    log_p, dx = line_mixture(w, m, s).log_prob(line), 0.01

    def reverse(v):
        log_q = Normal(v[0], v[1].exp()).log_prob(line)
        return (log_q.exp() * (log_q - log_p)).sum() * dx

    at = torch.tensor([1.0, 0.3], dtype=torch.float64)
    for _ in range(12):  # Newton's method, damped at the start
        slope = torch.autograd.functional.jacobian(reverse, at)
        bend = torch.autograd.functional.hessian(reverse, at)
        step = torch.linalg.solve(bend + 0.01 * torch.eye(2), slope)
        at = at - step.clamp(-0.3, 0.3)
    back = (at[0].item(), at[1].exp().item())
    mean = float((log_p.exp() * line).sum() * dx)
    var = float((log_p.exp() * (line - mean) ** 2).sum() * dx)
    ahead = (mean, var**0.5)
    odd = "not the minimum"

    t.property("forward: the mean")
    ideas = {
        "components weighted equally": 0.5,
        "weights exchanged": -0.1,
        "directions exchanged": back[0],
    }
    why = "The mean under p, by quadrature."
    t.close(forward_mean, ahead[0], why, odd, ideas, tol=5e-4)

    t.property("forward: the standard deviation")
    ideas = {
        "variance in place of the standard deviation": var,
        "spread between the components forgotten": [0.775**0.5, 0.775],
        "standard deviations averaged": 0.85,
        "mean not subtracted": (var + mean**2) ** 0.5,
        "directions exchanged": back[1],
    }
    why = "The root of the variance under p, by quadrature."
    t.close(forward_std, ahead[1], why, odd, ideas, tol=5e-4)

    t.property("reverse: the mean")
    ideas = {"the larger component": 2.0, "one answer for both": ahead[0]}
    why = "The minimum of the integral on a grid."
    t.close(reverse_mean, back[0], why, odd, ideas, tol=5e-4)

    t.property("reverse: the standard deviation")
    ideas = {
        "the larger component": 1.0,
        "one answer for both": ahead[1],
        "variance in place of the standard deviation": back[1] ** 2,
    }
    t.close(reverse_std, back[1], why, odd, ideas, tol=5e-4)


@Exercise(
    id="gm-08",
    title="An EM that loses likelihood",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=("Find a fault in EM by the guarantee that it breaks.",),
    statement=r"""
One step of EM for a mixture on the line: `em_step(x, w, means, stds)` takes data of
shape `(n,)` and the parameters, `(k,)` each, and returns the new
`(w, means, stds)`. On many data sets the program below looks fine. On some the
log-likelihood *falls* from one step to the next, which EM cannot do.

Repair it. Beside the likelihood, a second observation helps: start it with components
that are equal in all but their weights, and see what becomes of the weights.
""",
    stub='''
def em_step(x, w, means, stds):
    """(n,), (k,), (k,), (k,) -> new (w, means, stds), (k,) each."""
    gap = (x[:, None] - means) / stds
    log_density = -0.5 * gap**2 - stds.log()
    r = log_density.softmax(1)
    n_j = r.sum(0)
    means = (r * x[:, None]).sum(0) / n_j
    var = (r * (x[:, None] - means) ** 2).sum(0) / n_j
    return n_j / len(x), means, var.sqrt()
''',
    answers={"em_step": callable},
    hints=(
        "Components that differ in their weights alone explain every point in the "
        "proportion of their weights. What should r be, and what is it?",
        "Compare the line that makes r with the formula of the E-step, factor by "
        "factor.",
    ),
    misconceptions={
        "weights left out of the E-step": "A responsibility is proportional to weight "
        "times density. Without the weight rare components take too much.",
        "weights not returned as shares": "The new weights sum to one.",
        "responsibilities normalized over the data": "Each point's responsibilities "
        "sum to one.",
        "weights squared": "The weight enters the responsibility once.",
        "widths left out of the density": "A wide component is a low one: the factor "
        "1/std belongs to the density.",
        "variance in place of the standard deviation": "The third output is a standard "
        "deviation.",
        "variance around the old mean": "The M-step's variance is around the new mean.",
        "parameters not updated": "A step moves all three.",
        "weights added, not their logarithms": "Logarithms are added to logarithms.",
        "responsibilities not normalized": "Those of a point sum to one.",
        "divided by one point less": "The unbiased estimate has another denominator "
        "than the one that maximizes the likelihood.",
        "not the top of the bound": "Given the right responsibilities the M-step of "
        "the program is the right one: what else was changed?",
        "not three tensors": "Return (w, means, stds).",
    },
    repair=True,
)
def gm_08(t, em_step):
    n, k = t.integer(20, 30), 3
    w = torch.tensor([0.7, 0.2, 0.1])
    x = torch.cat([t.normal(n, mean=-1.0), t.normal(n // 2, mean=2.5, std=0.6)])

    def run(*state):
        out = t.call(em_step, x, *state)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, stds) is due.", got, "not three tensors")
        for v in out:
            t.shape(v, (k,), "one number for each component.")
        return [t.tensor(v).detach() for v in out]

    t.property("components that differ in weight alone keep their weights")
    same = [w, torch.full((k,), 2.3), torch.full((k,), 1.4)]
    new = run(*same)
    doubled = w**2 / w.square().sum()
    ideas = {
        "weights left out of the E-step": 1 / k,
        "weights not returned as shares": w * len(x),
        "responsibilities normalized over the data": [1 / len(x), w * 0 + 1 / len(x)],
        "weights squared": doubled,
        "weights added, not their logarithms": w.softmax(0),
        "responsibilities not normalized": w / k,
    }
    why = "Every point belongs to them in the proportion of the weights."
    top = "not the top of the bound"
    t.close(new[0], w, why, top, ideas, tol=1e-4)

    t.property("and get mean and standard deviation of the data")
    moved = "parameters not updated"
    ideas = {moved: 2.3}
    t.close(new[1], x.mean(), "They explain all points alike.", top, ideas, tol=1e-4)
    spread = x.double().std(correction=0)
    ideas = {
        "variance in place of the standard deviation": spread**2,
        "variance around the old mean": (x.double() - 2.3).square().mean().sqrt(),
        moved: 1.4,
        "divided by one point less": spread * (1 - 1 / (w * len(x))) ** -0.5,
    }
    t.close(new[2], spread, "They explain all points alike.", top, ideas, tol=1e-4)

    t.property("the step goes to the top of the bound")
    start = [w, torch.tensor([-1.0, 1.5, 3.0]), torch.tensor([1.6, 0.5, 0.9])]
    data = x.double()

    def log_joint(state):
        w, means, stds = (v.double() for v in state)
        return w.log() + Normal(means, stds).log_prob(data[:, None])

    logits = torch.zeros(k, dtype=torch.float64, requires_grad=True)
    r = torch.stack(
        [
            torch.autograd.grad(row.logsumexp(0), logits, retain_graph=True)[0]
            for row in log_joint(start) + logits
        ]
    )
    new = [v.double().requires_grad_() for v in run(*start)]
    for v, old in zip(new, start):
        t.true((v - old).abs().max() > 1e-6, "All three move.", "the old ones", moved)
    bound = (r * log_joint([new[0] / new[0].sum(), *new[1:]])).sum()
    why = "Weights, means and widths maximize the bound of the E-step."
    gap = ((data[:, None] - start[1]) / start[2]).square() / 2
    height = Normal(start[1], start[2]).log_prob(x[:, None]).softmax(1).double()
    names = {
        "widths left out of the density": (w.log() - gap).softmax(1),
        "responsibilities not normalized": w * height,
    }
    slopes = torch.autograd.grad(bound, new)
    for name, r in names.items():
        share = r / r.sum(0)
        if not (new[1] - (share * data[:, None]).sum(0)).abs().max() > 1e-3:
            top = name
    for value in slopes:
        t.close(value, torch.zeros_like(value), why, top, tol=2e-3)

    t.property("no step lowers the log-likelihood")
    state, before = start, log_joint(start).logsumexp(1).sum()
    for _ in range(5):
        state = run(*state)
        after = log_joint(state).logsumexp(1).sum()
        why = "EM's guarantee."
        t.at_least(after - before, -1e-3, why, "weights left out of the E-step")
        before = after


@Exercise(
    id="gm-09",
    title="The price of noise",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Derive what a share of noise costs in nats, bits and ranks.",),
    statement=r"""
A model assigns $\log p(x) = -90$ nats to an image of 28 × 28 binary pixels. It is
diluted: with probability $\lambda$ the sampler asks the model, else it flips 784 fair
coins. The dilution gives $x$ the probability
$\lambda\, p(x) + (1 - \lambda)\, 2^{-784}$.

1. `lost_nats`: how many nats does the image lose for $\lambda = 0.02$?
2. `lost_bits_per_dim`: the same in bits per pixel.
3. `one_in`: another model, undiluted, gives the image $-100$ nats. Only one of how many
   draws may come from the good model before the dilution is the worse of the two?
   (That is $1/\lambda$ where they are equal.)

Give numbers with a relative error below one in a thousand.
""",
    stub="""
lost_nats = ...
lost_bits_per_dim = ...
one_in = ...
""",
    answers={"lost_nats": float, "lost_bits_per_dim": float, "one_in": float},
    hints=(
        "Which of the two terms matters? Compare -90 + log 0.02 with -784 log 2.",
        "Nats to bits: divide by log 2. Per pixel: divide by the number of pixels.",
        "For 3 the loss has to be the difference of the two models.",
    ),
    misconceptions={
        "bits in place of nats": "The natural logarithm is meant.",
        "sign flipped": "A loss of likelihood is a positive number here.",
        "the share of noise in place of that of the model": "The model's density is "
        "multiplied by 0.02; the noise's share hardly matters.",
        "log-likelihoods averaged": "Densities are mixed, not their logarithms.",
        "nats in place of bits": "A bit is log 2 nats.",
        "log-likelihood in place of the loss": "What is lost is the difference of two "
        "log-likelihoods.",
        "number in place of its logarithm": "The loss is a difference of logarithms.",
        "not the loss of the dilution": "Write down the logarithm of the diluted "
        "probability, and see which term counts.",
        "ratio of the log-likelihoods": "Not how many times as large: how much larger.",
        "not where the two are equal": "Put your number into the dilution: the image "
        "must get -100 nats.",
        "not divided by the number of pixels": "Per dimension: of 784 pixels.",
        "divided by one side of the image": "There are 28 · 28 pixels.",
        "logarithm in place of the number": "One in how many: the exponential of the "
        "difference.",
        "power of two": "The difference is in nats, so the base is e.",
        "share in place of one in how many": "The reciprocal is asked for.",
    },
)
def gm_09(t, lost_nats, lost_bits_per_dim, one_in):
    coins = torch.tensor(0.5, dtype=torch.float64).log() * 784

    def diluted(share, log_p=-90.0):
        parts = torch.tensor([share, 1 - share], dtype=torch.float64).log()
        return torch.logaddexp(parts[0] + log_p, parts[1] + coins)

    lost = (-90.0 - diluted(0.02)).item()
    mixed = -90.0 - (0.02 * -90.0 + 0.98 * coins.item())

    t.property("the loss in nats")
    ideas = {
        "bits in place of nats": [lost / math.log(2), lost / math.log(10)],
        "log-likelihood in place of the loss": [-90 - lost, 90 + lost],
        "number in place of its logarithm": math.exp(lost),
        "sign flipped": -lost,
        "the share of noise in place of that of the model": [
            -math.log(0.98),
            math.log(0.98),
        ],
        "log-likelihoods averaged": [mixed, -mixed],
    }
    odd = "not the loss of the dilution"
    t.close(lost_nats, lost, "From the density of the dilution.", odd, ideas, 1e-3)

    t.property("the loss in bits per pixel")
    per = lost / 784
    ideas = {
        "nats in place of bits": [1.0, math.log(2)],
        "log-likelihood in place of the loss": (90 + lost) / lost / math.log(2),
        "not divided by the number of pixels": [784.0, 784.0 / math.log(2)],
        "divided by one side of the image": [28.0, 28.0 / math.log(2)],
        "sign flipped": -1 / math.log(2),
    }
    due = 1 / math.log(2)
    why = "The same loss, in another unit (shown as a multiple of nats per pixel)."
    t.close(lost_bits_per_dim / per, due, why, odd, ideas, 1e-3)

    t.property("one in how many")
    low, high = 0.0, 30.0  # bisection for the logarithm
    for _ in range(60):
        middle = (low + high) / 2
        worse = bool(diluted(math.exp(-middle)) < -100.0)
        low, high = (low, middle) if worse else (middle, high)
    why = "A positive number is due."
    t.true(one_in > 0, why, f"{one_in:g}", "share in place of one in how many")
    ideas = {
        "logarithm in place of the number": math.log(low),
        "power of two": low * math.log(2),
        "share in place of one in how many": -low,
        "ratio of the log-likelihoods": math.log(100 / 90),
    }
    why = "There the dilution has -100 nats too (shown as natural logarithms)."
    odd = "not where the two are equal"
    t.close(math.log(one_in), low, why, odd, ideas, tol=1e-4)


@Exercise(
    id="gm-10",
    title="Pixels that were not seen",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=("Compute the exact likelihood of a part of an image under a mixture.",),
    statement=r"""
A mixture of $k$ products of independent binary pixels, with log-weights `log_w`
(shape `(k,)`, normalized) and pixel logits `logits` (shape `(k, d)`, a pixel is lit
with probability $1 / (1 + e^{-\ell})$). Of each image only some pixels were seen.

Write `log_prob_seen(x, seen, log_w, logits)`: `x` of shape `(b, d)` holds zeros and
ones where the boolean mask `seen`, `(b, d)`, is true, and **anything, also NaN or
infinity**, where it is false. Return the log-probability of what was seen,
$\log p(x_S)$, shape `(b,)`, in nats. It has to stay exact at logits of $\pm 200$.
""",
    stub='''
def log_prob_seen(x, seen, log_w, logits):
    """(b, d), (b, d) bool, (k,), (k, d) -> (b,): log p of the seen pixels."""
    return ...
''',
    answers={"log_prob_seen": callable},
    hints=(
        "Sum the product over both values of one unseen pixel. What is left of its "
        "factor?",
        "An unseen pixel contributes 0 to the logarithm of each component, whatever "
        "stands in x. NaN times 0 is NaN: choose with `torch.where`.",
        "First the sum over the seen pixels of each component, shape (b, k), then the "
        "sum over components, as logarithms.",
    ),
    misconceptions={
        "unseen pixels taken as dark": "Dark is a value; unseen is none.",
        "unseen pixels taken as half lit": "A pixel of 1/2 still contributes a factor, "
        "and not that of a sum over its values.",
        "unseen values leak in": "What stands in x where seen is false must not "
        "matter, not even if it is NaN.",
        "scaled up to all pixels": "The log-probability of fewer pixels is not "
        "rescaled: it is a probability of what was seen.",
        "weights left out": "Each component counts with its weight.",
        "logarithms averaged over the components": "Probabilities are mixed, not their "
        "logarithms.",
        "best component only": "A maximum is not the sum over components.",
        "pixels mixed one by one": "The component is chosen once for the whole image; "
        "mixing each pixel on its own loses what pixels have in common.",
        "logarithm of a saturated sigmoid": "At logits of 200 the sigmoid is exactly 0 "
        "or 1.",
        "negative log-likelihood returned": "The sign is that of a loss.",
        "mean over the pixels": "Independent pixels: logarithms add up.",
        "dark pixels left out": "A pixel that is dark has a probability too.",
        "not the probability of the image": "Take two pixels and two components, and "
        "add up the four images by hand.",
        "one shift for all images": "Subtracting one number from the logarithms of all "
        "images saves the likeliest image alone: the others underflow.",
        "one mask for all images": "Each image has seen pixels of its own: row i of "
        "seen belongs to row i of x.",
    },
)
def gm_10(t, log_prob_seen):
    k, d = 3, t.integer(5, 6)
    log_w = fractions(t, k).log()
    logits = t.away(k, d, low=0.4, high=2.5)
    images = all_images(d)
    every = torch.ones(len(images), d, dtype=torch.bool)

    t.property("one number for each image")
    out = t.call(log_prob_seen, images[:4], every[:4], log_w, logits)
    t.shape(out, (4,), "log p of each of the images.")

    t.property("everything seen: all 2ᵈ images sum to one")
    full = t.call(log_prob_seen, images, every, log_w, logits)
    on = torch.distributions.Bernoulli(logits=logits.double())
    pixels = on.log_prob(images.double()[:, None])  # (2^d, k, d)
    parts, lw = pixels.sum(2), log_w.double()
    blend = (pixels.exp() * lw.exp()[:, None]).sum(1).log().sum(1)
    due = torch.stack([(p + lw).exp().sum() for p in parts]).log()
    table = due.exp()  # of each image

    def completed(row, seen):
        return table[((images == row) | ~seen).all(1)].sum().log()

    ideas = {
        "weights left out": [parts.exp().sum(1).log(), parts.exp().mean(1).log()],
        "logarithms averaged over the components": parts @ lw.exp(),
        "best component only": (parts + lw).amax(1),
        "pixels mixed one by one": blend,
        "negative log-likelihood returned": -due,
        "mean over the pixels": [due / d, (parts / d + lw).exp().sum(1).log()],
        "dark pixels left out": ((pixels * images[:, None]).sum(2) + lw).logsumexp(1),
    }
    saturated = "logarithm of a saturated sigmoid"
    other = "not the probability of the image"
    t.close(full, due, "By enumeration.", other, ideas, tol=1e-4)
    total = t.tensor(full).exp().sum()
    t.close(total, 1.0, "One of the images it is.", tol=1e-3)

    t.property("unseen pixels: the sum over all completions")
    i = t.integer(1, len(images) - 2)
    seen = torch.tensor([j % 2 == 0 for j in range(d)])
    due = completed(images[i], seen)[None]
    row, mask = images[i : i + 1], seen[None]
    dark, half = row * seen, torch.where(seen, row, 0.5)
    kept = (pixels[i] * seen).sum(1)
    blank = on.log_prob(dark[0].double()).sum(1)
    soft = (half[0] * logits.double() + on.log_prob(torch.tensor(0.0))).sum(1)
    ideas = {
        "unseen pixels taken as dark": (blank + lw).exp().sum().log()[None],
        "unseen pixels taken as half lit": (soft + lw).exp().sum().log()[None],
        "scaled up to all pixels": [
            due * d / int(seen.sum()),
            (kept * d / int(seen.sum()) + lw).exp().sum().log()[None],
        ],
    }
    out = t.call(log_prob_seen, dark, mask, log_w, logits)
    leak = "unseen values leak in"
    t.close(out, due, "Added up, one by one.", leak, ideas, tol=1e-4)

    t.property("what stands at unseen pixels does not matter")
    x = torch.where(mask, row, 7.0)
    out = t.call(log_prob_seen, x, mask, log_w, logits)
    t.close(out, due, "They were not seen.", leak, tol=1e-4)

    # Of two equal NaN the engine would say that they differ: put them in behind it.
    def unknown(mask, log_w, logits, value):
        x = torch.where(mask, row, value)
        return log_prob_seen(x, mask, log_w, logits)

    for value in (math.nan, math.inf):
        out = t.call(unknown, mask, log_w, logits, value)
        t.close(out, due, "They were not seen.", leak, tol=1e-4)

    t.property("each image has a mask of its own")
    rows = images[torch.randperm(len(images), generator=t.rng)[:4]]
    masks = torch.eye(d)[:4].bool() | (torch.arange(d) == d - 1)
    each = torch.stack([completed(v, m) for v, m in zip(rows, masks)])
    shared = [masks[0], masks.all(0), masks.any(0)]
    ideas = {
        "one mask for all images": [
            torch.stack([completed(v, m) for v in rows]) for m in shared
        ]
    }
    out = t.call(log_prob_seen, rows, masks, log_w, logits)
    t.close(out, each, "Added up, one by one.", None, ideas, tol=1e-4)

    t.property("nothing seen: probability one")
    out = t.call(log_prob_seen, row * 0, ~mask & mask, log_w, logits)
    t.close(out, 0.0, "Something always happens.", leak, tol=1e-5)

    t.property("logits of ±200")
    signs = logits[:1].sign()
    signs[0, :2] = torch.tensor([1.0, -1.0])  # both ends
    pattern, sharp = (signs > 0).float(), 200 * signs.expand(k, d).contiguous()
    pair = torch.cat([pattern, 1 - pattern])
    due = torch.tensor([0.0, -200.0 * d])
    for i in (0, 1):
        out = t.call(log_prob_seen, pair[i : i + 1], every[:1], log_w, sharp)
        t.finite(out, "Improbable, not impossible.", saturated)
        why = "Lit as all components say: 0; else each pixel costs 200 nats."
        t.close(out, due[i : i + 1], why, saturated, tol=1e-4)
    out = t.call(log_prob_seen, pair, every[:2], log_w, sharp)
    name = "one shift for all images"
    t.close(out, due, "The same two in one batch.", name, tol=1e-4)


@Exercise(
    id="gm-11",
    title="How many points does a histogram want?",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Put a number to the curse of dimension.",),
    statement=r"""
Data are uniform in $[0, 1]^d$, and a histogram has `bins` equal cells per axis. After
$n$ training points, a fresh point falls into a cell that some training point has
visited with a probability that grows with $n$.

Write `points_needed(bins, d, share)`: the **smallest** integer $n$ for which that
probability is at least `share`, where `0 < share < 1`. There are at least two cells;
the answer has to be exact for up to a million of them.
""",
    stub='''
def points_needed(bins, d, share):
    """int, int, float -> int: the smallest number of training points."""
    return ...
''',
    answers={"points_needed": callable},
    hints=(
        "How many cells are there? With which probability does one training point "
        "miss the cell of the fresh point, and with which do n of them?",
        "Solve for n. It need not be an integer: which way must you round?",
        "For many cells log(1 - 1/cells) loses its digits: `math.log1p`.",
    ),
    misconceptions={
        "cells counted as bins · d": "Each axis multiplies the number of cells.",
        "share of the cells in place of the probability": "n = share · cells forgets "
        "that several points fall into one cell.",
        "probability of missing in place of hitting": "The cell is visited unless all "
        "n points miss it.",
        "rounded down": "The smallest n that reaches the share lies above the "
        "solution, not below.",
        "rounded to the nearest": "Below one half the share would not be reached.",
        "one point too many": "The smallest number is due, also where the solution is "
        "an integer.",
        "bins and d exchanged": "Two axes of ten cells make a hundred, not 2 to the "
        "tenth.",
        "not the smallest number": "Compute the probability for your n and for n - 1.",
        "exponential in place of the power": "(1 - 1/m)^n is not exp(-n/m) for few "
        "cells.",
        "not an integer": "A number of points is due.",
    },
)
def gm_11(t, points_needed):
    def visited(n, cells):
        return 1 - (1 - 1 / cells) ** n

    def smallest(share, cells):
        low, high = 0, 1
        while visited(high, cells) < share:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            enough = visited(middle, cells) >= share
            low, high = (low, middle) if enough else (middle, high)
        return high

    cases = [(5, 2, 0.99), (3, 2, 0.99), (2, 1, 0.6), (10, 3, 0.3), (10, 6, 0.9)]
    cases.append((2, 1, 0.5))  # reached exactly: all ways to compute it agree
    cases.append((t.integer(3, 9), t.integer(2, 4), t.integer(25, 75) / 100))

    for bins, d, share in cases:
        t.property(f"{bins} cells per axis, {d} axes, a share of {share}")
        cells, out = bins**d, t.call(points_needed, bins, d, share)
        n = t.tensor(out)
        whole = n.dim() == 0 and bool(n == n.round())
        t.true(whole, "One integer.", str(out)[:40], "not an integer")
        due = smallest(share, cells)
        below = visited(due - 0.5, cells) >= share
        ideas = {
            "cells counted as bins · d": smallest(share, bins * d),
            "share of the cells in place of the probability": math.ceil(share * cells),
            "probability of missing in place of hitting": smallest(1 - share, cells),
            "rounded to the nearest": due - 1 if below else due,
            "rounded down": due - 1,
            "one point too many": due + 1,
            "bins and d exchanged": smallest(share, max(d**bins, 2)),
            "exponential in place of the power": math.ceil(-cells * math.log1p(-share)),
        }
        ideas = {name: float(v) for name, v in ideas.items() if v != due}
        why = "Found by trying: one point fewer is not enough."
        other = "not the smallest number"
        t.close(n, float(due), why, other, ideas=ideas, tol=1e-9)


@Exercise(
    id="gm-12",
    title="Drawing from a mixture",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Sample in the order of the model: first the component, then x.",),
    statement=r"""
Write `sample_mixture(n, w, means, stds)`: `n` independent draws from
$\sum_j \pi_j\, \mathcal N(\mu_j, \operatorname{diag}(\sigma_j^2))$. `w` has shape
`(k,)` and sums to one, `means` and `stds` have shape `(k, d)`. Return a tensor of
shape `(n, d)`, fresh at each call.
""",
    stub='''
def sample_mixture(n, w, means, stds):
    """int, (k,), (k, d), (k, d) -> (n, d): independent draws."""
    return ...
''',
    answers={"sample_mixture": callable},
    hints=(
        "How was the data supposed to have come about? Two steps, for each draw anew.",
        "`torch.multinomial(w, n, replacement=True)` gives n component numbers; "
        "`means[j]` with a vector j picks a row for each.",
        "Count the noise: n · d numbers.",
    ),
    misconceptions={
        "components averaged": "A weighted mean of Gaussian draws is a Gaussian draw: "
        "one hump between the others.",
        "one component for all draws": "Each draw chooses its own component.",
        "components in fixed numbers, sorted": "Independent draws come in any order, "
        "and the number of each component varies.",
        "the same shares at each call": "Each draw chooses by itself, so that the "
        "number of draws of a component varies from call to call.",
        "weights left out": "Components are chosen with their weights.",
        "variances used as deviations": "stds are standard deviations.",
        "one noise for all dimensions": "The dimensions of a draw get noise of their "
        "own.",
        "component chosen for each dimension": "One choice of component holds for the "
        "whole point.",
        "noise left out": "A draw is not the mean of its component.",
        "deviations of another component or axis": "Mean and deviations belong to the "
        "same component, axis by axis.",
        "noise not Gaussian": "Uniform, clipped or heavy-tailed noise of the right "
        "deviation is not normal.",
        "number of dimensions fixed": "d is the width of means, whatever it is.",
        "weights changed": "The weights are the probabilities, as they are.",
        "draws not independent of each other": "Each draw has a component and noise of "
        "its own.",
        "fixed across calls": "A second call gives other draws.",
    },
)
def gm_12(t, sample_mixture):
    d, n = 2, 6000
    w = fractions(t, 3)
    means = torch.tensor([[-4.0, 3.0], [0.0, -3.5], [4.5, 0.5]])
    means = means + t.uniform(3, d, low=-0.4, high=0.4)
    stds = torch.tensor([[0.28, 0.42], [0.45, 0.33], [0.36, 0.24]])
    stds = stds + t.uniform(3, d, low=-0.02, high=0.02)

    t.property("n points of d coordinates, fresh at each call")
    out = t.call(sample_mixture, n, w, means, stds)
    t.shape(out, (n, d), "n draws.")
    t.finite(out, "Draws are numbers.")
    again = t.call(sample_mixture, n, w, means, stds)
    fresh = "fixed across calls"
    t.true((out != again).any(), "Other draws.", "the same draws", fresh)
    x = t.tensor(out).detach().double()
    fixed = "number of dimensions fixed"
    for size in (1, 3):
        some = t.uniform(3, size, low=-2, high=2), t.uniform(3, size, low=0.5, high=1)
        t.shape(t.call(sample_mixture, 7, w, *some), (7, size), f"d = {size}.", fixed)

    t.property("each point lies near one of the means")
    near = ((x[:, None] - means).abs() / stds).amax(2)  # in deviations, the worse axis
    close, j = near.min(1)
    count = len(x.unique(dim=0))
    t.true(count > n // 2, "No two alike.", f"{count} different", "noise left out")
    first = (x[:, 0, None] - means[:, 0]).abs().argmin(1)
    spread = torch.bincount(first, minlength=3).min() > n // 20
    apart = ((x[:, None] - means).abs() / stds).amin(1).max()  # each axis by itself
    name = "components averaged"
    if spread and apart < 7:
        name = "component chosen for each dimension"
    why = "At most one in 200 is farther than seven of its standard deviations."
    t.at_most((close > 7).double().mean(), 0.005, why, name)

    t.property("the components' frequencies are their weights")
    counts = torch.bincount(j, minlength=3)
    got = f"all {n} draws near one mean"
    one = "one component for all draws"
    t.true((counts > 0).all(), "All components occur.", got, one)
    ideas = {"weights left out": torch.full((3,), 1 / 3)}
    other = "weights changed"
    t.frequencies(counts, w, "Each is chosen with its weight.", other, ideas)

    t.property("draws do not depend on their place")
    place = torch.arange(n, dtype=torch.float64)
    shared = "draws not independent of each other"
    blocks = (j.diff() != 0).sum() < 10
    name = "components in fixed numbers, sorted" if blocks else shared
    for axis in (0, 1):
        t.independent(torch.stack([x[:, axis], place], 1), "In any order.", name)

    t.property("each draw chooses by itself: the numbers vary from call to call")
    seen = set()
    for _ in range(6):  # that all six agree: below 1e-11 for independent draws
        few = t.tensor(t.call(sample_mixture, 200, w, means, stds)).detach().double()
        near = ((few[:, None] - means).abs() / stds).amax(2).argmin(1)
        seen.add(tuple(torch.bincount(near, minlength=3).tolist()))
    why, got = "Of 200 draws each time.", "six times the same number of each component"
    t.true(len(seen) > 1, why, got, "the same shares at each call")

    t.property("around each mean: Gaussian, with the deviations asked for")
    z = (x - means[j]) / stds[j]
    for c in range(3):
        ideas = {"variances used as deviations": [stds[c], stds[c] ** -0.5]}
        why, other = f"Component {c}.", "deviations of another component or axis"
        t.std(z[j == c], torch.ones(2), why, other, ideas)
    t.independent(z, "Noise of its own.", "one noise for all dimensions")
    borders = torch.tensor([0.0, 0.6, 1.1, 1.6, 2.1, 2.6, 3.1, math.inf]).double()
    size = torch.bucketize(z.abs().flatten(), borders[1:-1])
    counts, probs = torch.bincount(size, minlength=7), (borders / 2**0.5).erf().diff()
    t.frequencies(counts, probs, "Sizes of normal noise.", "noise not Gaussian")

    t.property("no two draws share a component or noise")
    t.independent(x[:, 0].view(-1, 2), "Neighbors.", shared)
    t.independent(z[:, 0].view(2, -1).T, "The two halves.", shared)


@Exercise(
    id="gm-13",
    title="A density under 2.7 nats",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Fit a density that is good on data it has not seen, in a second of CPU time.",
    ),
    statement=r"""
`x` holds 1,000 points, shape `(1000, 2)`, from a five-armed pinwheel that has been
turned by an unknown angle and shifted. Write `fit_density(x)`, which returns a function
`log_prob`: points `(b, 2)` to log-densities `(b,)` in nats.

On fresh points the mean of `-log_prob` must be **at most 2.7 nats** (the entropy of the
truth is 2.32), and the density must integrate to one; the value at a point must not
depend on which other points are asked for. Any kind of model is allowed: a mixture, a
kernel, a net. (A histogram of equal cells comes close at best.) Budget: about two
seconds on one CPU thread. The check does not time you, but you will wait.
""",
    stub='''
def fit_density(x):
    """(1000, 2) -> a function: (b, 2) -> (b,) log-densities in nats."""
    return ...
''',
    answers={"fit_density": callable},
    hints=(
        "Measure before you send it in: keep 200 of the points back, and look at the "
        "mean log-density there, not on the points you fitted.",
        "A mixture of about twenty full Gaussians by EM does it, with a floor under "
        "the variances. So does one round Gaussian on each point, if its width is "
        "well chosen.",
        "Too narrow: the held-out value explodes. Too wide: it creeps up. The best "
        "width lies where the two meet.",
    ),
    misconceptions={
        "no function returned": "fit_density returns log_prob itself.",
        "the same density everywhere": "A constant has learned nothing from x.",
        "impossible points": "Minus infinity for a single fresh point spoils the mean: "
        "leave some density everywhere.",
        "points remembered": "High on the training points, low beside them: the model "
        "is too sharp.",
        "too coarse": "It has the outline and not the arms: more components, smaller "
        "cells, a narrower kernel, or more steps.",
        "does not integrate to one": "Adding a constant to log p makes any model look "
        "better; then it is no density.",
        "negative logarithm returned": "log p is due, not a loss.",
        "depends on the other points": "A density is a function of one point. What is "
        "fitted or normalized is fixed before log_prob is called.",
    },
)
def gm_13(t, fit_density):
    wheel = pinwheel()
    angle = 2 * math.pi * torch.rand((), generator=t.rng)
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    shift = t.uniform(2, low=-0.5, high=0.5)
    seed = t.integer(0, 10**9)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        points = wheel.sample(5000) @ turn.T + shift
    x, fresh = points[:1000], points[1000:]

    t.property("a function from points to log-densities")
    log_prob = t.call(fit_density, x)
    got = f"an object of type {type(log_prob).__name__}"
    t.true(callable(log_prob), "A function.", got, "no function returned")
    out = t.tensor(t.call(log_prob, fresh)).detach().double()
    t.shape(out, (len(fresh),), "one log-density for each point.")

    few = t.tensor(t.call(log_prob, fresh[:40])).detach().double()
    one = t.tensor(t.call(log_prob, fresh[:1])).detach().double()
    why, alone = "The same points, fewer at a time.", "depends on the other points"
    t.close(few, out[:40], why, alone, tol=1e-2)
    t.close(one, out[:1], why, alone, tol=1e-2)

    side = -7 + 14 * (torch.arange(175) + 0.5) / 175
    grid = torch.cartesian_prod(side, side)
    area = (14 / 175) ** 2
    board = t.tensor(t.call(log_prob, grid)).detach().double()

    t.property("it gives density to every fresh point")
    never = int((out == -math.inf).sum())
    why = "No fresh point may be impossible."
    t.true(never == 0, why, f"{never} points at minus infinity", "impossible points")
    t.finite(out, "Log-densities are numbers.")
    flat = "the same density everywhere"
    t.true(out.std() > 1e-6, "Not a constant.", "one value for all points", flat)

    t.property("it integrates to one")
    total, turned = board.exp().sum() * area, (-board).exp().sum() * area
    sign = bool(abs(turned - 1) < 0.05)
    name = "negative logarithm returned" if sign else "does not integrate to one"
    seen = t.tensor(t.call(log_prob, x)).detach().double()
    if -out.mean() > -seen.mean() + 1.5:  # too sharp for the grid to see
        name = "points remembered"
    t.at_most(total, 1.05, "On a grid over the plane, at most 1.05.", name)

    t.property("at most 2.7 nats on fresh points")
    nats = -out.mean()
    # Twenty Gaussians by EM: 2.470 nats over 60 seeds, deviation 0.034, worst 2.59.
    name = "points remembered" if nats > -seen.mean() + 1.5 else "too coarse"
    t.at_most(nats, 2.7, "The mean of -log p; 2.32 is the floor.", name)


gm_14 = Exercise(
    id="gm-14",
    title="What would you believe?",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=("Choose a measure by the use, and know how it can be fooled.",),
    statement=r"""
Take data from a field that you know: sensor readings, sentences, X-rays, songs,
orders in a shop. Somebody offers you a generative model of them.

1. Name one use in which you would *draw* from it, one in which you would *score*, and
   one in which you would *condition*.
2. For one of the three, say which single number you would ask for, on which data, and
   what its floor is.
3. Construct a model that has an excellent value of your number and is useless for your
   purpose. (The chapter's one-percent model and memorizer are two recipes; find one
   that fits your number.)
4. Add the cheapest second measurement that would have exposed it.

Half a page. Exchange it with somebody and try to fool each other's pair of numbers.
""",
    stub="",
    hints=(
        "For 3, start from what your number does not look at: coverage, copies, the "
        "tails, dependence between parts, the units.",
        "For 4, a picture of samples, distances to the nearest training example, and a "
        "test on a group that the average hides are all cheap.",
    ),
)
