"""Load a set: `load` for images, `load_text` for strings, `load_sequences` for others.

The parts of a set are "train" and "test", "fit" and "validation": see `parts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jaxtyping import Int64, Shaped, UInt8
from torch import Tensor

from .._arguments import on_cpu
from . import formats
from .catalog import Entry, find
from .download import Unavailable, say
from .fetch import Reader
from .formats import Parsed
from .parts import SPLITS, part_of
from .places import flag

_EMBEDDED = Path(__file__).parent / "embedded"
LOADERS = {"images": "load", "text": "load_text", "sequences": "load_sequences"}


@dataclass(frozen=True)
class Info:
    """What was loaded: show it in every table and caption made from it.

    `is_sample` is True where the embedded sample stands in for the full set;
    `source` says where the files were found. `columns` and `values` name the
    attributes (of faces) and the values that their codes stand for.
    """

    name: str
    title: str
    split: str
    classes: tuple[str, ...]
    license: str
    citation: str
    source: str
    is_sample: bool
    note: str = ""
    columns: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def label(self) -> str:
        """The name for a caption: "MNIST" or "MNIST (sample)"."""
        name = self.title.split(":")[0]
        return f"{name} (sample)" if self.is_sample else name


@dataclass(frozen=True)
class Split:
    """A part of an image set: pixels, labels, where they came from.

    Args:
        x: pixels 0..255, (n, channels, height, width).
        c: labels, indices into `info.classes`.
        attributes: codes of all attributes, (n, len(info.columns)), or None.
    """

    x: UInt8[Tensor, "n channels height width"]
    c: Int64[Tensor, " n"]
    info: Info
    attributes: Int64[Tensor, "n columns"] | None = None

    def __len__(self) -> int:
        return len(self.x)

    def attribute(self, name: str) -> tuple[Int64[Tensor, " n"], tuple[str, ...]]:
        """The codes of one attribute and the names of its values.

        Raises:
            ValueError: the set has no such attribute.
        """
        if self.attributes is None or name not in self.info.columns:
            known = ", ".join(self.info.columns) or "none"
            raise ValueError(
                f"{self.info.name} has no attribute {name!r}. It has: {known}."
            )
        codes = self.attributes[:, self.info.columns.index(name)].contiguous()
        return codes, tuple(self.info.values[name])


@dataclass(frozen=True)
class TextSplit:
    """A part of a text set: one long text, or many short strings.

    Args:
        items: the strings; a single one for a long text.
        c: labels, indices into `info.classes`, or None.
    """

    items: tuple[str, ...]
    info: Info
    c: Int64[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def text(self) -> str:
        """All of it, with one item per line."""
        return "\n".join(self.items)


@dataclass(frozen=True)
class Sequences:
    """A part of a set of sequences of unequal length.

    Args:
        items: int16 tensors: (samples,) of a sound, (steps, 3) of a drawing.
        c: labels, indices into `info.classes`, or None.
    """

    items: tuple[Shaped[Tensor, "..."], ...]
    info: Info
    c: Int64[Tensor, " n"] | None = None

    def __len__(self) -> int:
        return len(self.items)


def load(name: str, split: str = "train") -> Split:
    """A part of an image set, as uint8 tensors.

    The full set is taken from the first place that has it (GMCOURSE_DATA, the
    cache, system folders, the mirrors); else the sample that ships with the
    package, with a line on stderr and `info.is_sample`. GMCOURSE_STRICT=1 makes
    that an error, GMCOURSE_OFFLINE=1 forbids downloads.

    Args:
        name: e.g. "mnist"; `gmcourse data list` names all.
        split: "train", "test", or "fit" and "validation", the two parts of train.

    Raises:
        ValueError: no such set or part, or a set of another kind.
        Unavailable: the set is in none of the places; the message lists them.
        Damaged: a file in GMCOURSE_DATA is not the set's; the message names it.

    >>> faces = load("pixelfaces", split="test")
    >>> faces.x.shape, faces.info.classes[3]
    (torch.Size([2000, 3, 16, 16]), 'glasses, hat')
    """
    parsed, info = _load(name, split, "images")
    return Split(parsed.x, parsed.c, info, parsed.attributes)  # type: ignore[arg-type]


def load_text(name: str, split: str = "train") -> TextSplit:
    """A part of a text set; otherwise as `load`.

    >>> names = load_text("first_names", split="test")
    >>> len(names), names.items[0]
    (884, 'Abdel')
    """
    parsed, info = _load(name, split, "text")
    items = (parsed.x,) if isinstance(parsed.x, str) else parsed.x
    return TextSplit(items, info, parsed.c)  # type: ignore[arg-type]


def load_sequences(name: str, split: str = "train") -> Sequences:
    """A part of a set of sounds or drawings; otherwise as `load`."""
    parsed, info = _load(name, split, "sequences")
    return Sequences(parsed.x, info, parsed.c)  # type: ignore[arg-type]


@on_cpu
def _load(name: str, split: str, kind: str) -> tuple[Parsed, Info]:
    entry = find(name)
    if entry.kind != kind:
        raise ValueError(
            f"{entry.name} is a set of {entry.kind}: "
            f'use data.{LOADERS[entry.kind]}("{entry.name}").'
        )
    if split not in SPLITS:
        raise ValueError(f"split must be one of {', '.join(SPLITS)}; got {split!r}.")
    parsed, source, is_sample = _read(entry, "test" if split == "test" else "train")
    parsed = part_of(parsed, split)
    info = Info(
        entry.name,
        (is_sample and entry.stand_in) or entry.title,
        split,
        parsed.classes,
        entry.license,
        entry.citation,
        source,
        is_sample,
        entry.note,
        parsed.columns,
        parsed.values,
    )
    return parsed, info


def _read(entry: Entry, part: str) -> tuple[Parsed, str, bool]:
    embedded = formats.EMBEDDED.get(entry.name)
    if entry.files:
        read = Reader(entry)
        try:
            return formats.FULL[entry.name](read, part), ", ".join(read.sources), False
        except Unavailable as error:
            if embedded is None:
                raise
            if flag("GMCOURSE_STRICT"):
                raise Unavailable(
                    f"{error} GMCOURSE_STRICT is set, so the embedded sample "
                    f"({entry.sample}) does not stand in for it: unset it to go on "
                    "with the sample."
                ) from None
        why = "; ".join(read.lacking)
        say(
            f"{entry.name}: the full set was not found; this is the embedded sample "
            f"({entry.sample}). "
            + (f"GMCOURSE_DATA was looked at: {why}. " if why else "")
            + (
                f"`gmcourse data fetch {entry.name}` gets the full set."
                if entry.mirrors or not entry.note
                else entry.note
            ),
            once=True,
        )
    assert embedded is not None, f"{entry.name} has neither files nor a parser"
    parsed = embedded(lambda name: (_EMBEDDED / name).read_bytes(), part)
    return parsed, "embedded in gmcourse", bool(entry.sample)
