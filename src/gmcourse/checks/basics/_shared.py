"""What several exercises of this topic share."""

import math
from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Categorical, MixtureSameFamily, Normal

from .._comparisons import far


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


def combined(value: Callable, *parts: dict[str, Any], most: int = 2) -> dict[str, list]:
    """What a formula gives with up to ``most`` mistakes in its parts.

    Each part maps a mistake to what it puts there, or to a list of such; what is right
    stands under "". ``value`` takes one choice of each part. Single mistakes come
    first; two at once are named "one, and another".
    """
    rows = [(frozenset(), ())]
    for part in parts:
        rows = [
            (names | {name} - {""}, (*chosen, v))
            for names, chosen in rows
            for name, vs in part.items()
            for v in (vs if isinstance(vs, list) else [vs])
            if len(names | {name} - {""}) <= most
        ]
    found: dict[str, list] = {}
    for names, chosen in sorted(rows, key=lambda row: len(row[0])):
        if names:
            found.setdefault(", and ".join(sorted(names)), []).append(value(*chosen))
    return found


def apart(ideas: dict[str, list], due: Tensor, tol: float = 1e-3) -> dict[str, list]:
    """The ideas without those values that are what is due."""
    return {
        k: [v for v in values if far(due, v, tol).any()] for k, values in ideas.items()
    }


def named(
    fits: Callable, make: Callable, *choices: dict[Any, list], counts=(1, 2)
) -> str | None:
    """The name of the wrong choice with which ``make`` gives what ``fits``, or None.

    A choice maps the names of mistakes to what they would take, and None to what is
    right. One wrong choice is tried before two, of which the first is named.
    """
    wrong = [[(k, v) for k in c if k for v in c[k]] for c in choices]
    for count in counts:
        for places in combinations(range(len(choices)), count):
            for some in product(*(wrong[i] for i in places)):
                parts = [c[None][0] for c in choices]
                for i, (_, part) in zip(places, some):
                    parts[i] = part
                if fits(make(*parts)):
                    return some[0][0]
    return None


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
            None: [torch.log],
            "weights left out": [lambda w: 0 * w],
            "weights added, not their logarithms": [lambda w: w],
            "weights counted otherwise": [
                lambda w, c=c: c * w.log() for c in (2, 0.5, -1, 1 / math.log(2))
            ],
        },
        {
            None: [power(2, 1)],
            "factor one half lost": [power(1, 1)],
            "standard deviation taken as a variance": [power(2, 0.5)],
            "distance enters otherwise": [
                *(*others, power(4, 1), power(-2, 1), size(2, 1), size(1, 1)),
            ],
        },
        {
            None: [lambda s: s.log()],
            "widths left out of the responsibilities": [lambda s: 0 * s],
            "log-deviation enters otherwise": [
                *(lambda s, c=c: c * s.log() for c in (-1, 0.5, 2)),
                lambda s: s,
            ],
        },
    ]
