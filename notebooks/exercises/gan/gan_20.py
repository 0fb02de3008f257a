"""Versions of exercise gan-20."""

import math

import torch

from .. import build, edits, reference, right


class Gan20:
    r"""
    1. The mixture has the density ½ outside of $[0.2, 0.6]$ and 1.75 inside. From $p$
       to it: $0.6 \log 2 + 0.4 \log \tfrac{1}{1.75}$, from $q$: $\log
       \tfrac{2.5}{1.75}$; the mean of both is 0.2744.
    2. The quantile functions are $u$ and $0.2 + 0.4 u$. They cross at $u = \tfrac13$,
       and the two triangles have the areas $\tfrac1{30}$ and $\tfrac{4}{30}$. The means
       differ by less, 0.1: mass that goes to the right and mass that goes to the left
       both cost.
    3. The best value is $W_1$. Between 0 and 2 the distribution functions differ by
       0.3, between 2 and 7 by 0.1: $0.3 \cdot 2 + 0.1 \cdot 5$. The best critic falls
       from 0 to 2 and rises from 2 to 7. A critic that is a straight line finds 0.1.
    4. Each of the 64 paths has a slope of at most $0.1^3$. For 512 in place of 8
       units it would be 262. Clipping bounds the slope, but by a number that hangs on
       the architecture, and $\mathbb{E}_p f - \mathbb{E}_q f$ is a distance in units of
       that number.
    5. The loss is $-4 \phi + 10 (\phi - 1)^2$, smallest where $20 (\phi - 1) = 4$. A
       penalty lets the slope exceed 1 by an amount that grows with the distance, and
       the critic says 4.8 where the distance is 4.
    6. The smaller of two draws has the density $2 (1 - x)$, and two such numbers have
       the mean distance $2 \int F (1 - F)\, dx = 2\,(\tfrac13 - \tfrac15)$. Two batches
       of $n$ draws have one of about $0.44 / \sqrt n$ for large $n$: what a critic
       finds between two batches is not the distance of two distributions.
    """

    @reference
    @build
    def by_hand():
        inside = 1.75  # density of the mixture where both are
        of_p = 0.6 * math.log(1 / 0.5) + 0.4 * math.log(1 / inside)
        js = (of_p + math.log(2.5 / inside)) / 2
        w1 = (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2
        best = 0.3 * 2 + 0.1 * 5
        steepest = 8 * 8 * 0.1**3
        slope = 1 + 4 / 20
        noise = 2 * (1 / 3 - 1 / 5)
        return js, w1, best, steepest, slope, noise

    @right
    @build
    def rounded_to_four_digits():
        return 0.2744, 0.1667, 1.1, 0.064, 1.2, 0.2667

    @right
    @build
    def by_grids():
        x = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
        q = 2.5 * ((x > 0.2) & (x < 0.6))
        m = (1 + q) / 2
        js = ((1 / m).log() + torch.special.xlogy(q, q / m)).mean() / 2
        ends = [x, ((x - 0.2) / 0.4).clamp(0, 1)]
        w1 = (ends[0] - ends[1]).abs().mean()
        y = (torch.arange(60, dtype=torch.float64) + 0.5) / 60
        low = torch.minimum(y[:, None], y).flatten()
        noise = (low[:, None] - low).abs().mean()
        phi = torch.linspace(0, 3, 30_001, dtype=torch.float64)
        slope = phi[(10 * (phi - 1) ** 2 - 4 * phi).argmin()]
        w = [torch.full(s, 0.1) for s in ((8, 1), (8, 8), (1, 8))]
        return js, w1, 1.1, w[2] @ w[1] @ w[0], slope, noise

    @right
    @build
    def by_programs():
        import numpy as np

        f = np.array([2.0, 0.0, 5.0])
        best = f @ np.array([0.3, -0.4, 0.1])
        layer = np.full((8, 8), 0.1)
        steepest = np.abs(0.1 * layer.sum(0)).sum() * 0.1
        return 0.27436, 1 / 6, best, steepest, np.float64(1.2), 4 / 15

    @right
    @build
    def with_six_digits():
        js = (0.6 * math.log(2) - 0.4 * math.log(1.75) + math.log(10 / 7)) / 2
        exact = torch.tensor([js, 1 / 6, 1.1, 0.064, 1.2, 4 / 15], dtype=torch.float64)
        return tuple((exact * 1e6).round() / 1e6)

    edited = edits(
        by_hand,
        """
    taken as disjoint | js = (of_p + math.log(2.5 / inside)) / 2 -> js = math.log(2)
    only what lies outside counted | js = (of_p + math.log(2.5 / inside)) / 2
        -> js = 0.6 * math.log(2)
    only what lies outside counted | js = (of_p + math.log(2.5 / inside)) / 2
        -> js = 0.3 * math.log(2)
    one of the two terms only | (of_p + math.log(2.5 / inside)) / 2 -> of_p
    one of the two terms only | (of_p + math.log(2.5 / inside)) / 2
        -> math.log(2.5 / inside)
    a sum in place of the mean | (of_p + math.log(2.5 / inside)) / 2
        -> of_p + math.log(2.5 / inside)
    a difference of densities | js = (of_p + math.log(2.5 / inside)) / 2 -> js = 0.6
    a KL in place of JS | js = (of_p + math.log(2.5 / inside)) / 2 -> js = math.log(2.5)
    mixture not halved | inside = 1.75 -> inside = 3.5
        | math.log(1 / 0.5) -> math.log(1 / 1)
    bits in place of nats | js = (of_p + math.log(2.5 / inside)) / 2
        -> js = (of_p + math.log(2.5 / inside)) / 2 / math.log(2)
    logarithm to base 10 | js = (of_p + math.log(2.5 / inside)) / 2
        -> js = (of_p + math.log(2.5 / inside)) / 2 / math.log(10)
    root of what is due | (of_p + math.log(2.5 / inside)) / 2
        -> ((of_p + math.log(2.5 / inside)) / 2) ** 0.5
    difference of the means | w1 = (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2 -> w1 = 0.1
    a squared cost | w1 = (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2 -> w1 = 0.2
    a squared cost | w1 = (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2 -> w1 = 0.04
    largest gap in place of the area | w1 = (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2 -> w1 = 0.4
    only one side of the crossing | (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2 -> 2 / 3 * 0.4 / 2
    distance of the ends | w1 = (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2 -> w1 = 0.3
    off by a factor of two | 2 / 3 * 0.4) / 2 -> 2 / 3 * 0.4)
    independent draws | w1 = (1 / 3 * 0.2 + 2 / 3 * 0.4) / 2 -> w1 = 0.27333
    critic that only rises | 0.3 * 2 + 0.1 * 5 -> -0.3 * 2 + 0.1 * 5
    only one side of the crossing | 0.3 * 2 + 0.1 * 5 -> 0.3 * 2
    distances left out | 0.3 * 2 + 0.1 * 5 -> 0.3 + 0.1
    distances left out | 0.3 * 2 + 0.1 * 5 -> 0.3 + 0.4 + 0.1
    a squared cost | 0.3 * 2 + 0.1 * 5 -> 0.3 * 2**2 + 0.1 * 5**2
    largest gap in place of the area | 0.3 * 2 + 0.1 * 5 -> 0.4 * 7
    another number of paths | 8 * 8 * 0.1**3 -> 0.1**3
    another number of paths | 8 * 8 * 0.1**3 -> 8 * 0.1**3
    another number of paths | 8 * 8 * 0.1**3 -> (8 * 0.1) ** 3
    one layer only | 8 * 8 * 0.1**3 -> 0.1
    one layer only | 8 * 8 * 0.1**3 -> 8 * 0.1
    weights added along a path | 8 * 8 * 0.1**3 -> 3 * 0.1
    held at slope 1 | 1 + 4 / 20 -> 1
    derivative of the square lost | 1 + 4 / 20 -> 1 + 4 / 10
    flatter in place of steeper | 1 + 4 / 20 -> 1 - 4 / 20
    value in place of the slope | 1 + 4 / 20 -> 4 * (1 + 4 / 20)
    excess in place of the slope | 1 + 4 / 20 -> 4 / 20
    weight of the penalty enters otherwise | 1 + 4 / 20 -> 1 + 4 / 2
    zero for equal distributions | 2 * (1 / 3 - 1 / 5) -> 0.0
    one draw in place of two | 2 * (1 / 3 - 1 / 5) -> 1 / 3
    means of the batches compared | 2 * (1 / 3 - 1 / 5) -> 7 / 30
    a squared cost | 2 * (1 / 3 - 1 / 5) -> 1 / 15
    off by a factor of two | 2 * (1 / 3 - 1 / 5) -> 4 * (1 / 3 - 1 / 5)
    another of the answers | js, w1, best -> w1, js, best
    not to the digits asked for | 2 * (1 / 3 - 1 / 5) -> 0.27
    inverse of what is due | 8 * 8 * 0.1**3 -> 1 / (8 * 8 * 0.1**3)
    """,
    )
