"""The tool that pairs and executes chapters."""

import copy
import json
import os
import subprocess
import sys
import types

import common
import kernels
import nbformat
import outputs
import pairs
import pytest
import rules_of_outputs as rules
from chapters import ROOT
from rules_of_text import set_up
from small_chapter import caught, cell, chapter, display, edit, stream

import notebooks as tool


def everything(folder):
    """All files below a folder with their bytes."""
    return {f: f.read_bytes() for f in folder.rglob("*") if f.is_file()}


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
    assert outputs.on_screen(raw) == shown
    assert outputs.on_screen(shown) == shown


def stored(*items):
    return [nbformat.from_dict(item) for item in items]


def test_clean_outputs():
    figure = display(text__html="<p>")
    made = outputs.clean_outputs(
        stored(
            stream("a"),
            stream("b\n"),
            stream("w\n", "stderr"),
            stream("\rstep 1"),
            figure | {"transient": {"display_id": "7"}},
            stream("\r      \r"),
            display(**{outputs.WIDGET: {}, "text__plain": "x"}),
            figure | {"data": {**figure["data"], outputs.WIDGET: {}}},
            stream("\r  \r"),
        )
    )
    assert made == stored(stream("ab\n"), stream("w\n", "stderr"), figure, figure)


def test_pair_is_stable_and_keeps_what_is_valid(book):
    path, target = book / "01_doubling.md", book / "01_doubling.ipynb"
    before = target.read_bytes()
    assert tool.pair(path) is False and target.read_bytes() == before
    old = {c.id: c for c in pairs.read_notebook(target).cells}
    edit(book, "print(2)", "print(3)")
    new = {c.id: c for c in pairs.read_notebook(target).cells}
    assert len(old.keys() - new.keys()) == 1 and len(new) == len(old)
    edit(book, "print(3)", "print(2)")
    back = pairs.read_notebook(target)
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
    assert pairs.code_hash(other) == pairs.code_hash(text)
    other.cells[1].source += "x = 1"
    assert pairs.code_hash(other) != pairs.code_hash(text)


def test_execution_is_stored(book):
    facts = chapter(book).notebook.metadata["gmcourse"]
    assert set(facts) >= {"code_hash", "scale", "executed", "versions", "device"}
    assert facts["scale"] == "cpu" and facts["device"] in ("1 CPU core", "2 CPU cores")
    assert 0 < facts["seconds"] < 120 and 10 < facts["peak_memory_mb"] < 1000
    raw = json.loads((book / "01_doubling.ipynb").read_text())
    assert set(raw["metadata"]) == {"gmcourse", "kernelspec", "language_info"}
    assert raw["metadata"]["kernelspec"] == pairs.KERNEL
    assert raw["metadata"]["language_info"] == pairs.LANGUAGE
    texts = [o for c in raw["cells"] for o in c.get("outputs", []) if "text" in o]
    assert ["trained\n"] in [o["text"] for o in texts]
    assert list(book.glob(".*")) == []


def test_a_notebook_becomes_a_script(book):
    nbconvert = pytest.importorskip("nbconvert")
    for path in [book / "01_doubling.md", *tool.texts()]:
        text = pairs.read_text(path)
        text.cells[1].source += "\nif False:\n    %pip install -q gmcourse"
        script, _ = nbconvert.ScriptExporter().from_notebook_node(pairs.combine(text))
        compile(script, path.name, "exec")


def test_executing_again_changes_the_facts_only(book):
    path = book / "01_doubling.md"
    text, before = path.read_bytes(), chapter(book).notebook
    assert tool.execute(path, threads=1) == []
    after = chapter(book).notebook
    assert after.cells == before.cells and path.read_bytes() == text


def test_a_failing_cell_changes_nothing(book, capsys):
    edit(book, "print(2)", "print(1 / 0)")
    before = everything(book)
    assert tool.main(["--folder", str(book), "execute", "01"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said and "01_doubling: cell " in said
    assert everything(book) == before


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
    monkeypatch.setattr(kernels, "run", lambda *_, **__: done)
    before = everything(book)
    with pytest.raises(common.Problem, match="no CUDA device"):
        tool.execute(book / "01_doubling.md", scale="gpu")
    assert everything(book) == before


def test_prose_edited_during_execution_is_kept(book, monkeypatch):
    done = copy.deepcopy(chapter(book).notebook)

    def run(*_, **__):
        edit(book, "Double a", "Halve a", repair=False)
        return done

    monkeypatch.setattr(kernels, "run", run)
    tool.execute(book / "01_doubling.md")
    after = chapter(book)
    assert "Halve a" in after.raw and rules.paired(after) == []
    assert rules.current(after) == []


def test_code_edited_during_execution_is_stale(book, monkeypatch):
    done = copy.deepcopy(chapter(book).notebook)

    def run(*_, **__):
        edit(book, "x) * 4", "x) * 5", repair=False)
        return done

    monkeypatch.setattr(kernels, "run", run)
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
    assert "GPU" not in path.read_text()  # where it was not measured, no row
    large = {"seconds": 200, "peak_memory_mb": 2048, "gpu_memory_mb": 512}
    other = book / "elsewhere" / "01_doubling.json"
    other.parent.mkdir()
    other.write_text(json.dumps({"large_gpu": large | {"device": "H200"}}))
    for _ in range(2):
        assert tool.main(["--folder", str(book), "budget", "--merge", str(other)]) == 0
    row = "| Large GPU, H200 | 3 minutes, 2.0 GB of memory, 0.5 GB on the GPU |\n"
    text = path.read_text()
    assert text.count(row) == 1 and text.count("GPU") == 2
    assert text.count("| Data | a CPU's, 0 MB |\n| CPU, ") == 1
    for rule in (rules.paired, rules.current, set_up):
        assert rule(chapter(book)) == []
    other.write_text('{"abacus": {}}')
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
        exec(kernels.REPORT, {})
        facts = json.loads(capsys.readouterr().out)
        assert facts["place"] == place and facts["device"] == "T4"
        assert facts["gpu_memory_mb"] == 3 and facts["threads"] == 1


def test_write_atomically(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    assert common.write_atomically(path, "é") and path.read_text("utf-8") == "é"
    assert not common.write_atomically(path, "é")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        common.write_atomically(path, "new")
    assert path.read_text("utf-8") == "é" and [*tmp_path.iterdir()] == [path]


def test_nbval_accepts_the_good_chapter_and_sees_a_changed_output(book):
    """The command of the Makefile works under this project's pytest settings."""
    command = [sys.executable, "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider"]
    command += ["-c", str(ROOT / "pyproject.toml"), "01_doubling.ipynb"]
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
