"""Exercise flow-24: The shortest way from one Gaussian to another."""

import math
from itertools import chain

import numpy as np
import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32, pair

WIDE = "at deviations from 1/1000 to 1000"


@Exercise(
    id="flow-24",
    title="The shortest way from one Gaussian to another",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Compute the kinetic energy of two flows between the same ends, and write the "
        "velocity of the one that has the least.",
    ),
    statement=r"""
Many flows carry data $\mathcal N(m, \operatorname{diag}(s^2))$ at $t = 0$ to noise
$\mathcal N(0, I)$ at $t = 1$. They differ in their kinetic energy
$\int_0^1 \mathbb E\, \lVert v(x(t), t) \rVert^2\, \mathrm dt$, a sum over the
dimensions, which is a penalty that makes a learned flow cheap to solve
([Finlay et al., 2020](https://arxiv.org/abs/2002.02798)). The least of all flows is
optimal transport ([Benamou and Brenier, 2000](https://doi.org/10.1007/s002110050002)):
its points move on straight lines, each at a speed of its own that stays the same, and
in each dimension they keep their order.

Write two functions. `m` and `s` are `(b, d)`, $b$ pairs of ends, $s > 0$ are standard
deviations, $b$ and $d$ any from 1.

- `energies(m, s)` returns the pair `(least, even)`, both `(b,)`: the least energy of
  all flows; and that of the flow whose points move by
  $x_i(t) = (1 - t)\, m_i + s_i^{1 - t} \epsilon_i$, each with its own
  $\epsilon \sim \mathcal N(0, I)$, in which widths change by equal factors in equal
  times. No draws, no loop over time. Gradients flow to `m` and `s`.
- `velocity(x, t, m, s)` returns `(b, d)`, the velocity $v(x, t)$ of the flow with the
  least energy: row $i$ of `x`, `(b, d)`, is a point at the time `t[i]` of `t`, `(b,)`,
  from 0 to 1, both included, on its way between the ends `m[i]`, `s[i]`.

All are float32, or all float64 (then right to $10^{-9}$ times 1 plus their size), as
the results are. Deviations may be 1 exactly, as small as $10^{-3}$ or as large as
$10^3$.
""",
    stub='''
def energies(m, s):
    """(b, d), (b, d) -> (b,) the least, (b,) of widths that change evenly."""
    return ..., ...


def velocity(x, t, m, s):
    """(b, d), (b,), (b, d), (b, d) -> (b, d), of the least flow."""
    return ...
''',
    answers={"energies": callable, "velocity": callable},
    hints=(
        "A point with $x(0) = m + s \\epsilon$ that keeps its order among all ends at "
        "$\\epsilon$. How long is its way, squared, on average?",
        "Of the second flow: $\\mathrm dx_i/\\mathrm dt$ with $\\epsilon$ fixed, its "
        "mean square over $\\epsilon$, and $s^{2(1 - t)}$ integrated over time: "
        "a factor $1/(2 \\log s)$ cancels.",
        "Given $x$ and $t$, find the $\\epsilon$ of the point first: where are "
        "its mean and deviation at $t$?",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (least, even).",
        "change of the width not squared": "A squared way, in both of its parts.",
        "way of the mean left out": "All points move with the mean, too.",
        "widths left out": "Points away from the mean have another way to go.",
        "ends paired at random": "Independent ends make ways that cross: the mean "
        "square is larger, and it is another flow.",
        "the other flow": "The two flows pass through different widths.",
        "spread of the points left out": "The speed of a point is as large as its "
        "distance from the mean, which is a part s^(1-t) of its noise.",
        "energy at one time": "The speed changes on the way: an integral over time.",
        "factor of the integral lost": "The integral of s^(2(1-t)) over time is "
        "(s² - 1)/(2 log s).",
        "sign of the logarithm": "An energy is not negative, wherever s lies.",
        "0/0 where a deviation is 1": "log s is 0 there, and cancels on paper.",
        "time turned around": "t = 0 is the data.",
        "one time for all examples": "Each row has its own time.",
        "time broadcast along the dimensions": "t[i] belongs to row i, not column i.",
        "velocity of the mean left out": "The mean moves from m to 0.",
        "velocity of the mean with the other sign": "The mean moves from m to 0.",
        "mean at the data's throughout": "At t the mean is on its way.",
        "not in units of the width": "A point is found again by its distance from the "
        "mean in units of the deviation at t.",
        "width of the data throughout": "At t the deviation is on its way to 1.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "floor under the width": "A clamp or a constant is felt where s is small.",
    },
)
def flow_24(t, energies, velocity):
    e = torch.linspace(-10, 10, 401, dtype=torch.float64)
    at_e = torch.exp(-e * e / 2) / math.sqrt(2 * math.pi) * (e[1] - e[0])
    nodes, w = map(torch.from_numpy, np.polynomial.legendre.leggauss(60))
    nodes, w = (nodes + 1) / 2, w / 2

    def straight(m, s):
        """The mean square of each way, by quadrature over the noise."""
        m, s = m.double()[..., None], s.double()[..., None]
        return (at_e * (e - torch.addcmul(m, s, e)).square()).sum(-1)

    def even(m, s):
        """By quadrature over time."""
        size = s.double()[..., None] ** (2 * nodes)
        return m.double().square() + s.double().log().square() * (w * size).sum(-1)

    def of_square(square, f):
        return lambda m, s: square * m.double().square() + f(s.double())

    least_ideas = {
        "variance in place of the standard deviation":
            of_square(1, lambda s: (s * s - 1) ** 2),
        "standard deviation taken as a variance":
            of_square(1, lambda s: (s.sqrt() - 1) ** 2),
        "change of the width not squared": [
            of_square(1, lambda s: (s - 1).abs()), of_square(1, lambda s: s - 1)],
        "way of the mean left out": of_square(0, lambda s: (s - 1) ** 2),
        "widths left out": of_square(1, lambda s: 0 * s),
        "ends paired at random": of_square(1, lambda s: 1 + s * s),
        "the other flow": even,
    }  # fmt: skip
    even_ideas = {
        "spread of the points left out": of_square(1, lambda s: s.log() ** 2),
        "energy at one time": of_square(1, lambda s: (s * s.log()) ** 2),
        "factor of the integral lost": [
            of_square(1, lambda s: s.log() * (s * s - 1)),
            of_square(1, lambda s: s.log() * (s * s - 1) / 4)],
        "sign of the logarithm": of_square(1, lambda s: s.log() * (1 - s * s) / 2),
        "way of the mean left out": lambda m, s: even(0 * m, s),
        "widths left out": of_square(1, lambda s: 0 * s),
        "the other flow": straight,
    }  # fmt: skip
    flows = ("least", straight, least_ideas), ("even", even, even_ideas)

    def part(i):
        def one(m, s):
            return energies(m, s)[i]

        one.__name__ = "energies"
        return one

    def judged(name, m, s, mistake=None, tol=1e-5):
        both = pair(t, t.call(energies, m, s), "(least, even)")
        for i, (kind, each, ideas) in enumerate(flows):
            due = each(m, s).sum(1)
            more = {**ideas, "square root taken": due.sqrt()}
            past = [v for v in kept if v.shape == due.shape]
            more["result of an earlier call"] = past
            more |= [in_float32(t.tensor(both[i]), due.detach())]
            why = "By quadrature, summed over the dimensions."
            given = (m, s), each, why, {} if mistake else more, mistake
            out = t.rowwise(f"{kind} energy {name}", part(i), *given, tol=tol)
            t.dtype(out, m.dtype, "that of m and s.")
            kept.append(due)

    def ends(b, d):
        """Deviations that are not 1."""
        return t.away(b, d, low=0.3, high=2), t.away(b, d, low=0.2, high=1).exp()

    def power(b, d, kind, low, high):
        """Deviations of other sizes."""
        return 10 ** t.uniform(b, d, low=low, high=high).to(kind)

    kept: list = []
    judged("of any ends", *ends(4, 3))
    for b, d in ((5, 4), (3, 1), (1, 4), (2, 20)):
        judged("of any ends", *ends(b, d))
    m, s = ends(4, 3)
    s[0, 1] = s[2] = 1.0
    judged("where a deviation is 1", m, s, "0/0 where a deviation is 1")
    for kind, tol in ((torch.float32, 1e-5), (torch.float64, 1e-9)):
        m, told = m.to(kind), "floor under the width"
        judged(f"in {str(kind)[6:]}", m, ends(4, 3)[1].to(kind), None, tol)
        for low in (-3, 2):
            judged(WIDE, m, power(4, 3, kind, low, low + 1), told, tol)

    def rivals(x, s_at, m, s):
        """A width at t gives a flow: its points keep their place in units of it."""
        one, b = torch.ones_like(s), len(x)
        clocks = {
            "": s_at[:, None],
            "time turned around": 1 - s_at[:, None],
            "one time for all examples": [s_at[:1], s_at.mean(), s_at[-1:]],
            "time broadcast along the dimensions": [s_at] * (x.shape == (b, b)),
        }
        widths = {
            "": lambda c: torch.lerp(s, one, c),
            "the other flow": lambda c: s ** (1 - c),
            "ends paired at random": lambda c: torch.hypot(s * (1 - c), c * one),
            "variance in place of the standard deviation":
                [lambda c: torch.lerp(s * s, one, c).sqrt(),
                 lambda c: torch.lerp(s * s, one, c)],
            "standard deviation taken as a variance":
                lambda c: torch.lerp(s.sqrt(), one, c),
        }  # fmt: skip
        places = {"": lambda c: m - c * m, "time turned around": lambda c: c * m,
                  "mean at the data's throughout": lambda c: m}  # fmt: skip
        shares = {"": lambda a: a, "width of the data throughout": lambda a: s,
                  "not in units of the width": lambda a: one}  # fmt: skip
        moves = {"": -m, "velocity of the mean left out": 0 * m,
                 "velocity of the mean with the other sign": m}  # fmt: skip
        signs = {"": 1, "sign flipped": -1, "off by a factor of two": [2, 0.5]}

        def value(clock, width, place, share, move, sign):
            clock = clock.expand_as(x).contiguous()
            now, rate = torch.func.jvp(width, (clock,), (one,))[:2]
            return sign * (move + rate * (x - place(clock)) / share(now))

        yield from mistakes(value, clocks, widths, places, shares, moves, signs)

    def moved(name, b, d, kind=torch.float32, mistake=None, tol=1e-5, low=None):
        """A point is put on its way: its velocity is how far it goes."""
        m, s = (v.to(kind) for v in ends(b, d))
        s = s if low is None else power(b, d, kind, low, low + 1)
        start, goal = m + s * (noise := t.normal(b, d).to(kind)), noise
        clock = t.uniform(b, low=0.1, high=0.9).to(kind)
        clock[0], clock[-1] = (0, 1) if b > 2 else (clock[0], clock[-1])
        x, due = torch.lerp(start, goal, clock[:, None]), goal - start
        t.property(name)
        out = t.call(velocity, x, clock, m, s)
        t.shape(out, x.shape, "that of x.", ideas={"reduced over the batch": [(d,)]})
        t.dtype(out, kind, "that of x.")
        why = "How far a point goes that was put on its straight way."
        past = [v for v in old if v.shape == due.shape]
        found = [] if mistake else rivals(x, clock, m, s)
        told = ("result of an earlier call", past), in_float32(t.tensor(out), due)
        ideas = chain(told, found)
        t.close(out, due, why, mistake, ideas, tol)
        old.append(due)
        return x, clock, m, s

    old: list = []
    t.steady(velocity, *moved("velocity", 4, 4))
    for b, d in ((4, 4), (5, 3), (1, 3), (3, 1), (1, 1)):
        moved("velocity", b, d)
    moved("velocity in float64", 4, 3, torch.float64, "floor under the width", 1e-9)
    told = torch.float64, "floor under the width", 1e-7
    for low in (-3, 2):
        moved(f"velocity {WIDE}", 5, 4, *told, low)
