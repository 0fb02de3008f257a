"""Parsers: from verified bytes to tensors, one small function per file format.

A parser is called as `parse(read, part)`. `read(name)` gives the verified content of
one of the set's files (decompressed where the file is stored as name.gz); `part` is
"train" or "test". The result is a `Parsed`; a set that has no official test part
gives everything and names, in `holdout`, the rule by which `sets` divides it.
"""

import csv
import gzip
import io
import json
import lzma
import re
import string
import tarfile
import wave
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from .archives import members, unpickle_arrays

Read = Callable[[str], bytes]


@dataclass(frozen=True)
class Parsed:
    """What a parser found; x is a tensor, a text, or a tuple of texts or tensors."""

    x: Tensor | str | tuple
    c: Tensor | None = None
    classes: tuple[str, ...] = ()
    attributes: Tensor | None = None
    columns: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    holdout: str = ""  # test = "last" tenth, or "every" tenth; "" means x is a part
    validation: int = 0  # how many at the end of train; 0 means a sixth of it


DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
EMOJI = (
    "Activities", "Animals & Nature", "Component", "Flags", "Food & Drink",
    "Objects", "People & Body", "Smileys & Emotion", "Symbols", "Travel & Places",
)  # fmt: skip
KUZUSHIJI = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
# Of tiny Shakespeare, in the order of their codes.
SYMBOLS = "\n !$&',-.3:;?" + string.ascii_uppercase + string.ascii_lowercase


def _labels(names: list[str]) -> tuple[Tensor, tuple[str, ...]]:
    classes = tuple(sorted(set(names)))
    index = {name: i for i, name in enumerate(classes)}
    return torch.tensor([index[name] for name in names]), classes


def _images(array: np.ndarray) -> Tensor:
    """(n, H, W) or (n, H, W, C) to a uint8 tensor (n, C, H, W)."""
    x = torch.from_numpy(np.array(array))  # a copy: frombuffer's is read-only
    return x.unsqueeze(1) if x.ndim == 3 else x.permute(0, 3, 1, 2).contiguous()


def _idx(data: bytes) -> np.ndarray:
    if data[:2] == b"\x1f\x8b":
        data = gzip.decompress(data)
    axes = data[3]
    shape = np.frombuffer(data, ">i4", axes, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def idx(classes: tuple[str, ...], suffix: str = "") -> Callable[[Read, str], Parsed]:
    """MNIST's own format: a header with the shape, then the bytes."""

    def parse(read: Read, part: str) -> Parsed:
        stem = "train" if part == "train" else "t10k"
        images = _idx(read(f"{stem}-images-idx3-ubyte{suffix}"))
        labels = _idx(read(f"{stem}-labels-idx1-ubyte{suffix}"))
        return Parsed(_images(images), torch.tensor(labels).long(), classes)

    return parse


def small(name: str, classes: tuple[str, ...]) -> Callable[[Read, str], Parsed]:
    """An embedded sample, whose parts are stored apart."""

    def parse(read: Read, part: str) -> Parsed:
        with np.load(io.BytesIO(read(name))) as data:
            x, c = data[f"{part}_images"], data[f"{part}_labels"]
        return Parsed(_images(x), torch.from_numpy(c).long(), classes)

    return parse


def pixelfaces(read: Read, part: str) -> Parsed:
    """Faces; c says which of glasses, hat and beard are there (8 combinations)."""
    with np.load(io.BytesIO(read("pixelfaces16.npz"))) as data:
        x, attributes = _images(data["images"]), torch.from_numpy(data["attributes"])
        columns = tuple(str(name) for name in data["columns"])
        values = {k: tuple(v) for k, v in json.loads(str(data["names"])).items()}
    attributes = attributes.long()
    things = ("glasses", "hat", "beard")
    c, classes = torch.zeros(len(x), dtype=torch.int64), []
    for bit, thing in enumerate(things):
        absent = values[thing].index("None")
        c += (attributes[:, columns.index(thing)] != absent).long() << bit
    for code in range(8):
        present = [thing for bit, thing in enumerate(things) if code >> bit & 1]
        classes.append(", ".join(present) or "plain")
    return Parsed(x, c, tuple(classes), attributes, columns, values, "last")


def tiles(read: Read, part: str) -> Parsed:
    """Game tiles; c is the folder that the artists keep them in."""
    with np.load(io.BytesIO(read("tiles32.npz"))) as data:
        x, paths = _images(data["images"]), data["paths"]
    c, classes = _labels([str(path).split("/")[0] for path in paths])
    return Parsed(x, c, classes, holdout="every")


def sklearn_digits(read: Read, part: str) -> Parsed:
    """The digits of scikit-learn; ImportError where it is not installed."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise ImportError(
            "The digits come with scikit-learn, which is not installed: "
            "pip install scikit-learn."
        ) from None
    levels, labels = load_digits(return_X_y=True)
    # 17 gray levels, 0..16, stretched to 0..255.
    images = np.rint(levels.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    c = torch.from_numpy(labels).long()
    return Parsed(_images(images), c, DIGITS, holdout="every")


def cifar10(read: Read, part: str) -> Parsed:
    """The Python version: pickles, of which arrays alone are rebuilt."""
    names = [f"data_batch_{i}" for i in range(1, 6)] if part == "train" else []
    images, labels = [], []
    with tarfile.open(fileobj=io.BytesIO(read("cifar-10-python.tar.gz"))) as archive:

        def load(name: str) -> dict:
            content = archive.extractfile(f"cifar-10-batches-py/{name}").read()  # type: ignore[union-attr]
            return unpickle_arrays(content)  # type: ignore[return-value]

        for name in names or ["test_batch"]:
            batch = load(name)
            images.append(batch["data"].reshape(-1, 3, 32, 32))
            labels += batch["labels"]
        classes = tuple(load("batches.meta")["label_names"])
    x = torch.from_numpy(np.concatenate(images))
    return Parsed(x, torch.tensor(labels), classes)


def omniglot_strokes(read: Read, part: str) -> Parsed:
    """Strokes (steps, 3): dx, dy, and 1 where the pen is lifted after the step."""
    drawings: list[Tensor] = []
    with zipfile.ZipFile(io.BytesIO(read("omniglot_strokes.npz"))) as archive:
        for name in ("train", "valid") if part == "train" else ("test",):
            with archive.open(f"{name}.npy") as stream:
                np.lib.format.read_magic(stream)
                np.lib.format.read_array_header_1_0(stream)
                arrays = unpickle_arrays(stream.read())
            drawings += [torch.from_numpy(a.astype(np.int16)) for a in arrays]  # type: ignore[attr-defined]
    return Parsed(tuple(drawings), validation=1000)


def fsdd(read: Read, part: str) -> Parsed:
    """Waves as int16 (samples,) at 8 kHz; recordings 0 to 4 of each kind are test."""
    files = {}
    for name, content in members(read("fsdd.tar"), ".wav").items():
        digit, speaker, number = name.removesuffix(".wav").split("_")
        if (int(number) < 5) == (part == "test"):
            files[int(number), int(digit), speaker] = content
    waves, digits = [], []
    # By number first, so that the end of train holds all digits and speakers.
    for (_, digit, _), content in sorted(files.items()):
        with wave.open(io.BytesIO(content)) as sound:
            frames = sound.readframes(sound.getnframes())
        waves.append(torch.from_numpy(np.frombuffer(frames, "<i2").copy()))
        digits.append(digit)
    return Parsed(tuple(waves), torch.tensor(digits), DIGITS)


def _decode(content: bytes, mode: str) -> np.ndarray:
    from PIL import Image  # matplotlib brings it

    return np.asarray(Image.open(io.BytesIO(content)).convert(mode))


def emoji(style: str) -> Callable[[Read, str], Parsed]:
    """One style of the pairs; c is the category, the same in both styles."""

    def parse(read: Read, part: str) -> Parsed:
        entries = json.loads(read("emoji.json"))
        pictures = members(read(f"emoji-{style}-64.tar"), ".png")
        x = np.stack([_decode(pictures[e["image"]], "RGBA") for e in entries])
        c, classes = _labels([e["category"] for e in entries])
        return Parsed(_images(x), c, classes, holdout="every")

    return parse


def emoji32(style: str) -> Callable[[Read, str], Parsed]:
    """The same, on white, without transparency, and with half the side."""

    def parse(read: Read, part: str) -> Parsed:
        parsed = emoji(style)(read, part)
        assert isinstance(parsed.x, Tensor)
        return replace(parsed, x=_halved_on_white(parsed.x))

    return parse


def _halved_on_white(x: Tensor) -> Tensor:
    """(n, 4, 2h, 2w) RGBA to (n, 3, h, w): means over squares of 2×2, in integers."""
    n, _, height, width = x.shape
    color, opacity = x[:, :3].int(), x[:, 3:].int()
    on_white = color * opacity + 255 * (255 - opacity)  # times 255
    squares = on_white.view(n, 3, height // 2, 2, width // 2, 2).sum((3, 5))
    return ((squares + 510) // 1020).to(torch.uint8)


def clothing(read: Read, part: str) -> Parsed:
    """Photos in the order of their file names; c is the kind of clothing."""
    photos = members(read("clothing64.zip"), ".jpg")
    rows = csv.DictReader(io.StringIO(read("labels.csv").decode()))
    labels = {row["image"] + ".jpg": row["label"] for row in rows}
    x = np.stack([_decode(content, "RGB") for content in photos.values()])
    c, classes = _labels([labels[name] for name in photos])
    return Parsed(_images(x), c, classes, holdout="every")


def quickdraw(read: Read, part: str) -> Parsed:
    """Three kinds of drawings, 1,000 each, one kind after the other."""
    classes = ("cat", "rainbow", "train")
    data = b"".join(read(f"{name}s1000.bin") for name in classes)
    x = np.frombuffer(data, np.uint8).reshape(-1, 28, 28)
    c = torch.arange(3).repeat_interleave(1000)
    return Parsed(_images(x), c, classes, holdout="every")


def celeba(read: Read, part: str) -> Parsed:
    """Photos of faces, cropped to the middle 148×148 pixels and scaled to 64×64."""
    from PIL import Image

    rows = [line.split() for line in read("list_attr_celeba.txt").decode().split("\n")]
    columns = tuple(rows[1])
    flags = {row[0]: [(int(v) + 1) // 2 for v in row[1:]] for row in rows[2:] if row}
    parts = read("list_eval_partition.txt").decode().split("\n")
    wanted = {"2"} if part == "test" else {"0", "1"}
    names = [row.split()[0] for row in parts if row and row.split()[1] in wanted]
    x = torch.empty(len(names), 3, 64, 64, dtype=torch.uint8)
    with zipfile.ZipFile(io.BytesIO(read("img_align_celeba.zip"))) as archive:
        for i, name in enumerate(names):
            photo = Image.open(io.BytesIO(archive.read(f"img_align_celeba/{name}")))
            face = photo.crop((15, 35, 163, 183)).resize((64, 64), Image.BILINEAR)  # type: ignore[attr-defined]
            x[i] = torch.from_numpy(np.array(face)).permute(2, 0, 1)
    attributes = torch.tensor([flags[name] for name in names])
    smiling = attributes[:, columns.index("Smiling")]
    values = {name: ("no", "yes") for name in columns}
    kept = sum(row.endswith(" 1") for row in parts)
    return Parsed(
        x, smiling, ("plain", "smiling"), attributes, columns, values, "", kept
    )


def _text(read: Read, name: str) -> str:
    data = read(name)
    return (lzma.decompress(data) if name.endswith(".xz") else data).decode("utf-8")


def text(name: str, symbols: str = "") -> Callable[[Read, str], Parsed]:
    """One long text; of some symbols only, if given."""

    def parse(read: Read, part: str) -> Parsed:
        found = _text(read, name)
        if symbols:
            found = "".join(s for s in found if s in symbols)
        return Parsed(found, holdout="last")

    return parse


def lines(
    train: str, test: str | None = None, skip: int = 0, column: int = 0
) -> Callable[[Read, str], Parsed]:
    """One string per line, or per row of a comma-separated file."""

    def parse(read: Read, part: str) -> Parsed:
        name = test if test is not None and part == "test" else train
        rows = _text(read, name).split("\n")[skip:]
        strings = tuple(row.split(",")[column].strip() for row in rows if row)
        return Parsed(strings, holdout="" if test else "every")

    return parse


def names_by_gender(read: Read, part: str) -> Parsed:
    """First names; c is 1 for those of women."""
    rows = [row.split(",") for row in _text(read, "names.csv").splitlines()]
    c = torch.tensor([int(gender == "f") for _, gender in rows])
    return Parsed(
        tuple(name for name, _ in rows), c, ("male", "female"), holdout="every"
    )


def small_names(read: Read, part: str) -> Parsed:
    """The embedded names as those of the full set are: 1 to 15 letters, each once."""
    rows = _text(read, "names.csv").lower().splitlines()
    names = dict.fromkeys(row.split(",")[0] for row in rows)
    kept = tuple(name for name in names if re.fullmatch("[a-z]{1,15}", name))
    return Parsed(kept, holdout="every")


FULL: dict[str, Callable[[Read, str], Parsed]] = {
    "mnist": idx(DIGITS),
    "fashion_mnist": idx(FASHION),
    "kmnist": idx(KUZUSHIJI, ".gz"),
    "cifar10": cifar10,
    "celeba": celeba,
    "clothing": clothing,
    "quickdraw": quickdraw,
    "emoji_google": emoji("google"),
    "emoji_twitter": emoji("twitter"),
    "emoji32_google": emoji32("google"),
    "emoji32_twitter": emoji32("twitter"),
    "tinyshakespeare": text("tinyshakespeare.txt"),
    "names": lines("names.txt"),
    "moses": lines("moses_train.csv", "moses_test.csv", skip=1),
    "qm9": lines("qm9_smiles.csv", skip=1, column=1),
    "omniglot_strokes": omniglot_strokes,
    "fsdd": fsdd,
}
EMBEDDED: dict[str, Callable[[Read, str], Parsed]] = {
    "mnist": small("mnist_small.npz", DIGITS),
    "fashion_mnist": small("fashion_small.npz", FASHION),
    "pixelfaces": pixelfaces,
    "tiles": tiles,
    "emoji32_google": small("emoji32_google.npz", EMOJI),
    "emoji32_twitter": small("emoji32_twitter.npz", EMOJI),
    "digits": sklearn_digits,
    "shakespeare": text("shakespeare_pg.txt.xz"),
    "tinyshakespeare": text("shakespeare_pg.txt.xz", SYMBOLS),
    "first_names": names_by_gender,
    "names": small_names,
    "moses": lines("moses_50k.txt.xz"),
}
