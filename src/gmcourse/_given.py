"""What ``train`` was given: does it fit together, and which plain numbers hold it.

A resumed run must be given the same numbers.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FunctionType
from typing import Any

from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer

from .core import Model
from .state import EMA, plain_name

# How an update is computed, and what torch's schedulers keep, is no part of what it is.
_ASIDE = "params", "initial_lr", "foreach", "fused", "capturable", "differentiable"


def by_player(model: Model, optimizer: Any) -> dict[str, Optimizer]:
    """An optimizer for each player, by name; each has weights of its player."""
    if _compiled(model) or getattr(model, "_compiled_call_impl", None) is not None:
        raise TypeError(
            "a compiled model computes its losses as before; compile the networks in "
            "it, model.net = torch.compile(model.net)"
        )
    if not isinstance(model, Model):
        raise TypeError(
            f"model is a {type(model).__name__}; expected a gmcourse.Model: a module "
            "with a loss, class MyModel(gmcourse.Model)"
        )
    players = model.players()
    names = list(players)
    if not isinstance(optimizer, Mapping):
        optimizer = {names[0]: optimizer} if len(names) == 1 else {}
    if sorted(optimizer) != sorted(names):
        raise ValueError(
            f"{type(model).__name__} has the players {names}, but optimizers were "
            f"given for {sorted(optimizer) or 'all at once'}: pass one for each, "
            f"optimizer={{{names[0]!r}: …}}"
        )
    everything = list(model.parameters())
    for player, one in optimizer.items():
        _check_optimizer(player, one, list(players[player]) or everything)
    return dict(optimizer)


def _check_optimizer(player: str, optimizer: Any, weights: Sequence[Tensor]) -> None:
    if not isinstance(optimizer, Optimizer):
        given = type(optimizer).__name__
        raise TypeError(f"optimizer is a {given}; expected a torch.optim one")
    if isinstance(optimizer, LBFGS):
        raise TypeError(
            "LBFGS asks for the loss several times in a step, which train does not "
            "offer: use another optimizer, or a loop of your own"
        )
    known = {id(p) for p in weights}
    if not any(id(p) in known for g in optimizer.param_groups for p in g["params"]):
        raise ValueError(
            f"the optimizer of {player!r} updates none of its weights: build it anew, "
            f"from model.parameters() or model.players()[{player!r}]"
        )


def check_average(model: Model, ema: EMA | None) -> None:
    """ValueError where ``ema`` is no average of this model, where it is now."""
    if ema is None:
        return
    mine = [id(p) for p in model.parameters()]  # maybe wrapped: the same weights
    kept = [id(p) for p in ema.online.parameters()]
    if not isinstance(ema.online, Model) or kept != mine:
        raise ValueError("ema averages another model: build it as EMA(model)")
    pairs = zip(ema.model.parameters(), model.parameters())
    if any(a.device != b.device or a.dtype != b.dtype for a, b in pairs):
        raise ValueError(
            "ema and model differ in device or dtype: build EMA(model) after moving "
            "the model"
        )


def check_place(data: Any) -> None:
    """ValueError where a run over ``data`` could not be taken up again."""
    if not (hasattr(data, "state_dict") and hasattr(data, "load_state_dict")):
        raise ValueError(
            "resume needs data that can say where it is (state_dict and "
            "load_state_dict): use gmcourse.data.Batches"
        )


def hyperparameters(optimizers: Mapping[str, Optimizer]) -> dict[str, Any]:
    """What each optimizer was told, group by group."""
    return {
        f"{key} of the {player}'s optimizer, group {i}": _plain(value)
        for player, optimizer in optimizers.items()
        for i, group in enumerate(optimizer.param_groups)
        for key, value in group.items()
        if key not in _ASIDE and _plain(value) is not None
    }


def numbers_of(model: Model) -> dict[str, Any]:
    """The plain numbers that a model was built with: beta, k, a dropout's p, …

    Numbers, strings and tuples of them in the public attributes of its parts, and of
    the objects that those hold (a likelihood, a condition); and their types. What is
    annealed counts as it is at step 0.
    """
    with _left_as_it_is(model):
        model.at(0)
        found = {
            f"{name}.{key}".removeprefix("."): value
            for name, thing in _things(model)
            for key, value in vars(thing).items()
            if not key.startswith("_") and key != "training"
            if _plain(value) is not None and not isinstance(value, Tensor)
        }
    for name, thing in _things(model):
        found[f"type of {name or 'the model'}"] = type(thing).__name__
    return found


@contextmanager
def _left_as_it_is(model: Model) -> Iterator[None]:
    """Undo what the block sets: attributes and what they hold, but for weights."""
    held: list[tuple[dict, dict]] = []
    for _, thing in _things(model):
        inner = (v for v in vars(thing).values() if isinstance(v, dict))  # buffers, too
        held += [(d, dict(d)) for d in (vars(thing), *inner)]
    values = [v for _, was in held for v in was.values()]
    lists = [(v, list(v)) for v in values if isinstance(v, list)]
    plain = (v for v in values if isinstance(v, Tensor) and not v.requires_grad)
    tensors = [(v, v.clone()) for v in plain]
    try:
        yield
    finally:
        for attributes, was in held:
            attributes.clear()
            attributes.update(was)
        for items, was in lists:
            items[:] = was
        for tensor, was in tensors:
            tensor.copy_(was)


def _compiled(module: Any) -> bool:
    """Whether it is what torch.compile returns; its class takes a second to import."""
    return type(module).__name__ == "OptimizedModule"


def _things(model: Model) -> Iterator[tuple[str, Any]]:
    """The parts of a model, and the plain objects in their attributes."""
    for name, part in model.named_modules():
        if _compiled(part):  # what is in it follows
            continue
        name = plain_name(f"{name}.").removesuffix(".")
        yield name, part
        for key, value in vars(part).items():
            known = isinstance(value, nn.Module | Tensor | type | FunctionType)
            if not key.startswith("_") and not known and hasattr(value, "__dict__"):
                yield f"{name}.{key}".removeprefix("."), value


def _plain(value: Any) -> Any:
    """A hyper-parameter as JSON gives it back; None for what is none."""
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        plain = [_plain(v) for v in value]
        return None if None in plain else plain
    return float(value) if isinstance(value, Tensor) and value.ndim == 0 else None


def compare(path: Path, mine: dict[str, Any], theirs: dict[str, Any]) -> None:
    """ValueError at the first number that a file of ``theirs`` contradicts."""
    for part in mine:
        # Keys of one side alone are another version's of torch, or of a class.
        if part in theirs and not _equal(mine[part], theirs[part]):
            raise ValueError(
                f"{path} was saved with {part}: {theirs[part]}, and this run has "
                f"{mine[part]}: give train what the first run was given, or another "
                "file"
            )


def _equal(a: Any, b: Any) -> bool:
    """Equal as far as a file and another machine's arithmetic keep numbers."""
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(_equal, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6) or (a != a and b != b)
    return a == b
