"""Exercise gm-03: The M-step."""

import torch

from .._exercise import Exercise
from ._shared import fractions


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
added to them, also where all points lie far from 0.
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
        "one variance for all directions": "Full covariances are due: a point cloud "
        "may be long in one direction and narrow in another.",
        "one covariance for all components": "Each component has its own.",
        "weights not normalized": "The weights are shares of all points and sum to "
        "one.",
        "softmax in place of shares": "A component that owns twice as much weighs "
        "twice as much: an exponential makes more of it.",
        "weights all equal": "A component that owns more points weighs more.",
        "each point to its best component": "That is k-means: a point may belong to "
        "several components in part.",
        "variance with a floor": "Nothing is to be added to the covariances here, not "
        "even a millionth.",
        "responsibilities squared": "Each product of differences is weighted by r, "
        "once.",
        "floor under what a component owns": "A component that owns a tenth of a point "
        "is an average of all points still.",
        "not three tensors": "Return (w, means, covs).",
    },
)
def gm_03(t, m_step):
    n, d, k = t.integer(10, 12), 4, 3
    center = torch.tensor([3.0, -1.0, 0.5, 2.0])
    x = t.uniform(n, d, low=-2, high=2) * center.abs().sqrt() + center
    owner = torch.arange(n) % k
    owner[-1] = 0  # k groups, not all of one size
    hard = 100 * torch.eye(k).long()[owner]  # in hundredths
    soft = torch.stack([fractions(t, k) for _ in range(n)]).mul(100).round().long()
    for i, best in enumerate(soft.argmax(1)):
        soft[i] = soft[i].roll(int(owner[i] - best))

    def run(x, shares):
        out = t.call(m_step, x, shares / 100)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, covs) is due.", got, "not three tensors")
        return out

    def fit(x, shares):
        """A point of responsibility 0.37 is 37 points, of 100 at its place."""
        groups = [x.double().repeat_interleave(times, 0) for times in shares.T]
        covs = torch.stack([g.T.cov(correction=0) for g in groups])
        return torch.stack([g.mean(0) for g in groups]), covs

    def around(c, means, covs):
        return covs + (means - c)[:, :, None] * (means - c)[:, None]

    t.property("weights (k,), means (k, d), covariances (k, d, d)")
    w, means, covs = run(x, hard)
    t.shape(w, (k,), "one weight for each component.")
    t.shape(means, (k, d), "one mean for each component.")
    ideas = {"only the diagonal": (k, d)}
    t.shape(covs, (k, d, d), "full covariances.", ideas=ideas)

    for name, shares in (
        ("responsibilities of 0 and 1: each component fits its own points", hard),
        ("any responsibilities: a point of 0.37 counts as 37 hundredths", soft),
    ):
        t.property(name)
        w, means, covs = run(x, shares)
        own = shares.double().sum(0) / 100
        others = {}  # the same where all responsibilities are 0 or 1
        if shares is soft:
            others["each point to its best component"] = hard
            others["responsibilities squared"] = shares**2
        wrong = {name: (s.sum(0) / s.sum(), *fit(x, s)) for name, s in others.items()}
        ideas = {
            # A draw of hard assignments makes groups of one size by chance.
            "weights all equal": 1 / k if shares is hard else [],
            "softmax in place of shares": [own.softmax(0), (own / n).softmax(0)],
            **{name: v[0] for name, v in wrong.items()},
        }
        ratio = t.tensor(w).detach().double() / own
        same = (ratio - ratio.mean()).abs().max() < 1e-4 * ratio.mean()
        name = "weights not normalized" if same else None
        t.close(w, own / n, "Shares of all points.", name, ideas)

        mean, cov = fit(x, shares)
        part, eye = (own / n)[:, None, None], torch.eye(d)
        ideas = {
            "divided by all points": mean * part[:, 0],
            **{name: v[1] for name, v in wrong.items()},
        }
        t.close(means, mean, "The means of what each owns.", None, ideas)

        less = own[:, None, None] - 1
        size = cov.diagonal(dim1=1, dim2=2).mean(1)[:, None, None]
        ideas = {
            "divided by all points": cov * part,
            "divided by one point less": [cov * (less + 1) / less, cov * n / (n - 1)],
            "only the diagonal": cov * eye,
            "one variance for all directions": size * eye,
            "one covariance for all components": [
                v.expand_as(cov) for v in ((part * cov).sum(0), cov.mean(0))
            ],
            "not centered": around(0, mean, cov),
            "centered at the mean of all points": around(x.double().mean(0), mean, cov),
            **{name: [v[2], around(mean, *v[1:])] for name, v in wrong.items()},
        }
        if shares is soft:
            twice = (shares / 100).square().sum(0)[:, None, None] / (less + 1)
            squared = ideas["responsibilities squared"]
            squared.append(squared[1] * twice)
        more = t.tensor(covs).detach().double() - cov
        floor = more.diagonal(dim1=1, dim2=2).mean()
        same = floor > 0 and (more - floor * eye).abs().max() < 0.1 * floor
        name = "variance with a floor" if same else None
        t.close(covs, cov, "The covariances of what each owns.", name, ideas)

    t.property("points on a line have no width across it")
    flat = x * torch.tensor([1.0, 0.0, 1.0, 1.0])
    across = t.tensor(run(flat, soft)[2])[:, 1, 1]
    t.close(across, 0.0, "Exactly none.", "variance with a floor", tol=1e-9)

    t.property("a component that owns a tenth of a point")
    little = torch.stack([99 - soft[:, 1], soft[:, 1], torch.ones(n).long()], 1)
    for out, due in zip(run(x, little)[1:], fit(x, little)):
        floor = "floor under what a component owns"
        t.close(out, due, "Means and covariances as of any other.", floor)

    t.property("all of it around 1,000: the same covariances")
    _, means, covs = run(x + 1000, soft)
    mean, cov = fit(x + 1000, soft)
    t.close(means, mean, "Means move with the points.")
    lost = "difference of large numbers"
    t.close(covs, cov, "Covariances stay.", lost, tol=1e-3)
