"""Which rows are a part of a set.

The parts of every set, by name:

- "train" and "test": the official parts. A set without them is divided by a fixed
  rule: of the faces and of long texts the last tenth, rounded up, is the test part; of
  all others every tenth example (rows 9, 19, ...), since their rows are sorted.
- "validation" and "fit": a sixth of train, and the rest of it. It is the last sixth
  (10,000 of MNIST's 60,000), or every sixth example where the rows are sorted, or the
  official validation part where there is one. Choose hyper-parameters on these two,
  then train the final model on "train".
"""

from dataclasses import replace
from typing import Any

from torch import Tensor

from .formats import Parsed

SPLITS = ("train", "test", "fit", "validation")


def part_of(parsed: Parsed, split: str) -> Parsed:
    """Divide what the parser found."""
    test, n = split == "test", len(parsed.x)
    if parsed.holdout == "last":
        parsed = _rows(parsed, _end(n, n - 9 * n // 10, test))
    elif parsed.holdout == "every":
        parsed = _rows(parsed, _every(n, 10, test))
    if split in ("fit", "validation"):
        held, n = split == "validation", len(parsed.x)
        if parsed.holdout == "every":
            parsed = _rows(parsed, _every(n, 6, held))
        else:
            parsed = _rows(parsed, _end(n, parsed.validation or n // 6, held))
    return parsed


def _every(n: int, k: int, held: bool) -> list[int]:
    return [i for i in range(n) if (i % k == k - 1) == held]


def _end(n: int, size: int, last: bool) -> slice:
    return slice(n - size, n) if last else slice(0, n - size)


def _rows(parsed: Parsed, rows: slice | list[int]) -> Parsed:
    def pick(values: Any) -> Any:
        if values is None or isinstance(values, Tensor) or isinstance(rows, slice):
            return values if values is None else values[rows]
        return tuple(values[i] for i in rows)

    return replace(
        parsed,
        x=pick(parsed.x),
        c=pick(parsed.c),
        attributes=pick(parsed.attributes),
    )
