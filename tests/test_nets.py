"""The convolutional players of a GAN."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from gmcourse.gan import Projection
from gmcourse.nets import DCCritic, DCGenerator


def kinds(net):
    return [type(part).__name__ for part in net.modules()]


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 16), (2, 8, 12)])
def test_players_take_and_give_images(shape):
    x = DCGenerator(5, shape, width=8)(torch.randn(3, 5))
    assert x.shape == (3, *shape) and x.min() > 0 and x.max() < 1
    critic = DCCritic(shape, out=4, width=8)
    assert critic(x).shape == (3, 4)
    h = DCCritic(shape, None, width=8)(x)
    assert h.shape == (3, critic.features)
    assert critic.features == 16 * shape[1] // 4 * shape[2] // 4


def test_players_refuse_sides_they_cannot_halve_twice():
    for make in (DCCritic, lambda shape: DCGenerator(4, shape)):
        with pytest.raises(ValueError, match="multiples of 4"):
            make((1, 28, 30))


def test_players_refuse_sizes_that_are_none(as_users_run_it):
    shape = 1, 8, 8
    for make in (
        lambda n: DCCritic((1, n, 8)),
        lambda n: DCCritic((n, 8, 8)),
        lambda n: DCCritic(shape, n),
        lambda n: DCCritic(shape, width=n),
        lambda n: DCGenerator(n, shape),
        lambda n: DCGenerator(4, shape, width=n),
        lambda n: Projection(nn.Identity(), n, 3),
        lambda n: Projection(nn.Identity(), 3, n),
    ):
        with pytest.raises(ValueError, match="is 0; expected 1 or more"):
            make(0)
        with pytest.raises(TypeError, match=r"is 8\.0; expected an integer"):
            make(8.0)


def test_the_generator_is_what_it_says():
    """Written out with functions, with statistics of the batch."""
    net, z = DCGenerator(5, (3, 8, 12), width=4), torch.randn(6, 5)
    first, _, _, _, second, _, _, third, _ = net.net
    h = first(z).view(6, 8, 2, 3)
    h = F.relu(F.batch_norm(h, None, None, training=True))
    how = {"stride": 2, "padding": 1}
    h = F.conv_transpose2d(h, second.weight, second.bias, **how)
    h = F.relu(F.batch_norm(h, None, None, training=True))
    h = F.conv_transpose2d(h, third.weight, third.bias, **how)
    torch.testing.assert_close(net(z), torch.sigmoid(h))
    assert "BatchNorm2d" not in kinds(DCGenerator(5, (3, 8, 12), normalize=False))


def test_the_critic_is_what_it_says():
    """Pixels to [-1, 1], strides of 2, and the slope of the leaky ReLU."""
    x = torch.rand(6, 3, 8, 12)
    for slope in (0.0, 0.2):
        net = DCCritic((3, 8, 12), width=4, slope=slope)
        convs = [part for part in net.net if isinstance(part, nn.Conv2d)]
        h = 2 * x - 1
        for conv in convs:
            h = F.conv2d(h, conv.weight, conv.bias, stride=2, padding=1)
            h = F.leaky_relu(h, slope)
        torch.testing.assert_close(net(x), net.net[-1](h.flatten(1)))
        features = DCCritic((3, 8, 12), None, width=4, slope=slope)
        features.load_state_dict(net.state_dict(), strict=False)
        torch.testing.assert_close(features(x), h.flatten(1))


def test_the_critic_mixes_examples_only_if_it_is_told_to():
    x, other = torch.rand(2, 4, 1, 8, 8)
    other[0] = x[0]
    for normalize in (False, True):
        critic = DCCritic((1, 8, 8), width=4, normalize=normalize)
        same = torch.allclose(critic(x)[0], critic(other)[0], atol=1e-6)
        assert same == (not normalize)
