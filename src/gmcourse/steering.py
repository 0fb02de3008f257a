"""A diffusion steered by what is known: a classifier, a measurement, pixels.

The functions take ``denoise(x_t, t)``, which says the data, and give another one, for
the same samplers; `replacing` takes a sampler and gives another one. Built in chapter
11_steering_and_scale.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.nn import functional as F

from ._arguments import integer
from .denoisers import Denoise
from .paths import Path
from .samplers import States

__all__ = [
    "Seen",
    "consistent",
    "gray",
    "masked",
    "measurement",
    "pooled",
    "replacing",
    "tilted",
]

LogProb = Callable[[Tensor, float], Tensor]


def tilted(
    denoise: Denoise, path: Path, log_prob: LogProb, weight: float = 1.0
) -> Denoise:
    """The estimate for the score plus ``weight`` times the gradient of ``log_prob``.

    With a classifier's ``log p(c | x_t)`` and weight 1 this is Bayes' rule for the
    score at each time: Dhariwal & Nichol (2021), section 4.2.

    Args:
        log_prob: ``(b,)`` from ``x_t`` and the time, in nats.
    """

    def other(x: Tensor, t: float) -> Tensor:
        alpha, sigma = path.at(t)
        x = x.detach()
        with torch.enable_grad():
            leaf = x.detach().requires_grad_()
            (slope,) = torch.autograd.grad(log_prob(leaf, t).sum(), leaf)
        with torch.no_grad():
            return denoise(x, t) + weight * sigma**2 / alpha * slope

    return other


@dataclass(frozen=True)
class Seen:
    """What is seen of an example: a linear map, and a way back.

    Attributes:
        look: from examples to what is seen of them.
        back: from that to an example that looks so, the smallest one:
            ``look(back(y)) == y``, and ``back(look(x))`` is a projection of ``x``.
    """

    look: Callable[[Tensor], Tensor]
    back: Callable[[Tensor], Tensor]


def masked(mask: Shaped[Tensor, "..."]) -> Seen:
    """The values where ``mask`` is 1, and zeros where it is 0: inpainting.

    Raises:
        ValueError: other values than 0 and 1, or True and False.
    """
    there = _there(mask)
    look = lambda x: there * x  # noqa: E731
    return Seen(look, look)


def _there(mask: Tensor) -> Tensor:
    """Where the mask is 1, as booleans."""
    if not ((mask == 0) | (mask == 1)).all():
        raise ValueError("mask holds other values than 0 and 1")
    return mask == 1


def gray(channels: int = 3) -> Seen:
    """The mean of the channels: colorization.

    Raises:
        ValueError: when it looks, at an image of another number of channels.
    """
    channels = integer("channels", channels)

    def look(x: Tensor) -> Tensor:
        if x.shape[1] != channels:
            raise ValueError(f"{x.shape[1]} channels are seen; expected {channels}")
        return x.mean(1, keepdim=True)

    return Seen(look, lambda y: y.expand(-1, channels, *y.shape[2:]))


def pooled(side: int) -> Seen:
    """The mean of each square of ``side`` × ``side`` pixels: super-resolution.

    Raises:
        ValueError: when it looks, at an image that has no whole number of squares.
    """
    integer("side", side)

    def look(x: Tensor) -> Tensor:
        if x.shape[-2] % side or x.shape[-1] % side:
            raise ValueError(
                f"an image of {tuple(x.shape[-2:])} pixels has no whole number of "
                f"squares of {side}"
            )
        return F.avg_pool2d(x, side)

    return Seen(
        look, lambda y: y.repeat_interleave(side, -2).repeat_interleave(side, -1)
    )


def consistent(denoise: Denoise, seen: Seen, y: Float[Tensor, "b ..."]) -> Denoise:
    """The estimate, its part that can be seen replaced by what was seen, ``y``.

    ``y`` is of examples in the units of the noisy data. Wang et al. (2022).
    """

    def other(x: Tensor, t: float) -> Tensor:
        data = denoise(x, t)
        return data + seen.back(y - seen.look(data))

    return other


def measurement(
    denoise: Denoise, path: Path, seen: Seen, y: Float[Tensor, "b ..."]
) -> LogProb:
    """``log p(y | x_t)`` as if the data were normal about their estimate, for `tilted`.

    With the variance ``sigma² / (alpha² + sigma²)``, that of data of variance 1 whose
    values are independent. Up to a constant, in nats. Its gradient goes through the
    net: Chung et al. (2023); with this variance Song et al. (2023).
    """

    def log_prob(x: Tensor, t: float) -> Tensor:
        alpha, sigma = path.at(t)
        variance = sigma**2 / (alpha**2 + sigma**2)
        # Of what is seen, the smallest example that accounts for it: means of pixels
        # vary less than the pixels do.
        off = seen.back(y - seen.look(denoise(x, t)))
        return -off.square().flatten(1).sum(1) / (2 * variance)

    return log_prob


def replacing(
    sampler: Callable[..., States],
    mask: Shaped[Tensor, "..."],
    known: Float[Tensor, "b ..."],
    *,
    again: int = 1,
) -> Callable[..., States]:
    """``sampler``, but where ``mask`` is 1 the known values are put in after each step.

    With as much noise as the time asks for: Song et al. (2021), appendix I.2. Each step
    is made ``again`` times, with noise put on what came out between them, so that the
    rest can fit itself to the known: Lugmayr et al. (2022), algorithm 1. For samplers
    that look at no step before.

    Args:
        known: examples in the units of the noisy data.

    Raises:
        ValueError, TypeError: ``mask`` as for `masked`, or ``again`` is no positive
            integer.
    """
    again, there = integer("again", again), _there(mask)

    def other(
        denoise: Denoise, path: Path, x: Tensor, times: Sequence[float], **how
    ) -> States:
        for t, s in itertools.pairwise(times):
            for left in reversed(range(again)):
                (_, x) = next(iter(sampler(denoise, path, x, [t, s], **how)))
                alpha, sigma = path.at(s)
                seen = alpha * known + sigma * torch.randn_like(x)
                x = torch.where(there, seen, x)
                if left:
                    x = _noisier(path, x, s, t)
            yield s, x

    return other


def _noisier(path: Path, x: Tensor, s: float, t: float) -> Tensor:
    """A draw of ``x_t`` given ``x_s``, of an earlier time."""
    (a_s, s_s), (a_t, s_t) = path.at(s), path.at(t)
    share = a_t / a_s
    std = max(0.0, s_t**2 - (share * s_s) ** 2) ** 0.5
    return share * x + std * torch.randn_like(x)
