"""What an update is fed with: batches without end, on the model's device."""

from collections.abc import Iterable, Iterator
from typing import Any

from torch import Tensor

from .core import Model


def batches(
    model: Model, data: Iterable[Any]
) -> Iterator[tuple[Tensor, Tensor | None]]:
    """``(x, c)`` for ever; the first values are looked at even on a GPU."""
    first, passes, device = True, 0, model.device
    while True:
        passes += 1  # since the last batch
        for batch in data:
            x, c = _pair(batch)
            if first:
                _look(model, x, c)
            first, passes = False, 0
            yield x.to(device), None if c is None else c.to(device)
        if passes > 1:  # one may be: a run that goes on where a pass had ended
            raise ValueError("data is empty (or an iterator already used up)")


def _look(model: Model, x: Tensor, c: Tensor | None) -> None:
    """Check labels and tokens where they can be read."""
    model.check_condition(None if c is None else c.cpu(), len(x))
    if model.levels is not None:
        model.check(x.cpu(), None if c is None else c.cpu())


def _pair(batch: Any) -> tuple[Tensor, Tensor | None]:
    """``x`` or ``(x, c)``, also as the list of a torch DataLoader."""
    parts = list(batch) if isinstance(batch, tuple | list) else [batch]
    x, *rest = parts or [None]
    if not isinstance(x, Tensor) or len(rest) > 1:
        given = [type(part).__name__ for part in parts]
        raise TypeError(f"a batch is {given}; expected a tensor x, or x and c")
    c = rest[0] if rest else None
    if not isinstance(c, Tensor | None):
        raise TypeError(f"c is a {type(c).__name__}; expected a tensor")
    return x, c
