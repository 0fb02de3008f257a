"""How tokens are drawn from a model: of the likely ones alone, or several at once.

The first kind changes the distribution, and is chosen for how the samples look. The
second one, speculative decoding, does not change it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ._arguments import integer, positive
from .likelihoods import at_least_float32

__all__ = ["Speculated", "nucleus", "speculative", "top_k"]


def top_k(logits: Float[Tensor, "*b levels"], k: int) -> Float[Tensor, "*b levels"]:
    """The ``k`` largest logits; minus infinity for the others.

    Of equal ones the first are kept. Fan et al. (2018). For a model's
    ``sample``: ``restrict=partial(top_k, k=10)``. Built in chapter 07_sequences.

    Raises:
        ValueError, TypeError: ``k`` is no integer from 1 to ``levels``.

    Example:
        >>> top_k(torch.tensor([1.0, 3.0, 2.0, 2.0]), 2)
        tensor([-inf, 3., 2., -inf])
    """
    order = logits.argsort(dim=-1, descending=True, stable=True)
    return logits.scatter(
        -1, order[..., integer("k", k, 1, logits.shape[-1]) :], -torch.inf
    )


def nucleus(logits: Float[Tensor, "*b levels"], p: float) -> Float[Tensor, "*b levels"]:
    """The fewest tokens whose probability is at least ``p``; others minus infinity.

    The likeliest are taken, of equally likely ones the first. One is kept in any case,
    and with ``p`` 1 all are. Holtzman et al. (2020), eq. 2, where it is called top-p.
    For a model's ``sample``: ``restrict=partial(nucleus, p=0.9)``. Built in chapter
    07_sequences.

    Raises:
        ValueError: ``p`` is 0 or less, or above 1.

    Example:
        >>> nucleus(torch.tensor([0.1, 0.6, 0.3]).log(), 0.8).exp()
        tensor([0.0000, 0.6000, 0.3000])
    """
    if positive("p", p) > 1:
        raise ValueError(f"p is {p}; expected a probability above 0")
    if p == 1:
        return logits  # sums of probabilities are rounded, and could leave some out
    order = logits.argsort(dim=-1, descending=True, stable=True)
    share = at_least_float32(logits).softmax(-1).gather(-1, order)
    before = share.cumsum(-1) - share  # of what is likelier; exactly 0 for the first
    out = (before >= p).gather(-1, order.argsort(-1))
    return logits.masked_fill(out, -torch.inf)


@dataclass(frozen=True)
class Speculated:
    """What `speculative` drew, and what it cost.

    Attributes:
        x: the tokens.
        drafted: how many tokens the draft proposed.
        accepted: how many of them were taken.
        passes: of the target, each of which gave one token more than it accepted.
    """

    x: Tensor
    drafted: int
    accepted: int
    passes: int


@torch.no_grad()
def speculative(
    target: Callable[[Tensor], Tensor],
    draft: Callable[[Tensor], Tensor],
    x: Int[Tensor, "1 ..."],
    *,
    first: int = 0,
    gamma: int = 4,
    temperature: float = 1.0,
    restrict: Callable[[Tensor], Tensor] | None = None,
) -> Speculated:
    """Draw from a model in fewer passes than there are tokens, with a cheaper one.

    The draft proposes ``gamma`` tokens, one after the other, and one pass of the target
    looks at all of them. A token drawn with probability ``q`` that the target gives
    ``p`` is taken with ``min(1, p / q)``; at the first that is not, one is drawn from
    ``max(0, p - q)`` in its place, and the rest is forgotten. If all are taken the
    target adds one of its own. The tokens have the target's distribution, whatever the
    draft is. Leviathan et al. (2023), algorithm 1; Chen et al. (2023). The CPU's
    random stream is drawn from. Built in chapter 07_sequences.

    Args:
        target: the conditionals of all tokens, ``(1, levels · channels, ...)``: a
            model's ``params``, or ``partial(model.params, c=c)``.
        draft: the same of another model of the same tokens.
        x: one example, which gives the shape, and the tokens before ``first``.
        first: the place of the first token that is drawn.
        gamma: proposals for a pass of the target.
        temperature: the logits of both are divided by it.
        restrict: what the logits of both go through after that, ``(tokens, levels)``,
            such as ``partial(nucleus, p=0.9)``.

    Raises:
        ValueError, TypeError: ``x`` is not one example, a number is out of range, or
            the two models have different numbers of tokens.
    """
    if len(x) != 1:
        raise ValueError(f"x holds {len(x)} examples; expected one")
    positive("temperature", temperature)
    x = x.clone(memory_format=torch.contiguous_format)
    values, gamma = x.view(-1), integer("gamma", gamma)
    place, d = integer("first", first, 0, len(values)), len(values)
    drafted = accepted = passes = 0

    def shares(params: Callable[[Tensor], Tensor], start: int, stop: int) -> Tensor:
        logits = params(x).reshape(-1, d)[:, start:stop].T / temperature
        logits = logits if restrict is None else restrict(logits)
        return logits.cpu().double().softmax(-1)  # (stop - start, levels)

    while place < d:
        guesses = []
        for at in range(place, min(place + gamma, d - 1)):
            guesses.append(shares(draft, at, at + 1)[0])
            values[at] = _one_of(guesses[-1])
        due = shares(target, place, place + len(guesses) + 1)
        if guesses and guesses[0].shape != due[0].shape:
            raise ValueError(
                f"the draft has {len(guesses[0])} tokens and the target "
                f"{due.shape[1]}; expected the same"
            )
        drafted, passes = drafted + len(guesses), passes + 1
        rest = due[-1]
        for p, q in zip(due, guesses):
            token = values[place]
            taken = (p[token] / q[token]).clamp(max=1)
            if not _one_of(torch.stack([1 - taken, taken])):
                rest = (p - q).clamp(min=0)
                break
            place, accepted = place + 1, accepted + 1
        values[place] = _one_of(rest)
        place += 1
    return Speculated(x, drafted, accepted, passes)


def _one_of(weights: Tensor) -> int:
    """An index, drawn as likely as its weight says."""
    return int(torch.multinomial(weights, 1))
