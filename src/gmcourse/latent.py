"""Diffusion in the latents of an autoencoder, and nets that keep their latents a grid.

Rombach et al. (2022). Built in chapter 11_steering_and_scale.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ._arguments import integer, shape_of
from .core import GenerativeModel, evaluating
from .diffusion import Diffusion
from .nets import ResidualBlock
from .vae import VAE, gaussian_log_prob, reparameterize

__all__ = ["GridDecoder", "GridEncoder", "LatentDiffusion"]


class GridEncoder(nn.Module):
    """An image to the mean and log_std of latents that lie on a grid, as one vector.

    Squares of pixels go into the channels, twice; between that and after it there are
    convolutions, none of the full size.

    Args:
        event_shape: of the image, ``(channels, height, width)``.
        latent_shape: ``(channels, height, width)``, the last two smaller by ``side²``.
        width: channels of the convolutions at the size of the latents.
        side: of the squares.

    Raises:
        ValueError, TypeError: a size is no positive integer, or does not fit.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        latent_shape: tuple[int, ...],
        *,
        width: int = 64,
        side: int = 2,
    ):
        super().__init__()
        into, out = _fit(event_shape, latent_shape, side)
        half = max(1, integer("width", width) // 2)
        self.net = nn.Sequential(
            nn.PixelUnshuffle(side),
            nn.Conv2d(into * side**2, half, 3, padding=1),
            ResidualBlock(half),
            nn.PixelUnshuffle(side),
            nn.Conv2d(half * side**2, width, 1),
            ResidualBlock(width),
            ResidualBlock(width),
            nn.SiLU(),
            nn.Conv2d(width, 2 * out, 3, padding=1),
            nn.Flatten(),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        return self.net(x)


class GridDecoder(nn.Module):
    """Latents on a grid, given as one vector, to an image; as `GridEncoder`."""

    def __init__(
        self,
        event_shape: tuple[int, ...],
        latent_shape: tuple[int, ...],
        *,
        width: int = 64,
        side: int = 2,
    ):
        super().__init__()
        out, into = _fit(event_shape, latent_shape, side)
        half = max(1, integer("width", width) // 2)
        self.net = nn.Sequential(
            nn.Unflatten(1, tuple(latent_shape)),
            nn.Conv2d(into, width, 3, padding=1),
            ResidualBlock(width),
            ResidualBlock(width),
            nn.Conv2d(width, half * side**2, 1),
            nn.PixelShuffle(side),
            ResidualBlock(half),
            nn.SiLU(),
            nn.Conv2d(half, out * side**2, 3, padding=1),
            nn.PixelShuffle(side),
        )

    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        return self.net(z)


def _fit(image: tuple[int, ...], latent: tuple[int, ...], side: int) -> tuple[int, int]:
    """The channels of both, which must be grids whose sides fit."""
    channels, *sides = shape_of("event_shape", image)
    values, *places = shape_of("latent_shape", latent)
    smaller = [s / integer("side", side) ** 2 for s in sides]
    if len(sides) != 2 or places != smaller:
        raise ValueError(
            f"event_shape is {tuple(image)} and latent_shape {tuple(latent)}; expected "
            f"(channels, height, width), of which the latter is {side**2} times smaller"
        )
    return channels, values


class LatentDiffusion(GenerativeModel):
    """A diffusion of an autoencoder's latents, and what its decoder makes of them.

    The autoencoder is trained before, on its own, and kept: only the diffusion learns.
    Its loss is that of the diffusion, on draws of the encoder's ``q(z | x)``.

    Args:
        codec: the autoencoder, whose latents are those of the diffusion, flattened;
            without a condition.
        diffusion: of latents.

    Raises:
        ValueError: the numbers of latents differ, or ``codec`` has a condition.

    Rombach et al. (2022), eqs. 2 and 3.
    """

    def __init__(self, codec: VAE, diffusion: Diffusion):
        super().__init__()
        if math.prod(diffusion.event_shape) != codec.latent_dim:
            raise ValueError(
                f"the diffusion is one of {diffusion.event_shape} and the autoencoder "
                f"has {codec.latent_dim} latents: expected as many"
            )
        if codec.condition is not None:
            raise ValueError("the autoencoder takes a condition; expected none")
        self.codec = codec.requires_grad_(False).eval()
        self.diffusion, self.condition = diffusion, diffusion.condition
        self.event_shape = codec.event_shape

    def elbo(self, x, c=None, **how: Any):
        """An unbiased estimate of a lower bound on ``log p(x)``, in nats, ``(b,)``.

        That of the autoencoder, with the diffusion in the place of its normal prior:
        the likelihood of the decoder, less the rate ``log q(z | x) - log p(z)``, for
        one draw of the latents; ``log p(z)`` by `Diffusion.elbo`, told ``how``.
        """
        self.check(x, c)
        with torch.no_grad(), evaluating(self.codec):
            mean, log_std = self.codec.encode(x)
            z = reparameterize(mean, log_std)
            seen = self.codec.likelihood.log_prob(self.codec.decode(z), x)
        grid = z.view(len(x), *self.diffusion.event_shape)
        rate = gaussian_log_prob(z, mean, log_std) - self.diffusion.elbo(grid, c, **how)
        return seen - rate

    @torch.no_grad()
    def to_latents(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """A draw of the latents of examples, in the shape that the diffusion sees."""
        with evaluating(self.codec):
            z = reparameterize(*self.codec.encode(x))
        return z.view(len(x), *self.diffusion.event_shape)

    @torch.no_grad()
    def from_latents(self, z: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mean of the examples that have these latents."""
        with evaluating(self.codec):
            return self.codec.likelihood.mean(self.codec.decode(z.flatten(1)))

    def loss(self, x, c=None):
        self.check(x, c)
        return self.diffusion.loss(self.to_latents(x), c)

    def draw(self, n, c=None, **how: Any):
        """``how`` is that of `Diffusion.trajectory`."""
        return self.from_latents(self.diffusion.draw(n, c, **how))
