"""The plain numbers that ``train`` was given: a resumed run must be given them too."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from .core import Model


def hyperparameters(optimizers: Mapping[str, Optimizer]) -> dict[str, Any]:
    """What each optimizer was told, group by group."""
    return {
        f"{key} of the {player}'s optimizer, group {i}": _plain(value)
        for player, optimizer in optimizers.items()
        for i, group in enumerate(optimizer.param_groups)
        for key, value in group.items()
        if key not in ("params", "initial_lr") and _plain(value) is not None
    }


def numbers_of(model: Model) -> dict[str, Any]:
    """The plain numbers that a model was built with: beta, k, a dropout's p, …

    Those of the objects that its parts hold (a likelihood, a condition) count too.
    """
    model.at(0)  # what is annealed starts as in every run
    found = {}
    for name, part in model.named_modules():
        for owner, thing in [(name, part), *_held(name, part)]:
            for key, value in vars(thing).items():
                number = isinstance(value, int | float)
                if number and not key.startswith("_") and key != "training":
                    found[f"{owner}.{key}".lstrip(".")] = value
    return found


def _held(name: str, part: nn.Module) -> Iterator[tuple[str, Any]]:
    """The plain objects in a module's attributes."""
    for key, value in vars(part).items():
        known = isinstance(value, nn.Module | Tensor | type) or callable(value)
        if not key.startswith("_") and not known and hasattr(value, "__dict__"):
            yield f"{name}.{key}", value


def _plain(value: Any) -> Any:
    """A hyper-parameter as JSON gives it back; None for what is none."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return float(value) if isinstance(value, Tensor) and value.ndim == 0 else None
