"""Versions of exercise gm-11."""

import math

import torch

from .. import edits, reference, right


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
    def by_rounding(bins, d, share):
        cells = bins**d
        n = math.log1p(-share) / math.log1p(-1 / cells)
        return math.ceil(n - 1e-9)  # rounding must not lift it above an integer

    @right
    def by_bisection(bins, d, share):
        def enough(n):
            return -math.expm1(n * math.log1p(-1 / bins**d)) >= share - 1e-14

        low, high = 0, 1
        while not enough(high):
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    @right
    def by_counting(bins, d, share):
        miss, n, factor = 1.0, 0, 1 - bins**-d
        if bins**d > 10_000:  # too many to count one by one
            return Gm11.points_needed(bins, d, share)
        while 1 - miss < share:
            miss, n = miss * factor, n + 1
        return n

    @right
    def as_tensor(bins, d, share):
        m = torch.tensor(float(bins), dtype=torch.float64) ** d
        share = torch.tensor(share, dtype=torch.float64)
        n = torch.log1p(-share) / torch.log1p(-1 / m)
        near = (n - n.round()).abs() < 1e-9
        return torch.where(near, n.round(), n.ceil()).long()

    @right
    def by_trying(bins, d, share):
        m = bins**d
        n = max(0, int(-(m - 1) * math.log1p(-share)) - 2)
        while 1 - (1 - 1 / m) ** n < share:
            n += 1
        return n

    edited = edits(
        by_rounding,
        """
    cells counted as bins · d | bins**d -> bins * d
    bins and d exchanged | bins**d -> max(d**bins, 2)
    share of the cells in place of the probability
        | n = math.log1p(-share) / math.log1p(-1 / cells) -> n = share * cells
    probability of missing in place of hitting | math.log1p(-share) -> math.log(share)
    rounded down | ceil(n - 1e-9) -> floor(n + 1e-9)
    rounded to the nearest | math.ceil(n - 1e-9) -> round(n)
    one point too many | ceil(n - 1e-9) -> floor(n) + 1
    one point too many | ceil(n - 1e-9) -> ceil(n) + 1
    rounding error rounded up | n - 1e-9 -> n
    exponential in place of the power | / math.log1p(-1 / cells) -> * -cells
    not an integer | math.ceil(n - 1e-9) -> n
    not the smallest number | n - 1e-9 -> share * cells * math.log(cells)
    not the smallest number | n - 1e-9
        -> math.log1p(-(share ** (1 / d))) / math.log1p(-1 / bins)
    too few digits | math.log1p(-share) / math.log1p(-1 / cells)
        -> float(torch.tensor(-share).log1p() / torch.tensor(-1 / cells).log1p()) - 1e-5
    too few digits | n = math.log1p(-share) / math.log1p(-1 / cells)
        -> n = math.log1p(-share) / float(torch.tensor(1 - 1 / cells).log()) - 1e-5
    """,
    )
