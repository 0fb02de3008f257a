"""Texts and strings as sources, and nats a character by brute force."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from gmcourse import data
from gmcourse.autoregressive import Autoregressive
from gmcourse.data import Alphabet
from gmcourse.likelihoods import Tokens
from gmcourse.zoo import sources
from gmcourse.zoo.measure import NegativeLogProbOfText
from gmcourse.zoo.sources import NAMES, SHAKESPEARE, Part, Source, Windows

GIVEN = "To be, or not to be: that is the question\n"


def test_the_training_part_has_every_window_and_the_test_part_each_character_once():
    for split in ("train", "test"):
        text, part = data.load_text("tinyshakespeare", split), SHAKESPEARE.part(split)
        whole = text.text
        if split == "train":
            assert len(part) == len(whole) - 127
        else:
            assert len(part) == len(whole) // 128
        assert part.x.dtype == torch.int64 and part.is_sample == text.info.is_sample
        step = 1 if split == "train" else 128
        for i in (0, 1, 777, len(part) - 1):
            (row,) = part.transform(part.x[i : i + 1])
            due = whole[i * step : i * step + 128]
            assert SHAKESPEARE.alphabet.decode(row) == due
        x, c = part.first(3)
        assert x.shape == (3, 128) and x.dtype == torch.int64 and c is None
        starts = part.x[torch.tensor([5, 2])]
        assert torch.equal(part.transform(starts)[1], part.first(3)[0][2])


def test_the_symbols_are_those_that_the_weights_presuppose():
    symbols = SHAKESPEARE.alphabet.symbols
    assert len(symbols) == 65 and list(symbols) == sorted(set(symbols))
    info = data.load_text("tinyshakespeare").info
    if not info.is_sample:
        found = {s for p in ("train", "test") for s in windows_of(p)}
        assert found == set(range(65))
    assert SHAKESPEARE.alphabet.encode("A\n$z").tolist() == [13, 0, 3, 64]
    assert NAMES.alphabet.encode("az").tolist() == [1, 26] and len(NAMES.alphabet) == 27


def windows_of(split):
    return SHAKESPEARE.part(split).transform.text.unique().tolist()


def test_strings_are_rows_that_end():
    for split in ("train", "test"):
        loaded, part = data.load_text("names", split), NAMES.part(split)
        assert part.x.shape == (len(loaded), 16) and part.c is part.transform is None
        assert part.is_sample == loaded.info.is_sample
        assert [NAMES.alphabet.decode(row) for row in part.x[:99]] == [
            *loaded.items[:99]
        ]
        assert (part.x[:, -1] == 0).all()  # a name has at most 15 letters


class Fading(Autoregressive):
    """Of each symbol the logit is how often it was there, of late above all."""

    dtype = torch.int64

    def __init__(self, length, levels):
        super().__init__()
        self.event_shape, self.levels = (length,), levels
        self.likelihood = Tokens(levels)
        self.weight = nn.Parameter(torch.randn(levels, levels).double())

    def params(self, x, c=None):
        seen, found = self.weight.new_zeros(len(x), self.levels), []
        for i in range(x.shape[1]):
            found.append(seen @ self.weight + i / 10 * self.weight[0])
            seen = 0.8 * seen + nn.functional.one_hot(x[:, i], self.levels)
        return torch.stack(found, 2).flatten(1)  # (b, levels · t)

    def steps(self, x, c=None):
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Given(Source):
    text: torch.Tensor

    def part(self, split):
        assert split == "test"
        return Part(torch.arange(2), None, Windows(self.text, 8))


@pytest.mark.parametrize("length", [7, 8])
@pytest.mark.parametrize("n", [16, 17, 19, 20, 31, 42])
def test_each_character_is_predicted_once_from_half_a_window_or_more(n, length):
    alphabet = Alphabet(sorted(set(GIVEN)))
    text = alphabet.encode(GIVEN)
    model = Fading(length, len(alphabet))
    due, half = [], length // 2
    with torch.no_grad():
        for i in range(n):
            # The first window that holds it and was not the one before: brute force.
            start = 0
            while start + length <= i:
                start = min(start + half, n - length)
            assert i < half or i - start >= min(i, length - half)
            window = text[None, start : start + length]
            logits = model.params(window).view(-1, length)[:, i - start]
            due.append(-logits.log_softmax(0)[text[i]].item())
    measure = NegativeLogProbOfText(n=n, tolerance=0.1)
    record = measure.run(model, Given("given", "a text", text))
    assert record["n"] == n and len(due) == n
    assert record["value"] == pytest.approx(sum(due) / n, abs=1e-9)
    bits = record["bits_per_character"]
    assert bits == pytest.approx(record["value"] / math.log(2))
    blocks = torch.tensor(due)[: n // length * length].view(-1, length).mean(1)
    error = blocks.std().item() / len(blocks) ** 0.5
    assert record["std_error"] == pytest.approx(error, abs=1e-6)
    ((head, cell),) = measure.cells(record).items()
    assert head == "nats per character (exact)"
    assert cell.startswith(f"{record['value']:.3f} ± {record['std_error']:.3f} (")
    assert cell.endswith(f"({bits:.3f} bits)")


def test_a_text_of_less_than_two_windows_is_refused():
    source = Given("given", "a text", torch.arange(15) % 4)
    with pytest.raises(ValueError, match="n is 99; expected two windows, 16"):
        NegativeLogProbOfText(n=99, tolerance=0.1).run(Fading(8, 4), source)


def test_texts_are_on_the_cpu_whatever_the_default_device():
    with torch.device("meta"):
        assert SHAKESPEARE.part("test").x.device.type == "cpu"
        assert sources.NAMES.part("test").x.device.type == "cpu"
