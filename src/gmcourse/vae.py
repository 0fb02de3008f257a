"""Variational autoencoders. Built in chapter 03_variational_autoencoders.

``q(z | x)`` is a diagonal Gaussian with the encoder's ``mean`` and ``log_std``, the
prior is a standard normal, and ``p(x | z)`` is one of ``gmcourse.likelihoods``.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from ._arguments import integer, nonnegative
from .conditions import Condition
from .core import GenerativeModel
from .data.mixture import LOG_2PI
from .likelihoods import at_least_float32

__all__ = [
    "IWAE",
    "VAE",
    "gaussian_log_prob",
    "kl_to_standard_normal",
    "reparameterize",
]


def kl_to_standard_normal(
    mean: Float[Tensor, "... d"], log_std: Float[Tensor, "... d"]
) -> Float[Tensor, "..."]:
    """``KL(N(mean, std²) ‖ N(0, 1))`` in nats, summed over the last axis.

    Kingma & Welling (2014), appendix B. Built in chapter 03_variational_autoencoders.

    Example:
        >>> kl_to_standard_normal(torch.ones(1, 2), torch.zeros(1, 2))
        tensor([1.])
    """
    return 0.5 * (mean.square() + (2 * log_std).exp() - 1 - 2 * log_std).sum(-1)


def gaussian_log_prob(
    z: Float[Tensor, "... d"],
    mean: Float[Tensor, "#*batch d"] | float = 0.0,
    log_std: Float[Tensor, "#*batch d"] | float = 0.0,
) -> Float[Tensor, "..."]:
    """``log N(z; mean, std²)`` in nats, summed over the last axis.

    Built in chapter 03_variational_autoencoders.
    """
    log_std = torch.as_tensor(log_std, dtype=z.dtype, device=z.device)
    eps = (z - mean) * torch.exp(-log_std)
    return (-0.5 * eps.square() - log_std - 0.5 * LOG_2PI).sum(-1)


def reparameterize(
    mean: Float[Tensor, "*batch d"], log_std: Float[Tensor, "*batch d"]
) -> Float[Tensor, "*batch d"]:
    """A draw from ``N(mean, std²)`` as a function of both: ``mean + std · eps``.

    Kingma & Welling (2014), sec. 2.4. Built in chapter 03_variational_autoencoders.
    """
    return mean + log_std.exp() * torch.randn_like(mean)


class VAE(GenerativeModel):
    """A latent-variable model trained on its evidence lower bound.

    Args:
        encoder: ``(b, *event_shape)`` to ``(b, 2 d)``: mean and log_std of ``q``.
        decoder: ``(b, d)`` to the likelihood's parameters.
        likelihood: one of ``gmcourse.likelihoods``.
        latent_dim: ``d``.
        beta: weight of the KL term; 1 is the bound, above 1 (the beta-VAE of
            Higgins et al., 2017) a looser bound, below 1 not always one. A function
            of the step anneals it (Bowman et al., 2016).
        condition: what ``c`` is; the nets are then called as ``encoder(x, c)`` and
            ``decoder(z, c)`` (Sohn et al., 2015).

    Raises:
        ValueError: ``beta`` is negative; later, an encoder's output of another shape.

    Kingma & Welling (2014); Rezende, Mohamed & Wierstra (2014).
    Built in chapter 03_variational_autoencoders.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        likelihood: Any,
        *,
        latent_dim: int,
        event_shape: tuple[int, ...],
        beta: float | Callable[[int], float] = 1.0,
        condition: Condition | None = None,
    ):
        super().__init__()
        self.encoder, self.decoder, self.likelihood = encoder, decoder, likelihood
        self.latent_dim, self.event_shape = latent_dim, tuple(event_shape)
        self.condition, self.anneal = condition, beta if callable(beta) else None
        self.beta = nonnegative("beta", beta(0) if callable(beta) else beta)

    def at(self, step):
        if self.anneal is not None:
            self.beta = nonnegative("beta", self.anneal(step))

    def encode(
        self, x: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> tuple[Float[Tensor, "b d"], Float[Tensor, "b d"]]:
        """``mean`` and ``log_std`` of ``q(z | x)``; float32, as exp needs the range."""
        out = self.encoder(x) if c is None else self.encoder(x, c)
        if tuple(out.shape) != (len(x), 2 * self.latent_dim):
            raise ValueError(
                f"the encoder gave {tuple(out.shape)}; expected ({len(x)}, "
                f"{2 * self.latent_dim}): mean and log_std of {self.latent_dim} latents"
            )
        mean, log_std = at_least_float32(out).chunk(2, dim=1)
        return mean, log_std

    def decode(
        self, z: Float[Tensor, "b d"], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, "b ..."]:
        """Parameters of ``p(x | z)``: ``(b, per_value · channels, ...)``, float32."""
        z = z.to(self._like().dtype)  # float32 also where the weights are coarser
        out = self.decoder(z) if c is None else self.decoder(z, c)
        first, *rest = self.event_shape
        params = at_least_float32(out)
        return params.reshape(len(z), self.likelihood.per_value * first, *rest)

    def elbo_terms(
        self, x: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
        """``log p(x | z)`` for one draw of ``z``, and ``KL(q(z | x) ‖ p(z))``."""
        self.check(x, c)
        mean, log_std = self.encode(x, c)
        z = reparameterize(mean, log_std)
        log_lik = self.likelihood.log_prob(self.decode(z, c), x)
        return log_lik, kl_to_standard_normal(mean, log_std)

    def elbo(
        self, x: Float[Tensor, "b ..."], c: Shaped[Tensor, "b ..."] | None = None
    ) -> Float[Tensor, " b"]:
        """An unbiased one-draw estimate of the evidence lower bound, in nats."""
        log_lik, kl = self.elbo_terms(x, c)
        return log_lik - kl

    def loss(self, x, c=None):
        log_lik, kl = self.elbo_terms(x, c)
        return (self.beta * kl - log_lik).mean()

    def log_weights(
        self,
        x: Float[Tensor, "b ..."],
        c: Shaped[Tensor, "b ..."] | None = None,
        k: int = 1,
    ) -> Float[Tensor, "k b"]:
        """``log p(x, z) - log q(z | x)`` for ``k`` draws of ``z`` each, in nats."""
        k = integer("k", k)
        self.check(x, c)
        mean, log_std = self.encode(x, c)
        eps = torch.randn(k, *mean.shape, dtype=mean.dtype, device=mean.device)
        z = mean + log_std.exp() * eps  # (k, b, d)
        flat = z.flatten(0, 1)  # (k b, d)
        told = None if c is None else c.expand(k, *c.shape).flatten(0, 1)
        seen = x.expand(k, *x.shape).flatten(0, 1)
        log_lik = self.likelihood.log_prob(self.decode(flat, told), seen)
        # From the noise itself: (z - mean) / std would be 0/0 for a std of e⁻⁹⁰.
        log_q = gaussian_log_prob(eps) - log_std.sum(-1)
        return log_lik.view(k, len(x)) + gaussian_log_prob(z) - log_q

    def iw_bound(
        self,
        x: Float[Tensor, "b ..."],
        c: Shaped[Tensor, "b ..."] | None = None,
        k: int = 50,
    ) -> Float[Tensor, " b"]:
        """An unbiased estimate of the importance-weighted bound: ``log (1/k) Σ w``.

        In nats. Burda, Grosse & Salakhutdinov (2016), sec. 3. The bound is the ELBO at
        ``k = 1`` and does not fall as ``k`` grows; where the weights are bounded it
        tends to ``log p(x)`` (theorem 1).
        """
        return self.log_weights(x, c, k).logsumexp(0) - math.log(k)

    def draw(self, n, c=None, *, mean: bool = False):
        """Ancestral sampling; ``mean=True`` gives the decoder's mean, without noise."""
        z = self.noise(n, self.latent_dim)
        params = self.decode(z, c)
        return self.likelihood.mean(params) if mean else self.likelihood.sample(params)


def _unweighted(vae: VAE) -> None:
    """Raise unless the KL term of a VAE counts as it is."""
    if vae.beta != 1 or vae.anneal is not None:
        raise ValueError(
            f"the VAE's beta is {vae.anneal or vae.beta}; expected 1: the "
            "importance-weighted bound has no KL term to weigh"
        )


class IWAE(GenerativeModel):
    """A VAE trained on its importance-weighted bound with ``k`` draws.

    Its bounds, and its samples, are those of the VAE.
    Burda, Grosse & Salakhutdinov (2016). Built in chapter 03_variational_autoencoders.

    Raises:
        ValueError, TypeError: ``k`` is not a positive integer, or the VAE's beta is
            not 1: this bound has no KL term that it could weigh.
    """

    def __init__(self, vae: VAE, k: int):
        super().__init__()
        _unweighted(vae)
        self.vae, self.k = vae, integer("k", k)
        self.event_shape, self.condition = vae.event_shape, vae.condition

    def loss(self, x, c=None):
        _unweighted(self.vae)
        return -self.vae.iw_bound(x, c, self.k).mean()

    def elbo(self, x, c=None):
        """The VAE's: see there. Likewise the next two."""
        return self.vae.elbo(x, c)

    def log_weights(self, x, c=None, k: int = 1):
        return self.vae.log_weights(x, c, k)

    def iw_bound(self, x, c=None, k: int = 50):
        return self.vae.iw_bound(x, c, k)

    def draw(self, n, c=None, *, mean: bool = False):
        return self.vae.draw(n, c, mean=mean)
