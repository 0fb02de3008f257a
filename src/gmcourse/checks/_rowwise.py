"""A function that gives each row the sum over its dimensions."""

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from ._comparisons import pairs

if TYPE_CHECKING:
    from ._trial import Trial

SHAPE = "one number for each row"


def rowwise(
    t: "Trial",
    name: str,
    f: Callable,
    args: tuple,
    each: Callable,
    why: str,
    ideas: Any = None,
    misconception: str | None = None,
    *,
    rows: int = 1,
    grads: bool = True,
    tol: float = 1e-5,
) -> Tensor:
    """``f(*args)`` is the sum of the entries ``each(*args)`` over all axes but the
    first ``rows``: shape, value, and gradients to all float arguments (``grads``).

    ``each`` may be quadrature or brute force, in float64 and differentiable. The first
    use in a check also tests that the result is no estimate and that a batch of one is
    a batch. ``ideas`` holds other entries, as functions of the arguments (or lists of
    them), by the mistake that gives them; the standard mistakes of a sum are tried
    after these. ``misconception`` is for an edge, where the value elsewhere has held
    and only one mistake is left: then the standard ones are not tried.
    """
    args = tuple(leaf(a, grads) for a in args)
    entries = each(*args)
    due = entries.flatten(rows).sum(-1)
    batch, n = tuple(due.shape), entries.flatten(rows).shape[-1]
    begin = SHAPE not in t.properties
    if begin and (n < 3 or len({n, *batch, 1, 2}) < rows + 3):
        raise ValueError(
            f"rows {batch} of {n} entries: mistakes look alike unless all sizes differ "
            f"and are 3 or more"
        )
    if begin:
        t.property(SHAPE)
    out = t.call(f, *args)
    reduced = [s for r in range(rows) for s in itertools.combinations(batch, r)]
    shapes = {
        "not summed over the dimensions": tuple(entries.shape),
        "reduced over the batch": [
            *reduced,
            (1,),
            *[(*kept, *entries.shape[rows:]) for kept in reduced],
        ],
    }
    t.shape(out, batch, "the sum over the dimensions of each row.", ideas=shapes)
    if begin:
        t.property("the same input gives the same number")
        again = t.call(f, *args)
        told = "Nothing random is needed.", "estimated from samples"
        t.close(again, t.tensor(out).detach(), *told, tol=1e-6)

    t.property(name, of=out)
    found = ((k, sums(v, args, rows)) for k, v in pairs(ideas))
    if misconception is None:
        usual = standard(entries.detach().flatten(rows), t.tensor(out).detach())
        found = itertools.chain(found, usual.items())
    t.close(out, due.detach(), why, misconception, found, tol)

    if grads:
        t.property("its gradient: that of the same sum", of=out)
        weight = t.uniform(*batch, low=0.5, high=2)
        for x in [a for a in args if isinstance(a, Tensor) and a.requires_grad]:
            slope = t.grad(due, x, weight)
            told = "The derivative of the same sum.", "cut off from the graph"
            got = t.grad(out, x, weight)
            if slope.isfinite().all():
                t.finite(got, told[0])
            t.close(got, slope, *told, tol=max(1e-4, tol))
    if begin:
        t.property("a batch of one is a batch")
        one = tuple(first_row(a, batch) for a in args)
        few, lost = (
            t.call(f, *one),
            {"batch axis lost": [(), *[(1,) * i for i in range(rows)]]},
        )
        t.shape(few, (1,) * rows, "axes of length one count.", ideas=lost)
        t.close(few, sums(each, one, rows), "The same sum for the first row.", tol=tol)
    return out


def leaf(a: Any, grads: bool) -> Any:
    """A copy that may have a gradient, without the history of the original."""
    if not isinstance(a, Tensor):
        return a
    return a.detach().clone().requires_grad_(grads and a.is_floating_point())


def first_row(a: Any, batch: tuple) -> Any:
    """The part of an argument that belongs to a batch of one."""
    if not isinstance(a, Tensor) or not a.dim():
        return a
    if a.shape[: len(batch)] == batch:
        return a.detach()[(slice(1),) * len(batch)]
    return a.detach()[:1] if a.shape[0] == batch[-1] else a.detach()


def sums(idea: Any, args: tuple, rows: int) -> Any:
    """What an idea gives: a value as it is, a function of the arguments summed."""
    if isinstance(idea, list):
        return [sums(part, args, rows) for part in idea]
    if not callable(idea):
        return idea
    entries: Any = idea(*args)
    return entries.detach().flatten(rows).sum(-1)


def standard(entries: Tensor, out: Tensor) -> dict[str, Any]:
    """What the standard mistakes of a sum of ``(..., n)`` entries give."""
    due, n = entries.sum(-1), entries.shape[-1]
    found = {
        "mean over the dimensions": due / n,
        "reduced over the batch": [
            *[due / b for b in due.shape],
            due.mean().expand_as(due),
            due.sum().expand_as(due),
        ],
        "dimensions left out": [
            *[entries[..., :k].sum(-1) for k in (1, 2, n - 1)],
            entries[..., 1:].sum(-1),
        ],
        "sign flipped": -due,
        "off by a factor of two": [2 * due, due / 2],
        "bits in place of nats": due / math.log(2),
    }
    if out.shape == due.shape and out.numel() > 1:
        found["constant left out"] = due + (out - due).mean()
    return found
