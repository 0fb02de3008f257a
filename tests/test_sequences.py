"""Recurrent nets and WaveNet: how far they see, what is kept, what a label reaches."""

import itertools

import pytest
import torch
from models import MODELS, small_recurrent, small_wavenet
from test_pixels import awake
from torch import nn
from torch.nn import functional as F

from gmcourse import Labels
from gmcourse.sequences import Recurrent
from gmcourse.wavenet import DilatedLayer, WaveNet


@pytest.mark.parametrize(
    "make",
    [
        lambda: small_recurrent((3,), depth=2),
        lambda: small_recurrent((3,), cell=nn.RNN),
        lambda: small_wavenet((3,), (1, 2)),
        lambda: small_wavenet((3,), (1,)),  # which sees less than all
    ],
)
def test_probabilities_of_all_sequences_add_up(make):
    model = awake(make)
    x = torch.tensor(list(itertools.product(range(4), repeat=3)))
    total = model.log_prob(x).exp().sum()
    torch.testing.assert_close(total, torch.ones(()).double())


def watched(module, look):
    """Call ``look(inputs, output)`` at each call of a module."""
    return module.register_forward_hook(lambda _, inputs, out: look(inputs, out))


class Kept(nn.Module):
    """A module that keeps what it gave."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        self.out = self.inner(x)
        return self.out


@pytest.mark.parametrize("dilations", [(1,), (3,), (1, 2, 4), (1, 2) * 2, (4, 2, 1)])
def test_the_receptive_field_is_where_gradients_come_from(dilations):
    reached, d = 0, 20
    for seed in range(5):
        model = awake(lambda: small_wavenet((20,), dilations), seed)
        model.token = Kept(model.token)
        last = model.params(model.example(1)[0]).view(4, d)[:, -1]
        for logit in last:
            (slope,) = torch.autograd.grad(logit, model.token.out, retain_graph=True)
            reached = reached + slope.abs().sum((0, 2))
    seen = (reached > 0).nonzero().flatten().tolist()
    field = 1 + sum(dilations)
    assert model.receptive_field == field
    if dilations in [(1, 2, 4), (1, 2) * 2, (4, 2, 1)]:  # with no hole between
        assert seen == list(range(d - 1 - field, d - 1))
    assert (min(seen), max(seen)) == (d - 1 - field, d - 2)


def test_doubled_dilations_see_each_token_once_and_all_of_them():
    assert WaveNet((9,), 4).receptive_field == 1024
    assert WaveNet((9,), 4, dilations=[1, 2, 4] * 3).receptive_field == 22


def test_a_layer_is_a_gated_dilated_convolution():
    layer = DilatedLayer(3, 5, 2, None).double()
    h = torch.randn(2, 3, 9).double()
    kernel = torch.stack(layer.taps.weight[..., 0].split(3, 1), 2)  # (6, 3, 2)
    u, v = F.conv1d(F.pad(h, (2, 0)), kernel, layer.taps.bias, dilation=2).chunk(2, 1)
    both = layer.out(u.tanh() * v.sigmoid())
    past = torch.cat([torch.zeros(2, 3, 2).double(), h[..., :-2]], 2)
    more, skip = layer(past, h, 0.0)
    torch.testing.assert_close(more, h + both[:, :3])
    torch.testing.assert_close(skip, both[:, 3:])


def test_the_head_sees_the_sum_of_all_layers():
    model, skips, sums = awake(lambda: small_wavenet((5,))), [], []
    for layer in model.layers:
        watched(layer, lambda _, out: skips.append(out[1]))
    watched(model.head, lambda inputs, _: sums.append(inputs[0]))
    model.params(model.example(2)[0])
    assert len(skips) == 3
    torch.testing.assert_close(sums[0], sum(skips))


@pytest.mark.parametrize("name", ["wavenet", "recurrent"])
def test_a_new_token_costs_one_column(name):
    model, widths = awake(MODELS[name]), []
    if name == "wavenet":
        for layer in model.layers:  # one of each example, side by side
            watched(layer, lambda x, _: widths.append(len(x[0]) * x[0].shape[2] // 3))
    else:
        watched(model.net, lambda inputs, _: widths.append(inputs[0].shape[1]))
    model.sample(3)
    assert widths == [1] * (15 if name == "wavenet" else 5)


@pytest.mark.parametrize("name", ["wavenet by label", "gru of images by label"])
def test_a_label_left_out_is_a_row_of_its_own(name):
    model = awake(MODELS[name])
    x, c = model.example(3)[0], torch.tensor([0, 1, 2])
    before = model.params(x)
    tables = [layer.told for layer in model.layers] if "wave" in name else [model.start]
    for table in tables:
        table.weight.data[:3] += 1
    assert torch.equal(model.params(x), before)
    assert not torch.allclose(model.params(x, c), before)


@pytest.mark.parametrize("name", ["wavenet by label", "gru of images by label"])
def test_a_label_is_told_from_the_first_token_on(name):
    model = awake(MODELS[name])
    x = model.example(1)[0].expand(3, *[-1] * len(model.event_shape))
    first = model.params(x, torch.tensor([0, 1, 2])).reshape(3, 4, -1)[:, :, 0]
    assert torch.cdist(first, first).add(torch.eye(3)).gt(1e-6).all()


def test_a_label_reaches_every_layer_of_a_wavenet():
    model = awake(MODELS["wavenet by label"])
    x, c = model.example(4)
    model.log_prob(x, c).sum().backward()
    assert all(
        (layer.told.weight.grad[c].abs() > 0).any(1).all() for layer in model.layers
    )


def test_the_cell_is_the_one_that_was_asked_for():
    for cell in (nn.LSTM, nn.GRU, nn.RNN):
        net = Recurrent((4,), 3, width=5, depth=2, cell=cell).net
        assert type(net) is cell
        assert (net.input_size, net.hidden_size, net.num_layers) == (5, 5, 2)


def test_a_recurrent_net_remembers_the_first_token():
    model = awake(lambda: small_recurrent((30,)))
    x = torch.zeros(2, 30, dtype=torch.int64)
    x[1, 0] = 1
    last = model.params(x).view(2, 4, 30)[..., -1]
    assert (last[0] - last[1]).abs().max() > 0


def test_a_rotary_gpt_is_another_model_with_the_same_weights():
    plain, rotary = (awake(MODELS[n]) for n in ("gpt of the library", "rotary gpt"))
    for a, b in zip(plain.parameters(), rotary.parameters(), strict=True):
        assert torch.equal(a, b)
    x = plain.example(3)[0]
    assert not torch.allclose(plain.params(x), rotary.params(x))


def test_bad_requests_are_told(as_users_run_it):
    for make, text in (
        (lambda: WaveNet((4,), 1), "levels"),
        (lambda: WaveNet((4,), 3, dilations=()), "dilations is empty"),
        (lambda: WaveNet((4,), 3, dilations=(1, 0)), "size of dilations"),
        (lambda: WaveNet((4,), 3, width=0), "width"),
        (lambda: WaveNet((4,), 3, head=0), "head"),
        (lambda: WaveNet((), 3), "empty"),
        (lambda: Recurrent((4,), 1), "levels"),
        (lambda: Recurrent((4,), 3, depth=0), "depth"),
        (lambda: Recurrent((4,), 3, width=0), "width"),
        (lambda: Recurrent((), 3), "empty"),
    ):
        with pytest.raises(ValueError, match=text):
            make()
    model = WaveNet((4,), 3, width=2, dilations=(1,), condition=Labels(2))
    with pytest.raises(ValueError, match="is conditional"):
        model.log_prob(torch.zeros(1, 4, dtype=torch.int64))
