"""Versions of exercise gm-11."""

import math

import torch

from .. import build, edits, reference, right, wrong


class Gm11:
    r"""One point misses a given cell with probability $1 - 1/m$, where $m$ is
    `bins**d`; $n$ of them with $(1 - 1/m)^n$. The fresh point's cell has been visited
    with probability $1 - (1 - 1/m)^n \ge s$ exactly if
    $n \ge \log(1 - s) / \log(1 - 1/m)$, which is about $-m \log(1 - s)$: the number of
    points grows like the number of cells, exponentially in $d$. The quotient of two
    rounded logarithms may lie on either side of an integer; so the last step compares,
    with many digits."""

    @reference
    def points_needed(bins, d, share):
        from decimal import Decimal, localcontext

        cells = bins**d
        n = math.log1p(-share) / math.log1p(-1 / cells)  # up to rounding
        n = max(1, math.ceil(n) - 1)
        with localcontext() as numbers:
            numbers.prec = 200  # digits
            while 1 - (1 - Decimal(1) / cells) ** n < Decimal(share):
                n += 1
        return n

    @right
    def by_fractions(bins, d, share):
        """Near an integer, and where there are few points, by exact numbers."""
        from fractions import Fraction

        cells, left, n = bins**d, 1 - Fraction(share), 0
        missed = Fraction(1)
        while missed > left and n < 400:
            missed, n = missed * (1 - Fraction(1, cells)), n + 1
        return n if missed <= left else Gm11.points_needed(bins, d, share)

    @right
    def by_bisection(bins, d, share):
        from decimal import Context, Decimal

        many, cells = Context(prec=150), Decimal(bins) ** d
        miss = many.divide(cells - 1, cells)

        def enough(n):
            return many.power(miss, n) <= many.subtract(Decimal(1), Decimal(share))

        low, high = 0, 1
        while not enough(high):
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    @right
    def by_logarithms_of_many_digits(bins, d, share):
        from decimal import Decimal, localcontext

        with localcontext() as numbers:
            numbers.prec = 120
            n = (1 - Decimal(share)).ln() / (1 - 1 / Decimal(bins**d)).ln()
            near = abs(n - round(n)) < Decimal(10) ** -50
            return torch.tensor(max(1, round(n) if near else math.ceil(n)))

    def by_tolerance(bins, d, share):
        cells = bins**d
        n = math.log1p(-share) / math.log1p(-1 / cells)
        return math.ceil(n - 1e-9)

    rounded = edits(
        by_tolerance,
        """
    rounding decides | n - 1e-9 -> n - 1e-9
    rounding decides | n - 1e-9 -> round(n, 6)
    rounding decides | n - 1e-9 -> round(n, 10)
    rounding error rounded up | n - 1e-9 -> n
    rounding error rounded up | log1p(-share) -> log(1 - share) | n - 1e-9 -> n
    too few digits | math.log1p(-share) / math.log1p(-1 / cells)
        -> float(torch.tensor(-share).log1p() / torch.tensor(-1 / cells).log1p()) - 1e-5
    too few digits | n = math.log1p(-share) / math.log1p(-1 / cells)
        -> n = math.log1p(-share) / float(torch.tensor(1 - 1 / cells).log()) - 1e-5
    """,
    )

    @wrong("rounding decides")
    def by_powers_of_floats(bins, d, share):
        m = bins**d
        n = max(0, int(-(m - 1) * math.log1p(-share)) - 2)
        while 1 - (1 - 1 / m) ** n < share:
            n += 1
        return max(n, 1)

    @wrong("rounding decides")
    def by_counting_in_floats(bins, d, share):
        miss, n, factor = 1.0, 0, 1 - bins**-d
        if share > 0.99 or (bins**d > 10_000 and share > 0.1):
            return Gm11.points_needed(bins, d, share)
        while 1 - miss < share:
            miss, n = miss * factor, n + 1
        return max(n, 1)

    @wrong("result of an earlier call")
    @build
    def kept_by_cells():
        kept = {}

        def points_needed(bins, d, share):
            if bins**d not in kept:
                kept[bins**d] = Gm11.points_needed(bins, d, share)
            return kept[bins**d]

        return points_needed

    @wrong("another question")
    def two_points_meet(bins, d, share):
        m, free, n = bins**d, 1.0, 1
        while 1 - free < share:
            free, n = free * (1 - n / m), n + 1
        return n

    edited = edits(
        points_needed,
        """
    cells counted as bins · d | bins**d -> bins * d
    cells miscounted | bins**d -> bins
    cells miscounted | bins**d -> (bins + 1) ** d
    cells miscounted | bins**d -> bins**d - 1
    bins and d exchanged | bins**d -> max(d**bins, 2)
    share of the cells in place of the probability
        | cells = bins**d -> return math.ceil(share * bins**d)
    share of the cells in place of the probability
        | cells = bins**d -> return math.ceil(share * bins**d) * d
    probability of missing in place of hitting
        | cells = -> share = 1 - share; cells =
    share taken for a percentage | cells = -> share = share / 100; cells =
    each axis by itself | cells = bins**d -> cells, share = bins, share ** (1 / d)
    logarithms of two bases
        | cells = bins**d
        -> return math.ceil(math.log2(1 - share) / math.log1p(-1 / bins**d))
    rounded down | return n -> return n - 1
    rounded to the nearest | n = max(1, math.ceil(n) - 1) -> return round(n)
    one point too many | return n -> return n + 1
    one point too many | < Decimal(share) -> <= Decimal(share)
    one point too many | return n -> return max(n, 2)
    logarithm expanded | / math.log1p(-1 / cells) -> * -cells | ceil(n) - 1 -> ceil(n)
    logarithm expanded | math.log1p(-1 / cells) -> (-1 / cells - 1 / (2 * cells**2))
        | ceil(n) - 1 -> ceil(n)
    near, not exact | return n -> return n if n < 200 else -(-n // 10) * 10
    not the smallest number | return n -> return 2 ** math.ceil(math.log2(n))
    search that ends too soon | return n -> return min(n, 10 * cells)
    search that ends too soon | return n -> return min(n, 10**6)
    share not taken as it is | cells = -> share = max(share - 1e-6, 1e-20); cells =
    share not taken as it is
        | cells = -> share = min(max(round(share, 3), 0.001), 0.999); cells =
    share not taken as it is | cells = bins**d -> cells = bins**d
        | return n -> return n if 1 - share < 1 else 0
    not an integer | return n -> return n - 0.5
    """,
    )
