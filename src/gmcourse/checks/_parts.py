"""A formula with some of its parts wrong, and the name of the wrong part.

A formula is taken apart into choices that can be made wrongly, each by itself:

    powers = {"": torch.square, "absolute error": torch.abs}
    ends = {"": torch.sum, "mean in place of the sum": [torch.mean]}
    mistakes(lambda f, end: end(f(x - y)), powers, ends)
"""

from collections.abc import Callable, Iterator
from typing import Any

from ._comparisons import far, first
from ._statistics import numbers


def mistakes(
    make: Callable, *parts: dict[str, Any], most: int = 2, tol: float = 1e-4
) -> Iterator[tuple[str, Any]]:
    """What ``make(*choices)`` gives with up to ``most`` mistakes, each under its name.

    Each of ``parts`` maps mistakes to what they choose (a list: several such), and ""
    to what is right. One mistake is tried before two, which are named "one, and
    another"; the same in several parts is one. What is due all the same, within
    ``tol``, is no mistake. For ``ideas``: nothing is computed until it is asked for.
    """
    rows: list[tuple[tuple, tuple, tuple]] = [((), (), ())]  # names, places, choices
    for i, part in enumerate(parts):
        rows = [
            (called, (*places, i) if name else places, (*choices, choice))
            for names, places, choices in rows
            for name, found in part.items()
            for called in [names if name in ("", *names) else (*names, name)]
            if len(called) <= most
            for choice in (found if isinstance(found, list) else [found])
        ]
    rows.sort(key=lambda row: (len(row[0]), len(row[1]), row[1]))
    due = make(*rows[0][2])
    for names, _, choices in rows:
        if names and far(numbers(value := make(*choices)), due, tol).any():
            yield ", and ".join(names), value


def wrong_part(
    out: Any,
    make: Callable,
    *parts: dict[str, Any],
    most: int = 2,
    tol: float = 2e-5,
) -> str | None:
    """The first of the `mistakes` that gives ``out``, and of two the first alone.

    ``out`` may also be a function that says of a value whether it is what came out.
    """
    fits = out if callable(out) else lambda v: not far(numbers(out), v, tol).any()
    right = (part[""] for part in parts)
    if fits(make(*(v[0] if isinstance(v, list) else v for v in right))):
        return None  # before hundreds of mistakes are tried
    name = first(mistakes(make, *parts, most=most, tol=tol), fits)
    return name.split(", and ")[0] if name else None
