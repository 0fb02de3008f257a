"""The style-based generator: explicit weights, images by hand, explicit Jacobians."""

import math

import pytest
import torch
from torch import nn
from torch.autograd.functional import jacobian
from torch.nn import functional as F

from gmcourse import seeded
from gmcourse.nets import mlp
from gmcourse.style import (
    Mapping,
    ModulatedConv,
    PathLength,
    ScaledLinear,
    StyledLayer,
    StyleGenerator,
    ToImage,
)

close = torch.testing.assert_close


def leaky(x):
    return torch.where(x > 0, x, 0.2 * x) * 2**0.5


# Layers.


@pytest.mark.parametrize("rate", [1.0, 0.25])
def test_a_scaled_layer_starts_alike_and_learns_at_its_rate(rate):
    layer, x = ScaledLinear(400, 500, bias=3.0, rate=rate), torch.randn(7, 400)
    assert abs(layer.weight.std() * rate - 1) < 5.5 / 632  # false alarm 4e-8
    before = layer(x) - 3
    close(before, x @ layer.weight.T * rate / 20)
    adam = torch.optim.Adam(layer.parameters(), lr=0.1)
    layer(torch.ones(1, 400)).sum().backward()
    adam.step()  # the first step of Adam is lr, against the sign of the gradient
    step = 0.1 * rate * (x.sum(1, keepdim=True) / 20 + 1)
    close(layer(x), before + 3 - step, atol=1e-4, rtol=1e-4)


def test_only_the_direction_of_the_noise_counts():
    net, z = Mapping(5, 8, layers=2).double(), torch.randn(4, 5, dtype=torch.float64)
    close(net(1e3 * z), net(1e-2 * z), atol=1e-3, rtol=0)
    assert (net(-z) - net(z)).abs().max() > 0.1
    w = z / z.square().mean(1, keepdim=True).sqrt()
    first, second = net.layers
    nn.init.normal_(first.bias)
    assert (first.rate, second.rate) == (0.01, 0.01)
    close(net(z), leaky(second(leaky(first(w)))), atol=1e-6, rtol=1e-6)


def explicit(conv, x, w):
    """Eqs. 1 to 3 of Karras et al. (2020), with weights for each example."""
    s, made = conv.affine(w), []
    for image, style in zip(x, s):
        weight = conv.scale * conv.weight * style[None, :, None, None]
        if conv.demodulate:
            length = (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
            weight = weight / length
        made.append(F.conv2d(image[None], weight, padding=conv.weight.shape[-1] // 2))
    return torch.cat(made)


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_modulation_equals_weights_for_each_example(size, demodulate):
    conv = ModulatedConv(3, 4, size, 2, demodulate=demodulate).double()
    assert conv.scale == 1 / math.sqrt(3 * size**2)
    x = torch.randn(5, 3, 6, 7, dtype=torch.float64, requires_grad=True)
    w = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)
    mine, due = conv(x, w), explicit(conv, x, w)
    close(mine, due, atol=1e-10, rtol=0)
    r, inputs = torch.randn_like(due), [x, w, *conv.parameters()]
    both = [torch.autograd.grad((y * r).sum(), inputs) for y in (mine, due)]
    close(*both, atol=1e-10, rtol=0)


def test_at_the_start_the_style_of_zero_changes_nothing():
    conv, x = ModulatedConv(3, 4, 3, 2, demodulate=False), torch.randn(2, 3, 5, 5)
    close(conv(x, torch.zeros(2, 2)), F.conv2d(x, conv.scale * conv.weight, padding=1))


def test_what_is_demodulated_is_as_large_as_what_comes_in():
    """White noise in; the pixel in the middle sees all of the kernel."""
    conv, w = ModulatedConv(4, 5, 3, 2), 3 * torch.randn(1, 2)
    y = conv(torch.randn(20_000, 4, 3, 3), w.expand(20_000, -1))[:, :, 1, 1]
    assert (y.var(0) - 1).abs().max() < 0.055  # 5.5 deviations: false alarm 2e-7


def test_the_scale_of_the_styles_is_taken_out_again():
    x, w = torch.randn(5, 3, 6, 6), torch.randn(5, 2)
    for demodulate, factor in ((True, 1.0), (False, 7.0)):
        conv = ModulatedConv(3, 4, 3, 2, demodulate=demodulate)
        before = conv(x, w)
        with torch.no_grad():
            conv.affine.weight.mul_(7)
            conv.affine.bias.mul_(7)
        close(conv(x, w), factor * before, atol=1e-4, rtol=1e-4)


def test_a_styled_layer_by_hand():
    x, w = torch.randn(4, 3, 5, 6), torch.randn(4, 2)
    for grow in (False, True):
        layer = StyledLayer(3, 8, 2, grow=grow)
        nn.init.normal_(layer.bias)
        how = {"scale_factor": 2, "mode": "bilinear", "align_corners": False}
        y = layer.conv(F.interpolate(x, **how) if grow else x, w)
        close(layer(x, w), leaky(y + layer.bias))


def test_the_noise_is_one_for_all_channels_and_fresh_for_each_pixel():
    layer = StyledLayer(1, 2, 2)
    assert layer.strength == 0
    nn.init.constant_(layer.strength, 3.0)
    nn.init.zeros_(layer.conv.weight)
    y = layer(torch.zeros(50, 1, 20, 20), torch.zeros(50, 2))
    noise = torch.where(y > 0, y, 5 * y) / (3 * 2**0.5)
    close(noise[:, 0], noise[:, 1])
    assert noise[:, 0].unique().numel() > 0.9 * 20_000
    assert abs(noise[:, 0].std() - 1) < 5.5 / 200  # false alarm 4e-8


def test_an_image_of_channels_is_a_modulated_sum():
    layer, x, w = ToImage(3, 2, 4), torch.randn(5, 3, 6, 6), torch.randn(5, 4)
    nn.init.normal_(layer.bias)
    weight = layer.conv.weight[:, :, 0, 0] / 3**0.5
    due = torch.einsum("oi,bi,bihv->bohv", weight, layer.conv.affine(w), x)
    close(layer(x, w), due + layer.bias)


# The generator.


def small(**how):
    return StyleGenerator(3, (2, 8, 12), width=4, style_width=5, **how)


@pytest.mark.parametrize(
    "shape, smallest, wide",
    [
        ((1, 28, 28), (7, 7), [16, 8, 8, 4, 4]),
        ((3, 16, 16), (4, 4), [16, 8, 8, 4, 4]),
        ((1, 32, 32), (4, 4), [16, 16, 16, 8, 8, 4, 4]),
        ((3, 64, 64), (4, 4), [16, 16, 16, 16, 16, 8, 8, 4, 4]),
        ((2, 8, 12), (4, 6), [8, 4, 4]),
        ((1, 12, 10), (6, 5), [8, 4, 4]),
        ((1, 5, 5), (5, 5), [4]),
        ((1, 2, 2), (2, 2), [4]),
    ],
)
def test_an_image_grows_from_the_smallest_side(shape, smallest, wide):
    net = StyleGenerator(3, shape, width=4, style_width=5)
    x = net(torch.randn(2, 3))
    assert x.shape == (2, *shape) and 0 < x.min() < x.max() < 1
    assert net.constant.shape == (wide[0], *smallest) and net.layers == len(wide)
    assert [layer.conv.weight.shape[0] for layer in net.styled] == wide
    doublings = len(wide) // 2
    assert [layer.grow for layer in net.styled] == [False] + [True, False] * doublings


def test_the_synthesis_by_hand():
    net = small().double()
    w = torch.randn(4, 3, 5, dtype=torch.float64)
    first, grows, last = net.styled
    for part in (*net.styled, *net.shown):
        nn.init.normal_(part.bias)
    x = first(net.constant[None].expand(4, -1, -1, -1), w[:, 0])
    image = net.shown[0](x, w[:, 0])
    x = last(grows(x, w[:, 1]), w[:, 2])
    image = F.interpolate(image, scale_factor=2, mode="bilinear")
    due = torch.sigmoid(image + net.shown[1](x, w[:, 2]))
    close(net.synthesis(w), due, atol=1e-10, rtol=0)


def test_one_style_is_the_same_style_for_each_layer():
    net, z = small(), torch.randn(4, 3)
    w = net.mapping(z)
    close(net.synthesis(w), net(z))
    close(net.synthesis(w[:, None].repeat(1, 3, 1)), net(z))
    for bad in (w[:, :4], w[:, None], w[:, None].expand(-1, 4, -1)):
        with pytest.raises(ValueError, match=r"expected \(b, 5\), or \(b, 3, 5\)"):
            net.synthesis(bad)


def test_truncation_moves_styles_toward_their_mean():
    net, w = small(), torch.randn(4, 5)
    net.w_mean.normal_()
    assert torch.equal(net.truncate(w, 1.0), w)
    one = net.synthesis(net.truncate(w, 0.0))
    close(one, one[:1].expand(4, -1, -1, -1))
    for psi in (0.7, -0.5):
        close(net.truncate(w, psi), net.w_mean + psi * (w - net.w_mean))
    each = w[:, None].expand(-1, 3, -1)
    close(net.truncate(each, 0.3)[:, 2], net.truncate(w, 0.3))
    with pytest.raises(ValueError, match="psi"):
        net.truncate(w, math.nan)
    for bad in (w[:, :1], w[:, :4]):
        with pytest.raises(ValueError, match=r"expected \(\.\.\., 5\)"):
            net.truncate(bad, 0.5)


def test_the_mean_style_is_of_those_made_in_training():
    net, due = small(), None
    for _ in range(3):
        z = torch.randn(6, 3)
        now = net.mapping(z).mean(0).detach()
        due = now if due is None else 0.995 * due + 0.005 * now
        net(z)
    close(net.w_mean, due)
    assert not net.w_mean.requires_grad and "w_mean" in net.state_dict()
    net.synthesis(net.mapping(z))
    net.eval()(z)
    close(net.w_mean, due)


def test_the_mean_style_is_taken_in_single_precision():
    net, z = small(), torch.randn(301, 3)
    with torch.autocast("cpu", torch.bfloat16):
        w = net.mapping(z)
        net(z)
    assert w.dtype == torch.bfloat16 and net.w_mean.dtype == torch.float32
    close(net.w_mean, w.detach().float().mean(0), atol=1e-6, rtol=1e-6)


def test_at_the_start_there_is_no_noise_in_an_image():
    net, z = small(), torch.randn(4, 3)
    close(net(z), net(z))
    nn.init.ones_(net.styled[1].strength)
    assert (net(z) - net(z)).abs().max() > 0.01
    assert (net.eval()(z) - net(z)).abs().max() > 0.01


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: StyleGenerator(3, (8, 8)), "expected .channels, height, width"),
        (lambda: StyleGenerator(3, (1, 8, 0)), "a side of shape is 0"),
        (lambda: StyleGenerator(3, (0, 8, 8)), "out is 0"),
        (lambda: StyleGenerator(0, (1, 8, 8)), "latent is 0"),
        (lambda: StyleGenerator(3, (1, 8, 8), width=0), "width is 0"),
        (lambda: StyleGenerator(3, (1, 8, 8), style_width=0), "style_width is 0"),
        (lambda: StyleGenerator(3, (1, 8, 8), mapping_layers=0), "layers is 0"),
        (lambda: Mapping(3, 4, rate=0.0), "rate is 0"),
        (lambda: ModulatedConv(3, 4, 2, 5), "size is 2; expected an odd number"),
        (lambda: ScaledLinear(0, 4), "into is 0"),
        (lambda: PathLength(-1.0), "weight is -1"),
        (lambda: PathLength(every=0), "every is 0"),
        (lambda: PathLength(decay=1.0), "decay is 1"),
        (lambda: PathLength(share=0.0), "share 0"),
        (lambda: PathLength(share=1.5), "share 1.5"),
    ],
)
def test_what_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()


# The length of paths.


class Linear(nn.Module):
    """``w = z``, and an image ``A w`` of 2×3×4."""

    def __init__(self, dim=5):
        super().__init__()
        self.a = nn.Parameter(torch.randn(24, dim, dtype=torch.float64))
        self.mapping = nn.Identity()

    def synthesis(self, w):
        return (w @ self.a.T).view(-1, 2, 3, 4)


def test_lengths_of_a_linear_synthesis():
    net, z = Linear(), torch.randn(7, 5, dtype=torch.float64)
    with seeded(1):
        mine = PathLength().lengths(net, z)
    with seeded(1):
        y = torch.randn(7, 24, dtype=torch.float64)
    due = (y @ net.a).norm(dim=1) / 12**0.5
    close(mine, due)
    slopes = [torch.autograd.grad(v.square().sum(), net.a)[0] for v in (mine, due)]
    close(*slopes)


def test_lengths_leave_the_noise_as_it_was():
    """A mapping may give back what it was given."""
    net, z = Linear(), torch.randn(7, 5, dtype=torch.float64)
    PathLength().lengths(net, z)
    assert not z.requires_grad


def test_lengths_of_a_generator_by_its_jacobian():
    net, z = small().double(), torch.randn(3, 3, dtype=torch.float64)
    with seeded(1):
        mine = PathLength().lengths(net, z)
    w = net.mapping(z)
    with seeded(1):
        y = torch.randn_like(net.synthesis(w)) / 96**0.5
    j = torch.stack(
        [jacobian(net.synthesis, w[i : i + 1])[0, ..., 0, :] for i in (0, 1, 2)]
    )
    close(mine, torch.einsum("bchv,bchvd->bd", y, j).norm(dim=1), atol=1e-10, rtol=0)


def test_the_penalty_is_asked_for_now_and_then():
    net, z = Linear(), torch.randn(5, 5, dtype=torch.float64)
    path, asked = PathLength(3.0, every=4, share=0.5).double().eval(), 0
    path.mean.fill_(2.0)
    for seed in range(80):
        with seeded(seed):
            value = path(net, z)
        with seeded(seed):
            due = torch.zeros((), dtype=torch.float64)
            if torch.rand(()) < 0.25:
                lengths, asked = path.lengths(net, z[:3]), asked + 1
                due = 12 * (lengths - 2).square().mean()
        close(value, due)
    assert 0 < asked < 40 and path.mean == 2


def test_the_running_mean_of_the_lengths():
    net, z = Linear(), torch.randn(6, 5, dtype=torch.float64)
    path, due = PathLength(every=1, decay=0.9, share=1.0).double(), None
    for seed in range(4):
        with seeded(seed):
            value = path(net, z)
        with seeded(seed):
            torch.rand(())
            lengths = path.lengths(net, z)
        now = lengths.mean().item()
        due = now if due is None else 0.9 * due + 0.1 * now
        assert abs(path.mean.item() - due) < 1e-12
        close(value, 2 * (lengths - due).square().mean())
        slope = torch.autograd.grad(value, net.a, retain_graph=True)[0]
        fixed = torch.autograd.grad(2 * (lengths - due).square().mean(), net.a)[0]
        close(slope, fixed)  # the mean is a number, without a gradient
    assert "mean" in path.state_dict()
    path.eval()(net, z)
    assert abs(path.mean.item() - due) < 1e-12


def test_lengths_where_gradients_are_off_and_where_they_vanish():
    net, z, path = small(), torch.randn(4, 3), PathLength(every=1)
    with torch.no_grad():
        assert path(net, z) >= 0 and path.mean > 0
    net.mapping.requires_grad_(False)
    path(net, z).backward()
    assert net.constant.grad.any()
    net = Linear()
    nn.init.zeros_(net.a)
    path(net, torch.randn(2, 5, dtype=torch.float64)).backward()
    assert net.a.grad.isfinite().all()


def test_a_generator_without_a_style_has_no_such_lengths():
    with pytest.raises(TypeError, match="the generator is a Sequential; expected one"):
        PathLength(every=1)(mlp(3, 4), torch.randn(2, 3))
