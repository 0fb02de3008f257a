"""Unnormalized densities on the plane: the truth of samplers and of bounds.

Energies follow the dtype (float32 or float64) and the device of ``x``. Parameters out
of range and points of another shape raise ValueError, points that are no float tensor
TypeError.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from .._arguments import integer, positive
from .mixture import BOUNDS, Bounds, Plane, check_points

__all__ = ["Energy", "double_well", "rezende_mohamed"]


class Energy(Plane):
    """An unnormalized density exp(-energy(x)). On the plane, not only in ``bounds``."""

    def __init__(
        self, name: str, energy: Callable[[Tensor], Tensor], bounds: Bounds = BOUNDS
    ):
        super().__init__(name, bounds)
        self._energy = energy

    def energy(self, x: Float[Tensor, "b 2"]) -> Float[Tensor, " b"]:
        """U(x), dimensionless; the constant is that of the source, not log Z."""
        return self._energy(check_points(x, 2))


def rezende_mohamed(number: int) -> Energy:
    """The test energies U1 to U4 of Rezende & Mohamed (2015), Table 1.

    U2, U3 and U4 do not decay along x1: they have a normalizer on a box (``bounds``,
    as in the paper's figures) and none on the whole plane.
    """
    number = integer("number", number, 1, 4)

    def well(a: Tensor, width: float) -> Tensor:
        return -0.5 * (a / width) ** 2

    def energy(x: Tensor) -> Tensor:
        x1, x2 = x[:, 0], x[:, 1]
        if number == 1:
            ring = well(torch.linalg.vector_norm(x, dim=1) - 2, 0.4)
            return -ring - torch.logaddexp(well(x1 - 2, 0.6), well(x1 + 2, 0.6))
        off = x2 - torch.sin(2 * math.pi * x1 / 4)  # from the wave w1
        if number == 2:
            return -well(off, 0.4)
        if number == 3:
            w2 = 3 * well(x1 - 1, 0.6).exp()
            return -torch.logaddexp(well(off, 0.35), well(off + w2, 0.35))
        w3 = 3 * torch.sigmoid((x1 - 1) / 0.3)
        return -torch.logaddexp(well(off, 0.4), well(off + w3, 0.35))

    return Energy(f"rezende_mohamed_{number}", energy)


def double_well(barrier: float = 4.0, distance: float = 2.0) -> Energy:
    """U(x) = barrier ((x1 / distance)^2 - 1)^2 + x2^2 / 2: wells at x1 = +-distance.

    The mountain pass between them is ``barrier`` high, at the origin.
    """
    barrier, distance = positive("barrier", barrier), positive("distance", distance)
    return Energy(
        "double_well",
        lambda x: barrier * ((x[:, 0] / distance) ** 2 - 1) ** 2 + x[:, 1] ** 2 / 2,
    )
