"""Normalizing flows: an invertible map from the data to standard normal values.

A density is carried along by a change of variables: where ``z = f(x)``, it is
``log p(x) = log N(z; 0, I) + log |det df/dx|``. A draw is the ``x`` of normal values
``z``. The map is a chain of simple ones, each a `Bijection`; ``gmcourse.monotone``
holds the maps of single numbers that they apply, ``gmcourse.autoregressive_flows``
those that go value by value, ``gmcourse.planar`` one more, ``gmcourse.glow`` those of
images. Built in chapter 08_normalizing_flows.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ._arguments import integer, probability, shape_of
from .conditions import Condition, Labels
from .core import GenerativeModel
from .monotone import Affine, Monotone, split
from .nets import WithLabel, mlp

__all__ = [
    "Bijection",
    "Chain",
    "Coupling",
    "Flow",
    "Inverse",
    "Permute",
    "Told",
    "coupling_flow",
    "normal_log_prob",
]

Latent = tuple[Float[Tensor, "b ..."], Float[Tensor, " b"]]
Seen = Callable[[Tensor], Tensor]


def normal_log_prob(z: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    """Of independent standard normal values, summed over each example, in nats."""
    z = z.flatten(1)
    return -0.5 * (z.square().sum(1) + z.shape[1] * math.log(2 * math.pi))


class Bijection(nn.Module):
    """An invertible map of examples to others with as many values; abstract.

    A family gives both directions. ``c`` is the model's condition, or None: a map may
    differ from one to the other.
    """

    @abstractmethod
    def to_latent(
        self, x: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Latent:
        """``z``, and ``log |det dz/dx|`` of each example, in nats."""
        raise NotImplementedError(f"{type(self).__name__} does not define to_latent")

    @abstractmethod
    def from_latent(
        self, z: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, "b ..."]:
        """The ``x`` whose ``z`` this is."""
        raise NotImplementedError(f"{type(self).__name__} does not define from_latent")


class Chain(Bijection):
    """One map after the other: the log-determinants add up.

    Built in chapter 08_normalizing_flows.
    """

    def __init__(self, *parts: Bijection):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def to_latent(self, x, c=None):
        log_det = x.new_zeros(len(x))
        for part in self.parts:
            x, more = part.to_latent(x, c)
            log_det = log_det + more
        return x, log_det

    def from_latent(self, z, c=None):
        for part in reversed(self.parts):
            z = part.from_latent(z, c)
        return z


class Inverse(Bijection):
    """A map the other way round: ``z`` is what the given one makes ``z`` from.

    A masked map is fast in one direction and slow in the other; this chooses which of
    them data take. Kingma et al. (2016): an inverse autoregressive flow is one that is
    fast in drawing. Built in chapter 08_normalizing_flows.
    """

    def __init__(self, part: Bijection):
        super().__init__()
        self.part = part

    def to_latent(self, x, c=None):
        z = self.part.from_latent(x, c)
        return z, -self.part.to_latent(z, c)[1]

    def from_latent(self, z, c=None):
        return self.part.to_latent(z, c)[0]


class Flow(GenerativeModel):
    """A density with an exact logarithm and exact draws: a map to normal values.

    Args:
        parts: the maps that data go through, in this order.
        event_shape: of an example.
        condition: what ``c`` is, see ``gmcourse.conditions``; every part gets it.
        dropped: the chance that an example's condition is left out in the loss, in
            train mode: every part gets the null condition then.

    Raises:
        ValueError, TypeError: a size is no positive integer, or ``dropped`` is above 0
            and there is no condition that may be left out.

    Rezende & Mohamed (2015), eqs. 5 to 7, in the direction of Dinh et al. (2017),
    eq. 3. Built in chapter 08_normalizing_flows.

    Example:
        >>> flow = coupling_flow(2)
        >>> z, log_det = flow.to_latent(torch.zeros(3, 2))
        >>> flow.log_prob(torch.zeros(3, 2)).shape
        torch.Size([3])
    """

    exact = True

    def __init__(
        self,
        *parts: Bijection,
        event_shape: tuple[int, ...],
        condition: Condition | None = None,
        dropped: float = 0.0,
    ):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        self.chain, self.condition = Chain(*parts), condition
        self.dropped = probability("dropped", dropped)
        if dropped and (condition is None or condition.required):
            raise ValueError(
                f"dropped is {dropped}; expected 0, or a condition with required=False"
            )

    def to_latent(
        self, x: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Latent:
        """``z`` of the shape of ``x``, and ``log |det dz/dx|`` of each example."""
        self.check(x, c)
        return self.chain.to_latent(x, c)

    def from_latent(
        self, z: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, "b ..."]:
        """The ``x`` whose ``z`` this is."""
        self.check(z, c)
        return self.chain.from_latent(z, c)

    def log_prob(
        self, x: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, " b"]:
        """Exact, in nats."""
        self.check(x, c)
        return self._log_prob(x, c)

    def _log_prob(self, x: Tensor, c: Tensor | None) -> Tensor:
        z, log_det = self.chain.to_latent(x, c)
        return normal_log_prob(z) + log_det

    def loss(self, x, c=None):
        self.check(x, c)
        if self.training and self.dropped and self.condition and c is not None:
            c = self.condition.drop(c, self.dropped)
        return -self._log_prob(x, c).mean()

    def draw(self, n, c=None, *, temperature: float = 1.0):
        """``temperature`` is the standard deviation of ``z``; 1 is the model's own."""
        z = temperature * self.noise(n, *self.event_shape)
        return self.chain.from_latent(z, c)


class Permute(Bijection):
    """The values of the first axis in another order; the volume stays.

    Args:
        order: which value comes first, which second, and so on.

    Raises:
        ValueError: ``order`` does not hold each of 0 to ``d - 1`` once.
    """

    order: Tensor
    back: Tensor

    def __init__(self, order: Sequence[int]):
        super().__init__()
        if sorted(order) != list(range(len(order))):
            raise ValueError(
                f"order is {list(order)}; expected each of 0 to {len(order) - 1} once"
            )
        self.register_buffer("order", torch.as_tensor(order))
        self.register_buffer("back", torch.as_tensor(order).argsort())

    def to_latent(self, x, c=None):
        return x.index_select(1, self.order), x.new_zeros(len(x))

    def from_latent(self, z, c=None):
        return z.index_select(1, self.back)


class Coupling(Bijection):
    """Half of the values stay, and say how the others are moved.

    Any net will do: it is not inverted. Its slopes have no part in the determinant,
    for the Jacobian is triangular. Dinh et al. (2015), sec. 3; Dinh et al. (2017),
    eqs. 4 to 8. Built in chapter 08_normalizing_flows.

    Args:
        net: from the values that stay, ``(b, stay, ...)``, and the condition, if there
            is one, to parameters ``(b, per_value · moved, ...)`` of the others.
        transform: how a value is moved, given its parameters.
        flip: the last values of the first axis stay, and the first ones are moved. Of
            an odd number one more is moved.
        seen: what the net sees of the values that stay, a function of each value alone,
            such as `gmcourse.dequantization.level`. None: the values themselves.
    """

    def __init__(
        self,
        net: nn.Module,
        transform: Monotone,
        flip: bool = False,
        *,
        seen: Seen | None = None,
    ):
        super().__init__()
        self.net, self.transform, self.flip = net, transform, flip
        self.seen = seen

    def to_latent(self, x, c=None):
        stay, moved = self._halves(x)
        moved, slopes = self.transform.to_latent(moved, self._params(stay, c))
        return self._joined(stay, moved), slopes.flatten(1).sum(1)

    def from_latent(self, z, c=None):
        stay, moved = self._halves(z)
        moved = self.transform.from_latent(moved, self._params(stay, c))
        return self._joined(stay, moved)

    def _params(self, stay: Tensor, c: Tensor | None) -> Tensor:
        seen = stay if self.seen is None else self.seen(stay)
        out = self.net(seen) if c is None else self.net(seen, c)
        return split(out, self.transform.per_value, stay.dtype)

    def _halves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        half = x.shape[1] // 2
        if self.flip:
            return x[:, -half:], x[:, :-half]
        return x[:, :half], x[:, half:]

    def _joined(self, stay: Tensor, moved: Tensor) -> Tensor:
        return torch.cat((moved, stay) if self.flip else (stay, moved), 1)


class Told(Bijection):
    """Each value is moved as the condition says, whatever the other values are.

    Args:
        net: from the condition to parameters ``(b, per_value · d, ...)``.
        transform: how a value is moved, given its parameters.
    """

    def __init__(self, net: nn.Module, transform: Monotone):
        super().__init__()
        self.net, self.transform = net, transform

    def to_latent(self, x, c=None):
        z, slopes = self.transform.to_latent(x, self._params(x, c))
        return z, slopes.flatten(1).sum(1)

    def from_latent(self, z, c=None):
        return self.transform.from_latent(z, self._params(z, c))

    def _params(self, x: Tensor, c: Tensor | None) -> Tensor:
        return split(self.net(c), self.transform.per_value, x.dtype)


def coupling_flow(
    d: int,
    transform: Monotone | None = None,
    *,
    layers: int = 4,
    width: int = 64,
    depth: int = 2,
    condition: Labels | None = None,
) -> Flow:
    """A flow of vectors ``(d,)``: couplings whose halves take turns.

    With `Affine`, the default, it is RealNVP's, with `Shift` NICE's, with
    `RationalQuadratic` a neural spline flow's. It begins as the identity.

    Args:
        layers: number of couplings.
        width: of the hidden layers of each net.
        depth: how many of them.

    Raises:
        ValueError, TypeError: a size is no positive integer, or ``d`` below 2.
    """
    d, transform = integer("d", d, 2), transform or Affine()
    half, classes = d // 2, condition.classes if condition else 0
    hidden = [integer("width", width)] * integer("depth", depth)
    parts = []
    for i in range(integer("layers", layers)):
        net = mlp(half + classes, *hidden, transform.per_value * (d - half))
        silent(net[-1])
        net = WithLabel(net, classes) if condition else net
        parts.append(Coupling(net, transform, flip=bool(i % 2)))
    return Flow(*parts, event_shape=(d,), condition=condition)


def silent(layer: nn.Module) -> None:
    """Let a layer put out 0 at first: what it steers begins as the identity."""
    for weight in layer.parameters():
        nn.init.zeros_(weight)
