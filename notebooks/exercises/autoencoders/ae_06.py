"""Versions of exercise ae-06."""

import copy  # noqa: F401  (in an edit)
import random

import numpy as np
import torch
from torch import nn

from .. import build, edits, reference, right


class Masking(nn.Module):
    """What the right variants share; each says how the batch is damaged."""

    def __init__(self, encoder, decoder, share, mean):
        super().__init__()
        self.encoder, self.decoder, self.share = encoder, decoder, share
        self.register_buffer("mean", mean)

    def hide(self, x):
        return torch.rand(x.shape) < self.share

    def loss(self, x):
        hidden = self.hide(x)
        seen = x.clone()
        seen[hidden] = self.mean.expand(x.shape)[hidden]
        off = (x - self.decoder(self.encoder(seen)))[hidden]
        return off @ off / (x - self.mean)[hidden].square().sum()


class Ae06:
    r"""Take one hidden value. With probability 0.7 the other one is shown: its
    regression leaves $1 - 0.8^2 = 0.36$. With probability 0.3 that is hidden as well,
    and the mean leaves 1. Together $0.7 \cdot 0.36 + 0.3 \cdot 1 = 0.552$, which is
    $1 - 0.7 \cdot 0.8^2$. The mean leaves 1 in both cases, so this is the quotient.

    In general a value can be restored as far as the others tell of it: one that is
    independent of all others keeps a loss of 1 whatever the net. And a pixel of the
    border that is always black adds nothing to either sum: to know it is nothing
    learned."""

    @reference
    @build
    def reference():
        class MaskingAutoencoder(nn.Module):
            def __init__(self, encoder, decoder, share, mean):
                super().__init__()
                self.encoder, self.decoder, self.share = encoder, decoder, share
                self.register_buffer("mean", mean)

            def loss(self, x):
                hidden = torch.rand_like(x) < self.share
                seen = torch.where(hidden, self.mean, x)
                error = (x - self.decoder(self.encoder(seen))).square()
                baseline = (x - self.mean).square()
                return (error * hidden).sum() / (baseline * hidden).sum()

        least = 0.7 * (1 - 0.8**2) + 0.3 * 1
        return MaskingAutoencoder, least

    @right
    @build
    def by_index():
        return Masking, 1 - 0.7 * 0.64

    @right
    @build
    def by_bernoulli():
        class ByBernoulli(Masking):
            def loss(self, x):
                keep = torch.bernoulli(torch.full_like(x, 1 - self.share))
                x_hat = self.decoder(self.encoder(self.mean + (x - self.mean) * keep))
                part = ((x - x_hat) ** 2 * (1 - keep)).mean()
                return part / ((x - self.mean) ** 2 * (1 - keep)).mean()

        return ByBernoulli, torch.tensor(0.552)

    @right
    @build
    def by_numpy():
        class ByNumpy(Masking):
            def hide(self, x):
                draw = np.random.random
                return torch.from_numpy(draw(x.shape) < self.share)

        return ByNumpy, 0.552

    @right
    @build
    def by_loops():
        class ByLoops(Masking):
            def hide(self, x):
                rows = [[random.random() < self.share for _ in row] for row in x]
                return torch.tensor(rows)

        return ByLoops, 0.552

    edited = edits(
        reference,
        """
    share that survives | < self.share -> >= self.share
    survivors scaled up | self.mean, x) -> self.mean, x / (1 - self.share))
    nothing masked in evaluation mode | < self.share -> < self.share * self.training
    one mask for the whole batch | torch.rand_like(x) < self.share
        -> (torch.rand_like(x[:1]) < self.share).expand(x.shape)
    whole examples masked | torch.rand_like(x) < self.share
        -> (torch.rand_like(x[:, :1]) < self.share).expand(x.shape)
    a fixed number of values masked | torch.rand_like(x) < self.share
        -> torch.rand_like(x).argsort(1).argsort(1) < round(self.share * x.shape[1])
    a fixed number of values masked | torch.rand_like(x) < self.share
        -> (torch.randperm(x.numel()) < round(self.share * x.numel())).view_as(x)
    noise fixed across calls
        | torch.rand_like(x) -> vars(self).setdefault("u", torch.rand_like(x))
    noise fixed across calls | torch.rand_like(x)
        -> torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
    noise used more than once | torch.rand_like(x)
        -> torch.rand(len(x), x.shape[1] // 2).repeat_interleave(2, dim=1)
    share ignored | < self.share -> < 0.5
    masked more than once | < self.share
        -> < self.share; hidden = hidden + (torch.rand_like(x) < self.share)
    normal numbers compared | torch.rand_like(x) -> torch.randn_like(x)
    zero in place of the mean | (hidden, self.mean, x) -> (hidden, 0.0, x)
    another mean in place of the given one
        | (hidden, self.mean, x) -> (hidden, x.mean(0), x)
    another mean in place of the given one
        | (hidden, self.mean, x) -> (hidden, self.mean.mean(), x)
    damaged otherwise | (hidden, self.mean, x) -> (hidden, torch.randn_like(x), x)
    damaged otherwise | (hidden, self.mean, x) -> (hidden, self.mean, x + 0.1)
    code damaged in place of the input | self.encoder(seen)
        -> torch.where(hidden, self.mean, self.encoder(x))
    compared with the damaged example | (x - self.decoder -> (seen - self.decoder
    all values compared | (error * hidden) -> (error)
    all values compared | (error * hidden).sum() / (baseline * hidden).sum()
        -> error.sum() / baseline.sum()
    only the surviving values compared | (error * hidden) -> (error * ~hidden)
    only the surviving values compared
        | (error * hidden) -> (error * ~hidden)
        | (baseline * hidden) -> (baseline * ~hidden)
    another mask in the loss
        | return (error -> hidden = torch.rand_like(x) < self.share; return (error
    baseline over other values | (baseline * hidden) -> baseline
    another baseline | (x - self.mean).square() -> x.square()
    another baseline | (x - self.mean).square() -> (x - x.mean(0)).square()
    not divided by the baseline | / (baseline * hidden).sum() ->
    not divided by the baseline | (baseline * hidden).sum() -> hidden.sum()
    not divided by the baseline | (baseline * hidden).sum() -> len(x)
    mean of quotients | (error * hidden).sum() / (baseline * hidden).sum()
        -> ((error * hidden).sum(1) / (baseline * hidden).sum(1)).mean()
    mean of quotients | (error * hidden).sum() / (baseline * hidden).sum()
        -> (error / baseline)[hidden].mean()
    means over other numbers | (baseline * hidden).sum() -> baseline[hidden].mean()
    no quotient of the two sums | return (error -> return 1 - (error
    no quotient of the two sums | (error * hidden).sum() / (baseline * hidden).sum()
        -> ((error * hidden).sum() / (baseline * hidden).sum()).sqrt()
    inverse of what is due | (error * hidden).sum() / (baseline * hidden).sum()
        -> (baseline * hidden).sum() / (error * hidden).sum()
    absolute error | seen))).square() -> seen))).abs()
    reconstruction clamped | (x - self.decoder(self.encoder(seen)))
        -> (x - self.decoder(self.encoder(seen)).clamp(0, 1))
    given networks not used | super().__init__()
        -> super().__init__(); encoder, decoder = copy.deepcopy((encoder, decoder))
    networks not registered | self.encoder, self.decoder, self.share = encoder, decoder,
        -> self.parts, self.share = [encoder, decoder],
        | self.decoder(self.encoder(seen)) -> self.parts[1](self.parts[0](seen))
    more parameters than those of the networks
        | self.register_buffer("mean", mean) -> self.mean = nn.Parameter(mean)
    mode switched by a call | hidden = -> self.train(); hidden =
    wrong shape | (error * hidden).sum() -> (error * hidden).sum(1)
    cut off from the graph | self.encoder(seen) -> self.encoder(seen).detach()
    one of the cases alone | + 0.3 * 1 ->
    one of the cases alone | + 0.3 * 1 -> + 0.3 * (1 - 0.8**2)
    another probability
        | 0.7 * (1 - 0.8**2) + 0.3 * 1 -> 0.3 * (1 - 0.8**2) + 0.7 * 1
    another probability
        | 0.7 * (1 - 0.8**2) + 0.3 * 1 -> 1 - 0.7**2 * 0.8**2
    not the error of the regression | (1 - 0.8**2) -> (1 - 0.8)
    not the error of the regression | 0.7 * (1 - 0.8**2) + 0.3 * 1 -> 0.7 * 0.8**2
    the sum, not the quotient | 0.7 * (1 - 0.8**2) + 0.3 * 1
        -> 0.3 * (0.7 * (1 - 0.8**2) + 0.3)
    quotient for each example | 0.7 * (1 - 0.8**2) + 0.3 * 1
        -> (2 * 0.3 * 0.7 * (1 - 0.8**2) + 0.3**2) / (1 - 0.7**2)
    """,
    )
