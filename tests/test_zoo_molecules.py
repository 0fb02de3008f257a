"""Molecules as a source, and what is measured of those that a model draws."""

import pytest
import torch
from rdkit import Chem, RDLogger
from rdkit.Chem import rdMolDescriptors

from gmcourse import GenerativeModel, Labels, data
from gmcourse.zoo.measure import DrawnMolecules
from gmcourse.zoo.sources import MOLECULES

RDLogger.DisableLog("rdApp.*")


@pytest.fixture(scope="module")
def test_part():
    return MOLECULES.part("test")


def test_strings_of_the_package_are_rows_with_an_end(test_part):
    items = [s for p in ("train", "test") for s in data.load_text("moses_50k", p).items]
    long = [s for s in items if len(MOLECULES.alphabet.split(s)) > MOLECULES.length]
    assert len(items) == 50_000 and len(long) == 4
    strings = MOLECULES.strings("test")
    assert strings == [
        s for s in data.load_text("moses_50k", "test").items if s not in long
    ]
    assert len(MOLECULES.strings("train")) + len(strings) == 50_000 - 4
    assert test_part.x.shape == (len(strings), 48) and not test_part.is_sample
    decoded = [MOLECULES.alphabet.decode(row) for row in test_part.x]
    assert decoded == strings
    assert (test_part.x[:, -1] == 0).float().mean() > 0.99
    found = {symbol for s in items for symbol in MOLECULES.alphabet.split(s)}
    assert found == set(MOLECULES.alphabet.symbols) and len(MOLECULES.alphabet) == 24


def test_labels_are_donors(test_part):
    donors = [
        rdMolDescriptors.CalcNumLipinskiHBD(Chem.MolFromSmiles(s))
        for s in MOLECULES.strings("test")[:1000]
    ]
    assert max(donors) > 3
    assert test_part.c[:1000].tolist() == [min(3, n) for n in donors]
    assert test_part.c.bincount().min() > 400


def test_they_are_on_the_cpu_whatever_the_default_device():
    with torch.device("meta"):
        part = MOLECULES.part("test")
    assert part.x.device.type == part.c.device.type == "cpu"


class Repeating(GenerativeModel):
    """Draws given strings, one after the other, whatever it is told."""

    dtype = torch.int64

    def __init__(self, strings):
        super().__init__()
        self.event_shape, self.condition = (48,), Labels(4)
        self.rows = MOLECULES.alphabet.encode_all(strings, 48)
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def loss(self, x, c=None):
        return self.weight

    def draw(self, n, c=None):
        self.told = c
        return self.rows[torch.arange(n) % len(self.rows)]


def test_what_is_missing_is_told_before_anything_is_drawn(monkeypatch):
    class Undrawn(Repeating):
        def draw(self, n, c=None):
            raise AssertionError("drawn before all is there")

    def strings(self, split):
        if split == "train":
            raise data.Unavailable("no training part")
        return ["CCO"] * 10

    monkeypatch.setattr(type(MOLECULES), "strings", strings)
    with pytest.raises(data.Unavailable, match="no training part"):
        DrawnMolecules(n=10, against=3, tolerance=1.0).run(Undrawn(["C"]), MOLECULES)


def test_what_is_measured_by_hand(test_part):
    train = MOLECULES.strings("train")
    # Known, new, new and written in another way, not valid, and beyond what is known.
    drawn = [train[0], "CCO", "OCC", "c1cccc1", train[3]]
    model = Repeating(drawn)
    record = DrawnMolecules(n=10, against=3, tolerance=1.0).run(model, MOLECULES)
    due = test_part.c[:10]
    assert torch.equal(model.told, due)
    assert (record["n"], record["against"], record["known"]) == (10, 3, 3)
    assert record["value"] == 80 and record["std_error"] == pytest.approx(160**0.5)
    assert record["unique"] == pytest.approx(100 * 3 / 8)
    assert record["novel"] == pytest.approx(100 * 2 / 3)
    donors = torch.tensor(
        [
            rdMolDescriptors.CalcNumLipinskiHBD(Chem.MolFromSmiles(s)) if i != 3 else -1
            for i, s in enumerate(drawn)
        ]
    )
    hits = int((donors.clamp(max=3).repeat(2) == due).sum())
    assert 0 < hits < 8 and record["as_told"] == 100 * hits / 8
    share = due.bincount() / 10
    assert record["by_chance"] == pytest.approx(100 * float((share**2).sum()))
    cells = DrawnMolecules(n=10, against=3, tolerance=1.0).cells(record)
    one, two, three = cells
    assert (cells[one], cells[two]) == ("80.0 ± 12.6", "37.5 / 66.7")
    assert "of 10" in one and "beside 3" in two and "chance" in three
