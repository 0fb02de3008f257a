"""What mistakes give for the terms of a chain's bound, under their names."""

import math
from itertools import chain

import torch

from .._parts import mistakes

FLOOR, SINGLE = "floor under the variance", "float32 in between"
CROSS = "cross-entropy in place of the divergence"


def over_all(v):
    """What sums become by mistake, for both kinds of terms; ``v`` is (..., b, d)."""
    return {
        "": v.sum(-1),
        "mean over the dimensions": v.mean(-1),
        "dimensions left out": [v[..., 0], v[..., :-1].sum(-1)],
        "reduced over the batch": [
            f(v.sum(-1), -1, True).expand(v.shape[:-1]) for f in (torch.sum, torch.mean)
        ],
    }


FACTORS = {
    "": 0.5,
    "off by a factor of two": [1.0, 0.25],
    "sign flipped": -0.5,
    "bits in place of nats": 0.5 / torch.tensor(2.0).double().log(),
}


def steps(x, x_hat, alphas, sigmas):
    """Of the steps back, (K - 1, b)."""
    a, v = alphas**2, sigmas**2
    x, x_hat = x.reshape(len(x), -1), x_hat.reshape(len(x_hat), len(x), -1)
    e = x_hat[1:] - x
    others = x_hat[:-1], x_hat[1:].flip(0), x_hat[[*range(2, len(x_hat)), -1]]
    errors = over_all(e**2) | {
        "absolute error": e.abs().sum(-1),
        "square root taken": (e**2).sum(-1).sqrt(),
        "squared after the sum": e.sum(-1) ** 2,
        "estimate of another step": [((g - x) ** 2).sum(-1) for g in others],
        "error of another scale": [
            ((c[1:, None, None] * e) ** 2).sum(-1) for c in (alphas, 1 / sigmas)
        ],
    }
    fall = lambda r: -r.diff()  # noqa: E731
    r = a / v
    near, kept = fall(r), (alphas[1:] / alphas[:-1]) ** 2
    forward = v[1:] - kept * v[:-1]
    # By the distance of the means, and variances that are not the one due.
    shift = (alphas[:-1] * forward / v[1:]) ** 2
    widths = forward, v[:-1], v[1:], (forward * v[:-1] / v[1:]) ** 0.5
    falls = {
        "": near,
        "ratio turned around": [-fall(v / a), fall(v / a), 1 / near],
        "logarithms of the ratio": [fall(r.log()), fall(r.log()) / 2],
        "ratio of deviations": [fall(r**0.5), fall(alphas / v), fall(a / sigmas)],
        "variance preserving assumed": [fall(a / (1 - a)), fall((1 - v) / v),
                                        fall(1 / v), fall(a)],
        "the ratio, not its fall": [r[1:], r[:-1]],
        "fall of another step": [near.roll(1), near.roll(-1), near.flip(0)],
        "relative fall": [r[:-1] / r[1:] - 1, 1 - r[1:] / r[:-1]],
        "weight left out": torch.ones_like(near),
        "variance of another law": [shift / w for w in widths],
        "square of what is due": [fall(r**2), near**2],
        FLOOR: [fall(a / (v + 10.0**-n)) for n in range(2, 11)],
    }  # fmt: skip
    make = lambda e, w, c: c * w[:, None] * e  # noqa: E731
    yield from mistakes(make, errors, falls, FACTORS, tol=1e-8)


def ends(x, x_hat, alphas, sigmas, s):
    """Of the end, (b,)."""
    last, x = x.shape[-1], x.reshape(len(x), -1)
    p = torch.tensor(s, dtype=torch.float64)
    d = x.shape[1]
    levels = {"": -1, "another level at the end": [0, -2]}
    priors = {
        "": lambda p, c: p,
        "prior taken as the last noise": lambda p, c: c,
        "prior taken as the standard normal": lambda p, c: p**0,
        "standard deviation taken as a variance": lambda p, c: p**0.5,
        "standard deviation squared": lambda p, c: p**2,
        SINGLE: lambda p, c: p.float().double(),
    }
    means = {
        "": lambda a, c, p: a**2 / p**2,
        "mean of the end otherwise": [
            lambda a, c, p: 1 / p**2, lambda a, c, p: a / p**2, lambda a, c, p: a**2,
            lambda a, c, p: a**2 / p, lambda a, c, p: a**2 / c**2,
            lambda a, c, p: -(a**2) / p**2,
        ],
        "mean of the end left out": lambda a, c, p: 0 * p,
    }  # fmt: skip
    ratios = {
        "": lambda c, p: c**2 / p**2,
        "variances of the end otherwise": [
            lambda c, p: p**2 / c**2, lambda c, p: c / p, lambda c, p: c**2,
            lambda c, p: 0 * p, lambda c, p: c**2 / p, lambda c, p: 2 * c**2 / p**2,
        ],
    }  # fmt: skip
    logs = {
        "": lambda c, p: 2 * (p.log() - c.log()),
        "logarithm of the end otherwise": [
            lambda c, p: 2 * (c.log() - p.log()), lambda c, p: p.log() - c.log(),
            lambda c, p: 0 * p, lambda c, p: -2 * c.log(), lambda c, p: 2 * p.log(),
            lambda c, p: 4 * (p.log() - c.log()), lambda c, p: (p / c).log10() * 2,
        ],
        SINGLE: lambda c, p: 2 * (p.float().log().double() - c.log()),
        CROSS: lambda c, p: 2 * p.log() + math.log(2 * math.pi) + 1,
    }  # fmt: skip
    ones = {"": 1, "the -1 of each value left out or changed": [0, -1, 2, 0.5, 1 / d]}
    counts = {
        "": d,
        "counted once, not for each value": 1,
        "number of values otherwise": [len(x), len(x) * d, last, last * len(x)],
    }
    sums = over_all(x**2)
    sums["estimate in place of the data"] = [
        (g.reshape(x.shape) ** 2).sum(-1) for g in (x_hat[-1], x_hat[1])
    ]
    whole = {"": 0, "arguments of the KL swapped": 1}

    def make(i, prior, mean, ratio, log, one, n, square, c, swapped):
        a, std = alphas[i], sigmas[i]
        p_here = prior(p, std)
        if swapped:
            std, p_here = p_here, std
        parts = ratio(std, p_here) + log(std, p_here) - one
        n = n / d if square is sums["mean over the dimensions"] and n > 1 else n
        return c * (mean(a, std, p_here) * square + n * parts)

    parts = levels, priors, means, ratios, logs, ones, counts, sums, FACTORS, whole
    found = (mistakes(make, *parts, most=most, tol=1e-9) for most in (1, 2))
    yield from chain.from_iterable(found)
