"""Variational autoencoders of three sets of images."""

from collections import OrderedDict
from typing import Any

import torch
from torch import nn

from ...conditions import Labels
from ...likelihoods import Bernoulli, DiscretizedLogistic
from ...nets import SubPixelDecoder, SubPixelEncoder, WithLabel, mlp
from ...vae import IWAE, VAE
from ..making import Recipe, Start, adam
from ..measure import ImportanceWeightedBound, Measure, NegativeElbo, SampleDistance
from ..sources import FACES, FASHION, MNIST


def _dense(width: int, latent: int) -> VAE:
    """A fully connected VAE of binary digits, after Burda et al. (2016)."""
    encoder = mlp(784, width, width, 2 * latent)
    flat = nn.Sequential(OrderedDict(flat=nn.Flatten(), net=encoder))
    decoder = mlp(latent, width, width, 784)
    sizes: Any = {"latent_dim": latent, "event_shape": MNIST.shape}
    return VAE(flat, decoder, Bernoulli(), **sizes)


def _conv(
    likelihood: Any,
    shape: tuple[int, ...],
    *,
    width: int,
    latent: int,
    hidden: int,
    classes: int = 0,
    gray: bool = False,
) -> VAE:
    """A convolutional VAE; with ``classes``, of images given their labels.

    ``gray`` begins at mid-gray with a scale of a few levels: sharper wastes steps.
    """
    channels, *size = shape
    out = (likelihood.per_value * channels, *size)
    encoder: nn.Module = SubPixelEncoder(
        (channels + classes, *size), 2 * latent, width, hidden
    )
    decoder: nn.Module = SubPixelDecoder(latent + classes, out, width, hidden)
    if gray:
        last: Any = decoder.net[-2]
        with torch.no_grad():
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
        event_shape=shape,
        condition=Labels(classes) if classes else None,
    )


def _digits(**how: Any) -> VAE:
    how = {"width": 32, "latent": 50, "hidden": 256} | how
    return _conv(Bernoulli(), MNIST.shape, **how)


def _clothes(**how: Any) -> VAE:
    how = {"width": 32, "latent": 32, "hidden": 256, "gray": True} | how
    return _conv(DiscretizedLogistic(), FASHION.shape, **how)


def _faces(**how: Any) -> VAE:
    how = {"width": 48, "latent": 64, "hidden": 256, "gray": True} | how
    return _conv(DiscretizedLogistic(), FACES.shape, **how)


def _measures(bound: Measure, judge: str) -> tuple[Measure, ...]:
    few = SampleDistance(n=300, judge=judge, tolerance=0.05)
    return (
        bound,
        NegativeElbo(
            n=10_000, tolerance=0.2, quick=NegativeElbo(n=500, tolerance=0.05)
        ),
        SampleDistance(n=10_000, judge=judge, tolerance=0.5, quick=few),
    )


def _of_digits(draws: int) -> tuple[Measure, ...]:
    few = ImportanceWeightedBound(n=100, k=100, tolerance=0.05)
    half = torch.bfloat16
    bound = ImportanceWeightedBound(
        n=10_000, k=draws, autocast=half, tolerance=0.05, quick=few
    )
    return _measures(bound, "classifier-mnist")


def _of_8_bits(judge: str) -> tuple[Measure, ...]:
    """On 2,000 images, in full precision."""
    few = ImportanceWeightedBound(n=50, k=20, per_dim=True, tolerance=0.05)
    bound = ImportanceWeightedBound(
        n=2000, k=100, per_dim=True, tolerance=1.0, quick=few
    )
    return _measures(bound, judge)


_OF_CLOTHES = _of_8_bits("classifier-fashion")
_OF_FACES = _of_8_bits("classifier-pixelfaces")

RECIPES = (
    Recipe(
        name="vae2d-mnist",
        title="VAE with two latents",
        source=MNIST,
        model=lambda: _dense(width=64, latent=2),
        steps=(20, 30_000, 100_000),
        measures=_of_digits(draws=500),
        optimizer=adam(2e-3),
        autocast=torch.bfloat16,
    ),
    Recipe(
        name="vae-mnist-30s",
        title="VAE after half a minute",
        source=MNIST,
        model=lambda: _dense(width=200, latent=32),
        steps=(20, 9_000, 9_000),
        measures=_of_digits(draws=500),
        optimizer=adam(3e-3),
        autocast=torch.bfloat16,
        ships=False,
    ),
    Recipe(
        name="vae-mnist-300s",
        title="VAE after five minutes",
        source=MNIST,
        model=_digits,
        steps=(20, 18_000, 18_000),
        measures=_of_digits(draws=500),
        optimizer=adam(3e-3),
        batch_size=64,
        autocast=torch.bfloat16,
        ships=False,
    ),
    Recipe(
        name="vae-mnist",
        title="VAE",
        source=MNIST,
        model=_digits,
        steps=(20, 90_000, 600_000),
        measures=_of_digits(draws=5000),
        optimizer=adam(3e-3),
        batch_size=64,
        ema=0.9995,
        autocast=torch.bfloat16,
        bytes_note="it stands beside published figures, so nothing is saved on it: 8 "
        "bits for a weight add 0.06 nats to the negative ELBO, and hidden layers of 64 "
        "in place of 256 cost the conditional VAE 6 nats after 1,500 steps",
    ),
    Recipe(
        name="cvae-mnist",
        title="conditional VAE",
        source=MNIST.labeled(),
        model=lambda: _digits(classes=10, hidden=152),
        steps=(20, 25_000, 300_000),
        measures=_of_digits(draws=500),
        optimizer=adam(3e-3),
        batch_size=64,
        autocast=torch.bfloat16,
        bits=8,
        bytes_note="8 bits for a weight and hidden layers of 152: those of 64 cost 6 "
        "nats in place of 256 after 1,500 steps",
    ),
    Recipe(
        name="iwae-mnist",
        title="IWAE, k = 50",
        source=MNIST,
        model=lambda: IWAE(_digits(), k=50),
        steps=(4, 8_000, 300_000),
        measures=_of_digits(draws=5000),
        optimizer=adam(5e-4),
        batch_size=20,
        ema=0.9995,
        start=Start("vae-mnist", lambda model: model.vae),
        autocast=torch.bfloat16,
        ships=False,
    ),
    Recipe(
        name="vae-fashion",
        title="VAE",
        source=FASHION,
        model=_clothes,
        steps=(10, 25_000, 100_000),
        measures=_OF_CLOTHES,
        optimizer=adam(1.5e-3),
        batch_size=64,
        clip=200.0,
        ships=False,
    ),
    Recipe(
        name="cvae-fashion",
        title="conditional VAE",
        source=FASHION.labeled(),
        model=lambda: _clothes(classes=10),
        steps=(10, 20_000, 100_000),
        measures=_OF_CLOTHES,
        optimizer=adam(1.5e-3),
        batch_size=64,
        clip=200.0,
        ships=False,
    ),
    Recipe(
        name="iwae-fashion",
        title="IWAE, k = 10",
        source=FASHION,
        model=lambda: IWAE(_clothes(), k=10),
        steps=(2, 4_000, 50_000),
        measures=_OF_CLOTHES,
        optimizer=adam(3e-4),
        batch_size=20,
        clip=200.0,
        start=Start("vae-fashion", lambda model: model.vae),
        ships=False,
    ),
    Recipe(
        name="vae-pixelfaces",
        title="VAE",
        source=FACES,
        model=_faces,
        steps=(10, 25_000, 100_000),
        measures=_OF_FACES,
        optimizer=adam(1.5e-3),
        batch_size=64,
        clip=200.0,
        bits=12,
        bytes_note="12 bits for a weight add 0.1 nats to the negative ELBO, 8 in the "
        "encoder alone 3.6: the likelihood of 8-bit values is sensitive",
    ),
    Recipe(
        name="cvae-pixelfaces",
        title="conditional VAE",
        source=FACES.labeled(),
        model=lambda: _faces(classes=8),
        steps=(10, 30_000, 100_000),
        measures=_OF_FACES,
        optimizer=adam(1.5e-3),
        batch_size=64,
        clip=200.0,
        bits=12,
        bytes_note="12 bits for a weight add 0.2 nats to the negative ELBO, 8 in the "
        "encoder alone 1.6: the likelihood of 8-bit values is sensitive",
    ),
    Recipe(
        name="iwae-pixelfaces",
        title="IWAE, k = 10",
        source=FACES,
        model=lambda: IWAE(_faces(), k=10),
        steps=(2, 5_000, 50_000),
        measures=_OF_FACES,
        optimizer=adam(3e-4),
        batch_size=20,
        clip=200.0,
        start=Start("vae-pixelfaces", lambda model: model.vae),
        ships=False,
    ),
)
