"""Exercise gm-08: An EM that loses likelihood."""

import torch
from torch.distributions import Normal

from .._exercise import Exercise


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
    stub_mistake="weights left out of the E-step",
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
