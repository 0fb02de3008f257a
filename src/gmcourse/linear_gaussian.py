"""The linear VAE, solved: an oracle for everything that is said of a bound.

Built in chapter 03_variational_autoencoders.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ._arguments import positive
from .core import GenerativeModel
from .likelihoods import FixedGaussian
from .vae import VAE

__all__ = ["LinearGaussian"]


class LinearGaussian(GenerativeModel):
    """The linear VAE, solved: ``x = W z + b + std · eps``, with exact ``log_prob``.

    Probabilistic PCA (Tipping & Bishop, 1999). The oracle of variational inference: its
    likelihood and its posterior are known in closed form, and ``as_vae`` gives the
    VAE with this decoder and the exact posterior as encoder, whose ELBO is
    ``log p(x)``. Built in chapter 03_variational_autoencoders.
    """

    exact = True

    def __init__(self, data_dim: int, latent_dim: int, std: float = 1.0):
        super().__init__()
        self.event_shape, self.latent_dim = (data_dim,), latent_dim
        self.decoder = nn.Linear(latent_dim, data_dim)
        self.log_std = nn.Parameter(torch.tensor(math.log(positive("std", std))))

    def covariance(self) -> Float[Tensor, "d d"]:
        """``W Wᵀ + std² I``."""
        w = self.decoder.weight
        noise = (2 * self.log_std).exp() * torch.eye(len(w)).to(w)
        return w @ w.T + noise

    def log_prob(self, x: Float[Tensor, "b d"]) -> Float[Tensor, " b"]:
        """Exact, in nats: ``log N(x; b, W Wᵀ + std² I)``."""
        self.check(x)
        normal = torch.distributions.MultivariateNormal
        return normal(self.decoder.bias, self.covariance()).log_prob(x)

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    def draw(self, n, c=None):
        z = self.noise(n, self.latent_dim)
        mean = self.decoder(z)
        return mean + self.log_std.exp() * torch.randn_like(mean)

    def posterior(
        self, x: Float[Tensor, "b d"]
    ) -> tuple[Float[Tensor, "b k"], Float[Tensor, "k k"]]:
        """Mean and covariance of the exact ``p(z | x)``; the covariance is shared."""
        self.check(x)
        w, var = self.decoder.weight, (2 * self.log_std).exp()
        precision = torch.eye(self.latent_dim).to(w) + w.T @ w / var
        covariance = torch.linalg.inv(precision)
        return (x - self.decoder.bias) @ w @ covariance / var, covariance

    @torch.no_grad()
    def as_vae(self) -> VAE:
        """This model as a VAE whose encoder is the exact posterior.

        The latents are rotated so that the posterior is diagonal, as ``q`` is; the
        prior and ``p(x)`` are invariant to a rotation.
        """
        w, var = self.decoder.weight, (2 * self.log_std).exp()
        w = w @ torch.linalg.eigh(w.T @ w).eigenvectors
        spread = 1 / (1 + w.square().sum(0) / var)  # posterior variances
        encoder = nn.Linear(len(w), 2 * self.latent_dim).to(w)
        decoder = nn.Linear(self.latent_dim, len(w)).to(w)
        to_mean = spread[:, None] * w.T / var
        encoder.weight.copy_(torch.cat([to_mean, torch.zeros_like(to_mean)]))
        offset = -to_mean @ self.decoder.bias
        encoder.bias.copy_(torch.cat([offset, 0.5 * spread.log()]))
        decoder.weight.copy_(w)
        decoder.bias.copy_(self.decoder.bias)
        likelihood = FixedGaussian(self.log_std.exp().item())
        sizes = {"latent_dim": self.latent_dim, "event_shape": self.event_shape}
        return VAE(encoder, decoder, likelihood, **sizes)
