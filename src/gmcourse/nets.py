"""Networks shared by the families: fully connected and convolutional, with labels.

Convolutional nets halve the side twice, so they take images ``(channels, height,
width)`` whose height and width are multiples of 4 (28 and 16 in this course), and raise
ValueError for others, and ValueError or TypeError for what is no positive integer.
"""

import itertools
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer

__all__ = [
    "ConvEncoder",
    "DCCritic",
    "DCGenerator",
    "ResidualBlock",
    "SubPixelDecoder",
    "SubPixelEncoder",
    "UNet",
    "WithLabel",
    "count_parameters",
    "mlp",
]


def mlp(*sizes: int, activation: type[nn.Module] = nn.SiLU) -> nn.Sequential:
    """Linear layers of the given sizes with ``activation`` between them.

    Raises:
        ValueError, TypeError: fewer than two sizes, or one that is not a positive
            integer.

    Example:
        >>> mlp(2, 64, 1)(torch.zeros(5, 2)).shape
        torch.Size([5, 1])
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes are {sizes}; expected two or more positive integers")
    layers: list[nn.Module] = []
    for into, out in itertools.pairwise(integer("a size", size) for size in sizes):
        layers += [nn.Linear(into, out), activation()]
    return nn.Sequential(*layers[:-1])


def count_parameters(module: nn.Module) -> int:
    """Number of trainable values."""
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


class WithLabel(nn.Module):
    """A net that also sees a label, as one-hot channels joined to its input.

    ``net`` takes ``(b, d + classes, ...)`` where the data is ``(b, d, ...)``: the
    label is repeated over the trailing axes (constant planes beside an image).
    """

    def __init__(self, net: nn.Module, classes: int):
        super().__init__()
        self.net, self.classes = net, classes

    def forward(self, x: Float[Tensor, "b d ..."], c: Int[Tensor, " b"]) -> Tensor:
        label = F.one_hot(c, self.classes).to(x.dtype)
        label = label.view(*label.shape, *[1] * (x.ndim - 2))
        return self.net(torch.cat([x, label.expand(-1, -1, *x.shape[2:])], dim=1))


class ResidualBlock(nn.Module):
    """``x + f(x)``, where f is two 3×3 convolutions, each after a normalization.

    The order of He et al. (2016); group normalization in place of batch normalization.
    """

    def __init__(self, width: int):
        super().__init__()
        groups, last = math.gcd(width, 8), nn.Conv2d(width, width, 3, padding=1)
        # The block starts as the identity, so that depth does no harm at first.
        nn.init.zeros_(last.weight)
        self.body = nn.Sequential(
            nn.GroupNorm(groups, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(groups, width),
            nn.SiLU(),
            last,
        )

    def forward(self, x: Float[Tensor, "b w h v"]) -> Float[Tensor, "b w h v"]:
        return x + self.body(x)


def _check_image(shape: tuple[int, ...]) -> tuple[int, int, int]:
    sizes = [integer("a size of the image", size) for size in shape]
    if len(sizes) != 3 or sizes[1] % 4 or sizes[2] % 4:
        raise ValueError(
            f"the image shape is {tuple(shape)}; expected (channels, height, width) "
            "with height and width multiples of 4"
        )
    return sizes[0], sizes[1], sizes[2]


class ConvEncoder(nn.Module):
    """An image ``(b, *shape)`` to a vector ``(b, out)``, through 1/2 and 1/4 size."""

    def __init__(self, shape: tuple[int, ...], out: int, width: int = 32):
        super().__init__()
        channels, height, breadth = _check_image(shape)
        wide = 2 * width
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            ResidualBlock(width),
            nn.Conv2d(width, wide, 4, stride=2, padding=1),
            ResidualBlock(wide),
            nn.Conv2d(wide, wide, 4, stride=2, padding=1),
            ResidualBlock(wide),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(wide * (height // 4) * (breadth // 4), out),
        )

    def forward(self, x: Float[Tensor, "b c h v"]) -> Float[Tensor, "b out"]:
        return self.net(x)


class SubPixelEncoder(nn.Module):
    """An image ``(b, *shape)`` to a vector ``(b, out)``: the decoder's mirror.

    Two small convolutions at 1/2 and 1/4 size, each after a step that moves every
    2×2 square of pixels into channels, and two fully connected layers.
    """

    def __init__(
        self, shape: tuple[int, ...], out: int, width: int = 32, hidden: int = 256
    ):
        super().__init__()
        channels, height, breadth = _check_image(shape)
        self.net = nn.Sequential(
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * channels, width, 3, padding=1),
            nn.SiLU(),
            nn.PixelUnshuffle(2),
            nn.Conv2d(4 * width, width, 3, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(width * (height // 4) * (breadth // 4), hidden),
            nn.SiLU(),
            nn.Linear(hidden, out),
        )

    def forward(self, x: Float[Tensor, "b c h v"]) -> Float[Tensor, "b out"]:
        return self.net(x)


class SubPixelDecoder(nn.Module):
    """A vector ``(b, latent)`` to an image ``(b, *shape)``, cheap on a CPU.

    It grows by sub-pixel convolution (Shi et al., 2016): a convolution at the
    small size gives four values for each place, and these become a 2×2 square, so that
    nothing is convolved at full size.
    """

    def __init__(
        self, latent: int, shape: tuple[int, ...], width: int = 32, hidden: int = 256
    ):
        super().__init__()
        channels, height, breadth = _check_image(shape)
        self.net = nn.Sequential(
            nn.Linear(latent, hidden),
            nn.SiLU(),
            nn.Linear(hidden, width * (height // 4) * (breadth // 4)),
            nn.Unflatten(1, (width, height // 4, breadth // 4)),
            nn.SiLU(),
            nn.Conv2d(width, 4 * width, 3, padding=1),
            nn.PixelShuffle(2),
            nn.SiLU(),
            nn.Conv2d(width, 4 * channels, 3, padding=1),
            nn.PixelShuffle(2),
        )

    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b c h v"]:
        return self.net(z)


class DCGenerator(nn.Module):
    """Noise ``(b, latent)`` to an image ``(b, *shape)`` in (0, 1).

    Strided transposed convolutions double the side twice; batch normalization and
    ReLU between them. After Radford et al. (2016), who end in a tanh for pixels in
    [-1, 1]; here it is a sigmoid.

    Args:
        width: channels at half size; twice as many at a quarter.
        normalize: with batch normalization.
    """

    def __init__(
        self,
        latent: int,
        shape: tuple[int, ...],
        width: int = 32,
        normalize: bool = True,
    ):
        super().__init__()
        channels, height, breadth = _check_image(shape)
        latent, width = integer("latent", latent), integer("width", width)
        wide, norms = 2 * width, [nn.BatchNorm2d] if normalize else []
        self.net = nn.Sequential(
            nn.Linear(latent, wide * (height // 4) * (breadth // 4)),
            nn.Unflatten(1, (wide, height // 4, breadth // 4)),
            *(norm(wide) for norm in norms),
            nn.ReLU(),
            nn.ConvTranspose2d(wide, width, 4, stride=2, padding=1),
            *(norm(width) for norm in norms),
            nn.ReLU(),
            nn.ConvTranspose2d(width, channels, 4, stride=2, padding=1),
            nn.Sigmoid(),
        )

    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b c h v"]:
        return self.net(z)


class DCCritic(nn.Module):
    """An image in [0, 1], ``(b, *shape)``, to ``out`` numbers ``(b, out)``.

    Strided convolutions halve the side twice, with leaky ReLU after each. Radford et
    al. (2016) normalize the second one by the batch; a critic with a penalty of slopes
    must not.

    Args:
        out: 1 is the critic's value. None leaves the last layer out: the features,
            ``(b, features)``, for ``gan.Projection``.
        width: channels at half size; twice as many at a quarter.
        normalize: with batch normalization.
        slope: of the leaky ReLU below 0; at 0 it is ReLU.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        out: int | None = 1,
        width: int = 32,
        normalize: bool = False,
        slope: float = 0.2,
    ):
        super().__init__()
        channels, height, breadth = _check_image(shape)
        wide = 2 * integer("width", width)
        out = None if out is None else integer("out", out)
        self.features = wide * (height // 4) * (breadth // 4)
        self.net = nn.Sequential(
            nn.Conv2d(channels, width, 4, stride=2, padding=1),
            nn.LeakyReLU(slope),
            nn.Conv2d(width, wide, 4, stride=2, padding=1),
            *([nn.BatchNorm2d(wide)] if normalize else []),
            nn.LeakyReLU(slope),
            nn.Flatten(),
            *([] if out is None else [nn.Linear(self.features, out)]),
        )

    def forward(self, x: Float[Tensor, "b c h v"]) -> Float[Tensor, "b out"]:
        return self.net(2 * x - 1)


class UNet(nn.Module):
    """An image ``(b, into, h, w)`` to one of ``(b, out, h, w)``, at three sizes.

    Residual blocks on the way down to 1/4 size and on the way up, where each size is
    joined to what it was on the way down. Ronneberger et al. (2015), in small.
    """

    def __init__(self, into: int, out: int, width: int = 32):
        super().__init__()
        into, out = integer("into", into), integer("out", out)
        width = integer("width", width)
        wide, groups = 2 * width, math.gcd(width, 8)
        self.stem = nn.Conv2d(into, width, 3, padding=1)
        self.down = nn.ModuleList([ResidualBlock(width), ResidualBlock(wide)])
        self.shrink = nn.ModuleList(
            nn.Conv2d(a, wide, 4, stride=2, padding=1) for a in (width, wide)
        )
        self.middle = nn.Sequential(ResidualBlock(wide), ResidualBlock(wide))
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(wide, a, 4, stride=2, padding=1) for a in (width, wide)
        )
        self.up = nn.ModuleList([ResidualBlock(width), ResidualBlock(wide)])
        self.head = nn.Sequential(
            nn.GroupNorm(groups, width), nn.SiLU(), nn.Conv2d(width, out, 3, padding=1)
        )

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        h, kept = self.stem(x), []
        for block, shrink in zip(self.down, self.shrink):
            h = block(h)
            kept.append(h)
            h = shrink(h)
        h = self.middle(h)
        for size in (1, 0):
            h = self.up[size](self.grow[size](h) + kept[size])
        return self.head(h)
