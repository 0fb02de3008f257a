"""Translation: losses by hand, whose turn it is, what each net may see."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gmcourse import gan, seeded, train
from gmcourse.gan import r1
from gmcourse.nets import ResidualBlock
from gmcourse.translation import (
    CycleGAN,
    ImageToImage,
    PatchCritic,
    Pix2Pix,
    Regression,
)

A, B = (2, 8, 8), (1, 8, 8)  # what is given, and what is due


def images(n=5, shape=A):
    return torch.rand(n, *shape)


class Affine(nn.Module):
    """``slope · x + shift``."""

    def __init__(self, slope, shift):
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(float(slope)))
        self.shift = nn.Parameter(torch.tensor(float(shift)))

    def forward(self, x):
        return self.slope * x + self.shift


def pix2pix(game=None, **how):
    nets = nn.Conv2d(2, 1, 3, padding=1), nn.Conv2d(3, 1, 4, stride=2)
    shapes = {"source_shape": A, "event_shape": B}
    return Pix2Pix(*nets, game or gan.NonSaturating(), **shapes, **how)


def cycle_gan(game=None, forth=None, back=None, source=A, **how):
    forth = forth or nn.Conv2d(source[0], 1, 3, padding=1)
    back = back or nn.Conv2d(1, source[0], 3, padding=1)
    critics = nn.Conv2d(source[0], 1, 4, stride=2), nn.Conv2d(1, 1, 4, stride=2)
    shapes = {"source_shape": source, "event_shape": B}
    game = game or gan.LeastSquares()
    return CycleGAN(forth, back, *critics, game, **shapes, **how)


def values(model, batch):
    """The losses of both players."""
    return [loss for _, loss in model.losses(*batch)]


# Nets.


def test_a_patch_is_eighteen_pixels_wide_and_four_from_the_next():
    critic, x = PatchCritic(2, width=8), torch.rand(1, 2, 48, 48, requires_grad=True)
    for row, column in ((5, 5), (5, 6), (6, 5)):
        seen = torch.autograd.grad(critic(x)[0, row, column], x)[0][0].any(0)
        rows, columns = seen.any(1).nonzero()[:, 0], seen.any(0).nonzero()[:, 0]
        for found, at in ((rows, row), (columns, column)):
            # The middle of the patch is the middle of the value's own 4 pixels.
            assert (found[0], found[-1]) == (4 * at - 7, 4 * at + 10)
            assert len(found) == 18
    assert critic(x).shape == (1, 12, 12)
    assert critic(torch.rand(3, 2, 28, 16)).shape == (3, 7, 4)


@pytest.mark.parametrize("side", [16, 28, 32, 64])
def test_a_unet_keeps_the_sides_and_takes_one_image_at_a_time(side):
    net = ImageToImage((3, side, side), (1, side, side), width=8)
    x = torch.rand(3, 3, side, side)
    out = net(x)
    assert out.shape == (3, 1, side, side) and out.min() > 0 and out.max() < 1
    torch.testing.assert_close(net(x[1:2]), out[1:2])
    assert torch.equal(net(x), out)


def test_a_unet_sees_far_through_its_middle_and_edges_past_it():
    net = ImageToImage((1, 32, 32), (1, 32, 32), width=8).eval()
    x = torch.rand(1, 1, 32, 32, requires_grad=True)

    def seen():
        """What pixel (16, 16) depends on, where nothing is normalized."""
        for block in net.modules():
            if isinstance(block, ResidualBlock):
                block.body[0] = block.body[3] = nn.Identity()
                nn.init.normal_(block.body[5].weight, std=0.05)
        reach = torch.autograd.grad(net(x)[0, 0, 16, 16], x)[0][0, 0]
        return reach.ne(0).any(0).sum().item()

    # Two blocks and two convolutions at full size see 3 pixels each way for a block...
    halves = [m for m in net.modules() if hasattr(m, "through")]
    assert len(halves) == 2 and seen() == 32
    for half in halves[::-1]:
        nn.init.zeros_(half.through[-1].weight)
        last = seen()
        assert last < 32 or half is halves[1]
    assert last == 1 + 2 * (1 + 2 + 2 + 1)  # ... and nothing else when the way is shut
    for half in halves:
        nn.init.normal_(half.through[-1].weight, std=0.1)
        with torch.no_grad():
            half.join.weight[:, : half.join.out_channels] = 0
    assert seen() == 32  # past it shut: all goes through the middle


def test_noise_makes_a_translation_a_draw():
    net = ImageToImage(A, B, width=8, noise=2)
    x = images(1).expand(4, -1, -1, -1)
    with seeded(0):
        first = net(x)
    assert (first[1:] != first[0]).flatten(1).any(1).all()
    with seeded(0):
        assert torch.equal(net(x), first)
    assert (
        not torch.equal(net(x), first) and net.double()(x.double()).dtype.itemsize == 8
    )
    kernel = net.net[0].weight
    assert kernel.shape[1] == 4  # two channels and two planes
    planes = torch.rand(0)
    net.net[0].register_forward_pre_hook(lambda _, args: planes.set_(args[0]))
    net.float()(images(500))
    noise = planes[:, 2:]
    assert abs(noise.mean()) < 5 / 253 and abs(noise.var() - 1) < 5 * 2**0.5 / 253
    torch.testing.assert_close(planes[:, :2].aminmax()[0].round(), torch.tensor(-1.0))


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (((1, 8, 8), (1, 8, 12)), "expected equal ones"),
        (((1, 8, 10), (1, 8, 10)), "multiples of 4"),
        (((8, 8), (1, 8, 8)), "channels, height, width"),
    ],
)
def test_shapes_that_do_not_fit_are_told(shapes, words, as_users_run_it):
    with pytest.raises(ValueError, match=words):
        ImageToImage(*shapes)
    with pytest.raises(ValueError, match="noise is -1"):
        ImageToImage(A, B, noise=-1)
    for make, words in (
        (lambda: PatchCritic(1.5), "channels is 1.5"),
        (lambda: PatchCritic(1, 8.0), "width is 8.0"),
        (lambda: ImageToImage((1, 8, 8.0), B), "a size of the image is 8.0"),
    ):
        with pytest.raises(TypeError, match=words):
            make()


# With pairs.


def test_a_regression_is_the_mean_distance_and_its_best_constant_a_median():
    model, c = Regression(Affine(0, 0.5), B, B), images(6, B)
    x = images(6, B)
    torch.testing.assert_close(model.loss(x, c), (x - 0.5).abs().mean())
    assert torch.equal(model.sample(6, c), torch.full((6, *B), 0.5))
    with torch.no_grad():
        model.generator.shift.copy_(torch.cat([x.flatten(), x.new_zeros(1)]).median())
    model.loss(x, c).backward()
    assert model.generator.shift.grad.abs() <= 2 / x.numel()


@pytest.mark.parametrize("game", [gan.LeastSquares(), gan.Relativistic()])
def test_the_losses_of_pairs_are_those_of_the_paper(game):
    model, x, c = pix2pix(game, l1_weight=7.0, penalty=r1), images(5, B), images()
    fake = model.generator(c)
    judge = lambda v: model.critic(torch.cat([c, v], 1)).flatten()  # noqa: E731
    leaf = x.clone().requires_grad_()
    slope = torch.autograd.grad(judge(leaf).view(5, -1).mean(1).sum(), leaf)[0]
    due = game.critic(judge(x), judge(fake)).mean()
    critic, generator = values(model, (x, c))
    penalty = 0.5 * slope.flatten(1).square().sum(1).mean()
    assert penalty > 1e-5
    torch.testing.assert_close(critic, due + penalty)
    due = game.generator(judge(fake), judge(x)).mean() + 7 * (x - fake).abs().mean()
    torch.testing.assert_close(generator, due)
    model.penalty = None
    torch.testing.assert_close(values(model, (x, c))[0], critic - penalty)


def test_the_weight_of_the_distance_is_the_papers_in_unit_images():
    """100 · |2x - 1 - (2y - 1)|, the mean."""
    model, x, c = pix2pix(), images(5, B), images()
    plain = pix2pix(l1_weight=0.0)
    plain.load_state_dict(model.state_dict())
    fake = model.generator(c)
    due = 100 * F.l1_loss(2 * fake - 1, 2 * x - 1)
    found = values(model, (x, c))[1] - values(plain, (x, c))[1]
    torch.testing.assert_close(found, due, rtol=1e-4, atol=1e-4)


def test_the_critic_of_pairs_sees_what_was_given():
    model, x, c = pix2pix(), images(5, B), images()
    with torch.no_grad():
        model.critic.weight[:, 2:] = 0  # the channels of x
    before = values(model, (x, c))[0]
    assert torch.equal(values(model, (images(5, B), c))[0], before)
    assert not torch.equal(values(model, (x, images()))[0], before)


def test_pairs_matter():
    model, x, c = pix2pix(), images(5, B).double(), images().double()
    model.generator = nn.Sequential(
        model.generator, nn.Sigmoid()
    )  # between some values of x, not below all
    model.double()
    one, two = values(model, (x, c)), values(model, (x.flip(0), c))
    assert all(abs(a - b) > 1e-9 for a, b in zip(one, two))


# Turns.


def test_a_net_in_two_roles_has_its_weights_once():
    net = nn.Conv2d(1, 1, 3, padding=1)
    model = cycle_gan(source=B, forth=net, back=net)
    found = model.players()["generator"]
    assert [id(p) for p in found] == [id(net.weight), id(net.bias)]


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
@pytest.mark.parametrize("game", [gan.NonSaturating(), gan.Relativistic()])
def test_each_turn_has_gradients_for_its_player_alone(make, game):
    model = make(game, penalty=r1)
    turns = model.losses(images(4, B), images(4))
    for name in ("critic", "generator"):
        model.zero_grad()
        player, loss = next(turns)
        loss.backward()
        assert player == name
        for other, weights in model.players().items():
            moved = [p.grad is not None for p in weights]
            assert all(moved) if other == name else not any(moved)
    assert next(turns, None) is None
    assert all(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
def test_the_generator_meets_the_critic_as_it_is_after_its_step(make):
    model, batch = make(), (images(4, B), images(4))
    turns = model.losses(*batch)
    next(turns)[1].backward()
    with torch.no_grad():
        for p in model.players()["critic"]:
            p.add_(0.3)
    torch.testing.assert_close(next(turns)[1], values(model, batch)[1])


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
def test_all_weights_have_one_player(make):
    model = make()
    found = [id(p) for weights in model.players().values() for p in weights]
    assert sorted(found) == sorted(map(id, model.parameters()))
    model.generator.weight.requires_grad_(False)
    assert len(model.players()["generator"]) == len(found) // 2 - 1


# Without pairs.


@pytest.mark.parametrize("game", [gan.LeastSquares(), gan.Relativistic()])
def test_the_losses_of_a_cycle_are_those_of_the_paper(game):
    model = cycle_gan(game, cycle_weight=3.0, penalty=lambda *a: 2 * r1(*a))
    a, b = images(), images(5, B)
    to_a, to_b = model.back(b), model.generator(a)
    critic, generator = values(model, (b, a))
    due = fooled = 0.0
    for judge, real, fake in ((model.critic_a, a, to_a), (model.critic_b, b, to_b)):
        seen, made = judge(real).flatten(), judge(fake).flatten()
        mean = lambda v, judge=judge: judge(v).flatten(1).mean(1)  # noqa: E731
        due = due + game.critic(seen, made).mean() + 2 * r1(mean, real, fake)
        fooled = fooled + game.generator(made, seen).mean()
    torch.testing.assert_close(critic, due)
    cycle = F.l1_loss(model.back(to_b), a) + F.l1_loss(model.generator(to_a), b)
    torch.testing.assert_close(generator, fooled + 3 * cycle)


def test_the_weight_of_the_cycle_is_the_papers_in_unit_images():
    """(D - 1)² + 10 · |2x - 1 - (2y - 1)|, all of it halved."""
    model, b, a = cycle_gan(), images(5, B), images()
    to_a, to_b = model.back(b), model.generator(a)
    fooled = sum(
        (judge(fake) - 1).square().mean()
        for judge, fake in ((model.critic_a, to_a), (model.critic_b, to_b))
    )
    pairs = (model.back(to_b), a), (model.generator(to_a), b)
    cycle = sum(F.l1_loss(2 * one - 1, 2 * other - 1) for one, other in pairs)
    due = (fooled + 10 * cycle) / 2
    torch.testing.assert_close(values(model, (b, a))[1], due)


def test_there_and_back_costs_nothing_where_one_undoes_the_other():
    """And something by hand where it does not."""
    how = {"source": B, "forth": Affine(-1, 1)}
    a, b = images(5, B), images(5, B)

    def cycle(back):
        one, two = (cycle_gan(back=back, cycle_weight=w, **how) for w in (1.0, 0.0))
        two.load_state_dict(one.state_dict())
        return (values(one, (b, a))[1] - values(two, (b, a))[1]).item()

    assert abs(cycle(Affine(-1, 1))) < 1e-6
    # back(forth(a)) = 1 - a and forth(back(b)) = 1 - b.
    due = ((1 - 2 * a).abs().mean() + (1 - 2 * b).abs().mean()).item()
    assert cycle(Affine(1, 0)) == pytest.approx(due, abs=1e-5)
    assert cycle(Affine(-1, 1.25)) == pytest.approx(0.5, abs=1e-5)


def test_what_is_of_the_right_kind_should_stay():
    how = {"source": B, "forth": Affine(1, 0.25), "back": Affine(-1, 1)}
    a, b = images(5, B), images(5, B)
    one, two = (cycle_gan(identity_weight=w, **how) for w in (2.0, 0.0))
    two.load_state_dict(one.state_dict())
    found = values(one, (b, a))[1] - values(two, (b, a))[1]
    due = 2 * (0.25 + (1 - 2 * a).abs().mean())
    torch.testing.assert_close(found, due, atol=1e-4, rtol=0)
    with pytest.raises(ValueError, match=r"expected one shape, or identity_weight=0"):
        cycle_gan(identity_weight=1.0)


def test_the_rows_of_the_two_heaps_are_no_pairs():
    model, a, b = cycle_gan(), images(), images(5, B)
    for one, two in zip(values(model, (b, a)), values(model, (b.flip(0), a))):
        torch.testing.assert_close(one, two)


def test_it_goes_forth_and_back():
    how = {"source": B, "forth": Affine(1, 0.25), "back": Affine(-1, 1)}
    model, a = cycle_gan(**how), images(5, B)
    torch.testing.assert_close(model.sample(5, a), a + 0.25)
    torch.testing.assert_close(model.back(a), 1 - a)


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
def test_in_bfloat16_losses_and_images_keep_the_precision_of_the_data(make):
    model, batch = make(penalty=r1), (images(4, B), images(4))
    with torch.autocast("cpu", torch.bfloat16):
        assert model.sample(4, batch[1]).dtype == torch.float32
        for loss in values(model, batch):
            assert loss.dtype == torch.float32


# What is refused.


def test_nets_of_the_wrong_shape_are_told():
    x, c = images(5, B), images()
    for model in (pix2pix(), cycle_gan()):
        model.generator = nn.Conv2d(2, 3, 1)
        with pytest.raises(ValueError, match=r"generator gave \(5, 3, 8, 8\)"):
            list(model.losses(x, c))
        with pytest.raises(ValueError, match=r"expected \(5, 1, 8, 8\)"):
            model.sample(5, c)
    model = cycle_gan(back=nn.Conv2d(1, 1, 1))
    with pytest.raises(ValueError, match=r"expected \(5, 2, 8, 8\)"):
        list(model.losses(x, c))
    model = pix2pix()
    for wrong in (nn.Flatten(0), nn.Sequential(nn.Flatten(0), nn.Linear(960, 10))):
        model.critic = wrong
        with pytest.raises(ValueError, match="values of each image's patches"):
            list(model.losses(x, c))


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
def test_images_of_another_scale_are_told(make):
    model, x, c = make(), images(5, B), images()
    for pair in ((2 * x - 1, c), (x, 2 * c - 1)):
        with pytest.raises(ValueError, match="expected 0 to 1: pass pixels through"):
            list(model.losses(*pair))
    with pytest.raises(ValueError, match="c holds NaN"):
        list(model.losses(x, c * torch.nan))
    assert model.sample(5, 2 * c - 1).isfinite().all()  # only a loss looks


def test_a_normalization_by_the_batch_asks_for_two_images():
    normed = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2))
    assert (pix2pix().smallest_batch, cycle_gan().smallest_batch) == (1, 1)
    models = [cycle_gan(back=normed), Regression(normed, B, (2, 8, 8))]
    shapes = {"source_shape": A, "event_shape": B}
    forth, critic = nn.Conv2d(2, 1, 1), nn.Sequential(nn.BatchNorm2d(3))
    models.append(Pix2Pix(forth, critic, gan.Hinge(), **shapes))
    assert [model.smallest_batch for model in models] == [2, 2, 2]


@pytest.mark.parametrize("make", [pix2pix, cycle_gan])
def test_a_game_is_one(make, as_users_run_it):
    with pytest.raises(TypeError, match="expected a Game"):
        make(gan.Hinge)


@pytest.mark.parametrize("weight", ["l1_weight", "cycle_weight", "identity_weight"])
def test_weights_are_not_negative(weight):
    make = pix2pix if weight == "l1_weight" else cycle_gan
    with pytest.raises(ValueError, match=f"{weight} is -1"):
        make(**{weight: -1.0})


def test_a_critic_may_give_one_number_an_image():
    model = pix2pix()
    model.critic = nn.Sequential(nn.Flatten(), nn.Linear(192, 1))
    assert all(loss.isfinite() for loss in values(model, (images(5, B), images())))


def test_a_negative_is_found_with_pairs_and_a_critic():
    """``x = 1 - c``: the distance pulls there, whatever the critic says."""
    with seeded(0):
        model = Pix2Pix(
            Affine(0.5, 0.2),
            nn.Sequential(nn.Conv2d(2, 1, 1), nn.Tanh()),
            gan.LeastSquares(),
            source_shape=B,
            event_shape=B,
        )
        adam = {k: torch.optim.Adam(w, lr=0.02) for k, w in model.players().items()}
        heap = ((1 - c, c) for c in iter(lambda: images(16, B), None))
        for _ in train(model, heap, adam, steps=250):
            pass
    assert abs(model.generator.slope + 1) < 0.1 and abs(model.generator.shift - 1) < 0.1
