"""The U-Net of diffusions against the same sums written out."""

import itertools
import math

import pytest
import torch
from test_continuous import shaken, values
from torch.nn import functional as F

from gmcourse.nets import count_parameters
from gmcourse.unet import FiLMBlock, UNetDenoiser


def normalized(h, groups):
    """Each group of channels of an example with mean 0 and variance 1."""
    g = h.reshape(len(h), groups, -1)
    g = (g - g.mean(2, keepdim=True)) / (g.var(2, False, keepdim=True) + 1e-5).sqrt()
    return g.view_as(h)


def swish(h):
    return h / (1 + (-h).exp())


@pytest.mark.parametrize(("into", "out"), [(6, 6), (12, 8)])
def test_what_is_told_scales_and_shifts_the_second_norm(into, out):
    block = shaken(FiLMBlock(into, out, 5))
    h, told = values(3, into, 4, 7), values(3, 5, seed=1)
    gain, bias = block.before.weight[:, None, None], block.before.bias[:, None, None]
    f = block.first(swish(normalized(h, math.gcd(into, 8)) * gain + bias))
    both = told @ block.film.weight.T + block.film.bias
    factor, summand = both[:, :out, None, None], both[:, out:, None, None]
    f = normalized(f, math.gcd(out, 8)) * (1 + factor) + summand
    skip = h if into == out else F.conv2d(h, block.skip.weight, block.skip.bias)
    torch.testing.assert_close(block(h, told), skip + block.last(swish(f)))


def test_a_block_starts_as_its_skip_and_the_net_at_0():
    h, told = torch.randn(2, 6, 4, 4), torch.randn(2, 5)
    assert torch.equal(FiLMBlock(6, 6, 5)(h, told), h)
    block = FiLMBlock(6, 4, 5)
    assert torch.equal(block(h, told), block.skip(h))
    net = UNetDenoiser((1, 8, 8), width=4)
    assert not net(torch.randn(2, 1, 8, 8), torch.rand(2)).any()


def test_each_block_on_the_way_up_sees_its_partner_of_the_way_down():
    """Two sizes of two blocks: the last one down is the first one up."""
    how = {"width": 3, "multiples": (1, 2), "depth": 2, "side": 2, "frequencies": 3}
    net = shaken(UNetDenoiser((2, 8, 4), classes=4, **how), 0.3)
    x, t, c = values(3, 2, 8, 4), torch.tensor([0.1, 0.5, 0.8]).double(), [3, 0, 4]
    angles = t[:, None] * torch.tensor([0.5, 1.0, 1.5]) * math.pi
    told = net.time(torch.cat([angles.sin(), angles.cos()], 1)) + net.label.weight[c]
    told = swish(told)
    # A square's four values are channels beside each other: rows first.
    h = x.view(3, 2, 4, 2, 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(3, 8, 4, 2)
    a = net.down[0][0](net.stem(h), told)
    b = net.down[0][1](a, told)
    low = net.shrink[0]
    d = net.down[1][0](F.conv2d(b, low.weight, low.bias, 2, 1), told)
    e = net.down[1][1](d, told)
    h = net.middle(e, told)
    h = net.up[1][0](torch.cat([h, e], 1), told)
    h = net.up[1][1](torch.cat([h, d], 1), told)
    h = F.pixel_shuffle(net.grow[0](h), 2)
    h = net.up[0][0](torch.cat([h, b], 1), told)
    h = net.up[0][1](torch.cat([h, a], 1), told)
    h = net.head(swish(net.norm(h)))
    due = h.view(3, 2, 2, 2, 4, 2).permute(0, 1, 4, 2, 5, 3).reshape(3, 2, 8, 4)
    torch.testing.assert_close(net(x, t, torch.tensor(c)), due)


def test_no_label_is_the_last_one_and_each_label_another():
    net = shaken(UNetDenoiser((1, 4, 4), width=4, classes=3), 0.3)
    x, t = values(5, 1, 4, 4), torch.full((5,), 0.3).double()
    seen = [net(x, t, torch.full((5,), c)) for c in range(4)]
    assert torch.equal(net(x, t), seen[3])
    assert all((a - b).abs().max() > 1e-3 for a, b in itertools.pairwise(seen))


def test_examples_do_not_see_each_other():
    net = shaken(UNetDenoiser((1, 4, 4), width=4, classes=3), 0.3)
    x, t, c = values(4, 1, 4, 4), values(4).sigmoid(), torch.tensor([0, 3, 1, 2])
    alone = [net(x[i : i + 1], t[i : i + 1], c[i : i + 1]) for i in range(4)]
    torch.testing.assert_close(net(x, t, c), torch.cat(alone))


def test_sizes_of_the_net():
    net = UNetDenoiser((3, 24, 12), width=8, multiples=(1, 3, 2), depth=2, classes=5)
    assert [len(blocks) for blocks in net.down] == [2, 2, 2]
    assert [w.weight.shape[:2] for w in net.shrink] == [(24, 8), (16, 24)]
    assert [w.weight.shape[:2] for w in net.grow] == [(32, 24), (96, 16)]
    assert net.label.weight.shape == (6, 32) and net.stem.weight.shape[:2] == (8, 3)
    # Time, stem and head; blocks of one and of two inputs; to the half and back.
    ends = 16 * 128 + 128 + 128 * 128 + 128 + 320 + 64 + 289
    one, two = (lambda w: 18 * w**2 + 262 * w), (lambda w: 29 * w**2 + 265 * w)
    blocks = one(32) + 2 * one(64) + two(32) + two(64)
    between = 9 * 32 * 64 + 64 + 64 * 128 + 128
    assert count_parameters(UNetDenoiser((1, 8, 8))) == ends + blocks + between
    for shape, side in (((1, 6, 4), 2), ((1, 4, 6), 2), ((8, 8), 1)):
        with pytest.raises(ValueError, match="multiples of"):
            UNetDenoiser(shape, side=side)
    with pytest.raises(ValueError, match="a multiple is 0"):
        UNetDenoiser((1, 8, 8), multiples=(1, 0))
    with pytest.raises(TypeError, match="frequencies"):
        UNetDenoiser((1, 8, 8), frequencies=2.0)


def test_an_encoder_in_place_of_labels():
    """A label's vector, by a layer that looks it up: the same net."""
    known = {"width": 4}
    labels = shaken(UNetDenoiser((1, 4, 4), classes=3, **known))
    net = shaken(
        UNetDenoiser((1, 4, 4), encoder=torch.nn.Linear(4, 16, False), **known)
    )
    named = {k: v for k, v in labels.state_dict().items() if not k.startswith("label")}
    net.load_state_dict(named | {"label.weight": labels.label.weight.T})
    x, t, c = values(5, 1, 4, 4), values(5).sigmoid(), torch.tensor([0, 2, 1, 3, 2])
    told = F.one_hot(c, 4).double()
    torch.testing.assert_close(net(x, t, told), labels(x, t, c))
    with pytest.raises(ValueError, match="one of them"):
        UNetDenoiser((1, 4, 4), classes=3, encoder=torch.nn.Identity(), **known)


def test_it_may_be_told_two_times():
    net = UNetDenoiser((1, 8, 8), width=4, frequencies=3, times=2)
    x = torch.zeros(2, 1, 8, 8)
    assert net.time[0].in_features == 2 * 2 * 3
    assert net(x, torch.rand(2, 2)).shape == x.shape
