"""A flow of 8-bit images from fine to coarse: a part of the pixels at a time.

Each pixel is moved once, as the levels of coarser ones say, and what is moved is done.
Built in chapter 08_normalizing_flows.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ._arguments import integer, shape_of
from .autoregressive_flows import Conditionals
from .dequantization import level
from .flows import Bijection, Coupling, Flow, Permute, silent
from .glow import AtHalfSize, OnHalf, Probit
from .likelihoods import to_levels
from .monotone import Monotone, RationalQuadratic
from .pixels import RowCNN, level_vectors

__all__ = ["GridNet", "multiscale_flow"]


class GridNet(nn.Module):
    """Convolutions of an image of levels, and between them sums over all places.

    A convolution sees neighbors, and treats all places alike. After each of them a
    matrix, the same for all channels, takes sums over the places of the image, as the
    "token mixing" of Tolstikhin et al. (2021) does: for pictures whose places differ,
    as those of centered digits do. The last layer puts out 0 at first.

    Args:
        into: channels that it sees, of values from 0 to 1.
        out: channels that it puts out.
        sides: height and width of the image.
        width: of the hidden layers.
        depth: how many of them after the first.
        embedding: numbers of a learned vector for each level of a pixel.
        levels: how many there are.

    Raises:
        ValueError, TypeError: a size is no positive integer.
    """

    def __init__(
        self,
        into: int,
        out: int,
        sides: tuple[int, int],
        *,
        width: int = 48,
        depth: int = 3,
        embedding: int = 8,
        levels: int = 256,
    ):
        super().__init__()
        places, depth = math.prod(shape_of("sides", sides)), integer("depth", depth)
        self.values = level_vectors(levels, embedding)
        self.first = nn.Conv2d(into * embedding, width, 3, padding=1)
        self.place = nn.Parameter(torch.zeros(integer("width", width), *sides))
        self.near = nn.ModuleList(
            nn.Conv2d(width, width, 3, padding=1) for _ in range(depth)
        )
        self.far = nn.ModuleList(nn.Linear(places, places) for _ in range(depth))
        self.last = nn.Conv2d(width, out, 1)
        silent(self.last)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h w"]:
        seen = self.values(to_levels(x, self.values.num_embeddings))  # (b, i, h, w, e)
        seen = seen.permute(0, 2, 3, 1, 4).flatten(3)  # channels lie together
        h = self.first(seen.permute(0, 3, 1, 2)) + self.place
        for near, far in zip(self.near, self.far):
            h = h + near(h.relu())
            at = h.relu().permute(0, 2, 3, 1).flatten(1, 2)  # (b, places, width)
            at = far.weight @ at + far.bias[:, None]
            h = h + at.unflatten(1, h.shape[2:]).permute(0, 3, 1, 2)
        return self.last(h.relu())


def multiscale_flow(
    event_shape: tuple[int, ...],
    transform: Monotone | None = None,
    *,
    sizes: int = 2,
    width: int = 48,
    depth: int = 3,
    hidden: int = 128,
) -> Flow:
    """A flow of gray images with values between 0 and 1, from fine to coarse.

    Of each square of 2×2 pixels the upper right and the lower left one are moved as
    the other two say, and are done; then the upper left one, as the lower right one
    says. The lower right ones are an image of half the size, and so on. The smallest
    image goes pixel by pixel. Each pixel is moved once, within 0 to 1, and at the end
    each is made normal on its own: ``z`` has its place. The nets see levels, not the
    noise within them, see `gmcourse.dequantization.level`, so that the probability of
    a cell is that of its two ends: ``prod_i F_i((x_i + 1) / 256) - F_i(x_i / 256)``.

    The parts that are done early are those of Dinh et al. (2017), sec. 3.6; that
    coarse pixels go before fine ones is as in Reed et al. (2017).

    Args:
        event_shape: ``(1, height, width)``.
        transform: of the pixels, from 0 to 1; `RationalQuadratic` by default.
        sizes: how often the side is halved.
        width: of the nets at half the size; below that half as much again.
        depth: of the nets.
        hidden: channels of a row of the smallest image.

    Raises:
        ValueError, TypeError: a size is no positive integer, a side can't be halved
            that often, there are several channels, or the transform goes beyond 0 to 1.
    """
    channels, *sides = shape = shape_of("event_shape", event_shape)
    if (
        channels != 1
        or len(sides) != 2
        or any(s % 2 ** integer("sizes", sizes) for s in sides)
    ):
        raise ValueError(
            f"event_shape is {shape}; expected (1, height, width) whose sides are "
            f"multiples of {2**sizes}, to be halved {sizes} times"
        )
    spline = transform or RationalQuadratic(16, None, least=1e-5)
    if not spline.unit:
        raise ValueError(
            "the transform goes beyond 0 to 1; expected RationalQuadratic(…, None) or "
            "PiecewiseLinear"
        )

    def coupling(channels: int, sides: tuple[int, int], width: int) -> Bijection:
        out = spline.per_value * channels
        net = GridNet(channels, out, sides, width=width, depth=depth)
        return Coupling(net, spline, flip=True, seen=level)

    def part(sides: tuple[int, int], left: int, width: int) -> Bijection:
        if left == 0:
            how = {"embedding": 8, "levels": 256, "depth": depth, "hidden": hidden}
            return Conditionals(RowCNN((1, *sides), spline, **how), spline, level)
        half = sides[0] // 2, sides[1] // 2
        coarser = part(half, left - 1, width * 3 // 2)
        return AtHalfSize(
            Permute([1, 2, 0, 3]),  # of each square: two corners, and the other two
            coupling(2, half, width),
            OnHalf(coupling(1, half, width), OnHalf(coarser)),
            Permute([2, 0, 1, 3]),
        )

    map_of = part((sides[0], sides[1]), integer("sizes", sizes), width)
    return Flow(map_of, Probit(), event_shape=shape)
