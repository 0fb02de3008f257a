"""What several exercises of this topic share."""

from typing import Any

import torch
from torch import Tensor

from .._comparisons import far, first
from .._parts import mistakes
from .._statistics import numbers


def gaussian_kl(mean: Tensor, log_var: Tensor, reverse: bool = False) -> Tensor:
    """KL from N(mean, exp(log_var)) to N(0, 1) of each entry, by quadrature.

    The integral runs over u = (x - mean)/std, on which the integrand is smooth for
    any variance; float64, error below 1e-9. ``reverse`` swaps the two arguments.
    """
    mean, log_var = mean.double()[..., None], log_var.double()[..., None]
    u = torch.linspace(-12, 12, 241, dtype=torch.float64)
    normal = torch.distributions.Normal(0.0, 1.0)
    std = (0.5 * log_var).exp()
    if reverse:
        other = normal.log_prob((u - mean) / std) - 0.5 * log_var
        integrand = normal.log_prob(u).exp() * (normal.log_prob(u) - other)
    else:
        own = normal.log_prob(u) - 0.5 * log_var
        integrand = normal.log_prob(u).exp() * (own - normal.log_prob(mean + std * u))
    return torch.trapezoid(integrand, u, dim=-1)


TERMS = (
    "Compare with the closed form of the chapter, term by term: half of mean² + "
    "variance - 1 - log variance."
)


def wrong_rates(mean: Tensor, log_std: Tensor) -> list[Tensor]:
    """The rate of each entry with one of its terms lost or wrong."""
    m, r = mean.detach().double(), log_std.detach().double()
    square, var, std = m**2, (2 * r).exp(), r.exp()
    halves = [
        *(var - 1 - 2 * r, square - 1 - 2 * r, square + var - 2 * r),
        *(square + var - 1, square + var - 1 + 2 * r, square + var + 1 - 2 * r),
        *(square + var - 2 - 2 * r, square + std - 1 - 2 * r, square + var - 1 - r),
        *(m + var - 1 - 2 * r, m.abs() + var - 1 - 2 * r, square - var - 1 - 2 * r),
        *(square + (r**2).exp() - 1 - 2 * r, square + var - 1 - 4 * r),
        *(2 * square + var - 1 - 2 * r, square + 2 * var - 1 - 2 * r),
    ]
    return [0.5 * v for v in halves]


def by_terms(out: Any, *terms: dict[str, list]) -> dict[str, float]:
    """The idea of a `number` that is a sum of terms, one or two of which are wrong.

    It is said to be a little off: any other idea that fits to four digits is nearer.
    """
    found = mistakes(lambda *v: sum(v), *terms, tol=5e-3)
    name = first(found, lambda v: not far(numbers(out), v, 2e-4).any())
    return {name: 1.0006 * float(out)} if name else {}


def fallback(ideas: dict[str, Any], name: str, out: Any, due: Any, tol: float = 1e-3):
    """``ideas`` of a `number`, those that ``out`` fits to four digits or nearly.

    And, if they are none, a name for what is far from due: it must be true of every
    number on that side of it.
    """
    out, due, found = float(out), float(due), {}
    for k, v in ideas.items():
        values = [float(x) for x in (v if isinstance(v, list) else [v])]
        found[k] = [x for x in values if abs(out - x) <= 7e-4 * max(abs(x), 1e-9)]
    rounded = any(out == float(f"{due:.{digits}g}") for digits in (1, 2, 3))
    if abs(out - due) > 0.02 * abs(due) and out == out and not rounded:
        found[name] = [out * (1 + 1.5 * tol)]  # so that each other idea is nearer
    return found
