"""Versions of exercise vae-03."""

import math

import torch
from torch import nn
from torch.distributions import (
    Normal,
)
from torch.nn import functional as F

from .. import build, reference, right, wrong


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

    @wrong("sampled outside the graph")
    def under_no_grad(mean, log_std, k):
        with torch.no_grad():
            return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("sampled outside the graph")
    def by_sample(mean, log_std, k):
        return Normal(mean, log_std.exp()).sample((k,))

    @wrong("a random node without a derivative")
    def torch_normal(mean, log_std, k):
        shape = (k, *mean.shape)
        return torch.normal(mean.expand(shape), log_std.exp().expand(shape))

    @wrong("mean cut off from the graph")
    def detached_mean(mean, log_std, k):
        return mean.detach() + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("standard deviation cut off from the graph")
    def detached_std(mean, log_std, k):
        return mean + log_std.exp().detach() * torch.randn(k, *mean.shape)

    @wrong("one noise for all draws")
    def shared_by_draws(mean, log_std, k):
        z = mean + log_std.exp() * torch.randn_like(mean)
        return z.expand(k, *mean.shape)

    @wrong("one noise for all draws")
    def scalar_noise(mean, log_std, k):
        return (mean + log_std.exp() * torch.randn(())).repeat(k, 1, 1)

    @wrong("one noise for all examples")
    def shared_by_examples(mean, log_std, k):
        return mean + log_std.exp() * torch.randn(k, 1, mean.shape[1])

    @wrong("one noise for all dimensions")
    def shared_by_dimensions(mean, log_std, k):
        return mean + log_std.exp() * torch.randn(k, mean.shape[0], 1)

    @wrong("one noise for all dimensions")
    def same_size_for_all_dimensions(mean, log_std, k):
        size = torch.randn(k, mean.shape[0], 1).abs()
        sign = torch.randint(0, 2, (k, *mean.shape)) * 2 - 1
        return mean + log_std.exp() * size * sign

    @wrong("noise fixed across calls")
    @build
    def kept_noise():
        kept = {}

        def reparameterize(mean, log_std, k):
            shape = (k, *mean.shape)
            eps = kept.setdefault(shape, torch.randn(shape)).to(mean.dtype)
            return mean + log_std.exp() * eps

        return reparameterize

    @wrong("noise fixed across calls")
    def own_generator(mean, log_std, k):
        g = torch.Generator().manual_seed(0)
        eps = torch.randn(k, *mean.shape, generator=g, dtype=mean.dtype)
        return mean + log_std.exp() * eps

    @wrong("global random state reseeded")
    def reseeded(mean, log_std, k):
        torch.manual_seed(0)
        return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("noise of the wrong shape")
    def extra_axis(mean, log_std, k):
        eps = torch.randn(k, mean.shape[0], 1, mean.shape[1])
        return mean + log_std.exp() * eps

    @wrong("noise of the wrong shape")
    def axes_swapped(mean, log_std, k):
        eps = torch.randn(mean.shape[0], k, mean.shape[1])
        return mean[:, None] + log_std[:, None].exp() * eps

    @wrong("noise of the wrong shape")
    def one_draw(mean, log_std, k):
        return mean + log_std.exp() * torch.randn_like(mean)

    @wrong("uniform noise")
    def uniform(mean, log_std, k):
        return mean + log_std.exp() * torch.rand(k, *mean.shape)

    @wrong("uniform noise")
    def centered_uniform(mean, log_std, k):
        return mean + log_std.exp() * (2 * torch.rand(k, *mean.shape) - 1)

    @wrong("noise that is not normal")
    def uniform_of_variance_one(mean, log_std, k):
        eps = (torch.rand(k, *mean.shape) - 0.5) * 12**0.5
        return mean + log_std.exp() * eps

    @wrong("noise that is not normal")
    def laplace(mean, log_std, k):
        eps = torch.distributions.Laplace(0.0, 0.5**0.5).sample((k, *mean.shape))
        return mean + log_std.exp() * eps

    @wrong("noise that is not normal")
    def tails_cut_off(mean, log_std, k):
        return mean + log_std.exp() * torch.randn(k, *mean.shape).to(mean).clamp(-3, 3)

    @wrong("noise that is not normal")
    def more_tails_cut_off(mean, log_std, k):
        return mean + log_std.exp() * torch.randn(k, *mean.shape).to(mean).clamp(-2, 2)

    @wrong("noise centered over the draws")
    def centered_noise(mean, log_std, k):
        eps = torch.randn(k, *mean.shape, dtype=mean.dtype)
        if k > 1:
            eps = (eps - eps.mean(0)) * (k / (k - 1)) ** 0.5
        return mean + log_std.exp() * eps

    @wrong("noise centered over the draws")
    def pairs_of_opposite_noise(mean, log_std, k):
        eps = torch.randn((k + 1) // 2, *mean.shape, dtype=mean.dtype)
        return mean + log_std.exp() * torch.stack([eps, -eps], 1).flatten(0, 1)[:k]

    @wrong("log_std read as log variance")
    def half(mean, log_std, k):
        return mean + (0.5 * log_std).exp() * torch.randn(k, *mean.shape)

    @wrong("log_std used as the standard deviation")
    def without_exp(mean, log_std, k):
        return mean + log_std * torch.randn(k, *mean.shape)

    @wrong("standard deviation squared")
    def variance(mean, log_std, k):
        return mean + log_std.exp() ** 2 * torch.randn(k, *mean.shape)

    @wrong("standard deviation ignored")
    def unscaled(mean, log_std, k):
        return mean + torch.randn(k, *mean.shape)

    @wrong("softplus in place of exp")
    def softplus(mean, log_std, k):
        return mean + F.softplus(log_std) * torch.randn(k, *mean.shape)

    @wrong("mean not added")
    def centered(mean, log_std, k):
        z = log_std.exp() * torch.randn(k, *mean.shape)
        return z + 0 * mean

    @wrong("floor under the standard deviation")
    def with_floor(mean, log_std, k):
        std = log_std.exp() + 1e-3
        return mean + std * torch.randn(k, *mean.shape)

    @wrong("floor under the standard deviation")
    def clamped(mean, log_std, k):
        return mean + log_std.clamp(min=-6).exp() * torch.randn(k, *mean.shape)

    @wrong("input changed in place")
    def mean_in_place(mean, log_std, k):
        mean += 0.1 * log_std
        return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("input changed in place")
    def std_in_place(mean, log_std, k):
        return mean + log_std.exp_() * torch.randn(k, *mean.shape)

    @wrong("gradients switched off globally")
    def grad_off(mean, log_std, k):
        torch.set_grad_enabled(False)
        return mean + log_std.exp() * torch.randn(k, *mean.shape)

    @wrong("wrong dtype")
    def to_float32(mean, log_std, k):
        z = mean + log_std.exp() * torch.randn(k, *mean.shape)
        return z.float()

    @wrong("noise that is not normal")
    def sum_of_twelve_uniforms(mean, log_std, k):
        eps = torch.rand(12, k, *mean.shape, dtype=mean.dtype).sum(0) - 6
        return mean + log_std.exp() * eps

    @wrong("noise that is not normal")
    def student(mean, log_std, k):
        t = torch.distributions.StudentT(30.0).sample((k, *mean.shape))
        return mean + log_std.exp() * t.to(mean) * (28 / 30) ** 0.5

    @wrong("noise that is not normal")
    def truncated(mean, log_std, k):
        eps = nn.init.trunc_normal_(torch.empty(k, *mean.shape, dtype=mean.dtype))
        return mean + log_std.exp() * eps

    @wrong("noise that is not normal")
    def far_tails_cut_off(mean, log_std, k):
        return mean + log_std.exp() * torch.randn(k, *mean.shape).to(mean).clamp(-4, 4)

    @wrong("noise used more than once")
    def second_half_mirrored(mean, log_std, k):
        eps = torch.randn((k + 1) // 2, *mean.shape, dtype=mean.dtype)
        return mean + log_std.exp() * torch.cat([eps, -eps])[:k]

    @wrong("samples given to other examples")
    def interleaved(mean, log_std, k):
        m, s = mean.repeat_interleave(k, 0), log_std.repeat_interleave(k, 0)
        return (m + s.exp() * torch.randn_like(m)).view(k, *mean.shape)
