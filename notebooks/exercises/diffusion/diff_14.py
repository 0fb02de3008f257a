"""Versions of exercise diff-14."""

import torch
from torch import nn

from .. import build, reference


class Diff14:
    r"""
    The denoiser of [Karras et al. (2022)](https://arxiv.org/abs/2206.00364) and the
    solver of [Lu et al. (2022)](https://arxiv.org/abs/2211.01095), which costs one
    evaluation a step.
    """

    @reference
    @build
    def reference():
        from gmcourse.data.densities import pinwheel

        truth, spread = pinwheel(), 1.5

        class Denoiser(nn.Module):
            """Input and target have variance 1: Karras et al. (2022), table 1."""

            def __init__(self):
                super().__init__()
                self.net = nn.Sequential(
                    *(nn.Linear(10, 64), nn.SiLU(), nn.Linear(64, 64), nn.SiLU()),
                    *(nn.Linear(64, 64), nn.SiLU(), nn.Linear(64, 2)),
                )

            def forward(self, x, sigma):  # sigma: a number, or (n, 1)
                sigma = sigma + torch.zeros(len(x), 1)
                size = (1 + sigma**2).sqrt()
                waves = 0.4 * torch.arange(1, 5) * sigma.log()
                told = torch.cat([x / size, waves.sin(), waves.cos()], 1)
                return x / size**2 + sigma / size * self.net(told)

        net, steps = Denoiser(), 8_000
        adam = torch.optim.Adam(net.parameters(), lr=5e-3)
        fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps)
        for _ in range(steps):
            x, eps = truth.sample(512) / spread, torch.randn(512, 2)
            sigma = (-1.2 + 1.2 * torch.randn(512, 1)).exp()
            off = (net(x + sigma * eps, sigma) - x) * (1 + sigma**2).sqrt() / sigma
            adam.zero_grad()
            off.square().mean().backward()
            adam.step()
            fall.step()

        @torch.no_grad()
        def sample(net, noise, steps=16, high=20.0, low=0.08, rho=7):
            """DPM-Solver++ (2M); the last estimate of the data is the sample."""
            ends = high ** (1 / rho), low ** (1 / rho)
            sigmas = torch.linspace(*ends, steps) ** rho
            x, before, last = high * noise, None, None
            for i in range(steps - 1):
                data = net(x, sigmas[i])
                h = (sigmas[i] / sigmas[i + 1]).log()
                slope = 0 if before is None else (data - before) / last
                ahead = data + h / 2 * slope
                x = ahead + (x - ahead) * sigmas[i + 1] / sigmas[i]
                before, last = data, h
            return spread * net(x, sigmas[-1])

        return net, sample
