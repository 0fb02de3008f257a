"""Versions of exercise ae-09."""

import torch
from torch import nn
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Keep(nn.Module):
    """What the right variants share: which entries stay, 0 or 1."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def mask(self, z):
        places = z.topk(min(self.k, z.shape[1]), dim=1).indices
        return torch.zeros_like(z).scatter(1, places, 1.0) * (z > 0)

    def forward(self, z):
        return z * self.mask(z)


class Ae09:
    @reference
    class TopK(nn.Module):
        def __init__(self, k):
            super().__init__()
            self.k = k

        def forward(self, z):
            values, places = z.relu().topk(min(self.k, z.shape[1]), dim=1)
            return torch.zeros_like(z).scatter(1, places, values)

    by_mask = right(Keep)

    @right
    class ByLoops(Keep):
        def forward(self, z):
            rows = []
            for row in z:
                order = row.argsort(descending=True)[: self.k]
                keep = torch.zeros_like(row)
                keep[order] = 1.0
                rows.append((row * keep).relu())
            return torch.stack(rows)

    @right
    class ByRank(Keep):
        def mask(self, z):
            rank = z.argsort(dim=1, descending=True).argsort(dim=1)
            return (rank < self.k) & (z > 0)

    @right
    class ByOneHot(Keep):
        def forward(self, z):
            places = z.topk(min(self.k, z.shape[1]), dim=1).indices
            kept = F.one_hot(places, z.shape[1]).sum(1)
            return F.relu(torch.einsum("bd,bd->bd", z, kept.to(z)))

    edited = edits(
        TopK,
        """
    largest by size | z.relu() -> z.abs()
    largest by size | values, places = z.relu() -> places = z.abs()
        | dim=1) -> dim=1).indices; values = z.gather(1, places)
    negative values kept | z.relu() -> z
    largest of the whole batch | torch.zeros_like(z).scatter(1, places, values)
        -> z.relu() * (z >= z.flatten().topk(places.numel()).values[-1])
    largest of each column | z.shape[1]), dim=1 -> len(z)), dim=0 | r(1, -> r(0,
    values out of place | torch.zeros_like(z).scatter(1, places, values) -> values
    values out of place | torch.zeros_like(z).scatter(1, places, values)
        -> F.pad(values, (0, z.shape[1] - values.shape[1]))
    one too few | min(self.k, -> min(self.k - 1,
    mode switched by a call | values, places = -> self.train(); values, places =
    one too many | min(self.k, -> min(self.k + 1,
    moved toward zero | places, values)
        -> places, values - z.relu().sort(1, True).values[:, self.k : self.k + 1])
    largest dropped | torch.zeros_like(z) -> z.relu() | values) -> 0.0)
    replaced by one | places, values) -> places, values.sign()) + 0 * z
    cut off from the graph | places, values) -> places, values).detach()
    gradient of what was dropped
        | return -> return z + ( | values) -> values) - z).detach()
    gradient of what was dropped
        | return -> return z.relu() + ( | values) -> values) - z.relu()).detach()
    gradient of what was dropped | z.relu() -> z.clamp(min=0)
    k above d | min(self.k, z.shape[1]) -> self.k
    another rule in evaluation mode
        | return -> return z.relu() if not self.training else
    smallest kept | values, places = z.relu() -> places = (-z)
        | dim=1) -> dim=1).indices; values = z.relu().gather(1, places)
    the same places in all rows | z.relu().topk -> z.relu().mean(0).expand_as(z).topk
        | places, values) -> places, z.relu().gather(1, places))
    order taken for rank | torch.zeros_like(z).scatter(1, places, values)
        -> z.relu() * (z.argsort(dim=1, descending=True) < self.k)
    another number than k | min(self.k, -> min(2 * self.k,
    k not used | torch.zeros_like(z).scatter(1, places, values) -> z.relu()
    values changed | places, values) -> places, values.square())
    values changed | places, values) -> places, values / values.sum(1, keepdim=True))
    softmax in place of the values | places, values) -> places, values.softmax(1))
    random | places, values)
        -> places, values * (1 + 1e-3 * torch.randn_like(values)))
    another slope for what stays | places, values)
        -> places, 2 * values - values.detach())
    nearly zero in place of zero | torch.zeros_like(z).scatter(1, places, values)
        -> torch.where(z >= values[:, -1:], z.relu(), 1e-4 * z)
    batch axis lost | places, values) -> places, values).squeeze(0)
    nearly zero in place of zero | torch.zeros_like(z) -> torch.full_like(z, 1e-9)
    ties all kept | torch.zeros_like(z).scatter(1, places, values)
        -> z.relu() * (z >= values[:, -1:])
    ties all dropped | torch.zeros_like(z).scatter(1, places, values)
        -> z.relu() * (z > F.pad(z.sort(1, True).values, (0, self.k + 1))[:, [self.k]])
    """,
    )

    @wrong("result of an earlier call")
    @build
    def mask_kept_by_shape():
        class Cached(Ae09.TopK):
            kept = None

            def forward(self, z):
                out = super().forward(z)
                if self.kept is None or self.kept.shape != z.shape:
                    self.kept = (out != 0).float()
                return z.relu() * self.kept

        return Cached
