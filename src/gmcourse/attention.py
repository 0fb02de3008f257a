"""Causal self-attention, and a transformer made of it, with its cache.

Built in chapter 06_one_pixel_at_a_time.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer

__all__ = ["Block", "CausalAttention", "KeysValues", "Transformer", "rotate"]

Turn = Callable[[Tensor, int], Tensor]


class KeysValues:
    """The keys and values of one layer, of all positions so far."""

    def __init__(self) -> None:
        self.length = 0
        self._kept: tuple[Tensor, ...] = ()  # with room for positions to come

    def add(self, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
        """Those of the next positions; returns all."""
        first, self.length = self.length, self.length + k.shape[2]
        kept = self._kept or (k[:, :, :0], v[:, :, :0])
        if k.requires_grad or self.length > kept[0].shape[2]:
            # With as much room again, so that they are seldom moved. Where a gradient
            # is asked for they always are: what has been used must not be written to.
            pairs = [(old[:, :, :first], new) for old, new in zip(kept, (k, v))]
            room = (0, 0, 0, self.length)
            self._kept = kept = tuple(F.pad(torch.cat(pair, 2), room) for pair in pairs)
        else:
            for old, new in zip(kept, (k, v)):
                old[:, :, first : self.length] = new
        return kept[0][:, :, : self.length], kept[1][:, :, : self.length]


def rotate(x: Float[Tensor, "... t d"], first: int = 0) -> Float[Tensor, "... t d"]:
    """Each pair of channels turned by an angle that grows with the position.

    Rotary positions: a query and a key that were both turned have an inner product that
    depends on how far they are apart, and not on where they are. Su et al. (2021),
    eq. 34, with the halves of the channels as pairs. ``first`` is the first position.
    Built in chapter 07_sequences.

    Raises:
        ValueError: the number of channels is odd.
    """
    d = x.shape[-1]
    if d % 2:
        raise ValueError(f"x has {d} channels; expected an even number")
    like = {"device": x.device, "dtype": torch.float32}
    speed = 10_000.0 ** (-torch.arange(0, d, 2, **like) / d)
    angle = torch.arange(first, first + x.shape[-2], **like)[:, None] * speed
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)  # (t, d / 2)
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


class CausalAttention(nn.Module):
    """Self-attention in which a position sees itself and those before it.

    Vaswani et al. (2017), sec. 3.2. Built in chapter 06_one_pixel_at_a_time.

    Args:
        width: channels, of all heads together.
        heads: how many.
        turn: what queries and keys go through, with the first position: `rotate`, or
            None, where positions are told otherwise.

    Raises:
        ValueError: ``width`` is no multiple of ``heads``.
    """

    def __init__(self, width: int, heads: int, turn: Turn | None = None):
        super().__init__()
        self.heads, self.turn = integer("heads", heads), turn
        if integer("width", width) % heads:
            raise ValueError(f"width is {width}; expected a multiple of heads, {heads}")
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "b t d"], cache: KeysValues | None = None
    ) -> Float[Tensor, "b t d"]:
        (b, t, _), first = x.shape, 0 if cache is None else cache.length
        qkv = self.qkv(x).view(b, t, 3, self.heads, -1).unbind(2)
        q, k, v = (part.transpose(1, 2) for part in qkv)  # (b, heads, t, d)
        if self.turn is not None:
            q, k = self.turn(q, first), self.turn(k, first)
        if cache is not None:
            k, v = cache.add(k, v)
        if first and t > 1:
            seen = torch.ones(t, first + t, dtype=torch.bool, device=x.device)
            y = attended(q, k, v, attn_mask=seen.tril(first))
        else:
            y = attended(q, k, v, is_causal=t > 1)
        return self.out(y.transpose(1, 2).flatten(2))


def attended(q: Tensor, k: Tensor, v: Tensor, **how: Any) -> Tensor:
    """In float32 where it is bfloat16 on a CPU, which takes twice as long there."""
    if q.device.type != "cpu" or q.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v, **how)
    with torch.autocast("cpu", enabled=False):
        y = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), **how)
    return y.to(v.dtype)


class Block(nn.Module):
    """Attention and a small network at each position, each added to what comes in.

    The normalization stands before each of them (pre-norm; Xiong et al., 2020).
    """

    def __init__(self, width: int, heads: int, turn: Turn | None = None):
        super().__init__()
        self.attention = CausalAttention(width, heads, turn)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self, x: Float[Tensor, "b t d"], cache: KeysValues | None = None
    ) -> Float[Tensor, "b t d"]:
        first, second = self.norms
        x = x + self.attention(first(x), cache)
        return x + self.mlp(second(x))


class Transformer(nn.Module):
    """Blocks and a last normalization, ``(b, t, width)`` to the same.

    Raises:
        ValueError, TypeError: a size is no positive integer, or ``width`` no multiple
            of ``heads``.
    """

    def __init__(self, width: int, depth: int, heads: int, turn: Turn | None = None):
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(width, heads, turn) for _ in range(integer("depth", depth))
        )
        self.norm = nn.LayerNorm(width)

    def cache(self) -> list[KeysValues]:
        """An empty one, for `forward`."""
        return [KeysValues() for _ in self.blocks]

    def forward(
        self, x: Float[Tensor, "b t d"], cache: list[KeysValues] | None = None
    ) -> Float[Tensor, "b t d"]:
        """With a cache ``x`` holds the next positions, one or more."""
        for block, kept in zip(self.blocks, cache or [None for _ in self.blocks]):
            x = block(x, kept)
        return self.norm(x)
