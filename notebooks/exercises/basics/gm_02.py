"""Versions of exercise gm-02."""

import math

import torch
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from .. import reference, right, wrong


class Gm02:
    @reference
    def mixture_log_prob(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()  # (b, k, d)
        constant = 0.5 * math.log(2 * math.pi)
        each = (-0.5 * eps**2 - log_stds - constant).sum(-1)  # (b, k)
        return (log_w + each).logsumexp(-1)

    @right
    def by_distributions(x, log_w, means, log_stds):
        parts = Independent(Normal(means, log_stds.exp()), 1)
        return MixtureSameFamily(Categorical(logits=log_w), parts).log_prob(x)

    @right
    def by_multivariate_normal(x, log_w, means, log_stds):
        factor = torch.diag_embed(log_stds.exp())
        parts = MultivariateNormal(means, scale_tril=factor)
        return torch.logsumexp(parts.log_prob(x[:, None]) + log_w, 1)

    @right
    def by_loops(x, log_w, means, log_stds):
        out = None
        for j in range(len(log_w)):
            total = log_w[j]
            for i in range(x.shape[1]):
                z = (x[:, i] - means[j, i]) * (-log_stds[j, i]).exp()
                total = total - 0.5 * z * z - log_stds[j, i]
                total = total - 0.5 * math.log(2 * math.pi)
            out = total if out is None else torch.logaddexp(out, total)
        return out

    @right
    def by_hand(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w
        top = each.amax(1, keepdim=True).detach()
        return (each - top).exp().sum(1).log() + top[:, 0]

    @wrong("logarithms averaged")
    def averaged(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return each @ log_w.exp()

    @wrong("weights left out")
    def unweighted(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return each.logsumexp(1)

    @wrong("weights left out")
    def equal_weights(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return each.logsumexp(1) - math.log(len(log_w))

    @wrong("weights used as logarithms")
    def log_of_log(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each + log_w.abs().log()).logsumexp(1)

    @wrong("best component only")
    def maximum(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each + log_w).amax(1)

    @wrong("standard deviations read as variances")
    def half(x, log_w, means, log_stds):
        each = Normal(means, (log_stds / 2).exp()).log_prob(x[:, None]).sum(2)
        return (each + log_w).logsumexp(1)

    @wrong("log_stds left out of the normalizer")
    def without_log_std(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - 0.5 * math.log(2 * math.pi)).sum(-1)
        return (log_w + each).logsumexp(-1)

    @wrong("mean over the dimensions")
    def mean(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).mean(2)
        return (each + log_w).logsumexp(1)

    @wrong("constant left out")
    def without_constant(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        return (log_w + (-0.5 * eps**2 - log_stds).sum(-1)).logsumexp(-1)

    @wrong("constant counted once")
    def one_constant(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - log_stds).sum(-1) - 0.5 * math.log(2 * math.pi)
        return (log_w + each).logsumexp(-1)

    @wrong("negative log-likelihood returned")
    def loss(x, log_w, means, log_stds):
        return -Gm02.mixture_log_prob(x, log_w, means, log_stds)

    @wrong("logarithm of an underflown density")
    def naive(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each.exp() @ log_w.exp()).log()

    @wrong("small number added to the density")
    def with_eps(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2)
        return (each.exp() @ log_w.exp() + 1e-12).log()

    @wrong("component chosen for each dimension")
    def product_of_mixtures(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None])
        return (each + log_w[:, None]).logsumexp(1).sum(1)

    @wrong("small number added to the density")
    def clamped(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w, means, log_stds).clamp(min=-2e4)

    @wrong("components not summed")
    def per_component(x, log_w, means, log_stds):
        return Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w

    @right
    def by_expanded_squares(x, log_w, means, log_stds):
        x, m, inverse = x.double(), means.double(), (-2 * log_stds).double().exp()
        square = x**2 @ inverse.T - 2 * x @ (m * inverse).T + (m**2 * inverse).sum(1)
        norm = log_stds.sum(1) + 0.5 * x.shape[1] * math.log(2 * math.pi)
        return torch.logsumexp(log_w - 0.5 * square - norm, 1).float()

    @wrong("gradient cut off")
    @torch.no_grad()
    def without_gradient(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w, means, log_stds)

    @wrong("gradient cut off")
    def shift_detached_once(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w
        top = each.amax(1, keepdim=True)
        return (each - top).exp().sum(1).log() + top[:, 0].detach()

    @wrong("logarithm of an underflown density")
    def one_shift_for_all(x, log_w, means, log_stds):
        each = Normal(means, log_stds.exp()).log_prob(x[:, None]).sum(2) + log_w
        top = each.max()
        return (each - top).exp().sum(1).log() + top

    @wrong("constant counted once")
    def constant_of_the_plane(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - log_stds).sum(-1) - math.log(2 * math.pi)
        return (log_w + each).logsumexp(-1)

    @wrong("factor one half lost")
    def whole_square(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-(eps**2) - log_stds - 0.5 * math.log(2 * math.pi)).sum(-1)
        return (log_w + each).logsumexp(-1)

    @wrong("not the density of a Gaussian")
    def width_of_one_axis(x, log_w, means, log_stds):
        eps = (x[:, None] - means) / log_stds.exp()
        each = (-0.5 * eps**2 - log_stds[:, :1] - 0.5 * math.log(2 * math.pi)).sum(-1)
        return (log_w + each).logsumexp(-1)

    @wrong("densities not mixed by their weights")
    def mean_over_components(x, log_w, means, log_stds):
        out = Gm02.mixture_log_prob(x, log_w, means, log_stds)
        return out - math.log(len(log_w))

    @wrong("weights used as logarithms")
    def plain_weights(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w.exp(), means, log_stds)

    @wrong("wrong shape")
    def squeezed(x, log_w, means, log_stds):
        return Gm02.mixture_log_prob(x, log_w, means, log_stds).squeeze()
