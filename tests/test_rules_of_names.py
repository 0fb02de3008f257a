"""Names that are set twice, planted."""

from types import SimpleNamespace

import nbformat
import pytest
import rules_of_names as rules


def chapter(*sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    return SimpleNamespace(code=lambda: list(enumerate(cells)))


@pytest.mark.parametrize(
    "sources",
    [
        ["x = 1", "x = 2", "y = 3", "print(x)"],
        ["x = 1", "x = x + 1", "y = 3", "print(x)"],
        ["x = 1", "for x in range(3): pass", "y = 3", "print([x for _ in y])"],
        ["x = 1", "x = 2", "y = 3", "def f():\n    return x"],
        ["x = 1", "def x(): pass", "y = 3", "x()"],
        ["x = 1", "with f() as x: pass", "y = 3", "print(x)\nx = 4"],
    ],
)
def test_set_twice(sources):
    assert len(rules.set_once(chapter("f = open", *sources))) == 1


@pytest.mark.parametrize(
    "sources",
    [
        ["x = 1", "y = 3", "print(x)"],
        ["x = 1", "x = 2", "print(x)"],  # the cell and its figure
        ["x = 1", "x = 2", "y = 3", "x = 4\nprint(x)"],
        ["x = 1", "x = 2", "y = 3", "def f(x):\n    return x\nz = lambda x: x"],
        ["x = 1", "x = 2", "y = 3", "print([x for x in range(y)])"],
        ["class A: pass", "from a import A", "y = 3", "A()"],
        ["x = 1", "x = 2", "y = 3", "def f(): return x\nx = 4\nf()"],
    ],
)
def test_set_once(sources):
    assert rules.set_once(chapter(*sources)) == []
