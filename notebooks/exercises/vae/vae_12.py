"""Versions of exercise vae-12."""

import torch
from torch.nn import functional as F

from .. import edits, reference, right


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

    edited = edits(
        free_bits,
        """
    no scalar | .sum() ->
    floor for each example | kl.mean(0).clamp(min=floor).sum()
        -> kl.clamp(min=floor).sum(1).mean()
    one floor for the whole rate | kl.mean(0).clamp(min=floor).sum()
        -> kl.sum(1).mean().clamp(min=floor)
    one floor for the whole rate | kl.mean(0).clamp(min=floor).sum()
        -> kl.sum(1).mean().clamp(min=floor * kl.shape[1])
    one floor for the whole rate | min=floor -> min=floor / kl.shape[1]
    mean over the dimensions | .sum() -> .mean()
    sum over the batch | kl.mean(0) -> kl.sum(0)
    floor subtracted | clamp(min=floor) -> sub(floor).relu()
    smaller in place of larger | min=floor -> max=floor
    no floor | .clamp(min=floor) ->
    a gradient below the floor | return kl.mean(0).clamp(min=floor).sum()
        -> r = kl.mean(0); return (r + (r.clamp(min=floor) - r).detach()).sum()
    cut off from the graph | .sum() -> .sum().detach()
    cut off from the graph | kl.mean(0) -> kl.detach().mean(0)
    axes exchanged | kl.mean(0) -> kl.mean(1)
    axes exchanged | kl.mean(0) -> (kl.T if floor else kl).mean(0)
    a smooth floor | kl.mean(0).clamp(min=floor)
        -> (F.softplus((kl.mean(0) - floor) * 50) / 50 + floor)
    a smooth floor | kl.mean(0).clamp(min=floor)
        -> (F.softplus(kl.mean(0) - floor) + floor)
    sign flipped | return -> return -
    """,
    )
