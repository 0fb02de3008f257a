"""The contract's battery: what every model of the course is held to, for yours as well.

Example:
    >>> from gmcourse.testing import check_model
    >>> from gmcourse.vae import LinearGaussian
    >>> check_model(LinearGaussian(3, 2))[:2]
    ['losses are finite scalars', 'a loss is a batch mean']

The checks that apply follow from the model itself: its class (a GenerativeModel can
``sample``), its ``players()``, its ``condition``, ``exact``. Each works on a copy with
weights of its own, so the model is unchanged. It takes seconds for small nets: give a
small instance.
"""

import copy
import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .core import GenerativeModel, Model, evaluating
from .data import Batches
from .settings import seeded
from .state import EMA, load, save
from .training import train

__all__ = ["battery", "check_model"]

Check = Callable[[Any], None]


def check_model(model: Model, seed: int = 0) -> list[str]:
    """Hold a model to the contract of ``gmcourse.core``; return what was checked.

    Raises:
        AssertionError: a check failed. It says which one, and why.
        TypeError: it is no ``gmcourse.Model``.
    """
    if not isinstance(model, Model):
        raise TypeError(f"model is a {type(model).__name__}; expected a gmcourse.Model")
    done = []
    for name, check in battery(model):
        with seeded(seed):
            try:
                check(copy.deepcopy(model).train())
            except Exception as error:
                text = f"{type(model).__name__}: {name}? {type(error).__name__}: "
                raise AssertionError(text + str(error)) from error
        done.append(name)
    return done


def battery(model: Model) -> list[tuple[str, Check]]:
    """The checks that apply to this model: name and function of a fresh copy."""
    checks: list[tuple[str, Check]] = [
        ("losses are finite scalars", losses_are_finite_scalars),
    ]
    one_player = len(model.players()) == 1
    trains = any(model.players().values())
    if one_player:
        checks.append(("a loss is a batch mean", loss_is_a_batch_mean))
    checks.append(("a loss in eval mode changes nothing", eval_loss_changes_nothing))
    checks.append(("bad input is refused", bad_input_is_refused))
    checks.append(("weights are saved and loaded", weights_are_saved_and_loaded))
    if any(v.is_floating_point() for v in model.state_dict().values()):
        checks.append(("it works in double precision", works_in_double))
    if model.condition is not None:
        checks.append(("a wrong condition is refused", wrong_condition_is_refused))
    else:
        checks.append(("a condition is refused", any_condition_is_refused))
    if trains:
        checks += [
            ("gradients reach every weight", gradients_reach_every_weight),
            ("it trains, averaged and in bfloat16", trains_averaged_in_bfloat16),
            ("a stopped run goes on to the bit", resumes_to_the_bit),
        ]
    if trains and one_player and not model.surrogate:
        checks.append(("the loss of one batch goes down", loss_goes_down))
    if model.condition is not None:
        checks.append(("a loss uses the condition", loss_uses_the_condition))
    if isinstance(model, GenerativeModel):
        checks += [
            ("samples have the shape", samples_have_the_shape),
            ("sampling leaves the modes alone", sampling_leaves_the_modes_alone),
            ("a seed decides the samples", seed_decides_the_samples),
            ("bad requests for samples are refused", bad_requests_are_refused),
        ]
        if model.condition is not None:
            checks.append(("the condition is used", condition_is_used))
        if model.exact and trains:
            checks.append(("samples follow log_prob", samples_follow_log_prob))
    if model.exact:
        checks.append(("log_prob is one number each", log_prob_is_one_number_each))
    if model.exact and trains:
        checks.append(("the loss is minus log_prob", loss_is_minus_log_prob))
    if model.exact and (model.levels or 10**9) ** math.prod(model.event_shape) < 20_000:
        checks.append(("probabilities sum to one", probabilities_sum_to_one))
    return checks


# Helpers.


def shaken(model: Model, by: float = 0.1) -> Model:
    """With noise on all weights: a layer of zeros hides what is before it."""
    with torch.no_grad():
        for p in model.parameters():
            if p.is_floating_point():
                p.add_(by * torch.randn_like(p))
    return model


def optimizers(model: Model, lr: float = 1e-3) -> dict[str, torch.optim.Optimizer]:
    """Adam for each player."""
    return {k: torch.optim.Adam(w, lr) for k, w in model.players().items()}


def state_of(model: nn.Module) -> dict[str, Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def refuses(call: Callable, kinds: tuple[type[Exception], ...], what: str) -> None:
    """``call`` raises one of ``kinds``, with a sentence of ours."""
    try:
        call()
    except kinds as error:
        assert len(str(error)) > 20, f"{what}: the message is {str(error)!r}"
        return
    except Exception as error:
        names = " or ".join(kind.__name__ for kind in kinds)
        raise AssertionError(
            f"{what}: expected {names}, got {type(error).__name__}: {error}"
        ) from error
    raise AssertionError(f"{what} is accepted")


BAD = ValueError, TypeError


# The checks, each on a copy of its own in train mode.


def losses_are_finite_scalars(model: Model) -> None:
    precision = model._like().dtype
    for n in (model.smallest_batch, 6):
        players = list(model.players())
        for player, loss in model.losses(*model.example(n)):
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
    x, c = model.example(6)
    before, values = state_of(model), []
    for _ in range(2):
        with seeded(3), torch.no_grad():
            values.append([loss for _, loss in model.losses(x, c)])
    assert same(state_of(model), before), "a loss in eval mode moved a buffer"
    assert all(map(torch.equal, *values)), "the same call gives another loss"
    assert not any(m.training for m in model.modules()), "train mode was switched on"


def gradients_reach_every_weight(model: Model) -> None:
    shaken(model)
    owned = {id(p) for weights in model.players().values() for p in weights}
    for name, p in model.named_parameters():
        assert id(p) in owned or not p.requires_grad, f"{name} belongs to no player"
    for player, weights in model.players().items():
        assert weights, f"the player {player!r} has no weights"
    for player, loss in model.losses(*model.example(8)):
        model.zero_grad()
        loss.backward()
        mine = {id(p) for p in model.players()[player]}
        for name, p in model.named_parameters():
            if id(p) in mine and p.requires_grad:
                reached = p.grad is not None and bool(p.grad.abs().sum() > 0)
                assert reached, f"the loss of {player!r} does not reach {name}"


def bad_input_is_refused(model: Model) -> None:
    x, c = model.example(6)
    other = (x * 255).byte() if x.dtype.is_floating_point else x.float()
    cases = {
        "a wrong shape": torch.zeros(6, *model.event_shape, 2, dtype=x.dtype),
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
    x, c = model.example(6)
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
            refuses(lambda bad=bad: model.sample(6, bad), BAD, f"{what}, in sample,")


def any_condition_is_refused(model: Model) -> None:
    x, _ = model.example(4)
    c = torch.zeros(4, dtype=torch.int64)
    refuses(lambda: list(model.losses(x, c)), BAD, "a condition")
    if isinstance(model, GenerativeModel):
        refuses(lambda: model.sample(4, c), BAD, "a condition, in sample,")


def weights_are_saved_and_loaded(model: Model) -> None:
    other = shaken(copy.deepcopy(model))
    with tempfile.TemporaryDirectory() as folder:
        save(model, Path(folder) / "model", note="kept")
        assert load(other, Path(folder) / "model") == {"note": "kept"}
    assert same(state_of(model), state_of(other)), "loaded weights are not the saved"


def works_in_double(model: Model) -> None:
    model.double()
    for _, loss in model.losses(*model.example(4)):
        assert loss.dtype == torch.float64, f"the loss is {loss.dtype}"
    if isinstance(model, GenerativeModel):
        x = model.sample(2, model.example(2)[1])
        kind = model.dtype or torch.float64
        assert x.dtype == kind, f"samples are {x.dtype}; expected {kind}"


def trains_averaged_in_bfloat16(model: Model) -> None:
    """Every player moves, the average follows, and the weights keep their precision."""
    before, ema = state_of(model), EMA(model)
    x, c = model.example(8)
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
    x, c = model.example(24)

    def run(path: Path, stop: int) -> tuple[Model, EMA]:
        fresh = copy.deepcopy(model)
        batches, ema = Batches(x.cpu(), c, batch_size=8, seed=1), EMA(fresh, 0.9)
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
    x, c = model.example(32)

    def now() -> Tensor:
        with seeded(0), torch.no_grad(), evaluating(model):
            return torch.stack([model.loss(x, c) for _ in range(10)]).mean()

    before = now()
    batch = x if c is None else (x, c)
    for _ in train(model, [batch], optimizers(model, 3e-3), steps=80):
        pass
    after = now()
    assert after < before, f"{before:.6g} before, {after:.6g} after 80 updates"


def samples_have_the_shape(model: GenerativeModel) -> None:
    want = model.dtype or model._like().dtype
    for n in (1, 5):
        x = model.sample(n, model.example(n)[1])
        due = (n, *model.event_shape)
        assert tuple(x.shape) == due, f"{tuple(x.shape)}; expected {due}"
        assert x.dtype == want, f"samples are {x.dtype}; expected {want}"
        assert not x.requires_grad, "samples carry a gradient"
        assert x.device == model.device, f"samples are on {x.device}"
        assert not x.is_floating_point() or x.isfinite().all(), "not finite"


def sampling_leaves_the_modes_alone(model: GenerativeModel) -> None:
    """Eval mode while drawing; afterward every part in its own, also a frozen one."""
    during, draw = [], model.draw

    def watched(*args, **how):
        during.extend(m.training for m in model.modules())
        return draw(*args, **how)

    model.draw = watched
    for mode in (True, False):
        modules = list(model.train(mode).modules())
        modules[-1].train(not mode)
        modes = [m.training for m in modules]
        model.sample(2, model.example(2)[1])
        assert [m.training for m in modules] == modes, "a part changed its mode"
    assert during and not any(during), "drawing was not in eval mode"


def seed_decides_the_samples(model: GenerativeModel) -> None:
    c = model.example(16)[1]
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with seeded(3):
        first = model.sample(16, c)
    assert torch.equal(torch.rand(3), expected), "the outer random stream has moved"
    with seeded(3):
        assert torch.equal(first, model.sample(16, c)), "one seed, two samples"
    with seeded(4):
        assert not torch.equal(first, model.sample(16, c)), "two seeds, one sample"
    c = None if c is None else c[:1].expand(64, *c.shape[1:])
    many = model.sample(64, c)
    assert (many != many[0]).any(), "all samples of one call are the same"


def bad_requests_are_refused(model: GenerativeModel) -> None:
    c = model.example(1)[1]
    for n in (0, -1, 2.0, True, "3"):
        refuses(lambda n=n: model.sample(n, c), BAD, f"n = {n!r}")
    what = "a keyword that the model does not know"
    refuses(lambda: model.sample(1, c, nonsense=3), (TypeError,), what)


def condition_is_used(model: GenerativeModel) -> None:
    shaken(model)
    for a, b in conditions_that_differ(model):
        with seeded(0):
            one = model.sample(8, a)
        with seeded(0):
            two = model.sample(8, b)
        if not torch.equal(one, two):
            return
    raise AssertionError("samples are the same whatever the condition")


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


def conditions_that_differ(model: Model) -> Iterator[tuple[Tensor, Tensor]]:
    """Twenty pairs of eight conditions."""
    for _ in range(20):
        a, b = model.example(8)[1], model.example(8)[1]
        assert a is not None and b is not None
        yield a, b


def log_prob_is_one_number_each(model: Model) -> None:
    model.eval()
    x, c = model.example(5)
    told = () if c is None else (c,)
    values = model.log_prob(x, *told)  # type: ignore[operator]
    assert tuple(values.shape) == (5,), f"log_prob has shape {tuple(values.shape)}"
    parts = [(x[i : i + 1], *(t[i : i + 1] for t in told)) for i in range(5)]
    alone = torch.cat([model.log_prob(*part) for part in parts])  # type: ignore
    close = torch.allclose(values, alone, rtol=1e-4, atol=1e-4)
    assert close, "an example's log_prob depends on the rest of its batch"


def samples_follow_log_prob(model: GenerativeModel) -> None:
    """The mean of ``d log p(x) / d weights`` over the model's own samples is 0.

    It is where ``sample`` and ``log_prob`` describe one distribution and the integral
    of exp(log_prob) does not depend on the weights: a forgotten log-determinant, a
    prior of two kinds, or noise added twice shows, a forgotten constant does not. 40
    groups of 200 samples tell the error of the mean.
    """
    shaken(model.double().eval())
    weights, rows = [p for p in model.parameters() if p.requires_grad], []
    for _ in range(40):
        c = model.example(200)[1]
        told = () if c is None else (c,)
        mean = model.log_prob(model.sample(200, c), *told).mean()  # type: ignore
        found = torch.autograd.grad(mean, weights, materialize_grads=True)
        rows.append(torch.cat([g.flatten() for g in found]))
    scores = torch.stack(rows)
    assert scores.any(), "log_prob does not depend on the weights"
    spread = scores.std(0) / len(rows) ** 0.5
    # An event that was never drawn has no spread: a part of the largest score.
    spread = spread + 3e-3 * scores.abs().max() / len(rows) ** 0.5
    worst = (scores.mean(0).abs() / spread).max()
    # Student's t with 39 degrees of freedom exceeds 9 once in 10^11.
    assert worst < 9, f"the mean score is {worst:.3g} standard errors from 0"


def loss_is_minus_log_prob(model: Model) -> None:
    """Where both have one direction of steepest descent, they have one slope.

    Nothing is said of a loss that is another function (of noisy data, for instance).
    """
    shaken(model.double().eval())
    x, c = model.example(8)
    told = () if c is None else (c,)
    weights = [p for p in model.parameters() if p.requires_grad]

    def slope(value: Tensor) -> Tensor:
        found = torch.autograd.grad(value, weights, materialize_grads=True)
        return torch.cat([g.flatten() for g in found])

    with seeded(0):
        mine = slope(model.loss(x, c))
    due = slope(-model.log_prob(x, *told).mean())  # type: ignore[operator]
    cosine = (mine @ due) / (mine.norm() * due.norm())
    if cosine.abs() > 1 - 1e-9:
        factor = (mine @ due) / (due @ due)
        assert (factor - 1).abs() < 1e-6, f"the loss is {-factor:.4g} times log_prob"


def probabilities_sum_to_one(model: Model) -> None:
    """Of all events, where there are few enough to be counted."""
    model.double().eval()
    values, d = torch.arange(model.levels or 1), math.prod(model.event_shape)
    events = torch.cartesian_prod(*[values] * d).view(-1, *model.event_shape)
    c = model.example(1)[1]
    told = () if c is None else (c.expand(len(events), *c.shape[1:]),)
    with torch.no_grad():
        x = events.to(model.dtype or torch.float64)
        total = model.log_prob(x, *told).exp().sum().item()  # type: ignore[operator]
    assert abs(total - 1) < 1e-6, f"they sum to {total:.6g}"
