"""Autoencoders with one Gaussian on their codes."""

from typing import Any

import torch
from torch import nn

from ...autoencoders import Autoencoder, GaussianCodes
from ...nets import SubPixelDecoder, SubPixelEncoder
from ..making import Recipe, adam
from ..measure import Measure, ReconstructionError, SampleDistance
from ..sources import FACES, FASHION, MNIST, Images, Part


def _conv(source: Images, width: int, latent: int, hidden: int) -> GaussianCodes:
    encoder = SubPixelEncoder(source.shape, latent, width, hidden)
    decoder = SubPixelDecoder(latent, source.shape, width, hidden)
    images = nn.Sequential(decoder, nn.Sigmoid())
    return GaussianCodes(Autoencoder(encoder, images, source.shape), latent)


def _fit(model: Any, part: Part) -> None:
    """The Gaussian of the codes, from all training examples."""
    model.fit(part.first()[0].to(model.device))


def _measures(judge: str) -> tuple[Measure, ...]:
    few = SampleDistance(n=300, judge=judge, tolerance=0.05)
    return (
        ReconstructionError(
            n=10_000,
            tolerance=0.02,
            quick=ReconstructionError(n=500, tolerance=0.01),
        ),
        SampleDistance(n=10_000, judge=judge, tolerance=0.5, quick=few),
    )


RECIPES = (
    Recipe(
        name="ae-mnist",
        title="autoencoder",
        source=MNIST,
        model=lambda: _conv(MNIST, width=32, latent=32, hidden=64),
        steps=(20, 12_000, 100_000),
        measures=_measures("classifier-mnist"),
        finish=_fit,
        autocast=torch.bfloat16,
    ),
    Recipe(
        name="ae-fashion",
        title="autoencoder",
        source=FASHION,
        model=lambda: _conv(FASHION, width=32, latent=32, hidden=256),
        steps=(10, 6_000, 50_000),
        measures=_measures("classifier-fashion"),
        finish=_fit,
        bits=8,
        bytes_note="8 bits for a weight, which add 0.1 % to the squared error; a net "
        "with fewer weights was not trained",
    ),
    Recipe(
        name="ae-pixelfaces",
        title="autoencoder",
        source=FACES,
        model=lambda: _conv(FACES, width=48, latent=64, hidden=256),
        steps=(10, 16_000, 100_000),
        measures=_measures("classifier-pixelfaces"),
        optimizer=adam(3e-3),
        batch_size=64,
        finish=_fit,
        bits=8,
        bytes_note="8 bits for a weight; hidden layers of 64 in place of 256 raise the "
        "squared error from 0.93 to 1.71",
    ),
)
