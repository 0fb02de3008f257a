"""Versions of exercise gm-11."""

import math

import torch

from .. import reference, right, wrong


class Gm11:
    r"""One point misses a given cell with probability $1 - 1/m$, where $m$ is
    `bins**d`; $n$ of them with $(1 - 1/m)^n$. The fresh point's cell has been visited
    with probability $1 - (1 - 1/m)^n \ge s$ exactly if
    $n \ge \log(1 - s) / \log(1 - 1/m)$, which is about $-m \log(1 - s)$: the number of
    points grows like the number of cells, exponentially in $d$."""

    @reference
    def points_needed(bins, d, share):
        cells = bins**d
        return math.ceil(math.log1p(-share) / math.log1p(-1 / cells))

    @right
    def by_bisection(bins, d, share):
        def enough(n):
            return -math.expm1(n * math.log1p(-1 / bins**d)) >= share

        low, high = 0, 1
        while not enough(high):
            high *= 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if enough(middle) else (middle, high)
        return high

    @right
    def by_counting(bins, d, share):
        miss, n = 1.0, 0
        factor = 1 - bins**-d
        if bins**d > 10_000:  # too many to count one by one
            return Gm11.points_needed(bins, d, share)
        while 1 - miss < share:
            miss, n = miss * factor, n + 1
        return n

    @right
    def as_tensor(bins, d, share):
        m = torch.tensor(float(bins), dtype=torch.float64) ** d
        share = torch.tensor(share, dtype=torch.float64)
        return (torch.log1p(-share) / torch.log1p(-1 / m)).ceil().long()

    @wrong("cells counted as bins · d")
    def product(bins, d, share):
        return math.ceil(math.log1p(-share) / math.log1p(-1 / (bins * d)))

    @wrong("share of the cells in place of the probability")
    def linear(bins, d, share):
        return math.ceil(share * bins**d)

    @wrong("probability of missing in place of hitting")
    def missing(bins, d, share):
        return math.ceil(math.log(share) / math.log1p(-1 / bins**d))

    @wrong("rounded down")
    def floor(bins, d, share):
        return math.floor(math.log1p(-share) / math.log1p(-1 / bins**d))

    @wrong("rounded to the nearest")
    def nearest(bins, d, share):
        return round(math.log1p(-share) / math.log1p(-1 / bins**d))

    @wrong("one point too many")
    def plus_one(bins, d, share):
        return math.floor(math.log1p(-share) / math.log1p(-1 / bins**d)) + 2

    @wrong("exponential in place of the power")
    def poisson(bins, d, share):
        return math.ceil(-(bins**d) * math.log1p(-share))

    @wrong("not an integer")
    def real(bins, d, share):
        return math.log1p(-share) / math.log1p(-1 / bins**d)

    @right
    def by_trying(bins, d, share):
        m = bins**d
        n = max(0, int(-(m - 1) * math.log1p(-share)) - 2)
        while 1 - (1 - 1 / m) ** n < share:
            n += 1
        return n

    @wrong("one point too many")
    def floor_plus_one(bins, d, share):
        return math.floor(math.log1p(-share) / math.log1p(-1 / bins**d)) + 1

    @wrong("bins and d exchanged")
    def exchanged(bins, d, share):
        cells = max(d**bins, 2)
        return math.ceil(math.log1p(-share) / math.log1p(-1 / cells))

    @wrong("not the smallest number")
    def all_cells(bins, d, share):
        return math.ceil(share * bins**d * math.log(bins**d))

    @wrong("not the smallest number")
    def each_axis(bins, d, share):
        return math.ceil(math.log1p(-(share ** (1 / d))) / math.log1p(-1 / bins))
