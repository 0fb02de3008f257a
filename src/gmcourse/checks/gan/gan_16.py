"""Exercise gan-16: Moving earth along a line."""

import itertools
from typing import Any

import numpy as np
import torch

from .._comparisons import far
from .._exercise import Exercise, Stop

GRIDS = 50, 64, 99, 100, 101, 128, 200, 201, 256, 500, 501, 512, 1000, 1001, 1024, 2000
GRIDS = *GRIDS, 2001, 2048, 4096, 5000, 5001, 10_000, 10_001, 20_000, 100_000, 100_001


@Exercise(
    id="gan-16",
    title="Moving earth along a line",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Compute a distance of two weighted samples by the coupling that sorting "
        "gives, and let a gradient through it.",
    ),
    statement=r"""
Where two samples on a line have equally many points, sorting pairs them. Here they are
heaps of earth: $p_i \ge 0$ of it lies at $x_i$, $i = 1, \dots, n$, and $q_j \ge 0$ is
wanted at $y_j$, $j = 1, \dots, m$, with $\sum_i p_i = \sum_j q_j = 1$ up to rounding.
If $\pi_{ij} \ge 0$ is carried from $x_i$ to $y_j$, so that each row sums to $p_i$ and
each column to $q_j$, then

$$
W_2^2 = \min_\pi \sum_{i,j} \pi_{ij}\, (x_i - y_j)^2 ,
$$

the *squared* Wasserstein-2 distance. On a line earth that lies farther to the left is
best carried farther to the left, and a heap may have to be split.

Write `transport_cost(x, y, p, q)`, where `x` and `p` have the shape `(n,)`, `y` and
`q` the shape `(m,)`: $n$ and $m$ from 1 to 1000, equal or not, and neither points nor
weights in any order. It gives $W_2^2$, one number, and its gradient by `x` and by `y`
is that of the formula with the best $\pi$ held fixed (not asked for where two points of
one sample are equal, nor by the weights). Points may be equal, all far from 0, and one
with a weight of 0 counts for nothing, wherever it lies.

All four are in float64, or all in float32. This is no estimate: no grid, no draws, no
smoothing. In float64 nine digits are right, in float32 the error is at most 1 in 10,000
of the largest $(x_i - y_j)^2$.
""",
    stub='''
def transport_cost(x, y, p, q):
    """(n,), (m,), (n,), (m,) -> (): the squared Wasserstein-2 distance."""
    return ...
''',
    answers={"transport_cost": callable},
    hints=(
        "Sort the points, and let each weight go with its point. The cumulative sums "
        "of the weights say how much earth lies to the left of where.",
        "Walk through both samples at once: carry as much as the present heap still "
        "has and the present hole still takes, then go on with whichever is used up. "
        "At most $n + m - 1$ loads are carried.",
        "Without a loop: the loads end where one of the two cumulative sums ends. Sort "
        "these $n + m$ levels; in the *middle* between two of them look up which heap "
        "and which hole it is.",
    ),
    misconceptions={
        "samples taken for equally large": "n and m differ in general, and so do the "
        "weights: a heap may have to be split.",
        "points left unsorted": "Earth is carried in the order of the line, not in "
        "that in which the points are given.",
        "weights left behind by sorting": "Each weight belongs to its point: it takes "
        "the place that its point gets.",
        "weights sorted by themselves": "Each weight belongs to its point: it takes "
        "the place that its point gets.",
        "only one sample sorted": "Both are to be sorted.",
        "distance in place of its square": "Each load is carried at the price of the "
        "squared distance.",
        "carried everywhere in proportion": "This coupling, p_i q_j, is one of many, "
        "and far from the best.",
        "carried the wrong way around": "The leftmost earth goes to the leftmost hole; "
        "the other way around costs the most.",
        "to the nearest point": "Then some holes get too much earth and others none.",
        "mean and deviation alone": "Two numbers do not say how the earth lies: this "
        "is the formula for two normal distributions.",
        "distance of the means": "Two heaps around one center are not one.",
        "difference of the distribution functions": "The square belongs to the "
        "distance that is traveled, not to the amount of earth.",
        "points left out": "The samples differ in size, and all points count.",
        "loads of one sample only": "A load ends where either of the two cumulative "
        "sums has a step.",
        "quantiles on a grid": "The quantile functions are steps, and the loads can "
        "be listed: no grid is needed.",
        "quantiles interpolated": "Between two neighboring points lies no earth: the "
        "quantile function jumps from one to the next.",
        "one step too far": "The load between two levels belongs to the heap in which "
        "its middle lies; look at which side a level at a step goes to.",
        "loads not weighted": "Each squared distance counts with the earth that is "
        "carried.",
        "a load left out": "The loads sum to 1: is the first or the last missing?",
        "one side cut off from the graph": "The gradient gets to one of the two "
        "samples only.",
        "gradient of something else": "It is 2 (x_i - y_j) times the load, summed over "
        "the loads of a point.",
        "weight of zero counts": "Points without weight were moved, and the cost with "
        "them.",
        "float32 in between": "Given float64 the result has the digits of float32: "
        "look for a cast on the way, or for a tensor made without a dtype.",
    },
)
def gan_16(t, transport_cost):
    def sample(n, total, zeros=0, spread=1.0):
        """Points in any order, and whole parts of the total for weights."""
        gaps = t.uniform(n, low=0.2, high=1.6) * (6 * spread / n)
        order = torch.randperm(n, generator=t.rng)
        x = (gaps.cumsum(0) - 3 * spread + t.uniform(low=-1, high=1))[order]
        cuts = torch.randperm(total - 1, generator=t.rng)[: n - zeros - 1].sort()[0] + 1
        ends = torch.tensor([0, *cuts.tolist(), total])
        parts = torch.cat([ends.diff(), torch.zeros(zeros, dtype=torch.long)])
        order = torch.randperm(n, generator=t.rng)
        return x.double(), parts[order]

    def both(n, m):
        """Two samples whose order hides no mistake, and no load ends with another."""
        while True:
            (x, a), (y, b) = sample(n, total), sample(m, total)
            i, j = x.argsort(), y.argsort()
            levels = torch.cat([a[i].cumsum(0), b[j].cumsum(0)]).unique()
            mixed = all(abs(rank(v)) < 0.8 for v in (i, j, a[i], b[j]))
            if len(levels) == n + m - 1 and mixed:
                return x, y, a, b

    def due(x, y, a, b):
        """As many equal grains as there are parts, sorted: then they are pairs."""
        grains = [v.repeat_interleave(k) for v, k in ((x, a), (y, b))]
        x, y = (v.sort().values for v in grains)
        return (x - y).square().mean()

    def works_for_equal(total=64):
        x, a = sample(5, total)
        y, b = sample(5, total)
        with_weights = x, y, a / total, b / total
        try:
            return bool(torch.as_tensor(transport_cost(*with_weights)).isfinite().all())
        except Exception:
            return False

    def cost(x, y, a, b):
        """The call with parts in place of weights."""
        p, q = (v.double() / v.sum() for v in (a, b))
        given = [v.to(x.dtype) for v in (x, y, p, q)]
        try:
            return t.call(transport_cost, *given)
        except Stop as stop:
            if stop.outcome == "error" and len(x) != len(y) and works_for_equal():
                told = {"why": "Sizes of any kind.", "got": stop.lines["got"]}
                t.fail("samples taken for equally large", **told)
            raise

    def known(x, y, a, b):
        """The ideas, and before them the results so far."""
        yield "result of an earlier call", list(seen)
        yield from rivals(x, y, a, b)

    def single(out, value):
        """The mistake, if what came out is near and has the digits of float32."""
        out = t.tensor(out).detach()
        near = not far(out, value, 1e-5).any()
        few = (out.float() == out).all() or not far(out, value, 2e-7).any()
        return "float32 in between" if near and few else None

    total, n, m = 997, t.integer(6, 7), t.integer(9, 10)
    t.property("one number, for samples of different sizes")
    x, y, a, b = both(n, m)
    seen = []
    out = cost(x, y, a, b)
    t.shape(out, (), "one number.")
    why, name = "float64 came in.", "float32 in between"
    t.dtype(out, torch.float64, why, name)

    again = cost(x, y, a, b)
    why, name = "Nothing is drawn.", "estimated from samples"
    t.close(again, t.tensor(out).detach(), why, name, tol=1e-9)
    seen.append(t.tensor(out).detach())

    for more, fewer in ((m, n), (n, m)):
        t.property(f"weighted samples, {fewer} points and {more}")
        x, y, a, b = both(fewer, more)
        out, value = cost(x, y, a, b), due(x, y, a, b)
        why = "Each heap taken apart into equal grains, which are sorted and paired."
        name = single(out, value)
        ideas = None if name else known(x, y, a, b)
        t.close(out, value, why, name, ideas, tol=1e-9)
        seen.append(value)

    t.property("equal weights: the cheapest of all ways to pair the points")
    few, other = sample(5, 64)[0], sample(5, 64)[0]
    ways = [few[list(way)] - other for way in itertools.permutations(range(5))]
    least = torch.stack([way.square().sum() for way in ways]).min() / 5
    ones = torch.ones(5, dtype=torch.long)
    paired = cost(few, other, ones, ones)
    why = "The smallest of 120 sums of five squared distances, by trying them all."
    t.close(paired, least, why, tol=1e-9)

    t.property("its gradient by the points")
    x, y, a, b = both(m, n)
    x, y = (v.detach().requires_grad_() for v in (x, y))
    out, value = cost(x, y, a, b), due(x, y, a, b)
    slopes = [t.grad(value, v) for v in (x, y)]
    found = [t.grad(out, v) for v in (x, y)]
    nothing = [not v.any() for v in found]
    name = "cut off from the graph" if all(nothing) else None
    name = "one side cut off from the graph" if sum(nothing) == 1 else name
    name = name or "gradient of something else"
    for got, slope in zip(found, slopes):
        why = "Of each load 2 (x - y) times its weight; the loads stay as they are."
        t.close(got, slope, why, name, tol=1e-8)

    t.property("heaps and holes that end at the same level, and points that are equal")
    x, y = (torch.tensor([2.0, -1, 0.5, 2, 0.5, -3]) + t.integer(-2, 2) for _ in "xy")
    x, y, a = x.double(), y.double() + 0.25, torch.tensor([16, 8, 8, 4, 4, 24])
    b = a[torch.randperm(6, generator=t.rng)]
    out, value = cost(x, y, a, b), due(x, y, a, b)
    why = "By equal grains, sorted and paired."
    t.close(out, value, why, ideas=rivals(x, y, a, b), tol=1e-9)

    t.property("points without weight")
    x, a = sample(7, total, zeros=2)
    y, b = sample(5, total, zeros=1)
    out, value = cost(x, y, a, b), due(x, y, a, b)
    again = cost(torch.where(a == 0, 60.0 - x, x), torch.where(b == 0, -50, y), a, b)
    moves = far(t.tensor(again).detach(), t.tensor(out).detach(), 1e-9).any()
    name, why = "weight of zero counts" if moves else None, "They count for nothing."
    t.close(out, value, why, name, tol=1e-9)
    t.close(again, value, why, name, tol=1e-9)

    t.property("one point against several, and one against one")
    y, b = sample(4, total)
    one, all_of_it = y[:1] + 0.75, torch.tensor([total])
    for first, second in (
        ((one, all_of_it), (y, b)),
        ((y, b), (one, all_of_it)),
        ((one, all_of_it), (y[1:2], all_of_it)),
    ):
        (u, k), (v, h) = first, second
        value = due(u, v, k, h)
        out = cost(u, v, k, h)
        t.shape(out, (), "one number.")
        ideas = rivals(u, v, k, h)
        t.close(out, value, "All goes to one place.", ideas=ideas, tol=1e-9)

    t.property("float32, also far from 0")
    for base, wide in ((0.0, 1.0), (-4000.0, 1.0), (0.0, 300.0)):
        (x, a), (y, b) = sample(n, total, spread=wide), sample(m, total, spread=wide)
        x, y = ((v + base).float() for v in (x, y))
        value = due(x.double(), y.double(), a, b)
        size = (x[:, None] - y).double().square().max()
        name = "difference of large numbers" if base else None
        why = "An error of 1 in 10,000 of the largest squared distance at most."
        part = t.tensor(cost(x, y, a, b)).detach().double() / size
        t.close(part, value / size, why, name, tol=1e-4 / 1.5)

    t.property("samples of 700 and 300 points")
    x, a = sample(700, 9973)
    y, b = sample(300, 9973)
    out, value = cost(x, y, a, b), due(x, y, a, b)
    t.close(out, value, why, ideas=rivals(x, y, a, b), tol=1e-8)


def rank(order):
    """How nearly the numbers rise, from -1 to 1."""
    places = order.argsort().argsort().double()
    return float(torch.corrcoef(torch.stack([places, torch.arange(len(order))]))[0, 1])


def loads(a, b):
    """The cumulative amounts at which a load ends, and the heap and hole of each."""
    ends = [v.double().cumsum(0) / v.sum() for v in (a, b)]
    found, i, j, done = [], 0, 0, torch.zeros((), dtype=torch.float64)
    while i < len(a) and j < len(b):
        stop = torch.minimum(ends[0][i], ends[1][j])
        found.append((stop - done, i, j))
        done = stop
        # Of two that end together either may go first: the load between is empty.
        i, j = (i + 1, j) if ends[0][i] <= ends[1][j] else (i, j + 1)
    amounts, heaps, holes = zip(*found)
    return torch.stack(amounts), torch.tensor(heaps), torch.tensor(holes)


def rivals(x, y, a, b) -> Any:
    """What other prices and other couplings give."""
    x, y = x.detach().double(), y.detach().double()
    n, m = len(x), len(y)
    p, q = (v.double() / v.sum() for v in (a, b))
    (u, i), (v, j) = x.sort(), y.sort()
    far_apart = (x[:, None] - y).abs()

    def carried(x, y, a, b, price=torch.square):
        w, i, j = loads(a, b)
        return (w * price(x[i] - y[j])).sum()

    def shifted(k, h):
        w, r, s = loads(a[i], b[j])
        r, s = (r + k).clamp(0, n - 1), (s + h).clamp(0, m - 1)
        return (u[r] - v[s]).square() @ w

    right = carried(u, v, a[i], b[j])
    yield "distance in place of its square", carried(u, v, a[i], b[j], torch.abs)
    yield "square root taken", right**0.5
    yield "off by a factor of two", [right / 2, 2 * right]
    yield "sign flipped", -right
    equal = torch.ones(n), torch.ones(m)
    yield "weights left out", carried(u, v, *equal)
    yield "points left unsorted", carried(x, y, a, b)
    yield "weights left behind by sorting", carried(u, v, a, b)
    orders = [k.sort(descending=d)[0] for d in (False, True) for k in (a, b)]
    yield (
        "weights sorted by themselves",
        [carried(u, v, orders[0], orders[1]), carried(u, v, orders[2], orders[3])],
    )
    yield (
        "only one sample sorted",
        [
            *(carried(u, y, a[i], b), carried(x, v, a, b[j])),
            *(carried(u, y, a, b), carried(x, v, a, b)),
        ],
    )
    yield (
        "carried everywhere in proportion",
        [(p[:, None] * q * far_apart**k).sum() for k in (2, 1)],
    )
    back = i.flip(0)
    yield "carried the wrong way around", carried(x[back], v, a[back], b[j])
    near = [(w * d.square()).sum() for w, d in zip((p, q), (far_apart.min(1)[0],
            far_apart.min(0)[0]))]  # fmt: skip
    yield "to the nearest point", [*near, sum(near), sum(near) / 2, max(near)]
    means = [(w * z).sum() for w, z in ((p, x), (q, y))]
    stds = [
        (w * (z - c).square()).sum().sqrt() for w, z, c in zip((p, q), (x, y), means)
    ]
    shift = (means[0] - means[1]).square()
    yield "mean and deviation alone", shift + (stds[0] - stds[1]).square()
    yield "distance of the means", [shift, shift.sqrt(), (x.mean() - y.mean()) ** 2]
    both = torch.cat([x, y]).sort()[0]
    above = [(w * (z <= both[:, None])).sum(1)[:-1] for w, z in ((p, x), (q, y))]
    gap = (above[0] - above[1]).square() @ both.diff()
    yield "difference of the distribution functions", [gap, gap.sqrt(), 2 * gap]
    k = min(n, m)
    short = (u[:k] - v[:k]).square()
    yield (
        "points left out",
        []
        if n == m
        else [
            *(short.mean(), (p[i][:k] * short).sum(), (q[j][:k] * short).sum()),
            *((x[:k] - y[:k]).square().mean(), short.sum()),
        ],
    )
    levels = [w.cumsum(0) for w in (p[i], q[j])]
    for own, w in zip(levels, (p[i], q[j])):
        for at in (own - 1e-12, own - w / 2, own - w + 1e-12):
            r, s = (torch.searchsorted(c, at).clamp(max=len(c) - 1) for c in levels)
            yield "loads of one sample only", (u[r] - v[s]).square() @ w
    w, r, s = loads(a[i], b[j])
    each = (u[r] - v[s]).square()
    more = torch.cat([each, each[-1:]])
    yield (
        "loads not weighted",
        [
            *(v.mean() for v in (each, more, each[w > 1e-9])),
            *(v.sum() for v in (each, more, each[w > 1e-9])),
        ],
    )
    full = w > 1e-9
    yield (
        "a load left out",
        [
            *(right - (w * each)[full][at] for at in (0, -1)),
            *((right - (w * each)[full][at]) / (1 - w[full][at]) for at in (0, -1)),
        ],
    )
    yield (
        "one step too far",
        [
            *(shifted(k, h) for k in (0, 1, -1) for h in (0, 1, -1) if k or h),
        ],
    )
    for size in GRIDS[:-2]:
        middle = (torch.arange(size, dtype=torch.float64) + 0.5) / size
        for at in (middle, torch.linspace(0, 1, size, dtype=torch.float64)):
            line = (torch.quantile(u, at) - torch.quantile(v, at)).square()
            found = [line.mean(), torch.trapezoid(line, at)]
            for back in (0.0, 0.5, 1.0):
                ends = [(c - back * k).numpy() for c, k in zip(levels, (p[i], q[j]))]
                a, b = (np.interp(at, c, w) for c, w in zip(ends, (u, v)))
                found.append(torch.as_tensor((a - b) ** 2).mean())
            yield "quantiles interpolated", found
    for size in GRIDS:
        middle = (torch.arange(size, dtype=torch.float64) + 0.5) / size
        inner = torch.arange(1, size, dtype=torch.float64) / size
        whole = torch.linspace(0, 1, size, dtype=torch.float64)
        for at in (middle, inner, whole, whole[:-1], whole[1:-1]):
            for side in (False, True):
                r, s = (
                    torch.searchsorted(c, at, right=side).clamp(max=len(c) - 1)
                    for c in levels
                )
                line = (u[r] - v[s]).square()
                yield (
                    "quantiles on a grid",
                    [
                        *(line.mean(), torch.trapezoid(line, at)),
                    ],
                )
