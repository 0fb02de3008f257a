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
their counts are mixed with those of shorter ones. In *absolute discounting*
([Ney, Essen and Kneser, 1994](https://doi.org/10.1006/csla.1994.1001); compared with
other rules by [Chen and Goodman, 1996](https://arxiv.org/abs/cmp-lg/9606011)), each
count is lowered by the same discount $D$, $0 < D \le 1$.

The text `train` is a sequence of tokens from 0 to `levels` - 1, in an int64 tensor
`(N,)`. A *context* $c$ is a sequence of tokens in the order of the text, the latest
last. Let $C(c, w)$ be the number of places in `train` where the tokens of $c$ stand one
right after the other and $w$ right after them (places may overlap), $C(c) = \sum_w C(c,
w)$, and $T(c)$ the number of *different* $w$ with $C(c, w) > 0$. With $c'$ for $c$
without its first token, the earliest, and $V$ for `levels`,

$$
p(w \mid c) = \frac{\max(C(c, w) - D,\, 0) + D\, T(c)\; p(w \mid c')}{C(c)} ,
$$

and $p(w \mid c) = p(w \mid c')$ where $C(c) = 0$. It ends with the empty context, for
which $C(w)$ counts the token $w$ in all of `train`, and where $1/V$ stands in place of
$p(w \mid c')$.

- `predict(train, context, n, levels, discount)` gives all $p(w \mid c)$, a float64
  tensor `(levels,)`, for an $n$-gram model: $c$ is the last $n - 1$ tokens of
  `context`, an int64 tensor of any length, or all of it if it is shorter (with $n = 1$
  it is empty). `discount` is $D$, a float.
- `perplexity(train, test, n, levels, discount)` is $2^{H}$, where $H$ is the mean,
  over all tokens of `test` (int64, one or more), of $-\log_2 p$ of the token, its
  context being the tokens of `test` before it: none for the first. It is a float or a
  float64 tensor of no axes.

`train` may be short or empty, $n$ is 1 to 6, and `levels` 1 to 1000. At most 1000
tokens are counted and 100 tested. Ten digits are due, and nothing may be kept from one
call to the next.
""",
    stub='''
def predict(train, context, n, levels, discount):
    """(N,), any length, n, V, D -> (V,): p of each next token."""
    return ...


def perplexity(train, test, n, levels, discount):
    """(N,), (M,), n, V, D -> a number."""
    return ...
''',
    answers={"predict": callable, "perplexity": callable},
    hints=(
        "Go from the short contexts to the long ones: begin with 1/V for all tokens, "
        "and mix in the counts of the empty context, then those of the last token, "
        "then those of the last two.",
        "`train.unfold(0, m + 1, 1)` holds all pieces of m + 1 tokens, if there are as "
        "many. An integer tensor minus a float, or times it, is float32: make it "
        "float64 before.",
        "The probabilities of all tokens sum to one in every context, seen or not.",
    ),
    misconceptions={
        "no mixing with shorter contexts": "Counts alone give 0 to what was not seen: "
        "what is taken off them goes to the shorter context.",
        "share without T(c)": "D is taken off for each of the T(c) kinds, and all of "
        "that is shared.",
        "share without D": "What is shared is what was taken off: D for each of the "
        "T(c) kinds.",
        "another share": "What is added for the shorter context is D T(c) / C(c) times "
        "its probabilities.",
        "T counts otherwise": "T(c) is the number of different tokens that followed c.",
        "discounted once for all kinds": "D is taken off the count of each kind.",
        "discounted in proportion": "D is taken off each count, be it large or small.",
        "discount added": "D is taken off the counts.",
        "nothing subtracted": "What the shorter context gets is taken off the counts.",
        "Witten and Bell's rule": "That is the chapter's. Here D is taken off the "
        "counts, and their sum alone stands below the line.",
        "negative counts kept": "There is nothing to take off where nothing was seen.",
        "another denominator": "The numerators sum to C(c).",
        "weights exchanged": "The weight of the shorter context is D T(c) / C(c).",
        "backed off, not mixed": "The shorter context counts for all tokens, those "
        "seen after c among them.",
        "subtracted from the shares": "D is taken off the counts, before the division.",
        "another discount": "D is given.",
        "continuation counts": "Shorter contexts are counted in all places, too; "
        "Kneser and Ney's rule counts what stood before them.",
        "unseen contexts without the shorter one": "Where nothing followed, the "
        "shorter context says it all.",
        "context reversed": "The context is in the order of the text.",
        "latest token dropped": "The shorter context is without the earliest token.",
        "first tokens of the context": "The last n - 1 tokens count.",
        "context too long": "An n-gram model sees n - 1 tokens.",
        "context too short": "An n-gram model sees n - 1 tokens.",
        "whole context for n = 1": "x[-0:] is all of x. With n = 1 nothing is seen.",
        "short contexts otherwise": "A context of fewer than n - 1 tokens counts as it "
        "is: all of it, and nothing before it.",
        "from long to short": "The shortest context comes first: each one's result is "
        "mixed into that of the next longer.",
        "only whole n-grams counted": "Shorter contexts are counted at all places of "
        "train, those near its ends among them.",
        "text joined to a ring": "After the last token of train comes nothing.",
        "tokens told apart by too little": "The same text with other numbers for its "
        "tokens: 1, 12 is not 11, 2, nor 112.",
        "an empty text": "Where nothing was counted, 1/V is left.",
        "levels counted from the text": "There are `levels` tokens, seen or not.",
        "another uniform part": "1/V stands there, with V for `levels`.",
        "state kept between calls": "The same call gives something else than before: "
        "counts go on, or what was kept has changed.",
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
        "first tokens left out": "Those with short contexts have a probability, too.",
        "last token left out": "All tokens of test are judged.",
        "token in its own context": "Its context is what stands before it.",
        "test tokens counted": "The counts are those of train.",
        "probabilities kept above a floor": "A constant added to p, or a clamp, is no "
        "part of the model, whose probabilities are never 0.",
        "tested on the training text": "The tokens of test are due.",
        "context from the training text": "The test begins without a context.",
        "context of one token": "The context of a token is all that stands before it, "
        "of which n - 1 tokens count.",
        "another mean": "The sum is divided by the number of all tokens of test.",
        "inverse of the perplexity": "The probabilities lie below the line.",
        "float32 in between": "Ten digits are due, and float32 has seven. An integer "
        "tensor minus a float, or times it, is float32.",
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

    none = torch.zeros(0, dtype=torch.long)

    def share():
        return t.integer(30, 95) / 100

    def coarse(got, due, tol):
        """What is near, but not to ten digits."""
        tens = (10.0**k for k in range(1, 9))
        if any(not far(got, (due * c).round() / c, 1e-12).any() for c in tens):
            return "not to the digits asked for"
        return None if far(got, due, tol).any() else "float32 in between"

    def judged(name, train, context, n, levels, discount=None, told=None, before=None):
        t.property(name)
        discount = discount or share()
        out = t.call(predict, train, context, n, levels, discount)
        x, c = train.tolist(), context.tolist()
        sizes: Any = {
            "levels counted from the text": [(len({*x}),), (max([0, *x]) + 1,)]
        }
        if before is not None:
            sizes = {"result of an earlier call": before.shape}
        t.shape(out, (levels,), "one probability for each token.", ideas=sizes)
        t.dtype(out, torch.float64, "probabilities with many digits.")
        args = x, c, n, levels, discount
        due = model(*args)
        got, name = t.tensor(out).detach(), told
        if before is not None and not far(got, before, 1e-9).any():
            name = "result of an earlier call"
        if name is None and far(got, due, 1e-9).any():
            name = wrong_part(got, lambda *how: model(*args, *how), *ways(), tol=1e-6)
            name, own = name or coarse(got, due, 1e-6), c[max(len(c) - n + 1, 0) :]
            new = not any(x[i : i + len(own)] == own for i in range(len(x) - len(own)))
            if name is None and got.isnan().all() and new:  # 0 / 0
                name = "unseen contexts without the shorter one"
            logs = due.log(), due.log2(), -due.log(), -due.log2()
            if name is None and any(not far(got, v, 1e-6).any() for v in logs):
                name = "logarithm of the probabilities"
            if name is None and x and abs(float(got.sum()) - 1) > 1e-3:
                name = "does not sum to one"
                one = t.tensor(t.call(predict, train, none, 1, levels, discount))
                count = torch.bincount(train, minlength=levels).double()
                if one.shape == got.shape:
                    rest = one.detach() - less(count, discount) / len(x)
                    even = abs(float(rest.max() - rest.min())) < 1e-9
                    name = "another share" if even else name
        t.close(out, due, "Count by count.", name, tol=1e-9)
        return due

    levels = t.integer(5, 7)
    train, spots = none, []
    while len(spots) < 3:  # pairs with two followers that came once, and others
        train = text(80, levels)
        after: dict[Any, Counter] = {}
        for i in range(78):
            seen = after.setdefault(tuple(train[i : i + 2].tolist()), Counter())
            seen[int(train[i + 2])] += 1
        spots = [
            i
            for i in range(5, 70)
            for c in [tuple(train[i - 4 : i + 2].tolist())]
            for v in [after[c[-2:]]]
            if 1 < list(v.values()).count(1) < len(v) < levels
            if v.total() < train[1:79].tolist().count(c[-1])
            if len({c[-2:], c[:-3:-1], c[:2], c[1::-1]}) > 3
        ]
    args = train, train[spots[0] - 4 : spots[0] + 2], 3, levels + 1, share()
    due = judged("3-grams", *args)
    judged("the same call again", *args, told="state kept between calls")
    for i in (spots[-1], spots[len(spots) // 2]):
        judged("3-grams", train, train[i - 4 : i + 2], 3, levels)
    for at, new in enumerate((train.flip(0), train[:6], 2, levels + 2, args[4] / 2)):
        changed = (*args[:at], new, *args[at + 1 :])
        judged("one argument changed", *changed, before=due)
    for at in (10, 41, 66):
        judged("4-grams", train, train[at : at + 7], 4, levels)
    judged("pairs", train, train[20:24], 2, levels)
    judged("single tokens", train, train[20:24], 1, levels)
    judged("no context", train, none, 4, levels)
    for m in (1, 2, 3):
        judged("a context that is short", train, train[30 : 30 + m], 5, levels)
    again = torch.cat([train, train[spots[0] - 4 : spots[0] + 2]])
    judged("the end of the text", again, again[-6:], 4, levels)
    judged("the end of the text", train, train[-6:], 4, levels)
    new = torch.cat([train, torch.tensor([levels])])
    judged("a token seen only at the end", new, new[-4:], 3, levels + 1)
    other = torch.cat([torch.full((3,), levels + 1), train[40:41]])
    for c, n in ((other, 4), (other[:3], 3), (torch.cat([train[9:12], other[:1]]), 3)):
        judged("unseen contexts", train, c, n, levels + 2)
    same = torch.tensor([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1])
    judged("overlapping places", same, same[:3], 3, 2)
    judged("overlapping places", same, same[:4], 4, 3)
    told = "tokens told apart by too little"
    few = torch.tensor([0, 1, 4, 2, 3, 5, 0, 1, 4, 3, 3, 0, 2, 3, 2, 4, 5, 1])
    many, d = torch.tensor([1, 12, 11, 2, 112, 300]), share()
    judged("few tokens of many", few, few[:2], 3, 301, d)
    judged(
        "the same text with numbers of many digits",
        many[few],
        many[:2],
        3,
        301,
        d,
        told,
    )
    for n, c in ((4, train[:2]), (2, train[:1]), (1, none)):
        judged("no text at all", none, c, n, levels, None, "an empty text")
    for size in (1, 2, 3):
        judged("short texts", train[:size], train[:2], 4, levels)
        judged("short texts", train[:size], train[:1], 2, levels)
    judged("a single token in the alphabet", torch.zeros(5).long(), none, 3, 1)
    for i in (spots[0], spots[-1]):
        judged("a discount of one", train, train[i - 4 : i + 2], 3, levels, 1.0)
        judged("a small discount", train, train[i - 4 : i + 2], 3, levels, 0.01)
    for _ in range(3):
        long = text(1000, 30, 4)
        at = t.integer(0, 900)
        judged("a long text", long, long[at : at + 8], 6, 31)

    def tested(name, train, test, n, levels, discount=None, told=None, before=None):
        t.property(name)
        discount = discount or share()
        out = t.call(perplexity, train, test, n, levels, discount)
        t.shape(out, (), "a number.")
        t.dtype(out, torch.float64, "a float, or a tensor with as many digits.")
        x, y, m = train.tolist(), test.tolist(), len(test)

        def each(cut=None, text=None, n=n, past=(), discount=discount, y=y):
            z = [*past, *y]
            p = [
                model(text(z, i) if text else x, c, n, levels, discount)[z[i]]
                for i in range(len(past), len(z))
                for c in [cut(z, i) if cut else z[:i]]
            ]
            return torch.stack(p)

        p = each()
        h = -p.log2().mean()
        nats = h * math.log(2)

        def ideas():
            if before is not None:
                yield "result of an earlier call", before
            yield "entropy in place of the perplexity", [h, nats, -h, -nats]
            ways = [h.exp(), 2**nats, 10**h, 10**nats, 2 ** (nats / math.log(10))]
            yield "base confused", ways
            yield "mean of the probabilities", [1 / p.mean(), (1 / p).mean(), p.mean()]
            ways = [2 ** (h * m), h * m, nats * m]
            yield "not divided by the number of tokens", ways
            ends = {"first token left out": p[1:], "last token left out": p[:-1]}
            for name, q in (ends | {"first tokens left out": p[n - 1 :]}).items():
                rest = -q.log2()
                if 0 < len(q) < m:
                    yield name, [2 ** rest.mean(), 2 ** (rest.sum() / m)]
            yield "inverse of the perplexity", 2**-h
            before_it = {
                "context from the training text": {"past": x},
                "context of one token": {"cut": lambda z, i: z[max(0, i - 1) : i]},
                "token in its own context": {"cut": lambda z, i: z[: i + 1]},
                "short contexts otherwise": {
                    "cut": lambda z, i: z[:i] if i > n - 2 else []
                },
                "context reversed": {"cut": lambda z, i: z[:i][::-1]},
                "context too long": {"n": n + 1},
                "context too short": {"n": max(n - 1, 1)},
                "test tokens counted": {"text": lambda z, i: x + z[:i]},
                "test tokens counted, all": {"text": lambda z, i: x + z},
            }
            for name, how in before_it.items():
                yield name.split(",")[0], 2 ** -each(**how).log2().mean()
            for d in (0.5, 0.75, 1.0):
                yield "another discount", 2 ** -each(discount=d).log2().mean()
            others = {1, m - 1, m + 1, m - n, m - n + 1, m + n - 1, m + n} - {m}
            others |= {len({*y}), len(x), levels} - {m}
            ways = [2 ** (h * m / k) for k in others if k > 0]
            yield "another mean", ways
            if 0 < len(x) < 100:
                name = "tested on the training text"
                yield name, 2 ** -each(y=x).log2().mean()

        got, due = t.tensor(out).detach(), 2**h
        if told == floor:  # nothing else is judged here
            each_p = [v for k in range(2, 18) for v in (p + 0.1**k, p.clamp(0.1**k))]
            ways = [2 ** -v.log2().mean() for v in each_p]
            if all(far(got, v, 1e-8).any() for v in ways):
                return None
        if told == small and got.isfinite() and got:
            told = None
        name = told or coarse(got, due, 1e-5)
        found = None if told else ideas()
        t.close(out, due, "Two to the power of H.", name, found, tol=1e-9)
        return due

    small, floor = "underflow to zero", "probabilities kept above a floor"
    test, state = text(25, levels), "state kept between calls"
    rare, zeros = torch.tensor([0, 0, 0, 0, 0, 1] * 11), torch.zeros(20).long()
    unlikely = "perplexity of what is most unlikely", zeros, rare, 6, 3, 1e-4
    tested(*unlikely, told=floor)
    tested("perplexity", train, test, 3, levels)
    args = train, test[:9], 3, levels, share()
    due = tested("perplexity of a few tokens", *args)
    tested("the same perplexity again", *args, told=state)
    for at, new in ((0, train.flip(0)), (1, test[9:18]), (4, args[4] / 2), (2, 2)):
        changed = (*args[:at], new, *args[at + 1 :])
        tested("perplexity with one argument changed", *changed, before=due)
    tested("perplexity of another text", train, text(40, levels), 4, levels)
    tested("perplexity of one token", train, test[:1], 3, levels)
    tested("perplexity of single tokens", train, test, 1, levels)
    tested("perplexity, with a discount of one", train, test, 3, levels, 1.0)
    tested("perplexity of an unknown alphabet", none, test, 3, levels)
    other = torch.cat([test, torch.full((4,), levels + 3)])
    tested("perplexity with new tokens", train, other, 5, levels + 4)
    tested(*unlikely, told=small)
    long = text(1000, 30, 4)
    tested("perplexity of a long text", long, text(15, 30, 4), 5, 30)


def ways() -> tuple[dict[str, Any], ...]:
    """What may be wrong in `model`, in the order of its arguments."""
    none = "unseen contexts without the shorter one"
    unseen = {"": "shorter", none: ["even", "0", "tokens"]}
    # Of counts, their kinds and their sum, p after the shorter context, and D.
    mixes = {
        "": lambda c, k, s, q, d: (less(c, d) + d * k * q) / s,
        "no mixing with shorter contexts": [
            lambda c, k, s, q, d: c / s,
            lambda c, k, s, q, d: less(c, d) / s,
            lambda c, k, s, q, d: less(c, d) / less(c, d).sum(),
        ],
        "share without T(c)": lambda c, k, s, q, d: (less(c, d) + d * q) / s,
        "share without D": lambda c, k, s, q, d: (less(c, d) + k * q) / s,
        "T counts otherwise": [
            lambda c, k, s, q, d: (less(c, d) + d * len(c) * q) / s,
            lambda c, k, s, q, d: less(c, d) / s + d * q,
            lambda c, k, s, q, d: (less(c, d) + d * (c == 1).sum() * q) / s,
            lambda c, k, s, q, d: (less(c, d) + d * (c > 1).sum() * q) / s,
        ],
        "discounted once for all kinds": [
            lambda c, k, s, q, d: (c * (1 - d / s) + d * q) / s,
            lambda c, k, s, q, d: (less(c, d / k) + d * q) / s,
            lambda c, k, s, q, d: (less(c, d / k) + d * k * q) / s,
        ],
        "discounted in proportion": [
            lambda c, k, s, q, d: (1 - d) * c / s + d * q,
            lambda c, k, s, q, d: ((1 - d) * c + d * k * q) / s,
        ],
        "discount added": [
            lambda c, k, s, q, d: (c + d + d * k * q) / s,
            lambda c, k, s, q, d: (c + d * (c > 0) + d * k * q) / s,
            lambda c, k, s, q, d: (c + d) / (s + d * len(c)),
        ],
        "nothing subtracted": [
            lambda c, k, s, q, d: (c + d * k * q) / s,
            lambda c, k, s, q, d: (c + d * k * q) / (s + d * k),
        ],
        "Witten and Bell's rule": lambda c, k, s, q, d: (c + k * q) / (s + k),
        "negative counts kept": lambda c, k, s, q, d: (c - d + d * k * q) / s,
        "another denominator": [
            lambda c, k, s, q, d: (less(c, d) + d * k * q) / (s + k),
            lambda c, k, s, q, d: (less(c, d) + d * k * q) / (s + d * k),
            lambda c, k, s, q, d: less(c, d) / s + d * k * q / (s + d * k),
            lambda c, k, s, q, d: less(c, d) / s + d * k * q / (s + k),
            lambda c, k, s, q, d: (less(c, d) + d * k * q) / (s + 1),
        ],
        "weights exchanged": [
            lambda c, k, s, q, d: (d * k * c / s + (s - d * k) * q) / s,
            lambda c, k, s, q, d: (less(c, d) * q + d * k) / s,
        ],
        "backed off, not mixed": [
            lambda c, k, s, q, d: torch.where(c > 0, less(c, d), d * k * q) / s,
            backed_off,
        ],
        "subtracted from the shares": [
            lambda c, k, s, q, d: less(c / s, d) + d * k * q / s,
            lambda c, k, s, q, d: less(c / s, d) + d * k * q,
            lambda c, k, s, q, d: less(c / s, d) + (1 - less(c / s, d).sum()) * q,
        ],
        "another discount": [
            lambda c, k, s, q, d, e=e: (less(c, e) + e * k * q) / s
            for e in (0.5, 0.75, 1.0)
        ],
    }
    mixes["another discount"].append(lambda c, k, s, q, d: mixes[""](c, k, s, q, 1 - d))
    contexts = {
        "": lambda c, n: c[max(len(c) - n + 1, 0) :],
        "context reversed": lambda c, n: c[max(len(c) - n + 1, 0) :][::-1],
        "first tokens of the context": lambda c, n: c[: n - 1],
        "context too long": lambda c, n: c[max(len(c) - n, 0) :],
        "context too short": lambda c, n: c[max(len(c) - n + 2, 0) :] if n > 1 else [],
        "whole context for n = 1": lambda c, n: c[-(n - 1) :],
        "short contexts otherwise": [
            lambda c, n: c[len(c) - n + 1 :],
            lambda c, n: c[len(c) - n + 1 :] if len(c) > n - 2 else [],
            lambda c, n: ([0] * n + c)[len(c) + 1 :],
        ],
    }
    steps = {
        "": lambda c: [c[len(c) - m :] for m in range(len(c) + 1)],
        "latest token dropped": lambda c: [c[:m] for m in range(len(c) + 1)],
        "straight to the shortest context": lambda c: [[], *([c] if c else [])],
        "steps left out": [
            lambda c: [c[len(c) - m :] for m in range(1, len(c) + 1)],
            lambda c: [c],
            lambda c: [c[1:], c] if c else [c],
        ],
        "from long to short": lambda c: [c[m:] for m in range(len(c) + 1)],
    }
    counts = {
        "": "all",
        "end of the text counted": "end",
        "the end of the text lost": "lost",
        "overlaps not counted": ["apart", "pieces"],
        "continuation counts": "before",
        "only whole n-grams counted": ["from n", "to n"],
        "text joined to a ring": "ring",
        "T counts otherwise": "T",
        "another denominator": ["N", "N - m"],
    }
    starts = {
        "": lambda x, v: 1 / v,
        "uniform part left out": [lambda x, v: 0.0, None],
        "another uniform part": [
            lambda x, v: 1 / max(len({*x}), 1),
            lambda x, v: 1 / max(len(x), 1),
            lambda x, v: 1 / (v + 1),
            lambda x, v: 1.0,
            lambda x, v: (
                torch.bincount(torch.tensor(x).long(), minlength=v).double()
                / max(len(x), 1)
            ),
        ],
    }
    return unseen, mixes, contexts, steps, counts, starts


def less(count, discount):
    return (count - discount).clamp(min=0)


def backed_off(count, kinds, total, q, discount):
    new = count == 0
    if not new.any():
        return count / total
    return (
        torch.where(new, discount * kinds * q / q[new].sum(), count - discount) / total
    )


def model(train, context, n, levels, discount, *how):
    """p of each token; ``how`` chooses from `ways`."""
    how = how or [v[""][0] if isinstance(v[""], list) else v[""] for v in ways()]
    unseen, mix, cut, steps, places, start = how
    even = torch.ones(levels).double() / levels
    longest = cut(context, n)
    q = even if start is None else 0 * even + start(train, levels)
    for c in steps(longest):
        m = len(c)
        x = train + train[:m] if places == "ring" else train
        last = {"lost": len(x) - m - 2, "to n": len(x) - n}.get(places, len(x))
        first = n - 1 - m if places == "from n" else 0
        spots = [i for i in range(len(x) - m) if x[i : i + m] == c]
        spots = [i for i in spots if first <= i <= last]
        for i in spots[:] if places in ("apart", "pieces") else ():
            longer = places == "pieces"  # with the token that follows
            near = (j for j in spots if i - m - longer < j < i)
            if any(not longer or x[j + m] == x[i + m] for j in near):
                spots.remove(i)
        if places == "before" and m < len(longest):
            spots = {(x[i - 1], x[i + m]): i for i in spots if i}.values()
        after = torch.tensor([x[i + m] for i in spots], dtype=torch.long)
        count = torch.bincount(after, minlength=levels).double()
        kinds = len({*x}) if places == "T" else int((count > 0).sum())
        ends = places == "end" and m and x[len(x) - m :] == c
        total = len(after) + bool(ends)
        if not total:
            single = torch.bincount(torch.tensor(x).long(), minlength=levels)
            q = {"even": even, "0": 0 * even, "tokens": single / len(x)}.get(unseen, q)
        elif start is None and not m:
            q = count / total
        else:
            total = {"N": len(x), "N - m": len(x) - m}.get(places, total)
            q = mix(count, kinds, total, q, discount)
    return q
