"""The engine of the exercise checks: what an exercise is, and one run of its check.

An ``Exercise`` is a declaration with a check: a function ``check(t, *answers)`` that
takes random inputs from a ``Trial`` ``t``, runs the learner's code through ``t.call``
and states properties of what came out. The first that does not hold ends the run.
"""

import contextlib
import copy
import os
import random
import textwrap
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn

CATALOG: dict[str, "Exercise"] = {}
OUTCOMES = ("passed", "not attempted", "error", "not yet")

# What may go wrong in any exercise, beside the misconceptions that each declares.
COMMON = {
    "input changed in place": "The caller still needs the tensors it passed in: "
    "make new ones instead of using += or exp_().",
    "global random state reseeded": "manual_seed inside the function makes every call "
    "draw the same numbers, and so does all code that runs after it.",
    "gradients switched off globally": "set_grad_enabled(False) outlives the call; "
    "put `with torch.no_grad():` around the lines that need it.",
    "not a tensor": "Other types lose the gradient and the device.",
    "wrong shape": "Look at which axes were summed, kept or broadcast.",
    "wrong dtype": "Look for constants or casts that change the type.",
    "not finite": "Look for log(0), division by 0 and exp of a large number.",
}


@dataclass(eq=False)
class Exercise:
    """One exercise: its card, its text and its check, whose decorator it is.

    ``answers`` names what is passed to ``check`` and says what it is: ``callable`` for
    a function or class, ``float`` for a number, else a type such as ``nn.Module``.
    ``misconceptions`` maps the name of a typical mistake to a sentence about it.
    ``repair``: the stub is a broken program, which the check must reject.
    Left undecorated, it is an open exercise: one without a check.
    """

    id: str
    title: str
    difficulty: int
    minutes: int
    compute: str
    points: int
    objectives: tuple[str, ...]
    statement: str
    stub: str
    hints: tuple[str, ...]
    answers: dict[str, Any] = field(default_factory=dict)
    misconceptions: dict[str, str] = field(default_factory=dict)
    repair: bool = False
    check: Callable[..., None] | None = None

    def __post_init__(self):
        if CATALOG.get(self.id, self).title != self.title:
            raise ValueError(f"exercise {self.id} is declared twice")
        CATALOG[self.id] = self

    def __call__(self, check: Callable[..., None]) -> "Exercise":
        self.check = check
        return self

    @property
    def usage(self) -> str:
        """The line that checks it."""
        return f'check("{self.id}", {", ".join(self.answers)})'

    def bind(self, given: tuple) -> list:
        """The answers, numbers as floats; TypeError where one is of another kind."""
        if len(given) != len(self.answers):
            raise TypeError(
                f"{self.usage} takes {len(self.answers)} answer(s) after the id; "
                f"{len(given)} given"
            )
        answers = []
        for (name, kind), answer in zip(self.answers.items(), given):
            if kind is float and not missing(answer):
                with contextlib.suppress(TypeError, ValueError, RuntimeError):
                    is_tensor = isinstance(answer, torch.Tensor)
                    answer = float(answer.detach() if is_tensor else answer)
            fits = callable(answer) if kind is callable else isinstance(answer, kind)
            if not fits and not missing(answer):
                due = "the function or class itself, not called"
                if kind is not callable:
                    due = "a number" if kind is float else kind.__name__
                raise TypeError(
                    f"{self.usage}: {name} must be {due}; {type(answer).__name__} given"
                )
            answers.append(answer)
        return answers


@dataclass(eq=False)
class Verdict:
    """What a check found; true only if passed.

    ``args`` are the inputs of the last call of the learner's code. ``false_alarm``
    bounds the probability that the distribution tests that ran reject right code.
    """

    id: str
    outcome: str
    text: str
    misconception: str | None
    properties: tuple[str, ...]
    args: tuple
    seed: int
    seconds: float
    false_alarm: float

    def __bool__(self):
        return self.outcome == "passed"

    def __repr__(self):
        return f"<{self.id} {self.outcome}>"

    def _ipython_display_(self):
        """Nothing: ``check`` has printed the text."""


class Stop(Exception):
    """Ends a run; ``lines`` are shown, each under its label."""

    def __init__(self, outcome: str, misconception: str | None = None, **lines: str):
        self.outcome, self.misconception, self.lines = outcome, misconception, lines


def run(exercise: Exercise, given: tuple, seed: int | None = None) -> Verdict:
    """Check the answers ``given``, with inputs drawn from ``seed``."""
    from ._trial import Trial

    if exercise.check is None:
        raise ValueError(f"{exercise.id} is an open exercise: it has no check")
    answers = exercise.bind(given)
    if seed is None:
        seed = int.from_bytes(os.urandom(4), "big") % 1_000_000
    if type(seed) is not int or not 0 <= seed < 2**31:
        raise ValueError(f"seed is {seed!r}; expected an integer, 0 or more")
    t = Trial(exercise, answers, seed)
    stop = Stop("passed")
    start = time.perf_counter()
    with undisturbed(seed, answers):
        try:
            for name, answer in zip(exercise.answers, answers):
                if missing(answer):
                    raise Stop("not attempted", got=f"{name} is {stub(answer)}")
            exercise.check(t, *answers)
        except Stop as reason:
            stop = reason
        except Exception as error:
            if not frames(error):
                note = "failed by itself; this is no mistake of yours: please report it"
                raise RuntimeError(f"{exercise.usage}, seed={seed}: {note}") from error
            stop = Stop("error", got=excerpt(error))
    seconds = time.perf_counter() - start
    head = f"{exercise.id} {stop.outcome} · {exercise.title}"
    if stop.outcome != "not attempted":  # the book's outputs do not change by the run
        head += f" · {1000 * seconds:.0f} ms"
    return Verdict(
        id=exercise.id,
        outcome=stop.outcome,
        text="\n".join([*wrap(head), *report(exercise, t, stop, seed)]),
        misconception=stop.misconception,
        properties=tuple(t.properties),
        args=t.args,
        seed=seed,
        seconds=seconds,
        false_alarm=t.false_alarm,
    )


@contextlib.contextmanager
def undisturbed(seed: int, answers: list):
    """The check's own random streams and modes; the learner's come back unchanged."""
    cuda = torch.cuda.is_initialized()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002
    with contextlib.ExitStack() as stack:
        gpus = list(range(torch.cuda.device_count())) if cuda else []
        stack.enter_context(torch.random.fork_rng(devices=gpus))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if device.type != "cpu":
            stack.enter_context(torch.device("cpu"))
        modules = [a for a in answers if isinstance(a, nn.Module)]
        states = [copy.deepcopy(m.state_dict()) for m in modules]
        modes = [(s, s.training) for m in modules for s in m.modules()]
        try:
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
            for module, state in zip(modules, states):
                module.load_state_dict(state)
            for module, training in modes:
                module.training = training


def missing(value: Any) -> bool:
    """What a stub returns: ``...`` or None, also inside a tuple."""
    if isinstance(value, tuple):
        return any(v is ... for v in value)
    return value is ... or value is None or value is NotImplemented


def stub(value: Any) -> str:
    return "..." if value is ... else str(value).replace("Ellipsis", "...")


def frames(error: BaseException) -> list[traceback.FrameSummary]:
    """The learner's lines in a traceback: not ours, not those of a package."""
    foreign = (os.path.dirname(__file__), os.path.dirname(os.__file__), "<frozen")
    return [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if not f.filename.startswith(foreign) and "-packages" not in f.filename
    ]


def excerpt(error: BaseException) -> str:
    """The learner's part of a traceback, its innermost lines, and the message."""
    lines = []
    for f in frames(error)[-4:]:
        cell = "ipykernel" in f.filename or f.filename.startswith("<")
        place = "cell" if cell else os.path.basename(f.filename)
        lines += [f"{place}, line {f.lineno}, in {f.name}", f"    {f.line}"]
    message = "".join(traceback.format_exception_only(type(error), error))
    return "\n".join([*lines, *message.strip().splitlines()[:4]])


def report(exercise: Exercise, t: Any, stop: Stop, seed: int) -> list[str]:
    """The lines below a verdict's head."""
    if stop.outcome == "passed":
        return [line for p in t.properties for line in wrap(f"- {p}", "  ", "    ")]
    again, known = f"{exercise.usage[:-1]}, seed={seed})", stop.misconception
    if t.called:
        again = f"v = {again}\n{t.called}(*v.args)"
    if known:
        known += ". " + {**COMMON, **exercise.misconceptions}.get(known, "")
    if stop.outcome == "not attempted":
        way = f'Write it (or the missing return); a hint: hint("{exercise.id}")'
        rows = {"got": stop.lines["got"], "next": way}
    elif stop.outcome == "error":
        rows = {"call": t.describe(), "got": stop.lines["got"], "again": again}
    else:
        rows = {
            "tested": t.properties[-1] if t.properties else exercise.title,
            "call": t.describe(),
            "expected": stop.lines["expected"],
            "got": stop.lines["got"],
            "likely": known,
            "again": again,
            "held": "; ".join(t.properties[:-1]),
        }
    lines = []
    for label, text in rows.items():
        for part in (text or "").splitlines():
            indent = part[: len(part) - len(part.lstrip())]
            lines += wrap(part.strip(), f"  {label:<10}{indent}", " " * 12 + indent)
            label = ""
    return lines


def wrap(text: str, first: str = "", rest: str = "  ") -> list[str]:
    return textwrap.wrap(
        text,
        78,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
