"""The one training loop that serves every family.

Training is an iterator: logging, plots and early stopping are plain Python in the
body of the loop. A run can be killed at any moment and taken up again.
"""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from . import checkpoint
from .core import EMA, check_fit

__all__ = ["Step", "train", "warmup_cosine"]


@dataclass(frozen=True)
class Step:
    """What the body of a training loop sees after each update.

    Attributes:
        index: updates made so far, from 1.
        losses: the last loss of each player, detached, on the model's device.
        grad_norms: the norm of each player's gradient before clipping; empty
            unless ``clip`` was given.
    """

    index: int
    losses: dict[str, Tensor]
    grad_norms: dict[str, Tensor] = field(default_factory=dict)

    @property
    def loss(self) -> Tensor:
        """The loss of the only player."""
        if len(self.losses) != 1:
            raise ValueError(f"several players {list(self.losses)}: read step.losses")
        return next(iter(self.losses.values()))


def warmup_cosine(steps: int, warmup: int = 0) -> Callable[[int], float]:
    """A factor for the learning rate: linear up over ``warmup``, then a cosine to 0.

    Loshchilov & Hutter (2017), eq. 5, without restarts. For ``train(schedule=…)``.
    """

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        done = (step - warmup) / max(1, steps - warmup)
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))

    return factor


def train(
    model: nn.Module,
    data: Iterable[Any],
    optimizer: Optimizer | Mapping[str, Optimizer],
    *,
    steps: int,
    ema: EMA | None = None,
    autocast: torch.dtype | None = None,
    clip: float | None = None,
    schedule: Callable[[int], float] | None = None,
    resume: str | os.PathLike | None = None,
    save_seconds: float = 60.0,
    progress: bool = False,
) -> Iterator[Step]:
    """Train ``model``: an iterator that makes one update per turn.

    Args:
        model: a GenerativeModel, or any module with ``losses(x, c)``.
        data: batches ``x`` or ``(x, c)``; started again when it ends.
        optimizer: one optimizer, or one per player: ``{"critic": …, "generator": …}``.
        steps: updates in all; a resumed run makes what is left of them.
        ema: averaged after each update; its ``ema.model`` is what to evaluate.
        autocast: ``torch.bfloat16`` runs the losses in mixed precision.
        clip: largest norm of each player's gradient.
        schedule: step (from 0) to a factor of each group's learning rate; a pure
            function, so that a resumed run goes on with the same one.
        resume: a file. The run is saved there every ``save_seconds`` and at the
            end: weights, average, optimizers, random streams, position in the
            data. Where it exists, training goes on from it; on a CPU the end is
            bit for bit that of a run that was never stopped.
        progress: print one plain line that refreshes in place and then goes.

    Yields:
        a :class:`Step` after each update.

    Raises:
        FloatingPointError: a loss is not finite. The message names the step, the
            player and the last good checkpoint. On a GPU it is raised while the
            next step is under way, so that the GPU never waits.
        ValueError: the arguments do not fit each other, or ``resume`` is unusable.

    Example:
        >>> from gmcourse.autoencoders import Autoencoder
        >>> model = Autoencoder(nn.Linear(4, 2), nn.Linear(2, 4), event_shape=(4,))
        >>> adam = torch.optim.Adam(model.parameters())
        >>> [step.index for step in train(model, [torch.randn(8, 4)], adam, steps=3)]
        [1, 2, 3]
    """
    if steps < 0:
        raise ValueError(f"steps is {steps}; expected 0 or more")
    if ema is not None and ema.source is not model:
        raise ValueError("ema averages another model: build it as EMA(model)")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip}; expected a positive norm, or None")
    run = _Run(model, data, optimizer, ema, resume)
    for group in run.groups():
        group.setdefault("initial_lr", group["lr"])
    return _loop(run, steps, autocast, clip, schedule, save_seconds, progress)


def _loop(
    run: "_Run",
    steps: int,
    autocast: torch.dtype | None,
    clip: float | None,
    schedule: Callable[[int], float] | None,
    save_seconds: float,
    progress: bool,
) -> Iterator[Step]:
    """The loop itself: for each batch, for each player, one update."""
    model, device = run.model, run.device
    run.restore()
    watch, line, saved_at = _Watch(run), _Line(steps, progress), time.monotonic()
    batches = run.batches()
    while run.step < steps:
        x, c = next(batches)
        x, c = x.to(device), None if c is None else c.to(device)
        if not model.training:
            model.train()
        if schedule is not None:
            for group in run.groups():
                group["lr"] = group["initial_lr"] * schedule(run.step)
        losses, norms = {}, {}
        turns = model.losses(x, c)
        while True:
            # The players take turns: the next loss is computed after this update.
            with torch.autocast(device.type, autocast, enabled=autocast is not None):
                turn = next(turns, None)
            if turn is None:
                break
            player, loss = turn
            watch.look(player, loss, x)
            optimizer = run.optimizer_of(player)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            if clip is not None:
                weights = [p for g in optimizer.param_groups for p in g["params"]]
                norms[player] = nn.utils.clip_grad_norm_(weights, clip)
            optimizer.step()
            losses[player] = loss.detach()
        if not losses:
            raise ValueError(f"{type(model).__name__}.losses yielded no player")
        if run.ema is not None:
            run.ema.update()
        run.step += 1
        line.show(run.step, losses)
        yield Step(run.step, losses, norms)
        now = time.monotonic()
        if run.path and (now - saved_at >= save_seconds or run.step == steps):
            watch.settle()
            run.save()
            saved_at = time.monotonic()
    watch.settle()
    line.clear()


class _Run:
    """Everything that a training run must carry on with: what a checkpoint holds."""

    def __init__(self, model, data, optimizer, ema, path):
        self.model, self.data, self.ema, self.path = model, data, ema, path
        self.optimizers: dict[str, Optimizer] = {}
        self.only: Optimizer | None = None
        if isinstance(optimizer, Mapping):
            self.optimizers = dict(optimizer)
        else:
            self.only = optimizer
        self.device = next(model.parameters()).device
        self.step, self.saved = 0, None
        if path is not None and not hasattr(data, "state_dict"):
            raise ValueError(
                "resume needs data that can say where it is (state_dict and "
                "load_state_dict): use gmcourse.data.Batches"
            )

    def groups(self) -> list[dict]:
        optimizers = [self.only] if self.only else self.optimizers.values()
        return [group for o in optimizers for group in o.param_groups]

    def optimizer_of(self, player: str) -> Optimizer:
        if self.only is not None:
            # One optimizer serves one player; a second one would share its state.
            self.optimizers, self.only = {player: self.only}, None
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
                x, c = batch if isinstance(batch, tuple | list) else (batch, None)
                if first and c is not None:
                    self.model.check_condition(c.cpu(), len(x))
                empty = first = False
                yield x, c
            if empty:
                raise ValueError("data is empty (or an iterator already used up)")

    def state(self) -> dict:
        model, cuda = self.model, self.device.type == "cuda"
        optimizers = {"": self.only} if self.only else self.optimizers
        return {
            "model": model.state_dict(),
            "ema": self.ema
            and {"updates": self.ema.updates, **self.ema.model.state_dict()},
            "optimizers": {k: o.state_dict() for k, o in optimizers.items()},
            "data": self.data.state_dict(),
            "rng": torch.get_rng_state(),
            "cuda_rng": torch.cuda.get_rng_state(self.device) if cuda else None,
        }

    def save(self) -> None:
        if not all(p.isfinite().all() for p in self.model.parameters()):
            raise FloatingPointError(
                f"step {self.step} left weights that are not finite. {self.last_good()}"
            )
        tensors: dict[str, Tensor] = {}
        picture = checkpoint.flatten(self.state(), tensors, "run")
        shapes = {k: list(v.shape) for k, v in self.model.state_dict().items()}
        meta = {"step": self.step, "model": type(self.model).__name__, "run": picture}
        checkpoint.write(self.path, tensors, {**meta, "shapes": shapes})
        self.saved = self.step

    def restore(self) -> None:
        """Go on from the newest good checkpoint, if there is one."""

        def fits(meta: dict) -> None:
            shapes = {k: tuple(v) for k, v in meta.get("shapes", {}).items()}
            check_fit(self.model, shapes, meta, self.path)
            if bool(self.ema) != (unpack(meta, "ema") is not None):
                raise ValueError(f"{self.path} and this run differ in having an ema")

        def unpack(meta: dict, key: str) -> Any:
            return dict(meta["run"]["dict"])[key]

        found = checkpoint.read_latest(self.path, fits) if self.path else None
        if found is None:
            return
        tensors, meta = found
        state = checkpoint.unflatten(meta["run"], tensors)
        self.model.load_state_dict(state["model"])
        if self.ema is not None:
            self.ema.updates = state["ema"].pop("updates")
            self.ema.model.load_state_dict(state["ema"])
        for player, saved in state["optimizers"].items():
            optimizer = self.only or self.optimizer_of(player)
            optimizer.load_state_dict(saved)
        self.data.load_state_dict(state["data"])
        torch.set_rng_state(state["rng"])
        if state["cuda_rng"] is not None and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["cuda_rng"], self.device)
        self.step = self.saved = meta["step"]

    def last_good(self) -> str:
        if self.path is None:
            return "No checkpoint was kept: train(…, resume=path) keeps one"
        if self.saved is None:
            return f"No checkpoint was written to {self.path} yet"
        return f"The last good checkpoint is {self.path}, of step {self.saved}"


class _Watch:
    """Stops a run at a loss that is not finite, without making a GPU wait.

    On a CPU the loss is looked at before its update. On a GPU the verdict is
    copied while the device goes on, and read when the next loss is on its way.
    """

    def __init__(self, run: _Run):
        self.run, self.pending = run, None

    def look(self, player: str, loss: Tensor, x: Tensor) -> None:
        step = self.run.step + 1
        if loss.ndim:
            raise ValueError(
                f"the loss of {player!r} has shape {tuple(loss.shape)}; expected a "
                "scalar: the mean over the batch"
            )
        if loss.device.type != "cuda":
            self._judge(step, player, bool(loss.detach().isfinite()), x)
            return
        finite = loss.detach().isfinite().to("cpu", non_blocking=True)
        copied = torch.cuda.Event()
        copied.record(torch.cuda.current_stream(loss.device))
        self.settle()
        self.pending = (copied, step, player, finite, x)

    def settle(self) -> None:
        """Read the verdict that is still on its way."""
        if self.pending is not None:
            copied, step, player, finite, x = self.pending
            self.pending = None
            copied.synchronize()
            self._judge(step, player, bool(finite), x)

    def _judge(self, step: int, player: str, finite: bool, x: Tensor) -> None:
        if finite:
            return
        cause = (
            "Lower the learning rate, or clip the gradient"
            if bool(x.isfinite().all())
            else "The batch itself holds values that are not finite: look at the data"
        )
        raise FloatingPointError(
            f"step {step}: the loss of player {player!r} is not finite. {cause}. "
            f"{self.run.last_good()}"
        )


class _Line:
    """One line of plain text that refreshes in place, at most twice a second."""

    def __init__(self, steps: int, wanted: bool):
        self.steps, self.wanted, self.width = steps, wanted, 0
        self.start = self.last = time.monotonic()
        self.first: int | None = None

    def show(self, step: int, losses: dict[str, Tensor]) -> None:
        now = time.monotonic()
        self.first = step - 1 if self.first is None else self.first
        if not self.wanted or now - self.last < 0.5:
            return
        self.last = now
        rate = (step - self.first) / (now - self.start)
        values = ", ".join(f"{k} {v.item():.4g}" for k, v in losses.items())
        left = (self.steps - step) / rate
        text = (
            f"step {step}/{self.steps}, {values}, {rate:.3g} steps/s, {left:.0f} s left"
        )
        self._print(text.ljust(self.width))
        self.width = len(text)

    def clear(self) -> None:
        if self.width:
            self._print(" " * self.width + "\r")

    def _print(self, text: str) -> None:
        sys.stdout.write("\r" + text)
        sys.stdout.flush()
