"""The recipes of the shipped models: what was trained, on what, and how long.

A recipe is plain data and one function that builds the model. ``steps`` are given for
the three scales of a run; a card says which one made the shipped weights.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .. import data
from ..autoencoders import Autoencoder, GaussianCodes
from ..classifiers import FeatureClassifier
from ..conditions import Labels
from ..core import Model
from ..likelihoods import Bernoulli, DiscretizedLogistic
from ..nets import SubPixelDecoder, SubPixelEncoder, WithLabel, mlp
from ..vae import IWAE, VAE

__all__ = ["RECIPES", "Recipe"]


@dataclass(frozen=True)
class Source:
    """A set as the models see it: its name, its transform, its shape, its labels."""

    name: str
    title: str
    transform: Callable[[Tensor], Tensor]
    shape: tuple[int, int, int]
    classes: int


MNIST = Source("mnist", "binarized MNIST", data.binarize, (1, 28, 28), 10)
FASHION = Source("fashion_mnist", "Fashion-MNIST", data.to_unit, (1, 28, 28), 10)
FACES = Source("pixelfaces", "pixelfaces", data.to_unit, (3, 16, 16), 8)


@dataclass(frozen=True)
class Recipe:
    """How one shipped model is made.

    Attributes:
        kind: ae, vae, cvae, iwae or classifier; it decides what is measured.
        build: the untrained model.
        steps: updates at the scales (smoke, cpu, gpu).
        start: the entry whose weights training starts from, if any.
        labels: the labels that the model is trained with; None trains without.
        bfloat16: train under autocast. Not for 8-bit likelihoods: near 1 a bfloat16
            mean is as coarse as the data's own levels.
        draws: k of the importance-weighted bound on the results page.
    """

    name: str
    title: str
    kind: str
    source: Source
    build: Callable[[], Model]
    steps: tuple[int, int, int]
    batch_size: int = 128
    lr: float = 1e-3
    ema: float = 0.999
    clip: float | None = None
    start: str | None = None
    labels: Callable[[Any], Tensor] | None = None
    bfloat16: bool = False
    draws: int = 100


class OnImages(nn.Module):
    """A net on flat vectors, applied to images (and, with a label, to its one-hot)."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        flat = x.flatten(1)
        return self.net(flat) if c is None else self.net(flat, c)


def _dense_vae(width: int, latent: int) -> VAE:
    """A fully connected VAE of binary digits, after Burda et al. (2016)."""
    encoder = mlp(784, width, width, 2 * latent)
    decoder = mlp(latent, width, width, 784)
    return VAE(
        OnImages(encoder),
        decoder,
        Bernoulli(),
        latent_dim=latent,
        event_shape=MNIST.shape,
    )


def _conv_vae(source: Source, width: int, latent: int, classes: int = 0) -> VAE:
    """A convolutional VAE: of binary images, or of 8-bit ones by their levels."""
    channels, *size = source.shape
    binary = source.transform is data.binarize
    likelihood = Bernoulli() if binary else DiscretizedLogistic()
    out = (likelihood.per_value * channels, *size)
    encoder: nn.Module = SubPixelEncoder((channels + classes, *size), 2 * latent, width)
    decoder: nn.Module = SubPixelDecoder(latent + classes, out, width)
    if not binary:
        last = decoder.net[-2]
        with torch.no_grad():
            # Begin at mid-gray with a scale of a few levels: sharper wastes steps.
            last.weight.mul_(0.1)
            last.bias[: 4 * channels] = 0.5
            last.bias[4 * channels :] = -2.5
    if classes:
        encoder, decoder = WithLabel(encoder, classes), WithLabel(decoder, classes)
    return VAE(
        encoder,
        decoder,
        likelihood,
        latent_dim=latent,
        event_shape=source.shape,
        condition=Labels(classes) if classes else None,
    )


def _dense_ae(latent: int) -> GaussianCodes:
    encoder, decoder = mlp(784, 400, 400, latent), mlp(latent, 400, 400, 784)
    sigmoid = nn.Sequential(decoder, nn.Sigmoid())
    return GaussianCodes(Autoencoder(OnImages(encoder), sigmoid, MNIST.shape), latent)


def _conv_ae(source: Source, width: int, latent: int) -> GaussianCodes:
    encoder = SubPixelEncoder(source.shape, latent, width)
    decoder = SubPixelDecoder(latent, source.shape, width)
    images = nn.Sequential(decoder, nn.Sigmoid())
    return GaussianCodes(Autoencoder(encoder, images, source.shape), latent)


def _class_labels(split: Any) -> Tensor:
    return split.c


# What a face's features must tell apart: the accessories and the skin.
FACE_HEADS = (8, 8)


def _face_labels(split: Any) -> Tensor:
    skin = split.attributes[:, split.info.columns.index("skinColor")].long()
    return split.c + 8 * skin


def _classifier(source: Source, heads: tuple[int, ...], labels: Any) -> Recipe:
    short = source.name.split("_")[0]
    return Recipe(
        f"classifier-{short}",
        "feature classifier",
        "classifier",
        source,
        lambda: FeatureClassifier(source.shape, heads),
        (20, 2_000, 20_000),
        labels=labels,
        bfloat16=True,
    )


_ALL = (
    _classifier(MNIST, (10,), _class_labels),
    _classifier(FASHION, (10,), _class_labels),
    _classifier(FACES, FACE_HEADS, _face_labels),
    Recipe(
        "vae2d-mnist",
        "VAE with two latents",
        "vae",
        MNIST,
        lambda: _dense_vae(64, 2),
        (20, 30_000, 100_000),
        lr=2e-3,
        bfloat16=True,
        draws=500,
    ),
    Recipe(
        "ae-mnist",
        "autoencoder",
        "ae",
        MNIST,
        lambda: _dense_ae(32),
        (20, 12_000, 100_000),
        bfloat16=True,
    ),
    Recipe(
        "vae-mnist-30s",
        "VAE after half a minute",
        "vae",
        MNIST,
        lambda: _dense_vae(200, 32),
        (20, 9_000, 9_000),
        lr=3e-3,
        bfloat16=True,
        draws=500,
    ),
    Recipe(
        "vae-mnist-300s",
        "VAE after five minutes",
        "vae",
        MNIST,
        lambda: _conv_vae(MNIST, 32, 50),
        (20, 18_000, 18_000),
        batch_size=64,
        lr=3e-3,
        bfloat16=True,
        draws=500,
    ),
    Recipe(
        "vae-mnist",
        "VAE",
        "vae",
        MNIST,
        lambda: _conv_vae(MNIST, 32, 50),
        (20, 90_000, 600_000),
        batch_size=64,
        lr=3e-3,
        ema=0.9995,
        bfloat16=True,
        draws=5000,
    ),
    Recipe(
        "cvae-mnist",
        "conditional VAE",
        "cvae",
        MNIST,
        lambda: _conv_vae(MNIST, 32, 50, classes=10),
        (20, 15_000, 300_000),
        batch_size=64,
        lr=3e-3,
        labels=_class_labels,
        bfloat16=True,
        draws=500,
    ),
    Recipe(
        "iwae-mnist",
        "IWAE, k = 50",
        "iwae",
        MNIST,
        lambda: IWAE(_conv_vae(MNIST, 32, 50), k=50),
        (4, 8_000, 300_000),
        batch_size=20,
        lr=5e-4,
        ema=0.9995,
        start="vae-mnist",
        bfloat16=True,
        draws=5000,
    ),
    Recipe(
        "ae-fashion",
        "autoencoder",
        "ae",
        FASHION,
        lambda: _conv_ae(FASHION, 32, 32),
        (10, 6_000, 50_000),
    ),
    Recipe(
        "vae-fashion",
        "VAE",
        "vae",
        FASHION,
        lambda: _conv_vae(FASHION, 32, 32),
        (10, 25_000, 100_000),
        batch_size=64,
        lr=1.5e-3,
        clip=200.0,
    ),
    Recipe(
        "cvae-fashion",
        "conditional VAE",
        "cvae",
        FASHION,
        lambda: _conv_vae(FASHION, 32, 32, classes=10),
        (10, 20_000, 100_000),
        batch_size=64,
        lr=1.5e-3,
        clip=200.0,
        labels=_class_labels,
    ),
    Recipe(
        "iwae-fashion",
        "IWAE, k = 10",
        "iwae",
        FASHION,
        lambda: IWAE(_conv_vae(FASHION, 32, 32), k=10),
        (2, 4_000, 50_000),
        batch_size=20,
        lr=3e-4,
        clip=200.0,
        start="vae-fashion",
    ),
    Recipe(
        "ae-pixelfaces",
        "autoencoder",
        "ae",
        FACES,
        lambda: _conv_ae(FACES, 48, 64),
        (10, 16_000, 100_000),
        batch_size=64,
        lr=3e-3,
    ),
    Recipe(
        "vae-pixelfaces",
        "VAE",
        "vae",
        FACES,
        lambda: _conv_vae(FACES, 48, 64),
        (10, 25_000, 100_000),
        batch_size=64,
        lr=1.5e-3,
        clip=200.0,
    ),
    Recipe(
        "cvae-pixelfaces",
        "conditional VAE",
        "cvae",
        FACES,
        lambda: _conv_vae(FACES, 48, 64, classes=8),
        (10, 30_000, 100_000),
        batch_size=64,
        lr=1.5e-3,
        clip=200.0,
        labels=_class_labels,
    ),
    Recipe(
        "iwae-pixelfaces",
        "IWAE, k = 10",
        "iwae",
        FACES,
        lambda: IWAE(_conv_vae(FACES, 48, 64), k=10),
        (2, 5_000, 50_000),
        batch_size=20,
        lr=3e-4,
        clip=200.0,
        start="vae-pixelfaces",
    ),
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _ALL}
