"""Monotone maps of single numbers: what a flow does to a value, given parameters.

Each is a small object of one shape, a :class:`Monotone`. A net gives the parameters;
with all of them 0 each map is the identity. Built in chapter 08_normalizing_flows.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ._arguments import integer, positive

__all__ = [
    "Affine",
    "Monotone",
    "PiecewiseLinear",
    "RationalQuadratic",
    "Shift",
    "split",
]

Moved = tuple[Float[Tensor, "b ..."], Float[Tensor, "b ..."]]


def split(params: Tensor, per_value: int, dtype: torch.dtype) -> Tensor:
    """``(b, per_value · d, ...)`` as ``(b, per_value, d, ...)``, in ``dtype``.

    The first parameters of all values come first, as a likelihood's do.
    """
    return params.to(dtype).unflatten(1, (per_value, -1))


class Monotone:
    """An increasing map of the numbers onto themselves, for each value; abstract.

    Attributes:
        per_value: parameters of one value.
        unit: it is a map of the numbers from 0 to 1, and of no others.
    """

    per_value: int
    unit: bool = False

    def to_latent(
        self, x: Float[Tensor, "b ..."], params: Float[Tensor, "b p ..."]
    ) -> Moved:
        """``z``, and the log of its slope ``log dz/dx``, of each value."""
        raise NotImplementedError(f"{type(self).__name__} does not define to_latent")

    def from_latent(
        self, z: Float[Tensor, "b ..."], params: Float[Tensor, "b p ..."]
    ) -> Float[Tensor, "b ..."]:
        """The value whose ``z`` this is."""
        raise NotImplementedError(f"{type(self).__name__} does not define from_latent")


class Shift(Monotone):
    """``z = x - shift``: volumes stay. Dinh et al. (2015), eq. 9, additive coupling."""

    per_value = 1

    def to_latent(self, x, params):
        return x - params[:, 0], torch.zeros_like(x)

    def from_latent(self, z, params):
        return z + params[:, 0]


class Affine(Monotone):
    """``z = (x - shift) · exp(-log_scale)``.

    ``log_scale`` is ``limit · tanh(r / limit)`` of the net's ``r``: a scale can't run
    away, and 1 is where it starts. Dinh et al. (2017), eq. 7 and sec. 3.7;
    Papamakarios et al. (2017), eqs. 4 and 5.

    Args:
        limit: ``log_scale`` stays between its negative and itself.

    Raises:
        ValueError: ``limit`` is not positive.
    """

    per_value = 2

    def __init__(self, limit: float = 3.0):
        self.limit = positive("limit", limit)

    def to_latent(self, x, params):
        shift, raw = params.unbind(1)
        slope = self._limited(raw, -1)
        return (x - shift) * slope.exp(), slope

    def from_latent(self, z, params):
        shift, raw = params.unbind(1)
        return z * self._limited(raw, 1).exp() + shift

    def _limited(self, raw: Tensor, sign: int) -> Tensor:
        """The log-scale, or minus it without one more operation."""
        return self.limit * (raw * (sign / self.limit)).tanh()


class RationalQuadratic(Monotone):
    """A spline of rational quadratic pieces.

    Between two ends there are ``bins`` pieces. The net says how wide and how high each
    is, and the slopes where two of them meet. Each piece is inverted by the formula for
    a quadratic. Gregory & Delbourgo (1982); Durkan et al. (2019), eqs. 4 to 8.

    Args:
        bins: number of pieces.
        bound: the ends are ``-bound`` and ``bound``. Beyond them is the identity, and
            the slopes at the ends are 1. None: the spline goes from 0 to 1, all that
            there is, and the net says the slopes at the ends as well.
        least: the smallest width and height of a piece, as a share of the whole, and
            the smallest slope.

    Raises:
        ValueError: ``bins`` pieces of size ``least`` do not fit, or a number is not
            positive.
    """

    def __init__(
        self, bins: int = 8, bound: float | None = 5.0, *, least: float = 1e-3
    ):
        self.bins, self.least = integer("bins", bins), positive("least", least)
        if least * bins >= 1:
            raise ValueError(f"{bins} bins of {least} or more do not fit into 1")
        self.unit = bound is None
        reach = 1.0 if bound is None else positive("bound", bound)
        self.low, self.high = (0.0 if self.unit else -reach), reach
        self.per_value = 3 * bins + (1 if self.unit else -1)
        # The offset with which raw slopes of 0 are slopes of 1.
        self._one = math.log(math.expm1(1 - least))

    def to_latent(self, x, params):
        at, left, width, low, height, first, last = self._piece(x, params, 0)
        steep = height / width
        t = (at - left) / width
        mixed = t * (1 - t)
        below = steep + (first + last - 2 * steep) * mixed
        z = low + height * (steep * t.square() + first * mixed) / below
        grown = last * t.square() + 2 * steep * mixed + first * (1 - t).square()
        slope = 2 * (steep / below).log() + grown.log()
        if self.unit:
            return z.clamp(0, 1), slope
        inside = (x > self.low) & (x < self.high)
        return torch.where(inside, z, x), torch.where(inside, slope, 0.0)

    def from_latent(self, z, params):
        at, left, width, low, height, first, last = self._piece(z, params, 1)
        steep, up = height / width, at - low
        bend = up * (first + last - 2 * steep)
        a, b, c = height * (steep - first) + bend, height * first - bend, -steep * up
        t = 2 * c / (-b - (b.square() - 4 * a * c).clamp(min=0).sqrt())
        x = left + t * width
        if self.unit:
            return x.clamp(0, 1)
        return torch.where((z > self.low) & (z < self.high), x, z)

    def _piece(self, v: Tensor, params: Tensor, side: int) -> tuple[Tensor, ...]:
        """Of each value: itself between the ends, and its piece.

        The piece's left end and width, its lower end and height, and the slopes at its
        two ends. It is looked for by ``x`` for side 0, and by ``z`` for side 1.
        """
        k, share = self.bins, 1 - self.bins * self.least
        sizes = params[:, : 2 * k].unflatten(1, (2, k)).softmax(2)
        sizes = (self.high - self.low) * (self.least + share * sizes)
        ends = sizes.cumsum(2) + self.low  # (b, 2, bins, ...)
        slopes = self.least + F.softplus(params[:, 2 * k :] + self._one)
        if not self.unit:
            edge = torch.ones_like(slopes[:, :1])
            slopes = torch.cat([edge, slopes, edge], 1)  # (b, bins + 1, ...)
        at = v.clamp(self.low, self.high)
        where = (at[:, None] >= ends[:, side, :-1]).sum(1, keepdim=True)
        both = where[:, None].expand(-1, 2, *where.shape[1:])
        size = sizes.gather(2, both)[:, :, 0]
        start = ends.gather(2, both)[:, :, 0] - size
        first, last = (slopes.gather(1, where + i)[:, 0] for i in (0, 1))
        return at, start[:, 0], size[:, 0], start[:, 1], size[:, 1], first, last


class PiecewiseLinear(Monotone):
    """A spline from 0 to 1 of straight pieces, equally wide: a histogram for a density.

    The parameters are the logits of the pieces' heights. Müller et al. (2019),
    sec. 4.2. With a piece for each level of a pixel the density is constant within a
    cell, so that uniform noise is no loss: conditionals that see levels are then those
    of `gmcourse.likelihoods.Categorical`, and a PixelCNN is a flow.

    Args:
        bins: number of pieces.

    Raises:
        ValueError, TypeError: ``bins`` is not a positive integer.
    """

    unit = True

    def __init__(self, bins: int = 256):
        self.bins = self.per_value = integer("bins", bins)

    def to_latent(self, x, params):
        log_heights = params.log_softmax(1)
        at = self.bins * x.clamp(0, 1)
        piece = at.detach().floor().clamp(max=self.bins - 1)
        log_height, start = self._of(log_heights, piece.long())
        z = start + log_height.exp() * (at - piece)
        return z.clamp(0, 1), log_height + math.log(self.bins)

    def from_latent(self, z, params):
        log_heights = params.log_softmax(1)
        ends = log_heights.exp().cumsum(1)
        with torch.no_grad():
            piece = (z[:, None] >= ends[:, :-1]).sum(1)
        log_height, start = self._of(log_heights, piece)
        return (piece + ((z - start) / log_height.exp()).clamp(0, 1)) / self.bins

    def _of(self, log_heights: Tensor, piece: Tensor) -> tuple[Tensor, Tensor]:
        """Of each value's piece the log of its height, and where it starts."""
        log_height = log_heights.gather(1, piece[:, None])[:, 0]
        end = log_heights.exp().cumsum(1).gather(1, piece[:, None])[:, 0]
        return log_height, end - log_height.exp()
