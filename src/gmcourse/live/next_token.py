"""A small GPT that writes letter by letter, with what each of its heads looks at."""

import io
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..attention import rotate
from ..plots import BLUE, figure
from ..sequences import GPT
from ._bytes import finite_half, half, in_base64, rounded
from ._net import pack
from .figure import Live

_LONGEST, _MOST = 32, 96  # positions and symbols: columns that can be told apart


class NextToken(Live):
    """A GPT of letters writes in the page, from a beginning that the reader types.

    Bars show the probability of each next letter under the model, and that with which
    it is drawn: logits are divided by the temperature, then the k likeliest are kept
    (`decoding.top_k`), then the nucleus of those (`decoding.nucleus`). Strips show for
    each head of each layer how the attention of the last position, or of one that is
    picked, is spread over itself and those before it. The log-probability, in nats, of
    what is written is the model's own, whatever the sliders say: of all texts that
    begin so, and of a finished one with its end; what would come after that sums to
    one.

    Args:
        model: a `GPT` of at most 32 tokens on one axis and at most 96 levels, without a
            condition. Its weights are kept in half precision, 2.7 bytes of the page for
            each.
        symbols: of each token its character. Token 0 is the end of a text, and its
            symbol may be empty; the others are different from it and each other.
        start: the beginning that stands there at first.
        title, label: as of `Live`.
        wander: it writes one text after the other until touched, as of `Live`.

    Raises:
        TypeError: the model is no `GPT`, or a subclass.
        ValueError: the model has several axes, a condition, too many tokens, or
            weights that are not finite in half precision; there is not one symbol a
            token; or start is too long or has other letters.

    In the page the container holds ``gm = {set(text), step(), finish(), again(),
    look(i), logits(), attention(i), chances(), logProb(), temperature(t), topK(k),
    nucleus(p), random(state), get()}``: ``logits()`` gives a row for each letter and
    one for the next, ``attention(i)`` the probabilities of each head of each layer, and
    ``chances()`` the two distributions of the next letter.
    Radford et al. (2018); Fan et al. (2018); Holtzman et al. (2020).
    """

    kind = "next_token"

    def __init__(
        self,
        model: GPT,
        symbols: Sequence[str],
        start: str = "",
        *,
        title: str = "",
        label: str = "A model writes letter by letter",
        wander: bool = True,
    ) -> None:
        _supported(model)
        symbols = _told_apart(symbols, model.token.num_embeddings)
        unknown = sorted(set(start) - set(symbols[1:]))
        if unknown:
            raise ValueError(
                f"start is {start!r}; {unknown} are none of the symbols "
                f"{''.join(symbols[1:])!r}"
            )
        length = model.position.num_embeddings
        if len(start) >= length:
            raise ValueError(
                f"start has {len(start)} letters; the model writes {length}, so "
                f"expected at most {length - 1}, to leave one to draw"
            )
        tokens = [symbols.index(letter) for letter in start]
        blocks: Any = model.net.blocks
        attention = blocks[0].attention
        data = {
            "weights": in_base64(_packed(model)),
            "length": length,
            "width": model.token.embedding_dim,
            "depth": len(blocks),
            "heads": attention.heads,
            "rotary": attention.turn is rotate,
            "symbols": symbols,
            "start": tokens,
        }
        p = _next(model, tokens)
        order = p.argsort(descending=True, stable=True)[:5].tolist()
        likely = ", ".join(f"{_visible(symbols[i])} {p[i]:.2f}" for i in order)
        after = f"The next letter after “{start}”" if start else "The first letter"
        caption = f"{after}, and its probability: {likely}."
        super().__init__(data, _still(p, symbols), caption, title, label, wander)


def _supported(model: GPT) -> None:
    if type(model) is not GPT:  # a subclass may compute something else
        raise TypeError(f"the model is a {type(model).__name__}; expected a GPT")
    if model.condition is not None:
        raise ValueError(
            "the model has a condition, which the page does not know; expected a GPT "
            "made with condition=None"
        )
    length, levels = model.position.num_embeddings, model.token.num_embeddings
    if len(model.event_shape) != 1 or length > _LONGEST or levels > _MOST:
        raise ValueError(
            f"the model's event_shape is {model.event_shape}, with {levels} levels; "
            f"expected one axis of at most {_LONGEST} tokens, and at most {_MOST} "
            "levels"
        )


def _told_apart(symbols: Sequence[str], levels: int) -> list[str]:
    symbols = list(symbols)
    if len(symbols) != levels:
        raise ValueError(
            f"{len(symbols)} symbols for a model of {levels} levels; expected one "
            "each, that of the end first"
        )
    long = [s for s in symbols[1:] if len(s) != 1]
    if long or len(symbols[0]) > 1 or len(set(symbols)) < levels:
        raise ValueError(
            f"the symbols are {symbols}; expected a different character for each, or "
            "'' for the first alone"
        )
    return symbols


def _packed(model: GPT) -> bytes:
    """All weights in the order in which the script takes them."""
    for name, values in model.named_parameters():
        finite_half(f"the model's {name}", values)

    def linear(layer: nn.Module) -> bytes:
        return pack(nn.Sequential(layer))[1]

    def norm(layer: nn.Module) -> bytes:
        return b"".join(map(half, layer.parameters()))

    tables, blocks = (model.token, model.start, model.position), model.net.blocks
    parts: list[bytes] = [half(table.weight) for table in tables]
    block: Any
    for block in blocks:
        parts += [norm(block.norms[0]), linear(block.attention.qkv)]
        parts += [linear(block.attention.out), norm(block.norms[1])]
        parts += [linear(block.mlp[0]), linear(block.mlp[2])]
    return b"".join([*parts, norm(model.net.norm), linear(model.head)])


@torch.no_grad()
def _next(model: GPT, tokens: list[int]) -> Float[Tensor, " levels"]:
    """The distribution of the token after these, by the model as the page has it."""
    x = torch.zeros(1, *model.event_shape, dtype=torch.int64, device="cpu")
    x[0, : len(tokens)] = torch.tensor(tokens, dtype=torch.int64)
    logits = rounded(model).params(x).view(-1, *model.event_shape)
    return logits[:, len(tokens)].softmax(0)


def _visible(symbol: str) -> str:
    return {"": "∎", " ": "␣", "\n": "↵", "\t": "⇥"}.get(symbol, symbol)


def _still(p: Tensor, symbols: list[str]) -> bytes:
    import matplotlib.pyplot as plt

    fig, ax = figure(width=4.4, height=1.8)
    ax.bar(range(len(p)), p.tolist(), color=BLUE)
    ax.set_xticks(range(len(p)), [_visible(s) for s in symbols], fontsize=7)
    ax.tick_params(axis="x", length=0)
    ax.margins(x=0.01)
    ax.set_ylabel("probability")
    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=100, metadata={"Software": None})
    plt.close(fig)
    return out.getvalue()
