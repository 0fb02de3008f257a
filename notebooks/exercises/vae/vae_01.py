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
    @reference
    def kl(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @right
    def by_distributions(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        return kl_divergence(q, Normal(0.0, 1.0)).sum(-1)

    @right
    def by_multivariate_normal(mean, log_var):
        q = MultivariateNormal(mean, scale_tril=torch.diag_embed((log_var / 2).exp()))
        p = MultivariateNormal(torch.zeros(mean.shape[1]), torch.eye(mean.shape[1]))
        return kl_divergence(q, p)

    @right
    def by_loops(mean, log_var):
        rows = []
        for m, s in zip(mean, log_var):
            total = 0.0
            for i in range(len(m)):
                total = total + (m[i] ** 2 + math.e ** s[i] - 1 - s[i]) / 2
            rows.append(total)
        return torch.stack(rows)

    @right
    def by_einsum(mean, log_var):
        squares = torch.einsum("bd,bd->b", mean, mean)
        return 0.5 * (squares + torch.expm1(log_var).sum(1) - log_var.sum(1))

    @right
    def by_entropies(mean, log_var):
        d = mean.shape[1]
        entropy = 0.5 * d * math.log(2 * math.pi * math.e) + 0.5 * log_var.sum(1)
        energy = 0.5 * (mean.square() + log_var.exp()).sum(1)
        return energy + 0.5 * d * math.log(2 * math.pi) - entropy

    @right
    def in_place_on_a_clone(mean, log_var):
        total = mean.clone()
        total.mul_(mean).add_(log_var.exp()).sub_(log_var).sub_(1).mul_(0.5)
        return torch.einsum("bd->b", total)

    @right
    def column_by_column_in_double(mean, log_var):
        total = torch.zeros(len(mean), dtype=torch.float64)
        for m, v in zip(mean.double().T, log_var.double().T):
            total = total + (m * m + torch.expm1(v) - v) / 2
        return total.to(mean.dtype)

    standard = sums(lambda m, v: 0.5 * (m**2 + v.exp() - 1 - v))

    edited = edits(
        kl,
        """
    log variance read as log standard deviation | kl(mean, log_var): -> kl(mean, v):
        | return -> log_var = 2 * v; return
    standard deviation in place of the variance | kl(mean, log_var): -> kl(mean, v):
        | return -> log_var = v / 2; return
    sign of the log variance flipped | 1 - log_var -> 1 + log_var
    constant left out | - 1 - -> -
    constant left out | - 1 - log_var).sum(1) -> - log_var).sum(1) - 0.5
    mean not squared | mean**2 -> mean
    floor under the variance | - log_var) -> - torch.log(log_var.exp() + 1e-8))
    floor under the variance | 1 - log_var -> 1 - log_var.clamp(-20, 20)
    ceiling on the variance | log_var.exp() -> log_var.clamp(max=4).exp()
    input changed in place | mean**2 -> mean.pow_(2)
    cut off from the graph | log_var.exp() -> log_var.exp().detach()
    """,
    )

    @wrong("arguments of the KL swapped")
    def reverse(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        return kl_divergence(Normal(0.0, 1.0), q).sum(1)

    @wrong("estimated from samples")
    def monte_carlo(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        z = q.rsample((1000,))
        return (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).mean(0).sum(1)
