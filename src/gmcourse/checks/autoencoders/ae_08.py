"""Exercise ae-08: Everything looks like the mean."""

import torch
from torch import nn

from .._exercise import Exercise
from ._shared import Constant, Spy


@Exercise(
    id="ae-08",
    title="Everything looks like the mean",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    stub_mistake="height and width swapped",
    objectives=(
        "Find mistakes that raise no error: a broadcast, two axes in the wrong order, "
        "a mean in place of a sum.",
    ),
    statement=r"""
This denoising autoencoder trains without an error message. But all reconstructions of
gray images look like the mean image, the loss is hundreds of times smaller than those
of the chapter, and with a decoder taken over from a working model, images that are not
square come out as diagonal stripes. It has three mistakes. Repair it:

- `decode(z)` gives images `(b, c, h, w)` from the decoder's rows `(b, c * h * w)`,
  which hold the values of an image in the order of `x.flatten(1)`;
- `error(x_noisy, x)` is the squared distance of each clean image `x` from the
  reconstruction of its noisy copy, summed over its values, `(b,)`;
- `loss(x_noisy, x)` is its mean over the batch, and trains both networks.
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
        "channel axis squeezed away": "squeeze() removes the axis of one channel; then "
        "(b, 1, h, w) minus (b, h, w) is (b, b, h, w): every image is compared with "
        "every reconstruction, and the mean image wins.",
        "mean over the values": "The error of an image is the sum over its values.",
        "summed over the batch": "The loss is a mean over the batch.",
        "compared with the noisy image": "The clean image is the target.",
        "clean image encoded": "The encoder must see the noisy image.",
        "loss detached": "Nothing can be learned from a loss without a graph.",
        "encoder cut off from the graph": "The encoder is to learn from the loss, too.",
        "channels last": "The rows hold one channel after the other, not the channels "
        "of one pixel side by side.",
        "mean over the channels": "The error is the sum over all values, channels "
        "included.",
    },
)
def ae_08(t, ImageAutoencoder):
    b, h, w = t.integer(4, 5), t.integer(2, 3), 6

    def identity(c, h, w):
        return t.call(ImageAutoencoder, nn.Flatten(), nn.Identity(), (c, h, w))

    t.property("rows become images, line by line")
    model = identity(2, h, w)
    x = t.uniform(b, 2, h, w, low=0, high=1)
    out = t.call(model.decode, x.flatten(1))
    ideas = {"transposed once": (b, 2, w, h)}
    t.shape(out, (b, 2, h, w), "images as they went in.", ideas=ideas)
    crossed = x.flatten(1).unflatten(1, (2, w, h)).mT
    ideas = {
        "height and width swapped": crossed,
        "channels last": x.flatten(1).unflatten(1, (h, w, 2)).movedim(3, 1),
    }
    t.close(out, x, "flatten and decode must undo each other.", ideas=ideas)

    t.property("square images, too")
    model = identity(1, h, h)
    square = t.uniform(b, 1, h, h, low=0, high=1)
    out = t.call(model.decode, square.flatten(1))
    ideas = {"transposed once": square.mT, "height and width swapped": square.mT}
    t.close(out, square, "flatten and decode must undo each other.", ideas=ideas)

    t.property("one error for each image")
    model = t.call(ImageAutoencoder, nn.Flatten(), Constant(0.0), (1, h, w))
    one = t.uniform(b, 1, h, w, low=0.5, high=1)
    out = t.call(model.error, one, one)
    ideas = {
        "channel axis squeezed away": [(b, b), (b, 1, h, w), (b, b, h, w)],
        "reduced over the batch": [(), (1,), (1, h, w)],
    }
    t.shape(out, (b,), "one number for each image.", ideas=ideas)
    due = one.pow(2).sum((1, 2, 3))
    ideas = {
        "mean over the values": due / (h * w),
        "channel axis squeezed away": b * due,
        "square root taken": due.sqrt(),
        "absolute error": one.abs().sum((1, 2, 3)),
    }
    t.close(out, due, "A reconstruction of 0 is off by x.", ideas=ideas)
    model = t.call(ImageAutoencoder, nn.Flatten(), Constant(0.0), (3, h, w))
    color = t.uniform(b, 3, h, w, low=0.5, high=1)
    out, due = t.call(model.error, color, color), color.pow(2).sum((1, 2, 3))
    squeezed = {"channel axis squeezed away": [(b, b), (b, b, h, w)]}
    t.shape(out, (b,), "one number for each image.", ideas=squeezed)
    ideas = {"mean over the channels": due / 3, "channel axis squeezed away": b * due}
    t.close(out, due, "Also with three channels.", ideas=ideas)

    t.property("a perfect autoencoder has no error, with one channel and with two")
    for c in (1, 2):
        model = identity(c, h, w)
        x = t.uniform(b, c, h, w, low=0, high=1)
        out = t.call(model.error, x, x)
        t.shape(out, (b,), "one number for each image.", ideas=squeezed)
        why = "Every image is compared with its own reconstruction."
        t.close(out, 0.0, why, misconception="channel axis squeezed away")
    t.property("a batch of one")
    out = t.call(identity(1, h, w).error, one[:1], one[:1])
    t.shape(out, (1,), "a batch of one is a batch.", "channel axis squeezed away")

    t.property("the clean image is the target, the noisy one the input")
    noisy = one + t.away(b, 1, h, w, low=0.1, high=0.3)
    model = t.call(ImageAutoencoder, nn.Flatten(), Constant(0.0), (1, h, w))
    out = t.call(model.error, noisy, one)
    ideas = {"compared with the noisy image": noisy.pow(2).sum((1, 2, 3))}
    due = one.pow(2).sum((1, 2, 3))
    t.close(out, due, "A reconstruction of 0 is off by x.", ideas=ideas)
    out = t.call(identity(1, h, w).error, noisy, one)
    due = (noisy - one).pow(2).sum((1, 2, 3))
    ideas = {"clean image encoded": 0.0}
    t.close(out, due, "The identity leaves the noise in.", ideas=ideas)

    t.property("the loss is the mean over the batch, and can be trained")
    end = Constant(0.2)
    model = t.call(ImageAutoencoder, nn.Flatten(), end, (1, h, w))
    out = t.call(model.loss, one, one)
    due = (one - 0.2).pow(2).sum() / b
    ideas = {"summed over the batch": due * b, "mean over the values": due / (h * w)}
    t.close(out, due, "The mean of the errors.", ideas=ideas)
    slope = t.grad(out, end.value)
    why = "The derivative of the loss with respect to the decoder's answer."
    t.close(slope, 2 * (0.2 - one).sum() / b, why, "loss detached", tol=1e-4)
    spy = Spy()
    with torch.no_grad():
        spy.gain.fill_(0.5)
    encoder = nn.Sequential(nn.Flatten(), spy)
    model = t.call(ImageAutoencoder, encoder, nn.Identity(), (1, h, w))
    slope = t.grad(t.call(model.loss, noisy, one), spy.gain)
    due = 2 * (noisy * (0.5 * noisy - one)).sum() / b
    why = "The derivative of the loss with respect to the encoder's gain."
    t.close(slope, due, why, ideas={"encoder cut off from the graph": 0.0}, tol=1e-4)
