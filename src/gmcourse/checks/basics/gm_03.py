"""Exercise gm-03: An M-step with one covariance."""

from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared import fractions


@Exercise(
    id="gm-03",
    title="An M-step with one covariance",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=("Derive an M-step for a model that the chapter does not have.",),
    statement=r"""
A mixture in which all components have **one covariance matrix in common**: it is long
and narrow in the same direction everywhere. Given responsibilities, find the weights,
the means and the one $\Sigma$ that maximize
$\sum_i \sum_j r_{ij} \log \bigl(\pi_j\, \mathcal N(x_i; \mu_j, \Sigma)\bigr)$.
Derive what becomes of the last line of [(1.11)](#eq-m-step).

Write `tied_step(x, r)`: `x` has shape `(n, d)`; `r` has shape `(n, k)`, its rows sum to
one, and no component is empty. Return three tensors `(w, means, cov)` of the shapes
`(k,)`, `(k, d)`, `(d, d)`: a full covariance, at the maximum exactly, with nothing
added to it, also where all points lie far from 0.
""",
    stub='''
def tied_step(x, r):
    """(n, d), (n, k) -> (k,), (k, d), (d, d)."""
    w, means, cov = ..., ..., ...
    return w, means, cov
''',
    answers={"tied_step": callable},
    hints=(
        "Weights and means: does their best value depend on the covariances at all?",
        "Follow the derivation of the M-step in the chapter. Which terms of the sum "
        "over $j$ contain the common matrix? Take its gradient with all of them.",
        "Each point's deviation is from the mean of each component, weighted by its "
        "responsibility: a tensor of differences of shape `(n, k, d)` holds what is "
        "needed.",
    ),
    misconceptions={
        "divided by all points": "A component's mean is over what it owns, the sum of "
        "its responsibilities, not over all n points.",
        "centered at the mean of all points": "A deviation is from the mean of "
        "the component that owns the point, not from that of all points.",
        "not centered": "The mean of x x^T is not a covariance: the mean is missing.",
        "responsibilities left out": "A point counts in each component as much as it "
        "belongs to it.",
        "logarithms of the weights": "The weights themselves are due; they sum to one.",
        "not divided by what a component owns": "A mean is a sum divided by what it is "
        "a sum of: the responsibilities of the component.",
        "means pulled together": "The common covariance has no say in the means: each "
        "is that of what its component owns.",
        "weighted twice by what a component owns": "The sum of r over the points has "
        "the weight of the component in it: only divide by n.",
        "covariance of one component": "All components have a part in the common "
        "covariance.",
        "precisions averaged": "What the gradient adds up are scatter matrices, "
        "neither their inverses nor the inverse of a mean of these.",
        "scatter not divided by the number of points": "The covariance is the scatter "
        "matrix divided by n: the responsibilities of a point sum to one.",
        "precision in place of the covariance": "It is the inverse that the derivation "
        "sets to zero; the covariance is due.",
        "root in place of the covariance": "A Cholesky factor, or a root, is due "
        "nowhere here.",
        "correlations in place of the covariance": "The variances are lost.",
        "spread of the means": "What the means differ by is no part of the covariance "
        "within the components.",
        "deviations averaged before their squares": "The mean of squares is due, of "
        "the deviations from each mean; the mean deviation of a point is smaller.",
        "divided by one point less": "The unbiased estimate has another denominator "
        "than the one that maximizes the likelihood.",
        "only the diagonal": "A full covariance is due.",
        "one variance for all directions": "A full covariance is due: a point cloud "
        "may be long in one direction and narrow in another.",
        "one covariance for each component": "All components have one in common.",
        "components not weighted": "A component that owns twice as much says twice as "
        "much about the common covariance.",
        "weights not normalized": "The weights are shares of all points and sum to "
        "one.",
        "weights all equal": "A component that owns more points weighs more.",
        "each point to its best component": "That is k-means: a point may belong to "
        "several components in part.",
        "variance with a floor": "Nothing is to be added to the covariance here, not "
        "even a millionth.",
        "responsibilities squared": "Each product of differences is weighted by r, "
        "once.",
    },
)
def gm_03(t, tied_step):
    n, d, k = t.integer(17, 19), 4, 3  # no group lies in a plane
    center = torch.tensor([3.0, -1.0, 0.5, 2.0])
    x = t.uniform(n, d, low=-2, high=2) * center.abs().sqrt() + center
    owner = torch.arange(n) % k
    owner[-1] = 0  # k groups, not all of one size
    hard = 100 * torch.eye(k).long()[owner]  # in hundredths
    soft = torch.stack([fractions(t, k) for _ in range(n)]).mul(100).round().long()
    for i, best in enumerate(soft.argmax(1)):
        soft[i] = soft[i].roll(int(owner[i] - best))

    def run(x, shares):
        out = t.call(tied_step, x, shares / 100)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, cov) is due.", got)
        return out

    def fit(x, shares):
        """A point of responsibility 0.37 is 37 points, of 100 at its place."""
        groups = [x.double().repeat_interleave(times, 0) for times in shares.T]
        covs = torch.stack([g.T.cov(correction=0) for g in groups])
        return torch.stack([g.mean(0) for g in groups]), covs

    def pooled(weights, covs):
        return torch.einsum("k,kij->ij", weights.double(), covs)

    t.property("weights (k,), means (k, d), one covariance (d, d)")
    w, means, cov = early = run(x.flip(1).square(), hard.flip(1))
    t.shape(w, (k,), "one weight for each component.")
    t.shape(means, (k, d), "one mean for each component.")
    ideas = {
        "only the diagonal": [(d,)],
        "one covariance for each component": [(k, d, d), (k, d)],
    }
    t.shape(cov, (d, d), "one full covariance.", ideas=ideas)

    for name, shares in (
        ("responsibilities of 0 and 1: each component fits its own points", hard),
        ("any responsibilities: a point of 0.37 counts as 37 hundredths", soft),
    ):
        t.property(name)
        w, means, cov = run(x, shares)
        kept = [[("result of an earlier call", t.tensor(v))] for v in early]
        r = shares.double() / 100
        own, (mean, covs) = r.sum(0), fit(x, shares)
        due = pooled(own / n, covs)
        ideas = rivals(x.double(), r, mean, due)
        got = t.tensor(w).detach().double()
        ratio = got / own
        same = (ratio - ratio.mean()).abs().max() < 1e-4 * ratio.mean()
        name = "weights not normalized" if same else None
        # A draw of soft ones may make groups of one size.
        equal = [("weights all equal", 1 / k if shares is hard else [])]
        told = chain(equal, ideas[0], kept[0])
        t.close(w, own / n, "Shares of all points.", name, told)

        got, center = t.tensor(means).detach().double(), x.double().mean(0)
        pulled = ((got - center) * (mean - center)).sum(1) / (
            mean - center
        ).square().sum(1)
        along = (got - center - pulled[:, None] * (mean - center)).abs().max() < 1e-4
        name = "means pulled together" if along and pulled.max() < 1 else None
        t.close(
            means, mean, "The means of what each owns.", name, chain(kept[1], ideas[1])
        )

        more = t.tensor(cov).detach().double() - due
        floor = more.diagonal().mean()
        same = floor > 0 and (more - floor * torch.eye(d)).abs().max() < 0.1 * floor
        name = "variance with a floor" if same else None
        t.close(cov, due, "The common covariance.", name, chain(kept[2], ideas[2]))

    t.property("points on a line have no width across it")
    flat = x * torch.tensor([1.0, 0.0, 1.0, 1.0])
    across = t.tensor(run(flat, soft)[2])[1, 1]
    t.close(across, 0.0, "Exactly none.", "variance with a floor", tol=1e-9)

    t.property("a component that owns a tenth of a point")
    little = torch.stack([99 - soft[:, 1], soft[:, 1], torch.ones(n).long()], 1)
    mean, covs = fit(x, little)
    due = pooled(little.double().sum(0) / 100 / n, covs)
    for out, value in zip(run(x, little)[1:], (mean, due)):
        t.close(out, value, "Means and covariance as of any other.")

    t.property("all of it around 1,000: the same covariance")
    _, means, cov = run(x + 1000, soft)
    mean, covs = fit(x + 1000, soft)
    t.close(means, mean, "Means move with the points.")
    lost, due = "difference of large numbers", pooled(soft.double().mean(0) / 100, covs)
    t.close(cov, due, "The covariance stays.", lost, tol=1e-3)


def rivals(x, r, mean, due):
    """What wrong formulas give for weights, means and covariance, by their mistakes."""
    (n, d), k = x.shape, r.shape[1]
    own, eye, center = r.sum(0), torch.eye(d), x.mean(0)
    best = torch.eye(k).double()[r.argmax(1)]
    powers = {
        "": r,
        "responsibilities squared": r**2,
        "each point to its best component": best,
        "responsibilities left out": torch.full_like(r, 1 / k),
    }
    shares = {
        "logarithms of the weights": [(own / n).log(), own.log()],
    }
    owned = {
        "": lambda v: v.sum(0)[:, None],
        "divided by all points": lambda v: n,
        "not divided by what a component owns": lambda v: 1,
    }
    centers = {
        "": mean,
        "centered at the mean of all points": [
            center + 0 * mean,
            mean.mean(0) + 0 * mean,
        ],
        "not centered": 0 * mean,
        "divided by all points": mean * (own / n)[:, None],
    }

    def weighted(s, v):
        return torch.einsum("kij,k->ij", s, v)

    # Of the scatter of each component, (k, d, d), and what it owns.
    ends = {
        "": lambda s, v: s.sum(0) / n,
        "components not weighted": [
            lambda s, v: weighted(s, 1 / v) / k,
            lambda s, v: weighted(s, 1 / v),
        ],
        "weighted twice by what a component owns": lambda s, v: weighted(s, v) / n**2,
        "covariance of one component": [
            lambda s, v, j=j: s[j] / v[j] for j in range(k)
        ],
        "precisions averaged": [
            lambda s, v, u=u: weighted(
                torch.linalg.inv_ex(s / v[:, None, None])[0], u
            ).pinverse()
            for u in (own / n, torch.full_like(own, 1 / k))
        ],
        "divided by one point less": [
            lambda s, v: s.sum(0) / (n - 1),
            lambda s, v: s.sum(0) / (n - k),
        ],
        "scatter not divided by the number of points": [
            lambda s, v, u=u: s.sum(0) / u for u in (1, k, n * k)
        ],
    }
    finishes = {
        "": lambda c: c,
        "only the diagonal": lambda c: c * eye,
        "one variance for all directions": lambda c: c.diagonal().mean() * eye,
        "precision in place of the covariance": lambda c: c.pinverse(),
        "root in place of the covariance": [
            lambda c: torch.linalg.cholesky_ex(c)[0],
            lambda c: torch.linalg.cholesky_ex(c)[0].T,
        ],
        "correlations in place of the covariance": lambda c: (
            c / c.diagonal().clamp(min=1e-9).outer(c.diagonal().clamp(min=1e-9)).sqrt()
        ),
        "off by a factor of two": [lambda c: c / 2, lambda c: 2 * c],
    }

    def value(v, m, end, finish):
        gap = x[:, None] - m
        return finish(end(torch.einsum("nk,nki,nkj->kij", v, gap, gap), v.sum(0)))

    off = mean - center
    between, gap = off.T @ (off * (own / n)[:, None]), x - r @ mean
    covs = {
        "": due,
        "spread of the means": [between, due + between, due + 2 * between],
        "deviations averaged before their squares": gap.T @ gap / n,
    }
    return (
        chain(mistakes(lambda v: v.sum(0) / v.sum(), powers), shares.items()),
        mistakes(lambda v, whole: v.T @ x / whole(v), powers, owned),
        chain(
            mistakes(value, powers, centers, ends, finishes, tol=1e-3),
            mistakes(torch.clone, covs, tol=1e-3),
        ),
    )
