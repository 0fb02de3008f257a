"""What a run owes its caller: nothing is lost, and nothing given is dropped."""

import os
import signal

import pytest
import torch
from models import TinyGAN, dense_vae, flat_ae, optimizer_for
from torch import nn

import gmcourse as gm
from gmcourse import EMA, checkpoint, data, seeded, train
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
        ({"schedule": None}, "a schedule, at step 2 the factor"),
        ({"schedule": gm.warmup_cosine(9)}, "a schedule, at step 2 the factor"),
        ({"decay": 0.5}, r"the average's decay: 0\.9, and this run has 0\.5"),
    ],
)
def test_what_train_is_given_otherwise_is_refused(second, words, tmp_path):
    def go(stop=None, data=None, schedule=FALL, decay=0.9):
        model = toy()
        how = {"schedule": schedule, "ema": EMA(model, decay)}
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
    with pytest.raises(ValueError, match=words):
        go(**second)
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


# Slips that are named.


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


def test_a_compiled_model_is_named(as_users_run_it, tmp_path):
    model = toy()
    compiled = torch.compile(model, backend="eager")
    with pytest.raises(TypeError, match=r"compile a network in place, model\.net"):
        train(compiled, batches(), adam(model), steps=1)
    gm.save(compiled, tmp_path / "model")
    with pytest.raises(ValueError, match=r"model\._orig_mod"):
        gm.load(model, tmp_path / "model")


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
