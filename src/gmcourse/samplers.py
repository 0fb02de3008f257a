"""From noise to data in steps: samplers of one signature.

``sampler(denoise, path, x, times)`` takes ``denoise(x_t, t)``, which says the data, the
noisy ``x`` at the first of the falling ``times``, and yields ``(t, x_t)`` at each of
the others. The last is 0, where the data are. Two samplers differ in nothing but the
algorithm. Built in chapter 10_diffusion.
"""

import itertools
import math
from collections.abc import Iterator, Sequence

from torch import Tensor

from ._arguments import integer, nonnegative, positive
from .denoisers import Denoise
from .paths import Path

__all__ = [
    "ancestral",
    "churned",
    "ddim",
    "dpm_solver",
    "evenly",
    "heun",
    "karras",
    "reverse_sde",
]

States = Iterator[tuple[float, Tensor]]


def evenly(path: Path, steps: int, *, largest: float = 80.0) -> list[float]:
    """Times at equal distances, from where ``sigma / alpha`` is ``largest`` to 0."""
    start, steps = _start(path, largest), integer("steps", steps)
    return [start * (1 - i / steps) for i in range(steps)] + [0.0]


def karras(
    path: Path,
    steps: int,
    *,
    smallest: float = 0.002,
    largest: float = 80.0,
    rho: float = 7.0,
) -> list[float]:
    """Times at which ``(sigma / alpha)^(1/rho)`` has equal distances, and then 0.

    Karras et al. (2022), eq. 5.

    Raises:
        ValueError: ``smallest`` is not below ``largest``, or what the path ends at.
    """
    steps, rho = integer("steps", steps), positive("rho", rho)
    alpha, sigma = path.at(_start(path, largest))
    if not positive("smallest", smallest) < sigma / alpha:
        raise ValueError(f"smallest is {smallest}; expected less than {sigma / alpha}")
    low, high = smallest ** (1 / rho), (sigma / alpha) ** (1 / rho)
    ratios = [
        (high + i / max(1, steps - 1) * (low - high)) ** rho for i in range(steps)
    ]
    return [min(1.0, path.when(ratio)) for ratio in ratios] + [0.0]


def _start(path: Path, largest: float) -> float:
    """When ``sigma / alpha`` is ``largest``; 1 on a path that ends before."""
    return min(1.0, path.when(positive("largest", largest)))


def ancestral(
    denoise: Denoise, path: Path, x: Tensor, times: Sequence[float]
) -> States:
    """Each step draws from the law of the less noisy given the more noisy example.

    The data in it are estimated. Ho et al. (2020), algorithm 2, with the variance of
    eq. 7.
    """
    for t, s in itertools.pairwise(times):
        mean, std = path.posterior(denoise(x, t), x, s, t)
        x = mean + std * x.new_empty(x.shape).normal_() if std else mean
        yield s, x


def ddim(
    denoise: Denoise,
    path: Path,
    x: Tensor,
    times: Sequence[float],
    *,
    eta: float = 0.0,
) -> States:
    """The estimated noise stays, but for a share ``eta`` that is drawn anew.

    At ``eta = 0`` nothing is drawn; at 1 the steps have the law of `ancestral`. Song
    et al. (2021), eqs. 12 and 16.
    """
    eta = nonnegative("eta", eta)
    for t, s in itertools.pairwise(times):
        (a_t, s_t), (a_s, s_s) = path.at(t), path.at(s)
        data = denoise(x, t)
        eps = (x - a_t * data) / s_t
        std = eta * path.posterior(data, x, s, t)[1]
        x = a_s * data + math.sqrt(max(s_s**2 - std**2, 0.0)) * eps
        x = x + std * x.new_empty(x.shape).normal_() if std else x
        yield s, x


def heun(denoise: Denoise, path: Path, x: Tensor, times: Sequence[float]) -> States:
    """Heun's steps of ``d(x / alpha) / d(sigma / alpha) = eps``, the last one Euler's.

    Two evaluations a step, one in the last. Karras et al. (2022), algorithm 1.
    """
    for t, s in itertools.pairwise(times):
        x = _heun(denoise, path, x, t, s)
        yield s, x


def churned(
    denoise: Denoise,
    path: Path,
    x: Tensor,
    times: Sequence[float],
    *,
    churn: float = 40.0,
    within: tuple[float, float] = (0.05, 50.0),
    inflate: float = 1.003,
) -> States:
    """`heun`, but before a step noise is added and time goes back accordingly.

    Karras et al. (2022), algorithm 2.

    Args:
        churn: noise for all steps together; ``sigma / alpha`` grows by
            ``churn / steps`` of itself, at most by ``sqrt(2) - 1``.
        within: ``sigma / alpha`` where that is done.
        inflate: the standard deviation of the noise.
    """
    share = min(nonnegative("churn", churn) / (len(times) - 1), math.sqrt(2) - 1)
    for t, s in itertools.pairwise(times):
        alpha, sigma = path.at(t)
        ratio = sigma / alpha
        if share and within[0] <= ratio <= within[1]:
            more = ratio * (1 + share)
            back = path.when(more)
            eps = inflate * x.new_empty(x.shape).normal_()
            x = (x / alpha + math.sqrt(more**2 - ratio**2) * eps) * path.at(back)[0]
            t = back
        x = _heun(denoise, path, x, t, s)
        yield s, x


def _heun(denoise: Denoise, path: Path, x: Tensor, t: float, s: float) -> Tensor:
    (a_t, s_t), (a_s, s_s) = path.at(t), path.at(s)
    eps = (x - a_t * denoise(x, t)) / s_t
    step = s_s / a_s - s_t / a_t
    ahead = a_s * (x / a_t + step * eps)
    if not s_s:
        return ahead
    eps = (eps + (ahead - a_s * denoise(ahead, s)) / s_s) / 2
    return a_s * (x / a_t + step * eps)


def dpm_solver(
    denoise: Denoise, path: Path, x: Tensor, times: Sequence[float]
) -> States:
    """Second order with one evaluation a step, by the estimate of the step before.

    The data are taken for a straight function of ``log(alpha / sigma)``. DPM-Solver++
    (2M) of Lu et al. (2022), algorithm 2; the first and the last step are of order 1.
    """
    before, last = None, None
    for t, s in itertools.pairwise(times):
        (a_t, s_t), (a_s, s_s) = path.at(t), path.at(s)
        data = denoise(x, t)
        if not s_s:
            x = a_s * data
            yield s, x
            return
        h = math.log(a_s / s_s) - math.log(a_t / s_t)
        ahead = data
        if before is not None and last is not None:
            ahead = data + h / (2 * last) * (data - before)
        x = s_s / s_t * x - a_s * math.expm1(-h) * ahead
        before, last = data, h
        yield s, x


def reverse_sde(
    denoise: Denoise, path: Path, x: Tensor, times: Sequence[float]
) -> States:
    """Steps of Euler and Maruyama of the stochastic equation that leads back to data.

    ``dx = (f x - g² score) dt + g dw`` with ``f = alpha' / alpha`` and
    ``g² = 2 sigma² (sigma' / sigma - alpha' / alpha)``. Song et al. (2021), eq. 6. No
    noise is added in the last step.
    """
    for t, s in itertools.pairwise(times):
        alpha, sigma = path.at(t)
        a_rate, s_rate = path.rates_at(t)
        f = a_rate / alpha
        g2 = 2 * sigma**2 * (s_rate / sigma - f)
        score = (alpha * denoise(x, t) - x) / sigma**2
        x = x + (s - t) * (f * x - g2 * score)
        if s:
            x = x + math.sqrt(g2 * (t - s)) * x.new_empty(x.shape).normal_()
        yield s, x
