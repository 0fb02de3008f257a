"""Each rule for stored outputs catches the defect it is for."""

import nbformat
import pairs
import pytest
import rules_of_outputs as rules
from outputs import WIDGET
from small_chapter import caught, chapter, display, edit, stream, with_output


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_good_chapter_keeps(rule, book):
    assert rule(chapter(book)) == []


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
    notebook = pairs.read_notebook(path)
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
    view = display(**{WIDGET: {"model_id": "a"}})
    caught(rules.light, with_output(book, view), "stores a widget")
    bar = stream(" 50%|#####     | 5/10 [00:01<00:01, 5it/s]\n")
    caught(rules.light, with_output(book, bar), "progress bar")
    caught(rules.light, with_output(book, stream("x" * 1_100_000)), "above 1.0 MB")
    bad = edit(book, "import math", "import tqdm")
    caught(rules.light, bad, "uses tqdm")
    bad.notebook.metadata["widgets"] = {}
    caught(rules.light, bad, "state of widgets")


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
