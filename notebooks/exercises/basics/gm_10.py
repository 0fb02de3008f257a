"""Versions of exercise gm-10."""

import torch
from torch.distributions import Bernoulli
from torch.nn import functional as F

from .. import edits, reference, right


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

    @right
    def by_cross_entropy(x, seen, log_w, logits):
        x = x.masked_fill(~seen, 0.0)[:, None].expand(-1, len(log_w), -1)
        each = logits.expand(len(x), -1, -1)
        each = -F.binary_cross_entropy_with_logits(each, x, reduction="none")
        return (each.masked_fill(~seen[:, None], 0.0).sum(2) + log_w).logsumexp(1)

    edited = edits(
        log_prob_seen,
        """
    one mask for all images | x = torch -> seen = seen.all(0).expand_as(seen); x = torch
    one mask for all images | x = torch -> seen = seen[:1].expand_as(seen); x = torch
    unseen pixels taken as dark | seen.to(x) - x -> 1 - x
    unseen pixels taken as half lit | x, 0.0 -> x, 0.5 | seen.to(x) - x -> 1 - x
    unseen values leak in | torch.where(seen, x, 0.0) -> x * seen
    unseen values leak in | torch.where(seen, x, 0.0) -> x.nan_to_num(1.0)
    unseen values leak in
        | torch.where(seen, x, 0.0) -> torch.where(x.isnan(), 0.0, x) * seen
    scaled up to all pixels | return -> return x.shape[1] / seen.sum(1).clamp(min=1) *
    scaled up to all pixels | + each) -> + each * x.shape[1] / seen.sum(1)[:, None])
    weights left out | log_w + each -> each - math.log(len(log_w))
    weights added, not their logarithms | log_w + each -> log_w.exp() + each
    logarithms averaged over the components
        | (log_w + each).logsumexp(1) -> each @ log_w.exp()
    best component only | .logsumexp(1) -> .amax(1)
    dark pixels left out | + dark @ log_off.T ->
    mean over the dimensions | logsumexp(1) -> logsumexp(1) / seen.sum(1).clamp(min=1)
    negative log-likelihood returned | return -> return -
    batch axis lost | logsumexp(1) -> logsumexp(1).squeeze()
    underflow to zero | .logsumexp(1) -> .exp().sum(1).log()
    underflow to zero | .logsumexp(1) -> .double().exp().sum(1).log()
    one shift for all examples | return (log_w + each).logsumexp(1)
        -> m = each.max(); return (log_w + each - m).exp().sum(1).log() + m
    logarithm of a saturated sigmoid | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> logits.sigmoid().log(), (1 - logits.sigmoid()).log()
    logarithm of a saturated sigmoid | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> (p := logits.double().sigmoid()).log().float(), (1 - p).log().float()
    logarithm of a saturated sigmoid | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> logits - logits.exp().log1p(), -logits.exp().log1p()
    logarithm of a saturated sigmoid
        | log_on, -> logits = logits.clamp(-20, 20); log_on,
    component chosen for each dimension
        | lit, dark = -> p = log_w.exp() @ logits.sigmoid(); lit, dark =
        | return (log_w + each).logsumexp(1)
        -> return (seen * (1 - x + (2 * x - 1) * p).log()).sum(1)
    """,
    )
