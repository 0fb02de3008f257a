"""Strings as tokens, and back: what a model of text sees."""

from collections.abc import Callable, Iterable, Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from .._arguments import integer, on_cpu


class Alphabet:
    """Symbols and their tokens: the characters of a text, the atoms of a molecule.

    Args:
        symbols: each once; the first one's token is 0, or 1 with ``end``.
        split: from a string to its symbols; by default each character is one.
        join: what stands between symbols in a string that is made of tokens.
        end: token 0 is the end of a string.

    Raises:
        ValueError: a symbol is there twice or is empty, or there is none.

    Example:
        >>> letters = Alphabet("abc", end=True)
        >>> letters.encode_all(["cab", "b"], 4)
        tensor([[3, 1, 2, 0],
                [2, 0, 0, 0]])
        >>> letters.decode(torch.tensor([2, 1, 0, 3])), len(letters)
        ('ba', 4)
    """

    def __init__(
        self,
        symbols: Iterable[str],
        *,
        split: Callable[[str], Sequence[str]] = list,
        join: str = "",
        end: bool = False,
    ):
        self.symbols, self.split, self.end = tuple(symbols), split, end
        self.join = join
        if not all(self.symbols) or not 0 < len(self.symbols) == len(set(self.symbols)):
            raise ValueError(f"symbols are {self.symbols}; expected each once")
        self._tokens = {s: i for i, s in enumerate(self.symbols, start=int(end))}

    def __len__(self) -> int:
        """How many tokens there are, the end included."""
        return len(self.symbols) + self.end

    @on_cpu
    def encode(self, text: str) -> Int64[Tensor, " t"]:
        """The tokens of a string, without an end.

        Raises:
            ValueError: it holds other symbols; the message names them.
        """
        found = self.split(text)
        try:
            return torch.tensor([self._tokens[s] for s in found], dtype=torch.int64)
        except KeyError:
            unknown = sorted(set(found) - set(self.symbols))
            raise ValueError(
                f"unknown symbols {unknown}; expected some of {list(self.symbols)}"
            ) from None

    @on_cpu
    def encode_all(self, items: Sequence[str], length: int) -> Int64[Tensor, "n t"]:
        """A row for each string, filled up with ends to ``length`` tokens.

        Raises:
            ValueError: as `encode`; or a string has more symbols, or fewer where there
                is no end.
        """
        rows = torch.zeros(len(items), integer("length", length), dtype=torch.int64)
        for row, text in zip(rows, items):
            tokens = self.encode(text)
            if len(tokens) > length or (len(tokens) < length and not self.end):
                most = "at most " if self.end else ""
                raise ValueError(
                    f"{text!r} has {len(tokens)} symbols; expected {most}{length}"
                )
            row[: len(tokens)] = tokens
        return rows

    def decode(self, tokens: Int64[Tensor, " t"]) -> str:
        """The string of some tokens, as far as the first end.

        Raises:
            ValueError: not one row of integers, or one of them is no token.
        """
        if tokens.ndim != 1 or tokens.is_floating_point():
            raise ValueError(
                f"tokens are {tokens.dtype} of shape {tuple(tokens.shape)}; expected "
                "integers (t,)"
            )
        places = tokens.tolist()
        if places and not 0 <= min(places) <= max(places) < len(self):
            raise ValueError(
                f"tokens are {min(places)} to {max(places)}; expected 0 to "
                f"{len(self) - 1}"
            )
        if self.end and 0 in places:
            places = places[: places.index(0)]
        return self.join.join(self.symbols[i - self.end] for i in places)
