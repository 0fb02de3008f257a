"""A diffusion of the plane that trains and samples in the page."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .. import coordinates, samplers
from .._arguments import finite, integer, positive
from ..conditions import Labels
from ..coordinates import Coordinate
from ..data import clouds, densities
from ..data.mixture import GaussianMixture
from ..denoisers import PointDenoiser
from ..diffusion import Diffusion, uniform
from ..paths import Cosine
from ..settings import seeded
from ._bytes import half, in_base64, png, rounded
from ._net import pack_trained
from ._points import BLUE, GRAY, Plane, blank, dot, drawn, side_by_side
from .figure import Live

_COORDINATES: list[Coordinate] = [
    coordinates.data,
    coordinates.noise,
    coordinates.velocity,
]
_SAMPLERS = [samplers.ancestral, samplers.ddim, samplers.heun, samplers.dpm_solver]
_POINTS, _MOST = 800, 3000  # points drawn of each set; those that may be given
_STEPS = 50  # the most that the page offers: it samples while it trains
_SHOWN = 300
Group = Plane | Tensor


class ParticleCloud(Live):
    """A cloud of points from noise (t = 1) to data (t = 0), and the net that moves it.

    The reader chooses or draws the data, trains the net in the page by Adam, and moves
    the cloud through time. Arrows show the velocity or the estimate of the data. The
    sampler, its number of steps and, with two labels, the guidance can be chosen; the
    evaluations of the net are counted.

    Args:
        model: a `Diffusion` of points (2,) on the `Cosine` path whose net is a
            `PointDenoiser` and says data, noise or velocity; the loss is in the same
            coordinate, at `diffusion.uniform` times. It begins with these weights, in
            half precision. Its sampler, `ancestral`, `ddim`, `heun` or `dpm_solver`,
            and its steps, 50 at most and even in time, are what is chosen at first.
            With ``Labels(2, required=False)`` the data have two colors.
        sets: name to a distribution on the plane, of which 800 points are drawn, or to
            (n, 2) points, 3,000 at most; with labels, to a pair of these, one of each
            label. The first is shown at first. Default: moons, a spiral, eight
            Gaussians, a checkerboard; with labels two pairs.
        rate: Adam's learning rate at first, which falls by a factor of
            sqrt(1 + t / 200) until step t.
        batch: examples of a step, 1 to 512.
        still_steps: updates behind the still picture, made by torch; 0 for a model
            that is trained already.
        extent: the plane shows [-extent, extent] in both directions.
        title, label: as of `Live`.
        wander: as of `Live`; it trains for ``still_steps`` updates, and then the cloud
            goes from noise to data, again and again.

    Raises:
        TypeError: the model is no `Diffusion`, or a subclass; a set is neither.
        ValueError: what was given does not fit together; see the message.

    By keyboard: sliders and lists as usual; on the pen the arrow keys draw (Shift:
    larger steps; Home: to the center).

    In the page the container holds ``gm = {get(), update(given), start(seed), draw(
    points, label), time(t), net(x, t, c), carry(x, how)}``: ``given`` is ``{x, c, t,
    eps}``, by default drawn; the label 2 of two says nothing; ``net`` and ``carry``
    are in the model's inner units, ``how`` is ``{sampler, steps, asked, weight,
    draws}``, and ``carry`` gives the cloud at each time.
    Ho et al. (2020), algorithms 1 and 2; Ho & Salimans (2022), eq. 6.

    Example:
        >>> model = Diffusion(PointDenoiser(2, width=8), (2,))
        >>> ParticleCloud(model, still_steps=0, label="New")
        [live figure: New] A cloud at t = 0.99 (noise), 0.66, 0.33 and 0 (data).
    """

    kind = "particle_cloud"
    parts = ("train.js", "plane.js")

    def __init__(
        self,
        model: Diffusion,
        sets: Mapping[str, Group | Sequence[Group]] | None = None,
        *,
        rate: float = 1e-2,
        batch: int = 128,
        still_steps: int = 1000,
        extent: float = 4.0,
        title: str = "",
        label: str = "A cloud of points from noise to data",
        wander: bool = True,
    ) -> None:
        net = _fits(model)
        into = 2 + 2 * net.frequencies + net.classes
        spec, weights = pack_trained("denoiser's net", net.net, into, 2)
        given = _default(net.classes) if sets is None else sets
        if not given:
            raise ValueError("no sets; expected at least one, name to data")
        kept = {str(k): _groups(str(k), v, net.classes) for k, v in given.items()}
        extent, rate = positive("extent", extent), positive("rate", rate)
        batch = integer("batch", batch, 1, 512)
        steps = integer("still_steps", still_steps, 0)
        data = {
            "spec": spec,
            "weights": in_base64(weights),
            "frequencies": net.frequencies,
            "classes": net.classes,
            "says": _COORDINATES.index(model.predict),
            "center": model.center,
            "spread": model.spread,
            "drop": model.drop,
            "sampler": _SAMPLERS.index(model.sampler),
            "steps": model.steps,
            "sets": [
                {"name": name, "groups": [in_base64(half(x)) for x in groups]}
                for name, groups in kept.items()
            ],
            "rate": rate,
            "batch": batch,
            "trains": steps,
            "extent": extent,
        }
        groups = next(iter(kept.values()))
        page = rounded(model)
        _train(page, groups, batch, steps, rate)
        after = f", after {steps:,} updates" if steps else ""
        caption = f"A cloud at t = 0.99 (noise), 0.66, 0.33 and 0 (data){after}."
        still = png(_still(page, torch.cat(groups), extent))
        super().__init__(data, still, caption, title, label, wander)


def _fits(model: Diffusion) -> PointDenoiser:
    """The net of a model that the page knows; an error for others."""
    if type(model) is not Diffusion:  # a subclass may compute something else
        raise TypeError(f"the model is a {type(model).__name__}; expected a Diffusion")
    net, condition = model.net, model.condition
    if type(net) is not PointDenoiser:
        raise ValueError(f"the net is a {type(net).__name__}; expected a PointDenoiser")
    labels = condition.classes if type(condition) is Labels else 0
    told = condition is None or (labels == 2 and not condition.required)
    if not told or net.classes != labels:
        raise ValueError(
            f"the condition is {condition} and the net has {net.classes} classes; "
            "expected None and 0, or Labels(2, required=False) and 2"
        )
    due = [
        ("event_shape", model.event_shape, model.event_shape == (2,)),
        ("path", model.path, type(model.path) is Cosine),
        ("predict", model.predict, model.predict in _COORDINATES),
        ("loss_in", model.loss_in, model.loss_in is model.predict),
        ("times", model.times, model.times is uniform),
        ("limits", model.limits, model.limits is None),
        ("sampler", model.sampler, model.sampler in _SAMPLERS),
        ("grid", model.grid, model.grid is samplers.evenly),
        ("steps", model.steps, model.steps <= _STEPS),
    ]
    for name, value, fits in due:
        if not fits:
            raise ValueError(
                f"{name} is {value}; the page knows points (2,) on the Cosine path, "
                "data, noise and velocity with the loss in the same coordinate at "
                "uniform times, no limits, and ancestral, ddim, heun and dpm_solver "
                f"with 1 to {_STEPS} steps evenly in time"
            )
    return net


def _default(classes: int) -> dict[str, Any]:
    ring = densities.eight_gaussians()
    if classes:
        near = [GaussianMixture([[x, 0.0]], stds=1.0) for x in (-1.0, 1.0)]
        turns = [GaussianMixture(ring.means[i::2], stds=0.25) for i in range(2)]
        return {"ring, every other": turns, "two that overlap": near}
    return {
        "moons": clouds.moons(),
        "spiral": clouds.swiss_roll(),
        "ring of eight": ring,
        "checkerboard": densities.checkerboard(),
    }


def _groups(name: str, given: Any, classes: int) -> list[Float[Tensor, "n 2"]]:
    """The points of each label, or of all; an error for others."""
    pair, due = isinstance(given, list | tuple), max(1, classes)
    parts = list(given) if pair else [given]
    if pair != bool(classes) or len(parts) != due:
        wanted = "a pair, one of each label" if classes else "a distribution or points"
        raise ValueError(f"the set {name!r}: expected {wanted}")
    groups = []
    for k, one in enumerate(parts):
        if isinstance(one, Plane):  # other rows for each label: the draws are the same
            points = drawn({name: one}, _POINTS)[0][2][k::due]
        elif isinstance(one, Tensor):
            points = finite(f"points of {name!r}", one).float()
        else:
            raise TypeError(
                f"the set {name!r} is a {type(one).__name__}; expected a distribution "
                "of gmcourse.data or a tensor"
            )
        if points.shape[1:] != (2,) or not 1 <= len(points) <= _MOST:
            raise ValueError(
                f"points of {name!r} are {tuple(points.shape)}; expected (n, 2), n at "
                f"most {_MOST:,}"
            )
        groups.append(points)
    return groups


def _train(
    model: Diffusion, groups: list[Tensor], batch: int, steps: int, rate: float
) -> None:
    """The page's updates from the page's weights, by torch."""
    points = torch.cat(groups)
    labels = torch.cat([torch.full((len(x),), k) for k, x in enumerate(groups)])
    optimizer = torch.optim.Adam(model.parameters(), rate)
    with seeded(0):
        for i in range(steps):
            rows = torch.randint(len(points), (batch,))
            c = labels[rows] if model.condition else None
            optimizer.param_groups[0]["lr"] = rate / (1 + i / 200) ** 0.5
            optimizer.zero_grad()
            model.loss(points[rows], c).backward()
            optimizer.step()


@torch.no_grad()
def _still(
    model: Diffusion, points: Float[Tensor, "n 2"], extent: float
) -> UInt8[Tensor, "3 h w"]:
    """The cloud at four times side by side, each over the data."""
    with seeded(0):
        way = [x for _, x in model.trajectory(_SHOWN, steps=30, sampler=samplers.ddim)]
    planes = []
    for cloud in way[::10]:
        image = blank()
        dot(image, points, extent, GRAY, size=2)
        dot(image, cloud, extent, BLUE, size=2)
        image[:, [0, -1]] = image[:, :, [0, -1]] = GRAY[0]  # a frame
        planes.append(image)
    return side_by_side(planes)
