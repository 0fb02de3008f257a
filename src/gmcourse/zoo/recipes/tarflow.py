"""A transformer autoregressive flow of small digits."""

import torch

from ...conditions import Labels
from ...tarflow import tarflow
from ..making import Recipe, adamw
from ..measure import NegativeLogProb
from ..sources import DIGITS14

RECIPES = (
    Recipe(
        name="tarflow-digits",
        title="TarFlow by label",
        source=DIGITS14.labeled(),
        model=lambda: tarflow(
            DIGITS14.shape,
            side=2,
            depth=1,
            condition=Labels(10, required=False),
            dropped=0.1,
        ),
        steps=(10, 12_000, 100_000),
        measures=(
            NegativeLogProb(
                n=10_000, tolerance=0.5, quick=NegativeLogProb(n=100, tolerance=0.5)
            ),
        ),
        optimizer=adamw(3e-3, 0.01),
        batch_size=64,
        ema=0.99,
        clip=50.0,
        autocast=torch.bfloat16,
    ),
)
