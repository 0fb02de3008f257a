"""Two processes on one machine against one that sees both parts of the batch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from models import dense_vae, point_diffusion, small_gpt, wasserstein_gan
from one_of_two import PARTS, batch
from torch import distributed

import gmcourse
from gmcourse import EMA, data, load, seeded, train
from gmcourse.distributed import Replicated
from gmcourse.likelihoods import Bernoulli

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What two processes wrote: `one_of_two.py`, for at most a minute."""
    folder = tmp_path_factory.mktemp("two")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [
        *torchrun,
        "--nproc-per-node=2",
        str(HERE / "one_of_two.py"),
        str(folder),
    ]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    library = Path(gmcourse.__file__).parents[1]
    path = [str(HERE), str(library), env.get("PYTHONPATH", "")]
    env["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    run = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def both(folder):
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)]


def close(a, b):
    torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_all_begin_with_the_weights_of_the_first(both):
    one, other = both
    assert not torch.equal(one["first"][0], other["first"][0])
    close(one["start"], one["first"])
    close(other["start"], one["first"])


def alone():
    with seeded(0):
        return point_diffusion()


def mean_loss(model):
    """Of both parts, each with the random numbers of its own process."""
    losses = []
    for seed, rows in PARTS:
        with seeded(seed):
            losses.append(model.loss(batch()[rows]))
    return torch.stack(losses).mean()


def test_gradients_are_those_of_one_process(both):
    model = alone()
    mean_loss(model).backward()
    due = [p.grad for p in model.parameters()]
    for found in both:
        close(found["gradients"], due)
    assert max(g.abs().max() for g in due) > 1e-2


def test_a_run_ends_with_the_same_weights_in_both(both):
    one, other = both
    assert all(torch.equal(a, b) for a, b in zip(one["trained"], other["trained"]))
    assert (one["trained"][0] - one["start"][0]).abs().max() > 1e-3


def test_the_average_is_of_the_model_and_can_be_saved(folder, both):
    one, other = both
    assert all(torch.equal(a, b) for a, b in zip(one["average"], other["average"]))
    assert not torch.equal(one["average"][0], one["trained"][0])
    kept = point_diffusion()
    load(kept, folder / "average.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(kept.parameters(), one["average"]))


def test_outside_of_a_group_the_error_says_what_to_do():
    with pytest.raises(RuntimeError, match="torchrun"):
        Replicated(point_diffusion())


def test_models_of_several_players_are_refused(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    with pytest.raises(ValueError, match="expected one"):
        Replicated(wasserstein_gan())


def test_an_average_of_the_same_weights_is_taken_for_the_models():
    """And one of others is not, however alike they are."""
    model = alone()
    adam = torch.optim.Adam(model.parameters(), 1e-3)
    data = [batch()] * 2
    list(train(model, data, adam, steps=1, ema=EMA(model)))
    with pytest.raises(ValueError, match="another model"):
        list(train(model, data, adam, steps=1, ema=EMA(alone())))


@pytest.fixture
def group():
    """One process is a group, too."""
    store = distributed.HashStore()
    distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


def test_what_is_annealed_is_told_the_step(group):
    vae = dense_vae(Bernoulli(), beta=lambda step: 0.1 * step)
    x, betas = vae.example(4)[0], []
    both = Replicated(vae)
    for _ in train(both, [x] * 3, torch.optim.Adam(vae.parameters()), steps=3):
        betas.append(vae.beta)
    assert betas == pytest.approx([0.0, 0.1, 0.2])


def test_a_loss_is_the_models_and_is_told_the_condition(group):
    with seeded(0):
        model = point_diffusion(3)
    x, c = torch.randn(6, 2), torch.tensor([0, 1, 2, 2, 1, 0])
    both, found = Replicated(model), []
    for one in (both, model):
        with seeded(1):
            found.append(one.loss(x, c))
    assert torch.equal(*found)
    with seeded(1):
        assert not torch.equal(both.loss(x, (c + 1) % 3), found[0])


@pytest.mark.parametrize("make", [lambda: point_diffusion(3), lambda: small_gpt((5,))])
def test_a_batch_is_checked_as_by_the_model(group, make):
    model = make()
    both = Replicated(model)
    names = ("event_shape", "dtype", "levels", "condition")
    assert [getattr(both, k) for k in names] == [getattr(model, k) for k in names]
    both.check(*model.example(4))


def test_a_run_that_was_left_goes_on(group, tmp_path):
    """With its file, its average and annealed numbers, to the same weights."""
    x = torch.randn(12, 2)

    def run(steps, stop, path):
        with seeded(0):
            model = point_diffusion()
            batches, both = data.Batches(x, batch_size=4, seed=1), Replicated(model)
            adam, ema = torch.optim.Adam(model.parameters(), 1e-2), EMA(model, 0.5)
            for step in train(both, batches, adam, steps=steps, ema=ema, resume=path):
                if step.index == stop:
                    break
        return [*model.parameters(), *ema.model.parameters()]

    whole = run(5, None, tmp_path / "whole")
    run(5, 2, tmp_path / "parts")
    parts = run(5, None, tmp_path / "parts")
    assert all(torch.equal(a, b) for a, b in zip(whole, parts, strict=True))
