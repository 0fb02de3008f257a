"""Prove the exercises' checks on their versions; keep the record and its page.

Each exercise has a record of its own in `book/_data/checks`. It stays valid until one
of the exercise's two modules, a helper module that these import, or the number
``ENGINE`` of the engine changes.
"""

import argparse
import ast
import hashlib
import json
import multiprocessing
import os
import platform
import statistics
import sys
import textwrap
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import exercise_blind
import torch
from exercise_page import page
from exercise_source import ROOT, Answers, answers, roles, stub_answers, versions

from gmcourse import checks
from gmcourse.checks import Exercise, run
from gmcourse.checks._engine import ENGINE

RECORDS = ROOT / "book" / "_data" / "checks"
PAGE = ROOT / "book" / "check_quality.md"
SEEDS = 20


def checked() -> dict[str, Exercise]:
    """The exercises that have a check."""
    return {id: e for id, e in checks.catalog().items() if e.check}


def sources(module: str) -> set[Path]:
    """The file of a module and those of the helpers in its folder that it imports."""
    found, left = set(), [Path(sys.modules[module].__file__)]
    while left:
        path = left.pop()
        if path in found or not path.exists():
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module] if node.module else [a.name for a in node.names]
                left += [path.parent / f"{name}.py" for name in names]
    return found


def fingerprint(exercise: Exercise, cls: type) -> str:
    """Changes with the exercise's two modules, their helpers, and ``ENGINE``."""
    # By module: under the tests' shape checks a function is a wrapper of another file.
    files = sources(exercise.check.__module__) | sources(cls.__module__)
    hash = hashlib.sha256(f"engine {ENGINE}".encode())
    for path in sorted(files):
        hash.update(path.read_bytes())
    return hash.hexdigest()[:16]


def read() -> dict[str, dict]:
    """The records by id."""
    paths = sorted(RECORDS.glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def stale() -> list[str]:
    """The exercises without a valid record."""
    rows, solutions = read(), versions()
    return [
        id
        for id, exercise in checked().items()
        if rows.get(id, {}).get("source") != fingerprint(exercise, solutions[id])
    ]


def problems() -> list[str]:
    """Why the records or the page are not those of the current sources."""
    rows, due = read(), checked()
    found = [f"{id} is no exercise with a check" for id in rows if id not in due]
    for id in stale():
        found.append(f"{id} has changed since it was proven: run prove {id}")
    text = page(rows, exercise_blind.read())
    if not PAGE.exists() or text != PAGE.read_text(encoding="utf-8"):
        found.append(f"{PAGE.relative_to(ROOT)} is not the records' page: run prove")
    return found


def prove(exercise: Exercise, cls: type, seeds: int, extra: int = 0) -> dict:
    """Run the catalog of one exercise; ``faults`` lists what went wrong.

    ``extra`` more runs of right answers, in turn, look for false rejects.
    """
    faults, ms, alarm = [], {}, 0.0
    broken = exercise.stub_mistake
    due = ("not yet", broken) if broken else ("not attempted", None)
    for seed in range(seeds if broken else 1):
        verdict = run(exercise, stub_answers(exercise), seed=seed)
        if (verdict.outcome, verdict.misconception) != due:
            faults.append(f"the stub, seed {seed}, is {due}:\n{verdict.text}")
    stub = verdict.outcome
    right = {**roles(cls, "reference"), **roles(cls, "right")}
    make = {
        name: Answers(partial(answers, v), times=3 if v.role == "reference" else 1)
        for name, v in right.items()
    }
    false_rejects = 0
    turns = [(name, s) for s in range(seeds) for name in right]
    names = list(right)
    turns += [(names[i % len(names)], 10_000 + i) for i in range(extra)]
    for name, seed in turns:
        given, start = make[name](seed), time.process_time()
        verdict = run(exercise, given, seed=seed)
        ms.setdefault(name, []).append(1000 * (time.process_time() - start))
        alarm = max(alarm, verdict.false_alarm)
        if not verdict:
            false_rejects += 1
            faults.append(f"{name}, seed {seed}, is right:\n{verdict.text}")
    wrong = roles(cls, "wrong")
    rejected = named = 0
    for name, version in wrong.items():
        given = Answers(partial(answers, version))
        for seed in range(seeds):
            verdict = run(exercise, given(seed), seed=seed)
            rejected += verdict.outcome == "not yet"
            named += verdict.misconception == version.misconception
            if verdict.misconception != version.misconception:
                due = f"{name}, seed {seed}, is wrong: {version.misconception}"
                faults.append(f"{due}\n{verdict.text}")
    machine = f"torch {torch.__version__.split('+')[0]}, "
    machine += f"Python {platform.python_version()}, {platform.machine()}"
    return {
        "title": exercise.title,
        "source": fingerprint(exercise, cls),
        "machine": machine,
        "seeds": seeds,
        "stub": stub,
        "wrong_versions": len(wrong),
        "wrong_runs": len(wrong) * seeds,
        "rejected": rejected,
        "named": named,
        "right_versions": len(right),
        "right_runs": len(turns),
        "false_rejects": false_rejects,
        "false_alarm_bound": alarm,
        "ms": round(statistics.median(ms[next(iter(ms))]), 1),
        "slowest_ms": round(max(statistics.median(v) for v in ms.values()), 1),
        "misconceptions": Counter(v.misconception for v in wrong.values()),
        "faults": faults,
    }


def prove_one(id: str, seeds: int, extra: int) -> dict:
    """As `prove`, in a process of the pool."""
    return prove(checks.catalog()[id], versions()[id], seeds, extra)


def prove_all(args: argparse.Namespace) -> int:
    catalog = checked()
    unknown = [id for id in args.ids if id not in catalog]
    if unknown:
        raise SystemExit(f"no exercise with a check: {', '.join(unknown)}")
    ids = args.ids or (list(catalog) if args.all else stale())
    jobs = min(args.jobs or os.cpu_count() or 1, len(ids))
    os.environ["OMP_NUM_THREADS"] = "1"  # of the processes of the pool
    failed = False
    if ids:
        print(
            f"{'exercise':10}{'rejected':>12}{'named':>12}{'false rejects':>15}", end=""
        )
        print(f"{'by chance':>11}{'ms':>8}{'slowest':>9}", flush=True)
        spawn = multiprocessing.get_context("spawn")
        n = len(ids)
        with ProcessPoolExecutor(jobs, spawn) as pool:
            told = [args.seeds] * n, [args.false_rejects] * n
            for id, row in zip(ids, pool.map(prove_one, ids, *told)):
                show(id, row)
                faults = row.pop("faults")
                failed |= bool(faults)
                if not faults and args.seeds >= SEEDS:
                    write(id, row)
    for id in read():
        if id not in catalog:
            (RECORDS / f"{id}.json").unlink()
    if args.seeds >= SEEDS:
        write_page()
    else:
        print(f"nothing written: that takes {SEEDS} seeds")
    if failed:
        print("a check failed: its record stays as it was")
    return int(failed)


def write_page():
    """The page of the book, from the records."""
    PAGE.write_text(page(read(), exercise_blind.read()), encoding="utf-8")


def show(id: str, row: dict):
    rejected = f"{row['rejected']}/{row['wrong_runs']}"
    named = f"{row['named']}/{row['wrong_runs']}"
    false = f"{row['false_rejects']}/{row['right_runs']}"
    print(f"{id:10}{rejected:>12}{named:>12}{false:>15}", end="")
    print(f"{row['false_alarm_bound']:>11.0e}{row['ms']:>8}{row['slowest_ms']:>9}")
    for fault in row["faults"][:5]:
        print(textwrap.indent(fault, "    "))
    sys.stdout.flush()


def write(id: str, row: dict):
    """Keep a record; a longer search for false rejects in the same source stays."""
    was = read().get(id, row)
    if was["source"] == row["source"] and was["right_runs"] > row["right_runs"]:
        row |= {k: was[k] for k in ("right_runs", "false_rejects")}
    RECORDS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(row, indent=1) + "\n"
    (RECORDS / f"{id}.json").write_text(text, encoding="utf-8")
