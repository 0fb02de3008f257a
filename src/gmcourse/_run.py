"""A training run: what an update works on, and what a checkpoint must hold."""

import atexit
import os
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from . import checkpoint
from ._given import (
    by_player,
    check_average,
    check_place,
    compare,
    hyperparameters,
    numbers_of,
)
from .core import Model
from .state import EMA, check_fit, put, weights

# Runs whose loop was left and not closed: a notebook keeps the loop of a cell that
# failed alive, in its traceback. The next run with the same model, optimizer or file
# must find what that one had done.
_ALIVE: "weakref.WeakSet[Run]" = weakref.WeakSet()
# Models of earlier runs: what train was given, and what was left at the end.
_LEFT: "weakref.WeakKeyDictionary[Model, tuple]" = weakref.WeakKeyDictionary()


@atexit.register  # a loop at the top of a script is not closed in time
def _finish_all() -> None:
    for run in list(_ALIVE):
        run.finish()


class Run:
    """Model, data, optimizers and average, with their place on disk."""

    def __init__(
        self,
        model: Model,
        data: Iterable[Any],
        optimizer: Optimizer | Mapping[str, Optimizer],
        ema: EMA | None,
        schedule: Callable[[int], float] | None,
        path: str | os.PathLike | None,
        **numbers: Any,
    ):
        self.model, self.data, self.ema, self.schedule = model, data, ema, schedule
        self.path = None if path is None else Path(path).resolve()
        self.optimizers = by_player(model, optimizer)
        check_average(model, ema)
        self.device = model.device
        if self.path is not None:
            check_place(data)
            # Refuses what no file keeps.
            checkpoint.flatten(self._state() | self._place(), {}, "run")
            checkpoint.prepare(self.path)
        self.step, self.saved, self.whole, self.factor = 0, None, True, 1.0
        self.heir: Path | None = None  # the file, where another run writes it now
        self.place: dict[str, Any] = {}  # random streams and data at the last update
        self._end_earlier_runs()
        # As the caller gave them: training will change some.
        self.rates = {
            player: [group["lr"] for group in o.param_groups]
            for player, o in self.optimizers.items()
        }
        now, (given, left) = self._numbers(), _LEFT.get(model, ({}, {}))
        # What an earlier run here has changed, and nobody since, counts as it was.
        kept = {k: given[k] for k in given if k in now and left.get(k) == now[k]}
        self.given = numbers | now | kept
        _ALIVE.add(self)

    def _numbers(self) -> dict[str, Any]:
        return numbers_of(self.model) | hyperparameters(self.optimizers)

    def _end_earlier_runs(self) -> None:
        """Those that share the model, an optimizer or the file."""
        mine = set(map(id, (self.model, *self.optimizers.values())))
        for run in list(_ALIVE):
            same_file = self.path is not None and run.path == self.path
            if same_file or mine & set(map(id, (run.model, *run.optimizers.values()))):
                run.finish()
            if same_file:
                run.path, run.heir = None, self.path

    def _set_rates(self, factor: float) -> None:
        for group, rate in self._paced():
            group["lr"] = rate * factor
        self.factor = factor

    def _give_back_rates(self) -> None:
        """Apart from those that somebody has set since."""
        for group, rate in self._paced():
            if group["lr"] == rate * self.factor:
                group["lr"] = rate

    def _paced(self) -> Iterator[tuple[dict, float]]:
        """The groups that were there at the start, each with its rate."""
        for player, optimizer in self.optimizers.items():
            yield from zip(optimizer.param_groups, self.rates[player])

    def optimizer_of(self, player: str) -> Optimizer:
        """The optimizer of a player."""
        if player not in self.optimizers:
            raise ValueError(
                f"{type(self.model).__name__}.losses yielded {player!r}, and its "
                f"players() are {list(self.optimizers)}"
            )
        return self.optimizers[player]

    def begin_step(self) -> None:
        """Everything that is a function of the number of updates made so far."""
        if self.heir is not None:
            warnings.warn(
                f"{self.heir} is written by a later loop: this one, of step "
                f"{self.step}, is kept in no file",
                stacklevel=4,
            )
            self.heir = None
        self._at(self.step)
        if self.schedule is not None:
            self._set_rates(float(self.schedule(self.step)))

    def _at(self, step: int) -> None:
        self.model.at(step)
        if self.ema is not None:
            self.ema.model.at(step)

    def end_step(self) -> None:
        """Count the update, and average."""
        if self.ema is not None:
            self.ema.update()
        self.step += 1
        self.whole = True
        if self.path is not None:
            self.place = self._place()

    def finish(self) -> None:
        """Save what no file holds yet, and give the rates back to the caller."""
        self._give_back_rates()
        if self.step:
            _LEFT[self.model] = self.given, self._numbers()
        if self.path is None or not self.whole or self.step <= (self.saved or 0):
            return
        if self.saved and not self.path.exists():
            return  # somebody has removed it: it is not to come back
        try:
            # Whoever closes a loop may have another random stream by now (a block of
            # `seeded` has ended), and may have drawn a batch: those of the update.
            self.save(self.place)
        except FloatingPointError as error:
            warnings.warn(str(error), stacklevel=2)

    def save(self, place: dict[str, Any] | None = None) -> None:
        """Write a checkpoint, unless the weights are spoilt."""
        trained = (p for p in self.model.parameters() if p.requires_grad)
        if not all(p.isfinite().all() for p in trained):
            raise FloatingPointError(
                f"step {self.step} left weights that are not finite. {self.last_good()}"
            )
        tensors: dict[str, Tensor] = {}
        state = self._state() | (place or self._place())
        picture = checkpoint.flatten(state, tensors, "run")
        shapes = {k: list(v.shape) for k, v in weights(self.model).items()}
        meta = {"step": self.step, "model": type(self.model).__name__, "run": picture}
        meta |= {"shapes": shapes, "parts": self._parts(self.step)}
        assert self.path is not None
        checkpoint.write(self.path, tensors, meta)
        self.saved = self.step

    def _state(self) -> dict:
        average = None
        if self.ema is not None:
            average = {"updates": self.ema.updates, "model": weights(self.ema.model)}
        return {
            "model": weights(self.model),
            "ema": average,
            "optimizers": {k: o.state_dict() for k, o in self.optimizers.items()},
        }

    def _place(self) -> dict[str, Any]:
        """Where the data and PyTorch's random streams are."""
        cuda = self.device.type == "cuda"
        return {
            "data": self.data.state_dict(),  # type: ignore[attr-defined]
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self.device) if cuda else None,
        }

    def _parts(self, step: int) -> dict:
        """What the run that goes on must have been given too."""
        factor = None
        if self.schedule is not None:
            factor = float(self.schedule(step - 1))
        return {
            "an average (ema)": self.ema is not None,
            "the average's decay": None if self.ema is None else self.ema.decay,
            "optimizers": {
                player: [type(o).__name__, *(len(g["params"]) for g in o.param_groups)]
                for player, o in self.optimizers.items()
            },
            "weights of the types": sorted(
                {str(v.dtype) for v in self.model.state_dict().values()}
            ),
            f"a factor of the schedule at step {step}": factor,
            **self.given,
        }

    def _fits(self, path: Path, meta: dict) -> None:
        if "parts" not in meta:
            raise ValueError(
                f"{path} does not hold a run: gmcourse.load reads what save wrote"
            )
        shapes = {k: tuple(v) for k, v in meta["shapes"].items()}
        check_fit(self.model, shapes, meta, path)
        compare(path, self._parts(meta["step"]), meta["parts"])

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
        put(self.model, state["model"])
        if self.ema is not None:
            self.ema.updates = state["ema"]["updates"]
            put(self.ema.model, state["ema"]["model"])
        for player, saved in state["optimizers"].items():
            self.optimizers[player].load_state_dict(saved)
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_rng"], self.device)
        self.step = self.saved = meta["step"]
        self._at(self.step - 1)  # as after the last update

    def last_good(self) -> str:
        """Where to go on from, in a sentence."""
        if self.path is None:
            return "No checkpoint was kept: train(…, resume=path) keeps one"
        if self.saved is None:
            return f"No checkpoint was written to {self.path} yet"
        return f"The last good checkpoint is {self.path}, of step {self.saved}"
