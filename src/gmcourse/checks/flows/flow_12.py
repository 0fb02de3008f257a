"""Exercise flow-12: A planar map, there and back."""

import itertools

import torch
from torch.nn import functional as F

from .._exercise import Exercise
from .._parts import mistakes, wrong_part


@Exercise(
    id="flow-12",
    title="A planar map, there and back",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Keep a planar map invertible, and invert what has no formula for its inverse "
        "to the last digits.",
    ),
    statement=r"""
A planar map ([Rezende and Mohamed, 2015](https://arxiv.org/abs/1505.05770)) pushes
space along one direction, $z = x + \hat u \tanh(w^\top x + c)$. It can be inverted if
$w^\top \hat u > -1$. A network may put out any $u$; so the map uses

$$
\hat u = u + \bigl(m(w^\top u) - w^\top u\bigr)\, \frac{w}{\lVert w \rVert^2},
\qquad m(a) = \log(1 + e^a) - 1 .
$$

Here each example has a plane of its own, as in the posterior of an amortized VAE. Write
two functions, for `x`, `z`, `w` and `u` of the shape `(n, d)` and `c` of the shape
`(n,)`, all float64, with $n$ and $d$ any from 1:

- `push(x, w, u, c)` returns the pair `(z, log_det)`: $z$, `(n, d)`, and `(n,)`, the
  logarithm of the determinant of $\partial z/\partial x$ of each row at its `x`. It is
  right to $10^{-9}$ times 1 plus its size, and gradients flow from both to all four
  arguments.
- `pull(z, w, u, c)` returns the `x` that `push` sends to `z`, `(n, d)`, each entry
  right to $10^{-9}\,(1 + \lVert x \rVert)$. No gradient is asked for.

Rows of `w` are from 0.1 to 10 long, and what of `u` lies across `w` at most 10.
$w^\top \hat u$ may be nearly 0, $w^\top u$ as small as $-8$ and as large as $10^4$, and
entries of `x` and `z` as large as $10^6$; so may be those of `c` in `pull`, whose plane
then lies far from 0.
""",
    stub='''
def push(x, w, u, c):
    """Three times (n, d), (n,) -> (n, d), (n,)."""
    return ..., ...


def pull(z, w, u, c):
    """Three times (n, d), (n,) -> (n, d)."""
    return ...
''',
    answers={"push": callable, "pull": callable},
    hints=(
        "The Jacobian is 1 plus a matrix of rank one. Its determinant is $1 + w^\\top "
        "\\hat u\\, (1 - \\tanh^2)$: no matrix is needed.",
        r"Multiply the map by $w$: with $\alpha = w^\top x$ it is one equation for one "
        r"number, $w^\top z = \alpha + w^\top \hat u \tanh(\alpha + c)$. If $\alpha$ "
        "is known, so is $x$.",
        "The right side increases with $\\alpha$, and differs from it by at most "
        "$|w^\\top \\hat u|$: an interval that holds the solution. Halve it, in all "
        "rows at once, about as often as float64 has binary digits, and more.",
    ),
    misconceptions={
        "u left as it is": "Below -1 the map folds space: u is moved along w first.",
        "u moved by another function": "m(a) is log(1 + exp(a)) - 1, for every a.",
        "w not divided by its squared length": "The move along w changes the product "
        "with w by m(a) - a only if w is divided by its squared length.",
        "moved the wrong way": "After the move the product with w is m(a).",
        "bias in another way": "The plane is where the product of w and x, plus c, is "
        "0.",
        "u in place of w": "The argument of tanh is the product of w and x.",
        "one plane for all rows": "Each row has a w, a u and a c of its own.",
        "log-determinant with the u that was given": "The map is made with the moved "
        "u: its determinant, too.",
        "slope of tanh left out": "The push changes with x only as tanh does: its "
        "slope is 1 - tanh².",
        "slope of tanh otherwise": "The slope of tanh is 1 - tanh², at the same place.",
        "1 left out of the determinant": "The map is the identity plus a push.",
        "squared length in place of the product": "The determinant lemma has the "
        "product of w and the moved u.",
        "exponential that overflows": "exp(10000) is infinite, and its logarithm, too: "
        "softplus knows that.",
        "float32 in between": "It has seven digits: something in between is float32, "
        "or a small constant was added.",
        "interval turned around": "Rows are wrong where the product of w and the moved "
        "u is negative: then minus it is the upper end.",
        "an interval that does not hold the solution": "Far away, or far along w, the "
        "search ends at the end of its interval: it lies around the product of w and "
        "z.",
        "steps that do not converge": "Where the push is strong, a fixed-point or a "
        "Newton iteration jumps back and forth, and an interval of fixed length around "
        "the product of w and z is too short.",
        "divided by a small product": "Where the product of w and the moved u is "
        "nearly 0, w·z + c minus the root has no digits of the tanh: take tanh itself.",
        "small constant in the logarithm": "The determinant is positive: nothing has "
        "to be added to it.",
        "stopped too soon": "Near, but not to nine digits: each halving gives one "
        "binary digit.",
        "inverse by a minus sign": "z - u tanh at z is not the inverse: tanh has to be "
        "taken at x, which is looked for.",
        "rows searched together": "Each row has a solution of its own, and needs its "
        "own interval to the end.",
        "no pair": "push returns (z, log_det).",
    },
)
def flow_12(t, push, pull):
    def planes(n, d, low=-2.0, high=3.0, spread=1.0):
        """x, w, u, c, with the products of w and u between low and high."""
        x, u = spread * t.normal(n, d).double() / 3, t.normal(n, d).double() / 3
        w = t.away(n, d, low=0.3, high=1.2).double()
        a = t.uniform(n, low=low, high=high).double()
        a[0] = low + 0.3
        u = u + ((a - (u * w).sum(1)) / (w * w).sum(1))[:, None] * w
        return x, w, u, t.away(n, low=0.3, high=1.5).double()

    moves = {
        "": lambda a: F.softplus(a) - 1.0,
        "u left as it is": lambda a: a,
        "u moved by another function": [
            F.softplus,
            lambda a: F.softplus(a + 0.5413248546) - 1.0,
            lambda a: a.clamp(min=-1.0),
            lambda a: torch.where(a < -1.0, F.softplus(a) - 1.0, a),
        ],
    }
    steps = {
        "": lambda w: w / (w * w).sum(1, keepdim=True),
        "w not divided by its squared length": [
            *(lambda w: w, lambda w: w / w.norm(dim=1, keepdim=True)),
            lambda w: w / (w * w).sum(),
        ],
        "moved the wrong way": lambda w: -w / (w * w).sum(1, keepdim=True),
    }
    places = {
        "": lambda x, w, u, c: (w * x).sum(1) + c,
        "bias in another way": [
            lambda x, w, u, c: (w * x).sum(1),
            lambda x, w, u, c: (w * x).sum(1) - c,
        ],
        "u in place of w": lambda x, w, u, c: (u * x).sum(1) + c,
    }
    whose = {
        "": lambda v: v,
        "one plane for all rows": [lambda v: v[:1].expand_as(v),
                                   lambda v: v.mean(0, keepdim=True).expand_as(v)],
    }  # fmt: skip

    def moved(w, u, move, step):
        a = torch.einsum("ij,ij->i", w, u)
        return u + (move(a) - a)[:, None] * step(w)

    def pushed(x, w, u, c, move, step, place, own):
        w, u, c = own(w), own(u), own(c)
        hat = moved(w, u, move, step)
        return x + hat * place(x, w, hat, c).tanh()[:, None]

    parts = moves, steps, places, whose
    right = [v[""] for v in parts]

    def due(x, w, u, c):
        """z, and the log-determinant by automatic differentiation."""
        x = x if x.requires_grad else x.clone().requires_grad_()
        z = pushed(x, w, u, c, *right)
        rows = [
            torch.autograd.grad(v.sum(), x, create_graph=True)[0] for v in z.unbind(1)
        ]
        return z, torch.linalg.slogdet(torch.stack(rows, 1)).logabsdet

    def volumes(x, w, u, c):
        """What mistakes give for the log-determinant."""
        a = (w * u).sum(1)
        products = {
            "": moves[""](a),
            "log-determinant with the u that was given": a,
            "squared length in place of the product": [
                (w * w).sum(1), moved(w, u, moves[""], steps[""]).square().sum(1)],
        }  # fmt: skip
        tanh = places[""](x, w, u, c).tanh()
        slopes = {
            "": 1 - tanh**2,
            "slope of tanh left out": 1.0,
            "slope of tanh otherwise": [1 - tanh.abs(), 1 - tanh, tanh, 1 + tanh**2],
        }
        ends = {
            "": lambda v: (1 + v).abs().log(),
            "1 left out of the determinant": lambda v: v.abs().log(),
            "determinant in place of its logarithm": lambda v: 1 + v,
            "log-determinant of the inverse": lambda v: -(1 + v).abs().log(),
            "mean over the dimensions": lambda v: (1 + v).abs().log() / x.shape[1],
            "reduced over the batch": [
                lambda v: (1 + v).abs().log().mean().expand_as(v),
                lambda v: (1 + v).abs().log().sum().expand_as(v),
            ],
            "small constant in the logarithm": [
                lambda v, e=e: (1 + v + e).abs().log() for e in (1e-2, 1e-3, 1e-4)
            ],
        }
        yield from mistakes(lambda p, s, end: end(p * s), products, slopes, ends)

    kept: list = []

    def judged(name, args, known=None):
        made, (n, d) = t.call(push, *args), args[0].shape
        pair = isinstance(made, tuple | list) and len(made) == 2
        got = f"an object of type {type(made).__name__}"
        t.true(pair, "A pair (z, log_det).", got, "no pair")
        t.shape(made[0], (n, d), "one z for each x.")
        shapes = {"reduced over the batch": [(), (1,)],
                  "not summed over the dimensions": (n, d)}  # fmt: skip
        t.shape(made[1], (n,), "one for each row.", ideas=shapes)
        exact = due(*args)
        past = [v for v in kept if v[0].shape == (n, d)]
        told = "z", "the log-determinant"
        for i, part in enumerate(made):
            t.property(f"push: {told[i]}, {name}", of=part)
            t.dtype(part, torch.float64, "that of x.")
            out = t.tensor(part).detach()
            near = (out - exact[i]).abs().max() < 3e-7 * (1 + exact[i].abs().max())
            told_as = "float32 in between" if near else known(out) if known else None
            mine = mistakes(lambda *p: pushed(*args, *p), *parts)
            old = [("result of an earlier call", [v[i] for v in past])]
            ideas = itertools.chain(old, volumes(*args) if i else mine)
            why = "By automatic differentiation." if i else "By the formula above."
            t.close(part, exact[i], why, told_as, None if told_as else ideas, 1e-9)
        kept.append([v.detach() for v in exact])
        return made, exact

    def back(name, args, known=None):
        """pull undoes what push is to do."""
        x, *plane = args
        z = pushed(*args, *right)
        t.property(f"pull: {name}")
        out = t.tensor(t.call(pull, z, *plane)).detach()
        t.shape(out, x.shape, "one x for each z.")
        t.dtype(out, torch.float64, "that of z.")
        off = (out - x).abs().amax(1) / (1 + x.norm(dim=1))
        if bool((off <= 1e-9).all()):
            return
        bad = ~(off <= 1e-9)
        hat = moved(plane[0], plane[1], moves[""], steps[""])
        negative = (plane[0] * hat).sum(1) < 0
        found = wrong_part(lambda v: close(v, z), lambda *p: pushed(out, *plane, *p),
                           *parts)  # fmt: skip
        minus = z - hat * ((plane[0] * z).sum(1) + plane[2]).tanh()[:, None]
        mild = known is None
        share = ((z - out) * plane[0]).sum(1) / (plane[0] * hat).sum(1)
        alpha = share.clamp(-1, 1).atanh() - plane[2]
        if found is None and mild and len(x) > 1 and float(alpha.std()) < 1e-6:
            found = "rows searched together"
        if found is None and mild and close(out, minus):
            found = "inverse by a minus sign"
        gap = (share - ((plane[0] * x).sum(1) + plane[2]).tanh()).abs()
        if found is None and float(gap.max()) < 1e-2:  # of tanh, whatever u is
            whole = torch.equal(out, out.float().double())
            roots = alpha, alpha + plane[2]  # of the one equation or the other
            whole |= any((v - v.float()).abs().median() < 1e-11 for v in roots)
            found = "float32 in between" if whole else "stopped too soon"
        some = bad.any() and not bad.all()
        if found is None and mild and some and bool((bad == negative).all()):
            found = "interval turned around"
        row = int(bad.nonzero()[0])
        got = f"an error of {float(off[row]):.3g} (1 + |x|) in row {row}; "
        got += f"{int(bad.sum())} of {len(x)} rows are off"
        t.fail(found or known, why="The x that push sends to z, to 1e-9.", got=got)

    args = planes(4, 3)
    t.steady(push, *args)
    judged("of any planes", args)
    for n, d in ((4, 3), (3, 5), (1, 4), (5, 1), (2, 2)):
        judged("of any planes", planes(n, d))
    judged("with products of w and u down to -8", planes(6, 3, -8.0, -5.0))

    def overflown(out):
        return None if out.isfinite().all() else "exponential that overflows"

    judged("with products of w and u up to 10000", planes(6, 3, 5e3, 1e4), overflown)
    judged("of points far away", planes(6, 3, spread=3e5))

    t.property("gradients")
    args = [v.clone().requires_grad_() for v in planes(4, 3)]
    for part, exact in zip(*judged("of any planes", args)):
        share = t.uniform(*exact.shape, low=0.5, high=2).double()
        for leaf in args:
            told = "The derivative of the same.", "cut off from the graph"
            got, slope = t.grad(part, leaf, share), t.grad(exact, leaf, share)
            t.close(got, slope, *told, tol=1e-7)

    t.steady(pull, *planes(4, 3))
    for _ in range(2):
        back("of gentle planes", planes(12, 3, -0.9, 1.1))
    back("of strong planes", planes(40, 3, 2.0, 6.0), "steps that do not converge")
    for n, d in ((12, 3), (1, 4), (5, 1), (200, 2)):
        back("of any planes", planes(n, d))

    def far(low, high):
        x, w, u, c = planes(40, 3, low, high, 5e5)
        args = x, w, u, c - (w * x).sum(1)  # near their planes
        back("far from 0", args, "an interval that does not hold the solution")

    far(-2.0, 0.5)
    back("with products of w and u up to 10000", planes(40, 3, 50.0, 1e4, 30.0),
         "steps that do not converge")  # fmt: skip
    back("with products of w and u down to -8", planes(40, 3, -8.0, -5.0),
         "steps that do not converge")  # fmt: skip
    far(50.0, 1e4)
    for spread in (1.0, 5e5):
        x, w, u, _ = planes(40, 3, spread=spread)
        a = 0.5413248546129181 + 1e-10 * t.away(40, low=0.3, high=1).double()
        u = u + ((a - (u * w).sum(1)) / (w * w).sum(1))[:, None] * w  # m is nearly 0
        c = -(w * x).sum(1) if spread > 1 else t.away(40, low=3e5, high=1e6).double()
        told = "with products of w and the moved u near 0"
        back(told, (x, w, u, c + 0.3), "divided by a small product")


def close(a, b):
    return bool(((a - b).abs() <= 1e-6 * (1 + b.abs())).all())
