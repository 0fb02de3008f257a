"""Languages whose words can be checked: balanced brackets, and sums.

The words of a language have one length and are all equally likely, so a text model is
measured by the share of valid samples, and by the entropy, which is known.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Int64
from torch import Tensor

from .._arguments import integer, on_cpu

__all__ = ["Arithmetic", "Dyck", "Language"]


class Language(ABC):
    """A finite set of words of one length, all equally likely, that can be checked."""

    alphabet: str
    length: int
    count: int  # of words, exact

    @abstractmethod
    def sample(self, n: int) -> list[str]:
        """n independent words, uniform over the language."""

    @abstractmethod
    def is_valid(self, word: str) -> bool:
        """Whether the word belongs to the language. Any string may be asked about."""

    @property
    def entropy(self) -> float:
        """In nats a word: log of the number of words."""
        return math.log(self.count)

    @on_cpu
    def encode(self, words: Sequence[str]) -> Int64[Tensor, "n length"]:
        """Words of this length as indices into the alphabet.

        Raises:
            ValueError: a word has another length or other characters.
        """
        for word in words:
            if len(word) != self.length or not set(word) <= set(self.alphabet):
                raise ValueError(
                    f"{word!r}: expected {self.length} characters of {self.alphabet!r}"
                )
        index = {character: i for i, character in enumerate(self.alphabet)}
        tokens = [[index[character] for character in word] for word in words]
        return torch.tensor(tokens, dtype=torch.int64).view(len(words), self.length)

    def decode(self, tokens: Int64[Tensor, "n any_length"]) -> list[str]:
        """The inverse of `encode`, for any length.

        Raises:
            ValueError: another shape, no integers, or one that is no index.
        """
        top = len(self.alphabet) - 1
        if tokens.ndim != 2 or tokens.is_floating_point():
            raise ValueError(
                f"tokens are {tokens.dtype} of shape {tuple(tokens.shape)}; expected "
                "integers (n, length)"
            )
        if tokens.numel() and not 0 <= tokens.min() <= tokens.max() <= top:
            raise ValueError(f"tokens: expected values in 0..{top}")
        return ["".join(self.alphabet[i] for i in row) for row in tokens.tolist()]


class Dyck(Language):
    """Balanced words of ``pairs`` pairs of brackets.

    Their number is Catalan's, times kinds^pairs. Uniform samples come character by
    character, the probability of an opening bracket being a ratio of ballot numbers
    (Arnold & Sleep 1980).

    >>> Dyck(3).count, Dyck(3).is_valid("(()())"), Dyck(3).is_valid("())(()")
    (5, True, False)

    Raises:
        ValueError, TypeError: brackets that are no pairs, or a number of pairs that is
            not an integer from 1 to 10,000.
    """

    def __init__(self, pairs: int, brackets: str = "()"):
        if len(brackets) < 2 or len(brackets) % 2 or len(set(brackets)) < len(brackets):
            raise ValueError(f"brackets {brackets!r}: expected pairs such as '()[]'")
        self.pairs = integer("pairs", pairs, 1, 10_000)
        self.alphabet, self.length = brackets, 2 * pairs
        self._close = dict(zip(brackets[::2], brackets[1::2]))
        kinds = len(self._close)
        self.count = math.comb(2 * pairs, pairs) // (pairs + 1) * kinds**pairs

    @on_cpu
    def sample(self, n: int) -> list[str]:
        height = torch.zeros(integer("n", n, 0), dtype=torch.float64)
        opens = torch.empty(n, self.length, dtype=torch.bool)
        for i in range(self.length):
            left = self.length - i
            p = (height + 2) * (left - height) / (2 * left * (height + 1))
            opens[:, i] = torch.rand(n, dtype=torch.float64) < p
            height += 2 * opens[:, i].double() - 1
        kinds = torch.randint(len(self._close), (n, self.length))
        return [self._write(*row) for row in zip(opens.tolist(), kinds.tolist())]

    def _write(self, opens: list[bool], kinds: list[int]) -> str:
        word, stack = [], []
        for is_open, kind in zip(opens, kinds):
            if is_open:
                stack.append(self.alphabet[2 * kind])
            word.append(stack[-1] if is_open else self._close[stack.pop()])
        return "".join(word)

    def is_valid(self, word: str) -> bool:
        stack = []
        for character in word:
            if character in self._close:
                stack.append(self._close[character])
            elif not stack or stack.pop() != character:
                return False
        return not stack and len(word) == self.length


class Arithmetic(Language):
    """Sums such as "07+45=052": two numbers of ``digits`` digits, and their sum.

    Numbers carry leading zeros, so that every word has the same length.

    >>> Arithmetic(2).is_valid("07+45=052"), Arithmetic(2).is_valid("07+45=053")
    (True, False)
    """

    alphabet = "0123456789+="

    def __init__(self, digits: int = 2):
        self.digits = integer("digits", digits, 1, 18)
        self.length, self.count = 3 * digits + 3, 100**digits

    def _write(self, a: int, b: int) -> str:
        d = self.digits
        return f"{a:0{d}}+{b:0{d}}={a + b:0{d + 1}}"

    @on_cpu
    def sample(self, n: int) -> list[str]:
        pairs = torch.randint(10**self.digits, (integer("n", n, 0), 2))
        return [self._write(a, b) for a, b in pairs.tolist()]

    def is_valid(self, word: str) -> bool:
        d = self.digits
        a, b = word[:d], word[d + 1 : 2 * d + 1]
        if not (a and b and set(a + b) <= set("0123456789")):
            return False
        return word == self._write(int(a), int(b))
