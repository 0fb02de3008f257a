"""Every chapter keeps every rule, and every rule catches the defect it is for."""

import copy
import importlib.util
import json
import os
import re
import subprocess
import sys
import textwrap
import types

import nbformat
import notebook_tools as rules
import parity as parity_module
import pytest
import torch
from IPython.core.inputtransformer2 import TransformerManager
from notebook_tools import Chapter, tool
from parity import build_namespace, copy_weights

CHAPTERS = tool.texts()

# ---- the chapters ----------------------------------------------------------------


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_chapter(path, rule):
    found = rule(Chapter.read(path))
    assert not found, "\n".join([rule.__doc__, *found])


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_forward_imports(path):
    assert not rules.no_forward_imports(Chapter.read(path), rules.order())


def test_every_notebook_has_a_text():
    stems = {path.stem for path in tool.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
    assert stems <= {path.stem for path in CHAPTERS}


def test_budgets_are_of_chapters():
    assert set(tool.read_budgets()) <= {path.stem for path in CHAPTERS}


# ---- a small chapter that keeps the rules ----------------------------------------


def cell(source, *tags):
    head = f":tags: [{', '.join(tags)}]\n\n" if tags else ""
    return f"```{{code-cell}} ipython3\n{head}{source}\n```\n"


FIGURE = """\
from IPython.display import HTML, display

image = '<img src="data:image/png;base64,0xdeadbeef0" alt="A line, rising">'
display(HTML(f"<figure>{image}<figcaption>It rises.</figcaption></figure>"))"""
DOUBLE = """\
class Double:
    def __call__(self, x):
        return half(x) * 4


def half(x):
    return x / SCALE"""
PROGRESS = """\
for i in range(3):
    print(f"\\rstep {i}", end="")
print("\\r      \\r", end="")
print("trained")"""
CODE = {
    "A picture first": [cell(FIGURE), cell("(2, 3)", "nbval-check-output")],
    "Build it": [
        cell(DOUBLE, "build"),
        cell("Double()(1.0)", "nbval-check-output"),
    ],
    "Train it": [cell(PROGRESS), cell("print(2)", "nbval-check-output")],
    "Exercises": [cell("def mine(x):\n    pass")],
}


def chapter_text():
    parts = [
        rules.FRONT_MATTER,
        "\n# Doubling\n\nDouble a number.\n\n<!-- budget -->\n<!-- /budget -->\n",
        cell(rules.SET_UP, "setup", "hide-input"),
        cell("import math\n\nSCALE = 2", "imports"),
    ]
    for title in rules.SECTIONS:
        parts += [
            f"## {title}\n\nWith $\\mathbf{{x}}$ and `{{x}}`.\n",
            *CODE.get(title, []),
        ]
    parts += ["```python\n## no heading: {role}`x`\n```\n"]
    return "\n".join(parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with one chapter, executed once for the whole module."""
    folder = tmp_path_factory.mktemp("book") / "notebooks"
    folder.mkdir()
    path = folder / "01_doubling.md"
    path.write_text(chapter_text(), encoding="utf-8")
    assert tool.main(["--folder", str(folder), "execute", "01", "--threads", "1"]) == 0
    return folder


@pytest.fixture
def book(folder, tmp_path):
    """A copy of that folder, to do harm to."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path


def chapter(book):
    return Chapter.read(book / "01_doubling.md")


def edit(book, old, new, *, repair=True):
    """Replace in the text; with `repair`, pair and pretend that it was executed."""
    path = book / "01_doubling.md"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    if repair:
        tool.pair(path)
    return chapter(book)


def with_output(book, *outputs):
    """The chapter with these outputs in the cell of the figure."""
    path = book / "01_doubling.ipynb"
    notebook = tool.read_notebook(path)
    where = next(c for c in notebook.cells if "<figure>" in c.source)
    where.outputs = [nbformat.from_dict(o) for o in outputs]
    nbformat.write(notebook, path)
    return chapter(book)


def stream(text, name="stdout"):
    return {"output_type": "stream", "name": name, "text": text}


def display(**data):
    data = {key.replace("__", "/"): value for key, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def caught(rule, chapter, words):
    found = rule(chapter)
    assert any(words in line for line in found), found


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_good_chapter_keeps(rule, book):
    assert rule(chapter(book)) == []


# ---- each rule catches its defect ------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "number"),
    [("Double a", "Halve a", 0), ("[build]", "[imports]", 7), ("* 4", "* 5", 7)],
)
def test_paired(book, old, new, number):
    caught(rules.paired, edit(book, old, new, repair=False), f"cell {number} of the")


def test_paired_sees_a_missing_notebook(book):
    (book / "01_doubling.ipynb").unlink()
    caught(rules.paired, chapter(book), "missing")
    caught(rules.current, chapter(book), "missing")


def test_paired_sees_a_lost_cell(book):
    path = book / "01_doubling.ipynb"
    notebook = tool.read_notebook(path)
    notebook.cells.pop()
    nbformat.write(notebook, path)
    caught(rules.paired, chapter(book), "the notebook")


def test_current_sees_older_code(book):
    edited = edit(book, "x) * 4", "x) * 5")
    assert rules.paired(edited) == []
    caught(rules.current, edited, "older code")
    caught(rules.current, edited, "once each, in order")


def test_current_allows_edited_prose(book):
    assert rules.current(edit(book, "Double a", "Halve a")) == []


def test_current_sees_errors_and_scale(book):
    error = {"output_type": "error", "ename": "E", "evalue": "", "traceback": []}
    bad = with_output(book, error)
    caught(rules.current, bad, "shows an error: E")
    bad.notebook.metadata["gmcourse"]["scale"] = "smoke"
    caught(rules.current, bad, "scale smoke")


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (stream("<thing at 0x7f3a5c0d1e80>\n"), "address"),
        (display(text__plain="[<Line2D at 0x7f3a5c0d1e80>]"), "address"),
        (display(text__html="<p>0x7f3a5c0d1e80</p>"), "address"),
        (stream("see /home/someone/data\n"), "a path of this machine"),
        (stream("\rstep 1\rstep 2\n"), "raw progress"),
        (stream("UserWarning: x\n", "stderr"), "UserWarning"),
    ],
)
def test_stable(book, output, words):
    caught(rules.stable, with_output(book, output), words)


@pytest.mark.parametrize(
    "text",
    ["http://example.org/home/x\n", "0x1f and 0xfffff\n", "up/tmp/x or a.b/work/c\n"],
)
def test_stable_has_no_false_alarm(book, text):
    assert rules.stable(with_output(book, stream(text))) == []


@pytest.mark.parametrize(
    "output",
    [stream("rate nan\n"), display(text__plain="tensor([1., nan])")],
)
def test_defined(book, output):
    caught(rules.defined, with_output(book, output), "shows nan")
    fine = stream("a banana, inf, Nancy\n")
    assert rules.defined(with_output(book, fine)) == []


def test_light(book):
    view = display(**{tool.WIDGET: {"model_id": "a"}})
    caught(rules.light, with_output(book, view), "stores a widget")
    bar = stream(" 50%|#####     | 5/10 [00:01<00:01, 5it/s]\n")
    caught(rules.light, with_output(book, bar), "progress bar")
    caught(rules.light, with_output(book, stream("x" * 1_100_000)), "above 1.0 MB")
    bad = edit(book, "import math", "import tqdm")
    caught(rules.light, bad, "uses tqdm")
    bad.notebook.metadata["widgets"] = {}
    caught(rules.light, bad, "state of widgets")


def test_fits(book):
    wide = "x = 1  # " + "-" * 70
    caught(rules.fits, edit(book, "import math", wide), "79 columns")
    assert rules.fits(edit(book, wide, wide[:78])) == []
    stub = "def mine(x):\n"
    long = stub + "\n\n".join(f"    y{i} = {i}" for i in range(24)) + "\n"
    caught(rules.fits, edit(book, stub, long), "26 lines")


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
    project = (rules.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    needs = re.search(r"\ndependencies = \[(.*?)\n\]", project, re.DOTALL)[1]
    needs = {re.match(r"[\w-]+", word)[0] for word in re.findall(r'"(.+?)"', needs)}
    assert set(first.split()[3:]) == needs - {"torch", "numpy", "matplotlib"}
    assert last.startswith("pip install -q --no-deps git+https://github.com/gmcourse/")


def test_sections(book):
    caught(rules.sections, edit(book, "## Check it\n", "\n"), "'Check it' is missing")
    caught(rules.sections, edit(book, "## Look inside", "## Look at it"), "not planned")


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


IMG = '<img src="x" alt="A line that rises">'


@pytest.mark.parametrize(
    ("html", "words"),
    [
        (f"<figure>{IMG}</figure>", "no <figcaption>"),
        (f"<figure>{IMG}<figcaption> </figcaption></figure>", "no <figcaption>"),
        (IMG, "not in a <figure>"),
        ("<figure><img src=x><figcaption>x</figcaption></figure>", "no alt"),
        ("<figure><img alt='plot'><figcaption>x</figcaption></figure>", "no alt"),
        ("<figure><canvas></canvas><figcaption>x</figcaption></figure>", "no alt"),
        (f"<figure>{IMG}<figcaption>x</figcaption></figure><svg></svg>", "<svg>"),
    ],
)
def test_figures(book, html, words):
    caught(rules.figures, with_output(book, display(text__html=html)), words)


@pytest.mark.parametrize(
    "html",
    [
        f"<style>a{{}}</style><figure><div>{IMG}<br><p>x</div><figcaption>It <b>rises"
        "</b>.</figcaption></figure>",
        "<figure aria-label='The latent plane, alive'><canvas></canvas>"
        "<svg aria-hidden='true'><g><image/></g></svg>"
        "<figcaption>x</figcaption></figure><script>if (a < b) '<img>'</script>",
        "<div class='gm-live' aria-label='The latent plane, alive'><img src=x></div>",
        "<table><tr><td>1</td></tr></table>",
    ],
)
def test_figures_has_no_false_alarm(book, html):
    assert rules.figures(with_output(book, display(text__html=html))) == []


def test_figures_sees_bare_pictures(book):
    bare = display(image__png="aGk=", text__plain="<Figure>")
    caught(rules.figures, with_output(book, bare), "bare picture")


# ---- a library to import from ----------------------------------------------------


@pytest.fixture
def package(tmp_path_factory, monkeypatch):
    """A package `toylib` with homes in three chapters."""
    root = tmp_path_factory.mktemp("lib")
    (root / "toylib").mkdir()
    (root / "toylib" / "__init__.py").write_text("from .now import Double\n")
    (root / "toylib" / "now.py").write_text(
        textwrap.dedent('''
        class Double:
            """Twice. Built in chapter
            01_doubling."""
            def elbo(self): pass
            def sample(self): pass
        def quarter(x):
            """Built in chapter 01_doubling."""
        def tool(x):
            """At home nowhere."""
        ''')
    )
    (root / "toylib" / "_own.py").write_text("def hidden(): pass\n")
    (root / "toylib" / "checks.py").write_text("def first(): pass\n")
    (root / "toylib" / "late.py").write_text(
        textwrap.dedent('''
        __all__ = ["flow", "half"]
        def helper(x): pass
        def flow(x):
            """Built in chapter normalizing_flows."""
        def half(x):
            """Built in chapter 09_unplanned."""
        ''')
    )
    monkeypatch.syspath_prepend(str(root))
    yield "toylib"
    rules.modules.cache_clear()
    for name in [n for n in sys.modules if n.split(".")[0] == "toylib"]:
        del sys.modules[name]


TOC = ["00_start", "01_doubling", "04_normalizing_flows"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("from toylib.late import flow", "built later, in normalizing_flows"),
        ("import toylib.late\ntoylib.late.flow(1)", "built later"),
        ("import toylib.late as t\ndef f(x):\n    return t.flow(x)", "built later"),
        ("import toylib as tl\ntl.late.flow", "built later"),
        ("%matplotlib inline\nfrom toylib import late\nlate.flow(2)", "built later"),
        ("from toylib.late import half", "not in _toc.yml"),
        ("from toylib.late import flaw", "toylib.late.flaw does not exist"),
        ("import toylib\ntoylib.Doubble()", "toylib.Doubble does not exist"),
        ("from toylib.late import *", "imports everything"),
    ],
)
def test_forward_imports(book, package, code, words):
    bad = edit(book, "import math", code)
    found = rules.no_forward_imports(bad, TOC, package)
    assert any(words in line for line in found), found
    if "later" in words:  # and in its own chapter the same code is right
        bad.path = bad.path.with_name("04_normalizing_flows.md")
        assert rules.no_forward_imports(bad, TOC, package) == []


def test_forward_imports_has_no_false_alarm(book, package):
    code = (
        "import toylib\nfrom toylib import now\nfrom toylib.now import tool as t\n"
        "toylib.Double().anything.else_\nnow = now.tool(1)\nnow.shape\nt(2)\n"
        "import toylib.now\ntoylib.now.tool"
    )
    good = edit(book, "import math", code)
    assert rules.no_forward_imports(good, TOC, package) == []
    caught(lambda c: rules.no_forward_imports(c, TOC[:1]), good, "not in _toc.yml")


def test_order_reads_the_table_of_contents(tmp_path):
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        "root: book/index\nparts:\n- chapters:\n  - file: notebooks/02_b\n"
        "    sections:\n    - file: notebooks/01_a.md\n  - file: book/99_x\n"
    )
    assert rules.order(toc) == ["02_b", "01_a"]


def test_at_home(book, package):
    found = rules.at_home(chapter(book), package)
    assert any("half is built here, but" in line for line in found), found
    assert any("docstring of quarter names" in line for line in found), found
    assert len(found) == 2


def test_copies_need_a_parity_test(book, package):
    tests = book / "tests"
    tests.mkdir()
    names = {"Double", "half"}
    assert set(rules.built(chapter(book))) == names
    found = rules.copies_tested(chapter(book), tests, package)
    assert len(found) == 2 and "without a parity test" in found[0]
    (tests / "test_parity_01.py").write_text(
        '@parity("01_doubling", "half")\ndef test_a(): ...\n'
        '@parity("02_other", "Double")\ndef test_b(): ...\n'
    )
    found = rules.copies_tested(chapter(book), tests, package)
    assert [line.split()[0] for line in found] == ["Double"]


def test_methods_count_as_the_librarys_names(package):
    assert rules.library_names(package) == {
        *("Double", "elbo", "quarter", "tool", "flow", "half")
    }


# ---- parity ----------------------------------------------------------------------


def test_build_namespace_runs_imports_and_builds_only(book):
    before = torch.get_rng_state()
    namespace = build_namespace("01_doubling", folder=book)
    assert namespace["Double"]()(3.0) == 6.0
    assert "display" not in namespace and "mine" not in namespace
    assert torch.equal(torch.get_rng_state(), before)


def test_build_namespace_stops(book):
    more = cell("SCALE = 1\ndef third(x): pass", "build")
    edit(book, "## Check it\n", f"## Check it\n\n{more}")
    stopped = build_namespace("01_doubling", upto="half", folder=book)
    assert stopped["SCALE"] == 2 and "third" not in stopped
    assert build_namespace("01_doubling", folder=book)["SCALE"] == 1
    with pytest.raises(ValueError, match="no 'fourth' in a build cell"):
        build_namespace("01_doubling", upto="fourth", folder=book)


def test_build_namespace_says_what_is_missing(book):
    edit(book, ":tags: [imports]\n\n", "")
    edit(book, "return x / SCALE", "return x\nhalf(SCALE)")
    with pytest.raises(NameError, match=r"cell \d+>: .*SCALE.*tag the cell"):
        build_namespace("01_doubling", folder=book)


def test_build_namespace_takes_dataclasses_and_shows_source(book):
    import inspect

    code = "from dataclasses import dataclass\n@dataclass\nclass Double:\n    x: 'int'"
    edit(book, "class Double:", code + "\nclass Other:")
    namespace = build_namespace("01_doubling", folder=book)
    assert namespace["Double"](1).x == 1
    assert inspect.getsource(namespace["half"]).startswith("def half(x)")


def test_copy_weights():
    a = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    b = torch.nn.ModuleDict({"x": torch.nn.Linear(2, 3), "y": torch.nn.BatchNorm1d(3)})
    a(torch.randn(5, 2))
    copy_weights(a, b)
    for x, y in zip(a.state_dict().values(), b.state_dict().values()):
        assert torch.equal(x, y)
    with pytest.raises(ValueError, match="same architecture"):
        copy_weights(a, torch.nn.Linear(2, 3))
    with pytest.raises(ValueError, match=r"0.weight \(2, 3\).*weight \(3, 2\)"):
        one = torch.nn.Sequential(torch.nn.Linear(3, 2))
        copy_weights(one, torch.nn.Linear(2, 3))


def test_parity_names_must_exist(book):
    mark = parity_module.parity("01_doubling", "half", folder=book)
    assert mark(len) is len
    with pytest.raises(ValueError, match=r"builds no .'halve'"):
        parity_module.parity("01_doubling", "halve", folder=book)
    with pytest.raises(ValueError, match="names no definition"):
        parity_module.parity("01_doubling", folder=book)


# ---- the tool --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("a\nb\n", "a\nb\n"),
        ("\rstep 1\rstep 2", "step 2"),
        ("\rstep 10\rstep 9", "step 90"),
        ("\rstep 1\r      \r", ""),
        ("\rstep 1\r\x1b[Kdone\n", "done\n"),
        ("\rstep 1\x1b[2K\rend", "end"),
        ("abc\b\bX\n", "aXc\n"),
        ("windows\r\nline\n", "windows\nline\n"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m\n"),
        ("keeps two  \n", "keeps two  \n"),
    ],
)
def test_on_screen(raw, shown):
    assert tool.on_screen(raw) == shown
    assert tool.on_screen(shown) == shown


def outputs(*items):
    return [nbformat.from_dict(item) for item in items]


def test_clean_outputs():
    figure = display(text__html="<p>")
    made = tool.clean_outputs(
        outputs(
            stream("a"),
            stream("b\n"),
            stream("w\n", "stderr"),
            stream("\rstep 1"),
            figure | {"transient": {"display_id": "7"}},
            stream("\r      \r"),
            display(**{tool.WIDGET: {}, "text__plain": "x"}),
            stream("\r  \r"),
        )
    )
    assert made == outputs(stream("ab\n"), stream("w\n", "stderr"), figure)


def test_pair_is_stable_and_keeps_what_is_valid(book):
    path, target = book / "01_doubling.md", book / "01_doubling.ipynb"
    before = target.read_bytes()
    assert tool.pair(path) is False and target.read_bytes() == before
    old = {c.id: c for c in tool.read_notebook(target).cells}
    edit(book, "print(2)", "print(3)")
    new = {c.id: c for c in tool.read_notebook(target).cells}
    assert len(old.keys() - new.keys()) == 1 and len(new) == len(old)
    edit(book, "print(3)", "print(2)")
    back = tool.read_notebook(target)
    assert [c.id for c in back.cells] == [*old]
    assert [c.outputs for c in back.cells if c.source == "print(2)"] == [[]]
    back = next(c for c in back.cells if "Double()(1.0)" in c.source)
    assert back.outputs[0].data == {"text/plain": "2.0"}


def test_pair_numbers_equal_cells(book):
    twice = cell("print(7)") + "\n" + cell("print(7)")
    edited = edit(book, "## Check it\n", f"## Check it\n\n{twice}")
    names = [c.id for c in edited.notebook.cells]
    assert len(set(names)) == len(names)


def test_pair_accepts_a_notebook_from_jupytext(book):
    """Someone who runs jupytext by hand gets a pair that the rules accept."""
    (book / "01_doubling.ipynb").unlink()
    command = [sys.executable, "-m", "jupytext", "--update", "--to", "ipynb"]
    subprocess.run([*command, "01_doubling.md"], cwd=book, check=True, timeout=200)
    assert rules.paired(chapter(book)) == []


def test_code_hash_is_of_code_alone(book):
    text = chapter(book).text
    other = copy.deepcopy(text)
    other.cells[0].source += "more"
    other.cells[1].source += "  \n"
    other.cells[1].metadata["tags"] = []
    assert tool.code_hash(other) == tool.code_hash(text)
    other.cells[1].source += "x = 1"
    assert tool.code_hash(other) != tool.code_hash(text)


def test_execution_is_stored(book):
    facts = chapter(book).notebook.metadata["gmcourse"]
    assert set(facts) >= {"code_hash", "scale", "executed", "versions", "device"}
    assert facts["scale"] == "cpu" and facts["device"] in ("1 CPU core", "2 CPU cores")
    assert 0 < facts["seconds"] < 120 and 10 < facts["peak_memory_mb"] < 1000
    raw = json.loads((book / "01_doubling.ipynb").read_text())
    assert set(raw["metadata"]) == {"gmcourse", "kernelspec", "language_info"}
    assert raw["metadata"]["kernelspec"] == tool.KERNEL
    assert raw["metadata"]["language_info"] == tool.LANGUAGE
    texts = [o for c in raw["cells"] for o in c.get("outputs", []) if "text" in o]
    assert ["trained\n"] in [o["text"] for o in texts]
    assert list(book.glob(".*")) == []


def test_a_notebook_becomes_a_script(book):
    nbconvert = pytest.importorskip("nbconvert")
    for path in [book / "01_doubling.md", *CHAPTERS]:
        text = tool.read_text(path)
        text.cells[1].source += "\nif False:\n    %pip install -q gmcourse"
        script, _ = nbconvert.ScriptExporter().from_notebook_node(tool.combine(text))
        compile(script, path.name, "exec")


def test_executing_again_changes_the_facts_only(book):
    path = book / "01_doubling.md"
    text, before = path.read_bytes(), chapter(book).notebook
    assert tool.execute(path, threads=1) == []
    after = chapter(book).notebook
    assert after.cells == before.cells and path.read_bytes() == text


def test_a_failing_cell_changes_nothing(book, capsys):
    edit(book, "print(2)", "print(1 / 0)")
    before = {f.name: f.read_bytes() for f in book.iterdir()}
    assert tool.main(["--folder", str(book), "execute", "01"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said and "01_doubling: cell " in said
    assert {f.name: f.read_bytes() for f in book.iterdir()} == before


def test_a_slow_cell_is_stopped(book, capsys):
    edit(book, "print(2)", "import time\ntime.sleep(60)")
    assert tool.main(["--folder", str(book), "execute", "01", "--timeout", "2"]) == 1
    assert "timed out" in capsys.readouterr().err


def test_execute_names_addresses(book, capsys):
    edit(book, "print(2)", "object()")
    assert tool.main(["--folder", str(book), "execute", "01"]) == 1
    assert "prints an object's address" in capsys.readouterr().err


def test_execute_without_cuda_at_scale_gpu(book, monkeypatch):
    done = copy.deepcopy(chapter(book).notebook)
    monkeypatch.setattr(tool, "run", lambda *_, **__: done)
    before = (book / "budgets.json").read_bytes()
    with pytest.raises(tool.Problem, match="no CUDA device"):
        tool.execute(book / "01_doubling.md", scale="gpu")
    assert (book / "budgets.json").read_bytes() == before


def test_prose_edited_during_execution_is_kept(book, monkeypatch):
    done = copy.deepcopy(chapter(book).notebook)

    def run(*_, **__):
        edit(book, "Double a", "Halve a", repair=False)
        return done

    monkeypatch.setattr(tool, "run", run)
    tool.execute(book / "01_doubling.md")
    after = chapter(book)
    assert "Halve a" in after.raw and rules.paired(after) == []
    assert rules.current(after) == []


def test_code_edited_during_execution_is_stale(book, monkeypatch):
    done = copy.deepcopy(chapter(book).notebook)

    def run(*_, **__):
        edit(book, "x) * 4", "x) * 5", repair=False)
        return done

    monkeypatch.setattr(tool, "run", run)
    tool.execute(book / "01_doubling.md")
    caught(rules.current, chapter(book), "older code")


def test_status(book, capsys):
    command = ["--folder", str(book), "status"]
    assert tool.main(command) == 0
    edit(book, "Double a", "Halve a", repair=False)
    assert tool.main(command) == 1 and "not paired" in capsys.readouterr().out
    edit(book, "x) * 4", "x) * 5")
    assert tool.main(command) == 1 and "older code" in capsys.readouterr().out
    (book / "01_doubling.ipynb").unlink()
    assert tool.main(command) == 1 and "missing" in capsys.readouterr().out
    assert tool.main([*command, "07"]) == 2
    assert "'07' names no chapter" in capsys.readouterr().err


def test_budget_card(book):
    path = book / "01_doubling.md"
    edit(book, "| --- | --- |", "| --- | --- |\n| Data | a CPU's, 0 MB |")
    assert "core" in path.read_text() and "| under 1 minute, 0." in path.read_text()
    assert path.read_text().count("| not measured |") == 2
    large = {"seconds": 200, "peak_memory_mb": 2048, "gpu_memory_mb": 512}
    extra = {"01_doubling": {"large_gpu": large | {"device": "H200"}}}
    other = book / "other.json"
    other.write_text(json.dumps(extra))
    for _ in range(2):
        assert tool.main(["--folder", str(book), "budget", "--merge", str(other)]) == 0
    row = "| Large GPU, H200 | 3 minutes, 2.0 GB of memory, 0.5 GB on the GPU |\n"
    text = path.read_text()
    assert text.count(row) == 1 and text.count("GPU") == 3
    assert text.count("| Data | a CPU's, 0 MB |\n| CPU, ") == 1
    for rule in (rules.paired, rules.current, rules.set_up):
        assert rule(chapter(book)) == []
    other.write_text('{"01_doubling": {"abacus": {}}}')
    assert tool.main(["--folder", str(book), "budget", "--merge", str(other)]) == 2


def test_the_report_names_the_gpu(monkeypatch, capsys):
    """Runs the cell that reports, with a torch that claims to have a GPU."""
    for memory, place in ((16e9, "small_gpu"), (140e9, "large_gpu")):
        properties = types.SimpleNamespace(name="T4", total_memory=memory)
        cuda = types.SimpleNamespace(
            is_available=lambda: True,
            get_device_properties=lambda _, p=properties: p,
            max_memory_allocated=lambda: 3 * 2**20,
        )
        fake = types.SimpleNamespace(get_num_threads=lambda: 1, cuda=cuda)
        monkeypatch.setitem(sys.modules, "torch", fake)
        exec(tool.REPORT, {})
        facts = json.loads(capsys.readouterr().out)
        assert facts["place"] == place and facts["device"] == "T4"
        assert facts["gpu_memory_mb"] == 3 and facts["threads"] == 1


def test_write_atomically(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    assert tool.write_atomically(path, "é") and path.read_text("utf-8") == "é"
    assert not tool.write_atomically(path, "é")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        tool.write_atomically(path, "new")
    assert path.read_text("utf-8") == "é" and [*tmp_path.iterdir()] == [path]


def test_nbval_accepts_the_good_chapter_and_sees_a_changed_output(book):
    """The command of the Makefile works under this project's pytest settings."""
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider"]
    command += ["-c", str(rules.ROOT / "pyproject.toml"), "01_doubling.ipynb"]
    environment = os.environ | {"GMCOURSE_SCALE": "smoke", "OMP_NUM_THREADS": "1"}

    def run():
        done = subprocess.run(
            command,
            cwd=book,
            env=environment,
            capture_output=True,
            text=True,
            timeout=200,
        )
        return types.SimpleNamespace(code=done.returncode, said=done.stdout)

    first = run()
    assert first.code == 0, first.said
    path = book / "01_doubling.ipynb"
    path.write_text(path.read_text().replace('"2.0"', '"2.5"'))
    second = run()
    assert second.code == 1 and "1 failed" in second.said, second.said
