"""Arguments, checked: an error says what was given and what was expected."""

import functools
import math
import operator
import os
from collections.abc import Callable
from typing import Any, TypeVar

import torch
from torch import Tensor

F = TypeVar("F", bound=Callable)


def integer(
    name: str, value: Any, least: int | None = 1, most: int | None = None
) -> int:
    """``value`` as an int from ``least`` to ``most`` (None: no bound).

    Raises:
        TypeError: it is not an integer (True and 2.0 are none).
        ValueError: it is out of range.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise TypeError(f"{name} is {value!r}; expected an integer")
    low = number if least is None else least
    high = number if most is None else most
    if not low <= number <= high:
        up = "or more" if most is None else f"to {most:,}"
        raise ValueError(f"{name} is {number}; expected {least} {up}")
    return number


def on_cpu(function: F) -> F:
    """Make tensors on the CPU inside, whatever the reader's default device."""

    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        with torch.device("cpu"):
            return function(*args, **kwargs)

    return inner  # type: ignore[return-value]


def unquoted(text: str) -> str:
    """Without the blanks and quotes at the ends that Windows' command line leaves.

    There ``set X=folder & jupyter lab`` sets X to ``folder`` and a blank, and
    ``set X="folder"`` keeps the quotes.
    """
    return text.strip(" \t\r\n\"'")


def setting(name: str) -> str:
    """What an environment variable says, "" where it is not set."""
    return unquoted(os.environ.get(name, ""))


def finite(name: str, value: Any) -> Tensor:
    """Numbers as float64 on the CPU; ValueError where one is NaN or infinite."""
    if isinstance(value, Tensor):
        value = value.detach().cpu()  # first: not every device has such numbers
    value = torch.as_tensor(value, dtype=torch.float64, device="cpu")
    if not value.isfinite().all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return value


def nonnegative(name: str, value: float) -> float:
    """A finite number, 0 or more; ValueError for others."""
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {value}; expected a finite number, 0 or more")
    return float(value)


def positive(name: str, value: float) -> float:
    """A finite number above 0; ValueError for others."""
    if not 0 < value < math.inf:
        raise ValueError(f"{name} is {value}; expected a positive number")
    return float(value)


def probability(name: str, value: float) -> float:
    """A number in [0, 1]; ValueError for others."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; expected a number from 0 to 1")
    return float(value)


def sizes(name: str, value: Any) -> tuple[int, ...]:
    """A shape; what would be looped over, such as a tensor, is refused."""
    if not isinstance(value, tuple | list):
        given = type(value).__name__
        raise TypeError(f"{name} is a {given}; expected sizes, such as (1, 28, 28)")
    return tuple(value)


def shape_of(name: str, value: Any) -> tuple[int, ...]:
    """A shape of positive sizes, one or more."""
    found = tuple(integer(f"a size of {name}", size) for size in sizes(name, value))
    if not found:
        raise ValueError(f"{name} is empty; expected one size or more")
    return found


def within_unit(x: Tensor, wait: bool = False, name: str = "x") -> None:
    """ValueError unless all values lie in [0, 1].

    On a GPU, which would have to wait, they are looked at with ``wait`` alone.
    """
    if not x.numel() or (x.device.type != "cpu" and not wait):
        return
    low, high = torch.stack(x.detach().aminmax()).tolist()
    if not (low >= 0 and high <= 1):
        if math.isnan(low):
            raise ValueError(
                f"{name} holds NaN; expected 0 to 1: look where it was made"
            )
        digits = 17 if x.dtype == torch.float64 else 9  # to tell 1 from the next
        raise ValueError(
            f"{name} holds values from {low:.{digits}g} to {high:.{digits}g}; expected "
            "0 to 1: pass pixels through a transform such as gmcourse.data.to_unit, "
            "and clamp(0, 1) what a model draws beyond"
        )
