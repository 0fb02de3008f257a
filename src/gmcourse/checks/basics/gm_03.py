"""Exercise gm-03: The M-step."""

import torch

from .._exercise import Exercise


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
