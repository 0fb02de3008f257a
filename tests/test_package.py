"""``import gmcourse as gm`` is quick, and everything is there at its first use."""

import subprocess
import sys
from pathlib import Path

import pytest

import gmcourse as gm

LAZY = """
import sys
import gmcourse as gm
early = {"gmcourse.zoo", "gmcourse.plots", "gmcourse.vae", "matplotlib", "requests"}
assert not early & set(sys.modules), early & set(sys.modules)
assert {"zoo", "plots", "vae", "data", "train"} <= set(dir(gm)), dir(gm)
gm.vae.VAE, gm.plots.figure, gm.zoo.load
"""


def test_modules_are_imported_at_their_first_use():
    command = [sys.executable, "-c", LAZY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr


def test_every_module_is_an_attribute(monkeypatch):
    package = Path(gm.__file__).parent
    for path in package.iterdir():
        name = path.stem
        if path.suffix != ".py" and not (path / "__init__.py").exists():
            continue
        if not name.startswith("_"):
            assert getattr(gm, name).__name__ == f"gmcourse.{name}" and name in dir(gm)
    assert "__main__" not in dir(gm)


@pytest.mark.parametrize("name", ["zooo", "__wrapped__", "_repr_html_"])
def test_what_is_not_there(name):
    with pytest.raises(AttributeError, match=f"has no attribute {name!r}"):
        getattr(gm, name)
    assert not hasattr(gm, name)


def test_a_broken_import_inside_a_module_is_not_hidden(monkeypatch):
    monkeypatch.setitem(sys.modules, "gmcourse.nets", None)  # as if it could not be
    monkeypatch.delitem(sys.modules, "gmcourse.classifiers", raising=False)
    monkeypatch.delattr(gm, "classifiers", raising=False)
    with pytest.raises(ModuleNotFoundError, match="nets"):
        gm.classifiers  # noqa: B018
