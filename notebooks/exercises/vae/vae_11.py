"""Versions of exercise vae-11."""

import functools
import math

import torch

from .. import edits, reference, right


class Vae11:
    @reference
    def iw_bound(log_joint, log_q):
        log_w = log_joint - log_q
        return log_w.logsumexp(1) - math.log(log_w.shape[1])

    @right
    def by_hand(log_joint, log_q):
        log_w = log_joint - log_q
        top = log_w.amax(1, keepdim=True).detach()
        return (log_w - top).exp().mean(1).log() + top[:, 0]

    @right
    def by_loops(log_joint, log_q):
        b, k = log_joint.shape
        rows = []
        for i in range(b):
            total = log_joint[i, 0] - log_q[i, 0]
            for j in range(1, k):
                total = torch.logaddexp(total, log_joint[i, j] - log_q[i, j])
            rows.append(total - math.log(k))
        return torch.stack(rows)

    @right
    def by_transposed(log_joint, log_q):
        log_w = (log_joint - log_q).T
        return torch.logsumexp(log_w - math.log(len(log_w)), dim=0)

    @right
    def by_reduce(log_joint, log_q):
        total = functools.reduce(torch.logaddexp, (log_joint - log_q).unbind(1))
        return total - math.log(log_q.shape[1])

    edited = edits(
        iw_bound,
        """
    mean of the logarithms | log_w.logsumexp(1) - math.log(log_w.shape[1])
        -> log_w.mean(1)
    log k left out | - math.log(log_w.shape[1]) ->
    log k added | - math.log -> + math.log
    wrong axis | logsumexp(1) -> logsumexp(0) | shape[1] -> shape[0]
    reduced over the batch
        | return log_w.logsumexp(1) -> return log_w.logsumexp(1).mean()
    underflow | log_w.logsumexp(1) -> log_w.exp().sum(1).log()
    underflow | log_w.logsumexp(1) -> log_w.double().exp().sum(1).log().float()
    underflow
        | log_w.logsumexp(1) -> (log_w - log_w.max()).exp().sum(1).log() + log_w.max()
    floor under the weights
        | - log_q -> - log_q; log_w = torch.where(log_w < -200, log_w, log_w.clamp(-50))
    largest weight only | log_w.logsumexp(1) - math.log(log_w.shape[1]) -> log_w.amax(1)
    largest weight only | log_w.logsumexp(1) -> log_w.amax(1)
    ratio turned around | log_joint - log_q -> log_q - log_joint
    log_q added | log_joint - log_q -> log_joint + log_q
    q left out | log_joint - log_q -> log_joint - 0 * log_q
    negative bound | return log_w.logsumexp(1) - -> return -log_w.logsumexp(1) +
    bits in place of nats | return log_w.logsumexp(1) - math.log(log_w.shape[1])
        -> return (log_w.logsumexp(1) - math.log(log_w.shape[1])) / math.log(2)
    density in place of its logarithm | log_w.logsumexp(1) - math.log(log_w.shape[1])
        -> (log_w.logsumexp(1) - math.log(log_w.shape[1])).exp()
    cut off from the graph | log_joint - -> log_joint.detach() -
    cut off from the graph | log_w.logsumexp(1) -> log_w.detach().logsumexp(1)
    log_q cut off from the graph | - log_q -> - log_q.detach()
    batch axis lost | log_w.logsumexp(1) -> log_w.logsumexp(1).squeeze()
    batch size in place of k | log_w.shape[1] -> log_w.shape[0]
    ratio of the means | log_w.logsumexp(1) - math.log(log_w.shape[1])
        -> log_joint.logsumexp(1) - log_q.logsumexp(1)
    a zero weight spoils the mean
        | math.log(log_w.shape[1]) -> log_w.isfinite().sum(1).log()
    a zero weight spoils the mean | log_w.logsumexp(1)
        -> (log_w - log_w[:, :1]).exp().sum(1).log() + log_w[:, 0]
    """,
    )
