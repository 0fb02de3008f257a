"""Versions of exercise ar-14."""

import functools
import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gmcourse import data

from .. import RIGHT, build, cases, reference


@functools.cache
def images(mirrored=False):
    """The training set, ``(60000, 256)``."""
    x = data.load("mnist", "train").x / 255
    x = F.pad(F.avg_pool2d(x, 2), (1, 1, 1, 1)) > 0.5
    x = x.flip(3) if mirrored else x
    return x.float().flatten(1)


class Net(nn.Module):
    """A MADE; without a hidden layer the fully visible network.

    ``sees``: by how many pixels too far each logit looks; ``skip``: a path of one
    matrix beside the hidden layers.
    """

    def __init__(self, hidden=(256,), skip=False, sees=0, drop=0.0, norm=False):
        super().__init__()
        place = torch.arange(256)
        degrees = [place, *(torch.arange(h) * 255 // h for h in hidden)]
        into = [256, *hidden]
        self.layers = nn.ModuleList(
            nn.Linear(a, b) for a, b in itertools.pairwise(into)
        )
        self.last = nn.Linear(into[-1], 256)
        self.skip = nn.Linear(256, 256, bias=False) if skip else None
        for i, (low, high) in enumerate(itertools.pairwise(degrees)):
            self.register_buffer(f"mask{i}", (low <= high[:, None]).float())
        self.register_buffer("out", (degrees[-1] < place[:, None] + sees).float())
        self.register_buffer("own", torch.ones(256, 256).tril(-1))
        self.drop, self.norm = drop, norm

    def logits(self, x):
        h = x
        for i, layer in enumerate(self.layers):
            mask = getattr(self, f"mask{i}")
            h = F.relu(F.linear(h, layer.weight * mask, layer.bias))
            h = F.dropout(h, self.drop)
            if self.norm:
                h = F.batch_norm(h, None, None, training=True)
        h = F.linear(h, self.last.weight * self.out, self.last.bias)
        return h if self.skip is None else h + F.linear(x, self.skip.weight * self.own)


@functools.cache
def trained(rounds=15, lr=3e-3, batch=128, mirrored=False, **net):
    """By the cross-entropy, a learning rate that falls to zero."""
    x, model = images(mirrored), Net(**net)
    adam = torch.optim.Adam(model.parameters(), lr)
    steps = int(rounds * 60_000) // batch
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, max(1, steps))
    for _ in range(steps):
        some = x[torch.randint(len(x), (batch,))]
        z = model.logits(some)
        adam.zero_grad()
        (F.softplus(z) - some * z).sum(1).mean().backward()
        adam.step()
        fall.step()
    return model


class Changed(nn.Module):
    """A trained model, and something done to what goes in or comes out."""

    def __init__(self, last=lambda z: z, first=lambda x: x):
        super().__init__()
        self.model, self.last, self.first = trained(**GOOD), last, first

    def logits(self, x):
        return self.last(self.model.logits(self.first(x)))


class Constant(nn.Module):
    """The same logits for all images."""

    def __init__(self):
        super().__init__()
        mean = images().mean(0).clamp(1e-5, 1 - 1e-5)
        self.z = nn.Parameter(mean.logit())

    def logits(self, x):
        return self.z.expand_as(x)


def spoiled(value):
    model = Net()
    model.last.bias.data[3] = value
    return model


def later(z):
    """Each logit one pixel too late."""
    return torch.cat([torch.zeros_like(z[:, :1]), z[:, :-1]], 1)


def by_place(z):
    return z + 0.1 * torch.arange(len(z))[:, None]


GOOD = {"hidden": (512,), "skip": True, "rounds": 8}


class Ar14:
    r"""
    What we saw, in nats on the test set and in seconds of one CPU core (other programs
    ran beside it); one run each, but for the two lines that say otherwise.

    | model | batches, rounds, learning rate | nats | seconds |
    |---|---|---|---|
    | MADE, 256 units, 5 seeds | 64, 30, 3e-3 | 29.66 (29.52 to 29.84) | 43 to 58 |
    | MADE, 256 units | 64, 60, 3e-3 | 29.33 | 110 |
    | MADE, 256 units | 128, 30, 3e-3 | 30.01 | 34 |
    | MADE, 256 units | 128, 60, 1e-2 | 29.82 | 76 |
    | MADE, 256 units, a path of one matrix beside them | 128, 15, 3e-3 | 29.78 | 19 |
    | MADE, 256 and 256 units | 128, 15, 3e-3 | 31.52 | 23 |
    | the reference, 5 seeds | 128, 12, 3e-3 | 28.91 (28.85 to 29.02) | 19 to 26 |
    | MADE, 512 units | 128, 5, 3e-3 | 31.12 | 8 |
    | MADE, 400 and 400 units | 128, 10, 3e-3 | 30.83 | 23 |
    | MADE, 512 units, a path of one matrix beside them | 128, 8, 3e-3 | 29.34 | 15 |
    | logistic regressions | 128, 10, 1e-2 | 33.78 | 8 |
    | independent pixels | | 49.36 | 0 |

    With 512 units 21 seconds brought what 256 units had not in 110, and a second hidden
    layer lost in these few rounds. Two or three tenths of a nat are within the spread
    of the seeds: neighboring lines of one run each are not ranked.

    The most frequent way to be far below 30 at once is a mask with one equality too
    many. The loss does not tell, it falls all the better. Change a pixel and look at
    the logits up to its place: none of them may move.
    """

    @reference
    @build
    def reference():
        from gmcourse import data

        def digits(split):
            x = data.load("mnist", split).x
            x = F.avg_pool2d(x.float() / 255, 2)
            x = F.pad(x, (1, 1, 1, 1))
            return (x > 0.5).float().flatten(1)

        class Made(nn.Module):
            def __init__(self, d=256, hidden=512):
                super().__init__()
                self.first, self.last = nn.Linear(d, hidden), nn.Linear(hidden, d)
                place = torch.arange(d)
                degree = torch.arange(hidden) * (d - 1) // hidden
                self.register_buffer("sees", (place <= degree[:, None]).float())
                self.register_buffer("seen", (degree < place[:, None]).float())

            def logits(self, x):
                h = F.linear(x, self.first.weight * self.sees, self.first.bias)
                weight = self.last.weight * self.seen
                return F.linear(h.relu(), weight, self.last.bias)

        x, model = digits("train"), Made()
        steps = 5_600  # twelve rounds of 60,000 images
        adam = torch.optim.Adam(model.parameters(), lr=3e-3)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for _ in range(steps):
            batch = x[torch.randint(len(x), (128,))]
            loss = F.binary_cross_entropy_with_logits(
                model.logits(batch), batch, reduction="sum"
            )
            adam.zero_grad()
            (loss / len(batch)).backward()
            adam.step()
            fall.step()
        return model

    runs = cases(
        trained,
        (RIGHT, GOOD),
        (RIGHT, {"hidden": (640,), "rounds": 9}),
        (RIGHT, {"hidden": (512,), "rounds": 10, "batch": 100}),
        ("untrained", {"rounds": 0}),
        ("not trained for long enough", {"rounds": 0.7, "hidden": (64,)}),
        ("not quite", {"rounds": 5, "hidden": (512,)}),
        ("logistic regressions alone", {"rounds": 3, "hidden": (), "lr": 1e-2}),
        (
            "another order of the pixels",
            {"rounds": 7, "hidden": (512,), "mirrored": True},
        ),
    )
    nets = cases(
        Net,
        ("a pixel sees itself", {"sees": 1}),
        ("a pixel sees later ones", {"sees": 3}),
        ("a pixel sees later ones", {"sees": 300}),
        ("random in evaluation mode", {"drop": 0.1}),
        ("statistics of the batch", {"norm": True}),
    )
    changed = cases(
        Changed,
        ("logits of zeros", {"last": torch.neg}),
        ("logits of a neighbor", {"last": later}),
        ("a pixel sees later ones", {"last": lambda z: z.flip(1)}),
        ("a pixel sees itself", {"last": lambda z: z.roll(-1, 1)}),
        ("x on another scale", {"first": lambda x: (x + 1) / 2}),
        ("x on another scale", {"first": lambda x: 1 - x}),
        ("probabilities in place of logits", {"last": torch.sigmoid}),
        ("log-probabilities in place of logits", {"last": F.logsigmoid}),
        ("logits within bounds", {"last": torch.tanh}),
        ("logits within bounds", {"last": lambda z: z.clamp(-2.5, 2.5)}),
        ("depends on its place in the batch", {"last": by_place}),
        ("statistics of the batch", {"last": lambda z: z - z.mean(0)}),
        ("random in evaluation mode", {"last": lambda z: F.dropout(z, 0.1)}),
        ("wrong shape", {"last": lambda z: z.sum(1)}),
    )
    constant = cases(Constant, ("independent pixels", {}))
    lost = cases(
        spoiled,
        ("training diverged", {"value": math.nan}),
        ("training diverged", {"value": math.inf}),
    )
