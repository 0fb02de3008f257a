"""Exercise flow-08: Where the pieces of a spline meet."""

import itertools
from typing import Any

import torch
from torch.nn import functional as F

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="flow-08",
    title="Where the pieces of a spline meet",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Turn any numbers of a network into increasing knots with ends that are exact "
        "and bins that cannot vanish.",
    ),
    statement=r"""
A spline of $k$ pieces goes through $k + 1$ knots $(x_j, z_j)$, from $(a, c)$ to
$(b, d)$, and both coordinates increase from knot to knot. A network gives raw numbers
of any size, and a softmax makes shares of them
([Durkan et al., 2019](https://arxiv.org/abs/1906.04032)). A bin whose share is nearly 0
would have a slope of nearly 0 or infinity, so each bin first gets a part of the room
that no network can take away.

Write `knots(raw_x, raw_z, x_range, z_range, floor)`. `raw_x` and `raw_z` are `(n, k)`,
with $n$ and $k$ any from 1, `x_range` is the pair of numbers `(a, b)`, `z_range` the
pair `(c, d)`, with $a < b$ and $c < d$, and `floor`, above 0 and below 1, is the
smallest size of a bin **in units of the mean bin**, which is $(b - a)/k$ for $x$ and
$(d - c)/k$ for $z$: each of the $k$ bins gets `floor` mean bins, and what is left of
the interval is divided among them by the softmax of the row's raw numbers. The first
raw number belongs to the first bin, the one at $a$ or $c$.

Return the triple `(x, z, slope)`: the knots `x` and `z`, both `(n, k + 1)`, and the
mean slope of each bin, `(n, k)`: how much $z$ rises for each unit of $x$. All are of
the dtype of the raw numbers, float32 (then to four digits) or float64 (to nine), with
gradients to both. Also where an interval lies as far as 10,000 from 0: knots that are
rounded there share most of their digits, and a slope keeps its own only if it is made
of the sizes.

The ends are exact: in every row the first and the last knot equal $a$ and $b$ ($c$ and
$d$), as this dtype holds them. Raw numbers may be as large as 1000, of either
sign (then three digits are enough in float32).
""",
    stub='''
def knots(raw_x, raw_z, x_range, z_range, floor):
    """(n, k), (n, k), pairs, float -> (n, k + 1), (n, k + 1), (n, k)."""
    return ..., ..., ...
''',
    answers={"knots": callable},
    hints=(
        "The smallest sizes take `floor` of the interval together. So how much of it "
        "is there for the softmax to divide?",
        "Knots are the start plus running sums of the sizes. There is one knot more "
        "than there are bins.",
        "A running sum in float32 ends at 2.9999998, not at 3. The two ends are known: "
        "put them there, and compute only the knots in between.",
    ),
    misconceptions={
        "no room made for the smallest size": "What the bins have for certain must be "
        "taken from the interval before the rest is divided; else the last knot lies "
        "beyond the end.",
        "floor of the interval, not of the mean bin": "`floor` is in units of the mean "
        "bin: k bins of that size take `floor` of the interval, whatever k is.",
        "floor left out": "A softmax alone may give a bin of nearly no size.",
        "small bins lifted, the others left": "A clamp lifts the small ones and takes "
        "nothing from the large ones: they no longer fill the interval.",
        "floor mixed in otherwise": "Each bin first gets `floor` mean bins; only what "
        "is left of the interval is divided by the softmax.",
        "floor taken as a length": "`floor` is in units of the mean bin.",
        "slope of rounded knots": "Far from 0 neighboring knots share most of their "
        "digits, and their difference has few: the sizes have them all.",
        "small constant in the slope": "No bin is empty: nothing has to be added to "
        "its width.",
        "softmax over the rows": "The bins of one row share the interval.",
        "no softmax": "Raw numbers are of any sign and size: their softmax is positive "
        "and sums to one.",
        "another function than a softmax": "The shares are exp(raw) divided by their "
        "sum.",
        "interval taken for one of length 1": "Shares are multiplied by the length of "
        "the interval.",
        "end in place of the length": "The length is the difference of the ends.",
        "start left out": "The first knot is the start of the interval.",
        "order of the bins turned around": "The first raw number belongs to the bin at "
        "the start.",
        "first knot left out": "k bins have k + 1 knots: the running sum gives all but "
        "the first.",
        "sizes in place of knots": "Knots are running sums of the sizes.",
        "x and z exchanged": "raw_x and x_range belong together, and come first.",
        "one interval for both": "x and z have intervals of their own.",
        "slope upside down": "z over x: the height of the bin divided by its width.",
        "slope of shares": "Heights and widths have units: shares do not know that the "
        "intervals differ.",
        "slope of the whole": "Each bin has a slope of its own.",
        "slope of knots, not of bins": "A slope is a difference of neighbors divided "
        "by a difference of neighbors.",
        "ends not exact": "Nearly the end is not the end: a value between the last "
        "knot and the end belongs to no bin.",
        "exponential without a shift": "exp(1000) is infinite: softmax subtracts the "
        "largest number first.",
        "float32 in between": "It has seven digits: something in between is float32, "
        "or a small constant was added.",
        "no triple": "Three tensors are due, (x, z, slope).",
    },
)
def flow_08(t, knots):
    def inputs(n, k, spread=1.0, kind=torch.float32):
        lows, size = t.away(2, low=1, high=3), float(t.uniform(1, low=1.2, high=4))
        ranges = [  # of unequal length
            (round(float(low), 2), round(float(low) + long, 2))
            for low, long in zip(lows, (size, 1.7 * size))
        ]
        raws = [(t.normal(n, k) * spread).clamp(-999, 999).to(kind) for _ in range(2)]
        return (*raws, *ranges, t.integer(15, 60) / 100)

    soft = {
        "": lambda r: (r - r.amax(1, True)).exp(),
        "softmax over the rows": lambda r: r.softmax(0) * torch.ones_like(r),
        "no softmax": lambda r: r,
        "another function than a softmax": [
            *(lambda r: (1 + r.exp()).log(), torch.sigmoid, torch.square, torch.abs)
        ],
    }
    whole = {"": True, "softmax over the rows": False, "no softmax": False}
    room = {
        "": lambda s, k, f: f / k + s - f * s,
        "no room made for the smallest size": [lambda s, k, f: f / k + s,
                                               lambda s, k, f: f + s],
        "floor of the interval, not of the mean bin": [
            lambda s, k, f: f + (1 - f * k) * s,
            lambda s, k, f: f + (1 - f) * s],
        "floor left out": lambda s, k, f: s,
        "small bins lifted, the others left": [lambda s, k, f: s.clamp(min=f / k),
                                               lambda s, k, f: s.clamp(min=f)],
        "floor mixed in otherwise": [
            *(lambda s, k, f: (s + f) / (1 + k * f),
              lambda s, k, f: (s + f / k) / (1 + f)),
            *(lambda s, k, f: F.normalize(s.clamp(min=f / k), p=1.0, dim=1),
              lambda s, k, f: F.normalize(s.clamp(min=f), p=1.0, dim=1)),
        ],
    }  # fmt: skip
    length = {
        "": lambda a, b: b - a,
        "interval taken for one of length 1": lambda a, b: 1.0,
        "end in place of the length": lambda a, b: b,
    }
    turned = {"": lambda s: s, "order of the bins turned around": lambda s: s.flip(1)}
    run = {"": lambda s: s.cumsum(1), "sizes in place of knots": lambda s: s}
    start = {"": (1.0, 1.0), "start left out": [(0.0, 0.0), (1.0, 0.0)]}

    def side(
        raw, ends, floor, softmax, normal, part, size, order, sums, begin, pin=True
    ):
        raw, (a, b) = raw.double(), ends
        share = softmax(raw)
        share = share / share.sum(1, keepdim=True) if normal else share
        sizes = order(part(share, raw.shape[1], floor) * size(a, b))
        inner = begin[1] * a + sums(sizes)
        first = torch.full_like(inner[:, :1], begin[0] * a)
        last = torch.full_like(first, b) if pin else inner[:, -1:]
        return torch.cat([first, inner[:, :-1], last], 1)

    kinds: Any = soft, whole, room, length, turned, run, start
    right: Any = [v[""] for v in kinds]

    def due(raw_x, raw_z, x_range, z_range, floor):
        x, z = side(raw_x, x_range, floor, *right), side(raw_z, z_range, floor, *right)
        return x, z, z.diff(dim=1) / x.diff(dim=1)

    def rivals(i, raw_x, raw_z, x_range, z_range, floor):
        """Of x, z or the slope."""
        raws, ends = (raw_x, raw_z), (x_range, z_range)
        if i < 2:
            yield "x and z exchanged", side(raws[1 - i], ends[1 - i], floor, *right)
            yield "one interval for both", side(raws[i], ends[1 - i], floor, *right)
            bins = floor * raws[i].shape[1] / (ends[i][1] - ends[i][0])
            yield "floor taken as a length", side(raws[i], ends[i], bins, *right)
            yield "order of the bins turned around", sum(ends[i]) - side(
                raws[i].flip(1), ends[i], floor, *right).flip(1)  # fmt: skip
            for pin in (False, True):
                yield from mistakes(
                    lambda *c, pin=pin: side(raws[i], ends[i], floor, *c, pin),
                    *(soft, whole, room, length, turned, run, start),
                )
            return
        x, z, slope = due(raw_x, raw_z, x_range, z_range, floor)
        share = (x_range[1] - x_range[0]) / (z_range[1] - z_range[0])
        yield "slope upside down", 1 / slope
        yield "slope of shares", slope * share
        yield "slope of the whole", torch.full_like(slope, 1 / share)
        yield (
            "slope of knots, not of bins",
            [z[:, 1:] / x[:, 1:], z[:, :-1] / x[:, :-1]],
        )
        yield "floor left out", due(raw_x, raw_z, x_range, z_range, 0.0)[2]

    def called(args, of=knots):
        made, (n, k) = t.call(of, *args), args[0].shape
        three = isinstance(made, tuple | list) and len(made) == 3
        got = f"an object of type {type(made).__name__}"
        t.true(three, "A triple (x, z, slope).", got, "no triple")
        for part, more in zip(made, (1, 1, 0)):
            ideas = {"first knot left out": (n, k)} if more else None
            t.shape(part, (n, k + more), "knots, knots and slopes.", ideas=ideas)
            t.dtype(part, args[0].dtype, "that of the raw numbers.")
        return made

    def apart(values, value):
        values = values if isinstance(values, list) else [values]
        return [v for v in values if far(v, value, 3e-3).any()]

    kept: list = []  # what earlier calls gave
    names = "the knots x", "the knots z", "the slope of each bin"

    def judged(what, args, told=None, tol=1e-5):
        made, exact = called(args), due(*args)
        past = [v for v in kept if v[0].shape == exact[0].shape]
        for i, (part, value) in enumerate(zip(made, exact)):
            t.property(f"{names[i]}, {what}", of=part)
            known = told(t.tensor(part).detach().double(), value, i) if told else None
            ideas = [("result of an earlier call", [v[i] for v in past])]
            ideas = itertools.chain(ideas, [] if known else rivals(i, *args))
            ideas = ((name, apart(v, value)) for name, v in ideas)
            near = tol if i < 2 else 30 * tol
            t.close(part, value, "By running sums in float64.", known, ideas, near)
        kept.append(exact)

    args = inputs(4, 6)
    t.steady(knots, *args)
    judged("from any numbers", args)
    for n, k in ((4, 6), (3, 5), (1, 4), (5, 1), (2, 9)):
        judged("from any numbers", inputs(n, k))
    args = inputs(3, 4)
    judged("from equal numbers", (args[0] * 0, args[1] * 0 + 7, *args[2:]))

    def overflown(out, value, i):
        return None if out.isfinite().all() else "exponential without a shift"

    # The difference of two numbers near 1000 has four digits in float32.
    judged("from numbers up to 1000", inputs(3, 5, 400.0), overflown, 1e-3)
    args = inputs(3, 5)
    judged("from numbers near 1000", (args[0] + 1000, args[1] - 1000, *args[2:]),
           overflown, 1e-3)  # fmt: skip

    def single(out, value, i):
        if far(out, value, 1e-5).any():
            return None
        x, z, _ = due(*args)
        added = z.diff(dim=1) / out - x.diff(dim=1) if i == 2 else torch.zeros(1)
        even = added.mean() > 1e-11 and added.std() < 1e-3 * added.mean()
        return "small constant in the slope" if even else "float32 in between"

    def rounded(out, value, i):
        near = i == 2 and not far(out, value, 0.3).any()
        return "slope of rounded knots" if near else None

    args = inputs(3, 5, kind=torch.float64)
    judged("in float64", args, single, 1e-10)

    t.property("ends that are exact")
    for kind in (torch.float32, torch.float64):
        args = inputs(40, 17, kind=kind)
        for part, ends in zip(called(args)[:2], args[2:4]):
            found = t.tensor(part).detach()[:, [0, -1]]
            exact = torch.tensor(ends, dtype=kind).expand(40, 2)
            t.equal(found, exact, "The ends themselves.", "ends not exact")

    t.property("gradients")
    args: Any = inputs(4, 5, kind=torch.float64)
    leaves = [v.requires_grad_() for v in args[:2]]
    made, exact = called(args), due(*args)
    for part, value in zip(made, exact):
        share = t.uniform(*value.shape, low=0.5, high=2).double()
        for leaf in leaves:
            told = "The derivative of the same sums.", "cut off from the graph"
            t.close(t.grad(part, leaf, share), t.grad(value, leaf, share), *told,
                    tol=1e-5)  # fmt: skip

    raw_x, raw_z, _, _, floor = inputs(20, 9)
    low, long = float(t.integer(9000, 9990)), float(t.integer(1, 3))
    far_off = (low, low + long), (-low, 2 * long - low)  # which float32 holds
    judged("of intervals far from 0", (raw_x, raw_z, *far_off, floor), rounded)
