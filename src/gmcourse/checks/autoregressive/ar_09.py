"""Exercise ar-09: What a pixel costs."""

import contextlib
import itertools
import math
from typing import Any

import torch

from .._comparisons import far
from .._exercise import Exercise, Stop
from .._parts import mistakes

FLOOR = "floor under the probability"


@Exercise(
    id="ar-09",
    title="What a pixel costs",
    difficulty=2,
    minutes=12,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Report a likelihood in nats for each image and in bits for each dimension, "
        "and keep apart what the two count.",
    ),
    statement=r"""
Papers report the likelihood of images in two units. The cost of an image in **nats** is
$-\log p(x)$, natural logarithm, all values of the image together. In **bits per
dimension** it is $-\log_2 p(x)$ divided by the number of values of the image: each
channel of each pixel is one.

A network has a softmax of 256 for each value: `logits` has the shape
`(b, 256, c, h, w)`, and in it the numbers `logits[n, :, j, y, z]` are the log
probabilities, up to a constant, of the values 0 to 255 of channel `j` of pixel
`(y, z)` of image `n`, given all values before it. `x` is uint8, `(b, c, h, w)`.

Write `cost(logits, x)`, which returns the pair `(nats, bits)`, both of shape `(b,)` and
in the type of the logits (float32 or float64): the cost of each image in nats, and in
bits per dimension. Logits are any numbers, also near 1000; the gradient of both by the
logits is not cut. The number of channels, the height, the width and the number of
images are any, from 1. (As $p(x) \le 1$, both costs are 0 or more of themselves:
nothing needs to be clamped.)
""",
    stub='''
def cost(logits, x):
    """(b, 256, c, h, w), (b, c, h, w) uint8 -> (b,) nats, (b,) bits."""
    return ..., ...
''',
    answers={"cost": callable},
    hints=(
        "`log_softmax` over axis 1, then for each value of `x` the one entry that "
        "belongs to it: `gather` with an index of int64, or "
        "`F.cross_entropy(..., reduction='none')`.",
        r"$\log_2 p = \log p / \log 2$. A 32 × 32 color picture has 3072 dimensions.",
        "A network that has learned nothing, with equal logits, costs exactly 8 bits "
        "per dimension.",
    ),
    misconceptions={
        "softmax over the wrong axis": "The 256 probabilities of one value sum to one: "
        "axis 1.",
        "not normalized": "Logits are log probabilities up to a constant: their "
        "softmax sums to one, they do not.",
        "logarithm base confused": "Nats are natural logarithms; a bit is log 2 of a "
        "nat, so the number of bits is the larger one.",
        "bits not divided by the dimensions": "Per dimension: the bits of an image "
        "divided by the number of its values.",
        "channels left out of the dimensions": "A color picture has three values for "
        "each pixel, and each counts as a dimension.",
        "another number of dimensions": "c·h·w values belong to an image: not the "
        "levels, not the images.",
        "log 256 added or taken away": "x are the 256 values themselves, with "
        "probabilities, not densities on [0, 1]: nothing is to be rescaled.",
        "logarithm of the mean probability": "Costs are added: the mean over values "
        "or images is taken of logarithms.",
        "mean of the logits": "Each image has logits of its own: a mean over the "
        "batch, before or after the softmax, makes one model of all.",
        "axes mixed by a reshape": "view and reshape do not move an axis: permute, or "
        "movedim, does.",
        "values taken at another place": "The logits and the values have "
        "the axes of an image in one order.",
        "perplexity in place of bits": "The exponential of a mean cost counts "
        "choices, not bits.",
        "uint8 not cast": "An index is int64: x.long().",
        "a size of one not met": "Images, channels, height and width may each be 1.",
        "a size taken as fixed": "Channels, height and width are any.",
        "levels in another order": "logits[:, v] belongs to the value v.",
        "two numbers exchanged": "The pair is (nats, bits).",
        FLOOR: "A constant added to a probability, or a clamp, bounds what a value "
        "can cost.",
        "logits clamped": "Logits are any numbers: log_softmax subtracts the largest "
        "by itself.",
        "values of one level left out": "ignore_index, or a mask, leaves out what has "
        "this value: 255 is white, and costs as any other.",
        "no pair": "Two tensors are due, (nats, bits).",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def ar_09(t, cost):
    def pair(logits, x, edge=None):
        made = t.edge(edge, cost, logits, x) if edge else t.call(cost, logits, x)
        good = isinstance(made, tuple | list) and len(made) == 2
        got = f"an object of type {type(made).__name__}"
        got += f", of length {len(made)}" if isinstance(made, tuple | list) else ""
        t.true(good, "A pair (nats, bits).", got, "no pair")
        shape = (len(x),)
        for part, name in zip(made, ("nats", "bits")):
            alone = {
                "batch axis lost": [()] * (len(x) == 1),
                "reduced over the batch": [(), (1,), tuple(x.shape[1:])],
                "not summed over the dimensions": [
                    *(tuple(x.shape), tuple(x.shape[:2]), tuple(x[:, 0].shape)),
                    *((len(x), x[0].numel()), (len(x), x[0, 0].numel())),
                ],
            }
            t.shape(part, shape, f"{name}, one number for each image.", ideas=alone)
            t.dtype(part, logits.dtype, "that of the logits.")
            t.finite(part, "Costs are finite for finite logits.")
        return made

    def draw(b, c, h, w, spread=2.0, kind=torch.float32):
        logits = t.normal(b, 256, c, h, w, std=spread).to(kind)
        x = t.integers(b, c, h, w, low=0, high=255)
        places = x.view(b, -1)
        places[:, 0], places[:, places.shape[1] // 2], places[:, -1] = 255, 255, 128
        return logits, x.to(torch.uint8)

    def judged(name, logits, x, tol=1e-5, told: Any = (None, None), edge=None):
        made = pair(logits, x, edge)
        for part, unit, say in zip(made, UNITS, told):
            t.property(f"{name}: {unit}", of=part)
            other = made[1 - UNITS.index(unit)]
            ideas = swaps(logits, x, unit, t.tensor(part).detach(), other)
            ideas = itertools.chain(earlier(logits, x, unit), ideas)
            due = right(logits, x)[UNITS.index(unit)]
            why = {
                "nats": "The sum over all values of minus the log probability.",
                "bits": "The same in bits, divided by the number of values.",
            }[unit]
            cut = floors(logits, x, unit)
            ideas = cut if say else itertools.chain(cut, ideas)
            t.close(part, due, why, say, ideas, tol)
        kept.append((logits.detach(), x))
        return made

    kept: list = []

    def earlier(logits, x, unit):
        """What comes of the logits, the images or the sizes of earlier calls."""
        this, told = UNITS.index(unit), "result of an earlier call"
        for a, v in kept:
            if a.shape == logits.shape:
                both = (a, v), (a, x), (logits, v)
                yield told, [right(*each)[this] for each in both]
            elif unit == "bits":
                yield told, right(logits, x)[1] * x[0].numel() / v[0].numel()

    def begun(logits, x):
        """An error may come of the type of x, or of a shape that is taken as fixed."""
        try:
            return t.steady(cost, logits, x)
        except Stop as stop:
            if stop.outcome == "not yet":
                raise
            error, shown = stop, t.shown
        with contextlib.suppress(Stop):
            t.call(cost, logits, x.long())
            error = Stop("not yet", "uint8 not cast", expected="As with int64.",
                         got=error.lines["got"])  # fmt: skip
        t.shown = shown
        raise error

    b, c, h, w = 4, 3, 2, 5
    kept += [draw(b, c, h, w)]
    begun(*kept[0])
    for name in "any images", "others of the same size":
        judged(name, *draw(b, c, h, w))
    judged("other images of the same logits", kept[-1][0], draw(b, c, h, w)[1])
    for size in ((3, 4, 5, 4), (2, 1, 4, 3), (1, 3, 2, 2), (2, 2, 1, 7), (1, 1, 1, 1)):
        edge = "a size of one not met" if 1 in size else "a size taken as fixed"
        name = f"images of {size[1]} × {size[2]} × {size[3]}"
        judged(name, *draw(*size), edge=edge)
    t.property("equal logits: eight bits per dimension")
    made = pair(torch.full((3, 256, 2, 3, 3), 7.5), draw(3, 2, 3, 3)[1])
    t.close(made[1], 8.0, "256 equal probabilities.", tol=1e-5)

    logits, x = draw(3, 2, 3, 4)
    far_up = 1000 * (2 * t.integers(3, 1, 2, 3, 4, low=0, high=1).float() - 1)
    judged("logits near 1000 and -1000", logits + far_up, x, 1e-4)
    told = "probability near 0: no underflow", logits * 60, x, 1e-4
    judged(*told, told=("underflow to zero", "underflow to zero"))

    t.property("the gradient by the logits")
    logits, x = draw(3, 2, 2, 3)
    logits.requires_grad_()
    made, due = pair(logits, x, "cut off from the graph"), right(logits, x)
    weight = t.uniform(3, low=0.5, high=2).double()
    for part, exact in zip(made, due):
        slope = t.grad(exact, logits, weight)
        got = t.grad(part, logits, weight)
        told = "Softmax minus the one value, weighted.", "cut off from the graph"
        t.close(got, slope, *told, tol=1e-4)

    logits, x = draw(3, 2, 3, 2, kind=torch.float64)
    single = "float32 in between"
    judged("float64", logits / 3, x, 1e-10, told=(single, single), edge=single)


UNITS = ["nats", "bits"]


def chosen(logits, x, way=None):
    """log p of each value, (b, c, h, w), in float64."""
    at = (
        torch.arange(256).view(1, -1, 1, 1, 1)
        == (x.long() if way is None else way(x))[:, None]
    )
    values = logits.double()
    top = values.amax(1)
    whole = top + (values - top[:, None]).exp().sum(1).log()
    return torch.where(at, values, 0.0).sum(1) - whole


def right(logits, x):
    each = -chosen(logits, x).flatten(1)
    return each.sum(1), each.sum(1) / (each.shape[1] * math.log(2))


def floors(logits, x, unit):
    """What is cut off, or left out."""
    n = 1 if unit == "nats" else x[0].numel() * math.log(2)
    p = chosen(logits, x).exp()
    small = [10.0**-k for k in (5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 30)]
    found = {
        FLOOR: [-v.log() for e in small for v in (p + e, p.clamp(min=e))],
        "logits clamped": [
            -chosen(logits.clamp(-v, v), x) for v in (10, 20, 30, 50, 80, 88, 100, 500)
        ],
        "values of one level left out": [
            -chosen(logits, x) * (x != v) for v in (255, 0)
        ],
    }
    due = right(logits, x)[UNITS.index(unit)]
    for name, ways in found.items():
        sums = (v.flatten(1).sum(1) / n for v in ways)
        yield name, [v for v in sums if far(v, due, 1e-5).any()]


def swaps(logits, x, unit, out, other):
    """What one or two mistakes give of nats, or of bits."""
    values, (b, c, h, w) = logits.double(), x.shape
    index = x.long()[:, None]

    def by_axis(axis):
        return (values - values.logsumexp(axis, keepdim=True)).gather(1, index)[:, 0]

    picks = {
        "": -chosen(logits, x),
        "softmax over the wrong axis": [-by_axis(a) for a in (0, 2, 3, 4, (2, 3, 4))],
        "not normalized": -values.gather(1, index)[:, 0],
        "mean of the logits": [
            -chosen(values.mean(0, keepdim=True).expand_as(values), x),
            -chosen(values.log_softmax(1).mean(0, keepdim=True).expand_as(values), x),
        ],
        "levels in another order": [
            -chosen(logits, x, way)
            for way in (
                *(lambda x: 255 - x.long(), lambda x: (x.long() + 1) % 256),
                *(lambda x: (x.long() - 1) % 256, lambda x: (x.long() - 1).clamp(0)),
            )
        ],
        "axes mixed by a reshape": [
            -values.reshape(b, c, 256, h, w)
            .log_softmax(2)
            .gather(2, x.long()[:, :, None])[:, :, 0],
            -values.reshape(b, c, h, w, 256)
            .log_softmax(-1)
            .gather(-1, x.long()[..., None])[..., 0],
        ],
        "values taken at another place": [
            -chosen(logits, x.permute(0, *way).reshape(x.shape))
            for way in ((2, 3, 1), (1, 3, 2), (3, 2, 1))
        ],
        "density in place of its logarithm": -values.softmax(1).gather(1, index)[:, 0],
        "sign flipped": chosen(logits, x),
    }
    n, two = c * h * w, math.log(2)
    ends: dict[str, Any] = {"": lambda e: e.flatten(1).sum(1)}
    ends |= {
        "reduced over the batch": [
            lambda e: e.flatten(1).sum(1).mean().expand(b),
            lambda e: e.sum().expand(b),
            lambda e: e.flatten(1).sum(1) / b,
        ],
        "dimensions left out": [
            lambda e: e[:, 0].flatten(1).sum(1),
            lambda e: e.flatten(1)[:, 1:].sum(1),
            lambda e: e.flatten(1)[:, :-1].sum(1),
        ],
        "logarithm of the mean probability": lambda e: (
            -n * ((-e).flatten(1).exp().mean(1)).log()
        ),
    }
    if unit == "bits":  # where it is another number of dimensions
        ends["reduced over the batch"] = ends["reduced over the batch"][:2]
    factors: dict[str, float | list[float]]
    if unit == "nats":
        factors = {
            "": 1.0,
            "mean over the dimensions": 1 / n,
            "bits in place of nats": 1 / two,
            "logarithm base confused": [two, 1 / math.log(10)],
            "mean over the dimensions, and bits in place of nats": 1 / n / two,
            "channels left out of the dimensions": [1 / (h * w), 1 / c],
        }
        if n == 1:
            factors = {k: v for k, v in factors.items() if "dimensions" not in k}
        amounts = {"": 0.0, "log 256 added or taken away": [
            s * k * math.log(256) for s in (1, -1) for k in (1, n)
        ]}  # fmt: skip
    else:
        factors = {
            "": 1 / (n * two),
            "nats in place of bits": 1 / n,
            "logarithm base confused": [
                *(two / n, 1 / (n * math.log(10)), 1 / (n * math.log(256))),
            ],
            "bits not divided by the dimensions": [1 / two, 1.0],
            "channels left out of the dimensions": 1 / (h * w * two),
            "another number of dimensions": [
                1 / (v * two)
                for v in (
                    256 * n,
                    b * n,
                    3 * h * w,
                    c * h * h,
                    c * w * w,
                    256,
                    c,
                    c * h,
                    c * w,
                    b * h * w,
                    28 * 28,
                    3072,
                )
            ],
        }
        amounts = {"": 0.0, "log 256 added or taken away": [
            s * k for s in (1, -1) for k in (8.0, 8 * two, 8 * n)
        ]}  # fmt: skip

    def value(pick, end, factor, amount):
        return end(pick) * factor + amount

    due = right(logits, x)
    if not far(out.double(), due[1 - UNITS.index(unit)], 1e-4).any():
        mine = t_pair(other)
        if mine is not None and not far(mine, due[UNITS.index(unit)], 1e-4).any():
            yield "two numbers exchanged", out
    yield from mistakes(value, picks, ends, factors, amounts)
    mean = due[0] / n
    yield "perplexity in place of bits", [mean.exp(), due[0].exp(), due[1].exp()]


def t_pair(other):
    return other.detach().double() if isinstance(other, torch.Tensor) else None
