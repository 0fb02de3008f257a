"""Versions of exercise gm-12."""

import math

import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
)

from .. import reference, right, wrong


class Gm12:
    @reference
    def sample_mixture(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @right
    def by_distributions(n, w, means, stds):
        parts = Independent(Normal(means, stds), 1)
        return MixtureSameFamily(Categorical(w), parts).sample((n,))

    @right
    def by_uniform_numbers(n, w, means, stds):
        u = torch.rand(n)
        j = torch.searchsorted(w.cumsum(0), u).clamp(max=len(w) - 1)
        return torch.normal(means[j], stds[j])

    @right
    def by_loops(n, w, means, stds):
        rows = []
        noise = torch.randn(n, means.shape[1])
        for i, u in enumerate(torch.rand(n).tolist()):
            j, total = 0, float(w[0])
            while u > total and j < len(w) - 1:
                j += 1
                total += float(w[j])
            rows.append(means[j] + stds[j] * noise[i])
        return torch.stack(rows)

    @right
    def shuffled_counts(n, w, means, stds):
        counts = torch.bincount(torch.multinomial(w, n, True), minlength=len(w))
        rows = [
            m + s * torch.randn(int(c), means.shape[1])
            for c, m, s in zip(counts, means, stds)
        ]
        return torch.cat(rows)[torch.randperm(n)]

    @wrong("components averaged")
    def averaged(n, w, means, stds):
        draws = means + stds * torch.randn(n, *means.shape)
        return (w[:, None] * draws).sum(1)

    @wrong("components averaged")
    def moments(n, w, means, stds):
        mean = w @ means
        var = w @ (stds**2 + means**2) - mean**2
        return mean + var.sqrt() * torch.randn(n, means.shape[1])

    @wrong("one component for all draws")
    def one_choice(n, w, means, stds):
        j = torch.multinomial(w, 1)
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("components in fixed numbers, sorted")
    def sorted_blocks(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True).sort().values
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("components in fixed numbers, sorted")
    def exact_shares(n, w, means, stds):
        borders = (w.cumsum(0) * n).round()
        j = torch.bucketize(torch.arange(n), borders, right=True)
        j = j.clamp(max=len(w) - 1)
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("the same shares at each call")
    def shuffled_shares(n, w, means, stds):
        borders = (w.cumsum(0) * n).round()
        j = torch.bucketize(torch.arange(n), borders, right=True)
        j = j.clamp(max=len(w) - 1)[torch.randperm(n)]
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("weights left out")
    def equal(n, w, means, stds):
        j = torch.randint(len(w), (n,))
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("variances used as deviations")
    def squared(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] ** 2 * torch.randn(n, means.shape[1])

    @wrong("variances used as deviations")
    def rooted(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j].sqrt() * torch.randn(n, means.shape[1])

    @wrong("one noise for all dimensions")
    def shared(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, 1)

    @wrong("component chosen for each dimension")
    def each_axis(n, w, means, stds):
        out = []
        for i in range(means.shape[1]):
            j = torch.multinomial(w, n, replacement=True)
            out.append(means[j, i] + stds[j, i] * torch.randn(n))
        return torch.stack(out, 1)

    @wrong("noise left out")
    def only_means(n, w, means, stds):
        return means[torch.multinomial(w, n, replacement=True)]

    @wrong("fixed across calls")
    def own_generator(n, w, means, stds):
        g = torch.Generator().manual_seed(0)
        j = torch.multinomial(w, n, replacement=True, generator=g)
        return means[j] + stds[j] * torch.randn(n, means.shape[1], generator=g)

    @right
    def by_largest_of_gumbels(n, w, means, stds):
        noise = -torch.log(-torch.log(torch.rand(n, len(w))))
        j = (w.log() + noise).argmax(1)
        return means[j] + stds[j] * torch.randn_like(means[j])

    @right
    def one_of_k_draws(n, w, means, stds):
        every = means + stds * torch.randn(n, *means.shape)
        return every[torch.arange(n), Categorical(w).sample((n,))]

    @wrong("deviations of another component or axis")
    def axes_exchanged(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j].flip(1) * torch.randn(n, means.shape[1])

    @wrong("deviations of another component or axis")
    def second_choice(n, w, means, stds):
        i, j = (torch.multinomial(w, n, replacement=True) for _ in range(2))
        return means[j] + stds[i] * torch.randn(n, means.shape[1])

    @wrong("noise not Gaussian")
    def uniform_noise(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        noise = math.sqrt(12) * (torch.rand(n, means.shape[1]) - 0.5)
        return means[j] + stds[j] * noise

    @wrong("noise not Gaussian")
    def clipped_noise(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, means.shape[1]).clamp(-2.5, 2.5)

    @wrong("number of dimensions fixed")
    def in_the_plane(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        return means[j] + stds[j] * torch.randn(n, 2)

    @wrong("weights changed")
    def as_logits(n, w, means, stds):
        j = Categorical(logits=w).sample((n,))
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("draws not independent of each other")
    def mirrored(n, w, means, stds):
        j = torch.multinomial(w, n, replacement=True)
        noise = torch.randn((n + 1) // 2, means.shape[1])
        return means[j] + stds[j] * torch.cat([noise, -noise])[:n]

    @wrong("draws not independent of each other")
    def component_for_two(n, w, means, stds):
        j = torch.multinomial(w, (n + 1) // 2, replacement=True)
        j = j.repeat_interleave(2)[:n]
        return means[j] + stds[j] * torch.randn(n, means.shape[1])
