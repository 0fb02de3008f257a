"""What surrounds a check: the caller's state, a time limit, a bound on what is printed.

All of it is as before when the check returns.
"""

import contextlib
import copy
import io
import random
import signal
import sys
import threading
import time
from typing import Any

import numpy as np
import torch
from torch import nn

LINES, CHARACTERS = 20, 4000  # that an answer may print in one check


@contextlib.contextmanager
def undisturbed(seed: int, answers: list):
    """The check's own random streams and modes; the learner's come back unchanged."""
    cuda = torch.cuda.is_initialized()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    strict = torch.get_deterministic_debug_mode()
    modules = [a for a in answers if isinstance(a, nn.Module)]
    states = [copy.deepcopy(m.state_dict()) for m in modules]
    modes = [(s, s.training) for m in modules for s in m.modules()]
    try:
        with contextlib.ExitStack() as stack:
            gpus = list(range(torch.cuda.device_count())) if cuda else []
            stack.enter_context(torch.random.fork_rng(devices=gpus))
            stack.enter_context(torch.inference_mode(False))  # gradients are on then
            for kind in ("cpu", "cuda") if cuda else ("cpu",):
                stack.enter_context(torch.autocast(kind, enabled=False))
            if device.type != "cpu":
                stack.enter_context(torch.device("cpu"))
            # Another stream than the inputs', and no seed that a learner would set.
            stream = 2**40 + 1_000_003 + seed
            # Not torch.manual_seed: it would also seed a CUDA that starts later.
            torch.default_generator.manual_seed(stream)
            if cuda:
                torch.cuda.manual_seed_all(stream)
            random.seed(stream)
            np.random.seed(stream % 2**32)  # noqa: NPY002
            torch.set_default_dtype(torch.float32)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)  # noqa: NPY002
        torch.set_default_dtype(dtype)
        torch.set_deterministic_debug_mode(strict)
        if torch.get_default_device() != device:  # an answer has set another one
            torch.set_default_device(None)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        for module, state in zip(modules, states):
            module.load_state_dict(state)
        for module, training in modes:
            module.training = training


class TimeUp(BaseException):
    """Not an Exception: an answer that catches those does not catch this."""


@contextlib.contextmanager
def deadline(seconds: float):
    """Raise `TimeUp` in the block after so many seconds, without another thread.

    By a signal, so only where there is one and in the main thread; a timer of somebody
    else that ends sooner goes first. Elsewhere there is no limit.
    """
    able = hasattr(signal, "setitimer")
    able = able and threading.current_thread() is threading.main_thread()
    left, every = signal.getitimer(signal.ITIMER_REAL) if able else (0.0, 0.0)
    if not able or 0 < left <= seconds:
        yield
        return

    def stop(*_: Any):
        raise TimeUp

    start, old = time.monotonic(), signal.signal(signal.SIGALRM, stop)
    try:
        # Again each second, for an answer that catches everything.
        signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        if left:
            rest = max(left - (time.monotonic() - start), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, rest, every)


class Bounded(io.TextIOBase):
    """Passes a stream's first lines on; ``dropped`` counts the characters of others."""

    def __init__(self, stream: Any):
        self.stream, self.lines, self.characters, self.dropped = stream, 0, 0, 0

    def writable(self):
        return True

    def write(self, text: str) -> int:
        for line in text.splitlines(keepends=True):
            if self.lines >= LINES or self.characters + len(line) > CHARACTERS:
                self.lines = LINES
                self.dropped += len(line)
                continue
            self.stream.write(line)
            self.lines += line.endswith("\n")
            self.characters += len(line)
        return len(text)

    def flush(self):
        self.stream.flush()

    def __getattr__(self, name: str):
        return getattr(self.stream, name)


@contextlib.contextmanager
def few_lines():
    """What the block prints, by either stream, ends after some lines."""
    out, err = Bounded(sys.stdout), Bounded(sys.stderr)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            yield
    finally:
        dropped = out.dropped + err.dropped
        if dropped:
            print(f"[... {dropped:,} more characters that your code printed]")
