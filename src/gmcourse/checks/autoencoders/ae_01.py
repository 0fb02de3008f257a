"""Exercise ae-01: The error where it counts."""

import torch

from .._exercise import Exercise
from .._parts import wrong_part


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
        "`0/0` is `nan`. To put a 0 in its place afterward mends the value, not the "
        "gradient, which still passes through the quotient: see to it that nothing is "
        "divided by 0 in the first place.",
    ),
    misconceptions={
        "mask ignored": "Where the mask is 0 the error does not count.",
        "mask inverted": "One means that the pixel counts.",
        "mask of another image": "Each image has a mask of its own: match the first "
        "axis of the mask with the first axis of the images.",
        "mask with its pixels out of order": "The mask lies on its image as it is: "
        "look at what reshaping, flipping or repeating did to its pixels.",
        "more than the mask counted": "The mask says of each pixel whether it counts: "
        "not of whole rows or columns, nor of a rectangle.",
        "mask on one side only": "Mask the difference: where only one of the two "
        "images is set to zero, the other one is left as the error.",
        "not every channel masked and counted": "The mask holds for every channel, "
        "and all of them count.",
        "channels added before squaring": "Each value has a squared difference of its "
        "own: differences of several channels must not cancel.",
        "sum in place of the mean": "The sum is right; it is still to be divided by "
        "how many values count.",
        "mean over all values": "What does not count is not counted in the divisor, "
        "either.",
        "pixels counted in place of values": "A pixel that counts has c values, and "
        "the mean is over the values.",
        "one divisor for all images": "How many values count differs from image to "
        "image.",
        "another divisor": "Divided is by how many values count: by nothing else, "
        "and nothing is added to it or taken from it.",
        "relative error": "The squared difference is not compared with the size of "
        "the image.",
        "signs cancel": "Square first, then sum: positive and negative differences "
        "must not cancel.",
        "values clipped": "Images may hold any values, also below 0 and above 1.",
        "variance of the difference": "The mean of the difference is an error, too: "
        "nothing is subtracted before squaring.",
        "images paired with each other": "Each image is compared with its own "
        "reconstruction alone.",
        "number of channels assumed": "c may be any number: 1, 2, 3 or more.",
        "nothing counts: 0/0": "The sum is 0 and so is the number of values: the "
        "quotient is nan, or what the nan was replaced by.",
        "0/0 left in the gradient": "The value was repaired after the division; "
        "backward, the gradient still passes through 0/0. Divide by what is never 0.",
        "gradient of part of it": "The value is right, its derivative is not: is the "
        "difference detached, or an image left out of the graph?",
    },
)
def ae_01(t, masked_error):
    b, c, h, w = t.integer(5, 6), 2, t.integer(3, 4), 7
    counts = [2, 5, 7, 4, 9, 6][:b]

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

    def mistake(out, x, x_hat, mask):
        """The part of the formula that is wrong: error, mask, channels, or divisor."""
        if out.shape != (len(x),):
            return None
        x, x_hat, own = x.double(), x_hat.double(), mask.double()[:, None]
        n, c, gap = own.sum((1, 2, 3)), x.shape[1], x - x_hat
        rows, columns = own.amax(3, True), own.amax(2, True)
        box = torch.zeros_like(own)
        for i, m in enumerate(own[:, 0]):
            across, down = m.sum(1).nonzero(), m.sum(0).nonzero()
            box[i, :, across.min() : across.max() + 1, down.min() : down.max() + 1] = 1
        ones, everywhere = torch.ones_like(own), own.expand_as(x)
        level = (gap * own).sum((2, 3), True) / n.clamp(min=1)[:, None, None, None]
        errors = {
            "": [gap**2],
            "absolute error": [gap.abs()],
            "signs cancel": [gap, -gap],
            "values clipped": [(x.clamp(*v) - x_hat.clamp(*v)) ** 2
                               for v in ((0, 1), (-1, 1))]
            + [(x - x_hat.clamp(0, 1)) ** 2, gap.clamp(-1, 1) ** 2],
            "mask on one side only": [(x * own - x_hat) ** 2, (x - x_hat * own) ** 2],
            "channels added before squaring": [
                (gap.sum(1, True) ** 2).expand_as(x) / v for v in (1, c, c * c)],
            "variance of the difference": [(gap - level) ** 2,
                                           (gap - level.mean(1, True)) ** 2],
        }  # fmt: skip
        cut = [torch.zeros(c, 1, 1).double() for _ in range(c)]
        for i in range(c):
            cut[i][i] = 1.0
        first = torch.cat([own, ones.expand_as(x)[:, 1:]], 1)
        weights = {
            "": [own],
            "mask ignored": [ones],
            "mask inverted": [1 - own],
            "mask of another image": [
                v.expand_as(own) for v in (own[:1], own[-1:], own.amax(0), own.amin(0),
                                           own.mean(0), own.sum(0))]
            + [own.flip(0), own.roll(1, 0), own.roll(-1, 0)],
            "mask with its pixels out of order": [
                own.mT.reshape(own.shape), own.flip(2), own.flip(3), own.flip(2, 3),
                own.reshape(len(x), 1, w, h).mT,
                own.flatten(1).repeat_interleave(c, 1).view(x.shape),
                own.repeat(1, c, 1, 1).view(-1, h, w)[: len(x) * c].view(c, -1, h, w)
                .transpose(0, 1)],
            "more than the mask counted": [
                v for v in (rows.expand_as(own), columns.expand_as(own), box)],
            "not every channel masked and counted": [own * v for v in cut]
            + [first, torch.cat([own, 0 * everywhere[:, 1:]], 1)],
        }  # fmt: skip
        inside = (own * gap**2).sum((1, 2, 3))
        divisors = {
            "": [lambda m: m.expand_as(x).sum((1, 2, 3))],
            "sum in place of the mean": [lambda m: 1],
            "mean over all values": [lambda m: c * h * w],
            "pixels counted in place of values": [
                lambda m: m.expand_as(x).sum((1, 2, 3)) / c],
            "one divisor for all images": [
                lambda m, f=f, k=k: k * f(n) for f in (
                    torch.mean, torch.sum, torch.max, torch.min, lambda v: v[0])
                for k in (1, c)],
            "another divisor": [
                *[lambda m, k=k: k * n for k in (h, w, h * w, len(x), c * c)],
                *[lambda m, k=k, e=e: k * n + e for k in (1, c)
                  for e in (1, -1, 0.1, 0.01, 1e-3)],
                lambda m: h * w, lambda m: c, lambda m: (c * n).sqrt(),
                lambda m: c * n**2,
                lambda m: len(x) * c * h * w, lambda m: c * (h * w - n),
                lambda m: own.amax(3).sum((1, 2)), lambda m: own.amax(2).sum((1, 2))],
            "relative error": [
                lambda m, v=v: (m * v**2).sum((1, 2, 3)) for v in (x, x_hat)]
            + [lambda m, v=v: (v**2).sum((1, 2, 3)) for v in (x, x_hat, gap)],
            "images paired with each other": [lambda m: c * n * inside / (
                own[:, None] * (x[:, None] - x_hat[None]) ** 2).sum((1, 2, 3, 4))],
        }  # fmt: skip
        finals = {
            "": [lambda v: v],
            "square root taken": [torch.sqrt],
            "reduced over the batch": [
                lambda v: v.mean().expand_as(v), lambda v: v.sum().expand_as(v),
                lambda v: v / len(v)],
        }  # fmt: skip

        # The mask may be wrong in the sum alone, or in its divisor, too.
        weights = {k: [(v, own) for v in vs] + [(v, v) for v in vs]
                   for k, vs in weights.items()}  # fmt: skip

        known = {}

        def kept(key, f):
            if key not in known:
                known[key] = f()
            return known[key]

        def value(e, m, d, end):
            total = kept((id(e), id(m[0])), lambda: (m[0] * e).sum((1, 2, 3)))
            return end(total / kept((id(d), id(m[1])), lambda: d(m[1])))

        return wrong_part(out, value, errors, weights, divisors, finals)

    t.property("one error for each image")
    mask = masks(counts)
    x, x_hat = images(b, c)
    out = t.call(masked_error, x, x_hat, mask)
    ideas = {
        "not summed over the dimensions": [
            (b, h, w), (b, c), (b, c, h, w), (b, c * h * w), (b, c, 1, 1),
            (b, c, h), (b, h), (b, w), (b, h * w), (b, c, h * w)],
        "reduced over the batch": [
            (), (c,), (h, w), (1,), (c, h, w), (c * h * w,), (h,), (w,)],
    }  # fmt: skip
    t.shape(out, (b,), "one number for each of the b images.", ideas=ideas)

    t.property("the mean squared error where the mask is 1", of=out)
    name = mistake(t.tensor(out), x, x_hat, mask)
    t.close(out, mean(x, x_hat, mask), "Counted value by value.", name)
    for many in (3, 5, 1):
        t.property("any number of channels")
        args = *images(b, many), masks(counts[::-1])
        out, why = t.call(masked_error, *args), f"{many} channel(s) here."
        t.shape(out, (b,), why, "number of channels assumed")
        t.close(out, mean(*args), why, "number of channels assumed")

    t.property("0 where nothing counts")
    mask = masks([0, *counts[1:-1], 0])
    x_hat.requires_grad_()
    out = t.call(masked_error, x, x_hat, mask)
    t.shape(out, (b,), "one number for each of the b images.")
    why, zero = "Nothing of the first and the last image counts.", "nothing counts: 0/0"
    t.close(t.tensor(out)[[0, -1]].detach(), 0.0, why, zero)
    t.close(out, mean(x, x_hat, mask).detach(), "The others are as they were.")
    t.property("its gradient with respect to x_hat", of=out)
    weight = t.uniform(b, low=0.5, high=2)
    slope = t.grad(mean(x, x_hat, mask), x_hat, weight)
    got = t.grad(out, x_hat, weight)
    why = "The derivative of the same mean; 0 where nothing counts."
    t.finite(got, why, "0/0 left in the gradient")
    cut = {"cut off from the graph": 0.0}
    t.close(got, slope, why, "gradient of part of it", cut, tol=1e-4)
    t.property("a batch in which nothing counts")
    out = t.call(masked_error, x, x_hat, 0 * mask)
    why, got = "A loss of 0 that backward() can start from.", "a constant"
    t.close(t.tensor(out).detach(), torch.zeros(b), why, zero)
    t.true(t.tensor(out).requires_grad, why, got, "cut off from the graph")

    t.property("images far from 0")
    args = *images(b, c, 2000.0), mask
    due, why = mean(*args), "The same differences, of larger values."
    out = t.call(masked_error, *args)
    t.close(out, due, why, "difference of large numbers", tol=1e-3)
    t.property("a batch of one is a batch")
    out = t.call(masked_error, x[:1].detach(), x_hat[1:2].detach(), mask[1:2])
    t.shape(out, (1,), "one number for the image.", ideas={"batch axis lost": ()})
    t.close(out, mean(x[:1], x_hat[1:2], mask[1:2]), "The same mean.")
