"""The plane as a place for toy sets, and the Gaussian mixture, exact in every respect.

`GaussianMixture` is the truth that score, noise and velocity are compared with: the
density, its score and its law under Gaussian noise are all closed forms.
"""

import math
from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from .._arguments import finite, integer, on_cpu

__all__ = ["BOUNDS", "GaussianMixture", "Plane"]

Bounds = tuple[float, float, float, float]
BOUNDS: Bounds = (-4.0, 4.0, -4.0, 4.0)  # left, right, bottom, top: imshow's extent
LOG_2PI = math.log(2 * math.pi)
MAX_POINTS = 2**22  # of a quadrature


class Plane:
    """What every set here has: a name, a shape, and a window to draw it in."""

    event_shape: tuple[int, ...] = (2,)

    def __init__(self, name: str, bounds: Bounds = BOUNDS):
        window = finite("bounds", bounds)
        if window.shape != (4,) or not (window[::2] < window[1::2]).all():
            raise ValueError(
                f"bounds {bounds}: expected (left, right, bottom, top), left < right, "
                "bottom < top"
            )
        left, right, bottom, top = window.tolist()
        self.name, self.bounds = name, (left, right, bottom, top)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @on_cpu
    def grid(
        self, k: int, dtype: torch.dtype = torch.float32
    ) -> tuple[Float[Tensor, "kk 2"], float]:
        """Centers of the k x k equal cells of ``bounds``, and the area of a cell.

        Row by row from the bottom: ``values.view(k, k)`` goes to
        ``imshow(..., origin="lower", extent=density.bounds)``. The midpoint rule for
        an integral is ``values.sum() * area``.

        >>> points, area = GaussianMixture([[0.0, 0.0]], stds=1.0).grid(8)
        >>> points.shape, area
        (torch.Size([64, 2]), 1.0)

        Raises:
            ValueError, TypeError: the set is not on the plane, or k is not a positive
                integer.
        """
        if self.event_shape != (2,):
            raise ValueError(f"grid: {self!r} is not on the plane: {self.event_shape=}")
        k = integer("k", k)
        left, right, bottom, top = self.bounds
        middles = (torch.arange(k, dtype=dtype) + 0.5) / k
        y, x = torch.meshgrid(
            bottom + (top - bottom) * middles,
            left + (right - left) * middles,
            indexing="ij",
        )
        area = (right - left) * (top - bottom) / k**2
        return torch.stack([x.flatten(), y.flatten()], 1), area


class GaussianMixture(Plane):
    """p(x) = sum_k weights[k] N(x; means[k], covs[k]), in any dimension d.

    Args:
        means: (k, d).
        stds: one number, (k,) for isotropic components, or (k, d) for axis-aligned.
        covs: (k, d, d) positive definite, in place of ``stds``.
        weights: (k,) positive, summing to one; equal by default.

    Raises:
        ValueError: shapes that do not fit, a number that is not finite, a variance or
            a weight that is not positive, or both of ``stds`` and ``covs``.

    >>> coin = GaussianMixture(means=[[-2.0], [2.0]], stds=0.5)
    >>> coin.event_shape, coin.score(torch.zeros(1, 1)).item()
    ((1,), 0.0)
    """

    @on_cpu
    def __init__(
        self,
        means,
        stds=None,
        covs=None,
        weights=None,
        *,
        name: str = "gaussian_mixture",
        bounds: Bounds = BOUNDS,
    ):
        super().__init__(name, bounds)
        m = self.means = finite("means", means)
        if m.dim() != 2 or 0 in m.shape:
            raise ValueError(f"means {tuple(m.shape)}: expected (k, d), none empty")
        k, d = m.shape
        self.event_shape = (d,)
        if (stds is None) == (covs is None):
            raise ValueError("give either stds or covs, not both and not neither")
        if covs is None:
            s = finite("stds", stds)
            if tuple(s.shape) not in [(), (k,), (k, d)] or not (s > 0).all():
                raise ValueError(
                    f"stds {s.tolist()}: expected positive values, one number or "
                    f"({k},) or ({k}, {d})"
                )
            s = s[:, None] if s.dim() == 1 else s
            self.covs = torch.diag_embed(s.expand(k, d) ** 2)
        else:
            self.covs = finite("covs", covs)
            if self.covs.shape != (k, d, d) or not torch.allclose(
                self.covs, self.covs.mT, rtol=1e-6
            ):
                raise ValueError(f"covs: expected symmetric matrices ({k}, {d}, {d})")
        self._factor, failed = torch.linalg.cholesky_ex(self.covs)
        if failed.any():
            raise ValueError("covs: not positive definite; a variance is zero or less")
        eye = torch.eye(d, dtype=torch.float64)
        self._whiten = torch.linalg.solve_triangular(self._factor, eye, upper=False)
        w = finite("weights", [1 / k] * k if weights is None else weights)
        if w.shape != (k,) or not (w > 0).all() or abs(w.sum() - 1) > 1e-6:
            raise ValueError(
                f"weights: expected {k} positive numbers that sum to one, got "
                f"{tuple(w.shape)} with sum {w.sum():g}"
            )
        self.weights = w / w.sum()
        log_det = self._whiten.diagonal(dim1=1, dim2=2).log().sum(1)
        self._log_scale = self.weights.log() + log_det - 0.5 * d * LOG_2PI

    @on_cpu
    def sample(self, n: int) -> Float[Tensor, "n d"]:
        """n independent points, float32."""
        k = pick(self.weights, integer("n", n, 0))
        eps = torch.randn(n, self.event_shape[0])
        noise = torch.einsum("nij,nj->ni", self._factor[k].float(), eps)
        return self.means[k].float() + noise

    def _joint(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """log of weight times density, (b, k), and whitened differences, (b, k, d)."""
        x = check_points(x, self.event_shape[0])
        diff = x[:, None] - self.means.to(x)
        z = torch.einsum("kij,bkj->bki", self._whiten.to(x), diff)
        return self._log_scale.to(x) - 0.5 * z.square().sum(2), z

    def log_prob(self, x: Float[Tensor, "b d"]) -> Float[Tensor, " b"]:
        """log p(x) in nats."""
        return self._joint(x)[0].logsumexp(1)

    def responsibilities(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """p(component | x); rows sum to one."""
        return self._joint(x)[0].softmax(1)

    def score(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """grad log p(x): the responsibility-weighted pull toward the means."""
        log_joint, z = self._joint(x)
        pull = -torch.einsum("kji,bkj->bki", self._whiten.to(x), z)
        return (log_joint.softmax(1)[..., None] * pull).sum(1)

    @on_cpu
    def diffused(self, alpha: float, sigma: float) -> "GaussianMixture":
        """The exact law of alpha x + sigma eps, eps standard normal: a mixture again.

        >>> GaussianMixture([[3.0]], stds=2.0).diffused(0.5, 1.0).covs.item()
        2.0
        """
        alpha, sigma = finite("alpha, sigma", [alpha, sigma]).tolist()
        if sigma < 0 or alpha == sigma == 0:
            raise ValueError(
                f"diffused({alpha}, {sigma}): expected sigma >= 0, not both zero"
            )
        noise = sigma**2 * torch.eye(self.event_shape[0], dtype=torch.float64)
        return GaussianMixture(
            alpha * self.means,
            covs=alpha**2 * self.covs + noise,
            weights=self.weights,
            name=f"{self.name} diffused",
            bounds=self.bounds,
        )

    @cached_property
    def entropy(self) -> float | None:
        """In nats. Closed form for one component; midpoint rule in float64 for d <= 2
        (step a quarter of the smallest deviation, error below 1e-9); else None, also
        where the rule would need over 2^22 points."""
        k, d = self.means.shape
        if k == 1:
            return 0.5 * (d + d * LOG_2PI + torch.logdet(self.covs).sum().item())
        if d > 2:
            return None
        reach = 9 * self.covs.diagonal(dim1=1, dim2=2).sqrt()
        step = torch.linalg.eigvalsh(self.covs).min().sqrt().item() / 4
        low, high = (self.means - reach).amin(0), (self.means + reach).amax(0)
        return quadrature(self.log_prob, low.tolist(), high.tolist(), step)


@on_cpu
def quadrature(
    log_prob: Callable[[Tensor], Tensor],
    low: list[float],
    high: list[float],
    step: float,
) -> float | None:
    """-integral of p log p over a box by the midpoint rule in float64.

    For a smooth density that is negligible at the box's faces the error falls faster
    than any power of the step. None where it would take over MAX_POINTS points.
    """
    cells = [math.ceil((b - a) / step) for a, b in zip(low, high)]
    if math.prod(cells) > MAX_POINTS:
        return None
    axes = [
        a + (b - a) * (torch.arange(k, dtype=torch.float64) + 0.5) / k
        for a, b, k in zip(low, high, cells)
    ]
    points = torch.cartesian_prod(*axes).view(-1, len(low))
    log_p = torch.cat([log_prob(part) for part in points.split(2**14)])
    volume = math.prod((b - a) / k for a, b, k in zip(low, high, cells))
    return -(log_p.exp() * log_p).sum().item() * volume


@on_cpu
def pick(p: Tensor, n: int) -> Tensor:
    """n indices drawn with probabilities p (float64): by inversion of the cumulative
    sum, for any number of categories (multinomial stops at 2^24) and for n = 0."""
    cumulative = p.cumsum(0)
    u = torch.rand(n, dtype=torch.float64)
    return torch.searchsorted(cumulative / cumulative[-1], u, right=True)


def check_points(x: Tensor, d: int) -> Tensor:
    """Raise ValueError or TypeError unless x is (b, d) in float32 or float64."""
    if not isinstance(x, Tensor) or x.dtype not in (torch.float32, torch.float64):
        given = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(
            f"x is {given}; expected a float32 or float64 tensor: x.float() makes one"
        )
    if x.dim() != 2 or x.shape[1] != d:
        raise ValueError(f"x has shape {tuple(x.shape)}; expected (b, {d})")
    return x
