"""Continuous flows of points, and of small digits as whole numbers."""

from typing import Any

from ...continuous import ContinuousFlow, ConvField, continuous_flow, signs
from ...dequantization import Dequantized
from ...glow import Probit
from ..making import Recipe, adamw, channels_last, straight
from ..measure import EstimatedBound
from ..sources import CHECKERBOARD, DIGITS14_STORED, PINWHEEL, Points
from .flows import PLANE


def _plane(source: Points, updates: int, coarse: int, **how: Any) -> Any:
    """Trained with fewer steps of the solver than it is measured with.

    The penalties are what lets so few suffice. In trials without them a field was
    learned for which the few steps, and not the equation, gave a high density.
    """
    how = {"depth": 3, "loss_steps": coarse} | how
    return PLANE | {
        "name": f"ffjord-{source.name}",
        "source": source,
        "model": lambda: continuous_flow(2, **how),
        "steps": (20, updates, 50_000),
        "optimizer": adamw(5e-3, 0.0),
    }


def _digits() -> Dequantized:
    """Of whole numbers, by noise within their cells; traces by signs."""
    shape = DIGITS14_STORED.shape
    flow = ContinuousFlow(
        ConvField(shape, width=48, depth=2),
        shape,
        steps=6,
        loss_steps=3,
        probe=signs,
        kinetic=0.01,
        jacobian=0.05,
        before=Probit(),
    )
    return channels_last(Dequantized(flow))


RECIPES = (
    Recipe(
        title="continuous, exact traces",
        **_plane(PINWHEEL, 2_000, 5, steps=16, kinetic=0.04),
    ),
    Recipe(
        title="continuous, traces by signs",
        **_plane(
            CHECKERBOARD, 7_000, 6, steps=64, probe=signs, kinetic=0.02, jacobian=0.02
        ),
    ),
    Recipe(
        name="ffjord-digits",
        title="continuous, traces by signs",
        source=DIGITS14_STORED,
        model=_digits,
        steps=(10, 1_800, 50_000),
        measures=(
            EstimatedBound(
                n=10_000,
                per_dim=True,
                tolerance=0.5,
                quick=EstimatedBound(n=100, per_dim=True, tolerance=0.5),
            ),
        ),
        optimizer=adamw(5e-3, 0.01),
        schedule=straight,
        batch_size=32,
        ema=0.99,
        clip=50.0,
    ),
)
