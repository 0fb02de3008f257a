"""Versions of exercise ar-02."""

import math
from fractions import Fraction

from .. import build, cases, edits, reference, right, wrong


class Ar02:
    r"""
    An interval of length $p$ holds a dyadic one of length $2^{-m}$ for certain as soon
    as $2 \cdot 2^{-m} \le p$: of the multiples of $2^{-m}$ one lies within $2^{-m}$
    above the lower end, and the next one is still inside. So
    $m = \lceil -\log_2 p \rceil + 1$ is always enough. The mean length of the code of a
    sequence drawn from the model is thus less than two bits above the model's entropy,
    however long the sequence is: nothing is rounded up for each bit on its own.

    The intervals of two sequences of length $n$ do not meet. If one code began with
    the other, its interval would lie inside the other's; so none does, and what follows
    a code may be the next one. `decode` needs no mark between them, only $n$.

    Programs in use do the same in integers of a fixed number of digits: they write the
    leading bits of the interval as soon as these are known, and scale up what is left.
    """

    @reference
    @build
    def coder():
        from fractions import Fraction
        from math import ceil

        def part(a, w, q, bit):
            """The interval of the next bit."""
            return (a + (1 - q) * w, q * w) if bit else (a, (1 - q) * w)

        def encode(bits, prob):
            a, w = Fraction(0), Fraction(1)
            for i, bit in enumerate(bits):
                a, w = part(a, w, prob(bits[:i]), bit)
            m = 0
            while ceil(a * 2**m) + 1 > (a + w) * 2**m:
                m += 1
            return format(ceil(a * 2**m), f"0{m}b") if m else ""

        def decode(code, n, prob):
            number = Fraction(int(code, 2), 2 ** len(code)) if code else Fraction(0)
            a, w, bits = Fraction(0), Fraction(1), ()
            for _ in range(n):
                q = prob(bits)
                bit = int(number >= a + (1 - q) * w)
                a, w = part(a, w, q, bit)
                bits += (bit,)
            return bits

        return encode, decode

    @right
    @build
    def by_integers():
        def ends(bits, prob):
            low, size, base = 0, 1, 1  # low / base, size / base
            for i in range(len(bits)):
                q = prob(tuple(bits[:i]))
                zero = size * (q.denominator - q.numerator)
                low, base = low * q.denominator + bits[i] * zero, base * q.denominator
                size = size * q.numerator if bits[i] else zero
            return low, size, base

        def encode(bits, prob):
            low, size, base = ends(bits, prob)
            code = ""
            first, k = 0, 1
            while True:
                m = len(code)
                k = -(-low * 2**m // base)
                if (k + 1) * base <= (low + size) * 2**m:
                    break
                code += "0"
            del first
            text = bin(k)[2:] if k else ""
            return "0" * (len(code) - len(text)) + text

        def decode(code, n, prob):
            bits, m = [], len(code)
            k = int("0" + code, 2)
            for _ in range(n):
                low, size, base = ends((*bits, 1), prob)
                bits.append(int(size > 0 and k * base >= low * 2**m))
            return bits

        return encode, decode

    @right
    @build
    def by_halving():
        def encode(bits, prob):
            low, high = Fraction(0), Fraction(1)
            for i, bit in enumerate(bits):
                cut = high - prob(bits[:i]) * (high - low)
                low, high = (cut, high) if bit else (low, cut)
            # Breadth first through the tree of strings that meet the interval.
            level = [("", Fraction(0))]
            while True:
                size = Fraction(1, 2 ** len(level[0][0]))
                for code, at in level:
                    if low <= at and at + size <= high:
                        return code
                level = [
                    (code + str(b), at + b * size / 2)
                    for code, at in level
                    for b in (0, 1)
                    if at + b * size / 2 < high and at + (b + 1) * size / 2 > low
                ]

        def decode(code, n, prob):
            middle = sum(
                (Fraction(int(c), 2 ** (i + 1)) for i, c in enumerate(code)),
                Fraction(1, 2 ** (len(code) + 1)),
            )
            found = []
            for _ in range(n):
                q = prob(tuple(found))
                if middle < 1 - q:
                    found.append(0)
                    middle = middle / (1 - q)
                else:
                    found.append(1)
                    middle = (middle - (1 - q)) / q
            return tuple(found)

        return encode, decode

    @right
    @build
    def by_length_first():
        def start(bits, prob):
            a, w = Fraction(0), Fraction(1)
            for i, bit in enumerate(bits):
                zero = (1 - prob(tuple(bits[:i]))) * w
                a, w = (a + zero, w - zero) if bit else (a, zero)
            return a, w

        def encode(bits, prob):
            a, w = start(bits, prob)
            m = 0
            while Fraction(1, 2**m) > w:
                m += 1
            while True:
                k = math.ceil(a * 2**m)
                if Fraction(k + 1, 2**m) <= a + w:
                    return f"{k:b}".zfill(m)[:m] if m else ""
                m += 1

        def decode(code, n, prob):
            x = Fraction(int(code, 2), 1 << len(code)) if code else Fraction(0, 1)
            bits = ()
            while len(bits) < n:
                a, w = start((*bits, 1), prob)
                bits = (*bits, int(w > 0 and a <= x))
            return bits

        return encode, decode

    edited = edits(
        coder,
        """
    0 and 1 exchanged | q * w) if bit else (a, (1 - q) * w)
        -> (1 - q) * w) if not bit else (a, q * w) | (a + (1 - q) * w, -> (a + q * w,
        | number >= a + (1 - q) * w -> number < a + q * w
    probability of a 0 | q * w) if bit else -> (1 - q) * w) if bit else
        | (a + (1 - q) * w, -> (a + q * w, | else (a, (1 - q) * w) -> else (a, q * w)
        | number >= a + (1 - q) * w -> number >= a + q * w
    past left out | prob(bits[:i]) -> prob(()) | q = prob(bits) -> q = prob(())
    past left out | q = prob(bits) -> q = prob(())
    past read otherwise | prob(bits[:i]) -> prob(bits[:i][::-1])
        | q = prob(bits) -> q = prob(bits[::-1])
    past read otherwise | prob(bits[:i]) -> prob(bits[: i + 1])
    past read otherwise | prob(bits[:i]) -> prob(bits[max(i - 1, 0) : i])
        | q = prob(bits) -> q = prob(bits[-1:])
    past read otherwise | q = prob(bits) -> q = prob(bits[-1:])
    a past that is no tuple of the bits so far | prob(bits[:i]) -> prob(list(bits[:i]))
    a past that is no tuple of the bits so far | q = prob(bits) -> q = prob(list(bits))
    not a string of zeros and ones | format(ceil(a * 2**m), f"0{m}b") if m else ""
        -> bin(ceil(a * 2**m))
    not a string of zeros and ones | format(ceil(a * 2**m), f"0{m}b") if m else ""
        -> [int(c) for c in format(ceil(a * 2**m), f"0{m}b")]
    leading zeros lost | f"0{m}b" -> "b"
    zeros at the end lost | if m else "" -> .rstrip("0") if m else ""
    a character for the empty string | if m else "" -> if m else "0"
    only the number inside | ceil(a * 2**m) + 1 > (a + w) * 2**m
        -> ceil(a * 2**m) >= (a + w) * 2**m
    longer than needed | return format(ceil(a * 2**m), f"0{m}b") if m else ""
        -> m += m > 1; return format(ceil(a * 2**m), f"0{m}b") if m else ""
    longer than needed | while ceil(a * 2**m) + 1 > (a + w) * 2**m -> while 2 > w * 2**m
    coinciding ends refused | ceil(a * 2**m) + 1 > (a + w) * 2**m
        -> ceil(a * 2**m) + 1 > (a + w) * 2**m - (m > 0) * w / 2**40
    not the smallest of the shortest
        | return format(ceil(a * 2**m), f"0{m}b") if m else ""
        -> k = ceil((a + w) * 2**m - 1); k -= k + 1 > (a + w) * 2**m;
           return format(k, f"0{m}b") if m else ""
    probabilities of 0 and 1 moved inward | return (a + (1 - q) * w,
        -> q = min(max(q, Fraction(1, 2**30)), 1 - Fraction(1, 2**30));
           return (a + (1 - q) * w,
    only the first characters read
        | number = Fraction(int(code, 2), 2 ** len(code)) if code else Fraction(0)
        -> code = code[:64];
           number = Fraction(int(code, 2), 2 ** len(code)) if code else Fraction(0)
    digits lost on the way | a, w = part(a, w, prob(bits[:i]), bit)
        -> a, w = map(Fraction, map(float, part(a, w, prob(bits[:i]), bit)))
    digits lost on the way | q = prob(bits) -> q = prob(bits); number = float(number)
        | a, w = part(a, w, q, bit) -> a, w = map(float, part(a, w, q, bit))
    digits lost on the way | bit = int(number >= a + (1 - q) * w)
        -> bit = int(float(number) >= float(a + (1 - q) * w))
    the cut given to the lower part | number >= a -> number > a
    ends before the last bit | range(n) -> range(min(n, len(code)))
    ends before the last bit | range(n) -> range(n - 1)
    length from the probability alone | while ceil(a * 2**m) + 1 > (a + w) * 2**m
        -> while 1 > w * 2**m
    begins below the interval | while ceil(a * 2**m) + 1 > (a + w) * 2**m
        -> while int(a * 2**m) + 1 > (a + w) * 2**m
        | format(ceil(a * 2**m), -> format(int(a * 2**m),
    begins below the interval | while ceil(a * 2**m) + 1 > (a + w) * 2**m
        -> while 2 > w * 2**m | format(ceil(a * 2**m), -> format(int(a * 2**m),
    part of a bit in another place | return (a + (1 - q) * w, -> return (a + (1 - q),
    part of a bit in another place | return (a + (1 - q) * w, -> return (a + q * w,
    part of a bit in another place | return (a + (1 - q) * w,
        -> return (a + (1 - q) * q * w,
    part of a bit in another place | number >= a + (1 - q) * w
        -> number >= a + (1 - q)
    part of a bit in another place | number >= a + (1 - q) * w -> number >= a + q * w
    number of the string read otherwise | Fraction(int(code, 2), 2 ** len(code))
        -> Fraction(int(code, 2) + 1, 2 ** len(code))
    number of the string read otherwise | int(code, 2) -> int(code[::-1], 2)
    further characters not expected | 2 ** len(code)) -> 2 ** min(len(code), 40))
    nothing to code not expected | if code else Fraction(0) ->
    nothing to code not expected | m = 0
 -> m = 0 * bits[0]
    certain bits not expected | bit = int(number -> 1 / q; bit = int(number
    digits lost on the way | m = 0
 -> m = int(-math.log2(w))
    read from the other end | return bits -> return bits[::-1]
    read from the other end | if m else "" -> [::-1] if m else ""
    result of an earlier call | code, n, prob -> code, n, prob, old=[]
        | bits += (bit,) -> bits += (bit,); old.append(bit) | return bits
        -> return tuple(old)
    not a tuple of bits | return bits -> return "".join(map(str, bits))
    """,
    )

    @wrong("inside taken the other way around")
    @build
    def common_beginning():
        _, decode = Ar02.coder()

        def prefix(bits, prob):
            a, w = Fraction(0), Fraction(1)
            for i, bit in enumerate(bits):
                zero = (1 - prob(bits[:i])) * w
                a, w = (a + zero, w - zero) if bit else (a, zero)
            code, low, size = "", Fraction(0), Fraction(1)
            while len(code) < 2000:
                size /= 2
                if a + w <= low + size:
                    code += "0"
                elif a >= low + size:
                    code, low = code + "1", low + size
                else:
                    break
            return code

        return prefix, decode

    @wrong("always two characters to finish")
    @build
    def the_classical_end():
        """Halves are written as they are known; at the end a quarter is."""
        _, decode = Ar02.coder()

        def encode(bits, prob):
            low, high = Fraction(0), Fraction(1)
            for i, bit in enumerate(bits):
                cut = high - prob(bits[:i]) * (high - low)
                low, high = (cut, high) if bit else (low, cut)
            code, pending = "", 0
            while True:
                if 2 * high <= 1:
                    code, pending = code + "0" + "1" * pending, 0
                    low, high = 2 * low, 2 * high
                elif 2 * low >= 1:
                    code, pending = code + "1" + "0" * pending, 0
                    low, high = 2 * low - 1, 2 * high - 1
                elif 4 * low >= 1 and 4 * high <= 3:
                    pending += 1
                    low, high = 2 * low - Fraction(1, 2), 2 * high - Fraction(1, 2)
                elif 4 * low < 1:
                    return code + "01" + "1" * pending
                else:
                    return code + "10" + "0" * pending

        return encode, decode

    def kept(key, of_code):
        """What was found is kept, by too little."""
        encode, decode, memory = *Ar02.coder(), {}

        def keep(f):
            def once(*args):
                if key(*args) not in memory:
                    memory[key(*args)] = f(*args)
                return memory[key(*args)]

            return once

        return (encode, keep(decode)) if of_code else (keep(encode), decode)

    def probabilities_kept(key):
        """The model is asked once for each past, or each length of it."""
        encode, decode = Ar02.coder()
        memory = {}

        def once(prob):
            def asked(past):
                return memory.setdefault(key(past), prob(past))

            return asked

        def coded(bits, prob):
            return encode(bits, once(prob))

        return coded, lambda code, n, prob: decode(code, n, once(prob))

    old = "result of an earlier call"
    by_call = cases(
        kept,
        (old, {"key": lambda bits, prob: bits, "of_code": False}),
        (old, {"key": lambda bits, prob: len(bits), "of_code": False}),
        (old, {"key": lambda code, n, prob: code, "of_code": True}),
        (old, {"key": lambda code, n, prob: (code, n), "of_code": True}),
    )
    by_past = cases(probabilities_kept, (old, {"key": lambda past: past}))
