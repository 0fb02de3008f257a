"""What several exercises of this topic share."""

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
