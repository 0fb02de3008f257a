"""Files of tensors that survive a crash: one safetensors file with its own checksum.

A file is written beside its final place, synced, and renamed over it, so that a
reader sees either the old file or the new one. The file it replaces is kept as
``<name>.previous``: a second link to it, where the file system has links.
Everything that is not a tensor travels as JSON in the header; nothing is ever
pickled. A SHA-256 over header and payload is stored in the header, so that a flipped
bit or a cut file is found when it is read.
"""

import errno
import hashlib
import json
import os
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as _from_bytes
from safetensors.torch import save as _to_bytes
from torch import Tensor

from . import _files

__all__ = [
    "DamagedFileError",
    "flatten",
    "parse",
    "read",
    "read_latest",
    "unflatten",
    "write",
]


class DamagedFileError(ValueError):
    """The file is there, but it is not what was once written."""


def _digest(tensors: dict[str, Tensor], meta: str) -> str:
    sha = hashlib.sha256(meta.encode())
    for name in sorted(tensors):
        t = tensors[name]
        sha.update(f"{name}|{t.dtype}|{tuple(t.shape)}|".encode())
        sha.update(t.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def _sibling(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _file(path: str | os.PathLike) -> Path:
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(
            f"{path} is a folder; expected a file, {path / 'model'} for instance"
        )
    return path


def write(path: str | os.PathLike, tensors: dict[str, Tensor], meta: dict) -> None:
    """Write ``tensors`` and ``meta`` (JSON) to ``path``, atomically.

    A file already there is kept as ``<path>.previous``. Missing folders are made.

    Raises:
        OSError: the disk is full, the folder cannot be written, or ``path`` is a
            folder; the file that was there is untouched, and the half-written one
            is removed.
        TypeError: ``meta`` holds what JSON cannot.
    """
    path = _file(path)
    # Clones: two names of one storage (tied weights) are two entries in the file.
    tensors = {k: v.to("cpu").contiguous().clone() for k, v in tensors.items()}
    try:
        text = json.dumps(meta, sort_keys=True)
    except TypeError as error:
        raise TypeError(
            f"{path}: {error}; expected numbers, strings, lists and dicts beside the "
            "weights (a tensor's .item() is a number)"
        ) from None
    # One key: safetensors writes several in a random order, and equal contents
    # should give equal files.
    seal = {"meta": text, "sha256": _digest(tensors, text)}
    header = {"gmcourse": json.dumps(seal, sort_keys=True)}
    try:
        _files.write(path, _to_bytes(tensors, header), first=_keep)
    except OSError as error:
        raise OSError(error.errno, _unwritable(path, error)) from error


def prepare(path: str | os.PathLike) -> None:
    """Make the folder of a file that will be written; OSError where it cannot be."""
    path = _file(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, "no permission to write there")
    except OSError as error:
        raise OSError(error.errno, _unwritable(path, error)) from error


def _unwritable(path: Path, error: OSError) -> str:
    return (
        f"could not write {path}: {error.strerror}. What was saved before is "
        "untouched; free some space or choose a folder that can be written"
    )


def _keep(path: Path) -> None:
    """Give the file its second name; ``path`` stays, so that it is never missing."""
    if not path.exists():
        return
    previous = _sibling(path, ".previous")
    link = path.with_name(f".{path.name}.{os.getpid()}{_files.SUFFIX}")
    try:
        os.link(path, link)
        os.replace(link, previous)
    except FileNotFoundError:  # another process has just written a newer one
        pass
    except OSError:  # a file system without links
        os.replace(path, previous)
    finally:
        with suppress(OSError):  # a rename between two links of one file does nothing
            link.unlink()


def read(path: str | os.PathLike) -> tuple[dict[str, Tensor], dict]:
    """Read what :func:`write` wrote: ``(tensors, meta)``, on the CPU.

    Raises:
        FileNotFoundError: nothing is there.
        IsADirectoryError: it is a folder.
        DamagedFileError: the content does not match its checksum.
    """
    path = _file(path)
    return parse(path.read_bytes(), path)


def parse(blob: bytes, path: Any) -> tuple[dict[str, Tensor], dict]:
    """As :func:`read`, from the content of a file; ``path`` says which, in errors."""
    try:
        tensors = _from_bytes(blob)
        size = int.from_bytes(blob[:8], "little")
        header = json.loads(blob[8 : 8 + size])["__metadata__"]
        seal = json.loads(header["gmcourse"])
        intact = seal["sha256"] == _digest(tensors, seal["meta"])
        meta = json.loads(seal["meta"]) if intact else {}
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(_damaged(path, len(blob), error)) from error
    if not intact:
        raise DamagedFileError(_damaged(path, len(blob), "the checksum differs"))
    return tensors, meta


def _damaged(path: Any, size: int, why: object) -> str:
    return (
        f"{path} ({size} bytes) is damaged or was not written by gmcourse: {why}. "
        "Delete it, or restore it from a copy"
    )


def read_latest(
    path: str | os.PathLike,
    fits: Callable[[Path, dict], None] = lambda path, meta: None,
) -> tuple[dict[str, Tensor], dict] | None:
    """The newest good file of ``path`` and ``<path>.previous``, or None if neither is.

    ``fits(path, meta)`` may raise ValueError to refuse a file (another model's, say):
    the search ends there. A file that is damaged is named in a warning and set aside
    under ``<path>.set-aside``, and the previous one takes its place. What a killed
    process left half-written is removed: one process at a time may write to ``path``.

    Raises:
        IsADirectoryError: ``path`` is a folder.
        ValueError: files are there, and none of them can be used; nothing is changed.
    """
    path, complaints = _file(path), []
    _files.remove_partial(path)
    for candidate in (path, _sibling(path, ".previous")):
        try:
            tensors, meta = read(candidate)
        except FileNotFoundError:
            continue
        except DamagedFileError as error:
            complaints.append(str(error))
            continue
        fits(candidate, meta)
        if complaints:
            aside = _sibling(path, ".set-aside")
            os.replace(path, aside)
            warnings.warn(
                f"{complaints[0]}. It was set aside as {aside.name}; going on from "
                f"{candidate.name}",
                stacklevel=2,
            )
        if candidate != path:
            os.replace(candidate, path)
        return tensors, meta
    if complaints:
        raise ValueError(
            " / ".join(complaints) + ". Nothing was changed: delete or move "
            f"{path} (and {path.name}.previous) to start from the beginning"
        )
    return None


def flatten(value: Any, tensors: dict[str, Tensor], name: str) -> Any:
    """A JSON picture of nested dicts, lists and tuples; tensors go to ``tensors``.

    Raises:
        TypeError: a value of another kind, which a checkpoint cannot keep.
    """
    if isinstance(value, Tensor):
        while name in tensors:  # "a.b" and "b" in "a", or 1 and "1", have one name
            name += "'"
        tensors[name] = value
        return {"tensor": name}
    if isinstance(value, dict):
        items = [[k, flatten(v, tensors, f"{name}.{k}")] for k, v in value.items()]
        return {"dict": items}
    if isinstance(value, list | tuple):
        items = [flatten(v, tensors, f"{name}.{i}") for i, v in enumerate(value)]
        return {type(value).__name__: items}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{name} holds a {type(value).__name__}, which a checkpoint cannot keep; "
        "tensors, numbers, strings, lists, tuples and dicts can be kept"
    )


def unflatten(picture: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of :func:`flatten`."""
    if not isinstance(picture, dict):
        return picture
    ((kind, items),) = picture.items()
    if kind == "tensor":
        return tensors[items]
    if kind == "dict":
        return {k: unflatten(v, tensors) for k, v in items}
    values = [unflatten(v, tensors) for v in items]
    return tuple(values) if kind == "tuple" else values
