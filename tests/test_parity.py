"""What parity tests stand on: the namespace of a chapter, and equal weights."""

import parity as parity_module
import pytest
import torch
from parity import build_namespace, copy_weights
from small_chapter import cell, edit


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
