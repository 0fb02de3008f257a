"""Checks of losses: their form, what they refuse, what they depend on."""

from typing import Any

import torch

from ..core import GenerativeModel, Model
from ..settings import seeded
from ._tools import (
    BAD,
    conditions_that_differ,
    example,
    refuses,
    same,
    shaken,
    state_of,
)


def losses_are_finite_scalars(model: Model) -> None:
    precision = model._like().dtype
    for n in (model.smallest_batch, 6):
        players = list(model.players())
        for player, loss in model.losses(*example(model, n)):
            assert player in players, f"losses yields {player!r}, not in {players}"
            assert loss.shape == (), f"a loss has shape {tuple(loss.shape)}"
            assert loss.dtype == precision, f"a loss is {loss.dtype}"
            assert loss.isfinite(), f"a loss of {n} examples is {loss.item()}"
            needs = bool(model.players()[player])
            assert loss.requires_grad == needs, "a loss has lost its gradient"


def loss_is_a_batch_mean(model: Model) -> None:
    """Copies of a batch change the loss by no more than its own noise."""
    model.eval()
    x, c = model.example(100)
    twice = torch.cat([x, x]), None if c is None else torch.cat([c, c])
    with torch.no_grad():
        one = torch.stack([model.loss(x, c) for _ in range(20)])
        two = torch.stack([model.loss(*twice) for _ in range(20)])
    noise = (one.var() / 20 + two.var() / 20).sqrt() + 1e-4 * one.mean().abs() + 1e-6
    gap = (one.mean() - two.mean()).abs()
    assert gap < 6 * noise, (
        f"{one.mean():.6g}, and {two.mean():.6g} for twice the batch"
    )


def eval_loss_changes_nothing(model: Model) -> None:
    model.eval()
    x, c = example(model, 6)
    before, values = state_of(model), []
    for _ in range(2):
        with seeded(3), torch.no_grad():
            values.append([loss for _, loss in model.losses(x, c)])
    assert same(state_of(model), before), "a loss in eval mode moved a buffer"
    assert all(map(torch.equal, *values)), "the same call gives another loss"
    assert not any(m.training for m in model.modules()), "train mode was switched on"


def bad_input_is_refused(model: Model) -> None:
    x, c = example(model, 6)
    other = (x * 255).byte() if x.dtype.is_floating_point else x.float()
    cases = {
        "a wrong shape": torch.zeros(len(x), *model.event_shape, 2, dtype=x.dtype),
        "a batch without its axis": x[0],
        "an empty batch": x[:0],
        f"{other.dtype} in place of {x.dtype}": other,
        "an array": x.numpy(force=True),
    }
    if model.levels is not None and model.levels <= torch.iinfo(x.dtype).max:
        cases["a value out of range"] = x * 0 + model.levels
    for what, bad in cases.items():
        some = c if c is None or what != "an empty batch" else c[:0]
        refuses(lambda bad=bad, some=some: list(model.losses(bad, some)), BAD, what)


def wrong_condition_is_refused(model: Model) -> None:
    x, c = example(model, 6)
    assert c is not None and model.condition is not None
    cases: dict[str, Any] = {
        "too few conditions": c[:-1],
        "another type": c.to(torch.float16),
    }
    if model.condition.required:
        cases["no condition"] = None
    if c.dtype == torch.int64:
        cases |= {"a label out of range": c + 10**6, "a negative label": c - 10**6}
    for what, bad in cases.items():
        refuses(lambda bad=bad: list(model.losses(x, bad)), BAD, what)
        if isinstance(model, GenerativeModel):
            refuses(
                lambda bad=bad: model.sample(len(x), bad), BAD, f"{what}, in sample,"
            )


def any_condition_is_refused(model: Model) -> None:
    x, _ = example(model, 4)
    c = torch.zeros(len(x), dtype=torch.int64)
    refuses(lambda: list(model.losses(x, c)), BAD, "a condition")
    if isinstance(model, GenerativeModel):
        refuses(lambda: model.sample(len(x), c), BAD, "a condition, in sample,")


def loss_uses_the_condition(model: Model) -> None:
    shaken(model).eval()
    x = model.example(8)[0]
    for pair in conditions_that_differ(model):
        values = []
        for c in pair:
            with seeded(0), torch.no_grad():
                values.append(torch.stack([loss for _, loss in model.losses(x, c)]))
        if not torch.equal(*values):
            return
    raise AssertionError("losses are the same whatever the condition")


def works_in_double(model: Model) -> None:
    model.double()
    for _, loss in model.losses(*example(model, 4)):
        assert loss.dtype == torch.float64, f"the loss is {loss.dtype}"
    if isinstance(model, GenerativeModel):
        x = model.sample(2, model.example(2)[1])
        kind = model.dtype or torch.float64
        assert x.dtype == kind, f"samples are {x.dtype}; expected {kind}"
