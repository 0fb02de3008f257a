"""Exercise flow-17: The divergence of a picture's velocity."""

from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32, pair


@Exercise(
    id="flow-17",
    title="The divergence of a picture's velocity",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Take the exact trace of a Jacobian for pictures, with a gradient that trains "
        "the weights behind it.",
    ),
    statement=r"""
The velocity of a picture $x$ with $c$ channels of $h \times w$ values is a picture
itself. Its divergence is the trace of $\partial v / \partial x$, the sum over *all*
$d = c\,h\,w$ values of how the velocity of a value changes with that value alone. That
is not what physics calls divergence, where a picture of two channels would be a field
of arrows in the plane.

Write `divergence(field, x, t)`, which gives the pair `(v, div)` for `x` of the shape
`(b, c, h, w)` and a float `t`: $v$ = `field(x, t)`, in the shape of `x`, and the
divergence of each example, `(b,)`. It is exact, by automatic differentiation, to the
digits of the type of `x`, float32 or float64; $d$ is below 100. All sizes are 1 or
more. Each example's velocity depends on that example alone, and on all its values, in
any way that automatic differentiation follows.

Both results keep their graph: they can be differentiated by `x`, if it requires a
gradient, and by the weights of `field`, also if `x` does not. The `.grad` of the
weights stays as it was, and so do all tensors. (What `requires_grad` of `x` is
afterward is not looked at.) Neither `x` nor the velocity need be contiguous in memory.
""",
    stub='''
def divergence(field, x, t):
    """function, (b, c, h, w), float -> (b, c, h, w), (b,)."""
    return ..., ...
''',
    answers={"divergence": callable},
    hints=(
        "Row $i$ of the Jacobian of an example is the gradient of $v_i$; of it one "
        "entry is wanted. Examples do not mix, so one derivative gives this row for "
        "the whole batch.",
        "`torch.autograd.grad` takes weights for $v$: 1 at one value and 0 elsewhere. "
        "With `is_grads_batched=True` it takes many such weights at once; or "
        "differentiate a function of one example by `torch.func.jacrev`, under "
        "`torch.func.vmap`.",
        "`x` may not require a gradient: begin with one that does. And without "
        "`create_graph=True` the divergence trains nothing.",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (v, div).",
        "results exchanged": "The velocity comes first, then its divergence.",
        "sum of the whole Jacobian": "The gradient of the sum of v adds each column of "
        "the Jacobian: of it the trace wants one entry only.",
        "entries squared": "The trace adds the entries themselves, with their signs.",
        "sizes of the entries": "The trace adds the entries themselves, with their "
        "signs.",
        "matched in another order": "Entry i of v goes with entry i of x: the same "
        "channel, row and column.",
        "log-determinant in place of the trace": "A flow in continuous time adds up "
        "traces; determinants are for finite steps.",
        "divergence of a field in the plane": "The channels are not the two directions "
        "of the plane: no value is compared with its neighbor.",
        "one channel alone": "All channels count.",
        "another time": "The velocity at time t is due, and its Jacobian there.",
        "examples averaged or mixed": "Each example has a divergence of its own.",
        "trace of the product with its transpose": "That is the sum of all squared "
        "entries; the trace wants the diagonal.",
        "right for few values alone": "Small pictures and batches go well, and larger "
        "ones do not: d is anything below 100, and b any number.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "view of what is not contiguous": "A velocity whose axes were exchanged has no "
        "view of another shape: reshape and flatten copy where they must.",
    },
)
def flow_17(t, divergence):
    def judged(name, shape, kind=torch.float64, turned=False, far=1.0, steep=1.0,
               known=None):  # fmt: skip
        t.property(name)
        field = Field(t, shape[1:], kind, turned, steep)
        x, time = t.away(*shape, low=0.3, high=1.5).to(kind) / 0.7 * far, told_time(t)
        x = x.mT.contiguous().mT if turned else x
        lost = "view of what is not contiguous"
        out = (t.edge(lost, divergence, field, x, time) if turned
               else t.call(divergence, field, x, time))  # fmt: skip
        v, div = pair(t, out, "(v, div)")
        b, c, h, w = shape
        swapped = tuple(t.tensor(v).shape) == (b,) and len(t.tensor(div).shape) == 4
        t.true(not swapped, "(v, div)", "(div, v)", "results exchanged")
        t.shape(v, shape, "that of x.")
        part = {
            "batch axis lost": [()] * (b == 1),
            "reduced over the batch": [(), (1,)],
            "not summed over the dimensions": [
                shape,
                (b, c),
                (b, h, w),
                (b, c * h * w),
            ],
        }
        t.shape(div, (b,), "one for each example.", ideas=part)
        for one in (v, div):
            t.dtype(one, kind, "that of x.")
        tol = (1e-10 if far > 1 or known else 1e-12) if kind == torch.float64 else 1e-4
        due = field(x, time).detach()
        t.close(v, due, "field(x, t).", None, {"another time": moved(field, x)}, tol)
        jac = jacobians(field, x, time)
        exact = torch.stack([torch.trace(j) for j in jac])
        t.property(name, of=div)
        got = t.tensor(div).detach().double()
        off = (got - exact).abs().max() / (1 + exact.abs().max())
        ideas = chain(
            [in_float32(t.tensor(div), exact)],
            [
                (
                    "result of an earlier call",
                    [p for p in past if p.shape == exact.shape],
                )
            ],
            wrong(field, x, time, jac, exact),
            [("differences in place of derivatives", [got] * bool(off < 1e-3))],
        )
        t.close(div, exact, "The trace of the Jacobian.", known, ideas, tol)
        past.append(exact)

    past: list = []
    first = Field(t, (1, 2, 2), torch.float64), t.normal(2, 1, 2, 2).double(), 0.4
    t.steady(divergence, *first)
    shape = 4, 2, 3, 5
    for name in ("pictures of two channels", "other pictures, of the same shape"):
        judged(name, shape)
    for shape in ((3, 3, 2, 4), (1, 1, 4, 2), (5, 2, 1, 1), (1, 1, 1, 1), (2, 1, 1, 6)):
        judged(f"{shape[0]} pictures of {shape[1:]}", shape)
    few = "right for few values alone"
    judged("pictures of 99 values", (2, 3, 3, 11), known=few)
    judged("a large batch", (t.integer(66, 99), 1, 1, 2), known=few)
    judged("values near 1000", (3, 2, 2, 2), far=800.0)
    judged("steep velocities", (3, 2, 2, 2), steep=1e5)
    judged("float32", (3, 2, 3, 2), torch.float32)
    judged("not contiguous", (2, 3, 2, 4), turned=True)
    field, time = Field(t, (2, 2, 3), torch.float64), 0.7
    for free in (False, True):
        x = t.away(3, 2, 2, 3, low=0.3, high=1.5).double().requires_grad_(free)
        t.property(f"gradients{' by x, too' if free else ', x requires none'}")
        made = pair(t, t.call(divergence, field, x, time), "(v, div)")
        touched = any(w.grad is not None for w in field.weights)
        told = "The .grad of the weights as before.", "it has changed"
        t.true(not touched, *told, "gradients of the weights touched")
        exact = field(x, time), jacobians(field, x, time).diagonal(0, 1, 2).sum(1)
        for part, due in zip(made, exact):
            share = t.uniform(*due.shape, low=0.5, high=2).double()
            for leaf in [*field.weights, x][: None if free else -1]:
                slope, got = t.grad(due, leaf, share), t.grad(part, leaf, share)
                told = "The derivative of the same.", "cut off from the graph"
                t.close(got, slope, *told, tol=1e-8)


def told_time(t):
    return float(t.uniform(1, low=0.2, high=0.9))


def moved(field, x):
    return [field(x, s).detach() for s in (0.0, 1.0)]


def jacobians(field, x, time):
    """Of each example, in the graph: (b, d, d). Examples do not mix: their sum holds
    the Jacobian of each."""
    d, flat = x[0].numel(), x.reshape(len(x), -1)
    total = lambda y: field(y.reshape(x.shape), time).reshape(len(x), d).sum(0)  # noqa: E731
    find = torch.autograd.functional.jacobian
    rows = find(total, flat, create_graph=True, vectorize=True)
    return rows.transpose(0, 1).double()


def wrong(field, x, time, jac, exact):
    """What mistakes give."""
    b, c, h, w = x.shape
    jac, exact = jac.detach(), exact.detach()
    diagonal, d = jac.diagonal(0, 1, 2), jac.shape[1]
    places = torch.arange(d).view(c, h, w)
    orders = [places.flip(0), places.flip(1, 2), places.flip(2), places.flip(1)]
    channel = places.flatten() // (h * w)
    alike = channel[:, None] == channel
    others = [jac[:, torch.arange(d), p.flatten()] for p in orders]
    whole = c == 2 and h > 1 and w > 1
    v = field(x, time).detach().double()
    plane = [
        p[:, 0].diff(dim=-1).sum((1, 2)) + p[:, 1].diff(dim=-2).sum((1, 2))
        for p in (v, v.flip(1))
    ] if whole else []  # fmt: skip
    yield "float32 in between", diagonal.float().double().sum(1)
    values = {
        "": diagonal,
        "entries squared": diagonal.square(),
        "sizes of the entries": diagonal.abs(),
        "another time": [
            jacobians(field, x, s).detach().diagonal(0, 1, 2)
            for s in (0.0, 1.0, 2 * time, 1 - time, -time)
        ],
        "matched in another order": others,
        "sum of the whole Jacobian": [jac.sum(1), (jac * alike).sum(1)],
        "trace of the product with its transpose": jac.square().sum(1),
        "one channel alone": [
            torch.where(channel == k, diagonal, 0.0)
            for k in range(c)
        ] * (c > 1),
        "dimensions left out": [diagonal[:, :k] for k in (1, h * w, d - 1, 32, 64)],
        "results exchanged": v.flatten(1),
    }  # fmt: skip
    ends = {
        "": lambda e: e.sum(1),
        "mean over the dimensions": [
            lambda e: e.sum(1) / d**0.5,
            lambda e: e.mean(1), lambda e: e.sum(1) / c, lambda e: e.sum(1) / (h * w)
        ],
        "sign flipped": lambda e: -e.sum(1),
        "reduced over the batch": [
            lambda e: e.sum().expand(b), lambda e: e.sum(1).mean().expand(b),
            lambda e: e.sum(1) / b,
        ],
        "examples averaged or mixed": [
            lambda e: e.sum(1).roll(1), lambda e: e[:1].sum(1).expand(b)
        ],
        "off by a factor of two": [lambda e: 2 * e.sum(1), lambda e: e.sum(1) / 2],
    }  # fmt: skip
    yield from mistakes(lambda e, end: end(e), values, ends, tol=1e-7)
    yield "divergence of a field in the plane", plane
    sizes = torch.linalg.slogdet(jac).logabsdet
    near = torch.linalg.slogdet(torch.eye(d).double() + jac).logabsdet
    yield "log-determinant in place of the trace", [sizes, near]


class Field:
    """Each value of the velocity depends on all values of the picture, and on time."""

    def __init__(self, t, shape, kind, turned=False, steep=1.0):
        d, self.turned = shape[0] * shape[1] * shape[2], turned
        sizes = (d, d), (d, d), (d,)
        self.weights = [t.away(*n, low=0.3, high=1.2).to(kind) for n in sizes]
        self.weights[2] *= steep
        for w in self.weights:
            w.requires_grad_()

    def __call__(self, x, time):
        a, b, c = self.weights
        y = x.flatten(1)
        v = ((y @ a) / len(c) ** 0.5 + time).sin() @ b + (c * y * (1 + time)).cos()
        v = v.reshape(x.shape)
        return v.mT.contiguous().mT if self.turned else v
