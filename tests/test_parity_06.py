"""What chapter 06 builds computes what the library ships."""

import pytest
import torch
from parity import build_namespace, parity
from torch import nn

from gmcourse import attention, autoregressive, pixels, scales, seeded
from gmcourse.likelihoods import Bernoulli, LogisticMixture

CHAPTER = "06_one_pixel_at_a_time"
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


def binary(*shape, seed=0):
    with seeded(seed):
        return torch.rand(*shape).round()


@parity("06_one_pixel_at_a_time", "masks")
@pytest.mark.parametrize("widths", [(), (5,), (8, 3)])
def test_masks(notebook, widths):
    order = torch.tensor([2, 0, 3, 1])
    how = {"per_value": 2}
    mine = notebook["masks"](order, *widths, **how)
    for one, other in zip(mine, autoregressive.masks(order, *widths, **how)):
        assert torch.equal(one, other)


def test_the_fully_visible_network_is_a_made_without_a_hidden_layer(notebook):
    made = autoregressive.MADE((5,), depth=0)
    mine = notebook["FullyVisible"](5)
    mine.load_state_dict(made.direct.state_dict())
    x = binary(4, 5)
    equal(mine(x), made.params(x))
    equal(notebook["nats"](mine(x), x), -made.log_prob(x))


def test_the_masked_network(notebook):
    made = autoregressive.MADE((5,), width=7, depth=2)
    mine = notebook["Masked"](5, 7)
    for layer, other in zip(mine.layers, [*made.layers, made.direct]):
        layer.load_state_dict(other.state_dict())
    x = binary(4, 5)
    equal(mine(x), made.params(x))


def test_nade(notebook):
    nade, x = autoregressive.NADE((5,), 7), binary(4, 5)
    weights = nade.into, nade.out, nade.hidden_bias, nade.bias
    mine = torch.stack(list(notebook["nade_steps"](x, *weights)), 1)
    equal(mine, nade.params(x))


@parity("06_one_pixel_at_a_time", "MaskedConv2d")
@pytest.mark.parametrize("center", [False, True])
def test_masked_convolution(notebook, center):
    mine = notebook["MaskedConv2d"](2, 3, 2, 5, center=center)
    theirs = pixels.MaskedConv2d(2, 3, 2, 5, center=center)
    mine.load_state_dict(theirs.state_dict(), strict=False)
    x = torch.randn(2, 2, 6, 7)
    equal(mine(x), theirs(x))


def test_two_stacks(notebook):
    how = {"width": 6, "depth": 3, "reach": 2}
    theirs = pixels.PixelCNN((1, 6, 7), Bernoulli(), **how)
    layers = nn.ModuleList(notebook["GatedLayer"](6, 2) for _ in range(3))
    layers.load_state_dict(theirs.layers.state_dict())
    x = binary(3, 1, 6, 7)
    parts = theirs.above, theirs.before, layers, theirs.head
    equal(notebook["pixel_params"](x, *parts), theirs.params(x))


def test_row_lstm(notebook):
    theirs = pixels.RowLSTM((1, 6, 7), Bernoulli(), width=6, reach=3)
    mine = notebook["RowState"](6, 3)
    mine.load_state_dict(theirs.state_dict())
    x = binary(3, 1, 6, 7)
    equal(mine(x), theirs.params(x))


def test_mixture_of_logistics(notebook):
    with seeded(2):
        x = torch.randint(256, (50,)).double() / 255
        parts = [torch.randn(50, 4).double() - k for k in range(3)]
    mine = notebook["mixture_log_prob"](x, *parts)
    params = torch.cat(parts, 1)
    equal(mine, LogisticMixture(4).log_prob(params, x[:, None]))


@parity("06_one_pixel_at_a_time", "CausalAttention")
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention(notebook, heads):
    mine = notebook["CausalAttention"](8, heads)
    theirs = attention.CausalAttention(8, heads)
    mine.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 6, 8)
    equal(mine(x), theirs(x))


@parity("06_one_pixel_at_a_time", "turns")
@pytest.mark.parametrize("sides", [(2, 2), (4, 4), (16, 16), (28, 28), (8, 20)])
def test_turns(notebook, sides):
    assert torch.equal(notebook["turns"](*sides), scales.turns(*sides))


def test_the_pixels_of_a_turn(notebook):
    net = nn.Conv2d(2, 1, 3, padding=1)
    theirs = scales.CoarseToFine(net, Bernoulli(), (1, 8, 8))
    x = binary(3, 1, 8, 8)
    for t in range(theirs.turns):
        mine = notebook["turn_log_prob"](net, x, theirs.turn, t)
        equal(mine, theirs.log_prob_of(x, torch.full((3,), t)))


def test_drawing(notebook):
    nade = autoregressive.NADE((5,), 7)
    weights = nade.into, nade.out, nade.hidden_bias, nade.bias

    def steps(x):
        return notebook["nade_steps"](x, *weights)

    def logits(x):
        return torch.stack(list(steps(x)), 1)

    with seeded(3), torch.no_grad():
        mine = notebook["fill"](torch.zeros(6, 5), steps, temperature=0.7)
    with seeded(3), torch.no_grad():
        anew = notebook["anew"](logits)
        again = notebook["fill"](torch.zeros(6, 5), anew, temperature=0.7)
    with seeded(3):
        theirs = nade.sample(6, temperature=0.7)
    assert torch.equal(mine, theirs) and torch.equal(again, theirs)
