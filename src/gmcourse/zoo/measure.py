"""What is measured of a model: each measure with its own settings.

The full value is what the results page shows. The quick one uses few examples and a
fixed seed: it is recomputed at every run of the tests and must come out the same.
How a number was measured never depends on how the model was trained: a recipe names
its measures, with their settings.
"""

import dataclasses
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..core import evaluating
from ..metrics import (
    ModeCount,
    bits_per_dim,
    compare,
    coverage,
    importance_weighted_bound,
    modes,
    retrieval,
)
from ..molecules import read, score, valid
from ..settings import seeded
from .sources import Molecules, Source, Windows, stacked_label

__all__ = [
    "Accuracy",
    "AsTold",
    "DrawnMolecules",
    "HighQuality",
    "ImportanceWeightedBound",
    "Measure",
    "ModesCovered",
    "NegativeElbo",
    "NegativeLogProb",
    "NegativeLogProbOfText",
    "ReconstructionError",
    "Result",
    "SampleDistance",
    "StacksCovered",
    "TranslationError",
    "by_parts",
    "kind_in_words",
]


@dataclass(frozen=True)
class Result:
    """A value, its standard error over examples, and what else belongs to it."""

    value: float
    std_error: float
    extra: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def mean(cls, values: Tensor, **extra: Any) -> "Result":
        """The mean over examples."""
        values, n = values.double(), len(values)
        return cls(float(values.mean()), float(values.std() / n**0.5), {"n": n} | extra)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number of a model: how it is computed, and how closely it repeats; abstract.

    Attributes:
        n: examples, or as many as there are.
        tolerance: largest difference of a recomputed value, in its unit.
        quick: the same measure with few examples, for the tests.
        key, label, unit: its name on a card, in words, and what it counts.
        kind: ``"exact"``, ``"bound"`` or ``"estimate"``.
        side, of: of a bound, ``"upper"`` or ``"lower"``, and the quantity that it is a
            bound on. ``of`` is empty where the label says it.
    """

    n: int
    tolerance: float
    quick: "Measure | None" = None

    key: ClassVar[str]
    label: ClassVar[str]
    unit: ClassVar[str]
    kind: ClassVar[str]
    side: ClassVar[str] = ""

    def of(self, model: Any) -> str:
        return ""

    def compute(self, model: Any, source: Source) -> Result:
        """The value for a model on its set, on the model's device."""
        raise NotImplementedError(f"{type(self).__name__} does not define compute")

    def cells(self, record: dict[str, Any]) -> dict[str, str]:
        """Columns of the results page, and what stands in them, from a card's record.

        Models with a column in common stand in one table.
        """
        return {f"{self.label} ({self.kind})": number(record["value"])}

    def run(self, model: Any, source: Source) -> dict[str, Any]:
        """The measured value as a plain record, with the seconds it took."""
        start = time.process_time()
        with seeded(0):
            result = self.compute(model, source)
        return {
            "value": result.value,
            "std_error": result.std_error,
            **self.settings(),
            **result.extra,
            "cpu_seconds": round(time.process_time() - start, 1),
        }

    def record(self, model: Any, source: Source) -> dict[str, Any]:
        """What a card holds: what is measured, its kind, the full and the quick run."""
        words = {"label": self.label, "unit": self.unit, "kind": self.kind}
        words |= {k: v for k, v in (("side", self.side), ("of", self.of(model))) if v}
        quick = {} if self.quick is None else {"quick": self.quick.run(model, source)}
        full = self.run(model, source)
        return {**words, "tolerance": self.tolerance, **full, **quick, "seeds": {}}

    def settings(self) -> dict[str, Any]:
        """The fields that decide the value, as JSON has them."""
        names = [f.name for f in dataclasses.fields(self)]
        values = {k: getattr(self, k) for k in names if k not in ("tolerance", "quick")}
        return {
            k: str(v).removeprefix("torch.") if isinstance(v, torch.dtype) else v
            for k, v in values.items()
        }


def number(value: float, digits: int = 2) -> str:
    """For a table: ``1,801.14``."""
    return f"{value:,.{digits}f}"


def kind_in_words(record: dict[str, Any]) -> str:
    """``exact``, ``estimate``, or ``upper bound on −log p(x)``."""
    if "side" in record:
        return f"{record['side']} bound on {record['of'].replace('-log', '−log')}"
    return record["kind"]


@torch.no_grad()
def by_parts(
    model: Any,
    f: Callable[[Tensor, Tensor | None], Tensor],
    x: Tensor,
    c: Tensor | None,
    size: int = 500,
) -> Tensor:
    """``f(x, c)``, one row an example, ``size`` at a time on the model's device.

    In eval mode; the rows come back to the CPU.
    """
    rows = []
    with evaluating(model):
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            told = None if c is None else c[part].to(model.device)
            rows.append(f(x[part].to(model.device), told).cpu())
    return torch.cat(rows)


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
        draws = f", {record['k']:,} draws" if "k" in record else ""
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


@dataclass(frozen=True, kw_only=True)
class SampleDistance(Measure):
    """Fréchet distance of samples to the training set, beside that of held-out data.

    Attributes:
        judge: the entry whose features are compared.
    """

    judge: str

    key = "frechet"
    label = "Fréchet distance"
    unit = "squared feature units"
    kind = "estimate"

    def compute(self, model, source):
        from . import load  # the judge is an entry too

        held_out, c = source.part("test").first(self.n)
        reference, _ = source.part("train").first(10 * self.n)
        # As many samples as there is held-out data.
        drawn = by_parts(model, lambda x, c: model.sample(len(x), c), held_out, c)
        result = compare(drawn, reference, held_out, load(self.judge), self.judge)
        extra = {
            "n": len(drawn),
            "floor": result.frechet_floor,
            "kernel": result.kernel,
            "kernel_floor": result.kernel_floor,
            "precision": result.precision,
            "recall": result.recall,
        }
        return Result(result.frechet, 0.0, extra)

    def cells(self, record):
        value, floor = number(record["value"]), number(record["floor"])
        both = f"{number(record['precision'])} / {number(record['recall'])}"
        return {
            f"Fréchet distance (estimate; floor {floor})": value,
            "precision / recall": both,
        }


@dataclass(frozen=True, kw_only=True)
class Accuracy(Measure):
    """Share of test examples whose labels are all right."""

    key = "accuracy"
    label = "test accuracy"
    unit = "%"
    kind = "exact"

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)

        def hits(x: Tensor, c: Tensor | None) -> Tensor:
            pairs = zip(model(x), model.split_labels(c))
            return torch.stack([u.argmax(1) == v for u, v in pairs]).all(0)

        return Result.mean(100.0 * by_parts(model, hits, x, c))

    def cells(self, record):
        return {"accuracy": f"{number(record['value'], 1)} % of {record['n']:,}"}


@dataclass(frozen=True, kw_only=True)
class AsTold(Measure):
    """Share of samples that a classifier reads as the label that the model was told.

    One sample for each test example, with its label; beside it the share of these
    examples themselves that are read right, ``real``.

    Attributes:
        judge: the entry that reads a label.
        temperature: of the samples.
    """

    judge: str
    temperature: float = 1.0

    key = "as_told"
    label = "samples read as told"
    unit = "%"
    kind = "estimate"

    def compute(self, model, source):
        from . import load  # the judge is an entry too

        x, c = source.part("test").first(self.n)
        judge, how = load(self.judge).to(model.device), self.temperature

        def right(x: Tensor, c: Any) -> Tensor:
            return 100.0 * (judge(x)[0].argmax(1) == c)

        def of_a_sample(x: Tensor, c: Any) -> Tensor:
            return right(model.sample(len(x), c, temperature=how), c)

        real = by_parts(judge, right, x, c)
        drawn = by_parts(model, of_a_sample, x, c, 100)
        return Result.mean(drawn, real=float(real.mean()))

    def cells(self, record):
        error = number(record["std_error"], 1)
        head = f"read as told (estimate, %; real data {number(record['real'], 1)})"
        return {head: f"{number(record['value'], 1)} ± {error}"}


@dataclass(frozen=True, kw_only=True)
class _OfModes(Measure):
    """Draws beside the modes of a mixture of equal round Gaussians.

    The source knows the ``truth`` (see ``Points``). There are as many draws as test
    examples, whose own figure is the floor.
    """

    kind = "estimate"

    def counted(self, model: Any, source: Any) -> tuple[int, ModeCount, ModeCount]:
        """How many draws; what is found of them, and of the test examples."""
        real, _ = source.part("test").first(self.n)
        truth = source.truth()
        drawn = by_parts(model, lambda x, c: model.sample(len(x)), real, None)
        std = float(truth.covs[0, 0, 0].sqrt())
        found = modes(drawn, truth.means, std)
        return len(real), found, modes(real, truth.means, std)


@dataclass(frozen=True, kw_only=True)
class ModesCovered(_OfModes):
    """Modes with at least one draw within 3 standard deviations."""

    key = "modes"
    label = "modes covered"
    unit = "modes"

    def compute(self, model, source):
        n, drawn, _ = self.counted(model, source)
        extra = {"n": n, "all": len(drawn.counts), "least": int(drawn.counts.min())}
        return Result(float(drawn.covered), 0.0, extra)

    def cells(self, record):
        of = f"modes covered (estimate; of {record['all']})"
        return {of: number(record["value"], 0)}


@dataclass(frozen=True, kw_only=True)
class HighQuality(_OfModes):
    """Share of draws within 3 standard deviations of a mode."""

    key = "quality"
    label = "samples of high quality"
    unit = "%"

    def compute(self, model, source):
        n, *found = self.counted(model, source)
        drawn, real = (100 * part.quality for part in found)
        error = (drawn * (100 - drawn) / n) ** 0.5
        return Result(drawn, error, {"n": n, "floor": real})

    def cells(self, record):
        floor = number(record["floor"], 1)
        text = f"{number(record['value'], 1)} ± {number(record['std_error'], 1)}"
        return {f"high quality (estimate, %; real data {floor})": text}


@dataclass(frozen=True, kw_only=True)
class TranslationError(Measure):
    """How far translations are from the true images of held-out pairs.

    Beside it the share of those whose nearest true image is their own,
    `gmcourse.metrics.retrieval`.
    """

    key = "translation"
    label = "mean absolute error"
    unit = "of the range of a value"
    kind = "estimate"

    def compute(self, model, source):
        truth, c = source.part("test").first(self.n)
        made = by_parts(model, lambda x, c: model.sample(len(x), c), truth, c)
        off = (made - truth).abs().flatten(1).mean(1)
        return Result.mean(off, own=retrieval(made, truth))

    def cells(self, record):
        own = f"nearest is its own pair (estimate; of {record['n']})"
        error = "mean absolute error (estimate)"
        return {error: number(record["value"], 3), own: f"{record['own']:.0%}"}


@dataclass(frozen=True, kw_only=True)
class StacksCovered(Measure):
    """Of the 1,000 stacks of three digits, those that are drawn, and how evenly.

    Each channel is read by a classifier. As many draws as test examples, which are
    read as well: their divergence is the floor. 26,000 by the convention of
    ``gmcourse.metrics.coverage``.

    Attributes:
        judge: the entry that reads a digit.
    """

    judge: str

    key = "stacks"
    label = "modes covered"
    unit = "modes"
    kind = "estimate"

    def compute(self, model, source):
        from . import load  # the judge is an entry too

        part = source.part("test")
        assert part.transform is not None  # rows are indices
        see = part.transform
        judge, rows = load(self.judge).to(model.device), part.x[: self.n]

        def read(x: Tensor) -> Tensor:
            digits = judge(x.flatten(0, 1)[:, None])[0].argmax(1)
            return stacked_label(digits.view(-1, 3))

        drawn = by_parts(model, lambda x, c: read(model.sample(len(x))), rows, None)
        real = by_parts(model, lambda x, c: read(see(x)), rows, None)
        found, floor = coverage(drawn, 1000), coverage(real, 1000)
        extra = {"n": len(rows), "all": 1000, "real": floor.covered}
        extra |= {"kl": found.kl, "floor": floor.kl}
        return Result(float(found.covered), 0.0, extra)

    def cells(self, record):
        of = f"modes covered (estimate; of {record['all']:,})"
        kl = f"KL to uniform (estimate, nats; real data {number(record['floor'], 3)})"
        return {of: number(record["value"], 0), kl: number(record["kl"], 3)}


@dataclass(frozen=True, kw_only=True)
class DrawnMolecules(Measure):
    """Of strings that were drawn, the share that are molecules.

    Beside it, see `gmcourse.molecules.score`, what is unique and novel of them, and
    how many have the donors that the model was told: the labels of test examples.

    Attributes:
        against: training examples that a molecule must differ from to be novel.
    """

    against: int

    key = "valid"
    label = "valid molecules"
    unit = "%"
    kind = "estimate"

    def compute(self, model, source):
        x, c = source.part("test").first(self.n)
        assert isinstance(source, Molecules)
        known = source.strings("train")[: self.against]  # before a minute of drawing
        drawn = by_parts(model, lambda x, c: model.sample(len(x), c), x, c)
        strings = [source.alphabet.decode(row) for row in drawn]
        found = score(strings, {read(string).fingerprint for string in known})
        assert c is not None
        told = [
            min(3, read(string).donors) == due
            for string, due in zip(strings, c.tolist())
            if valid(string)
        ]
        share = c.bincount() / len(c)
        extra = {
            "n": len(strings),
            "known": len(known),
            "unique": 100 * found.unique,
            "novel": 100 * found.novel,
            "as_told": 100 * sum(told) / max(1, len(told)),
            "by_chance": 100 * float(share.square().sum()),
        }
        value = 100 * found.valid
        return Result(value, (value * (100 - value) / len(strings)) ** 0.5, extra)

    def cells(self, record):
        known, chance = record["known"], number(record["by_chance"], 0)
        value = f"{number(record['value'], 1)} ± {number(record['std_error'], 1)}"
        others = (number(record[key], 1) for key in ("unique", "novel"))
        return {
            f"valid (estimate, %, of {record['n']:,})": value,
            f"unique / novel (%, beside {known:,})": " / ".join(others),
            f"donors as told (%; by chance {chance})": number(record["as_told"], 1),
        }
