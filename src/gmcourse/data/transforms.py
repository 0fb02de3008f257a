"""From pixels 0..255 to what a model expects: transforms for `Batches`.

Each takes a uint8 tensor of any shape and gives a float32 one of the same shape, on
the same device.
"""

import torch
from jaxtyping import Float32, UInt8
from torch import Tensor


def to_unit(x: UInt8[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Pixels 0..255 to [0, 1]: x / 255.

    >>> to_unit(torch.tensor([0, 51, 255], dtype=torch.uint8))
    tensor([0.0000, 0.2000, 1.0000])
    """
    return _pixels(x).float().div_(255)


def to_symmetric(x: UInt8[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Pixels 0..255 to [-1, 1]: x / 127.5 - 1.

    >>> to_symmetric(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([-1.,  1.])
    """
    return _pixels(x).float().div_(127.5).sub_(1)


def binarize(x: UInt8[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Dynamic binarization: each pixel is a fresh Bernoulli(x / 255) draw, 0 or 1.

    Burda, Grosse and Salakhutdinov 2016 (arXiv:1509.00519). Likelihoods in nats are
    kinder here than on the fixed binarization of Larochelle: say which one was used.
    Draws from the global random stream of x's device.

    >>> binarize(torch.tensor([0, 255], dtype=torch.uint8))
    tensor([0., 1.])
    """
    mean = to_unit(x)
    # Several times faster on a CPU than torch.bernoulli, and the same law: uniform
    # draws lie in [0, 1), so 0 never comes on and 255 always does.
    return torch.rand_like(mean).lt_(mean)


def dequantize(x: UInt8[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
    """Uniform dequantization: (x + u) / 256 with u ~ U(0, 1), strictly inside (0, 1).

    Theis, van den Oord and Bethge 2016 (arXiv:1511.01844, section 3.1). For D pixels
    and a density p on [0, 1]^D, Jensen's inequality gives for the discrete model
    P(x) = integral of p over the cell of x

        log P(x) >= E_u[log p((x + u) / 256)] - D log 256   (nats),

    where the log-det of the scaling is -D log 256. In bits per dimension:
    -E[log p] / (D log 2) + 8 is an upper bound of -log2 P(x) / D; so says
    `gmcourse.metrics.bits_per_dim(nats, shape, levels=256)`.

    u lies on the midpoints of 2^15 equal parts of (0, 1). With a plain float32 draw
    the sum 255 + u rounds up to 256 about once in 100,000 pixels, that is into the
    next cell and onto the border, where a logit is infinite; here every sum is exact.
    Draws from the global random stream of x's device.

    >>> x = torch.tensor([0, 7, 255], dtype=torch.uint8)
    >>> (dequantize(x) * 256).floor()
    tensor([  0.,   7., 255.])
    """
    pixels = _pixels(x).float()
    u = torch.rand_like(pixels).mul_(2**15).floor_().add_(0.5).div_(2**15)
    return pixels.add_(u).div_(256)


def _pixels(x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or x.dtype != torch.uint8:
        given = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(
            f"expected pixels as a uint8 tensor with values 0..255; got {given}. "
            "Has the transform been applied already?"
        )
    return x
