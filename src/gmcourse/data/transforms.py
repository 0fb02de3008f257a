"""From pixels 0..255 to what a model expects: transforms for `Batches`.

Each takes a uint8 tensor and gives a float32 one, on the same device; of the same shape
where nothing else is said. Sound is real numbers from -1 to 1: `mu_law` makes tokens.
"""

import math

import torch
from jaxtyping import Float, Float32, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

from .._arguments import integer
from ..conditions import within_levels


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


def small_digits(x: UInt8[Tensor, "b c h w"]) -> Float32[Tensor, "b c i j"]:
    """Half the size, a frame of one pixel, and 0 or 1: 28×28 to 16×16.

    The mean of 2×2 pixels is 1 from one half on. The same each time.
    """
    halved = F.avg_pool2d(to_unit(x), 2)
    return F.pad(halved, (1, 1, 1, 1)).ge(0.5).float()


class Palette:
    """A set's most frequent colors: pictures as one number a pixel, and back.

    What is none of them becomes the nearest one, by the distance of RGB values. Chen et
    al. (2020) cluster colors for the same end.

    Args:
        x: pictures, ``(n, 3, h, w)``.
        colors: how many; equally frequent ones by their RGB values.

    Raises:
        ValueError: there are fewer colors in ``x``.

    Example:
        >>> x = torch.tensor([[0, 0, 0], [9, 0, 0], [0, 0, 0]], dtype=torch.uint8)
        >>> palette = Palette(x.T[None, :, None], 2)
        >>> palette.encode(x.T[None, :, None])
        tensor([[[[0, 1, 0]]]])
    """

    def __init__(self, x: UInt8[Tensor, "n 3 h w"], colors: int):
        rgb = _pixels(x).movedim(1, -1).reshape(-1, 3).long()
        code, count = (rgb @ torch.tensor([65536, 256, 1])).unique(return_counts=True)
        if integer("colors", colors) > len(code):
            raise ValueError(f"colors is {colors}; the pictures have {len(code)}")
        top = code[count.argsort(descending=True, stable=True)[:colors]]
        parts = [top // 65536, top // 256 % 256, top % 256]
        self.colors = torch.stack(parts, 1).to(torch.uint8)  # (colors, 3)

    def encode(self, x: UInt8[Tensor, "b 3 h w"]) -> Int64[Tensor, "b 1 h w"]:
        """The number of each pixel's color."""
        rgb = _pixels(x).movedim(1, -1).float()  # (b, h, w, 3)
        near = torch.cdist(rgb.flatten(1, 2), self.colors.to(x.device).float())
        return near.argmin(-1).view(len(x), 1, *x.shape[2:])

    def decode(self, tokens: Int64[Tensor, "b 1 h w"]) -> Float32[Tensor, "b 3 h w"]:
        """Pictures in [0, 1]."""
        return to_unit(self.colors.to(tokens.device)[tokens[:, 0]].movedim(-1, 1))


def mu_law(x: Float[Tensor, "*shape"], levels: int = 256) -> Int64[Tensor, "*shape"]:
    """Sound in [-1, 1] to tokens below ``levels``, finer where it is quiet.

    With ``μ = levels - 1`` a sample goes to ``sign(x) ln(1 + μ|x|) / ln(1 + μ)``, from
    -1 to 1 as well, and there to one of ``levels`` bins of equal width. ITU-T G.711;
    van den Oord et al. (2016), WaveNet, sec. 2.2. Built in chapter 07_sequences.

    Raises:
        ValueError: a value lies outside of [-1, 1], which on a GPU is not looked at,
            or ``levels`` is below 2.

    >>> mu_law(torch.tensor([-1.0, -0.01, 0.0, 0.01, 1.0]))
    tensor([  0,  98, 128, 157, 255])
    """
    levels = integer("levels", levels, 2)
    if x.device.type == "cpu" and x.numel():
        low, high = torch.stack(x.detach().aminmax()).tolist()
        if not (low >= -1 and high <= 1):
            raise ValueError(
                f"x holds values from {low:.9g} to {high:.9g}; expected -1 to 1: "
                "divide by the largest magnitude"
            )
    loud = x.sign() * (x.abs() * (levels - 1)).log1p() / math.log(levels)
    return ((loud + 1) / 2 * levels).floor().long().clamp(0, levels - 1)


def mu_law_inverse(
    tokens: Int64[Tensor, "*shape"], levels: int = 256
) -> Float32[Tensor, "*shape"]:
    """Tokens of `mu_law` to sound: the center of each bin, on the scale of the bins.

    Of an even number of levels none is silence itself: the quietest two are as far
    above it as below. Built in chapter 07_sequences.

    Raises:
        ValueError: a token is not below ``levels``, which on a GPU is not looked at,
            or ``levels`` is below 2.

    >>> mu_law(mu_law_inverse(torch.tensor([0, 127, 255])))
    tensor([  0, 127, 255])
    """
    within_levels("tokens", tokens, integer("levels", levels, 2))
    loud = (2 * tokens.float() + 1) / levels - 1
    return loud.sign() * (loud.abs() * math.log(levels)).expm1() / (levels - 1)
