"""What several exercises of this topic share."""

import math
from typing import Any

import torch
from torch import Tensor


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


def combined(out: Any, *parts: dict[str, list], tol: float = 3e-4) -> dict[str, Any]:
    """The idea that fits ``out``, a sum of parts of which one or two are wrong.

    Each part maps mistakes to what it would be, the right part under "" first. The
    first of two mistakes is named; where nothing fits, there is no idea.
    """
    out = torch.as_tensor(out).detach().cpu().double()
    rows = [[(k, i, v) for k in p for v in p[k]] for i, p in enumerate(parts)]
    due = sum(torch.as_tensor(part[0][2]).detach().double() for part in rows)
    due = torch.as_tensor(due)
    plain = [c * due for c in (-1, 2, 0.5, 1 / math.log(2), 1 / math.log(10))]
    if out.shape != due.shape or any(torch.allclose(out, v, 1e-4) for v in plain):
        return {}
    names, at, values = zip(*(row for part in rows for row in part[1:]))
    right = [rows[i][0][2] for i in at]
    off = torch.stack([0 * due + v - r for v, r in zip(values, right)])
    off, rest = off.detach().reshape(len(off), -1), (out - due).flatten()
    size = tol * due.abs().clamp(min=0.1).flatten()
    one = ((rest - off).abs() <= size).all(1)
    two = ((rest - off[:, None] - off).abs() <= size).all(2)
    found = torch.cat([one.nonzero(), (two & apart(at)).nonzero()[:, :1]])
    return {names[int(found[0])]: out} if len(found) else {}


def apart(at: tuple[int, ...]) -> Tensor:
    """Which pairs are of two different parts."""
    part = torch.tensor(at)
    return part[:, None] != part


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
