"""Mutants at work: the tests of each, in a process and on sources of its own."""

import importlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120  # a test that takes longer has noticed something

# What the tests import and a mutant does not concern is imported once, before the fork.
HEAVY = (
    *("torch", "scipy.stats", "sklearn.mixture", "matplotlib.pyplot"),
    *("pytest", "hypothesis", "beartype", "jaxtyping"),
)
# pytest need not rewrite what is imported already; these plugins take seconds to start.
QUICK = (
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *("-p", "no:nbval", "-p", "no:anyio", "-p", "no:cacheprovider"),
)
PROCESSES = multiprocessing.get_context("fork" if hasattr(os, "fork") else "spawn")


@dataclass(frozen=True)
class Mutant:
    """A module's file, what is wrong in it, its whole text, and who should notice."""

    file: str
    name: str
    text: str
    tests: tuple[str, ...]


def prepare() -> None:
    """Import what all tests need, in the process that is forked."""
    os.environ.update(OMP_NUM_THREADS="1", MPLBACKEND="agg")
    for name in HEAVY:
        importlib.import_module(name)


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
    sys.dont_write_bytecode = False  # the tests are compiled once, not for each mutant
    import pytest

    words = ["-x", "-q", "-rf", *QUICK, "-m", marks]
    paths = [f"tests/{test}" for test in tests]
    sys.exit(pytest.main([*words, "-o", f"timeout={SECONDS}", *paths]))


class Trial:
    """A copy of the sources with a mutant in it, or none, and its tests at work."""

    def __init__(self, tests: Iterable[str], marks: str, mutant: Mutant | None = None):
        self.mutant, self.started = mutant, time.monotonic()
        self.folder = Path(tempfile.mkdtemp())
        sources, self.report = copied(self.folder), self.folder / "report"
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


def copied(folder: Path) -> Path:
    """A copy of src in a folder, of the modules; weights and data are links."""
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info")
    (folder / "weights").symlink_to(ROOT / "weights")  # a clone has them beside src
    return shutil.copytree(
        ROOT / "src", folder / "src", ignore=ignore, copy_function=_copy
    )


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
