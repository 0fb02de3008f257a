"""Autoregressive models of images, pixel by pixel, row by row.

Images have one channel, ``(1, h, w)``: a color picture is one of a palette's numbers
for each pixel. Built in chapter 06_one_pixel_at_a_time.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, shape_of
from .autoregressive import Autoregressive
from .conditions import Labels
from .likelihoods import to_levels

__all__ = ["MaskedConv2d", "PixelCNN", "RowCNN", "RowLSTM", "RowNet"]


class MaskedConv2d(nn.Conv2d):
    """A convolution that sees what comes before a pixel, by rows from the upper left.

    The kernel covers ``rows`` rows, the last of which is the pixel's own, and
    ``columns`` columns, the pixel's own in the middle. With ``center`` it also sees the
    pixel itself, as all layers but the first may (the mask B of van den Oord et al.,
    2016a; without, it is A). Stacked, these convolutions do not see all that comes
    before: there is a blind spot to the right.

    Raises:
        ValueError: the number of columns is even.
    """

    mask: Float[Tensor, "1 1 rows columns"]

    def __init__(self, into: int, out: int, rows: int, columns: int, *, center: bool):
        if integer("columns", columns) % 2 == 0:
            raise ValueError(f"columns is {columns}; expected an odd number")
        super().__init__(into, out, (integer("rows", rows), columns))
        side = columns // 2
        self.reach = (side, side, rows - 1, 0)
        mask = torch.ones(1, 1, rows, columns)
        mask[:, :, -1, side + center :] = 0
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        return F.conv2d(F.pad(x, self.reach), self.weight * self.mask, self.bias)


def at_one_place(layer: nn.Conv2d) -> Callable[[Tensor], Tensor]:
    """The layer where its kernel fits just once: ``(b, c, *kernel)`` to ``(b, d)``.

    The same sums as a product with a matrix, which is many times faster. A kernel of
    one pixel takes ``(b, c)`` as well.
    """
    weight = layer.weight
    if isinstance(layer, MaskedConv2d):
        weight = weight * layer.mask
    weight = weight.flatten(1)
    return lambda window: F.linear(window.flatten(1), weight, layer.bias)


def gate(both: Float[Tensor, "b c ..."]) -> Float[Tensor, "b d ..."]:
    """``tanh(u) · sigmoid(v)``, of the two halves of the channels."""
    u, v = both.chunk(2, dim=1)
    return u.tanh() * v.sigmoid()


def _plus(x: Tensor, bias: Tensor | None) -> Tensor:
    """To add zeros would take time."""
    return x if bias is None else x + bias


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

    def bias(self, c: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """What a label adds to each stack, before the gates."""
        if self.told is None or c is None:
            return None, None
        both = self.told(c)[:, :, None, None]
        half = both.shape[1] // 2
        return both[:, :half], both[:, half:]

    def down(self, v: Tensor, bias: Tensor | None) -> tuple[Tensor, Tensor]:
        """Of rows with ``reach`` more above them: their features, and the link."""
        both = self.rows(v)
        return v[:, :, self.reach :] + gate(_plus(both, bias)), self.link(both)

    def right(self, h: Tensor, link: Tensor, bias: Tensor | None) -> Tensor:
        """Of pixels with ``reach`` more to their left."""
        both = _plus(self.left(h) + link, bias)
        return h[..., self.reach :] + self.out(gate(both))


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
        self.head: Any = nn.Sequential(
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
        pairs = [(at_one_place(k.left), at_one_place(k.out)) for k in self.layers]
        _, first, _, last = self.head
        before, first, last = map(at_one_place, (self.before, first, last))
        rows = [x.new_zeros(len(x), self.width, r + 1, width) for _ in self.layers]
        for i in range(height):
            seen = _with_ones(x[:, :, i - 1 : i]) if i else None
            v = rows[0][:, :, :1] * 0 if seen is None else self.above(seen)
            links = []
            for k, layer in enumerate(self.layers):
                rows[k] = torch.cat([rows[k][:, :, 1:], v], 2)
                v, link = layer.down(rows[k], biases[k][0])
                links.append(_plus(link, biases[k][1])[:, :, 0])
            kept = [x.new_zeros(len(x), self.width, r + 1) for _ in self.layers]
            for j in range(width):
                h = before(_with_ones(x[:, :, i, j - 1])) if j else kept[0][..., 0]
                for k, (left, out) in enumerate(pairs):
                    kept[k] = torch.cat([kept[k][..., 1:], h[..., None]], 2)
                    h = h + out(gate(left(kept[k]) + links[k][..., j]))
                yield i * width + j, last(first(h.relu()).relu())

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


class RowNet(nn.Module):
    """Of each row, what the rows above say, with a row as one vector.

    Causal convolutions run down the rows, ``(b, c, h, w)`` to ``(b, out, h, w)``.
    Unlike a convolution over pixels it treats no two columns alike.
    """

    def __init__(self, channels: int, width: int, out: int, hidden: int):
        super().__init__()
        self.first, self.gaps, self.width = 4, (1, 1, 2, 4), width
        self.start = nn.Linear(self.first * width * channels, hidden)
        self.layers = nn.ModuleList(nn.Linear(2 * hidden, hidden) for _ in self.gaps)
        self.end = nn.Linear(hidden, width * out)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b out h w"]:
        rows = x.permute(0, 2, 3, 1).flatten(2)  # (b, h, w c)
        above = [_down(rows, k + 1) for k in range(self.first)]
        r = self.start(torch.cat(above, -1))
        for layer, gap in zip(self.layers, self.gaps):
            a = r.relu()
            r = r + layer(torch.cat([a, _down(a, gap)], -1))
        return self.end(r.relu()).unflatten(2, (self.width, -1)).permute(0, 3, 1, 2)


def _down(rows: Float[Tensor, "b h d"], k: int) -> Float[Tensor, "b h d"]:
    """Each row where the one ``k`` below it was; zeros above."""
    return F.pad(rows, (0, 0, k, 0))[:, : rows.shape[1]]


def level_vectors(levels: int, width: int) -> nn.Embedding:
    """A learned vector for each level; its first number is at first the value.

    From -1 to 1, and the others are small.

    Raises:
        ValueError, TypeError: ``levels`` is no integer of 2 or more.
    """
    vectors = 0.1 * torch.randn(integer("levels", levels, 2), width)
    vectors[:, 0] = torch.linspace(-1, 1, levels)
    return nn.Embedding.from_pretrained(vectors, freeze=False)


class RowCNN(Autoregressive):
    """Masked convolutions, told of the rows above by a `RowNet`.

    The rows cover the blind spot, and cost less than a stack of convolutions over
    pixels. For pictures whose columns differ, as those of centered digits do.
    Built in chapter 06_one_pixel_at_a_time.

    Args:
        event_shape: ``(1, h, w)``.
        likelihood: of one pixel.
        width: channels of the convolutions.
        depth: number of them after the first.
        hidden: channels of a row.
        context: channels that each pixel is told of the rows.
        embedding: numbers of a learned vector for each level that a pixel can have,
            which then stands for the pixel; by default it is its value, from -1 to 1.
        levels: how many there are; by default as many as the likelihood has.

    Raises:
        ValueError, TypeError: the shape is another, a size no positive integer, or
            there are no levels to embed.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        likelihood: Any,
        *,
        width: int = 32,
        depth: int = 6,
        hidden: int = 256,
        context: int = 8,
        embedding: int | None = None,
        levels: int | None = None,
    ):
        super().__init__()
        self.event_shape, self.likelihood = one_channel(event_shape), likelihood
        width, context = integer("width", width), integer("context", context)
        columns, channels, self.values = self.event_shape[2], 1, None
        if embedding is not None:
            channels = integer("embedding", embedding)
            levels = levels or getattr(likelihood, "levels", None)
            if levels is None:
                raise ValueError("embedding: the likelihood has no levels to embed")
            self.values = level_vectors(levels, channels)
        self.rows = RowNet(channels, columns, context, integer("hidden", hidden))
        self.mix = nn.Conv2d(context, width, 1)
        self.start = MaskedConv2d(channels, width, 4, 7, center=False)
        self.layers: Any = nn.ModuleList(
            MaskedConv2d(width, width, 2, 3, center=True)
            for _ in range(integer("depth", depth))
        )
        self.head = nn.Conv2d(width, likelihood.per_value, 1)

    def seen(self, x: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b c h w"]:
        """What stands for the pixels: their values from -1 to 1, or vectors."""
        if self.values is None:
            return 2 * x - 1
        levels = to_levels(x[:, 0], self.values.num_embeddings)
        return self.values(levels).movedim(-1, 1)

    def params(self, x, c=None):
        seen = self.seen(x)
        h = self.start(seen) + self.mix(self.rows(seen))
        for layer in self.layers:
            h = h + layer(h.relu())
        return self.head(h.relu())

    def steps(self, x, c=None):
        """With what each layer has seen kept; the rows above once for each row."""
        _, height, width = self.event_shape
        side, _, top, _ = self.start.reach
        start, head = at_one_place(self.start), at_one_place(self.head)
        layers = [at_one_place(layer) for layer in self.layers]
        seen = F.pad(self.seen(x) * 0, self.start.reach)  # as the first layer sees it
        kept = [
            x.new_zeros(len(x), layer.in_channels, height + 1, width + 2)
            for layer in self.layers
        ]
        for i in range(height):
            own = slice(i, i + top + 1)  # the row and those that its layers see
            above = self.rows(seen[:, :, top : own.stop, side:-side])[:, :, -1:]
            above = self.mix(above)[:, :, 0]
            for j in range(width):
                h = start(seen[:, :, own, j : j + 2 * side + 1]) + above[..., j]
                for layer, before in zip(layers, kept):
                    before[:, :, i + 1, j + 1] = h.relu()
                    h = h + layer(before[:, :, i : i + 2, j : j + 3])
                yield i * width + j, head(h.relu())
                drawn = self.seen(x[:, :, i : i + 1, j : j + 1])
                seen[:, :, i + top, j + side] = drawn[..., 0, 0]
