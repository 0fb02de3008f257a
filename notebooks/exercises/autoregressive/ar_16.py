"""Versions of exercise ar-16."""

import math
from collections import Counter, defaultdict

import torch

from .. import build, cases, edits, reference, right, wrong


def followers(x, own, last):
    """The tokens of x that follow ``own``, the last context or a shorter one."""
    m = len(own)
    return [x[i + m] for i in range(len(x) - m) if x[i : i + m] == own]


def by_digits(x, own, last):
    def joined(tokens):
        return "".join(map(str, tokens))

    pieces = [(x[i - m : i], x[i]) for m in range(6) for i in range(m, len(x))]
    return [w for piece, w in pieces if joined(piece) == joined(own)]


def continuations(x, own, last):
    """Kneser and Ney: in how many contexts that are longer by one."""
    m = len(own)
    spots = [i for i in range(1, len(x) - m) if x[i : i + m] == own]
    pairs = {(x[i - 1], x[i + m]) for i in spots}
    return followers(x, own, last) if last else [w for _, w in pairs]


def by_searching(x, own, last):
    """One place after the other, none inside of another."""
    text, sign, i, after = "".join(map(chr, x)), "".join(map(chr, own)), 0, []
    while (i := text.find(sign, i)) >= 0 and i + len(own) < len(x):
        after.append(x[i + len(own)])
        i += max(len(own), 1)
    return after


def by_str_count(x, own, last):
    text, sign = "".join(map(chr, x)), "".join(map(chr, own))
    return [w for w in {*x} for _ in range(text.count(sign + chr(w)))]


def occurrences(x, own):
    """Those at the end of x are counted, too."""
    m = len(own)
    return sum(x[i : i + m] == own for i in range(len(x) - m + (m > 0)))


def mixed(count, discount, p):
    return (count - discount).clamp(min=0) + discount * int((count > 0).sum()) * p


def backed_off(count, discount, p):
    """As the first of the rules of Ney, Essen and Kneser: not interpolated."""
    new = count == 0
    if not new.any():
        return count
    rest = discount * int((count > 0).sum()) * p / p[new].sum()
    return torch.where(new, rest, count - discount)


def counted(of=followers, total=None, mix=mixed):
    """The answers with other counts, or otherwise mixed."""

    def predict(train, context, n, levels, discount):
        x, c = train.tolist(), context.tolist()
        c = c[max(len(c) - n + 1, 0) :]
        p = torch.full((levels,), 1 / levels, dtype=torch.float64)
        for m in range(len(c) + 1):
            own = c[len(c) - m :]
            after = torch.tensor(of(x, own, m == len(c)), dtype=torch.long)
            whole = total(x, own) if total else len(after)
            count = torch.bincount(after, minlength=levels).double()
            p = mix(count, discount, p) / whole if whole else p
        return p

    return predict, Ar16.functions()[1]


class Ar16:
    r"""
    As $D \le 1$, each of the $T(c)$ kinds that were seen loses $D$ in full, and the
    others lose nothing: $D\,T(c)$ is taken off and given to the shorter context, and
    all sums to one.

    The share of the shorter context is $D\,T(c)/C(c)$. The chapter's rule, Witten and
    Bell's, gives it $T(c)/(C(c) + T(c))$. The two part where nearly every follower was
    a new one, as after most long contexts: with $C(c) = T(c)$ the chapter's rule still
    gives half to what was seen, absolute discounting $1 - D$. In exchange there is a
    number to choose. On tiny Shakespeare, with $D$ chosen on the last ninth of the
    training text and not on the test part, the last tenth of all, bits a token of it:

    | tokens | $n$ | Witten and Bell | absolute discounting |
    |---|---|---|---|
    | characters | 5 | 2.408 | 2.438, $D$ = 0.85 |
    | characters | 7 | 2.567 | 2.546, $D$ = 0.9 |
    | words | 2 | 8.392 | 8.321, $D$ = 0.9 |
    | words | 3 | 8.564 | 8.281, $D$ = 0.95 |

    (Words in lower case and punctuation marks, each a token; one more token stands for
    words that the training text lacks.) So it is not better as such: with five
    characters, where both are at their best, the chapter's rule wins, and no other $D$
    would have changed that ($D$ = 0.5 costs 2.476, $D$ = 1 costs 2.475). Discounting
    wins where most contexts are rare.

    A perplexity is a number of equally likely choices. The base has no part in it, as
    long as the power and the logarithm have the same: with nats in the exponent of 2, a
    perplexity of 100 becomes 24.
    """

    @reference
    @build
    def functions():
        def predict(train, context, n, levels, discount):
            q = torch.full((levels,), 1 / levels, dtype=torch.float64)
            context = context[max(len(context) - (n - 1), 0) :]
            for m in range(len(context) + 1):
                if len(train) <= m:
                    break
                pieces = train.unfold(0, m + 1, 1)
                same = (pieces[:, :m] == context[len(context) - m :]).all(dim=1)
                count = torch.bincount(pieces[same, m], minlength=levels).double()
                kinds = int((count > 0).sum())
                if kinds > 0:
                    kept = (count - discount).clamp(min=0)
                    q = (kept + discount * kinds * q) / count.sum()
            return q

        def perplexity(train, test, n, levels, discount):
            logs = [
                predict(train, test[:i], n, levels, discount)[test[i]].log2()
                for i in range(len(test))
            ]
            return 2 ** -torch.stack(logs).mean()

        return predict, perplexity

    @right
    @build
    def by_recursion():
        def p(train, c, w, levels, d):
            short = p(train, c[1:], w, levels, d) if c else 1 / levels
            m = len(c)
            after = [
                train[i + m] for i in range(len(train) - m) if train[i : i + m] == c
            ]
            if not after:
                return short
            taken = d * len(set(after))
            return (max(after.count(w) - d, 0) + taken * short) / len(after)

        def predict(train, context, n, levels, discount):
            c = context.tolist()[-(n - 1) :] if n > 1 else []
            every = [p(train.tolist(), c, w, levels, discount) for w in range(levels)]
            return torch.tensor(every, dtype=torch.float64)

        def perplexity(train, test, n, levels, discount):
            x, y, total = train.tolist(), test.tolist(), 0.0
            for i, w in enumerate(y):
                c = y[max(i - n + 1, 0) : i]
                total -= math.log(p(x, c, w, levels, discount))
            return math.exp(total / len(y))

        return predict, perplexity

    @right
    @build
    def with_tables():
        def tables(train, n):
            found = defaultdict(Counter)
            x = tuple(train.tolist())
            for i, w in enumerate(x):
                for m in range(min(i, n - 1) + 1):
                    found[x[i - m : i]][w] += 1
            return found

        def one(found, c, levels, discount):
            p = torch.ones(levels).double() / levels
            for m in range(len(c) + 1):
                count = found.get(tuple(c[len(c) - m :]))
                if count:
                    kept = torch.zeros(levels).double()
                    for w, k in count.items():
                        kept[w] = k - discount  # never negative: k is 1 or more
                    kept /= count.total()
                    p = kept + (1 - kept.sum()) * p
            return p

        def predict(train, context, n, levels, discount):
            c = context.tolist()
            c = c[len(c) - min(n - 1, len(c)) :]
            return one(tables(train, n), c, levels, discount)

        def perplexity(train, test, n, levels, discount):
            found, x = tables(train, n), test.tolist()
            p = [
                one(found, x[max(0, i - n + 1) : i], levels, discount)[w]
                for i, w in enumerate(x)
            ]
            return torch.stack(p).log().mean().neg().exp()

        return predict, perplexity

    @right
    @build
    def by_matching_from_the_end():
        def predict(train, context, n, levels, discount):
            after = torch.arange(len(train))  # places of what may follow
            p = torch.ones(levels, dtype=torch.double) / levels
            for m in range(n):
                if m:
                    if m > len(context):
                        break
                    after = after[after >= m]
                    after = after[train[after - m] == context[-m]]
                if not len(after):
                    continue
                count = torch.zeros(levels, dtype=torch.double)
                count.index_add_(0, train[after], torch.ones(len(after)).double())
                taken = torch.minimum(count, torch.full_like(count, discount))
                p = (count - taken + taken.sum() * p) / len(after)
            return p

        def perplexity(train, test, n, levels, discount):
            product, m = 1.0, len(test)
            for i in range(m):
                p = float(predict(train, test[:i], n, levels, discount)[test[i]])
                product *= p ** (1 / m)
            return 1 / product

        return predict, perplexity

    @right
    @build
    def as_a_closed_sum():
        """The share that is left, times each length's frequencies, from the longest."""

        def predict(train, context, n, levels, discount):
            x, c = train.tolist(), context.tolist()
            c = c[len(c) - min(n - 1, len(c)) :]
            left, p = 1.0, [0.0] * levels
            while True:
                m = len(c)
                after = [w for i, w in enumerate(x) if i >= m and x[i - m : i] == c]
                kinds = set(after)
                for w in kinds:
                    p[w] += left * (after.count(w) - discount) / len(after)
                left *= discount * len(kinds) / len(after) if after else 1.0
                if not c:
                    p = [v + left / levels for v in p]
                    return torch.tensor(p, dtype=torch.float64)
                c = c[1:]

        def perplexity(train, test, n, levels, discount):
            h = 0.0
            for i in range(len(test)):
                p = predict(train, test[max(0, i - n) : i], n, levels, discount)
                h -= math.log2(p[test[i]].item())
            return torch.tensor(2 ** (h / len(test)), dtype=torch.float64)

        return predict, perplexity

    edited = edits(
        functions,
        """
    no mixing with shorter contexts | (kept + discount * kinds * q) -> count
    no mixing with shorter contexts | (kept + discount * kinds * q) -> kept
    share without T(c) | discount * kinds * q -> discount * q
    share without D | discount * kinds * q -> kinds * q
    T counts otherwise | kinds * q -> levels * q
    T counts otherwise | kinds * q -> count.sum() * q
    T counts otherwise | kinds * q -> (count == 1).sum() * q
    discounted once for all kinds | discount * kinds * q -> discount * q
        | (count - discount).clamp(min=0) -> count - discount * count / count.sum()
    discounted once for all kinds | discount * kinds * q -> discount * q
        | (count - discount) -> (count - discount / kinds)
    discounted in proportion | kinds * q -> count.sum() * q
        | (count - discount).clamp(min=0) -> (1 - discount) * count
    discount added | (count - discount).clamp(min=0) -> count + discount
    discount added | (count - discount).clamp(min=0) -> count + discount * (count > 0)
    discount added | (kept + discount * kinds * q) / count.sum()
        -> (count + discount) / (count.sum() + discount * levels)
    nothing subtracted | (count - discount).clamp(min=0) -> count
    nothing subtracted | (count - discount).clamp(min=0) -> count
        | / count.sum() -> / (count.sum() + discount * kinds)
    Witten and Bell's rule | (kept + discount * kinds * q) / count.sum()
        -> (count + kinds * q) / (count.sum() + kinds)
    negative counts kept | (count - discount).clamp(min=0) -> count - discount
    another denominator | / count.sum() -> / (count.sum() + kinds)
    another denominator | / count.sum() -> / (count.sum() + discount * kinds)
    another denominator | / count.sum() -> / (count.sum() + 1)
    weights exchanged | q = (kept + discount * kinds * q) / count.sum()
        -> a = discount * kinds / count.sum(); q = a * count / count.sum() + (1 - a) * q
    backed off, not mixed | kept + discount * kinds * q
        -> torch.where(count > 0, kept, discount * kinds * q)
    subtracted from the shares | kept = (count - discount)
        -> kept = count.sum() * (count / count.sum() - discount)
    another discount | pieces = train -> discount = 0.75; pieces = train
    another discount | pieces = train -> discount = 1.0; pieces = train
    context reversed | (n - 1), 0) :] -> (n - 1), 0) :].flip(0)
    latest token dropped | context[len(context) - m :] -> context[:m]
    first tokens of the context | context[max(len(context) - (n - 1), 0) :]
        -> context[: n - 1]
    context too long | (n - 1), 0) -> n, 0)
    context too short | (n - 1), 0) -> max(n - 2, 0), 0)
    the end of the text lost | if len(train) <= m: -> if len(train) <= m + 1:
        | train.unfold(0, m + 1, 1) -> train[:-1].unfold(0, m + 1, 1)
    uniform part left out | 1 / levels, -> 0.0,
    uniform part left out | (count - discount) -> (count - discount * (m > 0))
        | discount * kinds * q -> discount * (m > 0) * kinds * q
    straight to the shortest context | for m in range(len(context) + 1):
        -> for m in {0, len(context)}:
    steps left out | for m in range(len(context) + 1):
        -> for m in range(1, len(context) + 1):
    steps left out | for m in range(len(context) + 1): -> for m in [len(context)]:
    steps left out | for m in range(len(context) + 1):
        -> for m in range(max(len(context) - 1, 0), len(context) + 1):
    from long to short | for m in range(len(context) + 1):
        -> for m in reversed(range(len(context) + 1)): | break -> continue
    T counts otherwise | kinds * q -> len(train.unique()) * q
    another denominator | / count.sum() -> / len(train)
    whole context for n = 1 | context[max(len(context) - (n - 1), 0) :]
        -> context[-(n - 1) :]
    short contexts otherwise | context[max(len(context) - (n - 1), 0) :]
        -> context[len(context) - (n - 1) :]
    short contexts otherwise | context[max(len(context) - (n - 1), 0) :]
        -> F.pad(context, (n - 1, 0))[len(context) :]
    only whole n-grams counted | if len(train) <= m: -> if len(train) < max(m + 1, n):
        | pieces = train -> pieces = train[max(n - 1 - m, 0) :]
    text joined to a ring | train.unfold -> torch.cat([train, train[:m]]).unfold
    an empty text | return q -> return q * (len(train) > 0)
    an empty text | return q -> return q / (len(train) > 0)
    levels counted from the text | return q
        -> return q[: max([0, *train.tolist()]) + 1]
    another uniform part | 1 / levels, -> 1 / max(len(train.unique()), 1),
    another uniform part | 1 / levels, -> 1.0,
    another share | discount * kinds * q -> discount * (levels - kinds) * q
    another share | discount * kinds * q -> discount ** (m + 1) * kinds * q
    another mean | torch.stack(logs).mean()
        -> (torch.stack(logs).sum() / len(test.unique()))
    base confused | log2() -> log10()
    not to the digits asked for | return q -> return q.round(decimals=4)
    wrong shape | return q -> return q[None]
    wrong dtype | return q -> return q.float()
    float32 in between | return q -> return q.float().double()
    float32 in between | minlength=levels).double() -> minlength=levels)
    float32 in between | int((count > 0).sum()) -> (count > 0).sum()
    logarithm of the probabilities | return q -> return q.log()
    does not sum to one | return q -> return 0.9 * q
    entropy in place of the perplexity | 2 ** -torch.stack(logs).mean()
        -> -torch.stack(logs).mean()
    base confused | log2() -> log()
    base confused | 2 ** -torch.stack(logs).mean() -> (-torch.stack(logs).mean()).exp()
    mean of the probabilities | 2 ** -torch.stack(logs).mean()
        -> 1 / (2 ** torch.stack(logs)).mean()
    not divided by the number of tokens | 2 ** -torch.stack(logs).mean()
        -> 2 ** -torch.stack(logs).sum()
    first token left out | torch.stack(logs).mean()
        -> torch.stack(logs[1:] or logs).mean()
    inverse of the perplexity | 2 ** -torch -> 2 ** torch
    context from the training text | test[:i], n -> torch.cat([train, test[:i]]), n
    context of one token | test[:i], n -> test[max(i - 1, 0) : i], n
    another discount | n, levels, discount)[test[i]] -> n, levels, 0.75)[test[i]]
    context too long | test[:i], n, -> test[:i], n + 1,
    tested on the training text | logs = [
        -> test = train if len(train) else test; logs = [
    another mean | torch.stack(logs).mean()
        -> (torch.stack(logs).sum() / max(len(logs) - 1, 1))
    last token left out | torch.stack(logs).mean()
        -> torch.stack(logs[:-1] or logs).mean()
    first tokens left out | torch.stack(logs).mean()
        -> torch.stack(logs[n - 1 :] or logs).mean()
    token in its own context | test[:i], n -> test[: i + 1], n
    test tokens counted | predict(train, test[:i]
        -> predict(torch.cat([train, test[:i]]), test[:i]
    probabilities kept above a floor | .log2() -> .clamp(min=1e-9).log2()
    probabilities kept above a floor | .log2() -> .add(1e-8).log2()
    underflow to zero | 2 ** -torch.stack(logs).mean()
        -> (2 ** torch.stack(logs)).prod() ** (-1 / len(logs))
    float32 in between | 2 ** -torch.stack(logs).mean()
        -> (2 ** -torch.stack(logs).float().mean()).double()
    wrong dtype | 2 ** -torch.stack(logs).mean()
        -> 2 ** -torch.stack(logs).float().mean()
    wrong shape | 2 ** -torch.stack(logs).mean() -> 2 ** -torch.stack(logs)
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_context():
        predict, perplexity = Ar16.functions()
        kept = {}

        def known(train, context, n, levels, discount):
            key = tuple(context.tolist()), n, levels, discount
            if key not in kept:
                kept[key] = predict(train, context, n, levels, discount)
            return kept[key].clone()

        return known, perplexity

    @wrong("result of an earlier call")
    @build
    def kept_without_the_discount():
        predict, perplexity = Ar16.functions()
        kept = {}

        def known(train, test, n, levels, discount):
            key = tuple(train.tolist()), tuple(test.tolist()), n
            if key not in kept:
                kept[key] = perplexity(train, test, n, levels, discount)
            return kept[key]

        return predict, known

    @wrong("state kept between calls")
    @build
    def counts_that_go_on():
        found = defaultdict(Counter)

        def of(x, own, last):
            for i in range(0 if own else len(x)):
                for m in range(min(i, 5) + 1):
                    found[tuple(x[i - m : i])][x[i]] += 1
            return [*found[tuple(own)].elements()]

        return counted(of)

    otherwise = cases(
        counted,
        ("tokens told apart by too little", {"of": by_digits}),
        ("continuation counts", {"of": continuations}),
        ("overlaps not counted", {"of": by_searching}),
        ("overlaps not counted", {"of": by_str_count}),
        ("end of the text counted", {"total": occurrences}),
        ("backed off, not mixed", {"mix": backed_off}),
    )

    @wrong("unseen contexts without the shorter one")
    @build
    def even_where_unseen():
        def predict(train, context, n, levels, discount):
            c = context[max(len(context) - (n - 1), 0) :]
            x, m = train.tolist(), len(c)
            seen = any(x[i : i + m] == c.tolist() for i in range(len(x) - m))
            if not seen:
                return torch.full((levels,), 1 / levels).double()
            return Ar16.functions()[0](train, context, n, levels, discount)

        return predict, Ar16.functions()[1]

    @wrong("unseen contexts without the shorter one")
    @build
    def nothing_where_unseen():
        def predict(train, context, n, levels, discount):
            c = context[max(len(context) - (n - 1), 0) :]
            x, m = train.tolist(), len(c)
            seen = any(x[i : i + m] == c.tolist() for i in range(len(x) - m))
            p = Ar16.functions()[0](train, context, n, levels, discount)
            return p if seen or not len(x) else 0 * p

        return predict, Ar16.functions()[1]
