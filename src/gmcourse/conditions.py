"""What a model may be told beside ``x``: a label, or an array such as an image.

A condition is an object of the model, ``model.condition``, and None where there is
none. It checks ``c``, says whether it may be left out, and makes the null condition
that stands for "anything". A model that is told two things packs them into one
tensor, or has a Condition of its own.
"""

from typing import Any

import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from ._arguments import integer, probability, sizes

__all__ = ["Condition", "Labels", "Like"]


class Condition:
    """What ``c`` must look like; abstract.

    Attributes:
        required: False where the model also answers without ``c``.
    """

    required: bool = True

    def check(self, c: Any, n: int, dtype: torch.dtype, model: str) -> None:
        """Raise unless ``c`` describes ``n`` examples for a model of that name."""
        raise NotImplementedError

    def null(self, n: int, like: Tensor) -> Tensor:
        """``n`` times "no condition", where ``like`` lives and in its precision."""
        raise NotImplementedError

    def example(self, n: int, like: Tensor) -> Tensor:
        """``n`` random conditions, where ``like`` lives and in its precision."""
        raise NotImplementedError

    def drop(self, c: Shaped[Tensor, "b ..."], share: float) -> Shaped[Tensor, "b ..."]:
        """``c`` with each example's replaced by the null condition by chance.

        What a model is trained on that is to answer with and without a condition
        (Ho & Salimans, 2022). ``share`` is the probability.

        Raises:
            ValueError: ``share`` is not in [0, 1].
        """
        lost = torch.rand(len(c), device=c.device) < probability("share", share)
        lost = lost.view(-1, *[1] * (c.ndim - 1))
        return torch.where(lost, self.null(len(c), c), c)


def _tensor(c: Any, what: str) -> None:
    if not isinstance(c, Tensor):
        raise TypeError(
            f"c is {type(c).__name__}; expected a tensor of {what}: pass "
            "torch.tensor(c)"
        )


class Labels(Condition):
    """One label of ``classes``: ``c`` is ``(b,)``, int64, in ``[0, classes)``.

    The null condition is the label ``classes``, one more row of an embedding; it is
    made inside of a model, and not taken for ``c``.

    Raises:
        ValueError, TypeError: ``classes`` is not a positive integer; in ``check``,
            what was given and what is due.

    Example:
        >>> Labels(10, required=False).null(2, torch.zeros(1))
        tensor([10, 10])
    """

    def __init__(self, classes: int, *, required: bool = True):
        self.classes, self.required = integer("classes", classes), required

    def check(self, c, n, dtype, model):
        _tensor(c, f"{n} labels, int64")
        if c.dtype != torch.int64 or tuple(c.shape) != (n,):
            raise ValueError(
                f"c has shape {tuple(c.shape)} and dtype {c.dtype}; {model} expects "
                f"labels, ({n},) and torch.int64"
            )
        top = self.classes - 1
        # Reading the labels would make a GPU wait; there, train() looks at them once.
        if c.device.type == "cpu" and not (c.min() >= 0 and c.max() <= top):
            raise ValueError(
                f"c holds labels from {c.min()} to {c.max()}; expected 0 to {top}"
            )

    def null(self, n: int, like: Tensor) -> Int[Tensor, " n"]:
        return torch.full((n,), self.classes, device=like.device)

    def example(self, n: int, like: Tensor) -> Int[Tensor, " n"]:
        return torch.randint(self.classes, (n,), device=like.device)


class Like(Condition):
    """An array for each example, such as an image: ``c`` is ``(b, *event_shape)``.

    Args:
        event_shape: of one condition.
        dtype: of ``c``; None for the weights' precision.
        levels: number of values where they are integers; None: not looked at.

    The null condition is all zeros, so an integer type keeps 0 for it.

    Raises:
        ValueError, TypeError: in ``check``, what was given and what is due.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        dtype: torch.dtype | None = None,
        *,
        levels: int | None = None,
        required: bool = True,
    ):
        self.event_shape, self.dtype = sizes("event_shape", event_shape), dtype
        self.levels = None if levels is None else integer("levels", levels)
        self.required = required
        if levels is None and dtype is not None and not dtype.is_floating_point:
            raise ValueError(f"levels is missing: how many values has c, of {dtype}?")

    def check(self, c, n, dtype, model):
        dtype, shape = self.dtype or dtype, (n, *self.event_shape)
        _tensor(c, f"shape {shape}, {dtype}")
        if c.dtype != dtype or tuple(c.shape) != shape:
            raise ValueError(
                f"c has shape {tuple(c.shape)} and dtype {c.dtype}; {model} expects "
                f"{shape} and {dtype}"
            )
        within_levels("c", c, self.levels)

    def null(self, n: int, like: Tensor) -> Shaped[Tensor, "n ..."]:
        dtype = self.dtype or like.dtype
        return torch.zeros(n, *self.event_shape, dtype=dtype, device=like.device)

    def example(self, n: int, like: Tensor) -> Shaped[Tensor, "n ..."]:
        return random_values((n, *self.event_shape), self.dtype, self.levels, like)


def within_levels(name: str, x: Tensor, levels: int | None) -> None:
    """Raise unless integers lie in ``[0, levels)``; on a GPU they are not looked at."""
    if levels is None or x.device.type != "cpu" or not x.numel():
        return
    # As Python numbers: 256 does not fit a uint8 tensor.
    if not (int(x.min()) >= 0 and int(x.max()) < levels):
        raise ValueError(
            f"{name} holds values from {x.min()} to {x.max()}; expected 0 to "
            f"{levels - 1}"
        )


def random_values(
    shape: tuple[int, ...], dtype: torch.dtype | None, levels: int | None, like: Tensor
) -> Tensor:
    """Integers below ``levels``, or values of 8-bit pixels scaled to [0, 1]."""
    values = torch.randint(levels or 256, shape, device=like.device)
    if dtype is None:
        dtype = like.dtype
    return (values / 255).to(dtype) if dtype.is_floating_point else values.to(dtype)
