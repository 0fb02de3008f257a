"""Whether labels are read right, and samples as the model was told."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .base import Measure, Result, by_parts, number

__all__ = ["Accuracy", "AsTold"]


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
        from .. import load  # the judge is an entry too

        x, c = source.part("test").first(self.n)
        judge, how = load(self.judge).to(model.device), self.temperature

        def right(x: Tensor, c: Any) -> Tensor:
            return 100.0 * (judge(x)[0].argmax(1) == c)

        def of_a_sample(x: Tensor, c: Any) -> Tensor:
            return right(model.sample(len(x), c, temperature=how), c)

        real = by_parts(judge, right, x, c)
        drawn = by_parts(model, of_a_sample, x, c, 100)
        return Result.mean(drawn, real=float(real.mean()))

    def cells(self, record):
        error = number(record["std_error"], 1)
        head = f"read as told (estimate, %; real data {number(record['real'], 1)})"
        return {head: f"{number(record['value'], 1)} ± {error}"}
