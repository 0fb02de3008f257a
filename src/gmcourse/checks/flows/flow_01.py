"""Exercise flow-01: Stretched and squeezed."""

from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32, pair


@Exercise(
    id="flow-01",
    title="Stretched and squeezed",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Carry a density along with a variable, by a derivative that automatic "
        "differentiation takes.",
    ),
    statement=r"""
A random number $z$ has a density $p_Z$, and $x = g(z)$ with a differentiable function
$g$ that rises everywhere or falls everywhere, its slope nowhere 0. Which density has
$x$? Where $g$ stretches, the same probability lies on a longer piece.

Write `pushed(g, z, log_p)`. `z` is a tensor of any shape, also `()`, of *separate*
numbers, and `log_p` of the same shape holds $\log p_Z(z)$ of each. `g` takes a tensor
of any shape and works on each of its numbers alone. Return the pair `(x, log_px)`, both
of the shape of `z`: $x = g(z)$ and $\log p_X(x)$ of each number.

No formula for the slope is given: it comes from automatic differentiation, to the
digits of the type, float32 or float64, in which `z`, `log_p` and the results are. The
slope may be as small as $10^{-30}$ or as large as $10^{30}$, and `log_p` any number,
also near -1000 or 1000. Both results keep their
graph: they can be differentiated by `z` and `log_p`, if these require a gradient, and
by the weights of `g`, also if these do not. (Where nothing depends on `z`, as the slope
of a linear `g`, no path is due.) What `requires_grad` and `.grad` of the inputs are
afterward is not looked at.
""",
    stub='''
def pushed(g, z, log_p):
    """function, (...), (...) -> (...) x, (...) log-density of x."""
    return ..., ...
''',
    answers={"pushed": callable},
    hints=(
        "Probability is kept: $p_X(x)\\,|dx| = p_Z(z)\\,|dz|$. Take the logarithm.",
        "`torch.autograd.grad` differentiates one number. As `g` works on each number "
        "alone, the derivative of the *sum* of all $g(z_i)$ by $z_i$ is the slope at "
        "$z_i$.",
        "`z` may not require a gradient; `z + 0`, or a view, of one that does, does. "
        "And `create_graph=True` lets the slope itself be differentiated.",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (x, log_px).",
        "results exchanged": "x comes first, and its log-density second.",
        "z returned in place of x": "The first result is g(z).",
        "sign of the log-slope": "Where g stretches, the density gets smaller.",
        "slope left out": "The density of x is not that of z: g stretches it.",
        "no absolute value": "A falling g has negative slopes; what counts is by how "
        "much it stretches.",
        "derivative at x in place of z": "g is differentiated where it is applied.",
        "slope in place of its logarithm": "Densities are divided by the slope, so "
        "their logarithms are lowered by its logarithm.",
        "floor under the slope": "A constant added to the slope, or a clamp, changes "
        "the density where g is flat.",
        "ceiling on the slope": "A clamp changes the density where g is steep.",
        "slope squared": "In float32 the square of 1e30 is infinite, that of 1e-30 is "
        "0: abs() needs no square.",
        "one subtracted and added": "Beside 1 a small slope has no digits: log1p is "
        "for numbers that are given as what they are more than 1.",
        "slope of the mean": "The derivative of a mean over n numbers is 1/n of the "
        "slope at each.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "summed over the dimensions": "These are separate numbers: each has a density "
        "of its own.",
    },
)
def flow_01(t, pushed):
    def run(g, z, log_p):
        """Two results of the shape and type of z, of which the first is x."""
        made = pair(t, t.call(pushed, g, z, log_p), "(x, log_px)")
        shape = tuple(z.shape)
        alone = {
            "batch axis lost": [()] * (shape == (1,)),
            "reduced over the batch": [()],
            "summed over the dimensions": [shape[:n] for n in range(1, len(shape))],
        }
        for out in made:
            t.shape(out, shape, "one for each number.", ideas=alone)
            t.dtype(out, z.dtype, "that of z.")
        due = g(z).detach()
        others = {"z returned in place of x": z}
        if torch.allclose(t.tensor(made[1]).detach(), due):
            others["results exchanged"] = t.tensor(made[0]).detach()
        t.close(made[0], due, "x = g(z).", None, others)
        return made

    def ideas(g, slope, z, log_p):
        """What mistakes give, and difference quotients with some steps."""
        at = slope(z.double())
        logs = {
            "": at.abs().log(),
            "no absolute value": [at.clamp(min=10.0**-c).log() for c in range(4, 40)],
            "derivative at x in place of z": slope(g(z.double())).abs().log(),
            "slope in place of its logarithm": [at.abs(), at],
            "logarithm to base 10": at.abs().log10(),
            "bits in place of nats": at.abs().log2(),
            "slope of the mean": (at.abs() / at.numel()).log(),
        }
        logs["no absolute value"] *= bool((at < 0).any())
        logs["floor under the slope"] = [
            low(at.abs(), 10.0**-c).log()
            for low in (torch.add, lambda v, c: v.clamp(min=c))
            for c in range(3, 31)
        ]
        logs["ceiling on the slope"] = [
            at.abs().clamp(max=10.0**c).log() for c in range(1, 30)
        ]
        single = at.abs().to(z.dtype)
        logs["slope squared"] = single.square().log().double() / 2
        logs["one subtracted and added"] = (single - 1).log1p().double()
        signs = {
            "": -1,
            "sign of the log-slope": 1,
            "slope left out": 0,
            "off by a factor of two": [-2, -0.5],
        }
        ends = {
            "": lambda v: v,
            "reduced over the batch": [
                *(lambda v: v.mean().expand_as(v), lambda v: v.sum().expand_as(v)),
            ],
        }
        if z.dim() > 1:
            last = lambda v: v.sum(-1, keepdim=True).expand_as(v)  # noqa: E731
            ends["summed over the dimensions"] = last
        elif z.dtype == torch.float64:
            size = at.abs().float()
            rounded = [size.double().log(), size.log().double()]
            yield "float32 in between", [log_p - v for v in rounded]
        yield from mistakes(lambda a, s, f: log_p + s * f(a), logs, signs, ends, most=1)
        yield "density in place of its logarithm", (log_p - logs[""]).exp()
        yield "slope in place of its logarithm", [log_p / at.abs(), log_p * at.abs()]
        for h in (10.0**-k for k in range(1, 9)):
            steps = [(g(z + h) - g(z)) / h, (g(z + h) - g(z - h)) / (2 * h)]
            found = [log_p - v.double().abs().log() for v in steps]
            yield "differences in place of derivatives", found

    def judged(name, g, slope, z, log_p, mistake=None, tol=1e-5):
        t.property(name)
        out = run(g, z, log_p)[1]
        if mistake:
            t.finite(out, "The logarithm of a density above 0.", mistake)
        told = log_p.double(), slope(z.double())
        due = torch.sub(told[0], torch.log(abs(told[1])))
        same = [k for k in kept if k[0].shape == z.shape]
        past = [v for d, p in same for v in (d, d - p + told[0])]
        past = [v for v in past if not torch.allclose(v, due)]
        first = ("result of an earlier call", past), in_float32(t.tensor(out), due)
        found = chain(first, ideas(g, slope, z, told[0]))
        edge = mistake if mistake != "no absolute value" else None
        t.close(out, due, "log p_Z(z) minus the log of |g'(z)|.", edge, found, tol)
        kept.append((due, told[0]))

    kept: list = []
    n = t.integer(5, 9)
    z, log_p = t.normal(n, std=1.2), t.normal(n, std=3)
    rising = lambda z: z.sinh() + z, lambda z: z.cosh() + 1
    falling = lambda z: 0.4 * (-z).exp(), lambda z: -0.4 * (-z).exp()
    judged("a rising function", *rising, z, log_p)
    judged("a falling function", *falling, z, log_p, "no absolute value")
    judged("another one at the same z", torch.exp, torch.exp, z, log_p)
    judged("other densities at the same z", *rising, z, t.normal(n, std=3))
    wide = t.uniform(n, low=50, high=68) * (1 - 2 * (torch.arange(n) % 2))
    wide[:2] = t.uniform(2, low=67.5, high=68) * torch.tensor([1, -1])
    low = t.normal(n)
    name = "slopes from 10⁻³⁰ to 10³⁰"
    judged(name, *falling, wide, low, tol=1e-4)
    low, told = t.away(n, low=900, high=1100), "underflow to zero"
    judged("log-densities near 1000 and -1000", *rising, z, low, told)
    judged("float64, to ten digits", *rising, z.double(), log_p.double(), tol=1e-10)

    judged(f"{name}, in float64", *falling, wide.double(), log_p.double(), tol=1e-10)
    far, log_p = t.uniform(12, low=1e4, high=2e4).double(), t.normal(12)
    wave = lambda z: 2 * z + z.sin(), lambda z: 2 + z.cos()
    judged("float64, far from 0", *wave, far, log_p.double(), tol=1e-9)
    for shape in ((), (1,), (2, 3, 4)):
        z, log_p = t.normal(*shape), t.normal(*shape)
        judged(f"numbers in a tensor of shape {shape}", *rising, z, log_p)

    for flag in (False, True):
        t.property(f"gradients, where z {'requires one' if flag else 'does not'}")
        a, b = (t.uniform(low=0.5, high=2).double().requires_grad_() for _ in range(2))
        z, log_p = (t.normal(4).double().requires_grad_(flag) for _ in range(2))
        x, out = run(lambda z, a=a, b=b: -a * z - b * z.tanh(), z, log_p)
        slope = a + b / z.cosh().square()
        u, v = (t.uniform(4, low=0.5, high=2).double() for _ in range(2))
        due = ((-a * z - b * z.tanh()) * u).sum() + ((log_p - slope.log()) * v).sum()
        for wrt in (a, b, z, log_p)[: 4 if flag else 2]:
            t.property(t.properties[-1], of=out)
            told = "That of the formula.", "cut off from the graph"
            try:
                got = t.grad(x, wrt, u) + t.grad(out, wrt, v)
            except RuntimeError:  # the graph of x is gone
                t.fail(told[1], why=told[0], got="An error of backward.")
            t.close(got, t.grad(due, wrt), *told, tol=1e-6)
