"""Versions of exercise vae-09."""

import torch

from .. import build, edits, reference, right


class Vae09:
    r"""
    An image has $d = 3072$ values, so the loss is
    $\tfrac1d \lVert x - \hat x \rVert^2 + 0.03\, R$, mean over the batch. By equation
    (3.14), with $a = 1/d$ and $\kappa = 0.03$, $\sigma^2 = 0.03\, d/2 = 46.08$.
    The author of that line may have found 0.03 by trying; what was found is a
    likelihood's width.
    """

    @reference
    @build
    def by_hand():
        d = 3 * 32 * 32
        std = (0.03 * d / 2) ** 0.5
        beta = std**2 / 0.1**2
        return std, beta

    @right
    @build
    def rounded_to_four_digits():
        return 6.788, 4608.0

    @right
    @build
    def by_ratio_of_weights():
        ours, theirs = 1 / 3072 / 0.03, 1 / (2 * 0.1**2)
        return (1 / (2 * ours)) ** 0.5, theirs / ours

    @right
    @build
    def as_tensors():
        var = torch.tensor(0.03 * 3072 / 2)
        return var.sqrt(), 100 * var

    edited = edits(
        by_hand,
        """
    channels forgotten | 3 * 32 * 32 -> 32 * 32
    channels forgotten | std**2 -> 0.03 * 32 * 32 / 2
    the 1/2 of the exponent | d / 2 -> d
    off by a factor of two | ** 0.5 -> ** 0.5 * 2
    off by a factor of two | std**2 -> 2 * std**2
    variance in place of the standard deviation | ** 0.5 ->
    weight of the KL left out | 0.03 * ->
    weight of the KL left out | std**2 -> d / 2
    values of an image counted wrongly | d / 2 -> 1 / 2
    values of an image counted wrongly | d = 3 * 32 * 32 -> d = 3 * 32
    values of an image counted wrongly | std**2 -> 0.03 / 2
    batch counted | d / 2 -> d / 2 * 64
    inverse of what is due | ** 0.5 -> ** -0.5
    precision in place of the standard deviation | ** 0.5 -> ** -1
    the width that was meant | return std -> return 0.1
    gray levels | return std -> return 255 * std
    beta at the width of the code | std**2 / 0.1**2 -> 1.0
    the width that was meant on the wrong side | / 0.1**2 -> * 0.1**2
    another of the answers | return std, beta -> return beta, std
    not to the digits asked for | return std -> return 6.8
    weight turned around | 0.03 * d / 2 -> d / 2 / 0.03
    ratio turned around | std**2 / 0.1**2 -> 0.1**2 / std**2
    ratio of deviations | std**2 / 0.1**2 -> std / 0.1
    standard deviation in place of the variance | 0.1**2 -> 0.1
    standard deviation in place of the variance | std**2 -> std
    weight read as beta | std**2 / 0.1**2 -> 0.03
    number of values read as beta | std**2 / 0.1**2 -> d
    the width that was meant left out | / 0.1**2 ->
    """,
    )
