"""Versions of exercise gm-11."""

import math

import torch

from .. import build, edits, reference, right, wrong


class Gm11:
    r"""One point misses a given cell with probability $1 - 1/m$, where $m$ is
    `bins**d`; $n$ of them with $(1 - 1/m)^n$. The fresh point's cell has been visited
    with probability $1 - (1 - 1/m)^n \ge s$ exactly if
    $n \ge \log(1 - s) / \log(1 - 1/m)$, which is about $-m \log(1 - s)$: the number of
    points grows like the number of cells, exponentially in $d$. At least one point is
    needed, however small the share."""

    @reference
    def points_needed(bins, d, share):
        cells = bins**d
        n = math.log1p(-share) / math.log1p(-1 / cells)
        return max(1, math.ceil(n))

    @right
    def by_bisection(bins, d, share):
        from fractions import Fraction

        cells, left = bins**d, 1 - Fraction(share)
        log_miss = math.log1p(-1 / cells)

        def enough(n):
            return n * log_miss <= math.log(left)

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
            numbers.prec = 60
            n = (1 - Decimal(share)).ln() / (1 - 1 / Decimal(bins**d)).ln()
            return torch.tensor(max(1, math.ceil(n)))

    @right
    def by_a_tolerance(bins, d, share):
        n = math.log1p(-share) / math.log1p(-1 / bins**d)
        return max(1, math.ceil(n - 1e-9))

    rounded = edits(
        points_needed,
        """
    too few digits | n = math.log1p(-share) / math.log1p(-1 / cells)
        -> n = math.log1p(-share) / float(torch.tensor(1 - 1 / cells).log())
    too few digits | n = math.log1p(-share) / math.log1p(-1 / cells)
        -> n = float(torch.tensor(-share).log1p() / torch.tensor(-1 / cells).log1p())
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_cells():
        kept = {}

        def points_needed(bins, d, share):
            if bins**d not in kept:
                kept[bins**d] = Gm11.points_needed(bins, d, share)
            return kept[bins**d]

        return points_needed

    @wrong("birthday problem")
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
    each axis by itself | -share -> -(share ** (1 / d))
    the axes put together wrongly
        | cells = bins**d -> cells = bins | math.ceil(n) -> math.ceil(n) ** d
    the axes put together wrongly
        | cells = bins**d -> cells = bins | math.ceil(n) -> math.ceil(n) * d
    birthday problem | max(1, math.ceil(n))
        -> math.ceil(math.sqrt(-2 * cells * math.log(1 - share)))
    another question | max(1, math.ceil(n)) -> math.ceil(cells * math.log(cells))
    another question | math.log1p(-share) -> (math.log1p(-share) - math.log(cells))
    another question | math.log1p(-share) -> math.log1p(-(share ** (1 / cells)))
    whatever the share | math.log1p(-share) -> math.log(0.5)
    whatever the share | math.log1p(-share) -> math.log(0.01)
    log1p misread | math.log1p(-1 / cells) -> -math.log1p(1 / cells)
    log1p misread | math.log1p(-1 / cells) -> -math.log1p(1 - 1 / cells)
    log1p misread | math.log1p(-share) -> -math.log1p(share)
    small number in the logarithm | -share -> 1e-3 - share
    small number in the logarithm | math.log1p(-1 / cells)
        -> math.log(1 - 1 / cells + 1e-8)
    sign flipped | max(1, math.ceil(n)) -> -math.ceil(n)
    logarithms of two bases
        | cells = bins**d
        -> return math.ceil(math.log2(1 - share) / math.log1p(-1 / bins**d))
    mean in place of a probability | cells = bins**d -> return bins**d
    probability of the wrong event | math.log1p(-1 / cells) -> math.log(1 / cells)
    rounded down | math.ceil(n) -> math.floor(n)
    rounded to the nearest | math.ceil(n) -> round(n)
    one point too many | math.ceil(n) -> math.ceil(n) + 1
    one point too many | math.ceil(n) -> math.floor(n) + 2
    logarithm expanded | / math.log1p(-1 / cells) -> * -cells
    logarithm expanded | math.log1p(-1 / cells) -> (-1 / cells - 1 / (2 * cells**2))
    near, not exact | return max(1, math.ceil(n))
        -> return math.ceil(n) if n < 200 else -(-math.ceil(n) // 10) * 10
    not the smallest number
        | return max(1, math.ceil(n)) -> return 2 ** math.ceil(math.log2(max(1, n)))
    search that ends too soon | math.ceil(n) -> min(math.ceil(n), 5 * cells)
    search that ends too soon | math.ceil(n) -> min(math.ceil(n), 10**6)
    share not taken as it is
        | cells = -> share = min(max(round(share, 3), 0.001), 0.999); cells =
    not an integer | return max(1, math.ceil(n)) -> return n - 0.5
    """,
    )
