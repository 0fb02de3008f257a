"""Containers: the files in a tar or zip, and pickles that may hold arrays only."""

import io
import pickle
import tarfile
import zipfile
from pathlib import PurePosixPath

import numpy as np


class _ArraysOnly(pickle.Unpickler):
    """Rebuilds numpy arrays and plain containers; anything else is an error."""

    def find_class(self, module: str, name: str) -> object:
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        if name == "_reconstruct" and module in {
            "numpy.core.multiarray",
            "numpy._core.multiarray",
        }:
            return _empty_array
        raise pickle.UnpicklingError(
            f"the file asks for {module}.{name}; only numpy arrays are allowed."
        )


def _empty_array(kind: object, shape: tuple, code: object) -> np.ndarray:
    # numpy's own _reconstruct takes any class; ours makes arrays and nothing else.
    # Pickle fills in the dtype, the shape and the content afterwards.
    if kind is not np.ndarray:
        raise pickle.UnpicklingError(f"the file asks for an array of type {kind!r}.")
    return np.empty(0, np.uint8)


def unpickle_arrays(data: bytes) -> object:
    """Unpickle arrays, numbers, strings, lists and dicts; refuse everything else.

    Raises:
        pickle.UnpicklingError: the data asks for any other class or function.
    """
    # latin1 maps the byte strings of Python 2 one to one.
    return _ArraysOnly(io.BytesIO(data), encoding="latin1").load()


def members(data: bytes, suffix: str) -> dict[str, bytes]:
    """Base name to content of the files in a tar or zip archive, sorted by name."""
    found = {}
    if data[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                if name.endswith(suffix):
                    found[PurePosixPath(name).name] = archive.read(name)
    else:
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if member.isfile() and member.name.endswith(suffix):
                    content = archive.extractfile(member).read()  # type: ignore[union-attr]
                    found[PurePosixPath(member.name).name] = content
    return dict(sorted(found.items()))
