"""The extension that makes plain Markdown rich, on a small book, and its functions."""

import importlib
import os
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest
from pages import ROOT

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "sphinxcontrib.bibtex", "gmcourse_book"]
bibtex_cite_id = "{{key}}"
myst_enable_extensions = ["dollarmath"]
myst_dmath_double_inline = True
myst_heading_anchors = 4
math_numfig = False
nb_execution_mode = "off"
html_theme = "sphinx_book_theme"
html_theme_options = {{
    "repository_url": "https://github.com/a/b",
    "repository_branch": "main",
    "launch_buttons": {{"colab_url": "https://colab.research.google.com"}},
}}
"""

SAMPLE = """\
# A chapter

One line.

| | |
|---|---|
| Data | [other](08_other.md) |

## The question

By [Kingma](https://arxiv.org/abs/1312.6114). See [(7.1)](#eq-one), [it](#note),
[(8.1)](08_other.md#eq-far), [that](08_other.md#far-away), [exercise](#sam-01).

Text right above.
<a id="eq-one"></a>
$$
a = b
  + c \\tag{7.1}
$$
Text right below, of $x$, and $y$ alone.

<a id="note"></a>

> **Key idea.** Draw.

> **Hm.** No callout.

<details>
<summary>Why</summary>

As $x$ is.

</details>

### Exercise sam-01 · Double it

> **Difficulty 2/5** · 15 min · runs in a second
>
> *Goal:* Double.

Do.

#### A step

In the box.

## After

Outside.
"""

OTHER = """\
# Other

<a id="eq-far"></a>

$$ c = d \\tag{8.1} $$

## Far away

[back](07_sample.md#eq-one), [exercise](07_sample.md#sam-01)
"""


def build(folder, **chapters):
    """Build a small book of these chapters; its exit code, its warnings, its pages."""
    pytest.importorskip("myst_nb")
    (folder / "notebooks").mkdir()
    (folder / "book" / "references").mkdir(parents=True)
    files = {
        "conf.py": CONF,
        "index.md": "# Index\n\n```{toctree}\n:glob:\nnotebooks/*\nbook/*\n```\n",
        "book/bibliography.md": "# Bibliography\n\n```{bibliography}\n:all:\n```\n",
        "book/references/a.bib": "@misc{a2000, title={One}, author={A, B}}",
    } | {f"notebooks/{name}.md": text for name, text in chapters.items()}
    for path in (ROOT / "book" / "references").glob("v*.bib"):
        files[f"book/references/{path.name}"] = path.read_text("utf-8")
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", ".", "out"],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=200,
    )
    return run.returncode, run.stderr, folder / "out" / "notebooks"


LABELED = "\n$$\na = b\n$$ (eq-one)\n"
DEFECTS = [
    ("(#eq-one)", "(#eq-none)", "target not found: 'eq-none'"),
    ("#eq-far)", "#eq-none)", "local id not found in doc 'notebooks/08_other'"),
    ('<a id="note">', '<a id="eq-one">', "stands twice"),
    ("\\tag{7.1}", "", "#eq-one has no"),
    ('<a id="eq-one"></a>\n', "\n", "an <a id> line above it"),
    ("$$\na = b", "x\n\n$$\na = b", "no equation stands below #eq-one"),
    (
        '<a id="eq-one"></a>\n$$\na = b\n  + c \\tag{7.1}\n$$',
        LABELED,
        "shows its label",
    ),
    ("> **Difficulty 2/5", "> **Difficult 2/5", "a card must stand"),
    ("> **Difficulty", "**Difficulty", "a card must stand"),
]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """One small book of good chapters and one for each defect: warnings, pages."""
    chapters = {"07_sample": SAMPLE, "08_other": OTHER}
    for i, (old, new, _) in enumerate(DEFECTS):
        assert old in SAMPLE
        chapters[f"{i + 10}_defect"] = SAMPLE.replace(old, new, 1)
    code, errors, pages = build(tmp_path_factory.mktemp("small"), **chapters)
    assert code != 0
    return errors.splitlines(), pages


@pytest.fixture(scope="module")
def page(built):
    warnings, pages = built
    good = [line for line in warnings if not re.search(r"\d\d_defect", line)]
    assert not [line for line in good if "WARNING" in line or "ERROR" in line]
    html = (pages / "07_sample.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", html)


def test_equation(page):
    start = page.index('<div class="math notranslate nohighlight" id="eq-one">')
    assert "<p>Text right above. </p>" in page[:start]
    equation = page[start : page.index("</div>", start)]
    assert '<span class="eqno">(7.1)<a class="headerlink"' in equation
    assert "a = b + c" in equation and "tag" not in equation
    assert "<p>Text right below, of " in page[start:]


def test_a_formula_keeps_the_mark_behind_it(page):
    kept = re.findall(r'<span class="with-mark">.*?</span>(.*?)</span>(.{4})', page)
    assert kept == [(",", " and")]


def test_links(page):
    for address in (
        "#eq-one",
        "#note",
        "08_other.html#eq-far",
        "08_other.html#far-away",
        "../book/bibliography.html#kingma2014",
        "#exercise-sam-01-double-it",
    ):
        assert f'href="{address}"' in page, address
    assert '<a id="note"' in page
    assert 'title="Kingma et al., 2014: Auto-Encoding Variational Bayes"' in page
    assert "arxiv.org" not in page


def test_the_bibliography_leads_back(built):
    """Each entry has the paper's number, and the chapters that cite it."""
    text = (built[1].parent / "book" / "bibliography.html").read_text("utf-8")
    entry = text[text.index('id="kingma2014"') :].split("</div>")[0]
    assert (
        '<a class="reference external" href="https://arxiv.org/abs/1312.6114">' in entry
    )
    assert ">arXiv:1312.6114</a>" in entry and "URL" not in text
    assert 'href="../notebooks/07_sample.html">7</a>' in entry
    assert "In chapter" in entry and "08_other" not in entry


def test_exercise(page):
    start = page.index('<section class="exercise" id="exercise-sam-01-double-it">')
    box = page[start:]
    assert "In the box." in box and "Outside." in box
    # The box ends before the next section of a higher level begins.
    inside = box[: box.index('<section id="after">')]
    assert inside.count("<section") == 2  # itself and "A step"
    assert inside.count("</section>") == 3  # these, and "The question" around them
    assert 'class="exercise-card difficulty-2"' in box
    assert '<span class="badge-plain">15 min</span>' in box
    assert "blockquote" not in box and "<em>Goal:</em> Double.</p>" in box


def test_callouts_card_and_ways_out(page):
    assert '<blockquote class="callout callout-idea">' in page
    assert page.count("callout-") == 1
    assert re.search(r'<table class="[^"]*budget-card', page)
    assert (
        "https://colab.research.google.com/github/a/b/blob/main/notebooks/"
        "07_sample.ipynb" in page
    )
    assert 'href="../_sources/notebooks/07_sample.ipynb"' in page


@pytest.mark.parametrize("i", range(len(DEFECTS)), ids=[d[2] for d in DEFECTS])
def test_extension_warns(built, i):
    own = [line for line in built[0] if f"{i + 10}_defect" in line]
    assert any(DEFECTS[i][2] in line for line in own), own


@pytest.fixture(scope="module")
def docstrings():
    pytest.importorskip("sphinx")
    return importlib.import_module("docstrings")


@pytest.mark.parametrize(
    ("what", "before", "after"),
    [
        ("class", ["Built in chapter 03_vae."], ["Built in :doc:`/notebooks/03_vae`."]),
        (
            "class",
            ["Built in chapter", "03_vae."],
            ["Built in :doc:`/notebooks/03_vae`."],
        ),
        ("class", ["Built in chapter 09_no."], ["Built in chapter 09_no."]),
        ("class", ["a ``*b`` and *c"], ["a ``*b`` and \\*c"]),
        ("class", [">>> f(*a)"], [">>> f(*a)"]),
        ("property", ["The name: x"], ["\\ ", "The name: x"]),
    ],
)
def test_docstrings(docstrings, what, before, after):
    app = SimpleNamespace(env=SimpleNamespace(found_docs={"notebooks/03_vae"}))
    lines = list(before)
    docstrings.docstring(app, what, "name", None, None, lines)
    assert lines == after


def test_signatures(docstrings):
    """A factory's mark is no Python, and the signature around it would stay raw."""
    before = "(x: int, y: dict = <factory>)"
    after, returns = docstrings.signature(
        None, "class", "n", None, None, before, "None"
    )
    assert (after, returns) == ("(x: int, y: dict = ...)", "None")
    no = docstrings.signature(None, "module", "n", None, None, None, None)
    assert no == (None, None)


def test_bases(docstrings):
    from docutils import nodes

    document = nodes.container()
    for name in ("object", "Module"):
        bases = nodes.paragraph("", "Bases: ", nodes.literal("", name))
        document += bases
    docstrings.bases(None, document)
    assert [node.astext() for node in document] == ["Bases: Module"]


def test_dois_are_asked_of_the_registry():
    """A publisher's page refuses programs, and every DOI would look broken."""
    pytest.importorskip("pybtex")
    papers = importlib.import_module("papers")
    asked = papers.registered(None, "https://doi.org/10.1016/0893-6080(89)90014-2")
    assert asked == "https://doi.org/api/handles/10.1016/0893-6080(89)90014-2"
    assert papers.registered(None, "https://arxiv.org/abs/1312.6114") is None
