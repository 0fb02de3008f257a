"""p-values of the checks' distribution tests, in float64.

Each is the probability, or a bound on it, that draws from the claimed distribution
look at least as unlike it as these do: one for each column or outcome.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def numbers(x: Any) -> Tensor:
    return torch.as_tensor(x).detach().cpu().double()


def columns(x: Tensor) -> Tensor:
    """(n,) or (n, ...) draws to (n, k)."""
    x = numbers(x)
    return x[:, None] if x.dim() == 1 else x.flatten(1)


def two_sided(z: Tensor) -> Tensor:
    """P(|Z| >= |z|) for a standard normal Z."""
    return torch.erfc(z.abs() / 2**0.5)


def p_mean(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """z-test with known ``std``; exact for normal draws."""
    return two_sided((x.mean(0) - mean) / std * len(x) ** 0.5)


def p_std(x: Tensor, std: Tensor) -> Tensor:
    """Chi-square test for normal draws, by the approximation of Wilson & Hilferty
    (1931); for n >= 1,000 it is within 3 percent at 1e-6."""
    c = 2 / (9 * (len(x) - 1))
    ratio = (x.std(0) / std).square()
    return two_sided((ratio ** (1 / 3) - (1 - c)) / c**0.5)


def p_frequencies(counts: Tensor, probs: Tensor) -> Tensor:
    """Chernoff's bound (1952) for each outcome: 2 exp(-n KL(seen || probs))."""
    seen = counts / counts.sum()
    q, p = torch.stack([seen, 1 - seen]), torch.stack([probs, 1 - probs])
    rate = (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(0)
    return (2 * torch.exp(-counts.sum() * rate)).clamp(max=1)


def gap(x: Tensor, cdf: Callable[[Tensor], Tensor]) -> Tensor:
    """The largest distance of the empirical distribution function from ``cdf``."""
    u = cdf(x.sort().values)
    steps = torch.arange(len(x) + 1, dtype=torch.float64) / len(x)
    return torch.maximum((u - steps[:-1]).abs(), (u - steps[1:]).abs()).max()


def p_distribution(x: Tensor, cdf: Callable[[Tensor], Tensor]) -> Tensor:
    """The bound of Dvoretzky, Kiefer & Wolfowitz (1956) with the constant of Massart
    (1990), for any continuous ``cdf`` and any n."""
    return 2 * torch.exp(-2 * len(x) * gap(x, cdf) ** 2)


def rank_correlations(x: Tensor) -> Tensor:
    """Spearman's, of all pairs of columns: of the values, and of the distances from
    the median, which see a common size. Times sqrt(n - 1) nearly standard normal."""
    sizes = (x - x.median(0).values).abs()
    both = [v.argsort(0).argsort(0).double().T.corrcoef() for v in (x, sizes)]
    pairs = torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
    return torch.cat([c[pairs] for c in both])
