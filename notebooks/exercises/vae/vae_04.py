"""Versions of exercise vae-04."""

import functools
import math

import torch
from torch.distributions import (
    Normal,
    kl_divergence,
)

from .. import build, edits, reference, right


class Vae04:
    r"""
    The exponent of $p(z)\,p(x \mid z)$ is $-\tfrac12 z^2 - \tfrac12 (1 - 2z)^2/0.25$ at
    $x = 2$. Its curvature gives the posterior's precision, $1 + 4/0.25 = 17$; its
    slope at 0, $2 \cdot 1/0.25 = 8$, the mean $8/17$. The observation is
    $x = 1 + 2z + 0.5\,\epsilon$, thus $\mathcal N(1, 4 + 0.25)$. Under $q$ the mean of
    $(1 - 2z)^2$ is $(1 - 0.6)^2 + 4 \cdot 0.16 = 0.8$. And `log_p - elbo` is the
    divergence of $q$ from the exact posterior, by equation (3.4). The closed form for
    two Gaussians gives $0.607$ nats, and so does the difference: $-1.760 + 2.367$.
    """

    @reference
    @build
    def by_hand():
        precision = 1 + 2**2 / 0.5**2
        post_mean = 2 * (2 - 1) / 0.5**2 / precision
        post_std = precision**-0.5
        var = 2**2 + 0.5**2
        log_p = -0.5 * math.log(2 * math.pi * var) - (2 - 1) ** 2 / (2 * var)
        square = (2 - 1 - 2 * 0.3) ** 2 + 2**2 * 0.4**2
        fit = -0.5 * math.log(2 * math.pi * 0.5**2) - square / (2 * 0.5**2)
        rate = 0.5 * (0.3**2 + 0.4**2 - 1 - 2 * math.log(0.4))
        elbo = fit - rate
        return post_mean, post_std, log_p, elbo

    @right
    @build
    def rounded_to_four_digits():
        return 0.4706, 0.2425, -1.760, -2.367

    @right
    @build
    def by_the_gap():
        var = 1 / 17
        mean = 8 * var
        log_p = Normal(1.0, 4.25**0.5).log_prob(torch.tensor(2.0))
        gap = kl_divergence(Normal(0.3, 0.4), Normal(mean, var**0.5))
        return mean, var**0.5, log_p, log_p - gap

    @right
    @build
    @functools.cache
    def by_the_library():
        from gmcourse.linear_gaussian import LinearGaussian

        model = LinearGaussian(1, 1, 0.5)
        with torch.no_grad():
            model.decoder.weight.fill_(2.0)
            model.decoder.bias.fill_(1.0)
            mean, cov = model.posterior(torch.tensor([[2.0]]))
            log_p = model.log_prob(torch.tensor([[2.0]])).item()
            vae = model.as_vae()
            vae.encoder.weight.zero_()
            vae.encoder.bias.copy_(torch.tensor([0.3, math.log(0.4)]))
            with torch.random.fork_rng():
                torch.manual_seed(0)
                elbo = vae.iw_bound(torch.full((2_000_000, 1), 2.0), k=1)
        return mean.item(), cov.item() ** 0.5, log_p, elbo.double().mean().item()

    edited = edits(
        by_hand,
        """
    prior left out of the posterior | precision = 1 + -> precision =
    prior left out of the posterior | precision**-0.5 -> 0.25
    variance in place of the standard deviation | precision**-0.5 -> precision**-1
    variance in place of the standard deviation | - 2 * math.log -> - 4 * math.log
    standard deviation in place of the variance | - 2 * math.log -> - math.log
    noise left out of the marginal | + 0.5**2 ->
    standard deviation taken as a variance | + 0.5**2 -> + 0.5
    standard deviation taken as a variance | var = 2**2 + 0.5**2 -> var = 4.25**2
    standard deviation taken as a variance
        | 0.4**2 - 1 - 2 * math.log(0.4) -> 0.4 - 1 - math.log(0.4)
    a density at one z | var = 2**2 + -> var =
    a density at one z
        | log_p = -> var, off = 0.25, 1 / 17; log_p = | (2 - 1) ** 2 / -> off**2 /
    normalizer left out | -0.5 * math.log(2 * math.pi * var) - -> -
    normalizer left out | -0.5 * math.log(2 * math.pi * 0.5**2) - -> -
    spread of q left out | + 2**2 * 0.4**2 ->
    rate added in place of subtracted | fit - rate -> fit + rate
    rate left out | fit - rate -> fit
    the gap in place of the bound | = fit - rate -> = log_p - fit + rate
    log p in place of the bound | fit - rate -> log_p
    sign flipped | fit - rate -> rate - fit
    sign flipped | post_std, log_p -> post_std, -log_p
    bits in place of nats | fit - rate -> (fit - rate) / math.log(2)
    bits in place of nats | post_std, log_p -> post_std, log_p / math.log(2)
    slope left out or not squared | 1 + 2**2 -> 1 + 2
    slope left out or not squared | var = 2**2 -> var = 2
    slope left out or not squared | + 2**2 * 0.4**2 -> + 2 * 0.4**2
    slope left out or not squared | (2 - 1 - 2 * 0.3) -> (2 - 1 - 0.3)
    slope left out of the mean's numerator | 2 * (2 - 1) / -> (2 - 1) /
    offset not taken away | 2 * (2 - 1) / -> 2 * 2 /
    offset not taken away | - (2 - 1) ** 2 / (2 * var) -> - 2**2 / (2 * var)
    offset not taken away | (2 - 1 - 2 * 0.3) -> (2 - 2 * 0.3)
    offset not taken away | 2 * (2 - 1) / -> 2 * (2 + 1) /
    q in place of the posterior | post_mean = -> post_mean = 0.3 + 0 *
    q in place of the posterior | post_mean = -> post_mean = 2 * 0.3 + 1 + 0 *
    precisions not added | post_mean = -> post_mean = 0.25 + 0 *
    precisions not added | / 0.5**2 / precision -> / precision
    precision in place of the standard deviation | precision**-0.5 -> precision**0.5
    spread of x in place of that of z | precision**-0.5 -> 4.25**0.5
    standard deviations added | var = 2**2 + 0.5**2 -> var = (2 + 0.5) ** 2
    averaged over q in place of the prior
        | post_std, log_p -> post_std, fit
    a factor 1/2 lost | 1 + 2**2 -> 1 + 2 * 2**2 | 2 * (2 - 1) / -> 4 * (2 - 1) /
    a factor 1/2 lost | log_p = -0.5 * -> log_p = -
    a factor 1/2 lost | rate = 0.5 * -> rate =
    a sign inside log N | - (2 - 1) ** 2 / -> + (2 - 1) ** 2 /
    a term of the rate | 0.4**2 - 1 -> 0.4**2
    a term of the rate | (0.3**2 -> (0.3
    arguments of the KL swapped | rate = 0.5 * (0.3**2 + 0.4**2 - 1 - 2 * math.log(0.4))
        -> rate = 0.5 * ((0.3**2 + 1) / 0.4**2 - 1 + 2 * math.log(0.4))
    divergence to the wrong one | fit - rate -> log_p - rate
    gap added in place of subtracted | fit - rate -> 2 * log_p - fit + rate
    entropy of q wrong
        | fit - rate -> fit - rate - 0.5 - 0.5 * math.log(2 * math.pi * 0.16)
    another of the answers | log_p, elbo -> elbo, log_p
    not to the digits asked for | return post_mean -> return 0.47
    density in place of its logarithm | post_std, log_p -> post_std, math.exp(log_p)
    logarithm to base 10 | post_std, log_p -> post_std, log_p / math.log(10)
    """,
    )
