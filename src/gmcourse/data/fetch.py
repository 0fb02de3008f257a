"""Where the files of a set come from: the search, the checks, the download.

Places, in this order: the folders of GMCOURSE_DATA, the cache (GMCOURSE_CACHE, or the
platform's), system folders, the mirrors (unless GMCOURSE_OFFLINE=1). Whatever the
place, a file counts only when its digest is right. A download is checked in memory
and then put in place by one rename, under a lock, so that the cache never holds half
a file, whatever dies and whoever else is downloading.
"""

import errno
import gzip
import hashlib
import zlib
from pathlib import Path

from . import download, places
from .archives import members
from .catalog import Entry, File
from .download import Damaged, Unavailable, say
from .places import cache_folder, data_folders, flag, lacks, locate


def content(file: File, data: bytes) -> bytes:
    """The content of a stored file, decompressed and verified.

    Raises:
        Damaged: with the reason, when it is anything else than the set's file.
    """
    if data[:2] == b"\x1f\x8b" and not file.name.endswith(".gz"):
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise Damaged(f"is cut off or damaged ({error})") from None
    method, _, expected = file.digest.partition(":")
    if method == "members":
        try:
            parts = members(data, file.suffix)
        except Exception as error:  # whatever the archive modules raise on rubbish
            raise Damaged(f"is no readable archive ({error})") from None
        listing = (f"{n}:{hashlib.sha256(d).hexdigest()}\n" for n, d in parts.items())
        found = hashlib.sha256("".join(listing).encode()).hexdigest()
    else:
        found = hashlib.new(method, data, usedforsecurity=False).hexdigest()
    if found != expected:
        if data.lstrip()[:1] == b"<":
            raise Damaged("is a web page, not the file (a log-in or an error page?)")
        raise Damaged(
            f"has other content than expected ({len(data):,} bytes, {method} "
            f"{found[:12]}… in place of {expected[:12]}…)"
        )
    return data


class Reader:
    """Finds, verifies and reads the files of one set, by name.

    `sources` lists where they were found, and `lacking` why the folders of
    GMCOURSE_DATA did not serve. With `must_keep`, a download that could not be stored
    is an error and not a notice.
    """

    def __init__(self, entry: Entry, *, must_keep: bool = False) -> None:
        self.entry, self.must_keep = entry, must_keep
        self.sources: list[str] = []
        self.lacking: list[str] = []

    def __call__(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            Unavailable: it is nowhere. Damaged: a file in GMCOURSE_DATA is wrong.
        """
        entry = self.entry
        file = next(f for f in entry.files if f.name == name)
        self.lacking = []
        for root in data_folders():
            if path := locate(entry, file, root):
                try:
                    return self._found(content(file, path.read_bytes()), path.parent)
                except (Damaged, OSError) as error:
                    reason = getattr(error, "strerror", None) or error
                    raise Damaged(
                        f"{path} (found by way of GMCOURSE_DATA) {reason}. Replace or "
                        "remove it, or take its folder out of GMCOURSE_DATA."
                    ) from None
            self.lacking.append(lacks(entry, file, root))
        searched = [f"GMCOURSE_DATA: {why}" for why in self.lacking or ["not set"]]
        cache = cache_folder()
        if (data := self._stored(file, cache, "cache", searched)) is not None:
            return data
        for root in places.SYSTEM:
            if (data := self._stored(file, root, "system", searched)) is not None:
                return data
        if not entry.mirrors:
            searched.append("download: there is no address for this set")
        elif flag("GMCOURSE_OFFLINE"):
            searched.append("download: switched off by GMCOURSE_OFFLINE")
        else:
            folder = cache / entry.name
            with download.lock(folder / f".{file.name}.lock") as locked:
                # Another process may have finished it while this one waited.
                if locked and locate(entry, file, cache):
                    data = self._stored(file, cache, "cache", [])
                    if data is not None:
                        return data
                for url in download.urls(entry, file, searched):
                    if (stored := download.get(url, entry, file, searched)) is None:
                        continue
                    try:
                        data = content(file, stored)
                    except Damaged as error:
                        searched.append(f"download: {url} {error}")
                        continue
                    # Not `stored`: it was compressed, and keeps that ending on disk.
                    names = [file.name, f"{file.name}.gz"]
                    kept = names.pop(data is not stored)
                    if self._keep(folder, kept, stored, locked):
                        # The other one, if there, is damaged and would be found first.
                        (folder / names[0]).unlink(missing_ok=True)
                    return self._found(data, url)
        raise Unavailable(report(entry, searched))

    def _found(self, data: bytes, source: object) -> bytes:
        if str(source) not in self.sources:
            self.sources.append(str(source))
        return data

    def _stored(
        self, file: File, root: Path, what: str, searched: list[str]
    ) -> bytes | None:
        path = locate(self.entry, file, root)
        if path is None:
            searched.append(f"{what}: {root}")
            return None
        try:
            return self._found(content(file, path.read_bytes()), path.parent)
        except (Damaged, OSError) as error:
            # Not the reader's own folder: go on, the next place may have it.
            searched.append(f"{what}: {path} {error}")
            say(f"{path} {error}: not used.", once=True)
            return None

    def _keep(self, folder: Path, name: str, stored: bytes, locked: bool) -> bool:
        try:
            download.store(folder, name, stored, tidy=locked)
            return True
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            message = (
                f"{self.entry.name}: {name} was downloaded but could not be kept in "
                f"{folder} ({error.strerror or error}). "
                + ("Free some space there" if full else "Make the folder writable")
                + ", or set GMCOURSE_CACHE to another folder."
            )
            if self.must_keep:
                raise Unavailable(message) from None
            say(message + " Going on without keeping it.", once=True)
            return False


def report(entry: Entry, searched: list[str]) -> str:
    """Every place that was searched for a set, and what would mend it."""
    names = ", ".join(file.name for file in entry.files)
    command = entry.command or f"gmcourse data fetch {entry.name}"
    advice = f"put {names} (as they are or as .gz) into a folder "
    advice += f"FOLDER/{entry.name} and set GMCOURSE_DATA=FOLDER."
    if entry.mirrors:
        advice = (
            f"with a network, run `{command}` ({entry.megabytes:.1f} MB); "
            f"without one, {advice}"
        )
    places = "".join(f"\n  - {place}" for place in searched)
    note = f" {entry.note}" if entry.note else ""
    return (
        f"{entry.title} ({entry.name}) was not found. Searched:{places}\n"
        f"What to do: {advice}{note}"
    )
