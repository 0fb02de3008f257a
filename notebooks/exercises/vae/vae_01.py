"""Versions of exercise vae-01."""

import math

import torch
from torch.distributions import (
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from .. import reference, right, wrong


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

    @wrong("mean over the dimensions")
    def mean_over_dimensions(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).mean(1)

    @wrong("not summed over the dimensions")
    def per_dimension(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var)

    @wrong("reduced over the batch")
    def batch_mean(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1).mean()

    @wrong("reduced over the batch")
    def sum_of_all(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum()

    @wrong("reduced over the batch")
    def wrong_axis(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(0)

    @wrong("log variance read as log standard deviation")
    def log_std(mean, log_var):
        return 0.5 * (mean**2 + (2 * log_var).exp() - 1 - 2 * log_var).sum(1)

    @wrong("standard deviation in place of the variance")
    def half_twice(mean, log_var):
        log_var = log_var / 2
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("arguments of the KL swapped")
    def reverse(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        return kl_divergence(Normal(0.0, 1.0), q).sum(1)

    @wrong("sign flipped")
    def negative(mean, log_var):
        return 0.5 * (1 + log_var - mean**2 - log_var.exp()).sum(1)

    @wrong("sign of the log variance flipped")
    def plus_log_var(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 + log_var).sum(1)

    @wrong("factor one half lost")
    def without_half(mean, log_var):
        return (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("constant left out")
    def without_one(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - log_var).sum(1)

    @wrong("constant left out")
    def one_for_all_dimensions(mean, log_var):
        return 0.5 * ((mean**2 + log_var.exp() - log_var).sum(1) - mean.shape[1] + 1)

    @wrong("bits in place of nats")
    def bits(mean, log_var):
        nats = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
        return nats / math.log(2)

    @wrong("estimated from samples")
    def monte_carlo(mean, log_var):
        q = Normal(mean, (log_var / 2).exp())
        z = q.rsample((1000,))
        return (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).mean(0).sum(1)

    @wrong("mean not squared")
    def linear_mean(mean, log_var):
        return 0.5 * (mean + log_var.exp() - 1 - log_var).sum(1)

    @wrong("floor under the variance")
    def log_of_variance_plus_eps(mean, log_var):
        var = log_var.exp()
        return 0.5 * (mean**2 + var - 1 - torch.log(var + 1e-8)).sum(1)

    @wrong("floor under the variance")
    def clamped(mean, log_var):
        log_var = log_var.clamp(-20, 20)
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("ceiling on the variance")
    def clamped_above(mean, log_var):
        log_var = log_var.clamp(max=4)
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("cut off from the graph")
    def detached(mean, log_var):
        with torch.no_grad():
            return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)

    @wrong("batch axis lost")
    def squeezed(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1).squeeze()

    @wrong("input changed in place")
    def in_place(mean, log_var):
        return 0.5 * (mean.pow_(2) + log_var.exp() - 1 - log_var).sum(1)

    @wrong("reduced over the batch")
    def divided_by_b(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1) / len(mean)

    @wrong("dimensions left out")
    def two_dimensions(mean, log_var):
        per_dim = 0.5 * (mean**2 + log_var.exp() - 1 - log_var)
        return per_dim[:, :2].sum(1)

    @wrong("cut off from the graph")
    def one_part_detached(mean, log_var):
        return 0.5 * (mean**2 + log_var.exp().detach() - 1 - log_var).sum(1)

    @wrong("cut off from the graph")
    def through_numpy(mean, log_var):
        m, v = mean.detach().numpy(), log_var.detach().numpy()
        return torch.from_numpy(0.5 * (m**2 + math.e**v - 1 - v).sum(1))
