"""Sets on the plane that are known by their samples alone: moons and spirals.

Samples are float32 on the CPU, drawn from torch's global generator. Parameters out of
range raise ValueError, counts that are no integers TypeError.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from .._arguments import integer, nonnegative, on_cpu, positive
from .mixture import BOUNDS, Bounds, Plane

__all__ = ["Cloud", "moons", "spirals", "swiss_roll"]


class Cloud(Plane):
    """A distribution that is known by its samples alone."""

    def __init__(
        self, name: str, draw: Callable[[int], Tensor], bounds: Bounds = BOUNDS
    ):
        super().__init__(name, bounds)
        self._draw = draw

    @on_cpu
    def sample(self, n: int) -> Float[Tensor, "n 2"]:
        """n independent points, float32."""
        return self._draw(integer("n", n, 0))


def unit(angle: Tensor) -> Tensor:
    """(n,) angles to (n, 2) points of the unit circle."""
    return torch.stack([angle.cos(), angle.sin()], 1)


def moons(noise: float = 0.15) -> Cloud:
    """Two interleaved half-circles of radius 2 with Gaussian noise. Samples only."""
    noise = nonnegative("noise", noise)

    def draw(n: int) -> Tensor:
        angle, sign = math.pi * torch.rand(n), 1 - 2 * torch.randint(2, (n,))
        half = 2 * unit(angle) - torch.tensor([1.0, 0.5])
        return sign[:, None] * half + noise * torch.randn(n, 2)

    return Cloud("moons", draw)


def _spiral(name: str, arms: int, start: float, end: float, noise: float) -> Cloud:
    """Spirals whose radius grows with the angle, up to 3.5 at angle ``end``.

    The angle's square is uniform: points fall about evenly along the curve.
    """

    def draw(n: int) -> Tensor:
        angle = (start**2 + (end**2 - start**2) * torch.rand(n)).sqrt()
        turned = angle + 2 * math.pi / arms * torch.randint(arms, (n,))
        radius = 3.5 / end * angle[:, None]
        return radius * unit(turned) + noise * torch.randn(n, 2)

    return Cloud(name, draw)


def spirals(arms: int = 2, turns: float = 1.5, noise: float = 0.1) -> Cloud:
    """Interleaved spirals that start at the center. Samples only."""
    end = 2 * math.pi * positive("turns", turns)
    arms, noise = integer("arms", arms), nonnegative("noise", noise)
    return _spiral("spirals", arms, 0.0, end, noise)


def swiss_roll(noise: float = 0.1) -> Cloud:
    """One spiral from 3/4 of a turn to 9/4 of a turn, rolled flat. Samples only."""
    return _spiral(
        "swiss_roll", 1, 1.5 * math.pi, 4.5 * math.pi, nonnegative("noise", noise)
    )
