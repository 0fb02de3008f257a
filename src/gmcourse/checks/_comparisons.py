"""What a check can say about what came out: comparisons and distribution tests."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ._exercise import Stop
from ._relations import relation
from ._statistics import (
    columns,
    gap,
    numbers,
    p_distribution,
    p_frequencies,
    p_mean,
    p_std,
    rank_correlations,
    two_sided,
)

ALPHA = 1e-6  # false alarms of one distribution test
SINGLE = 1e-5  # of the largest entry: what float32 can be held to


class Comparisons:
    """In all of them ``why`` says what is expected and why, ``misconception`` names
    the mistake if nothing else can be the cause, and ``ideas`` maps the names of
    mistakes to what each would give (several values in a list): the first that fits is
    named. An iterator of such pairs (see _parts) is not run before. Where no name is
    earned, none is given: what differs is said in any case.
    """

    def __init__(self):
        self.properties: list[str] = []
        self.false_alarm = 0.0

    def about(self, out: Any):
        """Show the call that gave ``out``, if one did, in what is said from here on."""

    def arguments(self) -> tuple:
        """Those of the call that is shown."""
        return ()

    # Properties.

    def property(self, name: str, of: Any = None):
        """Say what is tested from here on, and by the result of which call.

        A report shows the last call, or that of the result which is compared. ``of``
        is needed where what is compared was computed from an earlier result.
        """
        if name in self.properties:  # tested again, with other inputs
            self.properties.remove(name)
        self.properties.append(name)
        self.about(of)

    def fail(self, misconception: str | None = None, *, why: str, got: str):
        raise Stop("not yet", misconception, expected=why, got=got)

    def true(self, held: Any, why: str, got: str, misconception: str | None = None):
        if not bool(held):
            self.fail(misconception, why=why, got=got)

    def tensor(self, out: Any) -> Tensor:
        """``out`` on the CPU, in its graph; a number becomes a tensor."""
        self.about(out)
        if isinstance(out, bool | int | float | np.number):
            double = type(out) is float  # which is not rounded to float32
            out = torch.as_tensor(
                out, device="cpu", dtype=torch.double if double else None
            )
        why, got = "A tensor is due here.", f"an object of type {type(out).__name__}"
        self.true(isinstance(out, Tensor), why, got, "not a tensor")
        return out.cpu()

    def shape(self, out, shape, why, misconception="wrong shape", ideas=None):
        got, shape = tuple(self.tensor(out).shape), tuple(shape)
        if got != shape:
            name = first(ideas, lambda v: tuple(v) == got)
            self.fail(name or misconception, why=f"{shape}: {why}", got=str(got))

    def dtype(self, out, dtype, why, misconception="wrong dtype"):
        got = self.tensor(out).dtype
        self.true(got == dtype, f"{dtype}: {why}", str(got), misconception)

    def finite(self, out, why, misconception="not finite"):
        out = self.tensor(out)
        bad = int((~torch.isfinite(out)).sum())
        got = f"{bad} of {out.numel()} entries are inf or nan"
        self.true(bad == 0, why, got, misconception)

    def close(self, out, expected, why, misconception=None, ideas=None, tol=1e-5):
        """``|out - expected| <= tol (1 + |expected|)`` in every entry.

        ``expected``: a tensor of the same shape, or one number for all entries. A
        result in float32 is held to 1e-5 of the largest entry, unless ``tol`` is 0.
        """
        out, expected = self.tensor(out), numbers(expected)
        single = tol > 0 and out.dtype == torch.float32
        out = numbers(out)
        if expected.dim():
            self.shape(out, expected.shape, why)
        bad = far(out, expected, tol)
        if single and bad.any():
            size = expected[expected.isfinite()].abs()
            bad &= ~(
                (out - expected).abs() <= SINGLE * (size.max() if len(size) else 0.0)
            )
        if not bad.any():
            return
        got, due = out[bad][0], expected.expand_as(out)[bad][0]
        text = f"{got:.6g} where {due:.6g} is due"
        if out.dim():
            text += f", at {bad.nonzero()[0].tolist()}"
            text += f"; {int(bad.sum())} of {out.numel()} entries are off"
        told = relation(out, expected.expand_as(out), bad, self.arguments())
        text += f": {told}" if told else ""
        name = first(ideas, lambda v: not far(out, v, 10 * tol).any())
        self.fail(name or misconception, why=why, got=text)

    def equal(self, out, expected, why, misconception=None, ideas=None):
        self.close(out, expected, why, misconception, ideas, tol=0.0)

    def at_most(self, out, bound, why, misconception=None, ideas=None):
        """Every entry at most ``bound``; an idea fits from its value upward."""
        worst = float(numbers(self.tensor(out)).max())
        if not worst <= bound:
            name = first(ideas, lambda v: worst >= v)
            self.fail(name or misconception, why=why, got=f"{worst:.6g} > {bound:.6g}")

    def at_least(self, out, bound, why, misconception=None, ideas=None):
        """Every entry at least ``bound``; an idea fits from its value downward."""
        worst = float(numbers(self.tensor(out)).min())
        if not worst >= bound:
            name = first(ideas, lambda v: worst <= v)
            self.fail(name or misconception, why=why, got=f"{worst:.6g} < {bound:.6g}")

    def grad(self, out, wrt: Tensor, weight: Tensor | None = None) -> Tensor:
        """d(sum of out · weight)/d wrt; zeros where nothing connects them."""
        out = self.tensor(out)
        if not out.requires_grad:
            return torch.zeros_like(wrt)
        weight = torch.ones_like(out) if weight is None else weight.to(out)
        how = {"retain_graph": True, "allow_unused": True, "materialize_grads": True}
        return torch.autograd.grad(out, wrt, weight, **how)[0].detach()

    # Distribution tests: see _statistics. Each rejects a right sampler with
    # probability ALPHA at most. Draws are columns, (n,) or (n, k), n >= 1,000.

    def mean(self, x, mean, std, why, misconception=None, ideas=None):
        """Each column's mean; the draws are normal or bounded, their ``std`` known."""
        x, std = columns(self.tensor(x)), numbers(std)
        p, told = lambda v: p_mean(x, v, std), (why, misconception, ideas)
        self.decide(p, mean, *told, "mean", x.mean(0))

    def std(self, x, std, why, misconception=None, ideas=None):
        """Each column's standard deviation; the draws are normal."""
        x = columns(self.tensor(x))
        told = why, misconception, ideas
        self.decide(lambda v: p_std(x, v), std, *told, "standard deviation", x.std(0))

    def frequencies(self, counts, probs, why, misconception=None, ideas=None):
        """The ``(k,)`` counts of independent draws from k outcomes."""
        n = numbers(self.tensor(counts))
        p, told = lambda v: p_frequencies(n, v), (why, misconception, ideas)
        self.decide(p, probs, *told, "frequency", n / n.sum())

    def distribution(self, x, cdf, why, misconception=None, ideas=None):
        """All entries against a continuous ``cdf``; ideas are other cdfs."""
        x = numbers(self.tensor(x)).flatten()
        p, told = lambda v: p_distribution(x, v), (why, misconception, ideas)
        self.decide(p, cdf, *told, f"distribution function off by {gap(x, cdf):.3g}")

    def independent(self, x, why, misconception=None):
        """All pairs of columns, by the ranks of their values and of their sizes."""
        x = columns(self.tensor(x))
        r = rank_correlations(x)
        text = f"a rank correlation of {r[r.abs().argmax()]:.3g}"
        p = lambda _: two_sided(r * (len(x) - 1) ** 0.5)  # noqa: E731
        self.decide(p, 0.0, why, misconception, None, text)

    def decide(self, p, value, why, misconception, ideas, what, seen=None):
        """Fail if the smallest of the p-values of ``value`` is too small."""

        def plausible(v):
            tests = p(v if callable(v) else numbers(v)).nan_to_num(0.0).flatten()
            return bool(tests.min() * len(tests) >= ALPHA)

        self.false_alarm += ALPHA
        if plausible(value):
            return
        if seen is not None:
            value = numbers(value)
            i = int(p(value).nan_to_num(0.0).argmin())
            what += f" {seen[i]:.4g} where {value.expand_as(seen)[i]:.4g} is due"
            what += f", in column {i}" if len(seen) > 1 else ""
        self.fail(first(ideas, plausible) or misconception, why=why, got=what)


def first(ideas: Any, fits: Callable) -> str | None:
    """The first name with a value that fits."""
    for name, values in pairs(ideas):
        if any(map(fits, values if isinstance(values, list) else [values])):
            return name
    return None


def pairs(ideas: Any) -> Iterable[tuple[str, Any]]:
    """Names and values, of a dict or as they come."""
    return ideas.items() if isinstance(ideas, dict) else ideas or ()


def far(a: Tensor, b: Any, tol: float) -> Tensor:
    """Where two arrays differ; nan differs from all."""
    b = numbers(b)
    if b.dim() and a.shape != b.shape:
        return torch.tensor(True)
    near = b.isfinite() & ((a - b).abs() <= tol * (1 + b.abs()))
    return ~(near | (a == b))
