"""Versions of exercise diff-05."""

import math

import torch

from .. import edits, reference, right, wrong


class Diff05:
    r"""
    With $D = \alpha^2 s^2 + \sigma^2$, the variance of $x_t$, conditioning leaves
    $s^2 \sigma^2 / D$ of the data. The noise is $(x_t - \alpha x)/\sigma$, which gives
    it $\alpha^2 / \sigma^2$ of that, and for the velocity $\dot\alpha = -\frac\pi2
    \sigma$ and $\dot\sigma = \frac\pi2 \alpha$ give $-\frac\pi2 (\sigma + \alpha^2 /
    \sigma)\, x = -\frac{\pi}{2\sigma}\, x$ and a part that is known:

    $$
    \text{noise: } \frac{\alpha^2 s^2}{D}, \qquad
    \text{data: } \frac{\sigma^2 s^2}{D}, \qquad
    \text{velocity: } \Bigl(\frac\pi2\Bigr)^2 \frac{s^2}{D} .
    $$

    Noise and data add up to the velocity over $(\pi/2)^2$. Each of the first two
    targets is free at one end of the path, and hopeless at the other: at $t = 0$
    nothing is seen of the noise, which has the error 1 whatever the net. For $s = 1$
    the velocity is equally hard at all times, and that is why its loss needs no
    weights. Scaled data ($s < 1$) are the usual case: then the error grows toward the
    data.
    """

    @reference
    def least_errors(t, s):
        a, d = math.sin(math.pi / 2 * (1 - t)), math.sin(math.pi / 2 * t)
        share = s**2 / (a**2 * s**2 + d**2)
        return a**2 * share, d**2 * share, (math.pi / 2) ** 2 * share

    @right
    def by_precisions(t, s):
        a, d = math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)
        if t == 0:
            return 1.0, 0.0, (math.pi / 2) ** 2
        a = a if t < 1 else 0.0
        data = 1 / (1 / s**2 + a**2 / d**2)
        return (a / d) ** 2 * data, data, (math.pi / (2 * d)) ** 2 * data

    @right
    def by_a_ratio(t, s):
        """By the noise that stands beside data of full size."""
        half = 1.5707963267948966
        if t == 1:
            return 0.0, s * s, (half * s) ** 2
        r = math.tan(half * t) / s
        noise = 1 / (1 + r * r)
        cos2 = (1 + math.cos(2 * half * t)) / 2
        cos2 = cos2 if t < 0.5 else math.sin(half * (1 - t)) ** 2
        return noise, s**2 * r**2 * noise, half**2 * noise / cos2

    @right
    def in_torch(t, s):
        """Schur's complement, without its difference."""
        at = torch.tensor(t, dtype=torch.float64)
        angle = torch.pi / 2 * at
        signal = s * torch.where(at < 0.5, angle.cos(), (torch.pi / 2 - angle).sin())
        noise = angle.sin()
        total = signal**2 + noise**2
        out = signal**2 / total, (s * noise) ** 2 / total, s**2 / total
        return torch.stack([out[0], out[1], out[2] * torch.pi**2 / 4])

    edited = edits(
        least_errors,
        """
    no triple | return a**2 * share, d**2 * share, -> return a**2 * share,
    data of variance 1 assumed | s**2 / (a**2 * s**2 + d**2) -> 1
    standard deviation taken as a variance | s**2 / (a**2 * s**2 + d**2)
        -> s / (a**2 * s + d**2)
    variance in place of the standard deviation | s**2 / (a**2 * s**2 + d**2)
        -> s**4 / (a**2 * s**4 + d**2)
    straight path | a, d = math.sin(math.pi / 2 * (1 - t)), math.sin(math.pi / 2 * t)
        -> a, d = 1 - t, t
    time turned around
        | a, d = math.sin(math.pi / 2 * (1 - t)), math.sin(math.pi / 2 * t)
        -> d, a = math.sin(math.pi / 2 * (1 - t)), math.sin(math.pi / 2 * t)
    angle is not pi t / 2
        | a, d = math.sin(math.pi / 2 * (1 - t)), math.sin(math.pi / 2 * t)
        -> a, d = math.cos(t), math.sin(t)
    angle is not pi t / 2
        | a, d = math.sin(math.pi / 2 * (1 - t)), math.sin(math.pi / 2 * t)
        -> a, d = math.cos(math.pi * t), math.sin(math.pi * t)
    alpha² and sigma² left as roots | share = s**2
        -> a, d = a**0.5, d**0.5; share = s**2
    a quarter turn left out | (math.pi / 2) ** 2 * share -> share
    a quarter turn counted once | (math.pi / 2) ** 2 * share -> math.pi / 2 * share
    velocity of the straight path | (math.pi / 2) ** 2 * share -> (a + d) ** 2 * share
    errors of data and noise added | (math.pi / 2) ** 2 * share
        -> (math.pi / 2) ** 2 * (a**4 + d**4) * share
    a quarter turn left out | (math.pi / 2) ** 2 * share
        -> a**2 * share + d**2 * share
    error without the noisy example | return a**2 * share, d**2 -> return 1.0, d**2
    error without the noisy example | d**2 * share -> s**2
    error without the noisy example | (math.pi / 2) ** 2 * share
        -> (math.pi / 2) ** 2 * (d**2 * s**2 + a**2)
    what is explained in place of what is left | return a**2 * share
        -> return 1 - a**2 * share
    what is explained in place of what is left | d**2 * share -> s**2 - d**2 * share
    no use of what the data are like | d**2 * share -> d**2 / max(a, 1e-9) ** 2
    no use of what the data are like | return a**2 * share
        -> return a**2 * s**2 / max(d, 1e-9) ** 2
    another of the answers | a**2 * share, d**2 * share -> d**2 * share, a**2 * share
    another of the answers | d**2 * share, (math.pi / 2) ** 2 * share
        -> (math.pi / 2) ** 2 * share, d**2 * share
    square root taken | return a**2 * share -> return (a**2 * share) ** 0.5
    off by a factor of two | d**2 * share -> 2 * d**2 * share
    off by a factor of two | d**2 * share -> d**2 * share / 2
    not to the digits asked for | return a**2 * share
        -> return 1 - d**2 / (a**2 * s**2 + d**2)
    not to the digits asked for | d**2 * share
        -> s**2 - a**2 * s**4 / (a**2 * s**2 + d**2)
    variance at the end of the path | share = s**2
        -> a, d = (max(a, 0.01), max(d, 0.01))
        if t in (0, 1) else (a, d); share = s**2
    variance at the end of the path
        | return a**2 * share, d**2 * share, (math.pi / 2) ** 2 * share
        -> return (a**2 * share, d**2 * share, (math.pi / 2) ** 2 * share
            if t else 0.0)
    not to the digits asked for | share = s**2
        -> angle = torch.tensor(math.pi / 2 * t);
            a, d = angle.cos().item(), angle.sin().item(); share = s**2
    wrong shape | d**2 * share -> torch.full((2,), d**2 * share)
    """,
    )

    @wrong("estimated from samples")
    def simulated(t, s):
        x, eps = s * torch.randn(4000).double(), torch.randn(4000).double()
        a, d = math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)
        x_t, turn = a * x + d * eps, math.pi / 2
        found = []
        for target in (eps, x, turn * (a * eps - d * x)):
            best = (target @ x_t) / (x_t @ x_t) * x_t
            found.append(float((target - best).square().mean()))
        return tuple(found)

    @wrong("not finite")
    def through_the_ratio(t, s):
        a, d = math.cos(math.pi * t / 2), math.sin(math.pi * t / 2)
        data = torch.tensor(1.0).double() / (1 / s**2 + a**2 / torch.tensor(d) ** 2)
        return (
            float(data * a**2 / torch.tensor(d) ** 2),
            float(data),
            float((math.pi / 2) ** 2 * data / torch.tensor(d) ** 2),
        )
