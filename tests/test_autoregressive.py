"""Autoregressive models: what may see what, exactly, and probabilities that add up."""

import itertools

import pytest
import torch
from torch.func import jacrev
from torch.nn import functional as F

from gmcourse import seeded, train
from gmcourse.autoregressive import MADE, NADE, masks
from gmcourse.likelihoods import Bernoulli, DiscretizedLogistic, Gaussian

EVERY = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4)))


def wide_awake(model, seed=5):
    """With weights that let every connection show; in double precision."""
    with seeded(seed), torch.no_grad():
        for p in model.parameters():
            p.normal_()
    return model.double().eval()


def test_masks_by_hand():
    """Order 2, 0, 1: the places of the values are 2, 3, 1."""
    first, second = masks(torch.tensor([2, 0, 1]), 4, per_value=2)
    low, high = [False, False, True], [True, False, True]
    assert first.tolist() == [low, low, high, high]
    due = [[True, True, False, False], [True] * 4, [False] * 4]
    assert second.tolist() == due * 2


@pytest.mark.parametrize("width, depth", [(7, 1), (5, 2), (3, 3), (2, 0)])
@pytest.mark.parametrize("orders", [1, 2])
@pytest.mark.parametrize("likelihood", [Bernoulli(), Gaussian()])
def test_a_value_depends_on_exactly_those_before_it(width, depth, orders, likelihood):
    """Derivatives are 0 to the last bit for what comes later, and for nothing else."""
    model = MADE((5,), likelihood, width=width, depth=depth, orders=orders)
    for k in range(orders):
        place = model.orders[k].argsort()
        reached = torch.zeros(likelihood.per_value * 5, 5, dtype=torch.bool)
        for seed in range(30):
            wide_awake(model, seed)  # a unit may sleep under some weights
            with seeded(seed + 1):
                x = -3 * torch.rand(5).double()  # data may be negative
            slopes = jacrev(lambda v: model.params(v[None], k)[0])(x)  # noqa: B023
            reached |= slopes != 0
        later = place >= place.repeat(likelihood.per_value)[:, None]
        assert not reached[later].any()
        assert reached[~later].all()


def test_a_hidden_layer_is_added_to_the_one_it_comes_from():
    model, x = wide_awake(MADE((4,), width=9, depth=3)), EVERY.double()
    order = torch.arange(4)
    (straight,), hidden = masks(order), masks(order, 9, 9, 9)
    first, second, third, last = (
        lambda h, layer=layer, mask=mask: h @ (layer.weight * mask).T + layer.bias
        for layer, mask in zip(model.layers, hidden, strict=True)
    )
    h = first(x)
    h = h + second(F.silu(h))
    h = h + third(F.silu(h))
    direct = x @ (model.direct.weight * straight).T + model.direct.bias
    torch.testing.assert_close(model.params(x), direct + last(F.silu(h)))


def test_the_logits_of_a_nade_by_hand():
    model, x = wide_awake(NADE((4,), 9)), EVERY.double()
    before = x[:, None] * torch.ones(4, 4).double().tril(-1)  # (16, place, values)
    hidden = (before @ model.into + model.hidden_bias).sigmoid()
    torch.testing.assert_close(
        model.params(x), (hidden * model.out).sum(2) + model.bias
    )


def test_a_nade_has_500_hidden_units_if_nothing_is_said():
    assert NADE((4,)).into.shape == NADE((4,)).out.shape == (4, 500)


def test_degrees_are_spread_over_the_places():
    first, last = masks(torch.arange(785 - 1), 500)
    counts = first.sum(1)
    assert counts.min() == 1 and counts.max() >= 782
    assert (counts.double().diff() >= 1).all() and last[0].sum() == 0
    assert masks(torch.tensor([0]), 3)[-1].tolist() == [[False] * 3]


@pytest.mark.parametrize("orders", [1, 3])
def test_probabilities_of_all_binary_examples_add_up(orders):
    model = wide_awake(MADE((2, 2), width=8, orders=orders))
    x = EVERY.double().view(16, 2, 2)
    log_p = model.log_prob(x)
    torch.testing.assert_close(log_p.exp().sum(), torch.ones(()).double())
    each = [model.likelihood.log_prob(model.params(x, k), x) for k in range(orders)]
    torch.testing.assert_close(log_p.exp(), torch.stack(each).exp().mean(0))
    assert torch.equal(model.loss(x), -log_p.mean())


@pytest.mark.parametrize("orders", [1, 3])
def test_draws_follow_the_probabilities(orders):
    model, n = wide_awake(MADE((4,), width=8, orders=orders)), 40_000
    with seeded(0):
        x = model.sample(n)
    place = (x @ torch.tensor([8.0, 4.0, 2.0, 1.0]).double()).long()
    share = place.bincount(minlength=16) / n
    p = model.log_prob(EVERY.double()).exp()
    assert ((share - p).abs() < 6 * (p * (1 - p) / n).sqrt() + 1e-3).all()
    half = n // 2  # the draws of an order are not side by side
    moved = x[:half].mean(0) - x[half:].mean(0)
    assert (moved.abs() < 6 * (0.5 / n) ** 0.5).all()


def test_in_training_one_order_is_drawn_for_each_batch():
    model = wide_awake(MADE((4,), width=8, orders=3)).train()
    x = EVERY.double()
    due = [-model.likelihood.log_prob(model.params(x, k), x).mean() for k in range(3)]
    seen = {model.loss(x).item() for _ in range(60)}
    assert seen == {v.item() for v in due}


def test_levels_and_images():
    model = wide_awake(MADE((1, 2, 2), DiscretizedLogistic(3), width=6))
    x = torch.tensor(list(itertools.product([0.0, 0.5, 1.0], repeat=4))).double()
    total = model.log_prob(x.view(81, 1, 2, 2)).exp().sum()
    torch.testing.assert_close(total, torch.ones(()).double())
    assert model.sample(3).shape == (3, 1, 2, 2)


@pytest.mark.parametrize("orders", [1, 3])
def test_known_values_of_each_row_are_kept_and_the_others_never_read(orders):
    model = wide_awake(MADE((2, 3), width=8, orders=orders))
    with seeded(0):
        x = torch.rand(60, 2, 3).round().double()
    known = torch.tensor([[True, False, True], [False, True, False]])
    made = model.sample(60, given=x.where(known, torch.nan), known=known)
    assert torch.equal(made[:, known], x[:, known])
    assert made[:, ~known].unique().tolist() == [0.0, 1.0]


def test_it_learns_a_distribution_that_no_product_holds():
    """Two values that are equal and a third that is not: an entropy of log 2."""
    with seeded(0):
        model = MADE((3,), width=16)
        x = torch.tensor([[0.0, 0, 1], [1, 1, 0]]).repeat(32, 1)
        adam = torch.optim.Adam(model.parameters(), 2e-2)
        for _ in train(model, itertools.repeat(x), adam, steps=300):
            pass
    loss = model.eval().loss(x).item()
    assert abs(loss - 0.6931) < 0.02


def test_bad_requests_are_told():
    with pytest.raises(ValueError, match="expected each of 0 to 2"):
        masks(torch.tensor([0, 2, 2]), 4)
    with pytest.raises(ValueError, match="one size or more"):
        MADE(())
    with pytest.raises(ValueError, match="orders"):
        MADE((4,), orders=0)
    with pytest.raises(ValueError, match="width"):
        MADE((4,), width=0)
    with pytest.raises(ValueError, match="depth"):
        MADE((4,), depth=-1)
