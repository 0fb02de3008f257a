"""Checks of the book's exercises: ``check("vae-03", reparameterize)``.

A check states properties of the answer on inputs drawn afresh at each call; it holds
no answer. How often each check is wrong is measured and published in the book.
"""

import difflib
import importlib
import pkgutil
import re
import sys
from functools import cache
from typing import Any

from ._engine import run
from ._exercise import CATALOG, Exercise, Verdict
from ._report import colored, say, tell, wrap

__all__ = ["Exercise", "Verdict", "catalog", "check", "hint", "run"]

_opened: dict[str, int] = {}


def check(id: str, *answers: Any, seed: int | None = None) -> Verdict:
    """Check the answers to an exercise, print what was found and return it.

    Args:
        id: the exercise's id, as in its heading.
        answers: what the exercise asks for, in the order of its stub.
        seed: draws the same inputs again; a report of a failure shows its seed.

    The random streams, gradient mode, autocast and default type and device of the
    caller are as before when it returns. Nothing is sent anywhere.

    Raises:
        ValueError: for an unknown id, an open exercise, or a seed out of range.
        TypeError: for a wrong number of answers, or one of another kind.
    """
    verdict = run(_find(id), answers, seed)
    sys.stderr.flush()  # what the answer printed stands above
    tell(verdict.text, "text/html", colored(verdict.text, verdict.outcome))
    return verdict


def hint(id: str) -> None:
    """Show the next hint of an exercise; after the last one, all of them."""
    hints = _find(id).hints
    if not hints:
        say(f"{id} has no hints.")
    n = _opened[id] = _opened.get(id, 0) + 1
    for i, text in enumerate(hints, 1):
        if i == n or n > len(hints):
            head = f"Hint {i} of {len(hints)}:"
            rich = f"**{head}** {text}"  # with its formulas set
            tell("\n".join(wrap(f"{head} {text}")), "text/markdown", rich)


def catalog() -> dict[str, Exercise]:
    """All exercises by id."""
    for name in _modules().values():
        importlib.import_module(name)
    return dict(sorted(CATALOG.items()))


@cache
def _modules() -> dict[str, str]:
    """The module of each exercise by its id: vae-03 is in checks/vae/vae_03.py."""
    found = {}
    for topic in pkgutil.iter_modules(__path__):
        if topic.ispkg:
            package = importlib.import_module(f"{__name__}.{topic.name}")
            for module in pkgutil.iter_modules(package.__path__):
                if not module.name.startswith("_"):
                    id = module.name.replace("_", "-")
                    found[id] = f"{package.__name__}.{module.name}"
    return found


def _find(id: str) -> Exercise:
    if not isinstance(id, str):
        raise TypeError(
            f"the first argument is the exercise's id, such as "
            f'check("vae-03", reparameterize); {type(id).__name__} given'
        )
    if id in _modules():
        importlib.import_module(_modules()[id])
    if id in CATALOG:
        return CATALOG[id]
    ids = sorted({*_modules(), *CATALOG})
    raise ValueError(f"no exercise {id!r}; there is {', '.join(_close(id, ids))}")


def _close(id: str, ids: list[str]) -> list[str]:
    """What was meant: vae-1, VAE_01 and vae01 are vae-01."""
    parts = re.fullmatch(r"\s*([a-z]+)[\s_-]*0*(\d{1,2})\s*", id.lower())
    if parts and (meant := f"{parts[1]}-{parts[2]:0>2}") in ids:
        return [meant]
    return difflib.get_close_matches(id, ids, n=3, cutoff=0.5) or ids[:8]
