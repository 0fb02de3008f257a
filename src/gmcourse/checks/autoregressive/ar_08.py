"""Exercise ar-08: Two hundred and fifty-six bins."""

import math
from typing import Any

import numpy as np
import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

FLOORS = [
    *(10.0**-n for n in (12, 7, 8, 10, 300, 5, 6, 9, 15, 16, 20, 30, 38, 45, 3, 4))
]
FLOORS += [torch.finfo(kind).tiny for kind in (torch.float32, torch.float64)]
FLOORS += [torch.finfo(kind).eps for kind in (torch.float32, torch.float64)]
NODES, WEIGHTS = map(torch.from_numpy, np.polynomial.legendre.leggauss(24))


@Exercise(
    id="ar-08",
    title="Two hundred and fifty-six bins",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Turn a mixture of densities into probabilities of 256 values that sum to "
        "one, and keep their logarithms where every probability underflows.",
    ),
    statement=r"""
Bytes are often modeled on the scale from $-1$ to $1$: the value $x \in \{0, \dots,
255\}$ stands at $v = x / 127.5 - 1$. So the bins have the half width $1/255$, and their
edges are $v \pm 1/255$. A logistic distribution with mean $\mu$ and scale $s$ has the
distribution function $\sigma((u - \mu)/s)$, with the sigmoid $\sigma$, and gives a bin
the difference between its edges. The bin of 0 has no lower edge, it begins at
$-\infty$, and the bin of 255 has no upper one: then the 256 probabilities sum to one.

Write `log_prob(x, logits, means, log_scales)` for a mixture of $k$ such distributions,
which each pixel has for itself: `x` is uint8, `(b, h, w)`, and the other three are
`(b, k, h, w)`. The weights of the mixture are the softmax of the logits over the $k$
components; the log scales are $\log s$, natural logarithms. The result is the
logarithm of the probability of each image, in nats, the sum over its pixels, `(b,)`.

`logits`, `means` and `log_scales` are all float32 or all float64, and so is the result:
in float32 it is right to 0.1 %, in float64 to eight digits. That holds for logits from
-100 to 100, means from -10 to 10 and log scales from -7 to 3, where a single bin's
probability may be as small as $e^{-12000}$. Gradients flow to all three, are finite,
and are those of the sum, to 0.1 %.
""",
    stub='''
def log_prob(x, logits, means, log_scales):
    """(b, h, w) uint8, (b, k, h, w) three times -> (b,), in nats."""
    return ...
''',
    answers={"log_prob": callable},
    hints=(
        r"With $u$ and $l$ for the upper and the lower edge, less $\mu$ and divided by "
        r"$s$: the bin of 0 has $\log \sigma(u)$, that of 255 has $\log(1 - "
        r"\sigma(l)) = \log \sigma(-l)$.",
        r"Where both sigmoids round to 0, or both to 1, their difference is lost. "
        r"Show that $\sigma(u) - \sigma(l) = \sigma(u)\, \sigma(-l)\, (1 - e^{l - u})$ "
        r"and take the logarithm of each factor; $u - l$ is known without a "
        "subtraction.",
        "A mixture adds probabilities: `logsumexp` over the components of the log "
        "weight plus the log mass. Convert `x` to the type of `means` first: `x / "
        "127.5` of a uint8 tensor is float32.",
    ),
    misconceptions={
        "open edges forgotten": "The bin of 0 reaches down to minus infinity and that "
        "of 255 up to infinity. Otherwise the 256 probabilities sum to less than one.",
        "wrong bin opened": "0 has no lower edge, 255 has no upper one.",
        "bin width off": "Neighboring values are 2/255 apart: each bin reaches 1/255 "
        "to either side.",
        "256 for 255": "The values 0 and 255 stand at -1 and 1: the divisor is 127.5.",
        "values on another scale": "The means are on the scale from -1 to 1.",
        "arithmetic in uint8": "Whole numbers from 0 to 255 wrap around: 200 + 100 is "
        "44 there. Convert x first.",
        "density in place of the mass": "The mass of a bin is an integral; the density "
        "at its center, even times the width, is near it only where the scale is much "
        "larger than the bin.",
        "scale read otherwise": "log_scales are log s: the distance to the mean is "
        "divided by exp(log_scales).",
        "mixture of log-probabilities": "Probabilities are averaged with the weights, "
        "not their logarithms.",
        "weights not normalized": "The logits become weights by a softmax: their "
        "exponentials alone do not sum to one.",
        "softmax over the wrong axis": "The weights sum to one over the k components "
        "of a pixel, axis 1.",
        "component chosen for the whole image": "Each pixel has a mixture of its own: "
        "mix first, then sum over the pixels.",
        "best component alone": "All components add to the probability.",
        "floor under the probability": "A small number added, or a clamp, keeps a "
        "probability from becoming small: the logarithm ends at that of the floor.",
        "digits lost in a difference": "Where both sigmoids are nearly equal the "
        "difference keeps few of their digits, or none.",
        "float32 in between": "What comes back as float64 has the digits of float32: "
        "a uint8 tensor divided by a number becomes float32.",
    },
)
def ar_08(t, log_prob):
    def each(x, logits, means, log_scales):
        return mixed(x, logits, means, log_scales)

    def pixels(b, h, w):
        """With the first and the last value in every image."""
        x = t.integers(b, h, w, low=1, high=254)
        x.view(b, -1)[:, 0], x.view(b, -1)[:, -1] = 0, 255
        return x.to(torch.uint8)

    def near(x, k, low, high):
        """Means about the pixels, so that all components count."""
        v = x.double()[:, None] / 255 * 2 - 1
        off = t.uniform(len(x), k, *x.shape[1:], low=low, high=high)
        return (v + off).float()

    b, k, (h, w) = 5, 3, (2, 4)
    x = pixels(b, h, w)
    size = (b, k, h, w)
    args = (
        x,
        t.uniform(*size, low=-1.5, high=1.5),
        near(x, k, -0.08, 0.08),
        t.uniform(*size, low=-4.5, high=-2.5),
    )
    why = "The density of the mixture, integrated over each bin."
    t.rowwise("any images", log_prob, args, each, why, wrong_parts(*args), grads=False)
    tried = [args]

    def judged(name, args, default, tol=1e-3):
        """Where only what is lost in floats can be wrong."""
        due = each(*args).flatten(1).sum(1)
        t.property(name)
        out = t.call(log_prob, *args)
        t.shape(out, (len(due),), "one number for each image.")
        t.dtype(out, torch.float32, "that of the logits.")
        why = "Small, but no probability is 0."
        t.finite(out, why, "underflow to zero")
        why = "The density of the mixture, integrated over each bin."
        seen = t.tensor(out).detach()
        fits = (k for k, v in floors(*args) if not far(seen, v, 2e-4).any())
        t.close(out, due, why, next(fits, default), tol=tol)
        tried.append(args)

    lost = "digits lost in a difference"
    away = t.away(*size, low=5, high=10)
    for name, at in (
        ("above", away.abs()),
        ("below", -away.abs()),
        ("both sides", away),
    ):
        args = pixels(b, h, w), args[1], at, t.uniform(*size, low=-7, high=-5)
        judged(f"far means, {name}", args, lost)
    near_by = near(args[0], k, 0.05, 0.12)
    args = *args[:2], near_by, t.uniform(*size, low=-7, high=-5)
    judged("means a few bins away", args, lost)
    beside = near(args[0], k, -0.2, -0.15), t.uniform(*size, low=-4.6, high=-4.2)
    judged("values above all means", (*args[:2], *beside), lost)
    wide = t.uniform(*size, low=-0.9, high=0.9)
    args = *args[:2], wide, t.uniform(*size, low=-6, high=-4.5)
    judged("narrow components", args, lost)
    args = *args[:2], t.uniform(*size, low=-2, high=2), t.uniform(*size, low=2, high=3)
    judged("wide components", args, lost)

    # All components but one are far away, and that one has nearly no weight.
    logits = torch.full(size, 100.0)
    at, one = away.clone(), t.integer(0, k - 1)
    logits[:, one] = t.uniform(b, h, w, low=-100, high=-90)
    at[:, one] = near_by[:, 0]
    args = args[0], logits, at, torch.full(size, -4.0)
    judged("weights near e⁻²⁰⁰", args, "underflow to zero")

    for args in tried:
        name = "gradients, also of what is far, narrow or wide"
        t.rowwise(name, log_prob, args, each, why, misconception=lost, tol=1e-3)

    t.property("the probabilities of the 256 values of a pixel sum to one")
    x = torch.arange(256, dtype=torch.uint8).view(256, 1, 1)
    for low in (-6.0, -1.0, 2.0):
        args = [t.uniform(1, 4, 1, 1, low=v - 1, high=v + 1) for v in (0, 0, low)]
        out = t.call(log_prob, x, *(v.expand(256, -1, -1, -1) for v in args))
        whole = t.tensor(out).detach().double().exp().sum()
        t.close(
            whole, 1.0, "Some value it must have.", "open edges forgotten", tol=2e-3
        )

    t.property("one component, one pixel; many pixels")
    for size in ((3, 1, 1, 1), (1, 1, 1, 1), (2, 5, 19, 23), (1, 2, 1, 7)):
        x = pixels(size[0], *size[2:])
        args = (
            t.uniform(*size, low=-1, high=1),
            near(x, size[1], -0.3, 0.3),
            t.uniform(*size, low=-4, high=-1),
        )
        out = t.call(log_prob, x, *args)
        due = each(x, *args).flatten(1).sum(1)
        t.shape(out, (size[0],), "one number for each image.")
        t.close(out, due, "Integrated over each bin.", tol=1e-3)

    t.property("float64: eight digits")
    size = (4, 3, 3, 5)
    x = pixels(4, 3, 5)
    args = (
        t.uniform(*size, low=-2, high=2).double() / 3,
        near(x, 3, -0.06, 0.06).double() / 1.01,
        t.uniform(*size, low=-7, high=-4).double() / 1.03,
    )
    out = t.call(log_prob, x, *args)
    t.dtype(out, torch.float64, "that of the logits.")
    due = each(x, *args).flatten(1).sum(1)
    single = "float32 in between"
    t.close(out, due, "Integrated over each bin.", single, tol=1e-8)


def edges(x, means, log_scales):
    """The edges of the bins, in scales from the means."""
    v, scale = UNITS[""](x)[:, None], log_scales.double().exp()
    return [(v + side - means.double()) / scale for side in (-1 / 255, 1 / 255)]


def log_below(z):
    """log of the distribution function at z."""
    return -torch.logaddexp(torch.zeros_like(z), -z)


def inside(x, low, high):
    """log of the mass between two edges, by Gauss and Legendre."""
    middle, reach = (low + high)[..., None] / 2, (high - low)[..., None] / 2
    z = (middle + reach * NODES).abs()
    density = -z - 2 * torch.log1p(torch.exp(-z))
    return torch.logsumexp(density + (reach * WEIGHTS).log(), -1)


def opened(x, low, high):
    found, first, last = inside(x, low, high), x[:, None] == 0, x[:, None] == 255
    found = torch.where(first, log_below(high), found)
    return torch.where(last, log_below(-low), found)


def turned(x, low, high):
    found, first, last = inside(x, low, high), x[:, None] == 0, x[:, None] == 255
    found = torch.where(last, log_below(high), found)
    return torch.where(first, log_below(-low), found)


def one_side(value):
    def found(x, low, high):
        at = (x == value)[:, None]
        return torch.where(at, opened(x, low, high), inside(x, low, high))

    return found


def density(by_width):
    """log of the density at the center of the bin, in units of it or of its scale."""

    def found(x, low, high):
        z, wide = ((low + high) / 2).abs(), high - low
        value = -z - 2 * torch.log1p(torch.exp(-z))
        return value + (wide.log() if by_width else (wide * 255 / 2).log())

    return found


def ends_by_mass(by_width):
    def found(x, low, high):
        end = ((x == 0) | (x == 255))[:, None]
        return torch.where(end, opened(x, low, high), density(by_width)(x, low, high))

    return found


def weighed(logits, masses):
    return (logits.double().log_softmax(1) + masses).logsumexp(1)


def mixed(x, logits, means, log_scales):
    """log p of each pixel."""
    masses = opened(x, *edges(x, means, log_scales))
    return weighed(logits, masses)


UNITS: dict[str, Any] = {
    "": lambda x: x.double() / 255 * 2 - 1,
    "256 for 255": [
        lambda x: x.double() / 128 - 1,
        lambda x: (x.double() + 0.5) / 128 - 1,
        lambda x: (x.double() - 128) / 127.5,
        lambda x: (x.double() - 127) / 127.5,
        lambda x: (x.double() - 128) / 127,
    ],
    "values on another scale": [
        lambda x: x.double() / 255,
        lambda x: x.double() / 256,
        lambda x: x.double(),
        lambda x: x.double() / 127.5,
        lambda x: 1 - x.double() / 255 * 2,
        lambda x: x.double() / 255 - 0.5,
    ],
    "arithmetic in uint8": [
        lambda x: (2 * x - 255).double() / 255,
        lambda x: (2 * x).double() / 255 - 1,
    ],
}


def wrong_parts(x, logits, means, log_scales):
    """What one or two wrong parts give."""
    masses = {
        "": opened,
        "open edges forgotten": [inside, one_side(0), one_side(255)],
        "wrong bin opened": turned,
        "density in place of the mass": [
            *(density(True), density(False)),
            *(ends_by_mass(True), ends_by_mass(False)),
        ],
    }
    halves = {
        "": 1 / 255,
        "bin width off": [c / 255 for c in (2, 0.5, 4)]
        + [c / 256 for c in (1, 2, 0.5)]
        + [0.5, 1 / 254],
    }
    scales = {
        "": torch.exp,
        "scale read otherwise": [
            lambda s: (-s).exp(),
            lambda s: (s / 2).exp(),
            lambda s: (2 * s).exp(),
            torch.nn.functional.softplus,
            torch.abs,
            lambda s: 10**s,
            lambda s: 2**s,
            lambda s: s.exp() * 3**0.5 / math.pi,
            lambda s: s,
        ],
    }
    k = logits.shape[1]
    logits = logits.double()

    def mixture(how):
        return lambda m: how(m).flatten(1).sum(1)

    weights = logits.softmax(1)
    ways: dict[str, Any] = {
        "": mixture(lambda m: (weights.log() + m).logsumexp(1)),
        "mixture of log-probabilities": [
            mixture(lambda m: (weights * m).sum(1)),
            mixture(lambda m: m.mean(1)),
            mixture(lambda m: m.sum(1)),
        ],
        "weights not normalized": [
            mixture(lambda m: (logits + m).logsumexp(1)),
            mixture(lambda m: (logits.sigmoid().log() + m).logsumexp(1)),
        ],
        "weights left out": [
            mixture(lambda m: m.logsumexp(1)),
            mixture(lambda m: m.logsumexp(1) - math.log(k)),
        ],
        "softmax over the wrong axis": [
            mixture(lambda m, axis=axis: (logits.log_softmax(axis) + m).logsumexp(1))
            for axis in (0, 2, 3)
        ],
        "component chosen for the whole image": [
            lambda m: (weights.log() + m).flatten(2).sum(2).logsumexp(1),
            lambda m: (
                logits.mean((2, 3)).log_softmax(1) + m.flatten(2).sum(2)
            ).logsumexp(1),
            lambda m: m.flatten(2).sum(2).logsumexp(1) - math.log(k),
        ],
        "best component alone": [
            mixture(lambda m: (weights.log() + m).amax(1)),
            mixture(lambda m: m.gather(1, weights.argmax(1, keepdim=True))),
            mixture(lambda m: m.amax(1)),
        ],
    }
    at = means.double()

    @remembered
    def mass(how, unit, half, over):
        v, scale = unit(x).double()[:, None], over(log_scales.double())
        return how(x, *((v + side - at) / scale for side in (-half, half)))

    def made(way, *how):
        return way(mass(*how))

    yield from mistakes(made, ways, masses, UNITS, halves, scales)


def remembered(f):
    found: dict[tuple, Any] = {}

    def g(*args):
        if args not in found:
            found[args] = f(*args)
        return found[args]

    return g


def floors(x, logits, means, log_scales):
    """What a floor under the probabilities gives, and what stands in for a mass."""
    log_weights = logits.double().log_softmax(1)
    low, high = edges(x, means, log_scales)
    masses = opened(x, low, high)
    flat = density(True)(x, low, high)

    def total(m):
        return (log_weights + m).logsumexp(1).flatten(1).sum(1)

    mixes = (log_weights + masses).logsumexp(1)
    end = ((x == 0) | (x == 255))[:, None]
    for e in FLOORS:
        least = torch.tensor(math.log(e)).double()
        for value in (
            total(masses.clamp(min=least)),
            total(torch.logaddexp(masses, least)),
            total(torch.where(end, masses, masses.clamp(min=least))),
            total(torch.where(end, masses, torch.logaddexp(masses, least))),
            mixes.clamp(min=least).flatten(1).sum(1),
            torch.logaddexp(mixes, least).flatten(1).sum(1),
        ):
            yield "floor under the probability", value
    for edge in (1e-5, 1e-7, 1e-4, 1e-3, 1e-10, 1e-12, 0.0):
        small = masses < (math.log(edge) if edge else -103)
        yield (
            "density in place of the mass",
            total(torch.where(small & ~end, flat, masses)),
        )
