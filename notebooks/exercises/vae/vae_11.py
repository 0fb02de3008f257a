"""Versions of exercise vae-11."""

import functools
import math

import torch

from .. import reference, right, wrong


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

    @wrong("mean of the logarithms")
    def elbo(log_joint, log_q):
        return (log_joint - log_q).mean(1)

    @wrong("log k left out")
    def sum_of_weights(log_joint, log_q):
        return (log_joint - log_q).logsumexp(1)

    @wrong("log k added")
    def plus_log_k(log_joint, log_q):
        return (log_joint - log_q).logsumexp(1) + math.log(log_q.shape[1])

    @wrong("wrong axis")
    def first_axis(log_joint, log_q):
        return (log_joint - log_q).logsumexp(0) - math.log(len(log_q))

    @wrong("reduced over the batch")
    def batch_mean(log_joint, log_q):
        return ((log_joint - log_q).logsumexp(1) - math.log(log_q.shape[1])).mean()

    @wrong("underflow")
    def plain_exp(log_joint, log_q):
        return (log_joint - log_q).exp().mean(1).log()

    @wrong("underflow")
    def double(log_joint, log_q):
        return (log_joint - log_q).double().exp().mean(1).log().float()

    @wrong("floor under the weights")
    def largest_taken_out_and_floor(log_joint, log_q):
        log_w = (log_joint - log_q).clamp(min=-50)
        some = (log_joint - log_q).amax(1) > -1000
        exact = (log_joint - log_q).logsumexp(1) - math.log(log_q.shape[1])
        return torch.where(some, log_w.logsumexp(1) - math.log(log_q.shape[1]), exact)

    @wrong("largest weight only")
    def maximum(log_joint, log_q):
        return (log_joint - log_q).amax(1)

    @wrong("ratio turned around")
    def inverse(log_joint, log_q):
        return (log_q - log_joint).logsumexp(1) - math.log(log_q.shape[1])

    @wrong("q left out")
    def joint_only(log_joint, log_q):
        return log_joint.logsumexp(1) - math.log(log_q.shape[1]) + 0 * log_q.sum(1)

    @wrong("negative bound")
    def loss(log_joint, log_q):
        return math.log(log_q.shape[1]) - (log_joint - log_q).logsumexp(1)

    @wrong("a zero weight spoils the mean")
    def by_first(log_joint, log_q):
        log_w = log_joint - log_q
        top = log_w[:, :1]
        return (log_w - top).exp().mean(1).log() + top[:, 0]

    @wrong("bits in place of nats")
    def bits(log_joint, log_q):
        log_w = log_joint - log_q
        return (log_w.logsumexp(1) - math.log(log_w.shape[1])) / math.log(2)

    @wrong("log_q cut off from the graph")
    def detached(log_joint, log_q):
        log_w = log_joint - log_q.detach()
        return log_w.logsumexp(1) - math.log(log_w.shape[1])

    @wrong("axes of length one lost")
    def squeezed(log_joint, log_q):
        log_w = log_joint - log_q
        return (log_w.logsumexp(1) - math.log(log_w.shape[1])).squeeze()

    @wrong("underflow")
    def largest_of_the_batch_taken_out(log_joint, log_q):
        log_w = log_joint - log_q
        top = log_w.max().detach()
        return (log_w - top).exp().mean(1).log() + top

    @wrong("batch size in place of k")
    def log_b(log_joint, log_q):
        return (log_joint - log_q).logsumexp(1) - math.log(len(log_q))

    @wrong("ratio of the means")
    def each_on_its_own(log_joint, log_q):
        return log_joint.logsumexp(1) - log_q.logsumexp(1)

    @wrong("a zero weight spoils the mean")
    def zeros_not_counted(log_joint, log_q):
        log_w = log_joint - log_q
        return log_w.logsumexp(1) - log_w.isfinite().sum(1).log()
