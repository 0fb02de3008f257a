"""Whether labels are read right, and samples as the model was told."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...phrases import TRAITS, WORDS, named
from ..sources import Source
from .base import Measure, Result, by_parts, number

__all__ = ["Accuracy", "AsPhrased", "AsTold"]


@dataclass(frozen=True, kw_only=True)
class Accuracy(Measure):
    """Share of test examples whose labels are all right."""

    key = "accuracy"
    label = "test accuracy"
    unit = "%"
    kind = "exact"

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)

        def hits(x: Tensor, c: Tensor | None) -> Tensor:
            pairs = zip(model(x), model.split_labels(c))
            return torch.stack([u.argmax(1) == v for u, v in pairs]).all(0)

        return Result.mean(100.0 * by_parts(model, hits, x, c))

    def cells(self, record):
        return {"accuracy": f"{number(record['value'], 1)} % of {record['n']:,}"}


@dataclass(frozen=True, kw_only=True)
class AsTold(Measure):
    """Share of samples that a classifier reads as the label that the model was told.

    One sample for each test example, with its label; beside it the share of these
    examples themselves that are read right, ``real``.

    Attributes:
        judge: the entry that reads a label.
        temperature: of the samples.
    """

    judge: str
    temperature: float = 1.0

    key = "as_told"
    label = "samples read as told"
    unit = "%"
    kind = "estimate"

    def compute(self, model, source):
        return _share(
            self.judge, _labels, model, source, self.n, temperature=self.temperature
        )

    def cells(self, record):
        return _share_cells("read as told", record)


@dataclass(frozen=True, kw_only=True)
class AsPhrased(Measure):
    """Share of samples in which all is as the phrase says that the model was told.

    One sample for each test example, with its phrase; beside it the share of these
    examples themselves that are read as their phrases say, ``real``.

    Attributes:
        judge: the entry that reads the traits, one head for each.
        guidance: of the samples.
    """

    judge: str
    guidance: float = 1.0

    key = "as_phrased"
    label = "samples read as phrased"
    unit = "%"
    kind = "estimate"

    def compute(self, model, source):
        return _share(
            self.judge, _phrases, model, source, self.n, guidance=self.guidance
        )

    def cells(self, record):
        weight = f"at weight {record['guidance']:g}"
        return _share_cells(f"read as phrased {weight}", record)


def _share(
    judge: str, right: Any, model: Any, source: Source, n: int, **how: float
) -> Result:
    """In percent, of samples and of the test examples whose conditions they have."""
    from .. import load  # the judge is an entry too

    x, c = source.part("test").first(n)
    reader = load(judge).to(model.device)
    read = lambda x, c: 100.0 * right(reader, x, c)  # noqa: E731
    real = by_parts(reader, read, x, c)
    drawn = by_parts(
        model, lambda x, c: read(model.sample(len(x), c, **how), c), x, c, 100
    )
    return Result.mean(drawn, real=float(real.mean()))


def _share_cells(what: str, record: dict[str, Any]) -> dict[str, str]:
    head = f"{what} (estimate, %; real data {number(record['real'], 1)})"
    return {head: f"{number(record['value'], 1)} ± {number(record['std_error'], 1)}"}


def _labels(judge: Any, x: Tensor, c: Any) -> Tensor:
    return judge(x)[0].argmax(1) == c


def _phrases(judge: Any, x: Tensor, c: Any) -> Tensor:
    found = torch.stack([head.argmax(1) for head in judge(x)], 1).tolist()
    asked = [named(WORDS.decode(tokens)) for tokens in c]
    pairs = [(dict(zip(TRAITS, row)), said) for row, said in zip(found, asked)]
    return torch.tensor([said.items() <= row.items() for row, said in pairs])
