"""The style-based generator.

Noise becomes a style, ``w``, and the style decides in every layer how large each
channel is; the image grows from a constant. After Karras et al. (2020), "Analyzing and
improving the image quality of StyleGAN", in small. Built in chapter
05_wasserstein_style_and_translation.
"""

import itertools
import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import finite, integer, nonnegative, positive

__all__ = [
    "Mapping",
    "ModulatedConv",
    "PathLength",
    "ScaledLinear",
    "StyleGenerator",
    "StyledLayer",
    "ToImage",
]


def _leaky(x: Tensor) -> Tensor:
    """Leaky ReLU, of slope 0.2 below 0, times √2: it keeps the mean square near 1."""
    return math.sqrt(2) * F.leaky_relu(x, 0.2)


def _grown(x: Float[Tensor, "b c h v"]) -> Float[Tensor, "b c h2 v2"]:
    """Twice the side."""
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class ScaledLinear(nn.Module):
    """A linear layer of equalized learning rate: ``(b, into)`` to ``(b, out)``.

    The weights are kept at a standard deviation of ``1 / rate`` and multiplied by
    ``rate / √into`` when they are used: Adam, whose steps do not know how large a
    weight is, then moves all layers alike. Karras et al. (2018), sec. 4.1.

    Args:
        bias: its value at the start.
        rate: below 1 the layer learns more slowly by this factor.

    Raises:
        ValueError, TypeError: a size is not a positive integer, ``rate`` not positive.
    """

    def __init__(self, into: int, out: int, *, bias: float = 0.0, rate: float = 1.0):
        super().__init__()
        into, out = integer("into", into), integer("out", out)
        self.rate = positive("rate", rate)
        self.scale = rate / math.sqrt(into)
        self.weight = nn.Parameter(torch.randn(out, into) / rate)
        self.bias = nn.Parameter(torch.full((out,), float(bias)) / rate)

    def forward(self, x: Float[Tensor, "b into"]) -> Float[Tensor, "b out"]:
        return F.linear(x, self.scale * self.weight, self.rate * self.bias)


class Mapping(nn.Module):
    """Noise ``(b, latent)`` to a style ``w`` of shape ``(b, width)``.

    Only the direction of the noise counts: it is divided by its root mean square.
    Karras et al. (2019), who take eight layers that learn at a hundredth of the rate.

    Raises:
        ValueError, TypeError: a number is not a positive integer, or no positive rate.

    Example:
        >>> Mapping(8, 16)(torch.randn(5, 8)).shape
        torch.Size([5, 16])
    """

    def __init__(self, latent: int, width: int, layers: int = 4, rate: float = 0.01):
        super().__init__()
        width, layers = integer("width", width), integer("layers", layers)
        sizes = [integer("latent", latent)] + [width] * layers
        pairs = itertools.pairwise(sizes)
        self.layers = nn.ModuleList(ScaledLinear(*pair, rate=rate) for pair in pairs)

    def forward(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b d"]:
        w = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        for layer in self.layers:
            w = _leaky(layer(w))
        return w


class ModulatedConv(nn.Module):
    """A convolution whose weights depend on the style: ``w'_oikl = s_i w_oikl``.

    Demodulated, each example's weights ``w'`` of an output channel have length 1, so
    that the output is as large as the input whatever the style. Karras et al. (2020),
    eqs. 1 to 3. Neither needs weights for each example: ``s`` scales the channels that
    come in, and one over the length those that go out.

    Args:
        into: channels ``(b, into, h, v)`` that come in.
        out: channels ``(b, out, h, v)`` that go out.
        size: side of the kernel, odd: the image keeps its size.
        style_width: of ``w``.

    Raises:
        ValueError, TypeError: a number is not a positive integer, or ``size`` is even.
    """

    def __init__(
        self,
        into: int,
        out: int,
        size: int,
        style_width: int,
        *,
        demodulate: bool = True,
    ):
        super().__init__()
        into, out = integer("into", into), integer("out", out)
        if integer("size", size) % 2 == 0:
            raise ValueError(f"size is {size}; expected an odd number")
        self.affine = ScaledLinear(style_width, into, bias=1.0)
        self.weight = nn.Parameter(torch.randn(out, into, size, size))
        self.scale = 1 / math.sqrt(into * size**2)
        self.demodulate = demodulate

    def forward(
        self, x: Float[Tensor, "b into h v"], w: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b out h v"]:
        s, weight = self.affine(w), self.scale * self.weight
        y = F.conv2d(x * s[:, :, None, None], weight, padding=weight.shape[-1] // 2)
        if not self.demodulate:
            return y
        power = s.square() @ weight.square().sum((2, 3)).T  # (b, out)
        return y * (power + 1e-8).rsqrt()[:, :, None, None]


class StyledLayer(nn.Module):
    """One layer of the synthesis: 3×3 modulated convolution, noise, bias, leaky ReLU.

    The noise, one fresh value for each pixel and the same in all channels, is for what
    is random in an image and no matter of style; its strength is learned, from 0.

    Args:
        grow: the input's side is doubled first, bilinearly.
    """

    def __init__(self, into: int, out: int, style_width: int, *, grow: bool = False):
        super().__init__()
        self.grow, self.conv = grow, ModulatedConv(into, out, 3, style_width)
        self.strength = nn.Parameter(torch.zeros(()))
        self.bias = nn.Parameter(torch.zeros(out, 1, 1))

    def forward(
        self, x: Float[Tensor, "b into h v"], w: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b out h2 v2"]:
        y = self.conv(_grown(x) if self.grow else x, w)
        return _leaky(y + self.strength * torch.randn_like(y[:, :1]) + self.bias)


class ToImage(nn.Module):
    """Channels ``(b, into, h, v)`` to those of the image: 1×1, not demodulated."""

    def __init__(self, into: int, channels: int, style_width: int):
        super().__init__()
        self.conv = ModulatedConv(into, channels, 1, style_width, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(
        self, x: Float[Tensor, "b into h v"], w: Float[Tensor, "b d"]
    ) -> Float[Tensor, "b c h v"]:
        return self.conv(x, w) + self.bias


def _halved(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """How often the sides are halved, down to an odd one or one of at most 4; both."""
    height, width = (integer("a side of shape", side) for side in shape[1:])
    times = 0
    while min(height, width) > 4 and height % 2 == width % 2 == 0:
        height, width, times = height // 2, width // 2, times + 1
    return times, height, width


class StyleGenerator(nn.Module):
    """Noise ``(b, latent)`` to an image ``(b, *shape)`` in (0, 1), by way of a style.

    From a learned constant at the smallest side (28 is 7·2·2, and 32 is 4·2·2·2) the
    side is doubled; at each there is an image too, and the sum of them all, grown, goes
    through a sigmoid: the skip generator of Karras et al. (2020), fig. 7.

    Args:
        shape: ``(channels, height, width)``.
        width: channels at full size; twice as many at half, four times below.
        style_width: of ``w``.
        mapping_layers: of the mapping.

    Attributes:
        layers: number of styled layers, each of which may have a style of its own.
        w_mean: running mean of the styles made in train mode, ``(style_width,)``. It
            begins with the first batch's and moves by 0.005 at each.

    Raises:
        ValueError, TypeError: a size is not a positive integer; later, a style of
            another shape.

    Example:
        >>> generator = StyleGenerator(8, (1, 28, 28), width=4)
        >>> w = generator.truncate(generator.mapping(torch.randn(5, 8)), 0.7)
        >>> generator.layers, generator.synthesis(w).shape
        (5, torch.Size([5, 1, 28, 28]))
    """

    w_mean: Tensor

    def __init__(
        self,
        latent: int,
        shape: tuple[int, ...],
        width: int = 32,
        style_width: int = 64,
        mapping_layers: int = 4,
    ):
        super().__init__()
        if len(shape) != 3:
            raise ValueError(
                f"the image shape is {tuple(shape)}; expected (channels, height, width)"
            )
        times, *sides = _halved(shape)
        # One layer at the smallest side, and at each other one that grows and one more.
        left = [times, *(k for k in reversed(range(times)) for _ in range(2))]
        wide = [integer("width", width) * min(2**k, 4) for k in left]
        self.layers, self.style_width = len(wide), integer("style_width", style_width)
        self.mapping = Mapping(latent, style_width, mapping_layers)
        self.constant = nn.Parameter(torch.randn(wide[0], *sides))
        self.styled = nn.ModuleList(
            StyledLayer(into, out, style_width, grow=i % 2 == 1)
            for i, (into, out) in enumerate(zip(wide[:1] + wide, wide))
        )
        self.shown = nn.ModuleList(
            ToImage(into, shape[0], style_width) for into in wide[::2]
        )
        self.register_buffer("w_mean", torch.zeros(style_width))

    def forward(self, z: Float[Tensor, "b latent"]) -> Float[Tensor, "b c h v"]:
        w = self.mapping(z)
        if self.training:
            with torch.no_grad():
                now = w.to(self.w_mean.dtype).mean(0)  # under autocast w is bfloat16
                before = torch.where(self.w_mean.any(), self.w_mean, now)
                self.w_mean.copy_(before.lerp(now, 0.005))
        return self.synthesis(w)

    def synthesis(self, w: Float[Tensor, "b ... d"]) -> Float[Tensor, "b c h v"]:
        """The images of styles ``(b, style_width)``, or ``(b, layers, style_width)``.

        With a style for each layer, coarse ones first, those of two images may be
        mixed: Karras et al. (2019), sec. 3.1.

        Raises:
            ValueError: another shape.
        """
        if w.ndim == 2:
            w = w[:, None].expand(-1, self.layers, -1)
        due = self.layers, self.style_width
        if tuple(w.shape[1:]) != due:
            raise ValueError(
                f"w has shape {tuple(w.shape)}; expected (b, {due[1]}), or "
                f"(b, {due[0]}, {due[1]}) with a style for each layer"
            )
        x = self.constant.expand(len(w), -1, -1, -1)
        image = w.new_zeros(())
        for i, layer in enumerate(self.styled):
            x = layer(x, w[:, i])
            if i % 2 == 0:  # the last layer at its size
                below = _grown(image) if i else image
                image = below + self.shown[i // 2](x, w[:, i])
        return image.sigmoid()

    def truncate(self, w: Float[Tensor, "*b d"], psi: float) -> Float[Tensor, "*b d"]:
        """Styles moved toward their mean: ``w_mean + psi · (w - w_mean)``.

        Below 1 the images are more typical and less varied; at 0 all are one; below 0
        they are the opposites. Karras et al. (2019), appendix B.

        Raises:
            ValueError: ``psi`` is not a finite number, or ``w`` of another width.
        """
        finite("psi", psi)
        if w.shape[-1:] != (self.style_width,):
            raise ValueError(
                f"w has shape {tuple(w.shape)}; expected (..., {self.style_width})"
            )
        return torch.lerp(self.w_mean.to(w.dtype), w, psi)


class PathLength(nn.Module):
    """A regularizer of `GAN`: a step of the style should change the image by so much.

    ``E (|J_wᵀ y| - a)²``, where ``J_w`` is the Jacobian of the synthesis, by one style
    for all layers; ``y`` is standard normal noise of the image's shape, over the root
    of its height times its width; and ``a`` is the running mean of these lengths.
    Karras et al. (2020), eq. 4. It takes a second derivative, so it is asked for in one
    step of ``every``, by chance, and then counts ``every`` times.

    Args:
        weight: its factor.
        decay: of the running mean, which begins with the first mean.
        share: of the batch that it looks at.

    Attributes:
        mean: ``a``, which moves in train mode only.

    Raises:
        ValueError, TypeError: a negative weight, ``every`` no positive integer,
            ``decay`` not in [0, 1) or ``share`` not in (0, 1]; later, TypeError for a
            generator without a ``mapping`` and a ``synthesis``.
    """

    mean: Tensor

    def __init__(
        self,
        weight: float = 2.0,
        every: int = 4,
        decay: float = 0.99,
        share: float = 0.5,
    ):
        super().__init__()
        self.weight, self.every = nonnegative("weight", weight), integer("every", every)
        if not 0 <= decay < 1 or not 0 < share <= 1:
            raise ValueError(
                f"decay is {decay} and share {share}; expected 0 <= decay < 1 and "
                "0 < share <= 1"
            )
        self.decay, self.share = decay, share
        self.register_buffer("mean", torch.zeros(()))

    def forward(
        self, generator: Any, z: Float[Tensor, "b latent"]
    ) -> Float[Tensor, ""]:
        if torch.rand(()) >= 1 / self.every:
            return z.new_zeros(())
        lengths = self.lengths(generator, z[: math.ceil(self.share * len(z))])
        if self.training:
            now = lengths.detach().mean()
            before = torch.where(self.mean == 0, now, self.mean)
            self.mean.copy_(now.lerp(before, self.decay))
        return self.weight * self.every * (lengths - self.mean).square().mean()

    def lengths(
        self, generator: Any, z: Float[Tensor, "b latent"]
    ) -> Float[Tensor, " b"]:
        """``|J_wᵀ y|`` of each example, for a fresh ``y``, with a graph for weights."""
        if not hasattr(generator, "mapping") or not hasattr(generator, "synthesis"):
            raise TypeError(
                f"the generator is a {type(generator).__name__}; expected one with a "
                "mapping and a synthesis, as StyleGenerator"
            )
        with torch.enable_grad():
            w = generator.mapping(z).to(z.dtype)
            if not w.requires_grad:  # it may be z itself, which is the caller's
                w = w.detach().requires_grad_()
            x = generator.synthesis(w)
            y = torch.randn_like(x) / math.sqrt(x.shape[-2] * x.shape[-1])
            gradient = torch.autograd.grad((x * y).sum(), w, create_graph=True)[0]
        # The root of exactly 0 has no gradient.
        return gradient.square().sum(1).clamp(min=1e-12).sqrt()
