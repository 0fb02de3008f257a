"""Pair, execute and inspect the chapters.

A chapter is one text, `notebooks/NN_name.md` (jupytext's MyST Markdown), which is
edited and reviewed, and one notebook, `notebooks/NN_name.ipynb`, which carries the
outputs that the book shows. The way is always from the text to the notebook:

    python tools/notebooks.py pair              text -> notebook, outputs kept
    python tools/notebooks.py execute 03        run in a fresh kernel, store outputs
    python tools/notebooks.py status            what is unpaired or stale (exit 1)
    python tools/notebooks.py budget            rewrite the budget cards

Outputs are kept only where the code of a cell is unchanged, and the notebook's
metadata hold a hash of the code that made them: see `code_hash`.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import budgets
import kernels
from common import Problem
from outputs import unstable_outputs
from pairs import (
    code_hash,
    combine,
    differences,
    read_notebook,
    read_text,
    write_notebook,
)

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"


def texts(names=(), folder=NOTEBOOKS):
    """The chapters' texts, all of them or those whose names start with one of `names`.

    A name may be given as a path, with or without its ending, or as its number.
    """
    every = sorted(folder.glob("[0-9][0-9]_*.md"))
    if not names:
        return every
    found = []
    for name in names:
        stem = Path(name).name.removesuffix(".ipynb").removesuffix(".md")
        exact = [path for path in every if path.stem == stem]
        match = exact or [path for path in every if path.stem.startswith(stem)]
        if len(match) != 1:
            have = ", ".join(path.stem for path in match or every) or "none"
            what = "several chapters" if match else "no chapter"
            raise Problem(f"{name!r} names {what} of {folder}: {have}")
        found += match
    return found


def pair(path):
    """Bring the notebook beside a text up to date; whether it changed."""
    target = path.with_suffix(".ipynb")
    old = read_notebook(target) if target.exists() else None
    return write_notebook(combine(read_text(path), old), target)


def execute(path, *, scale="cpu", threads=None, timeout=1800, measure_only=False):
    """Execute a chapter, store its outputs and its budget; return what to mend.

    The text is read again at the end, so that prose edited meanwhile is kept. Code
    edited meanwhile makes the outputs stale, which `status` reports.
    """
    how = {"scale": scale, "threads": threads, "timeout": timeout}
    done = kernels.run(read_text(path), **how, folder=path.parent)
    facts = done.metadata["gmcourse"]
    if scale == "gpu" and facts["place"] == "cpu":
        raise Problem("--scale gpu, but no CUDA device was found: nothing is stored")
    if scale != "smoke":
        entry = {
            k: facts[k] for k in ("seconds", "peak_memory_mb", "device", "executed")
        }
        entry |= {k: facts[k] for k in ("threads", "gpu_memory_mb") if k in facts}
        budgets.add(path, {facts["place"]: entry})
    if not measure_only:
        budgets.render(path)
        write_notebook(combine(read_text(path), done), path.with_suffix(".ipynb"))
    return unstable_outputs(done)


# ---- status ----------------------------------------------------------------------


def status(path):
    """What is wrong with a chapter's notebook, as sentences."""
    target = path.with_suffix(".ipynb")
    if not target.exists():
        return [f"{target.name} is missing: run `make execute`"]
    text, notebook = read_text(path), read_notebook(target)
    found = differences(text, notebook)
    if found:
        found.append("not paired: run `python tools/notebooks.py pair`")
    facts = notebook.metadata.get("gmcourse", {})
    if not facts:
        found.append("never executed: run `make execute`")
    elif facts["code_hash"] != code_hash(text):
        found.append("the outputs are from older code: run `make execute`")
    elif facts["scale"] == "smoke":
        found.append("the outputs are of the smoke scale: run `make execute`")
    current = path.read_text(encoding="utf-8")
    if current != budgets.with_card(current, budgets.read(path)):
        found.append("the budget card is old: run `python tools/notebooks.py budget`")
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=NOTEBOOKS, help=argparse.SUPPRESS
    )
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name, text):
        sub = commands.add_parser(name, help=text, description=text)
        sub.add_argument("names", nargs="*", metavar="NAME", help="03 or 03_name")
        return sub

    command("pair", "bring the notebooks up to date with their texts, outputs kept")
    sub = command("execute", "run chapters in fresh kernels and store the outputs")
    sub.add_argument("--scale", choices=("smoke", "cpu", "gpu"), default="cpu")
    sub.add_argument("--timeout", type=int, default=1800, help="seconds for one cell")
    sub.add_argument("--threads", type=int, help="OMP_NUM_THREADS (default: as it is)")
    sub.add_argument("--stale", action="store_true", help="only those status reports")
    sub.add_argument(
        "--measure-only", action="store_true", help="write the budget, no outputs"
    )
    command("status", "report what is unpaired or stale; exit 1 if anything is")
    sub = command("budget", "rewrite the budget cards from notebooks/budgets")
    sub.add_argument("--merge", type=Path, help="first add measurements made elsewhere")
    options = parser.parse_args(arguments)

    failed = False
    try:
        chapters = texts(options.names, options.folder)
        if options.command == "budget" and options.merge:
            chapters = texts([options.merge.stem], options.folder)
            budgets.add(*chapters, json.loads(options.merge.read_text("utf-8")))
        for path in chapters:
            if options.command == "pair":
                print(f"{path.stem}: {'paired' if pair(path) else 'unchanged'}")
            elif options.command == "budget":
                changed = budgets.render(path)
                pair(path)
                print(f"{path.stem}: {'card renewed' if changed else 'unchanged'}")
            elif options.command == "status":
                found = status(path)
                failed |= bool(found)
                for line in found or ["current"]:
                    print(f"{path.stem}: {line}")
            else:
                failed |= not execute_and_say(path, options)
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 2
    return int(failed)


def execute_and_say(path, options):
    if options.stale and not status(path):
        print(f"{path.stem}: current")
        return True
    print(f"{path.stem}: executing at scale {options.scale}", flush=True)
    started = time.perf_counter()
    try:
        found = execute(
            path,
            scale=options.scale,
            threads=options.threads,
            timeout=options.timeout,
            measure_only=options.measure_only,
        )
    except Problem as problem:
        print(f"{path.stem}: {problem}", file=sys.stderr)
        return False
    print(f"{path.stem}: done in {time.perf_counter() - started:.0f} s")
    for line in found:
        print(f"{path.stem}: {line}", file=sys.stderr)
    return not found


if __name__ == "__main__":
    sys.exit(main())
