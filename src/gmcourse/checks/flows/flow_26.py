"""Exercise flow-26: Turned, not crossed."""

import math
from itertools import pairwise

import torch

from .._exercise import Exercise
from ._shared_paths import kutta

STEEP, HURRIED = 20.0, 100.0  # the two bounds of the statement
SHIVER = "a quick shiver in time"
JUMP = "a jump in the velocity"
ONE_LENGTH = "right at some distances from 0 alone"


@Exercise(
    id="flow-26",
    title="Turned, not crossed",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Use the freedom that a plane has and a line has not: paths of one equation "
        "that change places without ever meeting.",
    ),
    statement=r"""
Paths of $\mathrm dx/\mathrm dt = v(x, t)$ do not cross. On a line, therefore, no
velocity carries every $x$ to $-x$: the paths of $1$ and $-1$ would have to meet. Where
the number of dimensions is even, there is one.

Write `v(x, t)`. `x` is `(b, d)` with any $d$ of 2, 4, 6, …, float32 or float64, and `t`
a float from 0 to 1. The result is the velocity of each row at that time, in the shape
and type of `x`. Many answers are right. Right is what has these properties:

- The path that begins at $x$ at $t = 0$ is at $-x$ at $t = 1$, for every $x$, be it
  as long as $10^4$: the error is at most $10^{-3}\,(1 + \lVert x \rVert)$. The check
  solves the equation by small steps of a method of high order, in float64.
- Volumes stay: $\operatorname{tr} \partial v/\partial x = 0$ at every place and time,
  not only in the end. Derivatives are taken by automatic differentiation.
- It is a velocity of position and time, and of nothing else: each row is treated by
  itself, nothing is random, and nothing is kept from call to call, such as the place
  where a path began.
- It is smooth enough for paths to exist and to be found:

$$
\lVert v(x, t) - v(y, s) \rVert \le 20\, \lVert x - y \rVert
+ 100\, (1 + \lVert x \rVert)\, |t - s| .
$$
""",
    stub='''
def v(x, t):
    """(b, d) with an even d, a float from 0 to 1 -> (b, d)."""
    return ...
''',
    answers={"v": callable},
    hints=(
        "In the plane, what takes every point to the other side of 0 at the same time, "
        "and never changes its distance from 0?",
        "A turn by the angle $a$ a unit of time has the velocity $a\\,(-x_2, x_1)$. "
        "How far has it come at $t = 1$?",
        "More dimensions are pairs of dimensions, each of which is a plane.",
    ),
    misconceptions={
        "straight through 0": "All points move along their lines through 0, and never "
        "reach it: on a line, paths cannot pass each other.",
        "a whole number of turns": "Every point is back where it began.",
        "a quarter of a turn": "From x to -x it is half a turn.",
        "a sign lost in the turn": "A turn has one minus: without it, or with two, "
        "one direction grows and the other shrinks.",
        "position in place of the velocity": "At t = 0 this is x itself: where the "
        "path is, and not how it moves.",
        "degrees in place of radians": "It turns 180 times as fast as it is far from "
        "0: an angle of that many radians.",
        "pi rounded": "It turns, but not by half a turn to the digits asked for.",
        ONE_LENGTH: "Where x is 1 long the path ends at -x, and elsewhere it does not.",
        "only in some even dimensions": "Few dimensions go well, and others do not.",
        "coordinates left where they are": "Some coordinates have not moved: every one "
        "of them belongs to a plane.",
        "volumes change on the way": "The trace is not 0 at all times: what grows now "
        "and shrinks later ends right, and was no turn in between.",
        "where the path began": "The velocity depends on what was asked before. It "
        "sees where a point is, not where it comes from.",
        JUMP: "Places next to each other move very differently.",
        SHIVER: "Within a moment the velocity goes to and fro: too little to move the "
        "ends of paths, and yet faster than the bound.",
        "a jump in time": "From one moment to the next the velocity is another one.",
    },
)
def flow_26(t, v):
    def at(x, time, failed=None):
        out = t.call(v, x, time) if failed is None else t.edge(failed, v, x, time)
        t.shape(out, tuple(x.shape), "one velocity for each row.")
        t.dtype(out, x.dtype, "that of x.")
        return t.tensor(out)

    def points(b, d, low=0.9, high=1.1):
        """Rows of these lengths, in all directions."""
        x = t.normal(b, d).double() + 0.001
        return x / x.norm(dim=1, keepdim=True) * t.uniform(b, 1, low=low, high=high)

    def solved(name, x, known=None):
        """The end of each path, by 64 steps of Kutta's method."""
        t.property(name)
        near = (x.norm(dim=1) - 1).abs() < 0.2
        (y,) = kutta(lambda time, x: (at(x, time, known).detach(),), (x,), 64)
        t.finite(y, "Every path has an end.")
        for part, title in ((near, name), (~near, "the same near 0 and far from it")):
            t.property(title)
            off = ((y + x).norm(dim=1) / (1 + x.norm(dim=1)))[part]
            got = f"an end {off.max():.3g} away, in units of 1 + the length of x"
            mistake = known or told(x[part], y[part])
            mistake = mistake if part is near else ONE_LENGTH
            t.true(off.max() <= 1e-3, "Every path ends at -x.", got, mistake)

    def told(x, y):
        """What can be seen from the ends of paths alone."""
        pairs = [(x.unflatten(1, (-1, 2)), y.unflatten(1, (-1, 2)), 2)]
        pairs += [(x.unflatten(1, (2, -1)), y.unflatten(1, (2, -1)), 1)]
        for p, q, axis in pairs:  # of neighbors, and of halves
            for s in (math.pi, -math.pi):
                grown = math.cosh(s) * p + math.sinh(s) * p.flip(axis)
                if torch.allclose(q, grown, 1e-2, 1e-2):
                    return "a sign lost in the turn"
        if torch.allclose(y, x, 1e-2, 1e-2):
            return "a whole number of turns"
        long, dot = x.norm(dim=1), (x * y).sum(1)
        if ((y - x).abs() < 1e-9).any(1).all():
            return "coordinates left where they are"
        if torch.allclose(dot, long * y.norm(dim=1), 1e-4):
            return "straight through 0"
        same = torch.allclose(y.norm(dim=1), long, 1e-3)
        if same and (dot.abs() < 1e-2 * long**2).all():
            return "a quarter of a turn"
        near = same and torch.allclose(y, -x, 0.0, 0.03 * float(long.max()))
        return "pi rounded" if near else None

    t.property("a velocity for each row")
    x, y = points(5, 2), points(5, 2)
    first, at_y = at(x, 0.0).detach(), at(y, 0.375).detach()
    t.finite(first, "A velocity everywhere.")
    name, why = "position in place of the velocity", "A velocity is due."
    t.true(not torch.allclose(first, x), why, "x itself at t = 0", name)
    fast = torch.allclose(at_y.norm(dim=1), 180 * y.norm(dim=1))
    why, got = f"At most {STEEP:g} times as far.", "180 times the length of x"
    t.true(not fast, why, got, "degrees in place of radians")
    t.property("position and time say all")
    t.steady(v, y, 0.375)
    for start in (-x, 3 * y):
        at(start, 0.0)
        at(start, 0.25)
        told_by = "The same wherever another path began.", "where the path began"
        t.close(at(y, 0.375), at_y, *told_by, tol=1e-12)
    why, name = "The same in another order.", "depends on its place in the batch"
    t.close(at(y.flip(0), 0.375).flip(0), at_y, why, name, tol=1e-12)
    why, name = "The same with fewer rows.", "statistics of the batch"
    t.close(at(y[:1], 0.375), at_y[:1], why, name, tol=1e-12)

    def smooth(x):
        """Near each other in place, beside 0, across its axes and planes; in time."""
        t.property("no jumps, and not too steep")
        b, d = x.shape
        flat = x.clone()
        flat[torch.arange(b), torch.arange(b) % d] = 0.0
        for base, size in ((0 * x, 1e-7), (x, 1e-6), (flat, 1e-6), (x, 1e-2)):
            for time in (0.0, 0.3, 0.77):
                way = size * points(b, d)
                gap = (at(base + way, time) - at(base - way, time)).norm(dim=1)
                worst = (gap / (2 * way).norm(dim=1)).max()
                why = f"At most {STEEP:g} times as far apart as the places."
                name = JUMP if worst > 1e4 else None
                t.at_most(worst, STEEP + 1e-3, why, name)
        s = torch.linspace(-9, 9, 3001, dtype=torch.float64)[:, None]
        lines = [c * points(1, d) + s * points(1, d, 1, 1) for c in (0, 0, 1, 2)]
        steps = [at(x, 0.4).detach().diff(dim=0).norm(dim=1) for x in lines]
        worst = torch.cat(steps).max() / 0.006
        name = JUMP if worst > 90 else None
        t.at_most(worst, STEEP + 1e-3, "Along a line, too.", name)
        t.property("no jumps in time")
        why = f"At most {HURRIED:g} times the time that passed, as stated."
        y = x[:2]

        def faster(pairs, size):
            gap = torch.stack([(b - a).norm(dim=1) for a, b in pairs])
            return (gap / (1 + y.norm(dim=1))).max() / size

        few = [at(y, i / 256).detach() for i in range(257)]
        gap = faster(pairwise(few), 1 / 256)
        name = "a jump in time" if gap > 250 else None
        t.at_most(gap, HURRIED + 1e-3, why, name)
        for size in (1e-3, 1e-4, 1e-5):
            shares = t.uniform(32, low=0, high=0.96).double()
            times = ((torch.arange(32) + shares) / 32).tolist()
            few = [(at(y, s).detach(), at(y, s + size).detach()) for s in times]
            t.at_most(faster(few, size), HURRIED + 1e-3, why, SHIVER)

    smooth(points(8, 2))
    wide = points(3, 2, 2, 9), points(2, 2, 0.1, 0.5), points(2, 2, 3e3, 1e4)
    x = torch.cat([points(6, 2), *wide, points(2, 2, 50, 500)])
    solved("in the plane every path ends at -x, where x is about 1 long", x)
    for b, d in ((7, 4), (1, 6), (3, 26)):
        x = torch.cat([points(b, d), points(1, d, 2, 5)])
        solved(f"in {d} dimensions", x, "only in some even dimensions")

    for b, d in ((6, 2), (5, 4), (3, 6)):
        t.property("volumes stay at every time")
        for time in (0.0, 0.13, 0.5, 0.81, 1.0):
            x = points(b, d, 0.3, 4).requires_grad_()
            out, way = at(x, time), points(b, d)
            rows = [t.grad(out[:, i], x) for i in range(d)]  # of each output
            slope = torch.stack([(row * way).sum(1) for row in rows], 1)
            ends = [at(x.detach() + h * way, time).detach() for h in (1e-5, -1e-5)]
            why, name = (
                "Its own derivative, in one direction.",
                "cut off from the graph",
            )
            t.close(slope, (ends[0] - ends[1]) / 2e-5, why, name, tol=1e-4)
            trace = sum(row[:, i] for i, row in enumerate(rows))
            t.close(trace, 0.0, "A trace of 0.", "volumes change on the way", tol=1e-6)
    t.property("float32")
    x = points(4, 6)
    t.close(at(x.float(), 0.6), at(x, 0.6), "That of float64, rounded.", tol=1e-4)
