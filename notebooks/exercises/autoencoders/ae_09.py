"""Versions of exercise ae-09."""

import torch
from torch import nn
from torch.nn import functional as F

from .. import reference, right, wrong


class _Keep(nn.Module):
    """What the versions of ae-09 share: which entries stay, 0 or 1."""

    def __init__(self, k):
        super().__init__()
        self.k = k

    def many(self, z):
        return min(self.k, z.shape[1])

    def mask(self, z):
        places = z.topk(self.many(z), dim=1).indices
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

    @right
    class ByMask(_Keep):
        pass

    @right
    class ByLoops(_Keep):
        def forward(self, z):
            rows = []
            for row in z:
                order = row.argsort(descending=True)[: self.k]
                keep = torch.zeros_like(row)
                keep[order] = 1.0
                rows.append((row * keep).relu())
            return torch.stack(rows)

    @right
    class ByOnes(_Keep):
        def forward(self, z):
            out = torch.zeros_like(z)
            for i, row in enumerate(z):
                for j in row.topk(self.many(z)).indices:
                    out[i, j] = z[i, j] if z[i, j] > 0 else 0.0
            return out

    @wrong("largest by size")
    class BySize(_Keep):
        def mask(self, z):
            places = z.abs().topk(self.many(z), dim=1).indices
            return torch.zeros_like(z).scatter(1, places, 1.0)

    @wrong("negative values kept")
    class Negative(_Keep):
        def mask(self, z):
            places = z.topk(self.many(z), dim=1).indices
            return torch.zeros_like(z).scatter(1, places, 1.0)

    @wrong("largest of the whole batch")
    class Batch(_Keep):
        def forward(self, z):
            bar = z.flatten().topk(self.many(z) * len(z)).values[-1]
            return z.relu() * (z >= bar)

    @wrong("largest of each column")
    class Columns(_Keep):
        def mask(self, z):
            places = z.topk(min(self.k, len(z)), dim=0).indices
            return torch.zeros_like(z).scatter(0, places, 1.0) * (z > 0)

    @wrong("values out of place")
    class Sorted(_Keep):
        def forward(self, z):
            return z.topk(self.many(z), dim=1).values.relu()

    @wrong("values out of place")
    class Padded(_Keep):
        def forward(self, z):
            top = z.topk(self.many(z), dim=1).values.relu()
            return F.pad(top, (0, z.shape[1] - top.shape[1]))

    @wrong("one too few")
    class Fewer(_Keep):
        def mask(self, z):
            places = z.topk(self.many(z) - 1, dim=1).indices
            return torch.zeros_like(z).scatter(1, places, 1.0) * (z > 0)

    @wrong("largest dropped")
    class Dropped(_Keep):
        def forward(self, z):
            return z.relu() * (1 - self.mask(z))

    @wrong("replaced by one")
    class Ones(_Keep):
        def forward(self, z):
            return self.mask(z) + 0 * z

    @wrong("cut off from the graph")
    class Detached(_Keep):
        def forward(self, z):
            return (z * self.mask(z)).detach()

    @wrong("gradient of what was dropped")
    class StraightThrough(_Keep):
        def forward(self, z):
            return z + (z * self.mask(z) - z).detach()

    @wrong("k above d")
    class Unlimited(_Keep):
        def many(self, z):
            return self.k

    @right
    class ByRank(_Keep):
        def forward(self, z):
            rank = z.argsort(dim=1, descending=True).argsort(dim=1)
            return torch.where((rank < self.k) & (z > 0), z, torch.zeros_like(z))

    @right
    class ByOneHot(_Keep):
        def forward(self, z):
            places = z.topk(self.many(z), dim=1).indices
            kept = F.one_hot(places, z.shape[1]).sum(1)
            return F.relu(torch.einsum("bd,bd->bd", z, kept.to(z)))

    @wrong("one too many")
    class More(_Keep):
        def many(self, z):
            return min(self.k + 1, z.shape[1])

    @wrong("largest by size")
    class SizeItself(_Keep):
        def forward(self, z):
            values, places = z.abs().topk(self.many(z), dim=1)
            return torch.zeros_like(z).scatter(1, places, values)

    @wrong("moved toward zero")
    class Excess(_Keep):
        def forward(self, z):
            if self.k >= z.shape[1]:
                return z.relu()
            bar = z.topk(self.k + 1, dim=1).values[:, -1:]
            return (z - bar).relu() * (z > 0)

    @wrong("another rule in evaluation mode")
    class TrainingOnly(_Keep):
        def forward(self, z):
            return super().forward(z) if self.training else z.relu()

    @wrong("gradient of what was dropped")
    class StraightThroughRelu(_Keep):
        def forward(self, z):
            plus = z.relu()
            return plus + (z * self.mask(z) - plus).detach()

    @wrong("nearly zero in place of zero")
    class Tiny(_Keep):
        def forward(self, z):
            mask = self.mask(z)
            return z * mask + 1e-9 * (1 - mask)

    @wrong("ties all kept")
    class BySort(_Keep):
        def forward(self, z):
            bar = z.detach().sort(dim=1, descending=True).values[:, self.many(z) - 1]
            return torch.where((z >= bar[:, None]) & (z > 0), z, torch.zeros_like(z))
