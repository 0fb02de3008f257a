"""Drifting: a generator in one step, whose draws are moved to the data while it learns.

A field says where each draw should go: toward data that are near, away from other draws
that are near, and nowhere when the two are of one law. The net is taught to draw what
it drew, moved along the field. Deng et al. (2026).
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ._arguments import positive, shape_of
from .conditions import Labels
from .core import GenerativeModel, evaluating

__all__ = ["Drifting", "balanced_drift", "drift", "gaussian", "laplacian"]

Kernel = Callable[[Tensor, float], Tensor]
Field = Callable[..., Tensor]


def laplacian(distance: Tensor, tau: float) -> Tensor:
    """The logarithm of ``exp(-|x - y| / tau)``, from the distance.

    Deng et al. (2026), eq. 12. Its field is the gradient of no function in general:
    Franz et al. (2026).
    """
    return -distance / tau


def gaussian(distance: Tensor, tau: float) -> Tensor:
    """The logarithm of ``exp(-|x - y|² / (2 tau²))``, from the distance.

    With it the field is ``tau²`` times the difference of two scores, of the data and of
    the draws, each smoothed by this kernel: Turan & Ovsjanikov (2026).
    """
    return -(distance**2) / (2 * tau**2)


def drift(
    x: Float[Tensor, "b d"],
    data: Float[Tensor, "n d"],
    drawn: Float[Tensor, "m d"] | None = None,
    *,
    tau: float | Sequence[float],
    kernel: Kernel = laplacian,
) -> Float[Tensor, "b d"]:
    """Where ``x`` should go: the mean of near data less the mean of near draws.

    Two means, each weighted by the kernel and normalized by itself, so that what is
    left of ``(mean of data - x) - (mean of draws - x)`` is their difference. If the
    data and the draws change places, the field changes its sign; it is 0 where they
    are the same. Deng et al. (2026), eqs. 8 to 11.

    Args:
        drawn: None: ``x`` itself, where no row sees itself.
        tau: the reach of the kernel, in the unit of ``x``. The fields of several are
            summed.
        kernel: its logarithm, a function of the distance and ``tau``.

    Raises:
        ValueError: ``tau`` is not positive, there is none, or ``x`` is a single row
            that has no other to go away from.

    Example:
        >>> x, data = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
        >>> drift(x, data, torch.tensor([[0.0, 2.0]]), tau=1.0)
        tensor([[ 1., -2.]])
    """
    field, others = torch.zeros_like(x), x if drawn is None else drawn
    for to_data, to_drawn in _logits(x, data, drawn, tau, kernel):
        field = field + to_data.softmax(1) @ data - to_drawn.softmax(1) @ others
    return field


def balanced_drift(
    x: Float[Tensor, "b d"],
    data: Float[Tensor, "n d"],
    drawn: Float[Tensor, "m d"] | None = None,
    *,
    tau: float | Sequence[float],
    kernel: Kernel = laplacian,
) -> Float[Tensor, "b d"]:
    """`drift` with weights that are also normalized over ``x``, as published.

    Data and draws share one matrix of weights, the root of the product of a softmax
    over them and one over ``x``. A point that is near to many of ``x`` so pulls less at
    each. With ``w`` the weights of an ``x``, the field is the sum over all data ``y``
    and draws ``z`` of ``w(y) w(z) (y - z)``: it changes its sign as `drift` does. Deng
    et al. (2026), algorithm 2, whose arguments and errors are those of `drift`.
    """
    field, others = torch.zeros_like(x), x if drawn is None else drawn
    for pair in _logits(x, data, drawn, tau, kernel):
        logits = torch.cat(pair, 1)
        w = ((logits.log_softmax(1) + logits.log_softmax(0)) / 2).exp()
        plus, minus = w.split([len(data), len(others)], 1)
        field = field + (plus * minus.sum(1, keepdim=True)) @ data
        field = field - (minus * plus.sum(1, keepdim=True)) @ others
    return field


def _logits(
    x: Tensor,
    data: Tensor,
    drawn: Tensor | None,
    tau: float | Sequence[float],
    kernel: Kernel,
) -> Iterator[tuple[Tensor, Tensor]]:
    """For each tau the kernel's logarithm from ``x`` to the data and to the draws."""
    taus = tau if isinstance(tau, Sequence) else (tau,)
    if not taus or (drawn is None and len(x) < 2):
        raise ValueError(
            f"tau is {tau} and x has {len(x)} rows; expected one tau or more, and two "
            "rows or more where drawn is not given"
        )
    to_data = _distances(x, data)
    to_drawn = _distances(x, x if drawn is None else drawn)
    if drawn is None:
        own = torch.eye(len(x), dtype=torch.bool, device=x.device)
        to_drawn = to_drawn.masked_fill(own, float("inf"))
    for one in taus:
        one = positive("tau", one)
        yield kernel(to_data, one), kernel(to_drawn, one)


def _distances(x: Tensor, y: Tensor) -> Float[Tensor, "b n"]:
    # Not by |x|² - 2xy + |y|²: what is near would be lost in rounding.
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist")


class Drifting(GenerativeModel):
    """A generator that learns to draw what it drew, moved along a field.

    The loss is the mean over draws and values of the squared distance to where the
    field leads; no gradient goes through the field or its end. Its value is that of
    the squared field, and its gradient, at each draw, minus twice the field over the
    number of values: `surrogate`, since the field changes with the net. Deng et al.
    (2026), eq. 6 and algorithm 1.

    The draws of a batch are as many as the data. Those of a label are moved by the data
    and the draws of that label; one whose label comes once in a batch stays.

    Args:
        net: noise ``(b, *noise_shape)`` to examples, ``net(z)`` or ``net(z, c)``.
        event_shape: of an example.
        tau: reach of the kernel, or several, in the unit of the features.
        field: `drift`, `balanced_drift`, or another function of their signature.
        kernel: `laplacian` or `gaussian`, or another logarithm of a kernel.
        features: a net from examples to what is compared in their place, ``(b, ...)``;
            it is kept as it is, and its weights are frozen. The loss is theirs: eq. 13.
            None: the values of the examples.
        noise_shape: of the noise of an example; None: ``event_shape``.
        condition: labels that are required, or None.

    Raises:
        ValueError: ``tau`` is not positive, or the condition may be left out.
        TypeError: the condition is none of labels.

    Example:
        >>> model = Drifting(nn.Linear(5, 2), (2,), tau=0.5, noise_shape=(5,))
        >>> model.sample(3).shape
        torch.Size([3, 2])
    """

    surrogate = True
    smallest_batch = 2

    def __init__(
        self,
        net: nn.Module,
        event_shape: tuple[int, ...],
        *,
        tau: float | tuple[float, ...],
        field: Field = drift,
        kernel: Kernel = laplacian,
        features: nn.Module | None = None,
        noise_shape: tuple[int, ...] | None = None,
        condition: Labels | None = None,
    ):
        super().__init__()
        self.net, self.event_shape = net, shape_of("event_shape", event_shape)
        self.noise_shape = shape_of("noise_shape", noise_shape or event_shape)
        self.tau = (tau,) if isinstance(tau, int | float) else tuple(tau)
        if not self.tau:
            raise ValueError("tau is empty; expected one number or more")
        for one in self.tau:
            positive("tau", one)
        if not isinstance(condition, Labels | None):
            given = type(condition).__name__
            raise TypeError(f"condition is {given}; expected Labels, or None")
        if condition is not None and not condition.required:
            raise ValueError(
                "condition may be left out; expected Labels(required=True)"
            )
        self.field, self.kernel, self.condition = field, kernel, condition
        self.features = nn.Flatten() if features is None else features
        self.features.requires_grad_(False).eval()

    def loss(self, x, c=None):
        self.check(x, c)
        z = self.noise(len(x), *self.noise_shape)
        with evaluating(self.features):
            # Under autocast they are bfloat16: too coarse for differences.
            data = self.features(x).flatten(1).to(x.dtype)
            drawn = self.features(self._made(z, c)).flatten(1).to(x.dtype)
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            target = drawn + self._moved(drawn, data, c)
        return (drawn - target).square().mean()

    def _made(self, z: Tensor, c: Tensor | None) -> Tensor:
        return self.net(z) if c is None else self.net(z, c)

    def _moved(
        self,
        drawn: Float[Tensor, "b d"],
        data: Float[Tensor, "b d"],
        c: Int[Tensor, " b"] | None,
    ) -> Float[Tensor, "b d"]:
        """The field at each draw, among the data and the draws of its label."""
        how = {"tau": self.tau, "kernel": self.kernel}
        if c is None:
            return self.field(drawn, data, **how)
        field = torch.zeros_like(drawn)
        for label in c.unique():
            rows = (c == label).nonzero()[:, 0]
            if len(rows) > 1:
                field[rows] = self.field(drawn[rows], data[rows], **how)
        return field

    def draw(self, n, c=None):
        return self._made(self.noise(n, *self.noise_shape), c)
