"""Runs that are cut off, and files that do not fit: nothing is lost, all is named."""

import itertools
import os
import subprocess
import sys

import pytest
import torch
from models import dense_vae
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import gmcourse as gm
from gmcourse import EMA, checkpoint, data, seeded, train
from gmcourse._run import Run
from gmcourse.likelihoods import Gaussian


def toy(n=40, batch_size=8):
    with seeded(0):
        model, x = dense_vae(Gaussian()), torch.randn(n, 5)
    return model, data.Batches(x, batch_size=batch_size, seed=3)


def adam(model):
    return torch.optim.Adam(model.parameters(), lr=1e-2)


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=1e-2)


def two_groups(model):
    halves = model.encoder, model.decoder
    return torch.optim.Adam([{"params": half.parameters()} for half in halves])


def go(path, stop=None, *, steps=6, ema=True, optimizer=adam, sizes=(), **how):
    """A run as a fresh process makes it; returns the model and its average."""
    go.model, batches = toy(*sizes)
    average = EMA(go.model, 0.9) if ema else None
    how = {"save_seconds": 0.0, **how}
    with seeded(1):
        turns = optimizer(go.model)
        run = train(
            go.model, batches, turns, steps=steps, ema=average, resume=path, **how
        )
        for step in run:
            if step.index == stop:
                break
        run.close()  # what raises here is not lost, as it is in a forgotten generator
    return go.model, average


def equal(a, b):
    pairs = zip(a.state_dict().values(), b.state_dict().values())
    return all(torch.equal(u, v) for u, v in pairs)


class Killed(BaseException):
    """As little of the code's own tidying as a process that is gone."""


CALLS = "replace", "link", "fsync", "open"


def kill_at(call, patch):
    """Let the ``call``-th file operation of a save be the last one."""
    count = itertools.count(1)

    def stops(real):
        def operation(*args, **how):
            if next(count) >= call:
                raise Killed
            return real(*args, **how)

        return operation

    for name in CALLS:
        patch.setattr(checkpoint.os, name, stops(getattr(os, name)))


@pytest.mark.parametrize("call", range(1, 20))
def test_a_save_cut_off_at_any_file_operation(call, tmp_path, monkeypatch):
    """Three saves of six operations: the file is there, whole, after each of them."""
    path = tmp_path / "run"
    whole, average = go(tmp_path / "whole")
    go(path, 2)
    with monkeypatch.context() as patch:
        kill_at(call, patch)
        try:
            go(path, 5)
        except Killed:
            pass
        else:
            assert call == 19
    assert checkpoint.read(path)[1]["step"] in (1, 2, 3, 4, 5)
    model, ema = go(path)
    assert equal(model, whole) and equal(ema.model, average.model)


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(checkpoint.os, "link", refuse)
    whole, _ = go(tmp_path / "run")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run.previous"]
    (tmp_path / "run").unlink()  # killed between the two renames
    model, _ = go(tmp_path / "run")
    assert equal(model, whole)


WRITERS = """
import multiprocessing, sys
import torch
import gmcourse as gm
torch.set_num_threads(1)
path = sys.argv[1]
def work(i):
    net = torch.nn.Linear(20, 20)
    for _ in range(25):
        gm.save(net, path, writer=i)
        gm.load(net, path)
with multiprocessing.get_context("fork").Pool(4) as pool:
    pool.map(work, range(4), chunksize=1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork (Linux, macOS)")
def test_four_processes_may_save_to_one_file(tmp_path):
    """The last one wins; none meets a file that is missing or half-written."""
    command = [sys.executable, "-c", WRITERS, str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=250)
    assert done.returncode == 0, done.stderr[-500:]
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["model", "model.previous"]


def test_what_a_killed_process_left_is_removed(tmp_path):
    for name in (".run.a1b2.partial", ".run.4711.partial"):
        (tmp_path / name).write_bytes(b"half a checkp")
    (tmp_path / "run.notes.partial").write_bytes(b"the reader's own")
    go(tmp_path / "run")
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == ["run", "run.notes.partial", "run.previous"]


def test_a_damaged_previous_file_does_no_harm(tmp_path):
    path = tmp_path / "run"
    go(path, 4)
    (tmp_path / "run.previous").write_bytes(b"no")
    model, _ = go(path)
    assert equal(model, go(tmp_path / "whole")[0])


def test_the_previous_file_takes_the_place_of_a_damaged_one(tmp_path):
    path = tmp_path / "run"
    go(path, 5)  # the files hold steps 4 and 5
    path.write_bytes(b"no")
    with pytest.warns(UserWarning, match="set aside"):
        go(path, stop=5)
    assert checkpoint.read(path.with_name("run.previous"))[1]["step"] == 4
    assert (tmp_path / "run.set-aside").read_bytes() == b"no"


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({}, {"ema": False}, "average.*True.*this run has False"),
        ({"ema": False}, {}, "average.*False.*this run has True"),
        ({}, {"sizes": (40, 10)}, "batch_size = 8.*have batch_size = 10"),
        ({}, {"sizes": (48, 8)}, "n = 40.*have n = 48"),
        ({"optimizer": sgd}, {}, "'SGD', 8.*'Adam', 8"),
        ({}, {"optimizer": sgd}, "'Adam', 8.*'SGD', 8"),
        ({}, {"optimizer": two_groups}, "'Adam', 8.*'Adam', 4, 4"),
        ({}, {"optimizer": lambda m: {"network": adam(m)}}, r"players \['model'\]"),
        ({}, {"steps": 2}, "already at step 4, and steps is 2"),
    ],
)
def test_a_run_that_does_not_fit_is_refused_and_changes_nothing(
    first, second, words, tmp_path
):
    path = tmp_path / "run"
    go(path, 4, **first)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=words) as caught:
        go(path, **second)
    assert "player" in words or "run" in str(caught.value)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before
    assert equal(go.model, toy()[0])


@pytest.mark.parametrize("first", [adam, lambda m: {"model": adam(m)}])
def test_one_optimizer_or_one_by_name_is_the_same(first, tmp_path):
    go(tmp_path / "run", 4, optimizer=first)
    other = adam if first is not adam else lambda m: {"model": adam(m)}
    model, _ = go(tmp_path / "run", optimizer=other)
    assert equal(model, go(tmp_path / "whole")[0])


def test_autocast_and_clipping_resume_to_the_bit(tmp_path):
    how = {"autocast": torch.bfloat16, "clip": 1.0}
    go(tmp_path / "run", 4, **how)
    model, _ = go(tmp_path / "run", **how)
    assert equal(model, go(tmp_path / "whole", **how)[0])


class Updates(gm.GenerativeModel):
    """A buffer has the name under which the average's age was once kept."""

    event_shape = (5,)

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.ones(()))
        self.register_buffer("updates", torch.arange(3))

    def loss(self, x, c=None):
        return (self.w * x).square().mean()


def test_a_buffer_named_updates_is_kept(tmp_path):
    def start(stop):
        model, batches = Updates(), toy()[1]
        ema, path = EMA(model), tmp_path / "run"
        for step in train(
            model, batches, adam(model), steps=6, ema=ema, resume=path, save_seconds=0.0
        ):
            if step.index == stop:
                break
        return ema

    start(3)
    ema = start(None)
    assert ema.updates == 6 and ema.model.updates.tolist() == [0, 1, 2]


def test_a_folder_in_place_of_a_file_is_left_alone(tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "mine").write_text("precious")
    net = nn.Linear(1, 1)
    for call in (
        lambda: go(folder),
        lambda: gm.save(net, folder),
        lambda: gm.load(net, folder),
        lambda: gm.save(net, ""),
    ):
        with pytest.raises(IsADirectoryError, match="is a folder; expected a file"):
            call()
    assert [p.name for p in tmp_path.iterdir()] == ["models"]
    assert (folder / "mine").read_text() == "precious"


def test_a_name_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "model", tmp_path / ("x" * 250)):
        with pytest.raises(OSError, match=r"could not write .*choose a folder"):
            gm.save(nn.Linear(1, 1), path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_interrupted_save_leaves_nothing_half_written(tmp_path, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        gm.save(nn.Linear(1, 1), tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(TypeError, match=r"Tensor is not JSON.*expected numbers"):
        gm.save(nn.Linear(1, 1), tmp_path / "model", loss=torch.zeros(()))
    assert list(tmp_path.iterdir()) == []


def test_weights_and_runs_are_told_apart(tmp_path):
    model, _ = go(tmp_path / "run")
    with pytest.raises(ValueError, match=r"holds a run, of step 6: pass it to train"):
        gm.load(model, tmp_path / "run")
    gm.save(model, tmp_path / "weights")
    with pytest.raises(ValueError, match=r"does not hold a run: gmcourse\.load reads"):
        go(tmp_path / "weights")
    checkpoint.write(tmp_path / "bare", model.state_dict(), {"model": "VAE"})
    assert gm.load(model, tmp_path / "bare") == {}


def test_names_that_meet_in_a_file_are_kept_apart():
    value = {"a.b": torch.zeros(1), "a": {"b": torch.ones(2)}, 1: torch.ones(3)}
    value["1"] = torch.zeros(4)
    tensors = {}
    again = checkpoint.unflatten(checkpoint.flatten(value, tensors, "v"), tensors)
    assert [len(again[k]) for k in ("a.b", 1, "1")] == [1, 3, 4]
    assert len(again["a"]["b"]) == 2


def test_arguments_that_were_accidents_are_named(as_users_run_it):
    model, batches = toy()
    optimizer = adam(model)

    def fails(error, match, data=batches, optimizer=optimizer, model=model, **how):
        with pytest.raises(error, match=match):
            list(train(model, data, optimizer, **{"steps": 1, **how}))

    for steps in (2.5, "3", True, float("nan")):
        fails(TypeError, "steps is .*expected an integer", steps=steps)
    fails(ValueError, "save_seconds", save_seconds=float("nan"))
    fails(TypeError, "optimizer is a NoneType", optimizer=None)
    fails(TypeError, "optimizer is a type", optimizer=torch.optim.Adam)
    fails(ValueError, "updates none of its weights", optimizer=adam(toy()[0]))
    with seeded(0):
        moved = dense_vae(Gaussian())
        ema = EMA(moved)
        moved.double()
    fails(ValueError, "after moving", model=moved, optimizer=adam(moved), ema=ema)
    fails(TypeError, r"\['ndarray'\]; expected a tensor", [batches.x.numpy()])
    fails(TypeError, "a batch is", [(batches.x, batches.x, batches.x)])
    fails(TypeError, "a batch is", [()])
    fails(TypeError, "c is a list; expected a tensor", [(batches.x, [0] * 40)])
    for bad in (None, 1.0):
        vae = toy()[0]
        vae.losses = lambda x, c, bad=bad: iter([("model", bad)])
        fails(ValueError, "expected a scalar tensor", model=vae, optimizer=adam(vae))


def test_a_data_loader_of_single_tensors():
    model, batches = toy()
    loader = DataLoader(TensorDataset(batches.x), 8)  # yields [x]
    assert len(list(train(model, loader, adam(model), steps=2))) == 2


@pytest.mark.parametrize("how", ["break", "error"])
def test_the_progress_line_goes_however_the_loop_ends(how, capsys, monkeypatch):
    clock = itertools.count(0, 2)
    monkeypatch.setattr(gm.training.time, "monotonic", lambda: next(clock))
    model, batches = toy()
    source = batches if how == "break" else [batches.x, batches.x * float("nan")]
    try:
        for step in train(model, source, adam(model), steps=9, progress=True):
            if step.index == 2:
                break
    except FloatingPointError:
        assert how == "error"
    out = capsys.readouterr().out
    assert "step 1/9" in out and out.split("\r")[-1] == ""
    assert out.split("\r")[-2].strip() == ""


def test_the_random_stream_of_a_gpu_goes_on_too(tmp_path, monkeypatch):
    """With the two functions of torch.cuda pretended; a CPU's run leaves them alone."""
    gpu, here = torch.device("cuda", 0), torch.device("cpu")
    streams, asked = {gpu: torch.tensor([7], dtype=torch.uint8)}, []

    def get(device):
        asked.append(device)
        return streams[device]

    monkeypatch.setattr(torch.cuda, "get_rng_state", get)
    monkeypatch.setattr(
        torch.cuda,
        "set_rng_state",
        lambda state, device: streams.update({device: state}),
    )

    def resumed(path, device):
        model, batches = toy()
        run = Run(model, batches, adam(model), None, None, path)
        run.device = device
        run.restore(2)
        return run

    for first, second, due in ((gpu, gpu, 7), (gpu, here, 9), (here, gpu, 9)):
        path = tmp_path / f"{first.type}-{second.type}"
        streams[gpu] = torch.tensor([7], dtype=torch.uint8)
        run = resumed(path, first)
        run.begin_step()
        run.end_step()
        run.save()
        streams[gpu] = torch.tensor([9], dtype=torch.uint8)
        assert resumed(path, second).step == 1
        assert streams[gpu].tolist() == [due], (first, second)
    assert set(asked) == {gpu}


def test_a_folder_that_cannot_be_written_is_named_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OSError, match=r"could not write .*run: no permission"):
        go(tmp_path / "deep" / "run")
