"""Versions of exercise vae-07."""

import math

import torch
from torch import nn
from torch.distributions import (
    Independent,
    Normal,
    kl_divergence,
)

from .. import build, edits, reference, right, wrong


def again(*shape):
    """The same noise in every call."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(1))


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
                self.q_of, self.p_of = encoder, decoder
                self.k, self.std = latent_dim, std

            def elbo(self, x):
                mean, log_std = self.q_of(x)
                q = Independent(Normal(mean, log_std.exp()), 1)
                zero = torch.zeros_like(mean)
                p = Independent(Normal(zero, zero + 1), 1)
                likelihood = Independent(Normal(self.p_of(q.rsample()), self.std), 1)
                return likelihood.log_prob(x) - kl_divergence(q, p)

            def sample(self, n):
                z = Normal(0.0, 1.0).sample((n, self.k))
                return Normal(self.p_of(z), self.std).sample()

        return Model

    @right
    @build
    def one_call_for_all():
        class Model(nn.Module):
            def __init__(self, encoder, decoder, latent_dim, std):
                super().__init__()
                self.encoder, self.decoder = encoder, decoder
                self.k, self.std = latent_dim, std

            def elbo(self, x):
                mean, log_std = self.encoder(x)
                eps, total = torch.randn(mean.shape, dtype=torch.float64), 0.0
                error = x - self.decoder((mean + log_std.exp() * eps).float())
                square = torch.einsum("bd,bd->b", error, error)
                for m, s in zip(mean.T, log_std.T):  # by columns
                    total = total + 0.5 * m**2 + 0.5 * torch.expm1(2 * s) - s
                constant = x.shape[1] * math.log(self.std * (2 * math.pi) ** 0.5)
                return -square / (2 * self.std**2) - constant - total

            def sample(self, n):
                z = torch.stack([torch.randn(n) for _ in range(self.k)], 1)
                mean = self.decoder(z)
                return torch.normal(mean, self.std * torch.ones_like(mean))

        return Model

    @right
    @build
    def example_by_example():
        class Model(Vae07.reference()):
            def elbo(self, x):
                mean, log_std = self.encoder(x)
                q, p = Normal(mean, log_std.exp()), Normal(0.0, 1.0)
                fit = Normal(self.decoder(q.rsample()), self.std).log_prob(x)
                rates = kl_divergence(q, p)
                return torch.stack([f.sum() - r.sum() for f, r in zip(fit, rates)])

        return Model

    edited = edits(
        reference,
        """
    mean over the dimensions | constant).sum(1) -> constant).mean(1)
    mean over the dimensions | 2 * log_std).sum(1) -> 2 * log_std).mean(1)
    constant left out | 0.5 * eps**2 - constant -> 0.5 * eps**2
    constant left out | constant = math.log(self.std) + -> constant =
    constant left out | eps**2 - constant).sum(1) -> eps**2).sum(1) - constant
    squared error in place of the log-density | eps**2 - constant -> (self.std * eps)**2
    squared error in place of the log-density
        | -0.5 * eps**2 - constant -> -((self.std * eps) ** 2)
    rate added | fit - rate -> fit + rate
    rate left out | fit - rate -> fit + 0 * rate
    negative bound | fit - rate -> rate - fit
    reduced over the batch | fit - rate -> (fit - rate).mean()
    log_std read as log variance | log_std.exp() * -> (log_std / 2).exp() *
    log_std read as log variance | (2 * log_std).exp() -> log_std.exp()
        | 1 - 2 * log_std -> 1 - log_std
    std squared once too often | ) / self.std -> ) / self.std**2
        | math.log(self.std) -> 2 * math.log(self.std)
    std squared once too often | mean + self.std -> mean + self.std**2
    std left out of the noise | mean + self.std * -> mean +
    no draw | log_std.exp() * torch.randn_like(mean) -> 0 * log_std
    standard deviation ignored | log_std.exp() * torch -> torch
    standard deviation squared | log_std.exp() * -> (2 * log_std).exp() *
    mean not added | z = mean + -> z =
    floor under the standard deviation | log_std.exp() * -> (log_std.exp() + 1e-3) *
    one noise for all examples
        | exp() * torch.randn_like(mean) -> exp() * torch.randn(mean[:1].shape)
    one noise for all dimensions
        | exp() * torch.randn_like(mean) -> exp() * torch.randn(len(mean), 1)
    one noise for all dimensions | torch.randn(n, self.latent_dim)
        -> torch.randn(n, 1).expand(n, self.latent_dim)
    one noise for all dimensions
        | self.std * torch.randn_like(mean) -> self.std * torch.randn(n, 1)
    noise fixed across calls
        | exp() * torch.randn_like(mean) -> exp() * again(*mean.shape)
    noise fixed across calls | torch.randn(n, -> again(n,
    noise fixed across calls
        | self.std * torch.randn_like(mean) -> self.std * again(*mean.shape)
    noise fixed across calls | torch.randn(n, self.latent_dim) -> self.kept[:n]
        | super().__init__()
        -> super().__init__(); self.kept = again(200_000, latent_dim)
    codes from the wrong prior | torch.randn(n, -> torch.rand(n,
    codes from the wrong prior | torch.randn(n, -> torch.zeros(n,
    noise that is not normal | self.latent_dim) -> self.latent_dim).clamp(-2.5, 2.5)
    noise that is not normal | torch.randn(n, self.latent_dim)
        -> (torch.rand(n, self.latent_dim) - 0.5) * 12**0.5
    noise that is not normal | log_std.exp() * torch.randn_like(mean)
        -> log_std.exp() * (torch.rand(mean.shape) - 0.5) * 12**0.5
    noise that is not normal | self.std * torch.randn_like(mean)
        -> self.std * (torch.rand(mean.shape) - 0.5) * 12**0.5
    mean of the decoder in place of a draw
        | mean + self.std * torch.randn_like(mean) -> mean
    sampled outside the graph | exp() * torch.randn_like(mean)
        -> exp() * torch.randn_like(mean); z = z.detach()
    standard deviation cut off from the graph
        | log_std.exp() * -> log_std.exp().detach() *
    decoder cut off | (x - self.decoder(z)) -> (x - self.decoder(z).detach())
    rate cut off | fit - rate -> fit - rate.detach()
    rate cut off | (2 * log_std).exp() -> (2 * log_std).exp().detach()
    rate cut off | - 1 - 2 * log_std -> - 1 - 2 * log_std.detach()
    a term of log N | (-0.5 * eps**2 -> (-(eps**2)
    a term of log N | 0.5 * math.log(2 * math.pi) -> math.log(2 * math.pi)
    a term of the rate | - 1 - 2 * log_std -> - 2 * log_std
    a term of the rate | (mean**2 + -> (mean +
    rate weighted | fit - rate -> fit - 0.5 * rate
    floor under the rate | - 2 * log_std).sum(1) -> - 2 * log_std).clamp(min=1).sum(1)
    codes returned | return mean + self.std * torch.randn_like(mean)
        -> return torch.randn(n, self.latent_dim)
    log_std used as the standard deviation
        | z = mean + log_std.exp() -> z = mean + log_std
    ceiling on the variance
        | z = mean + log_std.exp() -> z = mean + log_std.clamp(max=2).exp()
    ceiling on the variance
        | rate = 0.5 * -> log_std = log_std.clamp(max=2); rate = 0.5 *
    underflow to zero | fit = (-0.5 * eps**2 - constant).sum(1)
        -> fit = (-0.5 * eps**2 - constant).exp().prod(1).log()
    difference of large numbers | eps = (x - self.decoder(z)) / self.std
        -> m = self.decoder(z); eps = (x**2 - 2*x*m + m**2).relu().sqrt() / self.std
    floor under the variance | / self.std -> / max(self.std, 0.05)
    bits in place of nats | fit - rate -> (fit - rate) / math.log(2)
    arguments of the KL swapped | (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std)
        -> ((mean**2 + 1) * (-2 * log_std).exp() - 1 + 2 * log_std)
    rate estimated from the draw
        | rate = 0.5 * -> d = (z - mean) / log_std.exp(); rate = 0.5 *
        | (mean**2 + (2 * log_std).exp() - 1 - 2 -> (z**2 - d**2 - 2
    """,
    )

    @wrong("rate estimated from the draw")
    @build
    def another_draw_for_the_rate():
        class Model(Vae07.reference()):
            def elbo(self, x):
                mean, log_std = self.encoder(x)
                q = Normal(mean, log_std.exp())
                fit = Normal(self.decoder(q.rsample()), self.std).log_prob(x).sum(1)
                z = q.rsample()
                return fit - (q.log_prob(z) - Normal(0.0, 1.0).log_prob(z)).sum(1)

        return Model

    @wrong("more than one draw")
    @build
    def mean_of_ten_draws():
        class Model(Vae07.reference()):
            def elbo(self, x):
                return sum(super(Model, self).elbo(x) for _ in range(10)) / 10

        return Model

    @wrong("noise fixed across calls")
    @build
    def noise_kept_in_the_module():
        class Model(Vae07.reference()):
            def elbo(self, x):
                mean, log_std = self.encoder(x)
                if getattr(self, "noise", None) is None or len(self.noise) != len(x):
                    self.noise = torch.randn_like(mean)
                z = mean + log_std.exp() * self.noise
                fit = Normal(self.decoder(z), self.std).log_prob(x).sum(1)
                q, p = Normal(mean, log_std.exp()), Normal(0.0, 1.0)
                return fit - kl_divergence(q, p).sum(1)

        return Model

    @wrong("networks not registered")
    @build
    def networks_in_a_tuple():
        class Model(Vae07.reference()):
            def __init__(self, encoder, decoder, latent_dim, std):
                nn.Module.__init__(self)
                self.nets = encoder, decoder
                self.latent_dim, self.std = latent_dim, std

            encoder = property(lambda self: self.nets[0])
            decoder = property(lambda self: self.nets[1])

        return Model
