"""How near samples are to data."""

from dataclasses import dataclass

from ...metrics import compare, retrieval
from .base import Measure, Result, by_parts, number

__all__ = ["SampleDistance", "TranslationError"]


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
        from .. import load  # the judge is an entry too

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
