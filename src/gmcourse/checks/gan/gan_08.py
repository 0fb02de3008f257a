"""Exercise gan-08: A brake on both sides."""

import copy
from functools import partial
from itertools import chain

import torch
from torch import nn

from .._comparisons import far
from .._exercise import Exercise, Stop
from .._parts import mistakes
from ._shared import leaves_alone


@Exercise(
    id="gan-08",
    title="A brake on both sides",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write a penalty of slopes whose gradient trains the critic, and nothing else.",
    ),
    statement=r"""
(4.7) brakes the critic at the data. Newer models brake it at what is made, too
([Huang et al., 2024](https://arxiv.org/abs/2501.05441)). For $n$ real images $x_i$ and
$m$ made ones $x'_j$ the two brakes, with a weight each, are

$$
\frac{\gamma_{\text{real}}}{2n} \sum_{i=1}^n \lVert \nabla_x f(x_i) \rVert^2
+ \frac{\gamma_{\text{made}}}{2m} \sum_{j=1}^m \lVert \nabla_x f(x'_j) \rVert^2 .
$$

Write `brake(critic, real, made, gamma_real, gamma_made)`, which gives this number for
`real` $(n, c, h, w)$ and `made` $(m, c, h, w)$, where $n \ne m$ is allowed. `critic`
gives `(b, 1)` or `(b,)` for $b$ images, each value from its own image. The gradient at
an image has as many entries as the image, and the norm is that of all of them. All are
in float32 or in float64, and the penalty is in the same.

The penalty trains the critic: its gradient by the critic's weights is that of the
formula (`None` where that is 0 is right, too). It has no other: no gradient gets to
`real` and `made`, nor to the generator that made the latter, though `made` may still
hang in its graph. The call leaves everything as it was: the `.grad` of all weights and
images, the critic's mode, and whether `real` and `made` require a gradient. At images
where the critic is flat the penalty is exactly 0, and its gradient is 0, not nan. A
critic that makes no use of its input is not tried, nor a call under `no_grad`.
""",
    stub='''
def brake(critic, real, made, gamma_real, gamma_made):
    """Images (n, c, h, w) and (m, c, h, w), two floats -> one number."""
    return ...
''',
    answers={"brake": callable},
    hints=(
        "`torch.autograd.grad` gives the slopes at all images at once, if it is asked "
        "for the gradient of the *sum* of the values. Why is it not that of the mean?",
        "The slopes have to be functions of the weights themselves: look for the "
        "argument that keeps a graph of the gradient.",
        "`detach()` makes a tensor without a past. It may require a gradient, and the "
        "tensor that was passed in is not changed by that.",
    ),
    misconceptions={
        "not reduced over the batch": "One number is due.",
        "one side cut off from the graph": "The value is right, but only one of the "
        "two terms trains the critic.",
        "gradient reaches what was made": "The images are points at which the slope is "
        "looked at. With a graph behind them the penalty trains the generator, to put "
        "its images where the critic is flat.",
        "float32 in between": "What comes back as float64 has the digits of float32: "
        "look for a cast on the way.",
        "gradients left at the images": "backward() adds to the .grad of all leaves "
        "behind it, the caller's images among them.",
        "values taken for a column": "f[:, 0] and squeeze(1) ask for two axes: a "
        "critic may give (b,), and a sum needs neither.",
        "slope of the probability": "The slope is that of the value f itself, not of "
        "D, of log D or of log(1 - D).",
        "one count for both batches": "Each sum is divided by the number of its own "
        "images: n and m differ.",
        "constant under the root": "Where the critic is flat a constant is left over: "
        "without a root none is needed.",
        "norm not squared": "It is the mean of the squared norms.",
        "mean over the pixels": "The squared norm is a sum over all entries of an "
        "image: a mean makes the brake weaker by their number.",
        "norm over the channels only": "norm(dim=1) of (b, c, h, w) is a norm for each "
        "pixel: flatten the images first.",
        "distance from a slope of one": "Another penalty: this one asks for a slope of "
        "0, at the images themselves.",
        "slope of the mean value": "The gradient of a mean over b values is 1/b of "
        "each image's own gradient, and it is squared.",
        "slopes averaged before the square": "Each image has a slope of its own: "
        "their mean is a shorter vector.",
        "sizes of the slopes in place of squares": "The squares of the entries are "
        "summed.",
        "entries summed before the square": "The entries are squared one by one.",
        "values in place of slopes": "The square of the values is another penalty.",
        "at random points": "The slope is that at the images: nothing is drawn.",
        "between real and made images": "The slope is that at the images, not at "
        "points between them.",
        "only at real images": "There are two terms.",
        "only at made images": "There are two terms.",
        "both terms at the same images": "One term is for the real images, the other "
        "for those that were made.",
        "one mean over both batches": "Either batch has a mean and a weight of its "
        "own.",
        "gammas exchanged": "gamma_real is the weight at real images.",
        "one gamma for both": "Each of the two has a weight of its own.",
        "gammas left out": "gamma / 2 stands before each mean.",
        "gammas squared": "gamma / 2 stands before each mean, once.",
        "root of zero": "Where the slope is 0 the root has no derivative, and its "
        "square is nan in backward: sum the squares, without a root.",
    },
)
def gan_08(t, brake):
    c, h, w = 2, 3, 4
    d = c * h * w

    class Critic(nn.Module):
        """Its slope is known: tanh of a line, and a parabola."""

        def __init__(self, flat=1.0, column=True):
            super().__init__()
            self.line = nn.Parameter(flat * t.away(d, low=0.1, high=0.5))
            self.gain = nn.Parameter(flat * t.away(low=1, high=2))
            self.bend = nn.Parameter(flat * t.away(low=0.3, high=0.9))
            self.column = column
            self.double()

        def forward(self, x):
            x = x.flatten(1)
            out = self.gain * (x @ self.line).tanh() + self.bend / 2 * (x * x).sum(1)
            return out[:, None] if self.column else out

        def slopes(self, x):
            x = x.detach().flatten(1)
            rise = 1 / (x @ self.line).cosh() ** 2
            return self.gain * rise[:, None] * self.line + self.bend * x

    def images(n):
        return t.normal(n, c, h, w, std=0.7).double()  # no two mistakes look alike

    def right(net, real, made, a, b):
        each = [(v * v).sum() / len(v) for v in (net.slopes(real), net.slopes(made))]
        return (a * each[0] + b * each[1]) / 2

    def offset(out, due, a, b):
        """The mistake, where what came out is near, but off."""
        out = t.tensor(out).detach()
        if far(out, due, 1e-3).any():
            return None
        if float(out.float()) == float(out):
            return "float32 in between"
        power = ((out - due) / (a + b) * 2).log10()  # of what each square is off by
        exact = (power - power.round()).abs() < 1e-4
        return "constant under the root" if exact else None

    def rivals(net, real, made, a, b):
        """The penalty, as parts that can be wrong."""
        n, m = len(real), len(made)
        sure = lambda x: net(x).detach().view(-1, 1).sigmoid()  # noqa: E731
        one, yes, no = (lambda d: 1.0), (lambda d: 1 - d), (lambda d: d)
        rises = {
            "": (one, one),
            "slope of the probability": [
                *((lambda d: d * (1 - d),) * 2, (yes, yes), (no, no), (yes, no)),
            ],
        }
        both = torch.cat([real, made])
        where = {
            "": (real, made),
            "one mean over both batches": (both, both),
            "only at real images": (real, made[:0]),
            "only at made images": (real[:0], made),
            "both terms at the same images": [(real, real), (made, made)],
        }
        if n == m:
            where["between real and made images"] = (real + made) / 2, made[:0]
        sizes = {
            "": lambda g: (g * g).sum(1),
            "norm not squared": lambda g: g.norm(dim=1),
            "mean over the pixels": lambda g: (g * g).mean(1),
            "norm over the channels only": [
                lambda g: (g * g).unflatten(1, (c, h, w)).sum(1).mean((1, 2)),
                lambda g: g.unflatten(1, (c, h, w)).norm(dim=1).mean((1, 2)),
                lambda g: (g.unflatten(1, (c, h, w)).norm(dim=1) - 1).square().mean(),
            ],
            "distance from a slope of one": lambda g: (g.norm(dim=1) - 1) ** 2,
            "sizes of the slopes in place of squares": lambda g: g.abs().sum(1),
            "entries summed before the square": lambda g: g.sum(1) ** 2,
            "slope of the mean value": lambda g: (g * g).sum(1) / len(g) ** 2,
            "slopes averaged before the square": lambda g: (g.mean(0) ** 2).sum(),
        }
        counts = [n, m] if n == m else [n, m, n + m, (n + m) / 2]
        ends = {
            "": torch.mean,
            "sum over the batch": torch.sum,
            "one count for both batches": [lambda v, k=k: v.sum() / k for k in counts],
        }
        halves = {
            "": 0.5,
            "factor one half lost": 1.0,
            "off by a factor of two": 0.25,
            "sign flipped": -0.5,
        }
        gammas = {
            "": (a, b),
            "gammas exchanged": (b, a),
            "one gamma for both": [(a, a), (b, b), (a + b, a + b), (a * b, a * b)],
            "gammas left out": (1.0, 1.0),
            "gammas squared": (a * a, b * b),
        }

        def make(where, size, end, half, gamma, rises):
            given = [(v, k, r) for v, k, r in zip(where, gamma, rises) if len(v)]
            slopes = [net.slopes(v).detach() * r(sure(v)) for v, _, r in given]
            return half * sum(k * end(size(g)) for g, (_, k, _) in zip(slopes, given))

        return make, where, sizes, ends, halves, gammas, rises

    run = partial(leaves_alone, t, brake)
    a, b, n = t.integer(3, 5) / 2, t.integer(7, 9) / 2, 5
    t.property("one number, the same at each call")
    net, args = Critic(), (images(n), images(n), a, b)
    out = run(net, *args)
    t.shape(out, (), "one number.", "not reduced over the batch")
    t.dtype(out, torch.float64, "that of images and weights.")
    again, name = run(net, *args), "at random points"
    t.close(again, t.tensor(out).detach(), "Nothing is drawn.", name, tol=1e-6)
    t.property("the penalty of a critic whose slope is known")
    why = "The slopes of this critic are known in closed form."
    values = [net(v).square().mean() for v in args[:2]]
    drift = [(a * values[0] + b * values[1]).detach() / k for k in (1, 2)]
    plain = {"values in place of slopes": drift}
    due = right(net, *args).detach()
    ideas = chain(mistakes(*rivals(net, *args)), plain.items())
    t.close(out, due, why, offset(out, due, a, b), ideas, tol=1e-8)
    digits, name = out.detach().cpu(), "float32 in between"
    t.true(digits.float() != digits, "All digits of float64.", "Half of them.", name)

    for column in True, False:
        shape = "(b, 1)" if column else "(b,)"
        t.property(f"batches of other sizes, and a critic that gives {shape}")
        net, args = Critic(column=column), (images(n + 1), images(n - 2), a, b)
        try:
            out, due = run(net, *args), right(net, *args)
        except Stop as stop:
            if column or stop.outcome != "error":
                raise
            told = {"why": "A critic may give (b,).", "got": stop.lines["got"]}
            t.fail("values taken for a column", **told)
        ideas = mistakes(*rivals(net, *args))
        t.close(out, due.detach(), why, ideas=ideas, tol=1e-8)
        t.property(f"its gradient by the weights of a critic that gives {shape}", out)
        alone = [right(net, *args[:2], *k) for k in ((a, 0.0), (0.0, b))]
        told = "The derivative of the formula."
        for p in net.parameters():
            halves = {"one side cut off from the graph": [t.grad(v, p) for v in alone]}
            ideas = {"cut off from the graph": 0.0} | halves
            got, slope = t.grad(out, p), t.grad(due, p)
            t.close(got, slope, told, "cut off from the graph", ideas, tol=1e-8)

    t.property("nothing is left at the images, and nothing gets to the generator")
    key, net = torch.ones((), requires_grad=True), Critic()
    real, made = images(n), key.double() * images(n + 1)
    out = run(net, real, made, a, b)
    got = t.grad(out, key)
    name = "gradient reaches what was made"
    t.close(got, 0.0, "The generator has no part in the penalty.", name)
    given = images(n), made.detach()
    t.guard(brake, net, *given, a, b)
    left = any(v.requires_grad for v in given)
    why, got = "requires_grad as before: false.", "It is true."
    t.true(not left, why, got, "requires_grad of an input changed")
    leaf = images(n).requires_grad_()
    got = t.grad(run(net, leaf, leaf, a, b), leaf)
    told = "None gets to the images.", "gradient reaches what was made"
    t.close(got, 0.0, *told)
    t.guard(brake, net, leaf, leaf, a, b)
    why, got = "requires_grad as before: true.", "It is false."
    t.true(leaf.requires_grad, why, got, "requires_grad of an input changed")
    name = "gradients left at the images"
    t.true(leaf.grad is None, "Their .grad as before.", "It is filled.", name)

    t.property("a critic that is flat, and a weight of 0")
    net = Critic(flat=0.0)
    out = run(net, real, made.detach(), a, b)
    left = "constant under the root" if t.tensor(out).isfinite() else "root of zero"
    t.close(out, 0.0, "There is no slope.", left, tol=1e-14)
    for p in net.parameters():
        told = "It is smallest where it is 0.", "root of zero"
        t.close(t.grad(out, p), 0.0, *told, tol=1e-6)
    net = Critic()
    for k in (a, 0.0), (0.0, b):
        due = right(net, real, made, *k).detach()
        told = f"With the weights {k}.", "gammas left out"
        t.close(run(net, real, made.detach(), *k), due, *told, tol=1e-8)

    t.property("batches of one, in float32")
    for sizes in (1, 3), (3, 1):
        args = *(images(k) for k in sizes), a, b
        due = right(net, *args).detach()
        t.close(run(net, *args), due, why, "batch axis lost", tol=1e-8)
    single, name = copy.deepcopy(net).float(), "differences in place of derivatives"
    for m in n, n + 1, n + 2:  # by chance a difference may be right once
        args = *(images(k).float() for k in (n, m)), a, b
        t.close(run(single, *args), right(single, *args).detach(), why, name, tol=1e-4)
