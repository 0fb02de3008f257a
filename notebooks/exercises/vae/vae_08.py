"""Versions of exercise vae-08."""

import torch
from torch.distributions import (
    Bernoulli,
    Normal,
    kl_divergence,
)
from torch.nn import functional as F

from .. import edits, reference, right, wrong


class Vae08:
    """
    The reductions do not fit each other: a mean over b · d values beside a sum over
    the latent dimensions makes the rate d times too heavy, a beta of d. The rate takes
    the logarithm of the standard deviation for that of the variance. And
    `torch.normal(mean, std)` gives no gradient to mean and std: the encoder is trained
    by the rate alone, which it minimizes by becoming the prior. Each of these two alone
    drives the rate to zero and makes all samples alike. The third does the opposite: it
    halves the price of a narrow q, so the rate grows and the samples spread more than
    they should. Beside the others it is hidden, and the picture cannot show it; a rate
    compared with the closed form does.
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

    edited = edits(
        vae_loss,
        """
    mean over the dimensions | error.sum(1) -> error.mean(1)
    mean over the dimensions | per_dim.sum(1) -> per_dim.mean(1)
    log_std read as log variance | z = mean + log_std -> z = mean + (log_std / 2)
    log_std read as log variance | (2 * log_std).exp() - 1 - 2 * -> log_std.exp() - 1 -
    a random node without a derivative
        | mean + log_std.exp() * torch.randn_like(mean)
        -> torch.normal(mean, log_std.exp())
    sampled outside the graph | decoder(z) -> decoder(z.detach())
    mean cut off from the graph | z = mean -> z = mean.detach()
    standard deviation cut off from the graph
        | + log_std.exp() * -> + log_std.exp().detach() *
    one noise for all examples | randn_like(mean) -> randn(mean.shape[1])
    one noise for all dimensions | randn_like(mean) -> randn(len(mean), 1)
    noise fixed across calls | randn_like(mean)
        -> randn(mean.shape, generator=torch.Generator().manual_seed(0))
    noise that is not normal | torch.randn_like(mean)
        -> (torch.rand(mean.shape) - 0.5) * 12**0.5
    noise that is not normal | randn_like(mean) -> randn_like(mean).clamp(-2.5, 2.5)
    no draw | torch.randn_like(mean) -> 0
    standard deviation squared | + log_std.exp() -> + (2 * log_std).exp()
    standard deviation ignored | + log_std.exp() * -> + 0 * log_std +
    mean not added | z = mean + -> z =
    rate cut off | + per_dim -> + per_dim.detach()
    rate cut off | (2 * log_std).exp() -> (2 * log_std).exp().detach()
    rate cut off | - 2 * log_std -> - 2 * log_std.detach()
    rate cut off | mean**2 + (2 * log_std) -> mean.detach()**2 + (2 * log_std)
    cross-entropy cut off | decoder(z) -> decoder(z).detach()
    sum over the batch | .mean() -> .sum()
    sum over the batch | (error.sum(1) + per_dim.sum(1)).mean()
        -> error.sum(1).mean() + per_dim.sum(0).mean()
    logits taken as probabilities | decoder(z) -> decoder(z).clamp(1e-6, 1 - 1e-6)
        | binary_cross_entropy_with_logits -> binary_cross_entropy
    not reduced over the batch | .mean() ->
    not reduced over the batch | error.sum(1) -> error | per_dim.sum(1)).mean()
        -> per_dim.sum(1, True)).mean(1)
    sign of the rate flipped | + per_dim -> - per_dim
    rate left out | + per_dim -> + 0 * per_dim
    off by a factor of two | = 0.5 * -> =
    sign flipped | return (error.sum(1) + -> return (-error.sum(1) +
    sigmoid applied twice | decoder(z) -> decoder(z).sigmoid()
    not for extreme logits | _with_logits(logits, -> (logits.sigmoid(),
    not for extreme logits
        | F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        -> (1 + logits.exp()).log() - x * logits
    floor under the standard deviation
        | per_dim = -> log_std = log_std.clamp(min=-2); per_dim =
    ceiling on the variance
        | per_dim = -> log_std = log_std.clamp(max=2); per_dim =
    floor under the standard deviation | + log_std.exp() -> + log_std.clamp(-1).exp()
    ceiling on the variance | + log_std.exp() -> + log_std.clamp(max=1).exp()
    floor under the rate | - 1 - 2 * log_std -> - 2 * log_std
    a term of the rate | - 2 * log_std) -> - log_std)
    a term of the rate | (mean**2 -> (mean
    rate weighted | + per_dim -> + 0.1 * per_dim
    floor under the rate | per_dim.sum(1) -> per_dim.clamp(min=0.5).sum(1)
    another number in place of d | error.sum(1) -> 784 * error.mean(1)
    zeros or ones left out | error.sum(1) -> (x * error).sum(1)
    logits and values exchanged | (logits, x, -> (x, logits,
    values of x changed | (logits, x, -> (logits, 0.9 * x + 0.05,
    noise after the decoder | decoder(z) -> decoder(z) + 0.1 * torch.randn_like(x)
    log_std used as the standard deviation | + log_std.exp() -> + log_std
    bits in place of nats | return ( -> return 1.442695 * (
    arguments of the KL swapped | (mean**2 + (2 * log_std).exp() - 1 - 2 * log_std)
        -> ((mean**2 + 1) / (2 * log_std).exp() - 1 + 2 * log_std)
    squared error in place of the likelihood
        | F.binary_cross_entropy_with_logits(logits, x, reduction="none")
        -> (logits.sigmoid() - x) ** 2
    """,
    )

    @wrong("more than one draw")
    def mean_of_eight_draws(encoder, decoder, x):
        mean, log_std = encoder(x)
        q, fit = Normal(mean, log_std.exp()), 0.0
        for _ in range(8):
            fit = fit + Bernoulli(logits=decoder(q.rsample())).log_prob(x).sum(1) / 8
        return (kl_divergence(q, Normal(0.0, 1.0)).sum(1) - fit).mean()

    @wrong("rate estimated from the draw")
    def from_the_draw(encoder, decoder, x):
        mean, log_std = encoder(x)
        q, p = Normal(mean, log_std.exp()), Normal(0.0, 1.0)
        z = q.rsample()
        fit = Bernoulli(logits=decoder(z)).log_prob(x).sum(1)
        return ((q.log_prob(z) - p.log_prob(z)).sum(1) - fit).mean()
