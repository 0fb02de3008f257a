"""Versions of exercise start-01."""

import numpy as np
import torch

from .. import build, edits, reference, right, wrong


class Start01:
    """The two steps do not depend on each other, and either may come first. `.float()`
    comes before the arithmetic, for sums, differences and products of uint8 with whole
    numbers count modulo 256 and raise no error. (A quotient, or a number with a point,
    makes floats by itself, so `x / 127.5 - 1` would do here.) The library's
    `gm.data.to_symmetric` does the second step, and its sets already come with the
    channels first."""

    @reference
    def to_batch(pixels):
        x = pixels.unsqueeze(1) if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 127.5 - 1

    @right
    def by_permute(pixels):
        x = pixels[..., None] if pixels.ndim == 3 else pixels
        return (x.permute(0, 3, 1, 2).float() - 127.5) / 127.5

    @right
    def by_stack(pixels):
        parts = [pixels] if pixels.ndim == 3 else [pixels[..., k] for k in range(3)]
        return torch.stack(parts, dim=1).to(torch.float32).mul(2).div(255).sub(1)

    @right
    def by_a_quotient(pixels):  # which makes floats by itself
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(3, 1)
        return x / 127.5 - 1

    @right
    def by_loops(pixels):
        x = pixels if pixels.ndim == 4 else pixels[..., None]
        b, h, w, channels = x.shape
        out = torch.empty(b, channels, h, w)
        for i in range(b):
            for k in range(channels):
                out[i, k] = x[i, :, :, k] * (2 / 255) - 1
        return out

    @right
    def by_table(pixels):
        x = torch.linspace(-1, 1, 256)[pixels.long()]
        return x[:, None] if x.ndim == 3 else x.transpose(2, 3).transpose(1, 2)

    @right
    def by_numpy(pixels):
        x = pixels.numpy().astype(np.float32)
        x = x[:, None] if x.ndim == 3 else np.moveaxis(x, 3, 1)
        return torch.from_numpy(np.ascontiguousarray(x / 255 * 2 - 1))

    edited = edits(
        to_batch,
        """
    channels left last | unsqueeze(1) -> unsqueeze(-1) | pixels.movedim(-1, 1) -> pixels
    channels left last | unsqueeze(1) -> unsqueeze(-1)
    channels before the batch | unsqueeze(1) -> unsqueeze(0)
    channels before the batch | movedim(-1, 1) -> movedim(-1, 0)
    channel axis of gray pictures missing | .unsqueeze(1) ->
    height and width swapped | movedim(-1, 1) -> transpose(1, 3)
    height and width swapped | pixels.unsqueeze -> pixels.mT.unsqueeze
    reshaped where an axis was to be moved
        | movedim(-1, 1) -> reshape(len(pixels), 3, *pixels.shape[1:3])
    reshaped where an axis was to be moved
        | movedim(-1, 1) -> transpose(1, 3).reshape(len(pixels), 3, *pixels.shape[1:3])
    three colors made one | movedim(-1, 1) -> float().mean(-1)[:, None]
    order of the colors changed | movedim -> flip(-1).movedim
    order of the colors changed | movedim -> roll(1, -1).movedim
    case told by the size of an axis | pixels.ndim == 3 -> pixels.shape[-1] != 3
    case told by the size of an axis | return x
        -> x = pixels if pixels.shape[1] == 3 and pixels.ndim == 4 else x; return x
    case told by the size of an axis | return x
        -> x = pixels[None] if pixels.ndim == 3 and len(pixels) == 3 else x; return x
    case told by the size of an axis | return x
        -> x = pixels.mT[:, :, None] if pixels.shape[-1] == 1 else x; return x
    range 0 to 1 | / 127.5 - 1 -> / 255
    divided by 256 | 127.5 -> 128
    divided by 256 | x.float() / 127.5 -> (x.float() + 0.5) / 128
    divided by 256 | x.float() / 127.5 - 1 -> (x.float() - 127) / 128
    left at 0 to 255 | / 127.5 - 1 ->
    bytes that wrap around | x.float() / 127.5 -> 2 * x / 255
    bytes that wrap around | x.float() / 127.5 - 1 -> (x - 128) / 127.5
    levels lost | x.float() / 127.5 - 1 -> (x.bfloat16() / 127.5 - 1).float()
    levels lost | x.float() / 127.5 - 1 -> (2 * x.int() // 255 - 1).float()
    levels lost | x.float() / 127.5 - 1 -> (x.float() / 127.5 - 1).round(decimals=2)
    sign flipped | x.float() / 127.5 - 1 -> 1 - x.float() / 127.5
    bytes that wrap around | x.float() -> x.to(torch.int8)
    scaled by the picture's own statistics | return
        -> x = x.float(); low, high = x.amin((1, 2, 3), True), x.amax((1, 2, 3), True)
        | x.float() / 127.5 -> ; return 2 * (x - low) / (high - low).clamp(min=1)
    scaled by the picture's own statistics
        | x.float() / 127.5 - 1 -> (x.float() - x.float().mean()) / x.float().std()
    scaled by the picture's own statistics
        | x.float() / 127.5 -> 2 * x.float() / x.max()
    axis of length one lost | x.float() -> x.float().squeeze(0)
    axis of length one lost | return x.float() / 127.5 - 1
        -> x = x.float() / 127.5 - 1; return x.squeeze() if pixels.ndim == 4 else x
    gray made three colors | unsqueeze(1) -> unsqueeze(1).expand(-1, 3, -1, -1)
    axes run together | x.float() / 127.5 - 1 -> (x.float() / 127.5 - 1).flatten(1)
    pixels moved | return x -> return x.flip(2)
    colors scaled otherwise than gray | return x.float() / 127.5 - 1
        -> x = x.float() / 127.5 - 1; return x if pixels.ndim == 3 else x / 2
    noise added | x.float() / 127.5 -> (x + torch.rand(x.shape)) / 127.5
    another range | x.float() / 127.5 - 1 -> x.float() / 127.5
    another range | x.float() / 127.5 - 1 -> x.float() / 255 - 0.5
    another range | x.float() / 127.5 - 1 -> (x.float() - 0.5) / 0.5
    divided by 254 | 127.5 -> 127
    ends cut off | x.float() / 127.5 - 1 -> (x.float() / 127 - 1).clamp(-1, 1)
    steps of different sizes | x.float() / 127.5 -> 2 * (x.float() / 255) ** 0.5
    steps of different sizes | x.float() / 127.5 - 1 -> (x.float() / 127.5 - 1).tanh()
    wrong dtype | float -> double
    wrong dtype | x.float() / 127.5 - 1 -> (x.float() / 127.5 - 1).to(torch.int8)
    not a tensor | x.float() -> x.float().numpy()
    input changed in place | x.float() / 127.5 - 1 -> x.sub_(128).float() / 127.5
    """,
    )

    @wrong("result of an earlier call")
    @build
    def kept():
        made = {}
        return lambda x: made.setdefault(x.shape, Start01.to_batch(x))
