"""Pictures, alone, in pairs and in stacks."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ... import data
from ...phrases import LENGTH, WORDS, describe, traits
from ...settings import seeded
from .base import Part, Source, draws

__all__ = [
    "Images",
    "Pairs",
    "Stacked",
    "faces_palette",
    "faces_phrases",
    "grainy_halves",
    "halves",
    "stacked_label",
]


@dataclass(frozen=True)
class Images(Source):
    """A set of ``gmcourse.data.load``.

    Attributes:
        shape: of one image.
        transform: from uint8 pixels to what a model sees.
        labels: from a loaded part to the labels of its images; None leaves them out.
        stored: the set's name for ``load`` where it is not ``name``.
    """

    shape: tuple[int, ...]
    transform: Callable[[Tensor], Tensor]
    labels: Callable[[Any], Tensor] | None = None
    stored: str | None = None

    def part(self, split: str) -> Part:
        loaded = data.load(self.stored or self.name, split)
        labels = None if self.labels is None else self.labels(loaded)
        return Part(loaded.x, labels, self.transform, loaded.info.is_sample)

    def labeled(self, labels: Callable[[Any], Tensor] | None = None) -> "Images":
        """The same images with labels: by default their classes."""
        return replace(self, labels=labels or (lambda part: part.c))


@dataclass(frozen=True)
class Pairs(Source):
    """Two sets of ``gmcourse.data.load`` of which equal rows belong together.

    Attributes:
        shape: of one image.
        given: the set that a model is told, as ``c``; ``x`` is the set ``name``.
    """

    shape: tuple[int, ...]
    given: str

    def part(self, split: str) -> Part:
        x, c = data.load(self.name, split), data.load(self.given, split)
        if len(x) != len(c):
            raise ValueError(
                f"{self.name} has {len(x)} rows and {self.given} {len(c)}: expected "
                "equally many, so give both in full or neither (GMCOURSE_DATA)"
            )
        return Part(x.x, data.to_unit(c.x), data.to_unit, x.info.is_sample)


@dataclass(frozen=True)
class Stacked(Source):
    """Stacked MNIST: three digits in the color channels, drawn with a fixed seed.

    1,000 modes, one for each three digits. Metz et al. (2017). An example is stored as
    three indices: its pixels are gathered when a batch is made.

    Attributes:
        examples: stacks of the training part; the test part has a tenth of them.
        labels: with ``c``, see `stacked_label`.
    """

    examples: int = 260_000
    labels: bool = False
    shape = (3, 28, 28)

    def part(self, split: str) -> Part:
        digits = data.load("mnist", split)

        def draw(n: int) -> Tensor:
            return torch.randint(len(digits), (n, 3), device="cpu")

        rows = draws(self.examples, split, draw)
        c = stacked_label(digits.c[rows]) if self.labels else None
        return Part(rows, c, _Gather(digits.x), digits.info.is_sample)

    def labeled(self) -> "Stacked":
        """The same stacks with their labels."""
        return replace(self, labels=True)


class _Gather:
    """Indices ``(b, 3)`` to the images that they name, one in each channel."""

    def __init__(self, images: Tensor):
        self.images = images

    def __call__(self, rows: Tensor) -> Tensor:
        self.images = self.images.to(rows.device)  # moved once
        return data.to_unit(self.images[rows, 0])


def stacked_label(digits: Tensor) -> Tensor:
    """Three digits ``(b, 3)`` as one number ``(b,)``: 7, 0, 3 is 703."""
    return 100 * digits[:, 0] + 10 * digits[:, 1] + digits[:, 2]


@functools.cache
def faces_palette() -> data.Palette:
    """The 64 most frequent colors of the faces to learn from."""
    return data.Palette(data.load("pixelfaces", "train").x, 64)


def faces_phrases(part: data.Split) -> Tensor:
    """The tokens of a phrase about each face, ``(n, LENGTH)``, always the same ones."""
    with seeded(1):
        return WORDS.encode_all(describe(traits(part)), LENGTH)


def halves(x: Tensor) -> Tensor:
    """Means of 2×2 pixels as whole numbers from 0 to 255, rounded."""
    return F.avg_pool2d(x.float(), 2).round().to(torch.uint8)


def grainy_halves(x: Tensor, sigma: float = 0.1) -> Tensor:
    """Means of 2×2 pixels, from -1 to 1, and normal noise of that deviation."""
    halved = F.avg_pool2d(data.to_symmetric(x), 2)
    return halved + sigma * torch.randn_like(halved)
