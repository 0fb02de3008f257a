"""Molecules, written as strings."""

from dataclasses import dataclass

import torch

from ... import data, molecules
from .base import Part, Source

__all__ = ["Molecules"]


@dataclass(frozen=True)
class Molecules(Source):
    """SMILES as tokens, with how many donors of hydrogen bonds they have.

    The label 3 stands for 3 and more. Strings of more than ``length`` tokens are left
    out.

    Attributes:
        length: tokens of an example.
        alphabet: makes tokens of a string; it has an end.
    """

    length: int
    alphabet: data.Alphabet

    def part(self, split: str) -> Part:
        strings = self.strings(split)
        x = self.alphabet.encode_all(strings, self.length)
        donors = [min(3, molecules.read(string).donors) for string in strings]
        return Part(x, torch.tensor(donors, device="cpu"))

    def strings(self, split: str) -> list[str]:
        """Those that the part is made of."""
        loaded = data.load_text(self.name, split)
        return [s for s in loaded.items if len(self.alphabet.split(s)) <= self.length]
