"""Output where it is not UTF-8: on Windows, in a pipe or a file."""

import io
import json
import sys

import pytest

import gmcourse as gm
from gmcourse.__main__ import main
from gmcourse.checks import catalog

# Russian, Japanese, Chinese, Korean and Western Windows, and LANG=C.
ENCODINGS = ["cp1251", "cp932", "gbk", "cp949", "cp1252", "ascii"]


@pytest.fixture(params=ENCODINGS)
def stdout(request, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=request.param, newline="\n")
    monkeypatch.setattr(sys, "stdout", stream)

    def read():
        stream.flush()
        return stream.buffer.getvalue().decode(request.param)

    return read


@pytest.mark.parametrize(
    "words", ["data list", "data where", "data where mnist moses", "zoo list"]
)
def test_the_command_line_writes_all_of_it(words, stdout):
    assert main(words.split()) == 0
    said = stdout()
    if words == "data list":
        assert "MNIST: 70,000 handwritten digits, 28" in said and "Zenodo" in said


@pytest.mark.parametrize("words", ["data list --json", "zoo list --json"])
def test_json_is_the_same_in_every_encoding(words, stdout):
    assert main(words.split()) == 0
    found = json.loads(stdout())
    if words.startswith("data"):
        assert "28×28" in found["mnist"]["title"]


def test_hints_and_reports(stdout):
    for exercise in catalog().values():
        for _ in range(len(exercise.hints) + 1):
            gm.hint(exercise.id)
        if exercise.answers:
            gm.check(exercise.id, *[...] * len(exercise.answers))
    said = stdout()
    assert "Hint 1 of" in said and "not attempted" in said
