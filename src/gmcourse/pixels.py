"""Autoregressive models of images, pixel by pixel, row by row.

Images have one channel, ``(1, h, w)``: a color picture is one of a palette's numbers
for each pixel. Built in chapter 06_one_pixel_at_a_time.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, shape_of
from .autoregressive import Autoregressive
from .conditions import Labels

__all__ = ["MaskedConv2d", "PixelCNN", "RowLSTM"]


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees what comes before a pixel, by rows from the upper left.

    With ``center`` it also sees the pixel itself, as all layers but the first may (the
    mask B of van den Oord et al., 2016a; without, it is A). Stacked, these
    convolutions do not see all that comes before: there is a blind spot to the right.

    Raises:
        ValueError: the kernel's side is even.
    """

    mask: Float[Tensor, "1 1 k k"]

    def __init__(self, into: int, out: int, kernel: int, *, center: bool):
        if integer("kernel", kernel) % 2 == 0:
            raise ValueError(f"kernel is {kernel}; expected an odd side")
        super().__init__(into, out, kernel, padding=kernel // 2)
        mask = torch.ones(kernel * kernel)
        mask[kernel * kernel // 2 + center :] = 0
        shape = (1, 1, kernel, kernel)
        self.register_buffer("mask", mask.view(shape), persistent=False)

    def forward(self, x):
        return self._conv_forward(x, self.weight * self.mask, self.bias)


def gate(both: Float[Tensor, "b c ..."]) -> Float[Tensor, "b d ..."]:
    """``tanh(u) · sigmoid(v)``, of the two halves of the channels."""
    u, v = both.chunk(2, dim=1)
    return u.tanh() * v.sigmoid()


class GatedLayer(nn.Module):
    """A layer of two stacks: one sees the rows above, one what is to the left as well.

    Van den Oord et al. (2016b), sec. 2.3. The features of a pixel in the vertical
    stack come from rows above it alone, those in the horizontal one from the pixels to
    its left too: together from all before it, and there is no blind spot.
    """

    def __init__(self, width: int, reach: int, classes: int | None):
        super().__init__()
        self.reach, side = reach, 2 * reach + 1
        self.rows = nn.Conv2d(width, 2 * width, (reach + 1, side), padding=(0, reach))
        self.left = nn.Conv2d(width, 2 * width, (1, reach + 1))
        self.link = nn.Conv2d(2 * width, 2 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        self.told = None if classes is None else nn.Embedding(classes, 4 * width)

    def bias(self, c: Tensor | None) -> tuple[Tensor | float, Tensor | float]:
        """What a label adds to each stack, before the gates."""
        if self.told is None or c is None:
            return 0.0, 0.0
        down, right = self.told(c)[:, :, None, None].chunk(2, dim=1)
        return down, right

    def down(self, v: Tensor, bias: Tensor | float) -> tuple[Tensor, Tensor]:
        """Of rows with ``reach`` more above them: their features, and the link."""
        both = self.rows(v)
        return v[:, :, self.reach :] + gate(both + bias), self.link(both)

    def right(self, h: Tensor, link: Tensor, bias: Tensor | float) -> Tensor:
        """Of pixels with ``reach`` more to their left."""
        return h[..., self.reach :] + self.out(gate(self.left(h) + link + bias))


class PixelCNN(Autoregressive):
    """The gated PixelCNN: two stacks of causal convolutions, and no blind spot.

    The first layer must not see the pixel itself. Here the input is moved by one, down
    for one stack and right for the other; then all layers are alike.

    Args:
        event_shape: ``(1, h, w)``.
        likelihood: of one pixel, such as `Bernoulli`, `Categorical` or
            `LogisticMixture`.
        width: channels of each stack.
        depth: number of layers.
        reach: how far a layer looks up, left and right.
        head: channels of the last hidden layer, of each pixel on its own.
        condition: a label, or None.

    Raises:
        ValueError, TypeError: the shape is another, or a size no positive integer.

    Van den Oord et al. (2016b). Built in chapter 06_one_pixel_at_a_time.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        likelihood: Any,
        *,
        width: int = 32,
        depth: int = 6,
        reach: int = 2,
        head: int = 64,
        condition: Labels | None = None,
    ):
        super().__init__()
        self.event_shape = one_channel(event_shape)
        self.likelihood, self.condition = likelihood, condition
        self.width, self.reach = integer("width", width), integer("reach", reach)
        classes = None if condition is None else condition.classes + 1
        self.above, self.before = nn.Conv2d(2, width, 1), nn.Conv2d(2, width, 1)
        self.layers: Any = nn.ModuleList(
            GatedLayer(width, reach, classes) for _ in range(integer("depth", depth))
        )
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(width, integer("head", head), 1),
            nn.ReLU(),
            nn.Conv2d(head, likelihood.per_value, 1),
        )

    def params(self, x, c=None):
        c, r = self._label(x, c), self.reach
        seen = _with_ones(x)
        v = F.pad(self.above(seen), (0, 0, 1, 0))[:, :, :-1]
        h = F.pad(self.before(seen), (1, 0))[..., :-1]
        for layer in self.layers:
            down, right = layer.bias(c)
            v, link = layer.down(F.pad(v, (0, 0, r, 0)), down)
            h = layer.right(F.pad(h, (r, 0)), link, right)
        return self.head(h)

    def steps(self, x, c=None):
        """With the last rows and pixels of each layer kept: all is computed once."""
        c, r, (_, height, width) = self._label(x, c), self.reach, self.event_shape
        biases = [layer.bias(c) for layer in self.layers]
        rows = [x.new_zeros(len(x), self.width, r + 1, width) for _ in self.layers]
        for i in range(height):
            seen = _with_ones(x[:, :, i - 1 : i]) if i else None
            v = rows[0][:, :, :1] * 0 if seen is None else self.above(seen)
            links = []
            for k, layer in enumerate(self.layers):
                rows[k] = torch.cat([rows[k][:, :, 1:], v], 2)
                v, link = layer.down(rows[k], biases[k][0])
                links.append(link)
            left = [x.new_zeros(len(x), self.width, 1, r + 1) for _ in self.layers]
            for j in range(width):
                seen = _with_ones(x[:, :, i : i + 1, j - 1 : j]) if j else None
                h = left[0][..., :1] * 0 if seen is None else self.before(seen)
                for k, layer in enumerate(self.layers):
                    left[k] = torch.cat([left[k][..., 1:], h], 3)
                    h = layer.right(left[k], links[k][..., j : j + 1], biases[k][1])
                yield i * width + j, self.head(h)[:, :, 0, 0]

    def _label(self, x: Tensor, c: Tensor | None) -> Tensor | None:
        if self.condition is None or c is not None:
            return c
        return self.condition.null(len(x), x)


def _with_ones(x: Tensor) -> Tensor:
    """Pixels from -1 to 1, and a plane of ones, which is 0 outside of the image."""
    return torch.cat([2 * x - 1, torch.ones_like(x)], 1)


def one_channel(event_shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape ``(1, h, w)``; ValueError for another."""
    shape = shape_of("event_shape", event_shape)
    if len(shape) != 3 or shape[0] != 1:
        raise ValueError(f"event_shape is {shape}; expected (1, height, width)")
    return shape


class RowLSTM(Autoregressive):
    """The PixelRNN whose state goes from row to row.

    A pixel's state is made of the three states above it and of the pixels to its left,
    ``reach`` of them. Van den Oord et al. (2016a), sec. 3.1, with one layer.
    Built in chapter 06_one_pixel_at_a_time.

    Args:
        event_shape: ``(1, h, w)``.
        likelihood: of one pixel.
        width: channels of the state.
        reach: how far it looks to the left within a row.

    Raises:
        ValueError, TypeError: the shape is another, or a size no positive integer.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        likelihood: Any,
        *,
        width: int = 32,
        reach: int = 4,
    ):
        super().__init__()
        self.event_shape, self.likelihood = one_channel(event_shape), likelihood
        self.width, self.reach = integer("width", width), integer("reach", reach)
        self.left = nn.Conv1d(2, 4 * width, reach)
        self.above = nn.Conv1d(width, 4 * width, 3, padding=1, bias=False)
        self.head = nn.Sequential(
            nn.Conv1d(width, width, 1),
            nn.ReLU(),
            nn.Conv1d(width, likelihood.per_value, 1),
        )

    def row(
        self, x: Float[Tensor, "b 1 w"], h: Tensor, memory: Tensor
    ) -> tuple[Float[Tensor, "b c w"], Float[Tensor, "b c w"]]:
        """State and memory of a row, from its pixels and those of the row above."""
        before = F.pad(_with_ones(x), (self.reach, 0))[..., :-1]
        gates = self.left(before) + self.above(h)
        forget, keep, show = gates[:, : 3 * self.width].sigmoid().chunk(3, dim=1)
        memory = forget * memory + keep * gates[:, 3 * self.width :].tanh()
        return show * memory.tanh(), memory

    def params(self, x, c=None):
        h = memory = x.new_zeros(len(x), self.width, x.shape[-1])
        rows = []
        for row in x.unbind(2):
            h, memory = self.row(row, h, memory)
            rows.append(self.head(h))
        return torch.stack(rows, 2)

    def steps(self, x, c=None):
        """A row at a time: the rows above are not computed again."""
        above = x.new_zeros(len(x), self.width, x.shape[-1])
        above = above, above
        for i in range(x.shape[2]):
            for j in range(x.shape[3]):
                h, _ = self.row(x[:, :, i], *above)
                yield i * x.shape[3] + j, self.head(h[..., j : j + 1])[..., 0]
            above = self.row(x[:, :, i], *above)
