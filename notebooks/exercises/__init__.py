"""References, right variants and wrong versions of the exercises.

None of this ships in the package. For each exercise a module (vae-03:
``vae/vae_03.py``) with a class of its name (``Vae03``) holds one ``reference``, at
least three ``right`` variants and at least six ``wrong`` versions, each with the
mistake that the check must name. A version is the answer itself, a function; where
there are several answers, numbers, classes or state, it is a function that makes them,
marked ``build``. A mistake that is one replacement is written by ``edits``, the
standard mistakes of a sum by ``sums``, and what differs by the arguments of a function
that makes it by ``cases``.
"""

import ast
import functools
import inspect
import math
import re
import sys
import textwrap
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

RIGHT = "right"  # in the table of `cases`


def reference(version: Callable) -> Callable:
    """The solution that the book shows."""
    version.role = "reference"
    return version


def right(version: Callable) -> Callable:
    """Another way to be right: the check must pass it."""
    version.role = "right"
    return version


def wrong(misconception: str) -> Callable:
    """A typical mistake: the check must reject it by this name."""

    def mark(version: Callable) -> Callable:
        version.role, version.misconception = "wrong", misconception
        return version

    return mark


def build(version: Callable) -> Callable:
    """``version()`` returns the answers, anew for each check."""
    version.build = True
    return version


def edits(version: Callable, *changes: str | tuple[str, ...]) -> dict[str, Callable]:
    """Wrong versions by name, each a change of ``version``, a function or class.

    Changes stand in a table of one line each::

        mistake | old -> new
        mistake | old -> new | old -> new

    What begins with | or ->, or further to the right than the first line, goes on with
    the line before. Where code holds such signs or lines matter, a change is a tuple
    ``(mistake, old, new, old, new, ...)``. Each ``old`` must occur exactly once. The
    code sees what its module sees, and torch, math, nn, F and D, which is
    torch.distributions.

    Raises:
        ValueError: for a change that does not apply, or applies in several places.
    """
    source = textwrap.dedent(inspect.getsource(version))
    (node,) = ast.parse(source).body
    plain = "\n".join(source.splitlines()[node.lineno - 1 :])  # without decorators
    space = {"torch": torch, "math": math, "nn": nn, "F": F, "D": torch.distributions}
    space |= vars(sys.modules[version.__module__])
    made = {}
    for mistake, *pairs in (c for change in changes for c in table(change)):
        code = plain
        if len(pairs) < 2 or len(pairs) % 2:
            raise ValueError(f"{mistake!r}: expected old, new, ...; got {pairs}")
        for old, new in zip(pairs[::2], pairs[1::2]):
            if code.count(old) != 1:
                found = f"{old!r} is found {code.count(old)} times, not once"
                raise ValueError(
                    f"{node.name}, {mistake!r}: {found} in\n{code.strip()}"
                )
            code = code.replace(old, new)
        scope = dict(space)
        exec(compile(code, f"<{node.name}: {mistake}>", "exec"), scope)
        made[f"edit {len(made)}: {mistake}"] = wrong(mistake)(scope[node.name])
        if hasattr(version, "build"):
            build(scope[node.name])
    return made


def table(change: str | tuple[str, ...]) -> list[tuple[str, ...]]:
    """The changes of a table, as tuples."""
    if isinstance(change, tuple):
        return [change]
    whole = re.sub(r"\n\s*(\||->) ", r" \1 ", change)
    indent = len(whole.lstrip("\n")) - len(whole.lstrip())
    whole = re.sub(rf"\n {{{indent + 1},}}(?=\S)", " ", whole)
    rows = [line.strip().split(" | ") for line in whole.splitlines() if line.strip()]
    made = []
    for mistake, *pairs in rows:
        sides = [side.strip() for pair in pairs for side in f"{pair} ".split(" -> ")]
        made.append((mistake.strip(), *sides))
    return made


def cases(make: Callable, *rows: tuple[str, dict]) -> dict[str, Callable]:
    """Versions by the arguments of ``make``, which gives the answer or answers.

    Each row is the mistake, or ``RIGHT``, and the arguments as a dictionary.
    """
    made = {}
    for mistake, change in rows:
        version = functools.partial(make, **change)
        mark = right if mistake == RIGHT else wrong(mistake)
        made[f"{make.__name__} {len(made)}: {mistake}"] = mark(build(version))
    return made


def sums(each: Callable, rows: int = 1, without: tuple[str, ...] = ()) -> dict:
    """The standard wrong versions of a sum, from a function that gives its entries.

    ``each(*args)`` has ``rows`` axes of the batch, then those that are to be summed.
    """

    def version(mistake: str, f: Callable) -> Callable:
        @functools.wraps(each)
        def answer(*args):
            return f(each(*args).flatten(rows))

        answer.__dict__.clear()
        return wrong(mistake)(answer)

    def no_grad(e):
        return e.detach().sum(-1)

    def through_numpy(e):
        return torch.from_numpy(e.detach().numpy().sum(-1))

    mistakes = {
        "not summed over the dimensions": [lambda e: e],
        "mean over the dimensions": [lambda e: e.mean(-1)],
        "reduced over the batch": [
            lambda e: e.sum(-1).mean(),
            lambda e: e.sum(),
            lambda e: e.sum(0),
            lambda e: e.sum(-1) / len(e),
        ],
        "dimensions left out": [lambda e: e[..., :2].sum(-1), lambda e: e[..., 0]],
        "sign flipped": [lambda e: -e.sum(-1)],
        "off by a factor of two": [lambda e: 2 * e.sum(-1), lambda e: e.sum(-1) / 2],
        "bits in place of nats": [lambda e: e.sum(-1) / math.log(2)],
        "constant left out": [lambda e: e.sum(-1) + 0.5],
        "estimated from samples": [
            lambda e: (e * (1 + 0.01 * torch.randn_like(e))).sum(-1)
        ],
        "cut off from the graph": [no_grad, through_numpy],
        "batch axis lost": [lambda e: e.sum(-1).squeeze()],
    }
    return {
        f"{mistake}, {i}": version(mistake, f)
        for mistake, ways in mistakes.items()
        if mistake not in without
        for i, f in enumerate(ways)
    }
