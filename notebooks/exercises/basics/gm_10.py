"""Versions of exercise gm-10."""

import math

import torch
from torch.distributions import (
    Bernoulli,
)
from torch.nn import functional as F

from .. import reference, right, wrong


class Gm10:
    @reference
    def log_prob_seen(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.0)  # NaN times 0 would be NaN
        log_on, log_off = F.logsigmoid(logits), F.logsigmoid(-logits)
        lit, dark = x, seen.to(x) - x  # each 1 only where it was seen
        each = lit @ log_on.T + dark @ log_off.T  # (b, k)
        return (log_w + each).logsumexp(1)

    @right
    def by_softplus(x, seen, log_w, logits):
        on = seen.float()
        x = torch.nan_to_num(x) * on
        return (log_w + x @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @right
    def by_distributions(x, seen, log_w, logits):
        x = torch.where(seen, x, torch.zeros_like(x))
        each = Bernoulli(logits=logits).log_prob(x[:, None])  # (b, k, d)
        each = torch.where(seen[:, None], each, 0.0).sum(2)
        return torch.logsumexp(each + log_w, dim=1)

    @right
    def by_loops(x, seen, log_w, logits):
        rows = []
        for image, mask in zip(x, seen):
            parts = []
            for j in range(len(log_w)):
                total = log_w[j]
                for i in range(len(image)):
                    if mask[i]:
                        sign = 1.0 if image[i] == 1 else -1.0
                        total = total + F.logsigmoid(sign * logits[j, i])
                parts.append(total)
            rows.append(torch.stack(parts).logsumexp(0))
        return torch.stack(rows)

    @right
    def by_selection(x, seen, log_w, logits):
        rows = []
        for image, mask in zip(x, seen):
            sign = 2 * image[mask] - 1
            rows.append(F.logsigmoid(sign * logits[:, mask]).sum(1) + log_w)
        return torch.stack(rows).logsumexp(1)

    @wrong("one mask for all images")
    def seen_in_all(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen.all(0).expand_as(seen), log_w, logits)

    @wrong("one mask for all images")
    def first_mask(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen[:1].expand_as(seen), log_w, logits)

    @wrong("unseen pixels taken as dark")
    def as_dark(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.0)
        return Gm10.log_prob_seen(x, torch.ones_like(seen), log_w, logits)

    @wrong("unseen pixels taken as half lit")
    def as_half(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.5)
        return (log_w + x @ logits.T - F.softplus(logits).sum(1)).logsumexp(1)

    @wrong("unseen values leak in")
    def multiplied(x, seen, log_w, logits):
        on = seen.float()
        return (log_w + (x * on) @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @wrong("unseen values leak in")
    def half_masked(x, seen, log_w, logits):
        on, x = seen.float(), torch.nan_to_num(x, nan=1.0)
        return (log_w + x @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @wrong("scaled up to all pixels")
    def scaled(x, seen, log_w, logits):
        out = Gm10.log_prob_seen(x, seen, log_w, logits)
        return out * x.shape[1] / seen.sum(1).clamp(min=1)

    @wrong("scaled up to all pixels")
    def scaled_inside(x, seen, log_w, logits):
        on = seen.float()
        x = torch.where(seen, x, 0.0)
        each = x @ logits.T - on @ F.softplus(logits).T
        each = each * x.shape[1] / seen.sum(1, keepdim=True).clamp(min=1)
        return (log_w + each).logsumexp(1)

    @wrong("weights left out")
    def unweighted(x, seen, log_w, logits):
        same = torch.full_like(log_w, -math.log(len(log_w)))
        return Gm10.log_prob_seen(x, seen, same, logits)

    @wrong("logarithms averaged over the components")
    def averaged(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        each = x @ logits.T - on @ F.softplus(logits).T
        return each @ log_w.exp()

    @wrong("best component only")
    def best(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        return (log_w + x @ logits.T - on @ F.softplus(logits).T).amax(1)

    @wrong("pixels mixed one by one")
    def pixelwise(x, seen, log_w, logits):
        p = log_w.exp() @ logits.sigmoid()
        x = torch.where(seen, x, 0.0)
        each = torch.where(x == 1, p, 1 - p).log()
        return torch.where(seen, each, 0.0).sum(1)

    @wrong("logarithm of a saturated sigmoid")
    def naive(x, seen, log_w, logits):
        p = logits.sigmoid()
        x = torch.where(seen, x, 0.0)[:, None]
        each = (torch.where(x == 1, p, 1 - p)).log()
        each = torch.where(seen[:, None], each, 0.0).sum(2)
        return (each + log_w).logsumexp(1)

    @wrong("logarithm of a saturated sigmoid")
    def clamped(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen, log_w, logits.clamp(-20, 20))

    @wrong("negative log-likelihood returned")
    def loss(x, seen, log_w, logits):
        return -Gm10.log_prob_seen(x, seen, log_w, logits)

    @right
    def by_cross_entropy(x, seen, log_w, logits):
        x = x.masked_fill(~seen, 0.0)[:, None].expand(-1, len(log_w), -1)
        each = logits.expand(len(x), -1, -1)
        each = -F.binary_cross_entropy_with_logits(each, x, reduction="none")
        return (each.masked_fill(~seen[:, None], 0.0).sum(2) + log_w).logsumexp(1)

    @wrong("unseen values leak in")
    def only_nan_replaced(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(x.isnan(), 0.0, x)
        return (log_w + (x * on) @ logits.T - on @ F.softplus(logits).T).logsumexp(1)

    @wrong("one shift for all images")
    def one_shift(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        each = log_w + x @ logits.T - on @ F.softplus(logits).T
        return (each - each.max()).exp().sum(1).log() + each.max()

    @wrong("logarithm of a saturated sigmoid")
    def in_double(x, seen, log_w, logits):
        p, x = logits.double().sigmoid(), torch.where(seen, x, 0.0)[:, None]
        each = torch.where(x == 1, p, 1 - p).log()
        return (torch.where(seen[:, None], each, 0.0).sum(2) + log_w).logsumexp(1)

    @wrong("logarithm of a saturated sigmoid")
    def exponential_first(x, seen, log_w, logits):
        on, x = seen.float(), torch.where(seen, x, 0.0)
        return (log_w + x @ logits.T - on @ logits.exp().log1p().T).logsumexp(1)

    @wrong("mean over the pixels")
    def per_pixel(x, seen, log_w, logits):
        out = Gm10.log_prob_seen(x, seen, log_w, logits)
        return out / seen.sum(1).clamp(min=1)

    @wrong("dark pixels left out")
    def lit_alone(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.0)
        return (log_w + x @ F.logsigmoid(logits).T).logsumexp(1)

    @wrong("not the probability of the image")
    def plain_weights(x, seen, log_w, logits):
        return Gm10.log_prob_seen(x, seen, log_w.exp(), logits)
