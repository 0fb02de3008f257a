"""Long texts, and short strings."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ... import data
from .base import Part, Source

__all__ = ["Strings", "Text", "Windows"]


@dataclass(frozen=True)
class Text(Source):
    """Windows of a long text as tokens, of ``gmcourse.data.load_text``.

    The training part has all of them, the test part those that follow one another. An
    example is stored as its start: its tokens are gathered when a batch is made.

    Attributes:
        length: of a window.
        alphabet: makes tokens of the text.
    """

    length: int
    alphabet: data.Alphabet

    def part(self, split: str) -> Part:
        loaded = data.load_text(self.name, split)
        windows = Windows(self.alphabet.encode(loaded.text), self.length)
        step = 1 if split == "train" else self.length
        starts = torch.arange(
            0, len(windows.text) - self.length + 1, step, device="cpu"
        )
        return Part(starts, None, windows, loaded.info.is_sample)


class Windows:
    """Starts ``(b,)`` to the tokens of a text from there, ``(b, length)``."""

    def __init__(self, text: Tensor, length: int):
        self.text, self.length = text, length

    def __call__(self, starts: Tensor) -> Tensor:
        self.text = self.text.to(starts.device)  # moved once
        return self.text.unfold(0, self.length, 1)[starts]


@dataclass(frozen=True)
class Strings(Source):
    """Short strings as tokens, filled up to one length, of ``gmcourse.data.load_text``.

    Attributes:
        length: tokens of an example.
        alphabet: makes tokens of a string; it has an end.
    """

    length: int
    alphabet: data.Alphabet

    def part(self, split: str) -> Part:
        loaded = data.load_text(self.name, split)
        x = self.alphabet.encode_all(loaded.items, self.length)
        return Part(x, is_sample=loaded.info.is_sample)
