"""Versions of exercise gm-07."""

import math

import torch
from torch.distributions import (
    Normal,
)

from .. import build, reference, right, wrong

FORWARD, REVERSE = (1.1, 2.665**0.5), (1.35234, 1.45146)


def four(forward=FORWARD, reverse=REVERSE):
    return (*forward, *reverse)


class Gm07:
    """Forward, the moments: the mean is 0.3 · (-1) + 0.7 · 2 = 1.1, the second moment
    0.3 · (0.25 + 1) + 0.7 · (1 + 4) = 3.875, the variance 3.875 - 1.21 = 2.665.

    Reverse, the minimum is found in a few dozen steps of any optimizer. It lies nearer
    to the larger component and is narrower, but it has not let go of the smaller one:
    the two overlap. Move them apart and watch the reverse optimum split."""

    @reference
    @build
    def reference():
        forward_mean = 0.3 * -1 + 0.7 * 2
        second = 0.3 * (0.5**2 + 1**2) + 0.7 * (1**2 + 2**2)
        forward_std = math.sqrt(second - forward_mean**2)

        u = torch.linspace(-12, 14, 2601, dtype=torch.float64)
        humps = [(0.3, -1.0, 0.5), (0.7, 2.0, 1.0)]
        log_p = [math.log(w) + Normal(m, s).log_prob(u) for w, m, s in humps]
        log_p = torch.stack(log_p).logsumexp(0)
        at = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([at], lr=0.05)
        for _ in range(500):
            mean, log_std = at
            log_q = Normal(mean, log_std.exp()).log_prob(u)
            kl = torch.trapezoid(log_q.exp() * (log_q - log_p), u)
            adam.zero_grad()
            kl.backward()
            adam.step()
        reverse_mean, reverse_std = at[0].item(), at[1].exp().item()
        return forward_mean, forward_std, reverse_mean, reverse_std

    @right
    @build
    def rounded_to_three_decimals():
        return 1.1, 1.632, 1.352, 1.451

    @right
    @build
    def by_grid_search():
        u = torch.linspace(-12, 14, 1301, dtype=torch.float64)
        p = 0.3 * Normal(-1.0, 0.5).log_prob(u).exp()
        p = p + 0.7 * Normal(2.0, 1.0).log_prob(u).exp()
        means = torch.linspace(1.345, 1.36, 16, dtype=torch.float64)[:, None, None]
        stds = torch.linspace(1.44, 1.46, 21, dtype=torch.float64)[:, None]
        log_q = Normal(means, stds).log_prob(u)
        kl = (log_q.exp() * (log_q - p.log())).sum(-1)
        best = int(kl.argmin())
        back = means.flatten()[best // 21].item(), stds.flatten()[best % 21].item()
        return four(reverse=back)

    @right
    @build
    def tensors():
        return tuple(torch.tensor(v) for v in four())

    @wrong("spread between the components forgotten")
    @build
    def mean_variance():
        return four((1.1, math.sqrt(0.3 * 0.25 + 0.7)))

    @wrong("variance in place of the standard deviation")
    @build
    def variance():
        return four((1.1, 2.665))

    @wrong("variance in place of the standard deviation")
    @build
    def reverse_variance():
        return four(reverse=(REVERSE[0], REVERSE[1] ** 2))

    @wrong("standard deviations averaged")
    @build
    def mean_std():
        return four((1.1, 0.3 * 0.5 + 0.7 * 1.0))

    @wrong("the larger component")
    @build
    def larger():
        return four(reverse=(2.0, 1.0))

    @wrong("components weighted equally")
    @build
    def equal():
        return four((0.5, 1.6956))

    @wrong("directions exchanged")
    @build
    def exchanged():
        return four(REVERSE, FORWARD)

    @wrong("one answer for both")
    @build
    def same():
        return four(reverse=FORWARD)

    @wrong("not the minimum")
    @build
    def stopped_early():
        return four(reverse=(1.30, 1.50))

    @wrong("not the minimum")
    @build
    def two_decimals():
        return four(reverse=(1.35, 1.45))

    @wrong("mean not subtracted")
    @build
    def second_moment():
        return four((1.1, math.sqrt(3.875)))

    @wrong("weights exchanged")
    @build
    def other_weights():
        return four((0.7 * -1 + 0.3 * 2, math.sqrt(0.7 * 0.25 + 0.3 + 0.21 * 9)))
