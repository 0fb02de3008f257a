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
    r"""
    The gradient with respect to $\log \sigma_i$ is the sum over the examples of
    $(x_i - \text{decoder}_i(z))^2/\sigma_i^2 - 1$: it vanishes where $\sigma_i^2$ is
    the mean squared error of dimension $i$. Each error is then counted in units of what
    the model cannot predict of its dimension: what is noisy gets little weight, and a
    change of units changes no weight.

    The noise in `sample` is drawn where `log_sigma` is. Without `device=` the codes are
    always on the CPU, and the decoder fails once the model has moved.

    Compare with a model whose likelihood is known. Let there be one latent and a
    decoder $z \mapsto w z$ with a vector $w$. Then $p(z \mid x)$ is normal with
    precision $1 + \sum_i w_i^2/\sigma_i^2$ and mean
    $\sum_i (w_i x_i/\sigma_i^2)$ divided by that. With it as the encoder, the mean of
    `elbo(x)` over many calls is $\log p(x)$, that of
    $\mathcal N(0, w w^\top + \operatorname{diag}(\sigma^2))$: factor analysis.
    """

    @reference
    @build
    def reference():
        class GaussianVAE(nn.Module):
            def __init__(self, encoder, decoder, latent_dim, d):
                super().__init__()
                self.encoder, self.decoder = encoder, decoder
                self.latent_dim = latent_dim
                self.log_sigma = nn.Parameter(torch.zeros(d))

            def elbo(self, x):
                mean, log_std = self.encoder(x)
                z = mean + log_std.exp() * torch.randn_like(mean)
                logs = self.log_sigma
                eps = (x - self.decoder(z)) / logs.exp()
                constant = logs + 0.5 * math.log(2 * math.pi)
                fit = (-0.5 * eps**2 - constant).sum(1)
                rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum(1)
                return fit - rate

            def sample(self, n):
                sigma = self.log_sigma.exp()
                codes = torch.randn(n, self.latent_dim, device=sigma.device)
                mean = self.decoder(codes)
                return mean + sigma * torch.randn_like(mean)

        return GaussianVAE

    @right
    @build
    def by_distributions():
        class Model(nn.Module):
            def __init__(self, encoder, decoder, latent_dim, d):
                super().__init__()
                self.q_of, self.p_of, self.k = encoder, decoder, latent_dim
                self.log_sigma = nn.Parameter(torch.zeros(d))

            def elbo(self, x):
                mean, log_std = self.q_of(x)
                q = Independent(Normal(mean, log_std.exp()), 1)
                zero = torch.zeros_like(mean)
                p = Independent(Normal(zero, zero + 1), 1)
                noise = Normal(self.p_of(q.rsample()), self.log_sigma.exp())
                return Independent(noise, 1).log_prob(x) - kl_divergence(q, p)

            def sample(self, n):
                z = Normal(0.0, 1.0).sample((n, self.k))
                return Normal(self.p_of(z), self.log_sigma.exp()).sample()

        return Model

    @right
    @build
    def one_call_for_all():
        class Model(nn.Module):
            def __init__(self, encoder, decoder, latent_dim, d):
                super().__init__()
                self.encoder, self.decoder = encoder, decoder
                self.k, self.log_sigma = latent_dim, nn.Parameter(torch.zeros(d))

            def elbo(self, x):
                mean, log_std = self.encoder(x)
                eps, total = torch.randn(mean.shape, dtype=torch.float64), 0.0
                error = x - self.decoder((mean + log_std.exp() * eps).float())
                square = (error.square() @ (-2 * self.log_sigma).exp()) / 2
                for m, s in zip(mean.T, log_std.T):  # by columns
                    total = total + 0.5 * m**2 + 0.5 * torch.expm1(2 * s) - s
                half = 0.5 * x.shape[1] * math.log(2 * math.pi)
                return -square - self.log_sigma.sum() - half - total

            def sample(self, n):
                z = torch.stack([torch.randn(n) for _ in range(self.k)], 1)
                mean = self.decoder(z)
                return torch.normal(mean, self.log_sigma.exp().expand_as(mean))

        return Model

    @right
    @build
    def example_by_example():
        class Model(Vae07.reference()):
            def elbo(self, x):
                mean, log_std = self.encoder(x)
                q, p = Normal(mean, log_std.exp()), Normal(0.0, 1.0)
                square = (x - self.decoder(q.rsample())) ** 2
                precision = torch.exp(-2 * self.log_sigma)
                norm = torch.log(2 * math.pi / precision)
                rates, fit = kl_divergence(q, p), -(square * precision + norm) / 2
                return torch.stack([f.sum() - r.sum() for f, r in zip(fit, rates)])

        return Model

    edited = edits(
        reference,
        """
    mean over the dimensions | constant).sum(1) -> constant).mean(1)
    mean over the dimensions | 2 * log_std).sum(1) -> 2 * log_std).mean(1)
    log sigma in log N | constant = logs + -> constant =
    log sigma in log N | constant = logs + -> constant = -logs +
    log sigma in log N | constant = logs + -> constant = 2 * logs +
    log(2 pi) in log N | + 0.5 * math.log(2 * math.pi) ->
    log(2 pi) in log N | - constant).sum(1) -> - logs).sum(1) - 0.5 * 1.837877
    log(2 pi) in log N | 0.5 * math.log(2 * math.pi) -> math.log(2 * math.pi)
    the square in log N | (-0.5 * eps**2 -> (-(eps**2)
    the square in log N | (-0.5 * eps**2 -> (-((x - self.decoder(z)) ** 2)
    sigma taken as 1 | ) / logs.exp() -> )
    sigma taken as 1 | = nn.Parameter(torch.zeros(d))
        -> = nn.Parameter(torch.zeros(d)); self.kept = self.log_sigma.detach().exp()
        | ) / logs.exp() -> ) / self.kept
    sigma taken as 1 | mean + sigma * -> mean +
    log_sigma read as log variance | ) / logs.exp() -> ) / (0.5 * logs).exp()
    log_sigma read as log variance | logs = -> logs = 0.5 *
    log_sigma used as sigma | ) / logs.exp() -> ) / logs
    one sigma for all dimensions | ) / logs.exp() -> ) / logs.exp().mean()
    one sigma for all dimensions | mean + sigma * -> mean + sigma.mean() *
    sigma squared once too often | ) / logs.exp() -> ) / (2 * logs).exp()
    sigma squared once too often | mean + sigma * -> mean + sigma**2 *
    log_sigma read as log variance | mean + sigma * -> mean + sigma.sqrt() *
    sigma not a parameter | nn.Parameter(torch.zeros(d)) -> torch.zeros(d)
    sigma not a parameter | torch.zeros(d) -> torch.zeros(())
    sigma not a parameter | torch.zeros(d) -> torch.ones(d)
    sigma cut off | ) / logs.exp() -> ) / logs.exp().detach()
    sigma cut off | constant = logs + -> constant = logs.detach() +
    rate added | fit - rate -> fit + rate
    rate weighted | fit - rate -> fit + 0 * rate
    negative bound | fit - rate -> rate - fit
    reduced over the batch | fit - rate -> (fit - rate).mean()
    log_std read as log variance | log_std.exp() * -> (log_std / 2).exp() *
    log_std read as log variance | (2 * log_std).exp() -> log_std.exp()
        | 1 - 2 * log_std -> 1 - log_std
    no draw | log_std.exp() * torch.randn_like(mean) -> 0 * log_std
    standard deviation ignored | log_std.exp() * torch -> torch
    standard deviation squared | log_std.exp() * -> (2 * log_std).exp() *
    mean not added | z = mean + -> z =
    floor under the standard deviation | log_std.exp() * -> (log_std.exp() + 1e-3) *
    one noise for all examples
        | std.exp() * torch.randn_like(mean) -> std.exp() * torch.randn(mean[:1].shape)
    one noise for all dimensions
        | std.exp() * torch.randn_like(mean) -> std.exp() * torch.randn(len(mean), 1)
    one noise for all dimensions | torch.randn(n, self.latent_dim, device=sigma.device)
        -> torch.randn(n, 1).expand(n, self.latent_dim)
    one noise for all dimensions
        | sigma * torch.randn_like(mean) -> sigma * torch.randn(n, 1)
    noise fixed across calls
        | std.exp() * torch.randn_like(mean) -> std.exp() * again(*mean.shape)
    noise fixed across calls | , device=sigma.device -> | = torch.randn(n -> = again(n
    noise fixed across calls
        | sigma * torch.randn_like(mean) -> sigma * again(*mean.shape)
    noise fixed across calls
        | torch.randn(n, self.latent_dim, device=sigma.device) -> self.kept[:n]
        | super().__init__()
        -> super().__init__(); self.kept = again(200_000, latent_dim)
    codes from the wrong prior | torch.randn(n, -> torch.rand(n,
    codes from the wrong prior | torch.randn(n, -> torch.zeros(n,
    noise that is not normal | self.decoder(codes) -> self.decoder(codes.clamp(-2, 2))
    noise that is not normal | torch.randn(n, -> 12**0.5 * torch.rand(n,
        | (codes) -> (codes - 3**0.5)
    noise that is not normal | std.exp() * torch.randn_like(mean)
        -> std.exp() * (torch.rand(mean.shape) - 0.5) * 12**0.5
    noise that is not normal | sigma * torch.randn_like(mean)
        -> sigma * (torch.rand(mean.shape) - 0.5) * 12**0.5
    mean of the decoder in place of a draw
        | mean + sigma * torch.randn_like(mean) -> mean
    sampled outside the graph | z = mean + log_std.exp() * torch.randn_like(mean)
        -> z = (mean + log_std.exp() * torch.randn_like(mean)).detach()
    standard deviation cut off from the graph
        | log_std.exp() * -> log_std.exp().detach() *
    cut off from the graph | (x - self.decoder(z)) -> (x - self.decoder(z).detach())
    cut off from the graph | fit - rate -> fit - rate.detach()
    cut off from the graph | (2 * log_std).exp() -> (2 * log_std).exp().detach()
    cut off from the graph | - 1 - 2 * log_std -> - 1 - 2 * log_std.detach()
    a term of the rate | - 1 - 2 * log_std -> - 2 * log_std
    a term of the rate | (mean**2 + -> (mean +
    rate weighted | fit - rate -> fit - 0.5 * rate
    wrong shape | return mean + sigma * torch.randn_like(mean) -> return codes
    log_std used as the standard deviation
        | z = mean + log_std.exp() -> z = mean + log_std
    ceiling on the variance
        | z = mean + log_std.exp() -> z = mean + log_std.clamp(max=2).exp()
    ceiling on the variance
        | rate = 0.5 * -> log_std = log_std.clamp(max=2); rate = 0.5 *
    underflow to zero | fit = (-0.5 * eps**2 - constant).sum(1)
        -> fit = (-0.5 * eps**2 - constant).exp().prod(1).log()
    difference of large numbers | eps = (x - self.decoder(z)) /
        -> m = self.decoder(z); eps = (x**2 - 2*x*m + m**2).relu().sqrt() /
    floor under the variance | ) / logs.exp() -> ) / logs.exp().clamp(0.05)
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
                fit = (
                    Normal(self.decoder(q.rsample()), self.log_sigma.exp())
                    .log_prob(x)
                    .sum(1)
                )
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
                fit = Normal(self.decoder(z), self.log_sigma.exp()).log_prob(x).sum(1)
                q, p = Normal(mean, log_std.exp()), Normal(0.0, 1.0)
                return fit - kl_divergence(q, p).sum(1)

        return Model

    @wrong("networks not registered")
    @build
    def networks_in_a_tuple():
        class Model(Vae07.reference()):
            def __init__(self, encoder, decoder, latent_dim, d):
                nn.Module.__init__(self)
                self.nets = encoder, decoder
                self.latent_dim, self.log_sigma = (
                    latent_dim,
                    nn.Parameter(torch.zeros(d)),
                )

            encoder = property(lambda self: self.nets[0])
            decoder = property(lambda self: self.nets[1])

        return Model
