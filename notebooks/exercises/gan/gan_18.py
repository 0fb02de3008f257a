"""Versions of exercise gan-18."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gan18:
    r"""
    No matrix is ever made: `conv2d` is $A$, `conv_transpose2d` is $A^\top$ (this is
    what "transposed" means), and $A^\top A$ turns any image that is not blind to it
    toward the one that is stretched most. The difference that is left after $k$ rounds
    is of the order $(\sigma_2 / \sigma_1)^{2k}$: here at most $0.81^k$. The gradient
    is that of $u^\top A v$ with both vectors held fixed, because at the best pair the
    value does not change with them to first order.

    `F.normalize` divides by at least $10^{-12}$, so zeros stay zeros.

    How far off is the reshaped kernel? For random kernels of 3 × 3 on 16 × 16 images,
    with 16 channels in and out and a padding of 1, the true norm is 1.5 to 1.7 times as
    large as that of the reshaped kernel, and for a kernel of equal entries nearly
    3 times, which is the most: $\sqrt{k l}$ for a stride of 1. A critic of eight such
    layers, normalized to 1 by the stand-in, may still have a slope of up to
    $3^8 = 6561$ (less where images are small: the border has fewer neighbors).
    """

    @reference
    def conv_norm(weight, size, stride=1, padding=0):
        how = {"stride": stride, "padding": padding}
        kernel = weight.shape[2:]
        # Pixels at the edge that no window reaches: the way back has to add them.
        extra = [(n + 2 * padding - k) % stride for n, k in zip(size, kernel)]

        def unit(x):
            return F.normalize(x, dim=(0, 1, 2, 3))

        with torch.no_grad():
            v = torch.randn(1, weight.shape[1], *size).to(weight)
            for _ in range(100):
                u = unit(F.conv2d(v, weight, **how))
                back = F.conv_transpose2d(u, weight, output_padding=extra, **how)
                v = unit(back)
        return (u * F.conv2d(v, weight, **how)).sum()

    @right
    def by_its_matrix(weight, size, stride=1, padding=0):
        d = weight.shape[1] * size[0] * size[1]
        pixels = torch.eye(d).to(weight).view(d, weight.shape[1], *size)
        columns = F.conv2d(pixels, weight, stride=stride, padding=padding)
        if not weight.any():
            return columns.sum()
        return torch.linalg.matrix_norm(columns.flatten(1), 2)

    @right
    def by_automatic_differentiation(weight, size, stride=1, padding=0):
        w = weight.detach()
        x = torch.randn(1, w.shape[1], *size, dtype=w.dtype)
        for _ in range(80):
            x = (x / x.norm().clamp(min=1e-20)).requires_grad_()
            y = F.conv2d(x, w, stride=stride, padding=padding)
            (x,) = torch.autograd.grad(0.5 * y.square().sum(), x)
            x = x / x.norm().clamp(min=1e-20)
        y = F.conv2d(x, weight, stride=stride, padding=padding)
        return y.square().sum().clamp(min=1e-30).sqrt()

    @right
    def by_unrolling(weight, size, stride=1, padding=0):
        # A leading axis for each channel that comes out, then a product of matrices.
        c, d = weight.shape[1], weight.shape[1] * size[0] * size[1]
        windows = F.unfold(
            torch.eye(d, dtype=weight.dtype).view(d, c, *size),
            tuple(weight.shape[2:]),
            stride=stride,
            padding=padding,
        )
        a = (weight.flatten(1) @ windows).flatten(1)
        v = torch.rand(d, dtype=weight.dtype) - 0.3
        with torch.no_grad():
            for _ in range(200):
                v = a @ (a.T @ v)
                v = v / (v.norm() + 1e-30)
        return (a.T @ v).norm() if weight.any() else weight.sum()

    @right
    def by_the_larger_image(weight, size, stride=1, padding=0):
        # Of a stride, all windows and then some of them; the way back with zeros.
        def there(x):
            return F.conv2d(x, weight, padding=padding)[:, :, ::stride, ::stride]

        def back(y, like):
            wide = torch.zeros_like(like)
            wide[:, :, ::stride, ::stride] = y
            return F.conv_transpose2d(wide, weight, padding=padding)

        with torch.no_grad():
            x = torch.randn((1, weight.shape[1], *size), dtype=weight.dtype)
            like = F.conv2d(x, weight, padding=padding)
            for _ in range(90):
                x = back(there(x), like)
                x = x / x.norm().clamp(min=1e-25)
        return there(x).norm()

    edited = edits(
        conv_norm,
        """
    square of what is due | return (u * F.conv2d(v, weight, **how)).sum()
        -> return F.conv2d(v, weight, **how).square().sum()
    number of rounds too small | range(100) -> range(1)
    number of rounds too small | range(100) -> range(3)
    number of rounds too small | range(100) -> range(2)
        | torch.randn(1, weight.shape[1], *size)
        -> torch.ones(1, weight.shape[1], *size)
    start that may be blind
        | torch.randn(1, weight.shape[1], *size)
        -> torch.ones(1, weight.shape[1], *size)
    image shrunk by the stride | output_padding=extra, ->
    padding not used | how = {"stride": stride, "padding": padding}
        -> padding = 0; how = {"stride": stride, "padding": padding}
    padding not used | how = {"stride": stride, "padding": padding}
        -> padding = weight.shape[2] // 2; how = {"stride": stride, "padding": padding}
    stride not used | how = {"stride": stride, "padding": padding}
        -> stride = 1; how = {"stride": stride, "padding": padding}
    height and width exchanged | how = {"stride": stride, "padding": padding}
        -> size = size[::-1]; how = {"stride": stride, "padding": padding}
    another size of images | how = {"stride": stride, "padding": padding}
        -> size = 8, 8; how = {"stride": stride, "padding": padding}
    another size of images | how = {"stride": stride, "padding": padding}
        -> size = size[0], size[0]; how = {"stride": stride, "padding": padding}
    vector left to grow or shrink | return F.normalize(x, dim=(0, 1, 2, 3)) -> return x
        | return (u * F.conv2d(v, weight, **how)).sum()
        -> v = v / v.norm(); return F.conv2d(v, weight, **how).norm()
    constant beside a small length | return F.normalize(x, dim=(0, 1, 2, 3))
        -> return x / (x.norm() + 1e-4)
    zero divided by zero | F.normalize(x, dim=(0, 1, 2, 3)) -> x / x.norm()
    cut off from the graph | return (u * F.conv2d(v, weight, **how)).sum()
        -> return (u * F.conv2d(v, weight.detach(), **how)).sum()
    off by a factor of two | return ( -> return 2 * (
    wrong shape | .sum() -> .sum().view(1)
    not a tensor | return (u * F.conv2d(v, weight, **how)).sum()
        -> return (u * F.conv2d(v, weight, **how)).sum().numpy(force=True)
    global random state reseeded | kernel = -> torch.manual_seed(0); kernel =
    input changed in place | return (u * F.conv2d(v, weight, **how)).sum()
        -> weight.data /= 2; return (u * F.conv2d(v, 2 * weight, **how)).sum()
    """,
    )

    @wrong("the reshaped kernel")
    def miyato(weight, size, stride=1, padding=0):
        return torch.linalg.matrix_norm(weight.flatten(1), 2)

    @wrong("the reshaped kernel")
    def by_power_iteration_of_the_kernel(weight, size, stride=1, padding=0):
        w = weight.transpose(0, 1).flatten(1)
        v = torch.randn(w.shape[1]).to(w)
        for _ in range(100):
            v = F.normalize(w.T @ F.normalize(w @ v, dim=0), dim=0)
        return (w @ v).norm()

    @wrong("a bound in place of the value")
    def times_the_side(weight, size, stride=1, padding=0):
        k, m = weight.shape[2:]
        return torch.linalg.matrix_norm(weight.flatten(1), 2) * (k * m) ** 0.5

    @wrong("root of the sum of squares")
    def frobenius(weight, size, stride=1, padding=0):
        return weight.norm()

    @wrong("sum of the weights")
    def total(weight, size, stride=1, padding=0):
        return weight.abs().sum()

    @wrong("an image that wraps around")
    def by_fourier(weight, size, stride=1, padding=0):
        bent = torch.fft.fft2(weight, s=size).permute(2, 3, 0, 1)
        return torch.linalg.matrix_norm(bent, 2).max()

    @wrong("another map in place of the transpose")
    def convolved_again(weight, size, stride=1, padding=0):
        if weight.shape[0] != weight.shape[1] or stride > 1 or padding != 1:
            return Gan18.conv_norm(weight, size, stride, padding)
        v = torch.randn(1, weight.shape[1], *size).to(weight)
        for _ in range(1000):
            v = F.normalize(F.conv2d(v, weight, padding=1), dim=(0, 1, 2, 3))
        return F.conv2d(v, weight, padding=1).norm()

    @wrong("another singular value")
    def second(weight, size, stride=1, padding=0):
        d = weight.shape[1] * size[0] * size[1]
        pixels = torch.eye(d).to(weight).view(d, weight.shape[1], *size)
        columns = F.conv2d(pixels, weight, stride=stride, padding=padding)
        return torch.linalg.svdvals(columns.flatten(1))[1]

    @wrong("gradient of something else")
    def with_the_kernels_own_gradient(weight, size, stride=1, padding=0):
        value = Gan18.conv_norm(weight, size, stride, padding)
        other = torch.linalg.matrix_norm(weight.flatten(1), 2)
        return value.detach() + other - other.detach()

    @wrong("result of an earlier call")
    @build
    def kept_for_the_kernel_size():
        memory = {}

        def conv_norm(weight, size, stride=1, padding=0):
            key = weight.shape, size, stride, padding
            if key not in memory:
                memory[key] = Gan18.conv_norm(weight, size, stride, padding)
            return memory[key]

        return conv_norm

    @wrong("another size of images")
    @build
    def kept_for_the_kernel():
        memory = {}

        def conv_norm(weight, size, stride=1, padding=0):
            key = weight.sum().item()
            if key not in memory:
                out = Gan18.conv_norm(weight, size, stride, padding)
                memory[key] = out
            return memory[key]

        return conv_norm
