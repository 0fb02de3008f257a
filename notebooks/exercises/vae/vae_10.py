"""Versions of exercise vae-10."""

import math

import torch
from torch.distributions import Normal
from torch.nn import functional as F

from .. import build, edits, reference, right


class Vae10:
    r"""
    The best $\sigma_j^2$ is the mean squared error of channel $j$, over batch and
    pixels. Then its quadratic term is $hw/2$, whatever the error, and the sum of
    $\tfrac{hw}2(\log(2\pi\,\mathrm{MSE}_j) + 1)$ is left. The gradient with respect to
    a value of $\hat x$ is that of the squared error divided by $2\sigma_j^2$: an error
    counts the more, the better its channel is reconstructed. With a single width the
    logarithm of the mean of the three errors stands in place of the mean of their
    logarithms; it is never smaller, and larger here by
    $\tfrac{1024}2 \log\bigl(0.03^3 / (0.01 \cdot 0.02 \cdot 0.06)\bigr) = 415.2$ nats.
    """

    @reference
    @build
    def by_channels():
        def calibrated_loss(x, x_hat, kl):
            n = x[0, 0].numel()
            var = (x - x_hat).square().mean((0, 2, 3))
            per_channel = 0.5 * n * (math.log(2 * math.pi) + 1 + var.log())
            return per_channel.sum() + kl.mean()

        errors = torch.tensor([0.01, 0.02, 0.06])
        saving = 512 * (3 * errors.mean().log() - errors.log().sum())
        return calibrated_loss, saving

    @right
    @build
    def with_widths_detached():
        def calibrated_loss(x, x_hat, kl):
            std = (x - x_hat).square().mean((0, 2, 3), keepdim=True).sqrt().detach()
            fit = Normal(x_hat, std).log_prob(x).flatten(1).sum(1)
            return (kl - fit).mean()

        three, one = [0.01, 0.02, 0.06], 0.03
        return calibrated_loss, 512 * sum(math.log(one / v) for v in three)

    @right
    @build
    def with_widths_kept():
        def calibrated_loss(x, x_hat, kl):
            std = (x - x_hat).square().mean((0, 2, 3), keepdim=True).sqrt()
            fit = Normal(x_hat, std).log_prob(x).flatten(1).sum(1)
            return (kl - fit).mean()

        def loss(*errors):
            return 512 * sum(math.log(2 * math.pi * v) + 1 for v in errors)

        return calibrated_loss, loss(*[0.03] * 3) - loss(0.01, 0.02, 0.06)

    @right
    @build
    def by_f_mse_loss():
        def calibrated_loss(x, x_hat, kl):
            n, total = x[0, 0].numel(), kl.mean()
            for seen, made in zip(x.unbind(1), x_hat.unbind(1)):
                error = F.mse_loss(made, seen)
                total = total + n / 2 * torch.log(2 * math.pi * math.e * error)
            return total

        return calibrated_loss, 415.2

    @right
    @build
    def by_norms():
        def calibrated_loss(x, x_hat, kl):
            rows = (x - x_hat).transpose(0, 1).flatten(1).double()
            n = rows.shape[1]
            log_std = torch.linalg.vector_norm(rows, dim=1).log() - math.log(n) / 2
            fit = (log_std + 0.5 * math.log(2 * math.pi) + 0.5).sum() * n / len(x)
            return fit + kl.sum() / len(x)

        return calibrated_loss, torch.tensor(512 * math.log(2.25))

    edited = edits(
        by_channels,
        """
    no scalar | kl.mean() -> kl
    one width for all channels | .mean((0, 2, 3)) -> .mean().expand(x.shape[1])
    another width | .mean((0, 2, 3)) -> .mean((2, 3)) | per_channel.sum()
        -> per_channel.sum(1).mean()
    another width | 0.5 * n * -> 0.5 * | .mean((0, 2, 3)) -> .mean(0)
    another width | 0.5 * n * -> 0.5 * x[0, :, 0].numel() *
        | (0, 2, 3) -> (0, 1, 3)
    constant left out | (math.log(2 * math.pi) + 1 + var.log()) -> var.log()
    constant left out | math.log(2 * math.pi) + 1 -> 1
    constant left out | + 1 + -> +
    not all values counted | 0.5 * n -> 0.5
    not all values counted | 0.5 * n * (math.log(2 * math.pi) + 1 + var.log())
        -> 0.5 * (n * var.log() + math.log(2 * math.pi) + 1)
    another width
        | .square().mean((0, 2, 3)) -> .square().sum((0, 2, 3)) / x.shape[1]
    logarithm of sigma counted wrongly | var.log() -> 2 * var.log()
    logarithm of sigma counted wrongly | var.log() -> var.sqrt().log()
    logarithm of sigma counted wrongly
        | .square().mean((0, 2, 3)) -> .square().mean((0, 2, 3)).sqrt()
    width fixed | 1 + var.log() -> var
    a bound on errors or widths | var.log() -> var.clamp(min=0.01).log()
    a bound on errors or widths | var.log() -> var.clamp(max=1.0).log()
    sum over the batch | kl.mean() -> kl.sum()
    batch counted into the values | return per -> return len(x) * per
    cut off from the graph | .square().mean((0, 2, 3))
        -> .square().mean((0, 2, 3)).detach()
    cut off from the graph | kl.mean() -> kl.mean().detach()
    bound in place of the loss | return per -> return -per | + kl -> - kl
    rate subtracted | + kl.mean() -> - kl.mean()
    mean over the dimensions | return per -> return (per
        | kl.mean() -> kl.mean()) / x[0].numel()
    bits in place of nats | var.log() -> var.log2()
    not all values counted | per_channel.sum() -> per_channel.mean()
    not all values counted | x[0, 0].numel() -> x.shape[-1]
    not all values counted | x[0, 0].numel() -> x.shape[1]
    batch counted into the values | x[0, 0].numel() -> x[:, 0].numel()
    absolute error | .square().mean((0, 2, 3)) -> .abs().mean((0, 2, 3)).square()
    another width | .square().mean((0, 2, 3)) -> .square()[0].mean((1, 2))
    another width | .square().mean((0, 2, 3)) -> .square().sum((0, 2, 3))
    another width | .square().mean((0, 2, 3)) -> .square().sum((0, 2, 3)) / len(x)
    a bound on errors or widths | var.log() -> (var + 1e-4).log()
    a bound on errors or widths | (x - x_hat) -> (x - x_hat).clamp(-1, 1)
    spread of the errors in place of their size
        | .square().mean((0, 2, 3)) -> .var((0, 2, 3))
    difference of large numbers
        | (x - x_hat).square() -> (x**2 - 2 * x * x_hat + x_hat**2)
    off by a factor of two | saving = 512 -> saving = 1024
    values counted wrongly | saving = 512 -> saving = 3 * 512
    values counted wrongly | saving = 512 -> saving = 0.5
    errors averaged wrongly | 3 * errors.mean().log() -> 3 * errors.sum().log()
    errors averaged wrongly | errors.mean().log()
        -> errors.sqrt().mean().square().log()
    off by a factor of two | errors.log() -> errors.sqrt().log()
        | errors.mean().log() -> errors.mean().sqrt().log()
    sign flipped | saving = 512 -> saving = -512
    bits in place of nats | saving = 512 -> saving = 512 / math.log(2)
    not to the digits asked for | return calibrated_loss, saving
        -> return calibrated_loss, 415
    """,
    )
