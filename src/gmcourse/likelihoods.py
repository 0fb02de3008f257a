"""What a decoder's output means: the observation models ``p(x | z)``.

Each is a small object of one shape: a decoder gives ``params`` of
``(b, per_value · channels, ...)``; ``log_prob(params, x)``, ``(b,)``, sums over all
values of an example and is in nats; ``mean(params)`` and ``sample(params)`` have the
shape of ``x``. A ``std``, ``min_std`` or ``levels`` out of range raises ValueError, and
so does an ``x`` of another shape than the parameters describe.
Built in chapter 03_variational_autoencoders.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ._arguments import integer, positive, within_unit

__all__ = ["Bernoulli", "DiscretizedLogistic", "FixedGaussian", "Gaussian"]


def _fits(values: Tensor, x: Tensor) -> None:
    if values.shape != x.shape:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; the parameters describe values of shape "
            f"{tuple(values.shape)}, and nothing is broadcast"
        )


class Bernoulli:
    """Binary values; ``params`` are logits. ``x`` is 0 or 1.

    Values in between are taken, and give the cross-entropy, which is lowest where the
    mean is ``x``. That is no log-likelihood: the formula is no density on [0, 1], and
    its numbers do not stand beside nats of binary digits. ``gmcourse.data.binarize``
    draws zeros and ones.

    Raises:
        ValueError: ``x`` holds a value outside of [0, 1]; on a GPU it is not looked at.
    """

    per_value = 1

    def log_prob(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, " b"]:
        """``Σ x·l - log(1 + e^l)``, finite for any logit ``l``."""
        _fits(params, x)
        within_unit(x)
        return (x * params - F.softplus(params)).flatten(1).sum(1)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Probabilities of a one."""
        return params.sigmoid()

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Zeros and ones."""
        return torch.bernoulli(params.sigmoid())


class FixedGaussian:
    """Real values with one known standard deviation; ``params`` are the means.

    Its ``std`` is the weight between reconstruction and KL: mean-squared error
    with an arbitrary factor is this likelihood with an arbitrary ``std``.
    """

    per_value = 1

    def __init__(self, std: float):
        self.std = positive("std", std)

    def log_prob(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, " b"]:
        """Log density in nats, summed over the values of an example."""
        _fits(params, x)
        scaled = ((x - params) / self.std).square().flatten(1)
        constant = math.log(self.std) + 0.5 * math.log(2 * math.pi)
        return -0.5 * scaled.sum(1) - scaled.shape[1] * constant

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The parameters themselves."""
        return params

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mean plus noise of deviation ``std``."""
        return params + self.std * torch.randn_like(params)


class Gaussian:
    """Real values; ``params`` are means and ``log(std - min_std)``, per value.

    On data that lies on a lower-dimensional set the likelihood is unbounded: the
    standard deviation wants to go to zero. ``min_std`` is the floor that stops it.
    """

    per_value = 2

    def __init__(self, min_std: float = 1e-3):
        self.min_std = positive("min_std", min_std)

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_std = params.chunk(2, dim=1)
        return mean, log_std.exp() + self.min_std

    def log_prob(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, " b"]:
        """Log density in nats, summed over the values of an example."""
        mean, std = self._split(params)
        _fits(mean, x)
        density = -0.5 * ((x - mean) / std).square() - std.log()
        return (density - 0.5 * math.log(2 * math.pi)).flatten(1).sum(1)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mean of each value."""
        return self._split(params)[0]

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mean plus noise of each value's deviation."""
        mean, std = self._split(params)
        return mean + std * torch.randn_like(mean)


class DiscretizedLogistic:
    """Values on a grid of ``levels`` in [0, 1]; a probability, not a density.

    The mass of a logistic distribution in the bin around each level (Kingma et al.,
    2016); the outermost bins reach to infinity, so that the probabilities sum to one
    (Salimans et al., 2017, sec. 2.1, there a mixture). ``params`` are means and log
    scales, both in units of the data. ``x`` must lie on the grid ``k / (levels - 1)``.
    """

    per_value = 2

    def __init__(self, levels: int = 256):
        self.levels = integer("levels", levels, 2)

    def log_prob(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, " b"]:
        """``log(s(u) - s(l))`` at the bin's edges, in a form that cannot cancel.

        With the sigmoid s: ``s(u) - s(l) = s(u) s(-l) (1 - e^(l - u))``, and ``u - l``
        is known.
        """
        mean, log_scale = params.chunk(2, dim=1)
        _fits(mean, x)
        within_unit(x)
        half = 0.5 / (self.levels - 1)
        upper = (x + half - mean) * torch.exp(-log_scale)
        lower = (x - half - mean) * torch.exp(-log_scale)
        width = 2 * half * torch.exp(-log_scale)
        below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
        inside = below + above + torch.log(-torch.expm1(-width))
        mass = torch.where(x < half, below, torch.where(x > 1 - half, above, inside))
        return mass.flatten(1).sum(1)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The logistic's location, inside [0, 1]: a picture, not the exact mean."""
        return params.chunk(2, dim=1)[0].clamp(0.0, 1.0)

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Values on the grid; those beyond its ends are put there."""
        mean, log_scale = params.chunk(2, dim=1)
        # 24 random bits and a half keep the logit finite at both ends.
        u = (torch.rand_like(mean) * (1 - 2**-24)) + 2**-25
        value = mean + log_scale.exp() * (u.log() - (-u).log1p())
        top = self.levels - 1
        return (value * top).round().clamp(0, top) / top
