"""Versions of exercise ar-08."""

import math

import torch
from torch.nn import functional as F

from .. import edits, reference, right, sums, wrong


def entries(x, logits, means, log_scales):
    """log p of each pixel, in float64."""
    v = x.to(means)[:, None] / 127.5 - 1
    up = (v + 1 / 255 - means) * (-log_scales).exp()
    low = (v - 1 / 255 - means) * (-log_scales).exp()
    below, above = F.logsigmoid(up), F.logsigmoid(-low)
    middle = below + above + (-torch.expm1(-2 / 255 * (-log_scales).exp())).log()
    x = x[:, None]
    mass = torch.where(x == 0, below, torch.where(x == 255, above, middle))
    return (logits.log_softmax(1) + mass).logsumexp(1)


class Ar08:
    r"""
    From $\sigma(u) - \sigma(l)$ with $\sigma(z) = 1/(1 + e^{-z})$: the difference of
    the two fractions is $(e^{-l} - e^{-u})\, \sigma(u)\, \sigma(l)$, and
    $e^{-l} \sigma(l) = \sigma(-l)$. So it is
    $\sigma(u)\, \sigma(-l)\, (1 - e^{-(u - l)})$: three factors between 0 and 1, none
    of which is a difference of two that are nearly equal, and whose logarithms are
    known to all digits. The width $u - l = 2/(255\, s)$ needs no subtraction.

    A common way out is another: take the logarithm of the difference where it is above
    $10^{-5}$, and elsewhere the log density at the center plus the log width. At a log
    scale of -7 a bin is 8.6 scales wide, and this is off by 4.3 nats for each pixel far
    away: from below, the mass of a bin lies at its near edge, not at its center.

    The order of the sum is the model. `logsumexp` for each pixel and then a sum: each
    pixel chooses a component for itself. A sum over the pixels first and then
    `logsumexp`: the whole image chooses one.
    """

    @reference
    def log_prob(x, logits, means, log_scales):
        x = x[:, None]  # an axis for the components
        v, inverse = x.to(means) / 127.5 - 1, torch.exp(-log_scales)
        upper = (v + 1 / 255 - means) * inverse
        lower = (v - 1 / 255 - means) * inverse
        below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
        both = below + above + torch.log(-torch.expm1(-2 / 255 * inverse))
        mass = torch.where(x == 0, below, torch.where(x == 255, above, both))
        each = torch.logsumexp(F.log_softmax(logits, dim=1) + mass, dim=1)
        return each.flatten(1).sum(1)

    @right
    def through_mirrored_edges(x, logits, means, log_scales):
        # Left of the mean as it is, right of it mirrored: no two numbers near one.
        v = ((2 * x.double() - 255) / 255)[:, None]
        m, s = means.double(), log_scales.double().exp()
        low, up = (v - 1 / 255 - m) / s, (v + 1 / 255 - m) / s
        turn = low + up > 0
        a, b = torch.where(turn, -up, low), torch.where(turn, -low, up)
        above, gap = F.logsigmoid(b), F.logsigmoid(a) - F.logsigmoid(b)
        mass = above + torch.log1p(-torch.exp(gap))
        mass = torch.where(x[:, None] == 0, F.logsigmoid(up), mass)
        mass = torch.where(x[:, None] == 255, F.logsigmoid(-low), mass)
        total = (logits.double().log_softmax(1) + mass).logsumexp(1)
        return total.sum((1, 2)).to(means.dtype)

    @right
    def in_loops(x, logits, means, log_scales):
        b, h, w = x.shape
        images = []
        for n in range(b):
            total = 0.0
            for i in range(h):
                for j in range(w):
                    value = int(x[n, i, j])
                    v = (value - 127.5) / 127.5
                    mu, s = means[n, :, i, j], log_scales[n, :, i, j].exp()
                    up, low = (v + 1 / 255 - mu) / s, (v - 1 / 255 - mu) / s
                    if value == 0:
                        mass = -F.softplus(-up)
                    elif value == 255:
                        mass = -F.softplus(low)
                    else:
                        mass = -F.softplus(-up) - F.softplus(low)
                        mass = mass + torch.log1p(-torch.exp(low - up))
                    weight = logits[n, :, i, j]
                    total = total + torch.logsumexp(weight + mass, 0)
                    total = total - torch.logsumexp(weight, 0)
            images.append(total)
        return torch.stack(images)

    @right
    def with_the_components_last(x, logits, means, log_scales):
        logits, means, log_scales = (
            a.flatten(2).transpose(1, 2) for a in (logits, means, log_scales)
        )
        x = x.reshape(len(x), -1, 1).long()
        s, center = torch.exp(log_scales), 2 * x.to(means) / 255 - 1 - means
        up, low = (center + 1 / 255) / s, (center - 1 / 255) / s
        z = torch.zeros_like(up)
        log_cdf, log_rest = -torch.logaddexp(z, -up), -torch.logaddexp(z, low)
        gap = (1 - torch.exp(-2 / (255 * s))).log()
        mass = log_cdf * (x < 255) + log_rest * (x > 0) + gap * ((x > 0) & (x < 255))
        return (torch.log_softmax(logits, -1) + mass).logsumexp(-1).sum(-1)

    sums = sums(
        entries,
        without=("not summed over the dimensions", "reduced over the batch"),
    )
    edited = edits(
        log_prob,
        """
    open edges forgotten
        | torch.where(x == 0, below, torch.where(x == 255, above, both)) -> both
    open edges forgotten
        | torch.where(x == 0, below, torch.where(x == 255, above, both))
        -> torch.where(x == 0, below, both)
    open edges forgotten
        | torch.where(x == 0, below, torch.where(x == 255, above, both))
        -> torch.where(x == 255, above, both)
    wrong bin opened | x == 0, below -> x == 255, below
        | x == 255, above -> x == 0, above
    bin width off | v + 1 / 255 -> v + 1 / 127.5 | v - 1 / 255 -> v - 1 / 127.5
        | -2 / 255 -> -4 / 255
    bin width off | v + 1 / 255 -> v + 1 / 256 | v - 1 / 255 -> v - 1 / 256
        | -2 / 255 -> -2 / 256
    bin width off | v + 1 / 255 -> v + 0.5 / 255 | v - 1 / 255 -> v - 0.5 / 255
        | -2 / 255 -> -1 / 255
    256 for 255 | / 127.5 - 1 -> / 128 - 1
    256 for 255 | x.to(means) / 127.5 - 1 -> (x.to(means) - 128) / 127.5
    values on another scale | / 127.5 - 1 -> / 255
    values on another scale | x.to(means) / 127.5 - 1 -> x.to(means)
    arithmetic in uint8 | x.to(means) / 127.5 - 1 -> (2 * x - 255) / 255
    scale read otherwise | torch.exp(-log_scales) -> torch.exp(log_scales)
    scale read otherwise | torch.exp(-log_scales) -> torch.exp(-log_scales / 2)
    scale read otherwise | torch.exp(-log_scales) -> 1 / F.softplus(log_scales)
    softmax over the wrong axis | F.log_softmax(logits, dim=1)
        -> F.log_softmax(logits, dim=-1)
    softmax over the wrong axis | F.log_softmax(logits, dim=1)
        -> F.log_softmax(logits, dim=0)
    weights not normalized | F.log_softmax(logits, dim=1) -> logits
    weights left out | F.log_softmax(logits, dim=1) + mass, dim=1)
        -> mass, dim=1) - math.log(logits.shape[1])
    weights left out | F.log_softmax(logits, dim=1) + mass -> mass
    mixture of log-probabilities
        | torch.logsumexp(F.log_softmax(logits, dim=1) + mass, dim=1)
        -> (logits.softmax(1) * mass).sum(1)
    best component alone
        | torch.logsumexp(F.log_softmax(logits, dim=1) + mass, dim=1)
        -> (F.log_softmax(logits, dim=1) + mass).amax(1)
    component chosen for the whole image
        | each = torch.logsumexp(F.log_softmax(logits, dim=1) + mass, dim=1) ->
        | each.flatten(1).sum(1)
        -> (F.log_softmax(logits, dim=1) + mass).sum((2, 3)).logsumexp(1)
    underflow to zero | F.log_softmax(logits, dim=1) -> logits.softmax(1).log()
    underflow to zero
        | both = below + above + torch.log(-torch.expm1(-2 / 255 * inverse))
        -> both = (upper.sigmoid() - lower.sigmoid()).log()
    floor under the probability
        | both = below + above + torch.log(-torch.expm1(-2 / 255 * inverse))
        -> both = (upper.sigmoid() - lower.sigmoid()).clamp(min=1e-12).log()
    floor under the probability
        | both = below + above + torch.log(-torch.expm1(-2 / 255 * inverse))
        -> both = (upper.sigmoid() - lower.sigmoid() + 1e-8).log()
    float32 in between | x.to(means) / 127.5 -> x / 127.5
    float32 in between | x = x[:, None]
        -> means = means.float().to(logits); x = x[:, None]
    wrong dtype | return each -> return each.float()
    wrong dtype | return each.flatten(1) -> return each.double().flatten(1)
    input changed in place | x = x[:, None]
        -> log_scales.clamp_(min=-6.5); x = x[:, None]
    not summed over the dimensions | each.flatten(1).sum(1) -> each
    reduced over the batch | each.flatten(1).sum(1) -> each.sum()
    reduced over the batch | each.flatten(1).sum(1) -> each.sum(0)
    reduced over the batch | each.flatten(1).sum(1) -> each.flatten(1).sum(1) / len(x)
    wrong shape | each.flatten(1).sum(1) -> each.flatten(1).sum(1, keepdim=True)
    """,
    )

    @wrong("density in place of the mass")
    def as_in_published_code(x, logits, means, log_scales):
        x = x[:, None]
        v, inverse = x.to(means) / 127.5 - 1, torch.exp(-log_scales)
        upper = (v + 1 / 255 - means) * inverse
        lower = (v - 1 / 255 - means) * inverse
        below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
        delta, mid = upper.sigmoid() - lower.sigmoid(), (v - means) * inverse
        density = mid - log_scales - 2 * F.softplus(mid) - math.log(127.5)
        both = torch.where(delta > 1e-5, delta.clamp(min=1e-12).log(), density)
        mass = torch.where(x == 0, below, torch.where(x == 255, above, both))
        each = torch.logsumexp(F.log_softmax(logits, dim=1) + mass, dim=1)
        return each.flatten(1).sum(1)

    @wrong("density in place of the mass")
    def times_the_width(x, logits, means, log_scales):
        x = x[:, None]
        v, inverse = x.to(means) / 127.5 - 1, torch.exp(-log_scales)
        z = (v - means) * inverse
        density = F.logsigmoid(z) + F.logsigmoid(-z) - log_scales
        below, above = (v + 1 / 255 - means) * inverse, (v - 1 / 255 - means) * inverse
        inner = density + math.log(2 / 255)
        above = torch.where(x == 255, F.logsigmoid(-above), inner)
        mass = torch.where(x == 0, F.logsigmoid(below), above)
        return (logits.log_softmax(1) + mass).logsumexp(1).sum((1, 2))

    @wrong("digits lost in a difference")
    def where_the_difference_is_not_zero(x, logits, means, log_scales):
        x = x[:, None]
        v, inverse = x.to(means) / 127.5 - 1, torch.exp(-log_scales)
        upper = (v + 1 / 255 - means) * inverse
        lower = (v - 1 / 255 - means) * inverse
        below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
        both = below + above + torch.log(-torch.expm1(-2 / 255 * inverse))
        delta = upper.sigmoid() - lower.sigmoid()
        both = torch.where(delta > 0, delta.clamp(min=1e-30).log(), both)
        mass = torch.where(x == 0, below, torch.where(x == 255, above, both))
        each = torch.logsumexp(F.log_softmax(logits, dim=1) + mass, dim=1)
        return each.flatten(1).sum(1)

    @wrong("floor under the probability")
    def by_the_ratio_of_the_sigmoids(x, logits, means, log_scales):
        x = x[:, None]
        v, inverse = x.to(means) / 127.5 - 1, torch.exp(-log_scales)
        upper = (v + 1 / 255 - means) * inverse
        lower = (v - 1 / 255 - means) * inverse
        below, above = F.logsigmoid(upper), F.logsigmoid(-lower)
        ratio = (F.logsigmoid(lower) - below).clamp(max=-1e-7)
        both = below + torch.log(-torch.expm1(ratio))
        mass = torch.where(x == 0, below, torch.where(x == 255, above, both))
        each = torch.logsumexp(F.log_softmax(logits, dim=1) + mass, dim=1)
        return each.flatten(1).sum(1)
