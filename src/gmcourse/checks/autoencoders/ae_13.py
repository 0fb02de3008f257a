"""Exercise ae-13: The price of a moving code."""

import torch
from torch import nn

from .._exercise import Exercise


@Exercise(
    id="ae-13",
    title="The price of a moving code",
    difficulty=4,
    minutes=30,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Compute the squared Frobenius norm of an encoder's Jacobian so that it can "
        "be trained on.",
    ),
    statement=r"""
A **contractive** autoencoder ([Rifai et al.,
2011](https://icml.cc/2011/papers/455_icmlpaper.pdf)) adds no noise. It charges the
encoder for every direction in which its code moves:

$$
\Bigl\lVert \frac{\partial f}{\partial x} \Bigr\rVert_F^2
 = \sum_{j} \sum_{i} \Bigl( \frac{\partial f_j}{\partial x_i} \Bigr)^2 .
$$

Write `contraction(encoder, x)` for any differentiable encoder from `(b, ...)` to
`(b, k)` that treats each example for itself: return this number for each example,
shape `(b,)`. It must be exact (by automatic differentiation, no differences and no
random probes), and its gradient must reach the encoder's parameters.
""",
    stub='''
def contraction(encoder, x):
    """callable, (b, ...) -> (b,)."""
    return ...
''',
    answers={"contraction": callable},
    hints=(
        "For one code j: the gradient of z[:, j].sum() with respect to x holds, for "
        "each example, the row j of its Jacobian.",
        "autograd.grad has an argument without which what it returns cannot be "
        "differentiated again.",
        "Square first, then sum, code by code: the gradient of z.sum() adds the rows "
        "before they are squared.",
    ),
    misconceptions={
        "rows added before they are squared": "The gradient of the sum of all codes is "
        "the sum of the rows of the Jacobian; rows of opposite sign cancel.",
        "largest singular value": "All singular values count: the Frobenius norm, not "
        "the spectral one.",
        "absolute values in place of squares": "The entries are squared.",
        "codes left out": "All codes count, whatever their number.",
        "squared length of the code": "The derivative of the code is due, not the "
        "code.",
        "gradient cut off in part": "The number is right, but a factor or a row of it "
        "is held constant when it is differentiated.",
    },
)
def ae_13(t, contraction):
    b, d, k = t.integer(4, 5), t.integer(6, 7), 3
    x = t.normal(b, d)
    line = nn.Linear(d, k)
    with torch.no_grad():
        # Fixed, so that no two mistakes look alike.
        line.weight.copy_(torch.linspace(-1, 0.83, k * d).view(d, k).T)
    m = line.weight.detach().double()

    def summed(encoder, x, *shapes):
        t.property("summed over the codes and the inputs")
        few = [(), (1,), *[s[1:] for s in shapes]]
        names = "not summed over the dimensions", "reduced over the batch"
        ideas = dict(zip(names, (list(shapes), few)))
        t.shape(t.call(contraction, encoder, x), (b,), "one for each.", ideas=ideas)

    summed(line, x, (b, k), (b, d), (b, k * d), (b, d, k))
    out = t.rowwise(
        "a linear encoder: the squared entries of its matrix",
        contraction,
        (line, x),
        lambda f, x: m.square().expand(len(x), k, d),
        "The Jacobian is the matrix, at every x.",
        {
            "rows added before they are squared": m.sum(0).square().sum(),
            "square root taken": m.square().sum().sqrt(),
            "mean over the dimensions": [m.square().sum() / n for n in (d, k)],
            "largest singular value": torch.linalg.matrix_norm(m, 2) ** 2,
            "absolute values in place of squares": m.abs().sum(),
            "codes left out": [*m.square().sum(1), *m.square().sum(1).cumsum(0)[:-1]],
            "squared length of the code": lambda f, x: f(x).square(),
        },
        grads=False,
        tol=1e-4,
    )
    weight = t.uniform(b, low=0.5, high=1.5)

    def slopes(out, due, parameter):
        t.property("its gradient reaches the encoder", of=out)
        cut, part = {"cut off from the graph": 0.0}, "gradient cut off in part"
        why = "That of the sum of squares, with respect to the weights."
        t.close(t.grad(out, parameter, weight), due, why, part, cut, tol=1e-4)

    slopes(out, 2 * weight.sum() * m, line.weight)

    k = t.integer(4, 5)
    x = t.normal(b, 2, 3).double()
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, k))
    net = net.double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(t.normal(*p.shape, std=0.6))

    def paths(f, x):
        bend = 1 - f[:3](x).square()  # the slope of tanh
        return torch.einsum("kh,bh,hi->bki", f[3].weight, bend, f[1].weight).square()

    codes = paths(net, x).detach().sum(2)
    summed(net, x, (b, k), (b, 6), (b, 2, 3), (b, 3))
    # Far from zero digits are scarce: differences show, whatever their step.
    for name, shift, mistake in (
        ("", 0.0, None),
        (", all codes moved by 1e8", 1e8, "differences in place of derivatives"),
    ):
        with torch.no_grad():
            net[3].bias += shift
        out = t.rowwise(
            f"a network: the product of its layers' slopes{name}",
            contraction,
            (net, x),
            paths,
            "Each slope along each path, squared and summed.",
            {"codes left out": list(codes.cumsum(1).T[:-1])},
            mistake,
            grads=False,
            tol=1e-6 if shift else 1e-3,
        )
        for layer in (1, 3):
            due = t.grad(paths(net, x).sum((1, 2)), net[layer].weight, weight)
            slopes(out, due, net[layer].weight)
