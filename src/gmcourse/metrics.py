"""How good is it? Likelihoods, and distances between samples and data.

Distances are taken between features of a small classifier, and are therefore only
comparable where the features are the same: a value is never called FID here, and
:class:`Comparison` always carries the name of the features and the real-data floor.
Sets of features that differ in width, hold fewer than two examples, or hold NaN or
infinity raise ValueError; what is no float tensor raises TypeError.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer
from .conditions import Labels
from .core import Model, evaluating
from .nets import ConvEncoder

__all__ = [
    "Comparison",
    "FeatureClassifier",
    "bits_per_dim",
    "compare",
    "frechet_distance",
    "importance_weighted_bound",
    "kernel_distance",
    "precision_recall",
]


def bits_per_dim(nats: Any, event_shape: tuple[int, ...]) -> Any:
    """Negative log-likelihood in nats per example to bits per dimension.

    A statement about 8-bit data only if ``nats`` is: a discrete probability, or a
    bound on one through uniform dequantization (Theis et al., 2016).

    Example:
        >>> round(bits_per_dim(784 * math.log(256), (1, 28, 28)), 6)
        8.0
    """
    return nats / (math.prod(event_shape) * math.log(2))


@torch.no_grad()
def importance_weighted_bound(
    vae: Any,
    x: Float[Tensor, "b ..."],
    c: Int[Tensor, " b"] | None = None,
    k: int = 5000,
    rows: int = 1000,
) -> Float[Tensor, " b"]:
    """The importance-weighted bound on ``log p(x)`` with ``k`` draws, in nats.

    Burda, Grosse & Salakhutdinov (2016), sec. 3: a lower bound in expectation, close
    to ``log p(x)`` for large ``k``. Draws are summed in double precision. At most
    ``rows`` examples are decoded at a time: on a CPU few, so that they stay in cache;
    on a GPU use many.

    Raises:
        ValueError, TypeError: ``k`` or ``rows`` is not a positive integer, or ``x`` and
            ``c`` do not fit the model.
    """
    k, rows = integer("k", k), integer("rows", rows)
    vae.check(x, c)
    bounds = []
    size = max(1, min(len(x), rows // min(k, 100)))
    labels = [None] * math.ceil(len(x) / size) if c is None else c.split(size)
    for part, label in zip(x.split(size), labels):
        draws = max(1, rows // len(part))
        total = torch.full((len(part),), -torch.inf).to(part).double()
        for done in range(0, k, draws):
            weights = vae.log_weights(part, label, min(draws, k - done)).double()
            total = torch.logaddexp(total, weights.logsumexp(0))
        bounds.append(total - math.log(k))
    return torch.cat(bounds).to(x.dtype)


class FeatureClassifier(Model):
    """A small convolutional classifier whose last hidden layer is the feature space.

    Args:
        event_shape: image shape; values in [0, 1].
        heads: number of classes of each head. ``c`` enumerates their combinations:
            the label of the first head is ``c % heads[0]``, and so on.
        width: channels of the first convolution.

    Not a generative model: it cannot draw.
    """

    dim = 64
    smallest_batch = 2  # of batch normalization, in train mode

    def __init__(
        self, event_shape: tuple[int, ...], heads: tuple[int, ...], width: int = 16
    ):
        super().__init__()
        self.event_shape, self.heads = tuple(event_shape), tuple(heads)
        self.condition = Labels(math.prod(heads))
        self.trunk = ConvEncoder(self.event_shape, self.dim, width)
        # Running statistics give features of mean 0 and variance 1 on the training set.
        self.normalize = nn.BatchNorm1d(self.dim, affine=False)
        self.head = nn.Linear(self.dim, sum(heads))

    def features(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, "b 64"]:
        """The features of ``x``: standardized activations of the last hidden layer.

        Raises:
            TypeError: ``x`` is no float tensor in the weights' precision.
            ValueError: ``x`` is not ``(b, *event_shape)`` with b > 0.
        """
        self.check_x(x)
        return self.normalize(F.silu(self.trunk(x)))

    def forward(self, x: Float[Tensor, "b ..."]) -> tuple[Tensor, ...]:
        """Logits of each head, ``(b, classes)``."""
        z = F.dropout(self.features(x), 0.1, self.training)
        return self.head(z).split(self.heads, dim=1)

    def loss(self, x, c=None):
        """The cross-entropies of all heads, summed; nats, batch mean."""
        self.check(x, c)
        assert c is not None  # check has seen to it
        pairs = zip(self(x), self.split_labels(c))
        return sum(F.cross_entropy(logits, label) for logits, label in pairs)

    def split_labels(self, c: Int[Tensor, " b"]) -> list[Tensor]:
        """The label of each head, ``(b,)`` each, from the combined label.

        Raises:
            ValueError: a label is out of range (on a GPU it is not looked at).
        """
        self.check_condition(c, len(c))
        labels = []
        for classes in self.heads:
            labels.append(c % classes)
            c = c // classes
        return labels

    @torch.no_grad()
    def features_of(
        self, x: Float[Tensor, "n ..."], batch: int = 500
    ) -> Float[Tensor, "n 64"]:
        """Features of many images, in eval mode, in double precision on the CPU."""
        device = next(self.parameters()).device
        with evaluating(self):
            parts = [self.features(part.to(device)).cpu() for part in x.split(batch)]
        return torch.cat(parts).double()


def _check_features(*sets: Tensor) -> None:
    for f in sets:
        if not isinstance(f, Tensor) or not f.is_floating_point():
            kind = f.dtype if isinstance(f, Tensor) else type(f).__name__
            raise TypeError(f"features are {kind}; expected a float tensor (n, d)")
        if f.ndim != 2 or f.shape[1] != sets[0].shape[1] or f.shape[1] == 0:
            shapes = [tuple(s.shape) for s in sets]
            raise ValueError(f"features have shapes {shapes}; expected (n, d), one d")
        if len(f) < 2:
            raise ValueError(f"{len(f)} examples; expected at least 2")
        if not bool(f.isfinite().all()):
            raise ValueError("features hold NaN or infinity; expected finite values")


def _root(m: Tensor) -> Tensor:
    """The symmetric square root of a positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(m)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def frechet_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """``|μ_a - μ_b|² + tr(C_a + C_b - 2 (C_a^½ C_b C_a^½)^½)`` of two feature sets.

    Dowson & Landau (1982); used on Inception features by Heusel et al. (2017). It is
    biased upward for few examples: compare only values with equal ``n``.
    """
    _check_features(a, b)
    a, b = a.double(), b.double()
    # torch.cov of a single feature is a scalar.
    cov_a, cov_b = (torch.atleast_2d(torch.cov(f.T)) for f in (a, b))
    root = _root(cov_a)
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    return float(means + cov_a.trace() + cov_b.trace() - 2 * cross)


def kernel_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Unbiased squared MMD with the kernel ``(x·y / d + 1)³``; can be below zero.

    Bińkowski et al. (2018), there on Inception features (KID).
    """
    _check_features(a, b)
    a, b = a.double(), b.double()

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        return (u @ v.T / u.shape[1] + 1).pow(3)

    def within(u: Tensor) -> Tensor:
        gram = kernel(u, u)
        return (gram.sum() - gram.trace()) / (len(u) * (len(u) - 1))

    return float(within(a) + within(b) - 2 * kernel(a, b).mean())


def precision_recall(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], k: int = 3
) -> tuple[float, float]:
    """Share of fakes inside the real manifold, and of reals inside the fake one.

    A manifold is the union of balls around its points, each reaching to the
    ``k``-th nearest other point. Kynkäänniemi et al. (2019).

    Raises:
        ValueError: ``k`` is not below the size of the smaller set.
    """
    _check_features(real, fake)
    k = integer("k", k, 1, min(len(real), len(fake)) - 1)

    def inside(points: Tensor, manifold: Tensor) -> float:
        # The nearest "other" point of a point is itself, hence k + 1.
        radius = torch.cat(
            [
                torch.cdist(part, manifold).kthvalue(k + 1, dim=1).values
                for part in manifold.split(1000)
            ]
        )
        near = [(torch.cdist(p, manifold) <= radius).any(1) for p in points.split(1000)]
        return float(torch.cat(near).double().mean())

    return inside(fake, real), inside(real, fake)


@dataclass(frozen=True)
class Comparison:
    """Samples against data, in a stated feature space, beside the real-data floor."""

    features: str
    n: int
    frechet: float
    frechet_floor: float
    kernel: float
    kernel_floor: float
    precision: float
    recall: float

    def __str__(self) -> str:
        return (
            f"Fréchet distance {self.frechet:.2f} (real {self.frechet_floor:.2f}), "
            f"kernel distance {self.kernel:.4f} (real {self.kernel_floor:.4f}), "
            f"precision {self.precision:.2f}, recall {self.recall:.2f}; "
            f"{self.features} features, {self.n} examples"
        )


def compare(
    samples: Float[Tensor, "n ..."],
    reference: Float[Tensor, "m ..."],
    held_out: Float[Tensor, "n ..."],
    classifier: FeatureClassifier,
    name: str,
    most: int = 2000,
) -> Comparison:
    """Distances from ``samples`` to ``reference``, and the floor of ``held_out``.

    The floor is what fresh real data scores: ``held_out`` against ``reference``,
    with as many examples as there are samples. The kernel distance and
    precision/recall, which cost memory in pairs, use the first ``most`` of each.

    Raises:
        ValueError: samples and held-out examples differ in number.
    """
    if len(samples) != len(held_out):
        raise ValueError(
            f"{len(samples)} samples and {len(held_out)} held-out examples: the floor "
            "is only comparable with equal numbers"
        )
    fake, real, floor = (
        classifier.features_of(x) for x in (samples, reference, held_out)
    )
    precision, recall = precision_recall(real[:most], fake[:most])
    return Comparison(
        features=name,
        n=len(samples),
        frechet=frechet_distance(fake, real),
        frechet_floor=frechet_distance(floor, real),
        kernel=kernel_distance(fake[:most], real[:most]),
        kernel_floor=kernel_distance(floor[:most], real[:most]),
        precision=precision,
        recall=recall,
    )
