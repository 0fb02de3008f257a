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

from ._arguments import integer
from ._run import Run
from .core import EMA

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
        """The loss of the only player; ValueError where there are several."""
        if len(self.losses) != 1:
            raise ValueError(f"several players {list(self.losses)}: read step.losses")
        return next(iter(self.losses.values()))


def warmup_cosine(steps: int, warmup: int = 0) -> Callable[[int], float]:
    """A factor for the learning rate: linear up over ``warmup``, then a cosine to 0.

    Loshchilov & Hutter (2017), eq. 5, without restarts. For ``train(schedule=…)``.

    Raises:
        ValueError, TypeError: a number of steps that is no integer or is negative.
    """
    steps, warmup = integer("steps", steps, 0), integer("warmup", warmup, 0)

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
        ValueError, TypeError: the arguments do not fit each other, or the file or the
            run at ``resume`` does not fit them; it is left as it is.
        OSError: the run cannot be saved; the last good checkpoint is untouched.

    Example:
        >>> from gmcourse.autoencoders import Autoencoder
        >>> model = Autoencoder(nn.Linear(4, 2), nn.Linear(2, 4), event_shape=(4,))
        >>> adam = torch.optim.Adam(model.parameters())
        >>> [step.index for step in train(model, [torch.randn(8, 4)], adam, steps=3)]
        [1, 2, 3]
    """
    steps = integer("steps", steps, 0)
    if clip is not None and not clip > 0:
        raise ValueError(f"clip is {clip}; expected a positive norm, or None")
    if not save_seconds >= 0:
        raise ValueError(f"save_seconds is {save_seconds}; expected 0 or more")
    run = Run(model, data, optimizer, ema, resume)
    for group in run.groups():
        group.setdefault("initial_lr", group["lr"])
    return _loop(run, steps, autocast, clip, schedule, save_seconds, progress)


def _loop(
    run: Run,
    steps: int,
    autocast: torch.dtype | None,
    clip: float | None,
    schedule: Callable[[int], float] | None,
    save_seconds: float,
    progress: bool,
) -> Iterator[Step]:
    """The loop itself: for each batch, for each player, one update."""
    model, device, mixed = run.model, run.device, autocast is not None
    run.restore(steps)
    watch, line, saved_at = _Watch(run), _Line(steps, progress), time.monotonic()
    batches = run.batches()
    try:
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
                with torch.autocast(device.type, autocast, enabled=mixed):
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
    finally:  # also where the caller leaves the loop
        line.clear()


class _Watch:
    """Stops a run at a loss that is not finite, without making a GPU wait.

    On a CPU the loss is looked at before its update. On a GPU the verdict is
    copied while the device goes on, and read when the next loss is on its way.
    """

    def __init__(self, run: Run):
        self.run, self.pending = run, None

    def look(self, player: str, loss: Tensor, x: Tensor) -> None:
        step = self.run.step + 1
        if not isinstance(loss, Tensor) or loss.ndim:
            given = tuple(loss.shape) if isinstance(loss, Tensor) else type(loss)
            raise ValueError(
                f"the loss of {player!r} is {given}; expected a scalar tensor: the "
                "mean over the batch"
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
