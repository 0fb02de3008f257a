"""Three games on stacked MNIST: the same networks, but for what each game asks for."""

from typing import Any

from torch import Tensor

from ... import gan
from ...nets import DCCritic, DCGenerator
from ..making import Recipe, adams, seldom
from ..measure import StacksCovered
from ..sources import STACKED

_LATENT, _WIDTH = 64, 32


def _both_sides(critic: Any, real: Tensor, fake: Tensor) -> Tensor:
    return gan.r1(critic, real, fake) + gan.r2(critic, real, fake)


def _gan(game: gan.Game, *, normalized_critic: bool = False, **how: Any) -> gan.GAN:
    """The generator normalizes by the batch; a critic with a penalty must not."""
    return gan.GAN(
        DCGenerator(_LATENT, STACKED.shape, _WIDTH),
        DCCritic(STACKED.shape, 1, _WIDTH, normalize=normalized_critic),
        game,
        latent_dim=_LATENT,
        event_shape=STACKED.shape,
        **how,
    )


_COUNTS: Any = {"judge": "classifier-mnist", "tolerance": 3.0}
_STACKED: Any = {
    "source": STACKED,
    "batch_size": 64,
    "measures": (
        StacksCovered(n=26_000, **_COUNTS, quick=StacksCovered(n=1_000, **_COUNTS)),
    ),
}

_R3GAN: Any = _STACKED | {
    "model": lambda: _gan(
        gan.Relativistic(), penalty=seldom(_both_sides), penalty_weight=1.0
    ),
    "optimizer": adams(5e-4, (0.0, 0.99)),
}

RECIPES = (
    Recipe(
        name="stacked-dcgan",
        title="DCGAN",
        model=lambda: _gan(gan.NonSaturating(), normalized_critic=True),
        steps=(10, 5_000, 100_000),
        optimizer=adams(2e-4, (0.5, 0.999)),
        ships=False,
        **_STACKED,
    ),
    Recipe(
        name="stacked-wgan-gp",
        title="WGAN-GP",
        model=lambda: _gan(
            gan.Wasserstein(),
            penalty=gan.gradient_penalty,
            penalty_weight=10.0,
            critic_steps=5,
        ),
        steps=(10, 900, 20_000),
        optimizer=adams(5e-4, (0.0, 0.9)),
        ships=False,
        **_STACKED | {"batch_size": 5 * 64},
    ),
    Recipe(
        name="stacked-r3gan",
        title="R3GAN",
        steps=(10, 4_200, 100_000),
        **_R3GAN,
    ),
    Recipe(
        name="stacked-r3gan-long",
        title="R3GAN, longer",
        steps=(10, 20_000, 100_000),
        ships=False,
        **_R3GAN,
    ),
)
