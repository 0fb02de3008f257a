"""What recipes are made of: optimizers, rates of learning, a penalty by chance."""

import copy
import math

import pytest
import torch
from torch import nn

from gmcourse import seeded, train
from gmcourse.core import Model
from gmcourse.data import Batches
from gmcourse.sequences import GPT
from gmcourse.zoo.making import (
    Together,
    adams,
    adamw,
    muon,
    seldom,
    shuffled,
    straight,
    warmed_up,
)
from gmcourse.zoo.sources import Part

X = torch.randint(5, (40, 6), generator=torch.Generator().manual_seed(0))


class Game(Model):
    """Two players of a matrix each."""

    def __init__(self):
        super().__init__()
        self.maker, self.critic = (nn.Linear(2, 1, bias=False) for _ in range(2))

    def players(self):
        return {"maker": [self.maker.weight], "critic": [self.critic.weight]}


def model():
    torch.manual_seed(1)
    return GPT((6,), 5, width=8, depth=2, heads=2)


def pair(net):
    blocks = list(net.net.parameters())
    mine = {id(p) for p in blocks}
    rest = [p for p in net.parameters() if id(p) not in mine]
    return torch.optim.SGD(blocks, lr=0.1, momentum=0.9), torch.optim.Adam(rest, lr=0.1)


def weights(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def trained(net, optimizer, steps, **how):
    batches = Batches(X, batch_size=8, seed=3)
    for step in train(
        net, batches, optimizer, steps=steps, schedule=straight(12), **how
    ):
        last = step.index
    return last


def test_two_optimizers_step_and_slow_down_together(tmp_path):
    net = model()
    parts, other = pair(net), model()
    trained(net, Together(*parts), 12)
    each, batches = pair(other), Batches(X, batch_size=8, seed=3)
    for step in range(12):
        loss = other.loss(next(batches))
        other.zero_grad()
        loss.backward()
        for part in each:
            part.param_groups[0]["lr"] = 0.1 * straight(12)(step)
            part.step()
    torch.testing.assert_close(weights(net), weights(other))
    assert [part.param_groups[0]["lr"] for part in parts] == [0.1, 0.1]  # given back


def test_a_run_of_two_optimizers_can_be_resumed(tmp_path):
    whole, path = model(), tmp_path / "run"
    trained(whole, Together(*pair(whole)), 12)
    half = model()
    assert trained(half, Together(*pair(half)), 5, resume=path) == 5
    again = model()
    optimizer = Together(*pair(again))
    assert trained(again, optimizer, 12, resume=path) == 12
    assert torch.equal(weights(again), weights(whole))
    # The groups that the loop paces are those that make the steps.
    groups = [g for part in optimizer.parts for g in part.param_groups]
    assert all(a is b for a, b in zip(optimizer.param_groups, groups, strict=True))


@pytest.mark.skipif(
    "Muon" not in dir(torch.optim), reason="needs PyTorch 2.9, which brings Muon"
)
def test_muon_moves_the_matrices_of_the_blocks_alike_and_adam_all_others():
    net = model()
    before = copy.deepcopy(net)
    optimizer = muon(0.5, 1e-3, decay=0.0)(net)
    assert optimizer.defaults["lr"] == 0.5
    net.loss(X).backward()
    optimizer.step()
    for (name, new), old in zip(net.named_parameters(), before.parameters()):
        moved = (new - old).detach()
        if name.startswith("net.blocks") and new.ndim == 2:  # nearly orthogonal
            scale = 0.5 * max(1, new.shape[0] / new.shape[1]) ** 0.5
            values = torch.linalg.svdvals(moved) / scale
            assert values.median() > 0.6 and values.max() < 1.3, name
        else:
            assert 0 < moved.abs().max() <= 1.001e-3, name  # Adam's first step


def test_adamw_lets_matrices_decay_and_vectors_not():
    net, lr, decay = model(), 0.1, 0.5
    before = copy.deepcopy(net)
    optimizer = adamw(lr, decay, betas=(0.8, 0.9))(net)
    groups = optimizer.param_groups
    assert all(group["betas"] == (0.8, 0.9) for group in groups)
    assert sum(len(group["params"]) for group in groups) == len([*net.parameters()])
    for p in net.parameters():
        p.grad = torch.zeros_like(p)  # so that decay alone moves a weight
    optimizer.step()
    for (name, new), old in zip(net.named_parameters(), before.parameters()):
        due = old * (1 - lr * decay) if new.ndim > 1 else old
        torch.testing.assert_close(new, due, msg=name)
    assert len(adamw(lr, decay)(Game()).param_groups) == 1


def test_each_player_has_an_adam_for_its_own_weights():
    net = Game()
    made, players = adams(0.01, (0.0, 0.9))(net), net.players()
    assert made.keys() == players.keys()
    for name, optimizer in made.items():
        (group,) = optimizer.param_groups
        assert all(a is b for a, b in zip(group["params"], players[name], strict=True))
        assert (group["lr"], group["betas"]) == (0.01, (0.0, 0.9))


def test_a_penalty_that_is_seldom_taken_is_the_same_in_expectation():
    real, fake = torch.full((2,), 3.0), torch.full((2,), 0.5)
    rare = seldom(lambda critic, real, fake: critic(real) - fake.sum(), every=5)
    with seeded(0):
        drawn = torch.stack([rare(torch.sum, real, fake) for _ in range(4000)])
    taken = drawn > 0
    assert set(drawn.tolist()) == {0.0, 25.0}  # five times 3 + 3 - 0.5 - 0.5
    share, std = taken.double().mean().item(), math.sqrt(0.2 * 0.8 / 4000)
    assert abs(share - 0.2) < 5 * std


def test_a_schedule_of_one_step():
    assert straight(1)(0) == 1


def test_rates_rise_over_a_tenth_and_fall_to_zero():
    factor = straight(40)
    rates = [factor(step) for step in range(41)]
    assert rates[:5] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert all(abs(rates[k] - (40 - k) / 36) < 1e-12 for k in range(4, 41))
    factor = warmed_up(40)
    assert [factor(step) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert factor(22) == pytest.approx(0.5) and factor(40) == pytest.approx(0.0)
    assert warmed_up(100_000)(249) == 0.5  # over 500 steps, not over 10,000


def test_examples_come_in_another_order_in_each_epoch_with_their_labels():
    part = Part(torch.arange(12.0), torch.arange(12), lambda x: 10 * x)
    stream = shuffled(part, batch_size=4, seed=0, device=torch.device("cpu"))
    epochs = []
    for _ in range(2):
        x, c = (torch.cat(v) for v in zip(*(next(stream) for _ in range(3))))
        assert torch.equal(x, 10.0 * c) and sorted(c.tolist()) == list(range(12))
        epochs.append(c.tolist())
    assert epochs[0] != epochs[1] != sorted(epochs[1]) != epochs[0]
