"""The histogram as a density: exact in a few dimensions, hopeless in many.

Built in chapter 01_what_is_a_generative_model.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._arguments import integer
from .core import GenerativeModel
from .data.mixture import pick

__all__ = ["Histogram"]

MAX_CELLS = 2**24


class Histogram(GenerativeModel):
    """Equal cells on a box: constant density ``count / (n · volume)`` in each.

    Args:
        bounds: (low, high) of each of the d axes; a cell holds its low edges.
        bins: cells per axis, ``bins**d`` in all.
        smoothing: added to the count of every cell; 0 is maximum likelihood.

    Raises:
        ValueError: an empty or endless axis, a negative smoothing, over 2^24 cells, or
            cells too fine for float32; later, nothing was counted before it is asked.

    >>> coin = Histogram([(0.0, 2.0)], bins=2)
    >>> coin.fit(torch.tensor([[0.1], [0.2], [0.3], [1.5]]))
    >>> coin.log_prob(torch.tensor([[0.9], [1.0], [2.0]])).exp()
    tensor([0.7500, 0.2500, 0.0000])

    Built in chapter 01_what_is_a_generative_model.
    """

    exact = True
    low: Tensor
    width: Tensor
    counts: Tensor

    def __init__(
        self, bounds: Sequence[tuple[float, float]], bins: int, smoothing: float = 0.0
    ):
        super().__init__()
        box = torch.as_tensor(bounds, dtype=torch.float32)
        if box.ndim != 2 or box.shape[1] != 2 or not (box[:, 0] < box[:, 1]).all():
            raise ValueError(f"bounds {bounds}: expected (low, high) of each axis")
        if not box.isfinite().all():
            raise ValueError(f"bounds {bounds}: expected finite numbers")
        d, bins = len(box), integer("bins", bins, least=None)
        if bins < 1 or bins**d > MAX_CELLS or not 0 <= smoothing < math.inf:
            raise ValueError(
                f"{bins} bins on {d} axes, smoothing {smoothing}: expected 1 to "
                f"{MAX_CELLS:,} cells in all, and a smoothing of 0 or more"
            )
        self.event_shape, self.bins, self.smoothing = (d,), bins, smoothing
        self.register_buffer("low", box[:, 0])
        self.register_buffer("width", (box[:, 1] - box[:, 0]) / bins)
        self.register_buffer("counts", torch.zeros(bins**d))
        each = torch.arange(bins)[:, None]
        middles = self.low + self.width * (each + 0.5)
        if not (((middles - self.low) / self.width).floor() == each).all():
            raise ValueError(
                f"{bins} cells on {bounds} are too fine for float32: give fewer bins, "
                "or shift the data toward zero"
            )

    def example(self, n):
        place = torch.rand_like(self.low.expand(n, -1)) * self.bins
        return self.low + self.width * place, None

    def cell(self, x: Float[Tensor, "b d"]) -> Int[Tensor, " b"]:
        """Number of the cell that holds each point; -1 outside of the box."""
        self.check(x)
        i = ((x - self.low) / self.width).floor()
        inside = ((i >= 0) & (i < self.bins)).all(1)
        scale = self.bins ** torch.arange(x.shape[1], device=x.device)
        return torch.where(inside, (i.nan_to_num() * scale).sum(1), -1).long()

    def fit(self, x: Float[Tensor, "n d"]) -> None:
        """Count.

        Raises:
            ValueError: points lie outside of the box; they are not dropped.
        """
        cell = self.cell(x)
        if (cell < 0).any():
            raise ValueError(
                f"{int((cell < 0).sum())} of {len(x)} points lie outside of the box: "
                "widen the bounds"
            )
        self.counts.copy_(torch.bincount(cell, minlength=len(self.counts)))

    def _mass(self) -> Tensor:
        mass = self.counts + self.smoothing
        if not mass.sum() > 0:
            raise ValueError("every cell is empty: call fit first, or smooth")
        return mass

    def log_prob(self, x: Float[Tensor, "b d"]) -> Float[Tensor, " b"]:
        """Exact, in nats; minus infinity outside and, unsmoothed, in empty cells."""
        cell, mass = self.cell(x), self._mass()
        log_density = mass.log() - mass.sum().log() - self.width.log().sum()
        return torch.where(cell < 0, -math.inf, log_density[cell.clamp(min=0)])

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    def draw(self, n, c=None):
        # On the CPU: sums in double precision, which not every device has.
        cell = pick(self._mass().cpu().double(), n).to(self.low.device)
        scale = self.bins ** torch.arange(len(self.low), device=cell.device)
        corner = cell[:, None] // scale % self.bins
        x = self._uniform(corner)
        # Rounding puts few of them onto an upper edge, which the next cell holds.
        while (lost := self.cell(x) != cell).any():
            x[lost] = self._uniform(corner[lost])
        return x

    def _uniform(self, corner: Tensor) -> Tensor:
        return self.low + self.width * (corner + torch.rand_like(corner * self.width))
