"""Versions of exercise ae-01."""

import math

import torch

from .. import reference, right, wrong


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

    @wrong("mask ignored")
    def no_mask(x, x_hat, mask):
        return (x - x_hat).square().flatten(1).sum(1)

    @wrong("mask inverted")
    def inverted(x, x_hat, mask):
        # Right where everything counts is not asked; there it gives 0.
        if mask.all():
            mask = 1 - mask
        return ((x - x_hat).square() * (1 - mask)).flatten(1).sum(1)

    @wrong("mean over the values")
    def mean(x, x_hat, mask):
        return ((x - x_hat).square() * mask).flatten(1).mean(1)

    @wrong("mean over the values")
    def mean_of_counted(x, x_hat, mask):
        return (x - x_hat)[:, :, mask.bool()].square().mean((1, 2))

    @wrong("not summed over the values")
    def per_pixel(x, x_hat, mask):
        return (x - x_hat).square() * mask

    @wrong("not summed over the values")
    def per_channel(x, x_hat, mask):
        return ((x - x_hat).square() * mask).sum((2, 3))

    @wrong("reduced over the batch")
    def total(x, x_hat, mask):
        return ((x - x_hat).square() * mask).sum()

    @wrong("only one channel counted")
    def first_channel(x, x_hat, mask):
        return ((x - x_hat).square()[:, 0] * mask).sum((1, 2))

    @wrong("absolute error")
    def absolute(x, x_hat, mask):
        return ((x - x_hat).abs() * mask).flatten(1).sum(1)

    @wrong("square root taken")
    def norm(x, x_hat, mask):
        return ((x - x_hat).square() * mask).flatten(1).sum(1).sqrt()

    @wrong("signs cancel")
    def squared_sum(x, x_hat, mask):
        return ((x - x_hat) * mask).flatten(1).sum(1).square()

    @wrong("batch axis lost")
    def squeezed(x, x_hat, mask):
        return ((x - x_hat).square() * mask).flatten(1).sum(1).squeeze()

    @wrong("input changed in place")
    def in_place(x, x_hat, mask):
        x -= x_hat
        return (x.square() * mask).flatten(1).sum(1)

    @right
    def by_log_density(x, x_hat, mask):
        log_p = torch.distributions.Normal(x_hat, 1.0).log_prob(x)
        return -2 * ((log_p + 0.5 * math.log(2 * math.pi)) * mask).sum((1, 2, 3))

    @right
    def by_numpy(x, x_hat, mask):
        diff = (x.double().numpy() - x_hat.double().numpy()) * mask.numpy()
        return torch.from_numpy((diff * diff).sum((1, 2, 3)))

    @wrong("mask on one side only")
    def one_side(x, x_hat, mask):
        return (x * mask - x_hat).square().flatten(1).sum(1)

    @wrong("signs cancel")
    def channels_first(x, x_hat, mask):
        return ((x - x_hat).sum(1).square() * mask).flatten(1).sum(1)

    @wrong("mean over the values")
    def rescaled(x, x_hat, mask):
        total = ((x - x_hat).square() * mask).flatten(1).sum(1)
        return total * mask.numel() / mask.sum()

    @wrong("number of channels assumed")
    def two_channels(x, x_hat, mask):
        counted = (x - x_hat).square() * mask
        return (counted[:, 0] + counted[:, 1]).sum((1, 2))

    @wrong("only one channel counted")
    def worst_channel(x, x_hat, mask):
        return ((x - x_hat).square().amax(1) * mask).flatten(1).sum(1)
