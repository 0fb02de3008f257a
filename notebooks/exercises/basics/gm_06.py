"""Versions of exercise gm-06."""

import math

import numpy as np
import torch
from torch.distributions import Categorical, MixtureSameFamily, Normal

from .. import build, edits, reference, right, wrong


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

    @right
    def by_numpy(x, w, means, stds):
        x, w, means, stds = (v.double().numpy() for v in (x, w, means, stds))
        logs = np.log(w / stds) - ((x[:, None] - means) / stds) ** 2 / 2
        r = np.exp(logs - np.logaddexp.reduce(logs, axis=1)[:, None])
        return torch.tensor((r * (x[:, None] - means) / stds**2).sum(0))

    edited = edits(
        mean_gradient,
        """
    weights left out | w.log() - stds -> -stds
    weights added, not their logarithms | w.log() -> w
    weights counted otherwise | return (r -> return (w * r
    weights counted otherwise | w.log() -> 2 * w.log()
    another power of the standard deviation | / stds).sum -> ).sum
    another power of the standard deviation | / stds).sum -> * stds).sum
    sign flipped | return -> return -
    mean over the data | .sum(0) -> .mean(0)
    mean over the data | .sum(0) -> .sum(0) / r.sum(0)
    factor one half lost | 0.5 * gap -> gap
    standard deviation taken as a variance | gap = -> stds = stds.sqrt(); gap =
    points given to their best component
        | softmax(1) -> argmax(1)[:, None] == torch.arange(len(w))
    every point pulls with full force | return (r * -> return (
    every point pulls with full force | return (r * -> return (w *
    normalized over the data | softmax(1) -> softmax(0)
    responsibilities not normalized
        | softmax(1) -> exp() / math.sqrt(2 * math.pi)
    widths left out of the responsibilities | - stds.log() ->
    M-step in place of the gradient | (r * gap / stds).sum(0) -> r.T @ x / r.sum(0)
    underflow to zero | softmax(1) -> exp()
        | return -> r = r / r.sum(1)[:, None]; return
    lost far away | softmax(1) -> double().exp()
        | return -> r = r / (r.sum(1)[:, None] + 1e-300); return
    all alike far away | softmax(1) -> exp() + 1e-30
        | return -> r = r / r.sum(1)[:, None]; return
    one shift for all examples | softmax(1) -> double()
        | return -> r = (r - r.max()).exp(); r = r / r.sum(1)[:, None]; return
    off by a factor of two | return -> return 0.5 *
    another power of the standard deviation | gap / stds).sum -> gap / stds**2).sum
    one width for all components | gap / stds).sum -> gap * stds / stds[0] ** 2).sum
    responsibilities not normalized
        | w.log() - stds -> -stds | softmax(1) -> softmax(1) * w
    log-deviation enters otherwise | - stds.log() -> + stds.log()
    deviations taken as logarithms | gap = -> stds = stds.exp(); gap =
    square of x left out | - 0.5 * gap**2
        -> - (means**2 / 2 - x[:, None] * means) / stds**2
    derivative in another parameter | gap / stds).sum -> (gap**2 - 1) / stds).sum
    derivative in another parameter | (r * gap / stds).sum(0) -> r.sum(0) / w
    difference not as it is | (r * gap / -> (r * gap.abs() /
    another mean subtracted | gap = -> x = x - x.mean(); gap =
    another power of the shares | (r * gap -> (r**2 * gap
    components left out
        | gap**2).softmax(1) -> gap**2 + torch.tensor([0.0, 0.0, -1e3])).softmax(1)
    weights left out above | return (r -> return (r / w
    factor 1 - r | (r * gap -> (r * (1 - r) * gap
    cut off far away | / stds  # (n, k) -> / stds; gap = gap.clamp(-10, 10)
    differences in place of derivatives | return -> return 1.01 *
    difference of large numbers | (r * gap / stds).sum(0)
        -> (r.T @ x - means * r.sum(0)) / stds**2
    difference of large numbers | 0.5 * gap**2
        -> 0.5 * (x[:, None] ** 2 - 2 * x[:, None] * means + means**2) / stds**2
    """,
    )

    @wrong("all alike far away")
    def nearest_mean_where_zero(x, w, means, stds):
        p = Normal(means, stds).log_prob(x[:, None]).exp() * w
        near = (x[:, None] - means).abs().argmin(1)[:, None] == torch.arange(len(w))
        total = p.sum(1, keepdim=True)
        r = torch.where(total > 0, p / total, near)
        return (r * (x[:, None] - means) / stds**2).sum(0)

    @wrong("result of an earlier call")
    @build
    def responsibilities_kept():
        kept = {}

        def mean_gradient(x, w, means, stds):
            gap = (x[:, None] - means) / stds
            new = (w.log() - stds.log() - 0.5 * gap**2).softmax(1)
            return (kept.setdefault(new.shape, new) * gap / stds).sum(0)

        return mean_gradient
