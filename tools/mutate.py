"""Plant mistakes in the library, one at a time; the tests must notice every one.

    python tools/mutate.py [WORD ...]             the catalog, or names with a word
    python tools/mutate.py --since origin/main    of files that changed since
    python tools/mutate.py --random 40 --seed 1   nodes of the syntax tree, at random
    python tools/mutate.py --random 40 gan.py     of files with this in their names

The catalog lies in tests/mutants, one file for each module of the library, which also
says which tests concern the module. Its mutants were seen in the wild: flipped signs, a
mean for a sum, an average taken the wrong way round; all must be caught. Random mutants
(see random_mutants.py) may be no mistakes at all, so a share is asked for. A mutant is
planted in a copy of the sources in a temporary folder. The exit status is 1 where too
many survive.
"""

import argparse
import importlib.util
import random
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import changed
from random_mutants import replaced, sites
from trials import Mutant, complaint, prepare, survivors

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "src" / "gmcourse"
CATALOG = ROOT / "tests" / "mutants"
ASKED = 0.9  # the share of random mutants that must be caught

# Modules that random mutants leave alone: what they make is looked at or recomputed.
NOT_AT_RANDOM = {
    "__main__.py": "prints",
    "data/cli.py": "prints",
    "live/": "is compared with its JavaScript in a browser",
    "plots.py": "draws",
    "testing/": "is a battery of tests, held to wrong models in tests/test_battery.py",
    "checks/": "is proven by catalogs of its own: make checks",
    "zoo/": "is recomputed: make results",
}


def declared(file: str) -> ModuleType:
    """The file of tests/mutants that belongs to a module of the library."""
    spec = importlib.util.spec_from_file_location("mutants", CATALOG / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def modules() -> list[str]:
    """The modules of the library that have such a file."""
    return [p.relative_to(CATALOG).as_posix() for p in sorted(CATALOG.rglob("*.py"))]


def undeclared() -> list[str]:
    """Modules of which nobody said which tests concern them, and files of none."""
    have = {path.relative_to(LIBRARY).as_posix() for path in LIBRARY.rglob("*.py")}
    plain = {name for name in have if not name.endswith("__init__.py")}
    asked = {name for name in plain if not name.startswith(tuple(NOT_AT_RANDOM))}
    return [
        *(f"tests/mutants/{name} is missing" for name in sorted(asked - {*modules()})),
        *(f"tests/mutants/{name} is of no module" for name in {*modules()} - have),
    ]


def misplaced() -> list[str]:
    """Mutants whose text does not stand in its file exactly once."""
    wrong = []
    for file in modules():
        text = (LIBRARY / file).read_text(encoding="utf-8")
        for name, old, _ in getattr(declared(file), "MUTANTS", ()):
            if text.count(old) != 1:
                wrong.append(f"{file}, {name}: found {text.count(old)} times, not once")
    return wrong


def concerned(since: str) -> list[str]:
    """The modules whose text, mutants or tests differ from `since`; all, if empty."""
    if not since:
        return modules()
    paths = changed.files(since)
    return [
        file
        for file in modules()
        if {f"src/gmcourse/{file}", f"tests/mutants/{file}"} & paths
        or any(f"tests/{t.split('::')[0]}" in paths for t in declared(file).TESTS)
    ]


def catalog(files: Iterable[str], words: Iterable[str] = ()) -> list[Mutant]:
    found = []
    for file in files:
        module = declared(file)
        text = (LIBRARY / file).read_text(encoding="utf-8")
        for name, old, new in getattr(module, "MUTANTS", ()):
            if not words or any(word in f"{file} {name}" for word in words):
                changed = text.replace(old, new)
                found.append(Mutant(file, name, changed, module.TESTS))
    return found


def at_random(files: Iterable[str], count: int, seed: int) -> list[Mutant]:
    """Mutants of `count` different nodes, each node of all files equally likely."""
    texts = {
        file: (LIBRARY / file).read_text(encoding="utf-8")
        for file in files
        if not file.startswith(tuple(NOT_AT_RANDOM))
    }
    places = [(file, site) for file, text in texts.items() for site in sites(text)]
    draw, found = random.Random(seed), []
    for file, site in draw.sample(places, min(count, len(places))):
        new = draw.choice(site.texts)
        old = texts[file].encode()[site.start : site.stop].decode()
        name = f"line {site.line}: {' '.join(old.split())}  ->  {new}"
        text = replaced(texts[file], site, new)
        found.append(Mutant(file, name, text, declared(file).TESTS))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", metavar="WORD")
    parser.add_argument("--since", default="", metavar="COMMIT")
    parser.add_argument("--random", type=int, default=0, metavar="COUNT")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    options = parser.parse_args(arguments)
    wrong = misplaced() + undeclared()
    if wrong:
        print("\n".join(wrong))
        return 1
    files = concerned(options.since)
    if options.random:
        asked = [f for f in files if any(w in f for w in options.words or [""])]
        mutants = at_random(asked, options.random, options.seed)
    else:
        mutants = catalog(files, options.words)
    if not mutants:
        print("nothing to plant")
        return 0
    start = time.monotonic()
    prepare()
    # At random, many run to the end of their tests: the slowest are left out.
    marks = "not browser and not slow" if options.random else "not browser"
    if wrong := complaint(sorted({t for m in mutants for t in m.tests}), marks):
        print(f"{wrong}\nThe tests fail without any mutant: mend them first.")
        return 1
    left = survivors(mutants, marks, options.jobs)
    share = 1 - len(left) / len(mutants)
    print(
        f"{len(mutants) - len(left)} of {len(mutants)} caught ({share:.1%}) "
        f"in {time.monotonic() - start:.0f} s"
    )
    for mutant in left:
        print(f"  src/gmcourse/{mutant.file}, {mutant.name}")
    return int(share < (ASKED if options.random else 1))


if __name__ == "__main__":
    sys.exit(main())
