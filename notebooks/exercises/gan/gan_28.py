"""Versions of exercise gan-28."""

import math
from itertools import accumulate

import torch

from .. import build, edits, reference, right, wrong


class Gan28:
    r"""
    Output $i$ of a layer reads the places $i\,s - p + m\,d$ of its input, with
    $m = 0, \dots, k - 1$. A step in the input of a layer is worth as many pixels as the
    strides before it multiply to, `step` below: the taps of this layer widen the field
    by $(k - 1)\,d$ such steps, and its padding moves the beginning by $p$ of them.

    The two classic mistakes both come from that one word *before*: `step` is multiplied
    after it was used, and never from the back. For the critic of pix2pix, with the
    steps 1, 2, 4, 8, 8, the size is $1 + 3 \cdot (1 + 2 + 4 + 8 + 8) = 70$, and the
    field of output 0 begins at $-23$: of its 70 pixels only 47 are in the picture. In a
    picture of 256 there are 30 outputs a side, of which 24 see nothing but picture. A
    mean over all patches counts the pixels in the middle more often than those at an
    edge.

    A field is what an output *can* depend on. Of how much each pixel counts it says
    nothing: with weights drawn at random, most of the gradient is near the middle of
    the field, the more so the deeper the stack is
    ([Luo et al., 2016](https://arxiv.org/abs/1701.04128)).
    """

    @reference
    def receptive_field(layers):
        size, step, start = 1, 1, 0
        for kernel, stride, padding, dilation in layers:
            size += step * dilation * (kernel - 1)
            start -= step * padding
            step *= stride
        return size, step, start

    @right
    def from_the_back(layers):
        # Which pixels the outputs 0 and 1 need, layer by layer toward the picture.
        first, last, other = 0, 0, 1
        for k, s, p, d in reversed(layers):
            first, last, other = (
                first * s - p,
                last * s - p + (k - 1) * d,
                other * s - p,
            )
        return last - first + 1, other - first, first

    @right
    def by_size_and_overlap(layers):
        size = 1
        for k, s, _, d in layers[::-1]:
            size = (size - 1) * s + 1 + d * (k - 1)
        jumps = [1, *accumulate((v[1] for v in layers), lambda a, b: a * b)]
        begin = 0
        for (_, _, p, _), jump in zip(layers, jumps):
            begin = begin - jump * p
        return size, math.prod(v[1] for v in layers), begin

    @right
    def by_recursion(layers):
        if not layers:
            return 1, 1, 0
        (k, s, p, d), *rest = layers
        size, step, start = Gan28.by_recursion(rest)
        return (size - 1) * s + (k - 1) * d + 1, step * s, start * s - p

    @right
    def as_a_list_from_tensors(layers):
        size, start = torch.tensor(1), torch.tensor(0)
        step = torch.tensor(1)
        for k, s, p, d in layers:
            size = size + (k - 1) * d * step
            start = start - p * step
            step = step * s
        return [int(size), int(step), int(start)]

    edited = edits(
        receptive_field,
        """
    strides left out | size += step * dilation -> size += dilation
    its own stride counted too early | step *= stride ->
        | size += step -> step *= stride; size += step
    its own stride counted too early | size += step -> size += step * stride
    stride of one layer alone | size += step -> size += stride
    from the wrong end | in layers -> in layers[::-1]
    from the wrong end | in layers -> in reversed(layers)
    dilation left out | step * dilation * (kernel - 1) -> step * (kernel - 1)
    dilation counted otherwise
        | dilation * (kernel - 1) -> (dilation + 1) * (kernel - 1)
    dilation counted otherwise | dilation * (kernel - 1) -> (dilation * kernel - 1)
    dilation counted otherwise | dilation * (kernel - 1) -> (kernel + dilation - 2)
    dilation counted otherwise | dilation * (kernel - 1) -> (kernel - 1 + dilation)
    kernel counted whole | (kernel - 1) -> kernel
    kernel counted whole | dilation * (kernel - 1) -> (dilation * (kernel - 1) + 1)
    even kernels taken for odd | (kernel - 1) -> (kernel // 2 * 2)
    even kernels taken for odd | (kernel - 1) -> ((kernel - 1) // 2 * 2)
    the pixel to begin with left out | size, step, start = 1 -> size, step, start = 0
    padding counted to the size | dilation * (kernel - 1)
        -> (dilation * (kernel - 1) + 2 * padding)
    padding counted to the size | dilation * (kernel - 1)
        -> (dilation * (kernel - 1) - 2 * padding)
    cut off at the edge of the picture | return size -> return size + start
    size less the overlap | return size -> return size - step
    strides added | step *= stride -> step += stride
    strides added | step *= stride -> step += stride - 1
    stride of one layer alone | step *= stride -> step = stride
    stride of one layer alone | return size, step, start
        -> return size, layers[-1][1] if layers else 1, start
    stride of the last layers only | return size, step, start
        -> return size, step // (layers or [(1, 1)])[0][1], start
    a layer left out | in layers -> in layers[1:]
    a layer left out | in layers -> in layers[:-1]
    off by one | size, step, start = 1, 1, 0 -> size, step, start = 2, 1, 0
    off by one | size, step, start = 1, 1, 0 -> size, step, start = 1, 1, 1
    off by one | return size, step, start -> return size, step, start - 1
    padding to the other side | start -= -> start +=
    padding left out | start -= step * padding -> pass
    padding left out | return size, step, start -> return size, step, 1 - size
    padding not in pixels | step * padding -> padding
    its own stride counted too early | step * padding -> step * stride * padding
    padding counted twice | step * padding -> 2 * step * padding
    padding spread by the dilation | step * padding -> step * padding * dilation
    middle in place of the leftmost
        | step * padding -> step * (padding - (kernel - 1) // 2)
    middle in place of the leftmost
        | step * padding -> step * (padding - dilation * (kernel - 1) // 2)
    middle in place of the leftmost
        | return size, step, start -> return size, step, start + (size - 1) // 2
    field around its output
        | return size, step, start -> return size, step, -(size // 2)
    field around its output
        | return size, step, start -> return size, step, -((size - 1) // 2)
    padding left out | return size, step, start -> return size, step, max(start, 0)
    results in another order | return size, step, start -> return size, start, step
    results in another order | return size, step, start -> return step, size, start
    not whole numbers | return size, step, start
        -> return float(size), float(step), float(start)
    not whole numbers | step * padding -> step * (padding - 0.0)
    digits lost | step *= stride -> step = int(float(step) * stride)
        | size += step * dilation * (kernel - 1)
        -> size = int(size + 1.0 * step * dilation * (kernel - 1))
    digits lost | return size, step, start
        -> return int(float(size)), int(float(step)), int(float(start))
    input changed in place
        | size, step, start = 1
        -> layers.reverse(); layers = layers[::-1]; size, step, start = 1
    input changed in place | step *= stride -> step *= stride; layers[0] = (1, 1, 0, 1)
    """,
    )

    @wrong("holes left out")
    def by_sets(layers):
        found = {0}
        for k, s, p, d in layers[::-1]:
            found = {i * s - p + m * d for i in found for m in range(k)}
        return len(found), Gan28.receptive_field(layers)[1], min(found)

    @wrong("middle in place of the leftmost")
    def by_centers(layers):
        size, step, center = 1, 1, 0.5
        for k, s, p, d in layers:
            size += (k - 1) * d * step
            center += ((k - 1) / 2 * d - p) * step
            step *= s
        return size, step, int(center)

    @wrong("result of an earlier call")
    @build
    def kept_for_the_number_of_layers():
        memory = {}

        def receptive_field(layers):
            value = Gan28.receptive_field(layers)
            return memory.setdefault(len(layers), value)

        return receptive_field

    @wrong("result of an earlier call")
    @build
    def counted_on():
        state = [1, 1, 0]

        def receptive_field(layers):
            for k, s, p, d in layers:
                state[0] += state[1] * d * (k - 1)
                state[2] -= state[1] * p
                state[1] *= s
            return tuple(state)

        return receptive_field
