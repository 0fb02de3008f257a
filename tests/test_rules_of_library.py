"""Each rule for what a chapter builds and imports catches the defect it is for."""

import sys
import textwrap

import pytest
import rules_of_library as rules
from chapters import built, order
from small_chapter import caught, chapter, edit


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_good_chapter_keeps(rule, book):
    assert rule(chapter(book)) == []


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
    assert order(toc) == ["02_b", "01_a"]


def test_at_home(book, package):
    found = rules.at_home(chapter(book), package)
    assert any("half is built here, but" in line for line in found), found
    assert any("docstring of quarter names" in line for line in found), found
    assert len(found) == 2


def test_copies_need_a_parity_test(book, package):
    tests = book / "tests"
    tests.mkdir()
    names = {"Double", "half"}
    assert set(built(chapter(book))) == names
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
