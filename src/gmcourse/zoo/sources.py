"""The sets as models see them: their parts, and what makes floats or tokens of them.

A new kind of data is a class beside :class:`Images`, :class:`Points` and :class:`Text`
with ``name``, ``title`` and ``part``.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from string import ascii_lowercase
from typing import Any

import torch
from torch import Tensor

from .. import data, molecules
from ..data.formats import SYMBOLS
from ..settings import seeded

__all__ = [
    "Images",
    "Molecules",
    "Pairs",
    "Part",
    "Points",
    "Source",
    "Stacked",
    "Strings",
    "Text",
    "Windows",
    "faces_palette",
    "stacked_label",
]


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
class Points(Source):
    """Draws of a distribution whose truth is known: the same ones each time.

    Attributes:
        truth: makes the distribution, one of ``gmcourse.data.densities``.
        examples: draws of the training part; the test part has a tenth of them.
    """

    truth: Callable[[], Any]
    examples: int = 100_000

    def part(self, split: str) -> Part:
        return Part(_draws(self.examples, split, lambda n: self.truth().sample(n)))


def _draws(examples: int, split: str, draw: Callable[[int], Tensor]) -> Tensor:
    """The same draws each time; the test part has others, and a tenth as many."""
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; expected 'train' or 'test'")
    train = split == "train"
    with seeded(1 if train else 2):
        return draw(examples if train else examples // 10)


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

        rows = _draws(self.examples, split, draw)
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


@dataclass(frozen=True)
class Text(Source):
    """Windows of a long text as tokens, of ``gmcourse.data.load_text``.

    The training part has all of them, the test part those that follow one another. An
    example is stored as its start: its tokens are gathered when a batch is made.

    Attributes:
        length: of a window.
        alphabet: makes tokens of the text.
    """

    length: int
    alphabet: data.Alphabet

    def part(self, split: str) -> Part:
        loaded = data.load_text(self.name, split)
        windows = Windows(self.alphabet.encode(loaded.text), self.length)
        step = 1 if split == "train" else self.length
        starts = torch.arange(
            0, len(windows.text) - self.length + 1, step, device="cpu"
        )
        return Part(starts, None, windows, loaded.info.is_sample)


class Windows:
    """Starts ``(b,)`` to the tokens of a text from there, ``(b, length)``."""

    def __init__(self, text: Tensor, length: int):
        self.text, self.length = text, length

    def __call__(self, starts: Tensor) -> Tensor:
        self.text = self.text.to(starts.device)  # moved once
        return self.text.unfold(0, self.length, 1)[starts]


@dataclass(frozen=True)
class Strings(Source):
    """Short strings as tokens, filled up to one length, of ``gmcourse.data.load_text``.

    Attributes:
        length: tokens of an example.
        alphabet: makes tokens of a string; it has an end.
    """

    length: int
    alphabet: data.Alphabet

    def part(self, split: str) -> Part:
        loaded = data.load_text(self.name, split)
        x = self.alphabet.encode_all(loaded.items, self.length)
        return Part(x, is_sample=loaded.info.is_sample)


@dataclass(frozen=True)
class Molecules(Source):
    """SMILES as tokens, with how many donors of hydrogen bonds they have.

    The label 3 stands for 3 and more. Strings of more than ``length`` tokens are left
    out.

    Attributes:
        length: tokens of an example.
        alphabet: makes tokens of a string; it has an end.
    """

    length: int
    alphabet: data.Alphabet

    def part(self, split: str) -> Part:
        strings = self.strings(split)
        x = self.alphabet.encode_all(strings, self.length)
        donors = [min(3, molecules.read(string).donors) for string in strings]
        return Part(x, torch.tensor(donors, device="cpu"))

    def strings(self, split: str) -> list[str]:
        """Those that the part is made of."""
        loaded = data.load_text(self.name, split)
        return [s for s in loaded.items if len(self.alphabet.split(s)) <= self.length]


@functools.cache
def faces_palette() -> data.Palette:
    """The 64 most frequent colors of the faces to learn from."""
    return data.Palette(data.load("pixelfaces", "train").x, 64)


MNIST = Images("mnist", "binarized MNIST", (1, 28, 28), data.binarize)
MNIST_TURNED = Images(
    "mnist",
    "binarized MNIST, rows and columns exchanged",
    (1, 28, 28),
    lambda x: data.binarize(x).mT.contiguous(),
)
MNIST8 = Images("mnist8", "8-bit MNIST", (1, 28, 28), data.to_unit, stored="mnist")
DIGITS16 = Images(
    "digits16", "16×16 digits", (1, 16, 16), data.small_digits, stored="mnist"
)
FASHION = Images("fashion_mnist", "Fashion-MNIST", (1, 28, 28), data.to_unit)
FACES = Images("pixelfaces", "pixelfaces", (3, 16, 16), data.to_unit)
FACES64 = Images(
    "faces64",
    "pixelfaces in 64 colors",
    (1, 16, 16),
    lambda x: faces_palette().encode(x),
    stored="pixelfaces",
)
GRID25 = Points("grid25", "twenty-five Gaussians", data.densities.grid25)
STACKED = Stacked("stacked_mnist", "stacked MNIST")
EMOJI = Pairs(
    "emoji32_twitter",
    "emoji, from Google's style to Twitter's",
    (3, 32, 32),
    given="emoji32_google",
)
SHAKESPEARE = Text("tinyshakespeare", "tiny Shakespeare", 128, data.Alphabet(SYMBOLS))
NAMES = Strings("names", "first names", 16, data.Alphabet(ascii_lowercase, end=True))
# 4 strings of the 50,000 have more than 48 tokens.
MOLECULES = Molecules(
    "moses_50k",
    "50,000 molecules of MOSES",
    48,
    data.Alphabet(
        ("Br", "Cl", "[H]", "[nH]", *"()-=#12345CFNOScnos"),
        split=molecules.tokens,
        end=True,
    ),
)
