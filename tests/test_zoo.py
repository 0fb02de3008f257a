"""The zoo: what ships is what its cards say, and measures again to the same values."""

import hashlib

import pytest
import torch

from gmcourse import zoo
from gmcourse.core import GenerativeModel
from gmcourse.zoo import _weights

NAMES = zoo.names()


@pytest.mark.parametrize("name", NAMES)
def test_quick_measurements_come_out_as_on_the_card(name):
    """The embedded sets hold the very images that the quick values are made of."""
    card, entry, model = zoo.card(name), zoo.recipe(name), zoo.load(name)
    assert set(card["metrics"]) <= {m.key for m in entry.measures}
    measured = [m for m in entry.measures if m.key in card["metrics"]]
    assert measured, f"nothing was measured of {name}"
    for measure in measured:
        known = card["metrics"][measure.key]["quick"]["value"]
        value = measure.quick.run(model, entry.source)["value"]
        assert value == pytest.approx(known, abs=measure.quick.tolerance), measure.key


@pytest.mark.parametrize("name", NAMES)
def test_entries_load_frozen_in_half_precision_and_sample(name):
    model = zoo.load(name)
    assert not model.training
    for value in model.state_dict().values():
        if value.is_floating_point():
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
    assert card["recipe"]["clip"] == entry.clip and card["recipe"]["ema"] == entry.ema
    model = zoo.load(name)
    for measure in entry.measures:
        record = card["metrics"][measure.key]
        assert record["kind"] == measure.kind in ("exact", "bound", "estimate")
        assert record.get("side", "") == measure.side
        assert record.get("of", "") == measure.of(model)
        assert record["tolerance"] == measure.tolerance
        for run, settings in ((record, measure), (record["quick"], measure.quick)):
            said = {k: run[k] for k in settings.settings() if k != "n"}
            due = {k: v for k, v in settings.settings().items() if k != "n"}
            assert said == due and run["n"] <= settings.n
