"""What a run owes its caller: nothing is lost, and nothing given is dropped."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from models import MODELS, TinyGAN, dense_vae, flat_ae, optimizer_for
from torch import nn

import gmcourse as gm
from gmcourse import EMA, _feed, checkpoint, data, seeded, train
from gmcourse._signals import uninterrupted
from gmcourse.likelihoods import FixedGaussian, Gaussian
from gmcourse.vae import IWAE


def toy(seed=0, beta=1.0, likelihood=None):
    with seeded(seed):
        model = dense_vae(likelihood or Gaussian(), beta=beta)
    return model


def batches(seed=3, n=40, of=0):
    with seeded(of):
        return data.Batches(torch.randn(n, 5), batch_size=8, seed=seed)


def adam(model, lr=1e-2, **how):
    return torch.optim.Adam(model.parameters(), lr, **how)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def whole(steps=8, **how):
    model = toy(**how)
    with seeded(1):
        for _ in train(model, batches(), adam(model), steps=steps):
            pass
    return weights(model)


# Leaving a loop.


def leave_by_break(step):
    return step.index == 5


def leave_by_error(step):
    if step.index == 5:
        raise RuntimeError("a slip in the body")


def leave_by_interrupt(step):
    """Ctrl-C in the body."""
    if step.index == 5:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("leave", [leave_by_break, leave_by_error, leave_by_interrupt])
def test_a_loop_that_is_left_loses_no_update(leave, tmp_path):
    path = tmp_path / "run"

    def go():
        model = toy()
        with seeded(1):
            loop = train(model, batches(), adam(model), steps=8, resume=path)
            try:
                for step in loop:
                    if leave(step):
                        break
            except (RuntimeError, KeyboardInterrupt):
                pass
            loop.close()
        return model

    go()
    assert checkpoint.read(path)[1]["step"] == 5
    leave = lambda step: False  # noqa: E731
    assert torch.equal(weights(go()), whole())


def test_an_interrupt_within_an_update_waits_for_its_end(tmp_path):
    """Weights are never saved half moved, and the batch is not lost."""
    path = tmp_path / "run"

    class Interrupted(torch.optim.Adam):
        calls = 0

        def step(self, closure=None):
            self.calls += 1
            if self.calls == 4:
                os.kill(os.getpid(), signal.SIGINT)
            return super().step(closure)

    model = toy()
    with pytest.raises(KeyboardInterrupt), seeded(1):
        optimizer = Interrupted(model.parameters(), 1e-2)
        for _ in train(model, batches(), optimizer, steps=8, resume=path):
            pass
    assert checkpoint.read(path)[1]["step"] == 4
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    model = toy()
    with seeded(1):
        optimizer = Interrupted(model.parameters(), 1e-2)
        optimizer.calls = 100
        for _ in train(model, batches(), optimizer, steps=8, resume=path):
            pass
    assert torch.equal(weights(model), whole())


def test_a_second_interrupt_does_not_wait():
    reached = []
    with pytest.raises(KeyboardInterrupt), uninterrupted(True):
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("the first")
        os.kill(os.getpid(), signal.SIGINT)
        reached.append("the second")
    assert reached == ["the first"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_cell_that_is_run_again_finds_what_its_first_run_did(tmp_path):
    """An error in the body: the traceback keeps the loop, and nobody closes it."""
    path, first = tmp_path / "run", toy()
    with seeded(1):
        kept = train(first, batches(), adam(first), steps=8, resume=path)
        for step in kept:
            if step.index == 5:
                break
        assert not path.exists()  # `kept` is alive
        second = toy()
        loop = train(second, batches(), adam(second), steps=8, resume=path)
        assert next(loop).index == 6
        for _ in loop:
            pass
    assert torch.equal(weights(second), whole())
    with pytest.warns(UserWarning, match="written by a later loop"):
        next(kept)
    kept.close()
    assert checkpoint.read(path)[1]["step"] == 8


def test_what_was_spoilt_is_not_saved_when_the_loop_is_left(tmp_path):
    model = toy()
    loop = train(model, batches(), adam(model), steps=8, resume=tmp_path / "run")
    next(loop)
    with torch.no_grad():
        next(model.parameters()).fill_(float("nan"))
    with pytest.warns(UserWarning, match="left weights that are not finite"):
        loop.close()
    assert not (tmp_path / "run").exists()


SCRIPT = """
    import sys, torch, gmcourse as gm
    torch.set_num_threads(1)
    model = gm.autoencoders.Autoencoder(
        torch.nn.Linear(4, 2), torch.nn.Linear(2, 4), (4,))
    data = gm.data.Batches(torch.randn(20, 4), batch_size=5)
    adam = torch.optim.Adam(model.parameters())
    loop = gm.train(model, data, adam, steps=9, resume=sys.argv[1])
    for step in loop:
        if step.index == 5:
            HOW
"""


@pytest.mark.parametrize("how", ["break", "1 / 0", "raise KeyboardInterrupt"])
def test_a_script_that_ends_within_its_loop_is_saved(how, tmp_path):
    """The loop has a name, and is closed when the interpreter is nearly gone."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT).replace("HOW", how))
    command = [sys.executable, script, tmp_path / "run"]
    subprocess.run(command, capture_output=True, timeout=100)
    assert checkpoint.read(tmp_path / "run")[1]["step"] == 5


KILLED = """
    import os, signal, sys
    import torch
    sys.path.insert(0, sys.argv[3])
    from test_runs import two_players
    torch.set_num_threads(1)
    two_players(sys.argv[1], sys.argv[2], kill=os.kill)
"""


def two_players(name, path, kill=None):
    """Eight updates of both; ``kill`` comes within the sixth, between the two turns."""
    with seeded(0):
        model = MODELS[name]()
        x, _ = model.example(24)
    ema, turns = EMA(model, 0.9), []
    generator = model.game.generator

    def watched(*values):
        turns.append(values)
        if kill is not None and len(turns) == 6:
            kill(os.getpid(), signal.SIGKILL)
        return generator(*values)

    model.game.generator = watched
    stream = data.Batches(x.cpu(), batch_size=8, seed=1)
    how = {"steps": 8, "ema": ema, "resume": path, "save_seconds": 0.0}
    with seeded(1):
        for _ in train(model, stream, optimizer_for(model, 1e-2), **how):
            pass
    return len(turns), model.state_dict(), ema.model.state_dict()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="not on Windows")
@pytest.mark.parametrize(
    ("name", "moving"),
    [
        ("gan of images", ("running_mean", "weight.0._v")),
        ("style-based gan", ("augment.p", "regularizer.mean")),
    ],
)
def test_two_players_go_on_to_the_bit_after_a_kill(name, moving, tmp_path):
    """Between the turns of an update the critic has moved and the generator has not."""
    script, path, here = tmp_path / "script.py", tmp_path / "run", Path(__file__).parent
    script.write_text(textwrap.dedent(KILLED))
    command = [sys.executable, script, name, path, here]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == -signal.SIGKILL, done.stderr[-500:]
    taken, *found = two_players(name, path)
    updates, *due = two_players(name, tmp_path / "whole")
    assert taken < updates == 8
    with seeded(0):
        start = MODELS[name]().state_dict()
    for now, then in zip(found, due):
        assert now.keys() == then.keys()
        assert all(torch.equal(now[k], then[k]) for k in now)
    for word in moving:  # the test would say nothing of what never moved
        keys = [k for k in start if word in k]
        assert keys and all(not torch.equal(start[k], due[0][k]) for k in keys)


def test_an_error_of_the_data_keeps_the_updates_before_it(tmp_path):
    class Broken(data.Batches):
        def __next__(self):
            if self.state_dict()["epoch"] == 1:
                raise OSError("the disk is gone")
            return super().__next__()

    model, stream = toy(), Broken(batches().x, batch_size=8)
    with pytest.raises(OSError, match="disk is gone"):
        list(train(model, stream, adam(model), steps=8, resume=tmp_path / "run"))
    assert checkpoint.read(tmp_path / "run")[1]["step"] == 6


def test_data_whose_place_no_file_keeps_are_refused_at_the_start(tmp_path):
    class Strange(data.Batches):
        def state_dict(self):
            return super().state_dict() | {"seen": {1, 2}}

    model, stream = toy(), Strange(batches().x, batch_size=8)
    with pytest.raises(TypeError, match=r"run.data.seen holds a set"):
        train(model, stream, adam(model), steps=8, resume=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_batch_that_was_peeked_at_is_not_lost(tmp_path):
    def go(stop, peek):
        model, stream = toy(), batches()
        with seeded(1):
            path = tmp_path / "run"
            loop = train(model, stream, adam(model), steps=8, resume=path)
            for step in loop:
                if step.index == stop:
                    break
            if peek:
                next(stream)
                torch.rand(3)
            loop.close()
        return weights(model)

    go(5, peek=True)
    assert torch.equal(go(8, peek=False), whole())


def test_a_file_has_one_name(tmp_path, monkeypatch):
    """However it is spelled, and wherever the body goes."""
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path)
    model = toy()
    how = {"steps": 8, "save_seconds": 0.0}
    kept = train(model, batches(), adam(model), resume="run", **how)
    next(kept), next(kept)
    monkeypatch.chdir(tmp_path / "sub")
    next(kept)
    other = toy()
    for _ in train(other, batches(), adam(other), resume="../run", **how):
        pass
    kept.close()
    assert checkpoint.read(tmp_path / "run")[1]["step"] == 8
    assert list((tmp_path / "sub").iterdir()) == []


def test_a_file_that_was_removed_does_not_come_back(tmp_path):
    model, path = toy(), tmp_path / "run"
    how = {"steps": 8, "save_seconds": 0.0, "resume": path}
    kept = train(model, batches(), adam(model), **how)
    next(kept), next(kept), next(kept)
    for file in tmp_path.iterdir():
        file.unlink()
    other = toy()
    again = train(other, batches(), adam(other), **how)
    assert next(again).index == 1


def test_a_path_that_cannot_be_written_is_named_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    model = toy()
    with pytest.raises(OSError, match=r"could not write .*choose a folder"):
        train(model, batches(), adam(model), steps=1, resume=tmp_path / "file" / "run")


def test_a_finite_set_stopped_at_the_end_of_a_pass(tmp_path):
    class Pass:
        """One pass over five batches; it goes on where it was."""

        def __init__(self):
            self.x, self.i = batches().x, 0

        def __iter__(self):
            while self.i < 5:
                self.i += 1
                yield self.x[8 * self.i - 8 : 8 * self.i]
            self.i = 0

        def state_dict(self):
            return {"i": self.i}

        def load_state_dict(self, state):
            self.i = state["i"]

    def go(path, stop):
        model = toy()
        with seeded(1):
            loop = train(model, Pass(), adam(model), steps=8, resume=path)
            for step in loop:
                if step.index == stop:
                    break
            loop.close()
        return weights(model)

    go(tmp_path / "cut", 5)
    assert torch.equal(go(tmp_path / "cut", 8), go(tmp_path / "whole", 8))


# Rates.


def test_a_run_without_a_schedule_does_not_inherit_a_rate():
    model = toy()
    optimizer = adam(model)
    for _ in train(model, batches(), optimizer, steps=5, schedule=gm.warmup_cosine(5)):
        pass
    assert optimizer.param_groups[0]["lr"] == 1e-2
    for _ in train(model, batches(), optimizer, steps=2):
        assert optimizer.param_groups[0]["lr"] == 1e-2


def test_a_rate_set_between_two_runs_is_the_second_ones():
    model = toy()
    optimizer = adam(model)
    for _ in train(model, batches(), optimizer, steps=2, schedule=lambda s: 0.5):
        pass
    optimizer.param_groups[0]["lr"] = 1e-4
    rates = [
        optimizer.param_groups[0]["lr"]
        for _ in train(model, batches(), optimizer, steps=2, schedule=lambda s: 0.5)
    ]
    assert rates == [5e-5, 5e-5]


def test_a_loop_left_open_gives_its_rate_to_the_next():
    model = toy()
    optimizer, fall = adam(model), gm.warmup_cosine(8)
    kept = train(model, batches(), optimizer, steps=8, schedule=fall)
    for step in kept:
        if step.index == 7:
            break
    rates = []
    for _ in train(model, batches(), optimizer, steps=2, schedule=lambda s: 1.0):
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == [1e-2, 1e-2]
    kept.close()
    assert optimizer.param_groups[0]["lr"] == 1e-2


def test_a_cell_run_again_with_the_same_objects_goes_on(tmp_path):
    """What the first run has changed is not held against the second."""
    model, path = toy(), tmp_path / "run"
    model.calls = 0
    optimizer, stream = adam(model), batches()

    def cell(stop):
        for step in train(model, stream, optimizer, steps=8, resume=path):
            model.calls += 1
            if step.index == 3:
                optimizer.param_groups[0]["lr"] = 1e-4
            if step.index == stop:
                break

    with seeded(1):
        cell(5)
        cell(8)
    assert checkpoint.read(path)[1]["step"] == 8
    optimizer.param_groups[0]["lr"] = 0.5  # but what the caller changes is
    with pytest.raises(ValueError, match=r"lr of the model's"):
        cell(8)


@pytest.mark.parametrize("how", [{"foreach": True}, {"fused": True}])
def test_how_an_update_is_computed_may_differ(how, tmp_path):
    model = toy()
    loop = train(model, batches(), adam(model), steps=4, resume=tmp_path / "run")
    next(loop)
    loop.close()
    other = toy()
    optimizer = adam(other, **how)
    assert (
        len(list(train(other, batches(), optimizer, steps=4, resume=tmp_path / "run")))
        == 3
    )


@pytest.mark.parametrize("fails", ["generator", "data"])
def test_half_an_update_is_not_kept(tmp_path, fails):
    """An error between two players; one of the data comes before the update."""

    class Fails(TinyGAN):
        def losses(self, x, c=None):
            turns = super().losses(x, c)
            yield next(turns)
            if fails == "generator" and (x > 1).any():
                raise RuntimeError("no second turn")
            yield from turns

    class Stops(data.Batches):
        def __next__(self):
            if fails == "data" and self.state_dict()["position"] == 8:
                raise RuntimeError("no third batch")
            return super().__next__()

    x = torch.rand(16, 3)
    x[8:12] += 2  # the third batch
    gan, stream = Fails(), Stops(x, batch_size=4, shuffle=False)
    with pytest.raises(RuntimeError, match=r"no second turn|no third batch"):
        list(train(gan, stream, optimizer_for(gan), steps=9, resume=tmp_path / "run"))
    kept = checkpoint.read(tmp_path / "run")[1] if fails == "data" else None
    assert (tmp_path / "run").exists() == (fails == "data")
    assert kept is None or kept["step"] == 2


def test_a_group_added_in_the_body_has_a_rate_of_its_own():
    gan = TinyGAN()
    both = optimizer_for(gan, 1e-3)
    extra = nn.Parameter(torch.zeros(1))
    for step in train(gan, [torch.rand(4, 3)], both, steps=3, schedule=lambda s: 0.5):
        if step.index == 1:
            both["critic"].add_param_group({"params": [extra], "lr": 1.0})
    assert [g["lr"] for g in both["critic"].param_groups] == [1e-3, 1.0]
    assert [g["lr"] for g in both["generator"].param_groups] == [1e-3]


def test_a_rate_set_while_a_loop_is_open_is_kept():
    model = toy()
    optimizer = adam(model)
    kept = train(model, batches(), optimizer, steps=8, schedule=lambda s: 0.5)
    next(kept)
    optimizer.param_groups[0]["lr"] = 1e-4
    for _ in train(model, batches(), optimizer, steps=1):
        assert optimizer.param_groups[0]["lr"] == 1e-4
    kept.close()
    assert optimizer.param_groups[0]["lr"] == 1e-4


def test_a_rate_set_in_the_body_is_kept_by_a_resumed_run(tmp_path):
    def go(path, stop):
        model = toy()
        optimizer = adam(model)
        with seeded(1):
            loop = train(model, batches(), optimizer, steps=8, resume=path)
            for step in loop:
                if step.index == 3:
                    optimizer.param_groups[0]["lr"] = 1e-4
                if step.index == stop:
                    break
            loop.close()
        return weights(model)

    go(tmp_path / "cut", 5)
    assert torch.equal(go(tmp_path / "cut", 8), go(tmp_path / "whole", 8))


# What the file contradicts.

GIVEN = {
    "rate": ({"lr": 1e-4}, {}, r"lr of the model's optimizer, group 0: 0\.01"),
    "weight decay": ({"weight_decay": 0.1}, {}, "weight_decay of the model's"),
    "betas": ({"betas": (0.5, 0.9)}, {}, "betas of the model's"),
    "beta": ({}, {"beta": 4.0}, r"beta: 1\.0, and this run has 4\.0"),
    "likelihood": (
        {},
        {"likelihood": Gaussian(0.5)},
        r"likelihood\.min_std: 0\.001, and this run has 0\.5",
    ),
}


@pytest.mark.parametrize("what", list(GIVEN))
def test_a_number_that_the_file_contradicts_is_refused(what, tmp_path):
    how, built, words = GIVEN[what]
    path, model = tmp_path / "run", toy()
    loop = train(model, batches(), adam(model), steps=8, resume=path)
    next(loop)
    loop.close()
    before = path.read_bytes()
    other = toy(**built)
    start = weights(other)
    again = {"lr": 1e-2, **how}
    with pytest.raises(ValueError, match=words):
        list(train(other, batches(), adam(other, **again), steps=8, resume=path))
    assert path.read_bytes() == before and torch.equal(weights(other), start)


FALL = gm.warmup_cosine(8)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ({"data": batches(seed=4)}, "seed = 3, these Batches have seed = 4"),
        ({"data": batches(of=1)}, "saved with other data"),
        ({"schedule": None}, "a factor of the schedule at step 2"),
        ({"schedule": gm.warmup_cosine(9)}, "a factor of the schedule at step 2"),
        ({"decay": 0.5}, r"the average's decay: 0\.9, and this run has 0\.5"),
        ({"clip": 1.0}, r"clip: None, and this run has 1\.0"),
        ({"autocast": torch.bfloat16}, "autocast: None"),
        ({"double": True}, "weights of the types"),
    ],
)
def test_what_train_is_given_otherwise_is_refused(second, words, tmp_path):
    def go(stop=None, data=None, schedule=FALL, decay=0.9, double=False, **how):
        model = toy().double() if double else toy()
        how |= {"schedule": schedule, "ema": EMA(model, decay)}
        loop = train(
            model,
            data or batches(),
            adam(model),
            steps=8,
            resume=tmp_path / "run",
            **how,
        )
        for step in loop:
            if step.index == stop:
                break
        loop.close()

    go(stop=2)
    kept = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=words):
        go(**second)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == kept
    go()  # the file is still good


# Annealing.


@pytest.mark.parametrize("cut", [1, 3, 6])
def test_what_is_annealed_is_the_same_in_a_resumed_run(cut, tmp_path):
    def beta(step):
        return min(1.0, step / 6)

    def go(path, stop):
        model = toy(beta=beta)
        seen = []
        with seeded(1):
            loop = train(model, batches(), adam(model), steps=8, resume=path)
            for step in loop:
                seen.append(model.beta)
                if step.index == stop:
                    break
            loop.close()
        return weights(model), seen

    first, a = go(tmp_path / "cut", cut)
    end, b = go(tmp_path / "cut", 8)
    due, seen = go(tmp_path / "whole", 8)
    assert torch.equal(end, due) and not torch.equal(first, due)
    loaded = toy(beta=beta)
    where = tmp_path / "whole"
    assert not list(train(loaded, batches(), adam(loaded), steps=8, resume=where))
    assert loaded.beta == beta(7)  # as after the last update
    assert a + b == seen == [beta(i) for i in range(8)]


def test_the_average_is_annealed_as_the_model_is():
    model = toy(beta=lambda step: step / 10)
    ema = EMA(model)
    for _ in train(model, batches(), adam(model), steps=3, ema=ema):
        assert ema.model.beta == model.beta


def test_an_importance_weighted_bound_has_no_beta():
    for beta in (4.0, lambda step: 1.0):
        with pytest.raises(ValueError, match="no KL term to weigh"):
            IWAE(dense_vae(Gaussian(), beta=beta), 3)


# Frozen parts.


def frozen_encoder():
    model = flat_ae()
    model.encoder.requires_grad_(False).eval()
    model.encoder.add_module("noise", nn.Dropout(0.5).eval())
    return model


@pytest.mark.parametrize("mode", ["train", "eval"])
def test_frozen_parts_stay_frozen(mode):
    """Also where the model comes in eval mode, and where the body calls eval()."""
    model = frozen_encoder()
    if mode == "eval":
        model.eval()
    before = weights(model.encoder)
    modes = []
    model.encoder.register_forward_pre_hook(lambda m, _: modes.append(m[2].training))
    x = torch.rand(6, 1, 8, 8)
    for _ in train(model, [x], optimizer_for(model), steps=3):
        assert model.training and model.decoder.training
        assert not any(m.training for m in model.encoder.modules())
        model.eval()
    assert modes == [False] * 3
    assert torch.equal(weights(model.encoder), before)


def test_the_callers_choice_of_modes_stays():
    """A part in eval mode, of a model in train mode, is there on purpose."""
    model = flat_ae()
    model.decoder.eval()
    for _ in train(model, [torch.rand(6, 1, 8, 8)], optimizer_for(model), steps=2):
        assert model.encoder.training and not model.decoder.training


# Slips that are named.


def test_a_batch_that_is_spoilt_in_part_is_to_blame():
    model, x = toy(), torch.rand(8, 5)
    x[3, 2] = torch.nan
    model.check = lambda x, c=None: None  # as a model of a user's that does not look
    with pytest.raises(FloatingPointError, match="The batch itself holds values"):
        list(train(model, [x], adam(model), steps=1))
    model, x = toy(), torch.rand(8, 5)
    model.loss = lambda x, c=None: next(model.parameters()).sum() * torch.nan
    with pytest.raises(FloatingPointError, match="Lower the learning rate"):
        list(train(model, [x], adam(model), steps=1))


def test_an_average_elsewhere_or_of_another_precision_is_named():
    for moved in (torch.float64, torch.device("meta")):
        model = toy()
        average = EMA(model)
        average.model.to(moved)
        with pytest.raises(ValueError, match="differ in device or dtype"):
            train(model, batches(), adam(model), steps=1, ema=average)


@pytest.mark.parametrize("batch", [np.zeros((3, 5)), [], [torch.zeros(3, 5)] * 3, 1.0])
def test_a_batch_is_a_tensor_or_two(batch):
    with pytest.raises(TypeError, match="expected a tensor x, or x and c"):
        next(_feed.batches(toy(), [batch]))


def test_a_model_without_a_loss_says_so():
    class Nothing(gm.Model):
        event_shape = (5,)

    with pytest.raises(NotImplementedError, match="Nothing does not define a loss"):
        Nothing().loss(torch.zeros(2, 5))


def test_what_is_fed_is_looked_at_once_on_a_gpu(monkeypatch):
    """The first batch, before it goes there; a later one is trusted."""
    seen = []
    monkeypatch.setattr(_feed, "_look", lambda model, x, c: seen.append(len(x)))
    feed = _feed.batches(toy(), [torch.rand(3, 5), torch.rand(4, 5)])
    assert [len(next(feed)[0]) for _ in range(4)] == [3, 4, 3, 4]
    assert seen == [3]


def test_gradients_that_are_off_are_named():
    model = toy()
    with torch.no_grad(), pytest.raises(RuntimeError, match="no_grad"):
        list(train(model, batches(), adam(model), steps=1))
    frozen = toy().requires_grad_(False)
    with pytest.raises(RuntimeError, match="all weights are frozen"):
        list(train(frozen, batches(), adam(frozen), steps=1))


@pytest.mark.parametrize("bad", [True, "bfloat16", torch.float16])
def test_an_autocast_that_is_no_type_is_refused(bad, as_users_run_it):
    model = toy()
    with pytest.raises(TypeError, match=r"expected torch\.bfloat16 or None"):
        train(model, batches(), adam(model), steps=1, autocast=bad)


def test_an_optimizer_that_asks_for_the_loss_is_refused(as_users_run_it):
    model = toy()
    lbfgs = torch.optim.LBFGS(model.parameters())
    with pytest.raises(TypeError, match=r"LBFGS asks for the loss several times"):
        train(model, batches(), lbfgs, steps=1)


def test_a_compiled_model_is_named(as_users_run_it, tmp_path):
    model = toy()
    compiled, in_place = torch.compile(model, backend="eager"), toy()
    in_place.compile(backend="eager")
    for wrong in (compiled, in_place):
        with pytest.raises(
            TypeError, match=r"model\.net = torch\.compile\(model\.net\)"
        ):
            train(wrong, batches(), adam(wrong), steps=1)
    gm.save(compiled, tmp_path / "model")
    other = toy()
    gm.load(other, tmp_path / "model")
    assert torch.equal(weights(other), weights(model))


@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # torch's own
def test_compiled_networks_are_trained_averaged_kept_and_resumed(tmp_path):
    """As the message says; a file does not tell which parts were compiled."""
    graphs = []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    def made(compiled):
        model = toy()
        if compiled:
            torch.compiler.reset()
            model.encoder = torch.compile(model.encoder, backend=backend)
            model.decoder = torch.compile(model.decoder, backend=backend)
        return model

    def go(*turns):
        path = tmp_path / "-".join(f"{stop}{compiled}" for stop, compiled in turns)
        for stop, compiled in turns:
            model = made(compiled)
            ema = EMA(model)
            how = {"steps": stop, "ema": ema, "resume": path}
            with seeded(1):
                for _ in train(model, batches(), adam(model), **how):
                    pass
        return model, ema.model

    due, average = go((6, False))
    assert not graphs
    for turns in ([(6, True)], [(3, True), (6, False)], [(3, False), (6, True)]):
        for model, plain in zip(go(*turns), (due, average)):
            torch.testing.assert_close(weights(model), weights(plain))
    assert graphs
    gm.save(model, tmp_path / "weights")
    other = toy()
    gm.load(other, tmp_path / "weights")
    assert torch.equal(weights(other), weights(model))
    gm.load(made(True), tmp_path / "weights")


def test_any_other_module_is_named(as_users_run_it):
    net = nn.Linear(5, 5)
    with pytest.raises(TypeError, match=r"a Linear; expected a gmcourse\.Model"):
        train(net, batches(), torch.optim.Adam(net.parameters()), steps=1)


def test_a_model_that_keeps_a_graph_cannot_be_averaged():
    model = toy()
    model.last = next(model.parameters()) * 2
    with pytest.raises(ValueError, match="keeps a tensor with its graph"):
        EMA(model)


def test_players_and_optimizers_have_the_same_names(as_users_run_it):
    gan, x = TinyGAN(), [torch.rand(4, 3)]
    both = optimizer_for(gan)
    for bad in ({"critic": both["critic"]}, {**both, "judge": both["critic"]}):
        with pytest.raises(ValueError, match=r"players \['critic', 'generator'\]"):
            train(gan, x, bad, steps=1)
    gan.losses = lambda x, c=None: iter([("judge", gan.critic(x).mean())])
    with pytest.raises(ValueError, match="yielded 'judge'"):
        list(train(gan, x, both, steps=1))


def test_a_default_device_does_not_reach_the_order_of_batches():
    with torch.device("meta"):
        stream = data.Batches(torch.arange(6, device="cpu"), batch_size=3)
        assert next(stream).device.type == "cpu"


def test_a_fixed_gaussian_knows_its_std():
    """An object in a model is part of what the run was given."""
    from gmcourse._given import numbers_of

    model = dense_vae(FixedGaussian(0.25))
    assert numbers_of(model)["likelihood.std"] == 0.25
    assert numbers_of(model)["latent_dim"] == 2
