"""Exercise gan-17: Only too steep."""

from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import nn

from .._comparisons import far
from .._exercise import Exercise, Stop
from .._parts import mistakes
from ._shared import leaves_alone


@Exercise(
    id="gan-17",
    title="Only too steep",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write a penalty of the critic's slope that trains the critic, and nothing "
        "else, for examples of any shape.",
    ),
    statement=r"""
A critic may be flatter than slope 1 and still obey $|f(x) - f(y)| \le |x - y|$; only a
steeper one breaks the rule. A penalty that says no more than this
([Petzka et al., 2018](https://arxiv.org/abs/1709.08894)) is

$$
\frac1b \sum_{i=1}^b \max\bigl(0,\, \lVert \nabla_x f(\hat x_i) \rVert - 1\bigr)^2 ,
$$

at points on the way from a made example to a real one,
$\hat x_i = t_i x_i + (1 - t_i)\, x'_i$ with $t_i$ from 0 to 1: at $t_i = 1$ it is the
real one.

Write `one_sided_penalty(critic, real, fake, t)` for `real` and `fake` of shape
`(b, ...)`, $b \ge 1$, with one axis or several behind the first (vectors, images), and
`t` of shape `(b,)`. `critic` gives `(b, 1)` or `(b,)`, each value from its own example.
The gradient at an example has as many entries as the example, and the norm is the
Euclidean one of all of them. Return one number, right to five digits. All are in
float32 or in float64, and so is the penalty.

It trains the critic: its gradient by the critic's weights is that of the formula. It
has no other: none gets to `real`, `fake` and `t`, nor to the generator that made
`fake`, though that may hang in its graph. The call leaves everything as it was: the
`.grad` of all weights and examples, the critic's mode, and what requires a gradient.
Where the critic is flat, at some examples or at all, these count with exactly 0, and
their part of the gradient is 0, not nan. A critic that makes no use of its input is not
tried, nor a call under `no_grad`.
""",
    stub='''
def one_sided_penalty(critic, real, fake, t):
    """(b, ...), (b, ...), (b,) -> (): the penalty of slopes above 1."""
    return ...
''',
    answers={"one_sided_penalty": callable},
    hints=(
        "`t` needs as many axes as the examples have before it is multiplied: "
        "otherwise it meets their last axis, or none.",
        "The gradient of the *sum* of the values gives each example its own slope. The "
        "slopes have to be functions of the weights: look for the argument of "
        "`torch.autograd.grad` that keeps their graph.",
        "The root of exactly 0 has an infinite slope, and infinity times 0 is nan. "
        "What is cut off anyway may be cut off before the root is taken.",
    ),
    misconceptions={
        "not reduced over the batch": "One number is due, the mean.",
        "slopes below 1 punished too": "This is the two-sided penalty: a critic that "
        "is flatter than 1 obeys the rule.",
        "only too flat": "The penalty is for slopes above 1.",
        "a slope of 0 asked for": "Up to a slope of 1 nothing is punished.",
        "not squared": "The square of the excess is due.",
        "norm squared before the comparison": "The norm itself is compared with 1.",
        "norm over the channels only": "norm(dim=1) of (b, c, h, w) is one for each "
        "pixel: flatten the examples first.",
        "one norm for the whole batch": "Each example has a slope of its own.",
        "mean over the pixels": "The squared norm is a sum over all entries of an "
        "example.",
        "another norm": "The Euclidean norm is due: the root of the sum of squares.",
        "entries punished one by one": "The norm of the whole gradient is compared "
        "with 1, not each of its entries.",
        "mean before the square": "Each example's own excess is squared, then the mean "
        "is taken.",
        "mean before the comparison": "A flat example does not make up for a steep "
        "one: each is compared with 1 by itself.",
        "slopes averaged before the norm": "Each example has a slope of its own: "
        "their mean is a shorter vector.",
        "slope of the mean value": "The gradient of a mean over b values is 1/b of "
        "each example's own.",
        "slope of the probability": "The slope is that of the value itself: there is "
        "no sigmoid in this critic.",
        "values in place of slopes": "The slope of the critic is punished, not its "
        "value.",
        "mean over the steep ones only": "The mean is over all b examples, those with "
        "no excess, too.",
        "times a weight": "The penalty itself is due, without a weight before it.",
        "real and made ends exchanged": "t = 1 is the real example.",
        "one mixing weight for all": "Each example has a t of its own.",
        "mixing weights drawn anew": "t is given: nothing is drawn.",
        "mixing weights not used": "The slope is that at the points between, which t "
        "gives.",
        "t along the wrong axis": "t belongs to the first axis: give it as many axes "
        "as the examples have.",
        "differences of two values": "The slope along the way from one example to the "
        "other is only a part of the slope.",
        "values taken for a column": "f[:, 0] and squeeze(1) ask for two axes: a "
        "critic may give (b,), and a sum needs neither.",
        "images taken for granted": "Examples have one axis or several behind the "
        "first: vectors, too.",
        "gradient reaches the examples": "The points are those at which the slope is "
        "looked at. With a graph behind them the penalty trains the generator.",
        "gradients left at the examples": "backward() adds to the .grad of all leaves "
        "behind it.",
        "root of zero": "Where the slope is 0 the root has no derivative, and 0 times "
        "infinity is nan in backward.",
        "constant left over": "Where the critic is flat the penalty is exactly 0.",
    },
)
def gan_17(t, one_sided_penalty):
    class Critic(nn.Module):
        """Its slope is known: tanh of a line, a half parabola, and a plane."""

        def __init__(self, shape, column=True, size=1.0, flat=False):
            super().__init__()
            d = torch.Size(shape).numel()
            scale = size / d**0.5
            self.line = nn.Parameter(scale * t.away(d, low=0.5, high=1.5))
            self.bend = nn.Parameter(scale * t.away(d, low=0.7, high=1.8))
            self.column, self.flat = column, flat
            self.double()

        def forward(self, x):
            x = x.flatten(1)
            out = (x @ self.bend).relu().square() / 2
            if not self.flat:
                out = out + (x @ self.line).tanh()
            return out[:, None] if self.column else out

        def slopes(self, x):
            x = x.detach().flatten(1)
            g = (x @ self.bend).relu()[:, None] * self.bend
            if self.flat:
                return g
            return g + self.line / (x @ self.line).cosh()[:, None] ** 2

    def between(real, fake, s):
        return torch.stack([k * a + (b - k * b) for a, b, k in zip(real, fake, s)])

    def right(net, real, fake, s):
        g = net.slopes(between(real, fake, s))
        steep = (g * g).sum(1) > 1  # elsewhere nothing is left, not even a root
        return ((g[steep] * g[steep]).sum(1).sqrt() - 1).square().sum() / len(g)

    def problem(b, shape, size=2.2, column=True, flat=False):
        """A critic with slopes on both sides of 1, and where to look."""
        while True:
            net = Critic(shape, column, size, flat)
            real, fake = (t.normal(b, *shape, std=1.2).double() for _ in range(2))
            s = torch.randperm(b, generator=t.rng) + t.uniform(b, low=0.2, high=0.8)
            s = 0.03 + 0.94 * (s / b).square().double()  # far apart, and lopsided
            g = net.slopes(between(real, fake, s)).detach()
            sizes = g.norm(dim=1)
            steep = int((sizes > 1.2).sum())
            least = sizes.min()
            apart = least == 0 if flat else 0.2 < least < 0.55
            turned = flat or g.mean(0).norm() < 0.9 * sizes.mean() > 1.2
            if b < 3 or (apart and 2 <= steep < b and turned):
                return net, real, fake, s

    def steep(b, shape):
        """Examples near 0 and a critic with slopes of 50, and values near 1."""
        net, real, fake, s = problem(b, shape)
        with torch.no_grad():
            for p in net.parameters():
                p *= 64
        return net, real / 64, fake / 64, s

    def rivals(*args) -> Any:
        """What mistakes give; next to 0 says nothing of what gave it."""
        return ((k, v) for k, v in every(*args) if abs(float(v)) > 0.02)

    def every(net, real, fake, s) -> Any:
        """The penalty, as parts that can be wrong."""
        b, event = len(s), real.shape[1:]
        half = torch.full_like(s, 0.5)
        points = {
            "": between(real, fake, s),
            "real and made ends exchanged": between(fake, real, s),
            "one mixing weight for all": [
                *(between(real, fake, s[k].expand(b)) for k in (0, -1)),
                *(between(real, fake, v.expand(b)) for v in (s.mean(), 1 - s[0])),
            ],
            "mixing weights not used": [
                *(real, fake, between(real, fake, half), (real - fake), real + fake),
            ],
        }
        if event[-1] == b:
            points["t along the wrong axis"] = [
                *(fake + s * (real - fake), real + s * (fake - real)),
            ]
        both = torch.cat([real, fake])
        sigmoid = lambda x: net(x).detach().view(-1, 1).sigmoid()  # noqa: E731

        def excess(g):
            return (g - 1).relu()

        norm = lambda g: g.norm(dim=1)  # noqa: E731
        sizes = {
            "": lambda g: excess(norm(g)).square(),
            "slopes below 1 punished too": lambda g: (norm(g) - 1).square(),
            "only too flat": lambda g: excess(2 - norm(g)).square(),
            "a slope of 0 asked for": [
                lambda g: norm(g).square(),
                lambda g: norm(g).square() / 2,
                lambda g: norm(g),
            ],
            "not squared": lambda g: excess(norm(g)),
            "norm squared before the comparison": [
                lambda g: excess(norm(g).square()).square(),
                lambda g: excess(norm(g).square()),
                lambda g: (norm(g).square() - 1).square(),
            ],
            "one norm for the whole batch": [
                lambda g: excess(g.norm()).square().expand(b),
                lambda g: excess(g.norm()).square().expand(b) / b,
                lambda g: (g.norm() - 1).square().expand(b),
                lambda g: excess(g.norm(dim=0)).square().mean().expand(b),
            ],
            "mean over the pixels": [
                lambda g: excess(g.square().mean(1).sqrt()).square(),
                lambda g: excess(norm(g) / g.shape[1]).square(),
            ],
            "another norm": [
                lambda g: excess(g.abs().sum(1)).square(),
                lambda g: excess(g.abs().amax(1)).square(),
                lambda g: excess(g.abs().mean(1)).square(),
                lambda g: excess(g.sum(1).abs()).square(),
                lambda g: excess(g.sum(1)).square(),
            ],
            "entries punished one by one": [
                lambda g: excess(g.abs()).square().mean(1),
                lambda g: excess(g.abs()).square().sum(1),
                lambda g: excess(g).square().mean(1),
                lambda g: excess(g).square().sum(1),
            ],
            "mean before the square": lambda g: (
                excess(norm(g)).mean().square().expand(b)
            ),
            "mean before the comparison": [
                lambda g: excess(norm(g).mean()).square().expand(b),
                lambda g: excess((norm(g) - 1).square().mean() + 1).expand(b),
                lambda g: (norm(g) - 1).mean().square().expand(b),
            ],
            "slopes averaged before the norm": [
                lambda g: excess(g.mean(0).norm()).square().expand(b),
            ],
            "slope of the mean value": lambda g: excess(norm(g) / b).square(),
            "mean over the steep ones only": lambda g: (
                excess(norm(g)).square() * b / (norm(g) > 1).sum()
            ),
        }
        if len(event) > 1:
            last = tuple(range(2, len(event) + 1))
            sizes["norm over the channels only"] = [
                lambda g: excess(g.unflatten(1, event).norm(dim=1)).square().mean(
                    tuple(range(1, len(event)))
                ),
                lambda g: excess(g.unflatten(1, event).norm(dim=last)).square().mean(1),
                lambda g: excess(g.unflatten(1, event).norm(dim=-1)).square().mean(
                    tuple(range(1, len(event)))
                ),
            ]  # fmt: skip
        ends = {
            "": torch.mean,
            "sum over the batch": torch.sum,
            "times a weight": [lambda v, k=k: k * v.mean() for k in (10, 5, 0.1)],
            "off by a factor of two": [lambda v, k=k: k * v.mean() for k in (0.5, 2.0)],
            "sign flipped": lambda v: -v.mean(),
        }
        rises = {
            "": lambda x: 1.0,
            "slope of the probability": [
                lambda x: sigmoid(x) * (1 - sigmoid(x)),
                lambda x: 1 - sigmoid(x),
                lambda x: sigmoid(x),
            ],
        }

        def make(x, size, end, rise):
            return end(size(net.slopes(x).detach() * rise(x)))

        def plain():
            x, v = between(real, fake, s), lambda x: net(x).detach().view(-1)
            yield (
                "values in place of slopes",
                [
                    *(excess(u).square().mean() for u in (v(x), v(x).abs())),
                    *((u - 1).square().mean() for u in (v(x), v(x).abs())),
                ],
            )
            away = (real - fake).flatten(1).norm(dim=1)
            rate = (v(real) - v(fake)).abs() / away
            yield (
                "differences of two values",
                [
                    *(excess(rate).square().mean(), (rate - 1).square().mean()),
                ],
            )
            if b < 9:
                at = [between(real, fake, k.expand(b)) for k in s]
                pairs = torch.stack([excess(norm(net.slopes(v))).square() for v in at])
                yield "t along the wrong axis", [pairs.mean().detach()]
            g = net.slopes(both).detach()
            yield "mixing weights not used", [excess(norm(g)).square().mean()]

        one_by_one = ((k, v) for k, values in plain() for v in values)
        return chain(one_by_one, mistakes(make, points, sizes, ends, rises))

    run = partial(leaves_alone, t, one_sided_penalty)

    def works_for(b, shape, **how):
        try:
            return bool(one_sided_penalty(*problem(b, shape, **how)).isfinite().all())
        except Exception:
            return False

    def tried(name, works, args):
        """A call whose error is this mistake, if it works elsewhere."""
        try:
            return run(*args)
        except Stop as stop:
            if stop.outcome == "error" and works():
                told = {"why": "See the statement.", "got": stop.lines["got"]}
                t.fail(name, **told)
            raise

    b, images = 5, (2, 3, 4)
    t.property("one number, the same at each call")
    args = problem(b, images)
    out = tried("t along the wrong axis", lambda: works_for(4, images), args)
    t.shape(out, (), "one number.", "not reduced over the batch")
    t.dtype(out, torch.float64, "that of examples and weights.")
    again, name = run(*args), "mixing weights drawn anew"
    t.close(again, t.tensor(out).detach(), "Nothing is drawn.", name, tol=1e-6)

    why = "The slopes of this critic are known in closed form."
    worlds = {
        "the penalty of a critic that is too steep at some points only": args,
        "the penalty of a critic that is steep everywhere": steep(b, images),
    }
    outs = {name: run(*args) for name, args in worlds.items()}
    order = sorted(worlds, key=lambda name: t.tensor(outs[name]).abs() < 0.02)
    for name in order:  # a penalty of 0 tells least
        t.property(name, of=outs[name])
        args = worlds[name]
        due = right(*args).detach()
        kept = [
            right(*other).detach() for other in worlds.values() if other is not args
        ]
        ideas = chain([("result of an earlier call", kept)], rivals(*args))
        t.close(outs[name], due, why, ideas=ideas, tol=2e-6)

    for n, shape, column in (
        (b + 1, images, False),
        (7, (5,), True),
        (4, (3, 4), True),
    ):
        kind = "(b, 1)" if column else "(b,)"
        t.property(f"{n} examples of shape {shape}, and a critic that gives {kind}")
        args = problem(n, shape, column=column)
        name = "images taken for granted" if column else "values taken for a column"
        out = tried(name, lambda: works_for(b, images), args)
        due = right(*args)
        t.shape(out, (), "one number.", "not reduced over the batch")
        t.close(out, due.detach(), why, ideas=rivals(*args), tol=2e-6)
        t.property("its gradient by the critic's weights", of=out)
        told = "The derivative of the formula.", "cut off from the graph"
        lost = not any(t.grad(out, p).any() for p in args[0].parameters())
        for p in args[0].parameters():
            got, slope = t.grad(out, p), t.grad(due, p)
            name = told[1] if lost else None
            t.close(got, slope, told[0], name, tol=1e-5)

    t.property("points at the ends: t of 1 is real, t of 0 is made")
    net, real, fake, s = problem(b, images)
    for ends in (torch.ones(b), torch.zeros(b), torch.tensor([1, 0, 0, 1, 1.0])):
        args = net, real, fake, ends.double()
        t.close(run(*args), right(*args).detach(), why, ideas=rivals(*args), tol=2e-6)

    t.property("nothing is left at the examples, and nothing gets to the generator")
    key = torch.ones((), requires_grad=True)
    made = key.double() * fake
    out = run(net, real, made, s)
    name = "gradient reaches the examples"
    told = "The generator has no part in the penalty.", name
    t.close(t.grad(out, key), 0.0, *told)
    given = real.clone(), made.detach().clone(), s.clone()
    t.guard(one_sided_penalty, net, *given)
    left = any(v.requires_grad for v in given)
    why, got = "requires_grad as before: false.", "It is true."
    t.true(not left, why, got, "requires_grad of an input changed")
    leaves = [v.detach().clone().requires_grad_() for v in (real, fake, s)]
    out = run(net, *leaves)
    for leaf in leaves:
        t.close(t.grad(out, leaf), 0.0, "None gets there.", name)
    t.guard(one_sided_penalty, net, *leaves)
    filled = any(v.grad is not None for v in leaves)
    name = "gradients left at the examples"
    t.true(not filled, "Their .grad as before.", "It is filled.", name)

    t.property("a critic that is flat at some examples, and at all")
    for size in 2.2, 0.0:
        args = problem(b if size else 2, images, size=size, flat=True)
        out, due = run(*args), right(*args)
        why = "Flat examples count with 0."
        lost = "constant left over" if not size else None
        lost = lost if t.tensor(out).isfinite() else "root of zero"
        tol = 2e-6 if size else 1e-14
        t.close(out, due.detach(), why, lost, tol=tol)
        for p in args[0].parameters():
            got, slope = t.grad(out, p), t.grad(due, p)
            why = "Flat examples have no part in it."
            t.finite(got, why, "root of zero")
            t.close(got, slope, why, tol=1e-5)

    t.property("a critic that is nowhere too steep")
    args = problem(2, images, size=0.1)
    out = run(*args)
    why = "No slope is above 1."
    t.close(out, 0.0, why, "slopes below 1 punished too", tol=1e-14)
    for p in args[0].parameters():
        t.close(t.grad(out, p), 0.0, why, tol=1e-14)

    t.property("a batch of one, in float64 and in float32; and one very steep")
    why = "The slopes of this critic are known in closed form."
    single, double = torch.float32, torch.float64
    for n, size, dtype in (
        *((1, 3.0, double), (1, 3.0, single), (b, 2.2, single), (2, 90.0, double)),
    ):
        net, *given = problem(n, (6,), size=size)
        args = net.to(dtype), *(v.to(dtype) for v in given)
        out = tried("batch axis lost", lambda: works_for(b, (6,)), args)
        due = right(*args).detach()
        t.shape(out, (), "one number.", "batch axis lost")
        size = due.clamp(min=1e-6)
        near = not far(t.tensor(out).detach() / size, due / size, 0.02).any()
        name = (
            "differences in place of derivatives" if near and dtype == single else None
        )
        t.close(t.tensor(out) / size, due / size, why, name, tol=1e-5)
