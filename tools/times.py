"""Where the seconds of `make test` go, and what they come to with all chapters.

    python tools/times.py              the table of the last run
    python tools/times.py start STEP   (the Makefile's own: a step begins,
    python tools/times.py stop STEP     and has ended)

The steps leave their seconds and pytest's reports in _build/times. The projection
multiplies each test by what it grows with, and leaves what does not grow as it is:

- chapters: tests and cells that name a chapter, and the pages of the book;
- exercises: tests that name an exercise;
- families: the tests of the models' modules, of the contract on every model, of the
  zoo; the reading of the sources by ruff and pyright;
- nothing: the tests of training, data, metrics, tools and of the rules themselves.

What a step takes beyond its tests (starting, collecting, waiting for the other
process) stays as it is, except that collecting grows with the number of tests. Of lint
and of the book, half is taken to be starting; without any chapter the book took three
quarters of its time.
"""

import argparse
import json
import re
import sys
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TIMES = ROOT / "_build" / "times"
STEPS = ("lint", "book", "unit", "nbval", "browser")
CHAPTERS, EXERCISES = 14, 14  # planned chapters, and exercises of a new one
LIMIT = 15 * 60
TOGETHER = ("lint", "book")  # run side by side
FIXED = {"lint": 0.5, "book": 0.5}  # the share that starting takes

GROWS = (  # the first pattern that is found in file::name decides
    ("chapters", r"\b\d\d_[a-z_]+"),
    ("exercises", r"\[(?:[\w-]+-)?[a-z]+-\d\d\b"),
    ("families", r"test_(vae|autoencoders|mixtures|parity_\d\d|contract|zoo\w*)\b"),
    ("families", r"test_models|gmcourse\.(vae|autoencoders)\b"),
    ("families", r"gmcourse\.(mixtures|histogram|linear_gaussian)\b"),
)


def growth() -> dict[str, float]:
    """How many times more of each there will be."""
    texts = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.md"))
    now = sum(t.read_text(encoding="utf-8").count("<!-- exercise: ") for t in texts)
    then = now + EXERCISES * (CHAPTERS - len(texts))
    return {
        "chapters": CHAPTERS / len(texts),
        "exercises": then / now,
        "families": (CHAPTERS - 1) / (len(texts) - 1),  # chapter 0 has none
        "nothing": 1.0,
    }


def cause(test: str) -> str:
    """What a test grows with."""
    return next((what for what, found in GROWS if re.search(found, test)), "nothing")


def tests(step: str, folder: Path = TIMES) -> dict[str, float]:
    """Seconds of each test of a step, by file::name."""
    report, found = folder / f"{step}.xml", defaultdict(float)
    if report.exists():
        for case in ET.parse(report).iter("testcase"):
            name = f"{case.get('classname', '')}::{case.get('name')}"
            found[name] += float(case.get("time") or 0)
    return found


def seconds(step: str, folder: Path = TIMES) -> float | None:
    path = folder / f"{step}.json"
    return json.loads(path.read_text())["seconds"] if path.exists() else None


def projected(step: str, folder: Path = TIMES) -> tuple[float, dict[str, float]]:
    """Seconds of a step with all chapters; its present seconds by what they grow with.

    The tests' own seconds are shared by two processes.
    """
    wall, grows = seconds(step, folder), growth()
    if step in FIXED:
        rate = grows["chapters" if step == "book" else "families"]
        fixed = FIXED[step] * wall
        part = "chapters" if step == "book" else "families"
        return fixed + (wall - fixed) * rate, {"nothing": fixed, part: wall - fixed}
    parts, found = defaultdict(float), tests(step, folder)
    for name, spent in found.items():
        parts[cause(name)] += spent / 2
    parts["overhead"] = max(0.0, wall - sum(parts.values()))
    more = sum(grows[cause(name)] for name in found) / max(1, len(found))
    grows["overhead"] = 1 + 0.2 * (more - 1)  # about a fifth of it is collecting
    return sum(spent * grows[what] for what, spent in parts.items()), dict(parts)


def table(folder: Path = TIMES) -> list[str]:
    """The lines to print."""
    missing = [step for step in STEPS if seconds(step, folder) is None]
    if missing:
        return [f"no times of {', '.join(missing)}: run make test first"]
    columns = ("chapters", "exercises", "families", "nothing", "overhead")
    then = f"with {CHAPTERS} chapters"
    lines = [f"{'step':9}{'s':>6}" + "".join(f"{c:>11}" for c in columns) + f"  {then}"]
    sums = [0.0, 0.0]
    walls = {}
    for step in STEPS:
        wall, (later, parts) = seconds(step, folder), projected(step, folder)
        walls[step] = (wall, later)
        cells = "".join(f"{parts.get(c, 0):11.0f}" for c in columns)
        lines.append(f"{step:9}{wall:6.0f}{cells}{later:12.0f}")
    for i in (0, 1):
        alone = sum(walls[s][i] for s in STEPS if s not in TOGETHER)
        sums[i] = alone + max(walls[s][i] for s in TOGETHER)
    verdict = "within" if sums[1] <= LIMIT else "ABOVE"
    lines.append(f"{'all':9}{sums[0]:6.0f}{'':55}{sums[1]:12.0f}")
    lines.append("(lint and book run side by side: the longer one counts)")
    lines.append(f"{verdict} {LIMIT // 60} minutes: {sums[1] / 60:.1f}")
    rates = ", ".join(f"{k} x {v:.1f}" for k, v in growth().items() if v != 1)
    lines += [f"growth: {rates}", "", "the slowest files, seconds of one process:"]
    files = defaultdict(float)
    for step in STEPS:
        for name, spent in tests(step, folder).items():
            files[f"{step}: {name.split('::')[0]}"] += spent
    for name in sorted(files, key=files.get, reverse=True)[:15]:
        lines.append(f"{files[name]:8.1f}  {name}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=("start", "stop"))
    parser.add_argument("step", nargs="?", choices=STEPS)
    options = parser.parse_args()
    if options.what is None:
        print("\n".join(table()))
        return
    if options.step is None:
        sys.exit(f"name the step: one of {', '.join(STEPS)}")
    TIMES.mkdir(parents=True, exist_ok=True)
    path, now = TIMES / f"{options.step}.json", time.time()
    if options.what == "start":
        path.with_suffix(".start").write_text(str(now))
        path.with_suffix(".xml").unlink(missing_ok=True)  # of the run before
    else:
        began = float(path.with_suffix(".start").read_text())
        path.write_text(json.dumps({"seconds": round(now - began, 1)}))


if __name__ == "__main__":
    main()
