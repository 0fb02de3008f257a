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

from .. import build, edits, reference, right, wrong


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

    @right
    def by_expanded_squares(x, log_w, means, log_stds):
        x, m, inverse = x.double(), means.double(), (-2 * log_stds).double().exp()
        square = x**2 @ inverse.T - 2 * x @ (m * inverse).T + (m**2 * inverse).sum(1)
        norm = log_stds.sum(1) + 0.5 * x.shape[1] * math.log(2 * math.pi)
        return torch.logsumexp(log_w - 0.5 * square - norm, 1).float()

    edited = edits(
        mixture_log_prob,
        """
    logarithms averaged | (log_w + each).logsumexp(-1) -> each @ log_w.exp()
    weights left out | log_w + each -> each
    weights left out | (log_w + each).logsumexp(-1)
        -> each.logsumexp(-1) - math.log(len(log_w))
    weights used as logarithms | log_w + each -> log_w.exp() + each
    weights used as logarithms | log_w + each -> log_w.abs().log() + each
    best component only | logsumexp -> amax
    divided by the number of components
        | logsumexp(-1) -> logsumexp(-1) - math.log(len(log_w))
    log_std read as log variance
        | / log_stds.exp() -> / (log_stds / 2).exp() | - log_stds - -> - log_stds / 2 -
    log_stds wrong in the normalizer | - log_stds - constant -> - constant
    log(2 pi) left out | - log_stds - constant -> - log_stds
    one half lost in the normalizer
        | - log_stds - constant -> - 2 * (log_stds + constant)
    one half lost in the normalizer | - log_stds - constant -> - log_stds - 2 * constant
    constant left out | - log_stds - constant -> - log_stds + constant
    another exponent | -0.5 * eps**2 -> -0.5 * eps.abs()
    another exponent | / log_stds.exp() -> * log_stds.exp()
    another function than exp | eps = -> log_stds = -log_stds; eps =
    floor under the variance
        | eps = -> log_stds = (log_stds.mul(2).exp() + 1e-2).log() / 2; eps =
    one width for all dimensions
        | eps = -> log_stds = log_stds.mean(1, True).expand_as(log_stds); eps =
    logarithms added up | logsumexp -> sum
    log-densities multiplied by weights | log_w + each -> log_w.exp() * each
    axes exchanged | constant).sum(-1) -> constant)
        | (log_w + each).logsumexp(-1) -> (log_w + each.logsumexp(-1)).sum(-1)
    shift not put back | each = ( -> each = log_w + (
        | (log_w + each).logsumexp(-1) -> (each - each.amax(1)[:, None]).logsumexp(-1)
    one Gaussian in place of the mixture | (log_w + each) -> each
        | eps = -> w = log_w.exp()[:, None]; means = (w * means).sum(0, True); eps =
        | constant = 0.5 -> log_stds = (w * log_stds).sum(0, True); constant = 0.5
        | / log_stds.exp() -> / (w * log_stds).sum(0, True).exp()
    cut off far away | logsumexp(-1) -> logsumexp(-1).clamp(max=0)
    constant left out | return -> return 0.5 +
    constant counted once
        | constant).sum(-1) -> 0).sum(-1) - constant
    constant counted once | constant).sum(-1) -> 0).sum(-1) - 2 * constant
    factor one half lost | -0.5 * eps -> -(eps | **2 - -> **2) -
    one width for all dimensions | - log_stds - -> - log_stds[:, :1] -
    mean over the dimensions | constant).sum -> constant).mean
    dimensions left out | constant).sum -> constant)[..., :-1].sum
    sign flipped | return -> return -
    underflow to zero
        | (log_w + each).logsumexp(-1) -> (each.exp() @ log_w.exp()).log()
    underflow to zero | (log_w + each).logsumexp(-1)
        -> (log_w + each).double().exp().sum(-1).log()
    one shift for all examples | (log_w + each).logsumexp(-1)
        -> (log_w + each - each.max()).double().exp().sum(-1).log() + each.max()
    small number added to the density
        | (log_w + each).logsumexp(-1) -> (each.exp() @ log_w.exp() + 1e-12).log()
    cut off far away | logsumexp(-1) -> logsumexp(-1).clamp(min=-2e4)
    cut off far away | / log_stds.exp() -> / log_stds.exp(); eps = eps.clamp(-30, 30)
    log_stds wrong in the normalizer | - log_stds - constant -> + log_stds - constant
    another function than exp
        | eps = -> log_stds = log_stds.abs().log(); eps =
    divided by the standard deviation once | / log_stds.exp() -> / (log_stds / 2).exp()
    density in place of its logarithm | logsumexp(-1) -> logsumexp(-1).exp()
    weights counted in each dimension | log_w + each -> x.shape[1] * log_w + each
    one width for all components | eps = -> log_stds = log_stds[:1]; eps =
    components left out | (log_w + each) -> (log_w + each)[:, :2]
    components left out | (log_w + each) -> (log_w + each)[:, log_w > -4.6]
    statistics of the batch
        | eps = -> x, means = x - x.mean(0), means - means.mean(0); eps =
    floor under the standard deviation
        | eps = -> log_stds = log_stds.clamp(min=-2); eps =
    floor under the standard deviation
        | eps = -> log_stds = (log_stds.exp() + 1e-3).log(); eps =
    ceiling on the variance | eps = -> log_stds = log_stds.clamp(max=2); eps =
    root of a squared distance | eps**2 - log_stds - constant).sum(-1)
        -> eps.square().sum(-1).sqrt() ** 2 - (log_stds + constant).sum(-1))
    product of hundreds of factors | (-0.5 * eps**2 - log_stds - constant).sum(-1)
        -> -0.5 * (eps**2).sum(-1) - (log_stds + constant).exp().prod(-1).log()
    exponential that overflows | (log_w + each).logsumexp(-1)
        -> (each + log_w - (m := each.mean(1))[:, None]).exp().sum(-1).log() + m
    component chosen for each dimension | constant).sum(-1) -> constant)
        | (log_w + each).logsumexp(-1) -> (log_w[:, None] + each).logsumexp(1).sum(-1)
    wrong shape | .logsumexp(-1) ->
    cut off from the graph | return -> with torch.no_grad(): return
    cut off from the graph | return (log_w -> top = each.amax(1); return (log_w
        | each).logsumexp(-1) -> each - top[:, None]).exp().sum(1).log() + top.detach()
    batch axis lost | logsumexp(-1) -> logsumexp(-1).squeeze()
    difference of large numbers | = (x[:, None] -> = ((x := x[:, None])
        | eps**2 -> (x**2 - 2 * x * means + means**2) / log_stds.exp() ** 2
    """,
    )

    @wrong("result of an earlier call")
    @build
    def normalizer_kept():
        kept = {}

        def mixture_log_prob(x, log_w, means, log_stds):
            norm = log_stds.sum(1) + means.shape[1] * 0.5 * math.log(2 * math.pi)
            norm = kept.setdefault(means.shape, norm - log_w)
            square = ((x[:, None] - means) / log_stds.exp()).square().sum(2)
            return (-square / 2 - norm).logsumexp(1)

        return mixture_log_prob
