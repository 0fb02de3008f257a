"""The battery: every check of the contract, on every model."""

import pytest
import torch
from models import CANNOT_SAMPLE, MODELS, batch_for, optimizer_for

import gmcourse as gm
from gmcourse import EMA, seeded, train

ALL = pytest.mark.parametrize("name", list(MODELS))
# A GAN's losses are functions of two players, and neither has to fall.
ONE_PLAYER = pytest.mark.parametrize(
    "name", [n for n in MODELS if not n.startswith("gan")]
)
SAMPLERS = pytest.mark.parametrize(
    "name", [n for n in MODELS if n not in CANNOT_SAMPLE]
)


@pytest.fixture
def model(name):
    with seeded(1):
        return MODELS[name]()


def labels(model, n):
    return torch.arange(n) % model.classes if model.classes else None


@ALL
def test_losses_are_finite_scalars_for_any_batch_size(model, name):
    for n in (1, 6):
        for player, loss in model.losses(*batch_for(model, n)):
            assert isinstance(player, str)
            assert loss.shape == () and loss.dtype == torch.float32
            assert loss.isfinite() and loss.requires_grad


@ONE_PLAYER
def test_loss_is_a_batch_mean(model, name):
    """Doubling the batch with copies changes the loss only by its own noise."""
    x, c = batch_for(model, 200)
    with torch.no_grad():
        many = torch.stack([model.loss(x, c) for _ in range(20)])
        twice = None if c is None else torch.cat([c, c])
        double = torch.stack([model.loss(torch.cat([x, x]), twice) for _ in range(20)])
    spread = (many.var() / 20 + double.var() / 20).sqrt() + 1e-4 * many.mean().abs()
    assert (many.mean() - double.mean()).abs() < 6 * spread


@ALL
def test_gradients_reach_every_parameter(model, name):
    with torch.no_grad():
        # A layer that starts at zero would stop the gradient of what lies before it.
        for p in model.parameters():
            p.add_(0.05 * torch.randn_like(p))
    for _, loss in model.losses(*batch_for(model)):
        loss.backward()
    for key, p in model.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, key


@SAMPLERS
def test_samples_have_the_shape_and_carry_no_gradient(model, name):
    for n in (1, 5):
        x = model.sample(n, labels(model, n))
        assert x.shape == (n, *model.event_shape) and x.dtype == torch.float32
        assert not x.requires_grad and x.isfinite().all()


@SAMPLERS
def test_sampling_is_done_in_eval_mode_and_restores_every_part(model, name):
    """Also where a caller keeps one part frozen while the rest trains."""
    during, draw = [], model.draw

    def watched(*args, **how):
        during.extend(m.training for m in model.modules())
        return draw(*args, **how)

    model.draw = watched
    for mode in (True, False):
        modules = list(model.train(mode).modules())
        modules[-1].train(not mode)
        model.sample(2, labels(model, 2))
        assert [m.training for m in modules] == [mode] * (len(modules) - 1) + [not mode]
    assert during and not any(during)


@SAMPLERS
def test_seeds_decide_the_samples_and_restore_the_outer_stream(model, name):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with seeded(3):
        first = model.sample(4, labels(model, 4))
    assert torch.equal(torch.rand(3), expected)
    with seeded(3):
        assert torch.equal(first, model.sample(4, labels(model, 4)))
    with seeded(4):
        assert not torch.equal(first, model.sample(4, labels(model, 4)))


@pytest.mark.parametrize("name", sorted(CANNOT_SAMPLE))
def test_what_cannot_sample_says_why(model, name):
    with pytest.raises(NotImplementedError, match="no distribution over its codes"):
        model.sample(1)


@ALL
def test_save_and_load_round_trip(model, name, tmp_path):
    gm.save(model, tmp_path / "model.safetensors", note="kept")
    with seeded(2):
        other = MODELS[name]()
    assert gm.load(other, tmp_path / "model.safetensors") == {"note": "kept"}
    for key, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[key], value), key


@ALL
def test_trains_with_ema_clipping_and_bfloat16(model, name):
    """Two updates: every player moves, the average lags, the losses stay float32."""
    before = {k: p.clone() for k, p in model.named_parameters()}
    ema, x_c = EMA(model), batch_for(model)
    steps = list(
        train(
            model,
            [x_c if x_c[1] is not None else x_c[0]],
            optimizer_for(model),
            steps=2,
            ema=ema,
            clip=1.0,
            autocast=torch.bfloat16,
        )
    )
    assert [s.index for s in steps] == [1, 2]
    players = set(steps[0].losses)
    assert players == set(steps[0].grad_norms)
    assert all(v.isfinite() for s in steps for v in s.losses.values())
    assert all(p.dtype == torch.float32 for p in model.parameters())
    moved = {k for k, p in model.named_parameters() if not torch.equal(p, before[k])}
    assert {k.split(".")[0] for k in moved} == {k.split(".")[0] for k in before}


@ONE_PLAYER
def test_loss_goes_down_on_one_batch(model, name):
    """Not a proof of anything, but a model that cannot do this is broken."""
    x, c = batch_for(model, 32)
    with seeded(0), torch.no_grad():
        before = torch.stack([model.loss(x, c) for _ in range(10)]).mean()
    batch = x if c is None else (x, c)
    for _ in train(model, [batch], optimizer_for(model, 3e-3), steps=60):
        pass
    with seeded(0), torch.no_grad():
        after = torch.stack([model.loss(x, c) for _ in range(10)]).mean()
    assert after < before


@ALL
def test_wrong_input_is_refused(model, name, as_users_run_it):
    x, c = batch_for(model)
    cases = {
        "shape": (torch.zeros(6, 99), c, ValueError, "shape"),
        "no batch axis": (x[0], c, ValueError, "shape"),
        "empty": (x[:0], None if c is None else c[:0], ValueError, "at least 1"),
        "integers": ((x * 255).byte(), c, TypeError, "to_unit"),
        "no tensor": (x.numpy(), c, TypeError, "float tensor"),
    }
    for bad, label, error, words in cases.values():
        with pytest.raises(error, match=words):
            list(model.losses(bad, label))
    for n in (0, -1, 2.0, True, "3"):
        with pytest.raises(ValueError, match="positive integer"):
            model.sample(n, c)


@pytest.mark.parametrize("name", ["conditional vae", "conditional iwae"])
def test_wrong_conditions_are_refused(model, name, as_users_run_it):
    x, c = batch_for(model)
    for bad, words in (
        (None, "is conditional"),
        (c[:-1], "shape"),
        (c.float(), "int64"),
        (c + 99, "0 to 2"),
        (c - 1, "0 to 2"),
    ):
        with pytest.raises(ValueError, match=words):
            model.loss(x, bad)
        with pytest.raises(ValueError, match=words):
            model.sample(len(x), bad)


def test_a_condition_for_an_unconditional_model_is_refused():
    model = MODELS["vae conv logistic"]()
    with pytest.raises(ValueError, match="takes no condition"):
        model.sample(2, torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize("name", ["conditional vae", "conditional iwae"])
def test_the_condition_is_used(model, name):
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.1 * torch.randn_like(p))
    zeros, ones = torch.zeros(4, dtype=torch.int64), torch.ones(4, dtype=torch.int64)
    with seeded(0):
        a = model.sample(4, zeros, mean=True)
    with seeded(0):
        b = model.sample(4, ones, mean=True)
    assert (a - b).abs().max() > 1e-4


@pytest.mark.cuda
@ALL
def test_on_a_gpu(model, name):
    """The same loss as on the CPU in distribution, samples on the device, training."""
    model.cuda()
    x, c = batch_for(model)
    x, c = x.cuda(), None if c is None else c.cuda()
    for _, loss in model.losses(x, c):
        assert loss.device.type == "cuda" and loss.isfinite()
    if name not in CANNOT_SAMPLE:
        assert model.sample(3, labels(model, 3)).device.type == "cuda"
    batch = x if c is None else (x, c)
    optimizer, bf16 = optimizer_for(model), torch.bfloat16
    for step in train(model, [batch], optimizer, steps=3, autocast=bf16):
        assert all(v.isfinite() for v in step.losses.values())
