"""Versions of exercise vae-10."""

import math

import torch
from torch.distributions import (
    Normal,
)
from torch.nn import functional as F

from .. import reference, right, wrong


class Vae10:
    r"""
    The best $\sigma^2$ is the mean squared error over batch and values. Then the
    quadratic term is $d/2$, whatever the error, and
    $\tfrac d2(\log(2\pi\,\mathrm{MSE}) + 1)$ is left. Its gradient with respect to
    $\hat x$ is that of the squared error divided by $2\sigma_*^2$: the better the
    reconstructions get, the more each further improvement counts.
    """

    @reference
    def calibrated_loss(x, x_hat, kl):
        d = x[0].numel()
        var = (x - x_hat).square().mean()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl.mean()

    @right
    def with_sigma_detached(x, x_hat, kl):
        std = (x - x_hat).square().mean().sqrt().detach()
        fit = Normal(x_hat, std).log_prob(x).flatten(1).sum(1)
        return (kl - fit).mean()

    @right
    def with_sigma_kept(x, x_hat, kl):
        std = (x - x_hat).square().mean().sqrt()
        fit = Normal(x_hat, std).log_prob(x).flatten(1).sum(1)
        return (kl - fit).mean()

    @right
    def by_f_mse_loss(x, x_hat, kl):
        error = F.mse_loss(x_hat, x)
        return x[0].numel() / 2 * torch.log(2 * math.pi * math.e * error) + kl.mean()

    @right
    def by_loops(x, x_hat, kl):
        b, total = len(x), 0.0
        for i in range(b):
            total = total + ((x[i] - x_hat[i]) ** 2).sum()
        d = x[0].numel()
        log_std = 0.5 * torch.log(total / (b * d))
        rates = sum(kl[i] for i in range(b)) / b
        return d * log_std + 0.5 * d * math.log(2 * math.pi) + 0.5 * d + rates

    @right
    def by_norm(x, x_hat, kl):
        n, b = x.numel(), len(x)
        std = torch.linalg.vector_norm(x - x_hat) / n**0.5
        return n / b * (std.log() + 0.5 + 0.5 * math.log(2 * math.pi)) + kl.sum() / b

    @wrong("no scalar")
    def per_example(x, x_hat, kl):
        d = x[0].numel()
        var = (x - x_hat).square().mean()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl

    @wrong("one width for each example")
    def each_example(x, x_hat, kl):
        d = x[0].numel()
        var = (x - x_hat).square().flatten(1).mean(1)
        return (0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl).mean()

    @wrong("one width for each pixel")
    def each_pixel(x, x_hat, kl):
        var = (x - x_hat).square().mean(0)
        return 0.5 * (math.log(2 * math.pi) + 1 + var.log()).sum() + kl.mean()

    @wrong("constants left out")
    def log_only(x, x_hat, kl):
        var = (x - x_hat).square().mean()
        return 0.5 * x[0].numel() * var.log() + kl.mean()

    @wrong("constants left out")
    def no_two_pi(x, x_hat, kl):
        var = (x - x_hat).square().mean()
        return 0.5 * x[0].numel() * (1 + var.log()) + kl.mean()

    @wrong("mean over the pixels")
    def mean_pixels(x, x_hat, kl):
        var = (x - x_hat).square().mean()
        return 0.5 * (math.log(2 * math.pi) + 1 + var.log()) + kl.mean()

    @wrong("logarithm of sigma counted twice")
    def log_of_the_variance(x, x_hat, kl):
        d, var = x[0].numel(), (x - x_hat).square().mean()
        return d * var.log() + 0.5 * d * (math.log(2 * math.pi) + 1) + kl.mean()

    @wrong("width fixed at one")
    def unit(x, x_hat, kl):
        fit = Normal(x_hat, 1.0).log_prob(x).flatten(1).sum(1)
        return (kl - fit).mean()

    @wrong("width fixed at one")
    def half_squared_error(x, x_hat, kl):
        return 0.5 * (x - x_hat).square().flatten(1).sum(1).mean() + kl.mean()

    @wrong("rate left out")
    def no_rate(x, x_hat, kl):
        var = (x - x_hat).square().mean()
        return 0.5 * x[0].numel() * (math.log(2 * math.pi) + 1 + var.log())

    @wrong("sum over the batch")
    def summed(x, x_hat, kl):
        std = (x - x_hat).square().mean().sqrt()
        return (kl - Normal(x_hat, std).log_prob(x).flatten(1).sum(1)).sum()

    @wrong("sum over the batch")
    def rates_summed(x, x_hat, kl):
        d, var = x[0].numel(), (x - x_hat).square().mean()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl.sum()

    @wrong("cut off from the graph")
    def detached(x, x_hat, kl):
        d, var = x[0].numel(), (x - x_hat).square().mean().detach()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl.mean()

    @wrong("negative bound")
    def bound(x, x_hat, kl):
        d, var = x[0].numel(), (x - x_hat).square().mean()
        return -0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) - kl.mean()

    @wrong("spread of the errors in place of their size")
    def by_std(x, x_hat, kl):
        fit = Normal(x_hat, (x - x_hat).std()).log_prob(x).flatten(1).sum(1)
        return (kl - fit).mean()

    @wrong("spread of the errors in place of their size")
    def by_var(x, x_hat, kl):
        d, var = x[0].numel(), (x - x_hat).var()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl.mean()

    @wrong("one width for each channel")
    def each_channel(x, x_hat, kl):
        axes = [i for i in range(x.ndim) if i != 1]
        std = (x - x_hat).square().mean(axes, keepdim=True).sqrt()
        return (kl - Normal(x_hat, std).log_prob(x).flatten(1).sum(1)).mean()

    @wrong("not all axes counted")
    def last_axis(x, x_hat, kl):
        d, var = x.shape[-1], (x - x_hat).square().mean()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl.mean()

    @wrong("not all axes counted")
    def height_and_width(x, x_hat, kl):
        d, var = math.prod(x.shape[-2:]), (x - x_hat).square().mean()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl.mean()

    @wrong("not all axes counted")
    def right_for_images_only(x, x_hat, kl):
        d, var = math.prod(x.shape[-3:]), (x - x_hat).square().mean()
        return 0.5 * d * (math.log(2 * math.pi) + 1 + var.log()) + kl.mean()

    @wrong("gradient counted twice")
    def half_detached(x, x_hat, kl):
        square = (x - x_hat).square()
        var, d = square.mean(), x[0].numel()
        fit = 0.5 * square.flatten(1).sum(1).mean() / var.detach()
        return fit + 0.5 * d * (math.log(2 * math.pi) + var.log()) + kl.mean()
