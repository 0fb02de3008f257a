"""Bad input meets a clear error, and nothing is lost: properties of the public API.

Each property draws input from a wide space; what is not accepted must be refused with
ValueError or TypeError and a sentence, never with an accident deep inside.
"""

import os
import tempfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models import conv_vae, dense_vae, flat_ae

import gmcourse as gm
from gmcourse import checkpoint
from gmcourse.likelihoods import Bernoulli
from gmcourse.metrics import frechet_distance, kernel_distance
from gmcourse.nets import mlp

calm = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
DTYPES = [torch.float32, torch.float64, torch.uint8, torch.int64, torch.bool]
shapes = st.lists(st.integers(0, 6), max_size=4).map(tuple)


@pytest.fixture(autouse=True)
def _users(as_users_run_it):
    pass


def refused(call):
    """Run ``call``: its result, or None where it was refused with a sentence."""
    try:
        return call()
    except (ValueError, TypeError) as error:
        # A sentence says what was expected or what to do; an accident does not.
        words = "expected", "expects", "pass", "leave", "give"
        assert any(word in str(error) for word in words), error
        return None


@calm
@given(shape=shapes, dtype=st.sampled_from(DTYPES))
def test_a_model_takes_its_event_shape_and_refuses_the_rest(shape, dtype):
    model = dense_vae(Bernoulli())
    x = torch.zeros(shape, dtype=dtype)
    loss = refused(lambda: model.loss(x))
    fits = len(shape) == 2 and shape[1] == 5 and shape[0] > 0
    assert (loss is not None) == (fits and dtype == torch.float32)


@calm
@given(
    labels=st.lists(st.integers(-3, 6), max_size=5),
    dtype=st.sampled_from([torch.int64, torch.int32, torch.float32]),
)
def test_labels_are_taken_or_refused(labels, dtype):
    model, n = conv_vae(classes=3), 3
    c = torch.tensor(labels, dtype=dtype)
    x = refused(lambda: model.sample(n, c))
    fits = len(labels) == n and dtype == torch.int64
    assert (x is not None) == (fits and all(0 <= v < 3 for v in labels))


@calm
@given(n=st.one_of(st.integers(-5, 5), st.floats(), st.text(max_size=2), st.none()))
def test_the_number_of_samples(n):
    model = dense_vae(Bernoulli())
    x = refused(lambda: model.sample(n))
    assert (x is not None) == (isinstance(n, int) and n > 0)


@calm
@given(sizes=st.lists(st.integers(-2, 8), max_size=4))
def test_mlp_sizes(sizes):
    net = refused(lambda: mlp(*sizes))
    assert (net is not None) == (len(sizes) >= 2 and min(sizes) > 0)


@calm
@given(a=shapes, b=shapes, bad=st.sampled_from([0.0, float("nan"), float("inf")]))
def test_distances_take_two_matrices_of_one_width(a, b, bad):
    u, v = torch.randn(a), torch.randn(b)
    if v.numel() and bad:
        v.view(-1)[0] = bad
    fits = len(a) == len(b) == 2 and min(a[0], b[0]) > 1 and a[1] == b[1]
    fits = fits and a[1] > 0 and not (bad and v.numel())
    assert (refused(lambda: frechet_distance(u, v)) is not None) == fits
    assert (refused(lambda: kernel_distance(u, v)) is not None) == fits


keys = st.one_of(st.integers(), st.text(max_size=3))
json_like = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(
            st.one_of(st.integers(), st.text(max_size=3)), inner, max_size=3
        ),
        st.integers(0, 3).map(torch.zeros),
    ),
    max_leaves=12,
)


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and torch.equal(a, b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return a == b


@calm
@given(value=json_like)
def test_nested_state_survives_a_file(value):
    with tempfile.TemporaryDirectory() as folder:
        path, tensors = Path(folder) / "state", {}
        picture = checkpoint.flatten(value, tensors, "v")
        checkpoint.write(path, tensors, {"picture": picture})
        tensors, meta = checkpoint.read(path)
        assert same(checkpoint.unflatten(meta["picture"], tensors), value)


@settings(calm, max_examples=150)
@given(data=st.data())
def test_any_change_of_a_file_is_noticed(data):
    """Any byte replaced, any cut, anything appended: damaged, and said so."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        net = mlp(2, 3, 1)
        gm.save(net, path, note="x")
        blob = path.read_bytes()
        where = data.draw(st.integers(0, len(blob) - 1))
        kind = data.draw(st.sampled_from(["byte", "cut", "append"]))
        if kind == "byte":
            byte = data.draw(st.integers(0, 255).filter(lambda b: b != blob[where]))
            changed = blob[:where] + bytes([byte]) + blob[where + 1 :]
        elif kind == "cut":
            changed = blob[:where]
        else:
            changed = blob + b"\0" * (1 + where % 64)
        path.write_bytes(changed)
        before = {k: v.clone() for k, v in net.state_dict().items()}
        with pytest.raises(ValueError, match="damaged"):
            gm.load(net, path)
        assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_saving_over_a_file_keeps_the_previous_one(tmp_path):
    net = mlp(2, 3, 1)
    for note in ("first", "second"):
        gm.save(net, tmp_path / "model", note=note)
    assert gm.load(net, tmp_path / "model") == {"note": "second"}
    assert gm.load(net, tmp_path / "model.previous") == {"note": "first"}


def test_loading_another_models_weights_names_the_difference(tmp_path):
    gm.save(flat_ae(), tmp_path / "ae")
    with pytest.raises(ValueError, match=r"another model \(Autoencoder\)"):
        gm.load(dense_vae(Bernoulli()), tmp_path / "ae")
    with pytest.raises(FileNotFoundError):
        gm.load(flat_ae(), tmp_path / "nothing")


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    if os.geteuid() == 0:
        # Root may write anywhere: let the system refuse as it would for others.
        def refuse(*_args, **_kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("tempfile.mkstemp", refuse)
    else:
        tmp_path.chmod(0o500)
    with pytest.raises(OSError, match=r"could not write .*model.*choose a folder"):
        gm.save(mlp(2, 1), tmp_path / "model")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_kept_in_a_checkpoint_is_named():
    with pytest.raises(TypeError, match=r"run\.a holds a set"):
        checkpoint.flatten({"a": {1, 2}}, {}, "run")
