"""Faces in words: "red hair, glasses, no hat", as tokens, and a net that reads them.

What is said of a face are its traits: hair and hat by their color, glasses and a beard
by whether they are there. A phrase names some of them, in any order. Built in chapter
11_steering_and_scale.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int, Int64
from torch import Tensor, nn

from ._arguments import integer, probability
from .attention import Transformer
from .data import Alphabet, Split

__all__ = [
    "LENGTH",
    "TRAITS",
    "WORDS",
    "PhraseEncoder",
    "describe",
    "named",
    "phrase",
    "traits",
]

TRAITS: dict[str, tuple[str, ...]] = {
    "hair": ("black", "blonde", "blue", "brown", "green", "red"),
    "hat": ("no", "black", "blue", "gray", "green", "pink", "purple", "red"),
    "glasses": ("no", ""),
    "beard": ("no", ""),
}
"""Each trait and the words for its values; an empty one: the trait is there."""

LENGTH = 2 * len(TRAITS)
"""The most words of a phrase."""

_PLAIN = sorted({word for values in TRAITS.values() for word in values if word})
WORDS = Alphabet(
    [*_PLAIN, *TRAITS],
    split=lambda text: text.replace(",", " ").split(),
    join=" ",
    end=True,
)
"""From phrases to tokens; a comma is none, and 0 stands after the end."""

# The artist's colors, by the nearest of our words.
_HAIR = {
    "#28150a": "black", "#a78961": "blonde", "#cab188": "blonde", "#009bbd": "blue",
    "#603015": "brown", "#603a14": "brown", "#611c17": "brown", "#612616": "brown",
    "#83623b": "brown", "#91cb15": "green", "#bd1700": "red",
}  # fmt: skip
_HAT = {
    "#2e1e05": "black", "#2663a3": "blue", "#989789": "gray", "#3d8a6b": "green",
    "#cc6192": "pink", "#614f8a": "purple", "#a62116": "red",
}  # fmt: skip


def traits(faces: Split) -> Int64[Tensor, "n 4"]:
    """Which of its values each of the `TRAITS` has, of faces of ``data.load``.

    Raises:
        ValueError: the set has no such attributes.
    """
    hair, hats = _colors(faces, "hairColor", _HAIR), _colors(faces, "hatColor", _HAT)
    columns = [
        torch.tensor([TRAITS["hair"].index(word) for word in hair]),
        torch.tensor([TRAITS["hat"].index(word) for word in hats])
        * _there(faces, "hat"),
        _there(faces, "glasses"),
        _there(faces, "beard"),
    ]
    return torch.stack(columns, 1)


def _colors(faces: Split, name: str, words: dict[str, str]) -> list[str]:
    codes, values = faces.attribute(name)
    return [words[values[code]] for code in codes.tolist()]


def _there(faces: Split, name: str) -> Int64[Tensor, " n"]:
    codes, values = faces.attribute(name)
    return (codes != values.index("None")).long()


def phrase(values: Sequence[int], names: Sequence[str] = tuple(TRAITS)) -> str:
    """The traits of these names in words, in this order.

    Args:
        values: of each of the `TRAITS`, as `traits` has them.

    Example:
        >>> phrase([5, 0, 1, 0], ["hair", "glasses", "hat"])
        'red hair, glasses, no hat'
    """
    of = dict(zip(TRAITS, values))
    return ", ".join(f"{TRAITS[name][of[name]]} {name}".strip() for name in names)


def describe(values: Int64[Tensor, "n 4"], share: float = 0.7) -> list[str]:
    """A phrase about each face: each of its traits by chance, in random order.

    Args:
        values: of `traits`.
        share: the probability that a trait is named.

    Raises:
        ValueError: ``share`` is not in [0, 1].
    """
    probability("share", share)
    n, names = len(values), list(TRAITS)
    orders = torch.rand(n, len(names), device="cpu").argsort(1).tolist()
    kept = (torch.rand(n, len(names), device="cpu") < share).tolist()
    return [
        phrase(row, [names[k] for k in order if said[k]])
        for row, order, said in zip(values.tolist(), orders, kept)
    ]


def named(text: str) -> dict[str, int]:
    """The traits that a phrase names, with their values; the inverse of `phrase`.

    Raises:
        ValueError: it is no such phrase: unknown words, a word without its trait, a
            value that the trait cannot have, or a trait named twice.

    Example:
        >>> named("blue hat, glasses")
        {'hat': 2, 'glasses': 1}
    """
    found: dict[str, int] = {}
    WORDS.encode(text)  # refuses unknown words
    value = ""
    for word in WORDS.split(text):
        if word not in TRAITS and not value:
            value = word
            continue
        if word not in TRAITS or value not in TRAITS[word] or word in found:
            raise ValueError(
                f"{text!r} is no phrase about a face at {f'{value} {word}'.strip()!r}; "
                f"expected each of {list(TRAITS)} at most once, after one of its words"
            )
        found[word], value = TRAITS[word].index(value), ""
    if value:
        raise ValueError(f"{text!r} ends in {value!r}; expected a trait after it")
    return found


class PhraseEncoder(nn.Module):
    """A phrase to a vector: a small causal transformer, and the sum over its words.

    A position sees the words before it, so that "red hair, blue hat" and "blue hair,
    red hat" need not give the same. No words give zeros.

    Args:
        out: values of the vector.
        tokens: how many there are; 0 stands after the end.
        length: the most of a phrase.
        width, depth, heads: of the transformer, see `attention.Transformer`.

    Radford et al. (2021), section 2.4, in small. Built in chapter
    11_steering_and_scale.

    Example:
        >>> net = PhraseEncoder(16)
        >>> net(WORDS.encode_all(["red hair, no hat", ""], LENGTH)).shape
        torch.Size([2, 16])
    """

    def __init__(
        self,
        out: int,
        *,
        tokens: int = len(WORDS),
        length: int = LENGTH,
        width: int = 64,
        depth: int = 1,
        heads: int = 4,
    ):
        super().__init__()
        self.word = nn.Embedding(integer("tokens", tokens), integer("width", width))
        position = torch.randn(integer("length", length), width)
        self.position = nn.Parameter(0.02 * position)
        self.net = Transformer(width, depth, heads)
        self.head = nn.Linear(width, integer("out", out), bias=False)

    def forward(self, c: Int[Tensor, "b t"]) -> Float[Tensor, "b out"]:
        h = self.net(self.word(c) + self.position[: c.shape[1]])
        there = (c != 0).to(h.dtype)[..., None]
        return self.head((there * h).sum(1))
