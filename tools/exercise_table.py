"""Keep the tables of exercises in book/instructors.md.

    python tools/exercise_table.py            rewrite what stands between its markers
    python tools/exercise_table.py --check    say whether it is up to date (exit 1)

The tables come from the declarations in gmcourse.checks and the order of the
chapters; nothing in them is typed by hand.
"""

import argparse
import re
from pathlib import Path

from gmcourse import checks
from gmcourse.checks import Exercise

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
PAGE = ROOT / "book" / "instructors.md"
BLOCK = re.compile(r"(<!-- exercises -->\n).*?(<!-- /exercises -->)", re.DOTALL)


def chapters() -> list[tuple[str, str, list[Exercise]]]:
    """(file, title, exercises) of every chapter that has exercises, in order."""
    catalog, found = checks.catalog(), []
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.md")):
        text = path.read_text(encoding="utf-8")
        ids = re.findall(r"<!-- exercise: (\S+) -->", text)
        title = re.search(r"^# (.+)$", text, re.MULTILINE)[1]
        own = [catalog[id] for id in ids if id in catalog]  # the rest: see fill
        if own:
            found.append((path.stem, title, own))
    return found


def kind(exercise: Exercise) -> str:
    """How its answer is judged."""
    if exercise.check is None:
        return "open"
    return "repair" if exercise.repair else "checked"


def duration(minutes: int) -> str:
    """Hours and minutes, as 2 h 05."""
    return f"{minutes // 60} h {minutes % 60:02}" if minutes >= 60 else f"{minutes} min"


def tables() -> str:
    """The summary by chapter, and one folded table for each chapter."""
    lines = [
        "| chapter | exercises | with a check | points | working time |",
        "|:--|--:|--:|--:|--:|",
    ]
    parts = []
    for name, title, own in chapters():
        checked = sum(exercise.check is not None for exercise in own)
        points = sum(exercise.points for exercise in own)
        time = duration(sum(exercise.minutes for exercise in own))
        link = f"[{title}](../notebooks/{name}.ipynb)"
        lines.append(f"| {link} | {len(own)} | {checked} | {points} | {time} |")
        rows = [
            f"| [{e.id}](../notebooks/{name}.ipynb#{e.id}) | {e.title} | "
            f"{e.difficulty}/5 | {e.minutes} min | {e.compute} | {e.points} | "
            f"{kind(e)} |"
            for e in own
        ]
        parts += [
            "",
            f"<details>\n<summary>The exercises of chapter {title}</summary>\n",
            "| id | title | difficulty | time | compute | points | answer |",
            "|:--|:--|--:|--:|:--|--:|:--|",
            *rows,
            "\n</details>",
        ]
    return "\n".join([*lines, *parts])


def page() -> str:
    """The page as it should be."""
    old = PAGE.read_text(encoding="utf-8")
    if len(BLOCK.findall(old)) != 1:
        raise SystemExit(f"{PAGE.name} has no <!-- exercises --> block, or several")
    return BLOCK.sub(lambda m: f"{m[1]}\n{tables()}\n\n{m[2]}", old)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing")
    new, check = page(), parser.parse_args().check
    stale = new != PAGE.read_text(encoding="utf-8")
    if stale and check:
        print(f"{PAGE.name} is out of date: run python tools/exercise_table.py")
    elif stale:
        PAGE.write_text(new, encoding="utf-8")
    return int(stale and check)


if __name__ == "__main__":
    raise SystemExit(main())
