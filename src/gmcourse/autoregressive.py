"""Autoregressive models: an example value by value, each given those before it.

The chain rule, ``log p(x) = Σ_i log p(x_i | x_<i)``, holds for any order of the values
and leaves nothing out: the likelihood is exact.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer
from .core import GenerativeModel
from .likelihoods import Bernoulli

__all__ = ["MADE", "masks"]


def masks(
    order: Int[Tensor, " d"], *widths: int, per_value: int = 1
) -> list[Bool[Tensor, "out into"]]:
    """Which input each unit of each layer may see, so that no value sees itself.

    A value's degree is its place in the order, 1 to ``d``, and a hidden unit's says up
    to which place it may look: 1 to ``d - 1``, all equally often. A hidden unit sees
    what has its own degree or a smaller one, an output what has a smaller one. Germain
    et al. (2015), eqs. 12 and 13.

    Args:
        order: the value that comes first, the one that comes second, and so on.
        widths: of the hidden layers.
        per_value: outputs for each value; the outputs of the first kind come first.

    Returns:
        One mask for each layer, ``(out, into)``.

    Raises:
        ValueError: ``order`` does not hold each of 0 to ``d - 1`` once.

    Example:
        >>> masks(torch.tensor([0, 1]), 2)[0]
        tensor([[ True, False],
                [ True, False]])
    """
    d = len(order)
    if order.sort().values.tolist() != list(range(d)):
        raise ValueError(f"order is {order.tolist()}; expected each of 0 to {d - 1}")
    place = torch.empty_like(order)
    place[order] = torch.arange(1, d + 1, device=order.device)
    degrees = [place]
    for width in widths:
        unit = torch.arange(width, device=order.device)
        degrees.append(unit * max(1, d - 1) // width + 1)
    seen = [low <= high[:, None] for low, high in itertools.pairwise(degrees)]
    return [*seen, (degrees[-1] < place.repeat(per_value)[:, None])]


class MADE(GenerativeModel):
    """A masked network: one pass gives the conditionals of all values.

    With several orders it is trained under one of them at a time, drawn anew for each
    batch, and is their mixture, each equally likely: exact as well.

    Args:
        event_shape: of an example, ``d`` values in all.
        hidden: widths of the hidden layers.
        likelihood: of one value, such as `Bernoulli` or `DiscretizedLogistic`.
        orders: how many; one is that of the values as they come, several are random.

    Raises:
        ValueError: ``hidden`` or ``event_shape`` is empty, or ``orders`` below 1.
        TypeError: a width or ``orders`` is no integer.

    Germain et al. (2015).
    """

    exact = True

    orders: Int[Tensor, "k d"]

    def __init__(
        self,
        event_shape: tuple[int, ...],
        hidden: Sequence[int] = (500,),
        likelihood: Any = None,
        *,
        orders: int = 1,
    ):
        super().__init__()
        if not hidden or not event_shape:
            raise ValueError(
                f"event_shape is {event_shape}, hidden {hidden}; expected one size or "
                "more in each"
            )
        self.event_shape = tuple(integer("a size", size) for size in event_shape)
        self.likelihood = likelihood or Bernoulli()
        widths = [integer("a width", width) for width in hidden]
        d, per_value = math.prod(self.event_shape), self.likelihood.per_value
        sizes = [d, *widths, per_value * d]
        self.layers: Any = nn.ModuleList(
            nn.Linear(into, out) for into, out in itertools.pairwise(sizes)
        )
        if integer("orders", orders) == 1:
            found = [torch.arange(d)]
        else:
            found = [torch.randperm(d) for _ in range(orders)]
        self.register_buffer("orders", torch.stack(found))
        every = [masks(order, *widths, per_value=per_value) for order in found]
        for i, layer in enumerate(zip(*every)):
            self.register_buffer(f"masks_{i}", torch.stack(layer))

    def params(self, x: Float[Tensor, "b ..."], order: int = 0) -> Tensor:
        """What the likelihood asks for: of each value, given those before it.

        Shape ``(b, per_value · channels, ...)``; ``order`` is the number of one.
        """
        h = x.flatten(1)
        for i, layer in enumerate(self.layers):
            mask = getattr(self, f"masks_{i}")[order]
            h = F.linear(F.relu(h) if i else h, layer.weight * mask, layer.bias)
        first, *rest = self.event_shape
        return h.view(len(x), self.likelihood.per_value * first, *rest)

    def loss(self, x, c=None):
        self.check(x, c)
        if not self.training:
            return -self.log_prob(x).mean()
        order = int(torch.randint(len(self.orders), ()))
        return -self.likelihood.log_prob(self.params(x, order), x).mean()

    def log_prob(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
        """Exact, in nats: of several orders the logarithm of their mean."""
        self.check(x)
        each = [
            self.likelihood.log_prob(self.params(x, order), x)
            for order in range(len(self.orders))
        ]
        return torch.stack(each).logsumexp(0) - math.log(len(each))

    def draw(self, n, c=None):
        """Value by value, one pass for each; with several orders each has its share."""
        k = len(self.orders)
        shares = torch.randint(k, (n,), device=self.device).bincount(minlength=k)
        parts = [
            self._in_order(share, order) for order, share in enumerate(shares.tolist())
        ]
        return torch.cat(parts)[torch.randperm(n, device=self.device)]

    def _in_order(self, n: int, order: int) -> Tensor:
        x = self._like().new_zeros(n, *self.event_shape)
        if n:
            for i in self.orders[order].tolist():
                drawn = self.likelihood.sample(self.params(x, order))
                x.view(n, -1)[:, i] = drawn.reshape(n, -1)[:, i].to(x.dtype)
        return x
