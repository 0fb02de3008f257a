"""Six families that the course will have, in small: the contract's customers.

They are not the library's versions. They hold the contract to what is awkward about
each: three critic steps and a double backward pass; an inverse and a log-determinant;
tokens and a cache; a sampler that is passed in, and guidance; chains that a loss moves;
a condition that is an image.
"""

import itertools
import math

import torch
from torch import nn
from torch.nn import functional as F

from gmcourse import GenerativeModel, Labels, Like
from gmcourse.nets import mlp


class WassersteinGP(GenerativeModel):
    """WGAN-GP (Gulrajani et al., 2017): the critic's steps take parts of the batch.

    The weight of the penalty rises with the step.
    """

    def __init__(self, dim=3, latent=2, critic_steps=3):
        super().__init__()
        self.event_shape, self.latent, self.critic_steps = (dim,), latent, critic_steps
        self.generator = mlp(latent, 16, dim)
        # Without a bias at its end, which would cancel between real and fake.
        self.critic = nn.Sequential(
            mlp(dim, 16), nn.SiLU(), nn.Linear(16, 1, bias=False)
        )
        self.weight = 0.0

    def players(self):
        critic, generator = self.critic.parameters(), self.generator.parameters()
        return {"critic": list(critic), "generator": list(generator)}

    def at(self, step):
        self.weight = min(10.0, 2.0 * step)

    def losses(self, x, c=None):
        self.check(x, c)
        for part in x.chunk(self.critic_steps):
            fake = self.draw(len(part)).detach()
            gap = self.critic(fake).mean() - self.critic(part).mean()
            yield "critic", gap + self.weight * self.penalty(part, fake)
        yield "generator", -self.critic(self.draw(len(x))).mean()

    def penalty(self, real, fake):
        t = torch.rand(len(real), 1).to(real)
        x = (t * real + (1 - t) * fake).requires_grad_()
        with torch.enable_grad():
            value = self.critic(x).sum()
            slope = torch.autograd.grad(value, x, create_graph=True)[0]
        return (slope.norm(dim=1) - 1).square().mean()

    def draw(self, n, c=None):
        return self.generator(self.noise(n, self.latent))


class AffineCoupling(nn.Module):
    """RealNVP's layer (Dinh et al., 2017) on one half of the values."""

    def __init__(self, dim, flip):
        super().__init__()
        self.half, self.flip = dim // 2, flip
        self.net = mlp(self.half, 16, 2 * (dim - self.half))

    def halves(self, x):
        a, b = x[:, : self.half], x[:, self.half :]
        log_scale, shift = self.net(a).chunk(2, 1)
        return a, b, log_scale.tanh(), shift

    def forward(self, x):
        a, b, log_scale, shift = self.halves(x.flip(1) if self.flip else x)
        y = torch.cat([a, (b - shift) * torch.exp(-log_scale)], 1)
        return y.flip(1) if self.flip else y, -log_scale.sum(1)

    def inverse(self, z):
        a, b, log_scale, shift = self.halves(z.flip(1) if self.flip else z)
        x = torch.cat([a, b * torch.exp(log_scale) + shift], 1)
        return x.flip(1) if self.flip else x


class CouplingFlow(GenerativeModel):
    """An exact density: ``log p(x) = log N(z) + log |dz/dx|``."""

    exact = True

    def __init__(self, dim=4, layers=4):
        super().__init__()
        self.event_shape = (dim,)
        self.layers = nn.ModuleList(AffineCoupling(dim, i % 2) for i in range(layers))

    def to_latent(self, x):
        log_det = x.new_zeros(len(x))
        for layer in self.layers:
            x, more = layer(x)
            log_det = log_det + more
        return x, log_det

    def from_latent(self, z):
        for layer in reversed(self.layers):
            z = layer.inverse(z)
        return z

    def log_prob(self, x):
        self.check(x)
        z, log_det = self.to_latent(x)
        normal = -0.5 * (z.square() + math.log(2 * math.pi)).sum(1)
        return normal + log_det

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    def draw(self, n, c=None):
        return self.from_latent(self.noise(n, *self.event_shape))


class Block(nn.Module):
    """Causal self-attention and a fully connected net, each after a normalization."""

    def __init__(self, dim, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.net = mlp(dim, 2 * dim, dim)
        self.first, self.second = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, x, cache=None):
        b, t, d = x.shape
        qkv = self.qkv(self.first(x)).view(b, t, 3, self.heads, d // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (b, nh, t, hs)
        if cache is not None:
            if cache:
                k, v = torch.cat([cache[0], k], 2), torch.cat([cache[1], v], 2)
            cache[:] = k, v
        y = F.scaled_dot_product_attention(q, k, v, is_causal=t > 1)
        x = x + self.out(y.transpose(1, 2).reshape(b, t, d))
        return x + self.net(self.second(x))


class TinyGPT(GenerativeModel):
    """A transformer on tokens (Radford et al., 2018), sampled with a cache."""

    exact, dtype = True, torch.int64

    def __init__(self, length=6, levels=5, dim=16, heads=2, layers=2):
        super().__init__()
        self.event_shape, self.levels = (length,), levels
        self.token = nn.Embedding(levels + 1, dim)  # the last one: the beginning
        self.place = nn.Embedding(length, dim)
        self.blocks = nn.ModuleList(Block(dim, heads) for _ in range(layers))
        self.head = nn.Linear(dim, levels)

    def logits(self, seen, caches=None):
        """(b, t) tokens to (b, t, levels), of what comes next after each."""
        start = caches[0][0].shape[2] if caches and caches[0] else 0
        place = torch.arange(start, start + seen.shape[1], device=seen.device)
        x = self.token(seen) + self.place(place)
        for i, block in enumerate(self.blocks):
            x = block(x, caches[i] if caches is not None else None)
        return self.head(x)

    def log_prob(self, x):
        self.check(x)
        before = F.pad(x[:, :-1], (1, 0), value=self.levels)
        log_p = self.logits(before).log_softmax(-1)
        return log_p.gather(2, x[..., None])[..., 0].sum(1)

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    def draw(self, n, c=None, *, cached=True):
        start = torch.full((n, 1), self.levels, device=self.device)
        seen, last, caches = start, start, [[] for _ in self.blocks]
        for _ in range(self.event_shape[0]):
            if cached:
                logits = self.logits(last, caches)[:, -1]
            else:
                logits = self.logits(seen)[:, -1]
            last = torch.multinomial(logits.softmax(-1), 1)
            seen = torch.cat([seen, last], 1)
        return seen[:, 1:]


def ddim(eps, x, c, sigmas):
    """A sampler: yields x at each noise level (variance exploding, x / sigma known)."""
    for high, low in itertools.pairwise(sigmas):
        x = x + (low - high) * eps(x, high.expand(len(x)), c)
        yield x


def stochastic(eps, x, c, sigmas):
    """The same signature, and fresh noise at every step but the last."""
    for high, low in itertools.pairwise(sigmas):
        noise = (low**2 * (high**2 - low**2) / high**2).sqrt()
        down = (low**2 - noise**2).clamp(min=0).sqrt()
        x = x + (down - high) * eps(x, high.expand(len(x)), c)
        x = x + noise * torch.randn_like(x)
        yield x


def guide(eps, null, w):
    """``eps(x | c)`` pushed away from ``eps(x)``; w = 1 is no guidance."""

    def guided(x, sigma, c):
        anything = null(len(x), x)
        return torch.lerp(eps(x, sigma, anything), eps(x, sigma, c), w)

    return guided


class Diffusion(GenerativeModel):
    """Noise predicted at every level, with labels that are dropped at times.

    Ho et al. (2020); Ho & Salimans (2022). Without ``c`` it draws unconditionally.
    The share of dropped labels is annealed.
    """

    def __init__(self, dim=2, classes=3):
        super().__init__()
        self.event_shape, self.dropped = (dim,), 0.5
        self.condition = Labels(classes, required=False)
        self.label = nn.Embedding(classes + 1, 4)
        self.net = mlp(dim + 4 + 1, 32, dim)

    def at(self, step):
        self.dropped = max(0.1, 0.5 - 0.1 * step)

    def eps(self, x, sigma, c):
        told = torch.cat([self.label(c), sigma[:, None].log()], 1)
        return self.net(torch.cat([x / (1 + sigma[:, None] ** 2).sqrt(), told], 1))

    def loss(self, x, c=None):
        self.check(x, c)
        c = self.condition.null(len(x), x) if c is None else c
        c = self.condition.drop(c, self.dropped)
        sigma = torch.exp(1.2 * torch.randn(len(x)).to(x))
        noise = torch.randn_like(x)
        told = self.eps(x + sigma[:, None] * noise, sigma, c)
        return (told - noise).square().sum(1).mean()

    def trajectory(self, n, c=None, *, sampler=ddim, guidance=None, steps=8):
        eps = self.eps
        if c is None:
            c = self.condition.null(n, self.noise(1))
        elif guidance is not None:
            eps = guide(eps, self.condition.null, guidance)
        sigmas = torch.logspace(1, -2, steps).to(self.noise(1))
        yield from sampler(eps, sigmas[0] * self.noise(n, *self.event_shape), c, sigmas)

    def draw(self, n, c=None, **how):
        *_, x = self.trajectory(n, c, **how)
        return x


class RBM(GenerativeModel):
    """A restricted Boltzmann machine by persistent contrastive divergence.

    Tieleman (2008). The loss is a number whose gradient is meant: the mean difference
    of free energies. Its chains are a buffer, and move in train mode only.
    """

    surrogate = True

    def __init__(self, visible=6, hidden=4, chains=16):
        super().__init__()
        self.event_shape = (visible,)
        self.weight = nn.Parameter(0.1 * torch.randn(hidden, visible))
        self.a, self.b = (
            nn.Parameter(torch.zeros(visible)),
            nn.Parameter(torch.zeros(hidden)),
        )
        self.register_buffer(
            "chains", torch.bernoulli(torch.full((chains, visible), 0.5))
        )

    def free_energy(self, x):
        return -x @ self.a - F.softplus(F.linear(x, self.weight, self.b)).sum(1)

    @torch.no_grad()
    def gibbs(self, x, k=1):
        for _ in range(k):
            h = torch.bernoulli(F.linear(x, self.weight, self.b).float().sigmoid())
            on = h.to(self.a) @ self.weight + self.a
            x = torch.bernoulli(on.float().sigmoid()).to(self.a)
        return x

    def loss(self, x, c=None):
        self.check(x, c)
        moved = self.gibbs(self.chains)
        if self.training:
            self.chains.copy_(moved)
        return self.free_energy(x).mean() - self.free_energy(moved).mean()

    def draw(self, n, c=None, *, steps=20):
        return self.gibbs(
            torch.bernoulli(self.noise(n, *self.event_shape).sigmoid()), steps
        )


class ImageToImage(GenerativeModel):
    """A paired translation (Isola et al., 2017), with noise in place of dropout.

    The critic sees the pair. Its statistics are a batch's, so a batch holds two.
    """

    smallest_batch = 2

    def __init__(self, shape=(1, 4, 4)):
        super().__init__()
        self.event_shape, self.condition = shape, Like(shape)
        size = math.prod(shape)
        self.generator = mlp(2 * size, 32, size)
        self.critic = nn.Sequential(
            nn.Linear(2 * size, 16), nn.BatchNorm1d(16), nn.SiLU(), nn.Linear(16, 1)
        )

    def players(self):
        critic, generator = self.critic.parameters(), self.generator.parameters()
        return {"critic": list(critic), "generator": list(generator)}

    def judge(self, x, c):
        return self.critic(torch.cat([x, c], 1).flatten(1))

    def losses(self, x, c=None):
        self.check(x, c)
        fake = self.draw(len(x), c).detach()
        real = F.softplus(-self.judge(x, c)).mean()
        yield "critic", real + F.softplus(self.judge(fake, c)).mean()
        fake = self.draw(len(x), c)
        fooled = F.softplus(-self.judge(fake, c)).mean()
        yield "generator", fooled + 10 * (fake - x).abs().mean()

    def draw(self, n, c=None):
        told = torch.cat([c.flatten(1), self.noise(n, c[0].numel())], 1)
        return self.generator(told).sigmoid().view(n, *self.event_shape)


PROTOTYPES = {
    "wgan-gp, three critic steps": WassersteinGP,
    "coupling flow": CouplingFlow,
    "gpt": TinyGPT,
    "diffusion": Diffusion,
    "rbm": RBM,
    "image to image": ImageToImage,
}
