"""Versions of exercise gan-05."""

import math
import random

import numpy as np
import torch

from .. import edits, reference, right


class Gan05:
    r"""
    On average $n\, \mathbb{E}_q[e^f]/M = n/M$ rows are accepted. For
    $p = \mathcal N(0, I)$ and $q = \mathcal N(0, 1.1^2 I)$ in $d$ dimensions
    $M = 1.1^d$: 39% are kept for $d = 10$, one in 14,000 for $d = 100$. Small errors of
    a generator multiply, and so does the price.

    And $f$ is not exact. Let the data be two humps of equal weight, at $-2$ and $2$
    with standard deviation 0.5, and a generator that makes the right one in 10% of its
    draws. With $f = \log p/q$ and $M = 5$ one draw in five is kept, half of these from
    the right hump. A critic with two hidden layers of 64 units, trained for 1000 steps
    on 5000 examples of either kind, and the largest of its values at 20,000 draws for
    $\log M$, gave in six runs 46% to 53% from the right hump, and kept 9% to 17%: the
    largest of many values is also the largest of many errors.
    """

    @reference
    def accepted(x, value, log_m):
        if (value > log_m).any():
            raise ValueError(f"a value of {value.max()}; log_m is {log_m}")
        chance = (value - log_m).exp()
        return x[torch.rand_like(chance) < chance]

    @right
    def by_bernoulli(x, value, log_m):
        chance = torch.exp(value.double() - log_m)
        if chance.max() > 1:
            raise ValueError("M is no bound")
        return x[torch.bernoulli(chance).bool()]

    @right
    def by_logarithms(x, value, log_m):
        if torch.any(value > log_m):
            raise ValueError("M is no bound")
        height = torch.rand(len(x), dtype=torch.float64).log()
        kept = (height < value - log_m).nonzero()[:, 0]
        return x.index_select(0, kept)

    @right
    def by_loops(x, value, log_m):
        kept = []
        for i, v in enumerate(value.tolist()):
            if v > log_m:
                raise ValueError(f"{v} is above {log_m}")
            if random.random() < math.exp(v - log_m):
                kept.append(i)
        return x[torch.tensor(kept, dtype=torch.long)]

    @right
    def by_exponential_waiting(x, value, log_m):
        gap = log_m - value
        if gap.min() < 0:
            raise ValueError("M is no bound")
        wait = torch.empty_like(gap).exponential_()  # longer than gap: exp(-gap)
        return x[wait > gap]

    @right
    def by_a_sigmoid(x, value, log_m):
        # As in the paper, whose logit of the chance is f - log M - log(1 - e^(...)).
        gap = value.double() - log_m
        if (gap > 0).any():
            raise ValueError("M is no bound")
        logit = gap - torch.log(-torch.expm1(gap))
        noise = torch.logit(torch.rand(len(x), dtype=torch.float64))
        return x[noise < logit]

    @right
    def by_numpy(x, value, log_m):
        gap = value.numpy().astype(np.float64) - log_m
        if np.any(gap > 0):
            raise ValueError("M is no bound")
        kept = np.random.random_sample(len(gap)) < np.exp(gap)  # noqa: NPY002
        return x[torch.from_numpy(np.flatnonzero(kept))]

    edited = edits(
        accepted,
        """
    mask or places in place of the rows | return x[torch.rand_like(chance) < chance]
        -> return torch.rand_like(chance) < chance
    mask or places in place of the rows | return x[torch.rand_like(chance) < chance]
        -> return (torch.rand_like(chance) < chance).nonzero()[:, 0]
    rejected rows not left out | return x[torch.rand_like(chance) < chance]
        -> return x * (torch.rand_like(chance) < chance).view(-1, *[1] * (x.dim() - 1))
    drawn with replacement | return x[torch.rand_like(chance) < chance]
        -> return x[torch.multinomial(chance, len(x) // 2, replacement=True)]
    drawn with replacement | return x[torch.rand_like(chance) < chance]
        -> return x[torch.multinomial(chance, len(x), replacement=True).sort()[0]]
    another order | return x[torch.rand_like(chance) < chance]
        -> return x[torch.rand_like(chance) < chance].flip(0)
    another order | return x[torch.rand_like(chance) < chance]
        -> i = (-value).argsort(); return x[i][torch.rand_like(chance) < chance[i]]
    rows changed | return x[torch.rand_like(chance) < chance]
        -> return x[torch.rand_like(chance) < chance] + 0.5
    a threshold in place of chance
        | torch.rand_like(chance) < chance -> chance > 0.5
    a threshold in place of chance
        | torch.rand_like(chance) < chance -> value > value.median()
    one random number for all rows
        | torch.rand_like(chance) < chance -> torch.rand(()) < chance
    noise fixed across calls | torch.rand_like(chance)
        -> torch.rand(len(x), generator=torch.Generator().manual_seed(0))
    global random state reseeded | chance = -> torch.manual_seed(0); chance =
    a fixed number accepted | torch.rand_like(chance) < chance
        -> torch.multinomial(chance, int(chance.sum()) or 1).sort()[0]
    a fixed number accepted | torch.rand_like(chance)
        -> (torch.randperm(len(x)) + torch.rand(())) / len(x)
    draws not independent | torch.rand_like(chance)
        -> torch.rand((len(x) + 1) // 2).repeat_interleave(2)[: len(x)]
    draws not independent | torch.rand_like(chance)
        -> torch.cat([(u := torch.rand((len(x) + 1) // 2)), 1 - u])[: len(x)]
    the critic's probability as the chance
        | (value - log_m).exp() -> value.sigmoid()
    the critic's probability as the chance
        | (value - log_m).exp() -> value.sigmoid() / value.sigmoid().max()
    sigmoid in place of the exponential
        | (value - log_m).exp() -> (value - log_m).sigmoid()
    bound left out | (value - log_m).exp() -> value.exp()
    bound left out | (value - log_m).exp() -> value.exp().clamp(max=1)
    the largest value in place of the bound
        | (value - log_m).exp() -> (value - value.max()).exp()
    another power of the ratio
        | (value - log_m).exp() -> ((value - log_m) / 2).exp()
    another power of the ratio
        | (value - log_m).exp() -> (2 * (value - log_m)).exp()
    values taken as chances | (value - log_m).exp() -> value / log_m
    values taken as chances | (value - log_m).exp() -> 1 + value - log_m
    values taken as chances | (value - log_m).exp()
        -> (value - value.min()) / (value.max() - value.min())
    another factor of the chance | < chance -> < chance / 2
    another base | (value - log_m).exp() -> 2 ** (value - log_m)
    one row kept in any case | return -> return x[:1] if chance.max() < 1e-9 else
    log M taken as M | (value - log_m).exp() -> value.exp() / log_m
    rejected rows returned | < chance -> > chance
    ratio turned around | (value - log_m).exp() -> (value.min() - value).exp()
    all rows kept | (value - log_m).exp() -> (log_m - value).exp()
    nothing kept | < chance -> < chance.log()
    noise that is not uniform | rand_like -> randn_like
    noise that is not uniform | torch.rand_like(chance)
        -> torch.randn_like(chance).abs()
    noise that is not uniform | torch.rand_like(chance)
        -> torch.rand(2, len(x)).mean(0)
    a threshold in place of chance | torch.rand_like(chance) < chance
        -> value.topk(int(chance.sum()))[1].sort()[0]
    another power of the ratio | torch.rand_like(chance) -> torch.rand_like(chance) ** 2
    ratio of two exponentials | (value - log_m).exp() -> value.exp() / math.exp(log_m)
    ratio of two exponentials
        | (value - log_m).exp() -> value.exp() * torch.tensor(-log_m).exp()
    a bound on the value | (value - log_m).exp() -> (value - log_m).clamp(-5).exp()
    a bound on the value
        | (value - log_m).exp() -> value.clamp(-50, 50).sub(min(log_m, 50)).exp()
    a bound on the value | (value - log_m) -> (value.clamp(min=-5000) - log_m)
    an error where nothing is accepted | return x[torch.rand_like(chance) < chance]
        -> return torch.stack([v for v, a in zip(x, chance) if torch.rand(()) < a])
    batch axis lost | return x[torch.rand_like(chance) < chance]
        -> return x[(torch.rand_like(chance) < chance).nonzero().squeeze()]
    axes of the rows changed | return x[torch.rand_like(chance) < chance]
        -> return x[torch.rand_like(chance) < chance].flatten(1)
    no error above the bound | if (value > log_m).any() -> if (value > log_m).all()
    another kind of error | raise ValueError -> raise RuntimeError
    a value at the bound refused | (value > log_m) -> (value >= log_m)
    wrong dtype | return x[ -> return x.float()[
    """,
    )
