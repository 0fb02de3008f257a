"""Exercise ae-01: The error where it counts."""

import torch

from .._exercise import Exercise


@Exercise(
    id="ae-01",
    title="The error where it counts",
    difficulty=1,
    minutes=5,
    compute="cpu-instant",
    points=1,
    objectives=(
        "Reduce an error over the right axes: a sum over values, one number for "
        "each example.",
    ),
    statement=r"""
An autoencoder that repairs damaged pictures is judged on the damaged part. Write
`masked_error(x, x_hat, mask)`: `x` and `x_hat` have shape `(b, c, h, w)`, `mask` has
shape `(h, w)` and holds ones where the error counts and zeros elsewhere; it is the
same for all images and all channels. Return the squared error of each image, summed
over its channels and the pixels that count, shape `(b,)`.
""",
    stub='''
def masked_error(x, x_hat, mask):
    """(b, c, h, w), (b, c, h, w), (h, w) -> (b,)."""
    return ...
''',
    answers={"masked_error": callable},
    hints=(
        "Write it without the mask first. Which axes have to go, and which stays?",
        "A mask of ones and zeros can be multiplied; broadcasting lines shapes up "
        "from the right.",
        "Square, multiply with the mask, flatten from axis 1 on, sum over axis 1.",
    ),
    misconceptions={
        "mask ignored": "Where the mask is 0 the error does not count.",
        "a rectangle around the mask": "The mask says of each pixel whether it counts; "
        "it need not be a rectangle.",
        "mask inverted": "One means that the pixel counts.",
        "scaled by what the mask counts": "A sum is due, however many pixels count.",
        "only one channel counted": "The mask holds for every channel, and all of "
        "them count.",
        "number of channels assumed": "c may be any number: 1, 2, 3 or more.",
        "mask on one side only": "Mask the difference: where only one of the two "
        "images is set to zero, the other one is left as the error.",
        "signs cancel": "Square first, then sum: positive and negative differences "
        "must not cancel.",
    },
)
def ae_01(t, masked_error):
    b, c, h, w = t.integer(5, 6), 2, t.integer(3, 4), 7
    mask = torch.zeros(h, w)
    mask[:2, 1:5] = 1.0
    mask[0, 1], mask[2, 6] = 0.0, 1.0  # no rectangle
    box = torch.zeros(h, w)
    box[:3, 1:] = 1.0

    def images(*shape, low=0.0):
        return tuple(t.uniform(*shape, low=low, high=low + 1) for _ in range(2))

    def each(x, x_hat, mask, power=2):
        gap = (x.double() - x_hat).abs() ** power
        return torch.where(mask == 1, gap, torch.zeros_like(gap))

    t.property("one error for each image")
    x, x_hat = images(b, c, h, w)
    out = t.call(masked_error, x, x_hat, mask)
    ideas = {
        "not summed over the dimensions": [
            (b, h, w),
            (b, c),
            (b, c, h, w),
            (b, c * h * w),
        ],
        "reduced over the batch": [(), (c,), (h, w), (1,), (c, h, w), (c * h * w,)],
    }
    t.shape(out, (b,), "one number for each of the b images.", ideas=ideas)

    def total(v):
        return v.flatten(1).sum(1)

    due = total(each(x, x_hat, mask))
    gap = (x - x_hat).double() * mask
    ideas = {
        "absolute error": lambda *args: each(*args, power=1),
        "square root taken": due.sqrt(),
        "signs cancel": [total(gap) ** 2, total(gap.sum(1) ** 2)],
        "mask ignored": lambda x, x_hat, mask: each(x, x_hat, mask * 0 + 1),
        "a rectangle around the mask": lambda x, x_hat, mask: each(x, x_hat, box),
        "mask inverted": lambda x, x_hat, mask: each(x, x_hat, 1 - mask),
        "mask on one side only": [
            lambda x, x_hat, mask: (x * mask - x_hat) ** 2,
            lambda x, x_hat, mask: (x - x_hat * mask) ** 2,
        ],
        "scaled by what the mask counts": [due / 8, due / (8 * c), due * h * w / 8],
        "only one channel counted": [
            total(v) for v in (gap[:, 0] ** 2, gap[:, 1] ** 2, (gap**2).amax(1))
        ],
    }
    name, why = "the squared error where the mask is 1", "Eight pixels count."
    t.rowwise(name, masked_error, (x, x_hat, mask), each, why, ideas, grads=False)
    name, why = "a mask of ones: all pixels count", "The sum over all values."
    t.rowwise(name, masked_error, (x, x_hat, mask * 0 + 1), each, why, grads=False)
    for many in (3, 5, 1):
        t.rowwise(
            "any number of channels",
            masked_error,
            (*images(b, many, h, w), mask),
            each,
            f"{many} channel(s) here.",
            misconception="number of channels assumed",
            grads=False,
        )
    t.rowwise(
        "images far from 0",
        masked_error,
        (*images(b, c, h, w, low=2000), mask),
        each,
        "The same differences, of larger values.",
        misconception="difference of large numbers",
        grads=False,
        tol=1e-3,
    )
