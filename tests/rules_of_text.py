"""Rules for a chapter's text: functions to a list of problems, none if kept."""

import re

import budgets
import pairs
from chapters import headings, tags, without_fences

from gmcourse.checks import catalog

FRONT_MATTER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""

SET_UP = """\
# On Colab only: add gmcourse, and leave its torch, numpy and widgets alone.
import importlib.util
import sys

if "google.colab" in sys.modules and not importlib.util.find_spec("gmcourse"):
    %pip install -q jaxtyping pooch filelock safetensors
    %pip install -q --no-deps git+https://github.com/gmcourse/gmcourse"""

SECTIONS = [
    "The question",
    "A picture first",
    "The mathematics",
    "Build it",
    "Check it",
    "Train it",
    "Look inside",
    "What breaks",
    "How good is it?",
    "In the library",
    "Summary",
    "Exercises",
    "Further reading",
]

TAGS = {
    "setup": "the first code cell",
    "imports": "the chapter's imports",
    "build": "a definition made from scratch",
    "nbval-check-output": "its output is compared at every run",
    "hide-input": "folded in the book",
    "hide-output": "folded in the book",
    "remove-input": "not in the book",
    "remove-output": "not in the book",
    "remove-cell": "not in the book",
}

COLUMNS, LINES, TO_REPAIR = 78, 25, 50


def fits(chapter):
    """Code cells are at most 78 columns wide and 25 lines long, blank ones apart.

    A broken program that an exercise asks to repair has 50 at most.
    """
    to_repair = {e.stub.strip() for e in catalog().values() if e.repair}
    found = []
    for number, cell in chapter.code():
        lines = cell.source.splitlines()
        wide = [line for line in lines if len(line) > COLUMNS]
        if wide:
            found.append(
                f"cell {number} has a line of {len(wide[0])} columns, above {COLUMNS}: "
                f"{wide[0].strip()[:40]!r}"
            )
        count = sum(bool(line.strip()) for line in lines)
        most = TO_REPAIR if cell.source.strip() in to_repair else LINES
        if count > most:
            found.append(f"cell {number} has {count} lines of code, above {most}")
    return found


def plain(chapter):
    """Markdown holds nothing that Colab would show as raw text."""
    found = []
    for number, cell in enumerate(chapter.text.cells):
        if cell.cell_type != "markdown":
            continue
        text = without_fences(cell.source)
        rules = {
            "a directive": r"^\s*[`~]{3,}\{.*",
            "a colon fence": r"^\s*:{3,}.*",
            "a target": r"^\([\w:.-]+\)=\s*$",
            "a MyST comment": r"^%.*",
            "attributes": r"(?<=[\])\w`])\{[#.][\w-]+[^}$]*\}",
            "a footnote": r"\[\^[^\]\n]+\]",
        }
        for what, pattern in rules.items():
            match = re.search(pattern, text, re.MULTILINE)
            if match:
                found.append(f"cell {number} holds {what}: {match[0].strip()!r}")
        for span in re.finditer(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", text, re.DOTALL):
            role = re.search(r"\{[a-zA-Z][\w:.+-]*\}$", text[: span.start()])
            if role:
                found.append(f"cell {number} holds a role: {role[0] + span[0]!r}")
        for image in re.finditer(r"!\[\s*\]\([^)]*\)", text):
            found.append(f"cell {number} has a picture without alt text: {image[0]}")
    return found


def set_up(chapter):
    """Front matter, title, budget card and the first code cell are the standard."""
    found = []
    if not chapter.raw.startswith(FRONT_MATTER):
        found.append("the front matter is not the standard one")
    if chapter.code():
        number, first = chapter.code()[0]
        if first.source != SET_UP or "setup" not in tags(first):
            found.append(f"cell {number}, the first code cell, is not the set-up cell")
    titles = [title for _, level, title in headings(chapter) if level == 1]
    if len(titles) != 1 or not chapter.text.cells[0].source.startswith("# "):
        found.append(f"one `# ` title must open the chapter; found {titles}")
    card = budgets.CARD.search(chapter.text.cells[0].source)
    if card is None:
        found.append("the first cell has no <!-- budget --><!-- /budget --> card")
    else:
        if chapter.raw != budgets.with_card(chapter.raw, budgets.read(chapter.path)):
            found.append("the budget card is old: run tools/notebooks.py budget")
    for number, cell in chapter.code():
        unknown = sorted(set(tags(cell)) - set(TAGS))
        if unknown:
            found.append(f"cell {number} has unknown tags {unknown}; known: {[*TAGS]}")
    return found


def sections(chapter):
    """The level-2 headings are those of CHAPTER.md, in order (chapter 00 is free).

    A subject may follow after a colon, for those who search: at "What breaks" it must.
    """
    if chapter.name.startswith("00_"):
        return []
    titles = [title for _, level, title in headings(chapter) if level == 2]
    have = [title.split(": ")[0] for title in titles]
    found = [f"section {title!r} is missing" for title in SECTIONS if title not in have]
    found += [
        f"section {title!r} is not planned" for title in have if title not in SECTIONS
    ]
    if not found and have != SECTIONS:
        found.append(f"sections are out of order or repeated: {have}")
    if "What breaks" in titles:
        found.append("say what breaks: '## What breaks: posterior collapse'")
    return found


def checked(chapter):
    """Each section with code, exercises apart, has an output that nbval compares."""
    marks = [(n, title) for n, level, title in headings(chapter) if level == 2]
    edges = [n for n, _ in marks[1:]] + [len(chapter.text.cells)]
    found = []
    for (start, title), stop in zip(marks, edges):
        cells = [c for n, c in chapter.code() if start <= n < stop]
        cells = [
            c for c in cells if "setup" not in tags(c) and "imports" not in tags(c)
        ]
        if title == "Exercises" or not cells:
            continue
        if not any("nbval-check-output" in tags(c) for c in cells):
            found.append(
                f"section {title!r} has code but no cell tagged nbval-check-output: "
                "tag one that prints a shape, an identity or an exact value"
            )
    for number, cell in chapter.code():
        if "nbval-check-output" not in tags(cell):
            continue
        if cell.source.rstrip().endswith(";"):
            found.append(f"cell {number} is compared, and nbval ignores its final `;`")
        same_pair = chapter.notebook and not pairs.differences(
            chapter.text, chapter.notebook
        )
        if same_pair and not chapter.notebook.cells[number].outputs:
            found.append(f"cell {number} is to be compared but has no output")
    return found


RULES = [fits, plain, set_up, sections, checked]
