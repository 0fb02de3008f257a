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
        "mask inverted": "One means that the pixel counts.",
        "mean over the values": "A sum is due: one over all channels and all pixels "
        "that count.",
        "not summed over the values": "One number for each image is due.",
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
    x, x_hat = (
        t.uniform(b, c, h, w, low=0, high=1),
        t.uniform(b, c, h, w, low=0, high=1),
    )
    everything = torch.ones(h, w)

    t.property("one error for each image")
    out = t.call(masked_error, x, x_hat, everything)
    ideas = {
        "not summed over the values": [(b, c, h, w), (b, h, w), (b, c)],
        "reduced over the batch": [(), (c,), (c, h, w), (h, w), (1,)],
    }
    t.shape(out, (b,), "one number for each of the b images.", ideas=ideas)

    t.property("pixels that are off by 3, and by 3 and 4: errors of 9 and 25")
    x0, off = torch.zeros(2, c, h, w), torch.zeros(2, c, h, w)
    i, j = t.integer(0, h - 1), t.integer(0, w - 2)
    off[0, 0, i, j] = off[1, 1, i, j] = 3.0
    off[1, 0, i, j + 1] = 4.0
    due = torch.tensor([9.0, 25.0])
    ideas = {
        "absolute error": torch.tensor([3.0, 7.0]),
        "square root taken": torch.tensor([3.0, 5.0]),
        "mean over the values": [due / (c * h * w), due / (h * w), due / c],
        "only one channel counted": [torch.tensor(v) for v in ([9.0, 16], [0.0, 9])],
        "signs cancel": torch.tensor([9.0, 49.0]),
    }
    out = t.call(masked_error, x0, off, everything)
    t.close(out, due, "3², and 3² + 4².", ideas=ideas)

    t.property("differences of both signs do not cancel")
    both = torch.zeros(1, c, h, w)
    both[0, 0, 0, 0], both[0, 0, 0, 1], both[0, 1, 0, 0] = 2.0, -2.0, -2.0
    out = t.call(masked_error, torch.zeros_like(both), both, everything)
    t.shape(out, (1,), "a batch of one is a batch.", "batch axis lost")
    ideas = {"signs cancel": [4.0, 0.0], "only one channel counted": [8.0, 4.0]}
    t.close(out, 12.0, "2² + (-2)² + (-2)².", ideas=ideas)

    t.property("only the pixels that the mask names count")
    mask = torch.zeros(h, w)
    mask[:2, 1:4] = 1.0
    parts = [(x - x_hat)[:, :, p, q] for p in range(2) for q in range(1, 4)]
    due = torch.stack(parts).pow(2).sum((0, 2))
    out = t.call(masked_error, x, x_hat, mask)
    total = (x - x_hat).pow(2).sum((1, 2, 3))
    ideas = {
        "mask ignored": total,
        "mask inverted": total - due,
        "mean over the values": [due / 6, due / (6 * c), due * (h * w / 6)],
        "mask on one side only": [
            (x * mask - x_hat).pow(2).sum((1, 2, 3)),
            (x - x_hat * mask).pow(2).sum((1, 2, 3)),
        ],
        "only one channel counted": ((x - x_hat).pow(2).amax(1) * mask).sum((1, 2)),
    }
    t.close(out, due, "Six pixels count, in each channel.", ideas=ideas)

    t.property("any number of channels")
    many = t.integer(3, 5)
    x = t.uniform(2, many, h, w, low=0, high=1)
    parts = [x[:, :, p, q] for p in range(2) for q in range(1, 4)]
    due = torch.stack(parts).pow(2).sum((0, 2))
    out = t.call(masked_error, torch.zeros_like(x), x, mask)
    t.close(out, due, f"{many} channels here.", "number of channels assumed")
