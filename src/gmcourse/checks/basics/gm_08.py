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
components.
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

    def run(x, *state):
        out = t.call(em_step, x, *state)
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, stds) is due.", got, "not three tensors")
        for v in out:
            t.shape(v, state[0].shape, "one number for each component.")
        return [t.tensor(v).detach().double() for v in out]

    t.property("components that differ in weight alone keep their weights")
    new = run(x, w, torch.full((k,), 2.3), torch.full((k,), 1.4))
    ideas = {
        "weights left out of the E-step": 1 / k,
        "weights not returned as shares": w * len(x),
        "responsibilities normalized over the data": [1 / len(x), w * 0 + 1 / len(x)],
        "weights squared": w**2 / w.square().sum(),
        "weights added, not their logarithms": w.softmax(0),
        "responsibilities not normalized": w / k,
    }
    why = "Every point belongs to them in the proportion of the weights."
    t.close(new[0], w, why, ideas=ideas, tol=1e-4)

    t.property("and get mean and standard deviation of the data")
    moved, top = "parameters not updated", "not the top of the bound"
    mean, spread = x.double().mean(), x.double().std(correction=0)
    ideas = {moved: 2.3, top: (mean + 2.3) / 2}
    t.close(new[1], mean, "They explain all points alike.", ideas=ideas, tol=1e-4)
    ideas = {
        "variance in place of the standard deviation": spread**2,
        "variance around the old mean": (x.double() - 2.3).square().mean().sqrt(),
        moved: 1.4,
        "divided by one point less": spread * (1 - 1 / (w * len(x))) ** -0.5,
    }
    t.close(new[2], spread, "They explain all points alike.", ideas=ideas, tol=1e-4)

    def log_joint(x, state):
        w, means, stds = (v.double() for v in state)
        return w.log() + Normal(means, stds).log_prob(x.double()[:, None])

    def highest(x, state):
        """The step's result has no slope on the bound that the E-step gives."""
        new = [v.requires_grad_() for v in run(x, *state)]
        for v in new:
            t.finite(v, "Numbers.", "underflow to zero")
        for v, old in zip(new, state):
            shift = (v - old).abs().max()
            t.true(shift > 1e-6, "All three move.", "the old ones", moved)
        logits = torch.zeros(len(x), len(new[0])).double().requires_grad_()
        evidence = (log_joint(x, state) + logits).logsumexp(1).sum()
        (r,) = torch.autograd.grad(evidence, logits)
        bound = (r * log_joint(x, [new[0] / new[0].sum(), *new[1:]])).sum()
        joint, w, stds = log_joint(x, state), state[0], state[2]
        ideas = {
            "widths left out of the density": (joint + stds.log()).softmax(1),
            "responsibilities not normalized": w * (joint - w.log()).softmax(1),
        }
        fits = [
            name
            for name, r in ideas.items()
            if ((r * x[:, None]).sum(0) / r.sum(0) - new[1]).abs().max() < 1e-3
        ]
        for slope in torch.autograd.grad(bound, new):
            t.close(slope, 0 * slope, "Where it is highest.", [*fits, top][0], tol=2e-3)
        return new

    t.property("the step goes to the top of the bound")
    start = [w, torch.tensor([-1.0, 1.5, 3.0]), torch.tensor([1.6, 0.5, 0.9])]
    highest(x, start)

    t.property("a point far from all components, and four of these")
    far = torch.cat([x, torch.tensor([t.integer(90, 110)])])
    means, stds = torch.tensor([[-1.0, 1.5, 3.0, 0.0], [1.6, 0.5, 0.9, 1.2]])
    highest(far, [fractions(t, 4), means, stds])

    t.property("no step lowers the log-likelihood")
    state, before = start, log_joint(x, start).logsumexp(1).sum()
    for _ in range(5):
        state = run(x, *(v.float() for v in state))
        after = log_joint(x, state).logsumexp(1).sum()
        t.at_least(after - before, -1e-3, "EM's guarantee.")
        before = after
