"""Exercise gan-25: A thermostat for the critic."""

import math
from typing import Any

import torch

from .._exercise import Exercise, Stop
from .._parts import mistakes


@Exercise(
    id="gan-25",
    title="A thermostat for the critic",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Measure how far a critic has learned its examples by heart, in two ways, and "
        "let the measure set how much is augmented.",
    ),
    statement=r"""
How much has to be augmented depends on the data, and a control can find it out
([Karras et al., 2020](https://arxiv.org/abs/2006.06676), eq. 1). With the critic's
values $f$ at examples of the training set, of a validation set, and at made ones, two
measures of overfitting are

$$
\begin{aligned}
r_v &= \frac{\mathbb{E} f_\text{train} - \mathbb{E} f_\text{val}}
{\mathbb{E} f_\text{train} - \mathbb{E} f_\text{made}} \\
r_t &= \mathbb{E}\, \mathrm{sign}\, f_\text{train}
\end{aligned}
$$

The first one is 0 where the critic treats unseen data like its own, and 1 where it
takes them for made ones. The second one needs no validation set.

Write `thermostat(p, train, validation, made, target, images, horizon)`: `p` is the
probability of an augmentation, from 0 to 1; `train`, `validation` and `made` are the
critic's values, `(n,)`, `(m,)` and `(k,)`, all float32 or all float64, and `validation`
may be `None`. They may come with a graph. Return `(r_v, r_t, new_p)`, three numbers
(floats, or tensors without axes and without a graph); without a validation set `r_v` is
`None`.

- `new_p` follows $r_v$ where it is there, else $r_t$: above `target` it is `p` plus
  `images / horizon`, below it `p` minus that; but never less than 0 or more than 1.
  `images` is how many have been seen since the last change, `horizon` how many it takes
  from 0 to 1.
- At the target `p` stays. A measure is there if it is within $10^{-6}$ of it: the mean
  of signs of which four in five are positive is not quite 0.6 in float32.
- A value of 0 has the sign 0; the sign of any other does not depend on its size. $r_v$
  is not clamped: it may lie outside of 0 and 1, and the critic may as well prefer the
  made ones. If it has the same mean at the training examples and the made ones, and
  there is a validation set, raise a `ValueError`.
- $r_v$ and $r_t$ are right to $10^{-4}\,(1 + |r|)$. Nothing is kept between calls.
""",
    stub='''
def thermostat(p, train, validation, made, target, images, horizon):
    """-> (r_v, r_t, new_p)"""
    return ...
''',
    answers={"thermostat": callable},
    hints=(
        "Three means, each over its own batch; the batches may have any lengths. "
        "`torch.sign` knows the sign of 0.",
        "Choose the measure first, r_v or r_t. The step has one size and three "
        "directions: up, none, down.",
        "Compare the distance from the target with 1e-6 before you ask on which side "
        "it lies. Clamp last, and the probability alone.",
    ),
    misconceptions={
        "not three numbers": "Return (r_v, r_t, new_p), numbers.",
        "result hangs in a graph": "A control trains nothing: take values without "
        "their graph.",
        "measures exchanged": "r_v comes first.",
        "r_v without a validation set": "There is no number for it: None.",
        "numerator turned around": "The measure grows where the values of the training "
        "set are above those of the validation set.",
        "distance from another set": "Above stand training and validation, below "
        "training and made.",
        "denominator left out": "The distance is measured in units of that between the "
        "training set and what is made.",
        "size of the denominator": "A critic may prefer what is made: the sign counts.",
        "ratio turned around": "Training minus made stands below.",
        "means of signs": "In r_v the values themselves are averaged.",
        "means of probabilities": "The values themselves are averaged, not their "
        "sigmoid.",
        "median in place of the mean": "E is a mean.",
        "r_v clamped": "It may lie outside of 0 and 1.",
        "one length for all batches": "Each batch is divided by its own length.",
        "examples left out": "All examples of each batch count.",
        "mean in place of its signs": "Each value has a sign; these are averaged.",
        "sign of the mean": "Each value has a sign; these are averaged.",
        "share of positive values": "A sign is 1, 0 or -1: half positive and half "
        "negative gives 0.",
        "sign of zero": "sign(0) is 0.",
        "a soft sign": "The sign does not depend on how large a value is.",
        "signs of another set": "r_t is of the training set.",
        "signs of the probabilities": "f is any real number: 0 says that the critic "
        "cannot tell.",
        "another measure followed": "p follows r_v where there is one, else r_t.",
        "other direction": "Overfitting calls for more augmentation.",
        "step in proportion to the distance": "The step has one size.",
        "step of another size": "p goes from 0 to 1 in `horizon` images.",
        "p left where it was": "Off the target p moves, upward or downward.",
        "size of r_v": "A negative measure is smaller than one of 0.",
        "p not kept between 0 and 1": "It is a probability.",
        "only one end kept": "p stays between 0 and 1 at both ends.",
        "moves at the target": "Within 1e-6 of the target p stays.",
        "tie by exact comparison": "The mean of float32 numbers is seldom the target "
        "itself.",
        "too wide a band": "From 1e-6 on the distance from the target counts.",
        "target left out": "r is compared with the target.",
        "no step back from the end": "At 0 and at 1 p can move to the other side.",
        "no error where both means are equal": "0 in the denominator is no measure.",
        "another kind of error": "A ValueError is due.",
        "float32 in between": "Means of float64 values are taken in float64: look for "
        "a cast on the way.",
        "an error without need": "Nothing is wrong there: a number can be given.",
    },
)
def gan_25(t, thermostat):
    n, m, k = 9, 5, 7
    train = t.away(n, low=0.4, high=2)
    train[:6] = train[:6].abs()
    train[6:8], train[8] = -t.uniform(2, low=0.4, high=0.9), train[8].abs()
    validation = t.uniform(m, low=-1.5, high=1) - 0.3
    validation[1], validation[-1] = -1.25, 0.5
    made = t.uniform(k, low=-4, high=-2)

    def mean(x, f=lambda v: v):
        return sum(map(f, x.double().tolist())) / len(x)

    def sign(v):
        return (v > 0) - (v < 0)

    def measures(train, validation, made) -> Any:
        r_t = mean(train, sign)
        if validation is None:
            return None, r_t
        top = mean(train) - mean(validation)
        return top / (mean(train) - mean(made)), r_t

    def step(p, r, target, images, horizon):
        side = 0 if abs(r - target) <= 1e-6 else math.copysign(1, r - target)
        return sorted((0.0, p + side * images / horizon, 1.0))[1]

    def told(*args) -> Any:
        """What was returned: three numbers, the first one perhaps None."""
        try:
            out = t.call(thermostat, *args)
        except Stop as stop:
            if stop.outcome != "error":
                raise
            why = "Three numbers: nothing is wrong with these arguments."
            name = (
                "an error without need" if "ValueError" in stop.lines["got"] else None
            )
            if name is None:
                raise
            t.fail(name, why=why, got=stop.lines["got"])
        three = isinstance(out, tuple | list) and len(out) == 3
        name, got = "not three numbers", f"an object of type {type(out).__name__}"
        t.true(three, "(r_v, r_t, new_p).", got, name)
        none = args[2] is None
        if none:
            name, why = "r_v without a validation set", "None, where there is no set."
            t.true(out[0] is None, why, repr(out[0]), name)
        made = [t.tensor(v) for v in out[none:]]
        for v in made:
            t.shape(v, (), "a number.", "not three numbers")
            got, name = "It requires a gradient.", "result hangs in a graph"
            t.true(not v.requires_grad, "Numbers without a graph.", got, name)
        t.about(out)
        return [None] * none + [v.detach().double() for v in made]

    p, images, horizon = t.integer(30, 60) / 100, 256, 4096
    rest = 0.05, images, horizon
    t.property("three numbers")
    args = [x.clone().requires_grad_() for x in (train, validation, made)]
    first = told(p, *args, *rest)
    r_v, r_t = measures(train, validation, made)
    swapped = abs(first[0] - r_t) < 1e-5 and abs(first[1] - r_v) < 1e-5
    got = f"{float(first[0]):.5g} and {float(first[1]):.5g}"
    t.true(not swapped, "First r_v, then r_t.", got, "measures exchanged")

    t.property("r_v, from three means; also of a critic that prefers what is made")
    sets = (train, validation, made), (validation, made, train[:4])
    second = told(p, *sets[1], *rest)
    dues = torch.tensor([measures(*some)[0] for some in sets])
    why = "Three means, each over its own batch; two calls, one below the other."
    ideas = [("result of an earlier call", torch.stack([dues[0]] * 2)), *of_means(sets)]
    t.close(torch.stack([first[0], second[0]]), dues, why, ideas=ideas, tol=2e-5)

    t.property("r_t, the mean of the signs")
    zero = torch.cat([train, torch.zeros(4)])
    sets = [(x, validation, made) for x in (train, zero, 0.05 - zero.flip(0))]
    outs = torch.stack([told(p, *some, *rest)[1] for some in sets])
    dues = torch.tensor([measures(*some)[1] for some in sets])
    why = "Each value has a sign: 1, 0 or -1. Three calls, the last one is shown."
    t.finite(outs, why, "sign of zero")
    t.close(outs, dues, why, ideas=of_signs(sets), tol=2e-5)
    small = torch.tensor([3e-7, 2e-12, -1e-20, 5e-30, 1e6, -2e5, 4.0])
    out = told(p, small, validation, made, *rest)
    why = "The sign does not depend on the size."
    t.close(out[1], mean(small, sign), why, "a soft sign", tol=1e-4)
    t.close(out[0], measures(small, validation, made)[0], "As before.", tol=1e-4)

    t.property("without a validation set")
    for x in train, -train:
        out = told(p, x, None, made, *rest)
        t.close(out[1], mean(x, sign), "r_t is as before.", tol=1e-4)

    r_v, r_t = measures(train, validation, made)
    turn, left, other = "other direction", "target left out", "another measure followed"

    def moved(name, args, target, images, horizon, backward):
        """One step; ``backward`` is the mistake that goes the other way."""
        t.property(name)
        out = told(p, *args, target, images, horizon)
        r = measures(*args)
        r = r[1] if args[1] is None else r[0]
        due, size, off = (
            step(p, r, target, images, horizon),
            images / horizon,
            r - target,
        )
        lengths = size / 2, 2 * size, size * 1e3, size / 1e3, 1 / horizon, 1 / images
        lengths += images, size / n, size * n, size**2, size * p, size * (1 - p), 1, p
        ends = [p + c * v for v in lengths for c in (1, -1)]
        ideas = {
            backward: 2 * p - due,
            "p left where it was": p,
            "step in proportion to the distance": [
                *(p + size * off, p - size * off, p + off, p - off, r, target),
                *(p + size * off / abs(target), p + size * r),
            ],
            "step of another size": [*ends, *(min(max(v, 0.0), 1.0) for v in ends)],
        }
        why = f"p is {p}, r is {r:.4g}, the target {target:.4g}."
        name = "step of another size" if (out[2] - p) * (due - p) > 0 else None
        t.close(out[2], due, why, name, ideas, tol=1e-6)

    for sizes in ((256, 4096), (300, 5000)):
        name, args = (
            "one step above the target, and one below it",
            (train, validation, made),
        )
        moved(name, args, min(r_v, r_t) - 0.15, *sizes, turn)
        moved(name, args, max(r_v, r_t) + 0.15, *sizes, left)
        name, args = "the same without a validation set", (train, None, made)
        moved(name, args, r_t - 0.1, *sizes, turn)
        moved(name, args, r_t + 0.1, *sizes, left)
    for a, b, c in ((train, validation, made), (train + 1, validation - 2, made)):
        r = measures(a, b, c)
        if abs(r[0] - r[1]) > 0.02:
            name = "r_v above the target, r_t below it, or the other way around"
            moved(name, (a, b, c), sum(r) / 2, 256, 4096, other)
    flat = torch.tensor([3.0, 1.0]), torch.tensor([2.0]), torch.tensor([-2.0, -2.0])
    moved("a measure of 0", flat, 0.25, 256, 4096, other)
    name = "a measure above 1, and one below 0"
    args = train, made - 1, made
    moved(name, args, (1 + measures(*args)[0]) / 2, 256, 4096, "r_v clamped")
    args = train, train + 1, made
    moved(name, args, -measures(*args)[0] / 2, 256, 4096, "size of r_v")
    moved(name, args, measures(*args)[0] / 2, 256, 4096, "r_v clamped")

    t.property("p stays between 0 and 1")
    low, high = "p not kept between 0 and 1", "only one end kept"
    ends = []
    for start, target in ((0.97, -2.0), (0.02, 2.0), (1.0, -2.0), (0.0, 2.0)):
        out = told(start, train, None, made, target, 256, 4096)
        ends.append(float(out[2]) - step(start, r_t, target, 256, 4096))
    off = [abs(v) > 1e-6 for v in ends]
    name = low if all(off[:2]) else high
    t.close(torch.tensor(ends), torch.zeros(4), "Off from 1, 0, 1, 0.", name)
    for start, target, size in ((0.4, -2.0, 9000), (0.4, 2.0, 9000)):
        out = told(start, train, validation, made, 100 * target, size, 4096)
        due = float(target < 0)
        t.close(out[2], due, "A step longer than 1 ends at 0 or 1.", low)
    t.property("from 0 upward, from 1 downward")
    for start, target in ((0.0, -2.0), (1.0, 2.0)):
        out = told(start, train, None, made, target, 256, 4096)
        due = step(start, r_t, target, 256, 4096)
        t.close(out[2], due, "One step.", "no step back from the end", tol=1e-6)

    t.property("at the target p stays")
    flat = torch.tensor([1.0, 2.0, -1.0, 3.0])  # a mean of signs of 0.5, exactly
    fifths = torch.tensor([1.0, 0.5, 2.0, 0.1, -3.0])
    for x, target in ((flat, 0.5), (fifths, 0.6), (fifths.repeat(2), 0.6)):
        out = told(p, x, None, made, target, 256, 4096)
        name = "moves at the target" if x is flat else "tie by exact comparison"
        t.close(out[2], p, f"r_t is {target}.", name, tol=1e-7)
    exact = torch.tensor([3.0, 1.0]), torch.tensor([1.0]), torch.tensor([-2.0, -2.0])
    out = told(p, *exact, 0.25, 256, 4096)
    t.close(out[2], p, "r_v is 0.25.", "moves at the target", tol=1e-7)
    flat = torch.ones(1)
    for gap in 1e-3, 1e-4, 1e-5:
        for target in (1 - gap, 1 + gap):
            out = told(p, flat, None, made, target, 256, 4096)
            due = step(p, 1.0, target, 256, 4096)
            why = f"r_t is 1, and {gap:g} from the target."
            t.close(out[2], due, why, "too wide a band", tol=1e-7)

    t.property("the same means at training examples and made ones: a ValueError")
    for x, y in ((exact[0], torch.tensor([2.0])), (exact[0], exact[0].clone())):
        args = p, x, exact[1], y, 0.6, 256, 4096
        told(p, x, None, y, 0.6, 256, 4096)
        near = told(p, x, exact[1], y + 1 / 128, 0.6, 256, 4096)
        t.close(near[0], -128.0, "Means that differ a little.", tol=1e-4)
        try:
            t.call(thermostat, *args)
        except Stop as stop:
            if stop.outcome != "error":
                raise
            got = stop.lines["got"]
            name = "another kind of error"
            t.true("ValueError" in got, "A ValueError.", got, name)
        else:
            name = "no error where both means are equal"
            t.fail(name, why="r_v is not defined: a ValueError.", got="no error")

    t.property("values far from 0, in float64")
    for base in 1e7, -7e6, 5e6:
        sets = [x.double() + base for x in (train, validation, made)]
        out, name = told(p, *sets, 2.0, 64, 4096), "float32 in between"
        t.close(out[0], measures(*sets)[0], "r_v is as before.", name, tol=1e-4)

    t.property("one value in each, in float64")
    one = [torch.tensor([v], dtype=torch.float64) for v in (0.7, -0.3, -1.9)]
    out, due = told(p, *one, 2.0, 64, 4096), measures(*one)
    t.close(out[0], due[0], "One number for each mean.", tol=1e-4)
    t.close(out[1], 1.0, "One sign.", tol=1e-4)
    t.close(out[2], p - 1 / 64, "Downward.", tol=1e-6)


def of_means(sets):
    """What mistakes in r_v give, of all calls at once."""
    sets = [[x.double() for x in some] for some in sets]

    def by(length):
        return lambda x, sizes: x.sum() / length(sizes)

    def each(f):
        return lambda x, sizes: f(x)

    ways = {
        "": each(torch.mean),
        "means of signs": each(lambda x: x.sign().mean()),
        "means of probabilities": [
            *(each(lambda x: x.sigmoid().mean()), each(lambda x: x.tanh().mean())),
        ],
        "median in place of the mean": [
            *(each(torch.median), each(lambda x: x.quantile(0.5))),
        ],
        "one length for all batches": [
            *(each(torch.sum), *(by(lambda n, i=i: n[i]) for i in range(3)), by(sum)),
        ],
        "examples left out": [
            lambda x, sizes: x[: min(sizes)].mean(),
            *(each(f) for f in (torch.max, torch.min, lambda x: x[0])),
            *(each(f) for f in (lambda x: x[1:].mean(), lambda x: x[:-1].mean())),
        ],
    }
    ratios = {
        "": lambda a, b, c: (a - b) / (a - c),
        "size of the denominator": [
            lambda a, b, c: (a - b) / abs(a - c),
            lambda a, b, c: abs((a - b) / (a - c)),
            lambda a, b, c: abs(a - b) / (a - c),
        ],
        "numerator turned around": lambda a, b, c: (b - a) / (a - c),
        "distance from another set": [
            *(lambda a, b, c: (b - c) / (a - c), lambda a, b, c: (a - b) / (b - c)),
            *(lambda a, b, c: (a - c) / (b - c), lambda a, b, c: (b - c) / (a - b)),
            *(lambda a, b, c: (c - b) / (a - c), lambda a, b, c: (a - b) / (c - b)),
        ],
        "denominator left out": [
            *(lambda a, b, c: a - b, lambda a, b, c: (a - b) / a),
            *(lambda a, b, c: (a - b) / b, lambda a, b, c: (a - b) / c),
        ],
        "ratio turned around": lambda a, b, c: (a - c) / (a - b),
        "r_v clamped": [
            lambda a, b, c, low=low, high=high: ((a - b) / (a - c)).clamp(low, high)
            for low, high in ((0, 1), (0, None), (None, 1), (-1, 1))
        ],
    }

    def make(f, ratio):
        made = [[f(x, list(map(len, some))) for x in some] for some in sets]
        return torch.stack([ratio(*v) for v in made])

    yield from mistakes(make, ways, ratios)


def of_signs(sets):
    """What mistakes in r_t give, of all calls at once."""
    sets = [[x.double() for x in some] for some in sets]
    parts = {
        "": lambda a, b, c: a,
        "signs of another set": [
            *(lambda a, b, c: b, lambda a, b, c: c),
            *(lambda a, b, c: torch.cat([a, c]), lambda a, b, c: torch.cat([a, b])),
        ],
        "examples left out": [lambda a, b, c: a[:-1], lambda a, b, c: a[1:]],
    }
    signs = {
        "": lambda v: v.sign().mean(),
        "mean in place of its signs": lambda v: v.mean(),
        "sign of the mean": lambda v: v.mean().sign(),
        "share of positive values": [
            *(lambda v: (v > 0).double().mean(), lambda v: (v >= 0).double().mean()),
            lambda v: (v < 0).double().mean(),
        ],
        "sign of zero": [
            lambda v: 1 - 2 * (v < 0).double().mean(),
            lambda v: 2 * (v > 0).double().mean() - 1,
            lambda v: v[v != 0].sign().mean(),
        ],
        "a soft sign": [
            *(lambda v: v.tanh().mean(), lambda v: (2 * v.sigmoid() - 1).mean()),
            lambda v: v.clamp(-1, 1).mean(),
            *(lambda v, e=e: (v / (v.abs() + e)).mean() for e in (1, 1e-2, 1e-3)),
        ],
        "signs of the probabilities": [
            *(lambda v: v.sigmoid().sign().mean(), lambda v: v.sigmoid().mean()),
            lambda v: (v - 0.5).sign().mean(),
        ],
        "one length for all batches": lambda v: v.sign().sum(),
        "sign flipped": lambda v: -v.sign().mean(),
    }

    def make(part, f):
        return torch.stack([f(part(*some)) for some in sets])

    yield from mistakes(make, parts, signs)
