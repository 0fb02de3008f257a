"""Versions of exercise ar-18."""

import functools

import torch
from torch.nn import functional as F

from .. import build, cases, edits, reference, right, wrong


class Ar18:
    r"""
    Each layer adds its gaps, $(k - 1)d$, and the present is counted once: $1 +
    \sum_l (k_l - 1)\, d_l$. The order of the layers has no part in it.

    WaveNet's three runs give $1 + 3 \cdot 1023 = 3070$ values, or 191.875 ms: a
    syllable, not a sentence. Doubled dilations give $1 + (k - 1)(2^n - 1)$ for $n$
    layers; with $k = 5$ these are 32,765 for 13 layers and 65,533 for 14. So 14 it is,
    where undilated layers of the same kernel would have to be 9000.
    """

    @reference
    @build
    def answers():
        def receptive_field(kernels, dilations):
            return 1 + sum((k - 1) * d for k, d in zip(kernels, dilations))

        milliseconds = (1 + 3 * 1023) / 16
        layers = min(n for n in range(99) if 1 + 4 * (2**n - 1) >= 36_000)
        return receptive_field, milliseconds, layers

    @right
    @build
    def from_the_last_layer():
        def receptive_field(kernels, dilations):
            earliest = 0
            for i in range(len(kernels), 0, -1):
                earliest -= dilations[i - 1] * (kernels[i - 1] - 1)
            return abs(earliest) + 1

        return receptive_field, torch.tensor(191.875), 14

    @right
    @build
    def as_a_fold():
        def add(field, layer):
            k, d = layer
            return field + k * d - d

        def receptive_field(kernels, dilations):
            return functools.reduce(add, zip(kernels, dilations), 1)

        return receptive_field, 3070 / 16, 14.0

    @right
    @build
    def by_recursion():
        def receptive_field(kernels, dilations):
            if not kernels:
                return 1
            rest = receptive_field(kernels[1:], dilations[1:])
            return rest + (kernels[0] - 1) * dilations[0]

        return receptive_field, 191.875, torch.tensor(14)

    @right
    @build
    def by_impulses():
        def receptive_field(kernels, dilations):
            size = sum(kernels)
            if size > 100:
                return Ar18.answers()[0](kernels, dilations)
            n = sum(k * d for k, d in zip(kernels, dilations)) + 1
            x = torch.zeros(1, 1, n, dtype=torch.float64, requires_grad=True)
            y = x
            for k, d in zip(kernels, dilations):
                w = torch.ones(1, 1, k, dtype=torch.float64)
                y = F.conv1d(F.pad(y, ((k - 1) * d, 0)), w, dilation=d)
            (slope,) = torch.autograd.grad(y[0, 0, -1], x)
            return n - int(slope[0, 0].nonzero().min())

        return receptive_field, 191.875, 14

    edited = edits(
        answers,
        """
    off by one | return 1 + sum( -> return sum(
    off by one | return 1 + sum( -> return 2 + sum(
    kernel size in place of one less | (k - 1) * d for -> k * d for
    kernel size in place of one less | return 1 + sum((k - 1) * d for
        -> return sum(k * d for
    cut off at a fixed length | return 1 + sum(
        -> return 1 + min(4096, sum(
        | zip(kernels, dilations)) -> zip(kernels, dilations)))
    the present counted in each layer | return 1 + sum((k - 1) * d
        -> return sum((k - 1) * d + 1
    the present counted in each layer | (k - 1) * d for -> (k - 1) * d + 1 for
    dilations left out | (k - 1) * d for -> (k - 1) for
    product in place of the sum | return 1 + sum((k - 1) * d
        -> return math.prod((k - 1) * d + 1
    product in place of the sum | return 1 + sum((k - 1) * d -> return math.prod(k * d
    product in place of the sum | return 1 + sum((k - 1) * d
        -> return 1 + math.prod((k - 1) * d
    dilations multiplied from layer to layer | zip(kernels, dilations)
        -> zip(kernels, [math.prod(dilations[:i + 1]) for i in range(len(dilations))])
    dilations multiplied from layer to layer | zip(kernels, dilations)
        -> zip(kernels, [math.prod(dilations[:i]) for i in range(len(dilations))])
    dilations multiplied from layer to layer | zip(kernels, dilations)
        -> zip(kernels, [sum(dilations[:i + 1]) for i in range(len(dilations))])
    dilations of another layer | zip(kernels, dilations)
        -> zip(kernels, [1, *dilations])
    dilations of another layer | zip(kernels, dilations)
        -> zip(kernels, [2**i for i in range(len(kernels))])
    dilations of another layer | zip(kernels, dilations)
        -> zip(kernels, dilations[::-1])
    dilations of another layer | zip(kernels, dilations)
        -> zip(kernels, [max(dilations)] * len(kernels))
    kernel of another layer | (k - 1) * d for -> (kernels[0] - 1) * d for
    kernel of another layer | (k - 1) * d for -> d for
    a layer left out | zip(kernels, dilations) -> zip(kernels[1:], dilations[1:])
    a layer left out | zip(kernels, dilations) -> zip(kernels[:-1], dilations)
    one layer alone | return 1 + sum((k - 1) * d for k, d in zip(kernels, dilations))
        -> return 1 + (kernels[-1] - 1) * dilations[-1]
    one layer alone | return 1 + sum( -> return 1 + max(
    product in place of the sum | sum((k - 1) * d for k, d in zip(kernels, dilations))
        -> (sum(kernels) - len(kernels)) * sum(dilations)
    kernels and dilations exchanged | in zip(kernels, dilations)
        -> in zip(dilations, kernels)
    dilations off by one | (k - 1) * d for -> (k - 1) * (d + 1) for
    dilations off by one | (k - 1) * d for -> (k - 1) * (d - 1) for
    both sides heard | return 1 + sum( -> return 1 + 2 * sum(
    equal layers counted once | in zip(kernels, dilations)
        -> in set(zip(kernels, dilations))
    equal layers counted once | in zip(kernels, dilations)
        -> in dict(zip(kernels, dilations)).items()
    no int | return 1 + sum( -> return 1.0 + sum(
    """,
        (
            "inexact for large numbers",
            "return 1 + sum((k - 1) * d for k, d in zip(kernels, dilations))",
            "return 1 + int(sum(float((k - 1) * d) "
            "for k, d in zip(kernels, dilations)))",
        ),
        (
            "no int",
            "return 1 + sum((k - 1) * d for k, d in zip(kernels, dilations))",
            "return 1 + torch.tensor([float(k - 1) * d for k, d in "
            "zip(kernels, dilations)]).sum()",
        ),
        (
            "lists changed",
            "return 1 + sum(",
            "isinstance(kernels, list) and kernels.reverse(); "
            "dilations = dilations[::-1]; return 1 + sum(",
        ),
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_kernels():
        kept = {}

        def receptive_field(kernels, dilations):
            due = Ar18.answers()[0](kernels, dilations)
            return kept.setdefault(tuple(kernels), due)

        return receptive_field, 191.875, 14

    @wrong("state kept between calls")
    @build
    def going_on():
        heard = [0]

        def receptive_field(kernels, dilations):
            heard[0] += sum((k - 1) * d for k, d in zip(kernels, dilations))
            return 1 + heard[0]

        return receptive_field, 191.875, 14

    @wrong("values that are heard")
    @build
    def counted():
        def receptive_field(kernels, dilations):
            if sum(kernels) > 60:
                return Ar18.answers()[0](kernels, dilations)
            back = {0}
            for k, d in zip(kernels, dilations):
                back = {b + j * d for b in back for j in range(k)}
            return len(back)

        return receptive_field, 191.875, 14

    def numbers(milliseconds=191.875, layers=14):
        return Ar18.answers()[0], milliseconds, layers

    made = cases(
        numbers,
        ("off by one", {"milliseconds": 3069 / 16}),
        ("off by one", {"milliseconds": 3071 / 16}),
        ("run through once", {"milliseconds": 64.0}),
        ("the present counted in each layer", {"milliseconds": 192.0}),
        ("samples in place of milliseconds", {"milliseconds": 3070}),
        ("seconds in place of milliseconds", {"milliseconds": 0.191875}),
        ("dilations doubled on", {"milliseconds": 2**30 / 16}),
        ("kernel size in place of one less", {"milliseconds": 6138 / 16}),
        ("first dilation taken as 2", {"milliseconds": 6139 / 16}),
        ("dilations left out", {"milliseconds": 31 / 16}),
        ("another rate", {"milliseconds": 3070 / 44.1}),
        ("not to the digits asked for", {"milliseconds": 192.1}),
        ("another rate", {"milliseconds": 3070 * 16}),
        ("another number of dilations", {"milliseconds": 1534 / 16}),
        ("not a whole number", {"layers": 13.136}),
        ("product in place of the sum", {"layers": 7}),
        ("run through again from 1", {"layers": 90}),
        ("samples in place of a number of layers", {"layers": 8192}),
        ("one layer too few", {"layers": 13}),
        ("more layers than needed", {"layers": 15}),
        ("kernel of another layer", {"layers": 16}),
        ("dilations left out", {"layers": 9000}),
        ("samples in place of a number of layers", {"layers": 65533}),
    )
