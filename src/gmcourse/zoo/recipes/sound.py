"""Models of spoken digits, and the classifier that listens to them."""

from typing import Any

import torch

from ...classifiers import SoundClassifier
from ...conditions import Labels
from ...wavenet import WaveNet
from ..making import Recipe, adam, adamw
from ..measure import Accuracy, AsTold, NegativeLogProb
from ..sources import SPOKEN

_SHAPE = (SPOKEN.length,)
_OCTAVES = tuple(2**k for k in range(11))  # 1 to 1,024 tokens: 2,047 are all before


def _told(n: int, tolerance: float, **how: Any) -> AsTold:
    return AsTold(n=n, tolerance=tolerance, judge="classifier-spoken", **how)


RECIPES = (
    Recipe(
        name="classifier-spoken",
        title="classifier of a spectrogram",
        source=SPOKEN,
        model=lambda: SoundClassifier(_SHAPE, SPOKEN.levels, 10),
        steps=(20, 1_000, 10_000),
        measures=(
            Accuracy(n=300, tolerance=0.4, quick=Accuracy(n=100, tolerance=1.1)),
        ),
        optimizer=adam(2e-3),
        batch_size=64,
        ema=0.99,
    ),
    Recipe(
        name="wavenet-spoken",
        title="WaveNet",
        source=SPOKEN,
        model=lambda: WaveNet(
            _SHAPE, SPOKEN.levels, width=48, dilations=_OCTAVES, condition=Labels(10)
        ),
        steps=(3, 9_000, 40_000),
        measures=(
            NegativeLogProb(
                n=300, tolerance=5.0, quick=NegativeLogProb(n=20, tolerance=5.0)
            ),
            _told(300, 9.0, quick=_told(60, 25.0)),
        ),
        optimizer=adamw(4e-3, 0.1),
        batch_size=4,
        ema=0.999,
        autocast=torch.bfloat16,
        bits=8,
    ),
)
