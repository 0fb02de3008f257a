"""Versions of exercise vae-04."""

import functools
import math

import torch
from torch.distributions import (
    Normal,
    kl_divergence,
)

from .. import build, reference, right, wrong


class Vae04:
    r"""
    The exponent of $p(z)\,p(x \mid z)$ is $-\tfrac12 z^2 - \tfrac12 (1 - 2z)^2/0.25$ at
    $x = 2$. Its curvature gives the posterior's precision, $1 + 4/0.25 = 17$; its
    slope at 0, $2 \cdot 1/0.25 = 8$, the mean $8/17$. The observation is
    $x = 1 + 2z + 0.5\,\epsilon$, thus $\mathcal N(1, 4 + 0.25)$. Under $q$ the mean of
    $(1 - 2z)^2$ is $(1 - 0.6)^2 + 4 \cdot 0.16 = 0.8$. And `log_p - elbo` is the
    divergence of $q$ from the exact posterior, by equation (3.4): compute it with the
    closed form for two Gaussians, and compare.
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
        from gmcourse.vae import LinearGaussian

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

    @wrong("prior left out of the posterior")
    @build
    def no_prior():
        return 0.5, 0.25, -1.7600, -2.3671

    @wrong("prior left out of the posterior")
    @build
    def no_prior_in_the_width():
        return 8 / 17, 0.25, -1.7600, -2.3671

    @wrong("variance in place of the deviation")
    @build
    def variance():
        return 8 / 17, 1 / 17, -1.7600, -2.3671

    @wrong("noise left out of the marginal")
    @build
    def no_noise():
        log_p = Normal(1.0, 2.0).log_prob(torch.tensor(2.0)).item()
        return 8 / 17, 17**-0.5, log_p, -2.3671

    @wrong("deviation taken as a variance")
    @build
    def half():
        log_p = Normal(1.0, 4.5**0.5).log_prob(torch.tensor(2.0)).item()
        return 8 / 17, 17**-0.5, log_p, -2.3671

    @wrong("deviation taken as a variance")
    @build
    def no_root():
        log_p = Normal(1.0, 4.25).log_prob(torch.tensor(2.0)).item()
        return 8 / 17, 17**-0.5, log_p, -2.3671

    @wrong("value of p(x given z) at one z")
    @build
    def at_the_posterior_mean():
        log_p = Normal(1 + 16 / 17, 0.5).log_prob(torch.tensor(2.0)).item()
        return 8 / 17, 17**-0.5, log_p, -2.3671

    @wrong("normalizer left out")
    @build
    def no_normalizer():
        return 8 / 17, 17**-0.5, -1 / 8.5, -2.3671

    @wrong("normalizer left out")
    @build
    def no_normalizer_in_the_bound():
        return 8 / 17, 17**-0.5, -1.7600, -1.6 - 0.54129

    @wrong("spread of q left out")
    @build
    def at_the_mean_of_q():
        fit = Normal(1.6, 0.5).log_prob(torch.tensor(2.0)).item()
        return 8 / 17, 17**-0.5, -1.7600, fit - 0.54129

    @wrong("rate added in place of subtracted")
    @build
    def plus():
        return 8 / 17, 17**-0.5, -1.7600, -1.82579 + 0.54129

    @wrong("rate left out")
    @build
    def fit_only():
        return 8 / 17, 17**-0.5, -1.7600, -1.82579

    @wrong("the gap in place of the bound")
    @build
    def gap():
        return 8 / 17, 17**-0.5, -1.7600, 2.3671 - 1.7600

    @wrong("sign flipped")
    @build
    def losses():
        return 8 / 17, 17**-0.5, 1.7600, 2.3671

    @wrong("sign flipped")
    @build
    def one_loss():
        return 8 / 17, 17**-0.5, -1.7600, 2.3671

    @wrong("bits in place of nats")
    @build
    def bits():
        two = math.log(2)
        return 8 / 17, 17**-0.5, -1.7600 / two, -2.3671 / two

    @wrong("slope not squared")
    @build
    def slope_counted_once():
        log_p = Normal(1.0, 1.5).log_prob(torch.tensor(2.0)).item()
        return 8 / 9, 1 / 3, log_p, -2.3671

    @wrong("slope not squared")
    @build
    def slope_counted_once_in_the_marginal():
        log_p = Normal(1.0, 1.5).log_prob(torch.tensor(2.0)).item()
        return 8 / 17, 17**-0.5, log_p, -2.3671

    @wrong("offset left out")
    @build
    def no_offset():
        return 16 / 17, 17**-0.5, -1.7600, -2.3671

    @wrong("offset left out")
    @build
    def no_offset_in_the_marginal():
        log_p = Normal(0.0, 4.25**0.5).log_prob(torch.tensor(2.0)).item()
        return 8 / 17, 17**-0.5, log_p, -2.3671

    @wrong("log p in place of the bound")
    @build
    def bound_of_the_posterior():
        return 8 / 17, 17**-0.5, -1.7600, -1.7600
