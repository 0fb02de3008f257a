"""MeanFlow: a net that says the average velocity between two times, for one step.

On the straight path, ``x_t = (1 - t) x + t eps``, the velocity of the probability flow
is the mean of ``v = eps - x`` given ``x_t``, and t = 1 is noise, as in the paper. Flow
matching learns the velocity at a time; its average over an interval leads from one end
to the other at once: ``x_s = x_t - (t - s) u(x_t, s, t)``. Geng et al. (2025).
"""

import itertools
from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from . import coordinates
from ._arguments import integer, nonnegative, positive, probability
from .conditions import Condition
from .core import GenerativeModel
from .diffusion import Diffusion, lognormal
from .paths import Path, Straight, over

__all__ = ["AtOneTime", "MeanFlow"]


class AtOneTime(nn.Module):
    """The net of flow matching in a net of average velocities, whose two times are one.

    Args:
        net: as of `MeanFlow`.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(
        self, x_t: Float[Tensor, "b ..."], t: Float[Tensor, " b"], c: Any = None
    ) -> Float[Tensor, "b ..."]:
        return self.net(x_t, torch.stack([t, torch.zeros_like(t)], 1), c)


class MeanFlow(GenerativeModel):
    """Data from noise in one step, or a few, by the average velocity.

    Where the two times are one, the average is the velocity itself, and this is flow
    matching: ``flow``, a `Diffusion` of the same net, has its bound and its
    ``trajectory`` with samplers and guidance.

    The loss is the mean, over examples, of the mean squared error to the other side of
    the MeanFlow identity, `identity`, each over a power of itself. The target holds the
    net, though no gradient: `surrogate`. Geng et al. (2025), eqs. 6 to 11.

    Args:
        net: ``net(x_t, times, c)``, where ``times`` is ``(b, 2)``, the time t and the
            length ``t - s``: a net of this library with ``times=2``.
        event_shape: of an example.
        apart: share of the examples of training whose times differ; the others teach
            the velocity. 0.25 was best in table 1a.
        power: of the weight ``1 / (error + 1e-3)^power`` of an example, whose error is
            its mean over values (a sum in section 4.3, where 1 was best for images). At
            0, plain squares, the net that says the average is where the loss is still;
            above, examples that lie apart count less, and it need not be.
        guidance: the weight of a condition in the velocity that is taught, as in
            `denoisers.guide`: 1 is the conditional model itself. Draws need no second
            evaluation then. Section 4.2.
        times: as of `Diffusion`; of two that are drawn, t is the larger. By default the
            logarithm of ``t / (1 - t)`` is normal, the best of table 1d.
        center, spread, limits, condition, drop: as of `Diffusion`; ``limits`` also clip
            what ``sample`` draws.

    Raises:
        ValueError: a number is out of range, or there is guidance, and no condition
            that may be left out.
    """

    surrogate = True

    def __init__(
        self,
        net: nn.Module,
        event_shape: tuple[int, ...],
        *,
        apart: float = 0.25,
        power: float = 0.0,
        guidance: float = 1.0,
        times: Callable[[Path, Tensor], Tensor] | None = None,
        center: float = 0.0,
        spread: float = 1.0,
        limits: tuple[float, float] | None = None,
        condition: Condition | None = None,
        drop: float = 0.1,
    ):
        super().__init__()
        self.flow = Diffusion(
            AtOneTime(net),
            event_shape,
            path=Straight(),
            predict=coordinates.velocity,
            times=lognormal(-0.4, 1.0) if times is None else times,
            center=center,
            spread=spread,
            limits=limits,
            condition=condition,
            drop=drop,
        )
        self.event_shape, self.condition = self.flow.event_shape, condition
        self.apart, self.power = (
            probability("apart", apart),
            nonnegative("power", power),
        )
        self.guidance = positive("guidance", guidance)
        if guidance != 1 and (self.condition is None or self.condition.required):
            raise ValueError(
                f"guidance is {guidance}, which needs a condition that may be left out"
            )

    def average(
        self,
        x_t: Float[Tensor, "b ..."],
        s: Float[Tensor, " b"],
        t: Float[Tensor, " b"],
        c: Any = None,
    ) -> Float[Tensor, "b ..."]:
        """The average velocity from s to t on the way through ``x_t``, inner units.

        ``1 / (t - s) ∫ v(x_r, r) dr`` over r from s to t, eq. 3, as the net says it.
        """
        if c is None and self.condition is not None:
            c = self.condition.null(len(x_t), x_t)
        return self.flow.net.net(x_t, torch.stack([t, t - s], 1), c)

    def identity(
        self,
        x_t: Float[Tensor, "b ..."],
        v: Float[Tensor, "b ..."],
        s: Float[Tensor, " b"],
        t: Float[Tensor, " b"],
        c: Any = None,
    ) -> tuple[Float[Tensor, "b ..."], Float[Tensor, "b ..."]]:
        """Both sides of ``u = v - (t - s) du/dt``: the average, and what it should be.

        ``du/dt`` is the total derivative, where ``x_t`` moves by v and s stays, in one
        pass of forward mode. No gradient goes through the second. Eqs. 6 and 8.
        """
        tangents = (v, torch.zeros_like(s), torch.ones_like(t))
        # Other kernels of attention have no forward mode.
        with sdpa_kernel(SDPBackend.MATH):
            both = torch.func.jvp(
                lambda x_t, s, t: self.average(x_t, s, t, c), (x_t, s, t), tangents
            )
        u, rate = both[0], both[1]
        return u, (v - over(t - s, v) * rate).detach()

    def loss(self, x, c=None):
        self.check(x, c)
        x, c = self.flow.inner(x), self.flow._taught(c)
        s, t = self._interval(x)
        eps = torch.randn_like(x)
        x_t = self.flow.path.noised(x, t, eps)
        u, due = self.identity(x_t, self._guided(eps - x, x_t, t), s, t, c)
        error = (u - due).square().flatten(1).mean(1)
        return (error / (error.detach() + 1e-3) ** self.power).mean()

    def _interval(self, x: Tensor) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
        """Two times of training of each example; the same ones, but for a share."""
        uniform = torch.rand(3, len(x), device=x.device, dtype=x.dtype)
        first, second = (self.flow.times(self.flow.path, u) for u in uniform[:2])
        t = torch.maximum(first, second)
        return torch.where(uniform[2] < self.apart, torch.minimum(first, second), t), t

    @torch.no_grad()
    def _guided(self, v: Tensor, x_t: Tensor, t: Tensor) -> Tensor:
        """``w v + (1 - w) v(x_t)``, the latter as the net says it without a condition.

        Also for those that are told nothing, whose mean it leaves where it is.
        """
        if self.guidance == 1:
            return v
        return self.guidance * v + (1 - self.guidance) * self.average(x_t, t, t)

    def draw(self, n, c=None, *, steps: int = 1):
        """From noise to data in ``steps`` of equal length, eq. 12."""
        x, steps = self.noise(n, *self.event_shape), integer("steps", steps)
        ends = [1 - i / steps for i in range(steps)] + [0.0]
        for t, s in itertools.pairwise(ends):
            u = self.average(x, x.new_full((n,), s), x.new_full((n,), t), c)
            x = x - (t - s) * u
        x = self.flow.center + self.flow.spread * x
        return x if self.flow.limits is None else x.clamp(*self.flow.limits)
