"""What chapter 04 builds computes what the library ships."""

import copy

import pytest
import torch
from parity import build_namespace, parity
from torch import nn

import gmcourse as gm
from gmcourse import gan, seeded
from gmcourse.nets import mlp

CHAPTER = "04_generative_adversarial_networks"
SIZES = {"latent_dim": 3, "event_shape": (2,)}
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


@pytest.fixture
def values():
    """The critic's values of real and of made examples, small and huge."""
    with seeded(0):
        scale = torch.tensor([1.0, 5.0, 50.0, 1000.0]).repeat(5)
        return scale * torch.randn(20), scale * torch.randn(20)


def nets():
    tanh = {"activation": nn.Tanh}
    return mlp(3, 8, 2, **tanh), mlp(2, 8, 1, **tanh)


@parity("04_generative_adversarial_networks", "critic_loss")
def test_critic_loss(notebook, values):
    theirs = gan.NonSaturating().critic(*values).mean()
    equal(notebook["critic_loss"](*values), theirs)
    equal(gan.Saturating().critic(*values).mean(), theirs)


@parity("04_generative_adversarial_networks", "saturating", "non_saturating")
def test_generators_losses(notebook, values):
    made = values[1]
    equal(notebook["saturating"](made), gan.Saturating().generator(made).mean())
    equal(notebook["non_saturating"](made), gan.NonSaturating().generator(made).mean())


@parity("04_generative_adversarial_networks", "r1")
def test_r1_and_its_gradient(notebook):
    with seeded(1):
        critic, real, fake = nets()[1], torch.randn(6, 2), torch.randn(6, 2)
    found = []
    for penalty in notebook["r1"], gan.r1:
        value = penalty(critic, real, fake)
        slopes = torch.autograd.grad(value, list(critic.parameters())[:-1])
        found.append([value, *slopes])
    for mine, theirs in zip(*found):
        equal(mine, theirs)


@parity("04_generative_adversarial_networks", "modes")
def test_modes(notebook):
    ring = gm.data.densities.eight_gaussians()
    with seeded(5):
        samples = torch.cat([ring.sample(300)[:, :2].float(), 5 * torch.randn(300, 2)])
    samples = samples[samples[:, 0] > -1]  # some modes are missing
    theirs = gm.metrics.modes(samples, ring.means.float(), 0.25)
    covered, quality = notebook["modes"](samples, ring.means, 0.25)
    assert covered == theirs.covered < 8
    assert quality == pytest.approx(theirs.quality)


def adams(model):
    return {
        name: torch.optim.Adam(weights, lr=1e-2)
        for name, weights in model.players().items()
    }


@parity("04_generative_adversarial_networks", "GAN", "losses", "by_hand")
@pytest.mark.parametrize("penalized", [False, True])
def test_the_same_weights_after_training(notebook, penalized):
    with seeded(2):
        both, x = nets(), torch.randn(160, 2)
    penalty = gan.r1 if penalized else None
    mine = notebook["GAN"](*copy.deepcopy(both), penalty=penalty, **SIZES)
    game = gan.NonSaturating()
    theirs = gan.GAN(*copy.deepcopy(both), game, penalty=penalty, **SIZES)
    ways = [mine, theirs]
    for model in ways:
        with seeded(3):
            for _ in gm.train(model, x.split(16), adams(model), steps=20):
                pass
    if not penalized:
        ways.append(notebook["GAN"](*copy.deepcopy(both), **SIZES))
        how = adams(ways[-1])
        with seeded(3):
            batches = iter(x.repeat(2, 1).split(16))
            notebook["by_hand"](
                ways[-1].generator, ways[-1].critic, batches, how, 20, 3
            )
    with seeded(4):
        draws = mine.sample(5)
    for model in ways[1:]:
        for p, q in zip(mine.parameters(), model.parameters()):
            equal(p, q)
        with seeded(4):
            equal(model.sample(5), draws)
