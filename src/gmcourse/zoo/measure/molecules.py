"""What is measured of molecules."""

from dataclasses import dataclass

from ...molecules import read, score, valid
from ..sources import Molecules
from .base import Measure, Result, by_parts, number

__all__ = ["DrawnMolecules"]


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
