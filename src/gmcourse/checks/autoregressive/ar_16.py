"""Exercise ar-16: What follows what."""

import math
from collections import Counter
from typing import Any

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import wrong_part


@Exercise(
    id="ar-16",
    title="What follows what",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Make a model of sequences from counts alone, which gives every token a "
        "probability in any context.",
    ),
    statement=r"""
The oldest model of text counts what followed what. Long contexts are rarely seen, so
their counts are mixed with those of shorter ones: here by Witten and Bell's rule, one
of those compared by [Chen and Goodman (1996)](https://arxiv.org/abs/cmp-lg/9606011).

The text `train` is a sequence of tokens from 0 to `levels` - 1, in an int64 tensor
`(N,)`. A *context* $c$ is a sequence of tokens in the order of the text, the latest
last. Let $C(c, w)$ be the number of places in `train` where the tokens of $c$ stand one
right after the other and $w$ right after them (places may overlap), $C(c) = \sum_w C(c,
w)$, and $T(c)$ the number of *different* $w$ with $C(c, w) > 0$. With $c'$ for $c$
without its first token, the earliest, and $V$ for `levels`,

$$
p(w \mid c) = \frac{C(c, w) + T(c)\; p(w \mid c')}{C(c) + T(c)} ,
$$

and $p(w \mid c) = p(w \mid c')$ where $C(c) = 0$. It ends with the empty context, for
which $C(w)$ counts the token $w$ in all of `train`, and where $1/V$ stands in place of
$p(w \mid c')$.

- `predict(train, context, n, levels)` gives all $p(w \mid c)$, a float64 tensor
  `(levels,)`, for an $n$-gram model: $c$ is the last $n - 1$ tokens of `context`, an
  int64 tensor of any length, or all of it if it is shorter (with $n = 1$ it is empty).
- `perplexity(train, test, n, levels)` is $2^{H}$, where $H$ is the mean, over all
  tokens of `test` (int64, one or more), of $-\log_2 p$ of the token, its context being
  the tokens of `test` before it: none for the first. It is a float or a tensor of no
  axes.

`train` may be short or empty; `n` and `levels` are any, 1 or more. At most 1000 tokens
are counted and 100 tested, with $n$ up to 6. Ten digits are due.
""",
    stub='''
def predict(train, context, n, levels):
    """(N,), any length, n, V -> (V,): p of each next token."""
    return ...


def perplexity(train, test, n, levels):
    """(N,), (M,), n, V -> a number."""
    return ...
''',
    answers={"predict": callable, "perplexity": callable},
    hints=(
        "Go from the short contexts to the long ones: begin with 1/V for all tokens, "
        "and mix in the counts of the empty context, then those of the last token, "
        "then those of the last two.",
        "`train.unfold(0, m + 1, 1)` holds all pieces of m + 1 tokens, if there are as "
        "many.",
        "The probabilities of all tokens sum to one in every context, seen or not.",
    ),
    misconceptions={
        "no mixing with shorter contexts": "Counts alone give 0 to what was not seen: "
        "each context shares T(c) with the shorter one.",
        "unseen contexts without the shorter one": "Where nothing followed, the "
        "shorter context says it all.",
        "T counts otherwise": "T(c) is the number of different tokens that followed c.",
        "another denominator": "The numerators sum to C(c) + T(c).",
        "weights exchanged": "The more often the context was seen, the less counts the "
        "shorter one.",
        "context reversed": "The context is in the order of the text.",
        "latest token dropped": "The shorter context is without the earliest token.",
        "first tokens of the context": "The last n - 1 tokens count.",
        "context too long": "An n-gram model sees n - 1 tokens.",
        "context too short": "An n-gram model sees n - 1 tokens.",
        "end of the text counted": "A context at the very end of train has no "
        "follower there.",
        "the end of the text lost": "The last token of train follows those before it.",
        "overlaps not counted": "Places may overlap.",
        "uniform part left out": "A token that never occurred has a probability, too: "
        "1/V is mixed in at the end.",
        "straight to the shortest context": "Each context is mixed with the one that "
        "is one token shorter.",
        "steps left out": "All lengths from 0 to n - 1 are mixed.",
        "does not sum to one": "The probabilities of all tokens sum to one.",
        "logarithm of the probabilities": "Probabilities are due.",
        "base confused": "The power and the logarithm have the same base.",
        "entropy in place of the perplexity": "2 to the power of H is due.",
        "mean of the probabilities": "The mean is that of the logarithms.",
        "not divided by the number of tokens": "H is a mean.",
        "first token left out": "It has a probability, too, in the empty context.",
        "tested on the training text": "The tokens of test are due.",
        "context from the training text": "The test begins without a context.",
        "context of one token": "The context of a token is all that stands before it, "
        "of which n - 1 tokens count.",
        "another mean": "The sum is divided by the number of all tokens of test.",
        "inverse of the perplexity": "The probabilities lie below the line.",
        "float32 in between": "Ten digits are due: float32 has seven.",
    },
)
def ar_16(t, predict, perplexity):
    def text(n, levels, k=3):
        """Tokens that follow each other in a few ways alone."""
        rows = t.integers(levels, k, low=0, high=levels - 1)
        rare = t.integers(n, low=0, high=9)
        x, choice = [int(t.integer(0, levels - 1))], t.integers(n, low=0, high=k - 1)
        for c, r in zip(choice.tolist(), rare.tolist()):
            one = r % levels if r < 2 else int(rows[x[-1], c])
            x.append(one)
        return torch.tensor(x[:n])

    def judged(name, train, context, n, levels, told=None):
        t.property(name)
        out = t.call(predict, train, context, n, levels)
        t.shape(out, (levels,), "one probability for each token.")
        t.dtype(out, torch.float64, "probabilities with many digits.")
        args = train.tolist(), context.tolist(), n, levels
        due = model(*args)
        got = t.tensor(out).detach()
        name = None
        if far(got, due, 1e-9).any():
            name = told or wrong_part(got, lambda *how: model(*args, *how), *ways())
            if name is None and not far(got, due, 1e-5).any():
                name = "float32 in between"
            if name is None and not far(got, due.log(), 1e-6).any():
                name = "logarithm of the probabilities"
            if name is None and abs(float(got.sum()) - 1) > 1e-3:
                name = "does not sum to one"
        t.close(out, due, "Count by count.", name, tol=1e-9)

    none = torch.zeros(0, dtype=torch.long)
    levels = t.integer(5, 7)
    train, spots = none, []
    while len(spots) < 3:  # pairs with followers that came once, and others
        train = text(80, levels)
        after: dict[Any, Counter] = {}
        for i in range(78):
            seen = after.setdefault(tuple(train[i : i + 2].tolist()), Counter())
            seen[int(train[i + 2])] += 1
        spots = [
            i
            for i in range(5, 70)
            for v in [set(after[tuple(train[i : i + 2].tolist())].values())]
            for c in [tuple(train[i - 4 : i + 2].tolist())]
            if 1 in v and len(v) > 1 and len({c[-2:], c[:-3:-1], c[:2], c[1::-1]}) > 3
        ]
    for i in (spots[0], spots[-1], spots[len(spots) // 2]):
        judged("3-grams", train, train[i - 4 : i + 2], 3, levels)
    for at in (10, 41, 66):
        judged("4-grams", train, train[at : at + 7], 4, levels)
    judged("pairs", train, train[20:24], 2, levels)
    judged("single tokens", train, train[20:24], 1, levels)
    judged("no context", train, none, 4, levels)
    judged("a context that is short", train, train[30:31], 5, levels)
    judged("the end of the text", train, train[-6:], 4, levels)
    new = torch.cat([train, torch.tensor([levels])])
    judged("a token seen only at the end", new, new[-4:], 3, levels + 1)
    other = torch.cat([torch.full((3,), levels + 1), train[40:41]])
    unseen = "unseen contexts"
    judged(unseen, train, other, 4, levels + 2)
    judged(unseen, train, other[:3], 3, levels + 2)
    judged(unseen, train, torch.cat([train[9:12], other[:1]]), 3, levels + 2)
    same = torch.tensor([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1])
    judged("overlapping places", same, same[:3], 3, 2)
    judged("overlapping places", same, same[:4], 4, 3)
    for size in (0, 1, 2, 3):
        judged("short texts", train[:size], train[:2], 4, levels)
        judged("short texts", train[:size], train[:1], 2, levels)
    judged("a single token in the alphabet", torch.zeros(5).long(), none, 3, 1)
    for _ in range(3):
        long = text(1000, 30, 4)
        at = t.integer(0, 900)
        judged("a long text", long, long[at : at + 8], 6, 31)

    def tested(name, train, test, n, levels):
        t.property(name)
        out = t.call(perplexity, train, test, n, levels)
        t.shape(out, (), "a number.")
        args, m = (train.tolist(), test.tolist()), len(test)

        def each(n=n, start=0, past=(), most=99):
            x = [*past, *args[1]]
            spots = range(len(past) + start, len(x))
            p = [
                model(args[0], x[max(0, i - most) : i], n, levels)[x[i]] for i in spots
            ]
            return torch.stack(p)

        p = each()
        h = -p.log2().mean()
        nats = h * math.log(2)

        def ideas():
            yield "entropy in place of the perplexity", [h, nats, -h, -nats]
            ways = [h.exp(), 2**nats, 10**h, 10**nats, 10 ** (nats / 10)]
            yield "base confused", ways
            yield "mean of the probabilities", [1 / p.mean(), (1 / p).mean(), p.mean()]
            ways = [2 ** (h * m), h * m, nats * m]
            yield "not divided by the number of tokens", ways
            rest = -p[1:].log2()
            ways = [2 ** rest.mean(), 2 ** (rest.sum() / m)] if m > 1 else []
            yield "first token left out", ways
            yield "inverse of the perplexity", 2**-h
            before = {
                "context from the training text": {"past": args[0]},
                "context of one token": {"most": 1},
                "context too long": {"n": n + 1},
                "context too short": {"n": max(n - 1, 1)},
            }
            for name, how in before.items():
                yield name, 2 ** -each(**how).log2().mean()
            ways = [2 ** (h * m / max(m - 1, 1)), 2 ** (h * m / (m + 1))]
            yield "another mean", ways
            yield "tested on the training text", own()

        t.close(out, 2**h, "Two to the power of H.", ideas=ideas(), tol=1e-9)

    def own():
        x = train.tolist()
        p = [model(x, x[:i], 3, levels)[w] for i, w in enumerate(x)]
        return 2 ** -torch.stack(p).log2().mean()

    test = text(25, levels)
    tested("perplexity", train, test, 3, levels)
    tested("perplexity of another text", train, text(40, levels), 4, levels)
    tested("perplexity of one token", train, test[:1], 3, levels)
    tested("perplexity of single tokens", train, test, 1, levels)
    tested("perplexity of an unknown alphabet", none, test, 3, levels)
    other = torch.cat([test, torch.full((4,), levels + 3)])
    tested("perplexity with new tokens", train, other, 5, levels + 4)
    long = text(1000, 30, 4)
    tested("perplexity of a long text", long, text(30, 30, 4), 5, 30)


def ways() -> tuple[dict[str, Any], ...]:
    """What may be wrong in `model`, in the order of its arguments."""
    mixes = {
        "": lambda c, s, n, q: (s, n + s),
        "no mixing with shorter contexts": lambda c, s, n, q: (0, n),
        "T counts otherwise": [
            *(lambda c, s, n, q, k=k: (k, n + k) for k in (1, 2, 0.5)),
            lambda c, s, n, q: (len(q), n + len(q)),
            lambda c, s, n, q: (n, n + n),
            lambda c, s, n, q: (h := sum(v == 1 for v in c.values()), n + h),
        ],
        "another denominator": [
            lambda c, s, n, q: (s, n),
            lambda c, s, n, q: (s, n + len(q)),
            lambda c, s, n, q: (s, n + 1),
            lambda c, s, n, q: (1, n + s),
        ],
        "weights exchanged": lambda c, s, n, q: None,
    }
    unseen = {"": "shorter", "unseen contexts without the shorter one": ["even", "0"]}
    contexts = {
        "": lambda c, n: c[max(len(c) - n + 1, 0) :],
        "context reversed": lambda c, n: c[max(len(c) - n + 1, 0) :][::-1],
        "first tokens of the context": lambda c, n: c[: n - 1],
        "context too long": lambda c, n: c[max(len(c) - n, 0) :],
        "context too short": lambda c, n: c[max(len(c) - n + 2, 0) :] if n > 1 else [],
    }
    steps = {
        "": lambda c: [c[len(c) - m :] for m in range(len(c) + 1)],
        "latest token dropped": lambda c: [c[:m] for m in range(len(c) + 1)],
        "straight to the shortest context": lambda c: [[], *([c] if c else [])],
        "steps left out": [
            lambda c: [c[len(c) - m :] for m in range(1, len(c) + 1)],
            lambda c: [c],
        ],
    }
    counts = {
        "": "all",
        "end of the text counted": "end",
        "the end of the text lost": "lost",
        "overlaps not counted": "apart",
    }
    starts = {"": 1.0, "uniform part left out": 0.0}
    return mixes, unseen, contexts, steps, counts, starts


def model(train, context, n, levels, *how):
    """p of each token; ``how`` chooses from `ways`."""
    how = how or [v[""][0] if isinstance(v[""], list) else v[""] for v in ways()]
    mix, unseen, cut, steps, places, start = how
    q = [start / levels] * levels
    for c in steps(cut(context, n)):
        m, spots, i = len(c), [], 0
        while i < len(train) - m:
            if train[i : i + m] == c:
                spots.append(i)
                i += max(m - 1, 0) if places == "apart" else 0
            i += 1
        if places == "lost":
            spots = [i for i in spots if i + m + 1 < len(train)]
        count = Counter(train[i + m] for i in spots)
        total = sum(count.values())
        if places == "end" and m and train[len(train) - m :] == c:
            total += 1
        kinds = len(count)
        if not total:
            even = [1 / levels] * levels
            q = {"even": even, "0": [0.0] * levels}.get(unseen, q)
            continue
        weights = mix(count, kinds, total, q)
        if weights is None:
            q = [
                (kinds * count[w] / total + total * v) / (kinds + total)
                for w, v in enumerate(q)
            ]
            continue
        share, whole = weights
        q = [(count[w] + share * v) / whole for w, v in enumerate(q)]
    return torch.tensor(q, dtype=torch.float64)
