"""Versions of exercise vae-11."""

import math

import torch
from torch.distributions import (
    Normal,
)

from .. import edits, reference, right


class Vae11:
    r"""
    With one draw the weight is 1, and the estimate is the gradient of the ELBO without
    the score of $q$, whose mean is zero. The experiment gave, of $10^5$ estimates each:

    | k | mean | std, plain | std, this one | mean/std, plain | mean/std, this one |
    |---|---|---|---|---|---|
    | 1 | 2.91 | 6.8 | 4.3 | 0.43 | 0.68 |
    | 10 | 0.106 | 1.33 | 0.118 | 0.079 | 0.90 |
    | 100 | 0.0095 | 0.40 | 0.0032 | 0.024 | 3.0 |
    | 1000 | 0.00094 | 0.125 | 0.00010 | 0.008 | 9.6 |

    The gradient itself shrinks like $1/k$, since the bound grows tight for any $q$. The
    noise of the plain estimate shrinks like $1/\sqrt k$ only, so that with many draws
    its sign is a coin's; that of this one shrinks faster than the gradient, and the
    ratio grows like $\sqrt k$. Where $q$ is the posterior, every $\nabla_z \log w_i$ is
    zero, and so is each estimate: no noise is left at the optimum.
    """

    @reference
    def doubly_reparameterized(mean, log_std, eps, log_joint):
        z = mean + log_std.exp() * eps
        fixed = torch.distributions.Normal(mean.detach(), log_std.exp().detach())
        log_w = log_joint(z) - fixed.log_prob(z).sum(1)
        share = log_w.softmax(0).detach()
        return (share**2 * log_w).sum()

    @right
    def by_hand(mean, log_std, eps, log_joint):
        z = (mean + log_std.exp() * eps).detach().requires_grad_()
        e = (z - mean.detach()) / log_std.detach().exp()
        log_w = log_joint(z) + (0.5 * e**2 + log_std.detach()).sum(1)
        slope = torch.autograd.grad(log_w.sum(), z)[0]
        weight = torch.exp(2 * (log_w - log_w.logsumexp(0)).detach())
        return (weight[:, None] * slope * (mean + log_std.exp() * eps)).sum()

    @right
    def by_loops(mean, log_std, eps, log_joint):
        q = Normal(mean.detach(), log_std.detach().exp())
        rows = [mean + log_std.exp() * e for e in eps]
        log_w = [log_joint(z[None])[0] - q.log_prob(z).sum() for z in rows]
        top = max(float(v.detach()) for v in log_w)
        weights = [math.exp(float(v.detach()) - top) for v in log_w]
        total = sum(weights)
        return sum((w / total) ** 2 * v for w, v in zip(weights, log_w))

    @right
    def in_double(mean, log_std, eps, log_joint):
        m, r = mean.double(), log_std.double()
        z = m + r.exp() * eps.double()
        q = Normal(m.detach(), r.detach().exp())
        log_w = log_joint(z) - q.log_prob(z).sum(1)
        return (log_w.softmax(0).square().detach() * log_w).sum()

    @right
    def by_a_difference(mean, log_std, eps, log_joint):
        z = mean + log_std.exp() * eps
        with torch.no_grad():
            q = Normal(mean, log_std.exp())
            square = (log_joint(z) - q.log_prob(z).sum(1)).softmax(0).square()
        pull = ((z - mean.detach()) / log_std.detach().exp()).square().sum(1) / 2
        return square @ (log_joint(z) + pull)

    edited = edits(
        doubly_reparameterized,
        """
    no scalar | .sum() ->
    gradient of the bound itself | return (share**2 * log_w).sum()
        -> return log_w.logsumexp(0) | mean.detach() -> mean
        | .exp().detach() -> .exp()
    weights not squared | share**2 -> share
    q not held fixed | mean.detach() -> mean | .exp().detach() -> .exp()
    a gradient through the weights | .softmax(0).detach() -> .softmax(0)
    a gradient through the weights | .softmax(0).detach() -> .softmax(0)
        | mean.detach() -> mean | .exp().detach() -> .exp()
    draws cut off from the graph | * eps -> * eps; z = z.detach()
        | mean.detach() -> mean | .exp().detach() -> .exp()
    weights not normalized | log_w.softmax(0) -> log_w.exp()
    weights not normalized | log_w.softmax(0) -> (log_w - log_w.max()).exp()
    equal weights | share**2 * log_w -> log_w / len(log_w)
    equal weights | share**2 * log_w -> log_w / len(log_w) ** 2
    mean over the draws | (share**2 * log_w).sum() -> (share**2 * log_w).mean()
    q left out | - fixed.log_prob(z).sum(1) ->
    log_q added | - fixed -> + fixed
    mean over the dimensions | .sum() -> .sum() / z.shape[1]
    another width than exp(log_std) | eps, log_joint): -> eps, log_joint, half=0.5):
        | z = -> log_std = half * log_std; z =
    sign flipped | return -> return -
    overflow | log_w.softmax(0)
        -> ((log_w - log_w.mean()).exp() / (log_w - log_w.mean()).exp().sum())
    underflow | log_w.softmax(0) -> (log_w.exp() / log_w.exp().sum())
    log_std cut off from the graph | + log_std.exp() -> + log_std.exp().detach()
    another power of the weights | share**2 -> share**3
    some draws left out | share**2 * log_w -> (share == share.max()) * log_w
    squares normalized | share**2 * -> share**2 / (share**2).sum() *
    the sum squared | (share**2 * log_w).sum() -> (share * log_w).sum() ** 2
    slope of log p alone | (share**2 * log_w) -> (share**2 * log_joint(z))
    another density in place of q | .log_prob(z).sum(1) -> .log_prob(z).mean(1)
    prior counted twice | fixed.log_prob(z).sum(1)
        -> (fixed.log_prob(z) + z**2 / 2).sum(1)
    cut off from the graph | return (share**2 * log_w).sum()
        -> return (share**2 * log_w).sum().detach() + 0 * mean.sum()
    log q of shape (k, 1) | .log_prob(z).sum(1) -> .log_prob(z).sum(1, True)
    a bound on the logarithms | log_w.softmax(0) -> log_w.clamp(-80, 80).softmax(0)
    mean over the draws | share**2 -> len(eps) * share**2
    another result for the same input | * eps -> * torch.randn_like(eps)
    cut off from the graph | = log_joint(z) -> = log_joint(z.detach())
    input changed in place | log_std.exp() * eps -> log_std.exp() * eps.mul_(1.5)
    """,
    )
