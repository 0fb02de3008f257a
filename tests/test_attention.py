"""Attention: by hand, with a cache at once and in parts, and angles that add up."""

import pytest
import torch

from gmcourse import seeded
from gmcourse.attention import (
    CausalAttention,
    KeysValues,
    Transformer,
    attended,
    rotate,
)


def attention(turn=None, width=12, heads=3):
    with seeded(0):
        net = CausalAttention(width, heads, turn).double()
        for p in net.parameters():
            p.data.normal_()
    return net


@pytest.mark.parametrize("turn", [None, rotate])
def test_attention_is_what_the_formula_says(turn):
    net = attention(turn)
    x = torch.randn(2, 5, 12).double()
    due = torch.zeros(2, 5, 12).double()
    for head in range(3):
        rows = slice(4 * head, 4 * head + 4)
        q, k, v = (w[rows] for w in net.qkv.weight.split(12))
        q, k, v = (x @ w.T for w in (q, k, v))
        if turn is not None:
            q, k = turn(q), turn(k)
        for i in range(5):
            weight = (k[:, : i + 1] @ q[:, i, :, None])[..., 0] / 2  # root of 4
            share = weight.softmax(1)
            due[:, i, rows] = (share[..., None] * v[:, : i + 1]).sum(1)
    torch.testing.assert_close(net(x), due @ net.out.weight.T)


@pytest.mark.parametrize("turn", [None, rotate])
@pytest.mark.parametrize("parts", [(7,), (1,) * 7, (3, 4), (2, 1, 3, 1)])
def test_in_parts_with_a_cache_all_is_as_at_once(turn, parts):
    with seeded(0):
        net = Transformer(8, 2, 2, turn).double()
    x, cache = torch.randn(2, 7, 8).double(), net.cache()
    found = [net(part, cache) for part in x.split(parts, 1)]
    torch.testing.assert_close(torch.cat(found, 1), net(x), rtol=0, atol=1e-13)
    assert cache[0].length == 7 and KeysValues().length == 0


def test_gradients_in_parts_are_those_of_all_at_once():
    net, weight = Transformer(8, 2, 2).double(), torch.randn(2, 7, 8).double()
    x, cache = torch.randn(2, 7, 8).double().requires_grad_(), net.cache()
    found = torch.cat([net(part, cache) for part in x.split(1, 1)], 1)
    due = torch.autograd.grad((net(x) * weight).sum(), x)
    torch.testing.assert_close(torch.autograd.grad((found * weight).sum(), x), due)


def test_what_is_kept_is_not_moved_at_each_step():
    cache, places = KeysValues(), set()
    with torch.no_grad():
        for step in range(100):
            k, v = cache.add(*torch.full((2, 1, 2, 1, 4), float(step)))
            places.add(k.data_ptr())
            due = torch.arange(step + 1.0)
            assert torch.equal(k[0, 1, :, 3], due) and torch.equal(v[0, 0, :, 0], due)
    assert len(places) < 10


@pytest.mark.parametrize("mixed", [True, False])
def test_in_bfloat16_scores_and_shares_are_computed_in_float32(mixed):
    """On a CPU; what goes in and comes out has bfloat16 alone."""
    q, k, v = (4 * torch.randn(2, 3, 64, 8).bfloat16() for _ in range(3))
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        found = attended(q, k, v, is_causal=True)
    assert found.dtype == torch.bfloat16
    scores = q.double() @ k.double().mT / 8**0.5
    scores = scores.masked_fill(torch.ones(64, 64).triu(1).bool(), -torch.inf)
    due = scores.softmax(-1) @ v.double()
    assert (found != due.bfloat16()).float().mean() < 0.003  # ties, if at all
    x = torch.randn(2, 5, 12)
    with torch.autocast("cpu", torch.bfloat16):
        assert attention().float()(x).dtype == torch.bfloat16


def test_turned_queries_and_keys_know_their_distance_alone():
    q, k = torch.randn(2, 8).double()
    many = torch.stack([q] * 9), torch.stack([k] * 9)
    product = rotate(many[0]) @ rotate(many[1]).T  # (t, t)
    for i in range(-8, 9):
        same = product.diagonal(i)
        torch.testing.assert_close(same, same[:1].expand_as(same))
    assert (product.diagonal(1)[0] - product.diagonal(2)[0]).abs() > 1e-3
    torch.testing.assert_close(product[0, 0], q @ k)
    torch.testing.assert_close(rotate(many[0], 5)[0], rotate(many[0])[5])
    torch.testing.assert_close(rotate(many[0]).norm(dim=1), q.norm().expand(9))


def test_the_first_pair_turns_by_one_radian_a_step():
    x = torch.zeros(3, 4)
    x[:, 0] = 1.0
    angle = torch.arange(3.0)
    found = rotate(x)
    torch.testing.assert_close(found[:, 0], angle.cos())
    torch.testing.assert_close(found[:, 2], angle.sin())
    x = torch.zeros(3, 4)
    x[:, 1] = 1.0
    torch.testing.assert_close(rotate(x)[:, 3], (angle / 100).sin())


def test_bad_sizes_are_told():
    with pytest.raises(ValueError, match="multiple of heads"):
        CausalAttention(10, 4)
    with pytest.raises(ValueError, match="even number"):
        rotate(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="depth"):
        Transformer(8, 0, 2)
