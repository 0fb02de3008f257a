"""Checks of the book's exercises: ``check("vae-03", reparameterize)``.

A check states properties of the answer on inputs drawn afresh at each call; it holds
no answer. How often each check is wrong is measured and published in the book.
"""

import difflib
import importlib
import pkgutil
from typing import Any

from ._engine import run
from ._exercise import CATALOG, Exercise, Verdict
from ._report import say, wrap

__all__ = ["Exercise", "Verdict", "catalog", "check", "hint", "run"]

_opened: dict[str, int] = {}


def check(id: str, *answers: Any, seed: int | None = None) -> Verdict:
    """Check the answers to an exercise, print what was found and return it.

    Args:
        id: the exercise's id, as in its heading.
        answers: what the exercise asks for, in the order of its stub.
        seed: draws the same inputs again; a report of a failure shows its seed.

    The random streams, gradient mode and default type and device of the caller are
    as before when it returns. Nothing is sent anywhere.

    Raises:
        ValueError: for an unknown id, an open exercise, or a seed out of range.
        TypeError: for a wrong number of answers, or one of another kind.
    """
    verdict = run(_find(id), answers, seed)
    say(verdict.text)
    return verdict


def hint(id: str) -> None:
    """Print the next hint of an exercise; after the last one, all of them."""
    hints = _find(id).hints
    n = _opened[id] = _opened.get(id, 0) + 1
    for i, text in enumerate(hints, 1):
        if i == n or n > len(hints):
            say("\n".join(wrap(f"Hint {i} of {len(hints)}: {text}")))


def catalog() -> dict[str, Exercise]:
    """All exercises by id."""
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(CATALOG.items()))


def _find(id: str) -> Exercise:
    if not isinstance(id, str):
        raise TypeError(
            f"the first argument is the exercise's id, such as "
            f'check("vae-03", reparameterize); {type(id).__name__} given'
        )
    exercises = catalog()
    if id not in exercises:
        close = difflib.get_close_matches(id, exercises, n=3, cutoff=0.5)
        close = close or sorted(exercises)[:8]
        raise ValueError(f"no exercise {id!r}; there is {', '.join(close)}")
    return exercises[id]
