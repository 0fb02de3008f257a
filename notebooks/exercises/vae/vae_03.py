"""Versions of exercise vae-03."""

import math

import torch
from torch.distributions import (
    Normal,
)

from .. import build, edits, reference, right, wrong


class Vae03:
    @reference
    def reparameterize(mean, log_std, k):
        eps = torch.randn(k, *mean.shape, dtype=mean.dtype, device=mean.device)
        return mean + log_std.exp() * eps

    @right
    def by_rsample(mean, log_std, k):
        return Normal(mean, log_std.exp()).rsample((k,))

    @right
    def by_loops(mean, log_std, k):
        draws = []
        for _ in range(k):
            rows = []
            for m, s in zip(mean, log_std):
                entries = [a + b.exp() * torch.randn(()) for a, b in zip(m, s)]
                rows.append(torch.stack(entries))
            draws.append(torch.stack(rows))
        return torch.stack(draws)

    @right
    def by_einsum(mean, log_std, k):
        eps = torch.randn((*mean.shape, k), dtype=mean.dtype)
        return mean + torch.einsum("bd,bdk->kbd", log_std.exp(), eps)

    @right
    def by_addcmul(mean, log_std, k):
        shape = (k, *mean.shape)
        std = log_std.exp().expand(shape)
        return torch.addcmul(mean.expand(shape), std, torch.randn_like(std))

    @right
    def by_normal(mean, log_std, k):
        eps = torch.normal(0.0, 1.0, (k, *mean.shape)).to(mean)
        return (2 * log_std).exp().sqrt() * eps + mean

    @right
    def by_antithetic_sign(mean, log_std, k):
        eps = torch.randn(k, *mean.shape).abs()
        sign = torch.randint(0, 2, eps.shape) * 2 - 1
        return mean + log_std.exp() * eps * sign

    @right
    def by_numpy(mean, log_std, k):
        import numpy as np

        eps = np.random.standard_normal((k, *mean.shape))  # noqa: NPY002
        return mean + log_std.exp() * torch.from_numpy(eps).to(mean.dtype)

    @right
    def by_polar_coordinates(mean, log_std, k):
        u, v = torch.rand(2, k, *mean.shape, dtype=torch.float64)
        eps = (-2 * torch.log1p(-u)).sqrt() * torch.cos(2 * math.pi * v)
        return mean + log_std.exp() * eps.to(mean.dtype)

    @right
    def row_by_row(mean, log_std, k):
        draws = []
        for _ in range(k):
            rows = [m + s.exp() * torch.randn_like(m) for m, s in zip(mean, log_std)]
            draws.append(torch.stack(rows))
        return torch.stack(draws)

    edited = edits(
        reparameterize,
        """
    sampled outside the graph | return -> with torch.no_grad(): return
    mean cut off from the graph | mean + -> mean.detach() +
    standard deviation cut off from the graph | .exp() -> .exp().detach()
    one noise for all draws | (k, * -> (1, * | * eps -> * eps.repeat(k, 1, 1)
    one noise for all draws | (k, *mean.shape, -> (1, | * eps -> * eps.repeat(k, 1, 1)
    one noise for all examples | * eps -> * eps[:, :1]
    one noise for all dimensions | * eps -> * eps[..., :1]
    one noise for all dimensions
        | * eps -> * eps[..., :1].abs() * torch.randn_like(eps).sign()
    noise fixed across calls
        | dtype= -> generator=torch.Generator().manual_seed(0), dtype=
    global random state reseeded | eps = -> torch.manual_seed(0); eps =
    noise of the wrong shape | * eps -> * eps[:, :, None]
    noise of the wrong shape | (k, *mean.shape -> (*mean.shape
    noise of the wrong shape | mean + log_std -> mean[:, None] + log_std[:, None]
        | * eps -> * eps.transpose(0, 1)
    uniform noise | randn -> rand
    uniform noise | randn -> rand | * eps -> * (2 * eps - 1)
    noise that is not normal | randn -> rand | * eps -> * (eps - 0.5) * 12**0.5
    noise that is not normal
        | * eps -> * D.Laplace(0, 0.5**0.5).sample(eps.shape).to(mean)
    noise that is not normal
        | * eps -> * D.StudentT(30.0).sample(eps.shape).to(mean) * (28 / 30) ** 0.5
    noise that is not normal | * eps -> * eps.clamp(-3, 3)
    noise that is not normal | * eps -> * eps.clamp(-2, 2)
    noise that is not normal | * eps -> * eps.clamp(-4, 4)
    noise that is not normal | * eps -> * nn.init.trunc_normal_(eps)
    noise that is not normal
        | randn(k -> rand(12, k | * eps -> * (eps.sum(0) - 6)
    draws not independent
        | * eps -> * (eps - (k > 1) * eps.mean(0)) * (k / max(k - 1, 1)) ** 0.5
    draws not independent | * eps -> * torch.stack([eps, -eps], 1).flatten(0, 1)[:k]
    noise used more than once | * eps -> * torch.cat([eps[: (k + 1) // 2], -eps])[:k]
    log_std read as log variance | log_std. -> (0.5 * log_std).
    ceiling on the variance | log_std.exp() -> log_std.clamp(max=4).exp()
    floor under the standard deviation | log_std.exp() -> (log_std.exp() + 1e-7)
    sign of log_std flipped | log_std.exp() -> (-log_std).exp()
    log_std used as the standard deviation | log_std.exp() -> log_std
    standard deviation squared | log_std.exp() -> log_std.exp() ** 2
    standard deviation ignored | log_std.exp() * eps -> 0 * log_std + eps
    softplus in place of exp | log_std.exp() -> F.softplus(log_std)
    mean not added | mean + -> 0 * mean +
    floor under the standard deviation | log_std.exp() -> (log_std.exp() + 1e-3)
    floor under the standard deviation | log_std. -> log_std.clamp(min=-6).
    input changed in place | return -> mean += 0.1 * log_std; return
    input changed in place | log_std.exp() -> log_std.exp_()
    gradients switched off globally | return -> torch.set_grad_enabled(False); return
    wrong dtype
        | * eps -> * eps.float() | mean + log_std -> mean.float() + log_std.float()
    """,
    )

    @wrong("noise fixed across calls")
    @build
    def kept_noise():
        kept = {}

        def reparameterize(mean, log_std, k):
            shape = (k, *mean.shape)
            eps = kept.setdefault(shape, torch.randn(shape)).to(mean.dtype)
            return mean + log_std.exp() * eps

        return reparameterize

    @wrong("sampled outside the graph")
    def by_sample(mean, log_std, k):
        return Normal(mean, log_std.exp()).sample((k,))

    @wrong("a random node without a derivative")
    def torch_normal(mean, log_std, k):
        shape = (k, *mean.shape)
        return torch.normal(mean.expand(shape), log_std.exp().expand(shape))

    @wrong("samples given to other examples")
    def interleaved(mean, log_std, k):
        m, s = mean.repeat_interleave(k, 0), log_std.repeat_interleave(k, 0)
        return (m + s.exp() * torch.randn_like(m)).view(k, *mean.shape)
