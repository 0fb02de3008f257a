"""Diffusion: a net that says the data of a noisy example, and samplers that ask it.

One path, one net, many samplers. The loss is a mean squared error in whichever
coordinate the net speaks; the bound on the likelihood is the same error with weights.
"""

import itertools
import math
from collections import deque
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from . import coordinates, samplers
from ._arguments import integer, positive, probability, shape_of, within_unit
from .conditions import Condition
from .coordinates import Coordinate
from .core import GenerativeModel
from .denoisers import Denoise, Weight, guide
from .paths import Cosine, Path, over

__all__ = ["Diffusion", "lognormal", "uniform"]


def uniform(path: Path, u: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """Times of training, each as often; a thousandth at both ends is left out."""
    return 1e-3 + (1 - 2e-3) * u


def lognormal(mean: float = -1.2, std: float = 1.2) -> Callable[[Path, Tensor], Tensor]:
    """Times at which the logarithm of ``sigma / alpha`` is normal.

    Karras et al. (2022), table 1. The times of training, as `uniform`.
    """
    std = positive("std", std)

    def times(path: Path, u: Tensor) -> Tensor:
        return path.time((mean + std * torch.special.ndtri(uniform(path, u))).exp())

    return times


class Diffusion(GenerativeModel):
    """Data by removing noise, step by step, with a net that was taught to see it.

    Inside, data are ``(x - center) / spread``. The loss is the mean over examples and
    values of the squared error of what the net says; its unit is that of the coordinate
    it is taken in, and no likelihood's.

    Args:
        net: ``net(x_t, t, c)`` with ``t`` of shape ``(b,)``, in the shape of ``x``.
        event_shape: of an example.
        path: from data to noise.
        predict: the coordinate in which the net speaks, of `gmcourse.coordinates`.
        loss_in: the coordinate of the loss; None: as the net speaks.
        times: from numbers in [0, 1], each as often, to the times of training.
        center: subtracted from data.
        spread: data are divided by it: their standard deviation.
        limits: of the data; estimates beyond are clipped in sampling. None: none are.
        condition: a label or an array, or None.
        drop: share of examples that are told nothing in training, where the condition
            may be left out.
        sampler: of `gmcourse.samplers`.
        grid: from the path and the number of steps to the times of sampling.
        steps: as many, where ``sample`` is told nothing else.

    Ho et al. (2020); Karras et al. (2022). Built in chapter 10_diffusion.
    """

    def __init__(
        self,
        net: nn.Module,
        event_shape: tuple[int, ...],
        *,
        path: Path | None = None,
        predict: Coordinate = coordinates.noise,
        loss_in: Coordinate | None = None,
        times: Callable[[Path, Tensor], Tensor] = uniform,
        center: float = 0.0,
        spread: float = 1.0,
        limits: tuple[float, float] | None = None,
        condition: Condition | None = None,
        drop: float = 0.1,
        sampler: Callable[..., samplers.States] = samplers.ddim,
        grid: Callable[[Path, int], list[float]] = samplers.evenly,
        steps: int = 25,
    ):
        super().__init__()
        self.net, self.event_shape = net, shape_of("event_shape", event_shape)
        self.path = Cosine() if path is None else path
        self.predict, self.loss_in, self.times = predict, loss_in or predict, times
        self.center, self.spread = float(center), positive("spread", spread)
        self.limits, self.condition = limits, condition
        self.drop = probability("drop", drop)
        self.sampler, self.grid, self.steps = sampler, grid, integer("steps", steps)

    def denoise(
        self, x_t: Float[Tensor, "b ..."], t: Float[Tensor, " b"], c: Any = None
    ) -> Float[Tensor, "b ..."]:
        """The estimate of the data, in the inner units, as ``x_t`` is."""
        skip, out, scale = (over(k, x_t) for k in self.predict(self.path, t))
        return skip * x_t + out * self._say(scale * x_t, t, c)

    def _say(self, x_t: Tensor, t: Tensor, c: Any) -> Tensor:
        """What the net says; it is told the null condition where nothing is given."""
        if c is None and self.condition is not None:
            c = self.condition.null(len(x_t), x_t)
        return self.net(x_t, t, c)

    def loss(self, x, c=None):
        self.check(x, c)
        x, c = self.inner(x), self._taught(c)
        t = self.times(self.path, torch.rand(len(x), device=x.device, dtype=x.dtype))
        error = self._error(x, t, c)
        if self.loss_in is not self.predict:
            mine, asked = (k(self.path, t)[1] for k in (self.predict, self.loss_in))
            error = error * (mine / asked) ** 2
        return error.mean()

    def _error(self, x: Tensor, t: Tensor, c: Any) -> Float[Tensor, " b"]:
        """The mean squared error of an example in the coordinate of the net."""
        eps = torch.randn_like(x)
        x_t = self.path.noised(x, t, eps)
        skip, out, scale = (over(k, x) for k in self.predict(self.path, t))
        target = (x - skip * x_t) / out
        return (self._say(scale * x_t, t, c) - target).square().flatten(1).mean(1)

    def elbo(
        self,
        x,
        c=None,
        *,
        steps: int = 1000,
        ratios: tuple[float, float] = (1e-3, 80.0),
        levels: int | None = None,
    ):
        """An unbiased estimate of a lower bound on ``log p(x)``, in nats, ``(b,)``.

        The bound of a chain of ``steps`` along which ``log(sigma / alpha)`` grows
        evenly; one step is drawn for each example. Ho et al. (2020), eq. 5; Kingma et
        al. (2021), eqs. 11 to 14.

        Args:
            ratios: ``sigma / alpha`` at the first and at the last step.
            levels: the values are 0 to ``levels - 1`` over ``levels - 1``, and the
                bound is that of their probability; None: of a density.

        Raises:
            ValueError: ``ratios`` do not grow, or values are none of those levels.
        """
        self.check(x, c)
        if not ratios[0] < ratios[1]:
            raise ValueError(f"ratios are {ratios}; expected the smaller one first")
        told = None if levels is None else _level(x, levels)
        d, x = x[0].numel(), self.inner(x)
        first, last = (math.log(positive("ratios", ratio)) for ratio in ratios)
        step = (last - first) / (integer("steps", steps, 2) - 1)
        k = torch.randint(1, steps, (len(x),), device=x.device)
        ratio = (first + step * k.to(x.dtype)).exp()
        t = self.path.time(ratio)
        out = self.predict(self.path, t)[1]
        error = d * (out / ratio) ** 2 * self._error(x, t, c)  # of the noise, summed
        way = (steps - 1) / 2 * math.expm1(2 * step) * error
        end = (x / ratios[1]).square().flatten(1).sum(1) / 2
        std = ratios[0] * self.spread  # of the noise on the data, in their units
        if levels is None or told is None:
            seen = -d / 2 * math.log(2 * math.pi * math.e * std**2)
        else:
            seen = _seen(told, levels, std, x)
        return seen - way - end

    def denoiser(self, c: Any = None, *, guidance: Weight = 1.0) -> Denoise:
        """``denoise(x_t, t)`` for samplers, at one time for all and in inner units.

        Args:
            guidance: the weight of `denoisers.guide`: 1 is the model itself.

        Raises:
            ValueError: guidance other than 1 without a condition to leave out.
        """

        def told(x: Tensor, t: float, c: Any = c) -> Tensor:
            return self.denoise(x, x.new_full((len(x),), t), c)

        if guidance == 1:
            return self._clipped(told)
        if c is None or self.condition is None or self.condition.required:
            raise ValueError(
                f"guidance is {guidance}, which needs a condition that may be left "
                "out, and one to be guided by: pass c"
            )
        untold = lambda x, t: told(x, t, None)  # noqa: E731
        return self._clipped(guide(told, untold, guidance))

    def _clipped(self, denoise: Denoise) -> Denoise:
        """Within the limits of data; after guidance, which leads beyond them."""
        if self.limits is None:
            return denoise
        low, high = ((limit - self.center) / self.spread for limit in self.limits)
        return lambda x, t: denoise(x, t).clamp(low, high)

    def trajectory(
        self,
        n: int,
        c: Any = None,
        *,
        steps: int | None = None,
        sampler: Callable[..., samplers.States] | None = None,
        grid: Callable[[Path, int], list[float]] | None = None,
        guidance: Weight = 1.0,
        steer: Callable[[Denoise], Denoise] | None = None,
        start: tuple[Tensor, float] | None = None,
    ) -> samplers.States:
        """From noise to data: the times, and ``x_t`` in the data's units.

        Args:
            steer: what is done to `denoiser`, in inner units, such as a function of
                `gmcourse.steering` that has been told the rest.
            start: examples, and how far the way back begins from them, in (0, 1]: they
                take the place of the data in the first noisy ones. Meng et al. (2022),
                algorithm 1. None: from noise alone.

        Raises:
            ValueError: ``c`` or ``start`` does not fit, or as `denoiser`.
        """
        self.check_condition(c, n)
        times = (grid or self.grid)(self.path, self.steps if steps is None else steps)
        eps = self.noise(n, *self.event_shape)
        if start is None:
            x = self.path.at(times[0])[1] * eps
        else:
            x, times = self._on_the_way(*start, times, eps)
        denoise = self.denoiser(c, guidance=guidance)
        denoise = denoise if steer is None else steer(denoise)
        first = [(times[0], x)]
        states = (sampler or self.sampler)(denoise, self.path, x, times)
        for t, x in itertools.chain(first, states):
            yield t, self.center + self.spread * x

    def draw(self, n, c=None, **how):
        """``how`` is that of `trajectory`."""
        states = self.trajectory(n, c, **how)
        return deque(states, maxlen=1)[0][1]

    def _on_the_way(
        self, x: Tensor, share: float, times: list[float], eps: Tensor
    ) -> tuple[Tensor, list[float]]:
        """Noisy versions of ``x``, and the last ``share`` of the times."""
        self.check_x(x)
        if len(x) != len(eps) or not 0 < share <= 1:
            raise ValueError(
                f"start is {len(x)} examples and {share}; expected {len(eps)}, and a "
                "share of the way in (0, 1]"
            )
        left = max(1, round(share * (len(times) - 1)))
        alpha, sigma = self.path.at(times[-1 - left])
        return alpha * self.inner(x) + sigma * eps, times[-1 - left :]

    def inner(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        """Data in the units in which noise is added, ``(x - center) / spread``."""
        return (x - self.center) / self.spread

    def _taught(self, c: Any) -> Any:
        """``c``, some of it dropped where it may be left out."""
        if c is None or self.condition is None or self.condition.required:
            return c
        return self.condition.drop(c, self.drop)


def _level(x: Tensor, levels: int) -> Tensor:
    """Which of ``levels`` values from 0 to 1 each value is; ValueError where none."""
    within_unit(x)
    top = integer("levels", levels, 2) - 1
    k = (x * top).round()
    if x.device.type == "cpu" and (x * top - k).abs().max() > 1e-2:
        raise ValueError(f"x holds values between the {levels} levels of [0, 1]")
    return k.long()


def _seen(k: Tensor, levels: int, std: float, like: Tensor) -> Float[Tensor, " b"]:
    """Log-probability of levels that are seen through noise of that deviation."""
    values = torch.arange(levels, device=like.device, dtype=like.dtype) / (levels - 1)
    seen = values[k] + std * torch.randn_like(like)
    logits = -((seen[..., None] - values) ** 2) / (2 * std**2)
    return logits.log_softmax(-1).gather(-1, k[..., None]).flatten(1).sum(1)
