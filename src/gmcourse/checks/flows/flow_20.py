"""Exercise flow-20: One noise for one path."""

import math

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import along, in_float32


@Exercise(
    id="flow-20",
    title="One noise for one path",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Carry a point and an estimate of its log-determinant along one path, with one "
        "noise for all of it, and train through both.",
    ),
    statement=r"""
FFJORD ([Grathwohl et al., 2019](https://arxiv.org/abs/1810.01367)) is trained without
a single trace. Along the path of $x$ the integrand of (9.3) is replaced by
$\epsilon^\top (\partial v / \partial x)\, \epsilon$, with *one* noise $\epsilon$ for
each example, drawn before the path begins and kept to its end. Then what is solved is
an ordinary equation for the pair of $x$ and the log-determinant; with a new noise at
each evaluation a solver sees a function that never gives the same again.

Write `log_prob_estimate(field, x, steps, noise)`, which returns an estimate of
$\log p(x)$ in nats, `(b,)`. `x` has the shape `(b, ...)`, with one or more axes after
the first, all sizes 1 or more; it is float32 or float64, and so is the result.
`x` may be as far from 0 as 1,000.
`field(x, t)` with a float `t` gives the velocity, in the shape of `x`, of each example
by itself. `noise(x)` draws an $\epsilon$ in the shape of `x` that does not depend on
its values: call it exactly once, and use nothing else that is random.

Solve for the *pair* by Heun's method in `steps` steps of equal length, from $t = 0$,
where `x` is data, to $t = 1$, where it is standard normal. With $r$ for the rates of
both and $y$ for the pair, a step from $t$ to $t + h$ is

$$
k = r(t, y), \qquad l = r(t + h,\, y + h k), \qquad y' = y + \tfrac h2 (k + l).
$$

Gradients flow through the whole path to `x`, if it requires one, and to the weights of
`field`, also if `x` does not. The `.grad` of the weights stays as it was. (What
`requires_grad` of `x` is afterward is not looked at.)
""",
    stub='''
def log_prob_estimate(field, x, steps, noise):
    """function, (b, ...), int, function -> (b,), in nats."""
    return ...
''',
    answers={"log_prob_estimate": callable},
    hints=(
        "Write a function of `x` and `t` that gives both rates: the velocity, and one "
        "number for each example. `torch.autograd.grad(v, x, eps, ...)` is a row, "
        r"$\epsilon^\top \partial v / \partial x$.",
        "A point on the way depends on the weights: differentiate the velocity by that "
        "point as it is. Only the first `x` may need a `requires_grad_()`.",
        "The rate of the log-determinant does not depend on the log-determinant: the "
        "pair moves by `h / 2` times the sum of the two rates, each part its own.",
    ),
    misconceptions={
        "noise drawn more than once": "One noise for the whole path: else each "
        "evaluation sees another function, and no solver has an order.",
        "another noise than the one given": "noise(x) says what epsilon is, as signs "
        "or normal numbers.",
        "noise on one side only": "The row is multiplied by the noise once more: what "
        "is not on the diagonal cancels in the mean only then.",
        "exact trace in place of the estimate": "It costs d derivatives at each "
        "evaluation; the estimate costs one.",
        "Euler's steps": "Heun's method has the mean of the rates at both ends.",
        "another method": "Heun's method: the mean of the rates at both ends.",
        "time runs the other way": "x is data, at t = 0, and goes to noise at t = 1.",
        "times of the evaluations otherwise": "The step begins at t and ends at t + h.",
        "trace at the start of each step alone": "The log-determinant is a part of the "
        "pair: its rate, too, is taken at both ends.",
        "trace at one end only": "The integral runs along the whole path.",
        "trace left out": "The density changes along the way, by the divergence.",
        "sign of the trace": "Where the flow spreads points toward the noise, the data "
        "are denser than the noise.",
        "length of a step left out": "An integral is a sum of values times lengths.",
        "density of x under the normal": "It is x(1) that is standard normal.",
        "constant of the normal left out": "Each value has its log(2 pi) / 2.",
        "density of the noise left out": "The log-determinant is added to the "
        "log-density of x(1).",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def flow_20(t, log_prob_estimate):
    def asked(field, x, steps, noise):
        """The answer, after a look at how the noise was drawn."""
        noise.shapes, b = [], len(x)
        out = t.call(log_prob_estimate, field, x, steps, noise)
        calls, shape = noise.shapes, tuple(x.shape)
        shared = calls and calls[0] in ((1, *shape[1:]), shape[1:])
        name = "noise drawn more than once" if len(calls) > 1 else None
        name = "one noise for all examples" if shared and not name else name
        name = name if calls else "another noise than the one given"
        got = ", ".join(map(str, calls[:3])) + ", ..." * (len(calls) > 3) or "no call"
        told = f"One call of noise, with the shape {shape}."
        t.true(calls == [shape], told, got, name)
        if any(not torch.equal(a, b) for a, b in zip(noise.given, noise.kept)):
            t.spoiled("input changed in place", "The noise has changed.")
        alone = "batch axis lost" if b == 1 else "reduced over the batch"
        ideas = {alone: (), "not summed over the dimensions": shape}
        t.shape(out, (b,), "one for each example.", ideas=ideas)
        t.dtype(out, x.dtype, "that of x.")
        return out

    def judged(name, shape, steps, kind=torch.float64, size=1.0, known=None):
        t.property(name)
        field, noise = Field(t, shape[1:], kind), Noise(t)
        x = size * t.away(*shape, low=0.3, high=1.5).to(kind) / 0.7
        out = asked(field, x, steps, noise)
        eps = noise.given[-1].double()
        field.doubled()
        ideas = wrong(field, x.double(), steps, eps)
        due = next(ideas)[1]
        tol = 1e-10 if kind == torch.float64 else 1e-4
        old = [v for v in past if v.shape == due.shape]
        got = t.tensor(out).detach()
        near = kind == torch.float64 and torch.allclose(got, due, 1e-6, 1e-6)

        def found():
            yield in_float32(got, due)
            yield "not to the digits asked for", [got] * near
            yield "result of an earlier call", old
            yield from ideas

        t.close(out, due, "By Heun's method, with this noise.", known, found(), tol)
        past.append(due)

    past: list = []
    t.property("the same noise gives the same again")
    source = Noise(t)
    args = Field(t, (3,), torch.float64), t.normal(4, 3).double(), 2, source
    source.fixed = t.normal(4, 3).double()
    two = [t.tensor(asked(*args)).detach() for _ in range(2)]
    told = "Nothing else is random.", "two results", "another noise than the one given"
    t.true(torch.equal(*two), *told)
    for name in ("three steps", "three steps of another field"):
        judged(name, (4, 5), 3)
    for shape, steps in (((3, 4), 1), ((3, 2, 3), 7), ((1, 4), 2), ((4, 1), 3)):
        judged(f"examples of {shape}, {steps} steps", shape, steps)
    judged("one example of one value", (1, 1), 2)
    judged("pictures", (2, 2, 3, 2), 4)
    judged("values near 100", (3, 3), 4, size=100.0, known="underflow to zero")
    judged("float32", (4, 3), 3, torch.float32)
    field, noise = Field(t, (3,), torch.float64), Noise(t)
    first = t.away(3, 3, low=0.3, high=1.5).double()
    noise.fixed = t.away(3, 3, low=0.3, high=1.5).double()
    run = lambda: [asked(field, x, 3, noise)]  # noqa: E731
    for free in (False, True):
        x = first.clone().requires_grad_(free)
        leaves = [*field.weights, x] if free else field.weights
        along(t, run, leaves, [f"log p{' by x, too' if free else ', x requires none'}"])
        touched = any(w.grad is not None for w in field.weights)
        told = "The .grad of the weights as before.", "it has changed"
        t.true(not touched, *told, "gradients of the weights touched")


class Noise:
    """Draws, and keeps what it drew and for which shapes."""

    def __init__(self, t):
        self.t, self.fixed, self.shapes, self.given, self.kept = t, None, [], [], []

    def __call__(self, x):
        drawn = self.t.away(*x.shape, low=0.2, high=1.4).to(x.dtype) / 0.7
        drawn = drawn if self.fixed is None else self.fixed.clone()
        self.shapes.append(tuple(x.shape))
        self.given.append(drawn.clone())
        self.kept.append(drawn)
        return drawn


class Field:
    """Each value's velocity depends on all values of its example, and on time."""

    def __init__(self, t, shape, kind):
        d = math.prod(shape)
        found = [t.away(*n, low=0.4, high=1.2).to(kind) for n in ((d, d), (d, d), (d,))]
        self.weights = [w.requires_grad_() for w in found]

    def doubled(self):
        self.weights = [w.detach().double() for w in self.weights]

    def __call__(self, x, time):
        a, b, c = self.weights
        y, size = x.flatten(1), len(c) ** 0.5
        v = (y @ a / size + 2 * float(time)).sin() @ b / size + c * (y + time).cos()
        return v.reshape(x.shape)

    def bent(self, x, time, *noises):
        """The quadratic form of the Jacobian between two noises, or its trace."""
        (a, b, c), y = self.weights, x.flatten(1)
        cos, sin = (y @ a / len(c) ** 0.5 + 2 * time).cos(), (y + time).sin()
        if not noises:
            return torch.einsum("ik,bk,ki->b", a, cos, b) / len(c) - (c * sin).sum(1)
        left, right = (v.flatten(1) for v in noises)
        far = torch.einsum("bi,ik,bk,kj,bj->b", right, a, cos, b, left) / len(c)
        return far - (left * c * sin * right).sum(1)


def wrong(field, x, steps, eps):
    """What is due, under no name, and then what mistakes give."""
    b, d = len(x), x[0].numel()

    def log_p(rule, clock, noise, trace, place, half, last):
        nodes, shares, weights = (*rule, rule[1])[:3]
        to, rows = x, []
        for i in range(steps):
            rates, row = [], []
            for c in nodes:
                time, h = clock(i, c)
                at = to + c * h * rates[-1] if rates else to
                rates.append(field(at, time))
                row.append(field.bent(at, time, *noise))
            to = to + sum(h * w * v for w, v in zip(shares, rates))
            rows.append((row, h, weights))
        end = lambda: field.bent(to, 1.0, *noise)  # noqa: E731
        value = half - torch.sum(place(to).flatten(1) ** 2, 1) / 2 + trace(rows, end)
        return last(value)

    step, log2 = 1 / steps, math.log(2 * math.pi)
    rules = {
        "": ((0.0, 1.0), (0.5, 0.5)),
        "Euler's steps": [((0.0,), (1.0,)), ((0.0, 1.0), (1.0, 0.0), (0.5, 0.5))],
        "another method": [
            ((0.0, 0.5), (0.0, 1.0)), ((0.0, 1.0), (0.0, 1.0)),
            ((0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
            ((0.0, 2 / 3), (0.25, 0.75)),
        ],
    }  # fmt: skip
    clocks = {
        "": lambda i, c: ((i + c) * step, step),
        "time runs the other way": [
            lambda i, c: (1 - (i + c) * step, -step),
            lambda i, c: (1 - (i + c) * step, step),
            lambda i, c: ((i + c) * step, -step),
        ],
        "times of the evaluations otherwise": [
            lambda i, c: (i * step, step), lambda i, c: (0.0, step),
            lambda i, c: ((i + 1 + c) * step, step), lambda i, c: (i + c, step),
            lambda i, c: ((i + c / 2) * step, step),
        ],
    }  # fmt: skip
    flat, ones = eps[:1].expand_as(eps), torch.ones_like(eps)
    size = eps.flatten(1).norm(dim=1).reshape(b, *[1] * (x.dim() - 1))
    noises = {
        "": (eps, eps),
        "one noise for all examples": (flat, flat),
        "noise on one side only": [(eps, ones), (ones, eps)],
        "another noise than the one given": [
            (v, v)
            for v in (ones, eps.sign(), eps.flip(0), eps / eps.norm(), eps / size)
        ],
        "exact trace in place of the estimate": (),
    }

    def whole(rows, end):
        return sum(h * w * e for es, h, ws in rows for w, e in zip(ws, es))

    traces = {
        "": whole,
        "sign of the trace": lambda rows, end: -whole(rows, end),
        "trace left out": lambda rows, end: 0.0,
        "trace at the start of each step alone": lambda rows, end: sum(
            h * es[0] for es, h, _ in rows
        ),
        "trace at one end only": [
            lambda rows, end: end(), lambda rows, end: rows[0][0][0],
            lambda rows, end: step * end(),
        ],
        "length of a step left out": lambda rows, end: whole(rows, end) / step,
        "off by a factor of two": [
            lambda rows, end: 2 * whole(rows, end),
            lambda rows, end: whole(rows, end) / 2,
        ],
    }  # fmt: skip
    places = {
        "": lambda z: z,
        "density of x under the normal": lambda z: x,
        "density of the noise left out": lambda z: 0 * z,
    }
    halves = {
        "": -d / 2 * log2,
        "constant of the normal left out": [0.0, -log2 / 2, -d * log2],
    }
    lasts = {
        "": lambda v: v,
        "negative log-likelihood returned": lambda v: -v,
        "density in place of its logarithm": torch.exp,
        "mean over the dimensions": lambda v: v / d,
        "off by a factor of two": [lambda v: 2 * v, lambda v: v / 2],
        "bits in place of nats": lambda v: v / math.log(2),
        "reduced over the batch": [
            lambda v: v.mean().expand(b), lambda v: v.sum().expand(b)
        ],
    }  # fmt: skip
    parts = rules, clocks, noises, traces, places, halves, lasts
    yield "", log_p(*(part[""] for part in parts))
    still = log_p(*(part[""] for part in parts[:-3]), lambda z: 0 * z, 0.0, lambda v: v)
    yield "density of the noise left out", still
    yield from mistakes(log_p, *parts, most=1, tol=1e-7)
    pairs = [{"": part[""]} for part in parts[:3]] + list(parts[3:])
    yield from mistakes(log_p, *pairs, tol=1e-7)
