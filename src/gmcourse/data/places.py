"""Where sets lie on a disk: the folders that are searched, and the names in them."""

import os
from pathlib import Path

from .._arguments import setting, unquoted
from .catalog import Entry, File

SYSTEM = (Path("/usr/share/datasets"),)  # Debian's dataset-* packages


def flag(name: str) -> bool:
    """Whether an environment variable is switched on ("" and "0" are off)."""
    return setting(name) not in ("", "0")


def data_folders() -> list[Path]:
    """The folders of GMCOURSE_DATA, which is a list like PATH."""
    given = map(unquoted, os.environ.get("GMCOURSE_DATA", "").split(os.pathsep))
    return [Path(folder).expanduser() for folder in given if folder]


def cache_folder() -> Path:
    """GMCOURSE_CACHE, or the platform's folder for caches."""
    if given := setting("GMCOURSE_CACHE"):
        return Path(given).expanduser()
    import pooch

    return Path(pooch.os_cache("gmcourse"))


def locate(entry: Entry, file: File, root: Path) -> Path | None:
    """The file of a set under a data folder, by any of the accepted names.

    `<root>/<set>/` or `<root>/<set>/raw/` (torchvision's), where upper and lower
    case, "-" and "_" are the same; or `root` is that folder itself. As it is or .gz.
    """
    # Programs that unpack a .gz may give the file the name that was written inside it.
    dotted = file.name.replace("-idx", ".idx")
    for folder in _folders(entry, root):
        for name in dict.fromkeys((file.name, *file.aliases, dotted)):
            for path in (folder / name, folder / f"{name}.gz"):
                if os.path.isfile(path):
                    return path
    return None


def lacks(entry: Entry, file: File, root: Path) -> str:
    """Why a data folder does not give a file: the end of a sentence about it."""
    if not os.path.isdir(root):
        return (
            f"{root} {'is not a folder' if os.path.exists(root) else 'does not exist'}"
        )
    folders = _folders(entry, root)
    if not folders:
        return f"{root} has no folder {entry.name}"
    return f"no {file.name} in {' or '.join(map(str, folders))}"


def _folders(entry: Entry, root: Path) -> list[Path]:
    """The folders that may hold a set: those named for it, and their `raw`."""
    names = {_plain(name) for name in (entry.name, *entry.folders)}
    # A set's files alone do not tell whose they are: three sets have the same names.
    here = Path(os.path.abspath(root))
    whole = here.parent if here.name.lower() == "raw" else here
    found = [root] if _plain(whole.name) in names or "." in entry.folders else []
    try:
        named = [path for path in root.iterdir() if _plain(path.name) in names]
        found += sorted(named, key=lambda path: (path.name != entry.name, path.name))
    except OSError:
        pass
    return [f for path in found for f in (path, path / "raw") if os.path.isdir(f)]


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
