"""A transformer that denoises, against the same sums written out."""

import math

import pytest
import torch
from test_continuous import shaken, values
from torch import nn
from torch.nn import functional as F

from gmcourse.denoisers import waves
from gmcourse.transformers import DiTBlock, DiTDenoiser


def norm(h):
    h = h - h.mean(-1, keepdim=True)
    return h / (h.var(-1, False, keepdim=True) + 1e-5).sqrt()


def attention(block, h):
    """By torch's own module, with the block's weights."""
    width = h.shape[-1]
    other = nn.MultiheadAttention(width, block.heads, batch_first=True).double()
    with torch.no_grad():
        other.in_proj_weight.copy_(block.qkv.weight)
        other.in_proj_bias.copy_(block.qkv.bias)
        other.out_proj.weight.copy_(block.out.weight)
        other.out_proj.bias.copy_(block.out.bias)
    return other(h, h, h, need_weights=False)[0]


def test_a_block_written_out():
    block = shaken(DiTBlock(12, 3, 5))
    h, told = values(2, 7, 12), values(2, 5, seed=1)
    six = (told @ block.told.weight.T + block.told.bias).view(2, 1, 6, 12)
    shift1, scale1, gate1, shift2, scale2, gate2 = six.unbind(2)
    due = h + gate1 * attention(block, norm(h) * (1 + scale1) + shift1)
    due = due + gate2 * block.mlp(norm(due) * (1 + scale2) + shift2)
    torch.testing.assert_close(block(h, told), due)


def test_a_block_starts_as_the_identity_and_learns_at_once():
    block = DiTBlock(12, 3, 5)
    h, told = torch.randn(2, 7, 12), torch.randn(2, 5)
    y = block(h, told)
    assert torch.equal(y, h)
    y.square().sum().backward()
    gates = block.told.weight.grad.view(6, 12, 5)[[2, 5]]
    assert gates.abs().amax((1, 2)).min() > 0


def test_heads_must_fit():
    with pytest.raises(ValueError, match="multiple of heads"):
        DiTBlock(10, 3, 5)


def test_the_net_starts_at_0_and_sees_all():
    net = DiTDenoiser((2, 6, 4), width=12, depth=2, heads=3, side=2)
    x, t = torch.randn(3, 2, 6, 4), torch.rand(3)
    assert not net(x, t).any()
    net, x = shaken(net), x.double().requires_grad_()
    net(x, t.double())[0, 1, 5, 3].backward()
    assert (x.grad[0] != 0).all() and not x.grad[1:].any()


def test_squares_are_those_of_the_picture():
    """Without attention a square sees itself alone."""
    net = shaken(DiTDenoiser((1, 6, 4), width=12, depth=1, heads=3, side=2))
    with torch.no_grad():
        net.blocks[0].out.weight.zero_()
    x = values(1, 1, 6, 4).requires_grad_()
    net(x, torch.rand(1).double())[0, 0, 2, 3].backward()
    seen = torch.zeros(6, 4, dtype=torch.bool)
    seen[2:4, 2:4] = True
    assert torch.equal(x.grad[0, 0] != 0, seen)


def test_the_net_written_out():
    net = shaken(DiTDenoiser((2, 4, 6), width=12, depth=2, heads=2, side=2, classes=3))
    x, t, c = values(3, 2, 4, 6), torch.rand(3).double(), torch.tensor([0, 2, 3])
    told = F.silu(net.time(waves(t, 8)) + net.label(c))
    # Squares row by row; within one, channels, then its rows.
    rows = [x[:, :, i : i + 2, j : j + 2].flatten(1) for i in (0, 2) for j in (0, 2, 4)]
    h = torch.stack([net.into(row) for row in rows], 1) + net.position
    assert len(net.blocks) == 2
    for block in net.blocks:
        h = block(h, told)
    scale, shift = net.last(told).view(3, 2, 12).unbind(1)
    out = net.head(norm(h) * (1 + scale[:, None]) + shift[:, None])
    due = torch.zeros_like(x)
    for k, (i, j) in enumerate((i, j) for i in (0, 2) for j in (0, 2, 4)):
        due[:, :, i : i + 2, j : j + 2] = out[:, k].view(3, 2, 2, 2)
    torch.testing.assert_close(net(x, t, c), due)


def test_no_label_is_the_last_one():
    net = shaken(DiTDenoiser((1, 4, 4), width=8, depth=1, classes=3))
    x, t = values(2, 1, 4, 4), torch.rand(2).double()
    torch.testing.assert_close(net(x, t), net(x, t, torch.tensor([3, 3])))
    assert (net(x, t) - net(x, t, torch.tensor([0, 1]))).abs().max() > 1e-4


@pytest.mark.parametrize("shape", [(1, 5, 4), (4, 4), (1, 4, 4, 4)])
def test_pictures_that_cannot_be_cut_are_refused(shape):
    with pytest.raises(ValueError, match="event_shape"):
        DiTDenoiser(shape, width=8, depth=1)


def test_places_start_small():
    net = DiTDenoiser((1, 32, 32), width=16, depth=1)
    assert net.position.std().item() == pytest.approx(0.02, rel=0.1)
    assert math.prod(net.position.shape) == 256 * 16


def test_an_encoder_in_place_of_labels():
    """A label's vector, by a layer that looks it up: the same net."""
    known = {"width": 8}
    labels = shaken(DiTDenoiser((1, 4, 4), classes=3, **known))
    net = shaken(DiTDenoiser((1, 4, 4), encoder=torch.nn.Linear(4, 8, False), **known))
    named = {k: v for k, v in labels.state_dict().items() if not k.startswith("label")}
    net.load_state_dict(named | {"label.weight": labels.label.weight.T})
    x, t, c = values(5, 1, 4, 4), values(5).sigmoid(), torch.tensor([0, 2, 1, 3, 2])
    told = F.one_hot(c, 4).double()
    torch.testing.assert_close(net(x, t, told), labels(x, t, c))
    with pytest.raises(ValueError, match="one of them"):
        DiTDenoiser((1, 4, 4), classes=3, encoder=torch.nn.Identity(), **known)


def test_it_may_be_told_two_times():
    net = DiTDenoiser((1, 4, 4), width=8, frequencies=3, times=2)
    x = torch.zeros(2, 1, 4, 4)
    assert net.time[0].in_features == 2 * 2 * 3
    assert net(x, torch.rand(2, 2)).shape == x.shape
