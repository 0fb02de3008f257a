"""What the tests of the exercises share: the tools, the catalog, a toy exercise."""

from pathlib import Path

import exercise_proof as proof
import exercise_source as source
import exercises as tool

from gmcourse import checks
from gmcourse.checks import Exercise, _exercise, catalog

ROOT = Path(__file__).resolve().parent.parent
__all__ = ["proof", "source", "tool"]

CATALOG = catalog()
VERSIONS = source.versions()
CHECKED = {id: e for id, e in CATALOG.items() if e.check}
INSTANT = {id: e for id, e in CHECKED.items() if e.compute == "cpu-instant"}
SOURCES = sorted(Path(checks.__file__).parent.rglob("*.py"))


def twice(monkeypatch) -> Exercise:
    """An exercise outside the catalog: twice the input."""
    monkeypatch.setattr(_exercise, "CATALOG", {})

    @Exercise(
        id="test-01",
        title="Twice",
        difficulty=1,
        minutes=1,
        compute="cpu-instant",
        points=1,
        objectives=(),
        statement="",
        stub="def twice(x):\n    return ...",
        hints=("one", "two"),
        answers={"twice": callable},
        misconceptions={"squared": "x² is 2x only at 0 and 2."},
    )
    def exercise(t, twice):
        x = t.uniform(3, low=3, high=4)
        t.property("the shape stays")
        out = t.call(twice, x)
        t.shape(out, (3,), "one for each.")
        t.property("f(x) - x = x")
        t.close(out - x, x, "twice is x more.", ideas={"squared": x * x - x})

    return exercise
