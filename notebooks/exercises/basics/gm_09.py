"""Versions of exercise gm-09."""

import math

import numpy as np
import torch

from .. import build, edits, reference, right


class Gm09:
    """1. The second term is e⁻⁴⁵⁰ of the first: the loss is log 50 = 3.912 nats.
    2. 3.912 / (784 log 2) = 0.0072 bits per pixel: less than one in the second
    decimal, where results are usually cut off. 3. e¹⁰, about 22,000: a model ten nats
    ahead may draw noise in all but one of 22,000 cases and still break even."""

    @reference
    @build
    def reference():
        lost_nats = -math.log(0.02)
        lost_bits_per_dim = lost_nats / (28 * 28 * math.log(2))
        one_in = math.exp(100 - 90)
        return lost_nats, lost_bits_per_dim, one_in

    @right
    @build
    def in_float64():
        coins = -784 * math.log(2)
        mixed = np.logaddexp(math.log(0.02) - 90, math.log(0.98) + coins)
        return -90 - mixed, (-90 - mixed) / 784 / math.log(2), 22026.47

    @right
    @build
    def rounded():
        return 3.912, 0.0071987, 22026

    @right
    @build
    def by_bits():
        bits = math.log2(50)
        return bits * math.log(2), bits / 784, torch.tensor(10.0).exp()

    edited = edits(
        reference,
        """
    bits in place of nats | lost_nats = -math.log(0.02) -> lost_nats = math.log2(50)
    logarithm to base 10 | -math.log(0.02) -> math.log10(50)
    sign flipped | -math.log(0.02) -> math.log(0.02)
    sign flipped | return lost_nats, lost -> return lost_nats, -lost
    sign flipped | return lost_nats, -> return -lost_nats,
    off by a factor of two | return lost_nats, -> return 2 * lost_nats,
    the share of noise in place of that of the model | log(0.02) -> log(0.98)
    log-likelihoods averaged
        | -math.log(0.02) -> 0.98 * (784 * math.log(2) - 90)
    share of the log-likelihood | -math.log(0.02) -> 0.02 * 90
    number in place of its logarithm | -math.log(0.02) -> 1 / 0.02
    log-likelihood in place of the loss | -math.log -> -90 + math.log
    log-likelihood in place of the loss | lost_nats / (28 -> (90 + lost_nats) / (28
    nats in place of bits | (28 * 28 * math.log(2)) -> 784
    another factor than log 2 | (28 * 28 * math.log(2)) -> 784 * math.log(2)
    not divided by the number of pixels | 28 * 28 * ->
    divided by another number | 28 * 28 -> 28
    logarithm in place of the number | math.exp(100 - 90) -> 100 - 90
    power of another base | math.exp(100 - 90) -> 2 ** (100 - 90)
    power of another base | math.exp(100 - 90) -> 10 ** (100 - 90)
    share in place of one in how many | 100 - 90 -> 90 - 100
    ratio of the log-likelihoods | math.exp(100 - 90) -> 100 / 90
    ratio of the log-likelihoods | -math.log(0.02) -> -math.log(0.02) / 90
    noise given another probability
        | -math.log(0.02) -> -90 - math.log(0.02 * math.exp(-90) + 0.98 / 2)
    small number added to the density
        | -math.log(0.02) -> -90 - math.log(0.02 * math.exp(-90) + 1e-12)
    no loss at all | -math.log(0.02) -> 0.0
    another of the answers | return lost_nats, lost_bits_per_dim
        -> return lost_bits_per_dim, lost_nats
    another factor than log 2 | (28 * 28 * math.log(2)) -> (784 * math.log(10))
    inverse of what is due
        | return lost_nats, lost_bits -> return lost_nats, 1 / lost_bits
    not to the digits asked for | -math.log(0.02) -> 3.9
    not to the digits asked for | math.exp(100 - 90) -> 2.718 ** (100 - 90)
    the first share once more | math.exp(100 - 90) -> 1 / 0.02
    the first share once more | math.exp(100 - 90) -> math.exp(10 + lost_nats)
    the noise's probability alone | -math.log(0.02) -> 784 * math.log(2) - 90
    another share | -math.log(0.02) -> -math.log(0.01)
    another logarithm or factor | -math.log(0.02) -> math.log(50) - math.log(0.98)
    another factor than the exponential
        | math.exp(100 - 90) -> math.exp(100 - 90) / (100 - 90)
    difference for each pixel | math.exp(100 - 90) -> math.exp(10 / 784)
    compared with the noise | math.exp(100 - 90) -> math.exp(784 * math.log(2) - 90)
    log-likelihood in place of the loss | math.exp(100 - 90) -> math.exp(100)
    logarithm in place of the number | math.exp(100 - 90) -> math.log10(math.exp(10))
    power of another base | math.exp(100 - 90) -> math.exp(10 / math.log(2))
    the share of noise in place of that of the model
        | math.exp(100 - 90) -> 1 / (1 - math.exp(-10))
    """,
    )
