"""Optimizers of recipes: two as one, and which weights Muon moves."""

import copy

import pytest
import torch

from gmcourse import train
from gmcourse.data import Batches
from gmcourse.sequences import GPT
from gmcourse.zoo.making import Together, muon, straight

X = torch.randint(5, (40, 6), generator=torch.Generator().manual_seed(0))


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
