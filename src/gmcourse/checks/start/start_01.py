"""Exercise start-01: From pixels to a batch."""

from itertools import permutations

import torch

from .._comparisons import far
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
        "channels before the batch": "The first axis counts the pictures.",
        "channel axis of gray pictures missing": "A gray picture has one channel, and "
        "it has an axis of its own.",
        "height and width swapped": "Moving the colors must not turn the picture.",
        "reshaped where an axis was to be moved": "The shape is right and the picture "
        "is scrambled: reshape and view keep the order of the numbers in memory.",
        "three colors made one": "A color picture keeps its three channels.",
        "gray made three colors": "A gray picture has one channel.",
        "axes run together": "Channels, rows and columns keep an axis each.",
        "axis of length one lost": "squeeze() takes away every axis of length one.",
        "pixels moved": "The values are right and lie elsewhere: rows and columns stay "
        "where they are.",
        "colors scaled otherwise than gray": "A level of a color picture becomes what "
        "it becomes in a gray one: the same line for every channel.",
        "noise added": "The same picture gave two results: levels stay as they are.",
        "another range": "The steps are equal, but the ends are not -1 and 1: by what "
        "must be divided, and what subtracted, so that 0 and 255 come out right?",
        "ends cut off": "A clamp makes the outermost levels equal: a line through "
        "(0, -1) and (255, 1) needs none.",
        "steps of different sizes": "A curve (a gamma, a root, tanh) is no line: from "
        "each level to the next the step is 2/255.",
        "order of the colors changed": "Red, green and blue stay in this order.",
        "case told by the size of an axis": "A gray picture may be three pixels wide, "
        "a color one three rows high: the number of axes decides.",
        "range 0 to 1": "Black is due at -1, not at 0.",
        "divided by 256": "There are 256 levels but 255 steps between them: 2/256 a "
        "step is too little.",
        "divided by 254": "There are 255 steps between 256 levels: 2/254 a step is too "
        "much.",
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

    color = levels(b, h, w, 3, low=90, high=160)  # no picture has all levels
    gray = levels(b, h, w, low=90, high=160)
    gray_ideas = {
        "channel axis of gray pictures missing": (b, h, w),
        "gray made three colors": [(b, 3, h, w), (b, h, w, 3)],
    }
    made = {}
    for name, c, x, own in (
        ("color", 3, color, {"three colors made one": [(b, 1, h, w), (b, h, w)]}),
        ("gray", 1, gray, gray_ideas),
    ):
        t.property(f"{name} pictures: batch, channels, height, width; float32")
        ideas = {
            "channels left last": (b, h, w, c),
            "channels before the batch": (c, b, h, w),
            "height and width swapped": (b, c, w, h),
            "axes run together": [(b, c * h * w), (b, c, h * w), (b * c, h, w)],
        }
        made[name] = t.call(to_batch, x)
        t.shape(made[name], (b, c, h, w), "in this order.", ideas=own | ideas)
        t.dtype(made[name], torch.float32, "the type of the models' weights.")

    t.property("levels 0 to 255: equal steps from -1 to 1")
    ramp = torch.arange(256)
    picture = ramp.to(torch.uint8).view(1, 16, 16)
    out = t.tensor(t.call(to_batch, picture))
    few = {"axis of length one lost": [(1, 16, 16), (16, 16)]}
    t.shape(out, (1, 1, 16, 16), "axes of length one count.", ideas=few)
    table, why = (
        out.flatten(),
        "0 is at -1, 255 is at 1, and 255 equal steps lie between.",
    )
    due = torch.linspace(-1, 1, 256)
    again = t.tensor(t.call(to_batch, picture)).flatten()
    told = "Nothing random is needed.", "noise added"
    t.close(again, table.detach(), *told, tol=1e-6)
    if (table.sort().values - due).abs().max() < 1e-4 and (
        table + due
    ).abs().max() > 1e-4:
        t.close(out, due.view(1, 1, 16, 16), why, "pixels moved")
    ideas = {
        "sign flipped": -due,
        "range 0 to 1": ramp / 255,
        "left at 0 to 255": ramp,
        "scaled by the picture's own statistics": [
            (ramp - 127.5) / ramp.float().std(correction=c) for c in (0, 1)
        ],
        "bytes that wrap around": [
            *((2 * ramp - low) % 256 / 255 + low / 255 - 1 for low in (0, 255)),
            *((ramp + 128) % 256 / high - 128 / high - 1 for high in (127.5, 128)),
            *((ramp - low) % 256 / high for low in (127, 128) for high in (127.5, 128)),
        ],
        "levels lost": [
            ramp.to(half) / 127.5 - 1 for half in (torch.float16, torch.bfloat16)
        ],
    }
    name, got = shape_of(table.detach().double())
    for known, values in ideas.items():
        for v in values if isinstance(values, list) else [values]:
            name = known if not far(table.detach().double(), v, 1e-4).any() else name
    if far(table.detach().double(), due, 1e-5).any() and got:
        t.fail(name, why=why, got=got)
    t.close(table, due, why, name, ideas)

    t.property("a level means the same in every picture", of=made["gray"])
    due = table[gray.long()]
    pair = torch.stack([t.tensor(made["gray"])[0].flatten(), due[0].flatten()])
    scaled = "scaled by the picture's own statistics"  # all of its levels, alike
    name = scaled if pair.double().corrcoef()[0, 1] > 0.999 else None
    t.close(made["gray"], due[:, None], "As in the picture of all levels.", name)

    t.property("other pictures of the same size")
    other = levels(b, h, w)
    ideas = {"result of an earlier call": t.tensor(made["gray"])}
    due = table[other.long()][:, None]
    t.close(t.call(to_batch, other), due, "The values of these levels.", ideas=ideas)

    t.property("every pixel of a color picture stays where it was", of=made["color"])
    values = table[color.long()]
    due = torch.stack([values[..., k] for k in range(3)], 1)
    mixed = values, values.mT, values.transpose(1, 3)
    ideas = {
        "order of the colors changed": [due[:, o] for o in permutations(range(3))],
        "reshaped where an axis was to be moved": [v.reshape(due.shape) for v in mixed],
    }
    why = "out[i, k, row, column] belongs to pixels[i, row, column, k]."
    got = t.tensor(made["color"]).detach()
    pairs = [torch.stack([got[:, k].flatten(), due[:, k].flatten()]) for k in range(3)]
    name = None
    if all(pair.double().corrcoef()[0, 1] > 0.999 for pair in pairs):
        name = "colors scaled otherwise than gray"
    elif (got.flatten().sort()[0] - due.flatten().sort()[0]).abs().max() < 1e-4:
        name = "pixels moved"
    t.close(made["color"], due, why, name, ideas)

    t.property("sizes of one and three tell nothing")
    told, by_size = "the number of axes decides.", "case told by the size of an axis"

    def lost(due):
        few = tuple(n for n in due if n != 1)
        return {"axis of length one lost": [few, (due[0], *few)]}

    for size in ((b, h, 3), (b, 3, w), (3, h, w), (b, h, 1)):
        due = (size[0], 1, *size[1:])
        t.shape(t.call(to_batch, levels(*size)), due, told, by_size, lost(due))
    for rows in (1, 3):
        out = t.call(to_batch, levels(b, rows, w, 3))
        due = b, 3, rows, w
        t.shape(out, due, told, by_size, lost(due))

    t.property("a single picture, a single pixel")
    for size, due in (((1, 1, 1), (1, 1, 1, 1)), ((1, 1, 1, 3), (1, 3, 1, 1))):
        out = t.call(to_batch, levels(*size))
        t.shape(out, due, "axes of length one count.", "axis of length one lost")


def shape_of(table):
    """What is wrong with a line of 256 values, and how to say what it is."""
    steps, ends = (
        table.diff(),
        f"level 0 at {table[0]:.6g}, level 255 at {table[-1]:.6g}",
    )
    size, moves = steps.median(), steps.nonzero()
    equal = (steps - size).abs() < 1e-4 * size.abs() + 2e-7 * table.abs().max()
    if equal.all() and size > 0:
        parts = round(float(510 / (table[-1] - table[0])), 2)
        known = {256.0: "divided by 256", 254.0: "divided by 254"}
        return known.get(parts, "another range"), f"{ends}, in equal steps"
    if len(moves) > 3 and len(moves) < 255 and equal[moves[1] : moves[-1]].all():
        return "ends cut off", f"{ends}, and so are their neighbors"
    if (different := len(table.unique())) < 256:
        return "levels lost", f"{different} different values of 256 levels"
    if size > 0 and equal.sum() > 250 and steps.min() < -50 * size:
        return "bytes that wrap around", ""
    if (steps > 0).all():
        sizes = f"{steps.min():.3g} to {steps.max():.3g}"
        return "steps of different sizes", f"{ends}, in steps of {sizes}, not of 2/255"
    return None, ""
