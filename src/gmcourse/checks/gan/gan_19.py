"""Exercise gan-19: Each player its own."""

import math
from itertools import chain
from typing import Any

import torch
from torch import nn

from .._comparisons import far
from .._exercise import Exercise, Stop
from .._parts import mistakes
from ._shared import leaves_alone

ALL_PAIRS = "all pairs in place of the given ones"


@Exercise(
    id="gan-19",
    title="Each player its own",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=4,
    stub_mistake=ALL_PAIRS,
    objectives=(
        "Find the mistakes in the losses of a modern GAN that raise no error, by "
        "asking where each gradient goes.",
    ),
    statement=r"""
The program below is meant to give the two losses of one update of a small modern GAN
([Huang et al., 2024](https://arxiv.org/abs/2501.05441)), with $b$ real examples $x_i$
and $b$ that are made, $x'_i = g(z_i)$. The critic's value of a real example is to
exceed that of the made one beside it:

$$
L_f = \frac1b \sum_{i=1}^b \log\bigl(1 + e^{f(x'_i) - f(x_i)}\bigr) +
  \frac{\gamma}{2b} \sum_{i=1}^b \lVert \nabla_x f(x_i) \rVert^2 +
  \frac{\gamma}{2b} \sum_{i=1}^b \lVert \nabla_x f(x'_i) \rVert^2 ,
$$

and the generator wants the contrary,

$$
L_g = \frac1b \sum_{i=1}^b \log\bigl(1 + e^{f(x_i) - f(x'_i)}\bigr) .
$$

`losses(critic, generator, real, z, gamma)` takes `real` of shape `(b, ...)`, with one
axis or several behind the first, noise `z` of shape `(b, d)` and a number `gamma`, 0 or
more, and gives $(L_f, L_g)$, each of shape `()`. `generator` makes examples of the
shape of `real`; `critic` gives `(b, 1)`, each value from its own example and of any
size. All are in float32 or in float64.

Afterward $L_f$ is differentiated by the critic's weights, and $L_g$ by the generator's,
both by `torch.autograd.grad`. These two gradients are those of the formulas, where in
$L_f$ the made examples count as given: from $L_f$ no gradient gets to the generator,
nor to `real` or `z`. (What the critic's weights get from $L_g$ does not matter.) The
call leaves everything as it was: the `.grad` of all weights and inputs, both modes, and
what requires a gradient. Nothing is drawn.

It runs, and trains nothing worth looking at. It is wrong in **four places**.
Repair them, and keep the signature.
""",
    stub='''
def losses(critic, generator, real, z, gamma):
    """(b, ...), (b, d), float -> the critic's loss and the generator's."""
    fake = generator(z)
    f_real, f_fake = critic(real), critic(fake).squeeze(1)

    def penalty(x):
        x = x.detach().requires_grad_()
        slope = torch.autograd.grad(critic(x).sum(), x)[0]
        return slope.flatten(1).square().sum(1).mean()

    critic_loss = F.softplus(f_fake - f_real).mean()
    critic_loss = critic_loss + gamma / 2 * (penalty(real) + penalty(fake))

    generator_loss = F.softplus(f_fake - f_real).mean()
    return critic_loss, generator_loss
''',
    answers={"losses": callable},
    hints=(
        "Print the shapes of everything on the way, with $b = 3$: what is the shape of "
        "the difference of the two values?",
        "Differentiate each of the three terms of $L_f$ alone, by the weights of "
        "either player (`allow_unused=True`): which of the six results are there, and "
        "which should be?",
        "Read the last two losses aloud: what would each player have to do to make its "
        "own one small?",
    ),
    misconceptions={
        "not two losses": "The critic's loss and the generator's, in this order.",
        "losses exchanged": "The critic's loss comes first.",
        "not reduced over the batch": "Each loss is one number.",
        ALL_PAIRS: "(b, 1) minus (b,) is (b, b): every real example is compared with "
        "every one that was made.",
        "pairs from other rows": "The i-th real example is compared with the i-th made "
        "one.",
        "values averaged before they are compared": "Each pair has a term of its own.",
        "real and made exchanged": "The critic's loss is small where real examples "
        "have the larger values.",
        "loss of another game": "The difference of the two values of a pair goes "
        "through log(1 + exp).",
        "critic's loss reaches the generator": "The critic learns from the made "
        "examples as they are. With their graph the generator would get a gradient to "
        "make examples that are easily told.",
        "critic's loss reaches its inputs": "real and z are given.",
        "penalties cut off from the graph": "Their value is right, but they train "
        "nothing: the slope has to keep a graph.",
        "one penalty cut off from the graph": "One of the two trains nothing: its "
        "slope has to keep a graph.",
        "pairs cut off from the graph": "The penalties train the critic, the "
        "comparison does not.",
        "one side cut off from the graph": "The critic is to learn from both values of "
        "a pair.",
        "only at real examples": "The slope at made examples counts, too.",
        "only at made examples": "The slope at real examples counts, too.",
        "penalty left out": "Both slopes count, with gamma / 2.",
        "penalty between real and made examples": "The slopes are those at the "
        "examples themselves.",
        "gamma left out": "gamma / 2 stands before both penalties.",
        "gamma squared": "gamma / 2 stands before both penalties, once.",
        "mean over the pixels": "The squared norm is a sum over all entries of an "
        "example.",
        "norm not squared": "It is the mean of the squared norms.",
        "distance from a slope of one": "This penalty asks for a slope of 0.",
        "slope of the mean value": "The gradient of a mean over b values is 1/b of "
        "each example's own gradient, and it is squared.",
        "slope of the difference": "Each penalty is of the slope of f itself.",
        "generator cut off from its loss": "What it made was detached, or made under "
        "no_grad.",
        "generator paid for being found out": "With this loss it makes its examples "
        "less like real ones, in the critic's eyes.",
        "saturating loss": "This is the critic's loss with the other sign: it is flat "
        "where the critic is sure.",
        "real examples left out": "The generator's loss compares as the critic's does.",
        "penalty in the generator's loss": "The generator's loss has no penalty.",
        "overflow": "exp of a large difference is infinite: softplus is not.",
        "result for other noise": "The noise is given.",
    },
)
def gan_19(t, losses):
    class Generator(nn.Module):
        def __init__(self, d, shape, size=1.0):
            super().__init__()
            self.shape = shape
            out = torch.Size(shape).numel()
            self.w = nn.Parameter(size * t.away(d, out, low=0.2, high=0.7).double())
            self.c = nn.Parameter(t.away(out, low=0.2, high=0.7).double())

        def forward(self, z):
            return (z @ self.w + self.c).tanh().unflatten(1, self.shape)

    class Critic(nn.Module):
        """Its slope is known: tanh of a line, and a parabola."""

        def __init__(self, shape, size=1.0):
            super().__init__()
            d = torch.Size(shape).numel()
            self.line = nn.Parameter(t.away(d, low=0.2, high=0.7).double() * size)
            self.bend = nn.Parameter(t.away(d, low=0.2, high=0.7).double() * size)

        def forward(self, x):
            x = x.flatten(1)
            out = (x @ self.line).tanh() + (x.square() @ self.bend) / 2 + x @ self.bend
            return out[:, None]

        def slopes(self, x):
            x = x.detach().flatten(1)
            rise = 1 - (x @ self.line).tanh().square()
            return rise[:, None] * self.line + (x + 1) * self.bend

    def problem(b, shape, size=1.0):
        nets = Critic(shape, size), Generator(3, shape)
        real = t.normal(b, *shape, mean=0.3, std=0.8).double()
        return *nets, real, t.normal(b, 3).double()

    def rise(v):
        return torch.logaddexp(torch.zeros_like(v), v)

    def terms(critic, generator, real, z):
        """The comparison and the two penalties, with graphs for the critic alone."""
        made = generator(z).detach()
        pairs = rise((critic(made) - critic(real))[:, 0]).mean()
        squares = [critic.slopes(x).square().sum(1).mean() / 2 for x in (real, made)]
        return pairs, *squares

    def right(critic, generator, real, z, gamma):
        pairs, one, two = terms(critic, generator, real, z)
        of_generator = rise((critic(real) - critic(generator(z)))[:, 0]).mean()
        return pairs + gamma * (one + two), of_generator

    def rows(f):
        return lambda r, m: f(m - r)

    def comparisons() -> dict[str, Any]:
        """Of values r at real and m at made examples, both (b,)."""
        smooth = lambda v: rise(v).mean()  # noqa: E731
        return {
            "": rows(smooth),
            ALL_PAIRS: lambda r, m: smooth(m - r[:, None]),
            "pairs from other rows": [
                lambda r, m, k=k: smooth(m.roll(k) - r) for k in (1, -1)
            ] + [lambda r, m: smooth(m.flip(0) - r)],
            "values averaged before they are compared": [
                lambda r, m: smooth(m.mean() - r.mean()),
                lambda r, m: (smooth(m.mean() - r) + smooth(m - r.mean())),
                lambda r, m: (smooth(m.mean() - r) + smooth(m - r.mean())) / 2,
                lambda r, m: smooth(m.mean() - r),
                lambda r, m: smooth(m - r.mean()),
            ],
            "sum over the batch": rows(lambda v: rise(v).sum()),
            "off by a factor of two": [
                rows(lambda v, c=c: c * smooth(v)) for c in (0.5, 2.0)
            ],
            "sign flipped": rows(lambda v: -smooth(v)),
            "bits in place of nats": rows(lambda v: smooth(v) / math.log(2)),
            "loss of another game": [
                rows(lambda v: v.mean()),
                rows(lambda v: (1 + v).relu().mean()),
                rows(lambda v: (1 + v).square().mean()),
                rows(lambda v: v.relu().mean()),
                rows(lambda v: v.sigmoid().mean()),
                rows(lambda v: v.exp().mean()),
                lambda r, m: smooth(-r) + smooth(m),
                lambda r, m: (1 - r).relu().mean() + (1 + m).relu().mean(),
                lambda r, m: (1 - r).square().mean() + m.square().mean(),
                lambda r, m: (smooth(-r) + smooth(m)) / 2,
            ],
            "sigmoid applied twice": [
                lambda r, m: smooth(m.sigmoid() - r.sigmoid()),
                rows(lambda v: smooth(v.sigmoid())),
            ],
        }  # fmt: skip

    def of_critic(critic, generator, real, z, gamma):
        """The critic's loss, as parts that can be wrong."""
        made, b = generator(z).detach(), len(real)
        values = [critic(x).detach()[:, 0] for x in (real, made)]
        turns = {"": 1, "real and made exchanged": -1}
        k = gamma / 2
        scales = {
            "": k,
            "gamma left out": [0.5, 1.0],
            "gamma squared": [gamma**2 / 2, gamma**2, gamma**2 / 4],
            "factor one half lost": gamma,
            "off by a factor of two": gamma / 4,
            "penalty left out": 0.0,
            "sign flipped": -k,
        }
        places = {
            "": (real, made),
            "only at real examples": (real,),
            "only at made examples": (made,),
            "penalty between real and made examples": [
                ((real + made) / 2,), ((real + made) / 2,) * 2,
            ],
        }  # fmt: skip
        sizes = {
            "": lambda g: g.square().sum(1).mean(),
            "mean over the pixels": lambda g: g.square().mean(),
            "norm not squared": [
                lambda g: g.norm(dim=1).mean(),
                lambda g: g.norm(),
                lambda g: g.abs().sum(1).mean(),
            ],
            "distance from a slope of one": lambda g: (
                (g.norm(dim=1) - 1).square().mean()
            ),
            "slope of the mean value": [
                lambda g: (g / b).square().sum(1).mean(),
                lambda g: g.mean(0).square().sum(),
            ],
            "sum over the batch": lambda g: g.square().sum(),
        }

        def make(compare, turn, scale, where, size):
            slopes = (critic.slopes(x).detach() for x in where)
            return compare(*values[::turn]) + scale * sum(map(size, slopes))

        parts = comparisons(), turns, scales, places, sizes
        found = mistakes(make, *parts, tol=1e-6)
        g = critic.slopes(real).detach() - critic.slopes(made).detach()
        compared = comparisons()[""](*values)
        more = [compared + c * gamma * g.square().sum(1).mean() for c in (0.5, 1.0)]
        return chain([("slope of the difference", v) for v in more], found)

    def of_generator(critic, generator, real, z, gamma):
        values = [critic(x).detach()[:, 0] for x in (real, generator(z))]
        smooth = lambda v: rise(v).mean()  # noqa: E731
        r, m = values
        compare = {k: v for k, v in comparisons().items() if k != "sign flipped"}
        yield "generator paid for being found out", smooth(m - r)
        yield "saturating loss", -smooth(m - r)
        yield "saturating loss", -right(critic, generator, real, z, gamma)[0].detach()
        yield "saturating loss", -smooth(m)
        yield "real examples left out", smooth(-m)
        yield "real examples left out", -m.mean()
        yield "real examples left out", smooth(m)
        _, one, two = terms(critic, generator, real, z)
        due = smooth(r - m)
        for c in (1.0, 0.5, 2.0):
            for extra in (one + two, one, two):
                v = due + c * gamma * extra.detach()
                yield "penalty in the generator's loss", v
        yield "sign flipped", -due
        for name, fs in compare.items():
            for f in fs if isinstance(fs, list) else [fs]:
                if name:
                    yield name, f(m, r)

    def single(v):
        return v if isinstance(v, torch.Tensor) else torch.as_tensor(v)

    def run(*args):
        """The two losses."""
        out = leaves_alone(t, losses, *args)
        two = isinstance(out, tuple | list) and len(out) == 2
        got = f"an object of type {type(out).__name__}"
        t.true(two, "(critic_loss, generator_loss).", got, "not two losses")
        return out

    gamma, name = (1.5, 1.75, 2.25)[t.integer(0, 2)], "result for other noise"
    for b, shape in ((5, (4,)), (3, (2, 3, 2))):
        args = *problem(b, shape), gamma
        t.property(f"the same losses at each call, {b} examples of shape {shape}")
        out, again, due = run(*args), run(*args), right(*args)
        for v, w in zip(again, out):
            if single(v).shape == single(w).shape:
                t.close(v, single(w).detach(), "Nothing is drawn.", name, tol=1e-8)
        t.property(f"the critic's loss, {b} examples of shape {shape}", of=out[0])
        why = "By values and slopes that are known in closed form."
        t.shape(out[0], (), "one number.", "not reduced over the batch")
        t.shape(out[1], (), "one number.", "not reduced over the batch")
        ideas = chain(
            [("losses exchanged", due[1].detach())] if crossed(out, due) else [],
            of_critic(*args),
        )
        t.close(out[0], due[0].detach(), why, ideas=ideas, tol=1e-8)
        t.property(f"the generator's loss, {b} examples of shape {shape}", of=out[1])
        t.close(out[1], due[1].detach(), why, ideas=of_generator(*args), tol=1e-8)

        t.property("the critic's loss trains the critic", of=out[0])
        pairs, one, two = terms(*args[:4])
        parts = {
            "penalties cut off from the graph": [pairs],
            "one penalty cut off from the graph": [
                pairs + gamma * one, pairs + gamma * two,
            ],
            "pairs cut off from the graph": [gamma * (one + two)],
            "one side cut off from the graph": list(
                sides(*args[:4], gamma * (one + two))
            ),
        }  # fmt: skip
        weights = list(args[0].parameters())
        found = flat(t.grad(out[0], p) for p in weights)
        slope = flat(t.grad(due[0], p) for p in weights)
        ideas = {"cut off from the graph": 0 * slope}
        ideas |= {
            k: [flat(t.grad(v, p) for p in weights) for v in vs]
            for k, vs in parts.items()
        }
        told = "The derivative of the formula by the critic's weights."
        t.close(found, slope, told, ideas=ideas, tol=1e-7)
        t.property("the critic's loss trains nothing else", of=out[0])
        weights = list(args[1].parameters())
        reached = any(t.grad(out[0], p).any() for p in weights)
        told = "The generator gets no gradient from it.", "There is one."
        t.true(not reached, *told, "critic's loss reaches the generator")

        t.property("the generator's loss trains the generator", of=out[1])
        found = flat(t.grad(out[1], p) for p in weights)
        slope = flat(t.grad(due[1], p) for p in weights)
        cut = None if found.any() else "generator cut off from its loss"
        told = "The derivative of the formula by the generator's weights."
        t.close(found, slope, told, cut, tol=1e-7)

    t.property("other networks and examples of the same shapes")
    args = *problem(b, shape), gamma
    before, due = out, right(*args)
    for v, w, old in zip(run(*args), due, before):
        ideas = {"result of an earlier call": single(old).detach()}
        t.close(v, w.detach(), "By the formulas.", ideas=ideas, tol=1e-8)
    t.property("without a penalty")
    args = *problem(b, shape), 0.0
    due = right(*args)
    for v, w in zip(run(*args), due):
        t.close(v, w.detach(), "With a gamma of 0.", tol=1e-8)

    t.property("nothing is left at the inputs")
    critic, generator, real, z, _ = args
    given = real.clone(), z.clone()
    t.guard(losses, critic, generator, *given, gamma)
    name = "requires_grad of an input changed"
    left, why = any(v.requires_grad for v in given), "requires_grad as before: false."
    t.true(not left, why, "It is true.", name)
    leaves = [v.clone().requires_grad_() for v in (real, z)]
    out = run(critic, generator, *leaves, gamma)
    name = "critic's loss reaches its inputs"
    for leaf in leaves:
        t.close(t.grad(out[0], leaf), 0.0, "real and z are given.", name)
        filled = leaf.grad is not None
        t.true(not filled, "Their .grad as before.", "It is filled.", name)

    t.property("a batch of one, and float32")
    for n, dtype in ((1, torch.float64), (4, torch.float32)):
        *given, _ = *problem(n, shape), gamma
        given = [v.to(dtype) for v in given]
        try:
            out = run(*given, gamma)
        except Stop as stop:
            if stop.outcome == "error" and n == 1:
                told = {"why": "A batch of one is a batch.", "got": stop.lines["got"]}
                t.fail("batch axis lost", **told)
            raise
        for v, w in zip(out, right(*given, gamma)):
            t.shape(v, (), "one number.", "batch axis lost")
            t.close(v, w.detach(), "By the formulas.", tol=1e-5)

    t.property("values of 1000 and more")
    while True:
        critic, generator, real, z = problem(6, (4,), 4000.0)
        gap = (critic(real) - critic(generator(z))).detach()
        if gap.max() > 1000 and gap.min() < -1000:
            break
    given = [v.float() for v in (critic, generator, real, z)]
    out, due = run(*given, 0.0), right(*given, 0.0)
    for v, w, net in zip(out, due, given):
        why = "log(1 + e^a) is a for a large a."
        t.finite(v, why, "overflow")
        size = 1 + w.detach().abs()
        name = "overflow"
        t.close(single(v) / size, w.detach() / size, why, name, tol=1e-4)
        for p in net.parameters():
            got, slope = t.grad(v, p), t.grad(w, p)
            t.finite(got, why, "overflow")
            size = 1 + slope.abs().max()
            t.close(got / size, slope / size, why, "overflow", tol=1e-3)


def crossed(out, due):
    """Whether the two losses are right, in the other order."""
    found = torch.stack([v.detach().double() for v in out])
    return not far(found, torch.stack(due[::-1]), 1e-6).any()


def flat(grads):
    return torch.cat([g.flatten() for g in grads])


def sides(critic, generator, real, z, penalty):
    """The critic's loss with one of the two values held fixed."""
    r, m = critic(real)[:, 0], critic(generator(z).detach())[:, 0]
    for v in (m.detach() - r, m - r.detach()):
        yield torch.logaddexp(torch.zeros_like(v), v).mean() + penalty
