"""Generative adversarial networks of two sets of images; one has styles."""

from typing import Any

import torch

from ...conditions import Labels
from ...gan import GAN, NonSaturating, Projection, r1
from ...nets import DCCritic, DCGenerator, WithLabel
from ...style import PathLength, StyleGenerator
from ..making import Recipe, adams, seldom
from ..measure import Measure, SampleDistance
from ..sources import FACES, FASHION


def _dcgan(
    shape: tuple[int, ...], *, width: int, latent: int, gamma: float, classes: int = 0
) -> GAN:
    """Batch normalization in the generator, R₁ on the critic."""
    generator: Any = DCGenerator(latent + classes, shape, width)
    critic: Any = DCCritic(shape, None if classes else 1, width)
    if classes:
        generator = WithLabel(generator, classes)
        critic = Projection(critic, critic.features, classes)
    return GAN(
        generator,
        critic,
        NonSaturating(),
        latent_dim=latent,
        event_shape=shape,
        penalty=seldom(r1),
        penalty_weight=gamma,
        condition=Labels(classes) if classes else None,
    )


def _styled() -> GAN:
    return GAN(
        StyleGenerator(64, FACES.shape, width=16, style_width=64),
        DCCritic(FACES.shape, 1, width=32),
        NonSaturating(),
        latent_dim=64,
        event_shape=FACES.shape,
        penalty=seldom(r1),
        penalty_weight=0.05,
        regularizer=PathLength(weight=2.0, every=8),
    )


def _measures(judge: str) -> tuple[Measure, ...]:
    few = SampleDistance(n=300, judge=judge, tolerance=0.05)
    return (SampleDistance(n=10_000, judge=judge, tolerance=0.5, quick=few),)


# Little momentum: an opponent that moves makes yesterday's gradient wrong.
_ADAMS = adams(1e-3, (0.5, 0.99))

RECIPES = (
    Recipe(
        name="gan-fashion",
        title="GAN",
        source=FASHION,
        model=lambda: _dcgan(FASHION.shape, width=32, latent=64, gamma=0.1),
        steps=(10, 4_000, 100_000),
        measures=_measures("classifier-fashion"),
        optimizer=_ADAMS,
        batch_size=64,
        autocast=torch.bfloat16,
    ),
    Recipe(
        name="cgan-pixelfaces",
        title="conditional GAN",
        source=FACES.labeled(),
        model=lambda: _dcgan(FACES.shape, width=32, latent=64, gamma=0.05, classes=8),
        steps=(10, 9_000, 100_000),
        measures=_measures("classifier-pixelfaces"),
        optimizer=_ADAMS,
        batch_size=64,
        autocast=torch.bfloat16,
    ),
    Recipe(
        name="style-pixelfaces",
        title="style-based GAN",
        source=FACES,
        model=_styled,
        steps=(10, 6_000, 100_000),
        measures=_measures("classifier-pixelfaces"),
        optimizer=adams(1e-3, (0.0, 0.99)),
        batch_size=64,
        autocast=torch.bfloat16,
    ),
)
