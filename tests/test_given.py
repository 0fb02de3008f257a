"""A run knows the numbers that it was given, and what is annealed is none of them."""

import math

import pytest
import torch
from models import MODELS, optimizer_for

from gmcourse import data, seeded, train
from gmcourse._given import _equal, numbers_of


def test_an_annealed_model_may_go_on_with_its_own_run(tmp_path, as_users_run_it):
    """The same object, left where its run ended: its beta is not what it was given."""
    with seeded(0):
        model = MODELS["annealed vae"]()
        x = model.example(32)[0]
    indices = []
    for steps in (3, 6):
        batches, adam = data.Batches(x, batch_size=8), optimizer_for(model)
        how = {"steps": steps, "resume": tmp_path / "run"}
        indices += [step.index for step in train(model, batches, adam, **how)]
    assert indices == [1, 2, 3, 4, 5, 6]


def test_a_number_that_is_none_is_the_same_number(tmp_path, as_users_run_it):
    path = tmp_path / "run"
    x = MODELS["annealed vae"]().example(32)[0]
    for steps in (1, 2):
        model = MODELS["annealed vae"]()
        model.target = math.nan  # not known yet, say
        batches, adam = data.Batches(x, batch_size=8), optimizer_for(model)
        for step in train(model, batches, adam, steps=steps, resume=path):
            assert step.index == steps
    model = MODELS["annealed vae"]()
    model.target = 1.0
    with pytest.raises(ValueError, match=r"saved with target: nan"):
        next(train(model, batches, optimizer_for(model), steps=3, resume=path))
    assert not _equal(1.0, math.nan) and not _equal([math.nan], [1.0])


def test_asking_for_the_numbers_changes_none():
    model = MODELS["annealed vae"]()
    model.at(3)
    before = model.beta
    found = numbers_of(model)
    assert model.beta == before > 0 and found["beta"] == 0.0
    model.at(1)
    assert numbers_of(model) == found


def test_numbers_of_the_parts_count():
    model = MODELS["beta-vae fixed gaussian"]()
    found = numbers_of(model)
    assert found["beta"] == 4.0 and 0.5 in found.values()
    other = MODELS["beta-vae fixed gaussian"]()
    other.beta = torch.tensor(4.0).item()
    assert numbers_of(other) == found
    other.beta = 2.0
    assert numbers_of(other) != found
