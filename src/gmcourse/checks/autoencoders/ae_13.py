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
        "mean over the entries": "A sum over all entries is due.",
        "summed over the batch": "One number for each example is due.",
        "largest singular value": "All singular values count: the Frobenius norm, not "
        "the spectral one.",
        "absolute values in place of squares": "The entries are squared.",
        "only the first code": "All codes count.",
        "squared length of the code": "The derivative of the code is due, not the "
        "code.",
        "halved": "The sum of squares is due, without a factor of one half.",
        "random probes": "Random probes give the norm on average only; it takes one "
        "derivative for each code.",
        "differences in place of derivatives": "A difference quotient is right only up "
        "to its step and its rounding; automatic differentiation is exact.",
        "gradient cut off in part": "The number is right, but a factor or a row of it "
        "is held constant when it is differentiated.",
    },
)
def ae_13(t, contraction):
    b, d, k = t.integer(4, 5), t.integer(5, 6), 3
    x = t.normal(b, d)

    t.property("a linear encoder: the squared entries of its matrix")
    line = nn.Linear(d, k)
    with torch.no_grad():
        line.weight.copy_(t.away(k, d, low=0.3, high=1))
    out = t.call(contraction, line, x)
    t.shape(out, (b,), "one number for each example.",
            ideas={"summed over the batch": [(), (1,)]})  # fmt: skip
    again = t.tensor(t.call(contraction, line, x)).detach()
    t.close(out, again, "The same number at each call.", "random probes")
    m = line.weight.detach()
    due = float(m.pow(2).sum())
    ideas = {
        "rows added before they are squared": float(m.sum(0).pow(2).sum()),
        "square root taken": due**0.5,
        "mean over the entries": [due / (d * k), due / d, due / k],
        "halved": due / 2,
        "largest singular value": float(torch.linalg.matrix_norm(m, 2) ** 2),
        "absolute values in place of squares": float(m.abs().sum()),
        "only the first code": [float(v) for v in m.pow(2).sum(1)],
        "squared length of the code": line(x).pow(2).sum(1),
    }
    why = "The Jacobian is the matrix, at every x."
    t.close(out, due, why, ideas=ideas, tol=1e-4)

    t.property("its gradient reaches the encoder")
    weight = t.uniform(b, low=0.5, high=1.5)
    slope = t.grad(out, line.weight, weight)
    cut = {"cut off from the graph": 0.0}
    part = "gradient cut off in part"
    t.close(slope, 2 * float(weight.sum()) * m, "That of the sum of squares.", part,
            ideas=cut, tol=1e-4)  # fmt: skip

    t.property("a network: the product of its layers' slopes, in double precision")
    k = t.integer(4, 5)
    net = nn.Sequential(nn.Flatten(), nn.Linear(6, 7), nn.Tanh(), nn.Linear(7, k))
    net = net.double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(t.normal(*p.shape, std=0.6))
        # Far from zero digits are scarce: differences show, whatever their step.
        net[3].bias += 1e8
    x = t.normal(b, 2, 3).double()
    bend = 1 - net[:3](x).pow(2)  # the slope of tanh
    paths = torch.einsum("kh,bh,hi->bki", net[3].weight, bend, net[1].weight)
    codes = paths.pow(2).sum(2)
    total = codes.sum(1)
    ideas = {"only the first code": list(codes.cumsum(1).T[:-1])}
    other = "differences in place of derivatives"
    out = t.call(contraction, net, x)
    why = "Each slope along each path, squared and summed."
    t.close(out, total, why, other, ideas=ideas, tol=1e-8)
    weight = weight.double()
    for layer in (1, 3):
        slope, wanted = (t.grad(v, net[layer].weight, weight) for v in (out, total))
        why = f"The derivative with respect to the weights of layer {layer}."
        t.close(slope, wanted, why, part, ideas=cut, tol=1e-7)

    t.property("one example")
    out = t.call(contraction, net, x[:1])
    t.shape(out, (1,), "a batch of one is a batch.")
    t.close(out, total[:1], "As within the batch.", tol=1e-8)
