"""Exercise gan-28: How far a patch sees."""

import itertools
import math
import operator
from typing import Any

import torch
from torch.nn import functional as F

from .._exercise import Exercise
from .._parts import wrong_part


@Exercise(
    id="gan-28",
    title="How far a patch sees",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compute what one output of a stack of convolutions can see, and prove it by "
        "automatic differentiation.",
    ),
    statement=r"""
A fully convolutional critic gives a value for each of many patches. How large is a
patch, how far apart are two of them, and where does the first one begin?

Write `receptive_field(layers)`. `layers` is a list of up to 40 convolutions, the one at
the picture first, each a tuple of four whole numbers
`(kernel, stride, padding, dilation)` that mean what they mean to `nn.Conv1d`; kernel,
stride and dilation are at least 1, padding is at least 0. Return a tuple of three whole
numbers (`int`), along one axis of the picture:

- `size`: from the leftmost to the rightmost pixel that an output depends on, both
  counted, and all between them, whether it depends on those or not;
- `stride`: by how many pixels this field moves from one output to the next;
- `start`: the leftmost pixel of the field of output 0. Pixel 0 is the first of the
  picture, and padding stands to the left of it: `start` is negative where the field
  begins in the padding.

So `size` and `start` are those of an endless picture: no field ends at an edge. Without
layers an output is a pixel: `(1, 1, 0)`. Five layers made the critic of pix2pix,
`[(4, 2, 1, 1)] * 3 + [(4, 1, 1, 1)] * 2`, whose patches have 70 pixels a side, 8 pixels
apart.

The numbers are exact, also where they are as large as $10^{18}$. `layers` is not
changed, and may hold anything from kernels larger than the picture to strides larger
than the kernel.
""",
    stub='''
def receptive_field(layers):
    """[(kernel, stride, padding, dilation), ...] -> size, stride, start."""
    return ...
''',
    answers={"receptive_field": callable},
    hints=(
        "One layer first: which pixels does output `i` read? The first is "
        "`i * stride - padding`; how many more, and in which steps?",
        "Two outputs that are neighbors at a layer in the middle: how many pixels lie "
        "between them? A step in the input of a layer is worth what the strides of all "
        "layers *before* it make of it, and not its own.",
        "Proof: `nn.Conv1d` with all weights 1, a picture of zeros that requires a "
        "gradient. The gradient of an output from the middle is not 0 where the output "
        "looks; that of the next one tells the stride.",
    ),
    misconceptions={
        "strides left out": "A step between neighbors of a later layer is worth "
        "several pixels: those of all strides before it.",
        "its own stride counted too early": "The kernel of a layer reads what the "
        "strides before it have left. Its own stride counts from the next layer on.",
        "stride of one layer alone": "Strides multiply, over all layers.",
        "strides added": "Strides multiply: two of 2 are one of 4.",
        "from the wrong end": "The first of the list is the layer at the picture.",
        "a layer left out": "All layers count, the first and the last, too.",
        "off by one": "From pixel 0 to pixel 2 there are three pixels and two steps.",
        "dilation left out": "The taps of a kernel lie `dilation` apart.",
        "dilation counted otherwise": "From the first of the k taps to the last there "
        "are k - 1 steps, each of `dilation`: with dilation 1 they are neighbors.",
        "kernel counted whole": "k taps have k - 1 steps between them. Each layer adds "
        "steps, and the pixel to begin with is counted once.",
        "the pixel to begin with left out": "Without layers the size is 1.",
        "even kernels taken for odd": "A kernel of 4 has no middle, and is no kernel "
        "of 3 or 5.",
        "padding counted to the size": "Padding moves the field, and changes neither "
        "its size nor its steps.",
        "cut off at the edge of the picture": "The field is that of an endless "
        "picture: size counts the part in the padding, and start is negative there.",
        "holes left out": "The pixels between two taps count, too, whether they are "
        "read or not.",
        "size less the overlap": "Neighbors overlap; this counts what is not shared.",
        "stride of the last layers only": "All layers have a part in the step.",
        "padding to the other side": "Padding moves the first field to the left, "
        "toward negative numbers.",
        "padding left out": "The first field begins in the padding.",
        "padding not in pixels": "The padding of a later layer is worth several "
        "pixels: those of all strides before it.",
        "padding counted twice": "Padding is on both sides; only the left one moves "
        "the beginning.",
        "middle in place of the leftmost": "The leftmost pixel is due.",
        "field around its output": "The field of output 0 need not lie around pixel "
        "0: that depends on the paddings.",
        "padding spread by the dilation": "The padding is as wide as it says.",
        "results in another order": "Size, stride, start.",
        "not whole numbers": "Three whole numbers, of type int.",
        "digits lost": "Nearly right: a float holds 53 binary digits, which are too "
        "few for numbers of this size. Stay with int.",
    },
)
def gan_28(t, receptive_field):
    def layer(kernels=(2, 5), strides=(1, 3)):
        low = t.integer(*kernels), t.integer(*strides)
        return *low, t.integer(1, 3), t.integer(1, 3)

    stacks: list[Any] = [
        [layer((3, 5), (2, 3))],
        [(4, 3, 2, 2), layer((3, 3), (2, 2))],
        [(5, 2, 1, 3), layer(), (2, 3, 0, 2), layer()],
        [layer((3, 5), (2, 3)), layer(), (4, 2, 3, 1), layer()],
        [layer(), (1, 2, 0, 3), (4, 1, 2, 2)],
        [(4, 2, 1, 1)] * 3 + [(4, 1, 1, 1)] * 2,
        [(3, 1, 1, d) for d in (1, 2, 4, 8)],
        [(2, 4, 3, 1), (3, 1, 0, 2), (2, 3, 1, 1)],
        [layer((2, 6), (1, 2)) for _ in range(6)],
    ]

    def found(stack, out) -> Any:
        """Three whole numbers."""
        got, name = f"{out!r}"[:60], "not whole numbers"
        three = isinstance(out, tuple | list) and len(out) == 3
        why = "Three whole numbers: size, stride, start."
        t.true(three, why, got, name if three else None)
        try:
            return tuple(map(operator.index, out))
        except TypeError:
            t.fail(name, why=why, got=got)

    def asked(stack):
        given = list(stack)
        out = t.call(receptive_field, given)
        if given != stack:
            t.spoiled("input changed in place", "layers has changed.")
        return out

    t.property("three whole numbers")
    outs = [asked(stack) for stack in stacks]
    got = [found(stack, out) for stack, out in zip(stacks, outs)]
    due = [seen(stack) for stack in stacks]

    def kept():
        """Whether it is the past of the function that is wrong."""
        wrong = [i for i in range(len(got)) if got[i] != due[i]]
        if wrong[0] and all(got[i] in due[:i] for i in wrong):
            return True
        shown = t.shown
        again = got[0] == due[0] != found(stacks[0], asked(stacks[0]))
        t.shown = shown
        return again

    told = {
        "size": "From the leftmost to the rightmost pixel with a gradient.",
        "stride": "So many pixels on the gradient of the next output begins.",
        "start": "The leftmost pixel with a gradient, of output 0.",
    }
    orders = {"": lambda v: v, "results in another order": None}
    for place, name in enumerate(told):
        values = [v[place] for v in got]
        bad = [i for i, v in enumerate(due) if v[place] != values[i]]
        t.property(f"{name}, by automatic differentiation", of=outs[(bad or [0])[0]])
        if not bad:
            continue
        mistake = "result of an earlier call" if kept() else None
        if not mistake:
            columns = [[v[i] for v in got] for i in range(3)]
            true = [[v[i] for v in due] for i in range(3)]
            others = itertools.permutations(true)
            if any(list(v) == columns for v in others):
                mistake = next(k for k in orders if k)
        if not mistake:
            make, parts = PARTS[name]
            every = torch.tensor(values, dtype=torch.float64)
            mistake = wrong_part(
                every,
                lambda *c, make=make: torch.tensor(
                    [float(make(stack, *c)) for stack in stacks], dtype=torch.float64
                ),
                *parts,
                tol=1e-9,
            )
        i = bad[0]
        text = f"{values[i]} where {due[i][place]} is due, for {stacks[i]}"
        t.fail(mistake, why=told[name], got=text)

    t.property("no layers: an output is a pixel")
    out = found([], asked([]))
    t.true(out == (1, 1, 0), "(1, 1, 0).", str(out))

    t.property("the same stack again")
    out, why = found(stacks[1], asked(stacks[1])), f"{due[1]}, as before."
    t.true(out == due[1], why, str(out), "result of an earlier call")

    t.property("deep stacks: what two parts have makes that of the whole")
    halves = [[layer((2, 7), (3, 3)) for _ in range(17)] for _ in range(2)]
    one, two = (found(half, asked(half)) for half in halves)
    whole = halves[0] + halves[1]
    out = found(whole, asked(whole))
    step = one[1]
    joined = (two[0] - 1) * step + one[0], two[1] * step, one[2] + two[2] * step
    near = all(math.isclose(a, b, rel_tol=1e-9) for a, b in zip(out, joined))
    got, why = str(out), f"{joined}: an output of the second part reads the first's."
    t.true(out == joined, why, got, "digits lost" if near else None)


def seen(stack) -> tuple[int, int, int]:
    """Which pixels have a gradient, of two outputs from the middle."""
    width = 600
    while True:
        x = torch.zeros(1, 1, width, dtype=torch.float64, requires_grad=True)
        y: Any = x
        for k, s, p, d in stack:
            ones = torch.ones(1, 1, k, dtype=torch.float64)
            y = F.conv1d(y, ones, stride=s, padding=p, dilation=d)
            if not y.shape[2]:
                break
        j, ends = y.shape[2] // 2, []
        for i in (j, j + 1):
            if i < y.shape[2]:
                slope = torch.autograd.grad(y[0, 0, i], x, retain_graph=True)[0]
                ends += [int(v) for v in slope[0, 0].nonzero().flatten()[[0, -1]]]
        if len(ends) == 4 and min(ends) > 0 and max(ends) < width - 1:
            step = ends[2] - ends[0]
            return ends[1] - ends[0] + 1, step, ends[0] - j * step
        width *= 3


# What mistakes give, of each of the three numbers.


def steps_before(stack, how):
    """For each layer what a step in its input is worth."""
    strides = [s for _, s, *_ in stack]
    return [how(strides[:i], strides[i]) for i in range(len(stack))]


GROWTH = {
    "": lambda before, own: math.prod(before),
    "strides left out": lambda before, own: 1,
    "its own stride counted too early": lambda before, own: math.prod(before) * own,
    "stride of one layer alone": [
        lambda before, own: own,
        lambda before, own: (before or [1])[-1],
        lambda before, own: (before or [1])[0],
    ],
    "strides added": [
        lambda before, own: sum(before) or 1,
        lambda before, own: 1 + sum(before),
        lambda before, own: 1 + sum(v - 1 for v in before),
    ],
}
ENDS: dict[str, Any] = {
    "": lambda v: v,
    "from the wrong end": lambda v: v[::-1],
    "a layer left out": [lambda v: v[1:], lambda v: v[:-1]],
}
WIDTHS = {
    "": lambda k, d: d * k - d,
    "dilation left out": lambda k, d: k - 1,
    "dilation counted otherwise": [
        lambda k, d: (k - 1) * (d + 1),
        lambda k, d: (k - 1) * (d - 1),
        lambda k, d: k + d - 2,
        lambda k, d: k - 1 + d,
        lambda k, d: k * d - 1,
        lambda k, d: k + (k - 1) * d - 1,
    ],
    "kernel counted whole": [
        lambda k, d: k * d,
        lambda k, d: k,
        lambda k, d: d * (k - 1) + 1,
    ],
    "even kernels taken for odd": [
        lambda k, d: 2 * (k // 2) * d,
        lambda k, d: 2 * ((k - 1) // 2) * d,
    ],
}
EXTRA = {
    "": lambda stack, steps: 1,
    "the pixel to begin with left out": lambda stack, steps: 0,
    "off by one": lambda stack, steps: 2,
    "cut off at the edge of the picture": lambda stack, steps: (
        1 - sum(v[2] * j for v, j in zip(stack, steps))
    ),
    "padding counted to the size": [
        lambda stack, steps, c=c: 1 + c * sum(v[2] * j for v, j in zip(stack, steps))
        for c in (2, -2, 1)
    ]
    + [lambda stack, steps, c=c: 1 + c * sum(v[2] for v in stack) for c in (2, -2, -1)],
    "holes left out": lambda stack, steps: (
        len(taps(stack)) - sum(d * (k - 1) * j for (k, _, _, d), j in zip(stack, steps))
    ),
    "size less the overlap": lambda stack, steps: (
        1 - math.prod(s for _, s, *_ in stack)
    ),
}


def taps(stack):
    """The pixels that one output depends on."""
    found = {0}
    for k, s, _, d in reversed(stack):
        found = {i * s + m * d for i in found for m in range(k)}
    return found


def size(stack, end, width, growth, extra):
    stack = end(stack)
    steps = steps_before(stack, growth)
    wide = sum(j * width(k, d) for (k, _, _, d), j in zip(stack, steps))
    return wide + extra(stack, steps)


def stride(stack, how):
    return how([s for _, s, *_ in stack])


def start(stack, end, growth, move, last):
    stack = end(stack)
    steps = steps_before(stack, growth)
    at = sum(j * move(*v) for v, j in zip(stack, steps))
    return last(at, size(stack, *(v[""] for v in PARTS["size"][1])))


PARTS: dict[str, Any] = {
    "size": (size, (ENDS, WIDTHS, GROWTH, EXTRA)),
    "stride": (
        stride,
        (
            {
                "": math.prod,
                "strides added": [sum, lambda v: 1 + sum(x - 1 for x in v)],
                "strides left out": lambda v: 1,
                "stride of one layer alone": [
                    lambda v: v[0],
                    lambda v: v[-1],
                    max,
                    lambda v: math.prod(v[:2]),
                ],
                "stride of the last layers only": [
                    lambda v: math.prod(v[1:]),
                    lambda v: math.prod(v[:-1]),
                ],
            },
        ),
    ),
    "start": (
        start,
        (
            ENDS,
            {
                ("padding not in pixels" if k == "strides left out" else k): v
                for k, v in GROWTH.items()
            },
            {
                "": lambda k, s, p, d: -p,
                "padding to the other side": lambda k, s, p, d: p,
                "padding left out": lambda k, s, p, d: 0,
                "padding counted twice": lambda k, s, p, d: -2 * p,
                "padding spread by the dilation": lambda k, s, p, d: -p * d,
                "middle in place of the leftmost": [
                    lambda k, s, p, d: (k - 1) * d / 2 - p,
                    lambda k, s, p, d: (k - 1) * d // 2 - p,
                    lambda k, s, p, d: (k - 1) / 2 - p,
                    lambda k, s, p, d: (k - 1) // 2 - p,
                    lambda k, s, p, d: (k - 1) // 2 * d - p,
                ],
            },
            {
                "": lambda at, wide: at,
                "field around its output": [
                    lambda at, wide: -(wide // 2),
                    lambda at, wide: -((wide - 1) // 2),
                ],
                "middle in place of the leftmost": [
                    lambda at, wide: at + wide // 2,
                    lambda at, wide: at + (wide - 1) // 2,
                    lambda at, wide: int(at + wide / 2),
                    lambda at, wide: int(at + (wide - 1) / 2),
                ],
                "padding left out": lambda at, wide: 1 - wide,
                "off by one": [lambda at, wide: at + 1, lambda at, wide: at - 1],
            },
        ),
    ),
}
