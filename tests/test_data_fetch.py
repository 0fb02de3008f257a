"""Fetching against a loopback server that misbehaves in every way we know of.

Each case ends in the verified file, or in one message that says what to do, and in
no case is anything left in the cache but whole, verified files.
"""

import contextlib
import errno
import gzip
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler

import pytest
from loopback import served

from gmcourse.data import Damaged, Unavailable, download, fetch, places
from gmcourse.data.catalog import Entry, File
from gmcourse.data.fetch import Reader

CONTENT = bytes(range(256)) * 400  # 102,400 bytes
STORED = gzip.compress(CONTENT, mtime=0)
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_GET(self):
        behavior = self.path.split("/")[1]
        self.server.asked[behavior] += 1
        body, status = STORED, 200
        if behavior == "plain":
            body = CONTENT
        elif behavior == "wrong":
            body = gzip.compress(CONTENT[::-1])
        elif behavior == "html":
            body = b"\n<!DOCTYPE html><html>Please log in</html>"
        elif behavior in ("endless", "slow"):
            body = bytes(5_000_000)
        elif behavior.isdigit():
            body, status = b"no", int(behavior)
        elif behavior == "once" and self.server.asked["once"] == 1:
            behavior = "cut"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            if behavior == "cut":
                self.wfile.write(body[: len(body) // 2])
                self.close_connection = True
            elif behavior == "stall":
                self.wfile.write(body[:100])
                self.wfile.flush()
                self.server.released.wait(10)
            elif behavior == "slow":
                for _ in range(1000):  # 10 kB/s; whole, it would take 8 minutes
                    self.wfile.write(bytes(100))
                    self.wfile.flush()
                    if self.server.released.wait(0.01):
                        return
            elif behavior == "pause":
                time.sleep(0.3)
                self.wfile.write(body)
            else:
                self.wfile.write(body)
        except OSError:
            pass  # the client has given up, which is what is tested


@pytest.fixture(scope="module")
def server():
    with served(Handler) as server:
        server.released = threading.Event()
        yield server
        server.released.set()


@pytest.fixture(autouse=True)
def alone(tmp_path, monkeypatch, server):
    """Nothing but the loopback, an empty cache, and no memory of failures."""
    for name in ("GMCOURSE_DATA", "GMCOURSE_OFFLINE", "GMCOURSE_STRICT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GMCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(places, "SYSTEM", ())
    monkeypatch.setattr(download, "TIMEOUTS", (1.0, 0.4))
    monkeypatch.setattr(download, "_said", set())
    server.asked = Counter()
    download.forget_failures()
    yield
    download.forget_failures()


@pytest.fixture
def toy(server):
    def make(*behaviors, digest=DIGEST, name="toy"):
        base = f"http://127.0.0.1:{server.server_port}"
        mirrors = tuple(b if "://" in b else f"{base}/{b}/" for b in behaviors)
        file = File("data.bin", digest, 0.1, "data.bin.gz")
        return Entry(
            name, "Toy set", "images", "CC0", "nobody", mirrors=mirrors, files=(file,)
        )

    return make


def cached(tmp_path):
    """Everything in the cache but lock files; asserts that it is whole."""
    files = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    files = [p for p in files if not p.name.endswith(".lock")]
    for path in files:
        data = path.read_bytes()
        assert (gzip.decompress(data) if path.suffix == ".gz" else data) == CONTENT
    return sorted(p.name for p in files)


def fails(entry, *words):
    with pytest.raises(Unavailable) as caught:
        Reader(entry)("data.bin")
    message = str(caught.value)
    for word in (*words, "What to do", "GMCOURSE_DATA", entry.title):
        assert word in message, (word, message)
    return message


def test_good(toy, server, tmp_path):
    read = Reader(toy("good"))
    assert read("data.bin") == CONTENT
    assert cached(tmp_path) == ["data.bin.gz"]
    assert read.sources == [toy("good").mirrors[0] + "data.bin.gz"]
    again = Reader(toy("good"))
    assert again("data.bin") == CONTENT and server.asked["good"] == 1
    assert again.sources == [str(tmp_path / "cache" / "toy")]


def test_the_places_that_were_searched_are_listed(toy, tmp_path, monkeypatch):
    monkeypatch.setattr(places, "SYSTEM", (tmp_path / "system",))
    message = fails(toy())
    for what in ("cache", "system"):
        assert f"  - {what}: {tmp_path / what}\n" in message


def test_a_server_that_decompresses_on_its_own(toy, tmp_path):
    assert Reader(toy("plain"))("data.bin") == CONTENT
    assert cached(tmp_path) == ["data.bin"]


@pytest.mark.parametrize(
    ("behavior", "reason"),
    [
        ("wrong", "other content than expected"),
        ("html", "web page"),
        ("403", "HTTP 403"),
        ("404", "HTTP 404"),
        ("500", "HTTP 500"),
        ("cut", "cut off"),
        ("stall", "sent nothing for"),
        ("endless", "far more than the file"),
        ("slow", "too slow"),
        ("http://127.0.0.1:9/", "could not be reached"),
        ("http://no-such-host.invalid/", "could not be reached"),
        ("gopher://127.0.0.1/", "failed"),
    ],
)
def test_every_failure_is_named_and_the_next_mirror_serves(
    behavior, reason, toy, tmp_path, monkeypatch
):
    monkeypatch.setattr(download, "SLOW", (0.2, 50e3))
    fails(toy(behavior), reason, "gmcourse data fetch toy")
    assert cached(tmp_path) == []
    download.forget_failures()
    read = Reader(toy(behavior, "good"))
    assert read("data.bin") == CONTENT and "good" in read.sources[0]
    assert cached(tmp_path) == ["data.bin.gz"]


def test_a_mirror_that_cut_off_gets_a_second_chance(toy, server):
    assert Reader(toy("once"))("data.bin") == CONTENT
    assert server.asked["once"] == 2


def test_a_dead_host_is_tried_once_per_process(toy, monkeypatch):
    entry = toy("http://127.0.0.1:9/", "http://no-such-host.invalid/")
    fails(entry)
    asked = []
    monkeypatch.setattr(download, "get", lambda *args: asked.append(args))
    message = fails(entry, "earlier in this process")
    assert message.count("earlier in this process") == 2 and not asked
    # Two dead hosts and no live one: there is no network, ask nobody else.
    fails(toy("good"), "no other host was reachable")
    assert not asked


def test_one_dead_host_does_not_stop_the_others(toy):
    fails(toy("http://127.0.0.1:9/"))
    assert Reader(toy("good"))("data.bin") == CONTENT
    fails(toy("http://no-such-host.invalid/", name="other"))
    assert Reader(toy("good", name="third"))("data.bin") == CONTENT


def test_a_silent_host_was_there(toy):
    """Two dead hosts are no proof that there is no network: one answered something."""
    fails(toy("stall", "http://127.0.0.1:9/", "http://no-such-host.invalid/"))
    assert Reader(toy("good"))("data.bin") == CONTENT


def test_what_is_too_slow(monkeypatch):
    """After a minute, less than 50 kB/s."""
    clock = iter([0.0, 60.0, 61.0, 100.0, 101.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    sink = download._Sink("toy", 1e9)
    sink.write(bytes(3000))  # slow, but it is early
    sink.write(bytes(61 * 50_000 - 3000))
    sink.write(bytes(39 * 50_000))
    with pytest.raises(download._GivenUp, match=r"too slow \(49\.5 kB/s\)"):
        sink.write(bytes(1))


def test_reasons_are_short_and_on_one_line():
    inner = OSError("a: b\n" + 200 * "c")
    reason = download._short(RuntimeError(ValueError(inner)))
    assert reason == ("b " + 200 * "c")[:120]
    why = RuntimeError()
    why.reason = ValueError("no route")
    assert download._short(OSError(why)) == "no route"


def test_offline_asks_nobody(toy, server, monkeypatch):
    monkeypatch.setenv("GMCOURSE_OFFLINE", "1")
    fails(toy("good"), "switched off by GMCOURSE_OFFLINE")
    assert not server.asked
    monkeypatch.setenv("GMCOURSE_OFFLINE", "0")
    assert Reader(toy("good"))("data.bin") == CONTENT


def test_no_address(toy):
    message = fails(toy(), "no address for this set")
    assert "gmcourse data fetch" not in message


@pytest.mark.parametrize("damage", [b"", STORED[:50], b"\x00" * 300, CONTENT[:-1]])
@pytest.mark.parametrize("name", ["data.bin", "data.bin.gz"])
def test_a_damaged_cache_is_repaired(damage, name, toy, tmp_path, capsys):
    folder = tmp_path / "cache" / "toy"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(damage)
    assert Reader(toy("good"))("data.bin") == CONTENT
    assert f"{name} " in capsys.readouterr().err
    assert Reader(toy("404"))("data.bin") == CONTENT  # from the cache now
    assert cached(tmp_path) == ["data.bin.gz"]


def test_a_wrong_file_in_gmcourse_data_is_an_error_that_names_it(
    toy, tmp_path, monkeypatch
):
    folder = tmp_path / "mine" / "toy"
    folder.mkdir(parents=True)
    (folder / "data.bin").write_bytes(CONTENT[1:])
    monkeypatch.setenv("GMCOURSE_DATA", str(tmp_path / "mine"))
    with pytest.raises(Damaged, match=r"mine/toy/data\.bin .*Replace or remove it"):
        Reader(toy("good"))("data.bin")


IDX = "t10k-images-idx3-ubyte"


def images(name="toy_set", **more):
    return Entry(name, "Toy", "images", "", "", files=(File(IDX, DIGEST, 0.1),), **more)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("mine", f"mine/toy_set/{IDX}"),
        ("mine", f"mine/toy-set/{IDX}.gz"),
        ("mine", f"mine/TOY_SET/{IDX}"),
        ("mine", f"mine/ToySet/raw/{IDX}"),  # torchvision's
        ("mine", f"mine/Toy-Set/raw/{IDX}.gz"),
        ("mine", f"mine/other/{IDX}"),
        ("mine", "mine/toy_set/t10k-images.idx3-ubyte"),  # as 7-Zip unpacks them
        ("mine", "mine/toy_set/t10k-images.idx3-ubyte.gz"),
        ("mine/toy-set", f"mine/toy-set/{IDX}"),  # the set's own folder
        ("mine/ToySet/", f"mine/ToySet/raw/{IDX}"),
        ("mine/ToySet/raw", f"mine/ToySet/raw/{IDX}"),
        ("mine/ToySet/Raw", f"mine/ToySet/Raw/{IDX}"),
        ("mine/other", f"mine/other/{IDX}"),
        ("mine ", f"mine/toy_set/{IDX}"),  # set GMCOURSE_DATA=C:\mine & jupyter lab
        ('"mine"', f"mine/toy_set/{IDX}"),  # set GMCOURSE_DATA="C:\mine"
        ("' mine'", f"mine/toy_set/{IDX}"),
    ],
)
def test_layouts_of_gmcourse_data(given, path, server, tmp_path, monkeypatch):
    entry, path = images(folders=("other",)), tmp_path / path
    path.parent.mkdir(parents=True)
    path.write_bytes(STORED if path.suffix == ".gz" else CONTENT)
    (path.parent.parent / "a file").write_bytes(b"")
    if "." in path.name:  # as one well-known copy has it
        (path.parent / IDX).mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GMCOURSE_DATA", f"missing{os.pathsep}{given}")
    read = Reader(entry)
    assert read(IDX) == CONTENT
    assert [os.path.abspath(s) for s in read.sources] == [str(path.parent)]


def test_another_sets_folder_is_not_looked_into(tmp_path, monkeypatch):
    """MNIST, Fashion-MNIST and KMNIST have files of the same names."""
    for place in ("fashion_mnist", "FashionMNIST/raw", "raw", "mnist2", ""):
        folder = tmp_path / "mine" / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / IDX).write_bytes(b"another set's")
        for root in (tmp_path / "mine", folder):
            monkeypatch.setenv("GMCOURSE_DATA", str(root))
            with pytest.raises(Unavailable):
                Reader(images("mnist"))(IDX)


def test_the_report_says_what_is_wrong_with_each_folder_of_gmcourse_data(
    tmp_path, monkeypatch
):
    (tmp_path / "empty").mkdir()
    (tmp_path / "half" / "toy_set").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"")
    roots = [tmp_path / name for name in ("missing", "empty", "half", "file")]
    monkeypatch.setenv("GMCOURSE_DATA", os.pathsep.join(map(str, roots)))
    with pytest.raises(Unavailable) as caught:
        Reader(images())(IDX)
    for place in (
        f"GMCOURSE_DATA: {roots[0]} does not exist\n",
        f"GMCOURSE_DATA: {roots[1]} has no folder toy_set\n",
        f"GMCOURSE_DATA: no {IDX} in {roots[2] / 'toy_set'}\n",
        f"GMCOURSE_DATA: {roots[3]} is not a folder\n",
    ):
        assert place in str(caught.value)


@pytest.mark.parametrize("given", ["1 ", '"1"', "yes"])
def test_switches_as_windows_passes_them(given, monkeypatch, tmp_path):
    monkeypatch.setenv("GMCOURSE_OFFLINE", given)
    assert places.flag("GMCOURSE_OFFLINE")
    for off in ("", " ", "0", "0 ", '"0"', '""'):
        monkeypatch.setenv("GMCOURSE_OFFLINE", off)
        assert not places.flag("GMCOURSE_OFFLINE")
    monkeypatch.setenv("GMCOURSE_CACHE", f'"{tmp_path}" ')
    assert places.cache_folder() == tmp_path


def test_system_folders_come_after_the_cache_and_before_the_network(
    toy, server, tmp_path, monkeypatch
):
    monkeypatch.setattr(places, "SYSTEM", (tmp_path / "system",))
    folder = tmp_path / "system" / "toy"
    folder.mkdir(parents=True)
    (folder / "data.bin.gz").write_bytes(STORED)
    assert Reader(toy("good"))("data.bin") == CONTENT and not server.asked
    (folder / "data.bin.gz").write_bytes(b"other version")
    assert Reader(toy("good"))("data.bin") == CONTENT and server.asked["good"] == 1


@pytest.mark.parametrize("what", ["no space", "quota", "read-only", "not a folder"])
def test_a_cache_that_cannot_be_written(what, toy, tmp_path, monkeypatch, capsys):
    codes = {"no space": errno.ENOSPC, "quota": errno.EDQUOT, "read-only": errno.EROFS}
    if what == "not a folder":
        (tmp_path / "cache").write_bytes(b"")
    elif what == "read-only":

        def refuse(*args, **kwargs):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

        monkeypatch.setattr(download.Path, "mkdir", refuse)
    else:

        def full(handle):
            raise OSError(codes[what], os.strerror(codes[what]))

        monkeypatch.setattr(os, "fsync", full)
    # The data is served all the same, with one line that says what to do ...
    assert Reader(toy("good"))("data.bin") == CONTENT
    said = capsys.readouterr().err
    assert said.count("could not be kept") == 1 and "set GMCOURSE_CACHE" in said
    assert ("Free some space" in said) == (what in ("no space", "quota"))
    assert Reader(toy("good"))("data.bin") == CONTENT
    assert "could not be kept" not in capsys.readouterr().err  # said once
    # ... and `gmcourse data fetch`, whose purpose is to keep it, fails.
    with pytest.raises(Unavailable, match="could not be kept"):
        Reader(toy("good"), must_keep=True)("data.bin")
    monkeypatch.undo()
    if what != "not a folder":
        assert cached(tmp_path) == []


def test_what_a_killed_process_left_is_tidied_away(toy, tmp_path):
    folder = tmp_path / "cache" / "toy"
    folder.mkdir(parents=True)
    (folder / ".data.bin.gz.abc.partial").write_bytes(STORED[:100])
    assert Reader(toy("good"))("data.bin") == CONTENT
    assert cached(tmp_path) == ["data.bin.gz"]


def test_half_a_compressed_file_is_called_that():
    file = File("data.bin", DIGEST, 0.1)
    with pytest.raises(Damaged, match="is cut off or damaged"):
        fetch.content(file, STORED[:-20])
    assert fetch.content(file, STORED) == CONTENT


def test_a_lock_held_for_too_long_is_named(toy, tmp_path, monkeypatch, capsys):
    import filelock

    folder = tmp_path / "cache" / "toy"
    folder.mkdir(parents=True)
    monkeypatch.setattr(download, "LOCK_PATIENCE", (0.1, 0.1))
    with (
        filelock.FileLock(folder / ".data.bin.lock"),
        pytest.raises(Unavailable, match=r"Another process has held"),
    ):
        Reader(toy("good"))("data.bin")
    assert "waiting for another process" in capsys.readouterr().err


def test_how_long_a_lock_is_waited_for(toy, monkeypatch):
    """Two seconds before a word is said, then a quarter of an hour."""
    import filelock

    def taken(lock, timeout):
        waits.append(timeout)
        raise filelock.Timeout(lock.lock_file)

    waits = []
    monkeypatch.setattr(filelock.FileLock, "acquire", taken)
    with pytest.raises(Unavailable, match=r"has held \S+ for 15 minutes"):
        Reader(toy("good"))("data.bin")
    assert waits == [2, 15 * 60]


EIGHT = """
import multiprocessing, sys
from gmcourse.data import download, fetch, places
from gmcourse.data.catalog import Entry, File
places.SYSTEM = ()
file = File("data.bin", sys.argv[2], 0.1, "data.bin.gz")
entry = Entry("toy", "Toy", "images", "", "", mirrors=(sys.argv[1],), files=(file,))
def work(i):
    return len(fetch.Reader(entry)("data.bin"))
with multiprocessing.get_context("fork").Pool(8) as pool:
    print(pool.map(work, range(8), chunksize=1))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork (Linux, macOS)")
def test_what_another_process_has_finished_is_not_fetched_again(
    toy, server, tmp_path, monkeypatch
):
    """While this one waited for the lock."""

    @contextlib.contextmanager
    def waited(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "data.bin.gz").write_bytes(STORED)
        yield True

    monkeypatch.setattr(download, "lock", waited)
    read = Reader(toy("good"))
    assert read("data.bin") == CONTENT and not server.asked
    assert read.sources == [str(tmp_path / "cache" / "toy")]


def test_eight_processes_download_once(toy, server, tmp_path):
    url = toy("pause").mirrors[0]
    done = subprocess.run(
        [sys.executable, "-c", EIGHT, url, DIGEST],
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.stdout.strip() == str([len(CONTENT)] * 8), done.stderr
    assert server.asked["pause"] == 1
    assert cached(tmp_path) == ["data.bin.gz"]


def test_archives_are_compared_by_what_they_hold(tmp_path):
    import io
    import tarfile
    import zipfile

    parts = {"a.wav": b"one", "b.wav": b"two"}
    lines = "".join(f"{n}:{hashlib.sha256(d).hexdigest()}\n" for n, d in parts.items())
    digest = "members:" + hashlib.sha256(lines.encode()).hexdigest()
    file = File("data.tar", digest, 0.1, suffix=".wav")

    def tar(mode, parts, folder=""):
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode=mode) as archive:
            for name, data in parts.items():
                info = tarfile.TarInfo(folder + name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
        return stream.getvalue()

    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    more = {"read.me": b"text", **dict(reversed(parts.items()))}
    for data in (
        tar("w", parts),
        tar("w:xz", parts, "folder/"),
        tar("w:gz", more),
        stream.getvalue(),
    ):
        fetch.content(file, data)
    for bad in (tar("w", {**parts, "a.wav": b"0ne"}), tar("w", {}), b"rubbish", b""):
        with pytest.raises(Damaged):
            fetch.content(file, bad)
