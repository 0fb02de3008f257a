"""Small tables of results, as notebooks, the book and a terminal show them."""

import html
import math
import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor


class Table:
    """A small table that reads well in a notebook, in the book and in a terminal."""

    def __init__(
        self, head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str
    ):
        self.head, self.caption = [str(h) for h in head], caption
        columns = [_column([row[i] for row in rows]) for i in range(len(head))]
        self.rows = [list(row) for row in zip(*columns)]
        # Numbers are compared by their places: they stand below each other.
        self.numbers = [all(map(_NUMBER.match, column)) for column in columns]

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            inner = ""
            for cell, number in zip(cells, self.numbers):
                name = tag if cell else "td"  # an empty head is none
                kind = ' class="number" style="text-align:right"' if number else ""
                inner += f"<{name}{kind}>{html.escape(cell)}</{name}>"
            return f"<tr>{inner}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        return (
            f'<table class="gm-table"><caption>{html.escape(self.caption)}</caption>'
            f"<thead>{line(self.head, 'th')}</thead><tbody>{body}</tbody></table>"
        )

    def __repr__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.head, *self.rows)]
        lines = [
            "  ".join(
                cell.rjust(width) if number else cell.ljust(width)
                for cell, width, number in zip(row, widths, self.numbers)
            ).rstrip()
            for row in (self.head, *self.rows)
        ]
        return "\n".join([self.caption, *lines])


# A number as a table shows it, alone or with its error or unit; or none.
_NUMBER = re.compile(r"([\u2212+]?[\d,]*\.?\d+( ± [\d.,]+)?( ?%)?|inf|\?|\u2013)?$")


def _column(values: Sequence[Any]) -> list[str]:
    """The cells of a column, its floats with one number of decimals."""
    values = [v.item() if isinstance(v, Tensor) else v for v in values]
    sizes = [abs(v) for v in values if isinstance(v, float) and 0 < abs(v) < math.inf]
    decimals = 0
    if sizes:  # four digits of the largest, two of the least; at most 4 decimals
        most, least = max(sizes), min(sizes)
        decimals = max(3 - _exponent(most), 1 - _exponent(least), 0)
        decimals = min(decimals, 3 if most >= 1 else 4)

    def cell(value: Any) -> str:
        if isinstance(value, float):
            value = f"{value:,.{decimals}f}"
        elif isinstance(value, int) and not isinstance(value, bool):
            value = f"{value:,}"
        return re.sub(r"(^|(?<=[\s(\[]))-(?=[\d.])", "\u2212", str(value))

    return [cell(value) for value in values]


def _exponent(size: float) -> int:
    return math.floor(math.log10(size))


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], caption: str) -> Table:
    """A table with a caption, its numbers to the right.

    The floats of a column have one number of decimals: four digits of the largest, two
    of the least, but at most 3 decimals (4 where all are below 1).

    Raises:
        ValueError: a row is longer or shorter than the head.
    """
    bad = [row for row in rows if len(row) != len(head)]
    if bad:
        raise ValueError(f"a row has {len(bad[0])} cells; the head has {len(head)}")
    return Table(head, rows, caption)
