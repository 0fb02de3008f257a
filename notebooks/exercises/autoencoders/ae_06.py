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
    the other value always there | + 0.3 * 1 -> + 0.3 * (1 - 0.8**2)
    """,
    )
