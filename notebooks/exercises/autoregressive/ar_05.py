"""Versions of exercise ar-05."""

import torch

from .. import cases, edits, reference, right, wrong


class Ar05:
    r"""
    Followed back through the layers, from an output to the image, the place in the
    order of values never goes up, and goes down by at least one in the first layer,
    where kind A does not see the value itself. So a last layer's channel for green
    depends on the red value of its pixel and on all pixels before, as far as the layers
    reach and except for the blind spot to the right.

    With an A in each layer this would hold as well, but less would be seen: red at the
    center depends on nothing of its own pixel, so a second layer of kind A would drop
    the features that the first one found for the very same value.

    The share of weights in use depends on the kernel's side alone, not on the number of
    channels: (12 + 2/3) / 25 for a kernel of 5 and kind B, since 6 of 9 pairs of groups
    are allowed at the center; and (12 + 1/3) / 25 for kind A, 3 of 9.
    """

    @reference
    def mask(kind, out_channels, in_channels, kernel):
        full = torch.zeros(out_channels, in_channels, kernel, kernel)
        middle = kernel // 2
        full[:, :, :middle] = 1
        full[:, :, middle, :middle] = 1
        groups = torch.arange(3)
        of_out = groups.repeat_interleave(out_channels // 3)[:, None]
        of_in = groups.repeat_interleave(in_channels // 3)
        seen = of_in < of_out if kind == "A" else of_in <= of_out
        full[:, :, middle, middle] = seen.float()
        return full

    @right
    def by_loops(kind, out_channels, in_channels, kernel):
        a, b, c = out_channels // 3, in_channels // 3, kernel // 2
        full = torch.zeros(out_channels, in_channels, kernel, kernel)
        for o in range(out_channels):
            for i in range(in_channels):
                order = torch.arange(kernel * kernel)
                row = (order < c * kernel + c).float()
                later = i // b > o // a or (kind == "A" and i // b == o // a)
                row[c * kernel + c] = 0.0 if later else 1.0
                full[o, i] = row.view(kernel, kernel)
        return full

    @right
    def by_a_kronecker_product(kind, out_channels, in_channels, kernel):
        center = torch.ones(3, 3).tril(-1 if kind == "A" else 0)
        center = torch.kron(center, torch.ones(out_channels // 3, in_channels // 3))
        middle = kernel * kernel // 2
        parts = [torch.ones_like(center)] * middle + [center]
        parts += [torch.zeros_like(center)] * middle
        return torch.stack(parts, -1).unflatten(-1, (kernel, kernel))

    @right
    def by_numpy(kind, out_channels, in_channels, kernel):
        import numpy as np

        order = np.arange(kernel**2).reshape(kernel, kernel) - kernel**2 // 2
        own = (3 * np.arange(out_channels) // out_channels).reshape(-1, 1, 1, 1)
        other = (3 * np.arange(in_channels) // in_channels).reshape(1, -1, 1, 1)
        time = 3 * order + other - own
        return torch.from_numpy((time <= -(kind == "A")).astype("float32"))

    @right
    def by_slices(kind, out_channels, in_channels, kernel):
        m = torch.zeros((out_channels, in_channels, kernel, kernel))
        m.flatten(2)[:, :, : kernel**2 // 2] = 1.0
        for g in range(3):
            rows = slice(g * out_channels // 3, (g + 1) * out_channels // 3)
            end = (g + (kind == "B")) * in_channels // 3
            m[rows, :end, kernel // 2, kernel // 2] = 1.0
        return m

    edited = edits(
        mask,
        """
    A and B exchanged | kind == "A" -> kind == "B"
    one kind for both | of_in < of_out if kind == "A" else of_in <= of_out
        -> of_in < of_out
    one kind for both | of_in < of_out if kind == "A" else of_in <= of_out
        -> of_in <= of_out
    one kind for both | kind == "A" -> kind == "a"
    groups in the opposite order | of_in < of_out -> of_in > of_out
        | of_in <= of_out -> of_in >= of_out
    colors left out at the center
        | seen.float() -> float(kind == "B")
    the group alone | of_in <= of_out -> of_in == of_out
        | of_in < of_out -> of_in != of_in
    the row below seen | full[:, :, :middle] = 1 -> full[:, :, : middle + 2] = 1
        | full[:, :, middle, :middle] = 1 -> full[:, :, middle, middle:] = 0
    the row below seen | full[:, :, :middle] = 1 -> full[:, :, middle + 1 :] = 1
        | full[:, :, middle, :middle] = 1 -> full[:, :, middle, middle + 1 :] = 1
    pixels to the right seen | full[:, :, middle, :middle] = 1
        -> full[:, :, middle] = 1
    pixels to the right seen | full[:, :, middle, :middle] = 1
        -> full[:, :, middle, middle + 1 :] = 1
    the rows above not seen to the right | full[:, :, :middle] = 1
        -> full[:, :, :middle, : middle + 1] = 1
    the rows above not seen to the right | full[:, :, :middle] = 1
        -> full[:, :, :middle, :middle] = 1
    pixels to the right seen | full[:, :, middle, :middle] = 1
        -> full[:, :, middle, : middle + 2] = 1
    the group alone | of_in <= of_out -> of_in == of_out
    the channel in place of its group | return full
        -> n = torch.arange(out_channels)[:, None] * in_channels;
           m = torch.arange(in_channels) * out_channels;
           full[:, :, middle, middle] *= m <= n if kind == "B" else 1; return full
    groups of three channels | groups.repeat_interleave(out_channels // 3)
        -> torch.arange(out_channels).div(3, rounding_mode="floor")
        | groups.repeat_interleave(in_channels // 3)
        -> torch.arange(in_channels).div(3, rounding_mode="floor")
    center at a fixed place | middle = kernel // 2
        -> middle = 3 if kernel >= 7 else min(kernel - 1, 1)
    kernel of one pixel not masked | return full
        -> return full if kernel > 1 else torch.ones_like(full)
    pixels to the left not seen | full[:, :, middle, :middle] = 1
        -> pass
    rows and columns exchanged | return full -> return full.mT
    center in the wrong place | middle = kernel // 2
        -> middle = max(kernel // 2 - 1, 0)
    center in the wrong place | middle = kernel // 2
        -> middle = min(kernel // 2 + 1, kernel - 1)
    the past left out | full[:, :, :middle] = 1 -> pass
    the past left out | full[:, :, :middle] = 1 -> pass
        | full[:, :, middle, :middle] = 1 -> pass
    in and out exchanged | return full -> return full.transpose(0, 1)
    wrong dtype | return full -> return full.bool()
    wrong dtype | return full -> return full.double()
    channels interleaved | groups.repeat_interleave(out_channels // 3)
        -> groups.repeat(out_channels // 3)
        | groups.repeat_interleave(in_channels // 3)
        -> groups.repeat(in_channels // 3)
    the channel in place of its group
        | groups.repeat_interleave(out_channels // 3) -> torch.arange(out_channels)
        | groups.repeat_interleave(in_channels // 3) -> torch.arange(in_channels)
    groups of one size for in and out
        | of_in = groups.repeat_interleave(in_channels // 3)
        -> of_in = torch.arange(in_channels) * 3 // out_channels
        | of_out = groups.repeat_interleave(out_channels // 3)
        -> of_out = (torch.arange(out_channels) * 3 // in_channels)
    colors held apart everywhere | return full
        -> return full.amax((2, 3), keepdim=True) * 0 + full * seen[:, :, None, None]
    groups of one size for in and out
        | of_in = groups.repeat_interleave(in_channels // 3)
        -> of_in = (torch.arange(in_channels) * 3 // out_channels).clamp(max=2)
    the channel in place of its group
        | of_in = groups.repeat_interleave(in_channels // 3)
        -> of_in = torch.arange(in_channels)
    the channel in place of its group
        | of_in = groups.repeat_interleave(in_channels // 3)
        -> of_in = torch.arange(in_channels).clamp(max=2)
    channels interleaved | of_in = groups.repeat_interleave(in_channels // 3)
        -> of_in = groups.repeat(in_channels // 3)
    border of the groups off by one
        | of_in = groups.repeat_interleave(in_channels // 3)
        -> of_in = torch.arange(in_channels) // (in_channels // 3 + 1)
    border of the groups off by one
        | of_in = groups.repeat_interleave(in_channels // 3)
        -> of_in = (torch.arange(in_channels) * 3 / in_channels).round()
    later colors seen at the center | else of_in <= of_out -> else of_in < 3
    later colors seen at the center | of_in < of_out if -> of_in != of_out if
        | else of_in <= of_out -> else of_in < 3
    red sees itself | of_in < of_out if -> (of_in < of_out.clamp(min=1)) if
    the group right before alone | of_in < of_out if -> of_in == of_out - 1 if
        | else of_in <= of_out -> else (of_in <= of_out) & (of_in >= of_out - 1)
    pixels further away not seen | full[:, :, :middle] = 1
        -> full[:, :, max(middle - 1, 0) : middle] = 1
    colors left out at the center | else of_in <= of_out -> else of_in < 0
    other numbers than 0 and 1 | seen.float() -> seen / seen.sum(1, True).clamp(min=1)
    used and unused exchanged | return full -> return 1 - full
    a kernel of one pixel not met | middle] = seen.float()
        -> middle] = seen.float(); full[:, :, :, middle + 1]
    not a tensor | return full -> return full.tolist()
    wrong shape | return full -> return full.flatten(2)
    """,
    )

    @wrong("one mask for all channels")
    def of_one_channel(kind, out_channels, in_channels, kernel):
        full = torch.ones(kernel * kernel)
        full[kernel * kernel // 2 + (kind == "B") :] = 0
        return full.view(kernel, kernel)

    @wrong("colors left out at the center")
    def of_one_channel_spread(kind, out_channels, in_channels, kernel):
        full = Ar05.of_one_channel(kind, out_channels, in_channels, kernel)
        return full.expand(out_channels, in_channels, -1, -1)

    def kept(key):
        """A mask is kept by a part of what it depends on."""
        memory = {}

        def mask(*args):
            return memory.setdefault(key(*args), Ar05.mask(*args))

        return mask

    old = "result of an earlier call"
    by_too_little = cases(
        kept,
        (old, {"key": lambda kind, *sizes: sizes}),
        (old, {"key": lambda kind, out, into, k: (kind, out, into)}),
        (old, {"key": lambda kind, out, into, k: (kind, k)}),
    )
