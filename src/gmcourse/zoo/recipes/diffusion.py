"""Diffusions of images."""

import torch

from ... import coordinates, samplers
from ...conditions import Labels
from ...diffusion import Diffusion, lognormal
from ...unet import UNetDenoiser
from ..making import Recipe, adamw, straight
from ..measure import SampleDistance
from ..sources import FASHION


def _fashion() -> Diffusion:
    """Told labels, of which a tenth is left out: for samples of a class, or of any.

    The net sees squares of 2×2 pixels, so that no convolution has the full size.
    """
    return Diffusion(
        UNetDenoiser(FASHION.shape, width=32, side=2, classes=10),
        FASHION.shape,
        predict=coordinates.scaled,
        times=lognormal(-0.5, 1.4),
        center=0.286,
        spread=0.353,
        limits=(0.0, 1.0),
        condition=Labels(10, required=False),
        sampler=samplers.dpm_solver,
        grid=samplers.karras,
    )


_JUDGE = "classifier-fashion"

RECIPES = (
    Recipe(
        name="diffusion-fashion",
        title="diffusion, 25 evaluations",
        source=FASHION.labeled(),
        model=_fashion,
        steps=(10, 3_500, 200_000),
        measures=(
            SampleDistance(
                n=10_000,
                judge=_JUDGE,
                tolerance=0.5,
                quick=SampleDistance(n=300, judge=_JUDGE, tolerance=0.1),
            ),
        ),
        optimizer=adamw(3e-3, 0.01),
        schedule=straight,
        batch_size=64,
        autocast=torch.bfloat16,
        bits=8,
    ),
)
