"""Versions of exercise gm-06."""

import math

import numpy as np
import torch
from torch.distributions import (
    Categorical,
    MixtureSameFamily,
    Normal,
)
from torch.nn import functional as F

from .. import reference, right, wrong


class Gm06:
    r"""With $r_{ij}$ the responsibilities,

    $$
    \frac{\partial}{\partial \mu_j} \log \sum_l \pi_l\, \mathcal N(x; \mu_l, \sigma_l^2)
      = \frac{\pi_j\, \mathcal N(x; \mu_j, \sigma_j^2)}{p(x)} \cdot
        \frac{x - \mu_j}{\sigma_j^2} = r_j\, \frac{x - \mu_j}{\sigma_j^2} .
    $$

    Set the sum over the data to zero with $r$ held fixed, and the M-step's mean comes
    out: EM jumps to where this gradient would vanish if the responsibilities stayed as
    they are."""

    @reference
    def mean_gradient(x, w, means, stds):
        gap = (x[:, None] - means) / stds  # (n, k)
        r = (w.log() - stds.log() - 0.5 * gap**2).softmax(1)
        return (r * gap / stds).sum(0)

    @right
    def by_autograd(x, w, means, stds):
        with torch.enable_grad():
            m = means.detach().clone().requires_grad_()
            parts = MixtureSameFamily(Categorical(w), Normal(m, stds))
            return torch.autograd.grad(parts.log_prob(x).sum(), m)[0]

    @right
    def by_loops(x, w, means, stds):
        out = torch.zeros(len(w))
        for value in x:
            logs = [
                math.log(a)
                - math.log(s)
                - float((value - m) ** 2) / (2 * float(s) ** 2)
                for a, m, s in zip(w, means, stds)
            ]
            top = max(logs)
            total = sum(math.exp(v - top) for v in logs)
            for j, v in enumerate(logs):
                share = math.exp(v - top) / total
                out[j] += share * float(value - means[j]) / float(stds[j]) ** 2
        return out

    @right
    def by_normal(x, w, means, stds):
        each = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = (each - each.logsumexp(1, keepdim=True)).exp()
        return torch.einsum("nk,nk->k", r, x[:, None] - means) / stds**2

    @wrong("weights left out of the responsibilities")
    def unweighted(x, w, means, stds):
        r = Normal(means, stds).log_prob(x[:, None]).softmax(1)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("divided by the standard deviation once")
    def by_std(x, w, means, stds):
        return Gm06.mean_gradient(x, w, means, stds) * stds

    @wrong("not divided by the variance")
    def undivided(x, w, means, stds):
        return Gm06.mean_gradient(x, w, means, stds) * stds**2

    @wrong("sign flipped")
    def negative(x, w, means, stds):
        return -Gm06.mean_gradient(x, w, means, stds)

    @wrong("mean over the data")
    def averaged(x, w, means, stds):
        return Gm06.mean_gradient(x, w, means, stds) / len(x)

    @wrong("points given to their best component")
    def hard(x, w, means, stds):
        each = Normal(means, stds).log_prob(x[:, None]) + w.log()
        r = F.one_hot(each.argmax(1), len(w)).to(x)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("every point pulls with full force")
    def all_points(x, w, means, stds):
        return ((x[:, None] - means) / stds**2).sum(0)

    @wrong("every point pulls with full force")
    def prior_weights(x, w, means, stds):
        return (w * (x[:, None] - means) / stds**2).sum(0)

    @wrong("normalized over the data")
    def wrong_axis(x, w, means, stds):
        r = (Normal(means, stds).log_prob(x[:, None]) + w.log()).softmax(0)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("widths left out of the responsibilities")
    def without_widths(x, w, means, stds):
        eps = (x[:, None] - means) / stds
        r = (w.log() - 0.5 * eps**2).softmax(1)
        return (r * eps / stds).sum(0)

    @wrong("underflow to zero")
    def naive(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        r = p / p.sum(1, keepdim=True)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("underflow to zero")
    def with_eps(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        r = p / (p.sum(1, keepdim=True) + 1e-30)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @right
    def by_numpy(x, w, means, stds):
        x, w, means, stds = (v.double().numpy() for v in (x, w, means, stds))
        logs = np.log(w / stds) - ((x[:, None] - means) / stds) ** 2 / 2
        r = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])
        return torch.tensor((r * (x[:, None] - means) / stds**2).sum(0))

    @wrong("underflow to zero")
    def eps_above_and_below(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        r = (p + 1e-30) / (p.sum(1, keepdim=True) + 1e-30)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("underflow to zero")
    def nearest_mean_where_zero(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        near = F.one_hot((x[:, None] - means).abs().argmin(1), len(w)).to(x)
        total = p.sum(1, keepdim=True)
        r = torch.where(total > 0, p / total, near)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("weights added, not their logarithms")
    def plain_weights(x, w, means, stds):
        r = (Normal(means, stds).log_prob(x[:, None]) + w).softmax(1)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("not the derivative")
    def weighted_again(x, w, means, stds):
        return w * Gm06.mean_gradient(x, w, means, stds)

    @wrong("not the derivative")
    def new_means(x, w, means, stds):
        r = (Normal(means, stds).log_prob(x[:, None]) + w.log()).softmax(1)
        return r.T @ x / r.sum(0)
