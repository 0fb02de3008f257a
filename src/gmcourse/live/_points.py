"""Points of distributions on the plane that live figures show, and their stills."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .._arguments import finite
from ..data.clouds import Cloud
from ..data.mixture import GaussianMixture
from ..settings import seeded

Plane = Cloud | GaussianMixture


def drawn(
    sets: Mapping[str, Plane], n: int
) -> list[tuple[str, Plane, Float[Tensor, "n 2"]]]:
    """Of each set its name, itself, and ``n`` points, the same each time.

    Raises:
        ValueError: there are no sets, or one does not give points of the plane.
    """
    if not sets:
        raise ValueError("no sets; expected at least one, name to distribution")
    found = []
    with seeded(0):
        for name, plane in sets.items():
            points = finite(f"points of {name!r}", plane.sample(n))
            if points.shape != (n, 2):
                raise ValueError(f"{name!r} gives {tuple(points.shape)}, no plane")
            found.append((str(name), plane, points.float()))
    return found


def spot(start: Sequence[float], extent: float) -> list[float]:
    """The point that a reader may move, at first; ValueError for one out of sight."""
    point = finite("start", list(start))
    if point.shape != (2,) or point.abs().max() > extent:
        raise ValueError(f"start is {start}; expected two numbers within ±{extent}")
    return point.tolist()


SIDE, BLUE, GRAY = 210, (63.0, 144.0, 218.0), (200.0, 200.0, 200.0)


def blank() -> Float[Tensor, "3 h w"]:
    """A white plane for a still."""
    return torch.full((3, SIDE, SIDE), 255.0)


def dot(
    image: Float[Tensor, "3 h w"],
    points: Float[Tensor, "n 2"],
    extent: float,
    color: tuple[float, float, float],
    size: int = 1,
) -> None:
    """A dot for each point that lies on the plane, of 1 or 2 pixels; y ascends."""
    within = points[(points.abs() < extent).all(1)]
    column, up = ((within / extent + 1) / 2 * (SIDE - 1)).long().T
    for right in range(size):
        for down in range(size):
            row = SIDE - 2 - up + down
            image[:, row, column + right] = torch.tensor(color)[:, None]


def side_by_side(planes: list[Tensor]) -> UInt8[Tensor, "3 h w"]:
    """The planes as one picture."""
    gap = torch.full((3, SIDE, 20), 255.0)
    parts = [part for plane in planes for part in (gap, plane)]
    return torch.cat(parts[1:], 2).to(torch.uint8)
