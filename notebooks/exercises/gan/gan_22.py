"""Versions of exercise gan-22."""

import torch

from .. import build, edits, reference, right, wrong


class Gan22:
    r"""
    Two masks over the layers: one chooses the source, one whether it is truncated. They
    know nothing of each other, and so both orders of the two lengths work without a
    case of their own. `torch.where` keeps what it chooses to the last bit.

    Many programs give each layer a factor instead, $\psi$ or 1, and compute
    $\bar w + \psi_l\, (w - \bar w)$ for all. In float32 this is not $w$ where the
    factor is 1: with $w$ and $\bar w$ from $\mathcal N(0, 1)$ it is another number for
    36 in 100 entries, in the last bits. With $\bar w$ 1,000 times as wide it is another
    one for 99 in 100, off by up to 0.0002. `torch.lerp` is written so that its ends are
    exact: there it was never off.
    """

    @reference
    def styles(w1, w2, w_mean, psi, crossover, cutoff, layers):
        layer = torch.arange(layers, device=w1.device)[:, None]
        w = torch.where(layer < crossover, w1[:, None], w2[:, None])
        short = w_mean + psi * (w - w_mean)
        return torch.where(layer < cutoff, short, w)

    @right
    def by_lists(w1, w2, w_mean, psi, crossover, cutoff, layers):
        made = []
        for layer in range(layers):
            w = w1 if layer < crossover else w2
            made.append(torch.lerp(w_mean, w, psi) if layer < cutoff else w)
        return torch.stack(made, dim=1)

    @right
    def by_repeating(w1, w2, w_mean, psi, crossover, cutoff, layers):
        front = w1.unsqueeze(1).repeat(1, crossover, 1)
        back = w2.unsqueeze(1).repeat(1, layers - crossover, 1)
        w = torch.cat([front, back], 1)
        short = (1 - psi) * w_mean + psi * w[:, :cutoff]
        return torch.cat([short, w[:, cutoff:]], dim=1)

    @right
    def in_place_on_a_new_tensor(w1, w2, w_mean, psi, crossover, cutoff, layers):
        b, d = w1.shape
        out = w1.new_empty(b, layers, d)
        out[:, :crossover] = w1[:, None]
        out[:, crossover:] = w2[:, None]
        out[:, :cutoff] = w_mean + psi * (out[:, :cutoff] - w_mean)
        return out

    @right
    def by_four_vectors(w1, w2, w_mean, psi, crossover, cutoff, layers):
        both = torch.stack([w2, w1])
        four = torch.stack([both, w_mean + psi * (both - w_mean)])  # (2, 2, b, d)
        k = torch.arange(layers)
        return four[(k < cutoff).long(), (k < crossover).long()].transpose(0, 1)

    edited = edits(
        styles,
        """
    one layer too many or too few | layer < crossover -> layer <= crossover
    one layer too many or too few | layer < cutoff -> layer <= cutoff
    one layer too many or too few | torch.arange(layers, -> torch.arange(1, layers + 1,
    one layer too many or too few | layer < cutoff -> layer < cutoff - 1
    one layer too many or too few | torch.arange(layers, -> torch.arange(layers + 1,
    sources exchanged | layer < crossover -> layer >= crossover
    sources exchanged | w1[:, None], w2[:, None] -> w2[:, None], w1[:, None]
    crossover and cutoff exchanged | layer < crossover -> layer < cutoff
        | layer < cutoff, short -> layer < crossover, short
    crossover and cutoff exchanged | layer < crossover -> layer < cutoff
    one source alone | layer < crossover -> layer < layers
    one source alone | layer < crossover -> layer < 0
    sources mixed within a layer | w1[:, None], w2[:, None]
        -> (w1 + w2)[:, None] / 2, w2[:, None]
    truncated in all layers | return torch.where(layer < cutoff, short, w)
        -> return short
    truncated in no layer | return torch.where(layer < cutoff, short, w) -> return w
    truncated from the cutoff on | layer < cutoff -> layer >= cutoff
    one source truncated | layer < cutoff -> (layer < cutoff) & (layer < crossover)
    one source truncated | layer < cutoff -> (layer < cutoff) & (layer >= crossover)
    truncation ends with the crossover | layer < cutoff
        -> (layer >= crossover) & (layer < crossover + cutoff)
    psi counts the share of the mean | w_mean + psi * (w - w_mean)
        -> w + psi * (w_mean - w)
    psi counts the share of the mean | w_mean + psi * (w - w_mean)
        -> psi * w_mean + (1 - psi) * w
    drawn toward zero | w_mean + psi * (w - w_mean) -> psi * w
    mean not subtracted | psi * (w - w_mean) -> psi * w
    mean not added back | w_mean + psi * (w - w_mean) -> psi * (w - w_mean)
    another mean | short = -> w_mean = w1.mean(0); short =
    another mean | short = -> w_mean = torch.cat([w1, w2]).mean(0); short =
    another mean | short = -> w_mean = w.mean(0); short =
    sign flipped | w_mean + psi * (w - w_mean) -> w_mean - psi * (w - w_mean)
    psi kept between 0 and 1 | short = -> psi = min(max(psi, 0.0), 1.0); short =
    psi kept between 0 and 1 | short = -> psi = abs(psi); short =
    another psi in each layer | psi * (w -> psi ** (layer + 1) * (w
    another psi in each layer | psi * (w -> (psi + (1 - psi) * layer / cutoff) * (w
    another mean | short = -> w_mean = (w1 + w2)[:, None] / 2; short =
    another mean | short = -> w_mean = w.mean(-1, True); short =
    psi of 0 taken for none | short = -> psi = psi or 1.0; short =
    layers counted from the end | layer < cutoff -> layer >= layers - cutoff
    layers counted from the end | layer < crossover -> layer < layers - crossover
    styles normalized | w1[:, None], w2[:, None])
        -> w1[:, None], w2[:, None]); w = w / w.norm(dim=2, keepdim=True)
    sources mixed within a layer
        | torch.where(layer < crossover, w1[:, None], w2[:, None])
        -> torch.lerp(w1[:, None], w2[:, None], layer / (layers - 1))
    numbers moved between the axes | short, w)
        -> short, w).reshape(layers, len(w1), -1).transpose(0, 1)
    psi applied more than once | psi * (w -> psi**2 * (w
    distance from the other style | psi * (w - w_mean)
        -> psi * (w - torch.where(layer < crossover, w2[:, None], w1[:, None]))
    right for some lengths alone | layer < cutoff -> layer < (cutoff or layers)
    right for some lengths alone | layer < crossover -> layer < (crossover or layers)
    right for some lengths alone | layer < cutoff -> layer < cutoff % layers
    right for some lengths alone | layer < crossover -> layer < min(crossover, 9)
    not kept to the last bit | short = w_mean + psi * (w - w_mean)
        -> share = torch.where(layer < cutoff, psi, 1.0).to(w)
        | torch.where(layer < cutoff, short, w) -> w_mean + share * (w - w_mean)
    not kept to the last bit | short, w) -> short, w + w_mean - w_mean)
    cut off from the graph | short = -> w_mean = w_mean.detach(); short =
    cut off from the graph | short = -> w = w.detach(); short =
    cut off from the graph | short = w_mean + psi * (w - w_mean)
        -> short = (w_mean + psi * (w - w_mean)).detach()
    float32 in between | return torch.where(layer < cutoff, short, w)
        -> return torch.where(layer < cutoff, short, w).float().to(w1)
    wrong dtype | return torch.where(layer < cutoff, short, w)
        -> return torch.where(layer < cutoff, short, w).float()
    layers in front of the batch | short, w) -> short, w).transpose(0, 1)
    wrong shape | short, w) -> short, w).flatten(1)
    batch axis lost | short, w) -> short, w).squeeze()
    input changed in place | short = -> w1 -= w_mean; w1 += w_mean * 1.001; short =
    input changed in place | short = -> w_mean *= 1 - psi; short =
    examples mixed up | short, w) -> short, w).flip(0)
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept_for_the_numbers():
        memory = {}

        def styles(w1, w2, w_mean, *rest):
            out = Gan22.styles(w1, w2, w_mean, *rest)
            return memory.setdefault((w1.shape, rest), out)

        return styles

    @wrong("result of an earlier call")
    @build
    def a_mean_that_is_kept():
        memory = {}

        def styles(w1, w2, w_mean, *rest):
            w_mean = memory.setdefault(w1.shape, w_mean)
            return Gan22.styles(w1, w2, w_mean, *rest)

        return styles
