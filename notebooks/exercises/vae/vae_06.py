"""Versions of exercise vae-06."""

import torch
from torch.distributions import (
    Normal,
)

from .. import build, edits, reference, right, wrong


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
        normal = torch.distributions.Normal(mean, log_std.exp())
        log_q = normal.log_prob(z).sum(1)
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

    edited = edits(
        score_surrogate,
        """
    no scalar | .mean() ->
    no scalar | .mean() -> .mean(0, keepdim=True)
    a gradient through the draws | z.detach() -> z
    a gradient through the values of f | f.detach() -> f
    a gradient through the values of f | f.detach() -> f
        | len(f) - 1) -> len(f) - 1); others = others.detach()
    no baseline | f - others -> f
    own value in the baseline | - others -> - f.mean()
    sum over the draws | .mean() -> .sum()
    divided by another number of draws | .mean() -> .sum() / (len(f) - 1)
    divided by another number of draws | .mean() -> .mean() / len(f)
    mean over the dimensions | .sum(1) -> .mean(1)
    sum over the draws | .sum(1) -> .mean(1) | * log_q).mean() -> * log_q).sum()
    sign flipped | return -> return -
    values of f standardized | (f - others) -> ((f - f.mean()) / f.std())
    values of f standardized | (f - others) -> ((f - others) / f.std(correction=0))
    score divided by s, not by s² | log_std.exp() -> (log_std / 2).exp()
    log_std cut off from the graph | log_std.exp() -> log_std.exp().detach()
    mean cut off from the graph | Normal(mean -> Normal(mean.detach()
    width left out of the score
        | normal.log_prob(z) -> (-0.5 * (z - mean) ** 2 - log_std)
    density in place of its logarithm | .sum(1) -> .sum(1).exp()
    underflow to zero | .log_prob(z).sum(1) -> .log_prob(z).exp().prod(1).log()
    log q cut off below | .sum(1) -> .sum(1).clamp(min=-100)
    log_std cut off at a bound | log_std.exp() -> log_std.clamp(-2, 2).exp()
    difference of large numbers | normal.log_prob(z)
        -> (-(z**2 - 2 * z * mean + mean**2) / (2 * (2 * log_std).exp()) - log_std)
    baseline from other values | - others -> - f.roll(1)
    one baseline for all draws | - others -> - f.median()
    one baseline for all draws | - others -> - f[0]
    one baseline for all draws | - others -> - f.max()
    one baseline for all draws | - others -> - (f * f).sum() / f.sum()
    sum of the others divided by another number | (len(f) - 1) -> len(f)
    sum of the others divided by another number | / (len(f) - 1) ->
    own value left in the sum | (f.sum() - f) / -> f.sum() /
    score divided by another power of s | log_std.exp() -> (2 * log_std).exp()
    baseline from other values | - others -> - f[1:].mean()
    own value taken from the mean | - others -> - (f.mean() - f)
    log q taken into f | (f - others) -> (f - others - log_q.detach())
    weights in place of differences | (f - others) -> f.softmax(0)
    another function of f | f.detach() -> f.detach().abs()
    another function of f | f.detach() -> f.detach().exp()
    f - b cut off | (f - others) -> (f - others).tanh()
    another factor at each score | (f - others) -> (f - 0.7 * others - 0.1 * f.roll(1))
    draws left out | (f - others) -> (f - others) * (torch.arange(len(f)) > 0)
    square of log q | * log_q) -> * log_q**2)
    sum of densities in place of their product | .sum(1) -> .logsumexp(1)
    product over the dimensions | .sum(1) -> .prod(1)
    softplus in place of exp | log_std.exp() -> F.softplus(log_std)
    sign of log_std flipped | log_std.exp() -> (-log_std).exp()
    f left out | (f - others) * -> 1 *
    f left out | (f - others) -> -others
    another function of f | (f - others) -> (f - others) ** 2
    the score of another density | distributions.Normal -> distributions.Cauchy
    the score of another density | normal.log_prob(z)
        -> (-(z - mean).abs() / log_std.exp() - log_std)
    baseline added | f - others -> f + others
    score lost | z.detach(), -> ((z - mean) / log_std.exp()).detach(),
        | normal = -> z = mean + log_std.exp() * z; normal =
    score lost | Normal(mean -> Normal(mean.detach() + 0 * mean
    score lost | ((f - others) * -> ((f - others)[:, None] *
    values paired with other draws | * log_q) -> * log_q.roll(1))
    another result for the same input
        | normal = -> z = z + torch.randn_like(z); normal =
    f - b cut off | (f - others) -> (f - others).clamp(-1, 1)
    log_std used as the standard deviation | log_std.exp() -> log_std.abs()
    another width in the score | log_std.exp() -> (log_std.exp() + 1e-3)
    another width in the score | log_std.exp() -> (log_std.abs() + 1e-3)
    dimensions left out | .sum(1) -> [:, 0]
    off by a factor of two | return ( -> return 2 * (
    input changed in place | f - others -> f.sub_(others)
    """,
    )

    @wrong("result of an earlier call")
    @build
    def baseline_kept():
        kept = {}

        def score_surrogate(z, mean, log_std, f):
            z, f, k = z.detach(), f.detach(), len(f)
            others = kept.setdefault(k, (f.sum() - f) / (k - 1))
            log_q = Normal(mean, log_std.exp()).log_prob(z).sum(1)
            return ((f - others) * log_q).mean()

        return score_surrogate
