"""Versions of exercise start-01."""

import numpy as np
import torch

from .. import reference, right, wrong


class Start01:
    """The two steps do not depend on each other, and either may come first. What must
    come before any arithmetic is `.float()`: uint8 counts modulo 256 and raises no
    error. The library's `gm.data.to_symmetric` does the second step, and its sets
    already come with the channels first."""

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

    @wrong("channels left last")
    def as_they_are(pixels):
        x = pixels if pixels.ndim == 4 else pixels[..., None]
        return x.float() / 127.5 - 1

    @wrong("channels left last")
    def gray_axis_at_the_end(pixels):
        x = pixels.movedim(-1, 1) if pixels.ndim == 4 else pixels[..., None]
        return x.float() / 127.5 - 1

    @wrong("channels before the batch")
    def channel_first_of_all(pixels):
        x = pixels[None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 127.5 - 1

    @wrong("channels before the batch")
    def colors_to_the_front(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 0)
        return x.float() / 127.5 - 1

    @wrong("channel axis of gray pictures missing")
    def gray_as_it_is(pixels):
        x = pixels.movedim(-1, 1) if pixels.ndim == 4 else pixels
        return x.float() / 127.5 - 1

    @wrong("height and width swapped")
    def transposed(pixels):
        x = pixels if pixels.ndim == 4 else pixels[..., None]
        return x.transpose(1, 3).float() / 127.5 - 1

    @wrong("reshaped where an axis was to be moved")
    def reshaped(pixels):
        b, h, w = pixels.shape[:3]
        return pixels.reshape(b, -1, h, w).float() / 127.5 - 1

    @wrong("colors averaged away")
    def to_gray(pixels):
        x = pixels.float() if pixels.ndim == 3 else pixels.float().mean(-1)
        return x[:, None] / 127.5 - 1

    @wrong("order of the colors changed")
    def blue_first(pixels):
        if pixels.ndim == 3:
            return pixels[:, None].float() / 127.5 - 1
        return pixels.flip(-1).movedim(-1, 1).float() / 127.5 - 1

    @wrong("case told by the size of an axis")
    def three_means_color(pixels):
        color = pixels.shape[-1] == 3
        x = pixels.movedim(-1, 1) if color else pixels[:, None]
        return x.float() / 127.5 - 1

    @wrong("range 0 to 1")
    def unit(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 255

    @wrong("divided by 256")
    def by_256(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float() / 128 - 1

    @wrong("divided by 256")
    def middles_of_256(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.float() + 0.5) / 128 - 1

    @wrong("divided by 256")
    def less_127(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.float() - 127) / 128

    @wrong("levels lost")
    def in_16_bits(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.bfloat16() / 127.5 - 1).float()

    @wrong("left at 0 to 255")
    def only_float(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float()

    @wrong("bytes that wrap around")
    def doubled_bytes(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return 2 * x / 255 - 1

    @wrong("bytes that wrap around")
    def shifted_bytes(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x - 128) / 127.5

    @wrong("levels lost")
    def integer_division(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (2 * x.int() // 255 - 1).float()

    @wrong("scaled by the picture's own statistics")
    def stretched(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        x = x.float()
        low, high = x.amin((1, 2, 3), True), x.amax((1, 2, 3), True)
        return 2 * (x - low) / (high - low).clamp(min=1) - 1

    @wrong("scaled by the picture's own statistics")
    def standardized(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        x = x.float()
        return (x - x.mean()) / x.std()

    @wrong("batch axis lost")
    def squeezed(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float().squeeze(0) / 127.5 - 1

    @wrong("wrong dtype")
    def double(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.double() / 127.5 - 1

    @wrong("wrong dtype")
    def rounded_back(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return (x.float() / 127.5 - 1).to(torch.int8)

    @wrong("not a tensor")
    def array(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.float().numpy() / 127.5 - 1

    @wrong("input changed in place")
    def in_place(pixels):
        x = pixels[:, None] if pixels.ndim == 3 else pixels.movedim(-1, 1)
        return x.sub_(128).float() / 127.5
