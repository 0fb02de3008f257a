"""Planar maps: space pushed along one direction, more on one side of a plane.

Built in chapter 08_normalizing_flows.
"""

import torch
from torch import nn
from torch.nn import functional as F

from ._arguments import integer
from .flows import Bijection

__all__ = ["Planar"]


class Planar(Bijection):
    """``z = x + u tanh(wᵀx + b)``.

    By the matrix determinant lemma ``det dz/dx = 1 + uᵀw (1 - tanh²(wᵀx + b))``. It is
    invertible where ``uᵀw ≥ -1``, and ``u`` is moved along ``w`` so that it is. There
    is no formula for the inverse, but along ``w`` it is a question for one number,
    answered by halving an interval. Rezende & Mohamed (2015), eqs. 10 to 12 and
    appendix A.1. Built in chapter 08_normalizing_flows.

    Args:
        d: number of values.
        halvings: of the interval, in ``from_latent``.

    Raises:
        ValueError, TypeError: a size is no positive integer.
    """

    def __init__(self, d: int, halvings: int = 60):
        super().__init__()
        self.halvings = integer("halvings", halvings)
        self.w = nn.Parameter(torch.randn(integer("d", d)) / d**0.5)
        self.u = nn.Parameter(torch.zeros(d))
        self.b = nn.Parameter(torch.zeros(()))

    def push(self) -> tuple[torch.Tensor, torch.Tensor]:
        """``u`` as it is used, and ``uᵀw > -1``."""
        raw, square = self.u @ self.w, self.w.square().sum()
        due = F.softplus(raw + 0.5413248546) - 1  # 0 stays 0
        return self.u + (due - raw) * self.w / square, due

    def to_latent(self, x, c=None):
        u, uw = self.push()
        t = (x @ self.w + self.b).tanh()
        return x + t[:, None] * u, (uw * (1 - t.square())).log1p()

    def from_latent(self, z, c=None):
        u, uw = self.push()
        due = z @ self.w  # = a + uᵀw tanh(a + b) with a = wᵀx
        low, high = due - uw.abs(), due + uw.abs()
        for _ in range(self.halvings):
            a = (low + high) / 2
            above = a + uw * (a + self.b).tanh() > due
            low, high = torch.where(above, low, a), torch.where(above, a, high)
        a = (low + high) / 2
        return z - (a + self.b).tanh()[:, None] * u
