"""Exercise diff-03: From a velocity to the score."""

import torch

from .._exercise import Exercise
from ._shared_noised import again, drawn, held, last, over, slopes

SHIFT = "sum in place of a difference"


@Exercise(
    id="diff-03",
    title="From a velocity to the score",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Turn what one net says into what another one says, on any path, also where no "
        "data are left.",
    ),
    statement=r"""
On a path $x_t = \alpha x + \sigma \epsilon$ a net that was trained to say the velocity
$\dot\alpha\, x + \dot\sigma\, \epsilon$ says its mean, given $x_t$:

$$
v = \dot\alpha\, \mathbb{E}[x \mid x_t] + \dot\sigma\, \mathbb{E}[\epsilon \mid x_t] .
$$

A sampler that adds noise on its way needs the score, $\nabla_{x_t} \log p(x_t)$, at the
same place.

Write `score(v, x_t, alpha, sigma, alpha_rate, sigma_rate)`. `v` and `x_t` have the
shape `(b, ...)`, with no, one or more axes after the first; $\alpha$, $\sigma$ and
their derivatives by time, $\dot\alpha$ and $\dot\sigma$, are given for each example, as
`(b,)`; the six are all float32 or all float64. All sizes are 1 or more.

The path may be any one whose $\sigma / \alpha$ grows: $\alpha^2 + \sigma^2$ need not be
1, rates may be positive, 0 or negative, and the unit of time may be any. $\sigma$ is
positive, while $\alpha$ may be 0, where there is only noise, and the score is due
there, too. Return it in the shape and type of `x_t`, with the digits of this type.
Gradients flow to `v` and `x_t`. Nothing that is given is changed.
""",
    stub='''
def score(v, x_t, alpha, sigma, alpha_rate, sigma_rate):
    """(b, ...), (b, ...) and four times (b,) -> (b, ...)."""
    return ...
''',
    answers={"score": callable},
    hints=(
        "$v$ and $x_t$ are two equations, linear in two unknowns: the mean data and "
        "the mean noise, given $x_t$. ($x_t$ is its own mean.)",
        r"Given the data, $p(x_t)$ is a normal density of variance $\sigma^2$; the "
        "score is the mean, given $x_t$, of the slope of its logarithm.",
        r"Eliminate the data without a division by $\alpha$: what remains is divided "
        r"by $\alpha \dot\sigma - \sigma \dot\alpha$, which is positive where "
        r"$\sigma / \alpha$ grows.",
    ),
    misconceptions={
        "noise called the score": "The noise says where x_t came from; the slope of "
        "log p leads back, and is steep where there is little noise.",
        "data called the score": "The mean of the data is one of the two unknowns. The "
        "score is made of the other.",
        "velocity called the score": "Two other quantities are due, though on some "
        "paths a linear function takes one to another.",
        "variance taken for the deviation": "The slope of a normal log-density is "
        "-(distance)/sigma², and the distance is sigma times the noise.",
        "not divided by sigma": "The slope of a normal log-density is "
        "-(distance)/sigma², and the distance is sigma times the noise.",
        "variance preserving path assumed": "alpha² + sigma² need not be 1, nor need "
        "the rates belong to a cosine: use the four numbers as they are given.",
        "straight path assumed": "alpha + sigma need not be 1, nor the rates -1 and 1.",
        "rates exchanged": "alpha_rate comes first.",
        "alpha and sigma exchanged": "alpha belongs to the data.",
        "divisor left out": "alpha sigma_rate - sigma alpha_rate is 1 on few paths.",
        SHIFT: "Elimination subtracts one equation from the other.",
        "rate of alpha left out": "The data move, too: alpha has a rate.",
        "velocity and noisy example exchanged": "v comes first, and then x_t.",
        "one path for all examples": "Each example has four numbers of its own.",
        "numbers along the last axis": "They belong to the examples: give them axes of "
        "length one at their end.",
        "no score without data": "Where alpha is 0 there is only noise, and the score "
        "is -x_t/sigma². Do not divide by alpha.",
    },
)
def diff_03(t, score):
    past = []

    def judged(name, path, shape=(5, 3), kind=torch.float64, size=1.0):
        t.property(name)
        numbers = tuple(v.to(kind) for v in path(shape[0]))
        v, x_t = (size * drawn(t, *shape, kind=kind) for _ in range(2))
        out = t.call(score, v, x_t, *numbers)
        make, parts = formula(*(a.double() for a in (v, x_t, *numbers)))
        lost = numbers[0] == 0  # only there a division by alpha fails
        at = over(lost, x_t).expand_as(x_t)
        bad = t.tensor(out).shape == x_t.shape and (~t.tensor(out)[at].isfinite()).any()
        told = "-x_t/sigma² where alpha is 0.", "inf or nan", "no score without data"
        t.true(not bad, *told)
        told = {"why": "The slope of log p(x_t).", "kind": kind, "old": past}
        extra = guesses(v.double(), x_t.double(), *(a.double() for a in numbers[:2]))
        past.append(held(t, out, make, *parts, extra=extra, **told))
        return v, x_t, *numbers

    def any_path(b):
        """Four numbers apart from each other and from 1; the divisor is positive."""
        low, high = (
            t.uniform(b, low=x, high=y).double() for x, y in ((0.3, 0.7), (1.5, 2.5))
        )
        turn = 2 * t.integers(b, low=0, high=1) - 1
        alpha, sigma = (low / 0.7, high / 0.7), (high / 0.7, low / 0.7)
        alpha, sigma = (torch.where(turn > 0, p, q) for p, q in zip(alpha, sigma))
        rate = t.away(b, low=0.3, high=1.2).double() / 0.7
        more = t.uniform(b, low=0.4, high=1.8).double() / 0.7
        return alpha, sigma, rate, (more + sigma * rate) / alpha

    def cosine(b):
        angle = t.uniform(b, low=0.2, high=1.3).double()
        return angle.cos(), angle.sin(), -1.7 * angle.sin(), 1.7 * angle.cos()

    def straight(b):
        at = t.uniform(b, low=0.1, high=0.9).double() / 1.07
        return 1 - at, at, -torch.ones_like(at), torch.ones_like(at)

    def exploding(b):
        sigma = t.uniform(b, low=0.5, high=2).double() ** 5 / 0.7
        return torch.ones_like(sigma), sigma, torch.zeros_like(sigma), 3 * sigma

    def only_noise(b):
        alpha, sigma, rate, _ = any_path(b)
        alpha[:: max(1, b // 2)] = 0
        rate = -rate.abs()
        return alpha, sigma, rate, t.uniform(b, low=0.0, high=2).double() + 0.1

    def little_noise(b):
        alpha, sigma, rate, _ = any_path(b)
        return alpha, sigma / 500, rate, (1.3 + sigma / 500 * rate) / alpha

    t.property("the same input gives the same again")
    again(t, score, drawn(t, 4, 2), drawn(t, 4, 2), *any_path(4))
    for name in ("any path", "any path, other numbers"):
        judged(name, any_path)
    judged("as many examples as values", any_path, (4, 4))
    judged("pictures", any_path, (3, 2, 4, 5))
    judged("one number each", any_path, (6,))
    judged("a path of another speed with alpha² + sigma² = 1", cosine)
    judged("a straight path", straight)
    judged("data that stay, and a rate of 0", exploding)
    judged("alpha = 0 for some", only_noise)
    judged("one example without data", only_noise, (1, 3))
    judged("one example", any_path, (1, 1))
    judged("little noise", little_noise)
    judged("values near 1000", any_path, size=900.0)
    judged("float32", any_path, (5, 4), torch.float32)
    v, x_t, *numbers = judged("alpha = 0 again", only_noise)

    def due(v, x_t):
        make, parts = formula(v, x_t, *numbers)
        return make(*(part[""] for part in parts))

    f = lambda v, x_t: t.call(score, v, x_t, *numbers)  # noqa: E731
    slopes(t, "gradients of the score", f, due, v, x_t, why="Two factors.")


def guesses(v, x_t, a, s):
    """The score by noise that is right on one path alone."""
    a, s = over(a, x_t), over(s, x_t)
    preserving = [a * v * c + s * x_t for c in (1, 2 / torch.pi)]
    straight = [x_t + (1 - s) * v, x_t + a * v]
    yield "variance preserving path assumed", [-eps / s for eps in preserving]
    yield "straight path assumed", [-eps / s for eps in straight]


def formula(v, x_t, *numbers):
    """Two linear equations, solved example by example, and the mistakes in them."""
    a, s, da, ds = numbers
    same = lambda u, i: u[i].expand_as(u)  # noqa: E731
    paths = {
        "": (a, s, da, ds),
        "rates exchanged": [(a, s, ds, da)],
        "alpha and sigma exchanged": [(s, a, da, ds), (s, a, ds, da)],
        "rate of alpha left out": [(a, s, 0 * da, ds)],
        SHIFT: [(a, s, -da, ds), (a, -s, da, ds)],
        "variance preserving path assumed": [
            (a, s, -c * s, c * a) for c in (1.0, torch.pi / 2)
        ] + [(a, (1 - a**2).clamp(min=0).sqrt(), da, ds)],
        "straight path assumed": [
            (a, s, -torch.ones_like(a), torch.ones_like(a)),
            (1 - s, s, -torch.ones_like(a), torch.ones_like(a)),
            (a, 1 - a, -torch.ones_like(a), torch.ones_like(a)),
        ],
        "one path for all examples": [
            tuple(same(u, i) for u in numbers) for i in (0, -1)
        ],
    }  # fmt: skip
    unknowns = {
        "": lambda x, eps, s: -eps / s,
        "sign flipped": lambda x, eps, s: eps / s,
        "noise called the score": [lambda x, eps, s: eps, lambda x, eps, s: -s * eps],
        "not divided by sigma": lambda x, eps, s: -eps,
        "variance taken for the deviation": lambda x, eps, s: -eps / s**2,
        "data called the score": [
            lambda x, eps, s: x, lambda x, eps, s: -x / s, lambda x, eps, s: x / s
        ],
        "velocity called the score": [
            lambda x, eps, s: v, lambda x, eps, s: -v, lambda x, eps, s: -v / s
        ],
        "off by a factor of two": [
            lambda x, eps, s: -2 * eps / s, lambda x, eps, s: -eps / s / 2
        ],
    }  # fmt: skip
    divisors = {
        "": lambda turn: 1,
        "divisor left out": lambda turn: turn,
        "inverse of what is due": lambda turn: turn**2,
    }
    overs = {"": over, "numbers along the last axis": last}
    both = {"": (v, x_t), "velocity and noisy example exchanged": (x_t, v)}

    def make(path, unknown, divided, put, two):
        a, s, da, ds = (put(u, x_t).double() for u in path)
        rate, at = two
        turn = a * ds - s * da
        x, eps = (ds * at - s * rate) / turn, (-da * at + a * rate) / turn
        return unknown(x * divided(turn), eps * divided(turn), s)

    return make, (paths, unknowns, divisors, overs, both)
