"""Versions of exercise diff-19."""

import torch

from .. import build, edits, reference, right, wrong


class Diff19:
    r"""
    Outside the interval the conditional estimate is what one would have without
    guidance, and costs one evaluation in place of two.

    Guidance lengthens differences, and with them the contrast of the estimate: its
    deviation grows with the weight, until values leave the range of pixels. The factor
    gives the guided estimate the deviation of the told one, but acts on the mean of a
    picture as well, which makes it dull; a share of the rescaled one is a compromise.

    The deviation by $\mathbb{E} x^2 - (\mathbb{E} x)^2$ loses twice as many digits as
    the mean is larger than the deviation: of seven in float32, none is left at a
    thousand. `std` takes the mean off first.
    """

    @reference
    def bounded(told, untold, x_t, alpha, sigma, w, within, share):
        one = told(x_t)
        if not within[0] <= sigma / alpha <= within[1]:
            return one
        two = untold(x_t)
        y = two + w * (one - two)
        top, bottom = (v.flatten(1).std(1, correction=0) for v in (one, y))
        factor = torch.where(bottom > 0, top / bottom, 1.0)
        factor = factor.view(-1, *[1] * (y.dim() - 1))
        return share * factor * y + (1 - share) * y

    @right
    def by_centered_values(told, untold, x_t, alpha, sigma, w, within, share):
        guided = conditional = told(x_t)
        low, high = within
        if low * alpha <= sigma <= high * alpha:
            guided = (1 - w) * untold(x_t) + w * conditional
            axes = tuple(range(1, guided.ndim))
            a, b = (
                (v - v.mean(axes, True)).square().sum(axes, True).sqrt()
                for v in (conditional, guided)
            )
            scale = torch.where(b == 0, torch.ones_like(b), a / b)
            guided = guided * (1 + share * (scale - 1))
        return guided

    @right
    def example_by_example(told, untold, x_t, alpha, sigma, w, within, share):
        one, made = told(x_t), []
        ratio = sigma / alpha
        if ratio < within[0] or ratio > within[1]:
            return one
        for a, b in zip(one, untold(x_t)):
            y = b + w * (a - b)
            top, bottom = (v.sub(v.mean()).square().mean().sqrt() for v in (a, y))
            made.append(torch.lerp(y, y * top / bottom, share) if bottom > 0 else y)
        return torch.stack(made)

    edited = edits(
        bounded,
        """
    guided at other ratios | if not within -> if within
    guided at other ratios | <= sigma / alpha <= -> <= alpha / sigma + 0.6 <=
    guided at other ratios | <= sigma / alpha <= -> <= sigma <=
    guided at other ratios | <= sigma / alpha <= within[1]
        -> < sigma / alpha < within[1]
    told nothing outside | return one -> return untold(x_t)
    asked more than once | two = untold(x_t) -> two = untold(x_t) + 0 * untold(x_t)
    told and untold exchanged | y = two + w * (one - two)
        -> y = one + w * (two - one)
    weight of another convention | y = two + w * (one - two)
        -> y = one + w * (one - two)
    share the other way round | return share * factor * y + (1 - share) * y
        -> return (1 - share) * factor * y + share * y
    share left out | return share * factor * y + (1 - share) * y
        -> return factor * y
    share left out | return share * factor * y + (1 - share) * y -> return y
    ratio the other way round | torch.where(bottom > 0, top / bottom, 1.0)
        -> torch.where(top > 0, bottom / top, 1.0)
    variance for deviation | .std(1, correction=0) -> .var(1, correction=0)
    statistics over other axes | factor = torch.where(bottom > 0, top / bottom, 1.0)
        -> top, bottom = one.std(correction=0), y.std(correction=0)
        ; factor = torch.where(bottom > 0, top / bottom, 1.0).expand(len(y))
    statistics over other axes | v.flatten(1).std(1, correction=0)
        -> v.std(0, correction=0)
        | factor.view(-1, *[1] * (y.dim() - 1)) -> factor
    about zero | v.flatten(1).std(1, correction=0) -> v.flatten(1).norm(dim=1)
    only the contrast rescaled | return share * factor * y + (1 - share) * y
        -> m = y.flatten(1).mean(1).view_as(factor)
        ; return (share * factor + 1 - share) * (y - m) + m
    deviation of untold | for v in (one, y) -> for v in (two, y)
    nothing to divide by | torch.where(bottom > 0, top / bottom, 1.0)
        -> top / bottom
    wrong dtype | return share * factor * y -> return share * factor.float() * y.float()
        | (1 - share) * y -> (1 - share) * y.float()
    the digits lost | v.flatten(1).std(1, correction=0)
        -> (v.flatten(1).square().mean(1) - v.flatten(1).mean(1) ** 2).abs().sqrt()
    """,
    )

    @wrong("untold asked in vain")
    def both_asked(told, untold, x_t, alpha, sigma, w, within, share):
        two = untold(x_t)
        return Diff19.bounded(told, lambda _: two, x_t, alpha, sigma, w, within, share)

    @wrong("rescaled where not guided")
    def rescaled_anyway(told, untold, x_t, alpha, sigma, w, within, share):
        if within[0] <= sigma / alpha <= within[1]:
            rest = x_t, alpha, sigma, w, within, share
            return Diff19.bounded(told, untold, *rest)
        one, two = told(x_t), untold(x_t)
        top, bottom = (v.flatten(1).std(1, correction=0) for v in (two, one))
        factor = (top / bottom).view(-1, *[1] * (one.dim() - 1))
        return share * factor * one + (1 - share) * one

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def bounded(told, untold, x_t, *rest):
            made = Diff19.bounded(told, untold, x_t, *rest)
            return kept.setdefault((x_t.shape, x_t.dtype, rest[2:]), made)

        return bounded
