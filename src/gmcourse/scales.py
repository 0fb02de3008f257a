"""From coarse to fine: all pixels of a finer grid at once, given the coarser ones.

Built in chapter 06_one_pixel_at_a_time.
"""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ._arguments import integer, shape_of
from .core import GenerativeModel
from .likelihoods import at_least_float32

__all__ = ["CoarseToFine", "turns"]


def turns(height: int, width: int) -> Int[Tensor, "height width"]:
    """When each pixel has its turn: those of the coarsest grid have 0.

    Each grid is made finer by two turns: the middles of its squares, and then what
    lies between two of either, so that all of a turn's pixels have neighbors that are
    known. The coarsest grid has the largest power of two below both sides as its step.

    Example:
        >>> turns(4, 4)
        tensor([[0, 2, 0, 2],
                [2, 1, 2, 1],
                [0, 2, 0, 2],
                [2, 1, 2, 1]])
    """
    sides = integer("height", height), integer("width", width)
    steps = max(0, math.ceil(math.log2(max(2, min(sides)))) - 1)
    turn = torch.zeros(sides, dtype=torch.int64)
    for level in range(steps):
        step = 2 ** (steps - level)  # of the grid that is made finer
        half = step // 2
        turn[half::step, half::step] = 2 * level + 1
        turn[half::step, ::step] = 2 * level + 2
        turn[::step, half::step] = 2 * level + 2
    return turn


class CoarseToFine(GenerativeModel):
    """A model of each turn's pixels given those of all turns before it.

    Within a turn the pixels are independent, which is a choice and not the chain rule:
    the likelihood of this model is exact, in a pass of the net for each turn. Reed et
    al. (2017) fill grids in this way; Tian et al. (2024) predict whole scales of a
    picture's code.

    Args:
        net: ``(b, 2 · channels, h, w)``, the pixels that are known, zero elsewhere,
            and planes that say which those are, to the likelihood's parameters.
        likelihood: of one value.
        event_shape: ``(channels, h, w)``.

    Raises:
        ValueError: ``event_shape`` is not that of an image.
    """

    exact = True

    turn: Int[Tensor, "h w"]

    def __init__(self, net: nn.Module, likelihood: Any, event_shape: tuple[int, ...]):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        if len(self.event_shape) != 3:
            raise ValueError(
                f"event_shape is {event_shape}; expected (channels, height, width)"
            )
        self.net, self.likelihood = net, likelihood
        self.register_buffer("turn", turns(*self.event_shape[1:]), persistent=False)
        self.turns = int(self.turn.max()) + 1

    def params(self, x: Tensor, turn: Int[Tensor, " b"]) -> Tensor:
        """What the likelihood asks for, given the pixels of the turns before."""
        known = (self.turn < turn[:, None, None, None]).to(x.dtype)
        return self.net(torch.cat([x * known, known.expand_as(x)], 1))

    def log_prob_of(
        self, x: Float[Tensor, "b c h w"], turn: Int[Tensor, " b"]
    ) -> Float[Tensor, " b"]:
        """Of the pixels of one turn, each example's own, in nats."""
        params = at_least_float32(self.params(x, turn))
        each = self.likelihood.log_probs(params, x)
        own = self.turn == turn[:, None, None, None]
        return torch.where(own, each, 0.0).flatten(1).sum(1)

    def log_prob(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, " b"]:
        """Exact, in nats."""
        self.check(x)
        every = torch.arange(self.turns, device=x.device)[:, None].expand(-1, len(x))
        each = torch.stack([self.log_prob_of(x, turn) for turn in every])
        return each.sum(0)

    def loss(self, x, c=None):
        """In train mode of one turn each, drawn anew: an unbiased estimate."""
        self.check(x, c)
        if not self.training:
            return -self.log_prob(x).mean()
        turn = torch.randint(self.turns, (len(x),), device=x.device)
        return -self.turns * self.log_prob_of(x, turn).mean()

    def draw(self, n, c=None):
        """Turn by turn, one pass for each."""
        x = self._like().new_zeros(n, *self.event_shape)
        for turn in range(self.turns):
            params = self.params(x, torch.full((n,), turn, device=x.device))
            drawn = self.likelihood.sample(params).to(x.dtype)
            x = torch.where(self.turn == turn, drawn, x)
        return x
