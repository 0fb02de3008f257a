"""Exercise ae-01: The error where it counts."""

import torch

from .._exercise import Exercise
from ._shared import wrong_part


@Exercise(
    id="ae-01",
    title="The error where it counts",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Average over the values that count, image by image, so that neither the "
        "value nor the gradient is nan where none does.",
    ),
    statement=r"""
An autoencoder that repairs damaged pictures is judged on the damaged part alone, and
each picture is damaged elsewhere. Write `masked_error(x, x_hat, mask)`: `x` and `x_hat`
have shape `(b, c, h, w)`, `mask` has shape `(b, h, w)` and holds, for each image, ones
where the error counts and zeros elsewhere, for all channels alike. Return for each
image the **mean** of the squared differences over the values that count, shape `(b,)`;
a pixel that counts has `c` values. Where nothing of an image counts, its error is 0.

The result is also used as a loss: its gradient with respect to `x_hat` has to be right,
and 0 for an image of which nothing counts.
""",
    stub='''
def masked_error(x, x_hat, mask):
    """(b, c, h, w), (b, c, h, w), (b, h, w) -> (b,)."""
    return ...
''',
    answers={"masked_error": callable},
    hints=(
        "It is a quotient: the sum of the squared differences that count, by how many "
        "count. Both differ from image to image.",
        "Broadcasting lines shapes up from the right: of which shape must the mask be "
        "to hold for all channels of its own image?",
        "0/0 is nan. To put a 0 in its place afterward mends the value, not the "
        "gradient, which still passes through the quotient: see to it that nothing is "
        "divided by 0 in the first place.",
    ),
    misconceptions={
        "mask ignored": "Where the mask is 0 the error does not count.",
        "a rectangle around the mask": "The mask says of each pixel whether it counts; "
        "it need not be a rectangle, nor hold for whole rows or columns.",
        "mask inverted": "One means that the pixel counts.",
        "mask of another image": "Each image has a mask of its own: match the first "
        "axis of the mask with the first axis of the images.",
        "mask with its pixels out of order": "The mask lies on the image as it is: "
        "look at what reshaping, flipping or repeating did to its pixels.",
        "mask on one side only": "Mask the difference: where only one of the two "
        "images is set to zero, the other one is left as the error.",
        "not every channel masked and counted": "The mask holds for every channel, "
        "and all of them count.",
        "sum in place of the mean": "The sum is right; it is still to be divided by "
        "how many values count.",
        "mean over all values": "What does not count is not counted in the divisor, "
        "either.",
        "pixels counted in place of values": "A pixel that counts has c values, and "
        "the mean is over the values.",
        "one divisor for all images": "How many values count differs from image to "
        "image.",
        "another divisor": "Divided is by how many values count: by nothing else, "
        "and nothing is added to it.",
        "divided where nothing is to be divided": "Mean over what counts: the "
        "difference itself is not scaled.",
        "signs cancel": "Square first, then sum: positive and negative differences "
        "must not cancel.",
        "values clipped": "Images may hold any values, also below 0 and above 1.",
        "number of channels assumed": "c may be any number: 1, 2, 3 or more.",
        "nothing counts: 0/0": "The sum is 0 and so is the number of values: the "
        "quotient is nan.",
        "another value where nothing counts": "0 is due there.",
        "0/0 left in the gradient": "The value was repaired after the division; "
        "backward, the gradient still passes through 0/0. Divide by what is never 0.",
    },
)
def ae_01(t, masked_error):
    b, c, h, w = t.integer(5, 6), 2, t.integer(3, 4), 7
    counts = [2, 5, 7, 3, 9, 6][:b]

    def masks(counts):
        mask = torch.zeros(len(counts), h * w)
        for row, n in zip(mask, counts):
            row[torch.randperm(h * w, generator=t.rng)[:n]] = 1.0
        return mask.view(-1, h, w)

    def images(b, c, shift=0.0):
        x, x_hat = (t.uniform(b, c, h, w, low=-1, high=2) for _ in range(2))
        return x + shift, x_hat + shift

    def mean(x, x_hat, mask):
        counted = mask[:, None].expand_as(x) == 1
        gap = torch.where(counted, x_hat.double() - x, 0.0)
        return gap.square().sum((1, 2, 3)) / counted.sum((1, 2, 3)).clamp(min=1)

    t.property("one error for each image")
    mask = masks(counts)
    x, x_hat = images(b, c)
    out = t.call(masked_error, x, x_hat, mask)
    lost = "not summed over the dimensions", "reduced over the batch"
    ideas = {
        lost[0]: [(b, h, w), (b, c), (b, c, h, w), (b, c * h * w), (b, c, 1, 1)],
        lost[1]: [(), (c,), (h, w), (1,), (c, h, w), (c * h * w,)],
    }
    t.shape(out, (b,), "one number for each of the b images.", ideas=ideas)

    t.property("the mean squared error where the mask is 1", of=out)
    due, name = mean(x, x_hat, mask), None
    t.close(out, due, "Counted value by value.", name)
    for many in (3, 5, 1):
        t.property("any number of channels")
        args = *images(b, many), masks(counts[::-1])
        out, why = t.call(masked_error, *args), f"{many} channel(s) here."
        t.close(out, mean(*args), why, "number of channels assumed")

    t.property("0 where nothing counts")
    mask = masks([0, *counts[1:-1], 0])
    x_hat.requires_grad_()
    out = t.call(masked_error, x, x_hat, mask)
    none = t.tensor(out)[[0, -1]].detach()
    why = "Nothing of the first and the last image counts."
    t.finite(none, why, "nothing counts: 0/0")
    t.close(none, 0.0, why, "another value where nothing counts")
    t.close(out, mean(x, x_hat, mask).detach(), "The others are as they were.")
    t.property("its gradient with respect to x_hat", of=out)
    weight = t.uniform(b, low=0.5, high=2)
    slope = t.grad(mean(x, x_hat, mask), x_hat, weight)
    got = t.grad(out, x_hat, weight)
    why = "The derivative of the same mean; 0 where nothing counts."
    t.finite(got, why, "0/0 left in the gradient")
    cut = {"cut off from the graph": 0.0}
    t.close(got, slope, why, ideas=cut, tol=1e-4)

    t.property("images far from 0")
    args = *images(b, c, 2000.0), mask
    why = "The same differences, of larger values."
    t.close(t.call(masked_error, *args), mean(*args), why,
            "difference of large numbers", tol=1e-3)  # fmt: skip
    t.property("a batch of one is a batch")
    out = t.call(masked_error, x[:1].detach(), x_hat[1:2].detach(), mask[1:2])
    lost = {"batch axis lost": ()}
    t.shape(out, (1,), "one number for the one image.", ideas=lost)
    t.close(out, mean(x[:1], x_hat[1:2], mask[1:2]), "The same mean.")
