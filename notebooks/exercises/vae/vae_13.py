"""Versions of exercise vae-13."""

import functools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gmcourse.data.structured import BarsAndStripes

from .. import RIGHT, build, cases, reference


class Bars(nn.Module):
    """A model of the exercise, untrained."""

    def __init__(self, latents=6, width=96, normed=False, tracked=True):
        super().__init__()
        norm = [nn.BatchNorm1d(width, track_running_stats=tracked)] if normed else []
        self.encoder = nn.Sequential(
            nn.Linear(16, width), nn.SiLU(), nn.Linear(width, 2 * latents)
        )
        self.decoder = nn.Sequential(
            *(nn.Linear(latents, width), *norm, nn.SiLU(), nn.Linear(width, width)),
            *(nn.SiLU(), nn.Linear(width, 16)),
        )
        self.out = nn.Identity()

    def encode(self, x):
        return self.encoder(2 * x - 1).chunk(2, dim=1)

    def decode(self, z):
        return self.out(self.decoder(z))


def bars(
    steps=2500,
    lr=5e-3,
    first=1.0,
    weight=1.0,
    halved=False,
    noise=1.0,
    some=None,
    out=None,
    **net,
):
    """Trained by the negative ELBO; ``first`` is the weight of the rate at first, and
    ``some`` is how many of the images are seen."""
    seen = BarsAndStripes(4).support()[:some].flatten(1)
    model = Bars(**net)
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, max(1, steps))
    for step in range(steps):
        x = BarsAndStripes(4).sample(128).flatten(1)
        x = x if some is None else seen[torch.randint(some, (128,))]
        mean, log_std = model.encode(x)
        log_std = 0.5 * log_std if halved else log_std
        logits = model.decode(mean + noise * log_std.exp() * torch.randn_like(mean))
        error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)
        rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum(1)
        adam.zero_grad()
        (error + (first if step < 300 else weight) * rate).mean().backward()
        adam.step()
        fall.step()
    model.out = out or model.out
    return model


class Listed(nn.Module):
    """All images in their order, whatever the codes."""

    def encode(self, x):
        return torch.zeros(len(x), 2), torch.zeros(len(x), 2)

    def decode(self, z):
        images = BarsAndStripes(4).support().flatten(1)
        return 40 * images[torch.arange(len(z)) % len(images)] - 20


class Linear(nn.Module):
    """Untrained, and of one layer each way."""

    def __init__(self, latents=4):
        super().__init__()
        self.encoder, self.out = nn.Linear(16, 2 * latents), nn.Linear(latents, 16)

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        return 1.5 * self.out(z)


class Changed(nn.Module):
    """A trained model, and something done to what it gives."""

    def __init__(self, model, encode, decode, given):
        super().__init__()
        self.model, self.after, self.last = model, encode, decode
        self.first = given

    def encode(self, x):
        return self.after(*self.model.encode(self.first(x)))

    def decode(self, z):
        return self.last(self.model.decode(z))


def changed(
    encode=lambda mean, log_std: (mean, log_std),
    decode=lambda logits: logits,
    given=lambda x: x,
):
    return Changed(good(), encode, decode, given)


@functools.cache
def good():
    return bars(latents=2)  # narrow codes, which a wrong q does not meet by chance


class Signs(Listed):
    """A latent for each pixel, whose sign it is."""

    def encode(self, x):
        return 1.6 * x - 0.8, torch.full_like(x, -0.7)

    def decode(self, z):
        return 20 * z.sign()


class Constant(Listed):
    def decode(self, z):
        return torch.zeros(len(z), 16)


class Vae13:
    """
    What helps is to be tried, over seeds. Three seeds each, one thing changed in the
    reference (six latents, a hidden layer of 96 units in the encoder, two in the
    decoder, 2,500 steps, a rate of 5e-3 that falls to zero):

    | trained | bound (nats) | rate | distortion |
    |---|---|---|---|
    | reference | 4.33, 4.28, 4.24 | 4.40 | 0.76 |
    | ten latents | 4.35, 4.30, 4.36 | 4.42 | 0.83 |
    | four latents | 4.17, 4.21, 4.17 | 4.28 | 0.59 |
    | three latents | 4.07, 4.08, 4.07 | 4.14 | 0.48 |
    | two latents | 3.95, 3.93, 3.96 | 3.95 | 0.35 |
    | one latent | 6.04, 7.50, 6.98 | 3.01 | 3.88 |
    | one hidden layer in the decoder | 5.05, 4.88, 4.73 | 4.56 | 0.99 |
    | the same, 8,000 steps | 4.39, 4.38, 4.29 | 4.34 | 0.75 |
    | three hidden layers in the decoder | 4.12, 4.05, 3.96 | 4.21 | 0.53 |
    | two latents, three hidden layers | 3.79, 3.79, 3.83 | 3.95 | 0.29 |
    | a rate of 1e-3 | 4.85, 4.79, 4.85 | 4.53 | 0.99 |
    | two latents, a rate of 1e-3 | 5.11, 4.93, 5.34 | 4.03 | 1.33 |

    With fewer latents both terms fall, until with one the images are confused. A
    deeper decoder lowers both as well, and a small learning rate raises both; one seed
    would tell little of it. Over 20 seeds the reference reached 4.31 nats, with a
    standard deviation of 0.02.
    """

    @reference
    @build
    def reference():
        from gmcourse.data.structured import BarsAndStripes

        class BarsVAE(nn.Module):
            def __init__(self, d_z=6, width=96):
                super().__init__()
                self.encoder = nn.Sequential(
                    nn.Linear(16, width), nn.SiLU(), nn.Linear(width, 2 * d_z)
                )
                self.decoder = nn.Sequential(
                    nn.Linear(d_z, width),
                    nn.SiLU(),
                    nn.Linear(width, width),
                    nn.SiLU(),
                    nn.Linear(width, 16),
                )

            def encode(self, x):
                return self.encoder(2 * x - 1).chunk(2, dim=1)

            def decode(self, z):
                return self.decoder(z)

        model, bars, steps = BarsVAE(), BarsAndStripes(4), 2500
        adam = torch.optim.Adam(model.parameters(), lr=5e-3)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for _ in range(steps):
            x = bars.sample(128).flatten(1)
            mean, log_std = model.encode(x)
            logits = model.decode(mean + log_std.exp() * torch.randn_like(mean))
            error = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
            rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std)
            adam.zero_grad()
            (error.sum(1) + rate.sum(1)).mean().backward()
            adam.step()
            fall.step()
        return model

    trained = cases(
        bars,
        (RIGHT, {"width": 128, "lr": 3e-3}),
        (RIGHT, {"latents": 10, "lr": 3e-3}),
        (RIGHT, {"first": 0.3}),
        (RIGHT, {"normed": True}),
        ("no code in use", {"steps": 0}),
        ("posterior collapsed", {"steps": 400, "first": 30.0, "weight": 30.0}),
        ("rate weighted", {"steps": 1000, "weight": 2.5}),
        ("trained too gently", {"steps": 100}),
        ("trained too gently", {"steps": 500}),
        ("one latent", {"latents": 1, "steps": 500}),
        ("rate far above the entropy", {"steps": 1500, "first": 0, "weight": 0}),
        ("codes too wide", {"steps": 1000, "noise": 0.0}),
        ("some images not learned", {"steps": 1000, "some": 10}),
        ("rate far above the entropy", {"halved": True}),
        ("probabilities in place of logits", {"out": nn.Sigmoid()}),
        ("logits within bounds", {"out": nn.Tanh()}),
        ("statistics of the batch", {"normed": True, "tracked": False}),
        ("training diverged", {"steps": 2, "lr": math.inf}),
    )
    other = cases(
        changed,
        ("outputs of encode exchanged", {"encode": lambda m, s: (s, m)}),
        ("another image comes back", {"decode": torch.neg}),
        ("log-probabilities in place of logits", {"decode": F.logsigmoid}),
        ("another image comes back", {"encode": lambda m, s: (m.flip(0), s)}),
        ("softmax over the pixels", {"decode": lambda v: v.log_softmax(1)}),
        ("random in evaluation mode", {"decode": lambda v: F.dropout(v, 0.1)}),
        ("codes that run away", {"encode": lambda m, s: (m, 50 * s)}),
        (
            "encode gives the same for all images",
            {"encode": lambda m, s: (0 * m + 1, s)},
        ),
        ("x on another scale", {"given": lambda x: (x + 1) / 2}),
    )
    given = cases(Listed, ("depends on its place in the batch", {}))
    linear = cases(Linear, ("a linear decoder", {}))
    flat = cases(Constant, ("posterior collapsed", {}))
    spaced = cases(Signs, ("codes where the prior hardly goes", {}))
