"""Exercise diff-13: The path of a stochastic equation."""

import itertools
import math

import numpy as np
import torch

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="diff-13",
    title="The path of a stochastic equation",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Derive from a linear stochastic equation how much of the data and how much "
        "noise is there at each time, and compute both for any drift and diffusion.",
    ),
    statement=r"""
[Song et al. (2021)](https://arxiv.org/abs/2011.13456) do not begin with
$\alpha$ and $\sigma$ but with a stochastic equation,

$$
\mathrm dx = f(t)\, x \,\mathrm dt + g(t)\, \mathrm dw ,
$$

whose drift $f(t)$ pulls each value toward 0, or pushes it away, while $g(t)$ adds
noise. Whatever $f$ and $g$ are, a value that was $x$ at $t = 0$ is normal at time $t$:
$x_t = \alpha(t)\, x + \sigma(t)\, \epsilon$. So each such equation *is* a path of this
chapter, and this exercise finds it. Derive how fast the mean and the variance of $x_t$
change, and compute both.

Write `moments(f, g, times, first)`, which returns the pair `(alpha, sigma)`, each
`(n,)` and float64, of $\alpha$ and $\sigma$ at the `times`, `(n,)`, float64, from 0 to
1: in any order, some of them maybe twice, n ≥ 1. `f` and `g` are functions of time:
each takes a float64 tensor of any shape, with times from 0 to 1, and gives one of that
shape. Both are smooth, with no more than one full swing between 0 and 1;
$\int_0^t f(u)\, \mathrm du$ stays within -10 and 10, and $g \ge 0$. The float
`first`, 0 or more, is $\sigma(0)$: the standard deviation of noise that lies on the
data before the equation starts.

Each result is right to $10^{-5} (1 + \lvert\text{result}\rvert)$. Nothing is random,
and a call takes no more than half a second.
""",
    stub='''
def moments(f, g, times, first):
    """functions, (n,), float -> (n,), (n,): alpha and sigma."""
    return ...
''',
    answers={"moments": callable},
    hints=(
        r"$x_{t+h} \approx (1 + h f)\, x_t + g \sqrt h\, \epsilon$, with noise that is "
        "independent of all before: take the mean and the variance of both sides, and "
        "let $h$ go to 0.",
        r"$\alpha' = f \alpha$ and $(\sigma^2)' = 2 f \sigma^2 + g^2$. Solve the pair "
        "by a method of order 4, or find the solution: what part of the noise that "
        "came at time $u$ is left at time $t$?",
        "An integral from 0 to $t$ by Gauss and Legendre: "
        "`numpy.polynomial.legendre.leggauss(64)` has nodes in $[-1, 1]$, and weights.",
    ),
    misconceptions={
        "sign of the drift": "A negative drift shrinks what is there: alpha falls.",
        "rates held constant": "f and g change on the way: an integral is due, not the "
        "rate at one time multiplied by the time.",
        "alpha squared": "Alpha multiplies the data; its square is the share of "
        "their variance.",
        "factor 2 of the variance lost": "What multiplies a value by 1 + h f "
        "multiplies its variance by the square of that.",
        "g in place of its square": "In a time h noise of variance g² h comes.",
        "half of g squared": "g²/2 stands in the equation of the density, where it is "
        "the rate of diffusion; the variance grows by g² h.",
        "noise not carried by the drift": "Noise that came early is a part of x: the "
        "drift shrinks it like the data.",
        "noise carried from the wrong time": "Noise that came at time u has gone the "
        "way from u to t, not that from 0 to u.",
        "first noise left out": "At t = 0 the variance is first².",
        "first noise not carried by the drift": "The noise of the start is shrunk like "
        "the data on which it lies.",
        "first noise taken as a variance": "`first` is a standard deviation.",
        "nothing at time 0": "At t = 0 nothing has happened yet: alpha = 1, and sigma "
        "is `first`.",
        "times taken as sorted": "Times may come in any order, and more than once.",
    },
)
def diff_13(t, moments):
    x, w = (torch.as_tensor(v) for v in np.polynomial.legendre.leggauss(160))

    class Rate:
        """a + b cos(w u + p) + c u, and its integral."""

        def __init__(self, a, b=0.0, c=0.0, w=4.0, p=0.3):
            self.a, self.b, self.c, self.w, self.p = a, b, c, w, p

        def __call__(self, u):
            u = torch.as_tensor(u, dtype=torch.float64)
            return self.a + self.b * torch.cos(self.w * u + self.p) + self.c * u

        def whole(self, u):
            wave = torch.sin(self.w * u + self.p) - math.sin(self.p)
            return self.a * u + self.b * wave / self.w + self.c * u**2 / 2

    def drawn(low, high, swing):
        a, c = float(t.uniform(low=low, high=high)), float(t.away(low=0.1, high=0.4))
        how = {
            "w": float(t.uniform(low=3, high=6)),
            "p": float(t.uniform(low=0, high=6)),
        }
        return Rate(a, swing * float(t.uniform(low=0.6, high=1)), c, **how)

    def alpha(f, times, sign, whole, last):
        return last((sign * whole(f, times)).exp())

    def sigma(f, g, times, first, sign, power, noise, way, start, last):
        u = times[:, None] * (x + 1) / 2
        part = sign * way(f.whole(times)[:, None], f.whole(u))
        new = (w * (power * part).exp() * noise(g(u))).sum(1) * times / 2
        return last(new + start(first, (sign * power * f.whole(times)).exp()))

    signs = {"": 1.0, "sign of the drift": -1.0}
    wholes = {"": lambda f, u: f.whole(u), "rates held constant": [
        lambda f, u: f(u) * u, lambda f, u: f(0 * u) * u, lambda f, u: f(u),
    ]}  # fmt: skip
    powers = {"": 2.0, "factor 2 of the variance lost": 1.0}
    noises = {
        "": torch.square, "g in place of its square": lambda g: g,
        "half of g squared": lambda g: g**2 / 2,
    }  # fmt: skip
    ways = {
        "": lambda at, u: at - u,
        "noise not carried by the drift": lambda at, u: 0 * (at + u),
        "noise carried from the wrong time": [
            lambda at, u: u + 0 * at, lambda at, u: at + 0 * u,
            lambda at, u: -u + 0 * at, lambda at, u: u - at,
        ],
    }  # fmt: skip
    starts = {
        "": lambda first, left: first**2 * left,
        "first noise left out": lambda first, left: 0 * left,
        "first noise not carried by the drift": lambda first, left: first**2 + 0 * left,
        "first noise taken as a variance": lambda first, left: first * left,
    }
    lasts = {"": torch.sqrt, "variance in place of the standard deviation": lambda v: v}
    parts = signs, powers, noises, ways, starts, lasts

    def both(f, g, times, first):
        out = t.call(moments, f, g, times, first)
        why, got = "A pair is due: alpha, sigma.", f"{type(out).__name__}"
        t.true(isinstance(out, tuple | list) and len(out) == 2, why, got)
        for part in out:
            t.shape(part, times.shape, "that of times.")
            t.dtype(part, torch.float64, "that of times.")
        return out

    def near(out, due):
        off = ((out - due).abs() / (1e-3 + due)).max()
        return "not to the digits asked for" if off < 0.02 else None

    earlier = []

    def before(i, out):
        old = [pair[i] for pair in earlier if pair[i].shape == out.shape]
        return [("result of an earlier call", old)]

    def right(f, g, times, first, name, misconception=None):
        t.property(name)
        a, s = both(f, g, times, first)
        ends = {"": lambda v: v, "alpha squared": torch.square}
        due = f.whole(times).exp()
        ideas = mistakes(lambda *p: alpha(f, times, *p), signs, wholes, ends)
        found = itertools.chain(ideas, before(0, a))
        t.close(a, due, "Alpha.", misconception or near(a, due), found, 1e-5)
        due = sigma(f, g, times, first, *(p[""] for p in parts))
        ideas = mistakes(lambda *p: sigma(f, g, times, first, *p), *parts)
        found = None if misconception else itertools.chain(ideas, before(1, s))
        t.close(s, due, "Sigma.", misconception or near(s, due), found, 1e-5)
        earlier.append((a, s))

    times = t.uniform(7, low=0.15, high=1).double().sort().values
    low = {"low": -2.0, "high": -1.2}, {"low": 1.8, "high": 2.6}
    f, g = drawn(**low[0], swing=0.5), drawn(**low[1], swing=1.0)
    t.property("the same input gives the same again")
    told = "Nothing random is needed.", "estimated from samples"
    one, two = both(f, g, times, 0.5), both(f, g, times, 0.5)
    for a, b in zip(one, two):
        t.close(b, t.tensor(a), *told, tol=1e-12)
    right(Rate(0.0), g, times, 0.0, "noise alone: f = 0")
    right(f, g, times, 0.0, "noise and drift")
    first = float(t.uniform(low=0.4, high=0.7))
    right(f, g, times, first, "noise on the data from the start")
    up = drawn(low=1.2, high=2.0, swing=0.5)
    right(up, g, times, 3 * first, "a drift that pushes away")
    order = torch.tensor([4, 0, 6, 2, 2, 5])
    name = "times in another order, and one of them twice"
    right(f, g, times[order], first, name, "times taken as sorted")
    right(f, g, times[3:4], first, "one time alone")
    name = "times that include 0"
    zero = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    for kept in (0.0, first):
        right(f, g, zero, kept, name, "nothing at time 0")
    for a in (-8.0, 6.0):
        strong = drawn(a, a + 1, 2.0)
        right(strong, drawn(8, 12, 5.0), times, first, f"a strong drift, near {a:g}")
    right(f, Rate(0.0), times, first, "no noise: g = 0")
