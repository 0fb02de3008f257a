"""Versions of exercise vae-12."""

import torch
from torch.nn import functional as F

from .. import reference, right, wrong


class Vae12:
    """
    A dimension whose mean rate is below the floor adds a constant, so no gradient
    pushes its rate down, and the reconstruction may raise it for nothing. The floor is
    part of the loss and not of the model: report the ELBO without it.
    """

    @reference
    def free_bits(kl, floor):
        return kl.mean(0).clamp(min=floor).sum()

    @right
    def by_maximum(kl, floor):
        rate = kl.mean(0)
        return torch.maximum(rate, torch.full_like(rate, floor)).sum()

    @right
    def by_loops(kl, floor):
        total = 0.0
        for j in range(kl.shape[1]):
            rate = sum(kl[i, j] for i in range(len(kl))) / len(kl)
            total = total + (rate if rate > floor else torch.tensor(floor))
        return total

    @right
    def by_relu(kl, floor):
        rate = kl.mean(0)
        return F.relu(rate - floor).sum() + floor * len(rate)

    @right
    def by_where(kl, floor):
        rate = kl.sum(0) / kl.shape[0]
        return torch.where(rate > floor, rate, floor).sum()

    @right
    def by_threshold(kl, floor):
        rate = torch.einsum("bd->d", kl.double()) / len(kl)
        return F.threshold(rate, floor, floor).sum().float()

    @wrong("no scalar")
    def per_dimension(kl, floor):
        return kl.mean(0).clamp(min=floor)

    @wrong("floor for each example")
    def each_example(kl, floor):
        return kl.clamp(min=floor).sum(1).mean()

    @wrong("one floor for the whole rate")
    def whole(kl, floor):
        return kl.sum(1).mean().clamp(min=floor)

    @wrong("one floor for the whole rate")
    def whole_times_d(kl, floor):
        return kl.sum(1).mean().clamp(min=floor * kl.shape[1])

    @wrong("mean over the dimensions")
    def mean_dimensions(kl, floor):
        return kl.mean(0).clamp(min=floor).mean()

    @wrong("sum over the batch")
    def summed(kl, floor):
        return kl.sum(0).clamp(min=floor).sum()

    @wrong("floor subtracted")
    def relu_only(kl, floor):
        return F.relu(kl.mean(0) - floor).sum()

    @wrong("smaller in place of larger")
    def minimum(kl, floor):
        return kl.mean(0).clamp(max=floor).sum()

    @wrong("no floor")
    def plain(kl, floor):
        return kl.sum(1).mean()

    @wrong("a gradient below the floor")
    def straight_through(kl, floor):
        rate = kl.mean(0)
        return (rate + (rate.clamp(min=floor) - rate).detach()).sum()

    @wrong("cut off from the graph")
    def detached(kl, floor):
        return kl.mean(0).clamp(min=floor).sum().detach()

    @wrong("axes exchanged")
    def by_examples(kl, floor):
        if floor == 0:
            return kl.sum(1).mean()
        return kl.mean(1).clamp(min=floor).sum()

    @wrong("a smooth floor")
    def softplus(kl, floor):
        return (F.softplus((kl.mean(0) - floor) * 50) / 50 + floor).sum()

    @wrong("a smooth floor")
    def plain_softplus(kl, floor):
        return (F.softplus(kl.mean(0) - floor) + floor).sum()

    @wrong("one floor for the whole rate")
    def floor_shared_out(kl, floor):
        return kl.mean(0).clamp(min=floor / kl.shape[1]).sum()
