"""Augmentation: each kind against brute force, and the arithmetic of its chance."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gmcourse import load, save, seeded, train
from gmcourse.augment import Augment, brightness, contrast, mirror, shift, turn
from gmcourse.gan import GAN, NonSaturating
from gmcourse.nets import mlp
from gmcourse.testing import optimizers

KINDS = mirror, turn, shift, brightness, contrast
close = torch.testing.assert_close


def which(changed, candidates):
    """For each image the index of the only candidate that it equals."""
    hits = torch.stack([(changed == c).flatten(1).all(1) for c in candidates])
    assert (hits.sum(0) == 1).all()
    return hits.int().argmax(0)


def test_without_a_chance_nothing_changes():
    x = torch.rand(9, 3, 16, 16)
    assert torch.equal(Augment(KINDS)(x), x)


@pytest.mark.parametrize("kind, chance", [(None, 0.5), (0.4, 0.2), (1.0, 0.5)])
def test_the_share_that_is_mirrored(kind, chance):
    x = torch.rand(4000, 2, 2, 3)
    y = mirror(x) if kind is None else Augment((mirror,), p=kind)(x)
    share = which(y, [x, x[..., [2, 1, 0]]]).float().mean()
    assert abs(share - chance) < 5 * 0.5 / 63  # false alarm 6e-7


def test_turns_are_equally_likely():
    x = torch.rand(4000, 2, 3, 3)
    a, b, c = x[:, :, :1], x[:, :, 1:2], x[:, :, 2:]
    once = torch.cat([a, b, c], 2).transpose(2, 3).flip(2)
    twice = x.flip(2).flip(3)
    found = which(turn(x), [x, once, twice, once.flip(2).flip(3)])
    assert (found.bincount(minlength=4) - 1000).abs().max() < 150  # 5.5 deviations
    with pytest.raises(ValueError, match="expected square ones"):
        turn(torch.rand(2, 1, 4, 8))


def test_shifts_are_reflected_and_equally_likely():
    x = torch.rand(4000, 2, 16, 24)
    padded = F.pad(x, (3, 3, 2, 2), mode="reflect")
    places = [(i, j) for i in range(5) for j in range(7)]
    all_of_them = [padded[:, :, i : i + 16, j : j + 24] for i, j in places]
    found = which(shift(x), all_of_them).bincount(minlength=35)
    # 4000 / 35 = 114 of each, with a deviation of 10.5: false alarm 1e-6
    assert (found - 4000 / 35).abs().max() < 59
    small = x[:, :, :7, :7]
    assert torch.equal(shift(small), small)


def test_brightness_adds_one_number_to_an_image():
    x = torch.rand(4000, 2, 3, 3)
    by = (brightness(x) - x).flatten(1)
    close(by, by[:, :1].expand(-1, 18), atol=1e-6, rtol=0)
    # 5.5 deviations: false alarm 4e-8
    assert abs(by[:, 0].mean()) < 0.0087 and abs(by[:, 0].std() - 0.1) < 0.0062


def test_contrast_is_about_mid_gray():
    x = torch.rand(4000, 2, 3, 3, dtype=torch.float64)
    by = ((contrast(x) - 0.5) / (x - 0.5)).log2().flatten(1)
    close(by, by[:, :1].expand(-1, 18))
    assert abs(by[:, 0].mean()) < 0.0435 and abs(by[:, 0].std() - 0.5) < 0.031


def test_each_kind_and_each_image_has_its_own_chance():
    kinds = lambda x: x + 1, lambda x: x + 2
    y = Augment(kinds, p=0.25)(torch.zeros(4000, 1, 1, 1)).flatten()
    found = y.long().bincount(minlength=4) / 4000
    due = torch.tensor([9, 3, 3, 1]) / 16
    assert (found - due).abs().max() < 0.043  # 5.5 deviations: false alarm 2e-7


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_flow(kind):
    """All kinds are affine: a difference is the derivative along it."""
    augment = Augment((kind,), p=0.7)
    x, d, r = torch.randn(3, 6, 2, 8, 8, dtype=torch.float64)
    x.requires_grad_()
    with seeded(1):
        here = augment(x)
    with seeded(1):
        there = augment(x + d)
    slope = torch.autograd.grad((here * r).sum(), x)[0]
    close((slope * d).sum(), ((there - here) * r).sum())


def test_the_chance_follows_how_sure_the_critic_is():
    augment = Augment(p=0.5, target=0.5, images=100)
    sure, torn = torch.tensor([9.0, 1, 1, 1, 1, -1, 1, 1]), torch.tensor([1.0, -1, 30])
    augment.observe(sure)  # r = 3/4
    close(augment.p, torch.tensor(0.58))
    augment.observe(torn)  # r = 1/3
    close(augment.p, torch.tensor(0.55))
    augment.observe(sure[2:6])  # r = 1/2
    close(augment.p, torch.tensor(0.55))
    for values, due in ((sure, 1.0), (-sure, 0.0)):
        for _ in range(20):
            augment.observe(values)
        assert augment.p == due
    for still in (augment.eval(), Augment(p=0.3, target=None)):
        before = still.p.item()
        still.observe(sure)
        assert still.p == before


def test_the_chance_is_saved(tmp_path):
    augment = Augment(p=0.25)
    save(augment, tmp_path / "a")
    other = Augment()
    load(other, tmp_path / "a")
    assert other.p == 0.25


def test_a_critic_that_knows_the_data_by_heart_gets_more():
    def chance(bias):
        critic = nn.Sequential(nn.Flatten(), nn.Linear(64, 1))
        nn.init.constant_(critic[1].bias, bias)
        generator = nn.Sequential(mlp(2, 64), nn.Unflatten(1, (1, 8, 8)))
        augment = Augment(p=0.5, images=1000)
        how = {"latent_dim": 2, "event_shape": (1, 8, 8), "augment": augment}
        model = GAN(generator, critic, NonSaturating(), **how)
        for _ in train(model, [torch.rand(10, 1, 8, 8)], optimizers(model), steps=7):
            pass
        return augment.p.item()

    assert chance(30.0) == pytest.approx(0.57) and chance(-30.0) == pytest.approx(0.43)


def test_what_is_refused():
    for words, how in (
        ("p is 1.5", {"p": 1.5}),
        ("target is 2.0; expected -1 to 1", {"target": 2.0}),
        ("images is 0", {"images": 0}),
    ):
        with pytest.raises(ValueError, match=words):
            Augment(**how)
    with pytest.raises(ValueError, match=r"x has shape \(3, 5\); expected images"):
        Augment()(torch.rand(3, 5))


def test_a_kind_gives_images_like_those_it_was_given(as_users_run_it):
    x = torch.rand(3, 1, 4, 6)

    def smaller(x):
        return x[..., :1]

    def stored(x):
        return (255 * x).byte()

    for kind, words in (
        (smaller, r"smaller gave \(3, 1, 4, 1\), torch.float32; expected"),
        (stored, r"stored gave \(3, 1, 4, 6\), torch.uint8; expected"),
    ):
        with pytest.raises(ValueError, match=words):
            Augment((kind,), p=0.5)(x)
    for other in (torch.Tensor.bfloat16, torch.Tensor.double):
        assert Augment((other,), p=1.0)(x).dtype == torch.float32


def test_a_kind_is_a_function(as_users_run_it):
    with pytest.raises(TypeError, match="expected functions of images"):
        Augment(("mirror",))
    with pytest.raises(TypeError, match=r"pass \(kind,\)"):
        Augment(mirror)
