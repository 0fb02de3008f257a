"""Versions of exercise vae-02."""

import torch
from torch.distributions import (
    Bernoulli,
    Independent,
)
from torch.nn import functional as F

from .. import edits, reference, right, sums, wrong


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

    standard = sums(lambda logits, x: F.logsigmoid((2 * x - 1) * logits), rows=2)

    edited = edits(
        by_sign,
        """
    zeros and ones swapped | 2 * x - 1 -> 1 - 2 * x
    sigmoid applied twice | * logits -> * logits.sigmoid()
    black pixels left out | .sum(-1) -> .mul(x).sum(-1)
    codes and images mixed up | .sum(-1) -> .sum(-1).T.reshape(logits.shape[:2])
    input changed in place | 2 * x - 1 -> x.mul_(2).sub_(1)
    logarithm of a saturated sigmoid | * logits -> * logits.clamp(-30, 30)
    logits used as probabilities
        | F.logsigmoid((2 * x - 1) * logits) -> (1 - x - logits).abs().log()
    logits used as probabilities | F.logsigmoid((2 * x - 1) * logits)
        -> (x * logits.log() + (1 - x) * (1 - logits).log())
    softmax over the pixels
        | F.logsigmoid((2 * x - 1) * logits) -> (x * logits.log_softmax(-1))
    squared error in place of the likelihood
        | F.logsigmoid((2 * x - 1) * logits) -> (-((x - logits.sigmoid()) ** 2))
    squared error in place of the likelihood
        | F.logsigmoid((2 * x - 1) * logits) -> (-((x - logits.sigmoid()) ** 2) / 2)
    squared error in place of the likelihood
        | F.logsigmoid((2 * x - 1) * logits) -> D.Normal(logits, 1.0).log_prob(x)
    logarithm of a saturated sigmoid
        | F.logsigmoid((2 * x - 1) * logits) -> ((2 * x - 1) * logits).sigmoid().log()
    logarithm of a saturated sigmoid | F.logsigmoid((2 * x - 1) * logits)
        -> (((2 * x - 1) * logits).sigmoid() + 1e-8).log()
    logarithm of a product | F.logsigmoid((2 * x - 1) * logits).sum(-1)
        -> ((2 * x - 1) * logits).double().sigmoid().prod(-1).log()
    """,
    )
    halves = edits(
        bernoulli_log_prob,
        """
    limit in place of log(1 + e^l) | softplus(logits -> softplus(logits, threshold=5
    cut off from the graph | F.softplus(logits) -> F.softplus(logits).detach()
    logarithm of a saturated sigmoid | F.softplus(logits) -> logits.exp().log1p()
    """,
    )
    clamped = edits(
        by_cross_entropy,
        """
    logarithm of a saturated sigmoid
        | _with_logits -> | logits, x. -> logits.sigmoid(), x.
    """,
    )
    rows = edits(
        by_repeated_rows,
        """
    codes and images mixed up | repeat(k, 1) -> repeat_interleave(k, 0)
    """,
    )

    @wrong("logarithm of a saturated sigmoid")
    def where_with_lost_gradient(logits, x):
        s = (2 * x - 1) * logits
        high, low = -torch.log1p(torch.exp(-s)), s - torch.log1p(torch.exp(s))
        return torch.where(s > 0, high, low).sum(-1)
