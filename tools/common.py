"""What the tools share: files that are written whole, and problems told in a line."""

import os
import tempfile


class Problem(Exception):
    """What the person at the keyboard should read, without a traceback."""


def write_atomically(path, text):
    """Write `text` to `path` so that a reader sees the old file or the new one.

    Returns whether the file changed; an equal file is left alone.
    """
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)  # mkstemp's 0600 would show up in a commit
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True
