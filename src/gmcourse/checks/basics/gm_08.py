"""Exercise gm-08: An EM that loses likelihood."""

import torch
from torch.distributions import Normal

from .._exercise import Exercise
from ._shared import fractions


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
that are equal in all but their weights, and see what becomes of the weights. What is
right in the program has to stay so: it also takes a point that is far from all
components, and data that lie far from 0.
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
        "weights not returned as shares": "The new weights sum to one.",
        "normalized over the data": "Each point's responsibilities sum to one.",
        "weights counted twice": "The weight enters the responsibility once.",
        "widths left out of the responsibilities": "A wide component is a low one: the "
        "density has the factor 1/std.",
        "variance around the old mean": "The M-step's variance is around the new mean.",
        "parameters not updated": "A step moves all three, and all of the way.",
        "responsibilities not normalized": "Those of a point sum to one.",
        "divided by one point less": "The unbiased estimate has another denominator "
        "than the one that maximizes the likelihood.",
        "not three tensors": "Return (w, means, stds).",
    },
    stub_mistake="weights left out",
)
def gm_08(t, em_step):
    n, w = t.integer(20, 30), fractions(t, 3)
    x = torch.cat([t.normal(n, mean=-1.0), t.normal(n // 2, mean=2.5, std=0.6)])

    def maximum(r, data, center=None):
        """(3, k): weights, means and deviations that fit the responsibilities."""
        mean = (r * data).sum(0) / r.sum(0)
        gap = data - (mean if center is None else center)
        var = (r * gap**2).sum(0) / r.sum(0)
        return torch.stack([r.sum(0) / len(data), mean, var.sqrt()])

    def tested(x, old, mistake=None):
        (w, m, s), data, k = old.double(), x.double()[:, None], old.shape[1]
        each = Normal(m, s).log_prob(data)
        joint = (each + w.log()).requires_grad_()
        (r,) = torch.autograd.grad(joint.logsumexp(1).sum(), joint)
        due, joint, gap = maximum(r, data), joint.detach(), (data - m) / s
        shares = {
            "weights left out": [each.softmax(1)],
            "normalized over the data": [joint.softmax(0)],
            "weights counted twice": [(joint + w.log()).softmax(1)],
            "weights added, not their logarithms": [(each + w).softmax(1)],
            "responsibilities not normalized": [joint.exp(), w * each.softmax(1)],
            "widths left out of the responsibilities": [(joint + s.log()).softmax(1)],
            "factor one half lost": [(joint - gap**2 / 2).softmax(1)],
        }
        fewer = (1 - 1 / r.sum(0)).rsqrt()
        ideas = {
            "weights not returned as shares": due * scale(k, 0, len(x)),
            "variance in place of the standard deviation": due * scale(k, 2, due[2]),
            "divided by one point less": due * scale(k, 2, fewer),
            "variance around the old mean": maximum(r, data, m),
            "parameters not updated": [
                torch.lerp(due, old.double(), scale(k, i, part + 1) - 1)
                for i in (0, 1, 2, slice(3))
                for part in (0.5, 1)
            ],
        }
        for name, tables in shares.items():
            ideas[name] = [maximum(v, data) for v in tables]
            ideas[name] += [v / scale(k, 0, v[0].sum()) for v in ideas[name]]
        out = t.call(em_step, x, *old)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, stds) is due.", got, "not three tensors")
        for v in out:
            t.shape(v, (k,), "one number for each component.")
        out = torch.stack([t.tensor(v).detach().double() for v in out])
        why = "Weights, means and deviations, row by row."
        t.finite(out, why, mistake or "not finite")
        t.close(out, due, why, mistake, ideas, 1e-4)

    t.property("components that differ in weight alone keep their weights")
    tested(x, torch.stack([w, torch.full((3,), 2.3), torch.full((3,), 1.4)]))
    t.property("the step goes to the top of the bound")
    start = torch.tensor([[-1.0, 1.5, 3.0, 0.0], [1.6, 0.5, 0.9, 1.2]])
    tested(x, torch.stack([w, *start[:, :3]]))
    t.property("a point far from all components, and four of these")
    far = torch.cat([x, torch.tensor([t.integer(90, 110)])])
    tested(far, torch.stack([fractions(t, 4), *start]), "underflow to zero")
    t.property("all of it around 3,000")
    away = torch.stack([w, start[0, :3] + 3000, start[1, :3]])
    tested(x + 3000, away, "difference of large numbers")


def scale(k, row, value):
    """A (3, k) table of ones, with ``value`` in one row."""
    out = torch.ones(3, k).double()
    out[row] = value
    return out
