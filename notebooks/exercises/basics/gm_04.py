"""Versions of exercise gm-04."""

import numpy as np
import torch
from torch.distributions import Categorical

from .. import edits, reference, right


class Gm04:
    @reference
    def posterior(log_lik, counts):
        log_prior = counts.log() - counts.sum().log()
        return (log_lik + log_prior).softmax(1)

    @right
    def by_logsumexp(log_lik, counts):
        joint = log_lik + (counts / counts.sum()).log()
        return (joint - joint.logsumexp(1, keepdim=True)).exp()

    @right
    def by_loops(log_lik, counts):
        rows = []
        for row in log_lik:
            top = row[counts > 0].max()
            terms = [int(m) * (v - top).exp() if m else m for v, m in zip(row, counts)]
            rows.append(torch.stack([v / sum(terms) for v in terms]))
        return torch.stack(rows)

    @right
    def by_odds(log_lik, counts):
        joint = log_lik.double() + counts.log()
        ahead = joint[:, None, :] - joint[:, :, None]  # of each class, over each
        return 1 / ahead.nan_to_num(torch.inf).exp().sum(2)

    @right
    def by_categorical(log_lik, counts):
        return Categorical(logits=log_lik + counts.double().log()).probs.float()

    @right
    def by_numpy(log_lik, counts):
        log_lik, prior = log_lik.double().numpy(), (counts / counts.sum()).numpy()
        rows = []
        for row in log_lik[:, prior > 0]:
            p = np.zeros(len(prior))
            p[prior > 0] = prior[prior > 0] * np.exp(row - row.max())
            rows.append(p / p.sum())
        return torch.tensor(np.array(rows))

    edited = edits(
        posterior,
        """
    prior left out | log_lik + log_prior -> log_lik
    prior counted twice | + log_prior -> + 2 * log_prior
    weights added, not their logarithms
        | counts.log() - counts.sum().log() -> counts / counts.sum()
    weights added, not their logarithms | counts.log() - counts.sum().log() -> counts
    normalized over the examples | softmax(1) -> softmax(0)
    normalized over the examples | softmax(1) -> flatten().softmax(0).view_as(log_lik)
    not normalized | softmax(1) -> exp()
    prior applied after normalizing
        | (log_lik + log_prior).softmax(1) -> log_lik.softmax(1) * log_prior.exp()
    log posterior returned | softmax -> log_softmax
    only the winner | softmax(1) -> argmax(1)[:, None] == torch.arange(len(counts))
    underflow to zero | (log_lik + log_prior).softmax(1) -> p / p.sum(1)[:, None]
        | return -> p = log_lik.double().exp() * counts; return
    underflow to zero | (log_lik + log_prior).softmax(1) -> p / p.sum(1)[:, None]
        | return -> p = log_lik.clamp(min=-80).exp() * counts; return
    underflow to zero | (log_lik + log_prior).softmax(1) -> p / p.sum(1)[:, None]
        | return -> p = log_lik.softmax(1) * counts; return
    underflow to zero | (log_lik + log_prior).softmax(1) -> p / p.sum(1)[:, None]
        | return -> p = (log_lik - log_lik.amax(1)[:, None]).exp() * counts; return
    one shift for all examples | (log_lik + log_prior).softmax(1)
        -> p / p.sum(1)[:, None]
        | return -> p = (log_lik - log_lik.max()).double().exp() * counts; return
    exponential that overflows | (log_lik + log_prior).softmax(1)
        -> p / p.sum(1)[:, None]
        | return -> p = (log_lik - log_lik.mean(1)[:, None]).exp() * counts; return
    exponential that overflows | log_prior = -> log_lik = log_lik.double(); log_prior =
        | (log_lik + log_prior).softmax(1) -> p / p.sum(1)[:, None]
        | return -> p = (log_lik - log_lik.mean(1)[:, None]).exp() * counts; return
    exponential that overflows | return (log_lik + log_prior).softmax(1)
        -> p = log_lik - log_lik.median(1, keepdim=True).values
        | values -> values; p = p.clamp(max=80).exp() * counts
        | * counts -> * counts; return p / p.sum(1)[:, None]
    empty class smoothed | counts.log() - -> (counts + 1).log() -
    empty class smoothed | log_lik + log_prior
        -> log_lik + (log_prior.exp() + 1e-8).log()
    empty class cut out afterward | = counts.log() -> = counts.clamp(min=1).log()
        | softmax(1) -> softmax(1) * (counts > 0)
    log-likelihoods rescaled | log_lik + -> log_lik / math.log(2) +
    batch axis lost | softmax(1) -> softmax(1).squeeze()
    """,
    )
