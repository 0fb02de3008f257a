"""The contract of a model.

A :class:`Model` has losses, and can be trained; a :class:`GenerativeModel` can also
``sample``. A class is one or the other by what it can do. A family with several players
(a GAN's critic and generator) yields one loss for each from ``losses``.
``gmcourse.testing.check_model`` holds any model to all of it.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ._arguments import integer
from .conditions import Condition, random_values, within_levels

__all__ = ["GenerativeModel", "Model", "evaluating"]


class Model(nn.Module):
    """What can be trained; abstract. A family implements ``loss`` or ``losses``.

    Attributes:
        event_shape: shape of one example; a batch is ``(b, *event_shape)``.
        dtype: of ``x``. None is the weights' precision; ``torch.int64`` for tokens;
            ``torch.uint8`` where the loss itself turns pixels into numbers.
        levels: number of values of an integer ``x``; None where they are not looked at.
        condition: what ``c`` is (see ``gmcourse.conditions``); None without one.
        exact: there is a ``log_prob(x) -> (b,)``, exact and normalized, in nats;
            ``log_prob(x, c)`` where there is a condition.
        surrogate: the loss is a number whose gradient is meant: it need not fall.
        smallest_batch: 2 where statistics over the batch are taken, and as much for
            each of several critic steps: what ``check`` asks for in train mode.
    """

    event_shape: tuple[int, ...]
    dtype: torch.dtype | None = None
    levels: int | None = None
    condition: Condition | None = None
    exact: bool = False
    surrogate: bool = False
    smallest_batch: int = 1

    def loss(
        self, x: Shaped[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, ""]:
        """Batch mean; nats per example where the family has a likelihood.

        Where only its gradient is meant, ``surrogate`` says so. In eval mode a loss
        changes nothing: no chain moves, no statistics are updated.
        """
        raise NotImplementedError(f"{type(self).__name__} does not define a loss")

    def losses(
        self, x: Shaped[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Iterator[tuple[str, Tensor]]:
        """Yield ``(player, loss)`` lazily: a player is updated before the next one.

        One player by default. A GAN yields ``("critic", …)``, and, when the critic
        has made its step, ``("generator", …)``. Several critic steps take their parts
        of one batch of ``k · b``, ``x.tensor_split(k)``. A turn leaves gradients in the
        other player's weights too; they are cleared before its own.
        """
        yield "model", self.loss(x, c)

    def players(self) -> dict[str, list[nn.Parameter]]:
        """The weights that each player's optimizer updates, in the order of turns."""
        return {"model": [p for p in self.parameters() if p.requires_grad]}

    def at(self, step: int) -> None:
        """Called by ``train`` before each update with the number of those made so far.

        What is annealed is a function of it, so that a resumed run is the same run.
        """

    @property
    def device(self) -> torch.device:
        """Where the model lives; without weights and buffers, the default device."""
        for tensor in itertools.chain(self.parameters(), self.buffers()):
            return tensor.device
        return torch.empty(0).device

    def _like(self) -> Tensor:
        """A tensor of the model's device and precision."""
        for tensor in itertools.chain(self.parameters(), self.buffers()):
            if tensor.is_floating_point():
                return tensor
        return torch.empty(0, device=self.device)

    def noise(self, *shape: int) -> Tensor:
        """Standard normal values on the model's device, in its precision."""
        like = self._like()
        return torch.randn(*shape, device=like.device, dtype=like.dtype)

    def check(self, x: Any, c: Any = None) -> None:
        """Raise unless ``x`` is ``(b, *event_shape)`` with b > 0 and ``c`` fits it.

        Raises:
            TypeError: ``x`` is no tensor of the model's ``dtype``, or ``c`` no tensor.
            ValueError: a shape, a value or a label is wrong; the message says which.
        """
        self.check_x(x)
        self.check_condition(c, len(x))

    def check_x(self, x: Any) -> None:
        """The part of :meth:`check` that concerns ``x`` alone."""
        dtype = self.dtype or self._like().dtype
        if not isinstance(x, Tensor) or x.dtype != dtype:
            raise TypeError(_wrong_type(x, dtype, type(self).__name__))
        least = self.smallest_batch if self.training else 1
        shape = tuple(x.shape)
        if not shape or shape[1:] != tuple(self.event_shape) or shape[0] < least:
            due = ", ".join(["b", *map(str, self.event_shape)])
            raise ValueError(
                f"x has shape {shape}; {type(self).__name__} expects ({due}) with b at "
                f"least {least}{' in train mode' if least > 1 else ''}"
            )
        within_levels("x", x, self.levels)

    def check_condition(self, c: Any, n: int) -> None:
        """Raise unless ``c`` describes ``n`` examples, or is None where it may be.

        Raises:
            TypeError: ``c`` is no tensor.
            ValueError: the message says what was given and what is due.
        """
        name = type(self).__name__
        if self.condition is None and c is not None:
            raise ValueError(
                f"{name} takes no condition, but c was given: leave it out"
            )
        if self.condition is None:
            return
        if c is None and self.condition.required:
            raise ValueError(f"{name} is conditional: pass c, one for each of {n}")
        if c is not None:
            self.condition.check(c, n, self._like().dtype, name)

    def example(self, n: int) -> tuple[Tensor, Tensor | None]:
        """A random batch that the model accepts: ``x``, and ``c`` or None."""
        like, shape = self._like(), (n, *self.event_shape)
        x = random_values(shape, self.dtype, self.levels, like)
        return x, None if self.condition is None else self.condition.example(n, like)


class GenerativeModel(Model):
    """A model of ``p(x)`` or ``p(x | c)`` that can draw; abstract.

    A family implements ``draw`` beside its loss; ``log_prob(x) -> (b,)`` exists only
    where it is exact and normalized. One that is an invertible map has
    ``to_latent(x) -> (z, log_det)`` and ``from_latent(z) -> x``.
    """

    def draw(self, n: int, c: Tensor | None = None, **how: Any) -> Tensor:
        """What ``sample`` calls, with checked arguments, in eval mode."""
        raise NotImplementedError(f"{type(self).__name__} cannot sample")

    @torch.no_grad()
    def sample(
        self, n: int, c: Shaped[Tensor, "n ..."] | None = None, **how: Any
    ) -> Shaped[Tensor, "n ..."]:
        """Draw ``n`` examples, ``(n, *event_shape)``, on the model's device.

        No gradients are kept, and the train/eval modes are as the caller left them.

        Raises:
            ValueError, TypeError: ``n`` is not a positive integer, ``c`` does not fit,
                or the family knows no such keyword.
        """
        n = integer("n", n)
        # Before the move: on a GPU the labels would not be looked at.
        self.check_condition(c, n)
        c = None if c is None else c.to(self.device)
        with evaluating(self):
            return self.draw(n, c, **how)


def _wrong_type(x: Any, dtype: torch.dtype, name: str) -> str:
    """What was given in place of a tensor of ``dtype``, and how to get one."""
    given = x.dtype if isinstance(x, Tensor) else type(x).__name__
    text = f"x is {given}; {name} expects a tensor of {dtype}"
    if isinstance(x, Tensor) and dtype.is_floating_point and x.is_floating_point():
        return f"{text}, as its weights are: pass x.to({dtype})"
    if dtype.is_floating_point:
        return (
            f"{text}. Pixels come as uint8: turn them into floats first, with "
            "gmcourse.data.to_unit for instance"
        )
    if dtype == torch.int64:
        return f"{text}, tokens"
    return text


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode inside the block; after it every part is in its own mode again."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        # Each on its own: a caller may keep a part frozen in eval mode.
        for module, training in modes:
            module.training = training
