"""The tools of a check: inputs, calls, properties, comparisons, distribution tests."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ._engine import Exercise, Stop, excerpt, missing, stub

ALPHA = 1e-6  # false alarms of one distribution test


class Trial:
    """One run of one check.

    In all comparisons ``why`` says what is expected and why, ``misconception`` names
    the likely mistake, and ``ideas`` maps the names of mistakes to what each would
    give (several values in a list): the first that fits is named instead.
    """

    def __init__(self, exercise: Exercise, answers: list, seed: int):
        self.properties: list[str] = []
        self.args: tuple = ()
        self.called = ""
        self.false_alarm = 0.0
        self.names = dict(zip(map(id, answers), exercise.answers))
        self.rng = torch.Generator("cpu").manual_seed(seed)

    # Inputs: float32 on the CPU, rounded to 0.01 so that they print as they are.

    def uniform(self, *shape: int, low: float, high: float) -> Tensor:
        x = torch.rand(shape, generator=self.rng, device="cpu", dtype=torch.float32)
        return ((low + (high - low) * x) * 100).round() / 100

    def normal(self, *shape: int, mean: float = 0.0, std: float = 1.0) -> Tensor:
        x = torch.randn(shape, generator=self.rng, device="cpu", dtype=torch.float32)
        return ((mean + std * x) * 100).round() / 100

    def away(self, *shape: int, low: float, high: float) -> Tensor:
        """Uniform on [low, high], with a random sign."""
        return self.uniform(*shape, low=low, high=high) * (
            2 * self.integers(*shape, low=0, high=1) - 1
        )

    def integers(self, *shape: int, low: int, high: int) -> Tensor:
        """Uniform on low, ..., high, both included; int64."""
        return torch.randint(low, high + 1, shape, generator=self.rng, device="cpu")

    def integer(self, low: int, high: int) -> int:
        return int(self.integers(low=low, high=high))

    # The learner's code.

    def call(self, f: Callable, *args: Any, **kwargs: Any) -> Any:
        """``f(*args, **kwargs)`` on copies of the tensors; gradients flow through them.

        Ends the run if it is a stub, raises, or changes its inputs or global state.
        """
        owner, home = getattr(f, "__self__", f), torch.device("cpu")
        if isinstance(owner, nn.Module):
            home = next((p.device for p in owner.parameters()), home)
        copies = [a.clone().to(home) if isinstance(a, Tensor) else a for a in args]
        self.called = self.names.get(id(f), "")
        self.name = self.called or getattr(f, "__name__", type(f).__name__)
        self.args, before = args, torch.initial_seed()
        out = self.guard(f, *copies, **kwargs)
        if missing(out):
            raise Stop("not attempted", got=f"{self.name} returned {stub(out)}")
        if torch.initial_seed() != before:
            self.spoiled("global random state reseeded", "The seed was set.")
        if not torch.is_grad_enabled():
            self.spoiled("gradients switched off globally", "Grad mode is off.")
        for i, (a, b) in enumerate(zip(args, copies)):
            if isinstance(a, Tensor) and not torch.equal(a, b.to(a.device)):
                self.spoiled("input changed in place", f"Argument {i} has changed.")
        return out

    def guard(self, f: Callable, *args: Any, **kwargs: Any) -> Any:
        """Run ``f``; an exception there is the learner's, not the check's."""
        try:
            return f(*args, **kwargs)
        except NotImplementedError:
            raise Stop("not attempted", got="NotImplementedError was raised.") from None
        except Exception as error:
            raise Stop("error", got=excerpt(error)) from None

    def spoiled(self, misconception: str, got: str):
        self.property("a call changes nothing but what it returns")
        self.fail(misconception, why="Inputs and global state as before.", got=got)

    def describe(self) -> str:
        """The last call, tensors of up to four entries written out."""
        return f"{self.name}({', '.join(map(literal, self.args))})" if self.args else ""

    # Properties.

    def property(self, name: str):
        """Say what is tested from here on."""
        self.properties.append(name)

    def fail(self, misconception: str | None = None, *, why: str, got: str):
        raise Stop("not yet", misconception, expected=why, got=got)

    def true(self, held: Any, why: str, got: str, misconception: str | None = None):
        if not bool(held):
            self.fail(misconception, why=why, got=got)

    def tensor(self, out: Any) -> Tensor:
        """``out`` on the CPU, in its graph; a number becomes a tensor."""
        if isinstance(out, bool | int | float | np.number):
            out = torch.as_tensor(out, device="cpu")
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

        ``expected``: a tensor of the same shape, or one number for all entries.
        """
        out = self.tensor(out).detach().double()
        expected = torch.as_tensor(expected).detach().cpu().double()
        if expected.dim():
            self.shape(out, expected.shape, why)
        bad = far(out, expected, tol)
        if not bad.any():
            return
        got, due = out[bad][0], expected.expand_as(out)[bad][0]
        text = f"{got:.6g} where {due:.6g} is due"
        if out.dim():
            text += f", at {bad.nonzero()[0].tolist()}"
            text += f"; {int(bad.sum())} of {out.numel()} entries are off"
        name = first(ideas, lambda v: not far(out, v, 10 * tol).any())
        self.fail(name or misconception, why=why, got=text)

    def equal(self, out, expected, why, misconception=None, ideas=None):
        self.close(out, expected, why, misconception, ideas, tol=0.0)

    def at_most(self, out, bound, why, misconception=None, ideas=None):
        """Every entry at most ``bound``; an idea fits from its value upward."""
        worst = float(self.tensor(out).detach().double().max())
        if not worst <= bound:
            name = first(ideas, lambda v: worst >= v)
            self.fail(name or misconception, why=why, got=f"{worst:.6g} > {bound:.6g}")

    def at_least(self, out, bound, why, misconception=None, ideas=None):
        """Every entry at least ``bound``; an idea fits from its value downward."""
        worst = float(self.tensor(out).detach().double().min())
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
        return self.guard(torch.autograd.grad, out, wrt, weight, **how)[0].detach()

    # Distribution tests: each rejects a right sampler with probability <= ALPHA.
    # Draws are columns, (n,) or (n, k), of n >= 1,000 independent rows.

    def mean(self, x, mean, std, why, misconception=None, ideas=None):
        """z-test of each column's mean, its standard deviation being ``std``."""
        x, std = columns(self.tensor(x)), torch.as_tensor(std).detach().double()
        seen = x.mean(0)
        p = lambda v: two_sided((seen - v) / std * len(x) ** 0.5)  # noqa: E731
        self.decide(p, mean, why, misconception, ideas, "mean", seen)

    def std(self, x, std, why, misconception=None, ideas=None):
        """Chi-square test of the standard deviation of each column of normal draws,
        in the approximation of Wilson & Hilferty (1931)."""
        x = columns(self.tensor(x))
        seen, c = x.std(0), 2 / (9 * (len(x) - 1))
        p = lambda v: two_sided(((seen / v) ** 2) ** (1 / 3) - 1 + c, c**0.5)  # noqa: E731
        self.decide(p, std, why, misconception, ideas, "standard deviation", seen)

    def frequencies(self, counts, probs, why, misconception=None, ideas=None):
        """Chernoff's bound for each of the ``(k,)`` counts of independent draws."""
        counts = self.tensor(counts).detach().double()
        n, seen = counts.sum(), counts / counts.sum()

        def p(v):
            q, v = torch.stack([seen, 1 - seen]), torch.stack([v, 1 - v])
            rate = (torch.xlogy(q, q) - torch.xlogy(q, v)).sum(0)
            return (2 * torch.exp(-n * rate)).clamp(max=1)

        self.decide(p, probs, why, misconception, ideas, "frequency", seen)

    def distribution(self, x, cdf, why, misconception=None, ideas=None):
        """All entries against a continuous ``cdf``, by the inequality of Dvoretzky,
        Kiefer & Wolfowitz with Massart's constant (1990). Ideas are cdfs."""
        x = self.tensor(x).detach().double().flatten().sort().values
        steps = torch.arange(len(x) + 1, dtype=torch.float64) / len(x)

        def gap(cdf):
            u = cdf(x)
            return torch.maximum((u - steps[:-1]).abs(), (u - steps[1:]).abs()).max()

        p = lambda cdf: 2 * torch.exp(-2 * len(x) * gap(cdf) ** 2)  # noqa: E731
        text = f"distribution function off by {gap(cdf):.3g}"
        self.decide(p, cdf, why, misconception, ideas, text)

    def independent(self, x, why, misconception=None):
        """Rank correlations between all pairs of columns, of values and of sizes."""
        x = columns(self.tensor(x))
        sizes = (x - x.median(0).values).abs()
        both = [v.argsort(0).argsort(0).double().T.corrcoef() for v in (x, sizes)]
        pairs = torch.ones(x.shape[1], x.shape[1]).triu(1).bool()
        r = torch.cat([c[pairs] for c in both])
        text = f"a rank correlation of {r[r.abs().argmax()]:.3g}"
        p = lambda v: two_sided((r - v) * (len(x) - 1) ** 0.5)  # noqa: E731
        self.decide(p, 0.0, why, misconception, None, text)

    def decide(self, p, value, why, misconception, ideas, what, seen=None):
        """Fail if the smallest of the p-values of ``value`` is too small."""

        def plausible(v):
            v = v if callable(v) else torch.as_tensor(v).detach().double()
            tests = p(v).nan_to_num(0.0).flatten()
            return bool(tests.min() * len(tests) >= ALPHA)

        self.false_alarm += ALPHA
        if plausible(value):
            return
        if seen is not None:
            value = torch.as_tensor(value).detach().double()
            i = int(p(value).nan_to_num(0.0).argmin())
            what += f" {seen[i]:.4g} where {value.expand_as(seen)[i]:.4g} is due"
            what += f", in column {i}" if len(seen) > 1 else ""
        self.fail(first(ideas, plausible) or misconception, why=why, got=what)


def literal(value: Any) -> str:
    if not isinstance(value, Tensor):
        text = repr(value)
        return text if len(text) <= 30 else type(value).__name__
    if value.numel() > 4:
        return f"{str(value.dtype)[6:]} {tuple(value.shape)}"
    entries = value.detach().cpu()
    if value.dtype.is_floating_point:
        entries = entries.double().mul(1e6).round().div(1e6)
    double = ", dtype=torch.float64" if value.dtype == torch.float64 else ""
    return f"torch.tensor({entries.tolist()}{double})"


def first(ideas: dict | None, fits: Callable) -> str | None:
    """The first name with a value that fits."""
    for name, values in (ideas or {}).items():
        if any(map(fits, values if isinstance(values, list) else [values])):
            return name
    return None


def far(a: Tensor, b: Any, tol: float) -> Tensor:
    """Where two arrays differ; nan differs from all."""
    b = torch.as_tensor(b).detach().cpu().double()
    if b.dim() and a.shape != b.shape:
        return torch.tensor(True)
    near = b.isfinite() & ((a - b).abs() <= tol * (1 + b.abs()))
    return ~(near | (a == b))


def columns(x: Tensor) -> Tensor:
    x = x.detach().double()
    return x[:, None] if x.dim() == 1 else x.flatten(1)


def two_sided(z: Tensor, scale: float = 1.0) -> Tensor:
    """P(|Z| >= z / scale) for a standard normal Z."""
    return torch.erfc((z / scale).abs() / 2**0.5)
