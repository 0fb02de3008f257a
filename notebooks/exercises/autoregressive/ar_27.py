"""Versions of exercise ar-27."""

import re
from collections import Counter
from itertools import pairwise

from .. import build, cases, edits, reference, right, wrong


def merged(row, pair, new):
    """One pair of one row replaced, by two stacks."""
    left, out = list(reversed(row)), []
    while left:
        v = left.pop()
        if left and (v, left[-1]) == pair:
            left.pop()
            v = new
        out.append(v)
    return out


def with_learn(change):
    """The reference with another choice of the pair: ``change(row, merges)``."""
    _, encode, decode = Ar27.reference()

    def learn(text, k):
        row, merges = list(text.encode()), []
        while len(merges) < k:
            pair = change(row, merges)
            if pair is None:
                break
            row = merged(row, pair, 256 + len(merges))
            merges.append(pair)
        return merges

    return learn, encode, decode


def apart(row, merges):
    """The pair that can be replaced most often."""
    counts = {p: len(row) - len(merged(row, p, -1)) for p in pairwise(row)}
    return chosen(counts)


def chosen(counts):
    best = max(counts, key=counts.get, default=None)
    return best if best and counts[best] > 1 else None


def in_words(row, merges):
    blanks = {32}
    for i, pair in enumerate(merges):
        blanks |= {256 + i} if blanks & {*pair} else set()
    pairs = [p for p in pairwise(row) if not blanks & {*p}]
    return chosen(Counter(pairs))


def by_tokens(row, merges):
    counts, single = Counter(pairwise(row)), Counter(row)
    if not chosen(counts):
        return None
    return max(counts, key=lambda p: single[p[0]] + single[p[1]])


def in_old_order():
    """Of equal pairs the one that came first in any of the rows."""
    seen = {}

    def change(row, merges):
        if not merges:
            seen.clear()
        counts = Counter(pairwise(row))
        for pair in counts:
            seen.setdefault(pair, len(seen))
        return chosen({p: counts[p] for p in seen if p in counts})

    return change


def by_length(text, merges):
    """The longest token at all places, then the next one."""
    every = [chr(i) for i in range(256)]
    for a, b in merges:
        every.append(every[a] + every[b])
    s = text.decode("latin-1")
    for i in sorted(range(256, len(every)), key=lambda i: -len(every[i])):
        s = s.replace(every[i], chr(i))
    return [ord(v) for v in s]


def longest(text, merges):
    """The longest token first, as in WordPiece."""
    parts = {bytes([i]): i for i in range(256)}
    every = [*parts]
    for i, (a, b) in enumerate(merges):
        every.append(every[a] + every[b])
        parts.setdefault(every[-1], 256 + i)
    row = []
    while text:
        n = max(n for n in range(1, len(text) + 1) if text[:n] in parts)
        row.append(parts[text[:n]])
        text = text[n:]
    return row


def parts_of(tokens, merges):
    """The bytes of all tokens, of which those of some are taken."""
    parts = [bytes([i]) for i in range(256)]
    for a, b in merges:
        parts.append(parts[a] + parts[b])
    return [parts[v] for v in tokens]


def by_pattern(text, merges):
    """A letter for each token; what is looked for is taken as a pattern."""
    s = text.encode().decode("latin-1")
    for i, (a, b) in enumerate(merges):
        s = re.sub(chr(a) + chr(b), chr(256 + i), s)
    return [ord(v) for v in s]


def from_the_left(text, merges):
    """Whatever can be merged with what was read last is merged."""
    row = []
    for v in text:
        row.append(v)
        while tuple(row[-2:]) in merges:
            row[-2:] = [256 + merges.index(tuple(row[-2:]))]
    return row


class Ar27:
    r"""
    The merges are what is learned, and their order is part of it: `encode` goes through
    the same rows on a new text as `learn` did on its own. With the merges (b, c),
    (a, b) and the token 257 = ab followed by c, the text abc becomes a, bc, although
    the last merge makes one token abc: nothing that was merged is opened again.

    That pairs may reach over words is a choice of this exercise. GPT-2 first cuts the
    text into words, with the space before each, and merges inside of them; a token then
    never reaches over a blank, and words can be encoded once and kept.

    Bytes as a beginning need no token for what is unknown: any text is a row of bytes.
    The price is that a token may end inside of a letter, so that only the whole row can
    be decoded.

    Each merge here goes through the whole row, a cost of $nk$. Libraries keep a list of
    places for each pair and touch only what changes.
    """

    @reference
    @build
    def reference():
        from collections import Counter
        from itertools import pairwise

        def merged(row, pair, new):
            out, i = [], 0
            while i < len(row):
                found = tuple(row[i : i + 2]) == pair
                out.append(new if found else row[i])
                i += 2 if found else 1
            return out

        def learn(text, k):
            row, merges = list(text.encode("utf-8")), []
            for i in range(k):
                counts = Counter(pairwise(row))
                pair = max(counts, key=counts.get, default=None)
                if counts[pair] < 2:
                    break
                row = merged(row, pair, 256 + i)
                merges.append(pair)
            return merges

        def encode(text, merges):
            row = list(text.encode("utf-8"))
            for i, pair in enumerate(merges):
                row = merged(row, pair, 256 + i)
            return row

        def decode(tokens, merges):
            left, found = list(tokens)[::-1], []
            while left:
                v = left.pop()
                if v < 256:
                    found.append(v)
                else:
                    a, b = merges[v - 256]
                    left += [b, a]
            return bytes(found).decode("utf-8")

        return learn, encode, decode

    @right
    @build
    def with_private_letters():
        """A letter for each token, so that str.replace does the work."""

        def learn(text, k):
            s, merges = text.encode().decode("latin-1"), []
            while len(merges) < k:
                pairs = [s[i : i + 2] for i in range(len(s) - 1)]
                best = max(Counter(pairs).items(), key=lambda v: v[1], default=("", 0))
                if best[1] <= 1:
                    return merges
                s = s.replace(best[0], chr(256 + len(merges)))
                merges.append(tuple(map(ord, best[0])))
            return merges

        def encode(text, merges):
            s = text.encode().decode("latin-1")
            for i, (a, b) in enumerate(merges):
                s = s.replace(chr(a) + chr(b), chr(256 + i))
            return [ord(v) for v in s]

        def decode(tokens, merges):
            s = "".join(map(chr, tokens))
            for i in reversed(range(len(merges))):
                a, b = merges[i]
                s = s.replace(chr(256 + i), chr(a) + chr(b))
            return s.encode("latin-1").decode()

        return learn, encode, decode

    @right
    @build
    def by_rank():
        """As in GPT-2: the pair of the earliest merge, until there is none."""

        def encode(text, merges):
            row, rank = [*text.encode()], {tuple(v): i for i, v in enumerate(merges)}
            while True:
                pairs = [p for p in pairwise(row) if p in rank]
                if not pairs:
                    return row
                pair = min(pairs, key=rank.__getitem__)
                row = merged(row, pair, 256 + rank[pair])

        def learn(text, k):
            merges = []
            while len(merges) < k:
                row, best, times = encode(text, merges), None, 1
                seen = {}
                for pair in pairwise(row):
                    seen[pair] = seen.get(pair, 0) + 1
                for pair, n in seen.items():
                    if n > times:
                        best, times = pair, n
                if best is None:
                    break
                merges.append(best)
            return [list(pair) for pair in merges]

        def decode(tokens, merges):
            def parts(v):
                return (
                    [v] if v < 256 else [u for w in merges[v - 256] for u in parts(w)]
                )

            return bytes(u for v in tokens for u in parts(v)).decode()

        return learn, encode, decode

    @right
    @build
    def in_place():
        def change(row, pair, new):
            i = 0
            while i < len(row) - 1:
                if row[i] == pair[0] and row[i + 1] == pair[1]:
                    row[i : i + 2] = [new]
                i += 1

        def learn(text, k):
            row, merges = list(bytearray(text, "utf8")), []
            for n in range(256, 256 + k):
                times, places = {}, {}
                for i in range(len(row) - 1):
                    pair = row[i], row[i + 1]
                    times[pair] = times.get(pair, 0) + 1
                    places.setdefault(pair, i)
                order = sorted(times, key=lambda p: (-times[p], places[p]))
                if not order or times[order[0]] == 1:
                    break
                change(row, order[0], n)
                merges.append(order[0])
            return merges

        def encode(text, merges):
            row = list(bytearray(text, "utf8"))
            for n, pair in enumerate(merges, 256):
                change(row, pair, n)
            return row

        def decode(tokens, merges):
            row = list(tokens)
            while any(v > 255 for v in row):
                row = [u for v in row for u in (merges[v - 256] if v > 255 else [v])]
            return bytearray(row).decode("utf8")

        return learn, encode, decode

    edited = edits(
        reference,
        """
    overlap merged twice | i += 2 if found else 1
        -> i += 1 + (found and row[i + 1 : i + 3] != list(pair))
    merged once only | (row[i : i + 2]) == pair
        -> (row[i : i + 2]) == pair and new not in out
    overlap merged from the right | out, i = [], 0
        -> row, pair, out, i = row[::-1], pair[::-1], [], 0
        | return out -> return out[::-1]
    characters in place of bytes | row, merges = list(text.encode("utf-8")), []
        -> row, merges = [ord(c) for c in text], []
        | row = list(text.encode("utf-8")) -> row = [ord(c) for c in text]
    characters in place of bytes | row, merges = list(text.encode("utf-8")), []
        -> row, merges = [ord(c) for c in text], []
    characters in place of bytes | .decode("utf-8") -> .decode("latin-1")
    bytes decoded token by token | left, found = list(tokens)[::-1], []
        -> return "".join(v.decode(errors="replace") for v in parts_of(tokens, merges))
    bytes decoded token by token | left, found = list(tokens)[::-1], []
        -> return "".join(v.decode(errors="ignore") for v in parts_of(tokens, merges))
    parts exchanged | [b, a] -> [a, b]
    bytes of all tokens put together | left, found = list(tokens)[::-1], []
        -> return b"".join(parts_of(tokens, merges)).decode()
    tokens taken apart once only | left += [b, a]
        -> found += [u for u in (a, b) if u < 256]
    0 in place of 256 | return row -> return [v % 256 for v in row]
    0 in place of 256 | in enumerate(merges) -> in enumerate(merges, -256)
    state kept between calls | def learn(text, k): -> def learn(text, k, merges=[]):
        | row, merges = list(text.encode("utf-8")), []
        -> row = list(text.encode("utf-8"))
    merged what occurs once | counts[pair] < 2 -> not counts
    ended too early | counts[pair] < 2 -> counts[pair] < 3
    one merge too many | in range(k) -> in range(k + 1)
    ended too early | in range(k) -> in range(k - 1)
    last of the most frequent | max(counts, -> max([*counts][::-1],
    smallest of the most frequent | max(counts, -> max(sorted(counts),
    largest of the most frequent | max(counts, -> max(sorted(counts)[::-1],
    less frequent pair | max(counts, key=counts.get,
        -> max(counts, key=lambda p: -counts[p] * (counts[p] > 1) or -99,
    strings in place of numbers | merges.append(pair)
        -> merges.append((chr(pair[0]), chr(pair[1])))
    merges in reversed order | i, pair in enumerate(merges)
        -> i, pair in reversed([*enumerate(merges)])
    longest token first | row = list(text.encode("utf-8"))
        -> return longest(text.encode(), merges)
    whichever pair comes first | row = list(text.encode("utf-8"))
        -> return from_the_left(text.encode(), merges)
    longest token first | row = list(text.encode("utf-8"))
        -> return by_length(text.encode(), merges)
    new tokens not merged | row = list(text.encode("utf-8"))
        -> row = list(text.encode()); merges = [p for p in merges if max(p) < 256]
    line ends changed | row = list(text.encode("utf-8"))
        -> row = list("\\n".join(text.splitlines()).encode())
    line ends changed | row = list(text.encode("utf-8"))
        -> row = list(text.replace("\\r\\n", "\\n").encode())
    line ends changed | row, merges = list(text.encode("utf-8")), []
        -> row, merges = list("\\n".join(text.splitlines()).encode()), []
    line ends changed | bytes(found).decode("utf-8")
        -> bytes(found).decode().replace("\\r\\n", "\\n")
    blanks lost | row = list(text.encode("utf-8")) -> row = list(text.strip().encode())
    words kept apart | row = list(text.encode("utf-8"))
        -> row = list(text.encode()); merges = [p for p in merges if 32 not in p]
    new tokens numbered otherwise | in enumerate(merges) -> in enumerate(merges, 1)
    input changed in place | row = list(text.encode("utf-8"))
        -> row = list(text.encode()); merges.insert(0, ())
        | return row -> return row or merges.pop(0) or row
    """,
    )

    @wrong("a pattern in place of a text")
    @build
    def by_patterns():
        return Ar27.reference()[0], by_pattern, Ar27.reference()[2]

    @wrong("a pattern in place of a text")
    @build
    def learned_by_patterns():
        _, encode, decode = Ar27.reference()

        def learn(text, k):
            merges = []
            while len(merges) < k:
                pair = chosen(Counter(pairwise(by_pattern(text, merges))))
                if pair is None:
                    break
                merges.append(pair)
            return merges

        return learn, encode, decode

    @wrong("unused merges not numbered")
    @build
    def numbers_of_the_used():
        learn, _, decode = Ar27.reference()

        def encode(text, merges):
            row, new = list(text.encode()), 256
            for pair in merges:
                if pair in pairwise(row):
                    row, new = merged(row, pair, new), new + 1
            return row

        return learn, encode, decode

    @wrong("words kept apart")
    @build
    def with_the_space_before():
        _, encode, decode = Ar27.reference()

        def learn(text, k):
            rows, merges = re.findall(r" ?[^ ]+| ", text), []
            rows = [list(v.encode()) for v in rows]
            while len(merges) < k:
                pair = chosen(Counter(p for row in rows for p in pairwise(row)))
                if pair is None:
                    break
                rows = [merged(row, pair, 256 + len(merges)) for row in rows]
                merges.append(pair)
            return merges

        return learn, encode, decode

    choices = cases(
        with_learn,
        ("overlaps not counted", {"change": apart}),
        ("words kept apart", {"change": in_words}),
        ("tokens counted in place of pairs", {"change": by_tokens}),
        ("another of the most frequent", {"change": in_old_order()}),
    )

    @wrong("counts not updated")
    @build
    def counted_once():
        _, encode, decode = Ar27.reference()

        def learn(text, k):
            counts = Counter(pairwise(text.encode()))
            return [p for p, n in counts.most_common(k) if n > 1]

        return learn, encode, decode

    @wrong("result of an earlier call")
    @build
    def kept_by_text():
        learn, encode, decode = Ar27.reference()
        kept = {}
        return lambda text, k: kept.setdefault(text, learn(text, k)), encode, decode
