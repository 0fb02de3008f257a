"""The network and the disk: get a file from a mirror, put it in place, under a lock.

Every attempt ends: in the file, or in a line that says why not. What is tried next is
the business of `fetch`.
"""

import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from .. import _files
from .catalog import Entry, File

TIMEOUTS = (5.0, 20.0)  # seconds: to connect, and between two pieces of the answer
SLOW = (60.0, 50e3)  # after so many seconds, fewer bytes/s than this is given up
LOCK_PATIENCE = (2.0, 900.0)  # seconds to wait for another process: silent, in all

_dead: dict[str, str] = {}  # host or mirror: why it is not asked again
_alive: set[str] = set()  # hosts that answered anything
_said: set[str] = set()


class Unavailable(RuntimeError):
    """A set was found in none of its places; the message lists them."""


class Damaged(RuntimeError):
    """A file is there but its content is not the set's; the message names it."""


def say(message: str, *, once: bool = False) -> None:
    """One line to the reader, on stderr; with `once`, once per process."""
    if not (once and message in _said):
        _said.add(message)
        print(f"gmcourse: {message}", file=sys.stderr, flush=True)


def forget_failures() -> None:
    """Try hosts again that could not be reached earlier in this process."""
    _dead.clear()
    _alive.clear()


def urls(entry: Entry, file: File, searched: list[str]) -> Iterator[str]:
    """The addresses of a file, mirror after mirror, then once more those cut off.

    A host that could not be reached, and a mirror that fell silent, are not tried
    again in this process. After two dead hosts and no answer from any, no other is
    tried either: a machine without a network waits once.
    """
    addresses = [urljoin(mirror, file.remote or file.name) for mirror in entry.mirrors]
    for url in addresses:
        reason = _dead.get(urlsplit(url).netloc) or _dead.get(url.rpartition("/")[0])
        if reason:
            searched.append(f"download: {url} {reason} (earlier in this process)")
        elif len(_dead) > 1 and not _alive:
            searched.append(f"download: {url} not tried: no other host was reachable")
        else:
            yield url
    for url in addresses:
        if f"download: {url} was cut off" in searched:
            yield url


def get(url: str, entry: Entry, file: File, searched: list[str]) -> bytes | None:
    """What an address serves, or None with the reason added to `searched`."""
    import pooch
    import requests

    host = urlsplit(url).netloc
    sink = _Sink(f"{entry.name}: {file.name}", file.megabytes * 1e6)
    try:
        # pooch brings certificates, proxies and redirects. Small pieces, because the
        # sink is asked only when one is full: at 100 bytes/s that is every 10 s.
        fetch = pooch.HTTPDownloader(timeout=TIMEOUTS, chunk_size=1024)
        fetch(url, sink, None)
        _alive.add(host)
        return sink.getvalue()
    except requests.HTTPError as error:
        reason = f"answered HTTP {getattr(error.response, 'status_code', '?')}"
        _alive.add(host)
    except _GivenUp as error:
        reason = str(error)
    except (requests.ConnectionError, requests.Timeout) as error:
        # Silence after a good start comes as a ConnectionError "Read timed out".
        silent = "Read timed out" in str(error)
        if silent:
            reason = f"sent nothing for {TIMEOUTS[1]:.0f} s"
            _alive.add(host)
        else:
            reason = f"could not be reached ({_short(error)})"
        _dead[url.rpartition("/")[0] if silent else host] = reason
    except requests.exceptions.ChunkedEncodingError:
        reason = "was cut off"
    except requests.RequestException as error:
        reason = f"failed ({_short(error)})"
    finally:
        sink.clear_line()
    searched.append(f"download: {url} {reason}")
    return None


def _short(error: BaseException) -> str:
    """The innermost reason of an error of requests, on one line."""
    while error.args and isinstance(error.args[0], BaseException):
        error = error.args[0]
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        error = reason
    return " ".join(str(error).split(": ", 1)[-1].split())[:120]


class _GivenUp(Exception):
    """The answer is too slow or too long; no kind of OSError, so nobody retries."""


class _Sink(io.BytesIO):
    """Collects an answer in memory, shows progress, gives up on the hopeless."""

    def __init__(self, label: str, expected: float) -> None:
        super().__init__()
        self.label, self.expected = label, expected
        self.started = self.shown = time.monotonic()
        self.width = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]
        written = super().write(data)
        now, received = time.monotonic(), self.tell()
        seconds = now - self.started
        if seconds > SLOW[0] and received < SLOW[1] * seconds:
            raise _GivenUp(f"is too slow ({received / seconds / 1e3:.1f} kB/s)")
        # A server may send the decompressed content: allow for ten times the size.
        if received > 10 * self.expected + 1e6:
            raise _GivenUp("sends far more than the file")
        if now - self.shown > 0.2:
            line = f"{self.label} {received / 1e6:.1f} of {self.expected / 1e6:.1f} MB"
            self.width = max(self.width, len(line))
            print(f"\r{line:{self.width}}", end="", file=sys.stderr, flush=True)
            self.shown = now
        return written

    def clear_line(self) -> None:
        """Take the progress line away again: nothing stays on the page."""
        if self.width:
            print(f"\r{'':{self.width}}\r", end="", file=sys.stderr, flush=True)


def store(folder: Path, name: str, data: bytes, *, tidy: bool = False) -> None:
    """Write a file so that it is there whole or not at all.

    `tidy` removes what a killed process left: only right while holding the lock.

    Raises:
        OSError: no space, no permission; nothing is left behind.
    """
    if tidy:
        _files.remove_partial(folder / name)
    _files.write(folder / name, data)


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Hold a lock file; False where no lock can be had (read-only, odd file system).

    Without it the rename is still atomic: at worst the file is downloaded twice.
    """
    import filelock

    held = filelock.FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            held.acquire(timeout=LOCK_PATIENCE[0])
        except filelock.Timeout:
            say(f"waiting for another process that is downloading {path.parent.name}")
            held.acquire(timeout=LOCK_PATIENCE[1])
    except filelock.Timeout:
        raise Unavailable(
            f"Another process has held {path} for {LOCK_PATIENCE[1] / 60:.0f} minutes. "
            "Wait for its download, or end it, and try again."
        ) from None
    except (OSError, NotImplementedError):
        yield False
        return
    try:
        yield True
    finally:
        held.release()
