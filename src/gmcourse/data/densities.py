"""Distributions on the plane whose truth is known, at one scale, about [-4, 4]^2.

Three kinds, told apart by what is exactly known:

- `Density`: ``sample(n)``, a normalized ``log_prob(x)``, and its ``entropy``, the value
  that no model's mean negative log-likelihood can beat in expectation
  (`GaussianMixture` has these, and a score);
- `Cloud`: ``sample(n)`` alone;
- `Energy`: ``energy(x)``, minus the logarithm of an unnormalized density.

Samples are float32 on the CPU, drawn from torch's global generator. Log-densities
are in nats and follow the dtype (float32 or float64) and the device of ``x``; a NaN in
``x`` gives NaN for its row. ``bounds`` fits the default parameters. Parameters that
make no density (a width of 0, NaN) and points of another shape raise ValueError; what
is no integer or no tensor where one is due raises TypeError.
"""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from .._arguments import finite, integer, on_cpu, positive
from .clouds import Cloud, moons, spirals, swiss_roll, unit
from .energies import Energy, double_well, rezende_mohamed
from .mixture import (
    BOUNDS,
    LOG_2PI,
    Bounds,
    GaussianMixture,
    Plane,
    check_points,
    pick,
    quadrature,
)

__all__ = [
    "BOUNDS",
    "Cloud",
    "Density",
    "Energy",
    "GaussianMixture",
    "banana",
    "checkerboard",
    "double_well",
    "eight_gaussians",
    "funnel",
    "grid25",
    "moons",
    "picture",
    "pinwheel",
    "rezende_mohamed",
    "rings",
    "spirals",
    "swiss_roll",
    "twist",
]


class Density(Cloud):
    """A distribution with an exact, normalized density.

    ``log_prob``, ``draw`` and ``entropy`` are plain functions; the last one is called
    only when the entropy is asked for, because it may be a quadrature.
    """

    def __init__(
        self,
        name: str,
        log_prob: Callable[[Tensor], Tensor],
        draw: Callable[[int], Tensor],
        entropy: Callable[[], float | None],
        bounds: Bounds = BOUNDS,
    ):
        super().__init__(name, draw, bounds)
        self._log_prob, self._entropy = log_prob, entropy

    def log_prob(self, x: Float[Tensor, "b 2"]) -> Float[Tensor, " b"]:
        """log p(x) in nats; minus infinity where the density is zero."""
        return self._log_prob(check_points(x, 2))

    @cached_property
    def entropy(self) -> float | None:
        """-E[log p(x)] in nats: closed form where there is one, else quadrature."""
        return self._entropy()


@on_cpu
def eight_gaussians(radius: float = 3.0, std: float = 0.25) -> GaussianMixture:
    """Eight equal Gaussians on a circle."""
    radius, std = positive("radius", radius), positive("std", std)
    angle = torch.arange(8, dtype=torch.float64) * (math.pi / 4)
    return GaussianMixture(radius * unit(angle), stds=std, name="eight_gaussians")


@on_cpu
def grid25(spacing: float = 1.5, std: float = 0.1) -> GaussianMixture:
    """Twenty-five equal Gaussians on a square grid: a count of covered modes."""
    spacing, std = positive("spacing", spacing), positive("std", std)
    line = spacing * torch.arange(-2, 3, dtype=torch.float64)
    return GaussianMixture(torch.cartesian_prod(line, line), stds=std, name="grid25")


@on_cpu
def picture(array, bounds: Bounds = BOUNDS, *, name: str = "picture") -> Density:
    """Any picture as a density: piecewise constant, exact by pixel.

    Args:
        array: (h, w) nonnegative brightness; row 0 is the top of the picture.

    Pixels hold their left and lower edges. Edges are rounded to float32, and areas
    taken between the rounded edges, so that a sample always lies in the very pixel that
    it was drawn from.

    >>> picture([[0, 1], [1, 2]]).log_prob(torch.tensor([[1.0, -1.0]])).exp().item()
    0.03125
    """
    mass = finite("picture", array)
    if mass.dim() != 2 or not (mass >= 0).all() or not mass.sum() > 0:
        raise ValueError(
            f"picture {tuple(mass.shape)}: expected (h, w), nonnegative, not all zero"
        )
    mass = mass.flipud() / mass.sum()  # rows ascend with y from here on
    h, w = mass.shape
    left, right, bottom, top = Plane(name, bounds).bounds
    x_edges = torch.linspace(left, right, w + 1, dtype=torch.float64).float()
    y_edges = torch.linspace(bottom, top, h + 1, dtype=torch.float64).float()
    if not ((x_edges.diff() > 0).all() and (y_edges.diff() > 0).all()):
        raise ValueError(f"picture ({h}, {w}): pixels too fine for float32 in {bounds}")
    area = y_edges.double().diff()[:, None] * x_edges.double().diff()
    log_density = torch.full((h + 2, w + 2), -math.inf, dtype=torch.float64)
    log_density[1:-1, 1:-1] = (mass / area).log()

    def log_prob(x: Tensor) -> Tensor:
        # float32 edges compare exactly with float64 points; 0 and w + 1 are outside
        edges = x_edges.to(x), y_edges.to(x)
        column, row = (
            torch.bucketize(x[:, i].contiguous(), edges[i], right=True) for i in (0, 1)
        )
        log_p = log_density.to(x)[row, column]
        return torch.where(x.isnan().any(1), math.nan, log_p)

    def draw(n: int) -> Tensor:
        pixel = pick(mass.flatten(), n)
        u = torch.rand(n, 2, dtype=torch.float64)

        def between(edges: Tensor, i: Tensor, u: Tensor) -> Tensor:
            low, high = edges[i], edges[i + 1]
            x = torch.lerp(low.double(), high.double(), u).float()
            return torch.minimum(x, high.nextafter(low))  # rounding may reach high

        x1 = between(x_edges, pixel % w, u[:, 0])
        return torch.stack([x1, between(y_edges, pixel // w, u[:, 1])], 1)

    def entropy() -> float:
        return (torch.special.entr(mass) + mass * area.log()).sum().item()

    return Density(name, log_prob, draw, entropy, bounds)


@on_cpu
def checkerboard(cells: int = 4) -> Density:
    """Uniform on every other cell of a ``cells`` x ``cells`` board over [-4, 4]^2.

    >>> math.isclose(checkerboard().entropy, math.log(32))
    True
    """
    if integer("cells", cells, 2) % 2:
        raise ValueError(f"cells is {cells}; expected an even number")
    corner = 1 - torch.eye(2)  # two by two cells
    return picture(corner.repeat(cells // 2, cells // 2), name="checkerboard")


@on_cpu
def rings(radii=(1.0, 2.0, 3.0), std: float = 0.15) -> Density:
    """Concentric circles of equal mass, blurred by Gaussian noise.

    A uniform point of the circle of radius R plus noise of deviation s has the density
    exp(-(r^2 + R^2) / 2s^2) I0(rR / s^2) / 2 pi s^2 (Rice's law of the radius): it is
    smooth everywhere, at the center too.
    """
    circles, std = finite("radii", radii), positive("std", std)
    if circles.dim() != 1 or not len(circles) or not (circles > 0).all():
        raise ValueError(f"rings(radii={radii}): expected a list of positive numbers")

    def log_prob(x: Tensor) -> Tensor:
        r, big = torch.linalg.vector_norm(x, dim=1)[:, None], circles.to(x)
        log_p = torch.special.i0e(r * big / std**2).log() - (r - big) ** 2 / 2 / std**2
        return log_p.logsumexp(1) - LOG_2PI - 2 * math.log(std) - math.log(len(big))

    def draw(n: int) -> Tensor:
        big = circles[torch.randint(len(circles), (n,))].float()[:, None]
        return big * unit(2 * math.pi * torch.rand(n)) + std * torch.randn(n, 2)

    def entropy() -> float | None:
        reach = circles.max().item() + 9 * std
        return quadrature(log_prob, [-reach] * 2, [reach] * 2, std / 4)

    return Density("rings", log_prob, draw, entropy)


def banana(curvature: float = 0.4, stds: tuple[float, float] = (1.2, 0.3)) -> Density:
    """A Gaussian bent along a parabola: x2 = stds[1] e2 + curvature (x1^2 - stds[0]^2).

    The bend is a shear, of Jacobian one: the entropy is that of the Gaussian.
    """
    a, b = _pair("stds", stds)
    curvature = finite("curvature", curvature).item()

    def log_prob(x: Tensor) -> Tensor:
        e1 = x[:, 0] / a
        e2 = (x[:, 1] - curvature * (x[:, 0] ** 2 - a**2)) / b
        return -0.5 * (e1**2 + e2**2) - LOG_2PI - math.log(a * b)

    def draw(n: int) -> Tensor:
        x1 = a * torch.randn(n)
        return torch.stack([x1, b * torch.randn(n) + curvature * (x1**2 - a**2)], 1)

    return Density("banana", log_prob, draw, lambda: 1 + LOG_2PI + math.log(a * b))


def funnel(std: float = 1.25, width: float = 0.5) -> Density:
    """Neal's funnel (2003, section 8) on the plane, at this module's scale.

    x1 has deviation ``std``, and given x1, x2 has deviation width * exp(x1 / 2).
    """
    std, width = positive("std", std), positive("width", width)

    def log_prob(x: Tensor) -> Tensor:
        e1, e2 = x[:, 0] / std, x[:, 1] / width * (-x[:, 0] / 2).exp()
        return -0.5 * (e1**2 + e2**2 + x[:, 0]) - LOG_2PI - math.log(std * width)

    def draw(n: int) -> Tensor:
        x1 = std * torch.randn(n)
        return torch.stack([x1, width * (x1 / 2).exp() * torch.randn(n)], 1)

    # log of x2's deviation has the mean log width, because x1 has the mean zero
    entropy = 1 + LOG_2PI + math.log(std * width)
    return Density("funnel", log_prob, draw, lambda: entropy)


def twist(x: Float[Tensor, "b 2"], rate: float) -> Float[Tensor, "b 2"]:
    """Turns each point about the origin by ``rate`` radians per unit of its radius.

    The radius is kept, and the angle is shifted by a function of the radius: in polar
    coordinates a shear, so areas are kept, and ``twist(_, -rate)`` is the inverse.
    """
    check_points(x, 2)
    angle = rate * torch.linalg.vector_norm(x, dim=1)
    cos, sin = angle.cos(), angle.sin()
    return torch.stack(
        [cos * x[:, 0] - sin * x[:, 1], sin * x[:, 0] + cos * x[:, 1]], 1
    )


@on_cpu
def pinwheel(
    arms: int = 5,
    radius: float = 2.0,
    stds: tuple[float, float] = (0.6, 0.2),
    rate: float = 0.6,
) -> Density:
    """Gaussian arms (radial, tangential ``stds``), twisted as a function of the radius.

    After the set of Johnson et al. (2016), which turns by the untwisted first
    coordinate; with the radius, areas are kept and the density is exact.
    """
    arms, radius = integer("arms", arms), positive("radius", radius)
    rate, (a, b) = finite("rate", rate).item(), _pair("stds", stds)
    variances = torch.tensor([a**2, b**2], dtype=torch.float64)
    angle = torch.arange(arms, dtype=torch.float64) * (2 * math.pi / arms)
    out = unit(angle)
    axes = torch.stack([out, unit(angle + math.pi / 2)], 2)  # columns
    base = GaussianMixture(radius * out, covs=axes * variances @ axes.mT)
    return Density(
        "pinwheel",
        lambda x: base.log_prob(twist(x, -rate)),
        lambda n: twist(base.sample(n), rate),
        lambda: base.entropy,
    )


def _pair(name: str, values: tuple[float, float]) -> tuple[float, float]:
    given = finite(name, values)
    if given.shape != (2,) or not (given > 0).all():
        raise ValueError(f"{name} is {values}; expected two positive numbers")
    return given[0].item(), given[1].item()
