"""Exercise flow-09: From the density of logits to bits of pixels."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="flow-09",
    title="From the density of logits to bits of pixels",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Carry a density back through noise, scaling and logit, so that its cost in "
        "bits can be compared with that of other models of the same pixels.",
    ),
    statement=r"""
Many flows are trained on logits of pixels
([Dinh et al., 2017](https://arxiv.org/abs/1605.08803)). A pixel of level $x$ in 0 to
255 gets noise $u$ from 0 to 1, and then

$$
v = \operatorname{logit}\Bigl(\delta + (1 - 2\delta)\, \frac{x + u}{256}\Bigr),
\qquad \operatorname{logit}(s) = \log s - \log(1 - s),
$$

with a margin $\delta$ that keeps $v$ finite. The flow's `log_p` is the log-density of
$v$. What is wanted is the cost of the **levels**, on their own scale of 0 to 256, in
bits per dimension: with uniform $u$ the log-density of $x + u$ bounds $\log P(x)$ from
below, on average over $u$.

Write `bits_per_dim(log_p, x, u, margin)`. `log_p` is `(n,)`, in nats, the log-density
that the flow gives the whole $v$ of each image; `x` is uint8 `(n, ...)`, with one axis
or more behind the first, and each of its values is one dimension; `u` has the shape of
`x`; `margin` is a number from 0.001 to 0.45. Return `(n,)`: for each image minus the
base-2 logarithm of the density of $x + u$, divided by the number of dimensions. `log_p`
and `u` are both float32 (then four digits are enough), or both float64 (then right to
$10^{-10}$ times 1 plus its size), the result is of the same type, and gradients flow to
both.
""",
    stub='''
def bits_per_dim(log_p, x, u, margin):
    """(n,), uint8 (n, ...), (n, ...), float -> (n,)."""
    return ...
''',
    answers={"bits_per_dim": callable},
    hints=(
        "A density changes by the slope of the map: log p(x + u) = log p(v) plus the "
        "sum, over all values, of the logarithm of dv/dx.",
        "The map is a chain of three: divide by 256, squeeze into the margins, take "
        "the logit. The slopes of the first two are constants, that of logit at $s$ is "
        r"$1 / (s (1 - s))$.",
        "What does a model cost that knows nothing, whose density of $x + u$ is 1/256 "
        "everywhere? Find its `log_p`, and see that your function gives 8.",
    ),
    misconceptions={
        "logit without its Jacobian": "The density of v is not that of the pixels: the "
        "slope of logit, which differs from value to value, is missing.",
        "Jacobian of the sigmoid": "The way goes from v back to the pixels, and the "
        "density is multiplied by dv/dx: the slope of logit, not that of its inverse.",
        "density divided by the slope": "The way goes from v to the pixels: the "
        "density is multiplied by dv/dx.",
        "one end of the logit left out": "The slope of logit has two parts, one from "
        "log s and one from log(1 - s).",
        "a clamp": "All values lie within the margins: a clamp changes what is due.",
        "small constant in the logarithm": "The margin keeps s from 0 and 1: what is "
        "added to it changes the value, and its gradient near the ends.",
        "multiplied by log 2": "A bit is log 2 nats: nats are divided by log 2.",
        "share left out": "The squeeze by 1 - 2 margin is a part of the map.",
        "share divided by": "The squeeze by 1 - 2 margin belongs into dv/dx, not into "
        "its inverse.",
        "share of one margin": "There are margins at both ends.",
        "scale of 1/256 left out": "Without it, this is the density of pixels from 0 "
        "to 1: eight bits off.",
        "256 with the other sign": "dv/dx holds 1/256: the density of x + u is smaller "
        "than that on 0 to 1.",
        "255 in place of 256": "There are 256 cells of one level each.",
        "constant counted once for the image": "Each of the dimensions is scaled.",
        "slope of another place": "The slope of logit is taken at margin + (1 - 2 "
        "margin) (x + u)/256.",
        "noise left out": "v was made with u, and the slope is taken at x + u.",
        "bits not divided by the dimensions": "Per dimension: divided by the number of "
        "values of an image.",
        "another number of dimensions": "The values of one image: not those of the "
        "batch, nor its pixels without the channels, nor 3072.",
        "log_p divided otherwise": "log_p and the sum of the log-slopes belong to the "
        "whole image: they are added first, and divided once.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def flow_09(t, bits_per_dim):
    def images(shape, margin=None, kind=torch.float32):
        x = t.integers(*shape, low=0, high=255).to(torch.uint8)
        x.view(shape[0], -1)[:, 0], x.view(shape[0], -1)[:, -1] = 255, 0
        u = t.uniform(*shape, low=0.02, high=0.98).to(kind)
        log_p = t.uniform(shape[0], low=-60, high=40).to(kind)
        return log_p, x, u, t.integer(1, 9) / 100 if margin is None else margin

    def each(log_p, x, u, margin):
        """The share of each value, its slope by automatic differentiation."""
        at, wide = x.double() + u.double(), 1 - 2 * margin
        with torch.enable_grad():
            at = at if at.requires_grad else at.requires_grad_()
            v = torch.logit(margin + wide * (at / 256))
            (slope,) = torch.autograd.grad(v.sum(), at, create_graph=True)
        n = x[0].numel()
        own = log_p.double().view(-1, *[1] * (x.dim() - 1)) / n
        return -(own + slope.log()) / n / math.log(2)

    def value(log_p, x, u, margin, jac, share, scale, place, count, dims, unit, sign):
        d, at = x[0].numel(), place(x.double(), u.double(), margin)
        logs = jac(at).flatten(1).sum(1) + count(d) * (share(margin) + scale)
        return sign * (log_p.double() + logs) / dims(x) / unit

    def rivals(log_p, x, u, margin):
        args = [v.detach() if torch.is_tensor(v) else v for v in (log_p, x, u, margin)]
        jac = {
            "": lambda s: -s.log() - (1 - s).log(),
            "logit without its Jacobian": torch.zeros_like,
            "Jacobian of the sigmoid": lambda s: s.log() + (1 - s).log(),
            "one end of the logit left out": [
                *(lambda s: -s.log(), lambda s: -(1 - s).log()),
            ],
        }
        share = {
            "": lambda m: math.log(1 - 2 * m),
            "share left out": lambda m: 0.0,
            "share divided by": lambda m: -math.log(1 - 2 * m),
            "share of one margin": lambda m: math.log(1 - m),
        }
        scale = {
            "": -math.log(256),
            "scale of 1/256 left out": 0.0,
            "256 with the other sign": math.log(256),
            "255 in place of 256": -math.log(255),
        }
        place = {
            "": lambda x, u, m: m + (1 - 2 * m) * (x + u) / 256,
            "noise left out": lambda x, u, m: m + (1 - 2 * m) * x / 256,
            "slope of another place": [
                lambda x, u, m: ((x + u) / 256).clamp(1e-6, 1 - 1e-6),
                lambda x, u, m: (m + (1 - 2 * m) * (x + u) / 256).sigmoid(),
                lambda x, u, m: m + (1 - 2 * m) * (x / 256 + u),
            ],
            "a clamp": [
                lambda x, u, m, e=e: (m + (1 - 2 * m) * (x + u) / 256).clamp(e, 1 - e)
                for e in (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002)
            ],
            "255 in place of 256": lambda x, u, m: m + (1 - 2 * m) * (x + u) / 255,
        }
        count = {"": lambda d: d, "constant counted once for the image": lambda d: 1}
        dims = {
            "": lambda x: x[0].numel(),
            "bits not divided by the dimensions": lambda x: 1,
            "another number of dimensions": [
                *(lambda x: x.numel(), lambda x: x[0, 0].numel(), lambda x: 3072),
                *(lambda x: x.shape[1], lambda x: x.shape[-1], len, lambda x: 784),
            ],
        }
        unit = {"": math.log(2), "nats in place of bits": 1.0}
        unit["logarithm to base 10"] = math.log(10)
        unit["multiplied by log 2"] = 1 / math.log(2)
        sign = {"": -1.0, "sign flipped": 1.0}
        logs = each(args[0] * 0, *args[1:]).detach().flatten(1).sum(1)
        d = x[0].numel()
        past = [v for v in kept if v[1].shape == args[1].shape]
        yield (
            "result of an earlier call",
            [
                each(*own).flatten(1).sum(1)
                for v in past
                for own in (v, (args[0], *v[1:]), (args[0], v[1], *args[2:]))
            ],
        )
        own = -args[0] / d / math.log(2)
        twice = [logs + own / d, logs + own * d, logs * d + own]
        yield "log_p divided otherwise", twice
        yield "reduced over the batch", [own + logs.sum(), own + logs.mean()]
        yield "density divided by the slope", own - logs
        yield "mean over the dimensions", [logs / d + own, (logs + own) / d]
        yield "logit without its Jacobian", [own, own + 8]
        parts = jac, share, scale, place, count, dims, unit, sign
        yield from mistakes(lambda *c: value(*args, *c), *parts, tol=2e-5)

    def added(log_p, x, u, margin):
        """What a small constant in the logarithms gives."""
        s = margin + (1 - 2 * margin) * (x.double() + u) / 256
        slope = math.log((1 - 2 * margin) / 256)
        for e in (10.0**-i for i in range(4, 13)):
            ends = (e, e), (e, 0), (0, e), (-e, e), (e, -e)
            logs = [-(s + a).log() - (1 - s + b).log() for a, b in ends]
            logs.append(-(s * (1 - s) + e).log())
            found = [log_p + (v + slope).flatten(1).sum(1) for v in logs]
            bits = [-v / x[0].numel() / math.log(2) for v in found]
            yield "small constant in the logarithm", bits

    def judged(name, args, told=None, tol=1e-5, ideas=None, grads=True):
        ideas = ideas or (None if told else rivals(*args))
        why = "Minus log2 of the density of x + u, by automatic differentiation."
        out = t.rowwise(name, bits_per_dim, args, each, why, ideas, told, grads=grads,
                        tol=tol)  # fmt: skip
        t.dtype(out, args[0].dtype, "that of log_p and u.")
        kept.append(args)

    kept: list = []
    args = images((4, 3, 5))
    told = "All values lie within the margins."
    t.finite(t.call(bits_per_dim, *args), told)
    judged("bits per dimension of pictures", args)
    for shape in ((4, 3, 5), (3, 2, 4, 5), (5, 7), (1, 3, 2, 2), (2, 1, 1), (3, 1, 6)):
        judged("bits per dimension of other sizes", images(shape))
    args = images((3, 4, 2), kind=torch.float64)
    out = t.tensor(t.call(bits_per_dim, *args)).detach()
    near = not far(out, each(*args).detach().flatten(1).sum(1), 1e-5).any()
    judged(
        "in float64", args, "float32 in between" if near else None, 1e-10, added(*args)
    )
    judged("a wide margin", images((3, 4, 2), 0.45))
    judged("a margin of 0.001", images((3, 4, 2), 0.001), tol=1e-4)

    t.property("knowing nothing costs eight bits")
    _, x, u, margin = images((3, 2, 4))
    slope = each(torch.zeros(3), x, u, margin).flatten(1).sum(1) * 8 * math.log(2)
    log_p = (slope.detach() - 8 * math.log(256)).float()
    t.close(t.call(bits_per_dim, log_p, x, u, margin), 8.0, "1/256 everywhere.",
            tol=1e-4)  # fmt: skip
