"""Autoregressive models of digits and faces."""

from typing import Any

import torch

from ...autoregressive import MADE, NADE
from ...conditions import Labels
from ...likelihoods import Bernoulli, Categorical, LogisticMixture
from ...nets import UNet
from ...pixels import PixelCNN, RowCNN
from ...scales import CoarseToFine
from ...sequences import GPT
from ..making import Recipe, adam, adamw, channels_last, straight
from ..measure import Measure, NegativeLogProb
from ..sources import DIGITS16, FACES64, MNIST, MNIST8, MNIST_TURNED


def _exact(n: int, tolerance: float, **how: Any) -> tuple[Measure, ...]:
    how |= {"tolerance": tolerance}
    return (NegativeLogProb(n=n, **how, quick=NegativeLogProb(n=100, **how)),)


def _grays(likelihood: Any) -> Any:
    return channels_last(RowCNN(MNIST8.shape, likelihood, embedding=8))


_FAST: Any = {"ema": 0.99, "autocast": torch.bfloat16, "bits": 8}
_DIGITS: Any = {"source": MNIST, "measures": _exact(10_000, 0.05), **_FAST}
_MADE: Any = {
    "model": lambda: MADE(MNIST.shape, width=1024, depth=2),
    "optimizer": adamw(1e-2, 0.1),
    "schedule": straight,
    "batch_size": 200,
    "ships": False,
    **_DIGITS | {"ema": 0.9},
}
_ROWCNN: Any = {
    "model": lambda: channels_last(RowCNN(MNIST.shape, Bernoulli())),
    "optimizer": adam(4e-3),
    "batch_size": 16,
    **_DIGITS,
}
_GRAYS: Any = {
    "source": MNIST8,
    "measures": _exact(10_000, 1.0, per_dim=True),
    "optimizer": adam(4e-3),
    "batch_size": 16,
    "ships": False,
    **_FAST,
}

RECIPES = (
    Recipe(
        name="nade-digits",
        title="NADE",
        source=DIGITS16,
        model=lambda: NADE(DIGITS16.shape, 128),
        steps=(10, 4_000, 40_000),
        measures=_exact(10_000, 0.05),
        optimizer=adam(3e-3),
        batch_size=100,
        ema=0.99,
    ),
    Recipe(name="made-mnist", title="MADE", steps=(10, 9_000, 100_000), **_MADE),
    Recipe(
        name="made-mnist-long",
        title="MADE, longer",
        steps=(10, 27_000, 100_000),
        **_MADE,
    ),
    Recipe(
        name="pixelcnn-mnist",
        title="gated PixelCNN",
        model=lambda: channels_last(PixelCNN(MNIST.shape, Bernoulli())),
        steps=(10, 3_000, 100_000),
        optimizer=adam(4e-3),
        batch_size=16,
        ships=False,
        **_DIGITS,
    ),
    Recipe(
        name="rowcnn-mnist",
        title="row CNN",
        steps=(10, 7_500, 100_000),
        bytes_note="8 bits for a weight, which cost less than 0.001 nats; most of them "
        "are the row network's, and the chapter's pictures are drawn by this model",
        **_ROWCNN,
    ),
    Recipe(
        name="rowcnn-mnist-long",
        title="row CNN, longer",
        steps=(10, 40_000, 200_000),
        ships=False,
        **_ROWCNN,
    ),
    Recipe(
        name="rowcnn-mnist-turned-long",
        title="row CNN of columns, longer",
        steps=(10, 40_000, 200_000),
        ships=False,
        **_ROWCNN | {"source": MNIST_TURNED},
    ),
    Recipe(
        name="scales-mnist",
        title="coarse to fine",
        model=lambda: CoarseToFine(UNet(2, 1, 24), Bernoulli(), MNIST.shape),
        steps=(10, 4_000, 100_000),
        optimizer=adam(2e-3),
        batch_size=32,
        **_DIGITS,
    ),
    Recipe(
        name="rowcnn-mnist8",
        title="row CNN",
        model=lambda: _grays(Categorical()),
        steps=(10, 5_000, 100_000),
        **_GRAYS,
    ),
    Recipe(
        name="rowcnn-mnist8-mixture",
        title="row CNN, mixture of logistics",
        model=lambda: _grays(LogisticMixture()),
        steps=(10, 7_000, 100_000),
        **_GRAYS,
    ),
    Recipe(
        name="cpixelcnn-digits",
        title="conditional PixelCNN",
        source=DIGITS16.labeled(),
        model=lambda: channels_last(
            PixelCNN(DIGITS16.shape, Bernoulli(), reach=1, condition=Labels(10))
        ),
        steps=(10, 4_000, 40_000),
        measures=_exact(10_000, 0.05),
        optimizer=adam(4e-3),
        batch_size=16,
        **_FAST,
    ),
    Recipe(
        name="gpt-faces",
        title="GPT",
        source=FACES64,
        model=lambda: GPT(FACES64.shape, 64, width=64, depth=3, heads=4),
        steps=(10, 3_000, 40_000),
        measures=_exact(2_000, 0.5),
        optimizer=adamw(3e-3, 0.1),
        batch_size=16,
        **_FAST,
    ),
)
