"""Exercises in chapters and notebooks, the records of their proofs, and the page."""

import functools
import json
import math
import re
import sys

import pytest
import torch
from exercise_tools import (
    CATALOG,
    CHECKED,
    INSTANT,
    VERSIONS,
    proof,
    source,
    tool,
    twice,
)
from torch import nn
from torch.nn import functional

import gmcourse
from gmcourse.checks import check

# Learners pass whatever they pass, without a type checker in between.
pytestmark = pytest.mark.usefixtures("as_users_run_it")


@pytest.fixture
def double(monkeypatch):
    return twice(monkeypatch)


def test_section_is_idempotent_and_complete(tmp_path, monkeypatch):
    chapter = tmp_path / "03_test.md"
    text = "# Title\n\n<!-- exercise: {} -->\n<!-- /exercise -->\n\nafter\n"
    ids = [id for id in CATALOG if id.startswith("vae-")]
    chapter.write_text("".join(text.format(id) for id in ids), encoding="utf-8")
    monkeypatch.setattr(tool, "NOTEBOOKS", tmp_path)
    assert tool.fill(check=True) == ["03_test.md: exercises are out of date; run fill"]
    assert tool.fill() == []
    once = chapter.read_text(encoding="utf-8")
    assert tool.fill(check=True) == [] and tool.fill() == []
    assert chapter.read_text(encoding="utf-8") == once
    for part in (
        "### Exercise vae-03 · Samples that a gradient passes through",
        "> **Difficulty 2/5** · 20 min · runs in a second · 3 points",
        "<summary>Hint 1</summary>",
        "```{code-cell} ipython3\ndef reparameterize(mean, raw, k):",
        '```{code-cell} ipython3\ncheck("vae-03", reparameterize)\n```',
        "<summary>Solution</summary>\n\n```python\ndef reparameterize(",
    ):
        assert part in once
    assert once.count("\nafter\n") == len(ids)
    pytest.importorskip("jupytext")
    import jupytext

    cells = jupytext.reads(once, fmt="md:myst").cells
    code = [c.source for c in cells if c.cell_type == "code"]
    assert not any("randn" in source for source in code)  # no solution in a code cell
    chapter.write_text(once.replace("exercise: vae-03", "exercise: vae-99"))
    assert any("vae-99" in p for p in tool.fill(check=True))


def test_solutions_of_several_answers(double):
    source.versions()
    marks = sys.modules["exercise_versions"]

    class Demo01:
        """Why it is so."""

        @marks.reference
        @marks.build
        def reference():
            def encode(x):
                return 2 * x

            # A number of nats.
            nats = 0.5
            return encode, nats

    double.answers = {"encode": callable, "nats": float}
    solution = "def encode(x):\n    return 2 * x\n\n# A number of nats.\nnats = 0.5"
    assert source.solution(Demo01, double) == solution
    text = f"```python\n{solution}\n```\n\nWhy it is so."
    assert tool.cells(double, Demo01)[-1] == ("solution", text)
    double.answers = {"decode": callable, "nats": float}
    with pytest.raises(ValueError, match="the reference gives"):
        source.solution(Demo01, double)


def test_sections_of_repair_and_open_exercises(double):
    double.stub_mistake = "squared"
    assert ":tags: [hide-output]\n\ncheck(" in tool.section(double, None)
    double.check, double.stub_mistake, double.stub = None, None, ""

    class Discussion:
        """What one may find."""

    text = tool.section(double, Discussion)
    assert "code-cell" not in text and "· open" in text
    assert "<summary>Discussion</summary>\n\nWhat one may find." in text


def test_chapters_are_filled():
    assert tool.fill(check=True) == []


MODULES = {"torch": torch, "F": functional, "nn": nn, "math": math, "gm": gmcourse}


@pytest.mark.parametrize("id", CATALOG)
def test_functions_that_a_text_names_are_there(id):
    """Of statement, hints and discussion: what a reader is told to try exists."""
    said = VERSIONS[id].__doc__ if id in VERSIONS else ""
    for text in (CATALOG[id].statement, *CATALOG[id].hints, said or ""):
        for name in re.findall(r"(?<![\w.])(?:torch|F|nn|math|gm)(?:\.\w+)+", text):
            root, *path = name.split(".")
            functools.reduce(getattr, path, MODULES[root])


def test_notebooks(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    written = tool.notebooks(tmp_path)
    found = {"student": "", "instructor": ""}
    for path in written:
        book = nbformat.read(path, as_version=4)
        nbformat.validate(book)
        found[path.parent.name] += "\n".join(c.source for c in book.cells)
        assert book.cells[0].source.startswith("# Exercises · ")
        assert "_" not in book.cells[0].source.splitlines()[0]  # a title, no file
        assert not any(c.outputs for c in book.cells if c.cell_type == "code")
    for id, e in CHECKED.items():
        code = source.solution(VERSIONS[id], e)
        assert code in found["instructor"] and code not in found["student"]
        for text in found.values():
            assert e.usage in text and e.stub.strip() in text
    for text in found.values():  # what a statement points to stands in the chapter
        assert "](#" not in text and "/notebooks/02_autoencoders.html#alarms" in text


def test_stub_in_a_fresh_notebook_is_not_attempted(capsys):
    """As the student runs it: imports, stub, check, in this order."""
    for id, e in INSTANT.items():
        verdict = check(id, *source.stub_answers(e), seed=1)
        assert verdict.outcome == ("not yet" if e.repair else "not attempted")


def test_page_is_rendered_from_the_record():
    row = proof.prove(CATALOG["vae-09"], VERSIONS["vae-09"], seeds=1)
    row.pop("faults")
    text = proof.page({"vae-09": row}, {})
    assert f"{row['wrong_runs']:,} runs" in text and "| vae-09 ·" in text
    json.dumps(row)


def test_page_is_current():
    """`python tools/exercises.py prove` writes it, from what the checks are now."""
    assert proof.problems() == []
