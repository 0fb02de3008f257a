"""What chapter 07 builds computes what the library ships."""

from functools import partial

import pytest
import torch
from parity import build_namespace, parity
from torch import nn

from gmcourse import attention, data, decoding, seeded
from gmcourse.conditions import Labels
from gmcourse.ngrams import NGram
from gmcourse.sequences import Recurrent
from gmcourse.wavenet import WaveNet

CHAPTER = "07_sequences"
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


def tokens(*shape, levels=5, seed=0):
    with seeded(seed):
        return torch.randint(levels, shape)


@pytest.mark.parametrize("n", [1, 2, 4])
def test_counting(notebook, n):
    text, asked = tokens(60), tokens(20, seed=1)
    theirs = NGram(5, n)
    theirs.fit(text)
    found = notebook["count"](text.tolist(), n)
    mine = [
        notebook["share"](found, asked[:i].tolist(), int(token), n, 5)
        for i, token in enumerate(asked)
    ]
    equal(torch.tensor(mine).double(), theirs.log_probs(asked).exp())


def test_a_state(notebook):
    theirs, x = Recurrent((6,), 5, width=7), tokens(2, 6)
    net = theirs.net
    weights = net.weight_hh_l0, net.weight_ih_l0, net.bias_ih_l0 + net.bias_hh_l0
    h = cell = torch.zeros(2, 7)
    e, logits = theirs.begin(x, None)[:, 0], []
    for i in range(6):
        h, cell = notebook["lstm_step"](e, h, cell, *weights)
        logits.append(theirs.head(h))
        e = theirs.token(x[:, i])
    equal(torch.stack(logits, -1).flatten(1), theirs.params(x))


def dilated(notebook):
    """A small WaveNet of the library, and its parts with the notebook's layers."""
    theirs = WaveNet((20,), 5, width=6, head=7, dilations=(1, 2, 4))
    layers = nn.ModuleList(notebook["Dilated"](6, 7, d) for d in (1, 2, 4))
    layers.load_state_dict(theirs.layers.state_dict())
    return theirs, (theirs.token, layers, theirs.head)


def test_looking_back_in_doubled_steps(notebook):
    theirs, parts = dilated(notebook)
    x = tokens(3, 20)
    equal(notebook["wave_params"](x, *parts).flatten(1), theirs.params(x))


def test_queues(notebook):
    theirs, parts = dilated(notebook)
    x = tokens(3, 20)
    mine = list(notebook["wave_steps"](x, *parts))
    for one, (_, other) in zip(mine, theirs.steps(x), strict=True):
        equal(one, other)


def test_a_label_stands_before_the_gate():
    """Which the notebook leaves out: with its vectors at zero nothing changes."""
    told = WaveNet((20,), 5, width=6, dilations=(1, 2), condition=Labels(3))
    for layer in told.layers:
        nn.init.zeros_(layer.told.weight)
    plain = WaveNet((20,), 5, width=6, dilations=(1, 2))
    plain.load_state_dict(told.state_dict(), strict=False)
    x = tokens(3, 20)
    equal(told.params(x, tokens(3, levels=3)), plain.params(x))


@pytest.mark.parametrize("levels", [16, 255, 256])
def test_sound_in_tokens(notebook, levels):
    s = torch.linspace(-1, 1, 10_001)
    mine = notebook["quantized"](s, levels)
    assert torch.equal(mine, data.mu_law(s, levels))
    every = torch.arange(levels)
    equal(notebook["restored"](every, levels), data.mu_law_inverse(every, levels))


@parity("07_sequences", "rotate")
@pytest.mark.parametrize("first", [0, 3])
def test_turned_by_their_places(notebook, first):
    x = torch.randn(2, 3, 5, 8)
    equal(notebook["rotate"](x, first), attention.rotate(x, first))


@parity("07_sequences", "Block")
def test_block(notebook):
    mine, theirs = notebook["Block"](8, 2), attention.Block(8, 2)
    mine.load_state_dict(theirs.state_dict())
    h = torch.randn(2, 6, 8)
    equal(mine(h), theirs(h))


def test_keys_and_values_are_kept(notebook):
    layer, h = attention.CausalAttention(8, 2), torch.randn(2, 6, 8)
    mine, theirs = [], attention.KeysValues()
    for i in range(6):
        one = notebook["attend"](layer, h[:, i, None], mine)
        equal(one, layer(h[:, i, None], theirs))


def test_the_likely_ones_alone(notebook):
    logits = torch.randn(50, 6).mul(2).round()  # some are equal
    for k in 1, 3, 6:
        assert torch.equal(notebook["likeliest"](logits, k), decoding.top_k(logits, k))
    for p in 0.05, 0.5, 0.9:
        assert torch.equal(notebook["core"](logits, p), decoding.nucleus(logits, p))


def test_a_guess_and_a_judge(notebook):
    """Both ways of drawing with a draft, from the same table of probabilities."""
    with seeded(0):
        tables = torch.randn(2, 4, 3, dtype=torch.float64).softmax(-1)

    def after(past, table):
        return table[past[-1] if past else 3]

    target, draft = (partial(after, table=table) for table in tables)
    runs, counts = 4_000, torch.zeros(2, 3, 3)

    def params(x, table):
        every = torch.stack([after(x[0, :i].tolist(), table) for i in range(2)])
        return every.log().T[None].flatten(1)

    with seeded(1):
        for _ in range(runs):
            text = []
            while len(text) < 2:
                text += notebook["round_of"](target, draft, text, 2)
            counts[0, text[0], text[1]] += 1
            x = decoding.speculative(
                *(partial(params, table=table) for table in tables),
                torch.zeros(1, 2, dtype=torch.int64),
                gamma=2,
            ).x
            counts[1, x[0, 0], x[0, 1]] += 1
    due = tables[0, 3][:, None] * tables[0, :3]
    off = (counts / runs - due).abs() / (due * (1 - due) / runs).sqrt()
    assert off.max() < 5
