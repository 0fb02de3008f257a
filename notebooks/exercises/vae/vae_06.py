"""Versions of exercise vae-06."""

import torch
from torch.distributions import (
    Normal,
)

from .. import reference, right, wrong


class Vae06:
    """
    The sum of all values minus the own one, divided by k - 1, is the mean of the
    others. Since it does not depend on the draw itself, its product with the score has
    mean zero: the estimate stays unbiased. Algebra gives another form of the same: the
    unbiased sample covariance of f and the score, which is how the check computes it.
    """

    @reference
    def score_surrogate(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        log_q = Normal(mean, log_std.exp()).log_prob(z).sum(1)
        return ((f - others) * log_q).mean()

    @right
    def by_loops(z, mean, log_std, f):
        k, total = len(f), 0.0
        for i in range(k):
            b = sum(f[j].detach() for j in range(k) if j != i) / (k - 1)
            eps = (z[i].detach() - mean) * torch.exp(-log_std)
            log_q = (-0.5 * eps**2 - log_std).sum()
            total = total + (f[i].detach() - b) * log_q
        return total / k

    @right
    def by_matrix(z, mean, log_std, f):
        k = len(f)
        rest = (torch.ones(k, k) - torch.eye(k)) / (k - 1)
        weight = (f - rest @ f).detach()
        log_q = Normal(mean, log_std.exp()).log_prob(z.detach()).sum(1)
        return weight @ log_q / k

    @right
    def by_covariance(z, mean, log_std, f):
        log_q = Normal(mean, log_std.exp()).log_prob(z.detach()).sum(1)
        centered = (f - f.mean()).detach()
        return (centered * log_q).sum() / (len(f) - 1)

    @right
    def without_constants(z, mean, log_std, f):
        k, f = len(f), f.detach()
        eps = (z.detach() - mean) / log_std.exp()
        return (k / (k - 1) * (f - f.mean()) * (-0.5 * eps.square()).sum(1)).mean()

    @right
    def gradient_by_hand(z, mean, log_std, f):
        with torch.no_grad():
            k, s = len(f), log_std.exp()
            rest = [torch.cat([f[:i], f[i + 1 :]]).mean() for i in range(k)]
            eps, weight = (z - mean) / s, (f - torch.stack(rest))[:, None]
            by_mean = (weight * eps / s).mean(0)
            by_log_std = (weight * (eps**2 - 1)).mean(0)
        return by_mean @ mean + by_log_std @ log_std

    @wrong("no scalar")
    def per_draw(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        return (f - others) * Normal(mean, log_std.exp()).log_prob(z).sum(1)

    @wrong("a gradient through the draws")
    def z_kept(z, mean, log_std, f):
        f = f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        return ((f - others) * Normal(mean, log_std.exp()).log_prob(z).sum(1)).mean()

    @wrong("a gradient through the values of f")
    def f_kept(z, mean, log_std, f):
        z = z.detach()
        others = (f.sum() - f) / (len(f) - 1)
        return ((f - others) * Normal(mean, log_std.exp()).log_prob(z).sum(1)).mean()

    @wrong("a gradient through the values of f")
    def baseline_detached_only(z, mean, log_std, f):
        z = z.detach()
        others = ((f.sum() - f) / (len(f) - 1)).detach()
        return ((f - others) * Normal(mean, log_std.exp()).log_prob(z).sum(1)).mean()

    @wrong("no baseline")
    def plain(z, mean, log_std, f):
        log_q = Normal(mean, log_std.exp()).log_prob(z.detach()).sum(1)
        return (f.detach() * log_q).mean()

    @wrong("no baseline")
    def divided_by_k(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / len(f)
        return ((f - others) * Normal(mean, log_std.exp()).log_prob(z).sum(1)).mean()

    @wrong("own value in the baseline")
    def batch_mean(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        log_q = Normal(mean, log_std.exp()).log_prob(z).sum(1)
        return ((f - f.mean()) * log_q).mean()

    @wrong("sum over the draws")
    def summed(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        return ((f - others) * Normal(mean, log_std.exp()).log_prob(z).sum(1)).sum()

    @wrong("mean over the dimensions")
    def mean_of_log_q(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        return ((f - others) * Normal(mean, log_std.exp()).log_prob(z).mean(1)).mean()

    @wrong("sign flipped")
    def as_a_loss(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        return -((f - others) * Normal(mean, log_std.exp()).log_prob(z).sum(1)).mean()

    @wrong("values of f standardized")
    def divided_by_the_spread(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        f = (f - f.mean()) / f.std()
        return (f * Normal(mean, log_std.exp()).log_prob(z).sum(1)).mean()

    @wrong("log_std read as log variance")
    def half(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        log_q = Normal(mean, (log_std / 2).exp()).log_prob(z).sum(1)
        return ((f - others) * log_q).mean()

    @wrong("log_std cut off from the graph")
    def fixed_width(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        log_q = Normal(mean, log_std.exp().detach()).log_prob(z).sum(1)
        return ((f - others) * log_q).mean()

    @wrong("mean cut off from the graph")
    def fixed_mean(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        log_q = Normal(mean.detach(), log_std.exp()).log_prob(z).sum(1)
        return ((f - others) * log_q).mean()

    @wrong("sum over the draws")
    def divided_by_k_minus_one(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        log_q = Normal(mean, log_std.exp()).log_prob(z).sum(1)
        return ((f - others) * log_q).sum() / (len(f) - 1)

    @wrong("width left out of the score")
    def without_scale(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        return ((f - others) * (-0.5 * (z - mean) ** 2 - log_std).sum(1)).mean()

    @wrong("density in place of its logarithm")
    def by_density(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        others = (f.sum() - f) / (len(f) - 1)
        q = Normal(mean, log_std.exp()).log_prob(z).sum(1).exp()
        return ((f - others) * q).mean()

    @wrong("baseline from other values")
    def the_next_value(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        log_q = Normal(mean, log_std.exp()).log_prob(z).sum(1)
        return ((f - f.roll(1)) * log_q).mean()

    @wrong("baseline from other values")
    def median(z, mean, log_std, f):
        z, f = z.detach(), f.detach()
        log_q = Normal(mean, log_std.exp()).log_prob(z).sum(1)
        return ((f - f.median()) * log_q).mean()
