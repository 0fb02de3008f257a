"""What a net's output means: the observation models ``p(x | z)``, value by value.

Each is a small object of one shape, a :class:`Likelihood`. A ``std``, ``min_std`` or
``levels`` out of range raises ValueError, and so does an ``x`` of another shape than
the parameters describe. Built in chapter 03_variational_autoencoders, where nothing
else is said.
"""

import math

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor
from torch.nn import functional as F

from ._arguments import integer, positive, within_unit

__all__ = [
    "Bernoulli",
    "Categorical",
    "DiscretizedLogistic",
    "FixedGaussian",
    "Gaussian",
    "Likelihood",
    "LogisticMixture",
    "Tokens",
]


def _fits(values: Tensor, x: Tensor) -> None:
    if values.shape != x.shape:
        raise ValueError(
            f"x has shape {tuple(x.shape)}; the parameters describe values of shape "
            f"{tuple(values.shape)}, and nothing is broadcast"
        )


def at_least_float32(out: Tensor) -> Tensor:
    """Under autocast nets give bfloat16: 8 bits are too few for exp and for sums."""
    return out.to(torch.promote_types(out.dtype, torch.float32))


class Likelihood:
    """The distribution of ``x`` that a net's output stands for; abstract.

    A net gives ``params`` of ``(b, per_value · channels, ...)``: the channels' first
    parameters, then their second ones, and so on.

    Attributes:
        per_value: parameters of one value.
        logits: they are log probabilities up to a constant, so that ``params / t`` is
            the distribution at temperature ``t``.
    """

    per_value: int = 1
    logits: bool = False

    def log_probs(
        self, params: Float[Tensor, "b ..."], x: Shaped[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        """Of each value, in nats; the shape of ``x``."""
        raise NotImplementedError(f"{type(self).__name__} does not define log_probs")

    def log_prob(
        self, params: Float[Tensor, "b ..."], x: Shaped[Tensor, "b ..."]
    ) -> Float[Tensor, " b"]:
        """Summed over the values of an example, in nats; at least in float32."""
        return self.log_probs(at_least_float32(params), x).flatten(1).sum(1)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Of each value; the shape of ``x``."""
        raise NotImplementedError(f"{type(self).__name__} does not define mean")

    def sample(self, params: Float[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """A draw of each value; the shape of ``x``."""
        raise NotImplementedError(f"{type(self).__name__} does not define sample")


class Bernoulli(Likelihood):
    """Binary values; ``params`` are logits. ``x`` is 0 or 1.

    Values in between are taken, and give the cross-entropy, which is lowest where the
    mean is ``x``. That is no log-likelihood: the formula is no density on [0, 1], and
    its numbers do not stand beside nats of binary digits. ``gmcourse.data.binarize``
    draws zeros and ones.

    Raises:
        ValueError: ``x`` holds a value outside of [0, 1]; on a GPU it is not looked at.
    """

    logits = True

    def log_probs(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        """``x·l - log(1 + e^l)``, finite for any logit ``l``."""
        _fits(params, x)
        within_unit(x)
        return x * params - F.softplus(params)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Probabilities of a one."""
        return params.sigmoid()

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Zeros and ones."""
        return torch.bernoulli(params.sigmoid())


class FixedGaussian(Likelihood):
    """Real values with one known standard deviation; ``params`` are the means.

    Its ``std`` is the weight between reconstruction and KL: mean-squared error
    with an arbitrary factor is this likelihood with an arbitrary ``std``.
    """

    per_value = 1

    def __init__(self, std: float):
        self.std = positive("std", std)

    def log_probs(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        """Log density of each value, in nats."""
        _fits(params, x)
        constant = math.log(self.std) + 0.5 * math.log(2 * math.pi)
        return -0.5 * ((x - params) / self.std).square() - constant

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The parameters themselves."""
        return params

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mean plus noise of deviation ``std``."""
        return params + self.std * torch.randn_like(params)


class Gaussian(Likelihood):
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

    def log_probs(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        """Log density of each value, in nats."""
        mean, std = self._split(params)
        _fits(mean, x)
        density = -0.5 * ((x - mean) / std).square() - std.log()
        return density - 0.5 * math.log(2 * math.pi)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mean of each value."""
        return self._split(params)[0]

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mean plus noise of each value's deviation."""
        mean, std = self._split(params)
        return mean + std * torch.randn_like(mean)


class DiscretizedLogistic(Likelihood):
    """Values on a grid of ``levels`` in [0, 1]; a probability, not a density.

    The mass of a logistic distribution in the bin around each level (Kingma et al.,
    2016); the outermost bins reach to infinity, so that the probabilities sum to one
    (Salimans et al., 2017, sec. 2.1, there a mixture). ``params`` are means and log
    scales, both in units of the data. ``x`` must lie on the grid ``k / (levels - 1)``.
    """

    per_value = 2

    def __init__(self, levels: int = 256):
        self.levels = integer("levels", levels, 2)

    def log_probs(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        """``log(s(u) - s(l))`` at the bin's edges, in a form that cannot cancel.

        With the sigmoid s: ``s(u) - s(l) = s(u) s(-l) (1 - e^(l - u))``, and ``u - l``
        is known.
        """
        mean, log_scale = params.chunk(2, dim=1)
        _fits(mean, x)
        within_unit(x)
        return _log_mass(x, mean, log_scale, self.levels)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The logistic's location, inside [0, 1]: a picture, not the exact mean."""
        return params.chunk(2, dim=1)[0].clamp(0.0, 1.0)

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Values on the grid; those beyond its ends are put there."""
        return _on_grid(*params.chunk(2, dim=1), self.levels)


def _log_mass(x: Tensor, mean: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """Log of a logistic's mass in the bin of each ``x``; broadcasts."""
    half = 0.5 / (levels - 1)
    upper = (x + half - mean) * torch.exp(-log_scale)
    lower = (x - half - mean) * torch.exp(-log_scale)
    width = 2 * half * torch.exp(-log_scale)
    below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
    inside = below + above + torch.log(-torch.expm1(-width))
    return torch.where(x < half, below, torch.where(x > 1 - half, above, inside))


def _on_grid(mean: Tensor, log_scale: Tensor, levels: int) -> Tensor:
    """A logistic's draw, put on the grid."""
    # 24 random bits and a half keep the logit finite at both ends.
    u = (torch.rand_like(mean) * (1 - 2**-24)) + 2**-25
    value = mean + log_scale.exp() * (u.log() - (-u).log1p())
    top = levels - 1
    return (value * top).round().clamp(0, top) / top


class LogisticMixture(Likelihood):
    """Values on a grid of ``levels`` in [0, 1], by a mixture of `DiscretizedLogistic`.

    Salimans et al. (2017), sec. 2.1. ``params`` are the components' log weights, up to
    a constant, their means and their log scales.
    Built in chapter 06_one_pixel_at_a_time.

    Raises:
        ValueError: ``components`` is below 1 or ``levels`` below 2.
    """

    def __init__(self, components: int = 5, levels: int = 256):
        self.components = integer("components", components)
        self.levels = integer("levels", levels, 2)
        self.per_value = 3 * components

    def _split(self, params: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Log weights, means, log scales, each ``(b, components, channels, ...)``."""
        log_weight, mean, log_scale = params.unflatten(
            1, (3, self.components, -1)
        ).unbind(1)
        return log_weight.log_softmax(1), mean, log_scale

    def log_probs(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        """In nats; a probability, so that it is at most 0."""
        log_weight, mean, log_scale = self._split(params)
        _fits(mean[:, 0], x)
        within_unit(x)
        mass = _log_mass(x[:, None], mean, log_scale, self.levels)
        return (log_weight + mass).logsumexp(1)

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The mixture's location, inside [0, 1]: a picture, not the exact mean."""
        log_weight, mean, _ = self._split(params)
        return (log_weight.exp() * mean.clamp(0.0, 1.0)).sum(1)

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Values on the grid; those beyond its ends are put there."""
        log_weight, mean, log_scale = self._split(params)
        one = _choices(log_weight)[:, None]
        mean, log_scale = mean.gather(1, one), log_scale.gather(1, one)
        return _on_grid(mean[:, 0], log_scale[:, 0], self.levels)


class Tokens(Likelihood):
    """Integers below ``levels``, int64, each with a logit of its own."""

    logits = True

    def __init__(self, levels: int):
        self.levels = self.per_value = integer("levels", levels, 2)

    def each(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b levels ..."]:
        """The logits of each value, on an axis of their own."""
        return params.unflatten(1, (self.levels, -1))

    def log_probs(self, params, x):
        """In nats; a probability, so that it is at most 0."""
        logits = self.each(params)
        _fits(logits[:, 0], x)
        return -F.cross_entropy(logits, x, reduction="none")

    def mean(self, params):
        """The exact mean of each value, a real number."""
        share = self.each(params).softmax(1).movedim(1, -1)
        values = torch.arange(self.levels, device=share.device, dtype=share.dtype)
        return share @ values

    def sample(self, params):
        """Integers."""
        return _choices(self.each(params))


def to_levels(x: Float[Tensor, "..."], levels: int) -> Int64[Tensor, "..."]:
    """The numbers of values on a grid of ``levels`` in [0, 1], from 0."""
    return (x * (levels - 1)).round().long()


class Categorical(Likelihood):
    """Values on a grid of ``levels`` in [0, 1], each with a logit of its own.

    It knows nothing of the order of the values, so it can stand for any distribution
    on them. Van den Oord et al. (2016a), sec. 3.4.
    Built in chapter 06_one_pixel_at_a_time.
    """

    logits = True

    def __init__(self, levels: int = 256):
        self.tokens = Tokens(levels)
        self.levels = self.per_value = self.tokens.levels

    def log_probs(
        self, params: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
    ) -> Float[Tensor, "b ..."]:
        """In nats; a probability, so that it is at most 0."""
        within_unit(x)
        return self.tokens.log_probs(params, to_levels(x, self.levels))

    def mean(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """The exact mean of each value."""
        return self.tokens.mean(params) / (self.levels - 1)

    def sample(self, params: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Values on the grid."""
        return self.tokens.sample(params).to(params.dtype) / (self.levels - 1)


def _choices(logits: Tensor) -> Tensor:
    """One index into the second axis for each place of the others."""
    share = logits.movedim(1, -1).softmax(-1)
    return torch.multinomial(share.flatten(0, -2), 1).view(share.shape[:-1])
