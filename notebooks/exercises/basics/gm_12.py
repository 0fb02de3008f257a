"""Versions of exercise gm-12."""

import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    Normal,
)

from .. import edits, reference, right, wrong


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

    @right
    def by_largest_of_gumbels(n, w, means, stds):
        noise = -torch.log(-torch.log(torch.rand(n, len(w))))
        j = (w.log() + noise).argmax(1)
        return means[j] + stds[j] * torch.randn_like(means[j])

    @right
    def one_of_k_draws(n, w, means, stds):
        every = means + stds * torch.randn(n, *means.shape)
        return every[torch.arange(n), Categorical(w).sample((n,))]

    edited = edits(
        sample_mixture,
        """
    one component for all draws | w, n, -> w, 1,
    components in fixed numbers, sorted
        | replacement=True) -> replacement=True).sort().values
    weights left out | multinomial(w, -> multinomial(w * 0 + 1,
    weights taken as logits | multinomial(w, -> multinomial(w.softmax(0),
    standard deviation squared | stds[j] -> stds[j] ** 2
    standard deviation taken as a variance | stds[j] -> stds[j].sqrt()
    standard deviation ignored | stds[j] * ->
    mean not added | means[j] + ->
    noise left out | stds[j] -> 0
    one noise for all dimensions | means.shape[1] -> 1
    number of dimensions fixed | means.shape[1] -> 2
    deviations of another component or axis | stds[j] -> stds[j].flip(1)
    deviations of another component or axis | stds[j] -> stds[j[torch.randperm(n)]]
    noise that is not normal | torch.randn -> 12**0.5 * (-0.5 + torch.rand
        | shape[1]) -> shape[1]))
    noise that is not normal | shape[1]) -> shape[1]).clamp(-2.5, 2.5)
    uniform noise | torch.randn -> (-0.5 + torch.rand | shape[1]) -> shape[1]))
    noise fixed across calls
        | shape[1]) -> shape[1], generator=torch.Generator().manual_seed(0))
    noise fixed across calls
        | replacement=True) -> True, generator=torch.Generator().manual_seed(0))
    global random state reseeded | j = -> torch.manual_seed(0); j =
    noise used more than once | torch.randn(n, means.shape[1])
        -> torch.randn((n + 1) // 2, means.shape[1]).repeat(2, 1)[:n]
    draws not independent | w, n, replacement=True)
        -> w, (n + 1) // 2, replacement=True).repeat_interleave(2)[:n]
    """,
    )

    @wrong("components averaged")
    def averaged(n, w, means, stds):
        draws = means + stds * torch.randn(n, *means.shape)
        return (w[:, None] * draws).sum(1)

    @wrong("components averaged")
    def moments(n, w, means, stds):
        mean = w @ means
        var = w @ (stds**2 + means**2) - mean**2
        return mean + var.sqrt() * torch.randn(n, means.shape[1])

    @wrong("the same shares at each call")
    def shuffled_shares(n, w, means, stds):
        borders = (w.cumsum(0) * n).round()
        j = torch.bucketize(torch.arange(n), borders, right=True)
        j = j.clamp(max=len(w) - 1)[torch.randperm(n)]
        return means[j] + stds[j] * torch.randn(n, means.shape[1])

    @wrong("component chosen for each dimension")
    def each_axis(n, w, means, stds):
        columns = []
        for m, s in zip(means.T, stds.T):
            j = torch.multinomial(w, n, replacement=True)
            columns.append(m[j] + s[j] * torch.randn(n))
        return torch.stack(columns, 1)
