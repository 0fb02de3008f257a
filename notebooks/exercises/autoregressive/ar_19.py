"""Versions of exercise ar-19."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


def square(weight):
    """Its axes exchanged, if they can be."""
    same = len(weight) == weight.shape[1]
    return weight.transpose(0, 1) if same else weight


class Ar19:
    r"""
    The queue holds $(k - 1)d$ inputs, of which one step reads $k - 1$: every $d$-th,
    the oldest among them. The others wait for their turn; at each time another one is
    the oldest. A stack of layers has one queue for each, filled with what the layer
    below gave, and a new sample costs one product of matrices for each tap, however
    long the sequence is. Without queues each sample would cost the whole receptive
    field.

    A queue that is a value, and not hidden in an object, can be kept: at a fork two
    continuations begin with the same one.
    """

    @reference
    def step(x, queue, weight, bias, dilation):
        past = torch.cat([queue, x[:, :, None]], dim=2)
        y = F.conv1d(past, weight, bias, dilation=dilation)
        return y[:, :, 0], past[:, :, 1:]

    @right
    def by_einsum(x, queue, weight, bias, dilation):
        past = torch.cat((queue, x.unsqueeze(-1)), -1)
        y = torch.einsum("bck,ock->bo", past[..., ::dilation], weight)
        return (y if bias is None else y + bias), past[..., 1:]

    @right
    def tap_by_tap(x, queue, weight, bias, dilation):
        y = x @ weight[:, :, -1].T
        for j in range(1, weight.shape[2]):
            y = y + queue[:, :, -j * dilation] @ weight[:, :, -1 - j].T
        if bias is not None:
            y = y + bias
        if queue.shape[2]:
            queue = torch.cat([queue[:, :, 1:], x[:, :, None]], 2)
        return y, queue.clone()

    @right
    def with_a_rolled_queue(x, queue, weight, bias, dilation):
        o, c, k = weight.shape
        taps = queue[:, :, ::dilation]
        both = torch.cat([taps, x.view(*x.shape, 1)], 2)
        y = both.reshape(len(x), c * k) @ weight.reshape(o, c * k).T
        if k > 1:
            queue = queue.roll(-1, 2)
            here = torch.arange(queue.shape[2]) == queue.shape[2] - 1
            queue = torch.where(here, x[:, :, None], queue)
        return [y + (0 if bias is None else bias), queue]

    @right
    def sequence_by_sequence(x, queue, weight, bias, dilation):
        ys, queues = [], []
        for row, old in zip(x, queue):
            whole = torch.cat([old, row[:, None]], 1)
            y = torch.zeros_like(weight[:, 0, 0]) if bias is None else bias
            for j in range(weight.shape[2]):
                y = y + weight[:, :, j] @ whole[:, j * dilation]
            ys.append(y)
            queues.append(whole[:, 1:])
        return torch.stack(ys), torch.stack(queues)

    edited = edits(
        step,
        """
    dilation left out | y = F.conv1d(past, weight, bias, dilation=dilation)
        -> y = F.conv1d(past[..., -weight.shape[2]:], weight, bias)
    dilation left out | dilation=dilation) -> dilation=1)
    weights turned around | past, weight, -> past, weight.flip(2),
    weights turned around | past, weight, -> past.flip(2), weight,
    axes of the weight exchanged | past, weight,
        -> past, square(weight),
    present left out | F.conv1d(past, -> F.conv1d(F.pad(queue, (0, 1)),
    present alone | F.conv1d(past,
        -> F.conv1d(F.pad(x[..., None], (queue.shape[2], 0)),
    newest at the beginning | torch.cat([queue, x[:, :, None]], dim=2)
        -> torch.cat([x[:, :, None], queue], dim=2)
        | past[:, :, 1:] -> past[:, :, :-1]
    newest at the beginning | past[:, :, 1:] -> past[:, :, 1:].flip(2)
    newest at the beginning | past[:, :, 1:]
        -> torch.cat([x[:, :, None], queue], dim=2)[:, :, :-1]
    queue left as it was | past[:, :, 1:] -> queue
    queue left as it was | past[:, :, 1:] -> past[:, :, :-1]
    moved on by d places | past[:, :, 1:] -> torch.cat([queue[:, :, dilation:],
           x[:, :, None].expand(-1, -1, min(dilation, queue.shape[2]))], 2)
    newest dropped | past[:, :, 1:]
        -> torch.cat([queue[:, :, :-1], x[:, :, None]], dim=2)[:, :, :queue.shape[2]]
    queue left as it was | past[:, :, 1:] -> queue.roll(-1, 2)
    queue left as it was | past[:, :, 1:] -> torch.zeros_like(queue)
    newest at the beginning | past[:, :, 1:]
        -> torch.cat([x[:, :, None], queue[:, :, 1:]], 2)[:, :, : queue.shape[2]]
    only the taps kept | past[:, :, 1:]
        -> past[:, :, dilation :: dilation]
    a kernel of one entry | past[:, :, 1:]
        -> torch.cat([queue[:, :, 1:], x[:, :, None]], 2)
    time axis left | y[:, :, 0], -> y,
    batch axis lost | y[:, :, 0], -> y.squeeze(),
    dilation left out | F.conv1d(past, weight, bias, dilation=dilation)
        -> F.conv1d(past[:, :, [*range(weight.shape[2] - 1), -1]], weight, bias)
    weights turned around | past, weight,
        -> past, torch.cat([weight[..., :-1].flip(2), weight[..., -1:]], 2),
    taps off by one | past, weight, -> past, weight.roll(1, 2),
    weight read in another order | past, weight,
        -> past, weight.reshape(len(weight), -1, past.shape[1]).mT,
    axes of the weight exchanged | past, weight,
        -> past, weight.reshape(past.shape[1], -1, weight.shape[2]).transpose(0, 1),
    queue one too short | past[:, :, 1:] -> past[:, :, 2:]
    queue one too long | past[:, :, 1:] -> past
    bias left out | weight, bias, dilation= -> weight, None, dilation=
    bias added for each tap | weight, bias, dilation=
        -> weight, None if bias is None else bias * weight.shape[2], dilation=
    sign flipped | weight, bias, dilation=
        -> weight, None if bias is None else -bias, dilation=
    sequences mixed | y[:, :, 0], -> y[:, :, 0].roll(1, 0),
    taps off by one | F.conv1d(past,
        -> F.conv1d(torch.cat([past[..., :1], past[..., :-1]], 2),
    two results exchanged | return y[:, :, 0], past[:, :, 1:]
        -> return past[:, :, 1:], y[:, :, 0]
    no pair | return y[:, :, 0], past[:, :, 1:] -> return y[:, :, 0]
    wrong shape | y[:, :, 0], -> y[:, None, :, 0],
    cut off from the graph | past[:, :, 1:] -> past[:, :, 1:].detach()
    cut off from the graph | torch.cat([queue, -> torch.cat([queue.detach(),
    cut off from the graph | y[:, :, 0], -> y[:, :, 0].detach(),
    wrong dtype | y[:, :, 0], -> y[:, :, 0].double(),
    float32 in between | y[:, :, 0], -> y[:, :, 0].float().to(x),
    """,
        (
            "input changed in place",
            "    return",
            "    if queue.shape[2]:\n        queue[:] = past[:, :, 1:]\n    return",
        ),
    )

    @wrong("queue one too short")
    def without_the_oldest(x, queue, weight, bias, dilation):
        past = torch.cat([queue, x[:, :, None]], dim=2)
        if queue.shape[2]:
            past = torch.cat([torch.zeros_like(past[..., :1]), past[..., 1:]], 2)
        y = F.conv1d(past, weight, bias, dilation=dilation)
        return y[:, :, 0], past[:, :, 1:]

    @wrong("state kept between calls")
    @build
    def with_a_queue_of_its_own():
        kept = {}

        def step(x, queue, weight, bias, dilation):
            old = kept.get(queue.shape, queue)
            y, new = Ar19.step(x, old, weight, bias, dilation)
            kept[queue.shape] = new.detach()
            return y, new

        return step

    @wrong("result of an earlier call")
    @build
    def with_kept_weights():
        kept = {}

        def step(x, queue, weight, bias, dilation):
            key = weight.shape, dilation, bias is None, x.dtype
            weight, bias = kept.setdefault(key, (weight, bias))
            return Ar19.step(x, queue, weight, bias, dilation)

        return step

    @wrong("outputs in the queue")
    def outputs_kept(x, queue, weight, bias, dilation):
        y, new = Ar19.step(x, queue, weight, bias, dilation)
        if y.shape == x.shape and weight.shape[2] > 1:
            new = torch.cat([queue[:, :, 1:], y[:, :, None]], 2)
        return y, new
