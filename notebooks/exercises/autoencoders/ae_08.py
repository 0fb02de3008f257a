"""Versions of exercise ae-08."""

import torch
from torch import nn
from torch.nn import functional as F

from .. import edits, reference, right


class Images(nn.Module):
    """What the right variants share."""

    def __init__(self, encoder, decoder, shape):
        super().__init__()
        self.encoder, self.decoder, self.shape = encoder, decoder, shape

    def decode(self, z):
        return self.decoder(z).unflatten(1, self.shape)

    def error(self, x_noisy, x):
        x_hat = self.decode(self.encoder(x_noisy)).flatten(1)
        return (x.flatten(1) - x_hat).pow(2).sum(1)

    def loss(self, x_noisy, x):
        return self.error(x_noisy, x).mean()


class Ae08:
    """**The swap.** Height and width were exchanged in the view, and once more by the
    transposition: the shape is right again, the pixels are not. Each row of the decoder
    holds an image in the order of `flatten`, and one view undoes that.

    **The squeeze.** With one channel it leaves reconstructions `(b, h, w)`, which are
    broadcast against images `(b, 1, h, w)` to `(b, b, h, w)`: each image is compared
    with the reconstructions of all. What is best for all images at once is their mean.

    **The mean** over the values makes the loss smaller by their number, 784 for the
    chapter's images. It also hid the broadcast: a mean over the last three axes of
    `(b, b, h, w)` still has one number for each row."""

    @reference
    class ImageAutoencoder(nn.Module):
        def __init__(self, encoder, decoder, shape):
            super().__init__()
            self.encoder, self.decoder = encoder, decoder
            self.shape = shape  # (c, h, w)

        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, c, h, w)

        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x - x_hat).square().sum(dim=(-3, -2, -1))

        def loss(self, x_noisy, x):
            return self.error(x_noisy, x).mean()

    by_flatten = right(Images)

    @right
    class ByEinsum(Images):
        def error(self, x_noisy, x):
            diff = x - self.decode(self.encoder(x_noisy))
            return torch.einsum("bchw,bchw->b", diff, diff)

    @right
    class ByLoss(Images):
        def loss(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return F.mse_loss(x_hat, x, reduction="sum") / len(x)

    @right
    class ByLoops(Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return torch.stack([(a - a_hat).norm() ** 2 for a, a_hat in zip(x, x_hat)])

    edited = edits(
        ImageAutoencoder,
        """
    transposed once | -1, c, h, w) -> -1, c, w, h)
    transposed once | -1, c, h, w) -> -1, c, h, w).transpose(2, 3)
    channels last | .view(-1, c, h, w) -> .view(-1, h, w, c).permute(0, 3, 1, 2)
    channel axis squeezed away | (x_noisy)) -> (x_noisy)).squeeze()
    channel axis squeezed away | (x_noisy)) -> (x_noisy)).squeeze(1) | -3, ->
    channel axis squeezed away | (x_noisy)) -> (x_noisy)).squeeze().unsqueeze(1)
    mean over the dimensions | .sum(dim -> .mean(dim
    channel axis squeezed away | -1, c, h, w) -> -1, c, h, w).squeeze(1)
    rows in place of images | .view(-1, c, h, w) ->
    wrong shape | -1, c, h, w) -> -1, 1, h, w)
    pixels in the wrong places | -1, c, h, w) -> -1, c, h, w).flip(2)
    values changed | -1, c, h, w) -> -1, c, h, w).sigmoid()
    values changed | -1, c, h, w) -> -1, c, h, w).clamp(0, 1)
    one image for the whole batch | return self.decoder(z).view(-1, c, h, w)
        -> return self.decoder(z)[:1].view(-1, c, h, w).expand(len(z), c, h, w)
    channel axis squeezed away | (x_noisy)) -> (x_noisy)).squeeze(); x = x.squeeze()
    batch and pixels mixed | -1, c, h, w)
        -> c, -1, h, w).transpose(0, 1)
    another target | (x - x_hat) -> (x - x_noisy - x_hat)
    another target | (x - x_hat) -> (x_noisy - x - x_hat)
    another target | x_hat = self.decode(self.encoder(x_noisy))
        -> x_hat = x_noisy + self.decode(self.encoder(x_noisy))
    another input | self.encoder(x_noisy) -> self.encoder(x_noisy - x)
    another power | .square() -> .pow(4)
    noisy and clean image swapped | error(self, x_noisy, x) -> error(self, x, x_noisy)
    every image with every reconstruction | return (x - x_hat).square()
        -> return (x[:, None] - x_hat[None]).square().mean(1)
    a size of images assumed | .sum(dim=(-3, -2, -1)) -> .mean(dim=(-3, -2, -1)) * 784
    mean over the dimensions | .mean() -> .mean() / x[0].numel()
    mode switched by a call | return self.error -> self.train(); return self.error
    networks not registered | self.encoder, self.decoder = encoder, decoder
        -> self.parts = [encoder, decoder]
        | self.decoder(z) -> self.parts[1](z)
        | self.encoder(x_noisy) -> self.parts[0](x_noisy)
    mean over the channels | .sum(dim=(-3, -2, -1)) -> .sum((-2, -1)).mean(1)
    not summed over the dimensions | .sum(dim=(-3, -2, -1)) ->
    not summed over the dimensions | -3, ->
    reduced over the batch | dim=(-3, -2, -1) ->
    compared with the noisy image | (x - x_hat) -> (x_noisy - x_hat)
    clean image encoded | self.encoder(x_noisy) -> self.encoder(x)
    square root taken | -1)) -> -1)).sqrt()
    absolute error | .square() -> .abs()
    off by a factor of two | return (x - x_hat) -> return 0.5 * (x - x_hat)
    sum over the batch | .mean() -> .sum()
    cut off from the graph | .mean() -> .mean().detach()
    cut off from the graph | self.encoder(x_noisy) -> self.encoder(x_noisy).detach()
    """,
    )
