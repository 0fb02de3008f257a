"""Output where it is not UTF-8: on Windows, in a pipe or a file."""

import contextlib
import io
import json

import pytest

import gmcourse as gm
from gmcourse.__main__ import main
from gmcourse.checks import catalog

# Russian, Japanese, Chinese, Korean and Western Windows, and LANG=C.
encodings = pytest.mark.parametrize(
    "encoding", ["cp1251", "cp932", "gbk", "cp949", "cp1252", "ascii"]
)


def printed(encoding, action):
    """What an action writes to a standard output of this encoding."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="\n")
    with contextlib.redirect_stdout(stream):
        action()
    stream.flush()
    return stream.buffer.getvalue().decode(encoding)


def command(encoding, words):
    codes = []
    said = printed(encoding, lambda: codes.append(main(words.split())))
    assert codes == [0]
    return said


@encodings
def test_the_command_line_writes_all_of_it(encoding):
    said = command(encoding, "data list")
    assert "MNIST: 70,000 handwritten digits, 28" in said and "Zenodo" in said
    assert "license" in command(encoding, "data where mnist moses").lower()
    assert "vae-mnist" in command(encoding, "zoo list")


@encodings
def test_json_is_the_same_in_every_encoding(encoding):
    found = json.loads(command(encoding, "data list --json"))
    assert "28×28" in found["mnist"]["title"]
    assert len(json.loads(command(encoding, "zoo list --json"))) > 5


@encodings
def test_hints_and_reports(encoding):
    def action():
        for exercise in catalog().values():
            for _ in range(len(exercise.hints) + 1):
                gm.hint(exercise.id)
            if exercise.answers:
                gm.check(exercise.id, *[...] * len(exercise.answers))

    said = printed(encoding, action)
    assert "Hint 1 of" in said and "not attempted" in said


def test_a_command_without_words_says_which_there_are(capsys):
    for words, due in ("", "zoo | data"), ("zoo", "evaluate"), ("data", "where"):
        assert main(words.split()) == 0
        said = capsys.readouterr().out
        assert said.startswith("usage: gmcourse") and due in said, words


def test_the_version_and_the_units(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"{gm.__version__}\n"
    main(["zoo", "list"])
    said = capsys.readouterr().out
    assert "accuracy 99.22 %" in said and "neg_log_p <= 84.14 nats" in said
