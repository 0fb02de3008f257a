"""Continuous flows of points, and of small digits as whole numbers."""

from typing import Any

from ...continuous import ContinuousFlow, ConvField, continuous_flow, signs
from ...dequantization import Dequantized
from ...glow import Probit
from ..making import Recipe, adamw, channels_last, straight
from ..measure import DivergenceFromTruth, EstimatedBound, NegativeLogProb
from ..sources import CHECKERBOARD, DIGITS14_STORED, PINWHEEL, Points


def _plane(source: Points, coarse: int) -> Any:
    small: Any = {"tolerance": 0.002}
    return {
        "name": f"ffjord-{source.name}",
        "title": "continuous, exact traces",
        "source": source,
        # Where speed costs nothing, a field is learned that so few steps don't follow.
        "model": lambda: continuous_flow(
            2, depth=3, steps=16, loss_steps=coarse, kinetic=0.04
        ),
        "steps": (20, 2_000, 50_000),
        "measures": tuple(
            measure(n=10_000, **small, quick=measure(n=500, **small))
            for measure in (NegativeLogProb, DivergenceFromTruth)
        ),
        "optimizer": adamw(5e-3, 0.0),
        "schedule": straight,
        "batch_size": 256,
        "ema": 0.99,
        "clip": 5.0,
    }


def _digits() -> Dequantized:
    """Of whole numbers, by noise within their cells; traces by signs."""
    shape = DIGITS14_STORED.shape
    flow = ContinuousFlow(
        ConvField(shape, width=48),
        shape,
        steps=4,
        loss_steps=2,
        probe=signs,
        kinetic=0.01,
        jacobian=0.01,
        before=Probit(),
    )
    return channels_last(Dequantized(flow))


RECIPES = (
    Recipe(**_plane(PINWHEEL, 5)),
    Recipe(**_plane(CHECKERBOARD, 6)),
    Recipe(
        name="ffjord-digits",
        title="continuous, traces by signs",
        source=DIGITS14_STORED,
        model=_digits,
        steps=(10, 1_000, 50_000),
        measures=(
            EstimatedBound(
                n=10_000,
                per_dim=True,
                tolerance=0.5,
                quick=EstimatedBound(n=100, per_dim=True, tolerance=0.5),
            ),
        ),
        optimizer=adamw(2e-3, 0.01),
        schedule=straight,
        batch_size=64,
        ema=0.99,
        clip=50.0,
    ),
)
