"""Points of distributions whose truth is known."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .base import Part, Source, draws

__all__ = ["Points"]


@dataclass(frozen=True)
class Points(Source):
    """Draws of a distribution whose truth is known: the same ones each time.

    Attributes:
        truth: makes the distribution, one of ``gmcourse.data.densities``.
        examples: draws of the training part; the test part has a tenth of them.
    """

    truth: Callable[[], Any]
    examples: int = 100_000

    def part(self, split: str) -> Part:
        return Part(draws(self.examples, split, lambda n: self.truth().sample(n)))
