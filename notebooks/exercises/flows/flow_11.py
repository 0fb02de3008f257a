"""Versions of exercise flow-11."""

import math

import torch

from .. import build, edits, reference, right


class Flow11:
    r"""
    Within the darkest cell $p(y)/4$ is $(1 + 4.5\, u)/40$, which rises from 1/40 to
    5.5/40. Its mean is $3.25/40 = 0.08125$, so $\log P(0) = -2.510$. The mean of its
    logarithm is $[t \log t - t]_1^{5.5} / 4.5 - \log 40 = -2.605$: 0.1372 bits less.
    The best noise is $q(u) = (1 + 4.5\, u)/3.25$, and 1.415 at $u = 0.8$.

    A gap is large where the density changes by a large *factor* within a cell. In the
    next three cells it does so less and less, and the gaps are 0.0208, 0.0082 and
    0.0044 bits; as the bright levels come more often, the mean is 0.0195. In an image
    the gaps of all pixels add up, and bits per dimension are their mean: so this is
    also what uniform noise would cost in bits per dimension, if pixels were
    independent. They are not: a density that knows its neighbors changes by more
    within a cell, and the gap that noise of its own can close is larger.
    """

    @reference
    @build
    def by_antiderivatives():
        def cell(x):
            """P and the bound, from t = 1 + 18 y at the ends of the cell."""
            low, high = 1 + 18 * x / 4, 1 + 18 * (x + 1) / 4
            prob = (low + high) / 2 / 40
            area = high * math.log(high) - high - low * math.log(low) + low
            return prob, area / (high - low) - math.log(40)

        prob, bound = cell(0)
        log_prob = math.log(prob)
        gap = (log_prob - bound) / math.log(2)
        noise = (1 + 4.5 * 0.8) / 40 / prob
        cells = [cell(x) for x in range(4)]
        mean_gap = sum(p * (math.log(p) - b) for p, b in cells) / math.log(2)
        return log_prob, bound, gap, noise, mean_gap

    @right
    @build
    def rounded_to_four_digits():
        return -2.510, -2.605, 0.1372, 1.415, 0.01951

    @right
    @build
    def on_a_grid():
        u = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
        x = torch.arange(4)[:, None]
        inside = (1 + 18 * (x + u) / 4) / 40
        prob, bound = inside.mean(1), inside.log().mean(1)
        gap = prob.log2() - bound / math.log(2)
        q = inside[0] / inside[0].mean()
        return prob[0].log(), bound[0], gap[0], q[80_000], (prob * gap).sum()

    @right
    @build
    def by_the_divergence():
        """The gap is the KL divergence of uniform noise from the best."""
        u = torch.linspace(0, 1, 20_001, dtype=torch.float64)

        def kl(x):
            q = (1 + 18 * (x + u) / 4) / 40
            mass = torch.trapezoid(q, u)
            return mass, torch.trapezoid(-(q / mass).log(), u)

        prob, nats = kl(0)
        mean = sum(p * d for p, d in map(kl, range(4)))
        bits = nats / math.log(2), mean / math.log(2)
        return prob.log(), prob.log() - nats, bits[0], 4.6 / 3.25, bits[1]

    edited = edits(
        by_antiderivatives,
        """
    bits in place of nats | log_prob = math.log(prob) -> log_prob = math.log2(prob)
    width of the cell left out | log_prob = math.log(prob)
        -> log_prob = math.log(4 * prob)
    width of the cell counted otherwise | log_prob = math.log(prob)
        -> log_prob = math.log(prob / 4)
    ten left out | log_prob = math.log(prob) -> log_prob = math.log(10 * prob)
    no straight line within the cell | log_prob = math.log(prob)
        -> log_prob = math.log(0.1 / 4)
    density in place of the probability | log_prob = math.log(prob)
        -> log_prob = math.log(0.1)
    density in place of its logarithm | log_prob = math.log(prob) -> log_prob = prob
    another cell | log_prob = math.log(prob) -> log_prob = math.log(cell(1)[0])
    sign flipped | log_prob = math.log(prob) -> log_prob = -math.log(prob)
    logarithm of the mean | prob, bound = cell(0)
        -> prob, bound = cell(0); bound = math.log(prob)
    mean of the two ends | prob, bound = cell(0)
        -> prob, bound = cell(0); bound = math.log(5.5) / 2 - math.log(40)
    width of the cell left out | return log_prob, bound, gap
        -> return log_prob, bound + math.log(4), gap
    width of the cell counted otherwise | return log_prob, bound, gap
        -> return log_prob, bound - math.log(4), gap
    bits in place of nats | return log_prob, bound, gap
        -> return log_prob, bound / math.log(2), gap
    ten left out | return log_prob, bound, gap
        -> return log_prob, bound + math.log(10), gap
    antiderivative of the logarithm | return log_prob, bound, gap
        -> return log_prob, 5.5 * math.log(5.5) / 4.5 - math.log(40), gap
    antiderivative of the logarithm | return log_prob, bound, gap
        -> return log_prob, (5.5 * math.log(5.5) - 4.5) / 18 - math.log(40), gap
    another cell | return log_prob, bound, gap -> return log_prob, cell(3)[1], gap
    nats in place of bits | gap = (log_prob - bound) / math.log(2)
        -> gap = log_prob - bound
    sign flipped | gap = (log_prob - bound) -> gap = (bound - log_prob)
    gap of the probabilities | gap = (log_prob - bound) / math.log(2)
        -> gap = prob - math.exp(bound)
    width of the cell left out | gap = (log_prob - bound)
        -> gap = (math.log(4) + log_prob - bound)
    another cell | gap = (log_prob - bound) / math.log(2)
        -> gap = math.log2(cell(1)[0]) - cell(1)[1] / math.log(2)
    multiplied by log 2 | gap = (log_prob - bound) / math.log(2)
        -> gap = (log_prob - bound) * math.log(2)
    mean of the two ends | gap = (log_prob - bound) / math.log(2)
        -> gap = math.log2(prob) - math.log2(5.5) / 2 + math.log2(40)
    best noise not normalized | / 40 / prob -> / 10
    best noise not normalized | / 40 / prob -> / 40
    density of y in place of u | / 40 / prob -> / 10 / prob
    uniform noise called the best | (1 + 4.5 * 0.8) / 40 / prob -> 1.0
    another place | 4.5 * 0.8 -> 18 * 0.8
    density of the whole pixel | (1 + 4.5 * 0.8) / 40 / prob -> (1 + 18 * 0.8) / 10
    distribution function in place of the density | (1 + 4.5 * 0.8) / 40 / prob
        -> (0.8 + 2.25 * 0.64) / 3.25
    another place | 4.5 * 0.8 -> 4.5 * 0.2
    inverse of the density | (1 + 4.5 * 0.8) / 40 / prob
        -> 4.5 / math.log(5.5) / (1 + 4.5 * 0.8)
    logarithm of what is due | noise = (1 + 4.5 * 0.8) / 40 / prob
        -> noise = math.log((1 + 4.5 * 0.8) / 40 / prob)
    nats in place of bits | in cells) / math.log(2) -> in cells)
    mean without the probabilities | sum(p * (math.log(p) - b) for p, b in cells)
        -> sum(math.log(p) - b for p, b in cells) / 4
    sum of the gaps | sum(p * (math.log(p) - b) for p, b in cells)
        -> sum(math.log(p) - b for p, b in cells)
    divided by four once more | sum(p * (math.log(p) - b) for p, b in cells)
        -> sum(p * (math.log(p) - b) for p, b in cells) / 4
    multiplied by log 2 | in cells) / math.log(2) -> in cells) * math.log(2)
    a level left out | range(4)] -> range(1, 4)]
    a level left out | range(4)] -> range(3)]
    gap of one level | return log_prob, bound, gap, noise, mean_gap
        -> return log_prob, bound, gap, noise, gap
    weights at one place of each cell | sum(p * (math.log(p) - b) for p, b in cells)
        -> sum((4.5 * k + 1) / 31 * (math.log(p) - b) for k, (p, b) in enumerate(cells))
    not to the digits asked for | return log_prob, bound, gap
        -> return log_prob, bound, 0.14
    not to the digits asked for | return log_prob, bound, gap
        -> return log_prob, sum(math.log((1 + 4.5 * i / 1000) / 40)
            for i in range(1000)) / 1000, gap
    not to the digits asked for | return log_prob, bound, gap
        -> return log_prob, bound + 0.003, gap
    """,
    )
