"""Recordings."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from ... import data
from .base import Part, Source

__all__ = ["Sounds"]


@dataclass(frozen=True)
class Sounds(Source):
    """Recordings of ``gmcourse.data.load_sequences`` as tokens, all of one length.

    Of each: means over what falls on one token; what is quiet at both ends cut off, and
    the end of what is too long; the loudest made 1 or -1; tokens by
    `gmcourse.data.mu_law`. Where there are fewer, the token of silence follows.

    Attributes:
        length: tokens of an example.
        rate: tokens in a second; ``recorded`` is a multiple of it.
        levels: number of tokens.
        recorded: samples in a second of the recordings.
        quiet: share of the loudest magnitude up to which the ends are cut off.
    """

    length: int
    rate: int
    levels: int
    recorded: int = 8000
    quiet: float = 0.03

    def part(self, split: str) -> Part:
        loaded = data.load_sequences(self.name, split)
        x = torch.stack([self.to_tokens(wave.float()) for wave in loaded.items])
        return Part(x, loaded.c, is_sample=loaded.info.is_sample)

    def to_tokens(self, wave: Float[Tensor, " n"]) -> Int64[Tensor, " length"]:
        """One recording, on any scale, as the tokens that a model sees.

        Raises:
            ValueError: it is shorter than a token, or nothing but zeros.
        """
        each = self.recorded // self.rate
        wave = wave[: len(wave) // each * each].view(-1, each).mean(1)
        if not wave.any():
            raise ValueError(f"of {len(wave)} samples none is other than 0")
        loud = (wave.abs() > self.quiet * wave.abs().max()).nonzero()
        wave = wave[int(loud[0]) : int(loud[-1]) + 1][: self.length]
        silence = wave.new_zeros(self.length - len(wave))
        wave = torch.cat([wave / wave.abs().max(), silence])
        return data.mu_law(wave, self.levels)

    def to_sound(self, tokens: Int64[Tensor, "*shape"]) -> Float32[Tensor, "*shape"]:
        """Tokens to sound in [-1, 1], ``rate`` samples a second."""
        return data.mu_law_inverse(tokens, self.levels)
