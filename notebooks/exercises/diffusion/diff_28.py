"""Versions of exercise diff-28."""

import math

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Diff28:
    r"""
    The mean of $k^2$ independent values of deviation $\sigma$ has the variance
    $\sigma^2 / k^2$, so the gain is $k^2$ times what the images keep of their mean
    square: $k^2$ where the pixels of a square agree, 1 for white noise as a signal, and
    0 for a chessboard. Images are near the first, and the more so, the finer their
    pixels are.

    With `side` × `side` pixels of deviation `std` the ratio after pooling is
    $(\mathrm{side} / \mathrm{base})^2\, \mathrm{std}^2\, \alpha'^2 / \sigma'^2$, and it
    is to be $\alpha^2 / \sigma^2$:

    $$
    \frac{\sigma'}{\alpha'} = \frac{\mathrm{side}}{\mathrm{base}}\, \mathrm{std}\,
    \frac{\sigma}{\alpha}, \qquad
    \log \frac{\alpha'^2}{\sigma'^2} = \log \frac{\alpha^2}{\sigma^2}
      + 2 \log \frac{\mathrm{base}}{\mathrm{side}} - 2 \log \mathrm{std} .
    $$

    With a base of 64 and a deviation of 1 this is the shift by $2 \log (64 / d)$ of
    Hoogeboom et al. Latents of deviation 5 that go unscaled into a path for data of
    deviation 1 have 25 times the signal at each time: less is hidden than was meant, as
    if the sides were five times as long. Dividing them by their deviation does the same
    as shifting the path.
    """

    @reference
    @build
    def reference():
        def gain(x, k):
            pooled = F.avg_pool2d(x, k)
            kept = pooled.square().mean() / x.square().mean()
            return k**2 * kept

        def shifted(alpha, sigma, side, base, std):
            sigma = side / base * std * sigma
            size = torch.hypot(alpha, sigma)
            return alpha / size, sigma / size

        return gain, shifted

    @right
    @build
    def by_the_logarithm_of_the_ratio():
        def gain(x, k):
            b, c, h, w = x.shape
            means = x.reshape(b, c, h // k, k, w // k, k).mean((3, 5))
            return (k * means).pow(2).mean() / x.pow(2).mean()

        def shifted(alpha, sigma, side, base, std):
            log = 2 * (alpha.log() - sigma.log())
            log = log + 2 * math.log(base / side) - 2 * math.log(std)
            return log.sigmoid().sqrt(), (-log).sigmoid().sqrt()

        return gain, shifted

    @right
    @build
    def by_an_angle():
        def gain(x, k):
            small = F.interpolate(x.double(), scale_factor=1 / k, mode="area")
            means = small.norm() ** 2 / small.numel()
            return (k * k * means / (x.double().norm() ** 2 / x.numel())).to(x)

        def shifted(alpha, sigma, side, base, std):
            angle = torch.atan2(sigma * side * std, alpha * base)
            other = torch.atan2(alpha * base, sigma * side * std)
            return other.sin(), angle.sin()

        return gain, shifted

    @right
    @build
    def by_loops_and_in_double():
        def gain(x, k):
            total, parts = 0.0, 0
            for image in x.double().flatten(0, 1):
                for i in range(0, image.shape[0], k):
                    for j in range(0, image.shape[1], k):
                        total += float(image[i : i + k, j : j + k].sum()) ** 2 / k**2
                        parts += 1
            mean = x.double().square().mean()
            return (total / parts / mean).to(x.dtype)

        def shifted(alpha, sigma, side, base, std):
            a, s = alpha.double() * base / side, sigma.double() * std
            length = (a * a + s * s) ** 0.5
            return (a / length).to(alpha), (s / length).to(sigma)

        return gain, shifted

    edited = edits(
        reference,
        """
    noise taken for unchanged | return k**2 * kept -> return kept
    root of the number of pixels | return k**2 * kept -> return k * kept
    sum in place of the mean | return k**2 * kept -> return k**4 * kept
    sum in place of the mean | F.avg_pool2d(x, k) -> F.avg_pool2d(x, k) * k * k
    signal taken for unchanged | return k**2 * kept -> return k**2 + 0 * kept
    one pixel in place of the mean | F.avg_pool2d(x, k) -> F.max_pool2d(x, k)
    one pixel in place of the mean | F.avg_pool2d(x, k) -> x[..., ::k, ::k]
    mean removed | pooled.square().mean() / x.square().mean() -> pooled.var() / x.var()
    mean removed | pooled.square().mean() / x.square().mean()
        -> pooled.var(correction=0) / x.var(correction=0)
    mean over the images of each one's gain
        | pooled.square().mean() / x.square().mean()
        -> (pooled.square().mean((1, 2, 3)) / x.square().mean((1, 2, 3))).mean()
    ratio of deviations | return k**2 * kept -> return k * kept.sqrt()
    inverse of what is due | return k**2 * kept -> return 1 / (k**2 * kept)
    wrong shape | pooled.square().mean() / x.square().mean()
        -> pooled.square().mean((1, 2, 3)) / x.square().mean((1, 2, 3))
    wrong shape | return k**2 * kept -> return (k**2 * kept)[None]
    wrong dtype | return k**2 * kept -> return (k**2 * kept).float()
    float32 in between | F.avg_pool2d(x, k) -> F.avg_pool2d(x.float(), k)
        | return k**2 * kept -> return (k**2 * kept).to(x)
        | / x.square().mean() -> / x.float().square().mean()
    estimated from samples | return k**2 * kept
        -> return kept / F.avg_pool2d(torch.randn_like(x), k).square().mean()
    shift turned around | side / base * std * sigma -> base / side / std * sigma
    shift turned around | side / base * std * sigma -> base / side * std * sigma
    shift counted once | side / base * std * sigma
        -> (side / base * std) ** 0.5 * sigma
    shift counted once | side / base * std * sigma -> (side / base) ** 0.5 * std * sigma
    shift counted once | side / base * std * sigma -> side / base * std**0.5 * sigma
    shift counted twice | side / base * std * sigma
        -> (side / base * std) ** 2 * sigma
    shift counted twice | side / base * std * sigma -> (side / base) ** 2 * std * sigma
    shift counted twice | side / base * std * sigma -> side / base * std**2 * sigma
    deviation of the data left out | side / base * std * sigma -> side / base * sigma
    deviation of the data turned around | side / base * std * sigma
        -> side / base / std * sigma
    resolution left out | side / base * std * sigma -> std * sigma
    variance not preserved | return alpha / size, sigma / size -> return alpha, sigma
    variance not preserved | side / base * std * sigma -> sigma
        | return alpha / size, sigma / size
        -> return alpha * base / side / std, sigma
    variance not preserved | return alpha / size, sigma / size
        -> return alpha / size**2, sigma / size**2
    variance in place of the standard deviation | return alpha / size, sigma / size
        -> return (alpha / size) ** 2, (sigma / size) ** 2
    pair exchanged | return alpha / size, sigma / size
        -> return sigma / size, alpha / size
    no pair | return alpha / size, sigma / size
        -> return torch.stack([alpha / size, sigma / size])
    difference of near numbers | return alpha / size, sigma / size
        -> return alpha / size, (1 - (alpha / size) ** 2).clamp(min=0) ** 0.5
    difference of near numbers | return alpha / size, sigma / size
        -> return (1 - (sigma / size) ** 2).clamp(min=0) ** 0.5, sigma / size
    float32 in between | sigma = side / base * std * sigma
        -> x, alpha, sigma = alpha, alpha.float(), side / base * std * sigma.float()
        | return alpha / size, sigma / size
        -> return (alpha / size).to(x), (sigma / size).to(x)
    wrong dtype | return alpha / size, sigma / size
        -> return (alpha / size).double(), (sigma / size).double()
    input changed in place | sigma = side / base * std * sigma
        -> sigma.mul_(side / base * std)
    """,
    )

    @wrong("shape of the path bounded")
    @build
    def bounded():
        def shifted(alpha, sigma, side, base, std):
            log = (2 * (alpha.log() - sigma.log())).clamp(-20, 20)
            log = log + 2 * math.log(base / side / std)
            return log.sigmoid().sqrt(), (-log).sigmoid().sqrt()

        return Diff28.reference()[0], shifted

    @wrong("shape of the path bounded")
    @build
    def with_a_small_number():
        def shifted(alpha, sigma, side, base, std):
            sigma = side / base * std * sigma.clamp(min=1e-6)
            size = torch.hypot(alpha, sigma)
            return alpha / size, sigma / size

        return Diff28.reference()[0], shifted

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept, (gain, right_one) = {}, Diff28.reference()

        def shifted(alpha, sigma, side, base, std):
            key = alpha.shape, alpha.dtype
            if key not in kept:
                kept[key] = right_one(alpha, sigma, side, base, std)
            return kept[key]

        return gain, shifted
