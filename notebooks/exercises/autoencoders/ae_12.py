"""Versions of exercise ae-12."""

import math

import torch
from torch import nn

from gmcourse import train, warmup_cosine
from gmcourse.autoencoders import Autoencoder
from gmcourse.nets import mlp

from .. import RIGHT, build, cases, reference, wrong


def helix(n):
    s = torch.rand(n)
    turn = 2 * math.pi * s
    x = torch.stack([turn.cos(), turn.sin(), 2 * s - 1], 1)
    return x + 0.05 * torch.randn(n, 3)


def nets(width=32, activation=nn.SiLU, steps=0):
    def batches():
        while True:
            yield helix(256)

    encoder = mlp(3, width, width, 1, activation=activation)
    decoder = mlp(1, width, width, 3, activation=activation)
    model = Autoencoder(encoder, decoder, (3,))
    if steps:
        adam = torch.optim.Adam(model.parameters(), lr=1e-2)
        fall = warmup_cosine(steps, warmup=steps // 10)
        for _ in train(model, batches(), adam, steps=steps, schedule=fall):
            pass
    return model


def line(length):
    """PCA, its decoder's line ``length`` times as long."""
    model = Autoencoder(nn.Linear(3, 1), nn.Linear(1, 3), (3,))
    x = helix(4000)
    u = torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][:1]
    with torch.no_grad():
        model.encoder.weight.copy_(u)
        model.encoder.bias.copy_(-u @ x.mean(0))
        model.decoder.weight.copy_(length * u.T)
        model.decoder.bias.copy_(x.mean(0))
    return model


def curve(size=1.0, end=1.0):
    """No training at all: who knows the helix can write it down."""

    class Known(nn.Module):
        def encode(self, x):
            s = torch.linspace(0, end, 512)[:, None]
            return s[torch.cdist(x, self.decode(s)).argmin(1)]

        def decode(self, z):
            turn = 2 * math.pi * z
            return size * torch.cat([turn.cos(), turn.sin(), 2 * z - 1], 1)

    return Known()


class Ae12:
    """The curve is found from most seeds; a fold, where the curve turns back on
    itself and skips a part of the helix, shows as a few points with a large error."""

    @reference
    @build
    def reference():
        from gmcourse import train, warmup_cosine
        from gmcourse.autoencoders import Autoencoder
        from gmcourse.nets import mlp

        def batches():
            while True:
                yield helix(256)

        model = Autoencoder(mlp(3, 32, 32, 1), mlp(1, 32, 32, 3), (3,))
        adam = torch.optim.Adam(model.parameters(), lr=1e-2)
        fall = warmup_cosine(1500, warmup=150)
        for _ in train(model, batches(), adam, steps=1500, schedule=fall):
            pass
        return model

    networks = cases(
        nets,
        (RIGHT, {"activation": nn.Tanh, "steps": 1500}),
        (RIGHT, {"width": 40, "activation": nn.ReLU, "steps": 1500}),
        ("untrained", {}),
        ("too many parameters", {"width": 64}),
    )
    curves = cases(
        curve,
        (RIGHT, {}),
        ("not trained for long enough", {"size": 0.85}),
        ("folded curve", {"end": 0.875}),
    )
    lines = cases(
        line,
        ("constant reconstruction", {"length": 0.0}),
        ("a straight line", {"length": 1.0}),
        ("training diverged", {"length": math.nan}),
    )

    @wrong("code of more than one number")
    @build
    class Wide(nn.Module):
        def encode(self, x):
            return x

        def decode(self, z):
            return z

    @wrong("too many parameters")
    @build
    class Hidden(nn.Module):
        """In a list, where parameters() does not find them."""

        def __init__(self):
            super().__init__()
            self.nets = [nn.Linear(3, 1), nn.Linear(1, 3000)]

        def encode(self, x):
            return self.nets[0](x)

        def decode(self, z):
            return self.nets[1](z)[:, :3]

    @wrong("decoder remembers its input")
    @build
    class Remembers(nn.Module):
        def encode(self, x):
            self.x = x
            return x[:, :1]

        def decode(self, z):
            return self.x[: len(z)]

    @wrong("numbers packed into digits")
    @build
    class Packed(nn.Module):
        """Three numbers in the digits of one: seven bits each."""

        def encode(self, x):
            q = ((x.double() + 1.5) / 3 * 127).round().clamp(0, 127)
            return (q[:, :1] * 128 + q[:, 1:2]) * 128 + q[:, 2:]

        def decode(self, z):
            q = z.double().round()
            parts = [q.div(128 * 128, rounding_mode="floor")]
            parts += [q.div(128, rounding_mode="floor") % 128, q % 128]
            return (torch.cat(parts, 1) / 127 * 3 - 1.5).float()
