"""Pages carry nothing that they do not use."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "book" / "_ext"))
import lean

HEAD = """<head>
<script defer src="../_static/scripts/fontawesome.js?digest=5"></script>
<script src="../_static/design-tabs.js?v=f"></script>
<script>window.MathJax = {"options": {"enableMenu": false}}</script>
<script defer="defer" src="../_static/mathjax/tex-chtml.js?v=2"></script>
<script src="../_static/gmcourse.js?v=1"></script>
<link rel="stylesheet" type="text/css" href="_static/sphinx-design.min.css?v=6" />
<link rel="stylesheet" type="text/css" href="_static/mystnb.11b3.css?v=8" />
<link rel="stylesheet" type="text/css" href="_static/gmcourse.css?v=6" />
</head>"""


def test_what_is_not_used_is_left_out():
    page = lean.lean(HEAD + "<p>Text.</p>")
    assert "gmcourse.js" in page and "gmcourse.css" in page
    for word in ("fontawesome", "tabs", "MathJax", "mathjax", "design.min", "mystnb"):
        assert word not in page, word


@pytest.mark.parametrize(
    "body, kept",
    [
        ('<span class="math notranslate">x</span>', ["window.MathJax", "tex-chtml"]),
        ('<div class="sd-tab-set">', ["design-tabs", "sphinx-design"]),
        ('<div class="cell_input docutils">', ["mystnb"]),
    ],
)
def test_what_is_used_stays(body, kept):
    page = lean.lean(HEAD + body)
    assert all(word in page for word in kept)
    assert "fontawesome" not in page


def test_icons_are_drawn_in_the_page():
    page = lean.lean(
        '<b><i class="fa-solid fa-list"></i></b><i class="fas fa-file"></i>'
    )
    assert page.count("<svg") == 2 and "<i" not in page and "</b>" in page
    with pytest.raises(KeyError, match="dragon"):
        lean.lean('<i class="fas fa-dragon"></i>')


def test_what_is_seen_is_not_renamed():
    """A name that is not among the words on a button cannot be spoken to it."""
    page = lean.lean(
        '<button class="btn search-button-field" title="Search" aria-label="Search">'
        'Search Ctrl</button><summary aria-label="Toggle hidden content">Code</summary>'
        '<summary><span class="toctree-toggle" role="presentation"></span></summary>'
    )
    assert page.count("aria-label") == 1
    assert '<summary aria-label="Pages of this part">' in page
