"""What an exercise is, and what a check of it finds."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from ._mistakes import MISTAKES

CATALOG: dict[str, "Exercise"] = {}


@dataclass(eq=False)
class Exercise:
    """One exercise: its card, its text and its check, whose decorator it is.

    ``answers`` names what is passed to ``check`` and says what it is: ``callable`` for
    a function or class, ``float`` for a number, else a type such as ``nn.Module``.
    ``misconceptions`` maps the name of a typical mistake to a sentence about it; the
    names in `MISTAKES` need none here. ``stub_mistake``: the stub is a broken program
    to repair, which the check must reject by this name.
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
    stub_mistake: str | None = None
    check: Callable[..., None] | None = None

    def __post_init__(self):
        if CATALOG.get(self.id, self).title != self.title:
            raise ValueError(f"exercise {self.id} is declared twice")
        CATALOG[self.id] = self

    def __call__(self, check: Callable[..., None]) -> "Exercise":
        self.check = check
        return self

    @property
    def repair(self) -> bool:
        """Whether the stub is a broken program."""
        return self.stub_mistake is not None

    def meaning(self, mistake: str) -> str:
        """The sentence about a mistake, or those about "one, and another"."""
        known = {**MISTAKES, **self.misconceptions}
        return " ".join(
            known[part] for part in mistake.split(", and ") if part in known
        )

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


def missing(value: Any) -> bool:
    """What a stub returns: ``...`` or None, also inside a tuple."""
    if isinstance(value, tuple):
        return any(v is ... for v in value)
    return value is ... or value is None or value is NotImplemented
