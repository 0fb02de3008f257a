"""Exercise ar-27: Pairs that become one."""

import tracemalloc
from collections import Counter
from itertools import pairwise
from typing import Any

from .._comparisons import first
from .._exercise import Exercise

WHOLE = "bytes of all tokens put together"


@Exercise(
    id="ar-27",
    title="Pairs that become one",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Learn the tokens of a text by merging its most frequent pairs, and turn text "
        "into these tokens and back.",
    ),
    statement=r"""
Letters make long sequences, words make too many tokens. Byte-pair encoding lies between
(Gage, 1994; [Sennrich et al., 2016](https://arxiv.org/abs/1508.07909)). A text begins
as a row of its bytes in UTF-8, the tokens 0 to 255. Merge $i$, counted from 0, is a
pair $(a, b)$ of tokens: wherever $b$ stands right behind $a$, both are replaced by the
one token $256 + i$. The places are found from left to right and do not overlap: the
pair $(a, a)$ makes of $a\,a\,a$ first the new token, then $a$. Spaces, line ends of
any kind and signs such as `.` and `(` are bytes like all others, and no words are kept
apart.

- `learn(text, k)` gives a list of $k$ merges, pairs of ints. Each time all pairs of
  neighbors in the present row are counted, also those that overlap: $a\,a\,a$ holds
  $(a, a)$ twice. The most frequent pair is merged; of several, the one that comes first
  in the present row. If no pair is counted twice, the list ends there.
- `encode(text, merges)` gives the list of tokens, ints: the first merge is applied to
  the whole row, then the second, and so on.
- `decode(tokens, merges)` gives the text.

`text` is any str that UTF-8 can hold, also an empty one, of at most 3,000 characters,
and $k$ is from 0 to 100. In `merges`, a list of at most 100 tuples, merge $i$ holds
tokens below $256 + i$, and no pair twice; the list may come from another text, or from
nobody's. `tokens` is a list of ints whose bytes, put together, are those of a text;
`encode` need not have made it. Other tokens may stand for more bytes than any memory
holds: 100 merges are enough for $2^{100}$. The lists that come in stay as they are, and
nothing is kept between calls.
""",
    stub='''
def learn(text, k):
    """A str -> a list of at most k pairs of ints."""
    return ...


def encode(text, merges):
    """A str, a list of pairs -> a list of ints."""
    return ...


def decode(tokens, merges):
    """A list of ints, a list of pairs -> a str."""
    return ...
''',
    answers={"learn": callable, "encode": callable, "decode": callable},
    hints=(
        "Write `merged(row, pair, new)` first, which replaces one pair in one row: "
        "both `learn` and `encode` need it.",
        "`Counter` counts the pairs of `itertools.pairwise(row)`, and keeps the order "
        "in which they came.",
        "For decoding, replace a token by its two parts, and those by theirs, until "
        "only bytes are left; whether from the last merge to the first or token by "
        "token. Tokens that do not occur need not be known.",
    ),
    misconceptions={
        "characters in place of bytes": "An é is two bytes, and so two tokens.",
        "strings in place of numbers": "Tokens are ints: bytes and new numbers.",
        "overlaps not counted": "For counting, a a a holds (a, a) twice.",
        "overlap merged twice": "A token that was merged is gone: a a a is the new one "
        "and an a.",
        "overlap merged from the right": "From left to right: the new token comes "
        "first, then the a that is left.",
        "last of the most frequent": "Of equally frequent pairs the first one counts.",
        "smallest of the most frequent": "Of equally frequent pairs the one that comes "
        "first in the row counts, whatever its numbers are.",
        "largest of the most frequent": "Of equally frequent pairs the one that comes "
        "first in the row counts, whatever its numbers are.",
        "another of the most frequent": "The pair is as frequent as the one due, which "
        "comes before it in the present row.",
        "less frequent pair": "In the present row another pair occurs more often.",
        "counts not updated": "After each merge the row is another one: count again.",
        "tokens counted in place of pairs": "How often a and b occur says little about "
        "a b.",
        "words kept apart": "Pairs with a space in them count, too.",
        "line ends changed": "\\r and \\n are bytes like all others, and stay as "
        "they are.",
        "blanks lost": "What stands at the ends of a text is a part of it.",
        "a pattern in place of a text": "In a regular expression some signs stand for "
        "others: a dot is any of them.",
        "merged what occurs once": "A pair that is counted once saves nothing: the "
        "list ends before.",
        "ended too early": "There is a pair that is counted twice.",
        "one merge too many": "k merges at most.",
        "new tokens numbered otherwise": "Merge 0 makes the token 256.",
        "merged once only": "A merge replaces its pair wherever it stands.",
        "merges in reversed order": "The first merge comes first.",
        "whichever pair comes first": "The order of the merges decides, not the places "
        "in the row.",
        "longest token first": "A merge applies to what those before it have left: "
        "what is longest plays no part.",
        "new tokens not merged": "Later merges hold tokens that earlier ones made.",
        WHOLE: "A token that does not occur may stand for more bytes than a memory "
        "holds: take apart only those that do.",
        "unused merges not numbered": "Merge i makes the token 256 + i, whether the "
        "merges before it were of use or not.",
        "0 in place of 256": "New tokens begin at 256: were they counted from 0, or "
        "do they wrap around in eight bits?",
        "state kept between calls": "The list that comes back is the one of an earlier "
        "call: a default argument is made once only.",
        "tokens taken apart once only": "A part may be a merged token, too.",
        "bytes decoded token by token": "A token may hold a part of a letter: put all "
        "bytes together first.",
        "parts exchanged": "The bytes of a come before those of b.",
    },
)
def ar_27(t, learn, encode, decode):
    a, b, c, d, e = b"abcde"
    latest = {}

    def judged(name, f, given, due, ideas=(), why="by the rules above."):
        """What ``f`` gives is ``due``, and its list is as before."""
        t.property(name)
        kept = [list(v) if isinstance(v, list | tuple) else v for v in given]
        old, out = latest.get(f), t.call(f, *kept)
        latest[f] = out
        same = all(list(v) == list(w) for v, w in zip(kept, given) if type(v) is list)
        t.true(same, "A list that stays as it is.", "others", "input changed in place")
        kind = str if f is decode else list
        got = f"an object of type {type(out).__name__}"
        t.true(isinstance(out, kind), f"A {kind.__name__} is due.", got)
        text = out if f is decode else str([*out])
        if f is not decode:
            flat = [v for pair in out for v in pair] if f is learn else out
            letters = any(isinstance(v, str | bytes) for v in flat)
            t.true(not letters, "Ints.", text[:200], "strings in place of numbers")
            out = tuple(tuple(v) if f is learn else int(v) for v in out)
        if due is not None and out != due:
            told = first(ideas, lambda v: v == out)
            if isinstance(old, list) and latest[f] is old:
                told = told or "state kept between calls"
            t.fail(told, why=f"{str(due)[:300]}: {why}", got=text[:300])
        return out

    def row(text):
        return tuple(text.encode())

    for text, merges, due, ideas in (
        ("", [], (), {}),
        ("abc", [], (a, b, c), {}),
        (
            "abcab",
            [(a, b)],
            (256, c, 256),
            {
                "merged once only": (256, c, a, b),
                "0 in place of 256": (0, c, 0),
                "new tokens numbered otherwise": [(v, c, v) for v in (1, 255, 257)],
            },
        ),
        ("", [(a, b)], (), {}),
        (
            "aaa",
            [(a, a)],
            (256, a),
            {
                "overlap merged twice": (256, 256),
                "overlap merged from the right": (a, 256),
            },
        ),
        ("aaaaab", [(a, a), (a, b)], (256, 256, 257), {}),
        ("abc", [(a, b), (b, c)], (256, c), {"merges in reversed order": (a, 257)}),
        ("abc", [(a, b), (b, c), (a, 257)], (256, c), {"longest token first": (258,)}),
        (
            "abc",
            [(b, c), (a, b), (257, c)],
            (a, 256),
            {"whichever pair comes first": [(257, c), (258,)]},
        ),
        (
            "abcd",
            [(a, b), (b, c), (257, d)],
            (256, c, d),
            {"longest token first": (a, 258)},
        ),
        (
            "abcd",
            [(a, b), (256, c), (257, d)],
            (258,),
            {"new tokens not merged": (256, c, d)},
        ),
        (
            "abc",
            [(b, a), (a, b), (257, c)],
            (258,),
            {"unused merges not numbered": [(256, c), (257,)]},
        ),
        ("a b", [(a, 32), (256, b)], (257,), {"words kept apart": (a, 32, b)}),
        (
            "a.aba.",
            [(a, 46)],
            (256, a, b, 256),
            {"a pattern in place of a text": (256, 256, 256)},
        ),
        (
            " a\r\nb\r",
            [],
            (32, a, 13, 10, b, 13),
            {
                "line ends changed": [
                    *((32, a, 10, b, v) for v in (10, 13)),
                    *((32, a, 10, b), (32, a, b), (32, a, 10, 10, b, 10)),
                ],
                "blanks lost": [(a, 13, 10, b), (a, b), (a, 10, b), (a, 32, b)],
            },
        ),
        ("éa", [(195, 169)], (256, a), {"characters in place of bytes": (233, a)}),
    ):
        judged("tokens of short texts", encode, (text, merges), due, ideas)

    whole = "mn.zy,ab;ef:mn/zy|ab!ef"
    for text, k, due, ideas in (
        ("", 3, (), {}),
        ("abab", 0, (), {"one merge too many": ((a, b),)}),
        ("cdcd", 1, ((c, d),), {"ended too early": ()}),
        ("abcd", 3, (), {"merged what occurs once": ((a, b), (256, c), (257, d))}),
        (
            "abcab",
            3,
            ((a, b),),
            {"merged what occurs once": ((a, b), (256, c), (257, 256))},
        ),
        (
            whole,
            1,
            (row("mn"),),
            {
                "last of the most frequent": (row("ef"),),
                "smallest of the most frequent": (row("ab"),),
                "largest of the most frequent": (row("zy"),),
            },
        ),
        ("\r\na\r\nb", 1, ((13, 10),), {"line ends changed": ()}),
        (
            "a.a.abac",
            2,
            ((a, 46),),
            {
                "a pattern in place of a text": ((a, 46), (256, 256)),
                "counts not updated": ((a, 46), (46, a)),
            },
        ),
        ("éaéb", 1, ((195, 169),), {"characters in place of bytes": ()}),
        ("aaabcbc", 1, ((a, a),), {"overlaps not counted": ((b, c),)}),
        ("aaa", 5, ((a, a),), {"overlaps not counted": ()}),
        (
            "c a c a c a",
            1,
            ((c, 32),),
            {
                "words kept apart": [(), ((32, a),)],
                "less frequent pair": ((a, 32),),
            },
        ),
        (
            "abcabcabc",
            3,
            ((a, b), (256, c), (257, 257)),
            {"counts not updated": [((a, b), (b, c), (c, a)), ((a, b), (b, c))]},
        ),
        ("eaeceidbcdb", 1, ((d, b),), {"tokens counted in place of pairs": ((e, c),)}),
        (
            "aaabaaab",
            2,
            ((a, a), (256, a)),
            {
                "overlap merged from the right": ((a, a), (a, 256)),
                "overlap merged twice": ((a, a), (256, 256)),
                "another of the most frequent": ((a, a), (a, b)),
            },
        ),
    ):
        judged("merges of short texts", learn, (text, k), due, ideas)

    for tokens, merges, due, ideas in (
        ((), [], "", {}),
        ((c, 256, a), [(a, b)], "caba", {"parts exchanged": "cbaa"}),
        ((a, 13, 10, b), [], "a\r\nb", {"line ends changed": ["a\nb", "a\n\nb"]}),
        (
            (257, 256, b),
            [(a, b), (256, c)],
            "abcabb",
            {"tokens taken apart once only": "cabb"},
        ),
        (
            (195, 256),
            [(169, b)],
            "éb",
            {
                "characters in place of bytes": "Ã©b",
                "bytes decoded token by token": ["\ufffd\ufffdb", "b", "??b"],
            },
        ),
    ):
        judged("text of a few tokens", decode, (tokens, merges), due, ideas)

    # A pair of the last token each time: their bytes double. Not as often as could be.
    twice = [(a, a), *((v, v) for v in range(256, 277))]
    known = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    try:
        before = tracemalloc.get_traced_memory()[0]
        judged("bytes of tokens that do not occur", decode, ((b, 257), twice), "baaaa")
        more = tracemalloc.get_traced_memory()[1] - before
    finally:
        if not known:
            tracemalloc.stop()
    why = "4 bytes for 257, whatever the 2,097,152 of token 277 are."
    t.true(more < 1_000_000, why, f"{more:,} bytes of memory used at a time", WHOLE)

    # Any merge can be undone, and leaves no pair behind: these two say what it is.

    def chain(name, text, merges):
        """The rows after 0, 1, ... of the merges."""
        rows = [judged(name, encode, (text, []), row(text))]
        for i, pair in enumerate(merges):
            new = judged(name, encode, (text, merges[: i + 1]), None)
            undone = [v for u in new for v in (pair if u == 256 + i else (u,))]
            why = f"As without the last merge, but for the token {256 + i}."
            t.true(tuple(undone) == rows[-1], why, str(new)[:300])
            left = set(pairwise(new))
            why, got = f"{pair} is replaced at all places.", str(new)[:300]
            t.true(pair not in left, why, got, "merged once only")
            late = pair[0] == pair[1] and (pair[0], 256 + i) in left
            why, told = "From left to right.", "overlap merged from the right"
            t.true(not late, why, got, told)
            rows.append(new)
        for tokens in rows:
            judged("back to the text", decode, (tokens, merges), text)
        return rows

    def some(n, letters):
        at = t.integers(n, low=0, high=len(letters) - 1).tolist()
        return "".join(letters[i] for i in at)

    for n, letters, k in (
        *((30, "ab", 4), (60, "aab", 30), (80, "a.(+\\*[\r", 12), (90, "aéü€😀 b", 15)),
        *((1, "a", 3), (2, "a", 3), (40, "a", 20), (300, "abcdefgh ij\n", 30)),
    ):
        text, name = some(n, letters), "each merge is of the most frequent pair"
        merges = [*judged(name, learn, (text, k), None)]
        got = f"{len(merges)} merges"
        t.true(len(merges) <= k, f"{k} at most.", got, "one merge too many")
        rows = chain("a merge more can be undone", text, merges)
        t.property(name, of=latest[learn])
        for i, now in enumerate(rows):
            counts: Any = Counter(pairwise(now))
            best = max(counts.values(), default=0)
            if i == len(merges):
                why, got = "No pair is left that is counted twice.", f"{best} times"
                t.true(i == k or best < 2, why, got, "ended too early")
                break
            why, got = f"Merge {i}, counted {best} times.", f"{merges[i]}: {counts}"
            often = counts[merges[i]]
            t.true(often < best or best > 1, why, got[:300], "merged what occurs once")
            t.true(often == best, why, got[:300], "less frequent pair")
            due = next(p for p in counts if counts[p] == best)
            told = "another of the most frequent"
            t.true(due == merges[i], f"{due}: {why}", got[:300], told)
        other = some(n, letters)
        chain("merges of another text", other, merges)
        kept = {"result of an earlier call": tuple(merges)}
        judged("the same text again", learn, (text, 2), tuple(merges[:2]), kept)
        judged("the same text again", encode, (text, merges), rows[-1])

    for _ in range(3):
        merges = []
        while len(merges) < 12:
            pair = tuple(t.integers(2, low=0, high=3 + len(merges)).tolist())
            pair = tuple(97 + v if v < 4 else 252 + v for v in pair)
            merges += [pair] * (pair not in merges)
        chain("merges that nobody has learned", some(200, "abcd"), merges)
        every: dict[int, Any] = {v: chr(v) for v in b"abcd"}
        name = "the bytes of a merge are those of its parts"
        for i, (p, q) in enumerate(merges):
            due = every[p] + every[q]
            ideas = {"parts exchanged": every[q] + every[p]}
            given = [256 + i], merges
            every[256 + i] = judged(name, decode, given, due, ideas, "both parts.")
        places = t.integers(20, low=0, high=15).tolist()
        tokens = [[*every][i] for i in places]
        due = "".join(every[v] for v in tokens)
        judged("tokens that no text would have", decode, (tokens, merges), due)
