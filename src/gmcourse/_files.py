"""Files that are there whole or not at all: the one way in which any is written."""

import json
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["remove_partial", "write", "write_json"]

SUFFIX = ".partial"  # of a file on its way: .NAME.<random>.partial, beside its place


def write(
    path: Path, data: bytes, *, first: Callable[[Path], None] | None = None
) -> None:
    """Write beside ``path``, sync, and rename over it; missing folders are made.

    ``first`` is called with ``path`` when the data is safe, just before the rename.

    Raises:
        OSError: no space, no permission; what was there is untouched, nothing is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(SUFFIX, f".{path.name}.", path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file)
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would shut others out
        if first is not None:
            first(path)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    _sync_folder(path.parent)


def write_json(path: Path, record: Any) -> None:
    """One file of readable JSON, in UTF-8."""
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    write(path, text.encode())


def remove_partial(path: Path) -> None:
    """Remove what a killed process left of ``path``; right while nobody writes it."""
    for left in path.parent.iterdir() if path.parent.is_dir() else ():
        if left.name.startswith(f".{path.name}.") and left.name.endswith(SUFFIX):
            with suppress(OSError):
                left.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable (where the platform can sync a folder)."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):
                os.fsync(handle)
        finally:
            os.close(handle)
