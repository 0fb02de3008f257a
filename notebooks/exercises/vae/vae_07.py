"""Versions of exercise vae-07."""

import math

import torch
from torch import nn
from torch.distributions import (
    Independent,
    Normal,
    kl_divergence,
)

from .. import build, reference, right, wrong


def gaussian_vae(**change):
    """The class of vae-07 with one part replaced: for wrong versions."""
    parts = {
        "draw": lambda m, s: m + s.exp() * torch.randn_like(m),
        "rate": lambda m, s: 0.5 * (m**2 + (2 * s).exp() - 1 - 2 * s).sum(1),
        "fit": lambda x, m, std: Normal(m, std).log_prob(x).sum(1),
        "total": lambda fit, rate: fit - rate,
        "code": lambda n, k: torch.randn(n, k),
        "noise": lambda m, std: m + std * torch.randn_like(m),
        **change,
    }

    class GaussianVAE(torch.nn.Module):
        def __init__(self, encoder, decoder, latent_dim, std):
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.latent_dim, self.std = latent_dim, std

        def elbo(self, x):
            mean, log_std = self.encoder(x)
            z = parts["draw"](mean, log_std)
            fit = parts["fit"](x, self.decoder(z), self.std)
            return parts["total"](fit, parts["rate"](mean, log_std))

        def sample(self, n):
            z = parts["code"](n, self.latent_dim)
            return parts["noise"](self.decoder(z), self.std)

    return GaussianVAE


class Vae07:
    """
    Compare with a model whose likelihood is known: with a linear decoder and the exact
    posterior as encoder, the mean of `elbo(x)` over many calls is log p(x).
    """

    @reference
    @build
    def reference():
        class GaussianVAE(nn.Module):
            def __init__(self, encoder, decoder, latent_dim, std):
                super().__init__()
                self.encoder, self.decoder = encoder, decoder
                self.latent_dim, self.std = latent_dim, std

            def elbo(self, x):
                mean, log_std = self.encoder(x)
                z = mean + log_std.exp() * torch.randn_like(mean)
                eps = (x - self.decoder(z)) / self.std
                constant = math.log(self.std) + 0.5 * math.log(2 * math.pi)
                fit = (-0.5 * eps**2 - constant).sum(1)
                rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum(1)
                return fit - rate

            def sample(self, n):
                mean = self.decoder(torch.randn(n, self.latent_dim))
                return mean + self.std * torch.randn_like(mean)

        return GaussianVAE

    @right
    @build
    def by_distributions():
        class Model(nn.Module):
            def __init__(self, encoder, decoder, latent_dim, std):
                super().__init__()
                self.nets, self.k, self.std = (encoder, decoder), latent_dim, std

            def elbo(self, x):
                mean, log_std = self.nets[0](x)
                q = Independent(Normal(mean, log_std.exp()), 1)
                zero = torch.zeros_like(mean)
                p = Independent(Normal(zero, zero + 1), 1)
                likelihood = Independent(Normal(self.nets[1](q.rsample()), self.std), 1)
                return likelihood.log_prob(x) - kl_divergence(q, p)

            def sample(self, n):
                z = Normal(0.0, 1.0).sample((n, self.k))
                return Normal(self.nets[1](z), self.std).sample()

        return Model

    @right
    @build
    def by_parts():
        return gaussian_vae()

    @right
    @build
    def by_einsum():
        def fit(x, m, std):
            square = torch.einsum("bd,bd->b", x - m, x - m)
            d = x.shape[1]
            return -square / (2 * std**2) - d * math.log(std * (2 * math.pi) ** 0.5)

        return gaussian_vae(fit=fit)

    @right
    @build
    def example_by_example():
        def rate(m, s):
            rows = []
            for a, b in zip(m, s):
                q = Normal(a, b.exp())
                rows.append(kl_divergence(q, Normal(0.0, 1.0)).sum())
            return torch.stack(rows)

        return gaussian_vae(rate=rate)

    @wrong("mean over the pixels")
    @build
    def mean_pixels():
        return gaussian_vae(fit=lambda x, m, std: Normal(m, std).log_prob(x).mean(1))

    @wrong("constants left out")
    @build
    def no_constants():
        return gaussian_vae(fit=lambda x, m, std: -((x - m) ** 2).sum(1) / (2 * std**2))

    @wrong("constants left out")
    @build
    def no_log_std():
        def fit(x, m, std):
            root = 0.5 * x.shape[1] * math.log(2 * math.pi)
            return -((x - m) ** 2).sum(1) / (2 * std**2) - root

        return gaussian_vae(fit=fit)

    @wrong("mean over the latent dimensions")
    @build
    def mean_rate():
        return gaussian_vae(
            rate=lambda m, s: 0.5 * (m**2 + (2 * s).exp() - 1 - 2 * s).mean(1)
        )

    @wrong("rate added")
    @build
    def plus():
        return gaussian_vae(total=lambda fit, rate: fit + rate)

    @wrong("rate left out")
    @build
    def no_rate():
        return gaussian_vae(total=lambda fit, rate: fit + 0 * rate)

    @wrong("log_std read as log variance")
    @build
    def half():
        return gaussian_vae(
            draw=lambda m, s: m + (s / 2).exp() * torch.randn_like(m),
            rate=lambda m, s: 0.5 * (m**2 + s.exp() - 1 - s).sum(1),
        )

    @wrong("log_std read as log variance")
    @build
    def half_in_the_draw():
        return gaussian_vae(draw=lambda m, s: m + (s / 2).exp() * torch.randn_like(m))

    @wrong("std squared once too often")
    @build
    def variance():
        return gaussian_vae(fit=lambda x, m, std: Normal(m, std**2).log_prob(x).sum(1))

    @wrong("std squared once too often")
    @build
    def variance_in_samples():
        return gaussian_vae(noise=lambda m, std: m + std**2 * torch.randn_like(m))

    @wrong("no draw")
    @build
    def mean_code():
        return gaussian_vae(draw=lambda m, s: m + 0 * s)

    @wrong("one noise for all examples")
    @build
    def shared():
        return gaussian_vae(draw=lambda m, s: m + s.exp() * torch.randn(m.shape[1]))

    @wrong("one noise for all dimensions")
    @build
    def shared_by_dimensions():
        return gaussian_vae(
            draw=lambda m, s: m + s.exp() * torch.randn(len(m), 1).to(m)
        )

    @wrong("one noise for all dimensions")
    @build
    def shared_by_values():
        return gaussian_vae(noise=lambda m, std: m + std * torch.randn(len(m), 1))

    @wrong("rate estimated from the draw")
    @build
    def from_the_draw():
        def rate(m, s):
            eps = torch.randn_like(m)
            z = m + s.exp() * eps
            return (0.5 * z**2 - 0.5 * eps**2 - s).sum(1)

        return gaussian_vae(rate=rate)

    @wrong("draw cut off from the graph")
    @build
    def detached():
        return gaussian_vae(draw=lambda m, s: Normal(m, s.exp()).sample())

    @wrong("standard deviation cut off")
    @build
    def detached_std():
        return gaussian_vae(
            draw=lambda m, s: m + s.exp().detach() * torch.randn_like(m)
        )

    @wrong("rate cut off")
    @build
    def detached_rate():
        return gaussian_vae(total=lambda fit, rate: fit - rate.detach())

    @wrong("reduced over the batch")
    @build
    def batch_mean():
        return gaussian_vae(total=lambda fit, rate: (fit - rate).mean())

    @wrong("negative bound")
    @build
    def loss():
        return gaussian_vae(total=lambda fit, rate: rate - fit)

    @wrong("mean of the decoder in place of a draw")
    @build
    def without_noise():
        return gaussian_vae(noise=lambda m, std: m)

    @wrong("codes from the wrong prior")
    @build
    def uniform():
        return gaussian_vae(code=lambda n, k: torch.rand(n, k))

    @wrong("codes from the wrong prior")
    @build
    def zeros():
        return gaussian_vae(code=lambda n, k: torch.zeros(n, k))

    @wrong("constants left out")
    @build
    def constant_once():
        def fit(x, m, std):
            square = (-0.5 * ((x - m) / std) ** 2).sum(1)
            return square - math.log(std) - 0.5 * math.log(2 * math.pi)

        return gaussian_vae(fit=fit)

    @wrong("constants left out")
    @build
    def squared_error_alone():
        return gaussian_vae(fit=lambda x, m, std: -(x - m).square().sum(1))

    @wrong("rate cut off")
    @build
    def part_of_the_rate_detached():
        def rate(m, s):
            return 0.5 * (m**2 + (2 * s).exp().detach() - 1 - 2 * s).sum(1)

        return gaussian_vae(rate=rate)

    @wrong("noise that is not normal")
    @build
    def uniform_noise_in_the_code():
        def draw(m, s):
            return m + s.exp() * (torch.rand_like(m) - 0.5) * 12**0.5

        return gaussian_vae(draw=draw)

    @wrong("noise that is not normal")
    @build
    def uniform_noise_in_samples():
        def noise(m, std):
            return m + std * (torch.rand_like(m) - 0.5) * 12**0.5

        return gaussian_vae(noise=noise)

    @wrong("std left out of the noise")
    @build
    def unit_noise():
        return gaussian_vae(noise=lambda m, std: m + torch.randn_like(m))

    @wrong("one noise for all dimensions")
    @build
    def one_number_for_the_code():
        return gaussian_vae(code=lambda n, k: torch.randn(n, 1).expand(n, k))

    @wrong("more than one draw")
    @build
    def mean_of_ten_draws():
        class Model(gaussian_vae()):
            def elbo(self, x):
                return sum(super(Model, self).elbo(x) for _ in range(10)) / 10

        return Model
