"""Density models without a network: a histogram, mixtures by EM, a Bayes classifier.

Their likelihoods are exact and their fits take seconds, so they are the floor that
the families of the later chapters start from.
Built in chapter 01_what_is_a_generative_model.
"""

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import finite, integer, positive, within_unit
from .conditions import Labels
from .core import GenerativeModel
from .data.densities import GaussianMixture
from .data.mixture import pick

__all__ = ["BayesClassifier", "BernoulliMixture", "Histogram", "fit_mixture", "m_step"]

MAX_CELLS = 2**24


class Histogram(GenerativeModel):
    """Equal cells on a box: constant density ``count / (n · volume)`` in each.

    Args:
        bounds: (low, high) of each of the d axes; a cell holds its low edges.
        bins: cells per axis, ``bins**d`` in all.
        smoothing: added to the count of every cell; 0 is maximum likelihood.

    Raises:
        ValueError: an empty or endless axis, a negative smoothing, over 2^24 cells, or
            cells too fine for float32; later, nothing was counted before it is asked.

    >>> coin = Histogram([(0.0, 2.0)], bins=2)
    >>> coin.fit(torch.tensor([[0.1], [0.2], [0.3], [1.5]]))
    >>> coin.log_prob(torch.tensor([[0.9], [1.0], [2.0]])).exp()
    tensor([0.7500, 0.2500, 0.0000])

    Built in chapter 01_what_is_a_generative_model.
    """

    exact = True
    low: Tensor
    width: Tensor
    counts: Tensor

    def __init__(
        self, bounds: Sequence[tuple[float, float]], bins: int, smoothing: float = 0.0
    ):
        super().__init__()
        box = torch.as_tensor(bounds, dtype=torch.float32)
        if box.ndim != 2 or box.shape[1] != 2 or not (box[:, 0] < box[:, 1]).all():
            raise ValueError(f"bounds {bounds}: expected (low, high) of each axis")
        if not box.isfinite().all():
            raise ValueError(f"bounds {bounds}: expected finite numbers")
        d, bins = len(box), integer("bins", bins, least=None)
        if bins < 1 or bins**d > MAX_CELLS or not 0 <= smoothing < math.inf:
            raise ValueError(
                f"{bins} bins on {d} axes, smoothing {smoothing}: expected 1 to "
                f"{MAX_CELLS:,} cells in all, and a smoothing of 0 or more"
            )
        self.event_shape, self.bins, self.smoothing = (d,), bins, smoothing
        self.register_buffer("low", box[:, 0])
        self.register_buffer("width", (box[:, 1] - box[:, 0]) / bins)
        self.register_buffer("counts", torch.zeros(bins**d))
        each = torch.arange(bins)[:, None]
        middles = self.low + self.width * (each + 0.5)
        if not (((middles - self.low) / self.width).floor() == each).all():
            raise ValueError(
                f"{bins} cells on {bounds} are too fine for float32: give fewer bins, "
                "or shift the data toward zero"
            )

    def example(self, n):
        return self.low + self.width * self.bins * torch.rand_like(
            self.low.expand(n, -1)
        ), None

    def cell(self, x: Float[Tensor, "b d"]) -> Int[Tensor, " b"]:
        """Number of the cell that holds each point; -1 outside of the box."""
        self.check(x)
        i = ((x - self.low) / self.width).floor()
        inside = ((i >= 0) & (i < self.bins)).all(1)
        scale = self.bins ** torch.arange(x.shape[1], device=x.device)
        return torch.where(inside, (i.nan_to_num() * scale).sum(1), -1).long()

    def fit(self, x: Float[Tensor, "n d"]) -> None:
        """Count.

        Raises:
            ValueError: points lie outside of the box; they are not dropped.
        """
        cell = self.cell(x)
        if (cell < 0).any():
            raise ValueError(
                f"{int((cell < 0).sum())} of {len(x)} points lie outside of the box: "
                "widen the bounds"
            )
        self.counts.copy_(torch.bincount(cell, minlength=len(self.counts)))

    def _mass(self) -> Tensor:
        mass = self.counts + self.smoothing
        if not mass.sum() > 0:
            raise ValueError("every cell is empty: call fit first, or smooth")
        return mass

    def log_prob(self, x: Float[Tensor, "b d"]) -> Float[Tensor, " b"]:
        """Exact, in nats; minus infinity outside and, unsmoothed, in empty cells."""
        cell, mass = self.cell(x), self._mass()
        log_density = mass.log() - mass.sum().log() - self.width.log().sum()
        return torch.where(cell < 0, -math.inf, log_density[cell.clamp(min=0)])

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    def draw(self, n, c=None):
        # On the CPU: sums in double precision, which not every device has.
        cell = pick(self._mass().cpu().double(), n).to(self.low.device)
        scale = self.bins ** torch.arange(len(self.low), device=cell.device)
        corner = cell[:, None] // scale % self.bins
        x = self._uniform(corner)
        # Rounding puts few of them onto an upper edge, which the next cell holds.
        while (lost := self.cell(x) != cell).any():
            x[lost] = self._uniform(corner[lost])
        return x

    def _uniform(self, corner: Tensor) -> Tensor:
        return self.low + self.width * (corner + torch.rand_like(corner * self.width))


def m_step(
    x: Float[Tensor, "n d"], r: Float[Tensor, "n k"], floor: float = 0.0
) -> GaussianMixture:
    """The Gaussian mixture that maximizes ``Σ_i Σ_j r_ij log(w_j N(x_i; m_j, C_j))``.

    The closed form of EM's M-step: shares, means and covariances weighted by the
    responsibilities. ``floor**2`` is added to every variance.
    Dempster, Laird & Rubin (1977). Built in chapter 01_what_is_a_generative_model.

    Raises:
        ValueError: x and r differ in rows, a component owns no point, or a covariance
            is singular.
    """
    if x.ndim != 2 or r.ndim != 2 or len(x) != len(r):
        raise ValueError(
            f"x has shape {tuple(x.shape)} and r {tuple(r.shape)}; expected (n, d) and "
            "(n, k)"
        )
    x, r = x.cpu().double(), r.cpu().double()  # not every device has such numbers
    n_j = r.sum(0)
    if not (n_j > 0).all():
        raise ValueError(
            f"the components own {n_j.tolist()} points; expected some for each: give "
            "fewer components"
        )
    means = (r.mT @ x) / n_j[:, None]
    diff = x[:, None] - means  # (n, k, d)
    covs = torch.einsum("nk,nki,nkj->kij", r, diff, diff) / n_j[:, None, None]
    covs = covs + floor**2 * torch.eye(x.shape[1]).to(covs)
    return GaussianMixture(means, covs=covs, weights=n_j / len(x), name="fitted")


def fit_mixture(
    x: Float[Tensor, "n d"], k: int, *, steps: int = 100, floor: float = 1e-3
) -> GaussianMixture:
    """A mixture of k full Gaussians by EM, begun at the seeds of k-means++.

    Each seed is a point, drawn in proportion to its squared distance from the nearest
    seed before it (Arthur & Vassilvitskii, 2007). The result depends on them: EM finds
    a local maximum. Built in chapter 01_what_is_a_generative_model.

    Raises:
        ValueError: ``k`` is not in 1..n, x holds NaN or infinity or fewer than k
            different points, or a component was left without points.

    >>> fit_mixture(torch.tensor([[-1.0], [-0.9], [1.0], [1.1]]), 2).weights
    tensor([0.5000, 0.5000], dtype=torch.float64)
    """
    if x.ndim != 2 or not 1 <= k <= len(x):
        raise ValueError(
            f"k is {k}, x has shape {tuple(x.shape)}: expected (n, d), 1 <= k <= n"
        )
    x = finite("x", x)
    seeds = x[torch.randint(len(x), (1,))]
    while len(seeds) < k:
        far = torch.cdist(x, seeds).amin(1).square()
        if not far.any():
            raise ValueError(f"x holds {len(seeds)} different points; expected {k}")
        seeds = torch.cat([seeds, x[torch.multinomial(far, 1)]])
    r = F.one_hot(torch.cdist(x, seeds).argmin(1), k).double()
    mixture = m_step(x, r, floor)
    for _ in range(steps):
        mixture = m_step(x, mixture.responsibilities(x), floor)
    return mixture


class BernoulliMixture(GenerativeModel):
    """A mixture of k product distributions over binary vectors; k = 1: naive Bayes.

    ``p(x) = Σ_j w_j Π_i p_ji^x_i (1 - p_ji)^(1 - x_i)``. Pixels are independent given
    the component, so pixels that were not seen drop out of the product exactly.
    Built in chapter 01_what_is_a_generative_model.

    Raises:
        ValueError: k is not positive; later, values outside of [0, 1].
        TypeError: k is no integer; later, a mask ``seen`` that is not boolean.
    """

    exact = True

    def __init__(self, k: int, event_shape: tuple[int, ...]):
        super().__init__()
        k, self.event_shape = integer("k", k), tuple(event_shape)
        self.log_weights = nn.Parameter(torch.zeros(k))  # unnormalized
        self.logits = nn.Parameter(torch.randn(k, math.prod(event_shape)))

    def log_joint(
        self, x: Float[Tensor, "b ..."], seen: Bool[Tensor, "..."] | None = None
    ) -> Float[Tensor, "b k"]:
        """``log w_j + log p(x | j)``; with a mask, of the pixels seen alone."""
        self.check(x)
        within_unit(x)
        if seen is not None and seen.dtype != torch.bool:
            raise TypeError(f"seen is {seen.dtype}; expected a boolean mask")
        x, log_w = x.flatten(1), self.log_weights.log_softmax(0)
        if seen is None:
            return log_w + x @ self.logits.T - F.softplus(self.logits).sum(1)
        seen = seen.to(x).expand(len(x), *self.event_shape).flatten(1)
        return log_w + (x * seen) @ self.logits.T - seen @ F.softplus(self.logits).T

    def log_prob(
        self, x: Float[Tensor, "b ..."], seen: Bool[Tensor, "..."] | None = None
    ) -> Float[Tensor, " b"]:
        """Exact ``log p(x)`` in nats; ``seen``: a mask that broadcasts to x."""
        return self.log_joint(x, seen).logsumexp(1)

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x).mean()

    @torch.no_grad()
    def em_step(self, x: Float[Tensor, "n ..."], smoothing: float = 0.1) -> None:
        """One step of EM on all of x; ``smoothing`` pseudo-counts of each outcome.

        With smoothing a > 0 it raises the posterior under Beta(1 + a, 1 + a) priors of
        the pixels and a Dirichlet(1 + a) prior of the weights. With none, the logit of
        a pixel that a component never saw lit would be minus infinity: images with it
        were impossible, and all others NaN, since there it meets a 0.

        Raises:
            ValueError: ``smoothing`` is not positive, or x has values beyond [0, 1].
        """
        smoothing = positive("smoothing", smoothing)
        r = self.log_joint(x).softmax(1)
        n_j = r.sum(0)
        probs = (r.T @ x.flatten(1) + smoothing) / (n_j + 2 * smoothing)[:, None]
        self.logits.copy_(probs.logit())
        self.log_weights.copy_((n_j + smoothing).log())

    @torch.no_grad()
    def fit(
        self, x: Float[Tensor, "n ..."], steps: int = 30, smoothing: float = 0.1
    ) -> None:
        """EM from k of the examples, softened.

        Raises:
            ValueError: fewer than k examples, or a ``smoothing`` that is not positive.
        """
        k = len(self.logits)
        if k > len(x):
            raise ValueError(f"{len(x)} examples for {k} components: give more")
        self.check(x)
        first = x[torch.randperm(len(x))[:k].to(x.device)].flatten(1)
        self.log_joint(first.view(k, *self.event_shape))  # refuses what is no pixel
        self.logits.copy_((0.25 + 0.5 * first).logit())
        self.log_weights.zero_()
        for _ in range(steps):
            self.em_step(x, smoothing)

    def draw(self, n, c=None):
        j = torch.multinomial(self.log_weights.softmax(0), n, replacement=True)
        x = torch.bernoulli(self.logits[j].sigmoid())
        return x.view(n, *self.event_shape)

    @torch.no_grad()
    def complete(
        self, x: Float[Tensor, "b ..."], seen: Bool[Tensor, "..."]
    ) -> Float[Tensor, "b ..."]:
        """Draw the pixels that were not seen from ``p(x_unseen | x_seen)``."""
        j = torch.multinomial(self.log_joint(x, seen).softmax(1), 1)[:, 0]
        drawn = torch.bernoulli(self.logits[j].sigmoid()).view_as(x)
        return torch.where(seen.expand_as(x), x, drawn)


class BayesClassifier(GenerativeModel):
    """``p(x, c) = p(c) p(x | c)`` from one model of each class: classifies and draws.

    Args:
        models: one for each class, with an exact ``log_prob``.
        prior: (classes,) nonnegative, ``p(c)`` up to a factor; counts will do.

    Raises:
        ValueError: the prior does not fit the models, or holds no mass; the models
            differ in their event_shape.

    Without a label it speaks of ``p(x)``: it draws one from the prior, too.
    Built in chapter 01_what_is_a_generative_model.
    """

    exact = True
    log_prior: Tensor

    def __init__(
        self, models: Sequence[GenerativeModel], prior: Float[Tensor, " classes"]
    ):
        super().__init__()
        if len(models) != len(prior) or not (prior >= 0).all() or not prior.sum() > 0:
            raise ValueError(
                f"{len(models)} models and the prior {prior.tolist()}: expected one "
                "nonnegative number for each model, not all zero"
            )
        shapes = {tuple(model.event_shape) for model in models}
        if len(shapes) > 1:
            raise ValueError(f"models of events {sorted(shapes)}; expected one shape")
        self.models = nn.ModuleList(models)
        self.condition = Labels(len(models), required=False)
        self.event_shape = models[0].event_shape
        self.register_buffer("log_prior", prior.log() - prior.sum().log())

    def log_joint(self, x: Float[Tensor, "b ..."], **how) -> Float[Tensor, "b classes"]:
        """``log p(x, c)`` of each class, in nats; ``how`` goes to ``log_prob``."""
        each = [model.log_prob(x, **how) for model in self.models]
        return torch.stack(each, 1) + self.log_prior

    def log_prob(
        self, x: Float[Tensor, "b ..."], c: Int[Tensor, " b"] | None = None, **how
    ) -> Float[Tensor, " b"]:
        """Exact ``log p(x | c)``, or ``log p(x)`` without c, in nats."""
        if c is None:
            return self.log_joint(x, **how).logsumexp(1)
        self.check(x, c)
        each = torch.stack([model.log_prob(x, **how) for model in self.models], 1)
        return each.gather(1, c[:, None])[:, 0]

    def posterior(self, x: Float[Tensor, "b ..."], **how) -> Float[Tensor, "b classes"]:
        """``p(c | x)`` by Bayes' rule; rows sum to one."""
        return self.log_joint(x, **how).softmax(1)

    def loss(self, x, c=None):
        self.check(x, c)
        return -self.log_prob(x, c).mean()

    def draw(self, n, c=None, **how):
        if c is None:
            c = torch.multinomial(self.log_prior.exp(), n, replacement=True)
        each = torch.bincount(c, minlength=len(self.models)).tolist()
        drawn = [m.sample(k, **how) for m, k in zip(self.models, each) if k]
        return torch.cat(drawn)[c.argsort(stable=True).argsort()]
