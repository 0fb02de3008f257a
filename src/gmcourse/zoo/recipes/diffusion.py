"""Diffusions of images: clothes by labels, faces by phrases, small digits."""

import math
from typing import Any

import torch
from torch import Tensor

from ... import coordinates, samplers
from ...conditions import Labels, Like
from ...diffusion import Diffusion, lognormal
from ...paths import Path
from ...phrases import LENGTH, WORDS, PhraseEncoder
from ...transformers import DiTDenoiser
from ...unet import UNetDenoiser
from ..making import Recipe, adamw, straight
from ..measure import AsPhrased, DrawnElbo, SampleDistance
from ..sources import DIGITS14_UNIT, FACES, FASHION, faces_phrases


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


def _faces() -> Diffusion:
    """A transformer that is told phrases, so small that it runs in a page."""
    width = 96
    net = DiTDenoiser(
        FACES.shape, width=width, depth=2, side=4, encoder=PhraseEncoder(width)
    )
    return Diffusion(
        net,
        FACES.shape,
        predict=coordinates.scaled,
        times=lognormal(0.3, 1.2),
        center=0.682,
        spread=0.264,
        limits=(0.0, 1.0),
        condition=Like((LENGTH,), torch.int64, levels=len(WORDS), required=False),
        sampler=samplers.dpm_solver,
        grid=samplers.karras,
    )


_SMALLEST = 3e-3  # a quarter of the distance of two of 256 levels


def _evenly_in_log(path: Path, u: Tensor) -> Tensor:
    """Times at which ``log(sigma / alpha)`` is uniform, as in the bound."""
    low, high = math.log(_SMALLEST), math.log(80.0)
    return path.time((low + (high - low) * u).exp())


def _digits() -> Diffusion:
    """Its loss is the bound itself, up to a factor and what no net can change."""
    return Diffusion(
        UNetDenoiser(DIGITS14_UNIT.shape, width=24),
        DIGITS14_UNIT.shape,
        predict=coordinates.scaled,
        loss_in=coordinates.noise,
        times=_evenly_in_log,
        center=0.131,
        spread=0.280,
        limits=(0.0, 1.0),
        sampler=samplers.dpm_solver,
        grid=samplers.karras,
    )


_BOUND: Any = {"per_dim": True, "smallest": _SMALLEST, "draws": 4, "tolerance": 0.5}
_JUDGE, _FACES_JUDGE = "classifier-fashion", "classifier-pixelfaces"

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
    Recipe(
        name="diffusion-faces",
        title="diffusion by phrases, 25 evaluations",
        source=FACES.labeled(faces_phrases),
        model=_faces,
        steps=(10, 21_000, 200_000),
        measures=(
            AsPhrased(
                n=2_000,
                judge="classifier-traits",
                guidance=4.0,
                tolerance=0.5,
                quick=AsPhrased(
                    n=100, judge="classifier-traits", guidance=4.0, tolerance=1.0
                ),
            ),
            SampleDistance(
                n=2_000,
                judge=_FACES_JUDGE,
                tolerance=0.5,
                quick=SampleDistance(n=100, judge=_FACES_JUDGE, tolerance=0.2),
            ),
        ),
        optimizer=adamw(3e-3, 0.01),
        schedule=straight,
        batch_size=64,
        clip=1.0,
        autocast=torch.bfloat16,
        bits=8,
    ),
    Recipe(
        name="diffusion-digits",
        title="diffusion",
        source=DIGITS14_UNIT,
        model=_digits,
        steps=(10, 1_600, 100_000),
        measures=(DrawnElbo(n=10_000, **_BOUND, quick=DrawnElbo(n=100, **_BOUND)),),
        optimizer=adamw(3e-3, 0.01),
        schedule=straight,
        batch_size=64,
        clip=1.0,
        autocast=torch.bfloat16,
        bits=12,
    ),
)
