"""Exercise ar-19: One sample at a time."""

from typing import Any

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="ar-19",
    title="One sample at a time",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Run a dilated causal convolution sample by sample, with a queue of what it "
        "still needs.",
    ),
    statement=r"""
Over a whole sequence `x`, `(b, c, t)`, a causal convolution with kernel size $k$ and
dilation $d$ is

    F.conv1d(F.pad(x, ((k - 1) * d, 0)), weight, bias, dilation=d)

with `weight` `(o, c, k)` and `bias` `(o,)`: zeros stand before the beginning. Who
generates has one sample at a time, and computes nothing twice
([Le Paine et al., 2016](https://arxiv.org/abs/1611.09482)): the inputs that later
outputs still need wait in a queue.

Write `step(x, queue, weight, bias, dilation)`. `x`, `(b, c)`, is the input at this
time, and `queue`, `(b, c, (k - 1) * dilation)`, holds those of the times before it, the
oldest first and the one right before `x` last; at the beginning it is full of zeros,
made by the caller. Return the pair `(y, queue)`: the output at this time, `(b, o)`, and
the queue for the next step, of the same shape and order. So if `step` is called for one
time after the other, with the queue that it gave before, the outputs are those of the
whole sequence.

`bias` may be None. All tensors are float32 or all float64 (then to ten digits), and so
are the results. Kernel size, dilation, channels and batch are any, 1 or more; with
$k = 1$ the queue has the length 0. The function keeps nothing between calls and changes
nothing that it was given: a queue may be used again, to try several continuations.
Gradients flow to `x`, `queue`, `weight` and `bias`, through `y` and through the queue.
""",
    stub='''
def step(x, queue, weight, bias, dilation):
    """(b, c), (b, c, (k-1)d), (o, c, k), (o,) or None -> (b, o), queue."""
    return ..., ...
''',
    answers={"step": callable},
    hints=(
        "Put `x` at the end of the queue: these are (k - 1)d + 1 inputs. Which of them "
        "does the output need?",
        "Which entry of `weight` belongs to the present? Look at the padding: it is on "
        "the left alone.",
        "The next step needs as many inputs as this one did: one goes in, one goes "
        "out, at which end?",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (y, queue).",
        "two results exchanged": "The pair is (y, queue).",
        "queue one too short": "The oldest input in the queue is needed, (k - 1)d "
        "steps back; what is left for the next step is as long again.",
        "queue one too long": "One goes in, and one goes out.",
        "time axis left": "An output is due for each sequence, (b, o).",
        "only the taps kept": "The entries in between are needed by later steps.",
        "a kernel of one entry": "With k = 1 nothing waits: the queue stays empty.",
        "queue left as it was": "The present input is one of those that later steps "
        "need.",
        "newest at the beginning": "The oldest comes first, the newest last.",
        "moved on by d places": "A step is one time step, whatever the dilation is: "
        "one goes in, and one goes out.",
        "newest dropped": "The oldest one goes out.",
        "outputs in the queue": "The inputs are kept.",
        "dilation left out": "The inputs that count lie d steps apart.",
        "taps off by one": "The last entry of the kernel belongs to the present, the "
        "others to d, 2d, ... steps before it.",
        "weight read in another order": "The axes of weight are (out, in, k): channels "
        "first, then taps, also where both are flattened.",
        "weights turned around": "The last entry of the kernel belongs to the present.",
        "present left out": "The output depends on x, too.",
        "present alone": "The output depends on what waits in the queue.",
        "axes of the weight exchanged": "weight is (out, in, k).",
        "bias left out": "The bias is added.",
        "bias added for each tap": "The bias is added once.",
        "state kept between calls": "All that is known of the past is in the queue "
        "that was given.",
        "sequences mixed": "Each sequence of the batch is one by itself.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def ar_19(t, step):
    def made(b, c, o, k, d, kind=torch.float32, bias=True):
        w = t.away(o, c, k, low=0.3, high=1.5).to(kind)
        v = t.away(o, low=0.3, high=1.2).to(kind) if bias else None
        x, queue = t.normal(b, c).to(kind), t.normal(b, c, (k - 1) * d).to(kind)
        return x, queue, w, v, d

    def due(x, queue, w, bias, d):
        past = torch.cat([queue, x[..., None]], -1).double()
        n, k = past.shape[-1], w.shape[-1]
        places = [n - 1 - j * d for j in range(k)]
        y = sum(past[..., p] @ w[..., -1 - j].double().T for j, p in enumerate(places))
        y = y if bias is None else y + bias.double()
        return y, past[..., 1:]

    def rivals(x, queue, w, bias, d):
        past = torch.cat([queue, x[..., None]], -1).double()
        n, k, w = past.shape[-1], w.shape[-1], w.double()
        zero, new = torch.zeros_like(past[..., :1]), past[..., -1:]
        bias = torch.zeros(len(w)).double() if bias is None else bias.double()
        last = [n - 1 - j * d for j in reversed(range(k))]
        taps = {
            "": [last],
            "dilation left out": [
                *(list(range(n - k, n)), list(range(k))),
                [*range(k - 1), n - 1],
            ],
            "taps off by one": [
                [max(p - 1, 0) for p in last],
                [max(p - 1, 0) for p in last[:-1]] + last[-1:],
                [p + 1 for p in last[:-1]] + last[-1:],
                [p + d - 1 for p in last[:-1]] + last[-1:],
            ],
        }
        inputs = {
            "": past,
            "present left out": torch.cat([queue.double(), zero], -1),
            "present alone": torch.cat([0 * queue.double(), new], -1),
            "newest at the beginning": [
                torch.cat([new, queue.double()], -1),
                torch.cat([queue.double().flip(-1), new], -1),
            ],
            "queue one too short": torch.cat([zero, past[..., 1:]], -1),
            "sequences mixed": [past.roll(1, 0), past.mean(0, keepdim=True) + 0 * past],
        }
        o, c, _ = w.shape
        weights = {
            "": w,
            "weights turned around": [
                *(w.flip(-1), torch.cat([w[..., :-1].flip(-1), w[..., -1:]], -1)),
            ],
            "taps off by one": [w.roll(1, -1), w.roll(-1, -1)],
            "weight read in another order": [
                w.reshape(o, k, c).transpose(1, 2),
                w.reshape(k, o, c).permute(1, 2, 0),
                w.reshape(k, c, o).permute(2, 1, 0),
            ],
            "axes of the weight exchanged": w.reshape(c, o, k).transpose(0, 1),
        }
        ends = {
            "": bias,
            "bias left out": 0 * bias,
            "bias added for each tap": bias * k,
            "sign flipped": -bias,
        }

        def value(at, x, w, v):
            return torch.einsum("bck,ock->bo", x[..., at], w) + v

        yield from mistakes(value, taps, inputs, weights, ends)

    def queues(x, queue, y, d):
        past = torch.cat([queue, x[..., None]], -1).double()
        zero = torch.zeros_like(past[..., :1])
        left = [queue, queue.roll(-1, -1), queue.roll(1, -1), 0 * queue]
        yield "queue left as it was", [*left, torch.cat([past[..., 1:-1], zero], -1)]
        yield (
            "newest at the beginning",
            [
                torch.cat([x[..., None], queue[..., :-1]], -1),
                past[..., 1:].flip(-1),
                torch.cat([x[..., None], queue[..., 1:]], -1),
            ],
        )
        yield "newest dropped", torch.cat([queue[..., :-1], x[..., None]], -1)
        if d <= queue.shape[-1]:
            more = x[..., None].expand(-1, -1, d)
            yield "moved on by d places", torch.cat([queue[..., d:], more], -1)
        yield "queue one too short", torch.cat([zero, past[..., 2:]], -1)
        if y.shape == x.shape:
            both = past[..., 2:], past[..., 1:-1]
            found = [torch.cat([v, y[..., None]], -1) for v in both]
            yield "outputs in the queue", found

    def called(args):
        out, (b, c), size = t.call(step, *args), args[0].shape, args[1].shape[-1]
        pair = isinstance(out, tuple | list) and len(out) == 2
        got = f"an object of type {type(out).__name__}"
        t.true(pair, "Two tensors, (y, queue).", got, "no pair")
        y, queue = out
        shapes = [tuple(t.tensor(v).shape) for v in out]
        right = [(b, len(args[2])), (b, c, size)]
        swapped = right != shapes and shapes == right[::-1]
        t.true(not swapped, "(y, queue).", f"{shapes}", "two results exchanged")
        lost = {"batch axis lost": [v[1:] for v in right if b == 1]}
        ideas = {"time axis left": (*right[0], 1), **lost}
        t.shape(y, right[0], "an output for each sequence.", ideas=ideas)
        ideas = {
            "a kernel of one entry": [(b, c, 1)] if not size else [],
            "queue one too short": (b, c, size - 1),
            "queue one too long": (b, c, size + 1),
            "only the taps kept": [(b, c, args[2].shape[2] - k) for k in (0, 1)],
            **lost,
        }
        t.shape(queue, right[1], "as the queue before.", ideas=ideas)
        for v in out:
            t.dtype(v, args[0].dtype, "that of the arguments.")
        return y, queue

    def judged(name, args, tol=1e-5, told=None):
        t.property(name)
        (y, queue), (right, after) = called(args), due(*args)
        t.property(name, of=y)
        if told == single and far(t.tensor(y).detach(), right, 1e-4).any():
            told = None
        ideas = None if told else rivals(*args)
        t.close(y, right, "The output at this time.", told, ideas, tol)
        t.property("the queue for the next step", of=queue)
        ideas = queues(args[0], args[1], right, args[4])
        t.close(queue, after, "The inputs, oldest first.", ideas=ideas, tol=tol)
        return y, queue

    single, first = "float32 in between", made(2, 3, 4, 3, 4)
    judged("one step with any queue", first)
    t.property("another queue of the same shape, and the same one again")
    args = made(2, 3, 4, 3, 4)
    for x in (args[0], t.normal(2, 3), args[0]):
        again = x, *args[1:]
        y, _ = called(again)
        ideas = {
            "result of an earlier call": [
                due(*again[:2], *first[2:])[0],
                due(*first)[0],
            ]
        }
        told = "state kept between calls"
        t.close(y, due(*again)[0], "What the queue says.", told, ideas)
    for b, c, o, k, d in (
        *((1, 2, 2, 2, 5), (3, 1, 1, 2, 1), (2, 3, 3, 4, 2), (4, 2, 5, 5, 1)),
        *((2, 1, 3, 3, 9), (1, 1, 1, 2, 1), (5, 4, 2, 2, 64)),
    ):
        judged("other sizes", made(b, c, o, k, d))
    for k, d in ((1, 1), (1, 7)):
        judged(
            "kernels of one entry", made(2, 3, 4, k, d), told="a kernel of one entry"
        )
    judged("no bias", made(2, 3, 4, 3, 2, bias=False))

    def whole(name, b, c, o, k, d, n, kind=torch.float32):
        """From zeros, against what the sums over the whole sequence give."""
        t.property(name)
        _, queue, w, bias, _ = made(b, c, o, k, d, kind)
        x, queue = t.normal(b, c, n).to(kind), 0 * queue
        past = torch.cat([queue, x], -1)
        for i in range(n):
            args = x[..., i], queue, w, bias, d
            y, queue = called(args)
            right = due(x[..., i], past[..., i : i + (k - 1) * d], w, bias, d)[0]
            t.close(y, right, f"The output at time {i} of the whole sequence.")

    whole("a whole sequence, step by step", 2, 3, 3, 3, 2, 12)
    whole("a sequence shorter than the queue", 1, 2, 2, 2, 8, 5)
    t.property("two sequences in turn")
    first, second = (made(2, 2, 2, 2, 3) for _ in "12")
    runs = [list(v) for v in (first, second)]
    past = [v[1] for v in runs]
    for _ in range(5):
        for j, args in enumerate(runs):
            args[0] = t.normal(2, 2)
            y, args[1] = called(args)
            right, past[j] = due(args[0], past[j], *args[2:])
            t.close(y, right, "Each has its own queue.", "state kept between calls")

    t.property("gradients to all tensors, through both results")
    args: Any = made(2, 3, 4, 3, 2)
    leaves = [v.requires_grad_() for v in args[:4]]
    both: Any = called(args)
    rights: Any = due(*args)
    for part, right in zip(both, rights):
        share = t.uniform(*right.shape, low=0.5, high=2)
        for v in leaves:
            slope = t.grad(right, v, share.double())
            told = "The derivative of the same result.", "cut off from the graph"
            t.close(t.grad(part, v, share), slope, *told, tol=1e-4)
    judged("float64", made(2, 3, 4, 3, 4, torch.float64), 1e-10, single)
