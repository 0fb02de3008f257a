"""Generative adversarial networks of points in the plane."""

from collections.abc import Callable
from typing import Any

from torch import nn

from ... import gan
from ...nets import mlp
from ..making import Recipe, adams
from ..measure import HighQuality, ModesCovered
from ..sources import GRID25


def _some_r1(critic: Any, real: Any, fake: Any) -> Any:
    """R₁ at a quarter of the batch: an estimate at a quarter of the cost."""
    few = max(1, len(real) // 4)
    return gan.r1(critic, real[:few], fake[:few])


def _gamma(step: int) -> float:
    """Strong while modes are found, then falling, so that the critic may sharpen."""
    return 0.1 - 0.097 * min(1.0, max(0.0, 2 * step / _STEPS - 1))


def _plane(**how: Any) -> gan.GAN:
    """Two nets alike."""
    generator = mlp(2, 128, 128, 2, activation=nn.Tanh)
    critic = mlp(2, 128, 128, 1, activation=nn.Tanh)
    sizes: Any = {"latent_dim": 2, "event_shape": (2,)}
    return gan.GAN(generator, critic, gan.NonSaturating(), **sizes, **how)


def _level_then_down(steps: int) -> Callable[[int], float]:
    """Constant for a fifth of the steps, then in a straight line to nearly 0."""
    return lambda step: min(1.0, max(0.02, (1 - step / steps) / 0.8))


_COUNTS: Any = {"tolerance": 1.0}
_SHARES: Any = {"tolerance": 0.5}
_STEPS = 15_000
_PLANE: Any = {
    "source": GRID25,
    "steps": (20, _STEPS, _STEPS),
    # No momentum: the other player turns while one goes on.
    "optimizer": adams(2e-3, (0.0, 0.99)),
    "schedule": _level_then_down,
    "batch_size": 512,
    "ema": 0.9995,
    "measures": (
        ModesCovered(n=10_000, **_COUNTS, quick=ModesCovered(n=500, **_COUNTS)),
        HighQuality(n=10_000, **_SHARES, quick=HighQuality(n=500, **_SHARES)),
    ),
}

_PLAIN: Any = {"optimizer": adams(1e-3, (0.9, 0.999)), "schedule": None, "ema": 0.0}

RECIPES = (
    Recipe(name="gan-grid25", title="GAN", model=_plane, **_PLANE),
    Recipe(
        name="gan-grid25-r1",
        title="GAN with R1",
        model=lambda: _plane(penalty=_some_r1, penalty_weight=_gamma),
        ships=False,
        **_PLANE,
    ),
    # What a first script has: Adam as it comes, one rate, the last weights.
    Recipe(
        name="gan-grid25-plain",
        title="GAN, Adam's defaults",
        model=_plane,
        ships=False,
        **{**_PLANE, **_PLAIN},
    ),
)
