"""Versions of exercise gm-09."""

import math

import numpy as np
import torch

from .. import build, reference, right, wrong


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

    @wrong("bits in place of nats")
    @build
    def log2():
        return math.log2(50), math.log2(50) / 784, math.exp(10)

    @wrong("sign flipped")
    @build
    def negative():
        return math.log(0.02), math.log(0.02) / 784 / math.log(2), math.exp(10)

    @wrong("sign flipped")
    @build
    def negative_bits():
        return math.log(50), math.log(0.02) / 784 / math.log(2), math.exp(10)

    @wrong("the share of noise in place of that of the model")
    @build
    def noise_share():
        return -math.log(0.98), -math.log2(0.98) / 784, math.exp(10)

    @wrong("log-likelihoods averaged")
    @build
    def averaged():
        lost = 0.98 * (784 * math.log(2) - 90)
        return lost, lost / 784 / math.log(2), math.exp(10)

    @wrong("nats in place of bits")
    @build
    def nats_per_dim():
        return math.log(50), math.log(50) / 784, math.exp(10)

    @wrong("not divided by the number of pixels")
    @build
    def whole_image():
        return math.log(50), math.log2(50), math.exp(10)

    @wrong("divided by one side of the image")
    @build
    def one_side():
        return math.log(50), math.log2(50) / 28, math.exp(10)

    @wrong("logarithm in place of the number")
    @build
    def logarithm():
        return math.log(50), math.log2(50) / 784, 10.0

    @wrong("power of two")
    @build
    def binary():
        return math.log(50), math.log2(50) / 784, 2.0**10

    @wrong("share in place of one in how many")
    @build
    def share():
        return math.log(50), math.log2(50) / 784, math.exp(-10)

    @wrong("log-likelihood in place of the loss")
    @build
    def what_is_left():
        return -90 - math.log(50), math.log2(50) / 784, math.exp(10)

    @wrong("log-likelihood in place of the loss")
    @build
    def bits_of_all():
        return math.log(50), (90 + math.log(50)) / 784 / math.log(2), math.exp(10)

    @wrong("number in place of its logarithm")
    @build
    def fifty():
        return 50.0, math.log2(50) / 784, math.exp(10)

    @wrong("not the loss of the dilution")
    @build
    def share_of_the_nats():
        return 0.02 * 90, 0.02 * 90 / 784 / math.log(2), math.exp(10)

    @wrong("nats in place of bits")
    @build
    def times_log_two():
        return math.log(50), math.log(50) * math.log(2) / 784, math.exp(10)

    @wrong("ratio of the log-likelihoods")
    @build
    def ratio():
        return math.log(50), math.log2(50) / 784, 100 / 90

    @wrong("not where the two are equal")
    @build
    def power_of_ten():
        return math.log(50), math.log2(50) / 784, 10.0**10

    @wrong("bits in place of nats")
    @build
    def log10():
        return math.log10(50), math.log2(50) / 784, math.exp(10)
