"""Exercise diff-05: As good as it gets."""

import math
from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes

NAMES = "noise", "data", "velocity"
HALF, LOST = "a quarter turn left out", "not to the digits asked for"
ADDED, END = "errors of data and noise added", "variance at the end of the path"


@Exercise(
    id="diff-05",
    title="As good as it gets",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive the loss that no net can go below, and see from it at which times a "
        "target asks for nothing and at which for the impossible.",
    ),
    statement=r"""
A loss that has stopped falling need not mean that a net is too small: what a noisy
example does not say, no net can know. Take data whose values are independent and normal
with mean 0 and *standard deviation* $s$, and the cosine path of this chapter,

$$
x_t = \alpha\, x + \sigma\, \epsilon, \qquad \alpha = \cos\tfrac{\pi t}{2}, \quad
\sigma = \sin\tfrac{\pi t}{2} .
$$

A net is given $x_t$ and $t$, and says one of three things: the noise $\epsilon$, the
data $x$, or the velocity $\dot\alpha\, x + \dot\sigma\, \epsilon$, where the dot is the
derivative by $t$. Its error is the mean square of the difference, per value. Write
`least_errors(t, s)`, which returns the smallest error that any function of $x_t$ can
have, for each of the three targets: a tuple of three floats, in this order. They are
those of the whole distribution, not of a finite number of examples.

`t` is a float from 0 to 1, both included, `s` a positive float from $10^{-3}$ to
$10^3$. Six digits are due of each number, also of small ones, and at 0 and 1 the
limits; a 0 may be anything below $10^{-20}$.
""",
    stub='''
def least_errors(t, s):
    """float, float -> three floats, for noise, data and velocity."""
    return ..., ..., ...
''',
    answers={"least_errors": callable},
    hints=(
        "The best answer is the mean of the target given $x_t$, and its error the "
        "variance that is left. All is normal: this variance does not depend on $x_t$.",
        "The data given $x_t$: precisions add up, $1/s^2$ of the data themselves and "
        r"$\alpha^2/\sigma^2$ of the measurement. Write it without a division by what "
        "may be 0.",
        "Who knows $x_t$ and one of the three knows the others: noise and velocity are "
        "linear functions of the data there, so that their variances are that of the "
        "data times the square of a factor. For the velocity something cancels.",
    ),
    misconceptions={
        "no triple": "Three numbers, for noise, data and velocity.",
        "data of variance 1 assumed": "The data have the standard deviation s.",
        "error without the noisy example": "That is the variance of the target. The "
        "net sees x_t, which says something about it.",
        "what is explained in place of what is left": "The error is the part of the "
        "variance that x_t does not explain.",
        "no use of what the data are like": "x_t / alpha is right in the mean, and not "
        "the best guess: the best one is drawn toward the mean of the data.",
        HALF: "A derivative by t: the angle is pi t / 2, and it turns pi / 2 as fast "
        "as t. v without it is the angle's own.",
        "a quarter turn counted once": "A squared error has the square of the factor.",
        "velocity of the straight path": "On the cosine path the rates are not -1 "
        "and 1.",
        ADDED: "Given x_t data and noise are functions of "
        "each other: their errors do not add up as if they were independent.",
        "straight path": "alpha is cos(pi t / 2), and sigma sin(pi t / 2).",
        "time turned around": "t = 0 is data, and t = 1 noise.",
        "angle is not pi t / 2": "At t = 1 the angle is a quarter turn, in radians.",
        "alpha² and sigma² left as roots": "Variances are scaled by the squares of "
        "alpha and sigma.",
        END: "The limits at 0 and 1 are due: at 0 the "
        "noise is not to be seen at all, and at 1 the data are not.",
    },
)
def diff_05(t, least_errors):
    def judged(name, at, s):
        t.property(name)
        out = t.call(least_errors, at, s)
        fits = isinstance(out, tuple | list | torch.Tensor) and len(out) == 3
        got = f"an object of type {type(out).__name__}"
        t.true(fits, "Three numbers.", got, "no triple")
        every = left(at, s)
        for i, target in enumerate(NAMES):
            t.property(f"{target}: {name}", of=out)
            t.shape(out[i], (), "a number.")
            t.finite(out[i], "A finite number, also where nothing is seen.")
            value, due = float(t.tensor(out[i]).detach()), every[i][0]
            why = "The variance of the target that x_t leaves"
            if due < 1e-20:
                small, told = abs(value) < 1e-20, (f"0: {why}.", f"{value:.6g}", END)
                t.true(small, *told)
                continue
            ratio = torch.tensor(value / due, dtype=torch.float64)
            ideas = [(END, 1.0 * ratio)]
            if 0 < at < 1:
                swapped = [v / due for v, _ in every if abs(v / due - 1) > 1e-4]
                lost = [1.0 * ratio] * bool(abs(ratio - 1) < 0.02 and due < 1e-6)
                ideas = chain(
                    every[i][1](),
                    {"another of the answers": swapped, LOST: lost}.items(),
                )
            t.close(ratio, 1.0, f"{why}; here in units of it.", None, ideas, 2e-6)

    t.property("the same input gives the same again")
    t.steady(least_errors, 0.3, 1.7)
    for _ in range(3):
        at, s = (
            round(float(t.uniform(1, low=a, high=b)), 2)
            for a, b in ((0.15, 0.43), (1.3, 3))
        )
        judged("some noise", at, s)
        judged("much noise", 1 - at, s)
        judged("data of little variance", at, 1 / (s + 0.37))
    judged("nearly no noise", 1e-4, 2.0)
    judged("nearly nothing but noise", 1 - 1e-4, 2.0)
    judged("a tiny variance", 0.3, 1e-3)
    judged("a large variance", 0.7, 1e3)
    judged("nearly no noise, a large variance", 1e-4, 1e3)
    judged("nearly nothing but noise, a tiny variance", 1 - 1e-4, 1e-3)
    for at in (0.0, 1.0):
        for s in (0.4, 2.5):
            judged(f"t = {at:.0f}", at, s)


def left(at, s):
    """For each target what is due, and what mistakes give, in units of it.

    A target p x + q eps is a vector (p s, q), and x_t is (alpha s, sigma): the square
    of the distance of the one from the line of the other is what is left.
    """
    pi2 = math.pi / 2

    def path(angle):
        return math.cos(angle), math.sin(angle)

    paths = {
        "": path(pi2 * at),
        "straight path": (1 - at, at),
        "time turned around": path(pi2 * (1 - at)),
        "angle is not pi t / 2": [path(at), path(2 * pi2 * at), path(at / pi2)],
        "alpha² and sigma² left as roots": tuple(v**0.5 for v in path(pi2 * at)),
    }
    sizes = {
        "": s,
        "data of variance 1 assumed": 1.0,
        "standard deviation taken as a variance": s**0.5,
        "variance in place of the standard deviation": s**2,
    }
    rates = {
        "": pi2,
        HALF: 1.0,
        "a quarter turn counted once": pi2**0.5,
    }
    kinds = {
        "": lambda cross, dot, norm, own: cross / norm * cross,
        "error without the noisy example": lambda cross, dot, norm, own: own,
        "what is explained in place of what is left": lambda cross, dot, norm, own: (
            dot / norm * dot
        ),
        "square root taken": lambda cross, dot, norm, own: abs(cross) / norm**0.5,
        "square of what is due": lambda cross, dot, norm, own: (cross**2 / norm) ** 2,
        "off by a factor of two": [
            lambda cross, dot, norm, own: 2 * cross**2 / norm,
            lambda cross, dot, norm, own: cross**2 / norm / 2,
        ],
    }

    def make(i, road, size, rate, kind):
        a, d = road
        p, q = ((0.0, 1.0), (1.0, 0.0), (-rate * d, rate * a))[i]
        x, x_t = (p * size, q), (a * size, d)
        cross, dot = x[1] * x_t[0] - x[0] * x_t[1], x[0] * x_t[0] + x[1] * x_t[1]
        return kind(cross, dot, math.hypot(*x_t) ** 2, math.hypot(*x) ** 2)

    (a, d), right = paths[""], (paths[""], s, pi2, kinds[""])
    dues = [make(i, *right) for i in range(3)]

    def wrong(i):
        naive = (a * s / d) ** 2, (d / a) ** 2, (pi2 / a) ** 2
        yield "no use of what the data are like", naive[i] / dues[i]
        if i == 2:
            added = d**2 * dues[1] + a**2 * dues[0]
            yield ADDED, [rate * added / dues[i] for rate in (1.0, pi2**2)]
            line = ((a + d) * s / math.hypot(a * s, d)) ** 2
            yield "velocity of the straight path", line / dues[i]
        parts = paths, sizes, rates if i == 2 else {"": pi2}, kinds
        scaled = lambda *choices: make(i, *choices) / dues[i]  # noqa: E731
        yield from mistakes(scaled, *parts, tol=1e-5)

    return [(dues[i], lambda i=i: wrong(i)) for i in range(3)]
