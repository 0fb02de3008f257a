"""What each set is: title, license, citation, files and mirrors.

The facts are in `catalog.json`, the parsers in `formats`. To add a set, add its
record there and its parser to `formats.FULL` (or `formats.EMBEDDED`).
"""

import difflib
import json
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class File:
    """One file of a set.

    `digest` is checked wherever the file comes from. "sha256:" and "md5:" are of the
    content, decompressed where the file is stored as name.gz; "members:" is of the
    files in an archive whose names end in `suffix`, in any container and order.
    """

    name: str
    digest: str
    megabytes: float
    remote: str = ""  # its name at the mirrors, where that is another
    aliases: tuple[str, ...] = ()  # further names to look for on disk
    suffix: str = ""


@dataclass(frozen=True)
class Entry:
    """One set. Without `files` it ships whole with the package.

    `kind` says which loader serves it: "images", "text" or "sequences". `sample`
    says in words what the embedded part holds where it is not the whole, and
    `stand_in` is its title where it is no part of the set. `command` is what gets the
    files, where it is not `gmcourse data fetch`.
    """

    name: str
    title: str
    kind: str
    license: str
    citation: str
    note: str = ""
    sample: str = ""
    stand_in: str = ""
    folders: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    command: str = ""

    @property
    def megabytes(self) -> float:
        """Size of the download."""
        return sum(file.megabytes for file in self.files)


def _read() -> dict[str, Entry]:
    text = Path(__file__).with_name("catalog.json").read_text(encoding="utf-8")
    entries = {}
    for name, record in json.loads(text).items():
        files = tuple(
            File(**{**file, "aliases": tuple(file.get("aliases", ()))})
            for file in record.pop("files", ())
        )
        lists = {key: tuple(record.pop(key, ())) for key in ("folders", "mirrors")}
        entries[name] = Entry(name, files=files, **lists, **record)
    return entries


CATALOG: dict[str, Entry] = _read()


def find(name: str) -> Entry:
    """The entry of a set; "-" and "_" and upper and lower case are the same.

    Raises:
        ValueError: there is no such set; the message suggests the closest names.
    """
    key = str(name).lower().replace("-", "_")
    if key in CATALOG:
        return CATALOG[key]
    close = difflib.get_close_matches(key, CATALOG, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    raise ValueError(f"no set is named {name!r}. {hint}Known: {', '.join(CATALOG)}.")
