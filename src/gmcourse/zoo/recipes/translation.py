"""Emoji of one style into another: the distance alone, with pairs, and without."""

from typing import Any

import torch

from ... import data
from ...gan import LeastSquares, NonSaturating, r1
from ...translation import CycleGAN, ImageToImage, PatchCritic, Pix2Pix, Regression
from ..making import Recipe, adam, adams, seldom
from ..measure import TranslationError
from ..sources import EMOJI, Part

_SHAPES: Any = {"source_shape": EMOJI.shape, "event_shape": EMOJI.shape}


def _net() -> ImageToImage:
    return ImageToImage(EMOJI.shape, EMOJI.shape, width=16)


def _unpaired(
    part: Part, *, batch_size: int, seed: int, device: torch.device
) -> data.Batches:
    """The two sets in orders of their own, so that no row tells a pair."""
    order = torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))
    assert part.c is not None
    how: Any = {"batch_size": batch_size, "seed": seed, "device": device}
    return data.Batches(part.x, part.c[order], transform=part.transform, **how)


def _pix2pix() -> Pix2Pix:
    critic, game = PatchCritic(6, width=32), NonSaturating()
    return Pix2Pix(_net(), critic, game, **_SHAPES, l1_weight=20.0, penalty=seldom(r1))


def _cycle() -> CycleGAN:
    nets = _net(), _net(), PatchCritic(3, width=32), PatchCritic(3, width=32)
    return CycleGAN(
        *nets,
        LeastSquares(),
        **_SHAPES,
        cycle_weight=20.0,
        identity_weight=10.0,
    )


_EMOJI: Any = {
    "source": EMOJI,
    "batch_size": 16,
    "measures": (
        TranslationError(
            n=191, tolerance=0.002, quick=TranslationError(n=40, tolerance=0.002)
        ),
    ),
}

RECIPES = (
    Recipe(
        name="regression-emoji",
        title="absolute error alone",
        model=lambda: Regression(_net(), **_SHAPES),
        steps=(4, 4_000, 40_000),
        optimizer=adam(1e-3),
        **_EMOJI,
    ),
    Recipe(
        name="pix2pix-emoji",
        title="pix2pix",
        model=_pix2pix,
        steps=(4, 4_000, 40_000),
        optimizer=adams(5e-4, (0.5, 0.99)),
        **_EMOJI,
    ),
    Recipe(
        name="cyclegan-emoji",
        title="CycleGAN",
        model=_cycle,
        steps=(4, 1_800, 40_000),
        optimizer=adams(5e-4, (0.5, 0.99)),
        batches=_unpaired,
        bytes_note="Two generators and two critics.",
        **_EMOJI,
    ),
)
