"""What chapter 05 builds computes what the library ships."""

import math

import pytest
import torch
from parity import build_namespace, parity
from torch.nn.utils.parametrizations import spectral_norm

from gmcourse import augment, gan, metrics, seeded, style, translation
from gmcourse.nets import mlp

CHAPTER = "05_wasserstein_style_and_translation"
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


@parity("05_wasserstein_style_and_translation", "wasserstein_distance")
@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 7), (5, 12)])
def test_distance_on_a_line(notebook, n, m):
    with seeded(n):
        x, y = 3 * torch.randn(n).double(), torch.randn(m).double().round()
    mine = notebook["wasserstein_distance"](x, y)
    assert float(mine) == pytest.approx(metrics.wasserstein_distance(x, y), abs=1e-12)


@parity("05_wasserstein_style_and_translation", "gradient_penalty")
def test_gradient_penalty_and_its_gradient(notebook):
    with seeded(1):
        critic, real, fake = mlp(4, 8, 1), torch.randn(6, 4), torch.randn(6, 4)
    found = []
    for penalty in notebook["gradient_penalty"], gan.gradient_penalty:
        with seeded(2):  # the same points between
            value = penalty(critic, real, fake)
        slopes = torch.autograd.grad(value, list(critic.parameters())[:-1])
        found.append([value, *slopes])
    for mine, theirs in zip(*found):
        equal(mine, theirs)


@parity("05_wasserstein_style_and_translation", "largest_singular")
def test_power_iteration_is_that_of_torch(notebook):
    with seeded(3):
        layer = torch.nn.Linear(7, 5).double()
        weight = layer.weight.detach().clone()
    layer = spectral_norm(layer, n_power_iterations=1, eps=1e-12)
    for _ in range(300):
        layer(torch.zeros(1, 7).double())  # one iteration at each call
    theirs = layer.weight.detach()
    estimate, _ = notebook["largest_singular"](weight, torch.ones(5).double(), 300)
    equal(weight / estimate, theirs)
    equal(estimate, torch.linalg.matrix_norm(weight, 2))


@parity("05_wasserstein_style_and_translation", "relativistic")
def test_relativistic_losses(notebook):
    with seeded(4):
        real, fake = 5 * torch.randn(20), 5 * torch.randn(20)
    game = gan.Relativistic()
    critic, generator = notebook["relativistic"](real, fake)
    equal(critic, game.critic(real, fake).mean())
    equal(generator, game.generator(fake, real).mean())


@parity("05_wasserstein_style_and_translation", "ModulatedConv")
@pytest.mark.parametrize("demodulate", [True, False])
def test_modulated_convolution(notebook, demodulate):
    how = {"demodulate": demodulate}
    mine = notebook["ModulatedConv"](3, 4, 3, 5, **how)
    theirs = style.ModulatedConv(3, 4, 3, 5, **how)
    mine.load_state_dict(theirs.state_dict())
    with seeded(5):
        x, w = torch.randn(2, 3, 6, 6), torch.randn(2, 5)
    equal(mine(x, w), theirs(x, w))


@parity("05_wasserstein_style_and_translation", "path_lengths")
def test_path_lengths(notebook):
    generator = style.StyleGenerator(4, (1, 8, 8), width=4, style_width=6)
    with seeded(6):
        z = torch.randn(3, 4)
    with seeded(7):
        mine = notebook["path_lengths"](generator.synthesis, generator.mapping(z))
    with seeded(7):
        theirs = style.PathLength().lengths(generator, z)
    equal(mine, theirs)


@parity("05_wasserstein_style_and_translation", "sometimes", "mirror")
def test_transformed_pictures(notebook):
    with seeded(8):
        x = torch.rand(400, 1, 4, 4)
    for p in 0.0, 1.0:
        kept = notebook["sometimes"](lambda x: x + 1, x, p)
        equal(kept, augment.Augment((lambda x: x + 1,), p=p)(x))
    flipped = []
    for mirror in notebook["mirror"], augment.mirror:
        with seeded(9):
            y = mirror(x)
        flipped.append((y != x).flatten(1).any(1))
        equal(y[flipped[-1]], x.flip(3)[flipped[-1]])
    for each in flipped:  # a coin: 5 standard deviations
        assert abs(each.float().mean() - 0.5) < 5 * 0.5 / math.sqrt(len(x))


@parity("05_wasserstein_style_and_translation", "thermostat")
def test_thermostat(notebook):
    for values in torch.ones(8), -torch.ones(8), torch.tensor([1.0] * 7 + [-1.0]):
        for p in 0.0, 0.3, 1.0:
            seen = augment.Augment(p=p, images=20_000).train()
            seen.observe(values)
            assert notebook["thermostat"](p, values) == pytest.approx(float(seen.p))


@parity("05_wasserstein_style_and_translation", "cycle_loss")
def test_cycle_loss(notebook):
    shapes = {"source_shape": (1, 4, 4), "event_shape": (1, 4, 4)}
    nets = [torch.nn.Conv2d(1, 1, 1) for _ in range(2)]
    critics = [torch.nn.Conv2d(1, 1, 4) for _ in range(2)]
    with seeded(10):
        a, b = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4)

    def generators_loss(weight):
        model = translation.CycleGAN(
            *nets, *critics, gan.LeastSquares(), cycle_weight=weight, **shapes
        )
        return dict(model.losses(b, a))["generator"]

    difference = generators_loss(1.0) - generators_loss(0.0)
    equal(difference, notebook["cycle_loss"](*nets, a, b))
