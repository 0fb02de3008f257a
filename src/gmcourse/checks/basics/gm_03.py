"""Exercise gm-03: An M-step with one covariance."""

import torch

from .._exercise import Exercise
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
        "over j contain the common matrix? Take its gradient with all of them.",
        "Each point's deviation is from the mean of each component, weighted by its "
        "responsibility: a tensor of differences of shape (n, k, d) holds what is "
        "needed.",
    ),
    misconceptions={
        "divided by all points": "A component's mean is over what it owns, the sum of "
        "its responsibilities, not over all n points.",
        "centered at the mean of all points": "A deviation is from the mean of "
        "the component that owns the point, not from that of all points.",
        "not centered": "The mean of x x^T is not a covariance: the mean is missing.",
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
        "softmax in place of shares": "A component that owns twice as much weighs "
        "twice as much: an exponential makes more of it.",
        "weights all equal": "A component that owns more points weighs more.",
        "each point to its best component": "That is k-means: a point may belong to "
        "several components in part.",
        "variance with a floor": "Nothing is to be added to the covariance here, not "
        "even a millionth.",
        "responsibilities squared": "Each product of differences is weighted by r, "
        "once.",
        "floor under what a component owns": "A component that owns a tenth of a point "
        "is an average of all points still.",
        "not three tensors": "Return (w, means, cov).",
    },
)
def gm_03(t, tied_step):
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
        out = t.call(tied_step, x, shares / 100)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, cov) is due.", got, "not three tensors")
        return out

    def fit(x, shares):
        """A point of responsibility 0.37 is 37 points, of 100 at its place."""
        groups = [x.double().repeat_interleave(times, 0) for times in shares.T]
        covs = torch.stack([g.T.cov(correction=0) for g in groups])
        return torch.stack([g.mean(0) for g in groups]), covs

    def around(c, means, covs):
        return covs + (means - c)[:, :, None] * (means - c)[:, None]

    def pooled(weights, covs):
        return torch.einsum("k,kij->ij", weights.double(), covs)

    t.property("weights (k,), means (k, d), one covariance (d, d)")
    w, means, cov = early = run(-2 * x, hard.flip(1))
    t.shape(w, (k,), "one weight for each component.")
    t.shape(means, (k, d), "one mean for each component.")
    ideas = {
        "only the diagonal": (d,),
        "one covariance for each component": [(k, d, d), (k, d)],
    }
    for name, shapes in ideas.items():
        shapes = shapes if isinstance(shapes, list) else [shapes]
        if tuple(t.tensor(cov).shape) in shapes:
            t.shape(cov, (d, d), "one full covariance.", name)
    t.shape(cov, (d, d), "one full covariance.")

    for name, shares in (
        ("responsibilities of 0 and 1: each component fits its own points", hard),
        ("any responsibilities: a point of 0.37 counts as 37 hundredths", soft),
    ):
        t.property(name)
        w, means, cov = run(x, shares)
        kept = [{"result of an earlier call": t.tensor(v)} for v in early]
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
        t.close(w, own / n, "Shares of all points.", name, ideas | kept[0])

        mean, covs = fit(x, shares)
        part, eye = (own / n)[:, None], torch.eye(d)
        ideas = {
            "divided by all points": mean * part,
            **{name: v[1] for name, v in wrong.items()},
        }
        t.close(means, mean, "The means of what each owns.", None, kept[1] | ideas)

        due = pooled(own / n, covs)
        everywhere = x.double().mean(0)
        ideas = {
            "components not weighted": [covs.mean(0), covs.sum(0)],
            "divided by one point less": [due * n / (n - 1), due * n / (n - k)],
            "only the diagonal": due * eye,
            "one variance for all directions": due.diagonal().mean() * eye,
            "not centered": pooled(own / n, around(0, mean, covs)),
            "centered at the mean of all points": pooled(
                own / n, around(everywhere, mean, covs)
            ),
            **{
                name: [
                    pooled(s, c)
                    for s in (own / n, v[0])
                    for c in (v[2], around(mean, *v[1:]))
                ]
                for name, v in wrong.items()
            },
        }
        if shares is soft:
            twice = (shares / 100).square().sum(0) / own
            squared = ideas["responsibilities squared"]
            v = wrong["responsibilities squared"]
            squared.append(pooled(own / n * twice, around(mean, *v[1:])))
        more = t.tensor(cov).detach().double() - due
        floor = more.diagonal().mean()
        same = floor > 0 and (more - floor * eye).abs().max() < 0.1 * floor
        name = "variance with a floor" if same else None
        t.close(cov, due, "The common covariance.", name, kept[2] | ideas)

    t.property("points on a line have no width across it")
    flat = x * torch.tensor([1.0, 0.0, 1.0, 1.0])
    across = t.tensor(run(flat, soft)[2])[1, 1]
    t.close(across, 0.0, "Exactly none.", "variance with a floor", tol=1e-9)

    t.property("a component that owns a tenth of a point")
    little = torch.stack([99 - soft[:, 1], soft[:, 1], torch.ones(n).long()], 1)
    mean, covs = fit(x, little)
    due = pooled(little.double().sum(0) / 100 / n, covs)
    for out, value in zip(run(x, little)[1:], (mean, due)):
        floor = "floor under what a component owns"
        t.close(out, value, "Means and covariance as of any other.", floor)

    t.property("all of it around 1,000: the same covariance")
    _, means, cov = run(x + 1000, soft)
    mean, covs = fit(x + 1000, soft)
    t.close(means, mean, "Means move with the points.")
    lost, due = "difference of large numbers", pooled(soft.double().mean(0) / 100, covs)
    t.close(cov, due, "The covariance stays.", lost, tol=1e-3)
