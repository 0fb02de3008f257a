"""The sets as models see them: their parts, and what makes floats of pixels.

A new kind of data (a text, molecules) is a class beside :class:`Images` and
:class:`Points` with ``name``, ``title`` and ``part``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from .. import data
from ..settings import seeded

__all__ = ["Images", "Part", "Points", "Source"]


@dataclass(frozen=True)
class Part:
    """Examples as they are stored, and what turns them into what a model sees.

    Attributes:
        x: ``(n, ...)``: pixels, tokens, points.
        c: what a model is told, or is to tell, of each; None without.
        transform: applied to each batch of ``x``; None leaves it as it is.
        is_sample: it stands in for a larger set that was not found.
    """

    x: Tensor
    c: Tensor | None = None
    transform: Callable[[Tensor], Tensor] | None = None
    is_sample: bool = False

    def __len__(self) -> int:
        return len(self.x)

    def first(self, n: int | None = None) -> tuple[Tensor, Tensor | None]:
        """The first ``n`` examples as a model sees them; all where there are fewer."""
        x = self.x[:n] if self.transform is None else self.transform(self.x[:n])
        return x, None if self.c is None else self.c[:n]


@dataclass(frozen=True)
class Source:
    """A set as models see it; abstract.

    Attributes:
        name: of the set; models of equal names stand in one table of the results.
        title: with what was done to it.
    """

    name: str
    title: str

    def part(self, split: str) -> Part:
        """The part ``"train"`` or ``"test"``."""
        raise NotImplementedError(f"{type(self).__name__} does not define its parts")


@dataclass(frozen=True)
class Images(Source):
    """A set of ``gmcourse.data.load``.

    Attributes:
        shape: of one image.
        transform: from uint8 pixels to floats.
        labels: from a loaded part to the labels of its images; None leaves them out.
    """

    shape: tuple[int, ...]
    transform: Callable[[Tensor], Tensor]
    labels: Callable[[Any], Tensor] | None = None

    def part(self, split: str) -> Part:
        loaded = data.load(self.name, split)
        labels = None if self.labels is None else self.labels(loaded)
        return Part(loaded.x, labels, self.transform, loaded.info.is_sample)

    def labeled(self, labels: Callable[[Any], Tensor] | None = None) -> "Images":
        """The same images with labels: by default their classes."""
        return replace(self, labels=labels or (lambda part: part.c))


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
        if split not in ("train", "test"):
            raise ValueError(f"split is {split!r}; expected 'train' or 'test'")
        train = split == "train"
        with seeded(1 if train else 2):
            n = self.examples if train else self.examples // 10
            return Part(self.truth().sample(n))


MNIST = Images("mnist", "binarized MNIST", (1, 28, 28), data.binarize)
FASHION = Images("fashion_mnist", "Fashion-MNIST", (1, 28, 28), data.to_unit)
FACES = Images("pixelfaces", "pixelfaces", (3, 16, 16), data.to_unit)
GRID25 = Points("grid25", "twenty-five Gaussians", data.densities.grid25)
