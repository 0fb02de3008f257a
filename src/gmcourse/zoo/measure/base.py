"""What a measure is, and what it gives."""

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...core import evaluating
from ...settings import seeded
from ..sources import Source

__all__ = ["Measure", "Result", "by_parts", "kind_in_words", "number"]


@dataclass(frozen=True)
class Result:
    """A value, its standard error over examples, and what else belongs to it."""

    value: float
    std_error: float
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def mean(cls, values: Tensor, **extra: Any) -> "Result":
        """The mean over examples."""
        values, n = values.double(), len(values)
        return cls(float(values.mean()), float(values.std() / n**0.5), {"n": n} | extra)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number of a model: how it is computed, and how closely it repeats; abstract.

    Attributes:
        n: examples, or as many as there are.
        tolerance: largest difference of a recomputed value, in its unit.
        quick: the same measure with few examples, for the tests.
        key, label, unit: its name on a card, in words, and what it counts.
        kind: ``"exact"``, ``"bound"`` or ``"estimate"``.
        side, of: of a bound, ``"upper"`` or ``"lower"``, and the quantity that it is a
            bound on. ``of`` is empty where the label says it.
    """

    n: int
    tolerance: float
    quick: "Measure | None" = None

    key: ClassVar[str]
    label: ClassVar[str]
    unit: ClassVar[str]
    kind: ClassVar[str]
    side: ClassVar[str] = ""

    def of(self, model: Any) -> str:
        return ""

    def compute(self, model: Any, source: Source) -> Result:
        """The value for a model on its set, on the model's device."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute")

    def cells(self, record: dict[str, Any]) -> dict[str, str]:
        """Columns of the results page, and what stands in them, from a card's record.

        Models with a column in common stand in one table.
        """
        return {f"{self.label} ({self.kind})": number(record["value"])}

    def run(self, model: Any, source: Source) -> dict[str, Any]:
        """The measured value as a plain record, with the seconds it took."""
        start = time.process_time()
        with seeded(0):
            result = self.compute(model, source)
        return {
            "value": result.value,
            "std_error": result.std_error,
            **self.settings(),
            **result.extra,
            "cpu_seconds": round(time.process_time() - start, 1),
        }

    def record(self, model: Any, source: Source) -> dict[str, Any]:
        """What a card holds: what is measured, its kind, the full and the quick run."""
        words = {"label": self.label, "unit": self.unit, "kind": self.kind}
        words |= {k: v for k, v in (("side", self.side), ("of", self.of(model))) if v}
        quick = {} if self.quick is None else {"quick": self.quick.run(model, source)}
        full = self.run(model, source)
        return {**words, "tolerance": self.tolerance, **full, **quick, "seeds": {}}

    def settings(self) -> dict[str, Any]:
        """The fields that decide the value, as JSON has them."""
        names = [f.name for f in dataclasses.fields(self)]
        values = {k: getattr(self, k) for k in names if k not in ("tolerance", "quick")}
        return {
            k: str(v).removeprefix("torch.") if isinstance(v, torch.dtype) else v
            for k, v in values.items()
        }


def number(value: float, digits: int = 2) -> str:
    """For a table: ``1,801.14``."""
    return f"{value:,.{digits}f}"


def kind_in_words(record: dict[str, Any]) -> str:
    """``exact``, ``estimate``, or ``upper bound on −log p(x)``."""
    if "side" in record:
        return f"{record['side']} bound on {record['of'].replace('-log', '−log')}"
    return record["kind"]


@torch.no_grad()
def by_parts(
    model: Any,
    f: Callable[[Tensor, Tensor | None], Tensor],
    x: Tensor,
    c: Tensor | None,
    size: int = 500,
) -> Tensor:
    """``f(x, c)``, one row an example, ``size`` at a time on the model's device.

    In eval mode; the rows come back to the CPU.
    """
    rows = []
    with evaluating(model):
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            told = None if c is None else c[part].to(model.device)
            rows.append(f(x[part].to(model.device), told).cpu())
    return torch.cat(rows)
