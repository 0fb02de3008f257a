"""Checks of training: gradients, averages, files, and runs that go on."""

import copy
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from ..core import Model, evaluating
from ..data import Batches
from ..settings import seeded
from ..state import EMA, load, save
from ..training import train
from ._tools import example, optimizers, same, shaken, state_of


def gradients_reach_every_weight(model: Model) -> None:
    shaken(model)
    owned = {id(p) for weights in model.players().values() for p in weights}
    for name, p in model.named_parameters():
        assert id(p) in owned or not p.requires_grad, f"{name} belongs to no player"
    for player, weights in model.players().items():
        assert weights, f"the player {player!r} has no weights"
    for player, loss in model.losses(*example(model, 8)):
        model.zero_grad()
        loss.backward()
        mine = {id(p) for p in model.players()[player]}
        for name, p in model.named_parameters():
            if id(p) in mine and p.requires_grad:
                reached = p.grad is not None and bool(p.grad.abs().sum() > 0)
                assert reached, f"the loss of {player!r} does not reach {name}"


def weights_are_saved_and_loaded(model: Model) -> None:
    other = shaken(copy.deepcopy(model))
    with tempfile.TemporaryDirectory() as folder:
        save(model, Path(folder) / "model", note="kept")
        assert load(other, Path(folder) / "model") == {"note": "kept"}
    assert same(state_of(model), state_of(other)), "loaded weights are not the saved"


def trains_averaged_in_bfloat16(model: Model) -> None:
    """Every player moves, the average follows, and the weights keep their precision."""
    before, ema = state_of(model), EMA(model)
    x, c = example(model, 8)
    batch, bf16 = (x if c is None else (x, c)), torch.bfloat16
    how = {"steps": 2, "ema": ema, "clip": 1.0, "autocast": bf16}
    seen = list(train(model, [batch], optimizers(model), **how))
    assert [s.index for s in seen] == [1, 2], "train did not make two updates"
    for step in seen:
        assert list(step.losses) == list(model.players()), "a player had no turn"
        assert all(v.isfinite() for v in step.losses.values()), "a loss is not finite"
    for player, weights in model.players().items():
        names = {id(p): k for k, p in model.named_parameters()}
        moved = any(not torch.equal(p, before[names[id(p)]]) for p in weights)
        assert moved, f"the weights of {player!r} have not moved"
        assert all(p.dtype == before[names[id(p)]].dtype for p in weights)
    averaged = state_of(ema.model)
    followed = any(not torch.equal(averaged[k], v) for k, v in before.items())
    assert ema.updates == 2 and followed, "the average has not moved"


def resumes_to_the_bit(model: Model) -> None:
    """Left at step 3 of 6 and taken up by a fresh copy, with an average."""
    size = max(8, model.smallest_batch)
    x, c = model.example(3 * size)

    def run(path: Path, stop: int) -> tuple[Model, EMA]:
        fresh = copy.deepcopy(model)
        batches, ema = Batches(x.cpu(), c, batch_size=size, seed=1), EMA(fresh, 0.9)
        how = {"steps": 6, "ema": ema, "resume": path}
        with seeded(2):
            loop = train(fresh, batches, optimizers(fresh, 1e-2), **how)
            for step in loop:
                if step.index == stop:
                    break
            loop.close()  # type: ignore[attr-defined]
        return fresh, ema

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        whole, average = run(path / "whole", 6)
        run(path / "cut", 3)
        again, averaged = run(path / "cut", 6)
    assert same(state_of(whole), state_of(again)), "the weights or buffers differ"
    assert same(state_of(average.model), state_of(averaged.model)), (
        "the average differs"
    )


def loss_goes_down(model: Model) -> None:
    """Not a proof of anything, but a model that cannot do this is broken."""
    x, c = example(model, 32)

    def now() -> Tensor:
        with seeded(0), torch.no_grad(), evaluating(model):
            return torch.stack([model.loss(x, c) for _ in range(10)]).mean()

    before = now()
    batch = x if c is None else (x, c)
    for _ in train(model, [batch], optimizers(model, 3e-3), steps=80):
        pass
    after = now()
    assert after < before, f"{before:.6g} before, {after:.6g} after 80 updates"
