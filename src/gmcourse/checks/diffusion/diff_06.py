"""Exercise diff-06: Preconditioning, value by value."""

import torch

from .._exercise import Exercise
from .._parts import mistakes

NAMES = "skip", "out", "scale", "weight"
LOST = "difference of near numbers"


@Exercise(
    id="diff-06",
    title="Preconditioning, value by value",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive from two variances and one minimum how the input, the output and the "
        "loss of a net are scaled, where the values of the data differ in size.",
    ),
    statement=r"""
[Karras et al. (2022)](https://arxiv.org/abs/2206.00364), appendix B.6, choose the
coefficients of a denoiser for data with one standard deviation. Real data have more:
the corners of a digit hardly vary, its middle does. Give each value coefficients of
its own.

Value $i$ of the data $x$ has mean 0 and standard deviation $s_i$, and
$x_\sigma = x + \sigma \varepsilon$ with $\varepsilon \sim \mathcal N(0, I)$. The
estimate of value $i$ is

$$
D_i = \text{skip}_i\, x_{\sigma, i} + \text{out}_i\,
\text{net}(\text{scale} \odot x_\sigma)_i, \qquad
\text{and the loss is } \sum_i \text{weight}_i\, (D_i - x_i)^2 .
$$

The four are chosen, for each $\sigma$ and each $i$, such that

- what the net is shown, $\text{scale}_i\, x_{\sigma, i}$, has variance 1;
- what its output should be for $D_i = x_i$ has variance 1;
- of all pairs of skip and out that do this, out is the smallest, so that errors of the
  net count least;
- in terms of the net's output and what it should be, the loss is the plain sum of
  squared errors, whatever $\sigma$ and $i$.

Write `preconditioning(s, sigma)`, with `s` `(d,)`, the standard deviations of the
values, and `sigma` `(b,)`, that of the noise of each example. Return the tuple `(skip,
out, scale, weight)`, each `(b, d)`; out and scale are positive. `s` and `sigma` are
both float32 or both float64, as the results are, and lie between $10^{-4}$ and $10^4$,
in any order. Each result is right relative to its own size: to $10^{-4}$ in float32, to
$10^{-9}$ in float64. No gradient is asked for.
""",
    stub='''
def preconditioning(s, sigma):
    """(d,), (b,) -> skip, out, scale, weight, each (b, d)."""
    return ..., ..., ..., ...
''',
    answers={"preconditioning": callable},
    hints=(
        "Data and noise are independent: their variances add up. Solve "
        "$D_i = x_i$ for the net's output, and write its variance as a function of "
        "skip and out.",
        "The variance is to be 1: that gives out² as a function of skip, a parabola. "
        "Where is its lowest point?",
        "`s[None]` and `sigma[:, None]` meet in the shape `(b, d)`. Where one of the "
        "two is much larger, $1 - \\text{skip}$ has lost its digits in float32: write "
        "everything with sums and products alone.",
    ),
    misconceptions={
        "no four results": "skip, out, scale and weight are due, in this order.",
        "results in another order": "skip, out, scale and weight, in this order.",
        "coefficients of other data": "Each value has the coefficients of its own s: "
        "not those of a mean, of variance 1, or the 0.5 of a paper's pictures.",
        "one noise level for all examples": "Each example has a sigma of its own.",
        "data and noise exchanged": "s belongs to the data, sigma to the noise.",
        "deviations added": "The variances of independent parts add up, their "
        "deviations do not.",
        "data that shrink as noise comes": "Here x stays as large as it is, and noise "
        "is added: the variance of the sum is s² + sigma².",
        "not the smallest out": "Many pairs give the target a variance of 1; one of "
        "them has the smallest out.",
        "out for a skip of 0 or 1": "What is left for the net depends on what the skip "
        "has told already.",
        "weight not 1 / out²": "D - x is out times the error of the net: its square is "
        "out² times too large or too small.",
        "the other sign": "out and scale are positive.",
        LOST: "1 - skip keeps no digits where skip is nearly 1.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def diff_06(t, preconditioning):
    def judged(name, s, sigma, kind=torch.float64):
        t.property(name)
        s, sigma = s.to(kind), sigma.to(kind)
        out = t.call(preconditioning, s, sigma)
        four = isinstance(out, tuple | list) and len(out) == 4
        t.true(four, "Four results.", f"a {type(out).__name__}", "no four results")
        due = expected(s.double()[None], sigma.double()[:, None])
        for part, value in zip(NAMES, out):
            told = f"of {part}: (b, d), one for each example and value."
            t.shape(value, due[0].shape, told)
            t.dtype(value, kind, f"of {part}: that of s and sigma.")
            t.finite(value, f"{part} is finite.")
        got = torch.stack([t.tensor(v).detach().double() for v in out])

        def ideas(i):
            """What mistakes give, of one of the four."""
            yield "result of an earlier call", [v[i] for v in past]
            held = kind == torch.float64 and (got[i].float().double() == got[i]).all()
            near = bool(((got[i] / due[i] - 1).abs() < 1e-5).all())
            yield "float32 in between", [got[i]] * bool(near and held)
            found = [any(torch.allclose(v, w) for w in due) for v in got]
            yield "results in another order", [got[i]] * (all(found) and not near)
            yield "the other sign", -due[i]
            for e in (10.0**-n for n in range(2, 13)):
                more = (s.double() ** 2 + sigma.double()[:, None] ** 2 + e).sqrt()
                size, part = torch.hypot(s, sigma[:, None]) / more, due[i]
                yield "floor under the variance", part * size ** (2, 1, 1, -2)[i]
            for mistake, v in wrong(s.double(), sigma.double()):
                yield mistake, v[i]
            powers = {"root": 0.5, "square": 2.0, "inverse": -1.0}
            yield from ((f"{k} of what is due", due[i] ** v) for k, v in powers.items())

        tol = 1e-9 if kind == torch.float64 else 1e-4
        alike = (s / sigma[:, None]).log().abs() < 5
        for i, part in enumerate(NAMES):
            off = (got[i] / due[i] - 1).abs()
            wide = not alike.all()  # elsewhere no digits can be lost
            lost = LOST if wide and (off[alike] < 10 * tol).all() else None
            told = f"{part}, for each example and value.", lost, ideas(i)
            t.close(out[i], due[i], *told, tol)
            at = divmod(int(off.argmax()), len(s))
            values = f"{part} is {got[i][at]:.6g} where {due[i][at]:.6g} is due"
            text = f"{values}, for s = {s[at[1]]:.3g} and sigma = {sigma[at[0]]:.3g}"
            right = not wide or off.max() <= tol
            t.true(right, "Right relative to its size.", text, lost)
        past.append(due)

    def any_of(n, low=0.3, high=3.0):
        return t.uniform(n, low=low, high=high).double() / 0.7

    past: list = []
    args = any_of(3), any_of(4, low=0.2, high=0.65)
    t.steady(preconditioning, *args)
    judged("sizes of about 1", *args)
    judged("the same shapes, other numbers", any_of(3), any_of(4))
    for b, d in ((3, 3), (1, 5), (5, 1), (1, 1)):
        judged(f"b = {b}, d = {d}", any_of(d), any_of(b))
    for kind in (torch.float64, torch.float32):
        sizes = 10.0 ** torch.arange(-4, 5).to(kind)
        judged(f"sizes from 1e-4 to 1e4, {kind}", sizes, sizes[2:], kind)


def expected(s, sigma):
    """By the triangle whose sides are s and sigma."""
    long = torch.hypot(s, sigma)
    cos, sin = s / long, sigma / long
    return cos * cos, s * sin, 1 / long, (s * sin) ** -2


def wrong(s, sigma):
    """What mistakes give, all four coefficients at once."""
    b, d = len(sigma), len(s)

    def four(pick, data, noise, total):
        a, c = data(s[None].expand(b, d)), noise(sigma[:, None].expand(b, d))
        return torch.stack(pick(a, c, total(a, c)))

    data = {
        "": lambda s: s,
        "standard deviation taken as a variance": torch.sqrt,
        "standard deviation squared": torch.square,
        "coefficients of other data": [
            lambda s: 0.5 + 0 * s, lambda s: 1 + 0 * s,
            lambda s: s.mean(1, keepdim=True).expand(b, d),
            lambda s: s.square().mean(1, keepdim=True).sqrt().expand(b, d),
            lambda s: s[:, :1].expand(b, d), lambda s: s.amax(1, True).expand(b, d),
        ],
    }  # fmt: skip
    noise = {
        "": lambda c: c,
        "standard deviation taken as a variance": torch.sqrt,
        "standard deviation squared": torch.square,
        "one noise level for all examples": [
            lambda c: c.mean(0, True).expand(b, d), lambda c: c[:1].expand(b, d),
        ],
    }  # fmt: skip
    totals = {
        "": lambda a, c: a**2 + c**2,
        "deviations added": [lambda a, c: (a + c) ** 2, lambda a, c: a + c],
        "data that shrink as noise comes": [
            lambda a, c: a**2 * (1 - c**2) + c**2, lambda a, c: 1 + 0 * a,
        ],
    }  # fmt: skip

    def right(a, c, v):
        return [a * a / v, a * c / v.sqrt(), 1 / v.sqrt(), v / (a * c) ** 2]

    def with_out(f):
        return lambda a, c, v: [right(a, c, v)[0], f(a, c, v), 1 / v.sqrt(), 0 * v]

    def with_skip(f):
        return lambda a, c, v: [f(a, c, v), *right(a, c, v)[1:]]

    def with_weight(f):
        return lambda a, c, v: [*right(a, c, v)[:3], f(a, c, v)]

    picks = {
        "": right,
        "data and noise exchanged": lambda a, c, v: right(c, a, v),
        "variance in place of the standard deviation": [
            with_out(lambda a, c, v: a**2 * c**2 / v), lambda a, c, v: [v, v, 1 / v, v],
        ],
        "not the smallest out": [
            with_skip(lambda a, c, v: 0 * v), with_skip(lambda a, c, v: 0 * v + 1),
            with_skip(lambda a, c, v: a / v.sqrt()), with_skip(lambda a, c, v: 1 / v),
            with_skip(lambda a, c, v: 1 / v.sqrt()),
            with_skip(lambda a, c, v: a / v),
        ],
        "out for a skip of 0 or 1": [
            with_out(lambda a, c, v: a), with_out(lambda a, c, v: c),
            with_out(lambda a, c, v: v.sqrt()), with_out(lambda a, c, v: 1 + 0 * v),
        ],
        "weight not 1 / out²": [
            with_weight(lambda a, c, v: 1 + 0 * v),
            with_weight(lambda a, c, v: 1 / c**2),
            with_weight(lambda a, c, v: 1 / a**2), with_weight(lambda a, c, v: 1 / v),
            with_weight(lambda a, c, v: v / (a * c)), with_weight(lambda a, c, v: v),
            with_weight(lambda a, c, v: v / (a + c) ** 2),
            with_weight(lambda a, c, v: v**2 / (a * c) ** 2),
            with_weight(lambda a, c, v: (a / c) ** 2),
            with_weight(lambda a, c, v: (a * c) ** -2.0),
        ],
    }  # fmt: skip
    yield from mistakes(four, picks, data, noise, totals, most=1, tol=1e-9)
