"""A file is there whole or not at all."""

import json
import os
import stat

import pytest

from gmcourse import _files
from gmcourse.data import download


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_its_folders_and_may_be_read_by_all(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    _files.write(path, b"one")
    _files.write(path, b"two")
    assert path.read_bytes() == b"two" and names(path.parent) == ["file"]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.parametrize("call", ["fsync", "replace", "chmod"])
def test_a_failure_leaves_what_was_there_and_nothing_else(call, tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="no space left"):
        _files.write(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old" and names(tmp_path) == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="folders are synced on POSIX alone")
def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    """Some network drives refuse; the file itself was synced before."""
    sync, folders = os.fsync, []

    def refuse(where):
        if isinstance(where, int) and stat.S_ISDIR(os.stat(where).st_mode):
            folders.append(where)
            raise OSError("not supported")
        sync(where)

    monkeypatch.setattr(os, "fsync", refuse)
    _files.write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(*folders)  # closed again


def test_what_comes_first_sees_the_old_file_with_the_new_one_beside_it(tmp_path):
    path, seen = tmp_path / "file", []
    path.write_bytes(b"old")

    def first(where):
        (beside,) = (p for p in tmp_path.iterdir() if p != path)
        seen.append((where, path.read_bytes(), beside.read_bytes()))

    _files.write(path, b"new", first=first)
    assert seen == [(path, b"old", b"new")]


def test_json_is_readable_text(tmp_path):
    _files.write_json(tmp_path / "a.json", {"who": "Bińkowski", "n": [1, 2]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "Bińkowski" in text and text.endswith("\n") and text.count("\n") > 3
    assert json.loads(text) == {"who": "Bińkowski", "n": [1, 2]}


def test_only_what_was_left_of_this_file_is_removed(tmp_path):
    kept = ["file", ".file.x.other", ".other.abc.partial", "file.abc.partial"]
    for name in [*kept, ".file.abc.partial"]:
        (tmp_path / name).touch()
    _files.remove_partial(tmp_path / "file")
    assert names(tmp_path) == sorted(kept)
    _files.remove_partial(tmp_path / "no folder" / "file")


def test_what_a_killed_write_leaves_is_known_for_what_it_is(tmp_path, monkeypatch):
    path = tmp_path / "file"
    with monkeypatch.context() as killed:
        killed.setattr(os, "replace", lambda *_: None)
        _files.write(path, b"new")
    assert len(names(tmp_path)) == 1 and not path.exists()
    _files.remove_partial(path)
    assert names(tmp_path) == []


def test_a_download_is_tidied_only_by_who_holds_the_lock(tmp_path):
    left = tmp_path / ".digits.abc.partial"
    left.touch()
    download.store(tmp_path, "digits", b"one")
    assert left.exists() and (tmp_path / "digits").read_bytes() == b"one"
    download.store(tmp_path, "digits", b"two", tidy=True)
    assert names(tmp_path) == ["digits"]
