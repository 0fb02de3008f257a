"""Versions of exercise ae-08."""

import torch
from torch import nn
from torch.nn import functional as F

from .. import reference, right, wrong


class _Images(nn.Module):
    """What the versions of ae-08 share."""

    def __init__(self, encoder, decoder, shape):
        super().__init__()
        self.encoder, self.decoder, self.shape = encoder, decoder, shape

    def decode(self, z):
        return self.decoder(z).view(-1, *self.shape)

    def error(self, x_noisy, x):
        x_hat = self.decode(self.encoder(x_noisy))
        return (x - x_hat).square().sum(dim=(-3, -2, -1))

    def loss(self, x_noisy, x):
        return self.error(x_noisy, x).mean()


class Ae08:
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

    @right
    class ByFlatten(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).flatten(1)
            return (x.flatten(1) - x_hat).pow(2).sum(1)

    @right
    class ByEinsum(_Images):
        def error(self, x_noisy, x):
            diff = x - self.decode(self.encoder(x_noisy))
            return torch.einsum("bchw,bchw->b", diff, diff)

    @right
    class ByLoss(_Images):
        def decode(self, z):
            return self.decoder(z).unflatten(1, self.shape)

        def loss(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return F.mse_loss(x_hat, x, reduction="sum") / len(x)

    @wrong("height and width swapped")
    class Swapped(_Images):
        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, c, w, h).transpose(2, 3)

    @wrong("transposed once")
    class OnlyView(_Images):
        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, c, w, h)

    @wrong("transposed once")
    class OnlyTranspose(_Images):
        def decode(self, z):
            return super().decode(z).transpose(2, 3)

    @wrong("channel axis squeezed away")
    class Squeezed(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).squeeze()
            return (x - x_hat).square().sum(dim=(-3, -2, -1))

    @wrong("channel axis squeezed away")
    class SqueezedChannel(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).squeeze(1)
            return (x - x_hat).square().sum(dim=(-2, -1))

    @wrong("mean over the values")
    class Mean(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x - x_hat).square().mean(dim=(-3, -2, -1))

    @wrong("reduced over the batch")
    class Reduced(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x_noisy))).square().sum()

    @wrong("summed over the batch")
    class Summed(_Images):
        def loss(self, x_noisy, x):
            return self.error(x_noisy, x).sum()

    @wrong("compared with the noisy image")
    class Noisy(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x_noisy - x_hat).square().sum(dim=(-3, -2, -1))

    @wrong("clean image encoded")
    class Clean(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x))).square().sum(dim=(-3, -2, -1))

    @wrong("loss detached")
    class Detached(_Images):
        def loss(self, x_noisy, x):
            return self.error(x_noisy, x).mean().detach()

    @right
    class ByDistances(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            exact = "donot_use_mm_for_euclid_dist"
            apart = torch.cdist(x.flatten(1), x_hat.flatten(1), compute_mode=exact)
            return apart.diagonal() ** 2

    @wrong("channel axis squeezed away")
    class SqueezedAndBack(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy)).squeeze().unsqueeze(1)
            return (x - x_hat).square().sum(dim=(-3, -2, -1))

    @wrong("mean over the channels")
    class ChannelMean(_Images):
        def error(self, x_noisy, x):
            x_hat = self.decode(self.encoder(x_noisy))
            return (x - x_hat).square().sum((-2, -1)).mean(1)

    @wrong("channels last")
    class ChannelsLast(_Images):
        def decode(self, z):
            c, h, w = self.shape
            return self.decoder(z).view(-1, h, w, c).permute(0, 3, 1, 2)

    @wrong("encoder cut off from the graph")
    class EncoderFrozen(_Images):
        def error(self, x_noisy, x):
            with torch.no_grad():
                z = self.encoder(x_noisy)
            return (x - self.decode(z)).square().flatten(1).sum(1)

    @wrong("square root taken")
    class Norm(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x_noisy))).flatten(1).norm(dim=1)

    @wrong("absolute error")
    class Absolute(_Images):
        def error(self, x_noisy, x):
            return (x - self.decode(self.encoder(x_noisy))).abs().flatten(1).sum(1)
