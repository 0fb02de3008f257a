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
has to be right also for points a hundred standard deviations away from all components,
and where data and means lie far from 0.
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
        "divided by the standard deviation once": "The derivative of -(x - m)²/2s² in "
        "m has s² below.",
        "not divided by the variance": "A narrow component pulls harder.",
        "mean over the data": "The derivative of the sum is due.",
        "points given to their best component": "Responsibilities are shares, not a "
        "choice.",
        "every point pulls with full force": "A point pulls a component by its "
        "responsibility for it.",
        "normalized over the data": "Responsibilities sum to one over the components.",
        "responsibilities not normalized": "Those of a point sum to one.",
        "widths left out of the responsibilities": "A wide component is a low one: "
        "the density has the factor 1/std.",
        "weights counted twice": "The responsibility holds the weight already.",
        "another power of the standard deviation": "The derivative of -(x - m)²/2s² in "
        "m has s² below.",
        "one width for all components": "Each component has a deviation of its own.",
        "deviations taken as logarithms": "stds are the deviations themselves.",
        "square of x left out": "x² cancels in the responsibilities only where all "
        "deviations are equal.",
        "derivative in another parameter": "The means are asked for.",
        "sign of the differences lost": "Points on either side pull in opposite "
        "directions.",
        "data moved, means not": "What is taken from x must be taken from the means.",
        "responsibilities squared": "Each difference is weighted by r, once.",
        "factor 1 - r": "The derivative of log p holds r; that of r does not enter.",
        "components left out": "All components share each point, however many.",
        "cut off far away": "A clamp: a point pulls the harder the farther it is.",
        "M-step in place of the gradient": "These are the new means of EM; the slope "
        "at the present ones is due.",
    },
)
def gm_06(t, mean_gradient):
    n, k = t.integer(6, 8), 3
    w, stds = fractions(t, k), t.uniform(k, low=0.6, high=2.2)
    means = torch.tensor([-1.5, 0.2, 1.8]) + t.uniform(k, low=-0.2, high=0.2)
    x = t.uniform(n, low=-3, high=3)

    def tested(x, w, means, stds, mistake=None, ideas=None, tol=1e-3):
        m = means.double().requires_grad_()
        total = line_mixture(w, m, stds).log_prob(x.double()).sum()
        (due,) = torch.autograd.grad(total, m)
        out = t.call(mean_gradient, x, w, means, stds)
        t.shape(out, due.shape, "one number for each mean.")
        t.finite(out, "The slope of the log-likelihood.", mistake or "not finite")
        found = ideas(due) if ideas else None
        if mistake == "differences in place of derivatives":
            near = (t.tensor(out).double() - due).abs() < 0.02 * (1 + due.abs())
            mistake = mistake if near.all() else None
        t.close(out, due, "By automatic differentiation.", mistake, found, tol)

    def ideas(due):
        lw, gap, s = w.double().log(), (x[:, None] - means).double(), stds.double()
        each = Normal(means.double(), s).log_prob(x.double()[:, None])
        joint, flat, eye = each + lw, each + s.log(), torch.eye(k).double()
        r = joint.softmax(1)
        new, moved = r.T @ x.double() / r.sum(0), gap - x.double().mean()
        odd = (joint[:, :2] + 0).softmax(1)

        def pull(r, gap=gap, s=s):
            return (r * gap / s**2).sum(0)

        def under(s, gap=gap):
            return ((-(gap**2) / s**2 / 2) - s.log() + lw).softmax(1)

        shares = {
            "weights left out": [each.softmax(1)],
            "weights added, not their logarithms": [(each + w).softmax(1)],
            "weights counted twice": [w * r, (joint + lw).softmax(1)],
            "points given to their best component": [
                eye[v.argmax(1)] for v in (joint, each, -gap.abs())
            ],
            "every point pulls with full force": [each * 0 + 1, (w + each * 0)],
            "factor one half lost": [(joint - gap**2 / s**2 / 2).softmax(1)],
            "normalized over the data": [joint.softmax(0), each.softmax(0)],
            "responsibilities not normalized": [
                *(joint.exp(), each.exp(), w * each.softmax(1)),
            ],
            "widths left out of the responsibilities": [
                v.softmax(1)
                for v in (flat + lw, flat, joint + 2 * s.log(), joint - s.log())
            ],
            "square of x left out": [
                (v + x[:, None] ** 2 / s**2 / 2).softmax(1) for v in (joint, flat + lw)
            ],
            "responsibilities squared": [r**2, r.sqrt()],
            "factor 1 - r": [r * (1 - r), 1 - r],
            "components left out": [
                torch.cat([odd[:, :1], odd[:, 1:].expand(-1, k - 1)], 1),
                torch.cat([odd, 0 * r[:, 2:]], 1),
            ],
        }
        return {
            "standard deviation taken as a variance": [
                pull(under(s.sqrt()), s=s.sqrt()),
                pull(under(s.sqrt())),
            ],
            "deviations taken as logarithms": [
                pull(under(s.exp()), s=s.exp()),
                pull(under(s.exp())),
            ],
            "sign flipped": -due,
            "off by a factor of two": [2 * due, due / 2],
            "mean over the data": [due / n, due / r.sum(0)],
            "divided by the standard deviation once": due * s,
            "not divided by the variance": due * s**2,
            "another power of the standard deviation": [due / s, due / s**2],
            "one width for all components": [
                f
                for v in (s[0], s[-1], s.mean())
                for f in (pull(r, s=v), pull(under(v.expand(k)), s=v))
            ],
            "derivative in another parameter": [
                (r * (gap**2 / s**3 - 1 / s)).sum(0),
                (r * (gap**2 / s**2 - 1)).sum(0),
                r.sum(0) / w,
                r.sum(0) - n * w,
            ],
            "sign of the differences lost": pull(r, gap.abs()),
            "data moved, means not": [
                pull(f, v) for v in (moved, gap + means) for f in (r, under(s, v))
            ],
            "M-step in place of the gradient": [new, new - means],
            **{name: [pull(v) for v in tables] for name, tables in shares.items()},
        }

    t.property("the slope of the log-likelihood, for each mean")
    tested(x, w, means, stds, "differences in place of derivatives", ideas, tol=1e-4)
    t.property("points and components in another order")
    turned = [v.flip(0) for v in (x, w, means, stds)]
    tested(*turned, "result of an earlier call", tol=1e-4)
    t.property("one point and one component")
    tested(x[:1], w[:1] ** 0, means[:1], stds[:1])

    t.property("a hundred deviations from all components")
    for wide in (torch.full((k,), 1.5), torch.tensor([1.0, 2.0, 1.5])):
        for far in (150.0, -200.0):
            place = torch.tensor([far])
            out = t.tensor(t.call(mean_gradient, place, w, means, wide)).detach()
            shares = (out * wide**2 / (place - means)).sum()  # 1, or lost
            lost = not 0.05 < shares < 0.95 and not shares > 1.05
            tested(
                place,
                w,
                means,
                wide,
                "underflow to zero" if lost else "cut off far away",
            )
        both = torch.tensor([150.0, -200.0])
        tested(both, w, means, wide, "one shift for all examples")

    t.property("all of it around 100,000")
    tested(x + 1e5, w, means + 1e5, stds, "difference of large numbers")
