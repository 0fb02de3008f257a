"""A run knows the numbers that it was given, and what is annealed is none of them."""

import math

import pytest
import torch
from models import MODELS, optimizer_for
from torch import nn

from gmcourse import EMA, Model, checkpoint, data, seeded, train
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


class Annealed(Model):
    """Something annealed in every place that a model has."""

    event_shape = (5,)

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(5, 5)
        self.register_buffer("chain", torch.zeros(3))
        self.register_buffer("aside", torch.zeros(()), persistent=False)
        self.plain, self._hidden, self.tensor = 0.0, 0.0, torch.zeros(2)
        self.table, self.items = {"t": 0.0}, [0.0, 0.0]

    def at(self, step):
        self.chain.fill_(step)
        self.aside = torch.tensor(float(step))
        self.plain = self._hidden = self.table["t"] = self.items[1] = float(step)
        self.tensor.fill_(step)
        if step:
            self.later = step
        else:
            self.begun = True

    def loss(self, x, c=None):
        return (self.net(x) - x).square().sum(1).mean() * (1 + self.chain.sum())

    def state(self):
        tensors = self.chain, self.aside, self.tensor
        values = self.plain, self._hidden, self.table["t"], self.items[1], self.later
        return [float(t.flatten()[0]) for t in tensors] + [*values]


@pytest.mark.parametrize("stop", [3, 5])
def test_what_is_annealed_stays_where_the_run_left_it(tmp_path, stop):
    """In buffers, hidden attributes and containers; and so do its average, its file."""
    model, x = Annealed(), torch.rand(8, 5)
    ema = EMA(model)
    batches, adam = data.Batches(x, batch_size=8), optimizer_for(model)
    how = {"steps": 5, "ema": ema, "resume": tmp_path / "run"}
    for step in train(model, batches, adam, **how):
        if step.index == stop:
            break
    last = stop - 1
    assert model.state() == ema.model.state() == 8 * [last]
    tensors, meta = checkpoint.read(tmp_path / "run")
    kept = checkpoint.unflatten(meta["run"], tensors)
    assert kept["model"]["chain"].tolist() == 3 * [last]
    found = numbers_of(model)
    assert model.state() == 8 * [last] and found["plain"] == 0.0
    assert "later" in found  # of an object that has gone further than step 0
    del model.begun
    assert "begun" in numbers_of(model) and not hasattr(model, "begun")
