"""Versions of exercise ar-16."""

import math
from collections import Counter, defaultdict

import torch

from .. import build, edits, reference, right, wrong


class Ar16:
    r"""
    $T(c)/(C(c) + T(c))$ is the share of the shorter context. $T(c)$ counts how often
    something *new* came after $c$ while the text was read, and so $T(c)/C(c)$ says how
    likely the next one is to be new, too. After a word with many followers much is left
    for others; after one that was seen a hundred times with a single follower, 1/101.

    A perplexity is a number of equally likely choices. The base has no part in it, as
    long as the power and the logarithm have the same: with nats in the exponent of 2, a
    perplexity of 100 becomes 24.
    """

    @reference
    @build
    def functions():
        def predict(train, context, n, levels):
            q = torch.full((levels,), 1 / levels, dtype=torch.float64)
            context = context[max(len(context) - (n - 1), 0) :]
            for m in range(len(context) + 1):
                if len(train) <= m:
                    break
                pieces = train.unfold(0, m + 1, 1)
                same = (pieces[:, :m] == context[len(context) - m :]).all(dim=1)
                count = torch.bincount(pieces[same, m], minlength=levels)
                kinds = (count > 0).sum()
                if kinds > 0:
                    q = (count + kinds * q) / (count.sum() + kinds)
            return q

        def perplexity(train, test, n, levels):
            logs = [
                predict(train, test[:i], n, levels)[test[i]].log2()
                for i in range(len(test))
            ]
            return 2 ** -torch.stack(logs).mean()

        return predict, perplexity

    @right
    @build
    def by_recursion():
        def p(train, c, w, levels):
            short = p(train, c[1:], w, levels) if c else 1 / levels
            m = len(c)
            after = [
                train[i + m] for i in range(len(train) - m) if train[i : i + m] == c
            ]
            kinds = len(set(after))
            if not after:
                return short
            return (after.count(w) + kinds * short) / (len(after) + kinds)

        def predict(train, context, n, levels):
            c = context.tolist()[-(n - 1) :] if n > 1 else []
            every = [p(train.tolist(), c, w, levels) for w in range(levels)]
            return torch.tensor(every, dtype=torch.float64)

        def perplexity(train, test, n, levels):
            x, y, total = train.tolist(), test.tolist(), 0.0
            for i, w in enumerate(y):
                c = y[max(i - n + 1, 0) : i]
                total -= math.log(p(x, c, w, levels))
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

        def one(found, c, levels):
            p = torch.ones(levels).double() / levels
            for m in range(len(c) + 1):
                count = found.get(tuple(c[len(c) - m :]))
                if count:
                    share = torch.zeros(levels).double()
                    for w, k in count.items():
                        share[w] = k
                    keep = share.sum() / (share.sum() + len(count))
                    p = keep * share / share.sum() + (1 - keep) * p
            return p

        def predict(train, context, n, levels):
            c = context.tolist()
            return one(tables(train, n), c[len(c) - min(n - 1, len(c)) :], levels)

        def perplexity(train, test, n, levels):
            found, x = tables(train, n), test.tolist()
            p = [
                one(found, x[max(0, i - n + 1) : i], levels)[w] for i, w in enumerate(x)
            ]
            return torch.stack(p).log().mean().neg().exp()

        return predict, perplexity

    @right
    @build
    def by_matching_from_the_end():
        def predict(train, context, n, levels):
            after = torch.arange(len(train))  # places of what may follow
            p = torch.ones(levels, dtype=torch.double) / levels
            for m in range(n):
                if m:
                    if m > len(context):
                        break
                    after = after[after >= m]
                    after = after[train[after - m] == context[-m]]
                count = torch.zeros(levels, dtype=torch.double)
                count.index_add_(0, train[after], torch.ones(len(after)).double())
                kinds = float((count != 0).sum())
                p = (count + kinds * p) / (count.sum() + kinds) if kinds else p
            return p

        def perplexity(train, test, n, levels):
            product, m = 1.0, len(test)
            for i in range(m):
                product *= float(predict(train, test[:i], n, levels)[test[i]]) ** (
                    1 / m
                )
            return 1 / product

        return predict, perplexity

    @right
    @build
    def as_a_closed_sum():
        """The share that is left, times each length's frequencies, from the longest."""

        def predict(train, context, n, levels):
            x, c = train.tolist(), context.tolist()
            c = c[len(c) - min(n - 1, len(c)) :]
            left, p = 1.0, [0.0] * levels
            while True:
                m = len(c)
                after = [w for i, w in enumerate(x) if i >= m and x[i - m : i] == c]
                kinds = len(set(after))
                for w in after:
                    p[w] += left / (len(after) + kinds)
                left *= kinds / (len(after) + kinds) if after else 1.0
                if not c:
                    p = [v + left / levels for v in p]
                    return torch.tensor(p, dtype=torch.float64)
                c = c[1:]

        def perplexity(train, test, n, levels):
            h = 0.0
            for i in range(len(test)):
                p = predict(train, test[max(0, i - n) : i], n, levels)
                h -= math.log2(p[test[i]].item())
            return torch.tensor(2 ** (h / len(test)), dtype=torch.float64)

        return predict, perplexity

    edited = edits(
        functions,
        """
    no mixing with shorter contexts | (count + kinds * q) / (count.sum() + kinds)
        -> count.double() / count.sum()
    T counts otherwise | kinds * q) / (count.sum() + kinds)
        -> 1 * q) / (count.sum() + 1)
    T counts otherwise | kinds * q) / (count.sum() + kinds)
        -> levels * q) / (count.sum() + levels)
    T counts otherwise | (count > 0).sum() -> count.sum()
    T counts otherwise | (count + kinds * q) / (count.sum() + kinds)
        -> (count + (h := (count == 1).sum()) * q) / (count.sum() + h)
    another denominator | (count.sum() + kinds) -> count.sum()
    another denominator | (count.sum() + kinds) -> (count.sum() + levels)
    another denominator | (count.sum() + kinds) -> (count.sum() + 1)
    another denominator | (count + kinds * q) -> (count + q)
    weights exchanged | (count + kinds * q) / (count.sum() + kinds)
        -> (kinds * count / count.sum() + count.sum() * q) / (count.sum() + kinds)
    context reversed | (n - 1), 0) :] -> (n - 1), 0) :].flip(0)
    latest token dropped | context[len(context) - m :] -> context[:m]
    first tokens of the context | context[max(len(context) - (n - 1), 0) :]
        -> context[: n - 1]
    context too long | (n - 1), 0) -> n, 0)
    context too short | (n - 1), 0) -> max(n - 2, 0), 0)
    the end of the text lost | if len(train) <= m: -> if len(train) <= m + 1:
        | train.unfold(0, m + 1, 1) -> train[:-1].unfold(0, m + 1, 1)
    uniform part left out | 1 / levels, -> 0.0,
    straight to the shortest context | for m in range(len(context) + 1):
        -> for m in {0, len(context)}:
    steps left out | for m in range(len(context) + 1):
        -> for m in range(1, len(context) + 1):
    steps left out | for m in range(len(context) + 1): -> for m in [len(context)]:
    wrong shape | return q -> return q[None]
    wrong dtype | return q -> return q.float()
    float32 in between | return q -> return q.float().double()
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
    context too long | test[:i], n, -> test[:i], n + 1,
    tested on the training text | logs = [
        -> test = train if len(train) else test; logs = [
    another mean | torch.stack(logs).mean()
        -> (torch.stack(logs).sum() / max(len(logs) - 1, 1))
    wrong shape | 2 ** -torch.stack(logs).mean() -> 2 ** -torch.stack(logs)
    """,
    )

    @wrong("unseen contexts without the shorter one")
    @build
    def even_where_unseen():
        def predict(train, context, n, levels):
            c = context[max(len(context) - (n - 1), 0) :]
            x, m = train.tolist(), len(c)
            seen = any(x[i : i + m] == c.tolist() for i in range(len(x) - m))
            if not seen:
                return torch.full((levels,), 1 / levels).double()
            return Ar16.functions()[0](train, context, n, levels)

        return predict, Ar16.functions()[1]

    @wrong("unseen contexts without the shorter one")
    @build
    def nothing_where_unseen():
        def predict(train, context, n, levels):
            c = context[max(len(context) - (n - 1), 0) :]
            x, m = train.tolist(), len(c)
            seen = any(x[i : i + m] == c.tolist() for i in range(len(x) - m))
            p = Ar16.functions()[0](train, context, n, levels)
            return p if seen or not len(x) else 0 * p

        return predict, Ar16.functions()[1]

    @wrong("end of the text counted")
    @build
    def occurrences_counted():
        def predict(train, context, n, levels):
            c, x = context.tolist(), train.tolist()
            c = c[max(len(c) - n + 1, 0) :]
            p = torch.full((levels,), 1 / levels, dtype=torch.float64)
            for m in range(len(c) + 1):
                own = c[len(c) - m :]
                after = [x[i + m] for i in range(len(x) - m) if x[i : i + m] == own]
                total = sum(x[i : i + m] == own for i in range(len(x) - m + (m > 0)))
                count = torch.bincount(torch.tensor(after).long(), minlength=levels)
                kinds = len(set(after))
                if total > 0:
                    p = (count + kinds * p) / (total + kinds)
            return p

        return predict, Ar16.functions()[1]

    @wrong("overlaps not counted")
    @build
    def by_searching_in_a_string():
        def predict(train, context, n, levels):
            x = "".join(map(chr, train.tolist()))
            c = "".join(map(chr, context.tolist()))
            c = c[max(len(c) - n + 1, 0) :]
            p = torch.full((levels,), 1 / levels, dtype=torch.float64)
            for m in range(len(c) + 1):
                own, i, after = c[len(c) - m :], 0, []
                while (i := x.find(own, i)) >= 0 and i + m < len(x):
                    after.append(ord(x[i + m]))
                    i += max(m, 1)
                count = torch.bincount(torch.tensor(after).long(), minlength=levels)
                kinds = len(set(after))
                if kinds:
                    p = (count + kinds * p) / (len(after) + kinds)
            return p

        return predict, Ar16.functions()[1]
