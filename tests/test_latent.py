"""Diffusion of latents: what learns, what is kept, and which law it models."""

import copy
import math

import pytest
import torch
from torch import nn

from gmcourse import Labels, seeded, train
from gmcourse.diffusion import Diffusion
from gmcourse.latent import GridDecoder, GridEncoder, LatentDiffusion
from gmcourse.likelihoods import FixedGaussian
from gmcourse.unet import UNetDenoiser
from gmcourse.vae import VAE

IMAGE, LATENT = (3, 16, 16), (2, 4, 4)


class Binary(FixedGaussian):
    """Of which the mean is not what the decoder says."""

    def mean(self, params):
        return params.sigmoid()


def codec(latents=32):
    grid = (latents // 16, 4, 4)
    return VAE(
        GridEncoder(IMAGE, grid, width=8),
        GridDecoder(IMAGE, grid, width=8),
        Binary(0.1),
        latent_dim=latents,
        event_shape=IMAGE,
    )


def latent_diffusion(condition=None):
    classes = condition.classes if condition else 0
    net = UNetDenoiser(LATENT, width=8, classes=classes)
    how = {"condition": condition, "spread": 0.8, "center": 0.1, "steps": 3}
    return LatentDiffusion(codec(), Diffusion(net, LATENT, **how))


@pytest.fixture
def model():
    with seeded(0):
        made = latent_diffusion(Labels(3, required=False))
        for weight in made.parameters():  # what is silent at first speaks
            nn.init.normal_(weight, std=0.2)
    return made


def test_only_the_diffusion_learns(model):
    before = copy.deepcopy(model.state_dict())
    x, c = torch.rand(8, *IMAGE), torch.randint(3, (8,))
    adam = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], 1e-2)
    list(train(model, [(x, c)] * 3, adam, steps=3))
    for name, value in model.state_dict().items():
        same = torch.equal(value, before[name])
        assert same == name.startswith("codec."), name
    assert not any(p.requires_grad for p in model.codec.parameters())


def test_the_codec_stays_as_it_is_in_evaluation(model):
    class Watched(nn.Module):
        modes = ()

        def forward(self, x):
            Watched.modes += (self.training,)
            return x

    model.codec.encoder = nn.Sequential(Watched(), model.codec.encoder)
    model.train()
    model.loss(torch.rand(2, *IMAGE), torch.tensor([0, 1]))
    assert Watched.modes == (False,)


def test_the_loss_is_that_of_the_diffusion_on_draws_of_the_encoder(model):
    x, c = torch.rand(4, *IMAGE), torch.tensor([0, 1, 2, 0])
    with seeded(3):
        found = model.loss(x, c)
    with seeded(3):
        mean, log_std = model.codec.encode(x)
        z = mean + log_std.exp() * torch.randn_like(mean)
        due = model.diffusion.loss(z.view(4, *LATENT), c)
    torch.testing.assert_close(found, due)


def test_the_bound_with_a_normal_prior_is_that_of_the_autoencoder(model, monkeypatch):
    """In expectation: the rate is drawn here, and in closed form there."""
    told = []

    def normal(z, c, **how):
        told.append((z.shape[1:], how))
        return -(z.square() + math.log(2 * math.pi)).flatten(1).sum(1) / 2

    monkeypatch.setattr(model.diffusion, "elbo", normal)
    x = torch.rand(1, *IMAGE).expand(4_000, *IMAGE)
    c = torch.zeros(4_000, dtype=torch.int64)
    with seeded(1), torch.no_grad():
        found = model.elbo(x, c, steps=7)
    assert told == [(LATENT, {"steps": 7})]
    # The same draws, so that the likelihoods are the same as well.
    with seeded(1), torch.no_grad():
        likelihood, rate = model.codec.elbo_terms(x)
    drawn = likelihood - found
    error = drawn.std() / len(x) ** 0.5
    assert (drawn.mean() - rate[0]).abs() < 4 * error
    assert error < 0.02 * rate[0]


def test_the_bound_is_told_the_condition(model):
    x, c = torch.rand(4, *IMAGE), torch.tensor([0, 1, 2, 0])
    bounds = []
    for told in (c, (c + 1) % 3):
        with seeded(0):
            bounds.append(model.elbo(x, told))
    assert bounds[0].shape == (4,) and (bounds[0] - bounds[1]).abs().min() > 1e-3
    with pytest.raises(ValueError, match="labels"):
        model.elbo(x, torch.tensor([0, 1]))


def test_latents_are_drawn_and_decoded(model):
    x = torch.rand(1, *IMAGE).expand(2_000, *IMAGE)
    z = model.to_latents(x)
    assert z.shape == (2_000, *LATENT) and not z.requires_grad
    mean, log_std = model.codec.encode(x[:1])
    flat = z.flatten(1)
    torch.testing.assert_close(flat.std(0), log_std.exp()[0], rtol=0.1, atol=0)
    error = (flat.mean(0) - mean[0]) / log_std.exp()[0]
    assert error.abs().max() < 0.12
    due = model.codec.decode(flat[:2]).sigmoid()
    torch.testing.assert_close(model.from_latents(z[:2]), due)


def test_draws_are_decoded_latents_of_the_diffusion(model):
    c = torch.tensor([0, 2])
    with seeded(1):
        found = model.sample(2, c, steps=4, guidance=2.0)
    with seeded(1):
        z = model.diffusion.sample(2, c, steps=4, guidance=2.0)
    torch.testing.assert_close(found, model.from_latents(z))
    assert found.shape == (2, *IMAGE)


def test_numbers_of_latents_must_agree():
    with pytest.raises(ValueError, match="48 latents"):
        LatentDiffusion(codec(48), Diffusion(UNetDenoiser(LATENT, width=8), LATENT))


@pytest.mark.parametrize("net", [GridEncoder, GridDecoder])
@pytest.mark.parametrize(
    "shapes",
    [((3, 16, 16), (2, 4, 8)), ((3, 16, 16), (2, 8, 8)), ((3, 18, 18), (2, 4, 4))],
)
def test_grids_must_fit(net, shapes):
    with pytest.raises(ValueError, match="times smaller"):
        net(*shapes, width=8)


def test_an_autoencoder_that_is_told_something_is_refused():
    told = codec()
    told.condition = Labels(3)
    with pytest.raises(ValueError, match="takes a condition"):
        LatentDiffusion(told, Diffusion(UNetDenoiser(LATENT, width=8), LATENT))


@pytest.mark.parametrize("net", [GridEncoder, GridDecoder])
@pytest.mark.parametrize("latent", [(), (0, 4, 4), (2.0, 4, 4), (2, 4.0, 4.0)])
def test_grids_have_whole_sizes(net, latent, as_users_run_it):
    with pytest.raises((ValueError, TypeError), match="latent_shape"):
        net((3, 16, 16), latent, width=8)


@pytest.mark.parametrize(("width", "half"), [(8, 4), (5, 2), (1, 1)])
def test_half_the_channels_at_twice_the_size(width, half):
    """Of the convolutions between; squares of 2 × 2 move into the channels."""
    nets = [net(IMAGE, LATENT, width=width).net for net in (GridEncoder, GridDecoder)]
    into, out = ([m for m in n.children() if isinstance(m, nn.Conv2d)] for n in nets)
    assert [(m.in_channels, m.out_channels) for m in into] == [
        (3 * 4, half), (half * 4, width), (width, 2 * 2)
    ]  # fmt: skip
    assert [(m.in_channels, m.out_channels) for m in out] == [
        (2, width), (width, half * 4), (half, 3 * 4)
    ]  # fmt: skip


def test_a_place_of_the_latents_is_a_place_of_the_picture():
    """What changes in a corner changes the latents of that corner most."""
    with seeded(0):
        net = GridEncoder((1, 32, 32), (2, 8, 8), width=8)
    x = torch.rand(1, 1, 32, 32)
    other = x.clone()
    other[..., :4, 28:] += 1.0
    far = (net(other) - net(x)).detach().view(4, 8, 8).abs().amax(0)
    assert far[:4, 4:].sum() > 10 * far[4:].sum() + 10 * far[:, :4].sum()


def test_the_decoder_starts_where_the_latents_lie():
    with seeded(0):
        net = GridDecoder((1, 32, 32), (2, 8, 8), width=8)
    z = torch.randn(1, 2, 8, 8)
    other = z.clone()
    other[..., 0, 7] += 1.0
    far = (net(other.flatten(1)) - net(z.flatten(1))).detach()[0, 0].abs()
    assert far[:16, 16:].sum() > 10 * far[16:].sum() + 10 * far[:, :16].sum()
