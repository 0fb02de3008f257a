"""Answers written blind: how they are tried, judged and shown."""

import json

import exercise_blind
import exercise_page
import pytest
from exercise_tools import twice

ANSWERS = '''
def right_sum():
    return lambda x: x + x

def right_sometimes():
    """Seen as right by half of the seeds only."""
    return lambda x: 2 * x if x[0] > 3.5 else 2 * x + 1e-3

def wrong_squared():
    "The square."
    return lambda x: x * x

def wrong_shape():
    "A column."
    return lambda x: 2 * x[:, None]

def wrong_passes():
    return lambda x: x.clone().mul_(2)

def helper():
    return None
'''


@pytest.fixture
def folder(tmp_path, monkeypatch, as_users_run_it):
    catalog = {"test-01": twice(monkeypatch)}
    monkeypatch.setattr(exercise_blind.checks, "catalog", lambda: catalog)
    monkeypatch.setattr(exercise_blind, "RECORDS", tmp_path / "records")
    (tmp_path / "test_01.py").write_text(ANSWERS, encoding="utf-8")
    return tmp_path


def judged(path, answers):
    report = json.loads(path.read_text(encoding="utf-8"))
    for row in report["test-01"]:
        if "fits" in row:
            row["fits"] = row["answer"] in answers
    path.write_text(json.dumps(report), encoding="utf-8")


def test_answers_are_tried_judged_and_recorded(folder):
    path = exercise_blind.try_all(folder, seeds=12)
    rows = {
        row["answer"]: row
        for row in json.loads(path.read_text(encoding="utf-8"))["test-01"]
    }
    assert list(rows) == [
        *("right_sum", "right_sometimes"),
        *("wrong_squared", "wrong_shape", "wrong_passes"),
    ]
    assert rows["wrong_squared"]["named"] == ["squared"]
    assert rows["wrong_squared"]["about"] == "The square."
    assert rows["wrong_passes"]["ended"] == {"passed": 12}
    assert "fits" not in rows["wrong_passes"] and "fits" not in rows["right_sum"]
    assert set(rows["right_sometimes"]["ended"]) == {"passed", "not yet"}
    # Nothing is kept before a person has said which names fit.
    assert exercise_blind.record(folder) == [
        "test-01: nobody has judged wrong_squared",
        "test-01: nobody has judged wrong_shape",
    ]
    assert exercise_blind.read() == {}
    judged(path, {"wrong_squared"})
    assert exercise_blind.record(folder) == []
    due = {"right": 2, "accepted": 1, "wrong": 3, "rejected": 2, "named": 1}
    assert exercise_blind.read() == {"test-01": due}
    # Tried again, what was said the same is still judged.
    exercise_blind.try_all(folder, seeds=12)
    assert exercise_blind.record(folder) == []


def test_rates_are_shown_apart_from_the_catalog():
    rows = {"right": 4, "accepted": 4, "wrong": 20, "rejected": 19, "named": 17}
    text = "\n".join(exercise_page.measured_blind({"gm-01": rows, "gm-02": rows}))
    assert "| gm-02 | 4 | 4 | 20 | 19 | 17 |" in text
    assert "| **gm, all** | 8 | 100.0% | 40 | 95.0% | 89.5% |" in text
    assert exercise_page.measured_blind({}) == []


def test_answers_to_no_check_are_refused(folder):
    (folder / "test_99.py").write_text(ANSWERS, encoding="utf-8")
    with pytest.raises(SystemExit, match="no check of test-99"):
        exercise_blind.try_all(folder)
