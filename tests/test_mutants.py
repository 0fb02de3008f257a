"""The planting of mistakes: the catalog fits the code, the random ones are fair."""

import ast

import mutate
import pytest
import trials
from random_mutants import sites

from gmcourse.zoo import _weights


def test_every_mutant_stands_where_it_says():
    assert mutate.misplaced() == []


def test_every_module_names_the_tests_that_concern_it():
    assert mutate.undeclared() == []
    for file in mutate.modules():
        for test in mutate.declared(file).TESTS:
            assert (mutate.ROOT / "tests" / test.split("::")[0]).is_file(), file


def test_a_catalog_that_does_not_fit_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(mutate, "CATALOG", tmp_path)
    text = 'TESTS = ("test_vae.py",)\nMUTANTS = [("gone", "no such text", "")]\n'
    for name in ("vae.py", "lost.py"):
        (tmp_path / name).write_text(text)
    assert "tests/mutants/lost.py is of no module" in mutate.undeclared()
    assert "tests/mutants/core.py is missing" in mutate.undeclared()
    (tmp_path / "lost.py").unlink()
    assert mutate.misplaced() == ["vae.py, gone: found 0 times, not once"]


def test_only_mutants_that_a_change_concerns(monkeypatch):
    def concerned(*paths):
        monkeypatch.setattr(mutate.changed, "files", lambda _: set(paths))
        return mutate.concerned("main")

    assert concerned("README.md") == []
    assert concerned("src/gmcourse/data/batches.py") == ["data/batches.py"]
    assert concerned("tests/mutants/vae.py") == ["vae.py"]
    both = {"pixels.py", "scales.py"}  # one file of tests may concern several modules
    assert both <= {*concerned("tests/test_pixels.py")}
    assert mutate.concerned("") == mutate.modules()


def test_the_copy_finds_what_the_clone_finds(tmp_path):
    sources = trials.copied(tmp_path)
    assert (sources / "gmcourse" / "vae.py").is_file()
    assert not (sources / "gmcourse" / "vae.py").is_symlink()
    beside = _weights.CLONE.relative_to(mutate.ROOT)
    assert [*(tmp_path / beside).glob("*.safetensors")]


def changes(source):
    """(old, new) of everything that may be changed in a piece of code."""
    return {
        (source.encode()[site.start : site.stop].decode(), text)
        for site in sites(source)
        for text in site.texts
    }


@pytest.mark.parametrize(
    ("source", "old", "new"),
    [
        ("y = a + b", "a + b", "(a - b)"),
        ("y = a - b * c", "a - b * c", "(b * c - a)"),
        ("y = a @ b", "a @ b", "(b @ a)"),
        ("y = -x", "-x", "x"),
        ("y = a < b", "a < b", "(a <= b)"),
        ("y = a < b == c", "a < b == c", "(a < b != c)"),
        ("y = a and not b", "a and not b", "(a or not b)"),
        ("y = a and b", "a and b", "b"),
        ("y = a if b else c", "a if b else c", "(c if b else a)"),
        ("y = True", "True", "False"),
        ("y = x[:, 1]", "1", "2"),
        ("y = 'ij->ji'", "'ij->ji'", "'ij->ji_'"),
        ("y = x.sum(1)", "x.sum(1)", "x.mean(1)"),
        ("y = x.detach()", "x.detach()", "x"),
        ("y = F.relu(x)", "F.relu(x)", "x"),
        ("y = f(a, b)", "f(a, b)", "f(b, a)"),
        ("y = f(a, dim=b)", "f(a, dim=b)", "f(a)"),
        ("def f(x=1): x", "1", "2"),
        ("x.k = y", "x.k = y", "pass"),
        ("x += y", "x += y", "x -= y"),
        ("if x:\n    raise E('no')", "raise E('no')", "pass"),
        ("def f():\n    if x:\n        return 0\n    return y", "return 0", "pass"),
        ("with quiet():\n    y", "with quiet()", "if True"),
        ("é = 'ä' + (b * c)", "b * c", "(b / c)"),
    ],
)
def test_sites(source, old, new):
    assert (old, new) in changes(source)


@pytest.mark.parametrize(
    "source",
    [
        '"""A text of one word."""',
        'def f(x: Float[Tensor, "3"] = None) -> "4":\n    """Text."""\n    return x',
        'if x:\n    raise ValueError(f"{1 + 2} are too many")',
        "import a\nfrom b import c\n__all__ = ['d']",
        "y = isinstance(x, A | B)",
        "y = 'words for people'",
        "from ._arguments import positive\ny = positive('std', x)",
        "y = f'{a + 1}'",
    ],
)
def test_words_are_left_alone(source):
    assert {new for _, new in changes(source)} <= {"pass"}


@pytest.mark.parametrize(
    ("source", "kept", "alike"),
    [
        ("assert x.path is not None", [], "assert x.path is not y"),
        ("assert isinstance(x, A)", [], "assert isinstance(x, A) and f(y)"),
        ("x.split(1000)", ["x"], "x.split(',')"),
        ("x.split(2**14)", ["x"], "x.split(n // 2)"),
        ("max(x, y)", ["min(x, y)"], "argmax(x, y)"),
        ("torch.minimum(x, y)", ["x"], "torch.where(x, y)"),
        ("torch.rand_like(x * y)", ["(x * y)"], "torch.rand_like(x @ y)"),
        ("x.encode('utf-8')", ["x"], "x.encode('idna')"),
        ("torch.cuda.Stream(x + 1)", ["(x + 1)"], "torch.Stream(x + 1)"),
        ("x + torch.randn(n)", ["n", "torch.rand(n)"], "x + torch.rand(n)"),
    ],
)
def test_what_no_test_could_notice_is_left_alone(source, kept, alike):
    """Only that: the call itself can still be changed, and so can what looks alike."""
    found = [new for _, new in changes(f"z = {source}" if kept else source)]
    assert sorted(found) == sorted(kept)
    assert len(changes(f"z = {alike}" if kept else alike)) > len(kept)


def test_random_mutants_change_the_program():
    mutants = mutate.at_random(mutate.modules(), 150, 0)
    assert len({(mutant.file, mutant.text) for mutant in mutants}) == 150
    kept = {mutant.file for mutant in mutants}
    assert len(kept) > 30 and not {"live/_net.py", "checks/_trial.py"} & kept
    for mutant in mutants:
        source = (mutate.LIBRARY / mutant.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutant.text)) != ast.dump(ast.parse(source))


def test_random_mutants_are_told_by_their_seed():
    one, same, other = (
        mutate.at_random(["vae.py", "core.py"], 20, seed) for seed in (1, 1, 2)
    )
    assert one == same != other
