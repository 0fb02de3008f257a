"""What chapter 2 builds computes what the library computes."""

import torch
from parity import build_namespace, copy_weights, parity
from torch import nn

import gmcourse.autoencoders as library
from gmcourse import seeded
from gmcourse.nets import mlp

NAME = "02_autoencoders"
SHAPE = (1, 4, 6)


def nets(k=5, linear=False):
    encoder = nn.Sequential(nn.Flatten(), mlp(24, 16, k))
    return encoder, nn.Linear(k, 24) if linear else mlp(k, 16, 24)


def both(cls, linear=False, **how):
    """The chapter's and the library's version, with equal weights."""
    mine = build_namespace(NAME)[cls](*nets(linear=linear), SHAPE, **how)
    theirs = getattr(library, cls)(*nets(linear=linear), SHAPE, **how)
    copy_weights(theirs, mine)
    return mine, theirs


def images(n=7):
    with seeded(0):
        return torch.rand(n, *SHAPE)


def same_loss_and_gradient(mine, theirs, x):
    with seeded(1):
        a = mine.loss(x)
    with seeded(1):
        b = theirs.loss(x)
    torch.testing.assert_close(a, b)
    a.backward(), b.backward()
    for p, q in zip(mine.parameters(), theirs.parameters()):
        torch.testing.assert_close(p.grad, q.grad)


@parity("02_autoencoders", "squared_error")
def test_squared_error():
    mine = build_namespace(NAME, upto="squared_error")["squared_error"]
    x, y = images(), images().flip(0)
    torch.testing.assert_close(mine(x, y), library.squared_error(x, y))


@parity("02_autoencoders", "Codec", "Autoencoder")
def test_autoencoder():
    mine, theirs = both("Autoencoder")
    x = images()
    z = theirs.encode(x)
    torch.testing.assert_close(mine.encode(x), z)
    torch.testing.assert_close(mine.decode(z), theirs.decode(z))
    torch.testing.assert_close(mine.error(x), theirs.error(x))
    same_loss_and_gradient(mine, theirs, x)


@parity("02_autoencoders", "DenoisingAutoencoder")
def test_denoising_autoencoder():
    mine, theirs = both("DenoisingAutoencoder", std=0.7)
    same_loss_and_gradient(mine, theirs, images())
    assert mine.std == theirs.std


@parity("02_autoencoders", "SparseAutoencoder")
def test_sparse_autoencoder():
    mine, theirs = both("SparseAutoencoder", linear=True, weight=0.3)
    x = images()
    torch.testing.assert_close(mine.encode(x), theirs.encode(x))
    assert (mine.encode(x) == 0).any() and (mine.encode(x) > 0).any()
    same_loss_and_gradient(mine, theirs, x)


@parity("02_autoencoders", "GaussianCodes")
def test_gaussian_codes():
    mine_ae, theirs_ae = both("Autoencoder")
    mine = build_namespace(NAME)["GaussianCodes"](mine_ae, 5)
    theirs = library.GaussianCodes(theirs_ae, 5)
    x = images(40)
    mine.fit(x), theirs.fit(x)
    torch.testing.assert_close(mine.mean, theirs.mean)
    torch.testing.assert_close(mine.cholesky, theirs.cholesky)
    torch.testing.assert_close(mine.loss(x), theirs.loss(x))
    with seeded(2):
        a = mine.sample(6)
    with seeded(2):
        b = theirs.sample(6)
    torch.testing.assert_close(a, b)
