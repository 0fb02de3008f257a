"""A normalizing flow on the plane, layer by layer, that trains in the page."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .._arguments import integer, positive
from ..data import clouds, densities
from ..data.clouds import Cloud
from ..data.mixture import GaussianMixture
from ..flows import Coupling, Flow
from ..monotone import Affine, Shift
from ._bytes import half, in_base64, png, rounded
from ._net import pack_trained
from ._points import BLUE, GRAY, blank, dot, drawn, side_by_side, spot
from .figure import Live

_MOST = 12  # layers: as many lines as the sum of the density has room for
_LEARNED, _HELD = 3000, 600  # points of each set: to learn from, to show and to judge


class FlowPlane(Live):
    """A flow that carries a grid of the plane through its layers, forward and back.

    Left stands the plane of the data, right the same after as many layers as the reader
    chooses. A grid and the data go from x to z, or a grid and normal draws from z to x.
    A point that is dragged shows the terms of its density, ``log N(z)`` and the
    ``log |det|`` of each layer, which add up to ``log p(x)``. Adam trains the flow in
    the page from the identity, or from the weights that are given.

    Args:
        flow: a `Flow` of points (2,) without a condition: 1 to 12 parts, each a
            `Coupling` with `Affine` or `Shift`, such as ``coupling_flow(2)``; the nets'
            layers as in `pack`, activations ReLU, LeakyReLU, Tanh, Sigmoid or SiLU, a
            Linear layer last. Weights are kept in half precision.
        sets: name to a distribution on the plane; the first is shown at first, and what
            the flow was trained on, if it was. 3,000 points of each are there to learn
            from, 600 others are shown and give the loss. Where a set has a ``log_prob``
            the loss of the true density on these 600 is shown as well. Default: moons,
            a pinwheel, eight Gaussians on a ring.
        start: the point at first.
        rate: Adam's learning rate at first, which falls by a factor of
            sqrt(1 + t / 200) until step t.
        batch: examples of a step, 1 to 512.
        extent: each plane shows [-extent, extent] in both directions.
        title, label: as of `Live`.
        wander: as of `Live`; it goes through the layers, or trains, if the flow that is
            given is the identity, for 2,000 steps at most.

    Raises:
        TypeError: the flow is no `Flow`, or a subclass.
        ValueError: what was given does not fit together; see the message.

    In the page the container holds ``gm = {get(), set(x1, x2), layer(k), way(back),
    choose(i), update(points), start(seed), run(points), back(points, k)}``:
    ``update`` takes a batch, or draws it; ``start(0)`` gives the given weights, other
    seeds an identity; ``run`` gives the points after each number of layers and each
    layer's ``log |det|``, ``back`` the x of points after k layers.
    Dinh et al. (2017), eqs. 4 to 8.
    """

    kind = "flow_plane"
    parts = ("train.js", "plane.js")

    def __init__(
        self,
        flow: Flow,
        sets: Mapping[str, Cloud | GaussianMixture] | None = None,
        *,
        start: tuple[float, float] = (1.0, 0.5),
        rate: float = 5e-3,
        batch: int = 256,
        extent: float = 4.0,
        title: str = "",
        label: str = "A flow of points on the plane",
        wander: bool = True,
    ) -> None:
        layers = _layers(flow)
        extent, rate = positive("extent", extent), positive("rate", rate)
        kept = drawn(_default() if sets is None else sets, _LEARNED + _HELD)
        data = {
            "layers": layers,
            "sets": [
                {
                    "name": name,
                    "points": in_base64(half(points[:_LEARNED])),
                    "held": in_base64(half(points[_LEARNED:])),
                    "truth": _truth(plane, points[_LEARNED:]),
                }
                for name, plane, points in kept
            ],
            "start": spot(start, extent),
            "rate": rate,
            "batch": integer("batch", batch, 1, 512),
            "extent": extent,
        }
        name, _, points = kept[0]
        caption = (
            f"Left: points of \u201c{name}\u201d. Right: where the flow carries them, "
            "and a square grid with them."
        )
        still = png(_still(rounded(flow), points[_LEARNED:], extent))
        super().__init__(data, still, caption, title, label, wander)


def _default() -> dict[str, Cloud | GaussianMixture]:
    return {
        "moons": clouds.moons(),
        "pinwheel": densities.pinwheel(),
        "ring of eight": densities.eight_gaussians(),
    }


def _layers(flow: Flow) -> list[dict]:
    """What the page needs of each coupling; ValueError for what it does not know."""
    if type(flow) is not Flow:  # a subclass may compute something else
        raise TypeError(f"the flow is a {type(flow).__name__}; expected a Flow")
    if flow.event_shape != (2,) or flow.condition is not None:
        raise ValueError(
            f"the flow has event_shape {flow.event_shape} and condition "
            f"{flow.condition}; expected (2,), points on the plane, and None"
        )
    parts = list(flow.chain.parts)
    if not 1 <= len(parts) <= _MOST:
        raise ValueError(f"the flow has {len(parts)} parts; expected 1 to {_MOST}")
    layers = []
    for i, part in enumerate(parts):
        if type(part) is not Coupling:
            raise ValueError(
                f"part {i} of the flow is a {type(part).__name__}; the page knows "
                "Coupling, with Affine or Shift"
            )
        move = part.transform
        if type(move) not in (Affine, Shift):
            raise ValueError(
                f"part {i} of the flow moves values by {type(move).__name__}; the page "
                "knows Affine and Shift"
            )
        name = f"net of part {i}"
        spec, weights = pack_trained(name, part.net, 1, move.per_value)
        if spec[-1][0] != "linear":
            raise ValueError(
                f"the {name} ends in {spec[-1][0]}; expected a Linear layer, which can "
                "begin at zero, where the flow is the identity"
            )
        layers.append(
            {
                "spec": spec,
                "weights": in_base64(weights),
                "flip": bool(part.flip),
                "limit": move.limit if isinstance(move, Affine) else None,
            }
        )
    return layers


def _truth(plane: Cloud | GaussianMixture, held: Float[Tensor, "n 2"]) -> float | None:
    """The true density's loss on the points that are held, if it is known."""
    log_prob = getattr(plane, "log_prob", None)
    return None if log_prob is None else -log_prob(held).mean().item()


@torch.no_grad()
def _still(
    flow: Flow, points: Float[Tensor, "n 2"], extent: float
) -> UInt8[Tensor, "3 h w"]:
    """The grid and the points before all layers and after them, side by side."""
    fine = torch.linspace(-extent, extent, 2001)
    coarse = torch.arange(-int(2 * extent), int(2 * extent) + 1) / 2
    rows = torch.cartesian_prod(fine, coarse)
    grid = torch.cat([rows, rows.flip(1)])
    pages = []
    for carry in (lambda x: x), (lambda x: flow.to_latent(x)[0]):
        image = blank()
        dot(image, carry(grid), extent, GRAY)
        dot(image, carry(points), extent, BLUE, size=2)
        pages.append(image)
    return side_by_side(pages)
