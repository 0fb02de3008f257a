"""Versions of exercise diff-17."""

import itertools
import math

import torch

from .. import build, edits, reference, right


class Diff17:
    r"""
    As $u$ grows, $d\xi = \frac{1 + \lambda}{2} \kappa\, \xi\, du$ and on the way back
    noise of the variance $\lambda\, du$: $V' = (1 + \lambda) \kappa V - \lambda$, so
    that $(V F^{-(1 + \lambda)})' = -\lambda F^{-(1 + \lambda)}$. From very much noise,
    where $V F^{-(1 + \lambda)} \to 0$ for $\lambda > 0$,
    $V(0) = \lambda F(0)^{1 + \lambda} \int_0^\infty F^{-(1 + \lambda)} du$ with
    $F = (v_1 + u)^2 / (v_0 + u)$: $0.09485$, between $\frac{1}{16}$ and
    $\frac{7}{64}$, and not in their middle.

    The tilted precision $w / 3 + (1 - w) / 2$ is 0 at $w = 3$. The guided variance
    there is $3^3 / 2^2 = 6.75$: draws come out as ever, of a density that (11.5) does
    not name.

    The mean obeys $m' = \frac12 (\kappa m - g)$ with $g = w m_1 / (v_1 + u)$, so that
    $m(0) = \frac12 F(0)^{1/2} \int_0^\infty g\, F^{-1/2} du
    = \frac14 \int_0^\infty \sqrt{1 + u}\, (\frac14 + u)^{-2} du = 1.380$: beyond $m_1$,
    but less far than $w m_1 = 2$, and not where the tilted density has it,
    $\frac87$.
    """

    @reference
    @build
    def reference():
        u = torch.linspace(-40, 40, 20_001, dtype=torch.float64).exp()
        f = (0.25 + u) ** 2 / (1 + u)
        half_noise = 0.5 / 64 * torch.trapezoid(u * f**-1.5, u.log())
        limit = 3.0
        there = 3**3 / 2**2
        slope = 2 / (0.25 + u) / f.sqrt()
        mean = 0.25 / 2 * torch.trapezoid(u * slope, u.log())
        return half_noise, limit, there, mean

    @right
    @build
    def step_by_step():
        log_u = torch.linspace(25, -25, 200_001, dtype=torch.float64).tolist()
        v, m = math.exp(25), 0.0
        for a, b in itertools.pairwise(log_u):
            u = math.exp((a + b) / 2)
            h = u * (b - a)
            k = 2 / (0.25 + u) - 1 / (1 + u)
            grown = math.exp(1.5 * k * h)
            v = v * grown - 0.5 * h * math.exp(0.75 * k * h)
            m = m * math.exp(k * h / 2) - 1 / (0.25 + u) * h
        return v, 3, 6.75, m

    @right
    @build
    def rounded():
        return 0.09485, 3.000, 6.750, 1.380

    edited = edits(
        reference,
        """
    without noise | return half_noise -> return 1 / 16
    with all of the noise | return half_noise -> return 7 / 64
    of the tilted density | return half_noise -> return 1 / 7
    between the two | return half_noise -> return (1 / 16 + 7 / 64) / 2
    between the two | return half_noise -> return math.sqrt(1 / 16 * 7 / 64)
    of the conditional model | return half_noise -> return 0.25
    noise of another size | 0.5 / 64 * -> 0.25 / 64 *
    a deviation | return half_noise -> return half_noise.sqrt()
    weight of another convention | limit = 3.0 -> limit = 2.0
    weight of another convention | limit = 3.0 -> limit = 4.0
    a ratio of variances | limit = 3.0 -> limit = 1.5
    a ratio of variances | limit = 3.0 -> limit = 6.0
    of another weight | 3**3 / 2**2 -> 3**2 / 2
    told and untold exchanged | 3**3 / 2**2 -> 2**3 / 3**2
    a deviation | 3**3 / 2**2 -> (3**3 / 2**2) ** 0.5
    as if the widths were equal | limit, there, mean -> limit, there, 2.0
    of the conditional model | limit, there, mean -> limit, there, 1.0
    of the tilted density | limit, there, mean -> limit, there, 8 / 7
    with all of the noise | limit, there, mean -> limit, there, 1.25
    off by a factor of two | 0.25 / 2 * torch -> 0.25 * torch
    not to the digits asked for | return half_noise -> return 0.095
    not to the digits asked for | limit, there, mean -> limit, there, 1.4
    """,
    )
