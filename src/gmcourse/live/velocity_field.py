"""A continuous flow of the plane in the page: points that move along a velocity."""

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .._arguments import positive
from ..continuous import ContinuousFlow, Field
from ..settings import seeded
from ..solvers import rk4
from ._bytes import half, in_base64, png, rounded
from ._net import pack_trained
from ._points import BLUE, GRAY, Plane, blank, dot, drawn, side_by_side, spot
from .figure import Live

_SHOWN = 250  # points of noise, and of the data
_STEPS = 60  # of the still: a third is a whole number of steps


class VelocityField(Live):
    """Points that move from noise (t = 1) to data (t = 0) along a velocity, or back.

    Arrows show the velocity at the time shown. A ring that the reader drags is where a
    path begins, which is drawn through all times; beside it stand the two terms of the
    log-density on this path, ``log p(x(t)) = log N(x(1)) + ∫ tr(dv/dx) dt``, t to 1.
    The reader chooses the solver (Euler or RK4 with 1 to 32 steps), and reads how often
    it evaluates the velocity and how far from 64 steps of RK4 it arrives. Divergences
    are exact.

    Args:
        flow: a `ContinuousFlow` of points (2,) without a condition, whose field is a
            `continuous.Field`, such as ``continuous_flow(2)``. Its solver is not used.
            Weights are kept in half precision.
        data: what the flow was trained on; 250 points of it go from data to noise.
            None: draws of the flow.
        start: where the point begins, at t = 1.
        extent: the plane shows [-extent, extent] in both directions.
        title, label, wander: as of `Live`.

    Raises:
        TypeError: the flow is no `ContinuousFlow`, or a subclass.
        ValueError: what was given does not fit together; see the message.

    In the page the container holds ``gm = {get(), set(x1, x2), time(t), turn(back),
    solve(name, steps), field(points, t), divergence(x1, x2, t), carry(points, back,
    name, steps), gap()}``: ``set`` says where the path begins, ``turn(true)`` is from
    noise to data, ``carry`` gives the points after each number of steps, ``gap`` the
    mean gap, or null until 64 steps are computed.
    Chen et al. (2018), eq. 8; Grathwohl et al. (2019), eq. 4.

    Example:
        >>> from gmcourse.continuous import continuous_flow
        >>> VelocityField(continuous_flow(2, width=8), label="Untrained")
        [live figure: Untrained] Points at t = 1 (noise), 2/3, 1/3 and 0 (data).
    """

    kind = "velocity_field"
    parts = ("train.js", "plane.js")

    def __init__(
        self,
        flow: ContinuousFlow,
        data: Plane | None = None,
        *,
        start: tuple[float, float] = (0.75, 0.5),
        extent: float = 4.0,
        title: str = "",
        label: str = "Points that move along a velocity",
        wander: bool = True,
    ) -> None:
        spec, weights = _field(flow)
        extent = positive("extent", extent)
        with seeded(0):
            noise = torch.randn(_SHOWN, 2, device="cpu")
        clouds = _on_their_way(flow, noise)
        points = clouds[-1] if data is None else drawn({"data": data}, _SHOWN)[0][2]
        content = {
            "spec": spec,
            "weights": in_base64(weights),
            "noise": in_base64(half(noise)),
            "points": in_base64(half(points)),
            "start": spot(start, extent),
            "extent": extent,
        }
        caption = "Points at t = 1 (noise), 2/3, 1/3 and 0 (data)."
        still = png(_still(clouds, extent))
        super().__init__(content, still, caption, title, label, wander)


def _field(flow: ContinuousFlow) -> tuple[list[list], bytes]:
    """The layers of the velocity; an error for what the page does not know."""
    if type(flow) is not ContinuousFlow:  # a subclass may compute something else
        raise TypeError(
            f"the flow is a {type(flow).__name__}; expected gmcourse's ContinuousFlow"
        )
    if flow.event_shape != (2,) or flow.condition is not None:
        raise ValueError(
            f"the flow has event_shape {flow.event_shape} and condition "
            f"{flow.condition}; expected (2,), points on the plane, and None"
        )
    field = flow.field
    if type(field) is not Field or field.classes:
        raise ValueError(
            f"the field is {field}; the page knows a gmcourse.continuous.Field "
            "without classes"
        )
    spec, weights = pack_trained("field's net", field.net, 3, 2)
    # Such a velocity is bounded: the crudest solver stays finite.
    names = [layer[0] for layer in spec]
    if not {*names} <= {"linear", "tanh"} or names[-1] != "linear":
        raise ValueError(
            f"the field's net has {', '.join(names)}; expected Linear layers with Tanh "
            "between them"
        )
    return spec, weights


@torch.no_grad()
def _on_their_way(flow: ContinuousFlow, noise: Float[Tensor, "n 2"]) -> list[Tensor]:
    """Noise, the same after each third of the time, and last what it becomes."""
    page = rounded(flow)
    page.how = {"steps": _STEPS, "step": rk4}
    path = [x for _, x in page.trajectory(noise)]
    return path[:: _STEPS // 3]


def _still(clouds: list[Tensor], extent: float) -> UInt8[Tensor, "3 h w"]:
    """The clouds side by side, each over where it arrives."""
    planes = []
    for cloud in clouds:
        image = blank()
        dot(image, clouds[-1], extent, GRAY, size=2)
        dot(image, cloud, extent, BLUE, size=2)
        image[:, [0, -1]] = image[:, :, [0, -1]] = GRAY[0]  # a frame
        planes.append(image)
    return side_by_side(planes)
