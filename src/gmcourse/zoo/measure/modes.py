"""Which modes samples cover."""

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ...metrics import ModeCount, coverage, modes
from ..sources import stacked_label
from .base import Measure, Result, by_parts, number

__all__ = ["HighQuality", "ModesCovered", "StacksCovered"]


@dataclass(frozen=True, kw_only=True)
class _OfModes(Measure):
    """Draws beside the modes of a mixture of equal round Gaussians.

    The source knows the ``truth`` (see ``Points``). There are as many draws as test
    examples, whose own figure is the floor.
    """

    kind = "estimate"

    def counted(self, model: Any, source: Any) -> tuple[int, ModeCount, ModeCount]:
        """How many draws; what is found of them, and of the test examples."""
        real, _ = source.part("test").first(self.n)
        truth = source.truth()
        drawn = by_parts(model, lambda x, c: model.sample(len(x)), real, None)
        std = float(truth.covs[0, 0, 0].sqrt())
        found = modes(drawn, truth.means, std)
        return len(real), found, modes(real, truth.means, std)


@dataclass(frozen=True, kw_only=True)
class ModesCovered(_OfModes):
    """Modes with at least one draw within 3 standard deviations."""

    key = "modes"
    label = "modes covered"
    unit = "modes"

    def compute(self, model, source):
        n, drawn, _ = self.counted(model, source)
        extra = {"n": n, "all": len(drawn.counts), "least": int(drawn.counts.min())}
        return Result(float(drawn.covered), 0.0, extra)

    def cells(self, record):
        of = f"modes covered (estimate; of {record['all']})"
        return {of: number(record["value"], 0)}


@dataclass(frozen=True, kw_only=True)
class HighQuality(_OfModes):
    """Share of draws within 3 standard deviations of a mode."""

    key = "quality"
    label = "samples of high quality"
    unit = "%"

    def compute(self, model, source):
        n, *found = self.counted(model, source)
        drawn, real = (100 * part.quality for part in found)
        error = (drawn * (100 - drawn) / n) ** 0.5
        return Result(drawn, error, {"n": n, "floor": real})

    def cells(self, record):
        floor = number(record["floor"], 1)
        text = f"{number(record['value'], 1)} ± {number(record['std_error'], 1)}"
        return {f"high quality (estimate, %; real data {floor})": text}


@dataclass(frozen=True, kw_only=True)
class StacksCovered(Measure):
    """Of the 1,000 stacks of three digits, those that are drawn, and how evenly.

    Each channel is read by a classifier. As many draws as test examples, which are
    read as well: their divergence is the floor. 26,000 by the convention of
    ``gmcourse.metrics.coverage``.

    Attributes:
        judge: the entry that reads a digit.
    """

    judge: str

    key = "stacks"
    label = "modes covered"
    unit = "modes"
    kind = "estimate"

    def compute(self, model, source):
        from .. import load  # the judge is an entry too

        part = source.part("test")
        assert part.transform is not None  # rows are indices
        see = part.transform
        judge, rows = load(self.judge).to(model.device), part.x[: self.n]

        def read(x: Tensor) -> Tensor:
            digits = judge(x.flatten(0, 1)[:, None])[0].argmax(1)
            return stacked_label(digits.view(-1, 3))

        drawn = by_parts(model, lambda x, c: read(model.sample(len(x))), rows, None)
        real = by_parts(model, lambda x, c: read(see(x)), rows, None)
        found, floor = coverage(drawn, 1000), coverage(real, 1000)
        extra = {"n": len(rows), "all": 1000, "real": floor.covered}
        extra |= {"kl": found.kl, "floor": floor.kl}
        return Result(float(found.covered), 0.0, extra)

    def cells(self, record):
        of = f"modes covered (estimate; of {record['all']:,})"
        kl = f"KL to uniform (estimate, nats; real data {number(record['floor'], 3)})"
        return {of: number(record["value"], 0), kl: number(record["kl"], 3)}
