"""Exercise ar-17: Sound in 256 steps."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

MASK = "uint8 index taken for a mask"


@Exercise(
    id="ar-17",
    title="Sound in 256 steps",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Turn sound into tokens with steps that are fine where it is quiet, and back.",
    ),
    statement=r"""
A model of tokens needs sound as whole numbers. WaveNet
([van den Oord et al., 2016](https://arxiv.org/abs/1609.03499)) takes 256 of them, by
the $\mu$-law of telephony with $\mu = 255$: a sample $x \in [-1, 1]$ becomes

$$
y = \operatorname{sign}(x)\, \frac{\ln(1 + 255\,|x|)}{\ln 256} \in [-1, 1] .
$$

The 256 levels $y_c = 2c/255 - 1$, for $c = 0, \dots, 255$, lie evenly in $[-1, 1]$,
both ends among them. The *code* of $x$ is the $c$ whose level is nearest to $y$;
$x = 0$ lies in the middle between two of them, and gets the code 128.

- `encode(x)` gives the codes of `x`, a tensor of any shape (also of no axes, or empty)
  in float32 or float64; the result is int64, of the same shape. Samples beyond the ends
  are taken as the end: below -1 as -1, above 1 as 1 (no nan or inf is tried). Other
  samples whose $y$ lies within $10^{-4}$ of the border between two codes are not tried.
- `decode(codes)` gives for each code the $x$ that belongs to the level $y_c$ exactly.
  `codes` is int64 or uint8, of any shape, from 0 to 255; the result is float32, of the
  same shape, off by at most $10^{-6}$.
""",
    stub='''
def encode(x):
    """Samples -> codes 0 to 255, int64."""
    return ...


def decode(codes):
    """Codes 0 to 255 -> samples, float32."""
    return ...
''',
    answers={"encode": callable, "decode": callable},
    hints=(
        "The way from $y$ to a number between 0 and 255 is a line: -1 goes to 0, and 1 "
        "to 255.",
        "The way back: solve for $|x|$, and put the sign in again.",
        "Every code must survive: `encode(decode(c))` is `c` for all 256.",
    ),
    misconceptions={
        "sign lost": "Negative samples have codes below 128.",
        "sign turned around": "Codes grow with the samples.",
        "no logarithm": "The steps are finer where it is quiet: the logarithm is the "
        "idea of it.",
        "another mu": "The factor of |x| is 255.",
        "divided by another logarithm": "The divisor is ln 256, so that 1 goes to 1.",
        "another base of the logarithm": "Both logarithms have the same base, so that "
        "1 goes to 1.",
        "rounded down": "The nearest level is due, not the next one below.",
        "rounded up": "The nearest level is due, not the next one above.",
        "rounded toward 0": "The nearest level is due.",
        "256 steps in place of 255": "There are 256 levels, and 255 steps between "
        "them: -1 is the first level, 1 is the last.",
        "another number of levels": "There are 256, from 0 to 255.",
        "codes from -128 to 127": "The first code is 0.",
        "codes from 1 to 256": "The first code is 0, the last is 255.",
        "no 1 in the logarithm": "0 must go to 0: ln(1 + 255 |x|).",
        "expanded in place of compressed": "That is the way back.",
        "scaled by its largest sample": "A sample's code depends on nothing else.",
        "levels from 0 to 1": "The levels lie in [-1, 1].",
        "middle of the step": "The level itself is due, not the middle of the samples "
        "that have its code.",
        "not divided by 255": "The level 1 gives 1.",
        "beyond the ends": "A sample above 1 has the code of 1, one below -1 that of "
        "-1.",
        "the code of silence": "0 has the code 128.",
        "the level before it": "Decoding gives the level itself.",
        "uint8 overflows": "2 * c does not fit into 8 bits.",
        MASK: "An index in uint8 is taken for a mask, as in the days before bool: "
        "make it int64.",
        "float16 in between": "All results are numbers of float16, with three digits.",
        "sign not mirrored": "The curve is the same on both sides of 0: the size goes "
        "through it, and the sign comes after.",
        "levels not expanded": "y is the compressed sample: its inverse is due.",
    },
)
def ar_17(t, encode, decode):
    def expanded(v):
        return v.sign() * torch.expm1(v.abs() * math.log(256)) / 255

    levels = expanded(2 * torch.arange(256).double() / 255 - 1)

    def curve(log, mu, top):
        return lambda x: x.sign() * log(1 + mu * x.abs()) / log(torch.tensor(top))

    log, base, e, ten = torch.log, 256.0, math.log(2), math.log(10)
    factors = [8 * e, 1 / e, 1 / ten, e, 8 * e / ten, 8.0, 1 / 8, ten / e, e / ten]
    factors += [ten / 8 / e, 1 / ten, ten, 1 / (8 * e), 8 * e / 255]
    curves = {
        "": curve(log, 255, base),
        "sign lost": lambda x: curve(log, 255, base)(x.abs()),
        "sign turned around": lambda x: -curve(log, 255, base)(x),
        "no logarithm": lambda x: x,
        "no 1 in the logarithm": lambda x: (
            x.sign() * (255 * x.abs()).log() / log(torch.tensor(base))
        ),
        "expanded in place of compressed": lambda x: expanded(x),
        "scaled by its largest sample": lambda x: curve(log, 255, base)(
            x / x.abs().max() if x.numel() else x
        ),
        "another mu": [curve(log, a, a + 1.0) for a in (256, 127, 254, 100, 128, 1)]
        + [curve(log, 256, base), curve(log, 1, base)],
        "divided by another logarithm": [
            curve(log, 255, a) for a in (255.0, 257.0, 128.0)
        ],
        "another base of the logarithm": [
            lambda x, c=c: c * curve(log, 255, base)(x) for c in factors
        ],
    }
    rounds = {
        "": lambda v: (127.5 * v + 128).floor(),
        "rounded down": lambda v: (127.5 * v + 127.5).floor(),
        "rounded up": lambda v: (127.5 * v + 127.5).ceil(),
        "rounded toward 0": lambda v: (v * 127.5).trunc() + 128,
        "256 steps in place of 255": [
            lambda v: ((v + 1) / 2 * 256).floor(),
            lambda v: ((v + 1) / 2 * 256).round(),
            lambda v: (v * 128).round() + 128,
            lambda v: (v * 128).floor() + 128,
        ],
        "another number of levels": [
            lambda v: ((v + 1) / 2 * 254).round(),
            lambda v: (v * 127).round() + 128,
            lambda v: (v * 127).round() + 127,
            lambda v: ((v + 1) * 255).round(),
            lambda v: (v * 255).round(),
            lambda v: (v * 256).round(),
        ],
        "codes from -128 to 127": lambda v: (127.5 * v + 128).floor() - 128,
        "codes from 1 to 256": lambda v: (127.5 * v + 128).floor() + 1,
    }

    def within(c):
        return c.clamp(0, 255)

    ends = {"": [within, lambda c: c, lambda c: c % 256]}

    def judged(name, x, due=None, told=None):
        t.property(name)
        out = t.call(encode, x)
        t.shape(out, tuple(x.shape), "that of x.")
        t.dtype(out, torch.int64, "whole numbers.")
        z = x.double()
        found = mistakes(lambda f, r, e: e(r(f(z))), curves, rounds, ends, tol=0.0)
        if due is None:
            due = rounds[""](curves[""](z.clamp(-1, 1)))
        t.equal(out, due, "The nearest level.", told, None if told else found)
        return out

    def near(*shape, reach=0.48):
        """Samples around levels, well within their steps."""
        c = t.integers(*shape, low=1, high=254).double()
        v = (c + t.uniform(*shape, low=-reach, high=reach) + 0.003) * 2 / 255 - 1
        return expanded(v)

    judged("any samples", near(500).float())
    judged("both ends", torch.tensor([-1.0, 1.0]), torch.tensor([0.0, 255.0]))
    told = "the code of silence"
    for x in (torch.zeros(3), torch.zeros(2).double()):
        judged("silence", x, torch.full_like(x, 128), told)
    x = torch.tensor([-1.01, 1.01, -3.0, 40.0, -1e6, 1e6, 1.5])
    due = torch.tensor([0.0, 255, 0, 255, 0, 255, 255])
    judged("samples beyond the ends", x, due, "beyond the ends")
    judged("all levels", levels.float())
    for shape in ((), (0,), (1,), (2, 3, 5), (1, 400), (3, 0)):
        judged("other shapes", near(*shape).float())
    judged("float64", near(200))

    def decoded(name, codes, told=None, shape=None):
        t.property(name)
        out = t.edge(shape, decode, codes) if shape else t.call(decode, codes)
        t.shape(out, tuple(codes.shape), "that of the codes.", shape or "wrong shape")
        t.dtype(out, torch.float32, "that of sound.")
        c = codes.double()
        v, wide = 2 * c / 255 - 1, (c + 0.5) / 128 - 1
        size = v.abs()
        ideas = {
            "sign lost": expanded(size),
            "sign turned around": expanded(-v),
            "levels not expanded": [v, wide, curves[""](v)],
            "256 steps in place of 255": [
                *map(expanded, (wide, c / 128 - 1, c / 127 - 1, (c - 128) / 128)),
                *map(expanded, ((c - 128) / 127, (c - 127) / 128)),
            ],
            "levels from 0 to 1": [*map(expanded, (c / 255, 2 * c / 255, c / 256))],
            "middle of the step": [
                (expanded(f(v - 1 / 255)) + expanded(f(v + 1 / 255))) / 2
                for f in (lambda v: v, lambda v: v.clamp(-1, 1))
            ],
            "sign not mirrored": [(256**v - 1) / 255, v.sign() * (256**v - 1) / 255],
            "not divided by 255": 255 * expanded(v),
            "the level before it": [expanded(v - k / 255) for k in (2, 1, -1, -2)],
            "another mu": [
                *(v.sign() * ((a + 1) ** size - 1) / a for a in (256, 127, 254)),
                *(v.sign() * (a**size - 1) / b for a, b in ((256, 256), (255, 255))),
            ],
            "another base of the logarithm": [
                v.sign() * (a ** (b * size) - 1) / 255
                for a in (2, 10, math.e)
                for b in (1, 8, math.log(256))
            ],
            "constant left out": [v.sign() * 256**size / 255],
        }
        due = levels[codes.long()]
        size = t.tensor(out).double()
        if (size == size.half()).all() and not far(size, due, 0.01).any():
            told = "float16 in between"
        t.property(name, of=out)
        found = ((k, w) for k, w in ideas.items() if not told)
        t.close(size, due, "The sample of the level.", told, found, tol=1e-6)

    every = torch.arange(256)
    decoded("all codes, decoded", every)
    decoded("codes in another order", t.integers(4, 7, low=0, high=255))
    decoded("codes in uint8", every.to(torch.uint8), "uint8 overflows", MASK)
    for shape in ((), (0,), (1,), (2, 1, 3)):
        decoded("other shapes, decoded", t.integers(*shape, low=0, high=255))
    t.property("all codes survive")
    back = t.call(encode, t.tensor(t.call(decode, every)))
    t.equal(back, every, "encode(decode(c)) is c.")
