"""Versions of exercise vae-02."""

import math

import torch
from torch.distributions import (
    Bernoulli,
    Independent,
    Normal,
)
from torch.nn import functional as F

from .. import reference, right, wrong


class Vae02:
    @reference
    def bernoulli_log_prob(logits, x):
        return (x * logits - F.softplus(logits)).sum(-1)

    @right
    def by_distributions(logits, x):
        return Bernoulli(logits=logits).log_prob(x.expand_as(logits)).sum(-1)

    @right
    def by_cross_entropy(logits, x):
        loss = F.binary_cross_entropy_with_logits(
            logits, x.expand_as(logits), reduction="none"
        )
        return -loss.sum(-1)

    @right
    def by_sign(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1)

    @right
    def by_loops(logits, x):
        k, b, d = logits.shape
        out = torch.zeros(k, b)
        for i in range(k):
            for j in range(b):
                for p in range(d):
                    chosen = logits[i, j, p] if x[j, p] == 1 else -logits[i, j, p]
                    out[i, j] = out[i, j] + F.logsigmoid(chosen)
        return out

    @right
    def by_einsum(logits, x):
        on = torch.einsum("kbd,bd->kb", F.logsigmoid(logits), x)
        return on + torch.einsum("kbd,bd->kb", F.logsigmoid(-logits), 1 - x)

    @right
    def by_log_softmax(logits, x):
        both = torch.stack([torch.zeros_like(logits), logits], -1).log_softmax(-1)
        index = x.long().expand(logits.shape)[..., None]
        return both.gather(-1, index).squeeze(-1).sum(-1)

    @right
    def by_repeated_rows(logits, x):
        k, b, d = logits.shape
        rows = Independent(Bernoulli(logits=logits.reshape(k * b, d)), 1)
        return rows.log_prob(x.repeat(k, 1)).view(k, b)

    @right
    def in_double(logits, x):
        right_side = torch.where(x > 0, logits, -logits).double()
        return right_side.sigmoid().log().sum(-1).float()

    @wrong("mean over the pixels")
    def mean_over_pixels(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).mean(-1)

    @wrong("not summed over the pixels")
    def per_pixel(logits, x):
        return F.logsigmoid((2 * x - 1) * logits)

    @wrong("summed over the images")
    def flattened(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).flatten(1).sum(1)

    @wrong("codes averaged")
    def mean_over_codes(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1).mean(0)

    @wrong("negative log-likelihood returned")
    def loss(logits, x):
        x = x.expand_as(logits)
        return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)

    @wrong("zeros and ones swapped")
    def swapped(logits, x):
        return F.logsigmoid((1 - 2 * x) * logits).sum(-1)

    @wrong("sigmoid applied twice")
    def sigmoid_twice(logits, x):
        p, x = logits.sigmoid(), x.expand_as(logits)
        return -F.binary_cross_entropy_with_logits(p, x, reduction="none").sum(-1)

    @wrong("logits used as probabilities")
    def as_probabilities(logits, x):
        return (x * logits.log() + (1 - x) * (1 - logits).log()).sum(-1)

    @wrong("black pixels left out")
    def only_white(logits, x):
        return (x * F.logsigmoid(logits)).sum(-1)

    @wrong("squared error in place of the likelihood")
    def squared_error(logits, x):
        return -((x - logits.sigmoid()) ** 2).sum(-1)

    @wrong("squared error in place of the likelihood")
    def half_squared_error(logits, x):
        return -0.5 * ((x - logits.sigmoid()) ** 2).sum(-1)

    @wrong("bits in place of nats")
    def bits(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1) / math.log(2)

    @wrong("logarithm of a saturated sigmoid")
    def naive(logits, x):
        p = logits.sigmoid()
        return (x * p.log() + (1 - x) * (1 - p).log()).sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def naive_with_eps(logits, x):
        p = logits.sigmoid()
        return (x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def clamped_cross_entropy(logits, x):
        p, x = logits.sigmoid(), x.expand_as(logits)
        return -F.binary_cross_entropy(p, x, reduction="none").sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def clamped_logits(logits, x):
        logits = logits.clamp(-30, 30)
        return F.logsigmoid((2 * x - 1) * logits).sum(-1)

    @wrong("limit in place of log(1 + e^l)")
    def softplus_with_low_threshold(logits, x):
        return (x * logits - F.softplus(logits, threshold=5)).sum(-1)

    @wrong("batch axis lost")
    def squeezed(logits, x):
        return F.logsigmoid((2 * x - 1) * logits).sum(-1).squeeze()

    @wrong("input changed in place")
    def in_place(logits, x):
        return F.logsigmoid(x.mul_(2).sub_(1) * logits).sum(-1)

    @wrong("codes and images mixed up")
    def images_interleaved(logits, x):
        k, b, d = logits.shape
        rows = Independent(Bernoulli(logits=logits.reshape(k * b, d)), 1)
        return rows.log_prob(x.repeat_interleave(k, 0)).view(k, b)

    @wrong("codes and images mixed up")
    def reshaped_the_other_way(logits, x):
        k, b, _ = logits.shape
        return F.logsigmoid((2 * x - 1) * logits).sum(-1).T.reshape(k, b)

    @wrong("softmax over the pixels")
    def softmax(logits, x):
        return (x * logits.log_softmax(-1)).sum(-1)

    @wrong("squared error in place of the likelihood")
    def gaussian_of_logits(logits, x):
        return Normal(logits, 1.0).log_prob(x).sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def where_with_lost_gradient(logits, x):
        s = (2 * x - 1) * logits
        high, low = -torch.log1p(torch.exp(-s)), s - torch.log1p(torch.exp(s))
        return torch.where(s > 0, high, low).sum(-1)

    @wrong("logarithm of a saturated sigmoid")
    def slope_of_half_of_it(logits, x):
        return (x * logits - F.softplus(logits).detach()).sum(-1)
