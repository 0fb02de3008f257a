"""Where the seconds go: the table is computed from reports by stated rules."""

import json
from xml.sax.saxutils import quoteattr

import pytest
import times


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Reports of a run: 40 s of lint, 20 of the book, three steps with tests."""
    monkeypatch.setattr(
        times,
        "growth",
        lambda: {"chapters": 3.0, "exercises": 4.0, "families": 5.0, "nothing": 1.0},
    )
    walls = {"lint": 40, "book": 20, "unit": 60, "nbval": 12, "browser": 10}
    for step, wall in walls.items():
        (tmp_path / f"{step}.json").write_text(json.dumps({"seconds": wall}))
    cases = {
        "unit": {
            "tests.test_devices::test_chapters[02_autoencoders]": 20,
            "tests.test_checks::test_prove[vae-13]": 10,
            "tests.test_contract::test_holds[gan]": 30,
            "tests.test_training::test_it": 40,
        },
        "nbval": {"notebooks.03_vae.ipynb::Cell 3": 20},
        "browser": {},
    }
    for step, found in cases.items():
        lines = [
            f"<testcase classname={quoteattr(name.split('::')[0])} "
            f"name={quoteattr(name.split('::')[1])} time='{spent}'/>"
            for name, spent in found.items()
        ]
        report = f"<testsuites><testsuite>{''.join(lines)}</testsuite></testsuites>"
        (tmp_path / f"{step}.xml").write_text(report)
    return tmp_path


def test_each_test_grows_with_its_cause(folder):
    later, parts = times.projected("unit", folder)
    due = {"chapters": 10, "exercises": 5, "families": 15, "nothing": 20}
    assert parts == {**due, "overhead": 10}
    # Four tests become 3 + 4 + 5 + 1 = 13: a fifth of the overhead grows with that.
    overhead = 10 * (1 + 0.2 * (13 / 4 - 1))
    assert later == pytest.approx(3 * 10 + 4 * 5 + 5 * 15 + 20 + overhead)


def test_lint_and_the_book_have_a_fixed_half(folder):
    assert times.projected("lint", folder)[0] == 20 + 5 * 20
    assert times.projected("book", folder)[0] == 10 + 3 * 10


def test_the_table_sums_up(folder):
    lines = times.table(folder)
    # Side by side lint counts, not the book: 40 + 60 + 12 + 10.
    assert next(line for line in lines if line.startswith("all")).split()[1] == "122"
    assert any(line.startswith("within 15 minutes") for line in lines)
    assert "tests.test_training" in "\n".join(lines)
    (folder / "nbval.json").unlink()
    assert times.table(folder) == ["no times of nbval: run make test first"]


def test_the_clock(tmp_path, monkeypatch):
    monkeypatch.setattr(times, "TIMES", tmp_path / "times")
    for word in ("start", "stop"):
        monkeypatch.setattr("sys.argv", ["times.py", word, "lint"])
        times.main()
    assert 0 <= times.seconds("lint", tmp_path / "times") < 5


@pytest.mark.parametrize(
    ("test", "what"),
    [
        ("notebooks.03_variational_autoencoders.ipynb::Cell 3", "chapters"),
        ("tests.test_page_rules::test_page[notebooks/00_start_here.ipynb]", "chapters"),
        ("tests.test_checks_catalog::test_versions[20-gm-02]", "exercises"),
        ("tests.test_parity_03::test_elbo", "families"),
        ("tests.test_zoo_recipes::test_it", "families"),
        ("src.gmcourse.vae::gmcourse.vae.kl", "families"),
        ("tests.test_data_sets::test_it", "nothing"),
        ("tests.test_chapters::test_every_notebook_has_a_text", "nothing"),
    ],
)
def test_causes(test, what):
    assert times.cause(test) == what


def test_growth_counts_what_is_there():
    grows = times.growth()
    assert grows["nothing"] == 1 and all(rate >= 1 for rate in grows.values())
