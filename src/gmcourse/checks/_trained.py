"""A model that was trained to a threshold."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from ._trial import Trial


def trained(t: "Trial", model: nn.Module):
    """Put the model into evaluation mode; all its weights are finite.

    It goes first: what diverged is to be told as that, and not by what follows.
    """
    model.eval()
    t.property("finite weights")
    for name, value in (*model.named_parameters(), *model.named_buffers()):
        bad = int((~torch.isfinite(value)).sum())
        got = f"{bad} of {value.numel()} entries of {name} are inf or nan"
        t.true(not bad, "Weights are finite numbers.", got, "training diverged")


def reached(
    t: "Trial",
    name: str,
    value: Any,
    bound: float,
    why: str,
    traps: dict[str, bool | Callable[[], bool]] | None = None,
    *,
    near: float,
    chance: float | None = None,
):
    """``value`` is at most ``bound``, a threshold set from 20 seeds of the reference.

    ``traps`` says of each mistake whether it is this one (a function is asked only
    where the threshold was missed). Else ``chance`` is what a model has that learned
    nothing, and up to ``near`` it is "not quite".
    """
    t.property(name)
    value = float(t.tensor(value).detach())
    if value <= bound:
        return
    mistake = "training diverged" if value != value else None
    for trap, holds in (traps or {}).items():
        mistake = mistake or (trap if (holds() if callable(holds) else holds) else None)
    if mistake is None and chance is not None and value >= chance:
        mistake = "untrained"
    mistake = mistake or (
        "not quite" if value < near else "not trained for long enough"
    )
    t.fail(mistake, why=why, got=f"{value:.6g} > {bound:.6g}")
