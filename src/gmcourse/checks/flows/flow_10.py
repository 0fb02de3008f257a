"""Exercise flow-10: The bound that noise gives."""

import itertools
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="flow-10",
    title="The bound that noise gives",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write the bound of variational dequantization with any number of draws, and "
        "keep apart the volumes that enter it.",
    ),
    statement=r"""
The probability of an image of levels $x$ in 0 to 255 is the integral of a density over
a cell: $P(x) = \int p(x + u)\, \mathrm du$ over all $u$ in $(0, 1)^d$, if $p$ is
the density on the scale of the levels. With noise from a density $q(u \mid x)$ on the
cell and $k$ draws,

$$
\log P(x) \ge \mathbb E\, \log \frac1k \sum_{i=1}^k \frac{p(x + u_i)}{q(u_i \mid x)} ,
$$

which for $k = 1$ is variational dequantization
([Ho et al., 2019](https://arxiv.org/abs/1902.00275)), and importance-weighted for more
([Hoogeboom et al., 2020](https://arxiv.org/abs/2001.11235)). Here
$u = \operatorname{sigmoid}(m + e^s \epsilon)$, value by value, with
$\epsilon \sim \mathcal N(0, 1)$.

Write `bound(log_density, x, eps, mean, log_std)`. `log_density` is a function: of $y$,
shape `(n, ...)` for any $n$ from 1 and with `...` the shape of an image (one axis or
more), it gives `(n,)`, may be called as often as you like, the log-density in nats of
$y = (x + u)/256$, **on the scale of 0 to 1**. `x` is uint8 `(b, ...)`, `eps` is `(k, b,
...)`, the noise that was drawn, and `mean` ($m$) and `log_std` ($s$) are `(b, ...)`.
Return `(b,)`: the bound's estimate for each image, in nats, from these $k$ draws
(nothing is drawn in `bound`). All but `x` are float32 or all are float64 (then right to
$10^{-9}$ times 1 plus its size), as the result is; entries of `eps` are at most 6 in
size, those of `log_std` at most 5; gradients flow to `mean`, `log_std`, `eps` and
whatever is trained in `log_density`.

The arguments of the sigmoid may be as large as 25 and as small as -25, where float32
rounds $u$ to 1 or nearly 0: `log_density` copes with that, and $\log q$ has to be right
there, too.
""",
    stub='''
def bound(log_density, x, eps, mean, log_std):
    """function, uint8 (b, ...), (k, b, ...), (b, ...), (b, ...) -> (b,)."""
    return ...
''',
    answers={"bound": callable},
    hints=(
        "There are three volumes: of the normal noise, of the sigmoid's map with its "
        "scale, and of 256 levels in a unit. Write log q(u | x) first.",
        "u is an increasing function of eps, so q(u | x) is the density of eps divided "
        r"by du/deps, which is $u (1 - u)\, e^s$ in each value. In logarithms: "
        "`logsigmoid` of the argument and of its negative.",
        "log_density(y) - d log 256 is the log-density on the scale of levels. Weights "
        "like exp(-4000) are 0 as floats: what takes a mean of exponentials without "
        "computing them?",
    ),
    misconceptions={
        "log q left out": "Without it the noise would only look for the highest "
        "density, and the result is no bound.",
        "log q added": "The density of the noise is divided by.",
        "density of the noise left out": "u has no density without that of eps.",
        "width of the noise left out": "du/deps holds exp(log_std): wide noise has a "
        "low density.",
        "width of the noise with the other sign": "A wider q is a lower one.",
        "Jacobian of the sigmoid left out": "u is a sigmoid of a normal value: the "
        "slope u (1 - u) belongs to its density.",
        "Jacobian of the sigmoid with the other sign": "Where the sigmoid is flat, "
        "many values of eps meet: q(u) is large there.",
        "scale of 256 left out": "log_density is on the scale of 0 to 1, where a cell "
        "is 1/256 wide.",
        "scale of 256 with the other sign": "A density on the scale of levels is the "
        "smaller one, by 1/256 in each dimension.",
        "scale of 256 counted once": "Each of the dimensions is scaled.",
        "255 in place of 256": "There are 256 cells.",
        "mean of the logarithms": "The mean over the draws is taken of the weights "
        "themselves; the logarithm comes after it.",
        "log k left out": "A mean of k weights, not their sum.",
        "one weight alone": "All draws count.",
        "shared weights": "Each image has a mean of its own over its draws.",
        "exponentials that underflow": "exp(-4000) is 0: logsumexp takes the largest "
        "logarithm out first.",
        "noise out of its cell": "u lies between 0 and 1, and (x + u)/256 in the cell "
        "of x.",
        "noise left out": "y is a place in the cell, not its edge.",
        "normal density at another place": "The noise that was drawn is eps: the "
        "standard normal density is taken there, not at the argument of the sigmoid.",
        "log_std cut off in log q": "log q says how wide the noise is: without a "
        "gradient from it, log_std learns from the place of the draws alone.",
        "detached noise": "u follows mean and log_std: the bound is to train them, "
        "through y as well.",
        "log q cut off from the graph": "The gradient through y is right, that through "
        "log q is missing.",
        "mixed draws and images": "The draws stand on the first axis, the images on "
        "the second: look at the order in view and repeat.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "mean over the dimensions of log q": "log q is a sum over the dimensions.",
    },
)
def flow_10(t, bound):
    def density(*shape):
        """Of coupled values, without symmetry, and what is trained in it."""
        tilt = t.away(*shape, low=0.5, high=2).requires_grad_()
        pair = t.uniform(*shape, low=-1, high=1)

        def log_density(y: Tensor) -> Tensor:
            if y.shape[1:] != shape:
                due = f"(n, {', '.join(map(str, shape))})"
                raise ValueError(f"log_density got {tuple(y.shape)}; expected {due}")
            flat, a, b = y.flatten(1), tilt.to(y).flatten(), pair.to(y).flatten()
            return flat @ a + 3 * (flat @ b).sin() - 4 * (flat - 0.4).square().sum(1)

        return log_density, tilt

    def inputs(k, b, *shape, kind=torch.float32):
        x = t.integers(b, *shape, low=0, high=255).to(torch.uint8)
        m, s = (
            t.away(b, *shape, low=0.3, high=1.5),
            t.uniform(b, *shape, low=-1, high=1),
        )
        return x, *(v.to(kind) for v in (t.normal(k, b, *shape), m, s - 0.3))

    def due(log_density, x, eps, mean, log_std, cut=""):
        """The weights by automatic differentiation of y by eps."""
        eps, mean, log_std = (v.double() for v in (eps, mean, log_std))
        with torch.enable_grad():
            eps = eps if eps.requires_grad else eps.requires_grad_()
            at = mean + log_std.exp() * eps
            y = (x.double() + at.sigmoid()) / 256
            # The slope is even, and a sigmoid near 1 would lose its digits.
            low = torch.where(at > 0, -at, at).sigmoid() / 256
            (slope,) = torch.autograd.grad(low.sum(), eps, create_graph=True)
        normal = torch.distributions.Normal(0.0, torch.ones(()).double())
        logs = (slope.abs().log() - normal.log_prob(eps)).flatten(2).sum(2)
        logs = logs.detach() if cut == "log q" else logs
        if cut == "log_std":
            logs = logs - (log_std - log_std.detach()).flatten(1).sum(1)
        y = y.detach() if cut == "noise" else y
        logs = logs + torch.stack([log_density(v) for v in y])
        top = logs.amax(0).detach()
        return top + (logs - top).exp().mean(0).log()

    def rivals(log_density, x, eps, mean, log_std):
        eps, mean, log_std = (v.detach().double() for v in (eps, mean, log_std))
        x, (k, b), d = x.double(), eps.shape[:2], x[0].numel()
        half = math.log(2 * math.pi) / 2
        normal = {
            "": -eps.square() / 2 - half,
            "normal density at another place": [
                -(mean + log_std.exp() * eps).square() / 2 - half,
                -(log_std.exp() * eps).square() / 2 - half,
            ],
            "density of the noise left out": torch.zeros_like(eps),
            "constant left out": -eps.square() / 2,
        }
        width = {
            "": log_std,
            "width of the noise left out": 0 * log_std,
            "width of the noise with the other sign": -log_std,
            "log_std read as log variance": log_std / 2,
        }
        sigmoid = {
            "": 1,
            "Jacobian of the sigmoid left out": 0,
            "Jacobian of the sigmoid with the other sign": -1,
        }
        q = {
            "": (-1, torch.sum),
            "log q left out": (0, torch.sum),
            "log q added": (1, torch.sum),
            "mean over the dimensions of log q": (-1, torch.mean),
        }
        scale = {
            "": -d * math.log(256),
            "scale of 256 left out": 0.0,
            "scale of 256 with the other sign": d * math.log(256),
            "scale of 256 counted once": -math.log(256),
            "255 in place of 256": -d * math.log(255),
        }
        std = {"": log_std.exp(), "log_std read as log variance": (log_std / 2).exp()}
        place = {
            "": lambda a: (x + a.sigmoid()) / 256,
            "noise out of its cell": [
                *(lambda a: (x + a) / 256, lambda a: x / 256 + a.sigmoid())
            ],
            "noise left out": lambda a: x.expand_as(a) / 256,
            "255 in place of 256": lambda a: (x + a.sigmoid()) / 255,
        }
        over = {
            "": lambda w: w.logsumexp(0) - math.log(k),
            "mean of the logarithms": lambda w: w.mean(0),
            "log k left out": lambda w: w.logsumexp(0),
            "one weight alone": [lambda w: w.amax(0), lambda w: w[0]],
            "shared weights": lambda w: (w.logsumexp((0, 1)) - math.log(k * b)).expand(
                b
            ),
            "sign flipped": lambda w: math.log(k) - w.logsumexp(0),
        }

        def value(normal, width, sigmoid, q, scale, std, place, over, mixed=False):
            at = mean + std * eps
            own = -F.softplus(-at) - F.softplus(at)
            log_q = q[1]((normal - width - sigmoid * own).flatten(2), 2)
            logs = torch.stack([log_density(v).detach() for v in place(at)])
            logs = logs.view(b, k).T if mixed else logs
            return over(logs + q[0] * log_q + scale)

        parts = normal, width, sigmoid, q, scale, std, place, over
        right = [v[""] for v in parts]
        yield "mixed draws and images", value(*right, mixed=True)
        yield from mistakes(value, *parts, tol=2e-5)

    kept: list = []

    def judged(name, args, known=None, tol=1e-5):
        t.property(name)
        out, (b, *shape) = t.call(bound, *args), args[1].shape
        shapes = {
            "reduced over the batch": [(), (1,)],
            "not summed over the dimensions": (b, *shape),
        }
        t.shape(out, (b,), "one bound for each image.", ideas=shapes)
        t.dtype(out, args[2].dtype, "that of eps, mean and log_std.")
        exact = due(*args)
        past = [v for v in kept if v.shape == exact.shape]
        ideas = itertools.chain([("result of an earlier call", past)], rivals(*args))
        kept.append(exact.detach())
        why = "By automatic differentiation of y by eps, in float64."
        t.close(out, exact, why, known, [] if known else ideas, tol)
        return out, exact

    args = density(2, 5)[0], *inputs(3, 4, 2, 5)
    t.steady(bound, *args)
    judged("the bound of several draws", args)
    for k, b, *shape in ((3, 4, 2, 5), (4, 5, 2, 2, 3), (5, 1, 3, 2), (2, 3, 1)):
        args = density(*shape)[0], *inputs(k, b, *shape)
        judged("the bound of several draws", args)
    args = density(3, 4)[0], *inputs(1, 3, 3, 4)
    judged("the bound of one draw", args)
    small = "exponentials that underflow"
    judged("images of 900 values", (density(900)[0], *inputs(4, 3, 900)), small)

    f, x, eps, _, log_std = density(2, 3)[0], *inputs(3, 4, 2, 3)
    far = 24 * (2 * t.integers(4, 2, 3, low=0, high=1) - 1) + eps[0]
    told = "arguments of the sigmoid near 24 and -24"
    args = f, x, eps, far - 0.02 * eps[0], log_std * 0 - 4
    judged(told, args, "logarithm of a saturated sigmoid")
    args = density(2, 3)[0], *inputs(3, 4, 2, 3, kind=torch.float64)
    judged("in float64", args, "float32 in between", 1e-9)

    t.property("gradients")
    f, tilt = density(2, 3)
    x, *rest = inputs(3, 4, 2, 3)
    args: Any = f, x, *(v.requires_grad_() for v in rest)
    out, exact = judged("gradients", args)
    share = t.uniform(4, low=0.5, high=2)
    cuts = {
        "detached noise": due(*args, cut="noise"),
        "log q cut off from the graph": due(*args, cut="log q"),
        "log_std cut off in log q": due(*args, cut="log_std"),
    }
    for leaf in (*args[3:], args[2], tilt):
        ideas = {name: t.grad(v, leaf, share) for name, v in cuts.items()}
        ideas["cut off from the graph"] = torch.zeros_like(leaf)
        got, slope = t.grad(out, leaf, share), t.grad(exact, leaf, share)
        ideas = {name: v for name, v in ideas.items() if far_from(v, slope)}
        t.close(got, slope, "The derivative of the same bound.", None, ideas, 1e-4)


def far_from(a, b):
    return (a - b).abs().max() > 1e-3
