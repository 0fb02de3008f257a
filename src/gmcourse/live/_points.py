"""Points of distributions on the plane, as live figures show and learn from them."""

from collections.abc import Mapping

from jaxtyping import Float
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
