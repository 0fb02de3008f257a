"""Exercise ae-13: The price of a moving code."""

import torch

from .._exercise import Exercise


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
        "The slope of tanh at u is 1 - tanh(u)². Write the Jacobian of one example as "
        "a product of three matrices, one of them diagonal.",
        "For a batch the diagonal differs from example to example: scale the columns "
        "of V for each, which makes (b, k, h), and multiply with W.",
        "Square and sum after the product, over both axes of each Jacobian.",
    ),
    misconceptions={
        "overflow where tanh is flat": "cosh overflows in float32 beyond 89: its "
        "inverse is 0, and the gradient of that NaN.",
        "slope of the activation left out": "V W would be the Jacobian of a linear "
        "encoder: the hidden layer bends.",
        "another slope": "The derivative of tanh(u) is 1 - tanh(u)².",
        "paths squared before they are added": "An input reaches a code through all "
        "hidden units: their contributions are added first, and may cancel.",
        "rows added before they are squared": "Each code's derivative is squared by "
        "itself; rows of opposite sign must not cancel.",
        "first layer only": "The code is V times the hidden layer.",
        "offset left out": "The slope is taken at W x + a.",
        "one Jacobian for all": "The Jacobian depends on the example.",
        "largest singular value": "All singular values count: the Frobenius norm, not "
        "the spectral one.",
        "absolute values in place of squares": "The entries are squared.",
        "squared length of the code": "The derivative of the code is due, not the "
        "code.",
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

    def scaled(slope):
        """Entries with another slope in the middle."""

        def each(x, w, a, v):
            u = x.double() @ w.T.double() + a.double()
            return torch.einsum("kh,bh,hd->bkd", v.double(), slope(u), w.double()) ** 2

        return each

    def slope(u):
        return 1 / u.cosh() ** 2

    def paths(x, w, a, v):
        u = x.double() @ w.T.double() + a.double()
        each = torch.einsum("kh,bh,hd->bkhd", v.double(), slope(u), w.double())
        return each.square()

    def due(*args):
        return jacobian(*args).square()

    ideas = {
        "paths squared before they are added": paths,
        "slope of the activation left out": scaled(torch.ones_like),
        "another slope": [
            scaled(lambda u: u.sigmoid() * (1 - u.sigmoid())),
            scaled(lambda u: u.tanh() * (1 - u.tanh())),
            scaled(lambda u: 1 - u.tanh()),
            scaled(torch.tanh),
            scaled(lambda u: slope(u).sqrt()),
            scaled(lambda u: slope(u) ** 2),
        ],
        "rows added before they are squared": [
            lambda *args: jacobian(*args).sum(1) ** 2,
            lambda *args: jacobian(*args).sum(2) ** 2,
        ],
        "first layer only": lambda x, w, a, v: (
            slope(x.double() @ w.T.double() + a)[:, :, None] * w.double()
        ).square(),
        "offset left out": lambda x, w, a, v: due(x, w, 0 * a, v),
        "one Jacobian for all": [
            lambda x, w, a, v: due(x[:1], w, a, v).expand(b, k, d),
            lambda x, w, a, v: due(x.mean(0, True), w, a, v).expand(b, k, d),
        ],
        "square root taken": lambda *args: due(*args).sum((1, 2)).sqrt()[:, None],
        "largest singular value": lambda *args: torch.linalg.matrix_norm(
            jacobian(*args), 2
        ).square()[:, None],
        "absolute values in place of squares": lambda *args: jacobian(*args).abs(),
        "squared length of the code": lambda x, w, a, v: (
            (x @ w.T + a).tanh() @ v.T
        ).square(),
    }
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
    far = torch.cat([torch.full((1,), 200.0), a[1:]])
    out = t.call(contraction, x, w, far, v)
    told = "tanh is flat there, to the last digit."
    t.close(out, due(x, w, far, v).sum((1, 2)), told, tol=1e-4)
    leaf = w.clone().requires_grad_()
    slope_of = t.grad(t.call(contraction, x, leaf, far, v), leaf)
    t.finite(slope_of, "Training passes there, too.", "overflow where tanh is flat")

    t.property("other sizes: more codes than inputs, and one of each")
    for many, wide, units in (9, d, h), (1, 1, 1):
        x, w, a = t.normal(b, wide), t.normal(units, wide), t.normal(units)
        args = x, w, a, t.normal(many, units, std=0.7)
        out = t.call(contraction, *args)
        told = f"{wide} inputs, {units} hidden units and {many} codes."
        t.shape(out, (b,), told)
        t.close(out, due(*args).sum((1, 2)), told, tol=1e-4)
