"""Versions of exercise ae-06."""

import copy  # noqa: F401  (in an edit)
import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .. import edits, reference, right


class Masking(nn.Module):
    """What the right variants share; each says how the batch is damaged."""

    def __init__(self, encoder, decoder, share):
        super().__init__()
        self.encoder, self.decoder, self.share = encoder, decoder, share

    def damage(self, x):
        return x.masked_fill(torch.rand(x.shape) < self.share, 0.0)

    def loss(self, x):
        x_hat = self.decoder(self.encoder(self.damage(x)))
        return F.mse_loss(x_hat, x, reduction="sum") / len(x)


class Ae06:
    @reference
    class MaskingAutoencoder(nn.Module):
        def __init__(self, encoder, decoder, share):
            super().__init__()
            self.encoder, self.decoder, self.share = encoder, decoder, share

        def loss(self, x):
            keep = torch.rand_like(x) >= self.share
            x_hat = self.decoder(self.encoder(x * keep))
            return (x - x_hat).square().sum(1).mean()

    by_fill = right(Masking)

    @right
    class ByBernoulli(Masking):
        def damage(self, x):
            return x * torch.bernoulli(torch.full_like(x, 1 - self.share))

    @right
    class ByDropout(Masking):
        def damage(self, x):
            return F.dropout(x, self.share, training=True) * (1 - self.share)

    @right
    class ByWhere(Masking):
        def damage(self, x):
            gone = torch.distributions.Bernoulli(self.share).sample(x.shape).bool()
            return torch.where(gone, torch.zeros_like(x), x)

    @right
    class ByNumpy(Masking):
        def damage(self, x):
            draw = np.random.random
            return x * torch.from_numpy(draw(x.shape) >= self.share)

    @right
    class ByLoops(Masking):
        def damage(self, x):
            out = x.clone()
            for row in out:
                for j in range(len(row)):
                    if random.random() < self.share:
                        row[j] = 0.0
            return out

    edited = edits(
        MaskingAutoencoder,
        """
    share that survives | >= self.share -> < self.share
    survivors scaled up | x * keep -> x * keep / (1 - self.share)
    survivors scaled up | x * keep -> x * keep / self.share
    nothing masked in evaluation mode | >= self.share -> >= self.share * self.training
    one mask for the whole batch | rand_like(x) -> rand(x.shape[1])
    whole examples masked | rand_like(x) -> rand(len(x), 1)
    noise fixed across calls
        | torch.rand_like(x) -> vars(self).setdefault("u", torch.rand_like(x))
    noise fixed across calls
        | rand_like(x) -> rand(x.shape, generator=torch.Generator().manual_seed(0))
    noise fixed across calls | rand_like(x) -> rand(x.shape, generator=self.stream)
        | super().__init__()
        -> super().__init__(); self.stream = torch.Generator().manual_seed(0)
    absolute error | .square() -> .abs()
    reconstruction clamped | x * keep)) -> x * keep)).clamp(0, 1)
    masked more than once | x * keep -> x * keep * (torch.rand_like(x) >= self.share)
    share ignored | >= self.share -> >= 0.5
    given networks not used | super().__init__()
        -> super().__init__(); encoder, decoder = copy.deepcopy((encoder, decoder))
    networks not registered | self.encoder, self.decoder, self.share = encoder, decoder,
        -> self.parts, self.share = [encoder, decoder],
        | self.decoder(self.encoder(x * keep)) -> self.parts[1](self.parts[0](x * keep))
    mode switched by a call | keep = -> self.train(); keep =
    normal numbers compared | rand_like(x) -> randn_like(x)
    a fixed number of values masked
        | rand_like(x) >= self.share
        -> rand_like(x).argsort(1).argsort(1) >= round(self.share * x.shape[1])
    a fixed number of values masked
        | torch.rand_like(x) >= self.share
        -> (torch.randperm(x.numel()) >= round(self.share * x.numel())).view_as(x)
    noise used more than once
        | rand_like(x) -> rand(len(x), x.shape[1] // 2).repeat_interleave(2, dim=1)
    noise used more than once
        | rand_like(x) -> rand(len(x) // 2 + 1, x.shape[1]).repeat(2, 1)[: len(x)]
    damaged otherwise | x * keep -> x + self.share * torch.randn_like(x)
    damaged otherwise | x * keep -> torch.where(keep, x, x.mean())
    code damaged in place of the input | (x * keep)) -> (x) * keep)
    compared with the damaged example | (x - x_hat) -> (x * keep - x_hat)
    only the missing values compared | .square() -> .square().mul(~keep)
    only the surviving values compared | .square() -> .square().mul(keep)
    mean over the dimensions | .sum(1).mean() -> .mean()
    mean over the dimensions | .sum(1) -> .sum(0)
    sum over the batch | .sum(1).mean() -> .sum()
    wrong shape | .sum(1).mean() -> .sum(1)
    square root taken | .sum(1) -> .sum(1).sqrt()
    off by a factor of two | .mean() -> .mean() / 2
    cut off from the graph | self.encoder(x * keep) -> self.encoder(x * keep).detach()
    cut off from the graph | .mean() -> .mean().detach()
    """,
    )
