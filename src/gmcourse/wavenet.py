"""WaveNet: sound sample by sample, with causal convolutions that look far back.

Built in chapter 07_sequences.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, shape_of
from .autoregressive import Autoregressive
from .conditions import Labels
from .likelihoods import Tokens
from .pixels import gate

__all__ = ["DilatedLayer", "WaveNet"]


class DilatedLayer(nn.Module):
    """A gated convolution with two taps: a column, and the one ``dilation`` before it.

    Van den Oord et al. (2016), secs. 2.3 to 2.5 and fig. 4. What comes out is added to
    what came in, for the next layer, and goes to the head as well.
    """

    def __init__(self, width: int, head: int, dilation: int, classes: int | None):
        super().__init__()
        self.dilation, self.width = dilation, width
        self.taps = nn.Conv1d(2 * width, 2 * width, 1)
        self.out = nn.Conv1d(width, width + head, 1)
        self.told = None if classes is None else nn.Embedding(classes, 2 * width)

    def bias(self, c: Tensor | None) -> Tensor | float:
        """What a label adds before the gate, at all places alike."""
        return 0.0 if self.told is None or c is None else self.told(c)[..., None]

    def forward(
        self,
        past: Float[Tensor, "b width t"],
        now: Float[Tensor, "b width t"],
        bias: Tensor | float,
    ) -> tuple[Float[Tensor, "b width t"], Float[Tensor, "b head t"]]:
        """For the next layer, and for the head; ``past`` is ``now`` moved back."""
        both = self.out(gate(self.taps(torch.cat([past, now], 1)) + bias))
        return now + both[:, : self.width], both[:, self.width :]


class WaveNet(Autoregressive):
    """Dilated causal convolutions, which double how far they look with each layer.

    Sound is tokens by `gmcourse.data.mu_law`. Before a sequence begins all channels of
    all layers are zero.

    Args:
        event_shape: of one example; several axes are made one.
        levels: number of tokens.
        width: channels of the layers.
        dilations: how far back each layer looks, such as ``(1, 2, 4, 8) * 3``.
        head: channels of what the layers add up to, and of the layer after that.
        condition: a label, told to all layers at all places, or None.

    Raises:
        ValueError, TypeError: there is no dilation, or a size is no positive integer.

    Van den Oord et al. (2016). Built in chapter 07_sequences.

    Example:
        >>> WaveNet((8000,), 256, width=16, dilations=(1, 2, 4, 8) * 2).receptive_field
        31
    """

    dtype = torch.int64

    def __init__(
        self,
        event_shape: tuple[int, ...],
        levels: int,
        *,
        width: int = 32,
        dilations: Sequence[int] = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512),
        head: int = 64,
        condition: Labels | None = None,
    ):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        self.levels = integer("levels", levels, 2)
        self.likelihood, self.condition = Tokens(levels), condition
        self.dilations = shape_of("dilations", dilations)
        width, head = integer("width", width), integer("head", head)
        classes = None if condition is None else condition.classes + 1
        self.token = nn.Embedding(levels, width)
        self.layers: Any = nn.ModuleList(
            DilatedLayer(width, head, dilation, classes) for dilation in self.dilations
        )
        self.head = nn.Sequential(
            nn.ReLU(),
            nn.Conv1d(head, head, 1),
            nn.ReLU(),
            nn.Conv1d(head, levels, 1),
        )

    @property
    def receptive_field(self) -> int:
        """How many tokens before it a token is drawn from, at most."""
        return 1 + sum(self.dilations)

    def params(self, x, c=None):
        c, total = self._label(x, c), 0
        h = _back(self.token(x.flatten(1)).transpose(1, 2), 1)
        for layer in self.layers:
            h, skip = layer(_back(h, layer.dilation), h, layer.bias(c))
            total = total + skip
        return self.head(total).reshape(len(x), -1, *self.event_shape[1:])

    def steps(self, x, c=None):
        """With a queue for each layer, of the columns that it will look back at.

        Paine et al. (2016). The columns of all examples lie side by side, as if they
        were those of one: a convolution of many columns is faster than many of one.
        """
        c, tokens = self._label(x, c), x.view(len(x), -1)
        biases = [_beside(layer.bias(c)) for layer in self.layers]
        h = self.token.weight.new_zeros(1, self.token.embedding_dim, len(x))
        queues = [deque([h] * layer.dilation) for layer in self.layers]
        for place in range(tokens.shape[1]):
            total = 0
            for layer, queue, bias in zip(self.layers, queues, biases):
                queue.append(h)
                h, skip = layer(queue.popleft(), h, bias)
                total = total + skip
            yield place, self.head(total)[0].T
            h = self.token(tokens[:, place]).T[None]

    def _label(self, x: Tensor, c: Tensor | None) -> Tensor | None:
        if self.condition is None or c is not None:
            return c
        return self.condition.null(len(x), x)


def _back(h: Float[Tensor, "b c t"], k: int) -> Float[Tensor, "b c t"]:
    """Each column where the one ``k`` after it was; zeros before the first."""
    return F.pad(h, (k, 0))[..., : h.shape[-1]]


def _beside(bias: Tensor | float) -> Tensor | float:
    """One column of each example, ``(b, c, 1)``, as columns of one, ``(1, c, b)``."""
    return bias.transpose(0, 2) if isinstance(bias, Tensor) else bias
