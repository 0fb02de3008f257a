"""Fill exercises into the chapters, prove their checks, write exercise notebooks.

The one source of an exercise is its declaration in `gmcourse.checks` and its class of
versions in `notebooks/exercises`:

    python tools/exercises.py fill             rewrite the chapters' exercise sections
    python tools/exercises.py fill --check     say which are out of date (exit 1)
    python tools/exercises.py prove            20 seeds of all that changed; the page
    python tools/exercises.py prove --all      of everything
    python tools/exercises.py prove vae-03     of this one
    python tools/exercises.py prove --check    say which have changed (exit 1)
    python tools/exercises.py blind FOLDER     try answers written blind (--record)
    python tools/exercises.py notebooks        student and instructor notebooks
"""

import argparse
import inspect
import re
from collections import Counter
from pathlib import Path

import exercise_blind
import exercise_proof
import nbformat
from exercise_source import IMPORTS, ROOT, roles, solution, versions
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gmcourse import checks
from gmcourse.checks import Exercise

NOTEBOOKS = ROOT / "notebooks"
MARKER = re.compile(r"<!-- exercise: (?P<id>\S+) -->\n.*?<!-- /exercise -->", re.DOTALL)
COMPUTE = {
    "cpu-instant": "runs in a second",
    "cpu-10min": "ten minutes on a CPU",
    "gpu": "wants a GPU",
}
BOOK_URL = "https://gmcourse.github.io/gmcourse"


def cells(exercise: Exercise, cls: type | None) -> list[tuple[str, str]]:
    """(kind, text): markdown, stub, check, solution."""
    facts = [
        f"**Difficulty {exercise.difficulty}/5**",
        f"{exercise.minutes} min",
        COMPUTE[exercise.compute],
    ]
    if exercise.points:
        facts.append(f"{exercise.points} point{'s' * (exercise.points > 1)}")
    card = [" · ".join(facts if exercise.check else [*facts, "open"])]
    card += [f"*Goal:* {goal}" for goal in exercise.objectives]
    hints = [
        f"<details>\n<summary>Hint {i}</summary>\n\n{hint}\n\n</details>"
        for i, hint in enumerate(exercise.hints, 1)
    ]
    heading = f"### Exercise {exercise.id} · {exercise.title}"
    quoted = "\n>\n".join(f"> {line}" for line in card)  # a card in Jupyter, too
    parts = [heading, quoted, exercise.statement.strip(), *hints]
    out = [("markdown", "\n\n".join(parts))]
    if exercise.stub.strip():
        out.append(("stub", exercise.stub.strip()))
    if exercise.check:
        out.append(("check", exercise.usage))
    text = []
    if roles(cls, "reference"):
        text.append(f"```python\n{solution(cls, exercise)}\n```")
    if cls and cls.__doc__:
        text.append(inspect.cleandoc(cls.__doc__))
    if text:
        out.append(("solution", "\n\n".join(text)))
    return out


def section(exercise: Exercise, cls: type | None) -> str:
    """The exercise in a chapter's text, between its markers."""
    parts = [f"<!-- exercise: {exercise.id} -->"]
    for kind, text in cells(exercise, cls):
        if kind in ("stub", "check"):
            # What a broken program gives would tell what is broken.
            hide = kind == "check" and exercise.repair
            tags = ":tags: [hide-output]\n\n" if hide else ""
            text = f"```{{code-cell}} ipython3\n{tags}{text}\n```"
        if kind == "solution":
            summary = "Solution" if exercise.check else "Discussion"
            text = f"<details>\n<summary>{summary}</summary>\n\n{text}\n\n</details>"
        parts.append(text)
    return "\n\n".join([*parts, "<!-- /exercise -->"])


def fill(check: bool = False) -> list[str]:
    """Rewrite the sections of all chapters; with ``check`` only tell what is wrong."""
    catalog, solutions, problems, placed = checks.catalog(), versions(), [], Counter()
    for path in sorted(NOTEBOOKS.glob("[0-9]*.md")):
        old = path.read_text(encoding="utf-8")
        ids = [m["id"] for m in MARKER.finditer(old)]
        placed.update(ids)
        unknown = [id for id in ids if id not in catalog]
        if unknown or old.count("<!-- exercise: ") != len(ids):
            problems.append(f"{path.name}: unknown {unknown} or an unclosed marker")
            continue
        new = MARKER.sub(
            lambda m: section(catalog[m["id"]], solutions.get(m["id"])), old
        )
        if new != old and check:
            problems.append(f"{path.name}: exercises are out of date; run fill")
        elif new != old:
            path.write_text(new, encoding="utf-8")
            print(f"{path.name}: {len(ids)} exercises filled")
    topics = {id.split("-")[0] for id in placed}
    for id in catalog:
        if id.split("-")[0] in topics and placed[id] != 1:
            problems.append(f"{id} stands in {placed[id]} places; expected one")
    return problems


def notebooks(out: Path) -> list[Path]:
    """One student and one instructor notebook for each chapter with exercises."""
    catalog, solutions = checks.catalog(), versions()
    chapters: dict[str, list[str]] = {}
    titles: dict[str, str] = {}
    for path in sorted(NOTEBOOKS.glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        found = [m["id"] for m in MARKER.finditer(text)]
        if found:
            chapters[path.stem] = found
            titles[path.stem] = re.findall(r"^# (.+)$", text, re.MULTILINE)[0]
    placed = {id for ids in chapters.values() for id in ids}
    for id in catalog:
        if id not in placed:
            chapters.setdefault(id.split("-")[0], []).append(id)
    install = 'import sys\n\nif "google.colab" in sys.modules:\n'
    install += "    %pip install -q jaxtyping pooch filelock safetensors\n"
    install += "    %pip install -q --no-deps git+https://github.com/gmcourse/gmcourse"
    written = []
    for role in ("student", "instructor"):
        for chapter, ids in chapters.items():
            points = sum(catalog[id].points for id in ids)
            title = f"# Exercises · {titles.get(chapter, chapter)}\n\n"
            page = f"{BOOK_URL}/notebooks/{chapter}.html"
            where = f", of [this chapter]({page})" if chapter in titles else ""
            title += f"{len(ids)} of them, {points} points{where}."
            book = new_notebook(
                cells=[
                    new_markdown_cell(title),
                    new_code_cell(install),
                    new_code_cell(IMPORTS),
                ]
            )
            for id in ids:
                for kind, text in cells(catalog[id], solutions.get(id)):
                    if kind in ("markdown", "solution"):  # "above" is on the page
                        text = text.replace("](#", f"]({page}#")
                    if kind == "markdown":
                        book.cells.append(new_markdown_cell(text))
                    elif kind != "solution":
                        book.cells.append(new_code_cell(text))
                    elif role == "instructor":
                        names = catalog[id].misconceptions
                        notes = [f"- **{n}**: {why}" for n, why in names.items()]
                        notes = ["Mistakes that the check names:", "", *notes]
                        text += "\n\n" + "\n".join(notes) if names else ""
                        text = f"#### Solution of {id}\n\n{text}"
                        book.cells.append(new_markdown_cell(text))
            for i, cell in enumerate(book.cells):
                cell.id = f"{chapter[:40]}-{i}".replace("_", "-")
            book.metadata = {
                "kernelspec": {
                    "display_name": "Python 3",
                    "language": "python",
                    "name": "python3",
                },
                "language_info": {"name": "python", "nbconvert_exporter": "python"},
            }
            path = out / role / f"{chapter}.ipynb"
            path.parent.mkdir(parents=True, exist_ok=True)
            nbformat.validate(book)
            nbformat.write(book, path)
            written.append(path)
    return written


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fill", help="rewrite the chapters' exercises")
    command.add_argument("--check", action="store_true", help="write nothing")
    command = commands.add_parser("prove", help="run the catalog of every check")
    command.add_argument("ids", nargs="*", help="only these exercises")
    which = command.add_mutually_exclusive_group()
    which.add_argument("--stale", action="store_true", help="what changed (default)")
    which.add_argument("--all", action="store_true", help="everything")
    which.add_argument("--check", action="store_true", help="run nothing, say what")
    command.add_argument("--seeds", type=int, default=exercise_proof.SEEDS)
    command.add_argument("--false-rejects", type=int, default=0, metavar="RUNS")
    command.add_argument("--jobs", type=int, help="processes; default: one a CPU")
    command = commands.add_parser("blind", help="try answers that were written blind")
    command.add_argument("folder", type=Path)
    command.add_argument("--record", action="store_true", help="keep the judged rates")
    command = commands.add_parser("notebooks", help="student and instructor notebooks")
    command.add_argument("--out", type=Path, default=ROOT / "_build" / "exercises")
    args = parser.parse_args(argv)
    if args.command == "notebooks":
        for path in notebooks(args.out):
            print(path)
        return 0
    if args.command == "blind":
        if not args.record:
            print(exercise_blind.try_all(args.folder))
            return 0
        problems = exercise_blind.record(args.folder)
        exercise_proof.write_page()
        print("\n".join(problems) or "blind: recorded")
        return int(bool(problems))
    if args.command == "prove" and not args.check:
        return exercise_proof.prove_all(args)
    problems = fill(args.check) if args.command == "fill" else exercise_proof.problems()
    print("\n".join(problems) or f"{args.command}: up to date")
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
