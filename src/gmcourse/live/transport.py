"""Moving earth on a line, and what the Jensen-Shannon divergence sees of it."""

from collections.abc import Sequence

import torch
from jaxtyping import UInt8
from torch import Tensor

from .._arguments import finite, positive
from ._bytes import png
from .figure import Live


class Transport(Live):
    """A box q to drag and stretch under a heap p, and the way between them.

    Thin lines join equal quantiles of p and q: the cheapest way to make one heap of the
    other. Beside them stand the Wasserstein distance W1 as the area between the two
    cumulative distribution functions, the best critic f of slope at most 1, for which
    E_p f - E_q f = W1, and the Jensen-Shannon divergence in nats with its best critic
    D = p / (p + q). For each of the two a button lets q run downhill: in W1 from
    everywhere, in JS only where q overlaps with p.

    All values are exact: densities are constant between the ends of boxes, and
    cumulative distribution functions linear.

    Args:
        boxes: (left, right, weight) of the parts of p, each uniform on its interval;
            weights that sum to one.
        start: center and width of q at first.
        extent: the line from -extent to extent is shown; p and q stay within.
        title, label: as of `Live`.
        wander: q runs downhill in W1 until touched, as of `Live`.

    Raises:
        ValueError: what was given does not fit together; see the message.

    In the page the container holds ``gm = {set(center, width), get(), values(),
    critic(), downhill("w1" or "js")}``; ``values()`` gives ``{w1, js}``, ``critic()``
    the corners of f.
    Arjovsky, Chintala and Bottou (2017), figure 1.
    """

    kind = "transport"

    def __init__(
        self,
        boxes: Sequence[tuple[float, float, float]],
        *,
        start: tuple[float, float] = (0.0, 1.0),
        extent: float = 5.0,
        title: str = "",
        label: str = "Moving earth on a line",
        wander: bool = True,
    ) -> None:
        extent = positive("extent", extent)
        parts = [list(box) for box in boxes]
        if not parts or any(len(part) != 3 for part in parts):
            raise ValueError(
                f"boxes are {parts}; expected (left, right, weight) of one at least"
            )
        left, right, weight = finite("boxes", parts).T
        if (left >= right).any() or weight.min() <= 0 or abs(weight.sum() - 1) > 1e-6:
            raise ValueError(
                "each box must have its left end left of its right end, and positive "
                f"weights must sum to one; given {parts}"
            )
        if left.min() < -extent or right.max() > extent:
            raise ValueError(f"a box of p reaches beyond ±{extent:g}: raise extent")
        center, width = finite("start", list(start)).tolist()
        narrowest = min(float((right - left).min()), extent / 4)
        if width < narrowest or abs(center) + width / 2 > extent:
            raise ValueError(
                f"start is {start}; expected a width of {narrowest:g} or more, and "
                f"both ends within ±{extent:g}"
            )
        p = torch.stack([left, right, weight / weight.sum()], 1)
        data = {
            "boxes": p.tolist(),
            "start": [center, width],
            "extent": extent,
            "narrowest": narrowest,
        }
        caption = "Above the line the heap p, below it the box q before it moves."
        still = png(_still(p, center, width, extent))
        super().__init__(data, still, caption, title, label, wander)


def _still(
    p: Tensor, center: float, width: float, extent: float
) -> UInt8[Tensor, "1 h w"]:
    """p stands on a line in the middle, q hangs from it."""
    x = torch.linspace(-extent, extent, 440, dtype=torch.float64)[:, None]
    inside = (p[:, 0] <= x) & (x <= p[:, 1])
    up = (inside * p[:, 2] / (p[:, 1] - p[:, 0])).sum(1)
    down = ((x[:, 0] - center).abs() <= width / 2) / width
    half = 110
    level = 1.1 * torch.maximum(up, down).max() * torch.arange(1, half + 1) / half
    above, below = (up > level.flip(0)[:, None]), (down > level[:, None])
    image = torch.cat(
        [
            torch.full((half, len(x)), 255).masked_fill(above, 200),
            torch.full((2, len(x)), 60),
            torch.full((half, len(x)), 255).masked_fill(below, 130),
        ]
    )
    return image.to(torch.uint8)[None]
