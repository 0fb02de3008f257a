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
        how = {"temperature": self.temperature}
        drawn, real = _read(self.judge, _labels, model, source, self.n, how)
        return Result.mean(100 * drawn, real=float(100 * real.mean()))

    def cells(self, record):
        head = f"read as told (estimate, %; real data {number(record['real'], 1)})"
        error = number(record["std_error"], 1)
        return {head: f"{number(record['value'], 1)} ± {error}"}


@dataclass(frozen=True, kw_only=True)
class AsPhrased(Measure):
    """Share of samples in which all is as the phrase says that the model was told.

    One sample for each test example, with its phrase; beside it the share of these
    examples themselves that are read as their phrases say, ``real``; and of both the
    share of the traits that were named which are read so, ``each`` and ``real_each``.

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
        how = {"guidance": self.guidance}
        drawn, real = _read(self.judge, _traits, model, source, self.n, how)
        found = {"real": _whole(real), "real_each": real, "each": drawn}
        extra = {k: float(100 * v.nanmean()) for k, v in found.items()}
        return Result.mean(100 * _whole(drawn), **extra)

    def cells(self, record):
        head = f"as phrased (%; real data {number(record['real'], 1)})"
        each = f"each trait {number(record['each'], 1)}"
        return {head: f"{number(record['value'], 1)} ({each})"}


def _read(
    judge: str, right: Any, model: Any, source: Source, n: int, how: dict[str, float]
) -> tuple[Tensor, Tensor]:
    """Of samples, and of the test examples whose conditions they have."""
    from .. import load  # the judge is an entry too

    x, c = source.part("test").first(n)
    reader = load(judge).to(model.device)
    real = by_parts(reader, lambda x, c: right(reader, x, c), x, c)
    drawn = by_parts(
        model, lambda x, c: right(reader, model.sample(len(x), c, **how), c), x, c, 100
    )
    return drawn, real


def _labels(judge: Any, x: Tensor, c: Any) -> Tensor:
    return (judge(x)[0].argmax(1) == c).double()


def _traits(judge: Any, x: Tensor, c: Any) -> Tensor:
    """Which traits are read as named, 1 or 0, ``(b, 4)``; NaN where not named."""
    asked = [named(WORDS.decode(tokens)) for tokens in c]
    due = torch.tensor([[said.get(name, -1) for name in TRAITS] for said in asked])
    found = torch.stack([head.argmax(1) for head in judge(x)], 1).to(due.device)
    return (found == due).double().masked_fill(due < 0, torch.nan)


def _whole(traits: Tensor) -> Tensor:
    """Of which example no named trait is read otherwise."""
    return (traits != 0).all(1).double()
