"""Exercise ar-24: What a perplexity means."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

TEXT = {"characters": 1_150_000, "words": 202_000}


@Exercise(
    id="ar-24",
    title="What a perplexity means",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compare language models whose tokens differ, by what they pay for the same "
        "text.",
    ),
    statement=r"""
A language model's loss is a mean over tokens, and its perplexity the exponential of
that: the number of equally likely tokens that would be as hard to guess. What a token
is each model decides for itself; what the whole text costs, in nats or bits, does not
depend on that. Three answers are due.

- `bits_per_character(losses, tokens, characters)`: three tensors `(d,)`, float64 and
  twice int64, have for each of $d$ documents the mean loss, in nats per token, and the
  numbers of its tokens and of its characters. Each document ends in a token that says
  so: `tokens` counts it, it has its share in the mean loss, and it is no character. A
  document may be empty, with no character and that token alone, but not all are. Return
  the bits that a character costs on average over all documents together, what the ends
  cost included: one number, a float or a float64 tensor without axes.
- `word_perplexity(bits, characters, words)`: `bits`, float64 of any shape, is what a
  character costs, in bits, and `characters` and `words`, int64 of the same shape, are
  the numbers of both in the same text. Return its perplexity per word, the exponential
  of the mean loss in nats per word, in that shape and in float64.
- `best`: three models are tried on the same text of 1,150,000 characters, which are
  202,000 words. The first has 310,000 tokens for it and a perplexity of 24.0 per token.
  The second has one token for each character and a mean loss of 0.92 nats per token.
  The third has one token for each word and a perplexity of 150 per token. Nothing else
  is counted. How many bits per character does the best of the three need?

Functions are held to ten digits, the number to four.
""",
    stub='''
def bits_per_character(losses, tokens, characters):
    """Nats per token, and two counts, each (d,) -> one number, in bits."""
    return ...


def word_perplexity(bits, characters, words):
    """Bits per character, two counts, of any shape -> perplexity per word."""
    return ...


best = ...
''',
    answers={
        "bits_per_character": callable,
        "word_perplexity": callable,
        "best": float,
    },
    hints=(
        "How many nats does the whole of a document cost, and how many do all?",
        "A bit is log 2 = 0.693 nats: fewer nats than bits.",
        "To compare the three, ask what each pays for the whole text.",
    ),
    misconceptions={
        "documents weighed alike": "Long documents count for more: add up what they "
        "cost, and only then divide.",
        "weighed by the characters": "A mean loss per token is multiplied by tokens.",
        "mean of perplexities": "Losses add up, perplexities do not.",
        "tokens left out": "A loss per token times the number of tokens is what the "
        "document costs.",
        "divided by the tokens": "What a token costs depends on how long it is: "
        "divide by the characters.",
        "empty documents left out": "Its end is counted, and costs something.",
        "empty documents counted as one character": "A document without characters "
        "has none: the sum of all is divided, not each by itself.",
        "logarithm of a loss": "A loss is a logarithm already.",
        "not divided by the characters": "What the whole text costs is shared by its "
        "characters.",
        "divided by the documents": "Divide by the characters.",
        "characters counted otherwise": "The characters are those that are given, "
        "spaces and all.",
        "quotient rounded": "A word has 4.7 characters, say: divide without rounding.",
        "which of the three": "How many bits is asked for.",
        "float32 in between": "Ten digits are due, and float32 has seven.",
        "end tokens left out": "The number of tokens counts the one at the end, and "
        "its cost is part of the text's.",
        "end tokens counted as characters": "The end of a document is a token, and no "
        "character.",
        "log 2 on the wrong side": "A bit is 0.693 nats, so that there are more bits "
        "than nats.",
        "perplexity in place of its logarithm": "Bits are due, the logarithm.",
        "logarithm in place of a perplexity": "The perplexity is the exponential.",
        "e in place of 2": "The loss is given in bits: 2 to that power.",
        "bits multiplied by log 2 twice": "Either 2 to the power of bits, or e to that "
        "of nats.",
        "counts turned around": "A word has several characters, and costs as much as "
        "all of them.",
        "perplexity per character": "A word costs what its characters cost together.",
        "perplexity multiplied": "The loss is multiplied by the number of characters "
        "in a word, and not its exponential.",
        "perplexity of the whole text": "Per word: the loss is divided by their "
        "number.",
        "reduced over the entries": "Each entry is a text by itself.",
        "the lowest perplexity": "A perplexity per character is lower than one per "
        "word, whatever the model: compare what the text costs.",
        "not the best of the three": "Another of the three needs fewer.",
        "per token in place of per character": "Divide by the characters.",
        "divided by the words": "Divide by the characters.",
    },
)
def ar_24(t, bits_per_character, word_perplexity, best):
    log2 = math.log(2)

    def costs(losses, tokens, characters):
        def value(sum_, by, base, end):
            return end(sum_ / by * base)

        n, c = tokens.double(), characters.double()
        sums = {
            "": sum(v * k for v, k in zip(losses, n)),
            "documents weighed alike": [
                losses.mean() * n.sum(),
                losses.sum() * n.sum(),
            ],
            "empty documents left out": (losses * n * (c > 0)).sum(),
            "logarithm of a loss": [(losses.log() * n).sum() / v for v in (1, log2)],
            "end tokens left out": (losses * (n - 1)).sum(),
            "tokens left out": [losses.sum(), losses.mean()],
            "weighed by the characters": [
                (losses * c).sum(),
                (losses * c).sum() / c.sum() * n.sum(),
            ],
            "mean of perplexities": [
                (n * losses.exp()).sum().div(n.sum()).log() * n.sum(),
                losses.exp().mean().log() * n.sum(),
            ],
        }
        by = {
            "": c.sum(),
            "divided by the tokens": [n.sum(), (n - 1).sum()],
            "end tokens counted as characters": (c + 1).sum(),
            "empty documents counted as one character": c.clamp(min=1).sum(),
            "documents weighed alike": c.mean(),
            "not divided by the characters": 1.0,
            "divided by the documents": len(c),
            "counts turned around": n.sum() ** 2 / c.sum(),
        }
        bases = {
            "": 1 / log2,
            "nats in place of bits": 1.0,
            "log 2 on the wrong side": log2,
            "logarithm to base 10": 1 / math.log(10),
        }
        ends = {
            "": lambda v: v,
            "perplexity in place of its logarithm": [
                lambda v: 2**v,
                lambda v: (v * log2).exp(),
            ],
            "inverse of what is due": lambda v: 1 / v,
            "sign flipped": lambda v: -v,
        }
        each = losses * n / c / log2
        yield "documents weighed alike", [each.mean(), each.sum(), each.median()]
        yield "documents weighed alike", (each * n).sum() / n.sum()
        yield from mistakes(value, sums, by, bases, ends, tol=1e-8)

    def single(out, due):
        """The name of what is nearly right."""
        near = not far(t.tensor(out).detach().double(), due, 1e-5).any()
        return "float32 in between" if near else None

    def judged(name, losses, tokens, characters):
        t.property(f"bits: {name}")
        args = losses, tokens, characters
        out = t.call(bits_per_character, *args)
        ideas = {"documents weighed alike": tuple(losses.shape)}
        t.shape(out, (), "one number for all documents.", ideas=ideas)
        t.dtype(out, torch.float64, "that of the losses.")
        nats = sum(v * int(n) for v, n in zip(losses, tokens))
        due = nats / sum(characters.tolist()) / log2
        told, why = single(out, due), "What all cost, for each character."
        if not t.tensor(out).isfinite():  # 0 characters, by which something is divided
            told = "documents weighed alike"
        t.close(out, due, why, told, costs(*args), 1e-10)

    def documents(d, low=20, high=900, size=4):
        tokens = t.integers(d, low=low, high=high)
        characters = (tokens * t.uniform(d, low=size - 1, high=size + 1)).long()
        return t.uniform(d, low=1.5, high=4.5).double(), tokens, characters

    judged("several documents", *documents(5))
    judged(
        "long and short documents",
        *map(torch.cat, zip(documents(3), documents(2, 3, 9))),
    )
    judged("one document", *documents(1))
    judged("one token for each character", *documents(3, size=1))
    losses, tokens, characters = documents(4)
    tokens[2], characters[2] = 1, 0
    judged("an empty document", losses, tokens, characters)
    losses, tokens, characters = documents(3)
    judged("a text that is certain", 0 * losses, tokens, characters)
    judged("long texts", losses, tokens * 10**9 + 7, characters * 10**9 + 11)

    def powers(bits, c, w):
        bases = {
            "": 2.0,
            "e in place of 2": math.e,
            "logarithm to base 10": 10.0,
            "log 2 on the wrong side": math.exp(1 / log2),
            "bits multiplied by log 2 twice": 2**log2,
        }
        exponents = {
            "": bits * c / w,
            "counts turned around": bits * w / c,
            "perplexity per character": bits,
            "characters counted otherwise": [bits * (c - w) / w, bits * (c + w) / w],
            "quotient rounded": [bits * (c / w).floor(), bits * (c / w).round()],
            "perplexity of the whole text": [bits * c, bits * c / w.sum()],
            "inverse of what is due": -bits * c / w,
        }
        yield from mistakes(lambda a, b: a**b, bases, exponents)
        first = bits * c / w
        yield "logarithm in place of a perplexity", [first, first * log2, first / log2]
        outside = [(a**bits) * c / w for a in (2, math.e)]
        yield "perplexity multiplied", outside
        mean = [
            first.mean(),
            bits * c.sum() / w.sum(),
            bits.mean() * c.sum() / w.sum(),
            (bits * c).sum() / w.sum(),
        ]
        yield "reduced over the entries", [0 * bits + 2**v for v in mean]

    def text(*shape, low=1.0, high=2.5):
        words = t.integers(*shape, low=200, high=900)
        characters = (words * t.uniform(*shape, low=4.2, high=6.8)).long()
        return t.uniform(*shape, low=low, high=high).double(), characters, words

    for shape in ((4,), (), (2, 3), (1,)):
        t.property("perplexity per word: texts of any shape")
        args = text(*shape)
        out = t.call(word_perplexity, *args)
        ideas = {"reduced over the entries": ()}
        t.shape(out, shape, "as the arguments.", ideas=ideas)
        t.dtype(out, torch.float64, "that of the bits.")
        bits, c, w = (v.double() for v in args)
        due = (bits.mul(c) * log2).div(w).exp()
        told, why = single(out, due), "e to the nats per word."
        t.close(out, due, why, told, powers(bits, c, w), 1e-10)
    t.property("perplexity per word: nothing to guess")
    bits, c, w = text(2)
    t.close(t.call(word_perplexity, 0 * bits, c, w), 1.0, "One word is certain.")

    c, w = TEXT.values()
    nats = [math.log(24) * 310_000, 0.92 * c, math.log(150) * w]
    bits = [v / c / log2 for v in nats]
    found = {
        "the lowest perplexity": [bits[1]],
        "not the best of the three": [bits[2]],
        "nats in place of bits": [v / c for v in nats],
        "log 2 on the wrong side": [v / c * log2 for v in nats],
        "logarithm to base 10": [v / c / math.log(10) for v in nats],
        "per token in place of per character": [
            math.log(24) / log2,
            math.log(150) / log2,
            math.log(24),
        ],
        "perplexity in place of its logarithm": [
            *(2 ** min(bits), 24.0, math.exp(0.92), math.exp(min(nats) / w)),
        ],
        "divided by the words": [min(nats) / w / log2, min(nats) / w],
        "not divided by the characters": [min(nats) / log2, min(nats)],
        "counts turned around": [
            math.log(24) * c / 310_000 / log2,
            math.log(150) * c / w / log2,
        ],
        "which of the three": [1.0, 2.0, 3.0],
    }
    why = "What the text costs the best of the three, in bits for each character."
    t.number("best", best, min(bits), why, found, tol=2e-4, unit="bits")
