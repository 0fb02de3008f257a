"""Versions of exercise diff-25."""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Diff25:
    r"""
    The four: the encoder says the log of the *deviation*, so that its half is too wide
    a law where deviations are below 1; the encoder learned from the loss; the net was
    asked at the time that a step goes to, where there is less noise than in what it is
    shown; and the units were undone in the wrong order.

    The second is the worst, and the loss falls all the better for it: latents that are
    all alike are easy to say. Nothing of what is drawn then can be decoded, as the
    decoder still knows the latents of before. Where encoder and decoder are trained
    along, the likelihood has to be in the loss, too: that is a VAE whose prior is
    learned. The last one is not seen where `center` is 0, as it nearly is for latents
    of a VAE.
    """

    @reference
    class LatentDiffusion:
        def __init__(
            self, encoder, decode, net, center, spread, classes, drop=0.1,
        ):  # fmt: skip
            self.encoder, self.decode, self.net = encoder, decode, net
            self.center, self.spread = center, spread
            self.classes, self.drop = classes, drop

        def loss(self, x, c):
            """(b, n), (b,) -> a number."""
            with torch.no_grad():
                mean, log_std = self.encoder(x)
                z = mean + log_std.exp() * torch.randn_like(mean)
                z = (z - self.center) / self.spread
            t, eps = torch.rand(len(x)), torch.randn_like(z)
            turn = (math.pi / 2 * t)[:, None]
            alpha, sigma = turn.cos(), turn.sin()
            z_t = alpha * z + sigma * eps
            out = torch.rand(len(x)) < self.drop
            c = c.masked_fill(out, self.classes)
            return (self.net(z_t, t, c) - z).square().mean()

        @torch.no_grad()
        def sample(self, noise, c, weight=1.0, steps=25):
            """(b, d), (b,) -> (b, n)."""
            z, nothing = noise, torch.full_like(c, self.classes)
            times = torch.linspace(1, 0, steps + 1)
            for t, s in itertools.pairwise(times):
                at = t.expand(len(z))
                data = self.net(z, at, nothing)
                data = data + weight * (self.net(z, at, c) - data)
                angles = math.pi / 2 * t, math.pi / 2 * s
                (a_t, s_t), (a_s, s_s) = [(v.cos(), v.sin()) for v in angles]
                z = a_s * data + s_s * (z - a_t * data) / s_t
            return self.decode(self.center + self.spread * z)

    @right
    @build
    def detached():
        """The latents cut off by detach; both labels in one batch; steps by a turn."""

        class LatentDiffusion:
            def __init__(self, *given):
                self.given = given if len(given) > 6 else (*given, 0.1)

            def loss(self, x, c):
                encoder, _, net, center, spread, classes, drop = self.given
                q = torch.distributions.Normal(*self.read(encoder(x)))
                z = ((q.sample() - center) / spread).detach()
                t = torch.empty(x.shape[0]).uniform_()
                turn = (t * math.pi / 2).unsqueeze(1)
                z_t = torch.cos(turn) * z + torch.sin(turn) * torch.randn(z.shape)
                told = torch.where(torch.rand(len(c)) > drop, c, classes)
                return F.mse_loss(net(z_t, t, told), z)

            def read(self, said):
                return said[0], torch.exp(said[1])

            @torch.no_grad()
            def sample(self, noise, c, weight=1.0, steps=25):
                _, decode, net, center, spread, classes, _ = self.given
                z, labels = noise, torch.cat([torch.full_like(c, classes), c])
                for k in range(steps, 0, -1):
                    t = torch.full((len(labels),), k / steps)
                    free, told = net(torch.cat([z, z]), t, labels).chunk(2)
                    data = (1 - weight) * free + weight * told
                    a, b = math.pi / 2 * k / steps, math.pi / 2 * (k - 1) / steps
                    eps = (z - math.cos(a) * data) / math.sin(a)
                    z = math.cos(b) * data + math.sin(b) * eps
                return decode(z * spread + center)

        return LatentDiffusion

    @right
    @build
    def frozen():
        """The encoder's weights are frozen; the noise of a step by a ratio of sines."""

        class LatentDiffusion(nn.Module):
            def __init__(self, encoder, decode, net, center, spread, classes, drop=0.1):
                super().__init__()
                self.encoder = encoder.requires_grad_(False)
                self.net, self.way_back = net, decode
                self.units, self.none, self.share = (center, spread), classes, drop

            def loss(self, x, c):
                center, spread = self.units
                mean, log_std = self.encoder(x)
                z = torch.addcmul(mean, torch.exp(log_std), torch.randn(mean.shape))
                z = z / spread - center / spread
                t = torch.rand(len(x))
                a = torch.cos(math.pi * t / 2)
                noise = torch.randn(z.shape)
                z_t = a[:, None] * z + (1 - a**2).sqrt()[:, None] * noise
                c = c.clone()
                c[torch.bernoulli(torch.full((len(c),), self.share)).bool()] = self.none
                off = self.net(z_t, t, c) - z
                return (off * off).sum() / off.numel()

            def sample(self, noise, c, weight=1.0, steps=25):
                with torch.no_grad():
                    z = noise.clone()
                    for k in range(steps):
                        t, s = 1 - k / steps, 1 - (k + 1) / steps
                        at = torch.full([len(z)], t)
                        one = self.net(z, at, c)
                        two = self.net(z, at, c * 0 + self.none)
                        data = two + weight * (one - two)
                        sines = math.sin(math.pi * s / 2) / math.sin(math.pi * t / 2)
                        kept = math.cos(math.pi * s / 2)
                        kept -= sines * math.cos(math.pi * t / 2)
                        z = sines * z + kept * data
                    return self.way_back(self.units[0] + self.units[1] * z)

        return LatentDiffusion

    @right
    @build
    def by_functions():
        """Closures in place of a class's parts; a step by the velocity that turns."""

        def turn(t):
            return torch.cos(math.pi / 2 * t), torch.sin(math.pi / 2 * t)

        class LatentDiffusion:
            def __init__(self, encoder, decode, net, center, spread, classes, drop=0.1):
                def latents(x):
                    mean, log_std = (v.detach() for v in encoder(x))
                    return (torch.normal(mean, log_std.exp()) - center) / spread

                def loss(x, c):
                    z, t = latents(x), 1 - torch.rand(len(x), 1)
                    alpha, sigma = turn(t)
                    told = c + 0
                    told[torch.rand(len(c)) < drop] = classes
                    said = net(alpha * z + sigma * torch.randn_like(z), t[:, 0], told)
                    return torch.stack(
                        [((a - b) ** 2).mean() for a, b in zip(said, z)]
                    ).mean()

                @torch.no_grad()
                def sample(noise, c, weight=1.0, steps=25):
                    z, no = noise, classes + 0 * c
                    for k in range(steps):
                        t = torch.tensor(1 - k / steps)
                        free, told = (net(z, t.repeat(len(z)), v) for v in (no, c))
                        data = torch.lerp(free, told, weight)
                        alpha, sigma = turn(t)
                        eps = z / sigma - alpha / sigma * data
                        ahead = turn(t - 1 / steps)
                        last = k == steps - 1
                        z = data if last else ahead[0] * data + ahead[1] * eps
                    return decode(torch.add(center, z, alpha=spread))

                self.loss, self.sample = loss, sample

        return LatentDiffusion

    edited = edits(
        LatentDiffusion,
        """
    log of a deviation read as of a variance | log_std.exp() -> (log_std / 2).exp()
    variance taken for the deviation | log_std.exp() -> (2 * log_std).exp()
    mean in place of a draw | log_std.exp() -> 0.0
    encoder trained along | with torch.no_grad(): -> with torch.enable_grad():
    latents in other units | (z - self.center) / self.spread -> z
    latents in other units | (z - self.center) / self.spread -> z - self.center
    latents in other units | (z - self.center) / self.spread
        -> (z - self.center) * self.spread
    one time for all examples | torch.rand(len(x)), -> torch.rand(1).expand(len(x)),
    times not drawn evenly | torch.rand(len(x)), -> torch.rand(len(x)).sqrt(),
    noise asked for | (self.net(z_t, t, c) - z) -> (self.net(z_t, t, c) - eps)
    sum in place of the mean | .square().mean() -> .square().sum(1).mean()
    sum in place of the mean | .square().mean() -> .square().sum()
    loss otherwise | .square().mean() -> .square().mean() + z.var()
    the net does not learn | (self.net(z_t, t, c) - z)
        -> (self.net(z_t, t, c).detach() - z)
    another path | alpha, sigma = turn.cos(), turn.sin()
        -> alpha, sigma = 1 - t[:, None], t[:, None]
    another path | alpha, sigma = turn.cos() -> sigma, alpha = turn.cos()
    labels never left out | c.masked_fill(out, self.classes) -> c
    another label for no label | c.masked_fill(out, self.classes)
        -> c.masked_fill(out, 0)
    one draw for all labels | torch.rand(len(x)) < self.drop
        -> (torch.rand(1) < self.drop).expand(len(x))
    labels kept and left out exchanged | < self.drop -> > self.drop
    asked at the time it goes to | t.expand(len(z)) -> s.expand(len(z))
    steps at other times | torch.linspace(1, 0, steps + 1)
        -> torch.linspace(1, 0, steps)
    guided otherwise | data + weight * (self.net(z, at, c) - data)
        -> self.net(z, at, c) + weight * (self.net(z, at, c) - data)
    guided otherwise | data + weight * (self.net(z, at, c) - data)
        -> self.net(z, at, c)
    another label for no label | torch.full_like(c, self.classes)
        -> torch.zeros_like(c)
    a step otherwise | s_s * (z - a_t * data) / s_t -> s_s * z
    a step otherwise | (z - a_t * data) / s_t -> noise
    units undone in the wrong order | self.center + self.spread * z
        -> (z + self.center) * self.spread
    latents in the net's units | self.decode(self.center + self.spread * z)
        -> self.decode(z)
    noise fixed across calls | torch.randn_like(z)
        -> torch.randn(z.shape, generator=torch.Generator().manual_seed(0))
    noise that is not normal | torch.randn_like(z)
        -> 3**0.5 * (2 * torch.rand_like(z) - 1)
    """,
    )

    @wrong("encoder trained along")
    @build
    def half_detached():
        """The draw is cut off, the mean is not."""

        class LatentDiffusion(Diff25.LatentDiffusion):
            def loss(self, x, c):
                mean, log_std = self.encoder(x)
                draw = (log_std.exp() * torch.randn_like(mean)).detach()
                z = (mean + draw - self.center) / self.spread
                t, eps = torch.rand(len(x)), torch.randn_like(z)
                turn = (math.pi / 2 * t)[:, None]
                z_t = turn.cos() * z.detach() + turn.sin() * eps
                c = c.masked_fill(torch.rand(len(x)) < self.drop, self.classes)
                return (self.net(z_t, t, c) - z).square().mean()

        return LatentDiffusion
