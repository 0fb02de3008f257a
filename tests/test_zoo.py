"""The zoo: what ships is what its cards say, and measures again to the same values."""

import hashlib
import json

import pytest
import torch

from gmcourse import zoo
from gmcourse.__main__ import main
from gmcourse.core import GenerativeModel
from gmcourse.data.download import Unavailable
from gmcourse.zoo import _weights
from gmcourse.zoo.sources import Sounds, Strings, Text

NAMES = zoo.names()


@pytest.mark.parametrize("name", NAMES)
def test_quick_measurements_come_out_as_on_the_card(name):
    """The embedded sets hold the very images that the quick values are made of."""
    card, entry, model = zoo.card(name), zoo.recipe(name), zoo.load(name)
    try:
        entry.source.part("test")
    except Unavailable:
        pytest.skip("the set has no sample, and is not here: its values are on record")
    stands_in = isinstance(entry.source, Sounds | Strings | Text)
    if stands_in and entry.source.part("test").is_sample:
        pytest.skip("what stands in for the set is another one: its values differ")
    assert set(card["metrics"]) <= {m.key for m in entry.measures}
    measured = [m for m in entry.measures if m.key in card["metrics"]]
    assert measured, f"nothing was measured of {name}"
    for measure in measured:
        known = card["metrics"][measure.key]["quick"]["value"]
        value = measure.quick.run(model, entry.source)["value"]
        assert value == pytest.approx(known, abs=measure.quick.tolerance), measure.key


@pytest.mark.parametrize("name", NAMES)
def test_entries_load_frozen_in_their_bits_and_sample(name):
    model, bits = zoo.load(name), zoo.recipe(name).bits
    assert not model.training
    matrices = {k for k, p in model.named_parameters() if p.ndim > 1}
    for key, value in model.state_dict().items():
        if bits < 16 and key in matrices and value.numel() >= _weights.LARGE:
            assert max(len(row.unique()) for row in value[:10]) <= 2**bits
        elif value.is_floating_point():
            assert torch.equal(value, value.half().to(value.dtype))
    if isinstance(model, GenerativeModel):
        c = model.example(2)[1]
        assert model.sample(2, c).shape == (2, *model.event_shape)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_its_recipe_says(name):
    """Recipe, place and bytes of the weights, and what kind each number is."""
    card, entry = zoo.card(name), zoo.recipe(name)
    path = (_weights.PACKAGE if entry.ships else _weights.CLONE) / f"{name}.safetensors"
    blob = path.read_bytes()
    assert card["ships"] == entry.ships and card["bytes"] == len(blob)
    assert card["sha256"] == hashlib.sha256(blob).hexdigest()
    assert card.get("bytes_note", "") == entry.bytes_note
    assert card["title"] == entry.title and card["data"]["name"] == entry.source.name
    assert card["recipe"]["batch_size"] == entry.batch_size
    assert card["recipe"]["bits"] == entry.bits
    assert card["recipe"]["clip"] == entry.clip and card["recipe"]["ema"] == entry.ema
    model = zoo.load(name)
    for measure in entry.measures:
        record = card["metrics"][measure.key]
        assert record["kind"] == measure.kind
        assert record.get("side", "") == measure.side
        assert record.get("of", "") == measure.of(model)
        assert record["tolerance"] == measure.tolerance
        for run, settings in ((record, measure), (record["quick"], measure.quick)):
            said = {k: run[k] for k in settings.settings() if k != "n"}
            due = {k: v for k, v in settings.settings().items() if k != "n"}
            assert said == due and run["n"] <= settings.n


@pytest.mark.parametrize(
    ("name", "nats", "draws"),
    [
        ("vae-mnist-300s", 90.0, 500),
        # Burda et al. (2016), table 1, one stochastic layer.
        ("vae-mnist", 86.8, 5000),
        ("iwae-mnist", 84.8, 5000),
    ],
)
def test_bounds_reach_what_the_course_promises(name, nats, draws):
    record = zoo.card(name)["metrics"]["neg_log_p"]
    assert record["n"] == 10**4 and record["k"] == draws
    assert record["value"] <= nats


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        # Grathwohl et al. (2019), table 2: FFJORD.
        ("flow-mnist8-multiscale", 0.99),
        ("flow-mnist8-rows", 0.99),
        # RealNVP, in that table.
        ("flow-mnist8-multiscale-noise", 1.06),
    ],
)
def test_flows_of_digits_reach_what_the_course_promises(name, bits):
    record = zoo.card(name)["metrics"]["neg_log_p"]
    assert record["n"] == 10**4 and record["side"] == "upper"
    assert record["bits_per_dim"] <= bits


@pytest.mark.parametrize("name", ["checkerboard", "rings", "pinwheel", "eight"])
def test_flows_of_points_are_near_the_truth(name):
    record = zoo.card(f"flow-{name}")["metrics"]["divergence"]
    assert record["value"] <= 0.02 and record["std_error"] < 0.003


def test_continuous_flows_reach_what_the_course_promises():
    for name, nats in (("pinwheel", 0.03), ("checkerboard", 0.12)):
        card = zoo.card(f"ffjord-{name}")
        assert card["metrics"]["divergence"]["value"] <= nats
        assert card["minutes"]["cpu"] <= 5.0
    record = zoo.card("ffjord-digits")["metrics"]["neg_log_p"]
    assert record["n"] == 10**4 and record["bits_per_dim"] <= 2.25
    assert record["noise"] <= 0.1


def test_a_diffusion_of_five_minutes_is_nearer_to_data_than_the_other_families():
    card = zoo.card("diffusion-fashion")
    value = card["metrics"]["frechet"]["value"]
    others = [zoo.card(f"{name}-fashion") for name in ("gan", "vae", "cvae")]
    assert value <= 4.0 and card["minutes"]["cpu"] <= 5.5 and card["threads"] == 1
    assert all(value < c["metrics"]["frechet"]["value"] for c in others)


def test_a_diffusion_of_digits_has_a_bound_below_that_of_a_continuous_flow():
    mine, other = (
        zoo.card(f"{n}-digits")["metrics"]["neg_log_p"] for n in ("diffusion", "ffjord")
    )
    assert mine["n"] == 10**4 and mine["noise"] <= 1.0
    assert mine["value"] + 3 * mine["noise"] < other["value"]


def test_five_minutes_are_five_minutes():
    card = zoo.card("vae-mnist-300s")
    assert card["minutes"]["cpu"] <= 5.0 and card["threads"] == 1
    assert card["device"] == "CPU" and card["recipe"]["start"] is None


def test_train_writes_weights_and_an_honest_card(tmp_path, monkeypatch):
    monkeypatch.setenv("GMCOURSE_SCALE", "smoke")
    monkeypatch.delenv("GMCOURSE_DATA", raising=False)
    monkeypatch.setenv("GMCOURSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GMCOURSE_OFFLINE", "1")
    monkeypatch.setenv("GMCOURSE_STRICT", "0")
    card = zoo.train("vae2d-mnist", tmp_path, seed=3, steps=4, progress=False)
    assert card["data"]["is_sample"] and card["recipe"]["steps"] == 4
    assert card["seed"] == 3 and card["metrics"] == {}
    assert set(card) | {"bytes_note"} == set(zoo.card("vae-mnist"))
    assert sorted(p.name for p in tmp_path.glob("*.*")) == [
        "vae2d-mnist.json",
        "vae2d-mnist.safetensors",
    ]
    zoo.train("vae2d-mnist", tmp_path / "b", seed=3, steps=4, progress=False)
    name = "vae2d-mnist.safetensors"
    first, again = ((tmp_path / d / name).read_bytes() for d in (".", "b"))
    assert again == first
    records = zoo.evaluate("vae2d-mnist", tmp_path, quick=True)
    assert set(records) == {"neg_log_p", "elbo", "frechet"}


def test_unknown_and_missing_entries(tmp_path):
    with pytest.raises(ValueError, match="did you mean vae-mnist"):
        zoo.load("vae-mnits")
    with pytest.raises(FileNotFoundError, match="gmcourse zoo train"):
        zoo.load("vae2d-mnist", folder=tmp_path)


EXPERIMENTS = sorted(_weights.PACKAGE.with_name("experiments").glob("*.json"))


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_experiments_on_record_have_the_same_seeds_in_all_cases(path):
    record = zoo.experiment(path.stem)
    runs = record["runs"]
    assert {"title", "data", "settings", "machine"} <= set(record) and len(runs) > 1
    seeds = {tuple(found) for found in runs.values()}
    assert len(seeds) == 1 and len(seeds.pop()) >= 5
    for found in runs.values():
        assert len({tuple(values) for values in found.values()}) == 1


def test_an_unknown_experiment_is_told_with_those_that_are_there():
    with pytest.raises(ValueError, match=r"known: .*gan-rules"):
        zoo.experiment("gan-rule")


def test_damaged_weights_are_refused(tmp_path):
    blob = bytearray((_weights.PACKAGE / "vae2d-mnist.safetensors").read_bytes())
    blob[len(blob) // 2] ^= 1
    (tmp_path / "vae2d-mnist.safetensors").write_bytes(bytes(blob))
    with pytest.raises(ValueError, match="damaged"):
        zoo.load("vae2d-mnist", folder=tmp_path)


def test_weights_of_another_entry_and_a_damaged_card_are_named(tmp_path):
    for suffix in ("json", "safetensors"):
        blob = (_weights.PACKAGE / f"classifier-mnist.{suffix}").read_bytes()
        (tmp_path / f"vae2d-mnist.{suffix}").write_bytes(blob)
    with pytest.raises(ValueError, match="weights of another model"):
        zoo.load("vae2d-mnist", folder=tmp_path)
    (tmp_path / "vae2d-mnist.json").write_text('{"name": "vae2d')
    with pytest.raises(ValueError, match=r"vae2d-mnist\.json is damaged"):
        zoo.card("vae2d-mnist", tmp_path)


def test_the_command_line_prints_every_card(capsys):
    assert main(["zoo", "list", "--json"]) == 0
    assert [c["name"] for c in json.loads(capsys.readouterr().out)] == NAMES
    assert main(["zoo", "list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in NAMES)
    # A bound is printed as one.
    value = zoo.card("vae2d-mnist")["metrics"]["neg_log_p"]["value"]
    assert f"neg_log_p <= {value:.4g}" in out


def test_the_command_line_says_what_is_wrong_in_one_line(capsys):
    assert main(["zoo", "evaluate", "nothing"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gmcourse: ") and error.count("\n") == 1
    assert "no entry 'nothing'" in error
