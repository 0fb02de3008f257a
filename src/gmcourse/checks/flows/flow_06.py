"""Exercise flow-06: Channels unmixed."""

import math
from itertools import chain

import torch

from .._exercise import Exercise
from .._parts import mistakes
from ._shared_maps import in_float32, pair


@Exercise(
    id="flow-06",
    title="Channels unmixed",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Undo an invertible 1×1 convolution by its two triangles, with a determinant "
        "that costs nothing.",
    ),
    statement=r"""
An invertible 1×1 convolution multiplies the channels of each place by one matrix,
$z_{:,i,j} = W x_{:,i,j}$. Glow ([Kingma & Dhariwal,
2018](https://arxiv.org/abs/1807.03039)) holds it in parts, so that its determinant is a
sum and its inverse two triangular systems:

$$
W = P L (U + \mathrm{diag}(s)), \qquad s_k = \mathrm{sign}_k \, e^{\mathrm{log\_s}_k} .
$$

Write `drawn(z, order, lower, upper, sign, log_s)`, the way in which images are drawn:
it gives the pair `(x, log_det)`, the `x` whose `z` this is and
$\log |\det \partial x / \partial z|$ of each image (of the way *to $x$*).

- `z` and `x` are `(b, c, h, w)`, `log_det` is `(b,)`; all sizes are 1 or more.
- `order`, int64 `(c,)`, is the permutation: $(P v)_k = v_{\mathrm{order}[k]}$.
- `lower` and `upper` are `(c, c)`. $L$ has the entries of `lower` below the diagonal
  and ones on it, $U$ those of `upper` above it and zeros elsewhere. What else stands
  in the two, any finite numbers, is not used, and gets a gradient of 0 (or none).
- `sign`, `(c,)`, holds 1 and -1; `log_s`, `(c,)`, numbers $v$ whose $e^v$ and $e^{-v}$
  fit into the type. (Their product need not.)
- The entries of $L$, and those of $U$ in units of the $|s_k|$ of their row, are a few
  units at most.

All but `order` are float32 or all float64, and so are the results. In float64 they are
right to ten digits (`x`: to ten of the largest channel at its place), also where the
sizes of $s$ lie 15 powers of ten apart. (There $W$ itself, once it is multiplied out,
has lost the small ones: make neither $W$ nor its inverse.) Gradients flow to `z`,
`lower`, `upper` and `log_s`.
""",
    stub='''
def drawn(z, order, lower, upper, sign, log_s):
    """(b, c, h, w), (c,) int64, twice (c, c), twice (c,) -> x, (b,)."""
    return ..., ...
''',
    answers={"drawn": callable},
    hints=(
        "What stands leftmost in $W$ is undone first: the permutation, then $L$, then "
        "the other triangle. Which index undoes `v[order]`?",
        "`torch.linalg.solve_triangular(a, v, upper=...)` solves $a x = v$ for all "
        "columns of `v` at once, and can be told that the diagonal is one. Places and "
        "images are columns: `z.flatten(2)` is `(b, c, h * w)`.",
        "$\\log |\\det W|$ is a sum of `log_s`, once for each place. Which sign has it "
        "on the way from $z$ to $x$?",
    ),
    misconceptions={
        "no pair": "Two tensors are due, (x, log_det).",
        "permutation the wrong way": "v[order] is undone by the order's inverse.",
        "permutation left out": "The permutation is part of W.",
        "permutation at the other end": "What stands leftmost in W is undone first.",
        "diagonal of L not one": "The diagonal of L is one, whatever stands in lower.",
        "sign left out": "s has the given signs.",
        "log_s not exponentiated": "s is the exponential of log_s, with a sign.",
        "scale the wrong way": "On the way to x, what s has multiplied is divided.",
        "diagonal of upper used": "The diagonal is s; what stands in upper on or below "
        "it is not used.",
        "other triangles used": "Of lower counts what is below the diagonal, of upper "
        "what is above it.",
        "triangles in the wrong order": "L stands to the left of U, and is undone "
        "before it.",
        "transposed": "The channels of a place are a column, multiplied from the left.",
        "multiplied in place of solved": "From z to x, the matrix is undone.",
        "scale bounded": "s is taken as it is, whatever its size: nothing bounds it, "
        "and no epsilon is added.",
        "small sizes taken for 0": "No s is 0, however small: a pseudo-inverse leaves "
        "out what it takes for rounding.",
        "determinant made before its logarithm": "The product of the sizes leaves the "
        "type, where the sum of their logarithms is a number like any other.",
        "signs in the log-determinant": "The logarithm is of the determinant's size.",
        "right for few channels alone": "c is any number from 1: what ends after a few "
        "steps, or terms, has not seen all channels.",
        "gradient of unused entries": "What is not used has no influence.",
        "matrix made": "Once it is multiplied out, W has lost the small sizes.",
        "places left out": "The matrix acts at each of the h·w places.",
        "places counted otherwise": "The logarithm counts once for each of the h·w "
        "places of an image.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
        "axes mixed by a reshape": "view and reshape do not move an axis: movedim, or "
        "permute, does.",
    },
)
def flow_06(t, drawn):
    def parts(c, kind=torch.float64):
        """A permutation that is not its own inverse (if c > 2), and the rest."""
        while True:
            order = t.uniform(c, low=0, high=1).argsort()
            if c < 3 or not torch.equal(order[order], torch.arange(c)):
                break
        lower, upper = (t.away(c, c, low=0.3, high=1.2) for _ in range(2))
        sign = (1 - 2 * (torch.arange(c) % 2)).float()
        found = lower, upper, sign, t.away(c, low=0.2, high=0.8)
        return order, *(v.to(kind) for v in found)

    def solved(z, order, lower, upper, sign, log_s):
        """x by substitution, a channel at a time."""
        c = len(order)
        v, y, x = dict(zip(order.tolist(), z.unbind(1))), {}, {}
        for i in range(c):
            y[i] = v[i] - sum(lower[i, j] * y[j] for j in range(i))
        for i in reversed(range(c)):
            rest = sum(upper[i, j] * x[j] for j in range(i + 1, c))
            x[i] = (y[i] - rest) * sign[i] / torch.exp(log_s[i])
        return torch.stack([x[i] for i in range(c)], 1)

    def swaps(z, order, lower, upper, sign, log_s):
        """What mistakes give, by the whole matrix."""
        c = len(order)
        eye = torch.eye(c, dtype=z.dtype)
        p, below, above = eye[order], lower.tril(-1), upper.triu(1)
        s = sign * log_s.exp()
        perms = {
            "": p,
            "permutation the wrong way": p.mT,
            "permutation left out": eye,
        }
        lowers = {
            "": below + eye,
            "diagonal of L not one": [lower.tril(), below, below + 2 * eye],
            "other triangles used": [
                lower.triu(1) + eye,
                lower.mT.tril(-1) + eye,
                lower,
            ],
        }
        uppers = {
            "": above + s.diag(),
            "sign left out": above + s.abs().diag(),
            "log_s not exponentiated": [
                above + v.diag() for v in (sign * log_s, log_s)
            ],
            "scale bounded": above + (sign * log_s.clamp(-0.5, 0.5).exp()).diag(),
            "scale the wrong way": above + (1 / s).diag(),
            "diagonal of upper used": [
                above + (upper.diagonal() + s).diag(),
                upper.triu(),
                *[above + (upper.diagonal() * v).diag() for v in (s, s.abs())],
            ],
            "other triangles used": [
                upper.tril(-1) + s.diag(),
                upper.mT.triu(1) + s.diag(),
                upper + s.diag(),
            ],
        }
        ends = {
            "": lambda p, low, u: (p @ low @ u).inverse(),
            "permutation at the other end": lambda p, low, u: (low @ u @ p).inverse(),
            "triangles in the wrong order": lambda p, low, u: (p @ u @ low).inverse(),
            "transposed": lambda p, low, u: (p @ low @ u).inverse().mT,
            "multiplied in place of solved": [
                lambda p, low, u: p @ low @ u,
                lambda p, low, u: (p @ low @ u).mT,
                lambda p, low, u: u @ low @ p.mT,
            ],
        }
        flat, shape = z.flatten(2), z.shape

        def make(p, low, u, end):
            try:
                return (end(p, low, u) @ flat).view(shape)
            except RuntimeError:  # not invertible
                return torch.full_like(z, torch.nan)

        yield from mistakes(make, perms, lowers, uppers, ends, most=1)
        added = [10.0**-k for k in range(2, 10)]
        near = [above + v.diag() for k in added for v in (s + k, s + sign * k)]
        way = p, below + eye
        yield "scale bounded", [make(*way, u, ends[""]) for u in near]
        w = ends[""](*way, uppers[""])
        yield "axes mixed by a reshape", (w @ z.reshape(c, -1)).view(shape)
        for turn in (z.reshape(-1, c), z.mT.reshape(-1, c)):
            for m in (w, w.mT):
                yield "axes mixed by a reshape", (turn @ m).reshape(shape)
        right = solved(z, order, lower, upper, sign, log_s)
        yield "axes mixed by a reshape", right.flatten(2).mT.reshape(shape)
        same = [(v, p) for v, p in past if v.shape == shape]
        found = [v for v, _ in same] + [solved(z, *p) for _, p in same]
        yield "result of an earlier call", found

    def judged(name, z, found, tol=1e-9, edge=None, known=None):
        """``edge`` is the mistake that is looked for where ``s`` is extreme."""
        t.property(name)
        x, log_det = pair(t, t.call(drawn, z, *found), "(x, log_det)")
        b, c, h, w = z.shape
        t.shape(x, z.shape, "that of z.")
        alone = {
            "batch axis lost": [()] * (b == 1),
            "not summed over the dimensions": [(b, c), (c,), (b, h, w)],
            "reduced over the batch": [(), (1,)],
        }
        t.shape(log_det, (b,), "one for each image.", ideas=alone)
        for out in (x, log_det):
            t.dtype(out, z.dtype, "that of z.")
        double = [v.double() if v.is_floating_point() else v for v in (z, *found)]
        due = solved(*double).detach()
        why = "By substitution, a channel at a time"
        if edge:
            size, told = due.abs().amax(1, keepdim=True), extreme(x, due, found, edge)
            why += ", in units of the largest of its place."
            t.close(x / size, due / size, why, told, tol=tol)
        else:
            near = in_float32(t.tensor(x), due)
            ideas = chain([near], swaps(*(v.detach() for v in double)))
            t.close(x, due, f"{why}.", known, ideas, tol)
        past.append((due, [v.detach() for v in double[1:]]))
        t.property(f"log-determinant: {name}", of=log_det)
        told = "matrix made" if edge == "matrix made" else None
        if edge:
            why, made = "A sum of few numbers.", "determinant made before its logarithm"
            t.finite(log_det, why, told or made)
        logs = -double[-1].detach()
        signed = (logs * double[-2] * h * w).sum().expand(b)
        due, one = (logs * h * w).sum().expand(b), logs.sum().expand(b)
        ideas = {
            "log-determinant of the inverse": -due,
            "places left out": [one, -one],
            "places counted otherwise": [
                k * one * n
                for n in (h, w, b * h * w, b, h + w, h * h, w * w)
                for k in (1, -1)
            ],
            "signs in the log-determinant": [signed, -signed],
            "mean over the dimensions": due / c,
            "determinant in place of its logarithm": [due.exp(), (-due).exp()],
        }
        ideas = ideas if h * w > 1 and c > 1 else None
        t.close(log_det, due, "By the diagonal.", told, ideas, tol)
        return x, log_det

    def extreme(x, due, found, edge):
        """The name of what went wrong with ``x``, if it did."""
        x = t.tensor(x).detach()
        if edge == "matrix made":
            kept = x.abs().amax(1) / due.abs().amax(1)  # at each place
            return "small sizes taken for 0" if kept.median() < 0.1 else edge
        held = (due.movedim(1, -1) * found[-1].exp() / x.movedim(1, -1)).abs()
        return edge if held.max() < 1.001 * held.min() else None  # one size for all

    past: list = []
    b, c = t.integer(2, 4), 5
    size = b, c, 2, 3
    judged("some images", t.normal(*size).double(), parts(c))
    judged("other ones of this size", t.normal(*size).double(), parts(c))
    for shape in ((1, 3, 4, 2), (3, 4, 1, 1), (2, 1, 3, 2), (1, 1, 1, 1), (2, 2, 1, 3)):
        name = "images of {1} channels, {2} × {3}, {0} of them".format(*shape)
        judged(name, t.normal(*shape).double(), parts(shape[1]))
    for n in (8, t.integer(9, 14), 17):
        order, lower, upper, *rest = parts(n)
        found = order, lower * 3 / n, upper * 3 / n, *rest
        z, few = t.normal(2, n, 2, 1).double(), "right for few channels alone"
        judged(f"{n} channels", z, found, known=few)
    judged("float32", t.normal(*size), parts(c, torch.float32), 1e-3)
    order, lower, upper, sign, _ = parts(6)
    log_s = torch.linspace(17.5, -17.5, 6).double()
    wide = order, lower, upper * log_s.exp()[:, None], sign, log_s
    z = t.away(3, 6, 2, 2, low=0.5, high=2).double()
    judged("sizes that lie 15 powers of ten apart", z, wide, 1e-10, "matrix made")
    for way in (600, -600):
        order, lower, upper, sign, log_s = parts(4)
        z = t.away(2, 4, 1, 2, low=0.5, high=2).double() * math.exp(max(0, way))
        found = order, lower, 0 * upper, sign, log_s + way
        judged(f"sizes near e^{way}, and nothing in U", z, found, edge="scale bounded")

    z, (order, *rest) = t.normal(2, 4, 2, 3).double(), parts(4)
    leaves = [v.requires_grad_() for v in (z, rest[0], rest[1], rest[3])]
    x, log_det = judged("four channels", z, (order, *rest))
    exact = solved(z, order, *rest), -6 * rest[3].sum().expand(2)
    for out, due, name in zip((x, log_det), exact, ("x", "log_det")):
        t.property(f"gradients of {name}", of=out)
        weight = t.uniform(*due.shape, low=0.5, high=2).double()
        for v in leaves:
            got, slope = t.grad(out, v, weight), t.grad(due, v, weight)
            used = slope != 0
            same = torch.allclose(got[used], slope[used]) and not used.all()
            told = "gradient of unused entries" if same else None
            names = {"cut off from the graph": 0 * v.detach()} if not same else None
            t.close(got, slope, "That of the substitution.", told, names, tol=1e-7)
