"""Versions of exercise vae-09."""

import torch

from .. import build, edits, reference, right


class Vae09:
    r"""
    Write $E$ for the squared error of an image, the sum over its $d = 3072$ values, and
    $R$ for its rate, the sum over 50 dimensions. The lines are the batch means of
    $\tfrac1d E + w R$, of $E + w R$ and of $\tfrac1d E + \tfrac{w}{50} R$; the negative
    ELBO is $\tfrac{1}{2\sigma^2} E + R$ and a constant. So the ratio of the two factors
    is to be $2\sigma^2 = 0.0098$, which is equation (3.14), solved for $\kappa$.
    The weights are $3.190 \cdot 10^{-6}$, $0.0098$ and $1.595 \cdot 10^{-4}$: a weight
    that looks tiny may be the right one, and nobody can tell without the reductions
    and the width. The weight 1 in the first line would stand for $\sigma = 39$.
    """

    @reference
    @build
    def by_hand():
        d = 3 * 32 * 32
        std = 0.07
        w_sum = 2 * std**2
        w_mean = w_sum / d
        w_all = 50 * w_mean
        return w_mean, w_sum, w_all

    @right
    @build
    def rounded_to_four_digits():
        return 3.190e-6, 0.0098, 1.595e-4

    @right
    @build
    def by_ratios_of_factors():
        meant = 1 / (2 * 0.07**2)
        return 1 / 3072 / meant, 1 / meant, 1 / 3072 / (meant / 50)

    @right
    @build
    def as_tensors():
        weights = 2 * torch.tensor(0.07).square() / torch.tensor([3072, 1, 3072 / 50])
        return tuple(weights)

    edited = edits(
        by_hand,
        """
    the 1/2 of the exponent | 2 * std -> std
    the 1/2 of the exponent | 2 * std -> 4 * std
    standard deviation in place of the variance | std**2 -> std
    weight turned around | 2 * std**2 -> 1 / (2 * std**2)
    weight turned around | 2 * std**2 -> 1 / std**2
    width left out | 2 * std**2 -> 1.0
    width left out | 2 * std**2 -> 2.0
    width on another scale | std = 0.07 -> std = 0.07 * 255
    width on another scale | std = 0.07 -> std = 0.14
    channels forgotten | 3 * 32 * 32 -> 32 * 32
    values of an image counted wrongly | 3 * 32 * 32 -> 3 * 32
    values of an image counted wrongly | 3 * 32 * 32 -> 784
    a mean taken for a sum | w_sum / d -> w_sum
    a mean taken for a sum | 50 * w_mean -> 50 * w_sum
    values of an image on the wrong side | w_sum / d -> w_sum * d
    a sum taken for a mean | return w_mean, w_sum -> return w_mean, w_mean
    a sum taken for a mean | return w_mean, w_sum -> return w_mean, w_sum * d
    latent dimensions left out | 50 * w_mean -> w_mean
    latent dimensions on the wrong side | 50 * w_mean -> w_mean / 50
    latent dimensions counted twice | return w_mean -> return w_all
    latent dimensions counted twice | w_mean, w_sum, -> w_mean, 50 * w_sum,
    batch counted | w_sum / d -> w_sum / d / 64
    values and latent dimensions exchanged | 50 * w_mean -> w_sum * d / 50
    the density's constant counted | = 2 * std -> = 2 * math.pi * 2 * std
    another of the answers | return w_mean, w_sum -> return w_sum, w_mean
    not to the digits asked for | w_sum / d -> 3.2e-6
    channels forgotten
        | 2 * std**2 -> std**2 | 3 * 32 -> 32
    another power of sigma | std**2 -> std**4
    another power of sigma | std**2 -> std**0.5
    one weight for all three lines | return w_mean, w_sum, w_all -> return 1, 1, 1
    inverse of what is due | w_mean = -> return d / w_sum, 1 / w_sum, d / w_sum / 50; _=
    the density's constant counted | = 2 * std**2 -> = 1 / (1 / (2 * std**2) - 1.7403)
    latent dimensions counted twice
        | return w_mean -> return 50 / 3072
    """,
    )
