"""A diffusion of the latents of photos of clothes, and their autoencoder."""

import math

import torch

from ... import coordinates, samplers
from ...conditions import Labels
from ...diffusion import Diffusion, lognormal
from ...latent import GridDecoder, GridEncoder, LatentDiffusion
from ...likelihoods import FixedGaussian
from ...transformers import DiTDenoiser
from ...vae import VAE
from ..making import Recipe, Start, adamw, channels_last, straight
from ..measure import NegativeElbo
from ..sources import CLOTHING

_GRID = (4, 16, 16)


def _codec() -> VAE:
    """A deviation of 0.06 of a pixel's range: coarse enough for a small diffusion."""
    nets = (net(CLOTHING.shape, _GRID, width=32) for net in (GridEncoder, GridDecoder))
    return VAE(
        *nets,
        FixedGaussian(0.06),
        latent_dim=math.prod(_GRID),
        event_shape=CLOTHING.shape,
    )


def _latent() -> LatentDiffusion:
    net = DiTDenoiser(_GRID, width=80, depth=3, side=2, classes=20)
    diffusion = Diffusion(
        net,
        _GRID,
        predict=coordinates.scaled,
        times=lognormal(0.0, 1.4),
        center=-0.04,
        spread=0.93,
        condition=Labels(20, required=False),
        sampler=samplers.dpm_solver,
        grid=samplers.karras,
    )
    return LatentDiffusion(_codec(), diffusion)


_BOUND = NegativeElbo(n=539, tolerance=5.0, quick=NegativeElbo(n=50, tolerance=10.0))

RECIPES = (
    Recipe(
        name="vae-clothing",
        title="VAE with a grid of latents",
        source=CLOTHING,
        model=lambda: channels_last(_codec()),
        steps=(5, 2_500, 40_000),
        measures=(_BOUND,),
        optimizer=adamw(2e-3, 0.0),
        schedule=straight,
        batch_size=32,
        ema=0.99,
        autocast=torch.bfloat16,
    ),
    Recipe(
        name="latent-clothing",
        title="diffusion of its latents, 25 evaluations",
        source=CLOTHING.labeled(),
        model=_latent,
        steps=(5, 8_000, 200_000),
        measures=(_BOUND,),
        optimizer=adamw(3e-3, 0.01),
        schedule=straight,
        batch_size=32,
        clip=1.0,
        autocast=torch.bfloat16,
        start=Start("vae-clothing", lambda model: model.codec),
        bits=8,
        bytes_note="It holds its autoencoder as well, in half precision.",
    ),
)
