"""Versions of exercise ae-06."""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from .. import reference, right, wrong


class _Masking(nn.Module):
    """What the versions of ae-06 share; each says how the batch is damaged."""

    def __init__(self, encoder, decoder, share):
        super().__init__()
        self.encoder, self.decoder, self.share = encoder, decoder, share

    def damage(self, x):
        return x * (torch.rand_like(x) >= self.share)

    def loss(self, x):
        x_hat = self.decoder(self.encoder(self.damage(x)))
        return (x - x_hat).square().sum(1).mean()


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

    @right
    class ByBernoulli(_Masking):
        def damage(self, x):
            return x * torch.bernoulli(torch.full_like(x, 1 - self.share))

    @right
    class ByFill(_Masking):
        def damage(self, x):
            return x.masked_fill(torch.rand(x.shape) < self.share, 0.0)

    @right
    class ByDropout(_Masking):
        def damage(self, x):
            return F.dropout(x, self.share, training=True) * (1 - self.share)

    @right
    class ByWhere(_Masking):
        def loss(self, x):
            gone = torch.distributions.Bernoulli(self.share).sample(x.shape).bool()
            seen = torch.where(gone, torch.zeros_like(x), x)
            x_hat = self.decoder(self.encoder(seen))
            return F.mse_loss(x_hat, x, reduction="sum") / len(x)

    @wrong("share that survives")
    class Survives(_Masking):
        def damage(self, x):
            return x * (torch.rand_like(x) < self.share)

    @wrong("survivors scaled up")
    class Scaled(_Masking):
        def damage(self, x):
            return F.dropout(x, self.share, training=True)

    @wrong("nothing masked in evaluation mode")
    class OnlyTraining(_Masking):
        def damage(self, x):
            return F.dropout(x, self.share, self.training) * (
                1 - self.share if self.training else 1
            )

    @wrong("one mask for the whole batch")
    class OneMask(_Masking):
        def damage(self, x):
            return x * (torch.rand(x.shape[1]) >= self.share)

    @wrong("whole examples masked")
    class Rows(_Masking):
        def damage(self, x):
            return x * (torch.rand(len(x), 1) >= self.share)

    @wrong("mask drawn once")
    class Kept(_Masking):
        def damage(self, x):
            if not hasattr(self, "mask") or self.mask.shape != x.shape:
                self.mask = torch.rand_like(x) >= self.share
            return x * self.mask

    @wrong("a fixed number of values masked")
    class FixedInRow(_Masking):
        def damage(self, x):
            many = round(self.share * x.shape[1])
            gone = torch.rand_like(x).argsort(1)[:, :many]
            return x.scatter(1, gone, 0.0)

    @wrong("a fixed number of values masked")
    class FixedInBatch(_Masking):
        def damage(self, x):
            many = round(self.share * x.numel())
            gone = torch.randperm(x.numel())[:many]
            return x.flatten().index_fill(0, gone, 0.0).view_as(x)

    @wrong("compared with the damaged example")
    class WrongTarget(_Masking):
        def loss(self, x):
            seen = self.damage(x)
            return (seen - self.decoder(self.encoder(seen))).square().sum(1).mean()

    @wrong("only the missing values compared")
    class OnlyMissing(_Masking):
        def loss(self, x):
            keep = torch.rand_like(x) >= self.share
            x_hat = self.decoder(self.encoder(x * keep))
            return ((x - x_hat).square() * ~keep).sum(1).mean()

    @wrong("code damaged in place of the input")
    class Code(_Masking):
        def loss(self, x):
            x_hat = self.decoder(self.damage(self.encoder(x)))
            return (x - x_hat).square().sum(1).mean()

    @wrong("mean over the values")
    class Mean(_Masking):
        def loss(self, x):
            return F.mse_loss(self.decoder(self.encoder(self.damage(x))), x)

    @wrong("summed over the batch")
    class Summed(_Masking):
        def loss(self, x):
            return (x - self.decoder(self.encoder(self.damage(x)))).square().sum()

    @wrong("noise added")
    class Noise(_Masking):
        def damage(self, x):
            return x + self.share * torch.randn_like(x)

    @right
    class ByNumpy(_Masking):
        def damage(self, x):
            draw = np.random.random
            return x * torch.from_numpy(draw(x.shape) >= self.share)

    @right
    class ByLoops(_Masking):
        def damage(self, x):
            out = x.clone()
            for row in out:
                for j in range(len(row)):
                    if random.random() < self.share:
                        row[j] = 0.0
            return out

    @wrong("only the surviving values compared")
    class OnlySurviving(_Masking):
        def loss(self, x):
            keep = torch.rand_like(x) >= self.share
            x_hat = self.decoder(self.encoder(x * keep))
            return ((x - x_hat).square() * keep).sum(1).mean()

    @wrong("mean over the values")
    class AxesSwapped(_Masking):
        def loss(self, x):
            x_hat = self.decoder(self.encoder(self.damage(x)))
            return (x - x_hat).square().sum(0).mean()

    @wrong("square root taken")
    class Norm(_Masking):
        def loss(self, x):
            x_hat = self.decoder(self.encoder(self.damage(x)))
            return (x - x_hat).norm(dim=1).mean()

    @wrong("halved")
    class Half(_Masking):
        def loss(self, x):
            return super().loss(x) / 2

    @wrong("neighbors go together")
    class Pairs(_Masking):
        def damage(self, x):
            keep = torch.rand(len(x), x.shape[1] // 2) >= self.share
            return x * keep.repeat_interleave(2, dim=1)

    @wrong("neighbors go together")
    class HalfBatch(_Masking):
        def damage(self, x):
            keep = torch.rand(len(x) // 2, x.shape[1]) >= self.share
            return x * keep.repeat(2, 1)

    @wrong("normal numbers compared")
    class Normal(_Masking):
        def damage(self, x):
            return x * (torch.randn_like(x) >= self.share)

    @wrong("noise added")
    class FilledByMean(_Masking):
        def damage(self, x):
            return torch.where(torch.rand_like(x) < self.share, x.mean(), x)

    @wrong("cut off from the graph")
    class EncoderFrozen(_Masking):
        def loss(self, x):
            with torch.no_grad():
                z = self.encoder(self.damage(x))
            return (x - self.decoder(z)).square().sum(1).mean()

    @wrong("cut off from the graph")
    class Number(_Masking):
        def loss(self, x):
            return torch.tensor(super().loss(x).item())
