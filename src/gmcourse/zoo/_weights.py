"""Where an entry's weights are: in the package, in a clone, or at the project's.

What chapters load is in the package. The rest is in the repository's top folder
``weights``: a clone has it at hand, an installed package fetches it through the data
layer, which verifies it by the card's SHA-256, keeps it in the cache, and says in a
sentence what to do where it cannot.
"""

import json
import os
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from .. import checkpoint
from .._bits import pack, unpack
from ..data.catalog import Entry, File
from ..data.fetch import Reader

PACKAGE = Path(__file__).with_name("weights")  # all cards, and the first tier
CLONE = Path(__file__).parents[3] / "weights"  # beside src
# Smaller matrices save little, and the layer that writes an image is one of them: in
# 12 bits it alone costs a VAE of 8-bit faces more than all the others together.
LARGE = 12_000
# The release first, so that an older package finds the weights of its cards.
MIRRORS = tuple(
    f"https://github.com/gmcourse/gmcourse/raw/{at}/weights/"
    for at in ("v{version}", "main")
)


def card(name: str, folder: str | os.PathLike | None = None) -> dict[str, Any]:
    """The card as plain data: see ``zoo.card``."""
    path = Path(folder or PACKAGE) / f"{name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{name} has a recipe but no card at {path}: make weights and card with "
            f"'gmcourse zoo train {name}'"
        )
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged: {error}. Restore it from a copy, or install the "
            "package anew"
        ) from error


def read(
    name: str, folder: str | os.PathLike | None = None, *, must_keep: bool = False
) -> tuple[dict[str, Tensor], dict, object]:
    """Tensors and header of an entry's weights, and where they were found."""
    file = f"{name}.safetensors"
    places = [Path(folder)] if folder is not None else [PACKAGE, CLONE]
    for place in places:
        if (place / file).exists():
            tensors, meta = checkpoint.read(place / file)
            return unpack(tensors), meta, place / file
    known = card(name, folder)
    if folder is not None or known["ships"]:
        raise FileNotFoundError(
            f"there is a card but no {file} in {places[0]}: make the weights with "
            f"'gmcourse zoo train {name}', or install the package anew"
        )
    remote = File(file, f"sha256:{known['sha256']}", known["bytes"] / 1e6)
    reader = Reader(_entry(name, remote), must_keep=must_keep)
    blob = reader(file)
    tensors, meta = checkpoint.parse(blob, reader.sources[0])
    return unpack(tensors), meta, reader.sources[0]


def _entry(name: str, file: File) -> Entry:
    """The weights as the data layer knows a set."""
    from .. import __version__

    return Entry(
        "weights",
        f"The model {name}",
        "weights",
        "MIT",
        "the course",
        mirrors=tuple(mirror.format(version=__version__) for mirror in MIRRORS),
        files=(file,),
        command=f"gmcourse zoo fetch {name}",
    )


def write(model: nn.Module, path: Path, bits: int = 16) -> Path:
    """The weights in half precision, the large matrices in ``bits`` bits."""
    weights = dict(model.named_parameters())
    large = {k for k, p in weights.items() if p.ndim > 1 and p.numel() >= LARGE}
    kept: dict[str, Tensor] = {}
    for key, value in model.state_dict().items():
        if key in large:
            kept |= pack(key, value.detach().cpu(), bits)
        else:
            kept[key] = value.half() if value.is_floating_point() else value
    checkpoint.write(path, kept, {"model": type(model).__name__})
    path.with_name(path.name + ".previous").unlink(missing_ok=True)
    return path
