"""What the tools share: files written whole, problems told in a line, a browser."""

import os
import shutil
from typing import TYPE_CHECKING

from gmcourse import _files

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright


class Problem(Exception):
    """What the person at the keyboard should read, without a traceback."""


def write_atomically(path, text):
    """Write `text` to `path` so that a reader sees the old file or the new one.

    Returns whether the file changed; an equal file is left alone.
    """
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    _files.write(path, text.encode())
    return True


def find_chromium() -> str | None:
    """Path of the browser: GMCOURSE_CHROMIUM, else the first known name on PATH.

    A wrong GMCOURSE_CHROMIUM is an error, not a reason to look elsewhere.
    """
    if asked := os.environ.get("GMCOURSE_CHROMIUM"):
        if found := shutil.which(asked):
            return found
        raise FileNotFoundError(f"GMCOURSE_CHROMIUM is {asked!r}: no such program")
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    return None


def launch(playwright: "Playwright", path: str) -> "Browser":
    """The browser, as its sandbox, a GPU and the network are not to be had in CI."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu"]
    flags.append("--disable-background-networking")
    return playwright.chromium.launch(executable_path=path, args=flags)
