"""Versions of exercise ae-01."""

import torch

from .. import edits, reference, right, sums, wrong


class Ae01:
    @reference
    def masked_error(x, x_hat, mask):
        counted = mask * (x - x_hat).square()
        return counted.flatten(1).sum(1)

    @right
    def by_loops(x, x_hat, mask):
        out = torch.zeros(len(x))
        for i in range(len(x)):
            for c in range(x.shape[1]):
                out[i] = out[i] + ((x[i, c] - x_hat[i, c]) ** 2)[mask == 1].sum()
        return out

    @right
    def by_einsum(x, x_hat, mask):
        diff = x - x_hat
        return torch.einsum("bchw,bchw,hw->b", diff, diff, mask)

    @right
    def by_selection(x, x_hat, mask):
        return (x - x_hat)[:, :, mask.bool()].pow(2).sum((1, 2))

    @right
    def by_norm(x, x_hat, mask):
        return ((x - x_hat) * mask).flatten(1).norm(dim=1) ** 2

    @wrong("a rectangle around the mask")
    def by_slices(x, x_hat, mask):
        rows, columns = mask.nonzero().T
        gap = (x - x_hat)[:, :, rows.min() : rows.max() + 1]
        gap = gap[..., columns.min() : columns.max() + 1]
        return gap.square().sum((1, 2, 3))

    @right
    def by_numpy(x, x_hat, mask):
        diff = (x.double().numpy() - x_hat.double().numpy()) * mask.numpy()
        return torch.from_numpy((diff * diff).sum((1, 2, 3)))

    standard = sums(
        lambda x, x_hat, mask: (x - x_hat) ** 2 * mask,
        without=("bits in place of nats", "cut off from the graph"),
    )

    edited = edits(
        masked_error,
        """
    mask ignored | mask * ->
    mask inverted | mask * -> (1 - mask) *
    mask on one side only | (x - x_hat) -> (x * mask - x_hat) | mask * ->
    mask on one side only | (x - x_hat) -> (x - x_hat * mask) | mask * ->
    scaled by what the mask counts | sum(1) -> sum(1) / mask.sum()
    scaled by what the mask counts | sum(1) -> sum(1) / mask.sum() / x.shape[1]
    scaled by what the mask counts | sum(1) -> sum(1) * mask.numel() / mask.sum()
    not summed over the dimensions | flatten(1).sum(1) -> sum((2, 3))
    only one channel counted | counted.flatten(1) -> counted[:, 0].flatten(1)
    only one channel counted | counted.flatten(1) -> counted.amax(1).flatten(1)
    number of channels assumed | counted.flatten(1) -> counted[:, :2].flatten(1)
    absolute error | .square() -> .abs()
    square root taken | sum(1) -> sum(1).sqrt()
    signs cancel | .square() -> | sum(1) -> sum(1).square()
    signs cancel | .square() -> .sum(1, keepdim=True).square()
    difference of large numbers
        | (x - x_hat).square() -> (x**2 - 2 * x * x_hat + x_hat**2)
    input changed in place | (x - x_hat) -> x.sub_(x_hat)
    """,
    )
