"""Versions of exercise vae-08."""

import torch
from torch.distributions import (
    Bernoulli,
    Normal,
    kl_divergence,
)
from torch.nn import functional as F

from .. import build, reference, right, wrong


def binary_loss(error="sum", rate="std", draw="path", reduce=torch.mean, sign=1.0):
    """The function of vae-08 with one part replaced."""
    draws = {
        "path": lambda m, s: m + s.exp() * torch.randn_like(m),
        "normal": lambda m, s: torch.normal(m, s.exp()),
        "sample": lambda m, s: Normal(m, s.exp()).sample(),
        "mean": lambda m, s: m + 0 * s,
        "squared": lambda m, s: m + (2 * s).exp() * torch.randn_like(m),
        "half": lambda m, s: m + (s / 2).exp() * torch.randn_like(m),
        "std detached": lambda m, s: m + s.exp().detach() * torch.randn_like(m),
        "row": lambda m, s: m + s.exp() * torch.randn(m.shape[1]),
        "column": lambda m, s: m + s.exp() * torch.randn(len(m), 1),
    }

    def vae_loss(encoder, decoder, x):
        mean, log_std = encoder(x)
        logits = decoder(draws[draw](mean, log_std))
        if error == "sigmoid":
            logits = logits.sigmoid()
        each = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        fit = each.mean(1) if error == "mean" else each.sum(1)
        width = 2 * log_std if rate == "std" else log_std
        per_dim = 0.5 * (mean**2 + width.exp() - 1 - width)
        if rate == "mean":
            per_dim = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std)
            return reduce(fit + per_dim.mean(1))
        return reduce(fit + sign * per_dim.sum(1))

    return vae_loss


class Vae08:
    """
    The reductions do not fit each other: a mean over b · d values beside a sum over
    the latent dimensions makes the rate d times too heavy, a beta of d. The rate takes
    the logarithm of the standard deviation for that of the variance. And
    `torch.normal(mean, std)` gives no gradient to mean and std: the encoder is trained
    by the rate alone, which it minimizes by becoming the prior. Each of the three alone
    leads to the same picture, samples that are all alike, so the picture does not tell
    which it was; the measurements do.
    """

    @reference
    def vae_loss(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        logits = decoder(z)
        error = F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        per_dim = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std)
        return (error.sum(1) + per_dim.sum(1)).mean()

    @right
    def by_distributions(encoder, decoder, x):
        mean, log_std = encoder(x)
        q = Normal(mean, log_std.exp())
        fit = Bernoulli(logits=decoder(q.rsample())).log_prob(x).sum(1)
        return (kl_divergence(q, Normal(0.0, 1.0)).sum(1) - fit).mean()

    @right
    def sums_over_b(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        error = F.binary_cross_entropy_with_logits(decoder(z), x, reduction="sum")
        rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum()
        return (error + rate) / len(x)

    @right
    def mean_times_d(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        error = F.binary_cross_entropy_with_logits(decoder(z), x) * x.shape[1]
        var = (2 * log_std).exp()
        return error + 0.5 * (mean**2 + var - 1 - var.log()).sum(1).mean()

    @wrong("mean over the pixels")
    @build
    def mean_pixels():
        return binary_loss(error="mean")

    @wrong("log_std read as log variance")
    @build
    def half_rate():
        return binary_loss(rate="var")

    @wrong("log_std read as log variance")
    @build
    def half_draw():
        return binary_loss(draw="half")

    @wrong("a random node without a derivative")
    @build
    def normal_kept():
        return binary_loss(draw="normal")

    @wrong("draw cut off from the graph")
    @build
    def sample():
        return binary_loss(draw="sample")

    @wrong("standard deviation cut off from the graph")
    @build
    def detached_std():
        return binary_loss(draw="std detached")

    @wrong("rate cut off")
    def detached_rate(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        fit = Bernoulli(logits=decoder(z)).log_prob(x).sum(1)
        rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum(1)
        return (rate.detach() - fit).mean()

    @wrong("cross-entropy cut off")
    def detached_fit(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        fit = Bernoulli(logits=decoder(z).detach()).log_prob(x).sum(1)
        rate = 0.5 * (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std).sum(1)
        return (rate - fit).mean()

    @wrong("one noise for all examples")
    @build
    def shared_by_examples():
        return binary_loss(draw="row")

    @wrong("one noise for all dimensions")
    @build
    def shared_by_dimensions():
        return binary_loss(draw="column")

    @wrong("rate estimated from the draw")
    def from_the_draw(encoder, decoder, x):
        mean, log_std = encoder(x)
        eps = torch.randn_like(mean)
        z = mean + log_std.exp() * eps
        fit = Bernoulli(logits=decoder(z)).log_prob(x).sum(1)
        rate = (0.5 * z**2 - 0.5 * eps**2 - log_std).sum(1)
        return (rate - fit).mean()

    @wrong("no draw")
    @build
    def mean_code():
        return binary_loss(draw="mean")

    @wrong("sum over the batch")
    @build
    def summed():
        return binary_loss(reduce=torch.sum)

    @wrong("not reduced over the batch")
    @build
    def each():
        return binary_loss(reduce=lambda v: v)

    @wrong("mean over the latent dimensions")
    @build
    def mean_rate():
        return binary_loss(rate="mean")

    @wrong("sign of the rate flipped")
    @build
    def minus():
        return binary_loss(sign=-1.0)

    @wrong("rate left out")
    @build
    def no_rate():
        return binary_loss(sign=0.0)

    @wrong("standard deviation squared")
    @build
    def squared():
        return binary_loss(draw="squared")

    @wrong("sigmoid applied twice")
    @build
    def sigmoid_twice():
        return binary_loss(error="sigmoid")

    @wrong("rate cut off")
    def part_of_the_rate_detached(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        fit = Bernoulli(logits=decoder(z)).log_prob(x).sum(1)
        var = (2 * log_std).exp().detach()
        return (0.5 * (mean**2 + var - 1 - 2 * log_std).sum(1) - fit).mean()

    @wrong("rate cut off")
    def width_of_the_rate_detached(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        fit = Bernoulli(logits=decoder(z)).log_prob(x).sum(1)
        q = Normal(mean, log_std.detach().exp())
        return (kl_divergence(q, Normal(0.0, 1.0)).sum(1) - fit).mean()

    @wrong("more than one draw")
    def mean_of_eight_draws(encoder, decoder, x):
        mean, log_std = encoder(x)
        q, fit = Normal(mean, log_std.exp()), 0.0
        for _ in range(8):
            z = q.rsample()
            fit = fit + Bernoulli(logits=decoder(z)).log_prob(x).sum(1) / 8
        return (kl_divergence(q, Normal(0.0, 1.0)).sum(1) - fit).mean()

    @wrong("noise that is not normal")
    def uniform_noise(encoder, decoder, x):
        mean, log_std = encoder(x)
        z = mean + log_std.exp() * (torch.rand_like(mean) - 0.5) * 12**0.5
        fit = Bernoulli(logits=decoder(z)).log_prob(x).sum(1)
        q = Normal(mean, log_std.exp())
        return (kl_divergence(q, Normal(0.0, 1.0)).sum(1) - fit).mean()

    @wrong("squared error in place of the likelihood")
    def squared_error(encoder, decoder, x):
        mean, log_std = encoder(x)
        q = Normal(mean, log_std.exp())
        error = (decoder(q.rsample()).sigmoid() - x).square().sum(1)
        return (kl_divergence(q, Normal(0.0, 1.0)).sum(1) + error).mean()

    @wrong("factor one half lost")
    def twice_the_rate(encoder, decoder, x):
        mean, log_std = encoder(x)
        q = Normal(mean, log_std.exp())
        fit = Bernoulli(logits=decoder(q.rsample())).log_prob(x).sum(1)
        return (2 * kl_divergence(q, Normal(0.0, 1.0)).sum(1) - fit).mean()
