"""Versions of exercise vae-01."""

import math

import torch
from torch.distributions import (
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from .. import edits, reference, right, sums, wrong


class Vae01:
    r"""
    With $m_0 = 0$ and $v_0 = 1$ it is equation (3.5), where $\log v = 2 \log \sigma$.
    A prior that is learned pulls back: by its gradient $m_0$ moves to the mean of the
    codes, and $v_0$ to their spread.
    """

    @reference
    def kl(mean, log_var, prior_mean, prior_log_var):
        ratio = log_var - prior_log_var
        square = (mean - prior_mean) ** 2 / prior_log_var.exp()
        return 0.5 * (square + ratio.exp() - 1 - ratio).sum(1)

    @right
    def by_distributions(mean, log_var, prior_mean, prior_log_var):
        q = Normal(mean, (log_var / 2).exp())
        return kl_divergence(q, Normal(prior_mean, (prior_log_var / 2).exp())).sum(-1)

    @right
    def by_multivariate_normal(mean, log_var, prior_mean, prior_log_var):
        q = MultivariateNormal(mean, scale_tril=torch.diag_embed((log_var / 2).exp()))
        width = torch.diag((prior_log_var / 2).exp())
        return kl_divergence(q, MultivariateNormal(prior_mean, scale_tril=width))

    @right
    def by_loops(mean, log_var, prior_mean, prior_log_var):
        rows = []
        for m, s in zip(mean, log_var):
            total = 0.0
            for i in range(len(m)):
                e = (m[i] - prior_mean[i]) ** 2 / math.e ** prior_log_var[i]
                r = s[i] - prior_log_var[i]
                total = total + (e + math.e**r - 1 - r) / 2
            rows.append(total)
        return torch.stack(rows)

    @right
    def by_a_map(mean, log_var, prior_mean, prior_log_var):
        m = (mean - prior_mean) * (-prior_log_var / 2).exp()
        v = log_var - prior_log_var
        squares = torch.einsum("bd,bd->b", m, m)
        return 0.5 * (squares + torch.expm1(v).sum(1) - v.sum(1))

    @right
    def by_entropies(mean, log_var, prior_mean, prior_log_var):
        d = mean.shape[1]
        entropy = 0.5 * d * math.log(2 * math.pi * math.e) + 0.5 * log_var.sum(1)
        spread = (mean - prior_mean).square() + log_var.exp()
        energy = 0.5 * (spread / prior_log_var.exp() + prior_log_var).sum(1)
        return energy + 0.5 * d * math.log(2 * math.pi) - entropy

    @right
    def column_by_column_in_double(mean, log_var, prior_mean, prior_log_var):
        total = torch.zeros(len(mean), dtype=torch.float64)
        columns = zip(mean.double().T, log_var.double().T, prior_mean, prior_log_var)
        for m, v, m0, v0 in columns:
            e = (m - m0) * torch.exp(-v0 / 2)
            total = total + (e * e + torch.expm1(v - v0) - (v - v0)) / 2
        return total.to(mean.dtype)

    standard = sums(
        lambda m, v, m0, v0: (
            0.5 * ((m - m0) ** 2 / v0.exp() + (v - v0).exp() - 1 - (v - v0))
        )
    )

    edited = edits(
        kl,
        """
    log variance read as log standard deviation
        | kl(mean, log_var, prior_mean, prior_log_var): -> kl(mean, v, prior_mean, v0):
        | ratio = -> log_var, prior_log_var = 2 * v, 2 * v0; ratio =
    log variance read as log standard deviation
        | kl(mean, log_var, -> kl(mean, v, | ratio = -> log_var = 2 * v; ratio =
    standard deviation in place of the variance
        | kl(mean, log_var, prior_mean, prior_log_var): -> kl(mean, v, prior_mean, v0):
        | ratio = -> log_var, prior_log_var = v / 2, v0 / 2; ratio =
    sign of a log variance flipped | 1 - ratio -> 1 + ratio
    sign of a log variance flipped | - 1 - ratio -> - 1 + log_var + prior_log_var
    sign of a log variance flipped | - 1 - ratio -> - 1 - log_var - prior_log_var
    a floor under the rate | .sum(1) -> .sum(1).clamp(min=0.03)
    a floor under the rate | .sum(1) -> .sum(1).clamp(min=1e-3)
    a log variance left out | - 1 - ratio -> - 1
    a log variance left out | - 1 - ratio -> - 1 + prior_log_var
    a factor of the logarithms | - 1 - ratio -> - 1 - 2 * ratio
    variance of q not divided by that of the prior | + ratio.exp() -> + log_var.exp()
    distance divided by the prior's deviation
        | / prior_log_var.exp() -> / (prior_log_var / 2).exp()
    variance of the prior taken as 1
        | ratio = -> prior_log_var = 0 * prior_log_var; ratio =
    squared after the sum | square = -> q = 1 / prior_log_var.exp(); square =
        | (mean - prior_mean) ** 2 / prior_log_var.exp()
        -> ((mean - prior_mean) * q.sqrt()).sum(1, True) ** 2 / len(prior_mean)
    ratio of the variances turned around | + ratio.exp() -> + (-ratio).exp()
    out of the range of float32 | - ratio).sum(1)
        -> ).sum(1) - 0.5 * (log_var.exp().prod(1) / prior_log_var.exp().prod(0)).log()
    the -1 once, not for each dimension
        | 0.5 * (square + ratio.exp() - 1 - ratio).sum(1)
        -> 0.5 * ((square + ratio.exp() - ratio).sum(1) - 1)
    distance of the means left out | (square + ratio -> (0 * square + ratio
    means added | mean - prior_mean -> mean + prior_mean
    one dimension of the prior for all | mean - prior_mean -> mean - prior_mean[0]
    a floor under the rate | - 1 - ratio).sum(1) -> - 1 - ratio).clamp(min=1).sum(1)
    entropy in place of the divergence
        | 0.5 * (square + ratio.exp() - 1 - ratio) -> 0.5 * (log_var + 2.8378771)
    difference of large numbers | square = (mean - prior_mean) ** 2
        -> square = (mean**2 - 2 * mean * prior_mean + prior_mean**2)
    floor under the variance
        | / prior_log_var.exp() -> / prior_log_var.exp().clamp(0.01)
    ceiling on the variance
        | / prior_log_var.exp() -> / prior_log_var.exp().clamp(max=20)
    the -1 of each dimension left out or changed | - 1 - -> -
    the -1 of each dimension left out or changed | - 1 - -> + 1 -
    constant left out | .sum(1) -> .sum(1) - 0.5
    mean not squared | prior_mean) ** 2 -> prior_mean)
    distance not divided by the variance of the prior | / prior_log_var.exp() ->
    distance divided by the variance of q | / prior_log_var.exp() -> / log_var.exp()
    mean of the prior left out | mean - prior_mean -> mean - 0 * prior_mean
    prior taken as the standard normal | ratio = log_var - prior_log_var
        -> ratio = log_var + 0 * prior_log_var
        | (mean - prior_mean) ** 2 / prior_log_var.exp() -> mean**2 + 0 * prior_mean
    means squared one by one | (mean - prior_mean) ** 2 -> (mean**2 - prior_mean**2)
    distance scaled by another variance | / prior_log_var.exp() -> * prior_log_var.exp()
    distance scaled by another variance
        | / prior_log_var.exp() -> / (log_var.exp() + prior_log_var.exp())
    factor of a term | 0.5 * (square + -> 0.5 * (2 * square +
    factor of a term | 0.5 * (square + ratio.exp() -> 0.5 * (square + ratio.exp() / 2
    factor of a term | 0.5 * (square + -> 0.5 * (-square +
    deviations in the ratio, not variances | + ratio.exp() -> + (ratio / 2).exp()
    logarithms in place of variances | + ratio.exp() -> + log_var / prior_log_var
    logarithms in place of variances | + ratio.exp() -> + ratio
    ratio of the variances left out | + ratio.exp() - 1 -> - 1
    variances combined otherwise
        | + ratio.exp() -> + log_var.exp() - prior_log_var.exp()
    variances combined otherwise | + ratio.exp() -> + (log_var + prior_log_var).exp()
    cross-entropy in place of the divergence
        | + ratio.exp() - 1 - ratio -> + ratio.exp() + prior_log_var + 1.8378771
    a log variance left out | - 1 - ratio -> - 1 - log_var
    floor under the variance | - ratio).sum -> - torch.log(ratio.exp() + 1e-8)).sum
    floor under the variance | 1 - ratio -> 1 - ratio.clamp(-20, 20)
    ceiling on the variance | ratio.exp() -> ratio.clamp(max=4.5).exp()
    input changed in place | (mean - prior_mean) -> mean.sub_(prior_mean)
    cut off from the graph | ratio.exp() -> ratio.exp().detach()
    cut off from the graph | (mean - prior_mean) -> (mean - prior_mean.detach())
    """,
    )

    @wrong("arguments of the KL swapped")
    def reverse(mean, log_var, prior_mean, prior_log_var):
        q = Normal(mean, (log_var / 2).exp())
        p = Normal(prior_mean, (prior_log_var / 2).exp())
        return kl_divergence(p, q).sum(1)

    @wrong("estimated from samples")
    def monte_carlo(mean, log_var, prior_mean, prior_log_var):
        q = Normal(mean, (log_var / 2).exp())
        z = q.rsample((1000,))
        p = Normal(prior_mean, (prior_log_var / 2).exp())
        return (q.log_prob(z) - p.log_prob(z)).mean(0).sum(1)
