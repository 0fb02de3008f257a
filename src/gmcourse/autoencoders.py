"""Autoencoders: compression by reconstruction. Built in chapter 02_autoencoders.

None of them has a distribution over its codes, so none is a generative model;
:class:`GaussianCodes` fits one afterward and is.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ._arguments import nonnegative, positive
from .core import GenerativeModel, Model

__all__ = [
    "Autoencoder",
    "Codec",
    "DenoisingAutoencoder",
    "GaussianCodes",
    "SparseAutoencoder",
    "squared_error",
]


def squared_error(
    x: Float[Tensor, "b ..."], y: Float[Tensor, "b ..."]
) -> Float[Tensor, " b"]:
    """``|x - y|²`` of each example: summed over its values, not averaged.

    Raises:
        ValueError: the shapes differ; nothing is broadcast.
    """
    if x.shape != y.shape:
        raise ValueError(f"shapes differ: {tuple(x.shape)} and {tuple(y.shape)}")
    return (x - y).square().flatten(1).sum(1)


class Codec(Model):
    """An encoder and a decoder, and how far apart they leave an example; abstract.

    Args:
        encoder: ``(b, *event_shape)`` to codes ``(b, d)``.
        decoder: codes to ``(b, *event_shape)``, or any shape of as many values.
    """

    def __init__(
        self, encoder: nn.Module, decoder: nn.Module, event_shape: tuple[int, ...]
    ):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.event_shape = tuple(event_shape)

    def encode(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Codes of ``x``."""
        return self.encoder(x)

    def decode(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b ..."]:
        """Examples ``(b, *event_shape)`` from codes.

        Raises:
            ValueError: the decoder's output does not have as many values.
        """
        out = self.decoder(z)
        if out.numel() != len(z) * math.prod(self.event_shape):
            raise ValueError(
                f"the decoder gave {tuple(out.shape)}; expected the values of "
                f"({len(z)}, *{self.event_shape})"
            )
        return out.view(len(z), *self.event_shape)

    def error(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
        """Squared reconstruction error of each example, summed over its values."""
        self.check(x)
        return squared_error(x, self.decode(self.encode(x)))


class Autoencoder(Codec):
    """Encode, decode, and compare: ``|x - decode(encode(x))|²``, batch mean.

    Bourlard & Kamp (1988); Hinton & Salakhutdinov (2006).
    Built in chapter 02_autoencoders.
    """

    def loss(self, x, c=None):
        self.check(x, c)
        return self.error(x).mean()


class DenoisingAutoencoder(Codec):
    """Rebuild the clean ``x`` from ``x + std · eps``.

    Vincent et al. (2008). The optimum is
    ``decode(encode(x̃)) = x̃ + std² · score(x̃)``, with the score of the noisy data
    (Tweedie's formula; Efron, 2011), which for small noise is nearly that of the data
    (Alain & Bengio, 2014). Built in chapter 02_autoencoders.

    Raises:
        ValueError: ``std`` is not positive.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        event_shape: tuple[int, ...],
        std: float = 0.5,
    ):
        super().__init__(encoder, decoder, event_shape)
        self.std = positive("std", std)

    def loss(self, x, c=None):
        self.check(x, c)
        noisy = x + self.std * torch.randn_like(x)
        return squared_error(x, self.decode(self.encode(noisy))).mean()


class SparseAutoencoder(Codec):
    """Reconstruction plus an L1 penalty: few active codes for each example.

    The codes pass a ReLU, so that they can be exactly zero. The penalty is
    ``weight · Σ_j z_j |w_j|`` with the decoder's columns ``w_j``: a bare L1 term could
    be made small by shrinking the codes and growing the decoder.
    Olshausen & Field (1996). Built in chapter 02_autoencoders.

    Raises:
        TypeError: the decoder is not one ``nn.Linear``.
        ValueError: ``weight`` is negative.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Linear,
        event_shape: tuple[int, ...],
        weight: float = 1.0,
    ):
        super().__init__(nn.Sequential(encoder, nn.ReLU()), decoder, event_shape)
        if not isinstance(decoder, nn.Linear):
            given = type(decoder).__name__
            raise TypeError(f"decoder is a {given}; expected nn.Linear")
        self.weight = nonnegative("weight", weight)

    def loss(self, x, c=None):
        self.check(x, c)
        z = self.encode(x)
        penalty = (z * self.decoder.weight.norm(dim=0)).sum(1)
        return (squared_error(x, self.decode(z)) + self.weight * penalty).mean()


class GaussianCodes(GenerativeModel):
    """An autoencoder with a full Gaussian fitted to its codes: a simple generator.

    Ex-post density estimation (Ghosh et al., 2020). Training goes to the
    autoencoder; then ``fit`` looks at the codes of the training set once.
    Built in chapter 02_autoencoders.
    """

    mean: Tensor
    cholesky: Tensor

    def __init__(self, autoencoder: Codec, latent_dim: int):
        super().__init__()
        self.autoencoder, self.event_shape = autoencoder, autoencoder.event_shape
        self.register_buffer("mean", torch.zeros(latent_dim))
        self.register_buffer("cholesky", torch.eye(latent_dim))

    @torch.no_grad()
    def fit(self, x: Float[Tensor, "n ..."]) -> None:
        """Set mean and covariance from the codes of ``x``, the whole training set.

        To the variance of each code a millionth of it is added: the factor exists
        where codes are equal or constant, and means the same in any unit.

        Raises:
            ValueError, TypeError: ``x`` does not fit the autoencoder, holds too few
                examples, or has codes that are not finite or not ``latent_dim`` many.
        """
        self.autoencoder.check(x)
        z = torch.cat([self.autoencoder.encode(part) for part in x.split(1000)])
        if z.shape[1:] != self.mean.shape or not z.isfinite().all():
            raise ValueError(
                f"the codes have shape {tuple(z.shape)}, or NaN or infinity; expected "
                f"({len(x)}, {len(self.mean)}), all finite"
            )
        if len(z) <= z.shape[1]:
            raise ValueError(
                f"{len(z)} examples cannot fix a covariance of {z.shape[1]} codes: "
                "give more"
            )
        z = z.cpu().double()  # rounding stays far below the millionth
        cov = torch.atleast_2d(torch.cov(z.T))
        floor = 1e-6 * cov.diagonal().clamp(min=1e-30)
        self.mean.copy_(z.mean(0))
        self.cholesky.copy_(torch.linalg.cholesky(cov + floor.diag()))

    def error(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
        """The autoencoder's squared error of each example, summed over its values."""
        return self.autoencoder.error(x)

    def loss(self, x, c=None):
        return self.autoencoder.loss(x, c)

    def draw(self, n, c=None):
        eps = self.noise(n, len(self.mean))
        return self.autoencoder.decode(self.mean + eps @ self.cholesky.T)
