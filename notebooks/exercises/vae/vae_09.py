"""Versions of exercise vae-09."""

import torch

from .. import build, reference, right, wrong


class Vae09:
    r"""
    An image has $d = 3072$ values, so the loss is
    $\tfrac1d \lVert x - \hat x \rVert^2 + 0.02\, R$, mean over the batch. By equation
    (3.9), with $a = 1/d$ and $w = 0.02$, $\sigma^2 = 0.02\, d/2 = 30.72$. The author
    of that line may have found 0.02 by trying; what was found is a likelihood's width.
    """

    @reference
    @build
    def by_hand():
        d = 3 * 32 * 32
        std = (0.02 * d / 2) ** 0.5
        beta = std**2 / 0.1**2
        return std, beta

    @right
    @build
    def rounded_to_four_digits():
        return 5.543, 3072.0

    @right
    @build
    def by_ratio_of_weights():
        ours, theirs = 1 / 3072 / 0.02, 1 / (2 * 0.1**2)
        return (1 / (2 * ours)) ** 0.5, theirs / ours

    @right
    @build
    def as_tensors():
        var = torch.tensor(0.02 * 3072 / 2)
        return var.sqrt(), 100 * var

    @wrong("channels forgotten")
    @build
    def gray():
        return (0.02 * 1024 / 2) ** 0.5, 0.02 * 1024 / 2 / 0.01

    @wrong("factor of two lost")
    @build
    def without_half():
        return (0.02 * 3072) ** 0.5, 0.02 * 3072 / 0.01

    @wrong("factor of two lost")
    @build
    def beta_without_half():
        return (0.01 * 3072) ** 0.5, 0.02 * 3072 / 0.01

    @wrong("variance in place of the deviation")
    @build
    def variance():
        return 30.72, 3072.0

    @wrong("weight of the KL left out")
    @build
    def no_weight():
        return (3072 / 2) ** 0.5, 3072 / 2 / 0.01

    @wrong("pixels not counted")
    @build
    def no_pixels():
        return (0.02 / 2) ** 0.5, 1.0

    @wrong("weight turned around")
    @build
    def inverse_weight():
        return (3072 / 2 / 0.02) ** 0.5, 3072 / 2 / 0.02 / 0.01

    @wrong("ratio turned around")
    @build
    def inverse_beta():
        return 30.72**0.5, 1 / 3072.0

    @wrong("ratio of deviations")
    @build
    def of_deviations():
        return 30.72**0.5, 30.72**0.5 / 0.1

    @wrong("weight read as beta")
    @build
    def as_written():
        return 30.72**0.5, 0.02

    @wrong("the width that was meant left out")
    @build
    def variance_as_beta():
        return 30.72**0.5, 30.72
