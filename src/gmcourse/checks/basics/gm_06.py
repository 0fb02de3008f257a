"""Exercise gm-06: The gradient of a log-likelihood, by hand."""

import torch
from torch.distributions import Normal

from .._exercise import Exercise
from ._shared import fractions, line_mixture


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
        "mean over the data": "The derivative of the sum is due.",
        "points given to their best component": "Responsibilities are shares, not a "
        "choice.",
        "every point pulls with full force": "A point pulls a component by its "
        "responsibility for it.",
        "normalized over the data": "Responsibilities sum to one over the components.",
        "widths left out of the responsibilities": "A wide component is a low one: "
        "the density has the factor 1/std.",
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
    name = "underflow to zero"
    for wide in (torch.full((k,), 1.5), torch.tensor([1.0, 2.0, 1.5])):
        for points in (far, far[:1], far[1:]):
            out = t.call(mean_gradient, points, w, means, wide)
            t.finite(out, "One component pulls.", name)
            why = "Here one component has nearly all of the responsibility."
            t.close(out, slope(points, wide), why, name, tol=1e-3)
