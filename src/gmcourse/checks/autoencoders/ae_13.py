"""Exercise ae-13: The price of a moving code."""

import torch

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="ae-13",
    title="The price of a moving code",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive the Jacobian of an encoder by the chain rule, and compute its squared "
        "Frobenius norm for a whole batch.",
    ),
    statement=r"""
A **contractive** autoencoder ([Rifai et al.,
2011](https://icml.cc/2011/papers/455_icmlpaper.pdf)) adds no noise. It charges the
encoder for every direction in which its code moves:

$$
\Bigl\lVert \frac{\partial f}{\partial x} \Bigr\rVert_F^2
 = \sum_{j} \sum_{i} \Bigl( \frac{\partial f_j}{\partial x_i} \Bigr)^2 .
$$

Differentiating a derivative is costly. Derive the number by hand for an encoder with
one hidden layer, $f(x) = V \tanh(W x + a)$, and write `contraction(x, w, a, v)`: `x`
has shape `(b, d)`, `w` is $W$, `(h, d)`, `a` has shape `(h,)`, and `v` is $V$,
`(k, h)`. Return the number for each example, shape `(b,)`. No loop over codes or
examples is needed, and `torch.autograd` only to compare with; but gradients must reach
`w`, `a`, `v` and `x`, also where tanh is flat, since the number is a part of a loss.
""",
    stub='''
def contraction(x, w, a, v):
    """(b, d), (h, d), (h,), (k, h) -> (b,)."""
    return ...
''',
    answers={"contraction": callable},
    hints=(
        r"The slope of $\tanh$ at $u$ is $1 - \tanh(u)^2$. Write the Jacobian of one "
        "example as a product of three matrices, one of them diagonal.",
        "For a batch the diagonal differs from example to example: scale the columns "
        "of $V$ for each, which makes `(b, k, h)`, and multiply with $W$.",
        "Square and sum after the product, over both axes of each Jacobian.",
    ),
    misconceptions={
        "overflow where tanh is flat": "exp and cosh overflow in float32 beyond 89. "
        "What is divided by them, or its gradient, is lost; the slope there is 0.",
        "slope of the activation left out": "V W would be the Jacobian of a linear "
        "encoder: the hidden layer bends.",
        "another slope": "The derivative of tanh(u) is 1 - tanh(u)², for each hidden "
        "unit by itself, with u = W x + a.",
        "paths squared before they are added": "An input reaches a code through all "
        "hidden units: their contributions are added first, and may cancel.",
        "rows added before they are squared": "Each entry of the Jacobian is squared "
        "by itself; entries of opposite sign must not cancel.",
        "first layer only": "The code is V times the hidden layer.",
        "second layer only": "The derivative is that by x, which enters through W.",
        "offset left out": "The slope is taken at W x + a.",
        "offset subtracted": "The slope is taken at W x + a.",
        "one Jacobian for all": "The Jacobian depends on the example: neither its x "
        "nor its slopes may be those of another, or a mean over the batch.",
        "largest singular value": "All singular values count: the Frobenius norm, not "
        "the spectral one.",
        "another norm": "The Frobenius norm squared is the sum of the squared entries: "
        "no determinant, no sum of singular values, no largest entry.",
        "absolute values in place of squares": "The entries are squared.",
        "entries not squared": "The entries are squared, and then summed.",
        "a part of the Jacobian": "All entries count: those of all codes by all "
        "inputs, not one row, one column or the diagonal.",
        "product of norms": "The norm of a product is not the product of norms, which "
        "is a bound only: multiply the matrices first.",
        "slope once in place of twice": "The Jacobian is squared, and with it the "
        "slope of each hidden unit.",
        "a second nonlinearity": "The code is V tanh(W x + a): nothing bends it "
        "after V.",
        "squared length of the code": "The derivative of the code is due, not the "
        "code.",
        "derivative by the weights": "The derivative by x is due.",
        "derivative in one direction": "All directions count, not that of x or of the "
        "code alone.",
    },
)
def ae_13(t, contraction):
    d, h, k, b = 6, 5, 4, t.integer(7, 8)
    x, w = t.normal(b, d), t.normal(h, d, std=0.5)
    a, v = t.away(h, low=0.5, high=1.0), t.normal(k, h, std=0.7)

    def jacobian(x, w, a, v):
        def encoder(row):
            return v.double() @ (w.double() @ row + a.double()).tanh()

        return torch.func.vmap(torch.func.jacrev(encoder))(x.double())

    def due(*args):
        return jacobian(*args).square()

    ideas = rivals(*(p.double() for p in (x, w, a, v)))
    t.property("summed over the codes and the inputs")
    shapes = {
        "not summed over the dimensions": [(b, k), (b, d), (b, k * d), (b, k, d)],
        "reduced over the batch": [(), (1,), (k,), (d,), (k * d,), (k, d)],
    }
    told = "one number for each example."
    t.shape(t.call(contraction, x, w, a, v), (b,), told, ideas=shapes)
    why = "The squared entries of the Jacobian, found by automatic differentiation."
    name = "the squared entries of each example's Jacobian"
    t.rowwise(name, contraction, (x, w, a, v), due, why, ideas, tol=1e-4)

    t.property("a saturated hidden unit: no slope")
    far, flat = torch.cat([torch.full((1,), 2000.0), a[1:]]), "tanh is flat there."
    overflow = "overflow where tanh is flat"
    out = t.call(contraction, x, w, far, v)
    t.finite(out, flat, overflow)
    t.close(out, due(x, w, far, v).sum((1, 2)), flat, tol=1e-4)
    leaf = w.clone().requires_grad_()
    slope_of = t.grad(t.call(contraction, x, leaf, far, v), leaf)
    t.finite(slope_of, "Training passes there, too.", overflow)

    t.property("other sizes: more codes than inputs, and one of each")
    for many, wide, units in (9, d, h), (1, 1, 1):
        x, w, a = t.normal(b, wide), t.normal(units, wide), t.normal(units)
        args = x, w, a, t.normal(many, units, std=0.7)
        out = t.call(contraction, *args)
        told = f"{wide} inputs, {units} hidden units and {many} codes."
        t.shape(out, (b,), told)
        t.close(out, due(*args).sum((1, 2)), told, tol=1e-4)


def rivals(x, w, a, v):
    """What the mistakes give: each choice of the derivation has its rivals."""
    u = x @ w.T + a
    right = 1 - u.tanh().square()
    slopes = {
        "": lambda u: 1 - u.tanh() ** 2,
        "slope of the activation left out": torch.ones_like,
        "another slope": [
            lambda u: u.sigmoid() * (1 - u.sigmoid()), lambda u: 1 - u**2,
            lambda u: u.tanh() * (1 - u.tanh()), lambda u: 1 - u.tanh(), torch.tanh,
            lambda u: 1 - u.tanh().tanh() ** 2, lambda u: (1 - u.tanh() ** 2).sqrt(),
            lambda u: (1 - u.tanh() ** 2) ** 2, lambda u: 1 + u.tanh() ** 2,
            lambda u: u.tanh() ** 2, lambda u: (1 - u.tanh()) ** 2,
            lambda u: 2 * u.tanh() * (1 - u.tanh() ** 2), lambda u: (u > 0).double(),
            lambda u: 1 - u.sigmoid() ** 2, lambda u: 1 / u.cosh(), lambda u: u],
        "one Jacobian for all":
            lambda u: (1 - u.tanh() ** 2).mean(0, True).expand_as(u),
    }  # fmt: skip
    at = {
        "": u,
        "offset left out": u - a,
        "offset subtracted": u - 2 * a,
        "one Jacobian for all": [u[:1].expand_as(u), u.mean(0, True).expand_as(u)],
    }

    def trace(j):
        return j.diagonal(dim1=1, dim2=2)

    norms = {
        "": lambda j: j.square().sum((1, 2)),
        "entries not squared": [lambda j: j.sum((1, 2)), lambda j: trace(j).sum(1)],
        "absolute values in place of squares": lambda j: j.abs().sum((1, 2)),
        "rows added before they are squared": [
            lambda j: j.sum(1).square().sum(1), lambda j: j.sum(2).square().sum(1),
            lambda j: j.sum((1, 2)).square(), lambda j: j.mean(1).square().sum(1),
            lambda j: j.mean(2).square().sum(1)],
        "a part of the Jacobian": [
            lambda j: trace(j).square().sum(1), lambda j: j[:, 0].square().sum(1),
            lambda j: j[:, -1].square().sum(1), lambda j: j[:, :, 0].square().sum(1),
            lambda j: j[:, :, -1].square().sum(1)],
        "largest singular value": [
            lambda j: torch.linalg.matrix_norm(j, 2) ** 2,
            lambda j: torch.linalg.matrix_norm(j, 2)],
        "another norm": [
            lambda j: torch.linalg.svdvals(j).sum(1), lambda j: j.abs().amax((1, 2)),
            lambda j: j.square().amax((1, 2)), lambda j: j.pow(4).sum((1, 2)),
            lambda j: torch.linalg.svdvals(j).sum(1) ** 2, lambda j: (j @ j.mT).det(),
            lambda j: j.abs().sum(1).amax(1), lambda j: j.abs().sum(2).amax(1),
            lambda j: (j @ j.mT).square().sum((1, 2))],
        "square root taken": [
            lambda j: j.square().sum((1, 2)).sqrt(), lambda j: j.norm(dim=1).sum(1),
            lambda j: j.norm(dim=2).sum(1)],
    }  # fmt: skip

    def value(slope, u, norm):
        return norm((v * slope(u)[:, None]) @ w)

    mean = value(slopes[""], u, norms[""]).mean()
    yield "reduced over the batch", mean.expand(len(x))  # before what fits by chance
    yield from mistakes(value, slopes, at, norms)
    t, squares = u.tanh(), right.square()
    both, scale, code = (v.T @ v) * (w @ w.T), x.square().sum(1), u.tanh() @ v.T
    size = [m.square().sum() for m in (v, w)]
    jacobian = (v * right[:, None]) @ w
    paths = v.square().sum(0) * w.square().sum(1)
    bent = (1 - code.tanh() ** 2)[:, :, None] * jacobian
    along = (code[:, None] @ jacobian).square().sum((1, 2))
    yield from {
        "paths squared before they are added": [squares @ paths, right @ paths],
        "first layer only": [
            squares @ w.square().sum(1), (right @ w).square().sum(1)],
        "second layer only": [
            squares @ v.square().sum(0), (right @ v.T).square().sum(1)],
        "product of norms": [
            size[0] * size[1] * squares.sum(1), size[0] * size[1] * squares.mean(1),
            size[0] * (squares @ w.square().sum(1)),
            size[1] * (squares @ v.square().sum(0)),
            (size[0] * size[1]).expand_as(scale)],
        "slope once in place of twice": (right @ both).sum(1),
        "a second nonlinearity": bent.square().sum((1, 2)),
        "squared length of the code": [code.square().sum(1), t.square().sum(1)],
        "derivative by the weights": [
            (squares @ v.square().sum(0)) * scale, t.square().sum(1) * len(v)],
        "derivative in one direction": [
            (jacobian @ x[:, :, None]).square().sum((1, 2)), along, 4 * along],
    }.items()  # fmt: skip
