"""Versions of exercise gan-13."""

import torch
from torch import nn
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Parts(nn.Module):
    """What the right variants share."""

    def __init__(self, features, d, classes):
        super().__init__()
        self.features, self.value = features, nn.Linear(d, 1)
        self.real, self.made = nn.Linear(d, classes), nn.Linear(d, classes)

    def forward(self, x, sets):
        h = self.features(x)
        parts = (self.of_set(f(h), sets) for f in (self.real, self.made))
        return self.value(h).squeeze(1) + next(parts) - next(parts)


class Gan13:
    r"""
    TEXT
    """

    @reference
    class SetCritic(nn.Module):
        def __init__(self, features, d, classes):
            super().__init__()
            self.features = features
            self.value = nn.Linear(d, 1)
            self.real = nn.Linear(d, classes)
            self.made = nn.Linear(d, classes)

        def forward(self, x, sets):
            h = self.features(x)
            log_p = self.real(h).log_softmax(1).masked_fill(~sets, -torch.inf)
            log_q = self.made(h).log_softmax(1).masked_fill(~sets, -torch.inf)
            return self.value(h)[:, 0] + log_p.logsumexp(1) - log_q.logsumexp(1)

    @right
    class ByTwoSums(Parts):
        def of_set(self, logits, sets):
            inside = torch.where(sets, logits, -torch.inf)
            return inside.logsumexp(1) - logits.logsumexp(1)

    @right
    class ByLoops(Parts):
        def of_set(self, logits, sets):
            rows = [
                torch.logsumexp(one[inside], 0) - torch.logsumexp(one, 0)
                for one, inside in zip(logits, sets)
            ]
            return torch.stack(rows)

    @right
    class ByAFiniteMask(Parts):
        def of_set(self, logits, sets):
            log_p = logits - logits.logsumexp(dim=1, keepdim=True)
            return torch.logsumexp(log_p - 1e9 * (1 - sets.to(log_p)), dim=1)

    @right
    class ByShift(Parts):
        def of_set(self, logits, sets):
            log_p = F.log_softmax(logits, dim=1)
            top = log_p.detach().masked_fill(~sets, -torch.inf).amax(1, keepdim=True)
            shifted = torch.where(sets, log_p - top, torch.zeros_like(log_p))
            some = (shifted.exp() * sets).sum(1)
            return some.log() + top[:, 0]

    @right
    class ByOneNet(Parts):
        def forward(self, x, sets):
            h = self.features(x)
            weight = torch.stack([self.real.weight, self.made.weight])
            bias = torch.stack([self.real.bias, self.made.bias])
            logits = torch.einsum("bd,scd->sbc", h, weight) + bias[:, None]
            mean = logits.masked_fill(~sets, -torch.inf).logsumexp(2)
            p, q = mean - sets.sum(1).log() - logits.logsumexp(2)
            return (h @ self.value.weight.T + self.value.bias).view(-1) + p - q

    edited = edits(
        SetCritic,
        """
    normalizers left out | real(h).log_softmax(1) -> real(h)
        | made(h).log_softmax(1) -> made(h)
    normalizers left out
        | log_p.logsumexp(1) - log_q -> ((self.real(h) - self.made(h)) * sets).sum(1) #
    normalizers left out
        | log_p.logsumexp(1) - log_q
        -> ((self.real(h) - self.made(h)) * sets).sum(1) / sets.sum(1) #
    the label left out | real(h).log_softmax(1).masked_fill(~sets, -torch.inf)
        -> real(h).masked_fill(~sets, -torch.inf).log_softmax(1)
        | made(h).log_softmax(1).masked_fill(~sets, -torch.inf)
        -> made(h).masked_fill(~sets, -torch.inf).log_softmax(1)
    mean of the logarithms | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> ((log_p - log_q).masked_fill(~sets, 0)).sum(1) / sets.sum(1)
    mean of the logarithms | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> ((log_p - log_q).masked_fill(~sets, 0)).sum(1)
    labels outside the set count | real(h).log_softmax(1).masked_fill(~sets, -torch.inf)
        -> real(h).log_softmax(1) * sets
        | made(h).log_softmax(1).masked_fill(~sets, -torch.inf)
        -> made(h).log_softmax(1) * sets
    labels outside the set count | real(h).log_softmax(1).masked_fill(~sets, -torch.inf)
        -> real(h).log_softmax(1).masked_fill(~sets, 0)
        | made(h).log_softmax(1).masked_fill(~sets, -torch.inf)
        -> made(h).log_softmax(1).masked_fill(~sets, 0)
    one label of the set | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> log_p.amax(1) - log_q.amax(1)
    one label of the set | h = -> sets = sets & (sets.cumsum(1) == 1); h =
    probabilities not summed before the quotient
        | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> (log_p - log_q.masked_fill(~sets, 0)).logsumexp(1)
    probabilities not summed before the quotient
        | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> (log_p - log_q.masked_fill(~sets, 0)).logsumexp(1) - sets.sum(1).log()
    density in place of its logarithm | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> log_p.exp().sum(1) - log_q.exp().sum(1)
    softmax over the wrong axis | real(h).log_softmax(1) -> real(h).log_softmax(0)
        | made(h).log_softmax(1) -> made(h).log_softmax(0)
    real and made exchanged | log_p.logsumexp(1) - log_q -> log_q.logsumexp(1) - log_p
    the data's classifier alone | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> log_p.logsumexp(1)
    the data's classifier alone | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> -log_q.logsumexp(1)
    the label left out | log_p.logsumexp(1) - log_q.logsumexp(1) -> 0.0
    what x says left out | self.value(h)[:, 0] + ->
    once for each label | self.value(h)[:, 0] -> sets.sum(1) * self.value(h)[:, 0]
    sign flipped | return self.value(h)[:, 0] -> return -(self.value(h)[:, 0]
        | log_q.logsumexp(1) -> log_q.logsumexp(1))
    not summed over the dimensions | [:, 0] -> | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> (log_p - log_q).nan_to_num()
    features not part of the critic | self.features = features
        -> self.__dict__["features"] = features
    features called more than once | self.made(h) -> self.made(self.features(x))
    another layer than asked for | nn.Linear(d, 1) -> nn.Linear(d, 1, bias=False)
    another layer than asked for
        | self.real = nn.Linear(d, classes)
        -> self.real = nn.Linear(d, classes, bias=False)
    another layer than asked for
        | self.real = nn.Linear(d, classes)
        -> self.real = nn.Sequential(nn.Linear(d, classes))
    part of the features cut off | self.made(h) -> self.made(h.detach())
    part of the features cut off | h)[:, 0] -> h.detach())[:, 0]
    underflow to zero | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> log_p.exp().sum(1).log() - log_q.exp().sum(1).log()
    underflow to zero | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> (log_p.exp().sum(1) + 1e-9).log() - (log_q.exp().sum(1) + 1e-9).log()
    underflow to zero | log_p.logsumexp(1) -> log_p.logsumexp(1).clamp(min=-100)
    underflow to zero | real(h).log_softmax(1).masked_fill(~sets, -torch.inf)
        -> real(h).log_softmax(1).masked_fill(~sets, -100.0)
    batch axis lost | log_q.logsumexp(1) -> (log_q.logsumexp(1)).squeeze()
        | [:, 0] + -> .squeeze() +
        | log_p.logsumexp(1) -> log_p.logsumexp(1).squeeze()
    wrong dtype | [:, 0] -> [:, 0].float() | log_p.logsumexp(1) - log_q.logsumexp(1)
        -> (log_p.logsumexp(1) - log_q.logsumexp(1)).float()
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_features():
        class SetCritic(Parts):
            kept = None

            def of_set(self, logits, sets):
                return logits.log_softmax(1).masked_fill(~sets, -torch.inf).logsumexp(1)

            def forward(self, x, sets):
                if self.kept is None:
                    self.kept = self.features(x)
                h = self.kept[: len(x)]
                p, q = (self.of_set(f(h), sets) for f in (self.real, self.made))
                return self.value(h)[:, 0] + p - q

        return SetCritic

    @wrong("cut off from the graph")
    class Evaluated(Parts):
        def forward(self, x, sets):
            with torch.no_grad():
                return Gan13.SetCritic.forward(self, x, sets)

    @wrong("normalizers left out")
    class Projection(Parts):
        """A label's own weights, and of a set their mean."""

        def forward(self, x, sets):
            h, share = self.features(x), sets / sets.sum(1, keepdim=True)
            p, q = self.real(h), self.made(h)
            return self.value(h)[:, 0] + (share * (p - q)).sum(1)
