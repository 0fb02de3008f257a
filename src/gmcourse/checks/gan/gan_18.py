"""Exercise gan-18: How much a convolution can stretch."""

from itertools import chain
from typing import Any

import torch
from torch.nn import functional as F

from .._comparisons import far, first
from .._exercise import Exercise


@Exercise(
    id="gan-18",
    title="How much a convolution can stretch",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Find the largest singular value of a linear map that is given as a program, "
        "without its matrix.",
    ),
    statement=r"""
A convolution without a bias is a linear map $A$ from images to images, and the most
that it can stretch any image,

$$
\lVert A \rVert = \max_{x \ne 0} \frac{\lVert A x \rVert}{\lVert x \rVert} ,
$$

is the largest singular value of a matrix that has a row for each number that comes out
and a column for each pixel that goes in. The usual spectral normalization
([Miyato et al., 2018](https://arxiv.org/abs/1802.05957)) takes another matrix in its
place, the kernel reshaped to one row for each channel that comes out. That is not the
same number.

Write `conv_norm(weight, size, stride=1, padding=0)`, which gives $\lVert A \rVert$ for
the map `F.conv2d(x, weight, stride=stride, padding=padding)` (zeros at the edge) of
images `x` with the shape `(c_in, h, w)`. `weight` has the shape `(c_out, c_in, k, l)`,
also with $k \ne l$; `size` is the pair `(h, w)`; `stride` and `padding` are whole
numbers. With a stride of 2 some pixels at the right or lower edge may be seen by no
kernel. The images are small: $c_{\text{in}} h w \le 500$.

The result is one number, a tensor of shape `()`, right to 0.1 % if the second largest
singular value is at most 0.9 times the largest (others are not tried). Nothing else is
assumed: the entries of the kernel have any signs, and are all as small as 0.001 or as
large as 1000. For a kernel of zeros it is 0. `weight` is in float32 or float64 and may
require a gradient; the gradient of the result by `weight` is that of the singular
value, to 1 % of its largest entry (not asked for at a kernel of zeros). Nothing that
was passed in is changed, and the global random state may be used, but not seeded.
""",
    stub='''
def conv_norm(weight, size, stride=1, padding=0):
    """(c_out, c_in, k, l), (h, w) -> (): the largest singular value."""
    return ...
''',
    answers={"conv_norm": callable},
    hints=(
        r"Power iteration: apply $A^\top A$ to a random image again and again, and "
        "divide it by its length each time. It turns toward the one that is stretched "
        "most. With the gap that is promised a hundred rounds are plenty.",
        r"$A^\top$ is `F.conv_transpose2d` with the same kernel, stride and padding. "
        "With a stride of 2 two sizes of images lead to the same size of the result: "
        "`output_padding` says which.",
        r"With the two vectors $u$ and $v$ of length 1 found and held fixed, "
        r"$\lVert A \rVert = u^\top A v$, and this has the right gradient by the "
        "kernel. Find the two under `no_grad`.",
    ),
    misconceptions={
        "the reshaped kernel": "The kernel as a matrix with a row for each channel "
        "knows neither the size of the images nor how the windows overlap.",
        "a bound in place of the value": "No image is stretched that much.",
        "root of the sum of squares": "The Frobenius norm takes all singular values "
        "together; the largest alone is due.",
        "sum of the weights": "How much can be stretched is more than a sum of the "
        "kernel's entries.",
        "an image that wraps around": "At the edge there are zeros: a Fourier "
        "transform gives the norm of a convolution whose image wraps around.",
        "padding not used": "Another padding makes another map.",
        "stride not used": "Another stride makes another map.",
        "height and width exchanged": "size is (h, w).",
        "another size of images": "The norm depends on the size of the images, which "
        "is given.",
        "image shrunk by the stride": "Without output_padding conv_transpose2d gives a "
        "smaller image than the one that went in.",
        "another map in place of the transpose": "The way back is the transpose, not "
        "the convolution again: this is the largest eigenvalue, or what a square "
        "map makes of itself.",
        "another singular value": "The largest is due.",
        "number of rounds too small": "The value depends on where the iteration "
        "started: it has not arrived.",
        "start that may be blind": "From a fixed image the iteration sees nothing of "
        "a direction at a right angle to it: start from a random one.",
        "vector left to grow or shrink": "Without dividing by the length in each round "
        "the numbers leave the range of floats.",
        "constant beside a small length": "Where all entries are small a constant, "
        "added to a length or below which none may be, is not.",
        "zero divided by zero": "A kernel of zeros makes zeros of any image: their "
        "length is no divisor.",
        "gradient of something else": "With the two vectors held fixed the value is "
        "linear in the kernel; that is the gradient.",
    },
)
def gan_18(t, conv_norm):
    def matrix(weight, size, stride=1, padding=0):
        """A row for each number that comes out: the kernel, moved over the image."""
        (h, b), (k, m), rows = size, weight.shape[2:], []
        wide = h + 2 * padding - k, b + 2 * padding - m  # places for a window, less 1
        for i in range(0, wide[0] + 1, stride):
            for j in range(0, wide[1] + 1, stride):
                moved = F.pad(weight, (j, wide[1] - j, i, wide[0] - i))
                inside = moved[:, :, padding : padding + h, padding : padding + b]
                rows.append(inside.flatten(1))
        return torch.stack(rows, 1).flatten(0, 1)

    def values(weight, size, stride=1, padding=0):
        return torch.linalg.svdvals(matrix(weight, size, stride, padding))

    def kernel(shape, size, stride, padding, noise=0.3):
        """A bump with a sign for each channel, and noise: its largest stands alone."""
        while True:
            w = noise * t.away(*shape, low=0.3, high=1.2).double()
            a, b = (t.away(n, low=0.6, high=1.5).double() for n in shape[:2])
            w = w + a.view(-1, 1, 1, 1) * b.view(1, -1, 1, 1)
            s, other = values(w, size, stride, padding), values(w, shape[2:])
            if s[1] <= 0.87 * s[0] and abs(other[0] / s[0] - 1) > 0.02:
                return w
            noise *= 0.97

    def rivals(w, size, stride, padding) -> Any:
        """What other norms and other maps give."""
        (h, b), (k, m) = size, w.shape[2:]
        flat = torch.linalg.svdvals(w.flatten(1))
        sides = [flat, torch.linalg.svdvals(w.transpose(0, 1).flatten(1))]
        sides += [torch.linalg.svdvals(w.permute(*p).flatten(2).flatten(0, 1))
                  for p in ((0, 2, 1, 3), (1, 2, 0, 3), (0, 3, 1, 2))]  # fmt: skip
        yield "the reshaped kernel", [v[0] for v in sides]
        right = matrix(w, size, stride, padding)
        s = torch.linalg.svdvals(right)
        yield "square of what is due", s[0] ** 2
        yield "root of what is due", s[0] ** 0.5
        yield "off by a factor of two", [s[0] / 2, 2 * s[0]]
        rows, columns = (right.abs().sum(d).max() for d in (1, 0))
        yield (
            "a bound in place of the value",
            [
                *(v[0] * c for v in sides[:2] for c in ((k * m) ** 0.5, k * m, k, m)),
                *((rows * columns).sqrt(), rows, columns),
            ],
        )
        sums = [w.abs().sum(), w.sum().abs(), w.abs().sum((1, 2, 3)).max(),
                w.abs().sum((0, 2, 3)).max(), w.sum((1, 2, 3)).abs().max(),
                w.abs().mean(), w.abs().max()]  # fmt: skip
        flattened = [f((2, 3)) for f in (w.sum, w.mean)]
        sums += [v.norm() for v in flattened]
        sums += [torch.linalg.svdvals(v)[0] for v in flattened]
        if stride == 1:
            bent = torch.fft.fft2(w, s=size).permute(2, 3, 0, 1)
            yield "an image that wraps around", torch.linalg.svdvals(bent).max()
        yield "sum of the weights", sums
        yield (
            "root of the sum of squares",
            [
                *(w.norm(), right.norm(), w.flatten(1).norm(dim=1).max()),
                *(right.norm(dim=1).max(), right.norm(dim=0).max()),
            ],
        )
        if stride > 1:
            if h >= k and b >= m:
                yield "stride not used", values(w, size, 1, 0)[0]
            kept = [
                (n + 2 * padding - c) // stride * stride + c - 2 * padding
                for n, c in zip(size, (k, m))
            ]
            if tuple(kept) != tuple(size):
                v = values(w, kept, stride, padding)
                yield "image shrunk by the stride", v[0]
        for other in {0, 1, 2, k // 2} - {padding}:
            if h + 2 * other >= k and b + 2 * other >= m:
                yield "padding not used", values(w, size, stride, other)[0]
        for other in {1, 2, 3} - {stride}:
            yield "stride not used", values(w, size, other, padding)[0]
        yield (
            "height and width exchanged",
            [
                values(w, (b, h), stride, padding)[0],
                values(w.mT.contiguous(), size, stride, padding)[0],
            ],
        )
        for other in ((h, h), (b, b), (8, 8), (h + 1, b + 1), (h - 1, b - 1), (k, m)):
            if other[0] + 2 * padding >= k and other[1] + 2 * padding >= m:
                v = values(w, other, stride, padding)
                yield "another size of images", v[0]
        if right.shape[0] == right.shape[1]:
            eig = torch.linalg.eigvals(right).abs().max()
            twice = torch.linalg.svdvals(right @ right)[0]
            yield (
                "another map in place of the transpose",
                [
                    *(eig, eig**2, eig**0.5, twice, twice**0.5),
                ],
            )
            turned = matrix(w.flip(2, 3), size, stride, padding)
            way = torch.linalg.eigvals(turned @ right).abs().max()
            yield "another map in place of the transpose", [way, way**0.5]
            across = torch.linalg.svdvals(turned.T @ right)[0]
            yield "another map in place of the transpose", [across, across**0.5]
        yield "another singular value", [*s[1:6], s[-1], s.mean(), s.sum()]
        first = torch.eye(right.shape[1], dtype=torch.float64)[0]
        for start in torch.ones_like(first), first:
            v = start
            for _ in range(10):
                v = v / v.norm()
                u = right @ v
                v = right.T @ u
                yield "number of rounds too small", [u.norm(), v.norm() / u.norm()]

    def near(out, due, share=1e-3):
        return bool((t.tensor(out).detach().double() / due - 1).abs() <= share)

    def judged(weight, size, stride=1, padding=0):
        """A call and what is due; the mistake is named by its value."""
        how = (
            {}
            if (stride, padding) == (1, 0)
            else {"stride": stride, "padding": padding}
        )
        out = t.call(conv_norm, weight, size, **how)
        w = weight.detach().double()
        s = values(w, size, stride, padding)
        if near(out, s[0]):
            return out
        t.shape(out, (), "one number.")
        part = t.tensor(out).detach().double() / s[0]
        again = t.tensor(t.call(conv_norm, weight, size, **how)).detach() / s[0]
        found = chain(
            list(kept),
            rivals(w, size, stride, padding),
        )
        name = first(found, lambda v: abs(float(v / s[0] - part)) < 5e-5)
        if not part.isfinite() or part == 0:
            name = "vector left to grow or shrink"
        if far(again, part, 2e-5).any() and max(part, again) < 1:
            name = "number of rounds too small"
        why = "The largest singular value of the whole matrix."
        t.close(part, 1.0, why, name, tol=5e-4)
        return out

    kept: list = []
    t.property("one number")
    shape, size = (3, 2, 3, 3), (5, 4)
    w = kernel(shape, size, 1, 1)
    out = t.call(conv_norm, w, size, stride=1, padding=1)
    t.shape(out, (), "one number.")
    t.property("a stride of 1, with a padding of 1 and without")
    judged(w, size, 1, 1)
    kept.append(("result of an earlier call", values(w, size, 1, 1)[0]))
    w = kernel((2, 3, 2, 3), (4, 5), 1, 0)
    judged(w, (4, 5))
    t.property("another kernel of the same shape")
    kept.append(("result of an earlier call", values(w, (4, 5))[0]))
    w = kernel(shape, size, 1, 1, noise=0.8)
    judged(w, size, 1, 1)
    t.property("as many channels out as in")
    while True:  # the largest eigenvalue stands alone, and is another number
        w = kernel((2, 2, 3, 3), (5, 4), 1, 1)
        a, b = torch.linalg.eigvals(matrix(w, (5, 4), 1, 1)).abs().topk(2).values
        if b < 0.9 * a and a < 0.97 * values(w, (5, 4), 1, 1)[0]:
            break
    judged(w, (5, 4), 1, 1)
    t.property("the same kernel on images of another size")
    kept.append(("another size of images", values(w, (5, 4), 1, 1)[0]))
    for size in (3, 4), (4, 2):
        s = values(w, size, 1, 1)
        if s[1] <= 0.87 * s[0]:
            judged(w, size, 1, 1)

    for size, padding in (((7, 5), 1), ((6, 7), 1), ((6, 5), 0), ((5, 4), 2)):
        t.property(f"a stride of 2, images of {size[0]} × {size[1]}, padding {padding}")
        w = kernel((3, 2, 3, 3) if padding < 2 else (2, 1, 4, 3), size, 2, padding)
        judged(w, size, 2, padding)

    t.property("its gradient by the kernel")
    w = kernel((3, 2, 3, 2), (4, 3), 1, 1).requires_grad_()
    out = judged(w, (4, 3), 1, 1)
    due = t.grad(values(w, (4, 3), 1, 1)[0], w)
    found, most = t.grad(out, w), due.abs().max()
    why = "Of the largest singular value, by the whole matrix."
    name = "gradient of something else" if found.any() else "cut off from the graph"
    t.close(found / most, due / most, why, name, tol=5e-3)

    t.property("entries near 0.001 and near 1000")
    for scale in 1e-3, 1e3:
        w = (scale * kernel((2, 2, 3, 3), (4, 4), 1, 1)).float()
        s = values(w.double(), (4, 4), 1, 1)[0]
        out = t.tensor(t.call(conv_norm, w, (4, 4), stride=1, padding=1)).detach()
        gone = not out.isfinite().all() or out == 0
        name = "vector left to grow or shrink" if gone else None
        if scale < 1 and not gone and out < s:
            name = "constant beside a small length"
        why = "The same map in other units."
        t.close(out / s, 1.0, why, name, tol=5e-4)

    t.property("a kernel that sees nothing of an image of ones")
    v = (8 * kernel((2, 1, 3, 3), (4, 5), 1, 1)).round() / 8  # so that it is exact
    w = torch.cat([v, -v], 1)
    out, s = t.call(conv_norm, w, (4, 5), stride=1, padding=1), values(w, (4, 5), 1, 1)
    why, blind = "By the whole matrix.", t.tensor(out).detach() < 0.1 * s[0]
    name = "start that may be blind" if blind else None
    if s[1] < 0.9 * s[0]:
        t.close(t.tensor(out) / s[0], 1.0, why, name, tol=5e-4)

    t.property("a kernel of zeros")
    out = t.call(conv_norm, torch.zeros(2, 3, 3, 3), (5, 4), stride=2, padding=1)
    t.finite(out, "It stretches nothing: 0.", "zero divided by zero")
    t.close(out, 0.0, "It stretches nothing.", tol=1e-6)

    t.property("one channel, one pixel")
    w = -0.5 * t.integer(2, 5) * torch.ones(1, 1, 1, 1)
    out = t.call(conv_norm, w, (1, 1))
    t.shape(out, (), "one number.")
    t.close(out, w.abs().max(), "The size of the one entry.", tol=5e-4)
