"""Versions of exercise diff-27."""

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Diff27:
    r"""
    Rows are `(row of squares, row in the square)`, columns the same: six axes
    `(b, c, i, y, j, x)`, of which `(b, i, j, y, x, c)` is due, and the inverse is the
    permutation backward. A net can learn with any order, as its first layer is linear
    and its positions are learned; but weights that were trained with one order mean
    nothing in another.

    With $n = hw / \mathrm{side}^2$ tokens there are
    $n^2 = (hw)^2 / \mathrm{side}^4$ pairs: half the side is sixteen times the pairs
    (and four times the work of all that is done token by token). An image of
    256 × 256 pixels has 4,294,967,296 pairs pixel by pixel, and 16,777,216 with
    squares of side 4. This is why diffusions at scale run on latents of a few dozen
    pixels a side, with squares of 2.
    """

    @reference
    @build
    def reference():
        def tokens(x, side):
            b, c, h, w = x.shape
            x = x.reshape(b, c, h // side, side, w // side, side)
            return x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)

        def image(parts, side, shape):
            c, h, w = shape
            x = parts.reshape(-1, h // side, w // side, side, side, c)
            return x.permute(0, 5, 1, 3, 2, 4).reshape(-1, c, h, w)

        def pairs(shape, side):
            return ((shape[1] // side) * (shape[2] // side)) ** 2

        return tokens, image, pairs

    @right
    @build
    def by_pixel_unshuffle():
        def tokens(x, side):
            c = x.shape[1]
            squares = F.pixel_unshuffle(x, side).flatten(2).transpose(1, 2)
            return squares.unflatten(2, (c, side**2)).transpose(2, 3).flatten(2)

        def image(parts, side, shape):
            c, h, w = shape
            y = parts.unflatten(2, (side**2, c)).transpose(2, 3).flatten(2)
            grid = y.transpose(1, 2).unflatten(2, (h // side, w // side))
            return F.pixel_shuffle(grid, side)

        def pairs(shape, side):
            n = shape[1] * shape[2] // side**2
            return n * n

        return tokens, image, pairs

    @right
    @build
    def by_slices():
        def corners(h, w, side):
            return [(i, j) for i in range(0, h, side) for j in range(0, w, side)]

        def tokens(x, side):
            places = corners(*x.shape[2:], side)
            squares = [x[:, :, i : i + side, j : j + side] for i, j in places]
            return torch.stack([s.movedim(1, 3).flatten(1) for s in squares], 1)

        def image(parts, side, shape):
            made = torch.zeros(len(parts), *shape, dtype=parts.dtype)
            for (i, j), token in zip(corners(*shape[1:], side), parts.unbind(1)):
                square = token.unflatten(1, (side, side, shape[0])).movedim(3, 1)
                made[:, :, i : i + side, j : j + side] = square
            return made

        def pairs(shape, side):
            _, h, w = (int(v) for v in shape)
            return (h // side) ** 2 * (w // side) ** 2

        return tokens, image, pairs

    @right
    @build
    def by_unfold():
        def tokens(x, side):
            squares = x.unfold(2, side, side).unfold(3, side, side)
            return squares.permute(0, 2, 3, 4, 5, 1).reshape(
                len(x), -1, side * side * x.shape[1]
            )

        def image(parts, side, shape):
            c, h, w = shape
            rows = parts.unflatten(1, (h // side, w // side)).unflatten(
                3, (side, side, c)
            )
            return torch.einsum("bijyxc->bciyjx", rows).reshape(len(parts), c, h, w)

        def pairs(shape, side):
            return pow(shape[-2] // side * (shape[-1] // side), 2)

        return tokens, image, pairs

    edited = edits(
        reference,
        """
    values of a token in another order | permute(0, 2, 4, 3, 5, 1)
        -> permute(0, 2, 4, 1, 3, 5)
    values of a token in another order | permute(0, 2, 4, 3, 5, 1)
        -> permute(0, 2, 4, 5, 3, 1)
    values of a token in another order | permute(0, 2, 4, 3, 5, 1)
        -> permute(0, 2, 4, 3, 1, 5)
    values of a token in another order | -1, h // side, w // side, side, side, c)
        -> -1, h // side, w // side, c, side, side)
        | permute(0, 5, 1, 3, 2, 4) -> permute(0, 3, 1, 4, 2, 5)
    tokens in another order | permute(0, 2, 4, 3, 5, 1) -> permute(0, 4, 2, 3, 5, 1)
    tokens in another order | permute(0, 2, 4, 3, 5, 1) -> permute(0, 4, 2, 5, 3, 1)
    tokens in another order | -1, h // side, w // side, side, side, c)
        -> -1, w // side, h // side, side, side, c)
        | permute(0, 5, 1, 3, 2, 4) -> permute(0, 5, 2, 3, 1, 4)
    pixels that are no neighbors | b, c, h // side, side, w // side, side)
        -> b, c, side, h // side, side, w // side)
        | permute(0, 2, 4, 3, 5, 1) -> permute(0, 3, 5, 2, 4, 1)
    pixels that are no neighbors | permute(0, 5, 1, 3, 2, 4)
        -> permute(0, 5, 3, 1, 4, 2)
    reshaped without moving | x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
        -> x.reshape(b, -1, side * side * c)
    reshaped without moving | x.permute(0, 5, 1, 3, 2, 4).reshape
        -> x.reshape
    reshaped without moving | b, c, h, w = x.shape
        -> (b, c, h, w), x = x.shape, x.movedim(1, 3)
        | x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
        -> x.reshape(b, -1, side * side * c)
    examples mixed | x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
        -> x.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)
        .reshape(-1, b, side * side * c).transpose(0, 1)
    axes of tokens and values exchanged | .flatten(3).flatten(1, 2)
        -> .flatten(3).flatten(1, 2).mT
    height and width exchanged | permute(0, 5, 1, 3, 2, 4).reshape(-1, c, h, w)
        -> permute(0, 5, 2, 4, 1, 3).reshape(-1, c, w, h)
    batch axis lost | .flatten(3).flatten(1, 2) -> .flatten(3).flatten(1, 2).squeeze(0)
    batch axis lost | .reshape(-1, c, h, w) -> .reshape(-1, c, h, w).squeeze(0)
    cut off from the graph | x.reshape(b, c -> x.detach().reshape(b, c
    cut off from the graph | parts.reshape( -> parts.data.reshape(
    wrong dtype | x.reshape(b, c -> x.float().reshape(b, c
    wrong dtype | parts.reshape( -> parts.double().reshape(
    not to the digits asked for | x = x.reshape(b, c, h // side, side, w // side, side)
        -> x = x.float().reshape(b, c, h // side, side, w // side, side).to(x.dtype)
    not to the digits asked for | x = parts.reshape(-1, h
        -> x = parts.double().to(parts.dtype).reshape(-1, h
    tokens in place of pairs | (shape[2] // side)) ** 2 -> (shape[2] // side))
    each pair counted once | return ((shape[1] // side) * (shape[2] // side)) ** 2
        -> n = shape[1] // side * (shape[2] // side); return n * (n + 1) // 2
    each pair counted once | return ((shape[1] // side) * (shape[2] // side)) ** 2
        -> n = shape[1] // side * (shape[2] // side); return n * (n - 1) // 2
    pairs of a token with itself left out
        | return ((shape[1] // side) * (shape[2] // side)) ** 2
        -> n = shape[1] // side * (shape[2] // side); return n * (n - 1)
    pixels in place of tokens | (shape[1] // side) * (shape[2] // side)
        -> shape[1] * shape[2]
    side counted once | (shape[1] // side) * (shape[2] // side)
        -> shape[1] * shape[2] // side
    channels counted | (shape[1] // side) * (shape[2] // side)
        -> shape[0] * (shape[1] // side) * (shape[2] // side)
    channels counted | return ( -> return shape[0] * (
    float in place of an int | (shape[1] // side) * (shape[2] // side)
        -> (shape[1] / side) * (shape[2] / side)
    float in place of an int | return ((shape[1] // side) * (shape[2] // side)) ** 2
        -> return int((float(shape[1] * shape[2]) / side**2) ** 2)
    """,
    )

    @wrong("float in place of an int")
    @build
    def logarithms_of_counts():
        right = Diff27.reference()
        return (
            *right[:2],
            lambda shape, side: round((shape[1] / side * (shape[2] / side)) ** 2),
        )

    @wrong("floating point assumed")
    @build
    def by_unfold_of_floats():
        def tokens(x, side):
            squares = F.unfold(x, side, stride=side).unflatten(1, (x.shape[1], -1))
            return squares.permute(0, 3, 2, 1).flatten(2)

        return tokens, *Diff27.reference()[1:]

    @wrong("floating point assumed")
    @build
    def by_fold_of_floats():
        def image(parts, side, shape):
            columns = parts.unflatten(2, (-1, shape[0])).permute(0, 3, 2, 1)
            return F.fold(columns.flatten(1, 2), shape[1:], side, stride=side)

        tokens, _, pairs = Diff27.reference()
        return tokens, image, pairs

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        tokens, *rest = Diff27.reference()
        kept = {}

        def kept_tokens(x, side):
            key = x.shape, x.dtype, side
            if key not in kept:
                kept[key] = tokens(x, side)
            return kept[key]

        return kept_tokens, *rest
