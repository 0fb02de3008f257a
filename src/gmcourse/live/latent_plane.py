"""A decoder with two latent numbers, alive in the page."""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from .._arguments import finite, positive
from ._bytes import half, in_base64, png
from ._net import pack
from .figure import Live

_CLASSES = 10  # as many colors as the eye tells apart, and as runtime.js has
_POINTS = 10_000


class LatentPlane(Live):
    """A decoder with two latent numbers: move on the plane, see the image.

    With mouse, finger or keyboard the reader moves a handle over the plane, beside
    which stands the decoded image.  Encoded data may be shown as points.

    Args:
        decoder: from (b, 2) to (b, c * h * w) or (b, c, h, w); layers as in `pack`.
        shape: (c, h, w) of the image, c = 1 (gray) or 3 (RGB).
        points: (n, 2) encoded examples, n <= 10,000.
        labels: (n,) integers, the class of every point.
        classes: the name of each class, at most 10; default "0", "1", ...
        activation_out: "sigmoid" where the decoder ends in logits, None where it ends
            in pixels.  Pixels outside [0, 1] are drawn as black or white.
        extent: the plane shows [-extent, extent] in both directions.
        prior: draw rings at whole standard deviations of a standard normal prior.
        start: where the handle stands at first; default: where a class is densest, or
            in the center where no points are given.
        title, label: as of `Live`.
        wander: the handle moves slowly until touched, as of `Live`.

    Raises:
        ValueError, TypeError: what was given does not fit together; see the message.

    In the page the container holds ``gm = {decode(z), set(z1, z2), get()}``.
    Kingma & Welling (2014), figure 4 (the manifold, here the still picture).
    """

    kind = "latent_plane"

    def __init__(
        self,
        decoder: nn.Module,
        *,
        shape: tuple[int, int, int],
        points: Float[Tensor, "n k"] | None = None,
        labels: Integer[Tensor, " m"] | None = None,
        classes: Sequence[str] | None = None,
        activation_out: str | None = "sigmoid",
        extent: float = 3.0,
        prior: bool = True,
        start: tuple[float, float] | None = None,
        wander: bool = True,
        title: str = "",
        label: str = "The latent plane of a decoder",
    ) -> None:
        if activation_out not in ("sigmoid", None):
            raise ValueError(
                f"activation_out is {activation_out!r}; expected 'sigmoid' where the "
                "decoder ends in logits, None where it ends in pixels"
            )
        extent = positive("extent", extent)
        if start is not None:
            finite("start", start).expand(2)
        if len(shape) != 3 or shape[0] not in (1, 3) or min(shape) < 1:
            raise ValueError(f"shape is {shape}; expected (c, h, w) with c = 1 or 3")
        out = nn.Sigmoid() if activation_out else nn.Identity()
        net = nn.Sequential(decoder, out)
        spec, weights = pack(net)
        linear = [layer for layer in spec if layer[0] == "linear"]
        if not linear:
            raise ValueError("the decoder has no Linear layer; expected 2 numbers in")
        if linear[0][1] != 2:
            raise ValueError(
                f"the decoder takes {linear[0][1]} latent numbers, a plane 2; train "
                "a model with a latent of size 2, or put a Linear(2, k) before"
            )
        if linear[-1][2] != math.prod(shape):
            raise ValueError(
                f"the decoder gives {linear[-1][2]} numbers, shape {tuple(shape)} has "
                f"{math.prod(shape)}"
            )
        if [layer[0] for layer in spec[-2:]] == ["sigmoid", "sigmoid"]:
            raise ValueError(
                "the decoder ends in a Sigmoid already; pass activation_out=None"
            )
        points, labels, names = _points(points, labels, classes)
        data = {
            "net": spec,
            "weights": in_base64(weights),
            "shape": list(shape),
            "points": in_base64(half(points)),
            "labels": in_base64(bytes(labels.tolist())),
            "classes": names,
            "extent": extent,
            "prior": bool(prior),
            "start": _densest(points, labels) if start is None else list(start),
        }
        span = f"\u2212{extent:g} to {extent:g}"
        caption = (
            f"Images decoded over the plane: z\u2081 from {span} to the right, "
            f"z\u2082 from {span} upward."
        )
        still = _manifold(net, shape, extent)
        super().__init__(data, still, caption, title, label, wander)


def _points(points, labels, classes) -> tuple[Tensor, Tensor, list[str]]:
    for name, given in ("points", points), ("labels", labels):
        if not isinstance(given, Tensor | None):
            raise TypeError(f"{name} is a {type(given).__name__}; expected a tensor")
    if (labels is not None and points is None) or (classes and labels is None):
        raise ValueError("classes name labels, and labels name points: give those too")
    if points is None:
        points = torch.zeros(0, 2)
    elif points.ndim != 2 or points.shape[1] != 2 or not 1 <= len(points) <= _POINTS:
        raise ValueError(
            f"points have shape {tuple(points.shape)}; expected (n, 2), n from 1 to "
            f"{_POINTS:,}; of more, show a part"
        )
    if not torch.isfinite(points).all():
        raise ValueError("points hold NaN or infinity; expected finite coordinates")
    if labels is None:
        return points, torch.zeros(0, dtype=torch.uint8), []
    if labels.shape != points.shape[:1] or labels.is_floating_point():
        raise ValueError(
            f"labels are {labels.dtype} of shape {tuple(labels.shape)}; expected "
            f"({len(points)},) integers, one a point"
        )
    names = list(map(str, range(int(labels.max()) + 1) if classes is None else classes))
    if len(names) > _CLASSES:
        raise ValueError(
            f"{len(names)} classes; expected at most {_CLASSES}: more colors cannot "
            "be told apart; merge some, or show the points of a few"
        )
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}; expected 0 to "
            f"{len(names) - 1}, for the classes {names}"
        )
    return points, labels, names


def _densest(points: Tensor, labels: Tensor) -> list[float]:
    """The point that stands closest to ten others of its class, among a thousand."""
    points = points[:1000].detach().float().cpu()
    if not len(points):
        return [0.0, 0.0]
    distance = torch.cdist(points, points)
    if len(labels):
        label = labels[:1000].cpu()
        distance[label[:, None] != label] = torch.inf
    tenth = distance.sort(1).values[:, : min(11, len(points))]
    reach = tenth.where(tenth.isfinite(), torch.tensor(1e6)).max(1).values
    return points[reach.argmin()].tolist()


@torch.no_grad()
def _manifold(net: nn.Module, shape: Sequence[int], extent: float) -> bytes:
    c, h, w = shape
    k = max(3, min(15, 330 // max(h, w)))
    at = extent * (2 * (torch.arange(k) + 0.5) / k - 1)
    z = torch.stack([at.repeat(k), at.flip(0).repeat_interleave(k)], -1)  # (k * k, 2)
    pixels = net(z.to(next(net.parameters()))).reshape(k, k, c, h, w).clamp(0, 1)
    grid = pixels.permute(2, 0, 3, 1, 4).reshape(c, k * h, k * w).float()
    # 32 levels: nobody sees it in a still, and the file is half as large.
    return png(((grid * 31).round() * (255 / 31)).round().to(torch.uint8))
