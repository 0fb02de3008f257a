"""Exercise gm-06: The gradient of a log-likelihood, by hand."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import wrong_part
from ._shared import fractions, line_mixture, log_joint_choices


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
        r"of the argument. Only one term of the sum contains $\mu_j$.",
        "The derivative of a Gaussian density is that density times something. Then "
        "look at the fraction that multiplies it: you have met it in the E-step.",
        "Compute responsibilities from logarithms (`softmax` over the components).",
    ),
    misconceptions={
        "another power of the standard deviation": "The derivative of -(x - m)²/2s² in "
        "m has s² below, once: a narrow component pulls harder.",
        "mean over the data": "The derivative of the sum is due.",
        "every point pulls with full force": "A point pulls a component by its "
        "responsibility for it.",
        "weights left out above": "The fraction is w N(x; m, s²) over the sum of all "
        "these: above stands the weight, too.",
        "one width for all components": "Each component has a deviation of its own.",
        "square of x left out": "x² cancels in the responsibilities only where all "
        "deviations are equal.",
        "derivative in another parameter": "The means are asked for.",
        "difference not as it is": "Each point pulls by x - m itself: with its sign, "
        "and not by its square.",
        "another mean subtracted": "Each component has its own mean, which is to be "
        "subtracted from each point, both moved alike or not at all.",
        "factor 1 - r": "The derivative of log p holds r; that of r does not enter.",
        "components left out": "All components share each point, however many.",
        "lost far away": "A point far away pulls nothing here: it was left out, or "
        "its densities are 0 as floats. Its responsibilities still sum to one.",
        "all alike far away": "Responsibilities that sum to one, but not the right "
        "ones: a bound on the distance or the log-density, or a floor under the "
        "density, makes the components alike far away.",
        "cut off far away": "A clamp: a point pulls the harder the farther it is.",
        "M-step in place of the gradient": "These are the new means of EM; the slope "
        "at the present ones is due.",
    },
)
def gm_06(t, mean_gradient):
    n, k = t.integer(6, 8), 3
    w = fractions(t, k)
    stds = torch.tensor([1.2, 0.7, 1.9]) + t.uniform(k, low=-0.15, high=0.15)
    means = torch.tensor([-1.5, 0.2, 1.8]) + t.uniform(k, low=-0.2, high=0.2)
    x = t.uniform(n, low=-3, high=3)

    def tested(x, w, means, stds, mistake=None, rivals=False, tol=1e-3):
        m = means.double().requires_grad_()
        total = line_mixture(w, m, stds).log_prob(x.double()).sum()
        (due,) = torch.autograd.grad(total, m)
        out = t.call(mean_gradient, x, w, means, stds)
        t.shape(out, due.shape, "one number for each mean.")
        v, name = t.tensor(out).detach().double(), None
        if not v.isfinite().all():
            name = mistake or "not finite"
        elif rivals and far(v, due, tol).any():
            off = ((v - due).abs() / (1 + due.abs())).max()
            name = near if off < 0.003 else whole(v, due) or why_not(v)
        if name is None and tol < 1e-3:
            name = near if ((v - due).abs() < 0.02 * (1 + due.abs())).all() else None
        t.finite(out, "The slope of the log-likelihood.", name)
        t.close(out, due, "By automatic differentiation.", name or mistake, tol=tol)

    common = [stds[0] ** 2, stds[-1] ** 2, stds.mean() ** 2, (stds**2).mean()]
    common += [w @ stds**2, (w @ stds) ** 2]
    common = [v.double() for v in common]
    bent = [(x[:, None] - means).double()]
    bent = [bent[0].abs(), bent[0] ** 2, bent[0].sign()]

    near = "differences in place of derivatives"

    def whole(out, due):
        """One factor for all."""
        factors = {-1: "sign flipped", 2: (two := "off by a factor of two"), 0.5: two}
        factors[1 / n] = "mean over the data"
        found = [v for c, v in factors.items() if not far(out, c * due, 1e-3).any()]
        return found[0] if found else None

    def why_not(out):
        """The name of what was done otherwise, in the responsibilities or after."""
        x0, w0, m, s = (v.double() for v in (x[:, None], w, means, stds))
        prior, gaps, widths = log_joint_choices()
        eye, powers = torch.eye(k).double(), (0, 1, 3, 4)
        raw = lambda v: v.exp() / (2 * math.pi) ** 0.5  # noqa: E731
        center = x0.mean()
        uses = {
            "": [lambda v: v.softmax(1)],
            "points given to their best component": [lambda v: eye[v.argmax(1)]],
            "every point pulls with full force": [
                lambda v: 0 * v + 1,
                lambda v: 0 * v + w0,
            ],
            "normalized over the data": [lambda v: v.softmax(0)],
            "responsibilities not normalized": [
                lambda v: v.exp(),
                raw,
                lambda v: raw(v) / w0,
                lambda v: raw(v) / raw(v).sum(),
                lambda v: w0 * (v - w0.log()).softmax(1),
            ],
            "weights left out above": [lambda v: v.softmax(1) / w0],
            "weights counted otherwise": [
                lambda v: w0 * v.softmax(1),
            ],
            "density in place of its logarithm": [lambda v: raw(v).softmax(1)],
            "another power of the shares": [
                *(lambda v, c=c: v.softmax(1) ** c for c in (2, 0.5)),
            ],
            "factor 1 - r": [
                lambda v: v.softmax(1) * (1 - v.softmax(1)),
                lambda v: 1 - v.softmax(1),
            ],
            "components left out": [
                lambda v: torch.cat([v[:, :2].softmax(1), 0 * v[:, 2:]], 1)
            ],
            "deviations taken as logarithms": [
                lambda v: (w0.log() - ((x0 - m) / s.exp()) ** 2 / 2 - s).softmax(1)
            ],
            "standard deviation taken as a variance": [
                lambda v: (w0.log() - (x0 - m) ** 2 / s / 2 - s.log() / 2).softmax(1)
            ],
            "another mean subtracted": [
                lambda v: (
                    w0.log() - ((x0 - center - m) / s) ** 2 / 2 - s.log()
                ).softmax(1)
            ],
            "square of x left out": [
                lambda v: (v + x0**2 / s**2 / 2).softmax(1),
            ],
        }
        pulls = {
            "": [lambda r: (r * (x0 - m) / s**2).sum(0)],
            "another power of the standard deviation": [
                lambda r, p=p: (r * (x0 - m) / s**p).sum(0) for p in powers
            ],
            "deviations taken as logarithms": [
                lambda r: (r * (x0 - m) / s.exp() ** 2).sum(0)
            ],
            "one width for all components": [
                *(lambda r, v=v: (r * (x0 - m) / v).sum(0) for v in common),
                lambda r: (r * (x0 - m) / (r @ s**2)[:, None]).sum(0),
                lambda r: (r * (x0 - m) / (r @ s)[:, None] ** 2).sum(0),
            ],
            "mean over the data": [
                lambda r: (r * (x0 - m) / s**2).mean(0),
                lambda r: (r * (x0 - m) / s**2).sum(0) / r.sum(0),
            ],
            "derivative in another parameter": [
                lambda r: (r * ((x0 - m) ** 2 / s**3 - 1 / s)).sum(0),
                lambda r: (r * ((x0 - m) ** 2 / s**2 - 1)).sum(0),
                lambda r: (r * ((x0 - m) ** 2 / s**2 - 1)).sum(0) / s**2 / 2,
                lambda r: r.sum(0) / w0,
                lambda r: r.sum(0) - n * w0,
                lambda r: -(r * (x0 - m) / s**2).sum(1)[:k],
            ],
            "difference not as it is": [
                *(lambda r, f=f: (r * f / s**2).sum(0) for f in bent),
                *(lambda r, f=f: (r * f / s).sum(0) for f in bent),
            ],
            "another mean subtracted": [
                lambda r: (r * (x0 - r @ m[:, None]) / s**2).sum(0),
                *(lambda r, c=c: (r * (x0 - c) / s**2).sum(0) for c in (0, w0 @ m)),
                lambda r: (r * (x0 - center) / s**2).sum(0),
                lambda r: (r * (x0 - center - m) / s**2).sum(0),
                lambda r: (r * (x0 - m.mean()) / s**2).sum(0),
            ],
            "M-step in place of the gradient": [
                lambda r: r.T @ x0[:, 0] / r.sum(0),
                lambda r: r.T @ x0[:, 0] / r.sum(0) - m,
            ],
        }

        def make(prior, gap, width, use, pull):
            return pull(use(prior(w0) + gap(x0 - m, s) - width(s)))

        def fits(v):
            return any(not far(out, c * v, 1e-3).any() for c in (1, -1))

        return wrong_part(fits, make, prior, gaps, widths, uses, pulls)

    t.property("the slope of the log-likelihood, for each mean")
    tested(x, w, means, stds, rivals=True, tol=1e-4)
    t.property("points and components in another order")
    turned = [v.flip(0) for v in (x, w, means, stds)]
    tested(*turned, "result of an earlier call", tol=1e-4)
    t.property("one point and one component")
    tested(x[:1], w[:1] ** 0, means[:1], stds[:1])

    t.property("a hundred deviations from all components")
    for wide in (torch.full((k,), 1.5), torch.tensor([1.0, 2.0, 1.5])):
        for place in torch.tensor([[150.0], [-200.0]]):
            out = t.tensor(t.call(mean_gradient, place, w, means, wide)).detach()
            shares = out * wide**2 / (place - means)  # they sum to 1, or
            total, name = float(shares.sum()), "cut off far away"
            if total != total:
                name = "underflow to zero"
            elif abs(total) < 0.05:
                name = "lost far away"
            elif abs(total - 1) < 0.05:
                name = "all alike far away"
            tested(place, w, means, wide, name)
        both = torch.tensor([150.0, -200.0])
        tested(both, w, means, wide, "one shift for all examples")

    t.property("all of it around 100,000")
    tested(x + 1e5, w, means + 1e5, stds, "difference of large numbers")
