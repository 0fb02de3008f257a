"""Versions of exercise vae-10."""

import math

import torch
from torch.distributions import (
    Normal,
)
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


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

    edited = edits(
        calibrated_loss,
        """
    no scalar | kl.mean() -> kl
    constant left out | (math.log(2 * math.pi) + 1 + var.log()) -> var.log()
    constant left out | math.log(2 * math.pi) + 1 -> 1
    constant left out | + 1 + -> +
    mean over the dimensions | 0.5 * d -> 0.5
    logarithm of sigma counted twice | var.log() -> 2 * var.log()
    standard deviation in place of the variance | var.log() -> var.sqrt().log()
    width fixed at one | 1 + var.log() -> var
    width fixed at one | 0.5 * d * (math.log(2 * math.pi) + 1 + var.log())
        -> 0.5 * d * var
    rate left out | + kl.mean() -> + 0 * kl.mean()
    floor under the rates | kl.mean() -> kl.clamp(min=1.0).mean()
    floor under the standard deviation | var.log() -> var.clamp(min=0.01).log()
    ceiling on the standard deviation | var.log() -> var.clamp(max=1.0).log()
    sum over the batch | kl.mean() -> kl.sum()
    sum over the batch | return 0.5 -> return len(x) * 0.5 | + kl.mean() -> + kl.sum()
    cut off from the graph | .square().mean() -> .square().mean().detach()
    cut off from the graph | kl.mean() -> kl.mean().detach()
    bound in place of the loss | return 0.5 -> return -0.5 | + kl -> - kl
    rate subtracted | + kl.mean() -> - kl.mean()
    rate divided by the variance | kl.mean() -> kl.mean() / var
    a factor 1/2 lost | (math.log(2 * math.pi) -> (2 * math.log(2 * math.pi)
    bits in place of nats | var.log() -> var.log2()
    logarithm to base 10 | var.log() -> var.log10()
    divided by the batch twice | 0.5 * d -> 0.5 * d / len(x)
    absolute error | 0.5 * d * (math.log(2 * math.pi) + 1 + var.log())
        -> d * (1 + (2 * (x - x_hat).abs().mean()).log())
    another width | var.log() -> (x - x_hat).abs().mean().log() * 2
    another width | .square().mean() -> .square()[0].mean()
    another width | .square().mean() -> .square().sum() / len(x)
    floor under the standard deviation | var.log() -> (var + 1e-4).log()
    values cut off | (x - x_hat) -> (x - x_hat).clamp(-1, 1)
    values cut off | (x - x_hat) -> (x - x_hat.clamp(0, 1))
    not quite the smallest | var = (x - x_hat).square().mean()
        -> var = (x - x_hat).square().mean() * 1.05
        | + 1 + var -> + 1 / 1.05 + var
    spread of the errors in place of their size
        | .square().mean() -> .square().sum() / (x.numel() - 1)
    spread of the errors in place of their size | square().mean() -> var()
    not all axes counted | x[0].numel() -> x.shape[-1]
    not all axes counted | x[0].numel() -> x.shape[1]
    not all axes counted | x[0].numel() -> x.numel()
    not all axes counted | x[0].numel() -> math.prod(x.shape[-2:])
    not all axes counted | x[0].numel() -> math.prod(x.shape[-3:])
    difference of large numbers
        | (x - x_hat).square().mean() -> (x**2 - 2 * x * x_hat + x_hat**2).mean()
    """,
        (
            "one width for each example",
            *(".square().mean()", ".square().flatten(1).mean(1)"),
            *("return ", "return ("),
            *("kl.mean()", "kl).mean()"),
        ),
    )
    by_widths = edits(
        with_sigma_kept,
        """
    one width for each pixel | .mean().sqrt() -> .mean(0).sqrt()
    one width for each channel
        | .mean().sqrt() -> .mean((0, *range(2, x.ndim)), True).sqrt()
    spread of the errors in place of their size | .square().mean().sqrt() -> .std()
    gradient counted twice | .mean().sqrt() -> .mean().sqrt(); kept = std.detach()
        | Normal(x_hat, std).log_prob(x)
        -> (Normal(x_hat, kept).log_prob(x) + kept.log() - std.log())
    """,
    )

    @wrong("result of an earlier call")
    @build
    def width_of_the_first_call():
        kept = []

        def calibrated_loss(x, x_hat, kl):
            var = (x - x_hat).square().mean()
            kept.append(var.detach())
            first = var if len(kept) < 5 else kept[0]
            fit = Normal(x_hat, first.sqrt()).log_prob(x).flatten(1).sum(1)
            return (kl - fit).mean()

        return calibrated_loss
