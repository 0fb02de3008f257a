"""A transformer that denoises images: the net of diffusions at scale, in small."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, shape_of
from .attention import attended
from .denoisers import Told
from .flows import silent

__all__ = ["DiTBlock", "DiTDenoiser"]


class DiTBlock(nn.Module):
    """Attention, and a small net at each position, steered by what is told.

    Each is added with a factor, and gets its normalized input with a factor and a
    summand, which are straight functions of what is told. At first they are 0, so that
    the block begins as the identity: adaLN-Zero of Peebles & Xie (2023), section 3.2.
    Built in chapter 11_steering_and_scale.

    Args:
        width: channels, of all heads together.
        heads: how many.
        told: number of values of what is told.

    Raises:
        ValueError: ``width`` is no multiple of ``heads``.
    """

    def __init__(self, width: int, heads: int, told: int):
        super().__init__()
        self.heads = integer("heads", heads)
        if integer("width", width) % heads:
            raise ValueError(f"width is {width}; expected a multiple of heads, {heads}")
        self.told = nn.Linear(told, 6 * width)
        silent(self.told)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self, h: Float[Tensor, "b n d"], told: Float[Tensor, "b k"]
    ) -> Float[Tensor, "b n d"]:
        parts = self.told(told)[:, None].chunk(6, 2)  # (b, 1, d) each
        shift, scale, gate = parts[:3]
        h = h + gate * self._attention(self.norm(h) * (1 + scale) + shift)
        shift, scale, gate = parts[3:]
        return h + gate * self.mlp(self.norm(h) * (1 + scale) + shift)

    def _attention(self, h: Float[Tensor, "b n d"]) -> Float[Tensor, "b n d"]:
        b, n, _ = h.shape
        qkv = self.qkv(h).view(b, n, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        return self.out(attended(*qkv).transpose(1, 2).flatten(2))


class DiTDenoiser(Told):
    """A noisy image, its time and maybe a condition to an image, by attention alone.

    Squares of ``side`` × ``side`` pixels are the tokens, each with a position that is
    learned. The net says 0 at first. Peebles & Xie (2023).

    Args:
        event_shape: ``(channels, height, width)``.
        width, heads: of the blocks.
        depth: how many blocks.
        side: of the squares.
        frequencies: of the time.
        classes, encoder, times: of what the net is told, see `denoisers.Told`; it has
            ``width`` values.

    Raises:
        ValueError, TypeError: a size is no positive integer, or does not fit; or as
            `denoisers.Told`.

    Example:
        >>> net = DiTDenoiser((3, 16, 16), width=32, depth=2, side=4)
        >>> net(torch.zeros(2, 3, 16, 16), torch.rand(2)).shape
        torch.Size([2, 3, 16, 16])
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        side: int = 2,
        frequencies: int = 8,
        classes: int = 0,
        encoder: nn.Module | None = None,
        times: int = 1,
    ):
        super().__init__(integer("width", width), frequencies, classes, encoder, times)
        channels, *sides = shape_of("event_shape", event_shape)
        if len(sides) != 2 or any(s % integer("side", side) for s in sides):
            raise ValueError(
                f"event_shape is {tuple(event_shape)}; expected (channels, height, "
                f"width), the last two multiples of {side}"
            )
        self.side, values = side, channels * side**2
        self.grid = (sides[0] // side, sides[1] // side)
        self.into = nn.Linear(values, width)
        position = torch.randn(self.grid[0] * self.grid[1], width)
        self.position = nn.Parameter(0.02 * position)
        self.blocks = nn.ModuleList(
            DiTBlock(width, heads, width) for _ in range(integer("depth", depth))
        )
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.last = nn.Linear(width, 2 * width)
        self.head = nn.Linear(width, values)
        silent(self.last)
        silent(self.head)

    def forward(
        self,
        x: Float[Tensor, "b i h w"],
        t: Float[Tensor, "b *times"],
        c: Shaped[Tensor, "b ..."] | None = None,
    ) -> Float[Tensor, "b i h w"]:
        told = self.told(t, c)
        squares = F.pixel_unshuffle(x, self.side).flatten(2).mT  # (b, n, values)
        h = self.into(squares) + self.position
        for block in self.blocks:
            h = block(h, told)
        scale, shift = self.last(told)[:, None].chunk(2, 2)
        y = self.head(self.norm(h) * (1 + scale) + shift)
        return F.pixel_shuffle(y.mT.unflatten(2, self.grid), self.side)
