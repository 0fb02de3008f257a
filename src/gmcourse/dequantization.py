"""Pixels as they are stored, under a density: bounds for whole numbers.

A pixel has one of 256 values, and a density knows no single values. So a value stands
for a cell, one 256th wide, and the probability of an image is the integral over its
cell. Noise within the cell bounds it. Built in chapter 08_normalizing_flows.
"""

import math

import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from ._arguments import integer
from .core import GenerativeModel
from .data import dequantize
from .flows import Bijection, normal_log_prob

__all__ = ["Dequantized", "level"]


def level(x: Float[Tensor, "..."], levels: int = 256) -> Float[Tensor, "..."]:
    """Of a value between 0 and 1 the level whose cell it lies in, from 0 to 1.

    What a net may see of a dequantized pixel: the noise within the cell says nothing
    of the other pixels. A level is a function of its own pixel, so that the Jacobian
    of a map whose nets see levels has its zeros where it had them, and its diagonal.

    Example:
        >>> level(torch.tensor([0.0, 0.2, 0.5, 0.999]), 4)
        tensor([0.0000, 0.0000, 0.6667, 1.0000])
    """
    return (levels * x).floor().clamp(0, levels - 1) / (levels - 1)


class Dequantized(GenerativeModel):
    """A model of 8-bit images by a density of values between 0 and 1; a bound.

        log P(x) >= E_q(u | x) [log p((x + u) / 256) - log q(u | x)] - d log 256

    with ``u`` in (0, 1). Without ``noise`` it is uniform, and ``log q = 0``: Theis et
    al. (2016), sec. 3.1. With it ``u`` is what the map makes of normal values, given
    the image: Ho et al. (2019), eq. 11, variational dequantization.

    Args:
        flow: a model of floats of the same shape, with ``log_prob``.
        noise: from normal values to the logits of ``u``; its condition is the image,
            in floats from -1 to 1. None: uniform.

    Built in chapter 08_normalizing_flows.
    """

    dtype = torch.uint8

    def __init__(self, flow: GenerativeModel, noise: Bijection | None = None):
        super().__init__()
        if not flow.exact:
            raise ValueError(f"{type(flow).__name__} has no exact log_prob")
        self.flow, self.noise_map = flow, noise
        self.event_shape, self.condition = flow.event_shape, flow.condition

    def loss(self, x, c=None):
        """What the flow's loss makes of minus `elbo`, the mean of the batch."""
        y, less = self._spread(x, c)
        return self.flow.loss(y, c) + less.mean()

    def elbo(
        self, x: UInt8[Tensor, "b ..."], c: Tensor | None = None
    ) -> Float[Tensor, " b"]:
        """A lower bound of ``log P(x)`` from one draw of the noise, in nats."""
        y, less = self._spread(x, c)
        told = () if c is None else (c,)
        return self.flow.log_prob(y, *told) - less

    def estimate(
        self, x: UInt8[Tensor, "b ..."], c: Tensor | None = None
    ) -> Float[Tensor, " b"]:
        """As `elbo`, of equal mean, by the flow's own ``estimate``, if it has one.

        It is a bound in the mean alone, and its exp bounds nothing: `iw_bound` takes
        exact values.
        """
        y, less = self._spread(x, c)
        return self.flow.estimate(y, c) - less

    def iw_bound(
        self, x: UInt8[Tensor, "b ..."], c: Tensor | None = None, *, k: int
    ) -> Float[Tensor, " b"]:
        """The importance-weighted bound with ``k`` draws: the tighter, the larger k.

        Burda et al. (2016), sec. 3.

        Raises:
            ValueError, TypeError: ``k`` is not a positive integer.
        """
        return self.log_weights(x, c, k).logsumexp(0) - math.log(k)

    def log_weights(
        self, x: UInt8[Tensor, "b ..."], c: Tensor | None = None, k: int = 1
    ) -> Float[Tensor, "k b"]:
        """`elbo` of ``k`` draws of the noise each: the mean of their exp is ``P(x)``.

        Raises:
            ValueError, TypeError: ``k`` is not a positive integer.
        """
        return torch.stack([self.elbo(x, c) for _ in range(integer("k", k))])

    def _spread(self, x: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor]:
        """Values between 0 and 1, and what `elbo` lies below their log-density."""
        self.check(x, c)
        u, log_q = self.cell(x)
        d = math.prod(self.event_shape)
        return (x + u) / 256, log_q + d * math.log(256)

    def cell(
        self, x: UInt8[Tensor, "b ..."]
    ) -> tuple[Float[Tensor, "b ..."], Float[Tensor, " b"]]:
        """A draw of ``u`` in the cells of ``x``, and ``log q(u | x)``.

        Learned noise is kept ``2^-16`` away from the ends of a cell, for ``255 + u``
        must not become 256; ``log q`` is that of the draw before.
        """
        like = self._like()
        if self.noise_map is None:
            u = (256 * dequantize(x) - x).to(like.dtype)  # exact, see there
            return u, u.new_zeros(len(x))
        eps = self.noise(*x.shape)
        v, log_det = self.noise_map.to_latent(eps, x.to(like.dtype) / 127.5 - 1)
        slope = -F.softplus(v) - F.softplus(-v)  # log du/dv, with u = sigmoid(v)
        log_q = normal_log_prob(eps) - log_det - slope.flatten(1).sum(1)
        tiny = 2.0**-16
        return v.sigmoid().clamp(tiny, 1 - tiny), log_q

    def draw(self, n, c=None, **how):
        """Values beyond 0 to 1 become the first or the last level."""
        y = self.flow.draw(n, c, **how)
        return (256 * y).floor().clamp(0, 255).to(torch.uint8)
