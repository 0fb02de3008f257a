"""Exercise ae-08: Everything looks like the mean."""

import itertools

import torch
from torch import nn

from .._exercise import Exercise
from .._parts import mistakes
from ._shared import Spy, held


@Exercise(
    id="ae-08",
    title="Everything looks like the mean",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    stub_mistake="height and width swapped",
    objectives=("Find mistakes that raise no error.",),
    statement=r"""
This denoising autoencoder trains without an error message. But all reconstructions of
gray images look like the mean image, the loss is hundreds of times smaller than those
of the chapter, and with the decoder of a working model, images that are not square come
out as diagonal stripes. It has three mistakes. Repair it:

- `decode(z)` gives images `(b, c, h, w)` from the decoder's rows `(b, c * h * w)`,
  which hold the values of an image in the order of `x.flatten(1)`;
- `error(x_noisy, x)` is the squared distance of each clean image `x` from the
  reconstruction of its noisy copy, summed over its values, `(b,)`;
- `loss(x_noisy, x)` is its mean over the batch, and trains both networks.

As now, the networks are attributes of the module, so that an optimizer finds their
parameters, and no call changes the mode (`train` or `eval`) that they are in.
""",
    stub="""
class ImageAutoencoder(nn.Module):
    def __init__(self, encoder, decoder, shape):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.shape = shape  # (c, h, w)

    def decode(self, z):
        c, h, w = self.shape
        x_hat = self.decoder(z).view(-1, c, w, h)
        return x_hat.transpose(2, 3)

    def error(self, x_noisy, x):
        x_hat = self.decode(self.encoder(x_noisy)).squeeze()
        return (x - x_hat).square().mean(dim=(-3, -2, -1))

    def loss(self, x_noisy, x):
        return self.error(x_noisy, x).mean()
""",
    answers={"ImageAutoencoder": callable},
    hints=(
        "Test it with an encoder that flattens and a decoder that does nothing: what "
        "must come out?",
        "Print the shapes on both sides of the minus sign, for images with one "
        "channel.",
        "Why should a decoder's rows be viewed with the width before the height?",
    ),
    misconceptions={
        "height and width swapped": "The rows hold an image line by line. A view with "
        "the axes swapped, and a transpose on top, has the right shape and the pixels "
        "in the wrong places. A dense decoder can learn that permutation; nothing "
        "warns.",
        "transposed once": "One of the two swaps is gone, the other is still there.",
        "channels last": "The rows hold one channel after the other, not the channels "
        "of one pixel side by side.",
        "channel axis squeezed away": "squeeze() removes the axis of one channel. Then "
        "(b, 1, h, w) minus (b, h, w) is (b, b, h, w): every image is compared with "
        "every reconstruction, and the mean image wins. Where both lose it, the last "
        "three axes are the batch, the height and the width.",
        "mean over the channels": "The error is the sum over all values, channels "
        "included.",
        "rows in place of images": "Images have the shape (b, c, h, w).",
        "batch and pixels mixed": "The batch is the first axis of the rows, and stays "
        "it: the values of one row are those of one image.",
        "pixels in the wrong places": "The values are right, their places are not.",
        "another target": "The reconstruction is compared with the clean image: not "
        "with the noise, nor is it added to or taken from the noisy one.",
        "another input": "The noisy image goes through the encoder, as it is.",
        "another power": "The squared distance: neither its root nor a higher power.",
        "values changed": "The decoder's values are the pixels, as they are.",
        "one image for the whole batch": "Each row makes an image of its own.",
        "every image with every reconstruction": "Only an image and its own "
        "reconstruction are compared.",
        "noisy and clean image swapped": "The noisy image comes first, and is encoded; "
        "the clean one is the target.",
        "a size of images assumed": "The error is off by one factor for all images: "
        "their size is part of `shape`, and a sum needs none.",
        "mode switched by a call": "train() and eval() belong to the caller: a loss "
        "must leave both networks in the mode that they were in.",
        "networks not registered": "The networks must be attributes of the module: in "
        "a list, a dictionary or a closure, or as copies, no optimizer finds them.",
        "compared with the noisy image": "The clean image is the target.",
        "clean image encoded": "The encoder must see the noisy image.",
    },
)
def ae_08(t, ImageAutoencoder):
    b, h, w = 5, t.integer(2, 3), 6
    begin, end = Spy(), Spy()
    with torch.no_grad():
        begin.gain.fill_(0.5)
    encoder = nn.Sequential(nn.Flatten(), begin)
    decoder = nn.Sequential(end, nn.Softplus())

    t.property("rows become images, line by line")
    squeezed = "channel axis squeezed away"
    for c, wide in (2, w), (1, h):
        model = t.call(ImageAutoencoder, encoder, nn.Identity(), (c, h, wide))
        x = t.uniform(b, c, h, wide, low=-2, high=3)
        rows = x.flatten(1)
        out = t.call(model.decode, rows)
        why, once = "flatten and decode must undo each other.", "transposed once"
        shapes = {once: (b, c, wide, h), squeezed: (b, h, wide),
                  "rows in place of images": tuple(rows.shape)}  # fmt: skip
        t.shape(out, tuple(x.shape), "images as they went in.", ideas=shapes)
        seen = t.tensor(out).detach().double()
        same = torch.equal(seen.flatten(1).sort(1).values, rows.sort(1).values.double())
        # Two swaps and one are the same to a square image, after a wide one.
        swapped = "height and width swapped" if c > 1 else once
        sizes, mixed = dict(zip("bchw", x.shape)), "batch and pixels mixed"
        ideas = {
            swapped: rows.unflatten(1, (c, wide, h)).mT,
            "channels last": rows.unflatten(1, (h, wide, c)).movedim(3, 1),
        }
        found: dict[str, list] = {mixed: [], "pixels in the wrong places": []}
        for way in itertools.permutations("bchw"):  # another view, put right again
            view = rows.reshape([sizes[a] for a in way])
            name = list(found)[int(way[0] == "b")]
            found[name].append(view.permute([way.index(a) for a in "bchw"]))
        ideas |= {
            "one image for the whole batch": [x[:1].expand_as(x), x[-1:].expand_as(x)],
            "values changed": [x.sigmoid(), x.tanh(), x.clamp(0, 1), x.relu(), x.abs(),
                               x.clamp(-1, 1), (x + 1) / 2, 2 * x - 1],
        }  # fmt: skip
        found = {
            k: [v for v in some if not torch.equal(v, x)] for k, some in found.items()
        }
        found["pixels in the wrong places"].append(seen if same else torch.inf)
        t.close(out, x, why, ideas=ideas | found)

    def images(c):
        clean = t.uniform(b, c, h, w, low=0.5, high=1)
        noisy = clean + t.away(b, c, h, w, low=0.1, high=0.3)
        model = t.call(ImageAutoencoder, encoder, decoder, (c, h, w))
        return model, noisy, clean

    def squares(noisy, x):
        return (x - decoder(begin(noisy))).square()

    t.property("one error for each image, of one channel or three")
    (single, noisy, clean), (model, *color) = images(1), images(3)
    shapes = {
        squeezed: [(b, b), (b, b, h, w)],
        "not summed over the dimensions": [(b, 1, h, w), (b, 1), (b, h, w)],
        "reduced over the batch": [(), (1,), (1, h, w), (w,), (h,), (h, w), (1, w)],
    }
    gray, rich = t.call(single.error, noisy, clean), t.call(model.error, *color)
    whole = t.tensor(rich).shape == (b,)  # then what fails is an axis of length one
    seen = {squeezed: [tuple(t.tensor(gray).shape)]}
    for out in gray, rich:
        told = "the sum over its values.", "wrong shape"
        t.shape(out, (b,), *told, ideas=seen if whole else shapes)
    out = t.call(model.error, *(v[:1] for v in color))
    t.shape(out, (1,), "a batch of one is a batch.", "batch axis lost")

    def pairs(axis):
        noisy, x = color
        apart = (x[:, None] - decoder(begin(noisy))[None]).square().sum((2, 3, 4))
        return [apart.mean(axis).detach(), apart.sum(axis).detach()]

    due = squares(*color).sum((1, 2, 3)).detach()
    factor = (t.tensor(model.error(*color)).detach() / due).mean()

    def rivals(noisy, x):
        """Sums for each image, by name: other inputs, targets and powers."""
        inputs = {"": noisy, "clean image encoded": x, "another input": noisy - x}
        others = noisy - x, x - noisy, x.mean(0, True), 2 * x - 1
        targets = {
            "": lambda a, image: x,
            "compared with the noisy image": lambda a, image: noisy,
            "another target": [
                *(lambda a, image, v=v: v for v in others),
                lambda a, image: x - a + 2 * image,  # a residual, added
            ],
        }
        powers = {
            "": torch.square,
            "absolute error": torch.abs,
            "another power": [lambda v: v.abs() ** 3, lambda v: v**4],
        }

        def value(target, a, power):
            image = decoder(begin(a)).detach()
            return power(target(a, image) - image).sum((1, 2, 3))

        yield "noisy and clean image swapped", squares(x, noisy).sum((1, 2, 3))
        yield from mistakes(value, targets, inputs, powers)

    ideas = {
        "every image with every reconstruction": [*pairs(0), *pairs(1)],
        "mean over the channels": due / 3,
        "square root taken": due.sqrt(),
        "mean over the dimensions": due / (3 * h * w),
        "off by a factor of two": due / 2,
        "a size of images assumed": due * factor if factor > 1.5 else torch.inf,
    }
    name = "three channels: squared distances of clean images from reconstructions"
    why = "The decoder gives the softplus of half of the noisy image."
    tried = itertools.chain(rivals(*color), ideas.items())
    t.rowwise(name, model.error, tuple(color), squares, why, tried, grads=False)
    due = squares(noisy, clean).sum((1, 2, 3))
    for n in (b, 1):
        t.property(f"one channel, a batch of {n}")
        out = t.call(single.error, noisy[:n], clean[:n])
        t.shape(out, (n,), "one for each image.", squeezed)
        t.close(out, due[:n], "Every image with its own reconstruction.", squeezed)

    t.property("the loss is the mean over the batch, and trains both networks")
    out = t.call(single.loss, noisy, clean)
    t.shape(out, (), "one number.")
    ideas = {
        "sum over the batch": due.sum(),
        "mean over the dimensions": due.mean() / (h * w),
        "off by a factor of two": [due.mean() / 2, 2 * due.mean()],
        "square root taken": [due.mean().sqrt(), due.sqrt().mean()],
    }
    tried = ((name, value.mean()) for name, value in rivals(noisy, clean))
    tried = itertools.chain(ideas.items(), tried)
    t.close(out, due.mean(), "The mean of the errors.", ideas=tried)
    why, cut = "The derivative of the loss.", {"cut off from the graph": 0.0}
    for net in begin, end:
        slope = t.grad(due.mean(), net.gain)
        t.close(t.grad(out, net.gain), slope, why, ideas=cut, tol=1e-4)

    held(t, single, (begin, end), lambda: single.loss(noisy, clean))
