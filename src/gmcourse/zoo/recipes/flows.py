"""Normalizing flows of points, and of digits as they are stored."""

from typing import Any

import torch

from ...autoregressive_flows import Conditionals
from ...dequantization import Dequantized, level
from ...flows import Flow, Told, coupling_flow
from ...glow import CouplingNet, Probit
from ...likelihoods import Categorical
from ...monotone import Affine, PiecewiseLinear, RationalQuadratic
from ...multiscale import multiscale_flow
from ...pixels import RowCNN
from ..making import Recipe, Start, adamw, channels_last, straight
from ..measure import (
    DivergenceFromTruth,
    ImportanceWeightedBound,
    NegativeElbo,
    NegativeLogProb,
)
from ..sources import CHECKERBOARD, EIGHT, MNIST_STORED, PINWHEEL, RINGS, Points

_SPLINE = RationalQuadratic(16, None, least=1e-5)


def _pixel_by_pixel() -> Dequantized:
    """The row CNN as a flow: one map, and no loss by uniform noise."""
    net = RowCNN(MNIST_STORED.shape, Categorical(), embedding=8)
    maps = Conditionals(net, PiecewiseLinear(256), seen=level), Probit()
    return Dequantized(Flow(*maps, event_shape=MNIST_STORED.shape))


def _with_noise(flow: Flow) -> Any:
    """Under noise that is learned: of each pixel, from those around it."""
    return channels_last(Dequantized(flow, Told(CouplingNet(1, 2, 32), Affine())))


def _bound(k: int) -> ImportanceWeightedBound:
    how: Any = {"k": k, "per_dim": True, "tolerance": 1.0}
    return ImportanceWeightedBound(
        n=10_000, **how, quick=ImportanceWeightedBound(n=100, **how)
    )


_ELBO = NegativeElbo(n=10_000, tolerance=1.0, quick=NegativeElbo(n=100, tolerance=1.0))
_GRAYS: Any = {
    "source": MNIST_STORED,
    "measures": (_bound(1),),  # by histograms, one draw is as good as many
    "optimizer": adamw(4e-3, 0.01),
    "schedule": straight,
    "batch_size": 16,
    "ema": 0.99,
    "clip": 50_000.0,
    "autocast": torch.bfloat16,
    "bits": 8,
}


_CLOSE: Any = {"tolerance": 0.002}
PLANE: Any = {  # of all flows of points
    "measures": tuple(
        measure(n=10_000, **_CLOSE, quick=measure(n=500, **_CLOSE))
        for measure in (NegativeLogProb, DivergenceFromTruth)
    ),
    "schedule": straight,
    "batch_size": 256,
    "ema": 0.99,
    "clip": 5.0,
}


def _plane(source: Points, steps: int = 3_000) -> Any:
    return PLANE | {
        "name": f"flow-{source.name}",
        "title": "spline couplings",
        "source": source,
        "model": lambda: coupling_flow(2, RationalQuadratic(8, 4.5), layers=6, depth=3),
        "steps": (20, steps, 50_000),
        "optimizer": adamw(4e-3, 0.0),
    }


RECIPES = (
    *(Recipe(**_plane(source)) for source in (EIGHT, RINGS, PINWHEEL)),
    Recipe(**_plane(CHECKERBOARD, 8_000)),
    Recipe(
        name="flow-mnist8-rows",
        title="pixel by pixel, histograms",
        model=lambda: channels_last(_pixel_by_pixel()),
        steps=(10, 2_000, 100_000),
        start=Start("rowcnn-mnist8", lambda model: model.flow.chain.parts[0].net),
        ships=False,
        **_GRAYS | {"optimizer": adamw(2e-3, 0.01)},
    ),
    Recipe(
        name="flow-mnist8-multiscale",
        title="fine to coarse, histograms",
        model=lambda: channels_last(
            Dequantized(multiscale_flow(MNIST_STORED.shape, PiecewiseLinear(256)))
        ),
        steps=(10, 9_000, 200_000),
        bytes_note="8 bits for a weight; a million of them, most of which take sums "
        "over all places of a picture or are convolutions",
        **_GRAYS,
    ),
    Recipe(
        name="flow-mnist8-multiscale-noise",
        title="fine to coarse, splines, learned noise",
        model=lambda: _with_noise(multiscale_flow(MNIST_STORED.shape, _SPLINE)),
        steps=(10, 8_000, 200_000),
        ships=False,
        **_GRAYS | {"measures": (_bound(4), _ELBO)},
    ),
)
