"""A diffusion as a continuous flow: the same densities by an equation without noise."""

import math
from typing import Any

from torch import Tensor, nn

from .continuous import ContinuousFlow
from .diffusion import Diffusion
from .flows import Bijection
from .samplers import evenly

__all__ = ["probability_flow"]


def probability_flow(
    model: Diffusion, *, start: float = 1e-3, **how: Any
) -> ContinuousFlow:
    """The flow whose density at each time is that of the noisy data.

    ``dx/dt = alpha' x + sigma' eps`` with the mean of both given ``x_t``, from data
    with the noise of time ``start`` to nearly pure noise. `log_prob` is that of such
    data, as exact as net and solver are. For a path whose ``sigma`` ends at 1. Song et
    al. (2021), eq. 13 and section 4.3.

    Args:
        model: a trained one; its weights are not copied.
        start: where the equation begins; the velocity at 0 may not exist.
        how: of `gmcourse.continuous.ContinuousFlow`.

    Raises:
        ValueError: the noise at the end of the path has another size than 1.
    """
    sigma = model.path.at(1.0)[1]
    if abs(sigma - 1) > 1e-2:
        raise ValueError(f"sigma ends at {sigma:.4g}; expected a path that ends at 1")
    return ContinuousFlow(
        _Velocity(model, start),
        model.event_shape,
        before=_Shifted(model.center, model.spread),
        condition=model.condition,  # type: ignore[arg-type]
        **how,
    )


class _Shifted(Bijection):
    """``(x - center) / spread``."""

    def __init__(self, center: float, spread: float):
        super().__init__()
        self.center, self.spread = center, spread

    def to_latent(self, x, c=None):
        log_det = -x[0].numel() * math.log(self.spread)
        return (x - self.center) / self.spread, x.new_full((len(x),), log_det)

    def from_latent(self, z, c=None):
        return self.center + self.spread * z


class _Velocity(nn.Module):
    """The velocity ``alpha' x + sigma' eps`` of a diffusion, for times within its own.

    It ends where samplers begin: a net need not be able to speak of pure noise.
    """

    def __init__(self, model: Diffusion, start: float):
        super().__init__()
        self.model, self.start = model, start
        self.span = evenly(model.path, 1)[0] - start

    def forward(self, x: Tensor, t: float, c: Any = None) -> Tensor:
        path, t = self.model.path, self.start + self.span * t
        alpha, sigma = path.at(t)
        a_rate, s_rate = path.rates_at(t)
        c = self.model._null(x) if c is None else c
        data = self.model.denoise(x, x.new_full((len(x),), t), c)
        eps = (x - alpha * data) / sigma
        return self.span * (a_rate * data + s_rate * eps)
