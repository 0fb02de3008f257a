"""Versions of exercise diff-26."""

import torch
from torch import nn
from torch.nn import functional as F

from .. import build, edits, reference, right, wrong


class Diff26:
    r"""
    Where the last layer of `modulate` begins with weights and biases of 0, all gates
    are 0 at first, and so is what each block adds: the whole transformer is the
    identity, however deep it is. This is adaLN-Zero.

    Nothing learns but the gates at the first step: the gradients of `attend` and `mlp`
    are multiplied by gates that are 0, and those of scale and shift as well. The
    gradient of a gate is what its branch would have added. From the second step on all
    of them learn.

    The 1 in 1 + scale is needed for the same reason: without it the functions would see
    0, whatever the tokens are, and the gates would learn from that.
    """

    @reference
    def block(h, told, modulate, attend, mlp):
        d = h.shape[-1]
        parts = modulate(told).unsqueeze(1).chunk(6, dim=-1)  # (b, 1, d) each
        for f, (gate, scale, shift) in ((attend, parts[:3]), (mlp, parts[3:])):
            x = F.layer_norm(h, (d,), eps=1e-6)
            h = h + gate * f(x * (1 + scale) + shift)
        return h

    @right
    def written_out(h, told, modulate, attend, mlp):
        def normalized(x):
            off = x - x.mean(2, keepdim=True)
            return off * torch.rsqrt(off.pow(2).mean(2, keepdim=True) + 1e-6)

        b, _, d = h.shape
        six = modulate(told).view(b, 6, d)
        gate, scale, shift = (six[:, i : i + 1] for i in range(3))
        x = normalized(h)
        h = h + gate * attend(x + x * scale + shift)
        gate, scale, shift = (six[:, i : i + 1] for i in range(3, 6))
        x = normalized(h)
        return gate * mlp(x + x * scale + shift) + h

    @right
    def by_a_module(h, told, modulate, attend, mlp):
        norm = nn.LayerNorm(h.shape[2], eps=1e-6, elementwise_affine=False)
        a, s1, t1, c, s2, t2 = (p[:, None, :] for p in modulate(told).chunk(6, 1))
        h = torch.addcmul(h, a, attend(torch.addcmul(t1, norm(h), 1 + s1)))
        return torch.addcmul(h, c, mlp(torch.addcmul(t2, norm(h), 1 + s2)))

    @right
    def example_by_example(h, told, modulate, attend, mlp):
        said = modulate(told)
        d = h.shape[2]

        def one(row, i):
            return row[i * d : (i + 1) * d]

        def branch(h, f, first):
            rows = []
            for tokens, row in zip(h, said):
                var, mean = torch.var_mean(tokens, 1, correction=0, keepdim=True)
                x = (tokens - mean) / (var + 1e-6).sqrt()
                rows.append(x * (1 + one(row, first + 1)) + one(row, first + 2))
            new = f(torch.stack(rows))
            return h + torch.einsum(
                "bd,bnd->bnd", said[:, first * d : first * d + d], new
            )

        return branch(branch(h, attend, 0), mlp, 3)

    edited = edits(
        block,
        """
    six parts in another order | (gate, scale, shift) in -> (shift, scale, gate) in
    six parts in another order | (gate, scale, shift) in -> (gate, shift, scale) in
    six parts in another order | (gate, scale, shift) in -> (scale, shift, gate) in
    six parts in another order | (attend, parts[:3]), (mlp, parts[3:])
        -> (attend, parts[3:]), (mlp, parts[:3])
    six parts in another order | (attend, parts[:3]), (mlp, parts[3:])
        -> (attend, parts[::2]), (mlp, parts[1::2])
    branches exchanged | (attend, parts[:3]), (mlp, parts[3:])
        -> (mlp, parts[3:]), (attend, parts[:3])
    values of the six parts mixed | modulate(told).unsqueeze(1).chunk(6, dim=-1)
        -> modulate(told).view(len(h), 1, d, 6).unbind(3)
    parts along the axis of tokens | unsqueeze(1).chunk(6 -> chunk(6
    parts along the axis of tokens | unsqueeze(1).chunk(6 -> unsqueeze(0).chunk(6
    told changed on the way | modulate(told) -> modulate(F.silu(told))
    function not called once | modulate(told).unsqueeze(1)
        -> torch.stack([modulate(row[None])[0] for row in told]).unsqueeze(1)
    function not called once | f(x * (1 + scale) + shift)
        -> torch.stack([f(row[None])[0] for row in x * (1 + scale) + shift])
    normalized over another axis | F.layer_norm(h, (d,), eps=1e-6)
        -> F.layer_norm(h, h.shape[1:], eps=1e-6)
    normalized over another axis | F.layer_norm(h, (d,), eps=1e-6)
        -> F.layer_norm(h.mT, h.shape[1:2], eps=1e-6).mT
    norm left out | F.layer_norm(h, (d,), eps=1e-6) -> h
    norm left out | F.layer_norm(h, (d,), eps=1e-6)
        -> F.layer_norm(h, (d,), eps=1e-6) if f is attend else h
    mean not subtracted | F.layer_norm(h, (d,), eps=1e-6)
        -> h / (h.square().mean(2, keepdim=True) + 1e-6).sqrt()
    variance of a sample | F.layer_norm(h, (d,), eps=1e-6)
        -> (h - h.mean(2, True)) / (h.var(2, keepdim=True) + 1e-6).sqrt()
    another number under the root | , eps=1e-6) -> )
    another number under the root | F.layer_norm(h, (d,), eps=1e-6)
        -> (h - h.mean(2, True)) / (h.std(2, keepdim=True, correction=0) + 1e-6)
    another number under the root | F.layer_norm(h, (d,), eps=1e-6)
        -> (h - h.mean(2, True)) / h.var(2, keepdim=True, correction=0).sqrt()
    difference of large numbers | F.layer_norm(h, (d,), eps=1e-6)
        -> (h - h.mean(2, True)) / (h.pow(2).mean(2, True) - h.mean(2, True).pow(2)
        + 1e-6).sqrt()
    scale without the 1 | (1 + scale) -> scale
    scale left out | x * (1 + scale) -> x
    shift left out | (1 + scale) + shift -> (1 + scale)
    shift before the factor | x * (1 + scale) + shift -> (x + shift) * (1 + scale)
    gate left out | h + gate * f( -> h + f(
    gate plus one | h + gate * f( -> h + (1 + gate) * f(
    gate at another place | h + gate * f(x * (1 + scale) + shift)
        -> gate * (h + f(x * (1 + scale) + shift))
    tokens not added | h + gate * f( -> gate * f(
    normalized tokens added to | h + gate * f( -> x + gate * f(
    normalized tokens added to | h = h + gate * f(x * (1 + scale) + shift)
        -> x = x * (1 + scale) + shift; h = x + gate * f(x)
    sign flipped | h + gate * f( -> h - gate * f(
    cut off from the graph | modulate(told) -> modulate(told.detach())
    cut off from the graph | F.layer_norm(h, -> F.layer_norm(h.detach(),
    wrong dtype | return h -> return h.double()
    wrong shape | return h -> return h.flatten(1)
    batch axis lost | return h -> return h.squeeze()
    input changed in place | h = h + gate * f(x * (1 + scale) + shift)
        -> h += gate * f(x * (1 + scale) + shift)
    """,
    )

    @wrong("both branches from the same tokens")
    def side_by_side(h, told, modulate, attend, mlp):
        g, s, m, g2, s2, m2 = modulate(told).unsqueeze(1).chunk(6, dim=-1)
        x = F.layer_norm(h, h.shape[-1:], eps=1e-6)
        return h + g * attend(x * (1 + s) + m) + g2 * mlp(x * (1 + s2) + m2)

    @wrong("nothing under the root")
    def a_root_of_nothing(h, told, modulate, attend, mlp):
        """Right in value, where the slope of the root is infinite."""
        parts = modulate(told).unsqueeze(1).chunk(6, dim=-1)
        for f, (gate, scale, shift) in ((attend, parts[:3]), (mlp, parts[3:])):
            var = h.var(2, keepdim=True, correction=0)
            size = torch.hypot(var.sqrt(), torch.full_like(var, 1e-3))
            x = (h - h.mean(2, keepdim=True)) / size
            h = h + gate * f(x * (1 + scale) + shift)
        return h

    @wrong("result of an earlier call")
    @build
    def kept_by_shape():
        kept = {}

        def block(h, told, modulate, attend, mlp):
            out = Diff26.block(h, told, modulate, attend, mlp)
            return kept.setdefault((h.shape, h.dtype), out)

        return block
