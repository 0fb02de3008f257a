"""The training loop: players in turn, resume to the bit, stop at the first NaN."""

import math
import os
import signal
import subprocess
import sys
import textwrap
import time
import types

import pytest
import torch
from models import TinyGAN, dense_vae, optimizer_for
from torch import nn

import gmcourse as gm
from gmcourse import EMA, _watch, checkpoint, data, seeded, train
from gmcourse.likelihoods import Gaussian


def toy(seed=0, n=40):
    with seeded(seed):
        model = dense_vae(Gaussian())
        x = torch.randn(n, 5)
    return model, data.Batches(x, batch_size=8, seed=3)


def adam(model):
    return torch.optim.Adam(model.parameters(), lr=1e-2)


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


class Recorder(gm.Model):
    """A two-player model that writes down the order of what happens to it."""

    event_shape = (1,)

    def players(self):
        return {"a": [self.a], "b": [self.b]}

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.0))
        self.b = nn.Parameter(torch.tensor(1.0))
        self.seen = []

    def losses(self, x, c=None):
        self.seen.append(("a", self.a.item(), self.b.item()))
        yield "a", self.a * self.b.detach()
        self.seen.append(("b", self.a.item(), self.b.item()))
        yield "b", self.b * self.a.detach()


def test_players_take_turns():
    """The second loss is computed after the first player's update."""
    model = Recorder()
    sgd = {k: torch.optim.SGD([getattr(model, k)], lr=0.5) for k in "ab"}
    list(train(model, [torch.zeros(1, 1)], sgd, steps=1))
    # a: 1 - 0.5 * b = 0.5; then b: 1 - 0.5 * a(new) = 0.75
    assert model.seen == [("a", 1.0, 1.0), ("b", 0.5, 1.0)]
    assert (model.a.item(), model.b.item()) == (0.5, 0.75)


def test_one_players_gradient_does_not_leak_into_the_other():
    """The generator's backward pass fills the critic's gradients; they must go."""
    with seeded(0):
        gan = TinyGAN()
    sgd = {
        "critic": torch.optim.SGD(gan.critic.parameters(), lr=0.1),
        "generator": torch.optim.SGD(gan.generator.parameters(), lr=0.0),
    }
    x = torch.randn(8, 3)
    with seeded(5):
        for _ in train(gan, [x], sgd, steps=2):
            pass
    trained = weights(gan.critic)
    with seeded(0):
        alone = TinyGAN()
    with seeded(5):
        for _ in range(2):
            for player, loss in alone.losses(x):
                if player == "critic":
                    alone.critic.zero_grad()
                    loss.backward()
                    with torch.no_grad():
                        for p in alone.critic.parameters():
                            p -= 0.1 * p.grad
    torch.testing.assert_close(trained, weights(alone.critic))


def test_schedule_sets_the_learning_rate_of_each_update():
    model, batches = toy()
    optimizer, rates = adam(model), []
    for _ in train(model, batches, optimizer, steps=3, schedule=lambda s: 1 / (s + 1)):
        rates.append(optimizer.param_groups[0]["lr"])
    assert rates == pytest.approx([1e-2, 1e-2 / 2, 1e-2 / 3])


def test_warmup_cosine():
    factor = gm.warmup_cosine(10, warmup=4)
    values = [factor(s) for s in range(11)]
    assert values[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert values[4] == 1.0 and values[7] == pytest.approx(0.5)
    assert values[10] == pytest.approx(0.0)


def test_clipping_bounds_the_update_and_reports_the_norm_before():
    model, batches = toy()
    sgd = torch.optim.SGD(model.parameters(), lr=1.0)
    before = weights(model)
    (step,) = train(model, batches, sgd, steps=1, clip=1e-3)
    assert step.grad_norms["model"] > 1e-3
    assert (weights(model) - before).norm() <= 1e-3 * 1.001


def test_ema_is_the_average_it_claims_to_be():
    net = nn.Linear(1, 1, bias=False)
    ema = EMA(net, decay=0.5)
    expected = net.weight.item()
    for k, value in enumerate([2.0, -1.0, 3.0], start=1):
        nn.init.constant_(net.weight, value)
        ema.update()
        decay = min(0.5, (1 + k) / (10 + k))
        expected = decay * expected + (1 - decay) * value
        assert ema.model.weight.item() == pytest.approx(expected)
    assert net.weight.item() == 3.0 and not ema.model.weight.requires_grad


def test_ema_copies_buffers():
    net = nn.BatchNorm1d(2)
    ema = EMA(net)
    net(torch.randn(8, 2) + 5)
    ema.update()
    torch.testing.assert_close(ema.model.running_mean, net.running_mean)


def test_the_body_may_leave_the_model_in_eval_mode():
    model, batches = toy()
    for _ in train(model, batches, adam(model), steps=2):
        assert model.training
        model.eval()


def test_a_finite_iterable_is_started_again():
    model, _ = toy()
    loader = [torch.randn(4, 5) for _ in range(2)]
    assert len(list(train(model, loader, adam(model), steps=5))) == 5


def run_to(path, steps, total=12, ema=True, damage=None):
    """Train ``steps`` of ``total`` updates, as one process would, from ``path``."""
    model, batches = toy()
    average = EMA(model, 0.9) if ema else None
    with seeded(11):
        for step in train(
            model,
            batches,
            adam(model),
            steps=total,
            ema=average,
            schedule=gm.warmup_cosine(total),
            resume=path,
            save_seconds=0.0,
        ):
            if step.index == steps:
                break
    return model, average


def resumed(path, cut):
    """Stop after ``cut`` saved updates; go on with a fresh process's objects."""
    run_to(path, cut + 1)  # the break comes before the save of step cut + 1
    return run_to(path, 12)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return run_to(tmp_path_factory.mktemp("run") / "run", 12)


@pytest.mark.parametrize("cut", [1, 4, 5, 11])  # an epoch has 5 batches
def test_a_resumed_run_ends_bit_for_bit_like_a_whole_one(cut, whole, tmp_path):
    model, ema = resumed(tmp_path / "run", cut)
    assert torch.equal(weights(model), weights(whole[0]))
    assert torch.equal(weights(ema.model), weights(whole[1].model))


def test_a_finished_run_is_only_loaded(tmp_path, whole):
    run_to(tmp_path / "run", None)
    (model, _), (_, batches) = toy(seed=9), toy()
    steps = train(
        model,
        batches,
        adam(model),
        steps=12,
        ema=EMA(model, 0.9),
        schedule=gm.warmup_cosine(12),
        resume=tmp_path / "run",
    )
    assert list(steps) == []
    assert torch.equal(weights(model), weights(whole[0]))


def test_two_players_resume(tmp_path):
    def go(path, stop):
        with seeded(0):
            gan = TinyGAN()
            batches = data.Batches(torch.randn(20, 3), batch_size=5)
        with seeded(1):
            for step in train(
                gan, batches, optimizer_for(gan), steps=9, resume=path, save_seconds=0.0
            ):
                if step.index == stop:
                    break
        return weights(gan)

    go(tmp_path / "a", 5)
    assert torch.equal(go(tmp_path / "a", None), go(tmp_path / "b", None))


SCRIPT = """
    import sys, torch
    torch.set_num_threads(1)
    import gmcourse as gm
    from gmcourse import data
    from gmcourse.likelihoods import Bernoulli
    from gmcourse.nets import mlp
    from gmcourse.vae import VAE
    path, out = sys.argv[1:]
    torch.manual_seed(0)
    x = (torch.rand(64, 300) > 0.5).float()
    shape = {"latent_dim": 4, "event_shape": (300,)}
    model = VAE(mlp(300, 64, 8), mlp(4, 64, 300), Bernoulli(), **shape)
    ema = gm.EMA(model)
    adam = torch.optim.Adam(model.parameters(), 1e-3)
    batches = data.Batches(x, batch_size=16)
    print("ready", flush=True)
    for step in gm.train(model, batches, adam, steps=60, ema=ema, resume=path,
                         save_seconds=0.0):
        pass
    gm.save(ema.model, out)
"""


@pytest.mark.slow
def test_killed_at_any_moment_also_while_saving(tmp_path):
    """SIGKILL again and again; the end is bit-identical to a run left in peace.

    With a save after every update a kill lands inside a save most of the time.
    """
    script = tmp_path / "run.py"
    script.write_text(textwrap.dedent(SCRIPT))

    def start(name):
        command = [sys.executable, script, tmp_path / name, tmp_path / f"{name}.out"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    peaceful = start("a")
    for attempt in range(6):
        process = start("b")
        process.stdout.readline()
        time.sleep(0.01 + 0.04 * attempt)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
    last = start("b")
    for process in (last, peaceful):
        process.communicate(timeout=120)
        assert process.returncode == 0
    a, _ = checkpoint.read(tmp_path / "a.out")
    b, _ = checkpoint.read(tmp_path / "b.out")
    assert a.keys() == b.keys()
    assert all(torch.equal(a[k], b[k]) for k in a)


DAMAGE = {
    "bit flip": lambda blob: flip(blob, len(blob) // 2),
    "bit flip in the header": lambda blob: flip(blob, 40),
    "cut off": lambda blob: blob[: len(blob) // 3],
    "empty": lambda blob: b"",
    "zero block": lambda blob: blob[:-600] + bytes(512) + blob[-88:],
    "a web page": lambda blob: b"<!doctype html><title>404</title>" * 40,
}


def flip(blob, where):
    return blob[:where] + bytes([blob[where] ^ 4]) + blob[where + 1 :]


@pytest.mark.parametrize("kind", list(DAMAGE))
def test_a_damaged_checkpoint_is_named_and_the_previous_one_used(kind, tmp_path, whole):
    path = tmp_path / "run"
    run_to(path, 6)  # saved after steps 1 to 5; the file before holds step 4
    path.write_bytes(DAMAGE[kind](path.read_bytes()))
    with pytest.warns(UserWarning, match=r"damaged.*going on from run\.previous"):
        model, _ = run_to(path, 12)
    assert torch.equal(weights(model), weights(whole[0]))
    assert path.with_name("run.set-aside").exists()


def test_another_models_checkpoint_is_named_and_kept(tmp_path):
    path = tmp_path / "run"
    run_to(path, 3)
    blob = path.read_bytes()
    path.with_name("run.previous").unlink()
    with seeded(0):
        gan = TinyGAN(dim=5)
    batches = data.Batches(torch.randn(10, 5), batch_size=5)
    with pytest.raises(ValueError, match=r"another model \(VAE\)"):
        list(train(gan, batches, optimizer_for(gan), steps=2, resume=path))
    assert path.read_bytes() == blob


def test_two_damaged_checkpoints_stop_the_run_and_lose_nothing(tmp_path):
    path = tmp_path / "run"
    run_to(path, 4)
    for file in (path, path.with_name("run.previous")):
        file.write_bytes(b"no")
    with pytest.raises(ValueError, match="Nothing was changed"):
        run_to(path, 12)
    assert path.read_bytes() == b"no"


def test_no_space_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run"
    run_to(path, 4)
    good = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.os, "fsync", full)
    with pytest.raises(OSError, match=r"could not write .*No space left.*untouched"):
        run_to(path, 12)
    assert path.read_bytes() == good
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run", "run.previous"]


def test_checkpoints_hold_no_pickle(tmp_path):
    path = tmp_path / "run"
    run_to(path, 3)
    for opcode in (b"cnumpy", b"c__builtin__", b"ctorch", b"\x80\x04\x95"):
        assert opcode not in path.read_bytes()


class Explosive(gm.GenerativeModel):
    """Finite for a while, and then not."""

    event_shape = (1,)

    def __init__(self, at):
        super().__init__()
        self.w, self.end, self.calls = nn.Parameter(torch.ones(())), at, 0

    def loss(self, x, c=None):
        self.calls += 1
        return self.w * (float("nan") if self.calls == self.end else 1.0)


def test_a_loss_that_is_not_finite_stops_the_run_before_its_update(tmp_path):
    model = Explosive(at=3)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = data.Batches(torch.zeros(4, 1), batch_size=2)
    path, done = tmp_path / "run", []
    with pytest.raises(FloatingPointError) as caught:
        for step in train(model, batches, sgd, steps=9, resume=path, save_seconds=0.0):
            done.append(step.index)
    assert done == [1, 2]
    text = str(caught.value)
    assert "step 3" in text and "'model'" in text and f"{path}, of step 2" in text
    assert model.w.item() == pytest.approx(0.8)


def test_bad_data_is_blamed_where_it_is_to_blame():
    model, _ = toy()
    bad = torch.full((4, 5), float("nan"))
    with pytest.raises(FloatingPointError, match="batch itself holds values"):
        list(train(model, [bad], adam(model), steps=1))


@pytest.mark.cuda
def test_a_loss_that_is_not_finite_stops_a_gpu_run_one_step_later():
    model = Explosive(at=3).cuda()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(FloatingPointError, match="step 3"):
        list(train(model, [torch.zeros(2, 1)], sgd, steps=9))
    assert model.calls <= 4


@pytest.mark.cuda
def test_nothing_waits_for_the_gpu():
    """A step may not synchronize: reading a tensor is the caller's decision."""
    model, batches = toy()
    model.cuda()
    batches = data.Batches(batches.x, batch_size=8, device="cuda")
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    list(train(model, batches, optimizer, steps=5))
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in train(model, batches, optimizer, steps=3):
            pass
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_an_average_of_the_net_alone_is_not_the_models():
    """Whose weights are all of the model's."""

    class Around(gm.Model):
        event_shape = (2,)

        def __init__(self):
            super().__init__()
            self.net = nn.Linear(2, 2)

        def loss(self, x, c=None):
            return self.net(x).square().mean()

    model, data = Around(), [torch.randn(4, 2)]
    with pytest.raises(ValueError, match="another model"):
        train(model, data, adam(model), steps=1, ema=EMA(model.net))
    list(train(model, data, adam(model), steps=1, ema=EMA(model)))


def test_arguments_that_do_not_fit_are_refused_before_training(as_users_run_it):
    model, batches = toy()
    optimizer = adam(model)
    with pytest.raises(ValueError, match="steps is -1"):
        train(model, batches, optimizer, steps=-1)
    with pytest.raises(ValueError, match="clip is 0"):
        train(model, batches, optimizer, steps=1, clip=0)
    with pytest.raises(ValueError, match="another model"):
        train(model, batches, optimizer, steps=1, ema=EMA(toy()[0]))
    with pytest.raises(ValueError, match=r"use gmcourse\.data\.Batches"):
        train(model, [batches.x], optimizer, steps=1, resume="anywhere")
    with pytest.raises(ValueError, match="data is empty"):
        list(train(model, [], optimizer, steps=1))
    with pytest.raises(ValueError, match="pass one for each"):
        gan = TinyGAN(dim=5)
        one = torch.optim.Adam(gan.parameters())
        list(train(gan, batches, one, steps=1))


def test_a_loss_that_is_no_scalar_tensor_is_refused(as_users_run_it):
    class Forgot(Explosive):
        def loss(self, x, c=None):
            return self.w * torch.ones(len(x))

    model = Forgot(0)
    sgd = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(ValueError, match="expected a scalar"):
        list(train(model, [torch.zeros(2, 1)], sgd, steps=1))
    Forgot.loss = lambda self, x, c=None: 1.5
    with pytest.raises(ValueError, match="<class 'float'>; expected a scalar"):
        list(train(model, [torch.zeros(2, 1)], sgd, steps=1))


def test_progress_leaves_nothing_behind(capsys, monkeypatch):
    """What a terminal shows in the end is an empty line."""
    clock = iter(range(0, 100_000, 2))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    model, batches = toy()
    list(train(model, batches, adam(model), steps=3, progress=True))
    out = capsys.readouterr().out
    assert "step 2/3" in out and "\n" not in out
    assert out.split("\r")[-1] == "" and out.split("\r")[-2].strip() == ""


def test_without_progress_nothing_is_written(capsys):
    model, batches = toy()
    list(train(model, batches, adam(model), steps=3))
    assert capsys.readouterr() == ("", "")


def test_progress_is_shown_at_most_twice_a_second(capsys, monkeypatch):
    moments = [0.0, 0.4, 0.6, 1.0, 1.2]
    clock = iter(moments)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    line, shown = _watch.Line(10, True), []
    for step in range(1, len(moments)):
        line.show(step, {"loss": torch.tensor(1.0)})
        shown.append(bool(capsys.readouterr().out))
    assert shown == [False, True, False, True]


def test_progress_tells_the_rate_and_what_is_left(capsys, monkeypatch):
    """Of a run taken up after step 4: six steps in three seconds, then two more."""
    clock = iter([10.0, 10.1, 13.0, 14.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    line = _watch.Line(20, True)
    said = []
    for step in (5, 10, 12):
        line.show(step, {"loss": torch.tensor(1.5)})
        said.append(capsys.readouterr().out.strip())
    assert said == [
        "",
        "step 10/20, loss 1.5, 2 steps/s, 5 s left",
        "step 12/20, loss 1.5, 2 steps/s, 4 s left",
    ]


def test_the_default_device_is_one(monkeypatch):
    for there, kind in ((False, "cpu"), (True, "cuda")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there: there)
        assert gm.default_device() == torch.device(kind)


def test_a_spread_is_one_run_for_each_seed():
    with seeded(5):
        values = gm.spread(lambda: (torch.rand(()), 1.0), seeds=3)
        after = torch.rand(())
    with seeded(5):
        assert after == torch.rand(())  # the stream outside goes on untouched
    assert values.shape == (3, 2) and values.dtype == torch.float64
    for seed, row in enumerate(values):
        with seeded(seed):
            assert row.tolist() == [torch.rand(()).item(), 1.0]
    weight = torch.ones(2, requires_grad=True)
    assert not gm.spread(lambda: 2 * weight).requires_grad
    assert len(gm.spread(lambda: 1)) == 5
    for bad in (1, 2.5):
        with pytest.raises((ValueError, TypeError)):
            gm.spread(lambda: 1.0, seeds=bad)


@pytest.mark.parametrize(("there", "due"), [(True, "gpu"), (False, "cpu")])
def test_the_default_scale_follows_the_machine(monkeypatch, there, due):
    monkeypatch.delenv("GMCOURSE_SCALE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there)
    assert gm.scale() == due


def test_scale_and_budget(monkeypatch):
    monkeypatch.setenv("GMCOURSE_SCALE", "smoke")
    assert gm.budget(smoke=1, cpu=2, gpu=3) == 1
    monkeypatch.setenv("GMCOURSE_SCALE", "cpu")
    assert gm.budget(smoke=1, cpu=2, gpu=3) == 2
    monkeypatch.setenv("GMCOURSE_SCALE", "smoke ")  # set ...=smoke & jupyter lab
    assert gm.scale() == "smoke"
    monkeypatch.setenv("GMCOURSE_SCALE", "huge")
    with pytest.raises(ValueError, match="smoke, cpu or gpu"):
        gm.scale()


def test_a_negative_time_between_saves_is_refused():
    model = dense_vae(Gaussian())
    adam = torch.optim.Adam(model.parameters())
    with pytest.raises(ValueError, match=r"save_seconds is -0.5; expected 0 or more"):
        train(model, [torch.rand(4, 5)], adam, steps=1, save_seconds=-0.5)


def test_a_verdict_that_is_on_its_way_is_waited_for(monkeypatch):
    """On a GPU: at the end of a loop, and before the next verdict."""

    class Event:
        waited = False

        def synchronize(self):
            self.waited = True

    model, event, settled = dense_vae(Gaussian()), Event(), []
    adam = torch.optim.Adam(model.parameters())
    settle = _watch.Watch.settle

    def seen(watch):
        settled.append(watch.run.step)
        if watch.run.step == 3:
            late = event, 3, "model", torch.tensor(False), torch.rand(4, 5)
            watch.pending = late
        settle(watch)

    monkeypatch.setattr(_watch.Watch, "settle", seen)
    with pytest.raises(FloatingPointError, match=r"step 3"):
        list(train(model, [torch.rand(4, 5)], adam, steps=3))
    assert event.waited and settled[-1] == 3


def test_on_a_gpu_a_verdict_is_read_one_step_later(monkeypatch, as_users_run_it):
    """So that nothing waits; with CUDA's events pretended."""

    class There(torch.Tensor):
        device = torch.device("cuda", 0)

    class Event:
        def record(self, stream):
            assert stream == ("stream of", There.device)

        def synchronize(self):
            pass

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda d: ("stream of", d))
    run = types.SimpleNamespace(step=0, last_good=lambda: "None was kept.")
    watch, x = _watch.Watch(run), torch.rand(4, 5)
    for step, value in ((0, 1.0), (1, math.nan)):
        run.step = step
        weight = torch.tensor(value, requires_grad=True)
        watch.look("model", (2 * weight).as_subclass(There), x)
    run.step = 2
    with pytest.raises(FloatingPointError, match="step 2: the loss of player 'model'"):
        watch.look("model", (2 * weight).as_subclass(There), x)


def test_an_optimizer_may_hold_more_than_the_model():
    model, other = dense_vae(Gaussian()), nn.Parameter(torch.ones(1))
    adam = torch.optim.Adam([other, *model.parameters()])
    assert len(list(train(model, [torch.rand(4, 5)], adam, steps=2))) == 2


def test_labels_are_looked_at_where_a_loss_does_not():
    class Careless(gm.Model):
        event_shape, condition = (3,), gm.Labels(3)

        def __init__(self):
            super().__init__()
            self.net = nn.Linear(3, 1)

        def loss(self, x, c=None):
            return self.net(x).mean()

    model = Careless()
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    wrong = [(torch.rand(4, 3), torch.tensor([0, 1, 2, 7]))]
    with pytest.raises(ValueError, match=r"7"):
        next(train(model, wrong, sgd, steps=1))


def test_a_doubled_rate_of_the_caller_stays():
    model = dense_vae(Gaussian())
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in train(model, [torch.rand(4, 5)], sgd, steps=2):
        sgd.param_groups[0]["lr"] = 0.2
    assert sgd.param_groups[0]["lr"] == 0.2
