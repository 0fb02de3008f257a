"""The command line of the data: `gmcourse data list | fetch | where`."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from . import download, places
from .catalog import CATALOG, Entry, find
from .fetch import Reader
from .formats import EMBEDDED
from .places import cache_folder, data_folders, flag, lacks, locate
from .sets import LOADERS


def register(subparsers: "argparse._SubParsersAction") -> None:
    """Add the command `data` to a parser; each subcommand sets `func(args) -> int`."""
    parser = subparsers.add_parser("data", help="list, fetch and find the data sets")
    parser.set_defaults(func=lambda args: parser.print_help())
    commands = parser.add_subparsers(metavar="list | fetch | where")

    listing = commands.add_parser("list", help="all sets: size, license, citation")
    listing.add_argument("--json", action="store_true", help="everything, as JSON")
    listing.set_defaults(func=_list)

    fetch = commands.add_parser("fetch", help="download sets into the cache, verified")
    fetch.add_argument("names", nargs="+", metavar="NAME")
    fetch.set_defaults(func=_fetch)

    where = commands.add_parser("where", help="where sets are looked for and found")
    where.add_argument("names", nargs="*", metavar="NAME")
    where.set_defaults(func=_where)


def _roots() -> list[Path]:
    return [*data_folders(), cache_folder(), *places.SYSTEM]


def _at_hand(entry: Entry) -> str:
    if all(any(locate(entry, f, root) for root in _roots()) for f in entry.files):
        return "yes"
    return "sample" if entry.name in EMBEDDED else "no"


def _list(args: argparse.Namespace) -> int:
    if args.json:
        sets = {
            name: {**dataclasses.asdict(entry), "at_hand": _at_hand(entry)}
            for name, entry in CATALOG.items()
        }
        print(json.dumps(sets, indent=2))
        return 0
    print(f"{'set':18}{'at hand':9}{'download':>10}  {'loader':17}license")
    for name, entry in CATALOG.items():
        size = f"{entry.megabytes:.1f} MB" if entry.mirrors else "-"
        loader = LOADERS[entry.kind]
        print(f"{name:18}{_at_hand(entry):9}{size:>10}  {loader:17}{entry.license}")
        print(f"    {entry.title}\n    {entry.citation}")
    return 0


def _fetch(args: argparse.Namespace) -> int:
    failed = False
    for entry in [find(name) for name in args.names]:
        if not entry.files:
            print(f"{entry.name}: needs no download.")
            continue
        read = Reader(entry, must_keep=True)
        try:
            for file in entry.files:
                read(file.name)
        except (download.Unavailable, download.Damaged) as error:
            print(f"gmcourse: {error}", file=sys.stderr)
            failed = True
        else:
            print(f"{entry.name}: complete and verified, from:")
            print("".join(f"    {source}\n" for source in read.sources), end="")
            print(f"    License: {entry.license}. Cite: {entry.citation}.")
    return int(failed)


def _where(args: argparse.Namespace) -> int:
    if not args.names:
        print("Searched in this order:")
        for folder in data_folders() or ["not set"]:
            missing = isinstance(folder, Path) and not folder.is_dir()
            print(f"    GMCOURSE_DATA  {folder}{' (no such folder)' * missing}")
        print(f"    cache          {cache_folder()} (GMCOURSE_CACHE moves it)")
        print(
            "".join(f"    system         {folder}\n" for folder in places.SYSTEM),
            end="",
        )
        off = "off, by GMCOURSE_OFFLINE" if flag("GMCOURSE_OFFLINE") else "on"
        strict = "off, by GMCOURSE_STRICT" if flag("GMCOURSE_STRICT") else "on"
        print(f"    download       {off}\n    sample         {strict}")
        return 0
    for entry in [find(name) for name in args.names]:
        print(f"{entry.name}: {entry.title}")
        if not entry.files:
            print(f"    {entry.note or 'ships with gmcourse'}")
        for file in entry.files:
            paths = filter(None, (locate(entry, file, root) for root in _roots()))
            if path := next(paths, None):
                print(f"    {file.name}: {path}")
                continue
            print(f"    {file.name}: not on this machine")
            for root in data_folders():
                print(f"        GMCOURSE_DATA: {lacks(entry, file, root)}")
        if entry.mirrors:
            print(
                "".join(f"    mirror: {mirror}\n" for mirror in entry.mirrors), end=""
            )
        if entry.sample:
            print(f"    sample: {entry.sample}, ships with gmcourse")
        print(f"    License: {entry.license}. Cite: {entry.citation}.")
    return 0
