"""Exercise flow-13: How many digits an inverse costs."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="flow-13",
    title="How many digits an inverse costs",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Find from the Jacobian how much an inverse amplifies an error, and how many "
        "digits there and back may take.",
    ),
    statement=r"""
A map that is invertible on paper need not be so in float32
([Behrmann et al., 2021](https://arxiv.org/abs/2006.09347)). Near a point $x$ the
inverse of $f$ stretches a small error of $z = f(x)$ by at most the largest singular
value of **its** Jacobian at $z$. Relative to the size of the map, it is the condition
number of the Jacobian that counts: the largest singular value divided by the smallest.
Its decimal logarithm is the number of decimal digits that may be lost on the way there
and back; float32 has seven.

Write `price(f, x)`. `x` is `(n, d)`, float64, with $n$ and $d$ any from 1. `f` is a
function that gives `(k, d)` of the same type for `(k, d)`, for any $k$ from 1, each row
from its own row of the argument; it is made of differentiable operations of PyTorch,
its inverse isn't known, and its Jacobian is invertible at all rows of `x`. Return the
pair `(stretch, digits)`, both `(n,)` and float64:

- `stretch`: the largest singular value of the Jacobian of the *inverse* of `f` at
  `f(x)`, for each row;
- `digits`: the decimal logarithm of the condition number there.

Both are right to six digits (`digits` to $10^{-6}$ times 1 plus its size) while the
condition number is at most $10^7$, and to two (`digits` to $\pm 0.01$) up to $10^{11}$,
also where singular values lie as close together as 1 percent. Nothing of `f` is trained
by this: no gradient is asked for, and `x` may or may not require one.

When it passes: take a flow of your own, in float32, and compare $10^{-7}$ times
`stretch` times the size of `z` with the error that you find there and back (not
checked).
""",
    stub='''
def price(f, x):
    """function, (n, d) -> (n,), (n,)."""
    return ..., ...
''',
    answers={"price": callable},
    hints=(
        "The Jacobian of the inverse at f(x) is the inverse matrix of the Jacobian of "
        "f at x. What are the singular values of an inverse matrix?",
        "`torch.autograd.functional.jacobian` takes one row at a time. As each row of "
        "f depends on its own row alone, the gradient of a sum over all rows of one "
        "output gives one row of all Jacobians at once.",
        "`torch.linalg.svdvals` of the Jacobian itself. The eigenvalues of "
        r"$J^\top J$ are squares, and squaring loses half of the digits.",
    ),
    misconceptions={
        "stretch of f itself": "Asked for is the inverse: where f shrinks, its inverse "
        "stretches.",
        "smallest singular value": "Its inverse is the stretch of the inverse map.",
        "Frobenius norm": "The root of the sum of all squares is larger than the "
        "largest singular value.",
        "determinant": "A determinant is a product: one direction can be squeezed "
        "away while another is stretched, and the volume stays.",
        "eigenvalues": "A shear has the eigenvalues 1 and stretches all the same: "
        "singular values are roots of eigenvalues of the product with the transpose.",
        "largest entry of the inverse": "An entry says what one axis does to another; "
        "the worst direction lies between the axes.",
        "norm by rows or columns": "The largest sum of a row or column is another "
        "norm.",
        "squared singular values": "Eigenvalues of the product with the transpose are "
        "squares: a root is missing.",
        "smallest singular value lost": "Beside one that is 1e7 times as large it "
        "drowns in small errors: of a product with the transpose, which squares the "
        "condition number, of a difference quotient, of a constant that was added.",
        "iteration stopped too soon": "A power iteration converges as slowly as the "
        "two largest singular values are close: a decomposition has no such case.",
        "condition number in place of the stretch": "The stretch is the inverse of the "
        "smallest singular value alone.",
        "diagonal of the Jacobian alone": "Its other entries turn and shear.",
        "natural logarithm": "Decimal digits: the logarithm to base 10.",
        "logarithm to base 2": "Decimal digits: the logarithm to base 10.",
        "condition number in place of digits": "Its decimal logarithm is due.",
        "digits of the stretch alone": "The condition number is the largest divided by "
        "the smallest singular value: a map that shrinks evenly costs no digits.",
        "sign of the digits": "A condition number is at least 1, and its logarithm not "
        "negative.",
        "one Jacobian for the batch": "Each row has a Jacobian of its own.",
        "Jacobian at another place": "The Jacobian is taken at x.",
        "step of a difference": "A difference quotient is right to its step and its "
        "rounding: the smallest singular value is lost first.",
        "float32 in between": "The smallest singular value has the digits of the "
        "largest: in float32 it drowns from a condition number of 1e7 on.",
        "no pair": "Two tensors are due, (stretch, digits).",
    },
)
def flow_13(t, price):
    def turned(d):
        q, _ = torch.linalg.qr(t.normal(d, d).double() + 2 * torch.eye(d).double())
        return q

    def matrix(d, low, high):
        """With singular values from 10^low to 10^high, in any directions."""
        logs = torch.linspace(low, high, d).double() if d > 1 else torch.ones(1) * low
        return (turned(d) * 10 ** logs.double()) @ turned(d)

    def bent(d, low=-0.8, high=0.9):
        """A linear map, and a bend that differs from row to row."""
        m, k, c = matrix(d, low, high), turned(d), t.away(d, low=0.3, high=0.8).double()

        def f(x):
            y = (x + 0.4 * (x @ k + c).sin()) @ m.T
            return y + 0.4 * (y @ k.T - c).sin()

        return f

    def scaled(x):
        """Another scale for each row: from its own first value."""
        return x * (1 + x[:, :1] ** 2) + 0.2 * x.roll(1, 1)

    def jacobians(f, x):
        """(n, d, d), by one row at a time."""
        row = torch.autograd.functional.jacobian
        return torch.stack([row(lambda r: f(r[None])[0], r) for r in x.detach()])

    def due(j):
        """By a search for the directions: the norms of j and of its inverse."""
        big, small = (torch.linalg.matrix_norm(m, 2) for m in (j, torch.linalg.inv(j)))
        return small, (big * small).log() / math.log(10)

    sizes = {
        "": lambda s, j, i: 1 / s[:, -1],
        "stretch of f itself": lambda s, j, i: s[:, 0],
        "smallest singular value": lambda s, j, i: s[:, -1],
        "Frobenius norm": [lambda s, j, i: i.norm(dim=(1, 2)),
                           lambda s, j, i: j.norm(dim=(1, 2))],
        "determinant": [lambda s, j, i: 1 / s.prod(1), lambda s, j, i: s.prod(1),
                        lambda s, j, i: s.prod(1).log().abs()],
        "eigenvalues": [lambda s, j, i: torch.linalg.eigvals(i).abs().amax(1),
                        lambda s, j, i: torch.linalg.eigvals(j).abs().amax(1)],
        "largest entry of the inverse": lambda s, j, i: i.abs().amax((1, 2)),
        "norm by rows or columns": [lambda s, j, i: i.abs().sum(1).amax(1),
                                    lambda s, j, i: i.abs().sum(2).amax(1)],
        "squared singular values": lambda s, j, i: s[:, -1] ** -2,
        "condition number in place of the stretch": lambda s, j, i: s[:, 0] / s[:, -1],
    }  # fmt: skip
    ratios = {
        "": lambda s, j, i: s[:, 0] / s[:, -1],
        "digits of the stretch alone": [lambda s, j, i: 1 / s[:, -1],
                                        lambda s, j, i: s[:, 0]],
        "Frobenius norm": [
            lambda s, j, i: i.norm(dim=(1, 2)) * j.norm(dim=(1, 2)),
            lambda s, j, i: j.norm(dim=(1, 2)) / s[:, -1],
            lambda s, j, i: i.norm(dim=(1, 2)) * s[:, 0]],
        "eigenvalues": lambda s, j, i: torch.linalg.eigvals(i).abs().amax(1)
        * torch.linalg.eigvals(j).abs().amax(1),
        "determinant": [lambda s, j, i: 1 / s.prod(1), lambda s, j, i: s.prod(1)],
        "squared singular values": lambda s, j, i: (s[:, 0] / s[:, -1]) ** 2,
        "norm by rows or columns": [
            lambda s, j, i: i.abs().sum(1).amax(1) * j.abs().sum(1).amax(1),
            lambda s, j, i: i.abs().sum(2).amax(1) * j.abs().sum(2).amax(1)],
    }  # fmt: skip
    logs = {
        "": torch.log10,
        "natural logarithm": torch.log,
        "logarithm to base 2": torch.log2,
        "condition number in place of digits": lambda v: v,
        "sign of the digits": lambda v: -v.log10(),
    }
    takes = {
        "": lambda j: j,
        "one Jacobian for the batch": [
            *(lambda j: j[:1].expand_as(j), lambda j: j.mean(0).expand_as(j)),
            *(lambda j: j.sum(0).expand_as(j), lambda j: j[-1:].expand_as(j)),
        ],
        "diagonal of the Jacobian alone": lambda j: torch.diag_embed(
            j.diagonal(dim1=1, dim2=2)
        ),
    }

    def rivals(i, f, x, exact):
        own = jacobians(f, x)
        places = [f(x), torch.zeros_like(x), x + 1, x * 0 + x.mean(0)]
        yield "Jacobian at another place", [due(jacobians(f, v))[i] for v in places]
        past = [v[i] for v in kept if len(v[i]) == len(x)]
        yield "result of an earlier call", past if exact else []

        def value(take, size, log):
            j = take(own)
            return log(size(torch.linalg.svdvals(j), j, torch.linalg.inv(j)))

        parts = (takes, ratios, logs) if i else (takes, sizes, {"": lambda v: v})
        yield from mistakes(value, *parts)

    kept: list = []

    def judged(name, f, x, known=None, tol=1e-6, near=1e-3):
        made, n = t.call(price, f, x), len(x)
        pair = isinstance(made, tuple | list) and len(made) == 2
        got = f"an object of type {type(made).__name__}"
        t.true(pair, "A pair (stretch, digits).", got, "no pair")
        exact = due(jacobians(f, x))
        for i, part in enumerate(made):
            t.property(f"{('stretch', 'digits')[i]}: {name}", of=part)
            ideas = {"reduced over the batch": [(), (1,)]}
            ideas["not summed over the dimensions"] = [(n, x.shape[1])]
            t.shape(part, (n,), "one number for each row.", ideas=ideas)
            t.dtype(part, torch.float64, "that of x.")
            out, size = t.tensor(part).detach(), exact[i] if i == 0 else 1.0
            off = (out / exact[i] - 1).abs().max()
            single = any((v - v.float()).abs().max() < 1e-13 * v.abs().max()
                         for v in (out, 1 / out))  # fmt: skip
            told = "float32 in between" if single else "step of a difference"
            told = known or (told if off < (1e-2 if single else near) else None)
            if name == close and not single:  # a norm that is still growing
                told = "iteration stopped too soon" if (out <= exact[i]).all() else None
            why = "From the norms of the Jacobian of each row and of its inverse"
            why += " (here divided by what is due)." if i == 0 else "."
            ideas = apart(rivals(i, f, x, tol < 1e-4), exact[i], size)
            t.close(out / size, exact[i] / size, why, told, ideas, tol)
        kept.append(exact)

    def apart(ideas, exact, size):
        """Those that differ from what is due, in units of ``size``."""
        for name, values in ideas:
            values = values if isinstance(values, list) else [values]
            told = [v / size for v in values if far(v, exact, 3e-4).any()]
            yield name, told

    x = t.normal(5, 3).double()
    f = bent(3)
    t.steady(price, f, x)
    close = "of a map with close singular values"
    m = matrix(6, -0.5, -0.48)
    judged(close, lambda x: x @ m.T, t.normal(4, 6).double())
    judged("of any map", f, x)
    for n, d in ((5, 3), (4, 2), (1, 4), (4, 1), (3, 6)):
        judged("of any map", bent(d), t.normal(n, d).double())
    judged(
        "of a map whose scale differs", scaled, t.away(4, 3, low=0.5, high=2).double()
    )
    shear = torch.tensor([[1.0, 0.0], [float(t.integer(3, 9)), 1.0]]).double()
    judged("of a shear", lambda x: x @ shear.T, t.normal(3, 2).double())
    x = t.normal(3, 4).double()
    judged("at a condition number of 1e4", bent(4, -2.0, 1.8), x, near=0.1)
    lost = "smallest singular value lost"
    x = t.normal(4, 3).double().requires_grad_()
    judged("at a condition number near 1e7", bent(3, -4.5, 1.9), x, lost)
    judged("at a condition number near 1e11", bent(3, -5.7, 4.5), x, lost, 5e-3)
