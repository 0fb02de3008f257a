"""An autoregressive model that draws pixel by pixel, with the reader's hand in it."""

import torch
from jaxtyping import Bool, Shaped, UInt8
from torch import Tensor

from .._arguments import finite
from ..autoregressive import NADE
from ..settings import seeded
from ._bytes import finite_half, in_base64, png, rounded
from .figure import Live

_LARGEST = 32  # pixels on a side: smaller ones could not be hit by a finger


class PixelByPixel(Live):
    """A NADE of binary pixels draws them one by one, each given those before it.

    Beside the grid stand the probability of a one that each pixel has given those
    before it, the conditional distribution of the next pixel, and the log-probability
    of all pixels before the first open one, which is exact: what comes later sums to
    one. The reader sets pixels by hand, which the model keeps; as they reach only
    those after them in the order, this is no draw given all of them.

    Args:
        model: a `NADE` whose event_shape is (1, h, w), at most 32 x 32. Its weights
            are kept in half precision, 4 bytes for each pixel and hidden unit.
        start: a binary image that stands there at first, as if drawn.
        known: which of its pixels stand there, and then they count as set by hand.
        title, label: as of `Live`.
        wander: it draws one image after the other until touched, as of `Live`.

    Raises:
        TypeError: the model is no `NADE`, or a subclass.
        ValueError: another event_shape, weights that are not finite in half precision,
            a start that is no such image, or ``known`` without it.

    In the page the container holds ``gm = {set(i, v), step(), draw(), again(),
    clear(), image(), logits(), logProb(), temperature(t), random(state), get()}``: v is
    0, 1 or null (open); ``logits()`` takes open pixels as 0; the temperature divides
    logits where pixels are drawn, and nowhere else.
    Larochelle and Murray (2011).
    """

    kind = "pixel_by_pixel"

    def __init__(
        self,
        model: NADE,
        start: Shaped[Tensor, "1 h w"] | None = None,
        known: Bool[Tensor, "1 h w"] | None = None,
        *,
        title: str = "",
        label: str = "A model draws pixel by pixel",
        wander: bool = True,
    ) -> None:
        if type(model) is not NADE:  # a subclass may compute something else
            raise TypeError(f"the model is a {type(model).__name__}; expected a NADE")
        shape = model.event_shape
        if len(shape) != 3 or shape[0] != 1 or max(shape) > _LARGEST:
            raise ValueError(
                f"the model's event_shape is {shape}; expected (1, h, w), at most "
                f"{_LARGEST} pixels high and wide"
            )
        weights = b"".join(
            finite_half(f"the model's {name}", getattr(model, name))
            for name in ("into", "out", "hidden_bias", "bias")
        )
        data = {
            "weights": in_base64(weights),
            "shape": list(shape[1:]),
            "hidden": len(model.hidden_bias),
            "start": _written(start, known, shape),
            "by_hand": known is not None,
        }
        caption = "Nine images that the model drew, pixel by pixel."
        super().__init__(data, png(_still(model)), caption, title, label, wander)


def _written(start: Tensor | None, known: Tensor | None, shape: tuple) -> str:
    """A character for each pixel: 0, 1, or a dot where it is open; "" for no image."""
    if start is None:
        if known is not None:
            raise ValueError(
                "known says which pixels of start are kept: give start too"
            )
        return ""
    if tuple(start.shape) != shape:
        raise ValueError(f"start has shape {tuple(start.shape)}; expected {shape}")
    values = finite("start", start)
    if not ((values == 0) | (values == 1)).all():
        raise ValueError("start holds other values than 0 and 1: binarize it before")
    if known is None:
        known = torch.ones(shape, dtype=torch.bool)
    elif known.dtype != torch.bool or tuple(known.shape) != shape:
        raise ValueError(
            f"known is {known.dtype} of shape {tuple(known.shape)}; expected bool of "
            f"shape {shape}"
        )
    pixels = zip(values.flatten().tolist(), known.flatten().tolist(), strict=True)
    return "".join(str(int(v)) if kept else "." for v, kept in pixels)


def _still(model: NADE) -> UInt8[Tensor, "1 h2 w2"]:
    """Three by three draws of the model as the page has it, enlarged, with gaps."""
    with seeded(0):
        x = rounded(model).sample(9)  # (9, 1, h, w)
    zoom = max(1, 144 // max(x.shape[2:]))
    x = (255 * x).to(torch.uint8).repeat_interleave(zoom, 2).repeat_interleave(zoom, 3)
    x = torch.nn.functional.pad(x, (0, 4, 0, 4), value=255)
    rows = x.view(3, 3, *x.shape[2:]).permute(0, 2, 1, 3)
    return rows.flatten(2).flatten(0, 1)[None, :-4, :-4]
