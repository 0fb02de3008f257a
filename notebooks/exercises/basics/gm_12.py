"""Versions of exercise gm-12."""

import math

import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from .. import edits, reference, right, wrong


class Gm12:
    """The first coordinate enters through the choice of the component alone, since
    within a component the coordinates are independent."""

    @reference
    def draw_rest(n, a, w, means, stds):
        gap = (a - means[:, 0]) / stds[:, 0]
        p = (w.log() - stds[:, 0].log() - 0.5 * gap**2).softmax(0)
        j = torch.multinomial(p, n, replacement=True)
        means, stds = means[j, 1:], stds[j, 1:]
        return means + stds * torch.randn(n, means.shape[1])

    @right
    def by_distributions(n, a, w, means, stds):
        here = Normal(means[:, 0], stds[:, 0]).log_prob(torch.tensor(float(a)))
        parts = Independent(Normal(means[:, 1:], stds[:, 1:]), 1)
        choice = Categorical(logits=w.log() + here)
        return MixtureSameFamily(choice, parts).sample((n,))

    @right
    def by_uniform_numbers(n, a, w, means, stds):
        log_p = w.log() + Normal(means[:, 0], stds[:, 0]).log_prob(means.new_tensor(a))
        p = (log_p - log_p.max()).exp()
        borders = (p / p.sum()).cumsum(0)
        j = torch.searchsorted(borders, torch.rand(n)).clamp(max=len(w) - 1)
        return torch.normal(means[j, 1:], stds[j, 1:])

    @right
    def by_loops(n, a, w, means, stds):
        logs = [
            math.log(v) - math.log(s[0]) - float(a - m[0]) ** 2 / (2 * float(s[0]) ** 2)
            for v, m, s in zip(w, means, stds)
        ]
        p = [math.exp(v - max(logs)) for v in logs]
        rows = []
        noise = torch.randn(n, means.shape[1] - 1)
        for i, u in enumerate(torch.rand(n).tolist()):
            j, total = 0, p[0] / sum(p)
            while u > total and j < len(p) - 1:
                j += 1
                total += p[j] / sum(p)
            rows.append(means[j, 1:] + stds[j, 1:] * noise[i])
        return torch.stack(rows)

    @right
    def by_largest_of_gumbels(n, a, w, means, stds):
        log_p = w.log() + Normal(means[:, 0], stds[:, 0]).log_prob(torch.tensor(a))
        noise = -torch.log(-torch.log(torch.rand(n, len(w))))
        j = (log_p + noise).argmax(1)
        return means[j, 1:] + stds[j, 1:] * torch.randn_like(means[j, 1:])

    @right
    def one_of_k_draws(n, a, w, means, stds):
        log_p = w.log() + Normal(means[:, 0], stds[:, 0]).log_prob(torch.tensor(a))
        every = means[:, 1:] + stds[:, 1:] * torch.randn(n, len(w), means.shape[1] - 1)
        return every[torch.arange(n), Categorical(logits=log_p).sample((n,))]

    @wrong("one Gaussian for the mixture")
    def one_gaussian(n, a, w, means, stds):
        r = (
            w.log() + Normal(means[:, 0], stds[:, 0]).log_prob(torch.tensor(a))
        ).softmax(0)
        mean = r @ means
        var = r @ (stds**2 + (means - mean) ** 2)
        return mean[1:] + var[1:].sqrt() * torch.randn(n, means.shape[1] - 1)

    edited = edits(
        draw_rest,
        """
    one component for all draws | p, n, -> p, 1,
    components in fixed numbers, sorted
        | replacement=True) -> replacement=True).sort().values
    known coordinate left out of the choice | multinomial(p, -> multinomial(w,
    known coordinate left out of the choice | multinomial(p, -> multinomial(w * 0 + 1,
    weights left out | w.log() - stds -> -stds
    other coordinates than those asked for | means[j, 1:], stds[j, 1:]
        -> means[j, :-1], stds[j, :-1]
    moved with the known coordinate | means[j, 1:], stds[j, 1:]
        -> means[j, 1:] + a - means[j, :1], stds[j, 1:]
    another coordinate compared with a
        | 0.5 * gap -> 0.5 * ((a - means) / stds).square().sum(1) + 0 * gap
    mean in place of draws | return means + stds * torch.randn(n, means.shape[1])
        -> return means
        | j = torch.multinomial(p, n, replacement=True) -> j = p.argmax().expand(n)
    widths left out of the responsibilities | - stds[:, 0].log() ->
    factor one half lost | 0.5 * gap -> gap
    known coordinate returned | means[j, 1:], stds[j, 1:] -> means[j], stds[j]
    nearest component alone
        | torch.multinomial(p, n, replacement=True) -> p.argmax().expand(n)
    nearest component alone
        | torch.multinomial(p, n, replacement=True) -> gap.abs().argmin().expand(n)
    lost far away | .softmax(0) -> .exp() + 1e-30
    lost far away | .softmax(0) -> .double().exp() + 1e-300
    lost far away | gap = -> a = max(-30.0, min(a, 30.0)); gap =
    standard deviation squared | + stds * -> + stds**2 *
    standard deviation taken as a variance | + stds * -> + stds.sqrt() *
    standard deviation ignored | + stds * -> +
    mean not added | return means + -> return
    noise left out | + stds * -> + 0 *
    one noise for all dimensions | means.shape[1]) -> 1)
    number of dimensions fixed | means.shape[1]) -> 2)
    deviations of another component or axis | + stds * -> + stds.flip(1) *
    deviations of another component or axis | + stds * -> + stds[torch.randperm(n)] *
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
    draws not independent | p, n, replacement=True)
        -> p, (n + 1) // 2, replacement=True).repeat_interleave(2)[:n]
    """,
    )

    @wrong("components averaged")
    def averaged(n, a, w, means, stds):
        gap = (a - means[:, 0]) / stds[:, 0]
        p = (w.log() - stds[:, 0].log() - 0.5 * gap**2).softmax(0)
        draws = means + stds * torch.randn(n, *means.shape)
        return (p[:, None] * draws).sum(1)[:, 1:]

    @wrong("the same shares at each call")
    def shuffled_shares(n, a, w, means, stds):
        gap = (a - means[:, 0]) / stds[:, 0]
        p = (w.log() - stds[:, 0].log() - 0.5 * gap**2).softmax(0)
        borders = (p.cumsum(0) * n).round()
        j = torch.bucketize(torch.arange(n), borders, right=True)
        j = j.clamp(max=len(w) - 1)[torch.randperm(n)]
        return means[j, 1:] + stds[j, 1:] * torch.randn(n, means.shape[1] - 1)

    @wrong("component chosen for each dimension")
    def each_axis(n, a, w, means, stds):
        gap = (a - means[:, 0]) / stds[:, 0]
        p = (w.log() - stds[:, 0].log() - 0.5 * gap**2).softmax(0)
        columns = []
        for m, s in zip(means.T[1:], stds.T[1:]):
            j = torch.multinomial(p, n, replacement=True)
            columns.append(m[j] + s[j] * torch.randn(n))
        return torch.stack(columns, 1)
