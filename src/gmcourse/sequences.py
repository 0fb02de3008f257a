"""Autoregressive models of sequences: text, sound, molecules, and images as such.

A sequence is ``x: (b, t)`` of tokens, int64, below ``levels``. ``gmcourse.wavenet``
holds one more, and ``gmcourse.ngrams`` what can be had by counting.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ._arguments import integer, shape_of
from .attention import Transformer, rotate
from .autoregressive import Autoregressive
from .conditions import Labels
from .likelihoods import Tokens

__all__ = ["GPT", "Recurrent"]


class _OfTokens(Autoregressive):
    """Reads the tokens before each one as vectors, and gives logits of it; abstract.

    A family makes its ``net`` and then its ``head`` after ``super().__init__``.
    """

    dtype = torch.int64
    head: nn.Module

    def __init__(
        self,
        event_shape: tuple[int, ...],
        levels: int,
        width: int,
        condition: Labels | None,
    ):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        self.levels = integer("levels", levels, 2)
        self.likelihood, self.condition = Tokens(levels), condition
        self.token = nn.Embedding(levels, width)
        self.classes = condition.classes if condition else 0
        self.start = nn.Embedding(self.classes + 1, width)  # the last: no label

    def begin(self, x: Tensor, c: Tensor | None) -> Float[Tensor, "b 1 width"]:
        """What stands before the first token: a vector of the label, or of none."""
        if c is None:
            c = x.new_full((len(x),), self.classes)
        return self.start(c)[:, None]

    def late(self, x: Tensor, c: Tensor | None) -> Float[Tensor, "b t width"]:
        """At each place the vector of the token before it; first that of `begin`."""
        before = self.token(x.flatten(1)[:, :-1])
        return torch.cat([self.begin(x, c), before], 1)

    def logits(self, h: Float[Tensor, "b t width"]) -> Float[Tensor, "b ..."]:
        """By the head, in the shape that `params` has."""
        levels_first = self.head(h).transpose(1, 2)  # (b, levels, t)
        return levels_first.reshape(len(h), -1, *self.event_shape[1:])


class GPT(_OfTokens):
    """A transformer that predicts each token from those before it.

    Args:
        event_shape: of one example; with several axes, as of an image, they are made
            one (Chen et al., 2020).
        levels: number of tokens.
        width: channels.
        depth: number of blocks.
        heads: of each attention.
        rotary: turn queries and keys by their positions, see `attention.rotate`; a
            vector is learned for each position in any case.
        condition: a label, which stands where a sequence begins, or None.

    Raises:
        ValueError, TypeError: a size is no positive integer, or ``width`` no multiple
            of ``heads``.

    Radford et al. (2018). Built in chapter 06_one_pixel_at_a_time.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        levels: int,
        *,
        width: int = 128,
        depth: int = 4,
        heads: int = 4,
        rotary: bool = False,
        condition: Labels | None = None,
    ):
        width = integer("width", width)
        super().__init__(event_shape, levels, width, condition)
        self.position = nn.Embedding(math.prod(self.event_shape), width)
        self.net = Transformer(width, depth, heads, rotate if rotary else None)
        self.head = nn.Linear(width, levels)
        for table in (self.token, self.start, self.position):
            nn.init.normal_(table.weight, std=0.02)

    def params(self, x, c=None):
        return self.logits(self.net(self.late(x, c) + self.position.weight))

    def steps(self, x, c=None):
        """With the keys and values of all positions so far kept."""
        tokens, cache, h = x.view(len(x), -1), self.net.cache(), self.begin(x, c)
        for place, where in enumerate(self.position.weight):
            yield place, self.head(self.net(h + where, cache)[:, 0])
            h = self.token(tokens[:, place, None])


class Recurrent(_OfTokens):
    """A net whose state goes from token to token: what it knows of all before.

    A step costs the same however long the sequence, and the state is all that is kept
    of it. Mikolov et al. (2010); Graves (2013), with the cells of PyTorch.
    Built in chapter 07_sequences.

    Args:
        event_shape: of one example; several axes are made one.
        levels: number of tokens.
        width: channels of the state.
        depth: number of layers, each of which has a state.
        cell: ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``.
        condition: a label, which stands where a sequence begins, or None.

    Raises:
        ValueError, TypeError: a size is no positive integer.
    """

    def __init__(
        self,
        event_shape: tuple[int, ...],
        levels: int,
        *,
        width: int = 128,
        depth: int = 1,
        cell: Callable[..., nn.Module] = nn.LSTM,
        condition: Labels | None = None,
    ):
        width, depth = integer("width", width), integer("depth", depth)
        super().__init__(event_shape, levels, width, condition)
        self.net = cell(width, width, depth, batch_first=True)
        self.head = nn.Linear(width, levels)

    def params(self, x, c=None):
        h, _ = self.net(self.late(x, c))
        return self.logits(h)

    def steps(self, x, c=None):
        """With the state kept."""
        tokens, state, h = x.view(len(x), -1), None, self.begin(x, c)
        for place in range(tokens.shape[1]):
            h, state = self.net(h, state)
            yield place, self.head(h[:, 0])
            h = self.token(tokens[:, place, None])
