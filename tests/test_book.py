"""The book's configuration, its links, and the extension that reads plain Markdown.

What needs a built book is in test_book_browser.py. Here the rules for the text of a
chapter are functions from its Markdown to a list of problems; each is run on every
page, and on a sample with a planted defect.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(  # [words](address), where either may hold one pair of brackets
    r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]*(?:\([^()]*\))?[^()]*)\)"
)


def entries(node=TOC):
    """Names of all pages of the table of contents, in order."""
    found = [node[key] for key in ("root", "file") if key in node]
    for key in ("parts", "chapters", "sections"):
        for child in node.get(key, []):
            found += entries(child)
    return found


def source(entry):
    """The file behind an entry of the table of contents."""
    for suffix in (".ipynb", ".md"):
        if (ROOT / f"{entry}{suffix}").exists():
            return ROOT / f"{entry}{suffix}"
    return None


def markdown(path):
    """The Markdown of a page; of a notebook, its Markdown cells."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join(
        "".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
    )


def prose(text):
    """Markdown without fenced blocks and code spans, lines kept."""
    text = FENCE.sub(lambda m: "\n" * m[0].count("\n"), text)
    return re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)


PAGES = [path for entry in entries() if (path := source(entry))]
CHAPTERS = [path for path in PAGES if path.suffix == ".ipynb"]


def ids(paths):
    return [str(path.relative_to(ROOT)) for path in paths]


# Configuration and table of contents -------------------------------------------


def test_every_entry_has_its_file():
    assert [entry for entry in entries() if source(entry) is None] == []
    assert [e for e, count in Counter(entries()).items() if count > 1] == []


def test_every_page_is_in_the_table_of_contents():
    files = [
        *ROOT.glob("notebooks/[0-9][0-9]_*.ipynb"),
        *ROOT.glob("book/**/*.md"),
    ]
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in files}
    assert names - set(entries()) == set()


def test_chapters_are_in_order():
    names = [path.stem for path in CHAPTERS]
    assert names == sorted(names)


def test_every_module_has_a_page():
    modules = {
        path.stem if path.is_file() else path.name
        for path in (ROOT / "src" / "gmcourse").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    public = {name for name in modules if not name.startswith("_")}
    pages = {entry.removeprefix("book/api/") for entry in entries() if "/api/" in entry}
    assert public == pages - {"index"}
    listed = (ROOT / "book" / "api" / "index.md").read_text(encoding="utf-8")
    assert [name for name in public if f"[{name}]({name}.md)" not in listed] == []


def test_nothing_is_executed_and_texts_are_not_pages():
    assert CONFIG["execute"]["execute_notebooks"] == "off"
    assert "notebooks/**.md" in CONFIG["exclude_patterns"]
    assert CONFIG["only_build_toc_files"] is True


def test_options_reach_the_theme():
    """Jupyter Book merges its options with ours: neither may displace the other."""
    config = pytest.importorskip("jupyter_book.config")
    final, _ = config.get_final_config(
        user_yaml=ROOT / "_config.yml",
        cli_config={"latex_individualpages": False},
        sourcedir=ROOT,
    )
    theme = final["html_theme_options"]
    assert theme["repository_url"] == "https://github.com/gmcourse/gmcourse"
    assert theme["repository_branch"] == "main"
    assert theme["launch_buttons"]["colab_url"] == "https://colab.research.google.com"
    assert theme["navbar_persistent"] == []  # else there is a second search bar
    assert final["html_context"]["default_mode"] == "auto"
    assert "sphinx_thebe" not in final["extensions"]
    assert final["nb_ipywidgets_js"] == {}
    assert "//" not in final["mathjax_path"]


# The bibliography -----------------------------------------------------------------


@pytest.fixture(scope="module")
def papers():
    pybtex = pytest.importorskip("pybtex.database")
    return pybtex.parse_file(str(ROOT / "book" / "references.bib")).entries


def test_entries_are_complete(papers):
    problems = []
    for key, entry in papers.items():
        if not re.fullmatch(r"[a-z]+(19|20)\d\d[a-z]?", key):
            problems.append(f"{key}: keys are first author and year, as kingma2014")
        elif key.rstrip("abcdef")[-4:] != entry.fields.get("year"):
            problems.append(f"{key}: the year is {entry.fields.get('year')}")
        missing = {"title", "year", "url"} - set(entry.fields)
        if missing or not entry.persons.get("author"):
            problems.append(f"{key} lacks {sorted(missing) or 'an author'}")
        url = entry.fields.get("url", "")
        if not url.startswith("https://") or re.search(r"abs/.*v\d+$|/pdf/", url):
            problems.append(f"{key}: {url} is not https, a version or a PDF")
    assert problems == []


def test_each_address_has_one_entry(papers):
    urls = Counter(entry.fields["url"] for entry in papers.values())
    assert [url for url, count in urls.items() if count > 1] == []


# Rules for the text of a page ------------------------------------------------------


def slug(title):
    """The anchor that MyST and GitHub give a heading."""
    title = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def anchors(text):
    """All that a link may lead to within a page."""
    found = set(re.findall(r"<a id=\"([^\"]+)\"", text))
    found |= set(re.findall(r"^\(([\w:.-]+)\)=$", text, re.MULTILINE))
    found |= set(re.findall(r"^### Exercise (\S+) ·", text, re.MULTILINE))
    seen = Counter()
    plain = FENCE.sub("", text)
    for title in re.findall(r"^#{1,4} (.+)$", plain, re.MULTILINE):
        name = slug(title)
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


def links(path, text):
    """Links within the book lead to a page, and to an anchor that it has."""
    found = []
    for words, address in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", address):
            continue
        file, _, anchor = address.partition("#")
        target = (path.parent / file).resolve()
        if file and not target.exists():
            found.append(f"[{words}]({address}): no such file")
        elif file and target not in PAGES and target.suffix in (".md", ".ipynb"):
            found.append(f"[{words}]({address}) is not a page of the book")
        elif anchor and anchor not in anchors(markdown(target) if file else text):
            found.append(f"[{words}]({address}): no such anchor")
    return found


def equations(path, text):
    """Numbers run through the chapter, and links show the number that they lead to."""
    found, chapter = [], path.stem[:2]
    text = prose(text)
    tags = re.findall(r"\\tag\{([^}]*)\}", text)
    expected = [f"{int(chapter)}.{i + 1}" for i in range(len(tags))]
    if tags != expected:
        found.append(f"equations are numbered {tags}; expected {expected}")
    pattern = r"<a id=\"(eq-[^\"]+)\"></a>\s*\$\$((?:(?!\$\$).)*)\$\$"
    named = {}
    for anchor, body in re.findall(pattern, text, re.DOTALL):
        named[anchor] = re.findall(r"\\tag\{([^}]*)\}", body)
    for anchor in re.findall(r"<a id=\"(eq-[^\"]+)\"", text):
        if len(named.get(anchor, [])) != 1:
            found.append(f"no equation with one \\tag stands right below #{anchor}")
    if len(tags) > len(named):
        found.append('an equation has a \\tag and no <a id="eq-..."></a> above it')
    for words, address in LINK.findall(text):
        file, _, anchor = address.partition("#")
        number = re.fullmatch(r"(?:equation |eq\. )?\((\d+\.\d+)\)", words)
        if number and not anchor.startswith("eq-"):
            found.append(f"[{words}]({address}) does not lead to an equation")
        elif number and not file and named.get(anchor) != [number[1]]:
            found.append(f"[{words}]({address}): that equation is {named.get(anchor)}")
    lines, open_ = ["", *text.split("\n")], False
    for above, line in pairwise(lines):
        if line.count("$$") % 2:
            open_ = not open_
            if open_ and above.strip() and not above.startswith("<a id="):
                found.append(f"a blank line must stand between {above!r} and $$")
    for label in re.findall(r"^.*\$\$ *(\([\w-]+\))$", text, re.MULTILINE):
        found.append(
            f"$$ ... $$ {label} shows its label on Colab: use <a id> and \\tag"
        )
    for body in re.findall(r"\$\$((?:(?!\$\$).)+)\$\$", text, re.DOTALL):
        if re.search(r"\\begin\{(align|equation|gather)\*?\}", body):
            found.append(f"{body.strip()[:40]!r}: use aligned within $$")
        if "\\\\" in body and "\\begin{" not in body:
            found.append(f"{body.strip()[:40]!r}: a bare \\\\ within $$; use aligned")
    return found


def details(path, text):
    """Folded text is closed, has a summary and blank lines around its Markdown."""
    found, text = [], FENCE.sub("", text)
    if len(re.findall(r"<details[ >]", text)) != text.count("</details>"):
        found.append("<details> and </details> do not match")
    for summary, after in re.findall(r"<summary>(.*?)</summary>\n(.*\n?)", text):
        if after.strip():
            found.append(f"<summary>{summary}: a blank line must follow")
    for before in re.findall(r"(.*)\n</details>", text):
        if before.strip():
            found.append(f"</details>: before it stands {before!r}, not a blank line")
    for body in re.findall(r"<details.*?</details>", text, re.DOTALL):
        if re.search(r"^#{1,4} ", body, re.MULTILINE):
            found.append("a heading within <details> would end it")
    return found


def exercises(path, text):
    """Headings of exercises have an id and a title, and a card below."""
    found, text = [], FENCE.sub("", text)
    for line in re.findall(r"^#+ +Exercise .*$", text, re.MULTILINE):
        match = re.fullmatch(r"### Exercise [a-z]+-\d\d · \S.*", line)
        after = text.split(line, 1)[1].strip().split("\n")[0]
        if not match:
            found.append(f"{line!r}: write '### Exercise vae-03 · Title'")
        elif not re.fullmatch(r"\*Difficulty [1-5]/5 · [^*]+ · [^*]+\*", after):
            found.append(f"{line!r} has no card line below but {after!r}")
    return found


def outside(path, text):
    """Nothing is loaded from elsewhere when the page is read."""
    # Line by line: a figure that is alive has a line of half a megabyte.
    found = re.compile(
        r"(?:src|srcset)=[\"']?(?:https?:)?//|!\[[^\]]*\]\(https?:|@import"
    )
    return [line for line in FENCE.sub("", text).split("\n") if found.search(line)]


RULES = [links, equations, details, exercises, outside]


@pytest.mark.parametrize("path", PAGES, ids=ids(PAGES))
def test_page(path):
    text = markdown(path)
    used = RULES if path in CHAPTERS else [links, details, outside]
    assert [problem for rule in used for problem in rule(path, text)] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=ids(CHAPTERS))
def test_papers_have_an_entry(path, papers):
    """A link to a paper leads to the bibliography, so the entry must be there."""
    known = {entry.fields["url"] for entry in papers.values()}
    paper = re.compile(r"https?://(www\.)?(arxiv\.org|(dx\.)?doi\.org)/")
    asked = [url for _, url in LINK.findall(prose(markdown(path))) if paper.match(url)]
    assert [url for url in asked if url not in known] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=ids(CHAPTERS))
def test_outputs_load_nothing(path):
    found = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            html = "".join(output.get("data", {}).get("text/html", ""))
            found += outside(path, re.sub(r"data:[^\"']{200,}", "", html))
    assert found == []


GOOD = """\
# 7 · A chapter

By [Kingma](https://arxiv.org/abs/1312.6114), see [(7.1)](#eq-one), [it](#the-question).

## The question

<a id="eq-one"></a>
$$
\\begin{aligned} a &= b \\\\ c &= d \\end{aligned} \\tag{7.1}
$$

<a id="eq-two"></a>

$$ e = f \\tag{7.2} $$

<details>
<summary>Why</summary>

Because.

```python
## no heading
```

</details>

### Exercise sam-01 · Double it

*Difficulty 2/5 · 15 min · cpu-instant*

As in [the first](#sam-01).
"""


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_good_text_keeps(rule):
    assert rule(ROOT / "notebooks" / "07_chapter.ipynb", GOOD) == []


@pytest.mark.parametrize(
    ("rule", "old", "new", "words"),
    [
        (links, "(#the-question)", "(#the-answer)", "no such anchor"),
        (links, "(#the-question)", "(08_no.ipynb#eq-one)", "no such file"),
        (links, "(#the-question)", "(../README.md)", "not a page"),
        (links, "(#sam-01)", "(#sam-02)", "no such anchor"),
        (equations, "\\tag{7.2}", "\\tag{7.3}", "expected"),
        (equations, "\\tag{7.2}", "", "no equation with one"),
        (equations, "[(7.1)]", "[(7.2)]", "that equation is ['7.1']"),
        (equations, '<a id="eq-two"></a>\n', "", "no <a id"),
        (equations, "$$ e = f", "text\n\n$$ e = f", "right below #eq-two"),
        (equations, "7.2} $$", "7.2} $$ (eq-two)", "shows its label"),
        (equations, '<a id="eq-one"></a>', "Text", "a blank line must stand"),
        (equations, "{aligned}", "{align}", "use aligned"),
        (equations, "e = f", "e \\\\ f", "a bare"),
        (details, "</details>", "", "do not match"),
        (details, "</summary>\n", "</summary>", "a blank line must follow"),
        (details, "```\n\n</details>", "```\nend\n</details>", "not a blank line"),
        (details, "Because.", "#### Because", "a heading within"),
        (exercises, "### Exercise", "## Exercise", "write"),
        (exercises, "sam-01 ·", "sam-01:", "write"),
        (exercises, "Difficulty 2/5", "Difficulty 6/5", "no card line"),
        (outside, "Because.", "![x](https://a.org/x.png)", "a.org"),
        (outside, "Because.", "<script src='//a.org/x.js'></script>", "a.org"),
    ],
)
def test_planted(rule, old, new, words):
    assert old in GOOD
    bad = GOOD.replace(old, new)
    if old == "</summary>\n":
        bad = GOOD.replace("</summary>\n\n", "</summary>\n")
    found = rule(ROOT / "notebooks" / "07_chapter.ipynb", bad)
    assert any(words in problem for problem in found), found


# The extension -----------------------------------------------------------------------

CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
extensions = ["myst_nb", "sphinxcontrib.bibtex", "gmcourse_book"]
bibtex_bibfiles = ["book/references.bib"]
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
Text right below.

<a id="note"></a>

> **Key idea.** Draw.

> **Hm.** No callout.

<details>
<summary>Why</summary>

As $x$ is.

</details>

### Exercise sam-01 · Double it

*Difficulty 2/5 · 15 min · cpu-instant*

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
    (folder / "book").mkdir()
    files = {
        "conf.py": CONF,
        "index.md": "# Index\n\n```{toctree}\n:glob:\nnotebooks/*\nbook/*\n```\n",
        "book/bibliography.md": "# Bibliography\n\n```{bibliography}\n:all:\n```\n",
        "book/references.bib": (ROOT / "book" / "references.bib").read_text("utf-8"),
    } | {f"notebooks/{name}.md": text for name, text in chapters.items()}
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


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    code, errors, pages = build(folder, **{"07_sample": SAMPLE, "08_other": OTHER})
    assert code == 0, errors
    html = (pages / "07_sample.html").read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", html)


def test_equation(page):
    start = page.index('<div class="math notranslate nohighlight" id="eq-one">')
    assert "<p>Text right above. </p>" in page[:start]
    equation = page[start : page.index("</div>", start)]
    assert '<span class="eqno">(7.1)<a class="headerlink"' in equation
    assert "a = b + c" in equation and "tag" not in equation
    assert "<p>Text right below.</p>" in page[start:]


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


def test_callouts_card_and_ways_out(page):
    assert '<blockquote class="callout callout-idea">' in page
    assert page.count("callout-") == 1
    assert re.search(r'<table class="[^"]*budget-card', page)
    assert (
        "https://colab.research.google.com/github/a/b/blob/main/notebooks/"
        "07_sample.ipynb" in page
    )
    assert 'href="../_sources/notebooks/07_sample.ipynb"' in page


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
    ("*Difficulty 2/5", "*Difficult 2/5", "a card must stand"),
]


@pytest.fixture(scope="module")
def warnings(tmp_path_factory):
    """The warnings about one chapter for each defect, all built at once."""
    chapters = {"07_sample": SAMPLE, "08_other": OTHER}
    for i, (old, new, _) in enumerate(DEFECTS):
        assert old in SAMPLE
        chapters[f"{i + 10}_defect"] = SAMPLE.replace(old, new, 1)
    code, errors, _ = build(tmp_path_factory.mktemp("bad"), **chapters)
    assert code != 0
    assert "07_sample" not in errors, errors
    return errors.splitlines()


@pytest.mark.parametrize("i", range(len(DEFECTS)), ids=[d[2] for d in DEFECTS])
def test_extension_warns(warnings, i):
    own = [line for line in warnings if f"{i + 10}_defect" in line]
    assert any(DEFECTS[i][2] in line for line in own), own


@pytest.fixture(scope="module")
def extension():
    pytest.importorskip("pybtex")
    pytest.importorskip("sphinx")
    path = ROOT / "book" / "_ext" / "gmcourse_book.py"
    spec = importlib.util.spec_from_file_location("gmcourse_book", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
def test_docstrings(extension, what, before, after):
    app = SimpleNamespace(env=SimpleNamespace(found_docs={"notebooks/03_vae"}))
    lines = list(before)
    extension.docstring(app, what, "name", None, None, lines)
    assert lines == after


def test_signatures(extension):
    """A factory's mark is no Python, and the signature around it would stay raw."""
    before = "(x: int, y: dict = <factory>)"
    after, returns = extension.signature(None, "class", "n", None, None, before, "None")
    assert (after, returns) == ("(x: int, y: dict = ...)", "None")
    no = extension.signature(None, "module", "n", None, None, None, None)
    assert no == (None, None)


def test_bases(extension):
    from docutils import nodes

    document = nodes.container()
    for name in ("object", "Module"):
        bases = nodes.paragraph("", "Bases: ", nodes.literal("", name))
        document += bases
    extension.bases(None, document)
    assert [node.astext() for node in document] == ["Bases: Module"]


def test_dois_are_asked_of_the_registry(extension):
    """A publisher's page refuses programs, and every DOI would look broken."""
    asked = extension.registered(None, "https://doi.org/10.1016/0893-6080(89)90014-2")
    assert asked == "https://doi.org/api/handles/10.1016/0893-6080(89)90014-2"
    assert extension.registered(None, "https://arxiv.org/abs/1312.6114") is None


def test_links_to_sources_are_not_looked_for_outside():
    """They are made for the HTML pages, and `make links` would always fail."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    ignored = config["sphinx"]["config"]["linkcheck_ignore"]
    link = "../_sources/notebooks/00_start_here.ipynb"
    assert any(re.match(pattern, link) for pattern in ignored)
