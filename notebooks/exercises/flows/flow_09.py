"""Versions of exercise flow-09."""

import math

import torch
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Flow09:
    r"""
    With $s = \delta + (1 - 2\delta)(x + u)/256$ the slope of the whole map is
    $\mathrm dv/\mathrm dx = (1 - 2\delta) / (256\, s (1 - s))$. Its logarithm is added
    to the log-density of $v$, once for each value, and what comes out is that of
    $x + u$.

    The terms are not small. For an image of 3072 values and $\delta = 0.05$ the factor
    256 is worth 17,035 nats, exactly 8 bits per dimension, and $1 - 2\delta$ another
    324 nats, 0.15 bits per dimension. The slope of logit is at least 4, which saves 2
    bits for a gray value in the middle, and more near black and white. So a
    log-likelihood "on logits" says nothing until one knows how the logits were made.
    """

    @reference
    def bits_per_dim(log_p, x, u, margin):
        share = 1 - 2 * margin
        s = margin + share * (x.to(u.dtype) + u) / 256
        slope = math.log(share / 256) - s.log() - (1 - s).log()
        nats = -(log_p + slope.flatten(1).sum(1))
        return nats / (x[0].numel() * math.log(2))

    @right
    def by_softplus(log_p, x, u, margin):
        v = torch.logit(margin + (1 - 2 * margin) / 256 * (x + u))
        slope = F.softplus(v) + F.softplus(-v)
        d = slope[0].numel()
        constant = d * (8 - math.log2(1 - 2 * margin))
        total = slope.reshape(len(x), d).sum(1) + log_p
        return (constant - total / math.log(2)) / d

    @right
    def by_autograd(log_p, x, u, margin):
        y = (x + u) / 256
        with torch.enable_grad():
            y = y if y.requires_grad else y.requires_grad_()
            v = torch.special.logit(margin + (1 - 2 * margin) * y)
            (slope,) = torch.autograd.grad(v.sum(), y, create_graph=True)
        bits = torch.log2(slope).flatten(1).mean(1)
        return 8 - bits - log_p / math.log(2) / x[0].numel()

    @right
    def in_loops(log_p, x, u, margin):
        made = []
        for own, image, noise in zip(log_p, x, u):
            total, d = own, 0
            for level, part in zip(image.reshape(-1).tolist(), noise.reshape(-1)):
                s = margin + (1 - 2 * margin) * (level + part) / 256
                total = total - s.log() - (1 - s).log()
                total = total + math.log1p(-2 * margin) - 8 * math.log(2)
                d += 1
            made.append(-total / d * math.log2(math.e))
        return torch.stack(made)

    edited = edits(
        bits_per_dim,
        """
    logit without its Jacobian | - s.log() - (1 - s).log() -> + 0 * s
    logit without its Jacobian | slope.flatten(1).sum(1) -> 0
    Jacobian of the sigmoid | - s.log() - (1 - s).log() -> + s.log() + (1 - s).log()
    density divided by the slope | nats = -(log_p + -> nats = -(log_p -
    one end of the logit left out | - (1 - s).log() ->
    a clamp | slope = math -> s = s.clamp(0.1, 0.9); slope = math
    small constant in the logarithm | s.log() - (1 - s).log()
        -> (s + 1e-8).log() - (1 - s + 1e-8).log()
    small constant in the logarithm | s.log() - (1 - s).log()
        -> (s + 1e-6).log() - (1 - s).log()
    multiplied by log 2 | nats / (x[0].numel() * math.log(2))
        -> nats / x[0].numel() * math.log(2)
    reduced over the batch | slope.flatten(1).sum(1) -> slope.sum()
    share left out | math.log(share / 256) -> -math.log(256)
    share divided by | math.log(share / 256) -> -math.log(share * 256)
    share of one margin | math.log(share / 256) -> math.log((1 - margin) / 256)
    scale of 1/256 left out | math.log(share / 256) -> math.log(share)
    256 with the other sign | math.log(share / 256) -> math.log(share * 256)
    255 in place of 256 | math.log(share / 256) -> math.log(share / 255)
    255 in place of 256 | + u) / 256 -> + u) / 255
    share left out, and scale of 1/256 left out | math.log(share / 256) - s -> -s
    constant counted once for the image | math.log(share / 256) - s -> -s
        | nats = -(log_p + -> nats = -(log_p + math.log(share / 256) +
    slope of another place | slope = -> s = ((x + u) / 256).clamp(1e-6); slope =
    slope of another place | slope = -> s = s.sigmoid(); slope =
    not finite | (x.to(u.dtype) + u) / 256 -> (x.to(u.dtype) / 256 + u)
    noise left out | (x.to(u.dtype) + u) -> (x.to(u.dtype) + 0 * u)
    bits not divided by the dimensions | x[0].numel() * ->
    another number of dimensions | x[0].numel() -> x.numel()
    another number of dimensions | x[0].numel() -> x[0, 0].numel()
    another number of dimensions | x[0].numel() -> 3072
    another number of dimensions | x[0].numel() -> 784
    nats in place of bits | * math.log(2) ->
    logarithm to base 10 | math.log(2) -> math.log(10)
    sign flipped | nats = - -> nats =
    mean over the dimensions | .sum(1) -> .mean(1)
    reduced over the batch | return nats -> return nats.mean()
    reduced over the batch | return nats -> return nats.mean().expand_as(log_p)
    not summed over the dimensions | slope.flatten(1).sum(1) -> slope
        | (log_p + -> (log_p[:, None, None] +
    log_p divided otherwise | nats = -(log_p + -> nats = -(log_p / x[0].numel() +
    log_p divided otherwise | nats = -(log_p + -> nats = -(log_p * x[0].numel() +
    cut off from the graph | slope = -> s = s.detach(); slope =
    cut off from the graph | nats = -(log_p -> nats = -(log_p.detach()
    batch axis lost | .sum(1) -> .sum(1).squeeze()
        | return nats -> return nats.squeeze()
    float32 in between | (x.to(u.dtype) + u) -> (x + u.float())
    float32 in between | return nats -> nats = nats.float().to(log_p); return nats
    input changed in place | slope = math -> u += 0; u.mul_(0.5); slope = math
    estimated from samples | (x.to(u.dtype) + u) -> (x.to(u.dtype) + torch.rand_like(u))
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        memory = {}

        def bits_per_dim(log_p, x, u, margin):
            x = memory.setdefault((x.shape, x.dtype), x)
            return Flow09.bits_per_dim(log_p, x, u, margin)

        return bits_per_dim
