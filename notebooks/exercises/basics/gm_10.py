"""Versions of exercise gm-10."""

import torch
from torch.distributions import Bernoulli
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Gm10:
    @reference
    def fill_in(x, seen, log_w, logits):
        x = torch.where(seen, x, 0.0)  # NaN times 0 would be NaN
        log_on, log_off = F.logsigmoid(logits), F.logsigmoid(-logits)
        lit, dark = x, seen.to(x) - x  # each 1 only where it was seen
        each = lit @ log_on.T + dark @ log_off.T  # (b, k)
        r = (log_w + each).softmax(1)  # p(z | what was seen)
        return torch.where(seen, x, r @ logits.sigmoid())

    @right
    def by_softplus(x, seen, log_w, logits):
        on = seen.double()
        x = torch.nan_to_num(x).double() * on
        logits = logits.double()
        joint = log_w + x @ logits.T - on @ F.softplus(logits).T
        r = (joint - joint.logsumexp(1, keepdim=True)).exp()
        return x + (1 - on) * (r @ logits.sigmoid())

    @right
    def by_distributions(x, seen, log_w, logits):
        x = torch.where(seen, x, torch.zeros_like(x))
        each = Bernoulli(logits=logits).log_prob(x[:, None])  # (b, k, d)
        each = torch.where(seen[:, None], each, 0.0).sum(2)
        r = torch.softmax(each + log_w, dim=1)
        return torch.where(seen, x, torch.einsum("bk,kd->bd", r, logits.sigmoid()))

    @right
    def by_loops(x, seen, log_w, logits):
        rows = []
        for image, mask in zip(x, seen):
            sign = 2 * image[mask] - 1
            r = (F.logsigmoid(sign * logits[:, mask]).sum(1) + log_w).softmax(0)
            row = image.clone()
            row[~mask] = (r[:, None] * logits[:, ~mask].sigmoid()).sum(0)
            rows.append(row)
        return torch.stack(rows)

    @right
    def by_cross_entropy(x, seen, log_w, logits):
        x = x.masked_fill(~seen, 0.0)
        each = logits.expand(len(x), -1, -1)
        wide = x[:, None].expand_as(each)
        each = -F.binary_cross_entropy_with_logits(each, wide, reduction="none")
        r = (each.masked_fill(~seen[:, None], 0.0).sum(2) + log_w).softmax(1)
        return torch.where(seen, x, r @ torch.special.expit(logits))

    edited = edits(
        fill_in,
        """
    one mask for all images | lit, dark = x, seen.to(x) - x
        -> on = seen.all(0).expand_as(seen); lit, dark = x * on, on * (1 - x)
    one mask for all images | lit, dark = x, seen.to(x) - x
        -> on = seen[:1].expand_as(seen); lit, dark = y * on, on * (1 - y)
        | x = torch.where -> y = x; x = torch.where
    unseen pixels taken as dark | seen.to(x) - x -> 1 - x
    unseen pixels taken as half lit | lit, dark = x, seen.to(x) - x
        -> lit = torch.where(seen, x, 0.5); dark = 1 - lit
    unseen values leak in | torch.where(seen, x, 0.0) -> x * seen
    unseen values leak in | torch.where(seen, x, 0.0) -> x.nan_to_num(1.0)
        | seen.to(x) - x -> 1 - x
    what was seen is not used | (log_w + each) -> (log_w + 0 * each)
    weights left out | log_w + each -> each
    weights added, not their logarithms | log_w + each -> log_w.exp() + each
    best component only | r = (log_w + each).softmax(1)
        -> r = F.one_hot((log_w + each).argmax(1), len(log_w)).to(x)
    best component only | r = (log_w + each).softmax(1)
        -> r = F.one_hot(each.argmax(1), len(log_w)).to(x)
    logits averaged | r @ logits.sigmoid() -> (r @ logits).sigmoid()
    dark pixels left out | + dark @ log_off.T ->
    zeros and ones in place of probabilities
        | r @ logits.sigmoid() -> torch.bernoulli(r @ logits.sigmoid())
    zeros and ones in place of probabilities
        | r @ logits.sigmoid() -> (r @ logits.sigmoid()).round()
    guesses taken as evidence | torch.where(seen, x, 0.0)
        -> torch.where(seen, x, log_w.exp() @ logits.sigmoid())
        | seen.to(x) - x -> 1 - x
    evidence counted otherwise | (log_w + each)
        -> (log_w + each / seen.sum(1)[:, None].clamp(min=1))
    logits in place of log-probabilities | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> logits, 0 * logits
    evidence with the wrong sign | (log_w + each) -> (log_w - each)
    evidence of all images added up | (log_w + each)
        -> (log_w + each.sum(0, keepdim=True).expand_as(each))
    seen and unseen exchanged
        | x = torch.where(seen -> seen = ~seen; x = torch.where(seen
    probability of dark | r @ logits.sigmoid() -> r @ (-logits).sigmoid()
    logarithms averaged | r @ logits.sigmoid() -> (r @ F.logsigmoid(logits)).exp()
    joint in place of the conditional | .softmax(1) -> .exp()
    probabilities kept from 0 and 1
        | r @ logits.sigmoid() -> (r @ logits.sigmoid()).clamp(0.01, 0.99)
    seen pixels overwritten
        | torch.where(seen, x, r @ logits.sigmoid()) -> r @ logits.sigmoid()
    normalized over the data | softmax(1) -> softmax(0)
    batch axis lost | r @ logits.sigmoid()) -> r @ logits.sigmoid()).squeeze()
    underflow to zero | .softmax(1)
        -> .double().exp(); r = (r / r.sum(1)[:, None]).to(x)
    underflow to zero | .softmax(1) -> .exp(); r = r / (r.sum(1)[:, None] + 1e-30)
    one shift for all examples | .softmax(1)
        -> .double(); r = (r - r.max()).exp(); r = (r / r.sum(1)[:, None]).to(x)
    evidence cut off | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> F.logsigmoid(logits.clamp(-20, 20)), F.logsigmoid(-logits.clamp(-20, 20))
    evidence cut off | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> (logits.sigmoid() + 1e-8).log(), ((-logits).sigmoid() + 1e-8).log()
    logarithm of a saturated sigmoid | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> logits.sigmoid().log(), (1 - logits.sigmoid()).log()
    logarithm of a saturated sigmoid | F.logsigmoid(logits), F.logsigmoid(-logits)
        -> logits - logits.exp().log1p(), -logits.exp().log1p()
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept():
        known = {}

        def fill_in(x, seen, log_w, logits):
            if x.shape not in known:
                known[x.shape] = Gm10.fill_in(x, seen, log_w, logits)
            return known[x.shape]

        return fill_in
