"""Exercise flow-27: Straight lines as targets."""

import torch

from .._exercise import Exercise
from ._shared_maps import in_float32, pair


@Exercise(
    id="flow-27",
    title="Straight lines as targets",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Make the pair of a point and its velocity for another path than the "
        "chapter's, and read both ends of the path off such a pair.",
    ),
    statement=r"""
Conditional flow matching asks for pairs of a point $x_t$ on a path from an example $x$
to its noise $\varepsilon$ and of the velocity there. The chapter's path begins at $x$
itself. Here a small noise is left at the data's end, so that the path begins in a
little cloud around $x$ of the width $\sigma$
([Lipman et al., 2023](https://arxiv.org/abs/2210.02747), with time turned around):

$$
x_t = (1 - t)\, x + \bigl(\sigma + (1 - \sigma)\, t\bigr)\, \varepsilon ,
\qquad 0 \le \sigma < 1 .
$$

Write two functions. `x`, `eps`, `x_t` and `u` have the shape `(b, ...)` with any number
of axes behind the first, also none; `t` is `(b,)` with the time of each example, 0 and
1 included; `sigma` is a float.

- `target(x, eps, t, sigma)` gives the pair `(x_t, u)`, where `u` is the target of the
  regression: the derivative of $x_t$ by $t$ while $x$ and $\varepsilon$ stay.
- `ends(x_t, u, t, sigma)` goes back: it gives the pair `(x, eps)` of the straight path
  that is at `x_t` at the time `t` with the velocity `u`. So one learns what a trained
  network says of the data and of the noise. It works at every $t$, 0 and 1 included.

All tensors are float32 or all float64, and so are the results, in the shape of `x`. In
float64 they are right to $10^{-9}$ times 1 plus their size. Values may be as large as
$10^4$. Nothing is drawn here and nothing is kept. Gradients flow from all results to
all tensors that they depend on.
""",
    stub='''
def target(x, eps, t, sigma):
    """(b, ...), (b, ...), (b,), float -> the same shape twice: x_t, u."""
    return ..., ...


def ends(x_t, u, t, sigma):
    """(b, ...), (b, ...), (b,), float -> the same shape twice: x, eps."""
    return ..., ...
''',
    answers={"target": callable, "ends": callable},
    hints=(
        "`t.view(-1, *[1] * (x.dim() - 1))` has one time for each example, and axes of "
        "length one behind it.",
        "Which factor of each of the two vectors changes with $t$, and how fast?",
        "Point and velocity are two equations that are linear in $x$ and "
        "$\\varepsilon$. Solve them by hand: their determinant is 1, whatever $t$ and "
        "$\\sigma$ are, so that nothing has to be divided.",
    ),
    misconceptions={
        "no pair": "Two tensors are due.",
        "results exchanged": "Both are right, in the other order.",
        "target without 1 - sigma": "The noise's factor grows from sigma to 1: by less "
        "than 1 in the unit of time.",
        "velocity of the reverse time": "Time runs from the data to noise: this points "
        "from the noise to the data.",
        "time turned around": "At t = 0 the point is near the data, at t = 1 it is "
        "noise.",
        "sigma left out of the point": "At t = 0 the point is x and sigma times the "
        "noise.",
        "sigma added on top": "The noise's factor is 1 at t = 1: sigma shrinks as t "
        "grows.",
        "another path": "A straight line: both factors change evenly with t.",
        "time along another axis": "One time for each example, along the first axis.",
        "one time for all examples": "Each example has its own time.",
        "divided by 0 at one end": "At t = 0 or t = 1 it is not finite: neither end "
        "needs a division.",
        "ends of the path without sigma": "The way back is that of a path which begins "
        "at x itself.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def flow_27(t, target, ends):
    def draw(shape, sigma=None, kind=torch.float32, times=None, size=1.0):
        x, eps = (t.away(*shape, low=0.3, high=2).to(kind) * size / 0.7 for _ in "12")
        time = t.uniform(shape[0], low=0.1, high=0.9) if times is None else times
        time = time + torch.arange(shape[0]) / 1e3 if times is None else time
        sigma = t.integer(5, 30) / 100 if sigma is None else sigma
        return x, eps, time.to(kind), sigma

    def wide(time, x):
        return time.double().reshape(-1, *[1] * (x.dim() - 1))

    def line(x, eps, time, sigma):
        """From the cloud around x to the noise, by its two ends."""
        begin, end = x.double() + sigma * eps.double(), eps.double()
        return torch.lerp(begin, end, wide(time, x).expand_as(end)), end - begin

    def origin(x_t, u, time, sigma):
        """The path followed to its two ends, and what they are made of."""
        at = wide(time, x_t)
        begin, end = x_t.double() - at * u, x_t.double() + (1 - at) * u
        return begin - sigma * end, end

    def made(f, args, names):
        out = pair(t, t.call(f, *args), names)
        for part in out:
            t.shape(part, tuple(args[0].shape), "that of x.")
            t.dtype(part, args[0].dtype, "that of x.")
        return out

    def others(f, x, y, time, sigma):
        """What mistakes give, of a pair."""
        at = wide(time, x)
        if f is line:
            begin = x.double() + sigma * y
            last = time.double() if x.shape[-1] == len(time) else at
            bend, y = (torch.pi / 2 * at), y.double()
            yield "target without 1 - sigma", (None, y - x)
            yield "velocity of the reverse time", (None, begin - y)
            yield "time turned around", (torch.lerp(y, begin, at.expand_as(y)), None)
            yield "sigma left out of the point", (x - at * (x - y), None)
            yield "sigma added on top", (begin + at * (y - x), None)
            yield "another path", (bend.cos() * x + bend.sin() * y, None)
            yield "another path", ((1 - at**2).sqrt() * x + at * y, None)
            yield "another path", ((1 - at).sqrt() * x + at.sqrt() * y, None)
            yield "time along another axis", (begin + last * (y - begin), None)
            means = [v.expand_as(at) for v in (at[0], at[-1], at.mean())]
            for v in means if len(time) > 1 else ():
                yield "one time for all examples", (begin + v * (y - begin), None)
        else:
            x, y = x.double(), y.double()
            begin, end = x - at * y, x + (1 - at) * y
            yield "ends of the path without sigma", (begin, end)
            yield (
                "velocity of the reverse time",
                (x + at * y - sigma * (x - (1 - at) * y), None),
            )
            yield "velocity of the reverse time", (None, x - (1 - at) * y)
            yield "time turned around", (None, x + at * y)
            yield "sign flipped", (begin + sigma * end, None)

    def compared(f, oracle, args, names, tol, told=None):
        out, due = made(f, args, names), oracle(*args)
        t.finite(torch.cat([t.tensor(v).flatten() for v in out]), "At all times.",
                 "divided by 0 at one end")  # fmt: skip
        for i, part in enumerate(out):
            t.property(t.properties[-1], of=part)
            one, two = (t.tensor(v).detach() for v in (part, due[1 - i]))
            ideas = [] if told else [("results exchanged", two)]
            ideas += [] if told else [
                (name, v[i]) for name, v in others(oracle, *args) if v[i] is not None
            ]  # fmt: skip
            if tol < 1e-6:
                ideas.append(in_float32(one, due[i]))
            if told is None:
                old = [v[i] for v in kept if v[i].shape == one.shape]
                ideas.append(("result of an earlier call", old))
            t.close(part, due[i], "By the two ends of the line.", told, ideas, tol)
        kept.append([v.detach() for v in due])
        return out

    def judged(name, args, tol=1e-5):
        time, sigma = args[2:]
        t.property(f"point and velocity, {name}")
        compared(target, line, args, "(x_t, u)", tol)
        t.property(f"and back to both ends, {name}")
        points = tuple(v.to(time) for v in line(*args))
        compared(ends, origin, (*points, time, sigma), "(x, eps)", tol)

    kept: list = []
    first = draw((3, 4, 3))
    t.steady(target, *first)
    judged("(3, 4, 3)", first)
    for shape in ((4, 4), (1,), (5,), (1, 2, 3, 4), (2, 300), (6, 1, 1)):
        judged(str(shape), draw(shape))
    edge = torch.tensor([0.0, 1.0, 0.5, 0.0, 1.0])
    judged("at t = 0 and 1", draw((5, 2), times=edge))
    for sigma in (0.0, 0.001, 0.95):
        judged(f"sigma = {sigma}", draw((5, 3), sigma, times=edge))
    double = torch.float64
    judged("float64", draw((3, 4, 2), kind=double), 1e-9)
    judged("far from 0", draw((3, 2), kind=double, size=3e3), 1e-9)
    judged("far from 0, at the ends", draw((5, 2), 0.2, double, edge, 3e3), 1e-9)
    for f, oracle in ((target, line), (ends, origin)):
        t.property(f"gradients of what {f.__name__ if f is target else 'ends'} gives")
        args = *(v.requires_grad_() for v in draw((3, 2, 2), kind=double)[:3]), 0.2
        out, due = made(f, args, "of tensors"), oracle(*args)
        for part, right in zip(out, due):
            share = t.uniform(*right.shape, low=0.5, high=2).double()
            for leaf in args[:3]:
                t.property(t.properties[-1], of=part)
                slope = t.grad(right, leaf, share)
                told = "The derivative of the same.", "cut off from the graph"
                t.close(t.grad(part, leaf, share), slope, *told, tol=1e-8)
