"""Versions of exercise gan-14."""

import functools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gmcourse.data import densities

from .. import RIGHT, build, cases, reference


def net(n, out, width, act=nn.Tanh):
    return nn.Sequential(
        *(nn.Linear(n, width), act(), nn.Linear(width, width), act()),
        nn.Linear(width, out),
    )


def trained(
    steps=2000, lr=1e-3, gamma=0.3, d=4, width=64, pairs=False, betas=(0, 0.99)
):
    """A generator of the exercise; ``pairs``: by the relativistic losses."""
    data, betas = densities.eight_gaussians(), tuple(map(float, betas))
    generator, critic = net(d, 2, width), net(2, 1, width)
    generator.latent_dim = d
    adam = [torch.optim.Adam(v.parameters(), lr, betas) for v in (critic, generator)]
    for step in range(steps):
        for player in adam:
            player.param_groups[0]["lr"] = lr * min(1, 2 - 2 * step / steps)
        x = data.sample(256).requires_grad_()
        made = generator(torch.randn(len(x), d)).detach()
        real, fake = critic(x), critic(made)
        slope = torch.autograd.grad(real.sum(), x, create_graph=True)[0]
        loss = F.softplus(-real) + F.softplus(fake)
        loss = F.softplus(fake - real) if pairs else loss
        adam[0].zero_grad()
        (loss.mean() + gamma / 2 * slope.square().sum(1).mean()).backward()
        adam[0].step()
        fake = critic(generator(torch.randn(len(x), d)))
        loss = F.softplus(critic(x).detach() - fake) if pairs else F.softplus(-fake)
        adam[1].zero_grad()
        loss.mean().backward()
        adam[1].step()
    return generator


class Ring(nn.Module):
    """No network: the first of three noises chooses the mode, the others the place."""

    latent_dim = 3

    def __init__(self, shares=(1,) * 8, std=0.25, change=lambda x, z: x, flat=1.0):
        super().__init__()
        shares = torch.tensor(shares, dtype=torch.float64)
        self.edges = (shares / shares.sum()).cumsum(0)[:-1]
        self.std, self.change, self.flat = std, change, flat
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, z):
        mode = torch.bucketize(torch.special.ndtr(z[:, 0].double()), self.edges)
        place = self.std * z[:, 1:] * torch.tensor([1.0, self.flat])
        x = densities.eight_gaussians().means.float()[mode] + place
        return self.change(self.scale * x, z)


class Blob(nn.Module):
    latent_dim = 2

    def __init__(self, spread=2.0, round_=False):
        super().__init__()
        self.spread, self.round = nn.Parameter(torch.tensor(spread)), round_

    def forward(self, z):
        return 3 * F.normalize(z, dim=1) if self.round else self.spread * z


class BatchNormed(nn.Module):
    """Of points whose mean and spread are taken from the batch at hand."""

    latent_dim = 3

    def __init__(self, tracked):
        super().__init__()
        self.ring = Ring()
        self.norm = nn.BatchNorm1d(2, affine=False, track_running_stats=tracked)
        for _ in range(200 * tracked):
            self.norm(self.ring(torch.randn(1000, 3)))

    def forward(self, z):
        return 4.53**0.5 * self.norm(self.ring(z))


class Whole(nn.Module):
    """Noise that nobody has asked for."""

    latent_dim = 3

    def forward(self, z):
        return Ring()(torch.randn_like(z))


def two_calls(x, z):
    return F.dropout(x, 0.02)


@functools.cache
def good():
    return trained(steps=1500)


def changed(change):
    class Changed(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.latent_dim = good(), 4

        def forward(self, z):
            return change(self.net(z))

    return Changed()


class Gan14:
    r"""
    Which of its parts did it need? One thing changed in the reference, five seeds each
    (20 of the reference): mean, and smallest to largest, of the good points, and the
    smallest share of any mode in any of the runs. Percent.

    | trained | good points | least mode |
    |---|---|---|
    | reference | 92.0 (91.4 to 92.5) | 10.4 |
    | no penalty | 92.6 (92.2 to 92.9) | 10.6 |
    | penalty of weight 0.03 | 92.5 (92.1 to 93.1) | 10.7 |
    | penalty of weight 3 | 90.7 (90.0 to 91.2) | 10.6 |
    | no fall of the learning rate | 92.9 (92.5 to 93.6) | 9.8 |
    | noise of 2 numbers | 92.9 (92.6 to 93.5) | 10.8 |
    | noise of 64 numbers | 91.3 (90.9 to 91.8) | 10.8 |
    | relativistic losses | 91.8 (90.8 to 92.2) | 10.3 |
    | saturating loss | 92.5 (92.2 to 93.0) | 10.6 |
    | learning rates of 2e-4 | 71.6 (68.9 to 74.8) | 6.8 |
    | Adam's betas 0.9, 0.999 | 88.6 (85.9 to 90.2) | 8.8 |
    | betas 0.5, 0.999 and no penalty | 92.8 (92.8 to 92.9) | 10.5 |
    | 1,000 steps | 87.0 (86.7 to 87.5) | 10.2 |

    Only the size of the steps, their number and the momentum move it by more than three
    points. The penalty, praised for other data, is not needed here, and costs a little
    where it is strong; nor does the saturating loss saturate. A recipe that worked says
    nothing of its parts until they are taken away, and what is true of eight modes on a
    circle need not be of 25 on a grid.

    The points still differ from the data: 92 % are good in place of 98.9 %, and the
    narrowest direction of a mode is 0.09 to 0.13 wide in place of 0.25. A smooth map of
    one connected noise has to draw threads between the modes, and it pays for them.
    """

    @reference
    @build
    def reference():
        from gmcourse.data import densities

        def net(n, out):
            return nn.Sequential(
                *(nn.Linear(n, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh()),
                nn.Linear(64, out),
            )

        data, steps, gamma = densities.eight_gaussians(), 2000, 0.3
        generator, critic = net(4, 2), net(2, 1)
        generator.latent_dim = 4
        players = [
            torch.optim.Adam(v.parameters(), lr=1e-3, betas=(0.0, 0.99))
            for v in (critic, generator)
        ]
        for step in range(steps):
            for adam in players:  # falls to zero in the second half
                adam.param_groups[0]["lr"] = 1e-3 * min(1, 2 - 2 * step / steps)
            x = data.sample(256).requires_grad_()
            with torch.no_grad():
                made = generator(torch.randn(len(x), 4))
            real = critic(x)
            slope = torch.autograd.grad(real.sum(), x, create_graph=True)[0]
            loss = (F.softplus(-real) + F.softplus(critic(made))).mean()
            loss = loss + gamma / 2 * slope.square().sum(1).mean()
            players[0].zero_grad()
            loss.backward()
            players[0].step()

            loss = F.softplus(-critic(generator(torch.randn(len(x), 4)))).mean()
            players[1].zero_grad()
            loss.backward()
            players[1].step()
        return generator

    runs = cases(
        trained,
        (RIGHT, {"d": 2, "steps": 1500}),
        (RIGHT, {"pairs": True, "d": 8, "width": 96, "steps": 1500}),
        ("untrained", {"steps": 0}),
        ("no modes to be seen", {"steps": 150}),
        ("points between the modes", {"steps": 1300, "lr": 3e-4}),
        ("training diverged", {"steps": 3, "lr": math.inf}),
    )
    rings = cases(
        Ring,
        (RIGHT, {}),
        (RIGHT, {"shares": (1, 1.5, 1, 0.7, 1, 1, 1, 1), "std": 0.3}),
        ("modes left out", {"shares": (1, 1, 1, 0, 1, 1, 1, 1)}),
        ("modes left out", {"shares": (1, 0, 1, 0, 1, 0, 1, 0)}),
        ("modes left out", {"shares": (1, 0, 0, 0, 0, 0, 0, 1)}),
        ("collapsed to one mode", {"shares": (0, 0, 1, 0, 0, 0, 0, 0)}),
        ("collapsed to one mode", {"shares": (50, 1, 0, 0, 0, 0, 0, 1)}),
        ("a mode in short supply", {"shares": (1, 1, 1, 1, 1, 0.3, 1, 1)}),
        ("points between the modes", {"std": 0.5}),
        ("modes without width", {"std": 0.0}),
        ("modes without width", {"flat": 0.1}),
        ("on another scale", {"change": lambda x, z: x / 3}),
        ("on another scale", {"change": lambda x, z: x / 4}),
        ("no modes to be seen", {"change": lambda x, z: x + 2}),
        ("random in evaluation mode", {"change": two_calls}),
        (
            "depends on its place in the batch",
            {"change": lambda x, z: x.sort(0).values},
        ),
        ("wrong shape", {"change": lambda x, z: x[:, 0]}),
        ("training diverged", {"change": lambda x, z: x / (x[:, :1] > -3.2)}),
    )
    blobs = cases(
        Blob,
        ("no modes to be seen", {}),
        ("points between the modes", {"round_": True}),
        ("the noise is not used", {"spread": 0.0}),
        ("untrained", {"spread": 0.3}),
    )
    normed = cases(
        BatchNormed,
        (RIGHT, {"tracked": True}),
        ("statistics of the batch", {"tracked": False}),
    )
    inner = cases(Whole, ("random in evaluation mode", {}))
    ends = cases(
        changed,
        ("on another scale", {"change": lambda x: x / 4.5}),
        ("modes left out", {"change": lambda x: x.abs()}),
    )
