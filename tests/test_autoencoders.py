"""Autoencoders: against PCA, against Alain & Bengio, against moments."""

import pytest
import torch
from models import flat_ae
from torch import nn

from gmcourse import data, seeded, train
from gmcourse.autoencoders import (
    Autoencoder,
    DenoisingAutoencoder,
    GaussianCodes,
    SparseAutoencoder,
    squared_error,
)
from gmcourse.nets import (
    ConvEncoder,
    SubPixelDecoder,
    SubPixelEncoder,
    WithLabel,
    count_parameters,
    mlp,
)


def test_squared_error_is_summed_over_values():
    x, y = torch.zeros(2, 1, 2, 2), torch.full((2, 1, 2, 2), 3.0)
    assert squared_error(x, y).tolist() == [36.0, 36.0]
    assert squared_error(y, x).tolist() == [36.0, 36.0]
    with pytest.raises(ValueError, match="shapes differ"):
        squared_error(x, y[:, :, :1])


@pytest.mark.slow
def test_a_linear_autoencoder_reaches_pca_and_not_below():
    """Baldi & Hornik (1989): the optimum is the projection on the first components."""
    with seeded(0):
        x = torch.randn(400, 6) @ torch.randn(6, 6)
        x = x - x.mean(0)
        ae = Autoencoder(nn.Linear(6, 2), nn.Linear(2, 6), (6,))
        adam = torch.optim.Adam(ae.parameters(), 3e-2)
        batches = data.Batches(x, batch_size=400)
        schedule = torch.linspace(1, 0, 1501)
        for _ in train(
            ae, batches, adam, steps=1500, schedule=lambda s: schedule[s].item()
        ):
            pass
    values = torch.linalg.svdvals(x)
    optimum = values[2:].square().sum() / len(x)
    error = ae.error(x).mean()
    assert optimum - 1e-3 < error < 1.001 * optimum


def test_denoising_optimum_is_the_posterior_mean():
    """For Gaussian data the best denoiser is a known linear shrinkage."""
    std, spread = 0.5, torch.tensor([2.0, 0.3])
    shrink = spread**2 / (spread**2 + std**2)
    best = DenoisingAutoencoder(nn.Identity(), nn.Linear(2, 2), (2,), std=std)
    with torch.no_grad():
        best.decoder.weight.copy_(torch.diag(shrink))
        best.decoder.bias.zero_()
    x = spread * torch.randn(20_000, 2)
    expected = (spread**2 * std**2 / (spread**2 + std**2)).sum()
    assert best.loss(x).item() == pytest.approx(expected.item(), rel=0.05)
    with torch.no_grad():
        best.decoder.weight.mul_(1.1)
    assert best.loss(x).item() > expected.item() * 1.01


def test_denoising_compares_with_the_clean_input():
    ae = DenoisingAutoencoder(nn.Identity(), nn.Identity(), (3,), std=2.0)
    x = torch.randn(50_000, 3)
    assert ae.loss(x).item() == pytest.approx(3 * 4.0, rel=0.05)


def test_sparse_penalty_does_not_fall_by_rescaling():
    """Small codes and a large decoder cost what large codes and a small one cost."""
    ae = flat_ae(SparseAutoencoder, weight=0.7)
    x = torch.rand(8, 1, 8, 8)
    before = ae.loss(x)
    with torch.no_grad():
        ae.encoder[0][1][-1].weight.div_(10)
        ae.encoder[0][1][-1].bias.div_(10)
        ae.decoder.weight.mul_(10)
    torch.testing.assert_close(ae.loss(x), before)
    assert (ae.encode(x) >= 0).all()


def test_gaussian_codes_have_the_moments_of_the_codes():
    with seeded(0):
        x = torch.randn(5000, 3) @ torch.randn(3, 3) + torch.tensor([1.0, -2.0, 0.5])
        model = GaussianCodes(Autoencoder(nn.Identity(), nn.Identity(), (3,)), 3)
        model.fit(x)
        y = model.sample(60_000)
    torch.testing.assert_close(model.mean, x.mean(0))
    torch.testing.assert_close(torch.cov(y.T), torch.cov(x.T), rtol=0.05, atol=0.05)
    with pytest.raises(ValueError, match="cannot fix a covariance"):
        model.fit(x[:3])


def test_senseless_arguments_are_refused(as_users_run_it):
    with pytest.raises(ValueError, match="std is 0"):
        flat_ae(DenoisingAutoencoder, std=0)
    with pytest.raises(ValueError, match="weight is -1"):
        flat_ae(SparseAutoencoder, weight=-1)
    with pytest.raises(TypeError, match=r"expected nn\.Linear"):
        SparseAutoencoder(nn.Identity(), nn.Identity(), (3,))


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 16), (2, 8, 12)])
def test_conv_nets_mirror_each_other(shape):
    for encoder in (ConvEncoder, SubPixelEncoder):
        z = encoder(shape, out=5, width=8)(torch.rand(2, *shape))
        assert z.shape == (2, 5)
        assert SubPixelDecoder(5, shape, width=8)(z).shape == (2, *shape)


def test_conv_nets_refuse_sides_they_cannot_halve_twice():
    for make in (ConvEncoder, SubPixelEncoder, lambda s, d: SubPixelDecoder(d, s)):
        with pytest.raises(ValueError, match="multiples of 4"):
            make((1, 30, 28), 4)


def test_height_and_width_are_not_swapped():
    """A picture that varies along one axis only must come out varying along it."""
    decoder = SubPixelDecoder(4, (1, 8, 16), width=8)
    assert decoder(torch.randn(1, 4)).shape[-2:] == (8, 16)
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(128, 4))
    ae = Autoencoder(encoder, nn.Linear(4, 128), (1, 8, 16))
    assert ae.decode(torch.zeros(1, 4)).shape == (1, 1, 8, 16)


def test_with_label_joins_one_hot_planes():
    seen = WithLabel(nn.Identity(), 3)(torch.zeros(2, 1, 2, 2), torch.tensor([2, 0]))
    assert seen.shape == (2, 4, 2, 2)
    assert seen[0, :, 0, 0].tolist() == [0, 0, 0, 1]
    assert seen[1, :, 1, 1].tolist() == [0, 1, 0, 0]
    flat = WithLabel(nn.Identity(), 3)(torch.zeros(2, 5), torch.tensor([1, 1]))
    assert flat[:, 5:].tolist() == [[0, 1, 0], [0, 1, 0]]


def test_mlp():
    net = mlp(3, 7, 2)
    assert count_parameters(net) == 3 * 7 + 7 + 7 * 2 + 2
    assert isinstance(net[-1], nn.Linear)
    for sizes in ((3,), ()):
        with pytest.raises(ValueError, match="two or more positive"):
            mlp(*sizes)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_a_gaussian_of_codes_of_any_scale(scale):
    """Two codes that are equal, one that is constant, and two of very unequal size."""
    with seeded(0):
        x = torch.randn(400, 5)
    x[:, 1], x[:, 2], x[:, 3] = x[:, 0], 0.7, 1e-3 * x[:, 3]
    model = GaussianCodes(Autoencoder(nn.Identity(), nn.Identity(), (5,)), 5)
    model.fit(scale * x)
    found = (model.cholesky @ model.cholesky.T).double() / scale**2
    due = torch.cov(x.T.double())
    size = due.diagonal().sqrt()
    size[2] = 1.0
    assert ((found - due) / size / size[:, None]).abs().max() < 1e-5
    torch.testing.assert_close(model.mean / scale, x.mean(0))
    drawn = model.sample(2000) / scale
    assert (drawn[:, 0] - drawn[:, 1]).std() < 0.01 and drawn[:, 2].std() < 1e-4
