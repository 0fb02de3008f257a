"""Continuous flows: a map to normal values that is the solution of an equation.

A point moves from the data (t = 0) to noise (t = 1) with a velocity ``v(x, t)`` that a
network says. No layer has to be inverted: back is the same way with time reversed. The
log-determinant becomes an integral of the velocity's divergence, which is exact at the
price of one derivative a dimension, or an estimate at the price of one.
Built in chapter 09_continuous_flows.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from . import solvers
from ._arguments import integer, nonnegative, shape_of
from .conditions import Labels
from .core import GenerativeModel
from .flows import Bijection, Chain, normal_log_prob, silent
from .nets import mlp
from .solvers import Step

__all__ = [
    "ContinuousFlow",
    "ConvField",
    "Field",
    "continuous_flow",
    "divergence",
    "hutchinson",
    "normal",
    "signs",
    "solve_by_adjoint",
]


class Field(nn.Module):
    """A velocity of points by a fully connected network, which is told the time.

    Args:
        d: number of values of a point.
        width: of the hidden layers.
        depth: how many of them.
        classes: number of labels, or 0.
    """

    def __init__(self, d: int, *, width: int = 64, depth: int = 2, classes: int = 0):
        super().__init__()
        hidden = [integer("width", width)] * integer("depth", depth)
        self.classes = classes
        into = integer("d", d) + 1 + classes
        self.net = mlp(into, *hidden, d, activation=nn.Tanh)

    def forward(
        self, x: Float[Tensor, "b d"], t: float, c: Int[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b d"]:
        return self.net(torch.cat([x, _told(x, t, c, self.classes)], 1))


class ConvField(nn.Module):
    """A velocity of images by convolutions, each of which is told the time.

    The time is one more channel, all of one value, as in Grathwohl et al. (2019),
    appendix B.1. Each square of ``side`` × ``side`` pixels is moved into the channels
    first. Numbers of its own for each place are added to the first hidden layer: for
    pictures whose places differ. The velocity is smooth, and 0 at first.

    Args:
        event_shape: ``(channels, height, width)``.
        width: channels of the hidden layers.
        depth: how many of them.
        side: of the squares, a divisor of height and width.
        classes: number of labels, or 0; a label is told as the time is.

    Raises:
        ValueError, TypeError: a size is no positive integer, or ``side`` no divisor.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        *,
        width: int = 64,
        depth: int = 3,
        side: int = 2,
        classes: int = 0,
    ):
        super().__init__()
        channels, *sides = shape_of("event_shape", event_shape)
        self.side, self.classes = integer("side", side), classes
        if len(sides) != 2 or any(s % side for s in sides):
            raise ValueError(
                f"event_shape is {tuple(event_shape)}; expected (channels, height, "
                f"width), the last two multiples of side, {side}"
            )
        values, width = channels * side**2, integer("width", width)
        sizes = [values] + [width] * integer("depth", depth) + [values]
        self.layers = nn.ModuleList(
            nn.Conv2d(into + 1 + classes, out, 3, padding=1)
            for into, out in itertools.pairwise(sizes)
        )
        self.place = nn.Parameter(torch.zeros(width, *(s // side for s in sides)))
        silent(self.layers[-1])

    def forward(
        self, x: Float[Tensor, "b i h w"], t: float, c: Int[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b i h w"]:
        h = F.pixel_unshuffle(x, self.side)
        told = _told(x, t, c, self.classes)
        planes = told[..., None, None].expand(-1, -1, *h.shape[2:])
        for i, layer in enumerate(self.layers):
            if i:
                h = F.softplus(h + self.place if i == 1 else h)
            h = layer(torch.cat([h, planes], 1))
        return F.pixel_shuffle(h, self.side)


def _told(x: Tensor, t: float, c: Tensor | None, classes: int) -> Float[Tensor, "b k"]:
    """What a velocity is told of each example: the time, and the label as one-hot."""
    time = x.new_full((len(x), 1), t)
    if not classes or c is None:
        return time
    return torch.cat([time, F.one_hot(c, classes).to(x.dtype)], 1)


def divergence(
    v: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."]
) -> Float[Tensor, " b"]:
    """The trace of ``dv/dx`` of each example, exactly: ``d`` derivatives.

    ``v`` was computed from ``x``, which requires a gradient, and each example of it
    from the same one of ``x``. Chen et al. (2018), eq. 8.
    """
    d = v[0].numel()
    each = torch.eye(d, dtype=v.dtype, device=v.device).view(d, 1, *v.shape[1:])
    (rows,) = torch.autograd.grad(
        v, x, each.expand(d, *v.shape), create_graph=True, is_grads_batched=True
    )  # (d, b, ...)
    return (rows * each).flatten(2).sum((0, 2))


def hutchinson(
    v: Float[Tensor, "b ..."], x: Float[Tensor, "b ..."], eps: Float[Tensor, "b ..."]
) -> Float[Tensor, " b"]:
    """``epsᵀ (dv/dx) eps``, whose mean is the trace; one derivative.

    So it is for any noise with independent values of mean 0 and variance 1.
    Hutchinson (1989); Grathwohl et al. (2019), eq. 7.
    """
    return _dot(_pulled(v, x, eps), eps)


def _pulled(v: Tensor, x: Tensor, eps: Tensor) -> Tensor:
    """``epsᵀ dv/dx``: a row in the shape of ``x`` for each example."""
    (row,) = torch.autograd.grad(v, x, eps, create_graph=True)
    return row


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """The inner product of each example."""
    return (a * b).flatten(1).sum(1)


def normal(x: Tensor) -> Tensor:
    """Standard normal noise in the shape of ``x``."""
    return torch.randn_like(x)


def signs(x: Tensor) -> Tensor:
    """-1 or 1, each as often, in the shape of ``x``: the least variance there is.

    The estimate by `hutchinson` has no variance then from the diagonal.
    """
    return torch.randint_like(x, 2) * 2 - 1


class ContinuousFlow(GenerativeModel):
    """A density by the change of variables of an equation, ``dx/dt = v(x, t)``.

    ``log p(x(0)) = log N(x(1); 0, I) + ∫ tr(dv/dx) dt``, along the path of ``x``.
    `log_prob` has the trace exactly; both it and the path are as exact as the solver,
    whose error falls with ``steps``. With ``probe`` the loss has an estimate in place
    of the trace: unbiased, with one noise for the whole path of an example.

    Args:
        field: ``field(x, t, c)`` gives the velocity, in the shape of ``x``.
        event_shape: of an example.
        steps: of the solver, from data to noise.
        step: a step of `gmcourse.solvers`.
        loss_steps: steps in the loss, where fewer will do; None: as many.
        probe: noise for `hutchinson`, `normal` or `signs`; None: exact traces.
        kinetic: weight in the loss of ``∫ |v|² dt``; straight paths have least of it.
        jacobian: weight in the loss of ``∫ |epsᵀ dv/dx|² dt``, which needs ``probe``.
        before: a map that data go through first, as `gmcourse.glow.Logit`; or None.
        condition: a label, or None.

    Raises:
        ValueError, TypeError: a size is no positive integer, a weight negative, or
            ``jacobian`` given without a ``probe``.

    Chen et al. (2018), eq. 8; Grathwohl et al. (2019), eqs. 4 to 8; the two weights:
    Finlay et al. (2020), eqs. 10 and 11. Built in chapter 09_continuous_flows.

    Example:
        >>> flow = continuous_flow(2, steps=4)
        >>> flow.log_prob(torch.zeros(3, 2)).shape
        torch.Size([3])
    """

    exact = True

    def __init__(
        self,
        field: nn.Module,
        event_shape: tuple[int, ...],
        *,
        steps: int = 16,
        step: Step = solvers.rk4,
        loss_steps: int | None = None,
        probe: Callable[[Tensor], Tensor] | None = None,
        kinetic: float = 0.0,
        jacobian: float = 0.0,
        before: Bijection | None = None,
        condition: Labels | None = None,
    ):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        self.field, self.condition, self.probe = field, condition, probe
        self.before = Chain() if before is None else before
        self.how: dict[str, Any] = {"steps": integer("steps", steps), "step": step}
        self.in_loss = (
            {} if loss_steps is None else {"steps": integer("loss_steps", loss_steps)}
        )
        self.kinetic = nonnegative("kinetic", kinetic)
        self.jacobian = nonnegative("jacobian", jacobian)
        if self.jacobian and probe is None:
            raise ValueError("jacobian is a weight of an estimate: give a probe, too")

    def to_latent(self, x, c=None):
        """``z = x(1)``, and ``log |det dz/dx|``: the integral of the trace."""
        self.check(x, c)
        z, log_det = self._carried(x, c, None)[:2]
        return z, log_det

    def from_latent(self, z, c=None):
        """The same way back: ``x(0)`` of ``x(1) = z``."""
        self.check(z, c)
        return self._back(z, c)

    def log_prob(self, x, c=None):
        """In nats; normalized, up to the error of the solver."""
        z, log_det = self.to_latent(x, c)
        return normal_log_prob(z) + log_det

    def estimate(self, x, c=None):
        """An unbiased estimate of `log_prob` by one noise, ``probe`` or `signs`."""
        self.check(x, c)
        z, log_det = self._carried(x, c, (self.probe or signs)(x))[:2]
        return normal_log_prob(z) + log_det

    def loss(self, x, c=None):
        self.check(x, c)
        eps = None if self.probe is None else self.probe(x)
        z, log_det, energy, bend = self._carried(x, c, eps, **self.in_loss)
        more = self.kinetic * energy + self.jacobian * bend
        return (more - normal_log_prob(z) - log_det).mean()

    def trajectory(self, z, c=None) -> Iterator[tuple[float, Tensor]]:
        """From noise to data: the times, from 1 to 0, and the points."""
        for t, (x,) in solvers.path(
            self._velocity(c), (z,), start=1.0, end=0.0, **self.how
        ):
            yield t, self.before.from_latent(x, c)

    def draw(self, n, c=None, *, temperature: float = 1.0):
        """``temperature`` is the standard deviation of ``z``; 1 is the model's own."""
        return self._back(temperature * self.noise(n, *self.event_shape), c)

    def _velocity(self, c: Tensor | None) -> Callable[..., tuple[Tensor]]:
        return lambda t, x: (self.field(x, t, c),)

    def _back(self, z: Tensor, c: Tensor | None) -> Tensor:
        (x,) = solvers.solve(self._velocity(c), (z,), start=1.0, end=0.0, **self.how)
        return self.before.from_latent(x, c)

    def _carried(
        self, x: Tensor, c: Tensor | None, eps: Tensor | None, **how: Any
    ) -> Any:
        """``z``, and the integrals of the trace and of the two penalties."""

        def rates(t: float, x: Tensor, *sums: Tensor) -> tuple[Tensor, ...]:
            with torch.enable_grad():
                x = x if x.requires_grad else x.detach().requires_grad_()
                v = self.field(x, t, c)
                if eps is None:
                    trace, bend = divergence(v, x), v.new_zeros(len(v))
                else:
                    row = _pulled(v, x, eps)
                    trace, bend = _dot(row, eps), _dot(row, row)
                return v, trace, _dot(v, v), bend

        x, first = self.before.to_latent(x, c)
        zero = x.new_zeros(len(x))
        return solvers.solve(rates, (x, first, zero, zero), **self.how | how)


def continuous_flow(
    d: int,
    *,
    width: int = 64,
    depth: int = 2,
    condition: Labels | None = None,
    **how: Any,
) -> ContinuousFlow:
    """A flow of vectors ``(d,)`` whose velocity is a `Field`.

    Args:
        width: of the hidden layers.
        depth: how many of them.
        how: of `ContinuousFlow`.

    Raises:
        ValueError, TypeError: a size is no positive integer.
    """
    classes = condition.classes if condition else 0
    field = Field(d, width=width, depth=depth, classes=classes)
    return ContinuousFlow(field, (d,), condition=condition, **how)


def solve_by_adjoint(
    f: solvers.Rate,
    state: solvers.State,
    weights: tuple[Tensor, ...],
    *,
    start: float = 0.0,
    end: float = 1.0,
    steps: int = 16,
    step: Step = solvers.rk4,
) -> solvers.State:
    """As `solvers.solve`; its gradient is a second equation, solved backward.

    Nothing of the way is kept, so that memory does not grow with the steps. The
    gradient is that of the equation, not of the steps taken: the two differ by the
    error of the solver. Chen et al. (2018), appendix B; Pontryagin et al. (1962).

    Args:
        weights: all that ``f`` depends on besides ``t`` and the state, and that
            gradients are asked of.
    """
    how = {"start": start, "end": end, "steps": steps, "step": step}
    return _Adjoint.apply(f, how, len(state), *state, *weights)  # type: ignore


class _Adjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, f: Any, how: dict, n: int, *inputs: Tensor) -> Any:
        with torch.no_grad():
            out = solvers.solve(f, inputs[:n], **how)
        ctx.f, ctx.how, ctx.n = f, how, n
        ctx.save_for_backward(*out, *inputs[n:])
        return out

    @staticmethod
    def backward(ctx: Any, *due: Tensor) -> Any:
        out, weights = ctx.saved_tensors[: ctx.n], ctx.saved_tensors[ctx.n :]
        n = ctx.n

        def rates(t: float, *both: Tensor) -> tuple[Tensor, ...]:
            with torch.enable_grad():
                state = [v.detach().requires_grad_() for v in both[:n]]
                rate = ctx.f(t, *state)
                moved = torch.autograd.grad(
                    rate, (*state, *weights), both[n : 2 * n], allow_unused=True
                )
            like = (*state, *weights)
            back = (
                torch.zeros_like(v) if g is None else -g for g, v in zip(moved, like)
            )
            return (*(v.detach() for v in rate), *back)

        zeros = tuple(torch.zeros_like(w) for w in weights)
        turned = ctx.how | {"start": ctx.how["end"], "end": ctx.how["start"]}
        with torch.no_grad():
            found = solvers.solve(rates, (*out, *due, *zeros), **turned)
        return None, None, None, *found[n:]
