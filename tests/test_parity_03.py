"""What chapter 03 builds computes what the library ships."""

import math

import pytest
import torch
from parity import build_namespace, copy_weights, parity

import gmcourse.likelihoods
import gmcourse.vae
from gmcourse import seeded
from gmcourse.nets import mlp

CHAPTER = "03_variational_autoencoders"
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


@pytest.fixture
def codes():
    with seeded(0):
        return torch.randn(5, 3), 0.7 * torch.randn(5, 3)


def nets():
    """Encoder and decoder of binary 2 × 2 images with three latents."""
    encoder = torch.nn.Sequential(torch.nn.Flatten(), mlp(4, 8, 6))
    return encoder, mlp(3, 8, 4)


def models(notebook):
    """The chapter's VAE and the library's, with the same weights."""
    sizes = {"latent_dim": 3, "event_shape": (1, 2, 2)}
    with seeded(1):
        mine = notebook["VAE"](*nets(), notebook["Bernoulli"](), **sizes)
        ours = gmcourse.likelihoods.Bernoulli()
        theirs = gmcourse.vae.VAE(*nets(), ours, **sizes)
    copy_weights(theirs, mine)
    with seeded(2):
        x = torch.randint(2, (7, 1, 2, 2)).float()
    return mine, theirs, x


@parity("03_variational_autoencoders", "kl_to_standard_normal")
def test_kl(notebook, codes):
    mine = notebook["kl_to_standard_normal"](*codes)
    equal(mine, gmcourse.vae.kl_to_standard_normal(*codes))


@parity("03_variational_autoencoders", "gaussian_log_prob")
def test_gaussian_log_prob(notebook, codes):
    mean, log_std = codes
    z = torch.linspace(-2, 2, 15).view(5, 3)
    mine, theirs = notebook["gaussian_log_prob"], gmcourse.vae.gaussian_log_prob
    equal(mine(z), theirs(z))
    equal(mine(z, mean, log_std), theirs(z, mean, log_std))
    equal(mine(z, mean, math.log(0.4)), theirs(z, mean, math.log(0.4)))


@parity("03_variational_autoencoders", "reparameterize")
def test_reparameterize(notebook, codes):
    with seeded(3):
        mine = notebook["reparameterize"](*codes)
    with seeded(3):
        equal(mine, gmcourse.vae.reparameterize(*codes))


@parity("03_variational_autoencoders", "Bernoulli")
def test_bernoulli(notebook):
    mine, theirs = notebook["Bernoulli"](), gmcourse.likelihoods.Bernoulli()
    logits = torch.linspace(-80, 80, 24).view(6, 1, 2, 2)
    x = (torch.arange(24).view(6, 1, 2, 2) % 3 == 0).float()
    assert mine.per_value == theirs.per_value
    equal(mine.log_prob(logits, x), theirs.log_prob(logits, x))
    equal(mine.mean(logits), theirs.mean(logits))
    with seeded(4):
        drawn = mine.sample(logits)
    with seeded(4):
        equal(drawn, theirs.sample(logits))


@parity("03_variational_autoencoders", "FixedGaussian")
def test_fixed_gaussian(notebook):
    mine = notebook["FixedGaussian"](0.3)
    theirs = gmcourse.likelihoods.FixedGaussian(0.3)
    with seeded(5):
        params, x = torch.randn(2, 9, 3, 2, 2)
    assert mine.per_value == theirs.per_value
    equal(mine.log_prob(params, x), theirs.log_prob(params, x))
    equal(mine.mean(params), theirs.mean(params))
    with seeded(5):
        drawn = mine.sample(params)
    with seeded(5):
        equal(drawn, theirs.sample(params))


@parity("03_variational_autoencoders", "VAE")
def test_vae(notebook):
    mine, theirs, x = models(notebook)
    with seeded(6):
        terms, loss = mine.elbo_terms(x), mine.loss(x)
    with seeded(6):
        equal(terms, theirs.elbo_terms(x))
        equal(loss, theirs.loss(x))
    loss.backward()
    with seeded(6):
        theirs.elbo_terms(x)
        theirs.loss(x).backward()
    for a, b in zip(mine.parameters(), theirs.parameters()):
        equal(a.grad, b.grad)
    with seeded(7):
        drawn = mine.sample(6)
    with seeded(7):
        equal(drawn, theirs.sample(6))


@parity("03_variational_autoencoders", "log_weights", "iw_bound")
@pytest.mark.parametrize("k", [1, 4])
def test_weights_and_bound(notebook, k):
    mine, theirs, x = models(notebook)
    with seeded(8):
        weights, bound = (notebook[f](mine, x, k) for f in ("log_weights", "iw_bound"))
    with seeded(8):
        assert weights.shape == (k, len(x))
        equal(weights, theirs.log_weights(x, k=k))
        equal(bound, theirs.iw_bound(x, k=k))


@parity("03_variational_autoencoders", "IWAE")
def test_iwae(notebook):
    mine, theirs, x = models(notebook)
    with seeded(9):
        loss = notebook["IWAE"](mine, 5).loss(x)
    with seeded(9):
        equal(loss, gmcourse.vae.IWAE(theirs, 5).loss(x))


@parity("03_variational_autoencoders", "LinearGaussian")
def test_linear_gaussian(notebook):
    with seeded(10):
        mine = notebook["LinearGaussian"](5, 2, std=0.3)
        theirs = gmcourse.linear_gaussian.LinearGaussian(5, 2, std=1.0)
        x = torch.randn(6, 5)
    copy_weights(mine, theirs)
    equal(mine.log_prob(x), theirs.log_prob(x))
    equal(mine.posterior(x), theirs.posterior(x))
