"""Exercise gm-08: An EM that loses likelihood."""

from itertools import permutations

import torch
from torch.distributions import Normal

from .._comparisons import far
from .._exercise import Exercise
from .._parts import wrong_part
from ._shared import fractions, log_joint_choices


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
        "proportion of their weights. What should `r` be, and what is it?",
        "Compare the line that makes `r` with the formula of the E-step, factor by "
        "factor.",
    ),
    misconceptions={
        "weights not returned as shares": "The new weights sum to one.",
        "variance around the old mean": "The M-step's variance is around the new mean.",
        "parameters not updated": "A step moves all three, and all of the way.",
        "divided by one point less": "The unbiased estimate has another denominator "
        "than the one that maximizes the likelihood.",
        "cut off far away": "A point far away counts like any other: none is dropped, "
        "no distance clamped, and nothing added to a sum that is small there.",
        "weights with a floor": "Nothing is added to the weights, and none is kept "
        "from becoming small.",
        "divided by the number of points": "A component's mean and variance are over "
        "the points that it owns: the sum of its responsibilities stands below.",
        "variance not by the responsibilities": "The variance is the mean of the "
        "squared gap, each point weighted by its responsibility, once.",
        "weight multiplied by the logarithm": "A density is multiplied by its weight: "
        "log w is added to its logarithm.",
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

    def wrong(data, old, out, due):
        """The name of other responsibilities, by the first row that they spoil. The
        means depend on them alone; where all components are alike, the weights tell."""
        w, m, s = old
        off = [i for i in (1, 0, 2) if far(out[i], due[i], 1e-4).any()]
        one = torch.eye(len(w)).double()
        prior, gaps, widths = log_joint_choices()
        gaps["cut off far away"] = [
            lambda g, s, c=c: -((g / s).clamp(-c, c) ** 2) / 2 for c in (2, 3, 5, 10)
        ]
        uses = {
            "": [lambda v: v.softmax(1)],
            "points given to their best component": [lambda v: one[v.argmax(1)]],
            "normalized over the data": [lambda v: v.softmax(0)],
            "responsibilities not normalized": [
                lambda v: v.exp(),
                lambda v: w * (v - w.log()).softmax(1),
            ],
            "weight multiplied by the logarithm": [
                lambda v: (w * (v - w.log())).softmax(1)
            ],
        }

        def make(prior, gap, width, use):
            r = use(prior(w) + gap(data - m, s) - width(s))
            return maximum(r, data).nan_to_num(0.0)

        def all_three(v):
            return not far(out, v, 1e-4).any()

        def one_row(v):
            row = v[off[0]]
            rows = [row, row / row.sum()] if off[0] == 0 else [row]
            return any(not far(out[off[0]], u, 1e-4).any() for u in rows)

        rivals = make, prior, gaps, widths, uses
        return wrong_part(all_three, *rivals) or wrong_part(one_row, *rivals)

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
        low = [w.clamp(min=v) for v in (0.1, 0.05, 0.01, 1e-3, 1e-4)]
        low += [(own + v) / (n + k * v) for v in (1, 0.5, 0.1, 0.01)]
        then = right(data, due), right(data, torch.stack([w0, m, s0]))
        rows = {  # one of the three is another
            "weights not returned as shares": [(0, own), (0, own / k), (0, w * k)],
            "logarithms returned": [(0, w.log()), (2, s.log()), (2, 2 * s.log())],
            "weights with a floor": [(0, v / c) for v in low for c in (1, v.sum())],
            "means not shifted back": [(1, m - data.mean()), (1, m - m0)],
            "variance in place of the standard deviation": [(2, s**2)],
            "divided by the number of points": [
                (1, own / n * m),
                (2, (own / n).sqrt() * s),
                (2, ((r * (data - m0) ** 2).mean(0)).sqrt()),
            ],
            "variance not by the responsibilities": [
                (2, ((data - m) ** 2).mean(0).sqrt()),
                (2, data.std(unbiased=False).expand(k)),
                (2, (r.square() * (data - m) ** 2).sum(0).div(own).sqrt()),
                (2, ((r * (data - m)) ** 2).sum(0).div(own).sqrt()),
                (2, (r * (data - m).abs()).sum(0) / own),
            ],
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
        ideas["parameters not updated"] += [
            torch.stack([given[j] if j != i else due[j] for j in range(3)])
            for i in range(3)
        ]
        ideas["order of the three"] = [due[list(v)] for v in permutations(range(3))]
        ideas["more than one step"] = [maximum(then[0], data)]
        for name, vs in ideas.items():
            near = [v for v in vs if not far(out, v, 1e-4).any()]
            ideas[name] = [v for v in near if far(due, v, 1e-4).any()]
        if mistake is None and not any(ideas.values()) and far(out, due, 1e-4).any():
            mistake = wrong(data, given, out, due)
        t.close(out, due, why, mistake, ideas, 1e-4)

    t.property("the step goes to the top of the bound")
    start = torch.tensor([[-1.0, 1.5, 3.0, 0.0], [1.6, 0.5, 0.9, 1.2]])
    three, kept = torch.stack([w, *start[:, :3]]), "result of an earlier call"
    tested(x, three)
    t.property("components that differ in weight alone keep their weights")
    tested(x, torch.stack([w, torch.full((3,), 2.3), torch.full((3,), 1.4)]))
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
