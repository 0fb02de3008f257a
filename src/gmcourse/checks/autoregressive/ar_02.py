"""Exercise ar-02: As many bits as the model says."""

import itertools
import math
from fractions import Fraction
from functools import partial

from .._exercise import Exercise

INWARD = "probabilities of 0 and 1 moved inward"


@Exercise(
    id="ar-02",
    title="As many bits as the model says",
    difficulty=3,
    minutes=40,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Turn an autoregressive model into a code whose lengths are its negative "
        "log-probabilities, and read it back.",
    ),
    statement=r"""
A model of sequences of $n$ bits is given as `prob(past)`: for a tuple of the bits so
far, each 0 or 1 (the empty tuple before the first), it gives the probability that the
next one is 1, a `fractions.Fraction` from 0 to 1, both included.

Such a model gives each sequence an interval. Begin with $[0, 1)$. At each bit the
interval $[a, a + w)$ is divided in two, the lower part, of length $(1 - q)\,w$ with
$q$ = `prob(past)`, for a 0, and the upper part, of length $q\,w$, for a 1; the part of
the bit that comes is the next interval. At the end the length is the probability $p$ of
the sequence. A string of $m$ characters `"0"` and `"1"`, read as the binary number $k$,
has an interval, too: $[k\,2^{-m}, (k + 1)\,2^{-m})$, and the empty string has $[0, 1)$.

Write two functions.

- `encode(bits, prob)` takes a tuple of bits of positive probability and gives the
  shortest string whose interval lies inside that of the sequence, the ends of the two
  may coincide; of several as short, the one with the smallest number. (Its length is at
  most $\lceil -\log_2 p \rceil + 1$.)
- `decode(code, n, prob)` gives the tuple of the $n$ bits from *any* string whose
  interval lies inside that of the sequence, also from longer ones: further characters
  may follow.

`prob` accepts nothing but the tuple of the bits so far and gives the same whenever it
is asked. Everything is exact: sequences have up to 200 bits, and their probabilities
may be far below what a float can hold.
""",
    stub='''
def encode(bits, prob):
    """A tuple of bits, prob(past) -> a string of "0" and "1"."""
    return ...


def decode(code, n, prob):
    """A string of "0" and "1", a number of bits -> a tuple of n bits."""
    return ...
''',
    answers={"encode": callable, "decode": callable},
    hints=(
        "Keep the lower end and the length of the interval as fractions; both "
        "functions go through the same intervals.",
        r"For a given $m$ the first multiple of $2^{-m}$ that is not below the lower "
        r"end $a$ is $\lceil 2^m a \rceil$ (`math.ceil` takes a fraction). Does the "
        "interval that begins there end in time? If not, try the next $m$.",
        "The number $k\\,2^{-m}$ of a code lies in all the intervals that the sequence "
        "went through: at each bit ask on which side of the cut it is. The cut itself "
        "belongs to the upper part. A string of $m$ zeros and ones keeps its zeros in "
        'front: `format(k, f"0{m}b")`, except for $m = 0$.',
    ),
    misconceptions={
        "not a string of zeros and ones": "The code is a str of the characters 0 and "
        "1, without a prefix.",
        "leading zeros lost": "A string of m characters keeps its zeros in front: "
        "without them it is another number.",
        "zeros at the end lost": "Each character halves the interval, a zero as well.",
        "a character for the empty string": "An interval that is all of [0, 1) needs "
        "no character.",
        "only the number inside": "Its first number lies in the interval of the "
        "sequence, but what may follow leads out of it: the whole interval of the "
        "string must lie inside.",
        "begins below the interval": "The string's first number is below the lower "
        "end: round up, not down.",
        "inside taken the other way around": "The interval of the string lies inside "
        "that of the sequence, not around it.",
        "length from the probability alone": "An interval of length p need not hold a "
        "string's of about that length: where it begins counts, too.",
        "read from the other end": "The first bit decides the largest part, and so "
        "does the first character.",
        "longer than needed": "It lies inside, and a shorter string would, too.",
        "coinciding ends refused": "The interval of the string may begin and end where "
        "that of the sequence does.",
        "not the smallest of the shortest": "Of several strings as short the one with "
        "the smallest number is due.",
        "0 and 1 exchanged": "The lower part belongs to a 0.",
        "probability of a 0": "prob gives the probability that the next bit is 1.",
        "past left out": "The model is asked anew for each bit, given those before it.",
        "part of a bit in another place": "The upper part begins where the lower one "
        "ends, both in units of the interval as it was before the bit.",
        "past read otherwise": "The past is all bits so far, in their order, without "
        "the one that comes.",
        "a past that is no tuple of the bits so far": "prob takes the tuple of the "
        "bits so far, and nothing else.",
        "digits lost on the way": "A float rounds: ends that should coincide differ in "
        "its last digit, and of a long sequence only the beginning is right. A "
        "fraction keeps all digits.",
        "the cut given to the lower part": "A number that is the cut itself begins "
        "the upper part.",
        "number of the string read otherwise": "A string of m characters, read as the "
        "binary number k, begins at k / 2^m.",
        "further characters not expected": "The shortest strings are read, and longer "
        "ones inside the same interval are not.",
        "certain bits not expected": "A probability may be 0 or 1: one part is then "
        "all of the interval, and the other one is empty.",
        INWARD: "A part that is certain is all of the interval: a constant that keeps "
        "probabilities away from 0 and 1 moves the ends.",
        "always two characters to finish": "Behind the beginning that all numbers of "
        "the interval have in common one character may do, or none.",
        "only the first characters read": "A string may be longer than what a number "
        "of 64 bits, or a fixed window, holds.",
        "nothing to code not expected": "A sequence may have no bits, and a string no "
        "characters.",
        "ends before the last bit": "n bits are due, also where the string is shorter "
        "than that.",
        "not a tuple of bits": "A tuple of the numbers 0 and 1 is due.",
    },
)
def ar_02(t, encode, decode):
    asked: list = []

    def model(low, high, least=2, most=40, dyadic=False):
        """prob(past), drawn as it is asked for: from low to high."""
        table: dict = {}

        def prob(past):
            asked.append(past)
            key = tuple(map(int, past)) if isinstance(past, tuple | list) else ()
            known = {v for k, v in table.items() if len(k) < 3 and low < high}
            while key not in table:
                n = 2 ** t.integer(1, 5) if dyadic else t.integer(least, most)
                k = min(max(t.integer(math.ceil(low * n), int(high * n)), 1), n - 1)
                if len(key) > 2 or Fraction(k, n) not in known:
                    table[key] = Fraction(k, n)  # short pasts differ
            return table[key]

        return prob

    def interval(bits, prob, past=None, one=lambda q: q, upper=1, kept=()):
        """From the last bit to the first: [0, 1) put into the part of each bit.

        ``past(bits, i)``, ``one(q)`` and ``upper`` may be other than they should, and
        probabilities may be ``kept``.
        """
        past, a, w = past or (lambda b, i: b[:i]), Fraction(0), Fraction(1)
        for i in reversed(range(len(bits))):
            seen = past(bits, i)
            q = one(kept[seen] if seen in kept else prob(seen))
            size = q if bits[i] else 1 - q
            a = size * a + (1 - size if bits[i] == upper else 0)
            w = size * w
        return a, a + w

    def slipped(bits, prob, begin):
        """Where the upper part begins otherwise, as a function of w and q."""
        a, w = Fraction(0), Fraction(1)
        for i in range(len(bits)):
            q = prob(bits[:i])
            a, w = a + bits[i] * begin(w, q), w * (q if bits[i] else 1 - q)
        return a, a + w

    begins = [lambda w, q: 1 - q, lambda w, q: (1 - q) * q * w, lambda w, q: q * w]
    begins += [lambda w, q: q, lambda w, q: 0, lambda w, q: w]
    first: dict = {}  # the probability that a past had at first
    made: dict = {}  # what came first of these bits, of so many, of this string

    pasts = [lambda b, i, k=k: b[max(i - k, 0) : i] for k in (1, 2)]
    pasts += [lambda b, i: b[:i][::-1], lambda b, i: b[: i + 1], lambda b, i: b]
    pasts += [lambda b, i: b[: max(i - 1, 0)], lambda b, i: b[i + 1 :]]
    place = "part of a bit in another place"
    small = [Fraction(1, 10**k) for k in range(2, 19)]
    small += [Fraction(1, 2**k) for k in (8, 10, 16, 20, 24, 30, 32, 52, 53)]
    inward = [lambda q, e=e: min(max(q, e), 1 - e) for e in small]
    others = [
        *((INWARD, partial(interval, one=v)) for v in inward),
        ("result of an earlier call", partial(interval, kept=first)),
        ("0 and 1 exchanged", partial(interval, upper=0)),
        ("probability of a 0", partial(interval, one=lambda q: 1 - q)),
        ("past left out", partial(interval, past=lambda b, i: ())),
        *(("past read otherwise", partial(interval, past=v)) for v in pasts),
        *(
            ("part of a bit in another place", partial(slipped, begin=v))
            for v in begins
        ),
    ]

    def of(code):
        """The interval of a string."""
        k, m = int(code or "0", 2), len(code)
        return Fraction(k, 2**m), Fraction(k + 1, 2**m)

    def inside(code, ends, low=True, high=True):
        """Whether its interval is, where the ends may coincide if ``low``, ``high``."""
        a, b = of(code)
        return a >= ends[0] + (not low) * tiny and b <= ends[1] - (not high) * tiny

    def best(code, ends, *how):
        """Inside, and neither the shorter ones nor the one before."""
        if not inside(code, ends, *how):
            return False
        k, m = int(code or "0", 2), len(code)
        before = [format(k - 1, f"0{m}b")] if k else []
        if m > 1:
            short = int(ends[0] * 2 ** (m - 1))
            last = 2 ** (m - 1)
            found = (j for j in range(short, short + 3) if j < last)
            before += [format(j, f"0{m - 1}b") for j in found]
        return not any(inside(v, ends, *how) for v in (before if m != 1 else [""]))

    def zeros(code, ends, front):
        pads = ("0" * k for k in range(60))
        return any(best(v + code if front else code + v, ends) for v in pads)

    def empty(code, ends):
        return best(code, ends) or (code in ("0", "1") and best("", ends))

    def classical(a, b):
        """Halves, or the middle half, until none holds it; then two more characters."""
        code, later, half = "", 0, Fraction(1, 2)
        while True:
            bit = "0" if b <= half else "1" if a >= half else ""
            inner = half / 2 <= a < b <= 3 * half / 2
            if not bit and not inner:
                bit = "0" if a < half / 2 else "1"
                return code + bit + "10"[int(bit)] * (later + 1)
            below = {"0": 0, "1": 1, "": half}[bit]
            code += bit + (bit and "10"[int(bit)] * later)
            a, b, later = 2 * a - below, 2 * b - below, 0 if bit else later + 1

    def ideas(pairs, codes, olds):
        """The names of mistakes, each with what it says of a code and the interval."""
        ends = [interval(*pair) for pair in pairs]
        for name, way in others:
            ways = [way(bits, prob) for bits, prob in pairs]
            if way.func is interval or not rounding:
                yield name, lambda c, i, v=ways: best(c, v[i]) or v[i][1] > 1
        gap = Fraction(int(rounding), 10**12)
        lie = all(map(inside, codes, ends))

        def or_right(fits):
            """Of all codes that are not inside, if there are any."""
            return lambda code, i: (
                not lie and (inside(code, ends[i]) or fits(*of(code), *ends[i]))
            )

        told = "result of an earlier call"
        yield told, lambda code, i: code in olds[i] or best(code, ends[i])
        yield "read from the other end", lambda code, i: best(code[::-1], ends[i])
        yield "leading zeros lost", lambda code, i: zeros(code, ends[i], True)
        yield "zeros at the end lost", lambda code, i: zeros(code, ends[i], False)
        told = "length from the probability alone"
        yield told, lambda code, i: len(code) == length(ends[i])
        told = "only the number inside"
        yield told, or_right(lambda k, end, a, b: a <= k < b and end > b + gap)
        told = "begins below the interval"
        yield told, or_right(lambda k, end, a, b: k < a - gap and a < end <= b)
        told = "inside taken the other way around"
        yield told, or_right(lambda k, end, a, b: k <= a and b <= end)
        yield "a character for the empty string", lambda code, i: empty(code, ends[i])
        told = "always two characters to finish"
        yield told, lambda code, i: code == classical(*ends[i])
        touch = (True, False), (False, True), (False, False)
        for how in touch:
            told = "digits lost on the way" if rounding else "coinciding ends refused"
            yield told, lambda code, i, how=how: best(code, ends[i], *how)
        hows = touch if rounding else ()
        told = "digits lost on the way"
        yield told, lambda code, i: any(best(code, ends[i], *v) for v in ((), *hows))
        told = "not the smallest of the shortest"
        yield told, lambda code, i: inside(code, ends[i]) and len(code) == size(ends[i])
        yield "longer than needed", lambda code, i: inside(code, ends[i])

    def length(ends):
        """Of the longest strings that an interval may hold, wherever it lies."""
        return next(m for m in range(9999) if Fraction(1, 2**m) <= ends[1] - ends[0])

    def size(ends):
        """Of the shortest string inside."""
        m = 0
        while not any(
            ends[0] <= Fraction(j, 2**m) and Fraction(j + 1, 2**m) <= ends[1]
            for j in (int(ends[0] * 2**m), int(ends[0] * 2**m) + 1)
        ):
            m += 1
        return m

    def well_asked(prob):
        bad = [v for v in asked if type(v) is not tuple]
        bad += [v for v in asked if any(b not in (0, 1) for b in v)]
        got, name = "", "a past that is no tuple of the bits so far"
        if bad:
            got = f"prob({bad[0]!r:.60})"
        t.true(not bad, "prob(past) with a tuple of bits.", got, name)
        for past in set(asked):
            first.setdefault(past, prob(past))
        asked.clear()

    def coded(*pairs, long=False, edge=None):
        """The codes of sequences, each with its model; all must be those due."""
        codes, olds = [], []
        for bits, prob in pairs:
            asked.clear()
            told = "digits lost on the way" if long else edge
            run = partial(t.edge, told) if told else t.call
            code = run(encode, bits, prob)
            well_asked(prob)
            got = f"an object of type {type(code).__name__}"
            if isinstance(code, str):
                got = f'"{code[:60]}"'
            plain = isinstance(code, str) and set(code) <= {"0", "1"}
            name = "not a string of zeros and ones"
            t.true(plain, 'A str of "0" and "1".', got, name)
            codes.append(code)
            olds.append([made.get(k) for k in (bits, len(bits))])
            made.update({k: made.get(k, code) for k in (bits, len(bits))})
        for i, (bits, prob) in enumerate(pairs):
            ends, code = interval(bits, prob), codes[i]
            if best(code, ends):
                continue
            every = list(enumerate(codes))
            found = ideas(pairs, codes, olds)
            name = next((k for k, v in found if all(v(c, j) for j, c in every)), None)
            p, low = ends[1] - ends[0], of(code)[0]
            if long and abs(low - ends[0]) < 2e-5 and name != "leading zeros lost":
                name = "digits lost on the way"
            shown = f'"{code}"' if len(code) < 40 else f"{len(code)} characters"
            got = f"{shown}, whose interval begins at {float(low):.8g}"
            if inside(code, ends):
                due = size(ends)
                got = f"{shown}, which lie inside, but "
                got += "a smaller number does" if len(code) == due else "fewer do"
            at = f"[{float(ends[0]):.8g}, {float(ends[1]):.8g})"
            why = f"The shortest string in {at}, of length {float(p):.3g}."
            t.call(encode, bits, prob)  # the one that is shown
            t.fail(name or edge, why=why, got=got)
        return codes

    def strings(bits, prob):
        """Strings inside the interval, of several lengths: the first, last, any."""
        ends = interval(bits, prob)
        m = size(ends)
        for more in 0, 1, 2, 5, 25, 40:
            a, b = (v * 2 ** (m + more) for v in ends)
            low, high = math.ceil(a), math.floor(b) - 1
            for k in sorted({low, high, low + (high - low) * t.integer(1, 9) // 10}):
                if m + more:
                    yield format(k, f"0{m + more}b")

    def decoded(*rows, long=False, edge=None):
        """The bits of strings: rows of a string, the bits that are due, a model."""
        outs, olds = [], []
        for code, bits, prob in rows:
            asked.clear()
            told = "digits lost on the way" if long else edge
            if outs and not told and len(code) > size(interval(bits, prob)):
                told = "further characters not expected"
            run = partial(t.edge, told) if told else t.call
            out = run(decode, code, len(bits), prob)
            well_asked(prob)
            listed = isinstance(out, tuple | list) and all(b in (0, 1) for b in out)
            name = "not a tuple of bits"
            t.true(listed, "A tuple of bits.", f"{out!r:.60}", name)
            outs.append(tuple(map(int, out)))
            olds.append([made.get(k, ...) for k in (code, (code, len(bits)), "last")])
            made["last"] = outs[-1]
            made.update({k: made.get(k, outs[-1]) for k in (code, (code, len(bits)))})
        for out, (code, bits, prob) in zip(outs, rows):
            if out == bits:
                continue
            found = readings(rows, outs, olds)
            name = next((k for k, v in found if all(map(v, outs, rows))), None)
            same = next((i for i, (a, b) in enumerate(zip(out, bits)) if a != b), 0)
            if long and name is None and same > 10:
                name = "digits lost on the way"
            shown, due = ("".join(map(str, v)) or "nothing" for v in (out, bits))
            t.call(decode, code, len(bits), prob)
            why = f"The bits whose interval holds that of {code[:40]!r}."
            t.fail(name or edge, why=why, got=f"{shown} where {due} is due")

    def readings(rows, outs, olds):
        """The names of mistakes, each with what it says of bits and their row."""

        def short(out, row):
            return out == row[1][: len(row[0])]

        def one_less(out, row):
            return out == row[1][:-1]

        def cut(out, row):
            a, b = interval(out, row[2])
            return len(out) == len(row[1]) and a < of(row[0])[0] <= b

        def rounded(out, row):
            a, b = interval(out, row[2])
            number, near = of(row[0])[0], Fraction(1, 10**13)
            held = len(out) == len(row[1]) and a - near <= number <= b + near
            return out == row[1] or held

        def other(out, row, way):
            a, b = way(out, row[2])
            return len(out) == len(row[1]) and a <= of(row[0])[0] < b

        def walked(out, row, begin, both):
            """What comes of cuts in another place, or the intervals as well."""
            number, bits, a, w = of(row[0])[0], (), Fraction(0), Fraction(1)
            for _ in row[1]:
                q = row[2](bits)
                bit = int(number >= a + begin(w, q))
                a += bit * (begin(w, q) if both else w - q * w)
                w *= q if bit else 1 - q
                bits += (bit,)
            return out == bits

        def renumbered(out, row, number):
            a, b = interval(out, row[2])
            return len(out) == len(row[1]) and a <= number(row[0]) < b + (b == 1)

        def older(out, row):
            old = olds[rows.index(row)]
            last = () if old[2] is ... else old[2]
            longer = last and len(out) > len(row[1]) and out[: len(last)] == last
            return out in (row[1], *old[:2]) or longer

        yield "read from the other end", lambda out, row: out == row[1][::-1]
        yield "ends before the last bit", short
        yield "ends before the last bit", one_less
        yield "result of an earlier call", older
        told = (
            "digits lost on the way" if rounding else "the cut given to the lower part"
        )
        yield told, lambda *v: cut(*v) or v[0] == v[1][1]
        wrong = [row for out, row in zip(outs, rows) if out != row[1]]
        longest = max(len(row[0]) for row in wrong)
        for k in (16, 24, 30, 31, 32, 48, 52, 53, 60, 62, 63, 64, 100, 128):
            told, head = "only the first characters read", lambda c, k=k: of(c[:k])[0]
            if longest > k:
                yield told, lambda *v, head=head: renumbered(*v, head)
        if any(len(row[0]) < 45 for row in wrong):  # which a float holds
            for number in numbers:
                told = "number of the string read otherwise"
                yield told, lambda *v, number=number: renumbered(*v, number)
        yield "digits lost on the way", rounded
        for name, way in others:
            yield name, lambda out, row, way=way: other(out, row, way)
        for how in itertools.product(begins, (True, False)):
            yield place, lambda *v, how=how: walked(*v, *how)
        told = "further characters not expected"
        least = [size(interval(*row[1:])) for row in rows]
        yield told, lambda o, row: o == row[1] or len(row[0]) > least[rows.index(row)]

    numbers = [
        lambda code: of(code)[1],
        lambda code: of(code[::-1])[0],
        lambda code: Fraction(int(code or "0", 2), max(2 ** len(code) - 1, 1)),
        lambda code: of(code)[0] / 2,
    ]

    def some(n):
        return tuple(t.integers(n, low=0, high=1).tolist())

    def fours(prob):
        """All sequences of four bits."""
        return [(bits, prob) for bits in itertools.product((0, 1), repeat=4)]

    tiny, rounding = Fraction(1, 2**400), False
    t.property("probabilities of 1/2, 1/4, ..., where ends coincide")
    prob = model(0.1, 0.9, dyadic=True)
    given = [some(n) for n in (6, 7, *[9] * 12)]
    coded(*fours(prob), *((bits, prob) for bits in given))
    half = model(0.5, 0.5, 2, 2)
    coded(*((some(n), half) for n in (5, 12, 20)))
    rounding = True  # where ends are refused now that were not where floats are exact
    t.property("the shortest string inside the interval of a short sequence")
    prob = model(0.1, 0.9)
    coded(*((some(n), prob) for n in (1, 2, 3, 5, 7, 7, 8, 8, 9, 9)), *fours(prob))
    t.property("all sequences of five bits of one model")
    prob = model(0.15, 0.85)
    coded(*((bits, prob) for bits in itertools.product((0, 1), repeat=5)))
    t.property("likely sequences, and no bit at all")
    likely = model(0.001, 0.02, 60, 999), model(0.98, 0.999, 60, 999)
    coded(*(((bit,) * n, likely[bit]) for n in (3, 6, 9) for bit in (0, 1)))
    coded(((), model(0.2, 0.8)), edge="nothing to code not expected")

    def sure(past):
        """Some bits are certain."""
        asked.append(past)
        return [Fraction(1), Fraction(1, 3), Fraction(0), Fraction(2, 5)][len(past) % 4]

    t.property("bits of probability 1")
    each = (1,), (1, 0, 0, 1), (1, 1, 0, 0, 1, 1, 0), (1, 0, 0, 0, 1, 0)
    certain = "certain bits not expected"
    coded(*((bits, sure) for bits in each), edge=certain)
    never, always = (lambda past, q=q: Fraction(q) for q in (0, 1))
    coded(((1, 1, 1), always), ((0, 0), never), edge=certain)

    rounding = False
    t.property("decode: numbers that are a cut")
    prob, given = model(0.1, 0.9, dyadic=True), [some(n) for n in (2, 3, 5, 7, 7, 8)]
    decoded(*((code, bits, prob) for bits in given for code in strings(bits, prob)))
    rounding = True
    t.property("decode: the bits of a string inside, of several lengths")
    prob = model(0.1, 0.9)
    given = [some(n) for n in (1, 2, 3, 4, 6, 7, 8)]
    decoded(*((code, bits, prob) for bits in given for code in strings(bits, prob)))
    t.property("decode: the same strings for fewer bits, and by another model")
    long = [[*strings(bits, prob)][-1] for bits in given]
    decoded(*((long[-1], given[-1][:n], prob) for n in (7, 5, 3)))
    rows: list = []
    while len(rows) < 3:
        other = model(0.1, 0.9)
        for code, old in zip(long[:4], given):
            found = itertools.product((0, 1), repeat=len(old))
            lies = [v for v in found if inside(code, interval(v, other))]
            rows += [(code, v, other) for v in lies if v != old]
    decoded(*rows)
    t.property("decode: bits of probability 1, no bit, and the empty string")
    rows = [(code, bits, sure) for bits in each for code in strings(bits, sure)]
    decoded(*rows, edge=certain)
    nothing = "nothing to code not expected"
    decoded(("", (1, 1, 1), always), ("", (0, 0), never), edge=nothing)
    decoded(("", (), prob), ("0110", (), prob), edge=nothing)

    t.property("long sequences, there and back")
    prob, bits = model(0.05, 0.95, 50, 300), some(90)
    (code,) = coded((bits, prob), long=True)
    decoded((code, bits, prob), (code + "0110100111" * 3, bits, prob), long=True)
    prob = model(0.003, 0.02, 500, 999)
    bits = tuple(int(v < 0.9) for v in t.uniform(200, low=0, high=1).tolist())
    (code,) = coded((bits, prob), long=True)
    decoded((code + "1", bits, prob), long=True)
