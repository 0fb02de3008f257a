"""What is measured of each kind of model, in full and as a quick deterministic check.

The full value is what the results page shows. The quick one uses few examples and a
fixed seed: it is recomputed at every CI run and must come out the same.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .. import data
from ..core import evaluating
from ..metrics import bits_per_dim, compare, iw_log_likelihood
from ..settings import seeded
from .recipes import Recipe

__all__ = ["Measure", "Result", "measures"]


@dataclass(frozen=True)
class Result:
    """A value, its standard error over examples, and what else belongs to it."""

    value: float
    std_error: float
    extra: dict[str, Any]


@dataclass(frozen=True)
class Measure:
    """One column of the results: how to compute it, and how closely it repeats.

    Attributes:
        tolerance: largest difference of a recomputed full value, in its unit.
        full, quick: keyword arguments of ``compute`` for the two settings.
    """

    key: str
    label: str
    unit: str
    compute: Callable[..., Result]
    full: dict[str, int]
    quick: dict[str, int]
    tolerance: float
    quick_tolerance: float

    def run(self, recipe: Recipe, model: Any, *, quick: bool) -> dict[str, Any]:
        """The measured value as a plain record, with the seconds it took."""
        start, how = time.process_time(), self.quick if quick else self.full
        with seeded(0):
            result = self.compute(recipe, model, **how)
        return {
            "value": result.value,
            "std_error": result.std_error,
            **how,
            **result.extra,
            "cpu_seconds": round(time.process_time() - start, 1),
        }


def _test(recipe: Recipe, n: int, split: str = "test") -> tuple[Tensor, Tensor | None]:
    part = data.load(recipe.source.name, split)
    labels = None if recipe.labels is None else recipe.labels(part)[:n]
    return recipe.source.transform(part.x[:n]), labels


def _spread(values: Tensor) -> tuple[float, float]:
    values = values.double()
    return float(values.mean()), float(values.std() / len(values) ** 0.5)


def likelihood(
    recipe: Recipe, model: Any, n: int, k: int, bfloat16: bool = False
) -> Result:
    """Negative importance-weighted bound: nats, and bits/dim for 8-bit data."""
    x, c = _test(recipe, n)
    vae, device = getattr(model, "vae", model), next(model.parameters()).device
    labels = None if c is None else c.to(device)
    rows = 1000 if device.type == "cpu" else 100_000
    with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        bound = iw_log_likelihood(vae, x.to(device), labels, k, rows)
    nats, error = _spread(-bound)
    extra: dict[str, Any] = {"n": len(x)}
    if recipe.source.transform is not data.binarize:
        extra["bits_per_dim"] = bits_per_dim(nats, recipe.source.shape)
    return Result(nats, error, extra)


@torch.no_grad()
def negative_elbo(recipe: Recipe, model: Any, n: int) -> Result:
    """The negative evidence lower bound, one draw per example, in nats."""
    x, c = _test(recipe, n)
    vae, device = getattr(model, "vae", model), next(model.parameters()).device
    labels = [None] * len(x) if c is None else c.to(device).split(500)
    parts = zip(x.to(device).split(500), labels)
    value, error = _spread(-torch.cat([vae.elbo(u, v) for u, v in parts]))
    return Result(value, error, {"n": len(x)})


@torch.no_grad()
def reconstruction(recipe: Recipe, model: Any, n: int) -> Result:
    """Squared reconstruction error per example, summed over its values."""
    x, _ = _test(recipe, n)
    x = x.to(next(model.parameters()).device)
    errors = [model.autoencoder.error(part) for part in x.split(500)]
    return Result(*_spread(torch.cat(errors)), {"n": len(x)})


def sample_distance(recipe: Recipe, model: Any, n: int) -> Result:
    """Fréchet distance of samples to the training set, beside its floor."""
    from . import load

    held_out, labels = _test(recipe, n)
    reference, _ = _test(recipe, 10 * n, "train")
    n = len(held_out)  # as many samples as there is held-out data, at most n
    drawn = []
    for start in range(0, n, 500):
        c = None if labels is None else labels[start : start + 500]
        drawn.append(model.sample(min(500, n - start), c).cpu())
    name = f"classifier-{recipe.source.name.split('_')[0]}"
    result = compare(torch.cat(drawn), reference, held_out, load(name), name)
    extra = {
        "n": n,
        "floor": result.frechet_floor,
        "kernel": result.kernel,
        "kernel_floor": result.kernel_floor,
        "precision": result.precision,
        "recall": result.recall,
        "features": name,
    }
    return Result(result.frechet, 0.0, extra)


@torch.no_grad()
def accuracy(recipe: Recipe, model: Any, n: int) -> Result:
    """Share of test examples whose labels are all right, in percent."""
    x, c = _test(recipe, n)
    assert c is not None
    x, c = x.to(next(model.parameters()).device), c.to(next(model.parameters()).device)
    hits = []
    with evaluating(model):
        for part, labels in zip(x.split(500), c.split(500)):
            pairs = zip(model(part), model.split_labels(labels))
            hits.append(torch.stack([u.argmax(1) == v for u, v in pairs]).all(0))
    value, error = _spread(100.0 * torch.cat(hits))
    return Result(value, error, {"n": len(x)})


def _nll(full: dict[str, int], quick: dict[str, int], tolerance: float) -> Measure:
    label = "negative importance-weighted bound"
    return Measure("nll", label, "nats", likelihood, full, quick, tolerance, 0.05)


_ELBO = Measure(
    "elbo", "negative ELBO", "nats", negative_elbo, {"n": 10**4}, {"n": 500}, 0.2, 0.05
)
_DISTANCE = Measure(
    "frechet",
    "Fréchet distance",
    "squared feature units",
    sample_distance,
    {"n": 10**4},
    {"n": 300},
    0.5,
    0.05,
)
_AE_ERROR = Measure(
    "error",
    "squared reconstruction error",
    "per example",
    reconstruction,
    {"n": 10**4},
    {"n": 500},
    0.02,
    0.01,
)
_ACCURACY = Measure(
    "accuracy", "test accuracy", "%", accuracy, {"n": 10**4}, {"n": 500}, 0.1, 0.3
)


def measures(recipe: Recipe) -> tuple[Measure, ...]:
    """What is measured of this recipe's kind of model."""
    if recipe.kind == "classifier":
        return (_ACCURACY,)
    if recipe.kind == "ae":
        return (_AE_ERROR, _DISTANCE)
    if recipe.bfloat16:
        # Half the time, and the mean moves by less than 0.01 nats.
        full = {"n": 10**4, "k": recipe.draws, "bfloat16": True}
        nll = _nll(full, {"n": 100, "k": 100}, 0.05)
    else:
        nll = _nll({"n": 2000, "k": recipe.draws}, {"n": 50, "k": 20}, 1.0)
    return (nll, _ELBO, _DISTANCE)
