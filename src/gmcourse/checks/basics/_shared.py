"""What several exercises of this topic share."""

from collections.abc import Callable
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
