"""Exercise ar-18: How far back a stack hears."""

import itertools
import math
from typing import Any

from .._exercise import Exercise


@Exercise(
    id="ar-18",
    title="How far back a stack hears",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Say what a stack of dilated causal convolutions can remember.",),
    statement=r"""
A causal convolution along time with kernel size $k$ and dilation $d$ makes its output
at time $t$ of its inputs at $t, t - d, t - 2d, \dots, t - (k - 1)d$. In a stack each
layer reads the output of the one before it, and the first one the signal. The
*receptive field* of the stack is the number of time steps from the earliest value of
the signal that has a part in the last layer's output at $t$ up to $t$ itself, both
counted, and all steps in between, heard or not.

Three answers are due.

- `receptive_field(kernels, dilations)`: two lists (or tuples) of the same length, one
  number for each layer from the first to the last, whole numbers of 1 or more, as
  large as you like; the result is exact, a Python int. Without layers it is 1. The
  lists stay as they are, and nothing is kept from call to call.
- `milliseconds`: The example in WaveNet's paper
  ([van den Oord et al., 2016](https://arxiv.org/abs/1609.03499)) is a stack with kernel
  size 2 and the dilations 1, 2, 4, ..., 512, which are run through three times: 30
  layers. How long is its receptive field in sound with 16,000 values a second, in
  milliseconds, if each of these values lasts 1/16 of one? To six digits.
- `layers`: the least number of layers with kernel size 5 and the dilations 1, 2, 4, 8,
  ..., doubled from each to the next without an end, whose receptive field is at least
  36,000 time steps.
""",
    stub='''
def receptive_field(kernels, dilations):
    """Kernel sizes and dilations of the layers -> time steps, an int."""
    return ...


milliseconds = ...
layers = ...
''',
    answers={"receptive_field": callable, "milliseconds": float, "layers": float},
    hints=(
        "One layer: with kernel size 2 and dilation 4 it hears the steps t and t - 4. "
        "From the one to the other it is five steps.",
        "The second layer's earliest input is itself an output of the first layer. How "
        "far back does that hear?",
        "Count gaps, not points: each layer adds the gaps of its own.",
    ),
    misconceptions={
        "off by one": "Both ends are counted: from t - 4 to t it is five steps, and "
        "without layers there is t alone.",
        "product in place of the sum": "The layers' reaches add up.",
        "kernel size in place of one less": "A kernel of k entries has k - 1 gaps.",
        "the present counted in each layer": "The present is counted once, not for "
        "each layer.",
        "dilations left out": "Each gap of the kernel is as wide as the dilation.",
        "dilations multiplied from layer to layer": "A dilation is counted in steps of "
        "the signal, whatever the layers below have: nothing is thinned out.",
        "dilations of another layer": "Each kernel has the dilation of its own layer.",
        "kernel of another layer": "Each layer has a kernel size of its own.",
        "kernels and dilations exchanged": "The kernel sizes come first.",
        "dilations off by one": "A dilation is the distance of two entries, not the "
        "number of holes between them.",
        "both sides heard": "A causal layer reads what comes before, nothing after.",
        "equal layers counted once": "Layers that are alike count each for itself.",
        "state kept between calls": "The same call gives something else than before.",
        "a layer left out": "All layers count, the first and the last.",
        "one layer alone": "All layers count.",
        "values that are heard": "All steps from the earliest on count, also those in "
        "gaps.",
        "inexact for large numbers": "A float has 53 bits; Python's int has no end.",
        "cut off at a fixed length": "What was measured ends somewhere; a receptive "
        "field may be longer than any signal.",
        "no int": "A Python int is due.",
        "lists changed": "The lists belong to the caller.",
        "run through once": "The ten dilations are run through three times.",
        "run through again from 1": "Here they are doubled without an end.",
        "dilations doubled on": "After 512 comes 1 again.",
        "first dilation taken as 2": "The first layer has the dilation 1.",
        "another rate": "The sound has 16,000 values a second.",
        "samples in place of a number of layers": "The number of layers is due.",
        "samples in place of milliseconds": "There are 16 values in a millisecond.",
        "seconds in place of milliseconds": "A thousand of them make a second.",
        "not a whole number": "A number of layers has no fraction.",
        "another number of dilations": "From 1 to 512 there are ten.",
        "more layers than needed": "One layer fewer is enough, too.",
        "one layer too few": "The receptive field is still too short.",
    },
)
def ar_18(t, receptive_field, milliseconds, layers):
    def due(kernels, dilations):
        back = {0}
        for k, d in zip(kernels, dilations):
            back = {min(back), max(back)}
            back = {b + j * d for b in back for j in {0, k - 1}}
        return max(back) + 1

    def ideas(ks, ds):
        n, pairs = len(ks), list(zip(ks, ds))
        whole, once = due(ks, ds), {*pairs}
        alike = [once, dict(pairs).items(), [(ks[0], d) for d in {*ds}]]
        products = [math.prod(ds[: i + 1]) for i in range(n)]
        before = [math.prod(ds[:i]) for i in range(n)]
        sums = list(itertools.accumulate(ds))
        back = {0}
        if sum(ks) < 60:
            for k, d in pairs:
                back = {b + j * d for b in back for j in range(k)}
        return {
            "off by one": [whole - 1, whole + 1],
            "product in place of the sum": [
                math.prod(f(k, d) for k, d in pairs) + c
                for c in (0, 1)
                for f in (
                    lambda k, d: (k - 1) * d + 1,
                    lambda k, d: k * d,
                    lambda k, d: (k - 1) * d,
                    lambda k, d: k,
                )
            ]
            + [(sum(ks) - n) * sum(ds) + c for c in (0, 1)],
            "equal layers counted once": [due(*zip(*v)) for v in alike]
            if len(once) < n
            else [],
            "kernels and dilations exchanged": [due(ds, ks)],
            "dilations off by one": [due(ks, [d + c for d in ds]) for c in (1, -1)],
            "both sides heard": [2 * whole - 1, 2 * whole],
            "kernel size in place of one less": [
                *(sum(k * d for k, d in pairs) + c for c in (0, 1)),
                sum(k * d for k, d in pairs) - n + 1,
            ],
            "the present counted in each layer": [whole - 1 + n, whole + n],
            "dilations left out": [sum(ks) - n + c for c in (0, 1)] + [sum(ks)],
            "dilations multiplied from layer to layer": [
                *(due(ks, v) for v in (products, before, sums)),
                *(due(ks, v) - 1 for v in (products, before, sums)),
            ],
            "dilations of another layer": [
                *(due(ks, v) for v in ([*ds[1:], ds[0]], [ds[-1], *ds[:-1]])),
                *(due(ks, v) for v in (ds[::-1], [max(ds)] * n, [ds[0]] * n)),
                *(due(ks, v) for v in ([1, *ds[:-1]], [2**i for i in range(n)])),
            ],
            "kernel of another layer": [
                due([k] * n, ds) for k in (ks[0], ks[-1], max(ks), min(ks), 2, 3)
            ],
            "a layer left out": [
                *(due(ks[1:], ds[1:]), due(ks[:-1], ds[:-1])),
                *(due(ks[1:], ds[1:]) - 1, due(ks[:-1], ds[:-1]) - 1),
            ],
            "one layer alone": [
                *(due([k], [d]) for k, d in (pairs[-1], pairs[0])),
                max(due([k], [d]) for k, d in pairs),
            ],
            "values that are heard": [len(back)],
        }

    big = "inexact for large numbers"

    def judged(name, ks, ds, told=None, kind: Any = list, before=None):
        t.property(name)
        args = kind(ks), kind(ds)
        out = t.call(receptive_field, *args)
        same = list(args[0]) == ks and list(args[1]) == ds
        t.true(same, "The lists as they were.", "They changed.", "lists changed")
        right = due(ks, ds)
        if type(out) is not int:
            got = f"an object of type {type(out).__name__}"
            near = out == right or told is None
            t.fail("no int" if near else told, why="A Python int.", got=got)
        if out == right:
            return
        found = ideas(ks, ds) if ks and told is None else {}
        found = {"result of an earlier call": [before], **found}
        fits = (k for k, v in found.items() if out in v and right not in v)
        name = told or next(fits, None)
        if told == big and out < 10**6:
            name = "cut off at a fixed length"
        t.fail(name, why=f"{right} for {args[0]}, {args[1]}.", got=str(out))

    def stack(n):
        """No two layers are alike, and no two mistakes give the same."""
        while True:
            ks = t.integers(n, low=2, high=7).tolist()
            ds = t.integers(n, low=2, high=200).tolist()
            found = ideas(ks, ds)
            every = [v for values in found.values() for v in {*values}]
            once = len({*every, due(ks, ds)}) == len(every) + 1
            if len({*ks}) == len({*ds}) == n and (once or n < 3):
                return ks, ds

    ks, ds = stack(4)
    judged("layers of all kinds", ks, ds)
    judged("the same call again", ks, ds, "state kept between calls")
    more, field = stack(4), due(ks, ds)
    for args in ((ks, more[1]), (more[0], ds)):
        judged("one argument changed", *args, before=field)
    judged("layers of all kinds", *stack(4))
    judged("two layers", *stack(2))
    judged("tuples", *stack(3), kind=tuple)
    judged("no layer", [], [], "off by one")
    for k, d in ((1, 1), (1, 9), (2, 1), (3, 7), (2, 40)):
        judged("one layer", [k], [d])
    judged("doubled dilations, run through twice", [3] * 10, [1, 2, 4, 8, 16] * 2)
    judged("equal layers", [2] * 5, [3] * 5)
    judged("kernels of one entry", [1, 4, 1, 1], [5, 3, 8, 2])
    judged("layers that leave gaps", [2, 3, 2], [7, 30, 100])
    for a in (2**53, 10**18, 3**80):
        judged("large numbers", [2, 3, a + 2], [a + 1, 2 * a + 1, 1], big)

    ds = [2**i for i in range(10)] * 3
    field = due([2] * 30, ds)
    found = {
        "off by one": [(field + c) / 16 for c in (-1, 1)],
        "kernel size in place of one less": [2 * sum(ds) / 16],
        "run through once": [(1023 + c) / 16 for c in (0, 1)],
        "the present counted in each layer": [3 * 1024 / 16, (field + 29) / 16],
        "dilations doubled on": [(2**30 - c) / 16 for c in (0, 1)],
        "product in place of the sum": [1024**3 / 16],
        "dilations left out": [31 / 16, 30 / 16, 60 / 16],
        "first dilation taken as 2": [(2 * sum(ds) + 1) / 16],
        "one layer alone": [513 / 16, 512 / 16],
        "samples in place of milliseconds": [field, field - 1],
        "seconds in place of milliseconds": [field / 16000],
        "another rate": [field / v for v in (22.05, 44.1, 24, 8, 48, 1 / 16)],
        "another number of dilations": [
            (3 * c + 1) / 16 for c in (511, 2047, 1022, 1024)
        ],
    }
    why = "The receptive field of 30 layers, of which each value lasts 1/16 ms."
    t.number("milliseconds", milliseconds, field / 16, why, found, tol=1e-5)

    sizes = [due([5] * n, [2**i for i in range(n)]) for n in range(40)]
    n = next(i for i, v in enumerate(sizes) if v >= 36_000)
    whole = float(t.tensor(layers).detach())
    why = "The least number whose receptive field is long enough."
    t.property("layers, a whole number")
    got = f"{whole:.6g}"
    t.true(
        not math.isfinite(whole) or whole == int(whole), why, got, "not a whole number"
    )
    found = {
        "dilations left out": [8999, 9000, 7200],
        "kernel of another layer": [16, 17],
        "product in place of the sum": [4, 5, 7],
        "run through again from 1": [88, 89, 90],
        "samples in place of a number of layers": [sizes[n], 2**n, 2 ** (n - 1)],
        "one layer too few": [n - 1],
        "more layers than needed": [n + 1],
    }
    t.number("layers", whole, n, why, found, tol=1e-3)
