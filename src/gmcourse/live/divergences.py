"""The two Kullback-Leibler divergences, under the reader's hand."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor

from .._arguments import finite, positive
from ._bytes import png
from .figure import Live


class Divergences(Live):
    """A Gaussian q to drag over a mixture p on the line, and both divergences.

    Beside the densities stand KL(p ‖ q) and KL(q ‖ p) in nats, with what each adds up
    over the line, and for each a button that lets q run downhill: forward to the mean
    and the deviation of p, in reverse to an optimum that depends on the start.

    Args:
        weights, means, stds: of the components of p; weights that sum to one.
        start: mean and standard deviation of q at first.
        extent: the line from -extent to extent is shown; q's mean stays within.
        title, label: as of `Live`.
        wander: q runs downhill in KL(q ‖ p) until touched, as of `Live`.

    Raises:
        ValueError: what was given does not fit together; see the message.

    In the page the container holds
    ``gm = {set(mean, std), get(), divergences(), downhill(0 or 1)}``.
    Bishop (2006), figure 10.3.
    """

    kind = "divergences"

    def __init__(
        self,
        weights: Sequence[float],
        means: Sequence[float],
        stds: Sequence[float],
        *,
        start: tuple[float, float] = (0.0, 1.0),
        extent: float = 5.0,
        title: str = "",
        label: str = "A Gaussian over a mixture",
        wander: bool = True,
    ) -> None:
        extent = positive("extent", extent)
        w, m, s = (
            finite(name, list(values))
            for name, values in (("weights", weights), ("means", means), ("stds", stds))
        )
        if not (len(w) == len(m) == len(s) > 0):
            raise ValueError(
                f"{len(w)} weights, {len(m)} means, {len(s)} stds; expected as many of "
                "each, one at least"
            )
        if w.min() <= 0 or abs(w.sum() - 1) > 1e-6 or s.min() <= 0:
            raise ValueError(
                "weights and stds must be positive, and weights sum to one; given "
                f"{w.tolist()} and {s.tolist()}"
            )
        if m.abs().max() > extent:
            raise ValueError(f"a mean of p lies outside of ±{extent:g}: raise extent")
        mean, std = finite("start", list(start)).tolist()
        narrowest, widest = 0.7 * float(s.min()), extent / 2
        if abs(mean) > extent or not narrowest <= std <= widest:
            raise ValueError(
                f"start is {start}; expected a mean within ±{extent:g} and a deviation "
                f"from {narrowest:g} to {widest:g}"
            )
        data = {
            "weights": w.tolist(),
            "means": m.tolist(),
            "stds": s.tolist(),
            "start": [mean, std],
            "extent": extent,
            "narrowest": narrowest,
            "widest": widest,
        }
        caption = (
            "Gray: the mixture p. Line: the Gaussian with p's mean and standard "
            "deviation, which is closest by KL(p \u2016 q)."
        )
        still = png(_still(w, m, s, extent))
        super().__init__(data, still, caption, title, label, wander)


def _still(w: Tensor, m: Tensor, s: Tensor, extent: float) -> UInt8[Tensor, "1 h w"]:
    """The mixture as an area, its Gaussian of equal moments as a line."""
    height, width = 220, 440
    x = torch.linspace(-extent, extent, width, dtype=torch.float64)[:, None]

    def normal(mean: Tensor, std: Tensor) -> Tensor:
        return (-0.5 * ((x - mean) / std) ** 2).exp() / (std * math.sqrt(2 * math.pi))

    p = (w * normal(m, s)).sum(1)
    mean = (w * m).sum()
    q = normal(mean, ((w * (s**2 + m**2)).sum() - mean**2).sqrt())[:, 0]
    level = torch.linspace(1.1 * float(torch.maximum(p, q).max()), 0, height)[:, None]
    area, line = p > level, (q - level).abs() < 1.5 * float(level[0] / height)
    image = (
        torch.full((height, width), 255).masked_fill(area, 200).masked_fill(line, 60)
    )
    return image.to(torch.uint8)[None]
