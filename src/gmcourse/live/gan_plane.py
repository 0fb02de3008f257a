"""A GAN on the plane that trains in the page."""

from collections.abc import Mapping

import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from .. import gan
from .._arguments import integer, positive
from ..data import clouds, densities
from ..data.clouds import Cloud
from ..data.mixture import GaussianMixture
from ..settings import seeded
from ._bytes import half, in_base64, png, rounded
from ._net import pack_trained
from ._points import drawn
from .figure import Live

_GAMES = [gan.NonSaturating, gan.Saturating, gan.Hinge, gan.Wasserstein]
_POINTS = 400  # of each set: enough to see it, few enough for a page
# What the sliders offer: 1, 2 and 5 times a power of ten.
_RATES = [round(d * 10.0**p, 5) for p in (-5, -4, -3, -2) for d in (1, 2, 5)] + [0.1]
_CLIP = 0.1  # of the critic's weights in the game of Wasserstein


class GANPlane(Live):
    """A generator and a critic of points on the plane, trained in the page by Adam.

    The reader chooses or draws the set, the game, both learning rates and the critic's
    steps, may provoke a collapse, and sees the samples, the critic's opinion of the
    plane, both losses and the modes that are covered.

    Args:
        generator: from (b, d) normal draws to (b, 2); layers as in `pack`, activations
            ReLU, LeakyReLU, Tanh, Sigmoid or SiLU.
        critic: from (b, 2) to (b, 1), likewise. Both begin with these weights, rounded
            to half precision.
        sets: name to a distribution on the plane, the first is shown at first; 400
            points of each are kept. Of a mixture of isotropic Gaussians modes are
            counted: one is covered that has a quarter of its share of the samples
            within three standard deviations. Default: eight Gaussians on a ring, two
            of them, a spiral, a checkerboard.
        game: `NonSaturating`, `Saturating`, `Hinge` or `Wasserstein` of `gmcourse.gan`;
            in the last one the critic's weights are clipped at 0.1 (Arjovsky et al.,
            2017), since the page has no penalty.
        rates: learning rates of critic and generator at first: 1, 2 or 5 times a power
            of ten, from 0.00001 to 0.1.
        critic_steps: 1 to 5 for each step of the generator.
        betas: of Adam, for both.
        batch: examples of a step, 1 to 512.
        still_steps: updates behind the still picture, made by torch.
        extent: the plane shows [-extent, extent] in both directions.
        title, label: as of `Live`.
        wander: it trains until touched, and for 5,000 updates at most, as of `Live`.

    Raises:
        ValueError, TypeError: what was given does not fit together; see the message.

    In the page the container holds ``gm = {update(given), start(seed), draw(points),
    get()}``, where ``given`` is ``{critic: [[real, z], ...], generator: z}``, by
    default drawn. Goodfellow et al. (2014), algorithm 1.
    """

    kind = "gan_plane"
    parts = ("train.js",)

    def __init__(
        self,
        generator: nn.Module,
        critic: nn.Module,
        sets: Mapping[str, Cloud | GaussianMixture] | None = None,
        *,
        game: gan.Game | None = None,
        rates: tuple[float, float] = (1e-3, 1e-3),
        critic_steps: int = 1,
        betas: tuple[float, float] = (0.5, 0.9),
        batch: int = 128,
        still_steps: int = 1000,
        extent: float = 4.5,
        title: str = "",
        label: str = "A GAN in training",
        wander: bool = True,
    ) -> None:
        game = game or gan.NonSaturating()
        if type(game) not in _GAMES or getattr(game, "real_label", 1) != 1:
            known = ", ".join(kind.__name__ for kind in _GAMES)
            raise ValueError(f"the page plays {known}, without smoothed labels")
        chosen = [round(positive("a learning rate", rate), 9) for rate in rates]
        if len(chosen) != 2 or not set(chosen) <= set(_RATES):
            raise ValueError(
                f"rates are {rates}; expected two, the critic's first, each 1, 2 or 5 "
                "times a power of ten from 0.00001 to 0.1"
            )
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas are {betas}; expected two, 0 or more and below 1")
        steps = integer("critic_steps", critic_steps, 1, 5)
        batch = integer("batch", batch, 1, 512)
        extent = positive("extent", extent)
        nets = [
            pack_trained("critic", critic, 2, 1),
            pack_trained("generator", generator, None, 2),
        ]
        kept = drawn(_default() if sets is None else sets, _POINTS)
        data = {
            "nets": [{"spec": spec, "weights": in_base64(w)} for spec, w in nets],
            "sets": [
                {
                    "name": name,
                    "points": in_base64(half(points)),
                    "modes": _modes(plane),
                }
                for name, plane, points in kept
            ],
            "game": _GAMES.index(type(game)),
            "clip": _CLIP,
            "choice": _RATES,
            "rates": [_RATES.index(rate) for rate in chosen],
            "steps": steps,
            "betas": list(betas),
            "batch": batch,
            "extent": extent,
        }
        name, _, points = kept[0]
        model = gan.GAN(
            rounded(generator),
            rounded(critic),
            game,
            latent_dim=nets[1][0][0][1],
            event_shape=(2,),
            critic_steps=steps,
        )
        still_steps = integer("still_steps", still_steps, 0)
        _train(model, points, batch, still_steps, chosen, betas)
        caption = (
            f"Blue: points of \u201c{name}\u201d. Orange: samples of the generator "
            f"after {still_steps:,} updates. Ground: blue where the critic says real."
        )
        still = png(_still(model, points, extent))
        super().__init__(data, still, caption, title, label, wander)


def _default() -> dict[str, Cloud | GaussianMixture]:
    two = GaussianMixture([[-2.0, 0.0], [2.0, 0.0]], stds=0.4)
    return {
        "ring of eight": densities.eight_gaussians(),
        "two modes": two,
        "spiral": clouds.swiss_roll(),
        "checkerboard": densities.checkerboard(),
    }


def _modes(plane: Cloud | GaussianMixture) -> dict | None:
    if not isinstance(plane, GaussianMixture):
        return None
    variance = plane.covs[:, 0, 0]
    round_ = torch.eye(2).to(plane.covs) * variance[:, None, None]
    if not torch.allclose(plane.covs, round_):
        return None
    return {
        "means": plane.means.tolist(),
        "stds": variance.sqrt().tolist(),
        "weights": plane.weights.tolist(),
    }


def _train(
    model: gan.GAN,
    points: Float[Tensor, "n 2"],
    batch: int,
    steps: int,
    rates: list[float],
    betas: tuple[float, float],
) -> None:
    """The page's updates from the page's weights, by torch."""
    players = {"critic": rates[0], "generator": rates[1]}
    optimizers = {}
    for name, rate in players.items():
        optimizers[name] = torch.optim.Adam(model.players()[name], rate, betas)
    clipped = isinstance(model.game, gan.Wasserstein)
    with seeded(0):
        for _ in range(steps):
            rows = torch.randint(len(points), (batch * model.critic_steps,))
            for name, loss in model.losses(points[rows]):
                optimizers[name].zero_grad()
                loss.backward()
                optimizers[name].step()
                if clipped and name == "critic":
                    for p in model.critic.parameters():
                        p.data.clamp_(-_CLIP, _CLIP)


@torch.no_grad()
def _still(
    model: gan.GAN, points: Float[Tensor, "n 2"], extent: float
) -> UInt8[Tensor, "3 h w"]:
    """The critic's opinion as the ground, on it the points and as many samples."""
    size = 220
    at = extent * (2 * (torch.arange(size) + 0.5) / size - 1)
    grid = torch.stack([at.repeat(size), at.flip(0).repeat_interleave(size)], 1)
    value = model.judge(grid).view(1, size, size)
    value = (value - value.mean()) / value.std().clamp(min=1e-6)
    opinion = (4 * value.sigmoid()).round() / 2 - 1  # five levels: a smaller file
    blue, orange = (torch.tensor(c).view(3, 1, 1) for c in (_BLUE, _ORANGE))
    image = torch.lerp(torch.full_like(blue, 255.0), blue, 0.4 * opinion.clamp(min=0))
    image = torch.lerp(image, orange, 0.4 * (-opinion).clamp(min=0))
    with seeded(0):
        samples = model.sample(len(points))
    for xy, color in (points, blue), (samples, orange):
        column, row = ((xy / extent + 1) / 2 * size).long().clamp(0, size - 2).T
        for right, down in (0, 0), (0, 1), (1, 0), (1, 1):
            image[:, size - 2 - row + down, column + right] = color[:, :, 0]
    return image.round().to(torch.uint8)


_BLUE, _ORANGE = (63.0, 144.0, 218.0), (231.0, 99.0, 0.0)  # runtime.js's c0 and c6
