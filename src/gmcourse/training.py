"""The one training loop that serves every family.

Training is an iterator: logging, plots and early stopping are plain Python in the
body of the loop. A run can be left or killed at any moment and taken up again.
"""

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ._arguments import integer
from ._feed import batches
from ._run import Run
from ._signals import uninterrupted
from ._watch import Line, Watch
from .core import Model
from .state import EMA

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
    grad_norms: dict[str, Tensor]

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
    model: Model,
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

    The model is in train mode during every update, apart from parts that are frozen
    at the start: those in eval mode while the model itself is in train mode, and,
    where all of it is in eval mode, those whose weights all need no gradient.

    Args:
        model: what is to be trained.
        data: batches ``x`` or ``(x, c)``; started again when it ends.
        optimizer: one optimizer, or one per player: ``{"critic": …, "generator": …}``.
        steps: updates in all; a resumed run makes what is left of them.
        ema: averaged after each update; its ``ema.model`` is what to evaluate.
        autocast: ``torch.bfloat16`` runs the losses in mixed precision.
        clip: largest norm of each player's gradient.
        schedule: step (from 0) to a factor of each group's learning rate, which the
            groups have again when the loop ends. A pure function, so that a resumed
            run goes on with the same one (a scheduler of torch would start anew).
        resume: a file. The run is saved there every ``save_seconds``, at the end, and
            where the loop is left (``break``, an error in the body or in the data,
            Ctrl-C); an error within an update loses those since the last save.
            Where it exists, training goes on from it; on a CPU the end is bit for bit
            that of a run that was never stopped, as long as everything that changes
            on the way is a function of the step (``model.at``) or a buffer, and the
            body draws its random numbers inside ``seeded``. A finished run makes no
            turn. Compared with the file: the numbers that the optimizers, the average,
            ``clip``, ``autocast`` and the model's parts hold, and the values of the
            data, though not what a transform makes of them.
        progress: print one plain line that refreshes in place and then goes.

    Yields:
        a :class:`Step` after each update.

    Raises:
        FloatingPointError: a loss is not finite. The message names the step, the
            player and the last good checkpoint. On a GPU it is raised while the
            next update is on its way.
        ValueError, TypeError: the arguments do not fit each other, or ``resume`` holds
            another run: another model, optimizer, learning rate or other number that
            is compared, other data. Nothing is changed then.
        OSError: ``resume`` cannot be written.
        RuntimeError: gradients are switched off.

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
    if autocast not in (None, torch.bfloat16):
        raise TypeError(
            f"autocast is {autocast!r}; expected torch.bfloat16 or None (float16 needs "
            "its gradients scaled, which train does not do)"
        )
    mixed = None if autocast is None else str(autocast)
    run = Run(model, data, optimizer, ema, schedule, resume, clip=clip, autocast=mixed)
    return _loop(run, steps, autocast, clip, save_seconds, progress)


def _loop(
    run: Run,
    steps: int,
    autocast: torch.dtype | None,
    clip: float | None,
    save_seconds: float,
    progress: bool,
) -> Iterator[Step]:
    """The loop itself: for each batch one update, and what is kept of it."""
    run.restore(steps)
    watch, line, saved_at = Watch(run), Line(steps, progress), time.monotonic()
    feed, modes = batches(run.model, run.data), _Modes(run.model)
    try:
        while run.step < steps:
            with uninterrupted(run.path is not None):
                run.begin_step()
                modes.restore()
                x, c = next(feed)
                run.whole = False
                losses, norms = _update(run, x, c, watch, autocast, clip)
                run.end_step()
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
        with uninterrupted(run.path is not None):
            run.finish()


def _update(
    run: Run,
    x: Tensor,
    c: Tensor | None,
    watch: Watch,
    autocast: torch.dtype | None,
    clip: float | None,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """One update of each player on one batch: losses, and norms of the gradients."""
    losses, norms = {}, {}
    turns = run.model.losses(x, c)
    while True:
        # The players take turns: the next loss is computed after this update.
        with torch.autocast(run.device.type, autocast, enabled=autocast is not None):
            turn = next(turns, None)
        if turn is None:
            break
        player, loss = turn
        watch.look(player, loss, x)
        optimizer = run.optimizer_of(player)
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            weights = [p for g in optimizer.param_groups for p in g["params"]]
            norms[player] = nn.utils.clip_grad_norm_(weights, clip)
        optimizer.step()
        losses[player] = loss.detach()
    if not losses:
        raise ValueError(f"{type(run.model).__name__}.losses yielded no player")
    return losses, norms


class _Modes:
    """Train mode for what is to be trained; what is frozen stays in eval mode."""

    def __init__(self, model: Model):
        self.model = model
        if not model.training:
            for part in model.modules():
                weights = list(part.parameters())
                part.training = not weights or any(p.requires_grad for p in weights)
            model.training = True
            for part in model.modules():
                if not part.training:
                    part.eval()  # parts without weights, inside of a frozen one
        self.found = [(part, part.training) for part in model.modules()]

    def restore(self) -> None:
        """As at the start: the body may call ``eval()`` on all or some."""
        for part, training in self.found:
            part.training = training
