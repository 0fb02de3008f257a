"""Exercise gm-08: An EM that loses likelihood."""

import math
from itertools import permutations, product

import torch
from torch.distributions import Normal

from .._comparisons import far
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
        "weight enters otherwise": "A density is multiplied by its weight: log w is "
        "added to its logarithm, once.",
        "points given to their best component": "Responsibilities are shares, not a "
        "choice.",
        "cut off far away": "A point far away counts like any other: none is dropped, "
        "no distance clamped, and nothing added to a sum that is small there.",
        "weights with a floor": "Nothing is added to the weights, and none is kept "
        "from becoming small.",
        "deviations with a floor": "Nothing is added to a variance or deviation, and "
        "none is kept from becoming small.",
        "logarithms returned": "Weights and deviations themselves are due.",
        "one width for all components": "Each component has a deviation of its own.",
        "means not shifted back": "What was taken from x has to be added to the means.",
        "more than one step": "One E-step, one M-step.",
        "responsibilities computed anew": "All three come from the responsibilities "
        "under the old parameters.",
        "random numbers used": "A step is a computation: the same data and parameters "
        "give the same new ones.",
        "order of the three": "Return (w, means, stds), in this order.",
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

    def right(data, old):
        """The responsibilities, as a derivative."""
        joint = (Normal(old[1], old[2]).log_prob(data) + old[0].log()).requires_grad_()
        return torch.autograd.grad(joint.logsumexp(1).sum(), joint)[0]

    def wrong(data, old):
        """Those that mistakes give."""
        w, m, s = old
        each, gap = Normal(m, s).log_prob(data), (data - m) / s
        joint, flat, one = each + w.log(), each + s.log(), torch.eye(len(w)).double()
        cut = [gap.clamp(-c, c) ** 2 for c in (1, 2, 3, 4, 5, 6, 8, 10, 20, 30)]
        scores = {
            "weights left out": [each],
            "weights counted twice": [joint + w.log()],
            "weights added, not their logarithms": [each + w],
            "weight enters otherwise": [
                *(each + k * w.log() for k in (-1, 0.5, 1 / math.log(2))),
                *(
                    v * w
                    for v in (each, flat, flat + math.log(2 * math.pi) / 2 - s.log())
                ),
            ],
            "widths left out of the responsibilities": [
                joint + k * s.log() for k in (1, 2, -1)
            ],
            "factor one half lost": [joint - gap**2 / 2],
            "cut off far away": [joint + (gap**2 - v) / 2 for v in cut],
        }
        return {name: [v.softmax(1) for v in vs] for name, vs in scores.items()} | {
            "normalized over the data": [joint.softmax(0)],
            "responsibilities not normalized": [joint.exp(), w * each.softmax(1)],
            "points given to their best component": [
                one[v.argmax(1)] for v in (joint, each)
            ],
        }

    def tested(x, old, mistake=None, unit=1.0):
        size = torch.tensor([[1.0], [unit], [unit]])
        given, data = (old * size).double() / size.double(), x.double()[:, None]
        if unit < 1:
            data = (x * unit).double()[:, None] / unit
        r, k = right(data, given), old.shape[1]
        due, own = maximum(r, data), r.sum(0)
        out, again = (t.call(em_step, x * unit, *(old * size)) for _ in range(2))
        three = isinstance(out, tuple | list) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(three, "(w, means, stds) is due.", got, "not three tensors")
        for v in out:
            t.shape(v, (k,), "one number for each component.")
        out, again = (
            torch.stack([t.tensor(u).detach().double() for u in v]) / size.double()
            for v in (out, again)
        )
        why = "Weights, means and deviations, row by row."
        t.finite(out, why, mistake or "not finite")
        t.equal(
            out, again, "The same step gives the same again.", "random numbers used"
        )

        (w, m, s), (w0, m0, s0), n = due, given, len(x)
        low = [w.clamp(min=v) for v in (0.1, 0.05, 0.02, 0.01, 1e-3, 1e-4)]
        low += [(own + v) / (n + k * v) for v in (1, 0.5, 0.1, 1 / k, 0.01, 1e-3)]
        then = right(data, due), right(data, torch.stack([w0, m, s0]))
        rows = {  # one of the three is another
            "weights not returned as shares": [(0, own), (0, own / k), (0, w * k)],
            "logarithms returned": [(0, w.log()), (2, s.log()), (2, 2 * s.log())],
            "weights with a floor": [(0, v / c) for v in low for c in (1, v.sum())],
            "means not shifted back": [(1, m - data.mean()), (1, m - m0)],
            "variance in place of the standard deviation": [(2, s**2)],
            "divided by one point less": [(2, s * (1 - 1 / own).rsqrt())],
            "variance around the old mean": [(2, maximum(r, data, m0)[2])],
            "one width for all components": [
                (2, v.expand(k)) for v in ((w @ s**2).sqrt(), w @ s, s.mean())
            ],
            "responsibilities computed anew": [
                (2, maximum(v, data, c)[2]) for v in then for c in (None, m)
            ],
            "deviations with a floor": [
                (2, v)
                for a in (0.1, 0.01, 1e-3, 1e-4)
                for v in ((s**2 + a).sqrt(), s + a, s.clamp(min=a))
            ],
            "parameters not updated": [
                (i, due[i].lerp(given[i], v)) for i in range(3) for v in (0.5, 1)
            ],
        }
        ideas = {
            name: [torch.stack([*due[:i], v, *due[i + 1 :]]) for i, v in pairs]
            for name, pairs in rows.items()
        }
        ideas["parameters not updated"] += [due.lerp(given, v) for v in (0.5, 1)]
        ideas["order of the three"] = [due[list(v)] for v in permutations(range(3))]
        ideas["more than one step"] = [maximum(then[0], data)]
        # The means depend on the responsibilities alone, whatever else is wrong. Where
        # all components are alike, the weights tell.
        off = [i for i in (1, 0, 2) if far(out[i], due[i], 1e-4).any()][:1]
        for i, (name, tables) in product(off, wrong(data, given).items()):
            each = [maximum(v, data)[i].nan_to_num(0.0) for v in tables]
            each += [v / v.sum() for v in each] if i == 0 else []
            more = [torch.stack([*out[:i], v, *out[i + 1 :]]) for v in each]
            ideas[name] = ideas.get(name, []) + more
        for name, vs in ideas.items():
            near = [v for v in vs if not far(out, v, 1e-4).any()]
            ideas[name] = [v for v in near if far(due, v, 1e-4).any()]
        t.close(out, due, why, mistake, {} if mistake else ideas, 1e-4)

    t.property("components that differ in weight alone keep their weights")
    tested(x, torch.stack([w, torch.full((3,), 2.3), torch.full((3,), 1.4)]))
    t.property("the step goes to the top of the bound")
    start = torch.tensor([[-1.0, 1.5, 3.0, 0.0], [1.6, 0.5, 0.9, 1.2]])
    three, kept = torch.stack([w, *start[:, :3]]), "result of an earlier call"
    tested(x, three)
    t.property("data and components in another order")
    tested(x.flip(0), three.flip(1), kept)
    t.property("a component that owns next to nothing")
    rare = torch.cat([w * (1 - 1e-5), torch.tensor([1e-5])])
    tested(x, torch.stack([rare, *start]))
    t.property("all of it around 3,000")
    away = torch.stack([w, start[0, :3] + 3000, start[1, :3]])
    tested(x + 3000, away, "difference of large numbers")
    t.property("all of it a hundred million times smaller")
    tested(x, three, "deviations with a floor", 1e-8)
    t.property("a point twelve deviations from all components")
    near = torch.cat([x, torch.tensor([-1 - 12 * 1.6])])
    tested(near, three, "cut off far away")
    t.property("a point far from all components, and four of these")
    far_off = torch.cat([x, torch.tensor([t.integer(90, 110)])])
    tested(far_off, torch.stack([fractions(t, 4), *start]), "underflow to zero")
