"""Paths from data to noise: ``x_t = alpha(t) x + sigma(t) eps``.

Time runs from 0, data, to 1, noise. How fast the noise comes is all that makes one
path another: in ``sigma / alpha``, two are the same up to the size of ``x_t``.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from ._arguments import finite, integer, on_cpu, positive

__all__ = [
    "Cosine",
    "Exploding",
    "LinearBeta",
    "Path",
    "Straight",
    "Table",
    "over",
]


def over(t: Float[Tensor, " b"], x: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
    """A number of each example in a shape that multiplies ``x``."""
    return t.view(-1, *[1] * (x.ndim - 1))


class Path:
    """``x_t = alpha(t) x + sigma(t) eps``, for t from 0 to 1; abstract.

    ``sigma / alpha`` grows with time from 0 on. All that a path is asked for takes
    tensors of times of any shape and gives tensors of it.
    """

    def alpha(self, t: Tensor) -> Tensor:
        """What is left of the data."""
        raise NotImplementedError

    def sigma(self, t: Tensor) -> Tensor:
        """The standard deviation of the noise."""
        raise NotImplementedError

    def time(self, ratio: Tensor) -> Tensor:
        """When ``sigma / alpha`` is that; the inverse of `ratio`."""
        raise NotImplementedError

    def ratio(self, t: Tensor) -> Tensor:
        """``sigma / alpha``: the noise that stands beside data of full size."""
        return self.sigma(t) / self.alpha(t)

    def log_snr(self, t: Tensor) -> Tensor:
        """``log(alpha² / sigma²)``, in nats: large where little noise is."""
        return 2 * (self.alpha(t).log() - self.sigma(t).log())

    def rates(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """The derivatives of alpha and of sigma by time."""
        both = torch.func.jvp(
            lambda t: (self.alpha(t), self.sigma(t)), (t,), (torch.ones_like(t),)
        )
        return both[1]

    def at(self, t: float) -> tuple[float, float]:
        """Alpha and sigma as Python's numbers, in double precision."""
        one = torch.tensor(t, dtype=torch.float64, device="cpu")
        return self.alpha(one).item(), self.sigma(one).item()

    def rates_at(self, t: float) -> tuple[float, float]:
        """`rates` as Python's numbers, in double precision."""
        a_rate, s_rate = self.rates(torch.tensor(t, dtype=torch.float64, device="cpu"))
        return a_rate.item(), s_rate.item()

    def when(self, ratio: float) -> float:
        """`time` as a Python number, in double precision."""
        one = torch.tensor(ratio, dtype=torch.float64, device="cpu")
        return self.time(one).item()

    def noised(
        self,
        x: Float[Tensor, "b ..."],
        t: Float[Tensor, " b"],
        eps: Float[Tensor, "b ..."],
    ) -> Float[Tensor, "b ..."]:
        """``x_t`` of each example at a time of its own."""
        return over(self.alpha(t), x) * x + over(self.sigma(t), x) * eps

    def posterior(
        self, x: Float[Tensor, "b ..."], x_t: Float[Tensor, "b ..."], s: float, t: float
    ) -> tuple[Float[Tensor, "b ..."], float]:
        """Mean and standard deviation of ``x_s`` given ``x_t`` and the data, s < t.

        For a path on which noise is added step by step. Ho et al. (2020), eqs. 6 and 7.
        """
        (a_s, s_s), (a_t, s_t) = self.at(s), self.at(t)
        kept = a_t / a_s
        added = s_t**2 - kept**2 * s_s**2  # the variance that comes from s to t
        mean = (kept * s_s**2 * x_t + a_s * added * x) / s_t**2
        return mean, s_s / s_t * math.sqrt(max(added, 0.0))


class Cosine(Path):
    """``alpha = cos(πt/2)``, ``sigma = sin(πt/2)``: the variance of 1 is kept.

    Nichol & Dhariwal (2021), eq. 17, without their offset. At t = 1 no data is left.
    Built in chapter 10_diffusion.
    """

    def alpha(self, t):
        return torch.sin(math.pi / 2 * (1 - t))  # a cosine, and 0 at 1 exactly

    def sigma(self, t):
        return torch.sin(math.pi / 2 * t)

    def time(self, ratio):
        return 2 / math.pi * torch.atan(ratio)


class LinearBeta(Path):
    """Noise that is added at a rate which grows straight from ``low`` to ``high``.

    ``alpha² = exp(-∫ beta)``, and the variance of 1 is kept: Song et al. (2021), eqs.
    32 and 33, the limit of the thousand steps of Ho et al. (2020).
    """

    def __init__(self, low: float = 0.1, high: float = 20.0):
        self.low, self.high = positive("low", low), positive("high", high)
        if not low < high:
            raise ValueError(f"low is {low} and high {high}; expected low < high")

    def _spent(self, t: Tensor) -> Tensor:
        return self.low * t + (self.high - self.low) * t**2 / 2

    def alpha(self, t):
        return torch.exp(-self._spent(t) / 2)

    def sigma(self, t):
        return torch.sqrt(-torch.expm1(-self._spent(t)))

    def time(self, ratio):
        slope, spent = self.high - self.low, torch.log1p(ratio**2)
        # The root of slope t²/2 + low t = spent, without a difference of near numbers.
        return 2 * spent / (self.low + torch.sqrt(self.low**2 + 2 * slope * spent))


class Straight(Path):
    """``alpha = 1 - t``, ``sigma = t``: from data to noise along a line.

    Lipman et al. (2023), eq. 22 with time reversed and no noise left on the data; Liu
    et al. (2023).
    """

    def alpha(self, t):
        return 1 - t

    def sigma(self, t):
        return t

    def time(self, ratio):
        return 1 / (1 + 1 / ratio)  # 1 where no data is left


class Exploding(Path):
    """The data stay, and noise grows: ``alpha = 1``, ``sigma = largest t^rho``.

    Karras et al. (2022), whose steps are even in ``sigma^(1/rho)``, table 1.
    """

    def __init__(self, largest: float = 80.0, rho: float = 7.0):
        self.largest, self.rho = positive("largest", largest), positive("rho", rho)

    def alpha(self, t):
        return torch.ones_like(t)

    def sigma(self, t):
        return self.largest * t**self.rho

    def time(self, ratio):
        return (ratio / self.largest) ** (1 / self.rho)


class Table(Path):
    """A path through given numbers, such as the steps of a published model.

    ``t = k / T`` has the ``k``-th of T values of ``alpha²``; between two of them the
    logarithm of ``sigma / alpha`` goes straight in ``log t``. The variance of 1 stays.

    Args:
        squares: ``alpha²`` after 1, 2, … steps; falling, within (0, 1).

    Raises:
        ValueError: the numbers do not fall, or leave (0, 1).
    """

    @on_cpu
    def __init__(self, squares: Float[Tensor, " T"]):
        squares = finite("squares", squares)
        falls = squares.ndim == 1 and len(squares) > 1 and (squares.diff() < 0).all()
        if not falls or not (squares[-1] > 0 and squares[0] < 1):
            raise ValueError("squares: expected two or more that fall, within (0, 1)")
        times = torch.arange(1, len(squares) + 1, dtype=torch.float64) / len(squares)
        self._x = times.log()
        self._y = 0.5 * (torch.log1p(-squares) - squares.log())

    @classmethod
    @on_cpu
    def linear(cls, steps: int = 1000, low: float = 1e-4, high: float = 0.02):
        """The variances of Ho et al. (2020), section 4, from ``low`` to ``high``."""
        betas = torch.linspace(low, high, integer("steps", steps), dtype=torch.float64)
        return cls((1 - betas).cumprod(0))

    def alpha(self, t):
        return torch.rsqrt(1 + self._ratio(t) ** 2)

    def sigma(self, t):
        ratio = self._ratio(t)
        return ratio * torch.rsqrt(1 + ratio**2)

    def time(self, ratio):
        return _through(self._y, self._x, ratio.log()).exp()

    def _ratio(self, t: Tensor) -> Tensor:
        return _through(self._x, self._y, t.log()).exp()


def _through(x: Tensor, y: Tensor, at: Tensor) -> Tensor:
    """A line through the points ``(x, y)``, and on beyond the first and the last."""
    x, y = x.to(at), y.to(at)
    i = torch.searchsorted(x, at.contiguous()).clamp(1, len(x) - 1)
    slope = (y[i] - y[i - 1]) / (x[i] - x[i - 1])
    return y[i - 1] + slope * (at - x[i - 1])
