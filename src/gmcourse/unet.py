"""A U-Net that is told the time, and maybe a label: the net of diffusions of images."""

import itertools
import math

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, shape_of
from .denoisers import Told
from .flows import silent

__all__ = ["FiLMBlock", "UNetDenoiser"]


class FiLMBlock(nn.Module):
    """``skip(h) + f(h, told)``, where f is two 3×3 convolutions, each after a norm.

    What is told gives a factor and a summand for each channel after the second norm:
    Perez et al. (2018), eq. 2, at the place of Dhariwal & Nichol (2021), section 3. The
    last convolution is 0 at first, so that the block begins as ``skip`` alone.

    Args:
        into, out: channels. Where they differ, ``skip`` is a 1×1 convolution.
        told: number of values of what is told.
    """

    def __init__(self, into: int, out: int, told: int):
        super().__init__()
        self.skip = nn.Identity() if into == out else nn.Conv2d(into, out, 1)
        self.before = nn.GroupNorm(math.gcd(into, 8), into)
        self.first = nn.Conv2d(into, out, 3, padding=1)
        self.between = nn.GroupNorm(math.gcd(out, 8), out, affine=False)
        self.film = nn.Linear(told, 2 * out)
        self.last = nn.Conv2d(out, out, 3, padding=1)
        silent(self.last)

    def forward(
        self, h: Float[Tensor, "b i h w"], told: Float[Tensor, "b k"]
    ) -> Float[Tensor, "b o h w"]:
        factor, summand = self.film(told)[..., None, None].chunk(2, 1)
        f = self.first(F.silu(self.before(h)))
        f = self.between(f) * (1 + factor) + summand
        return self.skip(h) + self.last(F.silu(f))


class UNetDenoiser(Told):
    """A noisy image, its time and maybe a label to an image, through smaller sizes.

    Blocks on the way down, and as many on the way up, each of which sees what one of
    those saw at its size: Ronneberger et al. (2015), as Ho et al. (2020), appendix B,
    changed it, in small. Each square of ``side`` × ``side`` pixels is moved into the
    channels first, so that no convolution is as large as the image: for a CPU.

    The time is told as sine and cosine of ``k π t / 2``, ``k`` = 1 … ``frequencies``.
    The net says 0 at first.

    Args:
        event_shape: ``(channels, height, width)``.
        width: channels at the first size.
        multiples: channels at each size, in units of ``width``; each size is half of
            the one before.
        depth: blocks at each size, down and up.
        side: of the squares.
        frequencies: of the time.
        classes, encoder, times: of what the net is told, see `denoisers.Told`; it has
            ``4 * width`` values.

    Raises:
        ValueError, TypeError: a size is no positive integer, or height and width
            cannot be divided as often; or as `denoisers.Told`.

    Example:
        >>> net = UNetDenoiser((1, 28, 28), width=16, side=2)
        >>> net(torch.zeros(3, 1, 28, 28), torch.rand(3)).shape
        torch.Size([3, 1, 28, 28])
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int = 32,
        multiples: tuple[int, ...] = (1, 2),
        depth: int = 1,
        side: int = 1,
        frequencies: int = 8,
        classes: int = 0,
        encoder: nn.Module | None = None,
        times: int = 1,
    ):
        width, depth = integer("width", width), integer("depth", depth)
        super().__init__(4 * width, frequencies, classes, encoder, times)
        channels, *sides = shape_of("event_shape", event_shape)
        least = integer("side", side) * 2 ** (len(multiples) - 1)
        if len(sides) != 2 or any(s % least for s in sides):
            raise ValueError(
                f"event_shape is {tuple(event_shape)}; expected (channels, height, "
                f"width), the last two multiples of {least}"
            )
        self.side = side
        widths = [width * integer("a multiple", m) for m in multiples]
        values, told = channels * side**2, 4 * width
        self.stem = nn.Conv2d(values, width, 3, padding=1)
        self.down = nn.ModuleList(
            nn.ModuleList(FiLMBlock(w, w, told) for _ in range(depth)) for w in widths
        )
        self.middle = FiLMBlock(widths[-1], widths[-1], told)
        self.up = nn.ModuleList(
            nn.ModuleList(FiLMBlock(2 * w, w, told) for _ in range(depth))
            for w in widths
        )
        steps = list(itertools.pairwise(widths))
        self.shrink = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in steps
        )
        self.grow = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in steps)
        self.norm = nn.GroupNorm(math.gcd(width, 8), width)
        self.head = nn.Conv2d(width, values, 3, padding=1)
        silent(self.head)

    def forward(
        self,
        x: Float[Tensor, "b i h w"],
        t: Float[Tensor, "b *times"],
        c: Shaped[Tensor, "b ..."] | None = None,
    ) -> Float[Tensor, "b i h w"]:
        told, kept = self.told(t, c), []
        h = self.stem(F.pixel_unshuffle(x, self.side))
        for size, blocks in enumerate(self.down):
            h = self.shrink[size - 1](h) if size else h
            for block in blocks.children():
                h = block(h, told)
                kept.append(h)
        h = self.middle(h, told)
        for size in reversed(range(len(self.up))):
            for block in self.up[size].children():
                h = block(torch.cat([h, kept.pop()], 1), told)
            h = F.pixel_shuffle(self.grow[size - 1](h), 2) if size else h
        return F.pixel_shuffle(self.head(F.silu(self.norm(h))), self.side)
