"""EM for a mixture in the plane, one step at a time."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .._arguments import finite, integer, positive
from ..mixtures import fit_mixture
from ..settings import seeded
from ._bytes import half, in_base64, png
from .figure import Live

_POINTS, _COMPONENTS = 2000, 10  # for the speed of a phone; colors that can be told


class EMSteps(Live):
    """EM for a mixture of full Gaussians in the plane, run in the page.

    A start gives each point to the nearest of k points drawn at random; then M-step
    and E-step follow each other, as in `gmcourse.mixtures.fit_mixture`. The reader
    steps, runs, starts anew and chooses k; the log-likelihoods of the last starts stay
    in view.

    Args:
        points: (n, 2), at most 2,000.
        k: components at first, 1 to 10.
        floor: its square is added to every variance.
        extent: the plane shows [-extent, extent] in both directions; default: so far
            that all points are seen.
        title, label: as of `Live`.
        wander: steps and new starts until touched, as of `Live`.

    Raises:
        ValueError: points of another shape or number, too few different ones, or not
            finite; k out of range.

    In the page the container holds ``gm = {start(indices), step(), get()}``.
    Dempster, Laird & Rubin (1977).
    """

    kind = "em_steps"

    def __init__(
        self,
        points: Float[Tensor, "n 2"],
        k: int = 5,
        *,
        floor: float = 0.05,
        extent: float | None = None,
        title: str = "",
        label: str = "EM for a mixture of Gaussians",
        wander: bool = True,
    ) -> None:
        k, floor = integer("k", k), positive("floor", floor)
        if points.ndim != 2 or points.shape[1] != 2 or len(points) > _POINTS:
            raise ValueError(
                f"points have shape {tuple(points.shape)}; expected (n, 2), n at most "
                f"{_POINTS:,}: of more, show a part"
            )
        points = finite("points", points).half()
        different = len(points.unique(dim=0))
        most = min(_COMPONENTS, different)
        if not k <= most:
            raise ValueError(
                f"k is {k}; expected 1 to {most} for {different} different points"
            )
        reach = 1.08 * float(points.abs().max()) or 1.0
        extent = reach if extent is None else positive("extent", extent)
        data = {
            "points": in_base64(half(points)),
            "k": k,
            "most": most,
            "floor": floor,
            "extent": extent,
        }
        caption = f"The points, and the density of {k} components after 100 steps."
        still = png(_still(points.double(), k, floor, extent))
        super().__init__(data, still, caption, title, label, wander)


def _still(
    x: Float[Tensor, "n 2"], k: int, floor: float, extent: float
) -> UInt8[Tensor, "1 h w"]:
    """A fitted density in gray, and the points in black."""
    size = 220
    at = extent * (2 * (torch.arange(size).double() + 0.5) / size - 1)
    grid = torch.stack([at.repeat(size), at.flip(0).repeat_interleave(size)], 1)
    with seeded(0):
        density = fit_mixture(x, k, floor=floor).log_prob(grid).exp().view(size, size)
    image = 255 - 150 * (density / density.max()).sqrt()
    column, row = ((x / extent + 1) / 2 * size).long().clamp(0, size - 1).T
    image[size - 1 - row, column] = 20
    return image.round().to(torch.uint8)[None]
