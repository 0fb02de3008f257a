"""How good is it? Likelihoods, and distances between samples and data.

Distances are taken between features of a small classifier
(:class:`gmcourse.classifiers.FeatureClassifier`), and are therefore only comparable
where the features are the same: a value is never called FID here, and
:class:`Comparison` always carries the name of the features and the real-data floor.
Sets of features that differ in width, hold fewer than two examples, or hold NaN or
infinity raise ValueError; what is no float tensor raises TypeError.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from . import classifiers
from ._arguments import finite, integer, positive

__all__ = [
    "Comparison",
    "Coverage",
    "ModeCount",
    "bits_per_dim",
    "compare",
    "coverage",
    "frechet_distance",
    "importance_weighted_bound",
    "kernel_distance",
    "modes",
    "precision_recall",
    "retrieval",
    "wasserstein_distance",
]


def bits_per_dim(
    nats: Any, event_shape: tuple[int, ...], *, levels: int | None = None
) -> Any:
    """Minus a log-probability in nats per example, in bits per dimension.

    Args:
        nats: a number or a tensor of them: ``-log P(x)`` of pixels as they are stored,
            or a bound on it or an estimate; the result is of the same kind.
        levels: given where ``nats`` is ``-log p`` of a *density* on [0, 1]^d instead,
            of pixels that ``gmcourse.data.dequantize`` spread over it: how many values
            a pixel had, 256 there. An image then owns a cell of volume ``levels**-d``,
            so ``d log(levels)`` nats are added. The mean over the noise is an upper
            bound of the bits of the discrete model (Theis et al., 2016, sec. 3.1).

    Raises:
        ValueError, TypeError: ``levels`` is not an integer above 1.

    Example:
        >>> round(bits_per_dim(784 * math.log(256), (1, 28, 28)), 6)
        8.0
        >>> bits_per_dim(0.0, (1, 28, 28), levels=256)  # the uniform density
        8.0
    """
    bits = nats / (math.prod(event_shape) * math.log(2))
    return bits if levels is None else bits + math.log2(integer("levels", levels, 2))


@torch.no_grad()
def importance_weighted_bound(
    vae: Any,
    x: Shaped[Tensor, "b ..."],
    c: Int[Tensor, " b"] | None = None,
    k: int = 5000,
    rows: int = 1000,
) -> Float[Tensor, " b"]:
    """The importance-weighted bound on ``log p(x)`` with ``k`` draws, in nats.

    Burda, Grosse & Salakhutdinov (2016), sec. 3: a lower bound in expectation, close
    to ``log p(x)`` for large ``k``; in float32 or ``x``'s precision, if that is higher.
    At most ``rows`` examples are decoded at a time: on a CPU few, so that they stay in
    cache; on a GPU use many. Their sums are added up in double precision, on the CPU,
    since not every device has it.

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
        draws = rows // len(part)
        sums = []
        for done in range(0, k, draws):
            weights = vae.log_weights(part, label, min(draws, k - done))
            sums.append(weights.logsumexp(0))
        bounds.append(torch.stack(sums).cpu().double().logsumexp(0) - math.log(k))
    return torch.cat(bounds).to(x.device, torch.promote_types(x.dtype, torch.float32))


def _checked(*sets: Tensor) -> list[Tensor]:
    """Features in double precision on the CPU: some devices have no such numbers."""
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
    return [f.detach().cpu().double() for f in sets]


def _root(m: Tensor) -> Tensor:
    """The symmetric square root of a positive semi-definite matrix."""
    values, vectors = torch.linalg.eigh(m)
    return (vectors * values.clamp(min=0).sqrt()) @ vectors.T


def frechet_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """``|μ_a - μ_b|² + tr(C_a + C_b - 2 (C_a^½ C_b C_a^½)^½)`` of two feature sets.

    Dowson & Landau (1982); used on Inception features by Heusel et al. (2017). It is
    biased upward for few examples: compare only values with equal ``n``.
    """
    a, b = _checked(a, b)
    # torch.cov of a single feature is a scalar.
    cov_a, cov_b = (torch.atleast_2d(torch.cov(f.T)) for f in (a, b))
    root = _root(cov_a)
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    means = (a.mean(0) - b.mean(0)).square().sum()
    distance = float(means + cov_a.trace() + cov_b.trace() - 2 * cross)
    return max(distance, 0.0)  # rounding can take equal sets below it


def kernel_distance(a: Float[Tensor, "n d"], b: Float[Tensor, "m d"]) -> float:
    """Unbiased squared MMD with the kernel ``(x·y / d + 1)³``; can be below zero.

    Bińkowski et al. (2018), there on Inception features (KID).
    """
    a, b = _checked(a, b)

    def kernel(u: Tensor, v: Tensor) -> Tensor:
        return (u @ v.T / u.shape[1] + 1).pow(3)

    def within(u: Tensor) -> Tensor:
        gram = kernel(u, u)
        return (gram.sum() - gram.trace()) / (len(u) * (len(u) - 1))

    return float(within(a) + within(b) - 2 * kernel(a, b).mean())


def wasserstein_distance(x: Float[Tensor, " n"], y: Float[Tensor, " m"]) -> float:
    """``W₁`` of two samples on a line, exactly: how far, on average, earth is moved.

    The area between the two empirical distribution functions, which is the cheapest
    plan's cost: on a line the earth is carried in order.

    Raises:
        ValueError: a sample has another shape, is empty, or holds NaN or infinity.
        TypeError: one is no float tensor.

    Example:
        >>> wasserstein_distance(torch.tensor([0.0, 1.0]), torch.tensor([5.0]))
        4.5
    """
    _floats(x=x, y=y)
    if x.ndim != 1 or y.ndim != 1 or 0 in (len(x), len(y)):
        raise ValueError(
            f"samples have shapes {tuple(x.shape)} and {tuple(y.shape)}: expected "
            "(n,) and (m,), none empty"
        )
    x, y = (finite(name, v) for name, v in (("x", x), ("y", y)))
    x, y = x.sort().values, y.sort().values
    places = torch.cat([x, y]).sort().values
    below_x, below_y = (
        torch.searchsorted(v, places[:-1], right=True).double() / len(v) for v in (x, y)
    )
    return float(((below_x - below_y).abs() * places.diff()).sum())


def precision_recall(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d"], k: int = 3
) -> tuple[float, float]:
    """Share of fakes inside the real manifold, and of reals inside the fake one.

    A manifold is the union of balls around its points, each reaching to the
    ``k``-th nearest other point. Kynkäänniemi et al. (2019).

    Raises:
        ValueError: ``k`` is not below the size of the smaller set.
    """
    real, fake = _checked(real, fake)
    k = integer("k", k, 1, min(len(real), len(fake)) - 1)

    def inside(points: Tensor, manifold: Tensor) -> float:
        # The nearest "other" point of a point is itself, hence k + 1.
        radius = torch.cat(
            [
                torch.cdist(part, manifold).kthvalue(k + 1).values
                for part in manifold.split(1000)
            ]
        )
        near = [(torch.cdist(p, manifold) <= radius).any(1) for p in points.split(1000)]
        return float(torch.cat(near).double().mean())

    return inside(fake, real), inside(real, fake)


@dataclass(frozen=True, eq=False)  # a tensor's == is no truth value
class Coverage:
    """How samples fall on modes that are equally likely.

    Attributes:
        counts: (k,), the samples of each mode.
    """

    counts: Tensor

    @property
    def covered(self) -> int:
        """Modes with at least one sample."""
        return int((self.counts > 0).sum())

    @property
    def kl(self) -> float:
        """Of the shares from equal ones, in nats; NaN where nothing was counted.

        ``KL(shares ‖ uniform)``, which is ``log k`` minus the entropy of the shares.
        """
        shares = self.counts.double() / self.counts.sum()
        return math.log(len(shares)) - float(torch.special.entr(shares).sum())

    def __str__(self) -> str:
        return f"{self.covered:,} of {len(self.counts):,} modes, KL {self.kl:.3f} nats"


def coverage(labels: Int[Tensor, " n"], classes: int) -> Coverage:
    """Which of ``classes`` equally likely modes the samples cover, and how evenly.

    The labels are what a classifier says of the samples. The convention of Srivastava
    et al. (2017, "VEEGAN") and Lin et al. (2018, "PacGAN") for stacked MNIST: 1,000
    modes, three digits each, and 26,000 samples. It is biased: draws that are exactly
    uniform have a mean ``kl`` of about ``(classes - 1) / (2 n)``, 0.019 there, and
    compare only with equal ``n``. A classifier's mistakes cover modes as well.

    Raises:
        ValueError, TypeError: the labels are no int64 tensor ``(n,)`` with n > 0 and
            values in ``[0, classes)``.

    Example:
        >>> print(coverage(torch.tensor([0, 0, 1, 1]), 4))
        2 of 4 modes, KL 0.693 nats
    """
    k = integer("classes", classes)
    if not isinstance(labels, Tensor) or labels.dtype != torch.int64:
        kind = labels.dtype if isinstance(labels, Tensor) else type(labels).__name__
        raise TypeError(f"labels are {kind}; expected a tensor of torch.int64")
    if labels.ndim != 1 or not len(labels):
        raise ValueError(f"labels have shape {tuple(labels.shape)}; expected (n,)")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= k:
        raise ValueError(f"labels from {low} to {high}; expected 0 to {k - 1}")
    return Coverage(torch.bincount(labels.cpu(), minlength=k))


@dataclass(frozen=True, eq=False)  # a tensor's == is no truth value
class ModeCount(Coverage):
    """How samples fall on the modes of a mixture whose components are known.

    Attributes:
        counts: (k,), for each mode the samples of high quality that are nearest to it.
        quality: the share of all samples that are of high quality.
    """

    quality: float

    def __str__(self) -> str:
        return (
            f"{self.covered} of {len(self.counts)} modes, "
            f"{self.quality:.1%} of the samples within 3 standard deviations of one"
        )


def modes(
    samples: Float[Tensor, "n d"], means: Float[Tensor, "k d"], std: float
) -> ModeCount:
    """Which modes of a mixture of equal round Gaussians the samples cover.

    A sample is of high quality if its Euclidean distance to the nearest mean is at most
    3 standard deviations, and it counts for that mode. The convention of Srivastava et
    al. (2017, "VEEGAN") and Lin et al. (2018, "PacGAN") for mixtures in the plane. A
    single sample covers a mode, so look at ``counts`` too: some may be much smaller
    than others. Draws of the mixture itself are not all of high quality: in the plane,
    with modes far apart, a share of ``1 - exp(-9/2)``, 98.9 %.

    Args:
        std: of each component, along each axis.

    Raises:
        ValueError: the sets differ in width, one is empty, a number in them is NaN or
            infinite, or ``std`` is not positive.
        TypeError: ``samples`` or ``means`` is no float tensor.

    Example:
        >>> drawn, means = torch.tensor([[0.1], [0.2], [7]]), torch.tensor([[0.0], [1]])
        >>> print(modes(drawn, means, std=0.1))
        1 of 2 modes, 66.7% of the samples within 3 standard deviations of one
    """
    _floats(samples=samples, means=means)
    (n, *d), (k, *width) = samples.shape or [0], means.shape or [0]
    if len(d) != 1 or d != width or 0 in (n, k, *d):
        raise ValueError(
            f"samples {tuple(samples.shape)} and means {tuple(means.shape)}: expected "
            "(n, d) and (k, d), none empty"
        )
    samples, means = finite("samples", samples), finite("means", means)
    near, which = torch.cdist(samples, means).min(1)
    good = near <= 3 * positive("std", std)
    counts = torch.bincount(which[good], minlength=len(means))
    return ModeCount(counts, float(good.double().mean()))


def retrieval(made: Float[Tensor, "n ..."], truth: Float[Tensor, "n ..."]) -> float:
    """Share of what was made that is nearer to its own truth than to any other.

    By squared error over all values. Chance is ``1 / n``, so compare only with equal
    ``n``; where two truths are the same, neither can be found.

    Raises:
        ValueError: the shapes differ, there are fewer than two rows, or a value is NaN
            or infinite.
        TypeError: one is no float tensor.

    Example:
        >>> truth = torch.tensor([[0.0], [1.0], [4.0]])
        >>> round(retrieval(truth + 0.6, truth), 3)  # 0.6 is nearer to 1
        0.667
    """
    _floats(made=made, truth=truth)
    if made.shape != truth.shape or made.ndim < 2 or len(made) < 2 or not made.numel():
        raise ValueError(
            f"made {tuple(made.shape)} and truth {tuple(truth.shape)}: expected one "
            "shape (n, ...), n at least 2"
        )
    made, truth = finite("made", made).flatten(1), finite("truth", truth).flatten(1)
    # The differences themselves: a product of matrices would round near ones to ties.
    far = torch.cdist(made, truth, compute_mode="donot_use_mm_for_euclid_dist")
    own = far.diagonal().clone()
    others = far.fill_diagonal_(math.inf).min(1).values
    return float((own < others).double().mean())


def _floats(**tensors: Any) -> None:
    for name, x in tensors.items():
        if not isinstance(x, Tensor) or not x.is_floating_point():
            kind = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise TypeError(f"{name} are {kind}; expected a float tensor")


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
    classifier: classifiers.FeatureClassifier,
    name: str,
    most: int = 2000,
) -> Comparison:
    """Distances from ``samples`` to ``reference``, and the floor of ``held_out``.

    The floor is what fresh real data scores: ``held_out`` against ``reference``,
    with as many examples as there are samples. The kernel distance and
    precision/recall, which cost memory in pairs, use the first ``most`` of each; and
    precision/recall equally many of both, since the balls of the larger set are the
    smaller ones (Kynkäänniemi et al., 2019, sec. 3.1).

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
    equal = min(most, len(real), len(fake))
    precision, recall = precision_recall(real[:equal], fake[:equal])
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
