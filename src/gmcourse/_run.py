"""A training run: what an update works on, and what a checkpoint must hold."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from . import checkpoint
from .core import EMA, check_fit


class Run:
    """Model, data, optimizers and average, with their place on disk."""

    def __init__(
        self,
        model: nn.Module,
        data: Iterable[Any],
        optimizer: Optimizer | Mapping[str, Optimizer],
        ema: EMA | None,
        path: str | os.PathLike | None,
    ):
        self.model, self.data, self.ema = model, data, ema
        self.path = None if path is None else Path(path)
        # A single optimizer gets its player's name from the first loss.
        several = isinstance(optimizer, Mapping)
        self.optimizers = dict(optimizer) if several else {"": optimizer}
        self._check()
        self.device = next(model.parameters()).device
        self.step, self.saved = 0, None

    def _check(self) -> None:
        """What can be refused before the first update."""
        weights = list(self.model.parameters())
        known = {id(p) for p in weights}
        for optimizer in self.optimizers.values():
            if not isinstance(optimizer, Optimizer):
                given = type(optimizer).__name__
                raise TypeError(f"optimizer is a {given}; expected a torch.optim one")
            groups = optimizer.param_groups
            if not any(id(p) in known for group in groups for p in group["params"]):
                raise ValueError(
                    "the optimizer updates none of this model's weights: build it "
                    "anew from model.parameters()"
                )
        if self.ema is not None:
            if self.ema.source is not self.model:
                raise ValueError("ema averages another model: build it as EMA(model)")
            pairs = zip(self.ema.model.parameters(), weights)
            if any(a.device != b.device or a.dtype != b.dtype for a, b in pairs):
                raise ValueError(
                    "ema and model differ in device or dtype: build EMA(model) after "
                    "moving the model"
                )
        if self.path is not None and not hasattr(self.data, "state_dict"):
            raise ValueError(
                "resume needs data that can say where it is (state_dict and "
                "load_state_dict): use gmcourse.data.Batches"
            )

    def groups(self) -> list[dict]:
        """The parameter groups of all optimizers."""
        return [group for o in self.optimizers.values() for group in o.param_groups]

    def optimizer_of(self, player: str) -> Optimizer:
        """The optimizer of a player; a single one serves the first that asks."""
        if "" in self.optimizers:
            # A second player would share its state.
            self.optimizers = {player: self.optimizers.pop("")}
        if player not in self.optimizers:
            raise ValueError(
                f"{type(self.model).__name__} has a player {player!r}, but optimizers "
                f"were given for {sorted(self.optimizers)}: pass one per player, "
                f"optimizer={{{player!r}: …}}"
            )
        return self.optimizers[player]

    def batches(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """``(x, c)`` for ever; the first labels are looked at even on a GPU."""
        first = hasattr(self.model, "check_condition")
        while True:
            empty = True
            for batch in self.data:
                x, c = _pair(batch)
                if first and c is not None:
                    self.model.check_condition(c.cpu(), len(x))
                empty = first = False
                yield x, c
            if empty:
                raise ValueError("data is empty (or an iterator already used up)")

    def save(self) -> None:
        """Write a checkpoint, unless the weights are spoilt."""
        if not all(p.isfinite().all() for p in self.model.parameters()):
            raise FloatingPointError(
                f"step {self.step} left weights that are not finite. {self.last_good()}"
            )
        tensors: dict[str, Tensor] = {}
        picture = checkpoint.flatten(self._state(), tensors, "run")
        shapes = {k: list(v.shape) for k, v in self.model.state_dict().items()}
        meta = {"step": self.step, "model": type(self.model).__name__, "run": picture}
        meta |= {"shapes": shapes, "parts": self._parts()}
        assert self.path is not None
        checkpoint.write(self.path, tensors, meta)
        self.saved = self.step

    def _state(self) -> dict:
        model, cuda = self.model, self.device.type == "cuda"
        average = None
        if self.ema is not None:
            state = self.ema.model.state_dict()
            average = {"updates": self.ema.updates, "model": state}
        return {
            "model": model.state_dict(),
            "ema": average,
            "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()},
            "data": self.data.state_dict(),  # type: ignore[attr-defined]
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self.device) if cuda else None,
        }

    def _parts(self) -> dict:
        """What the run that goes on must have been given too."""
        return {
            "an average (ema)": self.ema is not None,
            "optimizers": {
                player: [type(o).__name__, *(len(g["params"]) for g in o.param_groups)]
                for player, o in self.optimizers.items()
            },
        }

    def _fits(self, path: Path, meta: dict) -> None:
        if "parts" not in meta:
            raise ValueError(
                f"{path} does not hold a run: gmcourse.load reads what save wrote"
            )
        shapes = {k: tuple(v) for k, v in meta["shapes"].items()}
        check_fit(self.model, shapes, meta, path)
        for player in meta["parts"]["optimizers"]:
            self.optimizer_of(player)
        mine = self._parts()
        for part, there in meta["parts"].items():
            if mine[part] != there:
                raise ValueError(
                    f"{path} was saved with {part}: {there}, and this run has "
                    f"{mine[part]}: give train what the first run was given"
                )

    def restore(self, steps: int) -> None:
        """Go on from the newest good checkpoint, if there is one."""
        if self.path is None:
            return
        found = checkpoint.read_latest(self.path, self._fits)
        if found is None:
            return
        tensors, meta = found
        if meta["step"] > steps:
            raise ValueError(
                f"{self.path} is already at step {meta['step']}, and steps is {steps}: "
                "ask for as many steps at least, or give another file"
            )
        state = checkpoint.unflatten(meta["run"], tensors)
        # The data first: it may refuse, and nothing has been changed by then.
        try:
            self.data.load_state_dict(state["data"])  # type: ignore[attr-defined]
        except ValueError as error:
            raise ValueError(f"{self.path}: {error}") from error
        self.model.load_state_dict(state["model"])
        if self.ema is not None:
            self.ema.updates = state["ema"]["updates"]
            self.ema.model.load_state_dict(state["ema"]["model"])
        for player, saved in state["optimizers"].items():
            self.optimizers[player].load_state_dict(saved)
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_rng"], self.device)
        self.step = self.saved = meta["step"]

    def last_good(self) -> str:
        """Where to go on from, in a sentence."""
        if self.path is None:
            return "No checkpoint was kept: train(…, resume=path) keeps one"
        if self.saved is None:
            return f"No checkpoint was written to {self.path} yet"
        return f"The last good checkpoint is {self.path}, of step {self.saved}"


def _pair(batch: Any) -> tuple[Tensor, Tensor | None]:
    """``x`` or ``(x, c)``, also as the list of a torch DataLoader."""
    parts = list(batch) if isinstance(batch, tuple | list) else [batch]
    x, *rest = parts or [None]
    if not isinstance(x, Tensor) or len(rest) > 1:
        given = [type(part).__name__ for part in parts]
        raise TypeError(f"a batch is {given}; expected a tensor x, or x and labels c")
    c = rest[0] if rest else None
    if not isinstance(c, Tensor | None):
        raise TypeError(f"c is a {type(c).__name__}; expected a tensor of labels")
    return x, c
