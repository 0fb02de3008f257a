"""What several exercises of this topic share."""

import math

import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal


def all_images(d: int) -> Tensor:
    """The 2^d binary vectors, float32."""
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * d).view(-1, d)


def line_mixture(w: Tensor, means: Tensor, stds: Tensor) -> MixtureSameFamily:
    """A mixture of normals on the line, in float64."""
    parts = Normal(means.double(), stds.double())
    return MixtureSameFamily(Categorical(probs=w.double()), parts)


def fractions(t, k: int) -> Tensor:
    """k unequal positive numbers that sum to one, in steps of 0.01; k is 3 or 4."""
    parts = torch.tensor({3: [52, 30, 18], 4: [42, 29, 18, 11]}[k])
    moved = t.integer(-3, 3)
    parts[0] += moved
    parts[1] -= moved
    return parts[torch.randperm(k, generator=t.rng)] / 100


def log_joint_choices() -> list[dict]:
    """Functions of w, x - mean and std: what is taken for log w, for the exponent and
    for the logarithm of the deviation."""

    def power(x, p):
        return lambda gap, s: -((gap / s**p) ** 2) / x

    def size(x, p):
        return lambda gap, s: -(gap / s**p).abs() / x

    others = [f(x, p) for f in (power, size) for p in (0, 2) for x in (2, 1, 4)]
    return [
        {
            "": [torch.log],
            "weights left out": [lambda w: 0 * w],
            "weights added, not their logarithms": [lambda w: w],
            "weights counted otherwise": [
                lambda w, c=c: c * w.log() for c in (2, 0.5, -1, 1 / math.log(2))
            ],
        },
        {
            "": [power(2, 1)],
            "factor one half lost": [power(1, 1)],
            "standard deviation taken as a variance": [power(2, 0.5)],
            "distance enters otherwise": [
                *(*others, power(4, 1), power(-2, 1), size(2, 1), size(1, 1)),
            ],
        },
        {
            "": [lambda s: s.log()],
            "widths left out of the responsibilities": [lambda s: 0 * s],
            "log-deviation enters otherwise": [
                *(lambda s, c=c: c * s.log() for c in (-1, 0.5, 2)),
                lambda s: s,
            ],
        },
    ]
