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
    with the noise of time ``start`` to where samplers begin: a net need not be able to
    speak of pure noise. There ``x / sigma`` is taken for standard normal, as by the
    samplers. `log_prob` is that of data with the noise of the beginning, as exact as
    net and solver are. Song et al. (2021), eq. 13 and section 4.3.

    Args:
        model: a trained one; its weights are not copied.
        start: where the equation begins; the velocity at 0 may not exist.
        how: of `gmcourse.continuous.ContinuousFlow`.
    """
    field = _Velocity(model, start)
    return ContinuousFlow(
        field,
        model.event_shape,
        before=_Shifted(model.center, model.spread * field.size),
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
    """Of ``x / size``, with the size of the noise at the end, which is then 1."""

    def __init__(self, model: Diffusion, start: float):
        super().__init__()
        self.model, self.start = model, start
        end = evenly(model.path, 1)[0]
        self.span, self.size = end - start, model.path.at(end)[1]

    def forward(self, x: Tensor, t: float, c: Any = None) -> Tensor:
        path, t, x = self.model.path, self.start + self.span * t, self.size * x
        alpha, sigma = path.at(t)
        a_rate, s_rate = path.rates_at(t)
        data = self.model.denoise(x, x.new_full((len(x),), t), c)
        eps = (x - alpha * data) / sigma
        return self.span / self.size * (a_rate * data + s_rate * eps)
