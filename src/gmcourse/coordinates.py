"""What a net says of a noisy example: data, noise, score, velocity.

Given ``x_t`` they are one quantity in several coordinates, each a straight function of
another. A coordinate is a function of path and time that gives ``(skip, out, scale)``,
with which ``data = skip x_t + out net(scale x_t)``. Built in chapter 10_diffusion.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from .paths import Path, over

__all__ = ["convert", "data", "noise", "scaled", "score", "velocity"]

Coordinate = Callable[[Path, Tensor], tuple[Tensor, Tensor, Tensor]]


def data(path: Path, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The net says the data."""
    one = torch.ones_like(t)
    return torch.zeros_like(t), one, one


def noise(path: Path, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The net says ``eps``, the noise. Ho et al. (2020), eq. 11."""
    alpha = path.alpha(t)
    return 1 / alpha, -path.sigma(t) / alpha, torch.ones_like(t)


def score(path: Path, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The net says ``grad log p(x_t)``, which is ``-eps / sigma`` of the mean noise."""
    alpha = path.alpha(t)
    return 1 / alpha, path.sigma(t) ** 2 / alpha, torch.ones_like(t)


def velocity(path: Path, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The net says ``alpha' x + sigma' eps``, the rate at which ``x_t`` moves.

    On the cosine path it is ``π/2`` times the v of Salimans & Ho (2022), section 4.
    """
    (a, s), (a_rate, s_rate) = (path.alpha(t), path.sigma(t)), path.rates(t)
    turn = a * s_rate - s * a_rate
    return s_rate / turn, -s / turn, torch.ones_like(t)


def scaled(path: Path, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Input and target of the net have variance 1 where the data have.

    Karras et al. (2022), table 1 and appendix B.6, for any path.
    """
    alpha, sigma = path.alpha(t), path.sigma(t)
    size = torch.sqrt(alpha**2 + sigma**2)
    return alpha / size**2, sigma / size, 1 / size


def convert(
    value: Float[Tensor, "b ..."],
    x_t: Float[Tensor, "b ..."],
    t: Float[Tensor, " b"],
    path: Path,
    *,
    of: Coordinate,
    to: Coordinate,
) -> Float[Tensor, "b ..."]:
    """From one coordinate to another, through the data.

    Where a coordinate has no say about the data (noise where none of the data is left,
    ``alpha = 0``; the data's own where there is no noise) the numbers are not finite.

    Example:
        >>> from gmcourse.paths import Straight
        >>> x_t, t = torch.tensor([[0.5]]), torch.tensor([0.5])
        >>> eps = torch.tensor([[0.1]])
        >>> convert(eps, x_t, t, Straight(), of=noise, to=data)
        tensor([[0.9000]])
    """
    skip, out, _ = (over(value, x_t) for value in of(path, t))
    x = skip * x_t + out * value
    skip, out, _ = (over(value, x_t) for value in to(path, t))
    return (x - skip * x_t) / out
