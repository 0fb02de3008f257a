"""Checks of an exact ``log_prob``: what it is, and what follows it."""

import math

import torch
from torch import Tensor

from ..core import GenerativeModel, Model
from ..settings import seeded
from ._tools import shaken


def log_prob_is_one_number_each(model: Model) -> None:
    model.eval()
    x, c = model.example(5)
    told = () if c is None else (c,)
    values = model.log_prob(x, *told)  # type: ignore[operator]
    assert tuple(values.shape) == (5,), f"log_prob has shape {tuple(values.shape)}"
    parts = [(x[i : i + 1], *(t[i : i + 1] for t in told)) for i in range(5)]
    alone = torch.cat([model.log_prob(*part) for part in parts])  # type: ignore
    close = torch.allclose(values, alone, rtol=1e-4, atol=1e-4)
    assert close, "an example's log_prob depends on the rest of its batch"


def samples_follow_log_prob(model: GenerativeModel) -> None:
    """The mean of ``d log p(x) / d weights`` over the model's own samples is 0.

    It is where ``sample`` and ``log_prob`` describe one distribution and the integral
    of exp(log_prob) does not depend on the weights: a forgotten log-determinant, a
    prior of two kinds, or noise added twice shows, a forgotten constant does not. 40
    groups of 200 samples tell the error of the mean.
    """
    shaken(model.double().eval())
    weights, rows = [p for p in model.parameters() if p.requires_grad], []
    for _ in range(40):
        c = model.example(200)[1]
        told = () if c is None else (c,)
        mean = model.log_prob(model.sample(200, c), *told).mean()  # type: ignore
        found = torch.autograd.grad(mean, weights, materialize_grads=True)
        rows.append(torch.cat([g.flatten() for g in found]))
    scores = torch.stack(rows)
    assert scores.any(), "log_prob does not depend on the weights"
    spread = scores.std(0) / len(rows) ** 0.5
    # An event that was never drawn has no spread: a part of the largest score.
    spread = spread + 3e-3 * scores.abs().max() / len(rows) ** 0.5
    worst = (scores.mean(0).abs() / spread).max()
    # Student's t with 39 degrees of freedom exceeds 9 once in 10^11.
    assert worst < 9, f"the mean score is {worst:.3g} standard errors from 0"


def loss_is_minus_log_prob(model: Model) -> None:
    """Where both have one direction of steepest descent, they have one slope.

    Nothing is said of a loss that is another function (of noisy data, for instance).
    """
    shaken(model.double().eval())
    x, c = model.example(8)
    told = () if c is None else (c,)
    weights = [p for p in model.parameters() if p.requires_grad]

    def slope(value: Tensor) -> Tensor:
        found = torch.autograd.grad(value, weights, materialize_grads=True)
        return torch.cat([g.flatten() for g in found])

    with seeded(0):
        mine = slope(model.loss(x, c))
    due = slope(-model.log_prob(x, *told).mean())  # type: ignore[operator]
    cosine = (mine @ due) / (mine.norm() * due.norm())
    if cosine.abs() > 1 - 1e-9:
        factor = (mine @ due) / (due @ due)
        assert (factor - 1).abs() < 1e-6, f"the loss is {-factor:.4g} times log_prob"


def probabilities_sum_to_one(model: Model) -> None:
    """Of all events, where there are few enough to be counted."""
    model.double().eval()
    values, d = torch.arange(model.levels or 1), math.prod(model.event_shape)
    events = torch.cartesian_prod(*[values] * d).view(-1, *model.event_shape)
    c = model.example(1)[1]
    told = () if c is None else (c.expand(len(events), *c.shape[1:]),)
    with torch.no_grad():
        x = events.to(model.dtype or torch.float64)
        total = model.log_prob(x, *told).exp().sum().item()  # type: ignore[operator]
    assert abs(total - 1) < 1e-6, f"they sum to {total:.6g}"
