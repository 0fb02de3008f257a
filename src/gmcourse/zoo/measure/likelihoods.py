"""How likely held-out examples are, and how closely they are rebuilt."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ...metrics import bits_per_dim, importance_weighted_bound
from ..sources import Points, Windows
from .base import Measure, Result, by_parts, kind_in_words, number

__all__ = [
    "DivergenceFromTruth",
    "DrawnElbo",
    "EstimatedBound",
    "ImportanceWeightedBound",
    "NegativeElbo",
    "NegativeLogProb",
    "NegativeLogProbOfText",
    "ReconstructionError",
]


@dataclass(frozen=True, kw_only=True)
class _NegativeLogP(Measure):
    """What there is of -log p, in nats per example: one column for all families.

    Attributes:
        per_dim: also in bits per dimension: right where the probability is that
            of 8-bit values.
    """

    per_dim: bool = False

    key = "neg_log_p"
    unit = "nats"

    def of(self, model):
        return "-log p(x)" if model.condition is None else "-log p(x | c)"

    def result(self, neg_log_p: Tensor, model: Any) -> Result:
        result = Result.mean(neg_log_p)
        if self.per_dim:
            bits = bits_per_dim(result.value, model.event_shape)
            result.extra["bits_per_dim"] = bits
        return result

    def cells(self, record):
        text = f"{number(record['value'])} ± {number(record['std_error'])}"
        if self.per_dim:
            text += f" ({number(record['bits_per_dim'], 3)} bits/dim)"
        k = record.get("k")
        draws = "" if k is None else f", {k:,} draw" + "s" * (k > 1)
        what = kind_in_words(record).removesuffix(" on −log p(x)") + draws
        return {"nats": text, "which are": what.replace("|", r"\|")}


@dataclass(frozen=True, kw_only=True)
class NegativeLogProb(_NegativeLogP):
    """-log p(x) where the model has it, exact and normalized."""

    label = "negative log-likelihood"
    kind = "exact"

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)

        def neg_log_p(x: Tensor, c: Tensor | None) -> Tensor:
            return -(model.log_prob(x) if c is None else model.log_prob(x, c))

        return self.result(by_parts(model, neg_log_p, x, c), model)


@dataclass(frozen=True, kw_only=True)
class DivergenceFromTruth(Measure):
    """How many nats a model lies above the entropy of a known truth.

    The Kullback-Leibler divergence ``E_p(x) [log p(x) - log q(x)]`` of the model ``q``
    from the source's ``truth`` (see ``Points``), as the mean over test examples. Truth
    and model are compared at the same points: the mean of ``-log q`` alone scatters
    around the entropy by much more.
    """

    key = "divergence"
    label = "divergence from the truth"
    unit = "nats"
    kind = "estimate"

    def compute(self, model, source):
        x, _ = source.part("test").first(self.n)
        assert isinstance(source, Points)  # its truth is known
        truth = source.truth()

        def excess(x: Tensor, c: Tensor | None) -> Tensor:
            return truth.log_prob(x) - model.log_prob(x)

        entropy = float(truth.entropy)
        return Result.mean(by_parts(model, excess, x, None), entropy=entropy)

    def cells(self, record):
        value, error = (number(record[key], 3) for key in ("value", "std_error"))
        head = f"nats above the entropy, {number(record['entropy'], 4)} (estimate)"
        return {head: f"{value} ± {error}"}


@dataclass(frozen=True, kw_only=True)
class NegativeLogProbOfText(Measure):
    """-log p of a text by a model of windows, in nats a character.

    Each character is predicted once, given those before it in its window. Windows begin
    every half of one; the first counts whole, of the others what is new. So a character
    is told at least half a window, where there is as much before it. ``n`` characters
    are taken; the standard error is that of the means over as many as a window holds.
    """

    key = "nats_per_character"
    label = "negative log-likelihood of a text"
    unit = "nats per character"
    kind = "exact"

    def compute(self, model, source):
        windows = source.part("test").transform
        assert isinstance(windows, Windows)  # the examples are starts
        text, (length,) = windows.text[: self.n], model.event_shape
        last = len(text) - length
        if last < length:
            raise ValueError(f"n is {self.n}; expected two windows, {2 * length}")
        starts = torch.tensor([*range(0, last, length // 2), last])
        new = starts.diff(prepend=torch.tensor([-length]))[:, None]  # of each window

        def neg_log_p(x: Tensor, c: Tensor | None) -> Tensor:
            return -model.likelihood.log_probs(model.params(x), x)

        each = by_parts(model, neg_log_p, text.unfold(0, length, 1)[starts], None)
        nats = each[torch.arange(length) >= length - new]  # in the order of the text
        means = nats[: len(nats) // length * length].view(-1, length).mean(1)
        result, error = Result.mean(nats), Result.mean(means).std_error
        bits = {"bits_per_character": result.value / math.log(2)}
        return dataclasses.replace(result, std_error=error, extra=result.extra | bits)

    def cells(self, record):
        value, error = (number(record[key], 3) for key in ("value", "std_error"))
        bits = number(record["bits_per_character"], 3)
        return {"nats per character (exact)": f"{value} ± {error} ({bits} bits)"}


@dataclass(frozen=True, kw_only=True)
class ImportanceWeightedBound(_NegativeLogP):
    """The negative importance-weighted bound: at least -log p(x) in expectation.

    Attributes:
        k: draws for each example.
        autocast: precision of the networks; with bfloat16 the bound takes half the
            time, and the mean of binary images moves by less than 0.01 nats.
    """

    k: int
    autocast: torch.dtype | None = None

    label = "negative importance-weighted bound"
    kind = "bound"
    side = "upper"

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)
        device = model.device
        c = None if c is None else c.to(device)
        # On a CPU few rows at a time, which stay in its cache.
        rows = 1000 if device.type == "cpu" else 100_000
        with torch.autocast(device.type, self.autocast, self.autocast is not None):
            bound = importance_weighted_bound(model, x.to(device), c, self.k, rows)
        return self.result(-bound, model)


@dataclass(frozen=True, kw_only=True)
class _EstimatedTwice(_NegativeLogP):
    """Minus `estimate`, whose mean is a lower bound of log p(x); abstract.

    Two estimates of each example: what they differ by is the noise of the mean, in nats
    and as one standard error; that over the examples holds it as well.
    """

    kind = "bound"
    side = "upper"
    how: ClassVar[str]

    def estimate(self, model: Any, x: Tensor, c: Tensor | None) -> Tensor:
        """What is measured but for the sign, in nats, ``(b,)``."""
        raise NotImplementedError

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)

        def two(x: Tensor, c: Tensor | None) -> Tensor:
            return torch.stack([-self.estimate(model, x, c) for _ in range(2)], 1)

        both = by_parts(model, two, x, c)
        result = self.result(both.mean(1), model)
        result.extra["noise"] = float(both.diff(dim=1).std() / (4 * len(x)) ** 0.5)
        return result

    def cells(self, record):
        cells = super().cells(record)
        return cells | {"which are": cells["which are"] + f", {self.how}"}


@dataclass(frozen=True, kw_only=True)
class EstimatedBound(_EstimatedTwice):
    """Minus ``model.estimate``, of a lower bound of log p(x) or log p(x) itself.

    For models whose exact value takes a derivative for each pixel.
    """

    label = "negative ELBO by estimated traces"
    how = "traces estimated"

    def estimate(self, model, x, c):
        return model.estimate(x, c)


@dataclass(frozen=True, kw_only=True)
class DrawnElbo(_EstimatedTwice):
    """A diffusion's bound on the probability of values that are whole numbers.

    Attributes:
        levels: how many there are, from 0 to 1.
        smallest: ``sigma / alpha`` of the first step, from where the levels are told.
        draws: steps that are drawn for one estimate.
    """

    levels: int = 256
    smallest: float = 1e-3
    draws: int = 10

    label = "negative ELBO by drawn steps"
    how = "steps drawn"

    def estimate(self, model, x, c):
        how = {"ratios": (self.smallest, 80.0), "levels": self.levels}
        each = [model.elbo(x, c, **how) for _ in range(self.draws)]
        return torch.stack(each).mean(0)


@dataclass(frozen=True, kw_only=True)
class NegativeElbo(Measure):
    """The negative evidence lower bound, one draw per example."""

    key = "elbo"
    label = "negative ELBO"
    unit = "nats"
    kind = "bound"
    side = "upper"

    def of(self, model):
        return "-log p(x)" if model.condition is None else "-log p(x | c)"

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)
        return Result.mean(-by_parts(model, model.elbo, x, c))

    def cells(self, record):
        return {"−ELBO (bound)": number(record["value"])}


@dataclass(frozen=True, kw_only=True)
class ReconstructionError(Measure):
    """Squared reconstruction error per example, summed over its values."""

    key = "error"
    label = "squared reconstruction error"
    unit = "per example"
    kind = "exact"

    def compute(self, model, source):
        x, _ = source.part("test").first(self.n)
        return Result.mean(by_parts(model, lambda x, c: model.error(x), x, None))

    def cells(self, record):
        return {"squared error (exact)": number(record["value"])}
