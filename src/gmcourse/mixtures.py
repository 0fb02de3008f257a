"""Density models without a network: mixtures by EM, a Bayes classifier.

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

__all__ = ["BayesClassifier", "BernoulliMixture", "fit_mixture", "m_step"]


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
        first = x[torch.randperm(len(x))[:k]].flatten(1)
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
        return -self.log_prob(x, c).mean()

    def draw(self, n, c=None, **how):
        if c is None:
            c = torch.multinomial(self.log_prior.exp(), n, replacement=True)
        each = torch.bincount(c, minlength=len(self.models)).tolist()
        drawn = [m.sample(k, **how) for m, k in zip(self.models, each) if k]
        return torch.cat(drawn)[c.argsort().argsort()]
