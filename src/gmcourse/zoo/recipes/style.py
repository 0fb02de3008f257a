"""A style-based generator of pixelfaces."""

import torch

from ...gan import GAN, NonSaturating, r1
from ...nets import DCCritic
from ...style import PathLength, StyleGenerator
from ..making import Recipe, adams, seldom
from ..measure import SampleDistance
from ..sources import FACES


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


_FEW = SampleDistance(n=300, judge="classifier-pixelfaces", tolerance=0.05)

RECIPES = (
    Recipe(
        name="style-pixelfaces",
        title="style-based GAN",
        source=FACES,
        model=_styled,
        steps=(10, 6_000, 100_000),
        measures=(
            SampleDistance(
                n=10_000, judge="classifier-pixelfaces", tolerance=0.5, quick=_FEW
            ),
        ),
        optimizer=adams(1e-3, (0.0, 0.99)),
        batch_size=64,
        autocast=torch.bfloat16,
    ),
)
