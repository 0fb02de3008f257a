"""Rate against distortion: models of several weights β, and what they rebuild."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from .._arguments import finite
from ..plots import image_grid
from ._bytes import in_base64, png
from .figure import Live


class Tradeoff(Live):
    """The plane of rate and distortion, and what each of several models rebuilds.

    A slider chooses among models trained with weights β. A line through the model's
    point shows where D + βR is as large as there: it touches the curve of the best
    models where they are best for this β.

    Args:
        betas: the weights, ascending.
        rates, distortions: of each model, in nats per example.
        originals: (n, c, h, w) images in [0, 1].
        rebuilt: for each model what it makes of them, the same shape.
        columns: images in a row.
        title, label: as of `Live`.
        wander: it goes from model to model until touched, as of `Live`.

    Raises:
        ValueError: not one number and one batch for each weight, or weights that do
            not ascend.

    In the page the container holds ``gm = {set(index), get()}``.
    Alemi et al. (2018), figure 1.
    """

    kind = "tradeoff"

    def __init__(
        self,
        betas: Sequence[float],
        rates: Sequence[float],
        distortions: Sequence[float],
        originals: Float[Tensor, "n c h w"],
        rebuilt: Sequence[Float[Tensor, "n c h w"]],
        *,
        columns: int = 5,
        title: str = "",
        label: str = "Rate against distortion",
        wander: bool = True,
    ) -> None:
        n = len(betas)
        if not n or not n == len(rates) == len(distortions) == len(rebuilt):
            raise ValueError(
                f"{n} betas, {len(rates)} rates, {len(distortions)} distortions, "
                f"{len(rebuilt)} batches; expected one of each a model"
            )
        found = finite("betas, rates, distortions", [*betas, *rates, *distortions])
        b, r, d = found.view(3, n)
        if not (b.diff() > 0).all() or (r < 0).any():
            raise ValueError(f"betas must ascend and rates be 0 or more: {found}")
        shapes = {tuple(x.shape) for x in (originals, *rebuilt)}
        if len(shapes) > 1:
            raise ValueError(f"images of shapes {sorted(shapes)}; expected one shape")
        sheets = [_sheet(x, columns) for x in (originals, *rebuilt)]
        start = int((b - 1).abs().argmin())
        data = {
            "betas": b.tolist(),
            "rates": r.tolist(),
            "distortions": d.tolist(),
            "values": (r + d).tolist(),
            "originals": _inline(sheets[0]),
            "sheets": [_inline(sheet) for sheet in sheets[1:]],
            "above": "Images as they are",
            "below": "The same images, rebuilt",
            "help": "Points: models, each trained with its own β. The line through the "
            "chosen one: as large a D + βR as there. Above the images as they are, "
            "below as that model rebuilds them.",
            "start": start,
        }
        beta = f"{b[start].item():g}"
        caption = (
            f"Images as they are, and below as the model of β = {beta} rebuilds them."
        )
        still = torch.cat([sheets[0], sheets[1 + start]], 1)
        super().__init__(data, png(still), caption, title, label, wander)


def _sheet(x: Tensor, columns: int) -> Tensor:
    """Images beside and below each other, as bytes (c, H, W)."""
    pixels = image_grid(x, columns, pad=0).permute(2, 0, 1)
    return (pixels * 255).round().to(torch.uint8)


def _inline(sheet: Tensor) -> str:
    return f"data:image/png;base64,{in_base64(png(sheet))}"
