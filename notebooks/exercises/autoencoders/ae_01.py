"""Versions of exercise ae-01."""

import torch
from torch.nn import functional as F

from .. import edits, reference, right, wrong


class Ae01:
    """A pixel that counts counts in each of the `c` channels. Where nothing counts the
    sum is 0, and divided by 1 it stays 0, with a gradient of 0; an image of which
    something counts is divided by a number that is 1 or more anyhow."""

    @reference
    def masked_error(x, x_hat, mask):
        counts = mask[:, None].expand_as(x)  # (b, c, h, w)
        total = (counts * (x - x_hat).square()).flatten(1).sum(1)
        return total / counts.flatten(1).sum(1).clamp(min=1)

    @right
    def by_loops(x, x_hat, mask):
        out = []
        for a, b, m in zip(x, x_hat, mask):
            gap = (a - b)[:, m == 1]
            out.append(gap.square().mean() if m.any() else gap.sum())
        return torch.stack(out)

    @right
    def by_einsum(x, x_hat, mask):
        diff = x - x_hat
        n = len(x[0]) * mask.sum((1, 2))
        return torch.einsum("bchw,bchw,bhw->b", diff, diff, mask) / (n + (n == 0))

    @right
    def by_mse(x, x_hat, mask):
        each = F.mse_loss(x_hat.double(), x.double(), reduction="none").mean(1)
        total, n = (each * mask).sum((1, 2)), mask.sum((1, 2))
        return total / torch.where(n > 0, n, 1.0)

    @right
    def by_weights(x, x_hat, mask):
        n = mask.flatten(1).sum(1, keepdim=True)
        weights = mask.flatten(1) / n.clamp(min=1)
        return (((x - x_hat) ** 2).mean(1).flatten(1) * weights).sum(1)

    @right
    def by_a_tiny_constant(x, x_hat, mask):
        m = mask.unsqueeze(1).repeat(1, x.shape[1], 1, 1)
        return (m * (x - x_hat) ** 2).sum((1, 2, 3)) / (m.sum((1, 2, 3)) + 1e-8)

    @wrong("cut off from the graph")
    def a_constant_where_nothing_counts(x, x_hat, mask):
        return torch.stack([
            (a - b)[:, m == 1].square().mean() if m.any() else torch.tensor(0.0)
            for a, b, m in zip(x, x_hat, mask)
        ])  # fmt: skip

    @wrong("more than the mask counted")
    def by_slices(x, x_hat, mask):
        out = []
        for gap, m in zip(x - x_hat, mask):
            rows, columns = m.nonzero().T
            box = gap[:, rows.min() : rows.max() + 1]
            out.append(box[..., columns.min() : columns.max() + 1].square().mean())
        return torch.stack(out)

    @wrong("variance of the difference")
    def by_var(x, x_hat, mask):
        gaps = [(a - b)[:, m == 1] for a, b, m in zip(x, x_hat, mask)]
        return torch.stack(
            [v.var(correction=0) if v.numel() else v.sum() for v in gaps]
        )

    @wrong("0/0 left in the gradient")
    def repaired_afterward(x, x_hat, mask):
        n = x.shape[1] * mask.sum((1, 2))
        total = (mask[:, None] * (x - x_hat) ** 2).sum((1, 2, 3))
        return torch.where(n > 0, total / n, 0.0)

    edited = edits(
        masked_error,
        """
    mask ignored | (counts * -> (
    mask inverted | counts = mask -> counts = 1 - mask
    mask inverted | counts * -> (1 - counts) *
    mask on one side only | counts * (x - x_hat) -> (counts * x - x_hat)
    mask of another image | mask[:, None] -> mask[:1, None]
    mask of another image | mask[:, None] -> mask.amax(0)
    mask with its pixels out of order | mask[:, None] -> mask[:, None].flip(3)
    mask with its pixels out of order | mask[:, None].expand_as(x)
        -> mask.flatten(1).repeat_interleave(x.shape[1], 1).view(x.shape)
    more than the mask counted | mask[:, None] -> mask[:, None].amax(3, True)
    not every channel masked and counted | (counts * -> (counts[:, :1] *
        | (x - x_hat) -> (x - x_hat)[:, :1]
    channels added before squaring
        | (x - x_hat).square() -> (x - x_hat).sum(1, True).square() / x.shape[1]
    sum in place of the mean | / counts.flatten(1).sum(1).clamp(min=1) ->
    mean over all values | counts.flatten(1).sum(1).clamp(min=1) -> x[0].numel()
    pixels counted in place of values | counts.flatten -> mask.flatten
    one divisor for all images | counts.flatten(1).sum(1) -> counts.sum()
    one divisor for all images | counts.flatten(1).sum(1) -> (counts.sum() / len(x))
    another divisor | counts.flatten(1).sum(1).clamp(min=1)
        -> (counts.flatten(1).sum(1) + 1)
    another divisor | counts.flatten(1).sum(1).clamp(min=1)
        -> (counts.flatten(1).sum(1) + 1e-3)
    another divisor | counts.flatten(1).sum(1).clamp(min=1) -> mask[0].numel()
    relative error | counts.flatten(1) -> (counts * x**2).flatten(1)
        | .clamp(min=1) ->
    signs cancel | .square() ->
    values clipped | (x - x_hat) -> (x.clamp(0, 1) - x_hat.clamp(0, 1))
    images paired with each other | (counts * (x - x_hat).square()).flatten(1).sum(1)
        -> (counts[:, None] * (x[:, None] - x_hat) ** 2).sum((1, 2, 3, 4))
    nothing counts: 0/0 | .clamp(min=1) ->
    0/0 left in the gradient | total / counts.flatten(1).sum(1).clamp(min=1)
        -> (total / counts.flatten(1).sum(1)).nan_to_num()
    number of channels assumed | counts.flatten(1).sum(1) -> (2 * mask.sum((1, 2)))
    absolute error | .square() -> .abs()
    square root taken
        | return total / counts.flatten(1).sum(1).clamp(min=1)
        -> return (total / counts.flatten(1).sum(1).clamp(min=1)).sqrt()
    not summed over the dimensions
        | square()).flatten(1).sum(1) -> square()).sum((2, 3))
        | counts.flatten(1).sum(1) -> counts.sum((2, 3))
    reduced over the batch | return total / -> return total.sum() /
        | counts.flatten(1).sum(1) -> counts.sum()
    difference of large numbers
        | (x - x_hat).square() -> (x**2 - 2 * x * x_hat + x_hat**2)
    input changed in place | (x - x_hat) -> x.sub_(x_hat)
    cut off from the graph | total / -> total.detach() /
    gradient of part of it
        | (x - x_hat).square() -> (x - x_hat) * (x - x_hat).detach()
    batch axis lost | .clamp(min=1) -> .clamp(min=1).squeeze(0)
        | return total / -> return total.squeeze(0) /
    """,
    )
