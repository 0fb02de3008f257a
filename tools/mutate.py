"""Plant mistakes in the library, one at a time; the tests must notice every one.

    python tools/mutate.py [WORD ...]             the catalog, or names with a word
    python tools/mutate.py --since origin/main    of files that changed since
    python tools/mutate.py --random 40 --seed 1   nodes of the syntax tree, at random

The catalog lies in tests/mutants, one file for each module of the library, which also
says which tests concern the module. Its mutants were seen in the wild: flipped signs, a
mean for a sum, an average taken the wrong way round; all must be caught. Random mutants
(see random_mutants.py) may be no mistakes at all, so a share is asked for. A mutant is
planted in a copy of the sources in a temporary folder. The exit status is 1 where too
many survive.
"""

import argparse
import importlib.util
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from types import ModuleType

import changed
from random_mutants import replaced, sites

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "src" / "gmcourse"
CATALOG = ROOT / "tests" / "mutants"
SECONDS = 120  # a test that takes longer has noticed something
ASKED = 0.9  # the share of random mutants that must be caught

# What the tests import and a mutant does not concern is imported once, before the fork.
HEAVY = ("torch", "scipy.stats", "sklearn.mixture", "matplotlib.pyplot")
PROCESSES = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")

# Modules that random mutants leave alone: what they make is looked at or recomputed.
NOT_AT_RANDOM = {
    "__main__.py": "prints",
    "data/cli.py": "prints",
    "live.py": "is compared with its JavaScript in a browser",
    "plots.py": "draws",
    "testing/": "is a battery of tests, held to wrong models in tests/test_battery.py",
    "checks/": "is proven by catalogs of its own: make checks",
    "zoo/": "is recomputed: make results",
}


@dataclass(frozen=True)
class Mutant:
    """A module's file, what is wrong in it, its whole text, and who should notice."""

    file: str
    name: str
    text: str
    tests: tuple[str, ...]


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


def run_tests(tests: list[str], marks: str, sources: Path, report: Path) -> None:
    """In a process of its own: run the tests on these sources, and leave a report."""
    with report.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # A shell ignores Ctrl-C for what it starts in the background, and so would tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(ROOT)
    sys.path.insert(0, str(sources))  # before the installed package
    os.environ["PYTHONPATH"] = str(sources)  # for what the tests start
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(sources.parent)
    import pytest

    words = ["-x", "-q", "-p", "no:cacheprovider", "-m", marks]
    paths = [f"tests/{test}" for test in tests]
    sys.exit(pytest.main([*words, "-o", f"timeout={SECONDS}", *paths]))


class Trial:
    """A copy of the sources with a mutant in it, or none, and its tests at work.

    The copy holds the modules; weights and data are links to the originals.
    """

    def __init__(self, tests: Iterable[str], marks: str, mutant: Mutant | None = None):
        self.mutant, self.started = mutant, time.monotonic()
        self.folder = Path(tempfile.mkdtemp())
        sources, self.report = self.folder / "src", self.folder / "report"
        ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(ROOT / "src", sources, ignore=ignore, copy_function=_copy)
        if mutant:
            path = sources / "gmcourse" / mutant.file
            path.write_text(mutant.text, encoding="utf-8")
        arguments = ([*tests], marks, sources, self.report)
        self.process = PROCESSES.Process(target=run_tests, args=arguments)
        self.process.start()

    def complaint(self) -> str | None:
        """What the tests say, "" if they pass; None while they run."""
        late = time.monotonic() - self.started > 10 * SECONDS
        if self.process.is_alive() and not late:
            return None
        self.process.kill()
        self.process.join()
        text, code = self.report.read_text(errors="replace"), self.process.exitcode
        shutil.rmtree(self.folder)
        if code in (2, 3, 4, 5) and not self.mutant:
            raise RuntimeError(f"pytest could not run\n{text[-2000:]}")
        return (text[-3000:] or "stopped") if code else ""


def _copy(source: str, target: str) -> None:
    if source.endswith((".py", ".js")):
        shutil.copy(source, target)
    else:
        os.symlink(source, target)


def complaint(tests: Iterable[str], marks: str) -> str:
    """What the tests say of the sources as they are; "" if they pass."""
    trial = Trial(tests, marks)
    trial.process.join()
    return trial.complaint() or ""


def survivors(mutants: list[Mutant], marks: str, jobs: int) -> list[Mutant]:
    """Plant each, `jobs` at a time; those that no test noticed."""
    left, running, waiting = [], [], mutants[::-1]
    while running or waiting:
        while waiting and len(running) < jobs:
            mutant = waiting.pop()
            running.append(Trial(mutant.tests, marks, mutant))
        wait([trial.process.sentinel for trial in running], timeout=1)
        for trial in list(running):
            said = trial.complaint()
            if said is not None:
                running.remove(trial)
                left += [] if said else [trial.mutant]
                verdict = "caught  " if said else "SURVIVED"
                print(
                    f"{verdict}  {trial.mutant.file}, {trial.mutant.name}", flush=True
                )
    return left


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
        mutants = at_random(files, options.random, options.seed)
    else:
        mutants = catalog(files, options.words)
    if not mutants:
        print("nothing to plant")
        return 0
    start = time.monotonic()
    os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="agg")
    for name in HEAVY:
        importlib.import_module(name)
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
