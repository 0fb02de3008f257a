"""Exercise flow-25: Density along a path."""

from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="flow-25",
    title="Density along a path",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Tell by the continuity equation whether a density goes with a velocity.",
    ),
    statement=r"""
Points that move with $\mathrm dx / \mathrm dt = v(x, t)$ carry their density along, and
none is lost: $\partial_t p + \nabla \cdot (p\, v) = 0$, the continuity equation.
Divided by $p$ it says of the logarithm

$$
r(x, t) = \partial_t \log p + v \cdot \nabla \log p + \nabla \cdot v = 0 .
$$

Where a network gives $\log p$, or $v$, or both, $r$ says how far they are from being
a pair, without a single solve. Write `residual(log_p, v, x, t)`, which gives $r$ of
each example, `(b,)`, exactly, by automatic differentiation. `x` is `(b, d)` and `t` is
`(b,)`: *each example has its own time*, and $b$ and $d$ are any from 1. `log_p(x, t)`
gives `(n,)` and `v(x, t)` gives `(n, d)` for `(n, d)` and `(n,)` of the type of `x`,
any $n$ from 1, each row from its own row. They are made of differentiable operations of
PyTorch, each may depend on `x` alone, on `t` alone or on neither, and $p$ may lack a
constant factor, be it $e^{1000}$.

All are float32, or all float64, as the result is; it is right to $10^{-5}$ or to
$10^{-9}$ of the largest of the three terms (or of 1, if they are smaller), also where
`x` is near $10^6$ in float64. The result keeps its graph: it can be differentiated by
what is trained in `log_p` and in `v`, whether or not `x` and `t` require a gradient. No
gradient by `x` or `t` is asked for.
""",
    stub='''
def residual(log_p, v, x, t):
    """(n, d), (n,) -> (n,); (n, d), (n,) -> (n, d); (b, d), (b,) -> (b,)."""
    return ...
''',
    answers={"residual": callable},
    hints=(
        "Each row depends on its own row alone: the gradient of the *sum* of all "
        "`log_p` by `x` and by `t` holds those of all examples.",
        "The divergence is the sum of the derivatives of the $i$-th velocity by the "
        "$i$-th value, $d$ calls of `torch.autograd.grad`.",
        "What does not depend on an input has the derivative 0, and autograd an error "
        "or None. `allow_unused` helps with one of the two cases, `requires_grad` of "
        "the output tells the other.",
    ),
    misconceptions={
        "derivative by time left out": "At a fixed place the density changes, too.",
        "transport left out": "A moving density changes where it has a slope.",
        "transport with the other sign": "The density is carried with v.",
        "divergence left out": "Where points part, the density falls.",
        "divergence with the other sign": "Where points part, the density falls.",
        "gradient of the density": "The gradient of log p is that of p divided by p.",
        "all of the Jacobian in place of its trace": "The gradient of the sum of all "
        "velocities holds the entries beside the diagonal as well.",
        "gradient of the mean": "The mean over b examples has 1/b of each gradient.",
        "one time for all examples": "Each example has its own time.",
        "error where nothing depends": "A density at rest, or a constant velocity, has "
        "derivatives of 0.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "right in few dimensions only": "d is any number from 1.",
    },
)  # fmt: skip
def flow_25(t, residual):
    def drawn(b, d, kind, at=0.0, bend=1.0, extra=1.0):
        """Gaussians that move and widen; bent and without a norm, they are no pair."""
        low, mean = t.uniform(d, low=-0.4, high=0.4), at + t.normal(d)
        made = *(t.away(d, low=0.3, high=0.9) for _ in range(3)), mean, low
        go, grow, wave, mean, low = (v.to(kind).requires_grad_() for v in made)
        mix = (t.away(d, d, low=0.3, high=0.9) * (1 - torch.eye(d))).to(kind)

        def off(x, s):
            std = (low + grow * s[:, None]).exp()
            return (x - mean - go * s[:, None].sin()) / std, std

        def log_p(x, s):
            unit, std = off(x, s)
            return extra * s**2 - (unit.square() / 2 + std.log()).sum(1)

        def v(x, s):
            unit, std = off(x, s)
            own = (wave * x).sin() + x @ mix
            return go * s[:, None].cos() + grow * unit * std + bend * own

        def terms(x, s):
            """The three, in closed form, and the Jacobian's rest and diagonal."""
            unit, std = off(x, s)
            rise = unit * go * s[:, None].cos() / std + grow * (unit.square() - 1)
            by_t = rise.sum(1) + 2 * extra * s
            carried = -(v(x, s) * unit / std).sum(1)
            own = grow + bend * wave * (wave * x).cos()
            return by_t, carried, own, bend * mix.sum()

        x = (mean + 1.2 * t.normal(b, d)).to(kind).detach()
        return log_p, v, x, t.uniform(b, low=0.1, high=1.5).to(kind), terms, (wave, low)

    def rivals(log_p, x, s, terms):
        b, d = x.shape
        by_t, carried, own, rest = (v.detach() for v in terms(x, s))
        p, whole = log_p(x, s).detach().exp(), own.sum(1)
        rise = {"": by_t, "derivative by time left out": 0 * by_t}
        move = {"": carried, "transport left out": 0 * carried,
                "transport with the other sign": -carried,
                "gradient of the density": p * carried}  # fmt: skip
        part = {
            "": whole,
            "divergence left out": 0 * whole,
            "divergence with the other sign": -whole,
            "mean over the dimensions": whole / d,
            "all of the Jacobian in place of its trace": whole + rest,
            "right in few dimensions only": [own[:, :k].sum(1) for k in (1, 2, 3)],
        }
        end = {
            "": lambda a, b, c: a + b + c,
            "density in place of its logarithm": lambda a, b, c: p * (a + b + c),
            "gradient of the mean": lambda a, e, c: (a + e) / b + c,
            "sign flipped": lambda a, b, c: -a - b - c,
            "reduced over the batch": [
                lambda a, b, c: (a + b + c).mean() + 0 * a,
                lambda a, b, c: (a + b + c).sum() + 0 * a,
            ],
        }
        times = [s[:1].expand(b), s[-1:].expand(b), s.mean().expand(b), 0 * s]
        found = [[v.detach() for v in terms(x, one)] for one in times]
        others = [a + c + e.sum(1) for a, c, e, _ in found]
        yield "one time for all examples", others if b > 1 else []
        a, e, c, _ = (v.detach() for v in terms(x.float().to(x), s.float().to(s)))
        yield "float32 in between", [a + e + c.sum(1)] * (x.dtype == torch.float64)
        yield from mistakes(lambda a, c, e, f: f(a, c, e), rise, move, part, end)

    kept: list = []

    def judged(name, log_p, v, x, s, terms, tol=1e-5, known=None):
        t.property(name)
        b, d = x.shape
        given = residual, log_p, v, x, s
        out = t.edge(known, *given) if known else t.call(*given)
        ideas = {
            "not summed over the dimensions": (b, d),
            "batch axis lost": [()] * (b == 1),
            "reduced over the batch": [(), (1,)],
        }
        t.shape(out, (b,), "one for each example.", ideas=ideas)
        t.dtype(out, x.dtype, "that of x.")
        parts = terms(x, s)
        size = max(1.0, *(float(p.detach().abs().max()) for p in parts[:3]))
        due = parts[0] + parts[1] + parts[2].sum(1)
        got = t.tensor(out)
        others = [0 * due, *parts[:2], parts[2].sum(1)]
        others += [due - v for v in others]
        single = any(held(got.double() - v.double(), size) for v in others)
        single = single and x.dtype == torch.float64
        near = name == "far from 0" or torch.allclose(got, due, 1e-2, 1e-2 * size)
        told = known or ("float32 in between" if single else None)
        told = told or ("differences in place of derivatives" if near else None)
        past = [old for old in kept if old.shape == due.shape]
        ideas = chain([("result of an earlier call", past)], rivals(log_p, x, s, terms))
        ideas = [] if single else ideas
        why = "The three terms in closed form (here divided by the largest)."
        ideas = ((k, [w / size for w in (v if isinstance(v, list) else [v])])
                 for k, v in ideas)  # fmt: skip
        t.close(got / size, due.detach() / size, why, told, ideas, tol)
        kept.append(due.detach())
        return out, due

    log_p, v, x, s, terms, _ = drawn(4, 3, torch.float32)
    t.steady(residual, log_p, v, x, s)
    judged("no pair", log_p, v, x, s, terms)
    for b, d in ((5, 4), (3, 3), (1, 3), (4, 1), (1, 1), (3, 12)):
        judged("no pair", *drawn(b, d, torch.float32)[:5])
    x, s = t.normal(4, 3).double(), t.uniform(4, low=0.1, high=2).double()
    wave, total = (lambda x, s: (1.3 * x).sin()), lambda x, s: s.cos() * x.sum(1)
    terms = lambda x, s: (-s.sin() * x.sum(1), total(wave(x, s), s),  # noqa: E731
                          1.3 * (1.3 * x).cos(), 0 * s)  # fmt: skip
    judged("a divergence in float64", total, wave, x, s, terms, 1e-9)
    judged("a true pair", *drawn(6, 2, torch.float64, 0.0, 0.0, 0.0)[:5], 1e-9)
    judged("float64", *drawn(4, 5, torch.float64, 30.0)[:5], 1e-9)
    judged("far from 0", *drawn(3, 4, torch.float64, 1e6)[:5], 1e-9)

    log_p, v, x, s, terms, _ = drawn(4, 3, torch.float64)
    for c in (-1000.0, 1000.0):
        less = lambda x, s, c=c: log_p(x, s) + c  # noqa: E731
        name = f"p times e^{c:g}"
        judged(name, less, v, x, s, terms, 1e-9, "underflow to zero")

    still, turn = "error where nothing depends", t.normal(3, 3)
    x, s, c = t.normal(4, 3), t.uniform(4, low=0.1, high=2), t.normal(3)
    zero, none = 0 * s, torch.zeros(4, 3)
    rest, even = (lambda x, s: -x.square().sum(1)), (lambda x, s: x @ turn)
    fixed, tide = (lambda x, s: c.expand(len(x), -1)), (lambda x, s: s.cos())
    for log_p, v, by_t, slope, own in (
        (rest, even, zero, -2 * x, turn.diagonal().expand(4, 3)),
        (tide, fixed, -s.sin(), none, none), (rest, fixed, zero, -2 * x, none),
        (lambda x, s: torch.ones(len(x)), even, zero, none, turn.diagonal() + none),
    ):  # fmt: skip
        parts = by_t, (v(x, s) * slope).sum(1), own, zero
        judged("of x or t alone", log_p, v, x, s, lambda x, s, p=parts: p, 1e-5, still)

    for flag in (False, True):
        t.property(f"gradients, where x {'requires one' if flag else 'does not'}")
        log_p, v, x, s, terms, leaves = drawn(4, 3, torch.float64)
        given = x.requires_grad_(flag), s.requires_grad_(flag)
        out, due = judged(t.properties[-1], log_p, v, *given, terms, 1e-9)
        weight = t.uniform(4, low=0.5, high=2).double()
        for leaf in leaves:
            told = "The derivative of the same sum.", "cut off from the graph"
            slope = t.grad(due, leaf, weight)
            t.close(t.grad(out, leaf, weight), slope, *told, tol=1e-6)


def held(v, size):
    """Whether float32 holds all of it, but for what float64 lacks."""
    v, lost = v.detach() * 2.0**34, 4e-15 * size
    return lost < 3e-13 and bool((v - v.round()).abs().max() < lost * 2.0**34)
