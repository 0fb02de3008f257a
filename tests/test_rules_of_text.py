"""Each rule for a chapter's text catches the defect it is for."""

import importlib.util
import re
import sys
import types

import pytest
import rules_of_text as rules
from chapters import ROOT
from IPython.core.inputtransformer2 import TransformerManager
from small_chapter import caught, chapter, edit


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_good_chapter_keeps(rule, book):
    assert rule(chapter(book)) == []


def test_fits(book, monkeypatch):
    wide = "x = 1  # " + "-" * 70
    caught(rules.fits, edit(book, "import math", wide), "79 columns")
    assert rules.fits(edit(book, wide, wide[:78])) == []
    stub, last = "def mine(x):\n", "    pass"
    caught(rules.fits, edit(book, stub, stub + lines(24)), "26 lines of code, above 25")
    assert rules.fits(edit(book, lines(24), lines(23))) == []
    long = stub + lines(48) + last
    known = {"a-01": types.SimpleNamespace(stub=long, repair=False)}
    monkeypatch.setattr(rules, "catalog", lambda: known)
    caught(rules.fits, edit(book, lines(23), lines(48)), "50 lines of code, above 25")
    known["a-01"].repair = True
    assert rules.fits(chapter(book)) == []
    known["a-01"].stub = stub + lines(49) + last
    caught(rules.fits, edit(book, lines(48), lines(49)), "51 lines of code, above 50")


def lines(count):
    return "".join(f"    y{i} = {i}\n\n" for i in range(count))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("See {cite}`kingma2014`.", "a role"),
        ("See {py:class}`x`.", "a role"),
        ("```{note}\nx\n```", "a directive"),
        ("::::{grid}\n::::", "colon fence"),
        ("(eq-elbo)=", "a target"),
        ("% to do", "a MyST comment"),
        ("![a figure](x.png){.wide}", "attributes"),
        ("As shown[^1].", "a footnote"),
        ("![](x.png)", "without alt text"),
    ],
)
def test_plain(book, line, words):
    caught(rules.plain, edit(book, "Double a", f"x\n\n{line}\n\nDouble a"), words)


@pytest.mark.parametrize(
    "line",
    [
        "$\\text{a}_{b}$ and `{x}` and ``{y}`` of `f`",
        "$$ x = 1 $$ (eq-elbo)",
        "[ELBO](#eq-elbo), 5% of it",
        "- $100$ % \n- {a} `b`",
        "```text\n% typed\n(target)=\n[^1]\n```",
        "<details><summary>More</summary>\n\nx\n\n</details>",
    ],
)
def test_plain_has_no_false_alarm(book, line):
    assert rules.plain(edit(book, "Double a", f"x\n\n{line}\n\nDouble a")) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("display_name: Python 3", "display_name: env", "front matter"),
        ("On Colab only", "On Colab", "is not the set-up cell"),
        ("[setup, hide-input]", "[hide-input]", "is not the set-up cell"),
        ("# Doubling", "Doubling", "title"),
        ("## Check it", "# Check it", "title"),
        ("<!-- budget -->", "", "card"),
        ("| under 1 minute", "| 1 minute", "card is old"),
        ("[nbval-check-output]", "[nbval-check-outputs]", "unknown tags"),
    ],
)
def test_set_up(book, old, new, words):
    caught(rules.set_up, edit(book, old, new), words)


def run_set_up(monkeypatch, colab, found):
    """The commands that the set-up cell would give to IPython."""
    asked = []
    shell = types.SimpleNamespace(
        run_line_magic=lambda name, line: asked.append(f"{name} {line}")
    )
    if colab:
        monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("x"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: found)
    exec(
        TransformerManager().transform_cell(rules.SET_UP),
        {"get_ipython": lambda: shell},
    )
    return asked


def test_set_up_cell_installs_on_colab_only(monkeypatch):
    assert run_set_up(monkeypatch, colab=False, found=None) == []
    assert run_set_up(monkeypatch, colab=True, found=object()) == []
    first, last = run_set_up(monkeypatch, colab=True, found=None)
    # What Colab has is left alone; everything else that gmcourse needs is asked for.
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needs = re.search(r"\ndependencies = \[(.*?)\n\]", project, re.DOTALL)[1]
    needs = {re.match(r"[\w-]+", word)[0] for word in re.findall(r'"(.+?)"', needs)}
    assert set(first.split()[3:]) == needs - {"torch", "numpy", "matplotlib"}
    assert last.startswith("pip install -q --no-deps git+https://github.com/gmcourse/")


def test_sections(book):
    caught(rules.sections, edit(book, "## Check it\n", "\n"), "'Check it' is missing")
    caught(rules.sections, edit(book, "## Look inside", "## Look at it"), "not planned")


def test_sections_have_subjects(book):
    assert rules.sections(edit(book, "## Check it", "## Check it: by hand")) == []
    bare = edit(book, "## What breaks: all", "## What breaks")
    caught(rules.sections, bare, "say what breaks")


def test_sections_order(book):
    edit(book, "## Check it", "## X")
    edit(book, "## Train it", "## Check it")
    caught(rules.sections, edit(book, "## X", "## Train it"), "out of order")


def test_sections_ignore_code_and_chapter_00(book):
    assert rules.sections(edit(book, "Double a", "```\n## x\n```\n\nDouble a")) == []
    bad = edit(book, "## Check it", "## X")
    bad.path = bad.path.with_name("00_start_here.md")
    assert rules.sections(bad) == []


def test_checked(book):
    bad = edit(book, ":tags: [nbval-check-output]\n\nDouble", "Double")
    caught(rules.checked, bad, "'Build it'")
    bad = edit(book, "print(2)", "print(2);")
    caught(rules.checked, bad, "final `;`")
    caught(rules.checked, bad, "has no output")  # pairing dropped the edited cell's
