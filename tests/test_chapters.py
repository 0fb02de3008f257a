"""Every chapter keeps every rule."""

import budgets
import pytest
import rules_of_library
import rules_of_names
import rules_of_outputs
import rules_of_text
from chapters import Chapter, order

import notebooks

CHAPTERS = notebooks.texts()
RULES = [
    *rules_of_outputs.RULES,
    *rules_of_text.RULES,
    *rules_of_library.RULES,
    *rules_of_names.RULES,
]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_chapter(path, rule):
    found = rule(Chapter.read(path))
    assert not found, "\n".join([rule.__doc__, *found])


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_no_forward_imports(path):
    assert not rules_of_library.no_forward_imports(Chapter.read(path), order())


def test_every_notebook_has_a_text():
    stems = {path.stem for path in notebooks.NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
    assert stems <= {path.stem for path in CHAPTERS}


def test_budgets_are_of_chapters():
    files = (notebooks.NOTEBOOKS / "budgets").iterdir()
    assert {f.name for f in files} <= {budgets.file_of(p).name for p in CHAPTERS}
