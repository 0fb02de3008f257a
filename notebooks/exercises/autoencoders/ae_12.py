"""Versions of exercise ae-12."""

import math

import torch
from torch import nn

from gmcourse import train, warmup_cosine
from gmcourse.autoencoders import Autoencoder
from gmcourse.nets import mlp

from .. import build, reference, right, wrong


def helix(n):
    s = torch.rand(n)
    turn = 2 * math.pi * s
    x = torch.stack([turn.cos(), turn.sin(), 2 * s - 1], 1)
    return x + 0.05 * torch.randn(n, 3)


def _endless(n):
    while True:
        yield helix(n)


def _trained(encoder, decoder, steps=1500, lr=1e-2):
    model = Autoencoder(encoder, decoder, (3,))
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    fall = warmup_cosine(steps, warmup=steps // 10)
    for _ in train(model, _endless(256), adam, steps=steps, schedule=fall):
        pass
    return model


class _Packed(nn.Module):
    """Three numbers in the digits of one: seven bits each."""

    def encode(self, x):
        q = ((x.double() + 1.5) / 3 * 127).round().clamp(0, 127)
        return (q[:, :1] * 128 + q[:, 1:2]) * 128 + q[:, 2:]

    def decode(self, z):
        q = z.double().round()
        parts = [q.div(128 * 128, rounding_mode="floor")]
        parts += [q.div(128, rounding_mode="floor") % 128, q % 128]
        return (torch.cat(parts, 1) / 127 * 3 - 1.5).float()


class _Remembers(nn.Module):
    def encode(self, x):
        self.x = x
        return x[:, :1]

    def decode(self, z):
        return self.x[: len(z)]


class _Wide(nn.Module):
    def encode(self, x):
        return x

    def decode(self, z):
        return z


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

    @right
    @build
    def with_tanh():
        nets = (mlp(3, 32, 32, 1, activation=nn.Tanh),
                mlp(1, 32, 32, 3, activation=nn.Tanh))  # fmt: skip
        return _trained(*nets)

    @right
    @build
    def with_relu():
        nets = (mlp(3, 40, 40, 1, activation=nn.ReLU),
                mlp(1, 40, 40, 3, activation=nn.ReLU))  # fmt: skip
        return _trained(*nets)

    @right
    @build
    def by_geometry():
        class Known(nn.Module):
            """No training at all: who knows the curve can write it down."""

            def encode(self, x):
                s = torch.linspace(0, 1, 512)
                curve = Known.on(s[:, None])
                return s[torch.cdist(x, curve).argmin(1)][:, None]

            @staticmethod
            def on(s):
                turn = 2 * math.pi * s
                return torch.cat([turn.cos(), turn.sin(), 2 * s - 1], 1)

            def decode(self, z):
                return Known.on(z)

        return Known()

    @wrong("untrained")
    @build
    def untrained():
        return Autoencoder(mlp(3, 32, 32, 1), mlp(1, 32, 32, 3), (3,))

    @wrong("constant reconstruction")
    @build
    def constant():
        model = Autoencoder(nn.Linear(3, 1), nn.Linear(1, 3), (3,))
        with torch.no_grad():
            model.decoder.weight.zero_()
            model.decoder.bias.zero_()
        return model

    @wrong("a straight line")
    @build
    def linear():
        model = Autoencoder(nn.Linear(3, 1), nn.Linear(1, 3), (3,))
        x = helix(4000)
        u = torch.linalg.svd(x - x.mean(0), full_matrices=False)[2][:1]
        with torch.no_grad():
            model.encoder.weight.copy_(u)
            model.encoder.bias.copy_(-u @ x.mean(0))
            model.decoder.weight.copy_(u.T)
            model.decoder.bias.copy_(x.mean(0))
        return model

    @wrong("training diverged")
    @build
    def diverged():
        model = Autoencoder(mlp(3, 32, 32, 1), mlp(1, 32, 32, 3), (3,))
        with torch.no_grad():
            model.encoder[0].weight[0] = torch.nan
        return model

    @wrong("too many parameters")
    @build
    def large():
        return Autoencoder(mlp(3, 64, 64, 1), mlp(1, 64, 64, 3), (3,))

    @wrong("code of more than one number")
    @build
    def wide():
        return _Wide()

    @wrong("decoder remembers its input")
    @build
    def remembers():
        return _Remembers()

    @wrong("numbers packed into digits")
    @build
    def packed():
        return _Packed()

    @wrong("not trained for long enough")
    @build
    def coarse():
        class Coarse(nn.Module):
            """The right curve, a little beside itself."""

            def encode(self, x):
                s = torch.linspace(0, 1, 256)[:, None]
                return s[torch.cdist(x, self.decode(s)).argmin(1)]

            def decode(self, z):
                turn = 2 * math.pi * z
                parts = [0.85 * turn.cos(), 0.85 * turn.sin(), 1.7 * z - 0.85]
                return torch.cat(parts, 1)

        return Coarse()

    @wrong("folded curve")
    @build
    def folded():
        class Folded(nn.Module):
            """The last eighth of the helix is not reached."""

            def encode(self, x):
                s = torch.linspace(0, 0.875, 256)[:, None]
                return s[torch.cdist(x, self.decode(s)).argmin(1)]

            def decode(self, z):
                turn = 2 * math.pi * z
                return torch.cat([turn.cos(), turn.sin(), 2 * z - 1], 1)

        return Folded()
