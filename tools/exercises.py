"""Fill exercises into the chapters, prove their checks, write exercise notebooks.

The one source of an exercise is its declaration in `gmcourse.checks` and its class of
versions in `notebooks/exercises`:

    python tools/exercises.py fill             rewrite the chapters' exercise sections
    python tools/exercises.py fill --check     say which are out of date (exit 1)
    python tools/exercises.py prove            20 seeds of everything; the book's page
    python tools/exercises.py prove --check    say whether that page is up to date
    python tools/exercises.py notebooks        student and instructor notebooks
"""

import argparse
import ast
import hashlib
import importlib.util
import inspect
import json
import platform
import re
import statistics
import sys
import textwrap
import time
from collections import Counter
from pathlib import Path

import nbformat
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gmcourse import checks
from gmcourse.checks import Exercise, run

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
RECORDS = ROOT / "book" / "_data" / "check_quality.json"
PAGE = ROOT / "book" / "check_quality.md"
MARKER = re.compile(r"<!-- exercise: (?P<id>\S+) -->\n.*?<!-- /exercise -->", re.DOTALL)
SEEDS = 20
BOOK_URL = "https://gmcourse.github.io/gmcourse"
IMPORTS = """\
import math

import torch
from torch import nn
from torch.nn import functional as F

from gmcourse import check, hint"""


# The two halves of the source.


def versions() -> dict[str, type]:
    """Exercise id to its class of versions: vae-03 to Vae03."""
    package = "exercise_versions"  # a name of its own: nothing on sys.path has it
    if package not in sys.modules:
        init = NOTEBOOKS / "exercises" / "__init__.py"
        spec = importlib.util.spec_from_file_location(
            package, init, submodule_search_locations=[str(init.parent)]
        )
        sys.modules[package] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[package])
    found = {}
    for path in sorted((NOTEBOOKS / "exercises").glob("[!_]*.py")):
        module = importlib.import_module(f"{package}.{path.stem}")
        for name, value in vars(module).items():
            match = re.fullmatch(r"([A-Z][a-z]+)(\d\d)", name)
            if match and isinstance(value, type):
                found[f"{match[1].lower()}-{match[2]}"] = value
    return found


def roles(cls: type | None, role: str) -> dict:
    """The versions of one role by name."""
    members = vars(cls).items() if cls else ()
    return {n: f for n, f in members if getattr(f, "role", None) == role}


def answers(version) -> tuple:
    """What a learner would pass to check."""
    made = version() if hasattr(version, "build") else version
    return made if isinstance(made, tuple) else (made,)


def stub_answers(exercise: Exercise) -> tuple:
    """The answers as the stub leaves them."""
    space: dict = {}
    exec(f"{IMPORTS.rsplit('from gmcourse', 1)[0]}\n{exercise.stub}", space)
    return tuple(space[name] for name in exercise.answers)


def solution(cls: type, exercise: Exercise) -> str:
    """The reference's code as a learner would write it."""
    (version,) = roles(cls, "reference").values()
    source = textwrap.dedent(inspect.getsource(version))
    (node,) = ast.parse(source).body
    lines = source.splitlines()
    if hasattr(version, "build"):
        last = node.body[-1]
        if not isinstance(last, ast.Return):
            raise ValueError(f"{exercise.id}: the reference must end in a return")
        returned = getattr(last.value, "elts", [last.value])
        names = [name.id for name in returned]
        kept = lines[node.lineno : last.lineno - 1]
        code = textwrap.dedent("\n".join(kept)).strip()
    else:
        names, code = [node.name], "\n".join(lines[node.lineno - 1 :])
    if names != list(exercise.answers):
        raise ValueError(
            f"{exercise.id}: the reference gives {names}; "
            f"expected {list(exercise.answers)}"
        )
    return code


# Chapters and notebooks.


def cells(exercise: Exercise, cls: type | None) -> list[tuple[str, str]]:
    """(kind, text): markdown, stub, check, solution."""
    facts = [
        f"Difficulty {exercise.difficulty}/5",
        f"{exercise.minutes} min",
        exercise.compute,
    ]
    if exercise.points:
        facts.append(f"{exercise.points} point{'s' * (exercise.points > 1)}")
    card = f"*{' · '.join(facts if exercise.check else [*facts, 'open'])}*"
    hints = [
        f"<details>\n<summary>Hint {i}</summary>\n\n{hint}\n\n</details>"
        for i, hint in enumerate(exercise.hints, 1)
    ]
    heading = f"### Exercise {exercise.id} · {exercise.title}"
    goals = [f"*Goal:* {goal}" for goal in exercise.objectives]
    parts = [heading, card, *goals, exercise.statement.strip(), *hints]
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


# Proof.


def fingerprint(exercise: Exercise, cls: type) -> str:
    """Changes with the engine, the exercise's module or its module of versions."""
    package = Path(checks.__file__).parent
    files = sorted(package.glob("_[a-z]*.py"))
    # By module: under the tests' shape checks a function is a wrapper of another file.
    files += [sys.modules[thing.__module__].__file__ for thing in (exercise.check, cls)]
    data = b"".join(Path(f).read_bytes() for f in files)
    return hashlib.sha256(data).hexdigest()[:16]


def prove(exercise: Exercise, cls: type, seeds: int, extra: int = 0) -> dict:
    """Run the catalog of one exercise; ``faults`` lists what went wrong.

    ``extra`` more runs of right answers, in turn, look for false rejects.
    """
    faults, ms, alarm = [], {}, 0.0
    stub = run(exercise, stub_answers(exercise), seed=0).outcome
    if stub != ("not yet" if exercise.repair else "not attempted"):
        faults.append(f"the stub is {stub!r}")
    right = {**roles(cls, "reference"), **roles(cls, "right")}
    false_rejects = 0
    turns = [(name, s) for s in range(seeds) for name in right]
    names = list(right)
    turns += [(names[i % len(names)], 10_000 + i) for i in range(extra)]
    for name, seed in turns:
        given, start = answers(right[name]), time.process_time()
        verdict = run(exercise, given, seed=seed)
        ms.setdefault(name, []).append(1000 * (time.process_time() - start))
        alarm = max(alarm, verdict.false_alarm)
        if not verdict:
            false_rejects += 1
            faults.append(f"{name}, seed {seed}, is right:\n{verdict.text}")
    wrong = roles(cls, "wrong")
    rejected = named = 0
    for name, version in wrong.items():
        for seed in range(seeds):
            verdict = run(exercise, answers(version), seed=seed)
            rejected += verdict.outcome == "not yet"
            named += verdict.misconception == version.misconception
            if verdict.misconception != version.misconception:
                due = f"{name}, seed {seed}, is wrong: {version.misconception}"
                faults.append(f"{due}\n{verdict.text}")
    return {
        "title": exercise.title,
        "source": fingerprint(exercise, cls),
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


def page(record: dict) -> str:
    """The book's page from the record."""
    rows = record["exercises"].values()
    total = {
        k: sum(row[k] for row in rows)
        for k in next(iter(rows))
        if k.endswith(("_versions", "_runs", "rejected", "named", "_rejects"))
    }
    lines = [
        "<!-- Generated by tools/exercises.py prove. -->",
        "# How good the checks are",
        "",
        "A check that accepts wrong work teaches the mistake, and one that rejects "
        "right work costs an evening. So each check is tested like a medical test: on "
        "a catalog of typical wrong answers, which it must reject by the name of the "
        "mistake, and on right answers written in several ways, which it must accept.",
        "",
        f"- **{len(rows)} checks** were tried on {total['wrong_versions']} wrong and "
        f"{total['right_versions']} right answers.",
        f"- **Wrong answers rejected: {total['rejected']:,} of "
        f"{total['wrong_runs']:,} runs**; the right name for the mistake: "
        f"{total['named']:,}.",
        f"- **Right answers rejected: {total['false_rejects']:,} of "
        f"{total['right_runs']:,} runs.**",
        "",
        "Each wrong answer and each right one is checked with "
        f"{min(row['seeds'] for row in rows)} seeds, so with as many "
        "different inputs; right answers more often, with new inputs each time. A test "
        "of a distribution can reject a right sampler by bad luck: the column *by "
        "chance* bounds the probability that this happens in one check, from the "
        "tests' own false-alarm rates. It is 0 where a check draws no conclusions "
        "from samples. The times are CPU milliseconds, medians for the reference and "
        f"for the slowest right answer ({record['machine']}). A kill rate is a "
        "statement about this catalog, not about every mistake there is; a wrong "
        "answer that passes is a bug to report. `make checks` runs all of it again.",
        "",
        "| exercise | wrong answers | rejected | named | right answers | runs "
        "| rejected | by chance | ms | slowest |",
        "|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for id, row in record["exercises"].items():
        rate = row["rejected"] / row["wrong_runs"]
        named = row["named"] / row["wrong_runs"]
        chance = f"{row['false_alarm_bound']:.0e}" if row["false_alarm_bound"] else "0"
        lines.append(
            f"| {id} · {row['title']} | {row['wrong_versions']} | {rate:.0%} | "
            f"{named:.0%} | {row['right_versions']} | {row['right_runs']:,} | "
            f"{row['false_rejects']} | {chance} | {row['ms']:g} | "
            f"{row['slowest_ms']:g} |"
        )
    lines += [
        "",
        "## The mistakes",
        "",
        "What the checks know by name, with the number of wrong answers in the "
        "catalog that make the mistake. It gives away what to look out for, so try "
        "the exercise first.",
    ]
    for id, row in record["exercises"].items():
        mistakes = [
            f"{name} ({n})" if n > 1 else name
            for name, n in row["misconceptions"].items()
        ]
        lines += [
            "",
            f"<details>\n<summary>{id} · {row['title']}</summary>\n",
            "; ".join(mistakes) + ".",
            "\n</details>",
        ]
    return "\n".join(lines) + "\n"


def stale() -> list[str]:
    """Why the record or the page is not that of the current sources."""
    if not RECORDS.exists():
        return [f"{RECORDS.relative_to(ROOT)} is missing"]
    record, solutions = json.loads(RECORDS.read_text(encoding="utf-8")), versions()
    rows = record["exercises"]
    due = {id: e for id, e in checks.catalog().items() if e.check}
    problems = [f"{id} is no exercise" for id in rows if id not in due]
    for id, exercise in due.items():
        if id not in rows:
            problems.append(f"{id} was never proven")
        elif rows[id]["source"] != fingerprint(exercise, solutions[id]):
            problems.append(f"{id} has changed since it was proven")
    if page(record) != PAGE.read_text(encoding="utf-8"):
        problems.append(f"{PAGE.relative_to(ROOT)} is not the record's page")
    return problems


def prove_all(args: argparse.Namespace) -> int:
    catalog, solutions = checks.catalog(), versions()
    unknown = [id for id in args.ids if id not in catalog]
    if unknown:
        raise SystemExit(f"no exercise {', '.join(unknown)}")
    torch.set_num_threads(1)
    rows, failed = {}, False
    print(f"{'exercise':10}{'rejected':>12}{'named':>12}{'false rejects':>15}", end="")
    print(f"{'by chance':>11}{'ms':>8}{'slowest':>9}")
    for id, exercise in catalog.items():
        if not exercise.check or (args.ids and id not in args.ids):
            continue
        if args.fast and exercise.compute != "cpu-instant":
            continue
        row = prove(exercise, solutions[id], args.seeds, args.false_rejects)
        faults = row.pop("faults")
        rejected = f"{row['rejected']}/{row['wrong_runs']}"
        named = f"{row['named']}/{row['wrong_runs']}"
        print(f"{id:10}{rejected:>12}{named:>12}", end="")
        false = f"{row['false_rejects']}/{row['right_runs']}"
        print(f"{false:>15}", end="")
        print(f"{row['false_alarm_bound']:>11.0e}{row['ms']:>8}{row['slowest_ms']:>9}")
        for fault in faults[:5]:
            print(textwrap.indent(fault, "    "))
        rows[id], failed = row, failed or bool(faults)
    if failed or args.seeds < SEEDS or args.fast:
        print("not written: a check failed, or this was not the full proof")
        return int(failed)
    old = json.loads(RECORDS.read_text())["exercises"] if RECORDS.exists() else {}
    kept = {id: row for id, row in old.items() if id in catalog}
    for id, row in rows.items():  # a longer search for false rejects stays valid
        was = kept.get(id, row)
        if was["source"] == row["source"] and was["right_runs"] > row["right_runs"]:
            row |= {k: was[k] for k in ("right_runs", "false_rejects")}
    record = {
        "machine": f"torch {torch.__version__.split('+')[0]}, "
        f"Python {platform.python_version()}, {platform.machine()}",
        "exercises": dict(sorted({**kept, **rows}.items())),
    }
    RECORDS.parent.mkdir(parents=True, exist_ok=True)
    RECORDS.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(record), encoding="utf-8")
    return 0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("fill", help="rewrite the chapters' exercises")
    command.add_argument("--check", action="store_true", help="write nothing")
    command = commands.add_parser("prove", help="run the catalog of every check")
    command.add_argument("ids", nargs="*", help="only these exercises")
    command.add_argument("--seeds", type=int, default=SEEDS)
    command.add_argument("--false-rejects", type=int, default=0, metavar="RUNS")
    command.add_argument("--fast", action="store_true", help="cpu-instant only")
    command.add_argument("--check", action="store_true", help="is the page current?")
    command = commands.add_parser("notebooks", help="student and instructor notebooks")
    command.add_argument("--out", type=Path, default=ROOT / "_build" / "exercises")
    args = parser.parse_args(argv)
    if args.command == "notebooks":
        for path in notebooks(args.out):
            print(path)
        return 0
    if args.command == "prove" and not args.check:
        return prove_all(args)
    problems = fill(args.check) if args.command == "fill" else stale()
    print("\n".join(problems) or f"{args.command}: up to date")
    return int(bool(problems))


if __name__ == "__main__":
    raise SystemExit(main())
