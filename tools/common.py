"""What the tools share: files that are written whole, and problems told in a line."""

from gmcourse import _files


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
