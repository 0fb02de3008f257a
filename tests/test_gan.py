"""GANs: the games and penalties against closed forms, and whose turn it is."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from gmcourse import gan, seeded, train
from gmcourse.augment import Augment, mirror
from gmcourse.conditions import Labels
from gmcourse.gan import GAN, gradient_penalty, r1, r2
from gmcourse.nets import WithLabel, mlp
from gmcourse.style import PathLength

GAMES = [
    gan.Saturating(),
    gan.NonSaturating(),
    gan.LeastSquares(),
    gan.Hinge(),
    gan.Wasserstein(),
    gan.Relativistic(),
]
IDS = [type(game).__name__ for game in GAMES]


def small(game=None, dim=3, **how):
    sizes = {"latent_dim": 2, "event_shape": (dim,)}
    return GAN(mlp(2, 16, dim), mlp(dim, 16, 1), game or GAMES[1], **sizes, **how)


# Games.


@pytest.mark.parametrize("label", [1.0, 0.9])
def test_the_critic_of_the_first_game_classifies(label):
    real, fake = 3 * torch.randn(50), 3 * torch.randn(50)
    bce = F.binary_cross_entropy_with_logits
    due = bce(real, torch.full((50,), label), reduction="none")
    due = due + bce(fake, torch.zeros(50), reduction="none")
    for kind in (gan.Saturating, gan.NonSaturating):
        torch.testing.assert_close(kind(label).critic(real, fake), due)


def test_the_best_critic_is_the_density_ratio_and_its_value_jensen_shannon():
    """Goodfellow et al. (2014), proposition 1 and theorem 1, on a grid."""
    x = torch.linspace(-9, 9, 2001, dtype=torch.float64)
    p = torch.distributions.Normal(0.0, 1.0).log_prob(x).exp()
    q = torch.distributions.Normal(1.0, 1.5).log_prob(x).exp()
    width, game, zero = x[1] - x[0], gan.Saturating(), torch.zeros_like(x)
    best = (p.log() - q.log()).requires_grad_()
    real, fake = game.critic(best, zero), game.critic(zero, best)
    loss = (width * (p * real + q * fake)).sum() - 2 * math.log(2)  # of the zeros
    slope = torch.autograd.grad(loss, best)[0]  # convex: where it is 0 is the least
    assert slope.abs().max() < 1e-12
    m = (p + q) / 2
    js = width * (p * (p / m).log() + q * (q / m).log()).sum() / 2
    torch.testing.assert_close(loss, math.log(4) - 2 * js, atol=1e-6, rtol=0)
    generator = (width * q * game.generator(best)).sum() + (
        width * p * (math.log(2) - real)
    ).sum()
    torch.testing.assert_close(generator, 2 * js - math.log(4), atol=1e-6, rtol=0)


@pytest.mark.parametrize("game", GAMES, ids=IDS)
def test_the_players_pull_in_opposite_directions(game):
    """The critic wants real up and fake down, the generator fake up."""
    real, fake = torch.zeros(1, requires_grad=True), torch.zeros(1, requires_grad=True)
    d_real, d_fake = torch.autograd.grad(game.critic(real, fake).sum(), [real, fake])
    assert d_real <= 0 <= d_fake and d_real - d_fake < 0
    slope = torch.autograd.grad(game.generator(fake, real).sum(), fake)[0]
    assert slope < 0


def test_values_of_the_games():
    real, fake = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.25])
    assert GAMES[2].critic(real, fake).tolist() == [0.5 + 4.5, 0.125 + 0.03125]
    assert GAMES[2].generator(fake).tolist() == [8.0, 0.28125]
    assert GAMES[3].critic(real, fake).tolist() == [0.0, 0.5 + 1.25]
    assert GAMES[4].critic(real, fake).tolist() == [-5.0, -0.25]
    torch.testing.assert_close(GAMES[5].critic(real, fake), F.softplus(fake - real))
    torch.testing.assert_close(GAMES[5].generator(fake, real), F.softplus(real - fake))
    for game in GAMES[3:5]:
        assert game.generator(fake).tolist() == [3.0, -0.25]


def test_one_generator_saturates_and_the_other_does_not():
    sure = torch.full((1,), -12.0, requires_grad=True)  # "this is a fake"
    weak = torch.autograd.grad(GAMES[0].generator(sure).sum(), sure)[0]
    strong = torch.autograd.grad(GAMES[1].generator(sure).sum(), sure)[0]
    assert -1e-5 < weak < 0 and -1 <= strong < -0.99


def test_the_relativistic_game_asks_for_pairs():
    with pytest.raises(ValueError, match="pass the real values"):
        gan.Relativistic().generator(torch.zeros(2))


# Penalties.


def test_penalties_are_exact_for_a_linear_critic():
    w = torch.tensor([1.0, -2.0, 2.0], dtype=torch.float64, requires_grad=True)
    real, fake = torch.randn(2, 7, 3, dtype=torch.float64)
    linear = lambda x: x @ w  # noqa: E731
    for penalty, due, slope in (
        (r1, 4.5, w.detach()),  # ½ |w|², with gradient w
        (r2, 4.5, w.detach()),
        (gradient_penalty, 4.0, 2 * 2 / 3 * w.detach()),  # (|w| - 1)²
    ):
        value = penalty(linear, real, fake)
        torch.testing.assert_close(value.item(), due)
        torch.testing.assert_close(torch.autograd.grad(value, w)[0], slope)


def test_where_the_penalties_look():
    """Of x²/2 the slope is x: its mean square tells the points."""
    bowl = lambda x: x.square().flatten(1).sum(1) / 2  # noqa: E731
    real, fake = torch.full((40_000, 1), 2.0), torch.full((40_000, 1), 1.0)
    assert r1(bowl, real, fake) == 2 and r2(bowl, real, fake) == 0.5
    found = gradient_penalty(bowl, real, fake)  # (t + 1 - 1)², t uniform
    assert abs(found - 1 / 3) < 5 * 0.298 / 200  # false alarm 6e-7
    pictures = torch.full((3, 2, 4, 4), 1.0)
    assert r1(bowl, pictures, pictures) == 16  # summed over an example, not averaged


def test_the_penalty_of_a_flat_critic_has_a_finite_gradient():
    w = torch.zeros(3, requires_grad=True)
    value = gradient_penalty(lambda x: x @ w, torch.randn(5, 3), torch.randn(5, 3))
    assert value > 0.99 and torch.autograd.grad(value, w)[0].isfinite().all()


def test_penalties_work_where_gradients_are_off():
    real, fake = torch.randn(2, 5, 3)
    with torch.no_grad():
        value = r1(lambda x: x.square().sum(1) / 2, real, fake)
    torch.testing.assert_close(value, real.square().sum(1).mean() / 2)


def test_penalties_of_examples_that_are_numbers():
    real, fake = torch.randn(2, 7)
    bowl = lambda x: x.square() / 2  # noqa: E731
    torch.testing.assert_close(r1(bowl, real, fake), real.square().mean() / 2)
    assert gradient_penalty(lambda x: 3 * x, real, fake) == 4  # (3 - 1)²


def test_a_penalty_between_examples_asks_for_one_shape(as_users_run_it):
    real = torch.randn(4, 3)
    for fake in (real[:1], torch.randn(4, 1)):
        with pytest.raises(ValueError, match="expected one shape"):
            gradient_penalty(lambda x: x.sum(1), real, fake)


# Turns.


@pytest.mark.parametrize("game", GAMES, ids=IDS)
def test_each_turn_has_gradients_for_its_player_alone(game):
    model = small(game, penalty=r1)
    turns = model.losses(torch.randn(8, 3))
    for name in ("critic", "generator"):
        model.zero_grad()
        player, loss = next(turns)
        loss.backward()
        assert player == name
        for other, weights in model.players().items():
            moved = [p.grad is not None and bool(p.grad.any()) for p in weights]
            assert any(moved) if other == name else not any(moved)
    assert next(turns, None) is None
    assert all(p.requires_grad for p in model.parameters())


def test_the_losses_are_the_games_by_hand():
    model, x = (
        small(gan.Relativistic(), penalty=lambda *a: 3 * r1(*a)),
        torch.randn(6, 3),
    )
    with seeded(1):
        (_, critic), (_, generator) = model.losses(x)
    with seeded(1):
        z, again = model.noise(6, 2), model.noise(6, 2)
    judge = lambda v: model.critic(v)[:, 0]  # noqa: E731
    fake = judge(model.generator(z))
    due = F.softplus(fake - judge(x)).mean() + 3 * r1(judge, x, x)
    torch.testing.assert_close(critic, due)
    due = F.softplus(judge(x) - judge(model.generator(again))).mean()
    torch.testing.assert_close(generator, due)


def test_several_steps_of_the_critic_take_parts_of_the_batch():
    model, seen = small(critic_steps=3), []
    model.critic.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    x = torch.randn(12, 3)
    players = [player for player, _ in model.losses(x)]
    assert players == ["critic"] * 3 + ["generator"]
    assert [len(v) for v in seen] == [4] * 7
    assert torch.equal(torch.cat(seen[0:6:2]), x)
    with pytest.raises(ValueError, match="b at least 3"):
        model.check(x[:2])


def test_all_steps_are_taken_where_they_do_not_divide_the_batch():
    """Parts of 4, 3, 3: none too small for a normalization, and none left out."""
    c, told = torch.arange(10) % 4, {"condition": Labels(4), "critic_steps": 3}
    generator = nn.Sequential(nn.BatchNorm1d(6), mlp(6, 16, 3))
    nets = WithLabel(generator, 4), WithLabel(mlp(7, 16, 1), 4)
    sizes = {"latent_dim": 2, "event_shape": (3,)}
    model, seen, x = GAN(*nets, GAMES[1], **sizes, **told), [], torch.randn(10, 3)
    assert model.smallest_batch == 6
    model.critic.register_forward_pre_hook(lambda _, args: seen.append(args))
    assert len(list(model.losses(x, c))) == 4
    assert [len(v) for v, _ in seen] == [4, 4, 3, 3, 3, 3, 3]
    assert torch.equal(torch.cat([v for v, _ in seen[0:6:2]]), x)
    assert torch.equal(torch.cat([c for _, c in seen[0:6:2]]), c)
    assert torch.equal(seen[6][1], c[7:])  # the generator's turn: the last part
    for n in (6, 7, 8):
        list(model.losses(x[:n], c[:n]))
    assert len(list(model.eval().losses(x[:2], c[:2]))) == 3  # one example each


def tied(**how):
    """Both players have one linear map, the generator's last and the critic's first."""
    both, rest = nn.Linear(3, 3), mlp(3, 8, 1)
    nets = nn.Sequential(mlp(2, 8, 3), both), nn.Sequential(both, rest)
    return GAN(*nets, GAMES[1], latent_dim=2, event_shape=(3,), **how)


def test_weights_that_both_players_have_learn_in_the_generators_turn():
    model, x = tied(), torch.randn(5, 3)
    critic = copy.deepcopy(model.critic)
    with seeded(1):
        _, (_, loss) = model.losses(x)
    with seeded(1):
        z = [model.noise(5, 2) for _ in range(2)][1]
    due = F.softplus(-critic(model.generator(z))).mean()
    weight = model.generator[1].weight
    slopes = [torch.autograd.grad(v, weight)[0] for v in (loss, due)]
    assert slopes[0].any()
    torch.testing.assert_close(*slopes)
    with pytest.raises(ValueError, match="share weights"):
        tied(reuse=True)


def test_the_generator_may_learn_from_what_it_made_for_the_critic():
    model, x = small(gan.Relativistic(), reuse=True, critic_steps=2), torch.randn(8, 3)
    with seeded(1):
        turns = model.losses(x)
        first, second = (next(turns)[1] for _ in range(2))
        weight = model.generator[0].weight
        for loss in (first, second):  # nothing gets there from the critic's turns
            slopes = torch.autograd.grad(loss, weight, allow_unused=True)
            assert slopes == (None,)
        (_, loss) = next(turns)
        slope = torch.autograd.grad(loss, weight)[0]
        after = torch.rand(())
    with seeded(1):
        _, z = model.noise(4, 2), model.noise(4, 2)
        assert torch.equal(after, torch.rand(()))  # nothing else was drawn
    judge = lambda v: model.critic(v)[:, 0]  # noqa: E731
    due = F.softplus(judge(x[4:]) - judge(model.generator(z))).mean()
    torch.testing.assert_close(loss, due)
    torch.testing.assert_close(slope, torch.autograd.grad(due, weight)[0])


def test_a_graph_is_kept_where_the_generator_learns():
    x, kept = torch.randn(8, 3), []
    for reuse, due in (False, [False, False, True]), (True, [True, True]):
        model = small(reuse=reuse, critic_steps=2)
        model.generator.register_forward_hook(lambda *a: kept.append(a[2]))
        list(model.losses(x))
        assert [v.requires_grad for v in kept] == due
        kept.clear()
        with torch.no_grad():
            list(model.losses(x))
        assert not any(v.requires_grad for v in kept)
        kept.clear()


def test_the_critic_sees_through_noise_that_fades():
    model = small(instance_noise=lambda step: 1.0 - step / 4)
    x = torch.zeros(20_000, 3)
    model.critic = nn.Sequential(nn.Linear(3, 1, bias=False))
    nn.init.ones_(model.critic[0].weight)
    assert abs(model.judge(x).var() / 3 - 1) < 0.06
    model.at(4)
    assert model.instance_noise == 0.0 and not model.judge(x).any()
    with pytest.raises(ValueError, match="instance_noise"):
        small(instance_noise=-1.0)


class Marked(nn.Module):
    """Adds 10, and keeps what it was shown of the critic's values."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.register_buffer("moved", torch.zeros(()))

    def forward(self, x):
        return x + 10

    def observe(self, values):
        self.seen.append(values.detach())


@pytest.mark.parametrize("game", [gan.NonSaturating(), gan.Relativistic()])
def test_all_that_the_critic_sees_is_augmented(game):
    augment, seen = Marked(), []
    model = small(game, penalty=r1, critic_steps=2, augment=augment)
    model.critic.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    x = torch.randn(8, 3)
    turns = model.losses(x)
    for k in (0, 1):
        assert next(turns)[0] == "critic"
        real, made, punished = seen[3 * k : 3 * k + 3]
        due = x.chunk(2)[k] + 10
        assert torch.equal(real, due) and torch.equal(punished, due)
        assert made.mean() > 9  # of what a small net makes, around 0
        torch.testing.assert_close(augment.seen[k], model.critic(due)[:, 0])
        seen.pop()  # by the line before
    next(turns)
    assert all(v.mean() > 8 for v in seen[6:]) and len(seen) == 7 + game.pairs
    assert len(augment.seen) == 2  # only what is real, in the critic's turns
    assert "augment.moved" in model.state_dict()


def test_the_generator_is_regularized_with_fresh_noise():
    asked = []

    def regularizer(generator, z):
        asked.append(z)
        return 3 * generator(z).square().mean()

    plain, x = small(), torch.randn(5, 3)
    model = small(regularizer=regularizer)
    model.load_state_dict(plain.state_dict())
    with seeded(1):
        due = dict(plain.losses(x))
    with seeded(1):
        found = dict(model.losses(x))
    (z,) = asked
    assert z.shape == (5, 2) and torch.equal(found["critic"], due["critic"])
    more = 3 * model.generator(z).square().mean()
    torch.testing.assert_close(found["generator"], due["generator"] + more)
    weight = model.generator[0].weight
    slope = torch.autograd.grad(found["generator"], weight)[0]
    plainly = torch.autograd.grad(due["generator"], plain.generator[0].weight)[0]
    torch.testing.assert_close(slope, plainly + torch.autograd.grad(more, weight)[0])
    with seeded(1):
        again = [plain.noise(5, 2) for _ in range(3)]
    assert torch.equal(z, again[2])  # not the noise of either player's turn


def test_modules_that_help_are_saved_with_the_model():
    model = small(augment=Augment(p=0.5), regularizer=PathLength())
    assert {"augment.p", "regularizer.mean"} <= set(model.state_dict())
    assert set(model.players()) == {"critic", "generator"}


def test_a_label_reaches_both_players():
    told = {"latent_dim": 2, "event_shape": (3,), "condition": Labels(4)}
    nets = WithLabel(mlp(6, 16, 3), 4), gan.Projection(mlp(3, 8), 8, 4)
    model, x, c = GAN(*nets, GAMES[1], **told), torch.randn(9, 3), torch.arange(9) % 4
    nn.init.normal_(model.critic.label.weight)
    for _, loss in model.losses(x, c):
        model.zero_grad()
        loss.backward()
    with seeded(0):
        a = model.sample(9, c)
    with seeded(0):
        b = model.sample(9, (c + 1) % 4)
    assert (a != b).any(1).all()
    assert (model.judge(x, c) != model.judge(x, (c + 1) % 4)).all()


def test_nets_of_the_wrong_shape_are_told():
    model = small()
    model.generator = mlp(2, 4)
    with pytest.raises(ValueError, match="the generator gave"):
        model.sample(2)
    model = small()
    for wrong in (
        mlp(3, 2),
        nn.Sequential(mlp(3, 1), nn.Flatten(0), nn.Unflatten(0, (1, 5))),
    ):
        model.critic = wrong
        with pytest.raises(ValueError, match="one number for each of 5"):
            model.judge(torch.zeros(5, 3))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"game": gan.Hinge}, r"expected a Game: Hinge\(\), with brackets"),
        ({"augment": mirror}, "augment is a function; expected a module"),
        ({"augment": nn.Identity()}, "augment is a Identity; expected a module"),
        ({"latent_dim": 2.0}, "latent_dim is 2.0"),
        ({"critic_steps": 1.5}, "critic_steps is 1.5"),
    ],
)
def test_what_is_of_another_type_is_told(how, words, as_users_run_it):
    game, sizes = how.pop("game", GAMES[1]), {"latent_dim": 2, "event_shape": (3,)}
    with pytest.raises(TypeError, match=words):
        GAN(mlp(2, 3), mlp(3, 1), game, **sizes | how)


def test_a_condition_that_may_be_left_out_is_none_of_a_gans():
    with pytest.raises(ValueError, match="pass one with required=True"):
        small(condition=Labels(3, required=False))


@pytest.mark.parametrize("game", GAMES, ids=IDS)
def test_a_target_asks_for_a_game_in_which_zero_means_something(game):
    """At its best a critic of such a game is above 0 where real is the likelier."""
    value = torch.linspace(-6, 6, 12_001, dtype=torch.float64)
    best = []
    for p in (0.2, 0.8):
        loss = p * game.critic(value, 0 * value) + (1 - p) * game.critic(
            0 * value, value
        )
        best.append(value[loss.argmin()])
    assert game.classifies == isinstance(game, gan.Saturating | gan.Hinge)
    if game.classifies:
        assert best[0] < 0 < best[1]
        small(game, augment=Augment())
    else:
        with pytest.raises(ValueError, match=r"pass target=None"):
            small(game, augment=Augment())
    small(game, augment=Augment(target=None))


def test_a_gan_learns_a_mean_and_a_width():
    with seeded(0):
        model = GAN(
            nn.Linear(1, 1),
            mlp(1, 32, 1),
            gan.Relativistic(),
            latent_dim=1,
            event_shape=(1,),
            penalty=lambda *a: r1(*a) + r2(*a),
        )
        adam = {
            name: torch.optim.Adam(weights, lr=1e-2, betas=(0.0, 0.99))
            for name, weights in model.players().items()
        }
        data = (1.5 + 0.5 * torch.randn(128, 1) for _ in iter(int, 1))
        for _ in train(model, data, adam, steps=300):
            pass
    slope, mean = model.generator.weight.abs().item(), model.generator.bias.item()
    assert abs(mean - 1.5) < 0.3 and abs(slope - 0.5) < 0.1


# Parts of critics.


def test_a_projection_is_a_linear_map_for_each_label():
    critic = gan.Projection(nn.Identity(), 3, 2)
    x, c = torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    assert not critic.label.weight.any()
    nn.init.normal_(critic.label.weight)
    w = critic.value.weight + critic.label.weight  # (classes, d)
    due = (x @ w.T)[torch.arange(5), c] + critic.value.bias
    torch.testing.assert_close(critic(x, c), due)


def test_a_collapsed_batch_is_seen():
    layer = gan.MinibatchStd()
    x = torch.randn(6, 2, 4, 4)
    out = layer(x)
    assert out.shape == (6, 3, 4, 4) and torch.equal(out[:, :2], x)
    due = x.var(0, correction=0).sqrt().mean()
    torch.testing.assert_close(out[:, 2], due.expand(6, 4, 4), atol=1e-6, rtol=0)
    assert layer(x[:1].expand(6, -1, -1, -1))[:, 2].max() < 1e-3
    assert layer(torch.randn(6, 2)).shape == (6, 3)


def test_a_spectrally_normalized_critic_trains():
    model = small(gan.Hinge())
    for layer in model.critic:
        if isinstance(layer, nn.Linear):
            spectral_norm(layer, n_power_iterations=20)
    for _, loss in model.losses(torch.randn(8, 3)):
        loss.backward()
    norms = [torch.linalg.matrix_norm(layer.weight, 2) for layer in model.critic[::2]]
    assert all(abs(norm - 1) < 1e-2 for norm in norms)


def test_the_weight_of_the_penalty_may_fall():
    one = lambda critic, real, fake: torch.tensor(7.0)  # noqa: E731
    x = torch.randn(4, 3)
    model = small(penalty=one, penalty_weight=lambda step: 2.0 - step / 4)
    for step, due in ((0, 14.0), (4, 7.0), (8, 0.0)):
        model.at(step)
        with seeded(0):
            loss = next(model.losses(x))[1]
        model.penalty = None
        with seeded(0):
            torch.testing.assert_close(
                loss - next(model.losses(x))[1], torch.tensor(due)
            )
        model.penalty = one
    with pytest.raises(ValueError, match="penalty_weight"):
        small(penalty=one, penalty_weight=-1.0)
