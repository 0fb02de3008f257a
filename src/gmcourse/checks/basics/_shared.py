"""What several exercises of this topic share."""

from collections.abc import Callable
from itertools import combinations, product
from typing import Any

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
