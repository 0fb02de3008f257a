"""Counting: how often each token came after the few before it.

What a net's likelihood of a text is to be compared with.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._arguments import integer
from .autoregressive import Steps, fill
from .conditions import within_levels
from .likelihoods import Tokens

__all__ = ["NGram"]


class NGram:
    """The shares of the next token after the ``n - 1`` before it, smoothed.

    After a context that was seen ``s`` times, each time with one of ``k`` different
    tokens after it, ``m`` times with ``w``, the probability of ``w`` is ``(m + k p) /
    (s + k)``. Here ``p`` is that after the context without its first token; after none
    at all it begins with ``1 / levels``. Where much is new, much is left to shorter
    contexts; there is nothing to tune. Witten & Bell (1991), method C, interpolated;
    Chen & Goodman (1999), sec. 2.5. Built in chapter 07_sequences.

    It has no weights: ``fit`` counts. Tokens may be anywhere; what comes back is on the
    CPU, and probabilities are in float64.

    Args:
        levels: number of tokens.
        n: tokens of the longest gram, the next one among them.

    Raises:
        ValueError, TypeError: a number is out of range, or there are more grams than
            ``2**63``.

    Example:
        >>> model = NGram(2, n=1)
        >>> model.fit(torch.tensor([0, 0, 0, 1]))
        >>> model.log_probs(torch.tensor([0, 1])).exp()  # 3 + 1 and 1 + 1 of 4 + 2
        tensor([0.6667, 0.3333], dtype=torch.float64)
    """

    def __init__(self, levels: int, n: int):
        self.levels, self.n = integer("levels", levels, 2), integer("n", n)
        if levels**n > 2**63:
            most = int(63 / math.log2(levels))
            raise ValueError(
                f"n is {n}; with {levels} tokens expected {most} or less, so that a "
                "gram has a number"
            )
        self._counts: list[_Counts] = []

    def fit(self, x: Int[Tensor, "*b t"]) -> None:
        """Count, in one long text or in sequences, of which none reaches into the next.

        What was counted before is forgotten.

        Raises:
            ValueError: the sequences have fewer than ``n`` tokens, or one of them is
                not below ``levels``.
        """
        x = x.cpu()
        within_levels("x", x, self.levels)
        if x.shape[-1] < self.n or not x.numel():
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected sequences of {self.n} or more"
            )
        self._counts, gram = [], torch.zeros_like(x)
        for k in range(self.n):
            gram = gram * self.levels + x[..., k:]
            self._counts.append(_Counts(gram, self.levels))
            gram = gram[..., :-1]

    def log_probs(self, x: Int[Tensor, "*b t"]) -> Float[Tensor, "*b t"]:
        """Of each token given those before it, in nats; the first after none.

        Raises:
            ValueError: ``fit`` was not called, or a token is not below ``levels``.
        """
        return self._shares(x, x[..., None])[..., 0].log()

    def params(self, x: Int[Tensor, "b t"]) -> Float[Tensor, "b levels_t"]:
        """The logs of the probabilities of all tokens at each place.

        As `Autoregressive.params`, ``(b, levels · t)``.
        """
        tokens = torch.arange(self.levels)
        every = self._shares(x, tokens.expand(*x.shape, -1))  # (b, t, levels)
        return every.log().transpose(1, 2).flatten(1)

    def steps(self, x: Int[Tensor, "b t"]) -> Steps:
        """As `Autoregressive.steps`."""
        for place in range(x.shape[1]):
            # The last of these tokens is not read.
            recent = x[:, max(0, place - self.n + 1) : place + 1]
            yield place, self.params(recent).unflatten(1, (self.levels, -1))[..., -1]

    def sample(self, n: int, length: int, **how) -> Int[Tensor, "n t"]:
        """Draw token by token, ``(n, length)``.

        ``temperature``, ``restrict``, ``given`` and ``known``: see `fill`.
        """
        x = torch.zeros(integer("n", n), integer("length", length), dtype=torch.int64)
        return fill(x, self.steps, Tokens(self.levels), **how)

    def _shares(
        self, x: Int[Tensor, "*b t"], tokens: Int[Tensor, "*b t m"]
    ) -> Float[Tensor, "*b t m"]:
        """The probabilities of ``m`` tokens at each place."""
        if not self._counts:
            raise ValueError("nothing was counted: call fit first")
        x, tokens = x.cpu(), tokens.cpu()
        within_levels("x", x, self.levels)
        p = torch.full_like(tokens, 1 / self.levels, dtype=torch.float64)
        context = torch.zeros_like(x)[..., None]
        for k, counts in enumerate(self._counts):
            p[..., k:, :] = counts.mix(context, tokens[..., k:, :], p[..., k:, :])
            context = context[..., :-1, :] * self.levels + x[..., k:-1, None]
        return p


class _Counts:
    """How often each token came after each context of one length.

    A context is a number, with its tokens as digits, and a gram is too.
    """

    def __init__(self, grams: Tensor, levels: int):
        self.levels = levels
        self.grams, self.times = grams.unique(return_counts=True)
        self.contexts, row, self.kinds = (self.grams // levels).unique_consecutive(
            return_inverse=True, return_counts=True
        )
        self.seen = torch.zeros_like(self.kinds).index_add_(0, row, self.times)

    def mix(self, context: Tensor, token: Tensor, p: Tensor) -> Tensor:
        """The probability of tokens after a context, with ``p`` for one shorter."""
        at, known = _find(self.contexts, context)
        seen, kinds = self.seen[at] * known, self.kinds[at] * known
        at, known = _find(self.grams, context * self.levels + token)
        share = (self.times[at] * known + kinds * p) / (seen + kinds)
        return torch.where(seen > 0, share, p)


def _find(numbers: Tensor, query: Tensor) -> tuple[Tensor, Tensor]:
    """Where each stands among sorted numbers, and whether it does."""
    at = torch.searchsorted(numbers, query).clamp(max=len(numbers) - 1)
    return at, numbers[at] == query
