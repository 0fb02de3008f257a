"""Exercise start-01: From pixels to a batch."""

import torch

from .._exercise import Exercise


@Exercise(
    id="start-01",
    title="From pixels to a batch",
    difficulty=1,
    minutes=10,
    compute="cpu-instant",
    points=1,
    objectives=(
        "Bring images into the shape, type and range that the models of the course "
        "expect.",
    ),
    statement=r"""
A picture read from a file is usually an array of bytes with the colors last:
`(height, width, 3)`, and `(height, width)` if it is gray. The models of this course
want the colors before the rows: `(b, channels, height, width)`, in float32.

Write `to_batch(pixels)`: `pixels` is a uint8 tensor, `(b, h, w)` for gray pictures or
`(b, h, w, 3)` for color ones. Return a float32 tensor of shape `(b, 1, h, w)` or
`(b, 3, h, w)` in which level 0 has become −1, level 255 has become 1, and the levels
between lie at equal distances. The number of axes alone says which case it is, and
`pixels` stays as it was.
""",
    stub='''
def to_batch(pixels):
    """uint8 (b, h, w) or (b, h, w, 3) -> float32 (b, 1 or 3, h, w)."""
    return ...
''',
    answers={"to_batch": callable},
    hints=(
        "Two things are due that have nothing to do with each other: the order of the "
        "axes, and the values. Look at `pixels.ndim` for the first.",
        "`reshape` keeps the order of the numbers in memory and only cuts them anew; "
        "`permute` and `movedim` move an axis. And a uint8 tensor counts modulo 256: "
        "what is `2 * pixels` for a level of 200?",
        "Make floats first. Then which number must you divide by, and what must you "
        "subtract, so that 0 and 255 come out right?",
    ),
    misconceptions={
        "channels left last": "The second axis is that of the colors, so that a "
        "convolution finds them where it looks.",
        "channels before the batch": "The first axis counts the pictures, whatever "
        "their kind.",
        "channel axis of gray pictures missing": "A gray picture has one channel, and "
        "it has an axis of its own.",
        "height and width swapped": "Moving the colors must not turn the picture: the "
        "rows stay before the columns.",
        "reshaped where an axis was to be moved": "The shape is right and the picture "
        "is scrambled: reshape and view keep the order of the numbers in memory.",
        "colors averaged away": "A color picture keeps its three channels.",
        "order of the colors changed": "Red, green and blue stay in this order.",
        "case told by the size of an axis": "A gray picture may be three pixels wide: "
        "the number of axes decides.",
        "range 0 to 1": "Black is due at -1, not at 0.",
        "divided by 256": "There are 256 levels but 255 steps between them: with 256 "
        "white does not reach 1.",
        "left at 0 to 255": "Networks train badly on inputs of size 255.",
        "bytes that wrap around": "uint8 arithmetic is modulo 256: 2 · 200 is 144, and "
        "100 - 128 is 228. No error is raised.",
        "levels lost": "All 256 levels are due, equally far apart; an integer division "
        "keeps a few, and 16 bits do not hold the steps between them.",
        "scaled by the picture's own statistics": "The same level must mean the same "
        "in every picture, else a dark one and a bright one look alike.",
    },
)
def start_01(t, to_batch):
    b, h, w = t.integer(4, 5), t.integer(6, 7), t.integer(8, 9)

    def levels(*shape, low=0, high=255):
        return t.integers(*shape, low=low, high=high).to(torch.uint8)

    t.property("color pictures: three channels, before rows and columns")
    color = levels(b, h, w, 3)
    out = t.call(to_batch, color)
    ideas = {
        "channels left last": (b, h, w, 3),
        "channels before the batch": (3, b, h, w),
        "height and width swapped": (b, 3, w, h),
        "colors averaged away": [(b, 1, h, w), (b, h, w)],
    }
    t.shape(out, (b, 3, h, w), "batch, channels, height, width.", ideas=ideas)

    t.property("gray pictures: one channel")
    ideas = {
        "channel axis of gray pictures missing": (b, h, w),
        "channels left last": (b, h, w, 1),
        "channels before the batch": (1, b, h, w),
        "height and width swapped": (b, 1, w, h),
    }
    gray = t.call(to_batch, levels(b, h, w))
    t.shape(gray, (b, 1, h, w), "batch, one channel, height, width.", ideas=ideas)

    t.property("float32")
    t.dtype(out, torch.float32, "the type of the models' weights.")
    t.dtype(gray, torch.float32, "the type of the models' weights.")

    t.property("levels 0 to 255: equal steps from -1 to 1")
    ramp = torch.arange(256)
    table = t.tensor(t.call(to_batch, ramp.to(torch.uint8).view(1, 16, 16))).flatten()
    wrapped = [(2 * ramp) % 256 / 255 - 1, (ramp - 128) % 256 / 127.5]
    wrapped += [(2 * ramp - 255) % 256 / 255, (ramp - 127) % 256 / 128]
    lost = [(2 * ramp).div(255, rounding_mode="floor") - 1.0]
    lost += [ramp.to(short) / 127.5 - 1 for short in (torch.float16, torch.bfloat16)]
    ideas = {
        "range 0 to 1": torch.linspace(0, 1, 256),
        "divided by 256": [(ramp - low) / 128 for low in (127, 127.5, 128)],
        "left at 0 to 255": ramp,
        "bytes that wrap around": wrapped,
        "levels lost": lost,
        "scaled by the picture's own statistics": (ramp - 127.5) / ramp.float().std(),
    }
    t.shape(table, (256,), "one value for each pixel.")
    why = "0 is at -1, 255 is at 1, and 255 equal steps lie between."
    t.close(table, torch.linspace(-1, 1, 256), why, ideas=ideas)

    t.property("a level means the same in every picture")
    dull = levels(b, h, w, low=90, high=160)
    why = "The values that these levels had in the picture of all 256."
    own = "scaled by the picture's own statistics"
    t.close(t.call(to_batch, dull)[:, 0], table[dull.long()], why, misconception=own)

    t.property("every pixel of a color picture stays where it was")
    values = table[color.long()]
    why = "out[i, k, row, column] belongs to pixels[i, row, column, k]."
    scrambled = "reshaped where an axis was to be moved"
    for k in range(3):
        ideas = {"order of the colors changed": values[..., 2 - k]}
        t.close(out[:, k], values[..., k], why, misconception=scrambled, ideas=ideas)

    t.property("a gray picture that is three pixels wide")
    narrow = levels(b, h, 3)
    ideas = {
        "case told by the size of an axis": [(b, 3, h), (b, 3, h, 1), (b, 3, 1, h)]
    }
    out = t.call(to_batch, narrow)
    t.shape(out, (b, 1, h, 3), "three axes: gray.", ideas=ideas)

    t.property("a single picture, a single pixel")
    for shape, due in (((1, 1, 1), (1, 1, 1, 1)), ((1, 1, 1, 3), (1, 3, 1, 1))):
        out = t.call(to_batch, levels(*shape))
        t.shape(out, due, "axes of length one count.", "batch axis lost")
