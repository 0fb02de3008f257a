"""Autoregressive models: an example value by value, each given those before it.

The chain rule, ``log p(x) = Σ_i log p(x_i | x_<i)``, holds for any order of the values
and leaves nothing out: the likelihood is exact. Here are those that see an example as
a list of values; ``gmcourse.pixels`` and ``gmcourse.sequences`` hold others.
Built in chapter 06_one_pixel_at_a_time.
"""

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, positive, shape_of
from .core import GenerativeModel
from .likelihoods import Bernoulli

__all__ = ["MADE", "NADE", "Autoregressive", "masks"]

Steps = Iterator[tuple[int, Tensor]]


class Autoregressive(GenerativeModel):
    """A model of each value given those before it; abstract.

    A family gives all conditionals of known examples at once (``params``), and one
    after the other of examples that are still being made (``steps``), with as much
    kept from one to the next as it can. Both are one distribution.
    """

    exact = True
    likelihood: Any

    @abstractmethod
    def params(
        self, x: Shaped[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, "b ..."]:
        """What the likelihood asks for: of each value, given those before it.

        Shape ``(b, per_value · channels, ...)``.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define params")

    @abstractmethod
    def steps(self, x: Tensor, c: Tensor | None = None) -> Steps:
        """The values' places in order, each with its conditional, ``(b, per_value)``.

        A place is that in an example with its axes made one. ``x`` is read as far as
        the place before: write a value there, and ask for the next one.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define steps")

    def log_prob(
        self, x: Shaped[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, " b"]:
        """Exact, in nats."""
        self.check(x, c)
        return self.likelihood.log_prob(self.params(x, c), x)

    def loss(self, x, c=None):
        return -self.log_prob(x, c).mean()

    def draw(self, n, c=None, *, cached: bool = True, **how):
        """Value by value; ``cached=False`` computes all anew for each.

        ``temperature``, ``given`` and ``known``: see `fill`.
        """
        x = self._like().new_zeros(n, *self.event_shape, dtype=self.dtype)
        steps = self.steps if cached else partial(anew, self.params)
        return fill(x, partial(steps, c=c), self.likelihood, **how)


def fill(
    x: Shaped[Tensor, "b ..."],
    steps: Callable[[Tensor], Steps],
    likelihood: Any,
    *,
    temperature: float = 1.0,
    restrict: Callable[[Tensor], Tensor] | None = None,
    given: Shaped[Tensor, "..."] | None = None,
    known: Bool[Tensor, "..."] | None = None,
) -> Shaped[Tensor, "b ..."]:
    """Draw the values of ``x`` in the order of ``steps``, and return it.

    Args:
        temperature: the logits are divided by it; below 1 the likely gets likelier.
            Tempering each conditional is not tempering their product.
        restrict: what the logits, ``(b, levels)``, go through after that, such as
            ``partial(top_k, k=10)`` of ``gmcourse.decoding``.
        given: an example, or one for each, of which the values ``known`` are kept.
        known: which; ``(*event_shape)``. A value that is drawn depends on those before
            it alone, so that known ones after it do not reach it.

    Raises:
        ValueError: one of ``given`` and ``known`` without the other, another shape, or
            a temperature that is not positive, or other than 1 for a likelihood whose
            parameters are no logits, or ``restrict`` where no level has its own.
    """
    positive("temperature", temperature)
    if temperature != 1 and not likelihood.logits:
        raise ValueError(
            f"temperature is {temperature}; the parameters of "
            f"{type(likelihood).__name__} are no logits, so expected 1"
        )
    if restrict is not None and not (likelihood.logits and likelihood.per_value > 1):
        raise ValueError(
            "restrict was given; the parameters of "
            f"{type(likelihood).__name__} are no logits of levels, so expected None"
        )
    kept: set[int] = set()
    if given is not None and known is not None:
        if known.shape != x.shape[1:] or given.shape not in (x.shape, x.shape[1:]):
            raise ValueError(
                f"known has shape {tuple(known.shape)} and given "
                f"{tuple(given.shape)}; expected both as an example, "
                f"{tuple(x.shape[1:])}, or given for {len(x)} of them"
            )
        kept = set(known.flatten().nonzero().flatten().tolist())
        x = torch.where(known.to(x.device), given.to(x), x)
    elif given is not None or known is not None:
        raise ValueError("given and known belong together: pass both, or neither")
    values = x.view(len(x), -1)
    with torch.inference_mode():  # less to do at each step than under no_grad
        for place, params in steps(x):
            if place not in kept:
                params = params / temperature
                params = params if restrict is None else restrict(params)
                drawn = likelihood.sample(params)
                values[:, place] = drawn.flatten().to(x.dtype)
    return x


def anew(params: Callable[..., Tensor], x: Tensor, c: Tensor | None = None) -> Steps:
    """`Autoregressive.steps` in the order of the values, with nothing kept."""
    d = math.prod(x.shape[1:])
    for place in range(d):
        every = params(x, c).reshape(len(x), -1, d)  # (b, per_value, d)
        yield place, every[:, :, place]


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
    return _masks(order, widths, per_value)


def _masks(order: Tensor, widths: Sequence[int], per_value: int) -> list[Tensor]:
    d, place = len(order), torch.empty_like(order)
    place[order] = torch.arange(1, d + 1, device=order.device)
    degrees = [place]
    for width in widths:
        unit = torch.arange(width, device=order.device)
        degrees.append(unit * max(1, d - 1) // width + 1)
    seen = [low <= high[:, None] for low, high in itertools.pairwise(degrees)]
    return [*seen, (degrees[-1] < place.repeat(per_value)[:, None])]


class MADE(GenerativeModel):
    """A masked network: one pass gives the conditionals of all values.

    Hidden layers are added to what they come from, and the values also reach the
    outputs directly; both under their masks. With several orders it is trained under
    one of them at a time, drawn anew for each batch, and is their mixture, each equally
    likely: exact as well.

    Args:
        event_shape: of an example, ``d`` values in all.
        likelihood: of one value, such as `Bernoulli` or `Categorical`.
        width: of the hidden layers.
        depth: how many; with none it is the fully visible network of Neal (1992), a
            logistic regression for each value.
        orders: how many; one is that of the values as they come, several are random.

    Raises:
        ValueError: ``event_shape`` is empty, ``depth`` negative, or ``width`` or
            ``orders`` below 1.
        TypeError: one of them is no integer.

    Germain et al. (2015). Built in chapter 06_one_pixel_at_a_time.
    """

    exact = True

    orders: Int[Tensor, "k d"]

    def __init__(
        self,
        event_shape: tuple[int, ...],
        likelihood: Any = None,
        *,
        width: int = 500,
        depth: int = 1,
        orders: int = 1,
    ):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        self.likelihood = likelihood or Bernoulli()
        d, per_value = math.prod(self.event_shape), self.likelihood.per_value
        self.widths = [integer("width", width)] * integer("depth", depth, 0)
        sizes = [d, *self.widths, per_value * d] if depth else []
        self.layers: Any = nn.ModuleList(
            nn.Linear(into, out) for into, out in itertools.pairwise(sizes)
        )
        self.direct = nn.Linear(d, per_value * d)
        one = integer("orders", orders) == 1
        found = [torch.arange(d) if one else torch.randperm(d) for _ in range(orders)]
        self.register_buffer("orders", torch.stack(found))

    def params(self, x: Float[Tensor, "b ..."], order: int = 0) -> Tensor:
        """What the likelihood asks for: of each value, given those before it.

        Shape ``(b, per_value · channels, ...)``; ``order`` is the number of one.
        """
        places, per_value = self.orders[order], self.likelihood.per_value
        x = x.flatten(1)
        out = _masked(self.direct, x, *_masks(places, (), per_value))
        if self.widths:
            first, *inner, last = _masks(places, self.widths, per_value)
            h = _masked(self.layers[0], x, first)
            for layer, mask in zip(self.layers[1:], inner):
                h = h + _masked(layer, F.silu(h), mask)
            out = out + _masked(self.layers[-1], F.silu(h), last)
        return out.view(len(x), per_value * self.event_shape[0], *self.event_shape[1:])

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

    def draw(self, n, c=None, *, given=None, **how):
        """Value by value, one pass for each; of several orders each example has one.

        ``temperature``, ``given`` and ``known``: see `fill`.
        """
        x = self._like().new_zeros(n, *self.event_shape)
        each = torch.randint(len(self.orders), (n,))
        for order in each.unique().tolist():
            rows = (each == order).to(x.device)
            own = given[rows] if given is not None and given.ndim == x.ndim else given
            steps = partial(self.steps, order=order)
            x[rows] = fill(x[rows], steps, self.likelihood, given=own, **how)
        return x

    def steps(self, x: Float[Tensor, "b ..."], order: int = 0) -> Steps:
        """As `Autoregressive.steps`, in the order of that number."""
        for place in self.orders[order].tolist():
            every = self.params(x, order).reshape(len(x), self.likelihood.per_value, -1)
            yield place, every[:, :, place]


def _masked(layer: nn.Linear, x: Tensor, mask: Tensor) -> Tensor:
    return F.linear(x, torch.where(mask, layer.weight, 0.0), layer.bias)


class NADE(Autoregressive):
    """The neural autoregressive distribution estimator, of binary values.

    All conditionals share their weights: a hidden layer's sum grows by one term from
    value to value, so that all of an example cost ``O(d · hidden)``. Larochelle &
    Murray (2011), eqs. 3 to 5, for any ``event_shape`` of ``d`` values.
    Built in chapter 06_one_pixel_at_a_time.

    Raises:
        ValueError, TypeError: ``hidden`` is not a positive integer.
    """

    def __init__(self, event_shape: tuple[int, ...], hidden: int = 500):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        self.likelihood = Bernoulli()
        d, hidden = math.prod(self.event_shape), integer("hidden", hidden)
        bound = d**-0.5
        self.into = nn.Parameter(torch.empty(d, hidden).uniform_(-bound, bound))
        self.out = nn.Parameter(torch.randn(d, hidden) / hidden**0.5)
        self.hidden_bias = nn.Parameter(torch.zeros(hidden))
        self.bias = nn.Parameter(torch.zeros(d))

    def steps(self, x, c=None):
        values, total = x.flatten(1), self.hidden_bias
        for place in range(values.shape[1]):
            logit = total.sigmoid() @ self.out[place] + self.bias[place]
            yield place, logit[..., None].expand(len(x), 1)
            total = total + values[:, place, None] * self.into[place]

    def params(self, x, c=None):
        return torch.cat([logit for _, logit in self.steps(x)], 1).view_as(x)
