"""Flows that go value by value: each is moved as those before it say.

The Jacobian is triangular, so that its determinant is a product. One direction takes
one pass of a network; the other goes from value to value. Any network of conditionals
will do, those of ``gmcourse.autoregressive`` and ``gmcourse.pixels`` as well. Built in
chapter 08_normalizing_flows.
"""

import itertools
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer
from .autoregressive import Steps, masks
from .conditions import Labels
from .flows import Bijection, Flow, Inverse, Permute, Seen, silent
from .monotone import Affine, Monotone, split

__all__ = ["Conditionals", "MaskedNet", "masked_flow"]


class Conditionals(Bijection):
    """Each value is moved as those before it say; all at once toward ``z``.

    With `MaskedNet` and `Affine` it is a layer of Papamakarios et al. (2017), eqs. 3 to
    6, and its `Inverse` one of Kingma et al. (2016). Built in chapter
    08_normalizing_flows.

    Args:
        net: has ``params(x)`` and ``steps(x)`` of an `Autoregressive` model, whose
            "likelihood" is ``transform``: it has ``per_value`` parameters of a value.
            A place may be a slice: of values that are moved together.
        transform: how a value is moved, given its parameters.
        seen: what the net sees of the values before, a function of each value alone,
            such as `gmcourse.dequantization.level`. None: the values themselves.
    """

    def __init__(self, net: Any, transform: Monotone, seen: Seen | None = None):
        super().__init__()
        self.net, self.transform, self.seen = net, transform, seen

    def to_latent(self, x, c=None):
        seen = x if self.seen is None else self.seen(x)
        params = split(self.net.params(seen, c), self.transform.per_value, x.dtype)
        z, slopes = self.transform.to_latent(x, params)
        return z, slopes.flatten(1).sum(1)

    def from_latent(self, z, c=None):
        x = z.new_zeros(z.shape)
        seen = x if self.seen is None else z.new_zeros(z.shape)
        values, due = x.view(len(x), -1), z.reshape(len(z), -1)
        for place, params in self.net.steps(seen, c):
            own = place if isinstance(place, slice) else slice(place, place + 1)
            params = split(params, self.transform.per_value, z.dtype)
            values[:, own] = self.transform.from_latent(due[:, own], params)
            if self.seen is not None:
                seen.view(len(x), -1)[:, own] = self.seen(values[:, own])
        return x


class MaskedNet(nn.Module):
    """Fully connected layers with masks: of each value, from those before it.

    The masks are those of `gmcourse.autoregressive.masks`. A label, where there is one,
    is added to the first hidden layer.

    Args:
        d: number of values.
        per_value: outputs for each; those of the first kind come first.
        width: of the hidden layers.
        depth: how many.
        classes: number of labels, or 0.

    Raises:
        ValueError, TypeError: a size is no positive integer.
    """

    def __init__(
        self,
        d: int,
        per_value: int,
        *,
        width: int = 64,
        depth: int = 2,
        classes: int = 0,
    ):
        super().__init__()
        self.d, self.per_value = integer("d", d), per_value
        widths = [integer("width", width)] * integer("depth", depth)
        found = masks(torch.arange(d), *widths, per_value=per_value)
        for i, mask in enumerate(found):
            mask = mask.to(torch.get_default_dtype())  # faster to multiply with
            self.register_buffer(f"mask{i}", mask, persistent=False)
        self.layers: Any = nn.ModuleList(
            nn.Linear(into, out)
            for into, out in itertools.pairwise([d, *widths, per_value * d])
        )
        self.label = nn.Embedding(classes, width) if classes else None
        # How many units of a hidden layer have seen no more than the first i values.
        degrees = torch.arange(width) * max(1, d - 1) // width + 1
        self.ready = [int((degrees <= i).sum()) for i in range(d + 1)]
        silent(self.layers[-1])

    def params(
        self, x: Float[Tensor, "b d"], c: Int[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b out"]:
        """Of all values at once, ``(b, per_value · d)``."""
        *inner, last = self.layers
        for i, layer in enumerate(inner):
            weight = layer.weight * getattr(self, f"mask{i}")
            x = F.linear(x, weight, layer.bias)
            if i == 0 and self.label is not None:
                x = x + self.label(c)
            x = F.silu(x)
        return F.linear(x, last.weight * getattr(self, f"mask{len(inner)}"), last.bias)

    def steps(
        self, x: Float[Tensor, "b d"], c: Int[Tensor, " b"] | None = None
    ) -> Steps:
        """One value after the other, ``(b, per_value)``; each unit is computed once.

        A unit waits for the last value that it may see. Their layers are sorted by
        that, so that those whose turn it is are neighbors.
        """
        *inner, last = self.layers
        states = [x.new_empty(len(x), layer.out_features) for layer in inner]
        told = 0 if self.label is None else self.label(c)
        for place in range(self.d):
            low, high = self.ready[max(place - 1, 0)], self.ready[place]
            before, seen = x, place
            for i, (layer, state) in enumerate(zip(inner, states)):
                rows = slice(low, high)
                weight = layer.weight[rows, :seen]
                h = F.linear(now(before[:, :seen]), weight, layer.bias[rows])
                if i == 0 and self.label is not None:
                    h = h + told[:, rows]
                state[:, rows] = F.silu(h)
                before, seen = state, high
            own = slice(place, None, self.d)
            weight, bias = last.weight[own, :seen], last.bias[own]
            yield place, F.linear(now(before[:, :seen]), weight, bias)


def now(x: Tensor) -> Tensor:
    """As it is now: for a gradient, what is written beside it later must not matter."""
    return x.clone() if torch.is_grad_enabled() else x


def masked_flow(
    d: int,
    transform: Monotone | None = None,
    *,
    layers: int = 4,
    width: int = 64,
    depth: int = 2,
    inverse: bool = False,
    condition: Labels | None = None,
) -> Flow:
    """A flow of vectors ``(d,)``: masked maps, with the values turned round between.

    The density takes one pass, and a draw goes from value to value (MAF); with
    ``inverse`` it is the other way round (IAF). But for the order, it begins as the
    identity.

    Raises:
        ValueError, TypeError: a size is no positive integer.
    """
    d, transform, parts = integer("d", d), transform or Affine(), []
    how = {"width": width, "depth": depth}
    how["classes"] = condition.classes if condition else 0
    for _ in range(integer("layers", layers)):
        part = Conditionals(MaskedNet(d, transform.per_value, **how), transform)
        parts += [Inverse(part) if inverse else part, Permute(range(d)[::-1])]
    return Flow(*parts, event_shape=(d,), condition=condition)
