"""What looks after a run: losses that are not finite, and a line of progress."""

import sys
import time

import torch
from torch import Tensor

from ._run import Run


class Watch:
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
        if not loss.requires_grad:
            raise RuntimeError(
                f"the loss of {player!r} needs no gradient: train is used inside "
                "torch.no_grad() or inference_mode(), all weights are frozen, or the "
                "loss was detached"
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


class Line:
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
