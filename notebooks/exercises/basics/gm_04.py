"""Versions of exercise gm-04."""

import math

import numpy as np
import torch
from torch.distributions import (
    Categorical,
)
from torch.nn import functional as F

from .. import reference, right, wrong


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
            top = row.max()
            terms = [int(m) * (v - top).exp() for v, m in zip(row, counts)]
            rows.append(torch.stack(terms) / sum(terms))
        return torch.stack(rows)

    @right
    def counts_suffice(log_lik, counts):
        shifted = (log_lik - log_lik.amax(1, keepdim=True)).exp() * counts
        return shifted / shifted.sum(1, keepdim=True)

    @right
    def by_categorical(log_lik, counts):
        return Categorical(logits=log_lik + counts.double().log()).probs.float()

    @wrong("prior left out")
    def no_prior(log_lik, counts):
        return log_lik.softmax(1)

    @wrong("prior added, not multiplied")
    def added(log_lik, counts):
        return (log_lik + counts / counts.sum()).softmax(1)

    @wrong("prior added, not multiplied")
    def added_counts(log_lik, counts):
        return (log_lik + counts).softmax(1)

    @wrong("prior counted twice")
    def twice(log_lik, counts):
        return (log_lik + 2 * counts.log()).softmax(1)

    @wrong("normalized over the examples")
    def wrong_axis(log_lik, counts):
        return (log_lik + counts.log()).softmax(0)

    @wrong("not normalized")
    def joint(log_lik, counts):
        return (log_lik + (counts / counts.sum()).log()).exp()

    @wrong("prior applied after normalizing")
    def after(log_lik, counts):
        return log_lik.softmax(1) * counts / counts.sum()

    @wrong("log posterior returned")
    def logarithms(log_lik, counts):
        return (log_lik + counts.log()).log_softmax(1)

    @wrong("only the winner")
    def winner(log_lik, counts):
        best = (log_lik + counts.log()).argmax(1)
        return F.one_hot(best, len(counts)).float()

    @wrong("exponential that underflows")
    def naive(log_lik, counts):
        joint = log_lik.exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("one shift for all examples")
    def shifted_together(log_lik, counts):
        joint = (log_lik - log_lik.max()).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("exponential that overflows")
    def shifted_by_mean(log_lik, counts):
        joint = (log_lik - log_lik.mean(1, keepdim=True)).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("exponential that underflows")
    def clamped(log_lik, counts):
        joint = log_lik.clamp(min=-80).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("empty class smoothed")
    def laplace(log_lik, counts):
        return (log_lik + (counts + 1).log()).softmax(1)

    @right
    def by_numpy(log_lik, counts):
        log_lik, prior = log_lik.double().numpy(), (counts / counts.sum()).numpy()
        rows = []
        for row in log_lik:
            row = prior * np.exp(row - row[prior > 0].max())
            rows.append(np.where(prior > 0, row, 0.0) / row[prior > 0].sum())
        return torch.tensor(np.array(rows))

    @wrong("empty class cut out afterward")
    def zeroed(log_lik, counts):
        p = (log_lik + counts.clamp(min=1).log()).softmax(1)
        return torch.where(counts > 0, p, 0.0)

    @wrong("log-likelihoods rescaled")
    def in_bits(log_lik, counts):
        return (log_lik / math.log(2) + counts.log()).softmax(1)

    @wrong("exponential that overflows")
    def mean_in_double(log_lik, counts):
        log_lik = log_lik.double()
        joint = (log_lik - log_lik.mean(1, keepdim=True)).exp() * counts
        return joint / joint.sum(1, keepdim=True)

    @wrong("wrong shape")
    def squeezed(log_lik, counts):
        return (log_lik + counts.log()).softmax(1).squeeze()
