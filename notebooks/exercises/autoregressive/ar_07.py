"""Versions of exercise ar-07."""

import torch
from torch import nn
from torch.nn import functional as F

from .. import edits, reference, right, wrong


class Stacks(nn.Module):
    """The parameters."""

    def __init__(self, width, depth, reach):
        super().__init__()
        self.reach, side = reach, 2 * reach + 1
        self.vertical, self.horizontal = nn.ModuleList(), nn.ModuleList()
        self.link = nn.ModuleList()
        for into in [1] + [width] * (depth - 1):
            self.vertical.append(nn.Conv2d(into, width, (reach + 1, side)))
            self.horizontal.append(nn.Conv2d(into, width, (1, reach + 1)))
            self.link.append(nn.Conv2d(width, width, 1))
        self.head = nn.Conv2d(width, 1, 1)


class Ar07:
    r"""
    From above to below: the vertical stack was padded below and looked down; the image
    entered the horizontal stack with the pixel itself, once through the convolution of
    the first layer and once through its residual connection, where one channel is
    broadcast to all; the link led the wrong way, so that nothing of the rows above got
    to the head; and what the vertical stack finds at a pixel, which holds its whole
    row, has to be moved down by one before it is linked.

    Instead of moving the features in each layer one may move the image down for one
    stack and to the right for the other, before the first layer. Then all layers are
    alike, and residual connections are harmless.

    A loss that is too good is a sign, if one knows how good it can be. Of images whose
    pixels are coin flips nobody knows more than nothing: 1 bit a pixel is the least.
    Stripes, where each column has one coin, cost an honest model a bit for each pixel
    of the first row, and 1/12 = 0.083 on the mean of 12 rows. With 12 × 12 pixels,
    width 8, depth 3, reach 1 and 400 steps of Adam (0.003, 64 images), three seeds, on
    new images:

    | mistake | coins | stripes |
    |---|---|---|
    | none | 1.000 | 0.084 to 0.085 |
    | all five | 0.001 to 0.004 | 0.001 to 0.004 |
    | vertical stack looks down | 0.084 | 0.084 |
    | not moved down | 0.001 | 0.001 |
    | first layer sees the pixel itself | 0.002 to 0.003 | 0.001 to 0.002 |
    | the pixel carried along | 0.002 to 0.006 | 0.001 to 0.003 |

    The stack that looks down knows all rows but the first, whose link holds zeros, and
    on stripes its loss is that of an honest model: that a loss is not too small shows
    nothing. A model whose only mistake is the direction of the link leaks nothing, and
    pays 1 bit for each pixel of the stripes, since all that it sees are other coins.
    The derivatives show all five.
    """

    @reference
    class TwoStacks(nn.Module):
        """(b, 1, h, w) -> (b, 1, h, w): a logit for each pixel."""

        def __init__(self, width, depth, reach):
            super().__init__()
            self.reach, side = reach, 2 * reach + 1
            self.vertical, self.horizontal = nn.ModuleList(), nn.ModuleList()
            self.link = nn.ModuleList()
            for into in [1] + [width] * (depth - 1):
                self.vertical.append(nn.Conv2d(into, width, (reach + 1, side)))
                self.horizontal.append(nn.Conv2d(into, width, (1, reach + 1)))
                self.link.append(nn.Conv2d(width, width, 1))
            self.head = nn.Conv2d(width, 1, 1)

        def forward(self, x):
            r, v, h = self.reach, x, x
            layers = zip(self.vertical, self.horizontal, self.link)
            for i, (vertical, horizontal, link) in enumerate(layers):
                # Rows up to this one, and in them pixels on both sides.
                v = torch.tanh(vertical(F.pad(v, (r, r, r, 0))))
                above = F.pad(v, (0, 0, 1, 0))[:, :, :-1]  # moved down by one
                # This row: of the image without the pixel, later with it.
                left = F.pad(h, (r, 0)) if i else F.pad(h, (r + 1, 0))[..., :-1]
                new = torch.tanh(horizontal(left) + link(above))
                h = h + new if i else new  # not the image itself
            return self.head(h)

    @right
    class MovedAtFirst(Stacks):
        def forward(self, x):
            r = self.reach
            v = torch.cat([torch.zeros_like(x[:, :, :1]), x[:, :, :-1]], 2)
            h = torch.cat([torch.zeros_like(x[..., :1]), x[..., :-1]], 3)
            for vertical, horizontal, link in zip(
                self.vertical, self.horizontal, self.link
            ):
                v = vertical(F.pad(v, (r, r, r, 0))).tanh()
                h = h + (horizontal(F.pad(h, (r, 0)))).tanh() + link(v)
            return self.head(h)

    @right
    class Masked(Stacks):
        def forward(self, x):
            r = self.reach
            v = h = x
            for i in range(len(self.link)):
                down, along = self.vertical[i], self.horizontal[i]
                v = F.conv2d(F.pad(v, (r, r, r, 0)), down.weight, down.bias).tanh()
                rows = torch.zeros_like(v)
                rows[:, :, 1:] = v[:, :, :-1]
                mask = torch.ones_like(along.weight)
                mask[..., -1] = float(i > 0)
                new = F.conv2d(F.pad(h, (r, 0)), along.weight * mask, along.bias)
                new = (new + self.link[i](rows)).tanh()
                h = new if i == 0 else h + new
            return self.head(h)

    @right
    class PaddedOnBothSides(Stacks):
        def forward(self, x):
            r, (height, width) = self.reach, x.shape[2:]
            first, v, h = True, x, x
            for a, b, c in zip(self.vertical, self.horizontal, self.link):
                v = a(F.pad(v, (r, r, r + 1, r)))[:, :, : height + 1].tanh()
                above, v = v[:, :, :-1], v[:, :, 1:]
                # The first row of `above` saw nothing but zeros, and a bias.
                new = b(F.pad(h, (r + 1, r)))
                new = new[..., :width] if first else new[..., 1 : width + 1]
                h, first = torch.tanh(new + c(above)) + (0 if first else h), False
            return self.head(h)

    edited = edits(
        TwoStacks,
        """
    vertical stack looks down | (r, r, r, 0) -> (r, r, 0, r)
    vertical stack looks down | (r, r, r, 0) -> (r, r, r - 1, 1)
    vertical stack not moved down | = F.pad(v, (0, 0, 1, 0))[:, :, :-1] -> = v
    vertical stack not moved down | F.pad(v, (0, 0, 1, 0))[:, :, :-1]
        -> F.pad(v, (1, 0))[..., :-1]
    vertical stack looks down | F.pad(v, (0, 0, 1, 0))[:, :, :-1]
        -> F.pad(v, (0, 0, 0, 1))[:, :, 1:]
    first horizontal layer sees the pixel itself
        | if i else F.pad(h, (r + 1, 0))[..., :-1] ->
    horizontal stack looks to the right | F.pad(h, (r, 0)) if i -> F.pad(h, (0, r)) if i
    horizontal stack looks to the right
        | if i else F.pad(h, (r + 1, 0))[..., :-1] ->
        | left = F.pad(h, (r, 0)) -> left = F.pad(h, (0, r))
    horizontal stack looks to the right
        | F.pad(h, (r, 0)) if i -> F.pad(h, (r - 1, 1)) if i
    the pixel itself carried along | h = h + new if i else new -> h = h + new
    the pixel itself carried along | new = torch.tanh(horizontal(left) + link(above))
        -> new = torch.tanh(horizontal(left) + link(above)) + x
    rows above not heard of | horizontal(left) + link(above) -> horizontal(left)
    rows above not heard of | + link(above)) -> )
        | h = h + new if i else new
        -> h = h + new if i else new; v = v + F.pad(link(h), (0, 0, 1, 0))[:, :, :-1]
    row right above not seen | (0, 0, 1, 0))[:, :, :-1] -> (0, 0, 2, 0))[:, :, :-2]
    moved around the edge | F.pad(v, (0, 0, 1, 0))[:, :, :-1] -> v.roll(1, 2)
    moved around the edge | F.pad(h, (r + 1, 0))[..., :-1]
        -> F.pad(h.roll(1, 3), (r, 0))
    row to the left not seen | F.pad(h, (r + 1, 0))[..., :-1]
        -> F.pad(h, (r + 2, 0))[..., :-2] | F.pad(h, (r, 0)) if i
        -> F.pad(h, (r + 1, 0))[..., :-1] if i
        | + link(above)) -> + link(above) * 1)
    another way to what comes later | self.head(h) -> self.head(h + v)
    another way to what comes later | self.head(h)
        -> self.head(h + 1e-3 * x.mean((2, 3), keepdim=True))
    cut off from the graph | + link(above)) -> + link(above.detach()))
    cut off from the graph | self.head(h) -> self.head(h.detach()).detach()
    cut off from the graph | self.head(h) -> self.head(h) + 0.1 * x.detach()
    result of an earlier call | r, v, h = self.reach, x, x
        -> r, v, h = self.reach, x, x; k = str(x.shape)
        | return self.head(h)
        -> self.old = {k: self.head(h), **vars(self).get("old", {})}; return self.old[k]
    estimated from samples | self.head(h) -> self.head(h + 0.1 * torch.randn_like(h))
    float64 not met | F.pad(v, (0, 0, 1, 0))[:, :, :-1]
        -> F.pad(v, (0, 0, 1, 0))[:, :, :-1].float()
    small images not met | r, v, h = self.reach, x, x
        -> r, v, h = self.reach, x, x; x[..., r]
    a single layer not met | self.head(h)
        -> self.head(h + 0 * self.link[1](h))
    blind spot above to the left | (r, r, r, 0) -> (0, 2 * r, r, 0)
    blind spot above to the right | (r, r, r, 0) -> (2 * r, 0, r, 0)
    rows above not seen far enough | vertical(F.pad(v, (r, r, r, 0)))
        -> F.conv2d(F.pad(v, (r, r, r - 1, 0)), vertical.weight[:, :, 1:])
    reach too short | vertical(F.pad(v, (r, r, r, 0)))
        -> vertical(F.pad(v, (r, r, r, 0)) * (0 if i else 1))
        | torch.tanh(horizontal(left) + link(above))
        -> torch.tanh(F.conv2d(left[..., 1:], horizontal.weight[..., 1:]) + link(above))
    own row not seen far enough | F.pad(h, (r, 0)) if i
        -> F.pad(new * 0, (r, 0)) if i
    images of a batch mixed | self.head(h) -> self.head(h - h.mean(0))
    images of a batch mixed | self.head(h) -> self.head(h).flip(0)
    images of a batch mixed | F.pad(h, (r + 1, 0))[..., :-1]
        -> F.pad(F.pad(h.flatten(), (1, 0))[:-1].view_as(h), (r, 0))
    padding repeats the border | F.pad(h, (r + 1, 0))[..., :-1]
        -> torch.cat([h[..., :1]] * (r + 1) + [h], 3)[..., :-1]
    vertical stack without its own row
        | above = F.pad(v, (0, 0, 1, 0))[:, :, :-1]
        -> above = v = F.pad(v, (0, 0, 1, 0))[:, :, :-1]
    rows and columns exchanged | r, v, h = self.reach, x, x
        -> r, v, h = self.reach, x.mT, x.mT | self.head(h) -> self.head(h).mT
    a width of one not met | if i else F.pad -> if h.shape[1] > 1 else F.pad
        | h + new if i else -> h + new if h.shape[1] > 1 else
    probabilities in place of logits | self.head(h) -> self.head(h).sigmoid()
    wrong shape | self.head(h) -> self.head(h)[:, 0]
    wrong shape | self.head(h) -> self.head(h)[..., :-1]
    a parameter without use | torch.tanh(vertical(F.pad(v, (r, r, r, 0))))
        -> torch.tanh(F.conv2d(F.pad(v, (r, r, r, 0)), vertical.weight))
    parameters renamed or reshaped | (1, reach + 1))) -> (1, reach + bool(self.link))))
    parameters renamed or reshaped
        | self.head = nn.Conv2d(width, 1, 1) -> self.out = nn.Conv2d(width, 1, 1)
        | self.head(h) -> self.out(h)
    """,
    )

    @wrong("first horizontal layer sees the pixel itself")
    class MaskedOnce(Masked):
        """The weights are set to 0 where they are made."""

        def __init__(self, *how):
            super().__init__(*how)
            with torch.no_grad():
                self.horizontal[0].weight[..., -1] = 0

        def forward(self, x):
            r = self.reach
            v = h = x
            for i in range(len(self.link)):
                v = self.vertical[i](F.pad(v, (r, r, r, 0))).tanh()
                rows = F.pad(v, (0, 0, 1, 0))[:, :, :-1]
                new = self.horizontal[i](F.pad(h, (r, 0)))
                new = (new + self.link[i](rows)).tanh()
                h = new if i == 0 else h + new
            return self.head(h)

    @wrong("blind spot above to the right")
    class OneSided(Stacks):
        """The vertical stack is padded on the right alone: it looks to the left."""

        def forward(self, x):
            r, v, h = self.reach, x, x
            layers = zip(self.vertical, self.horizontal, self.link)
            for i, (vertical, horizontal, link) in enumerate(layers):
                v = torch.tanh(vertical(F.pad(v, (2 * r, 0, r, 0))))
                above = F.pad(v, (0, 0, 1, 0))[:, :, :-1]
                left = F.pad(h, (r, 0)) if i else F.pad(h, (r + 1, 0))[..., :-1]
                new = torch.tanh(horizontal(left) + link(above))
                h = h + new if i else new
            return self.head(h)

    @wrong("vertical stack without its own row")
    class NoOwnRow(Stacks):
        """Each layer of the vertical stack moves up: close rows are seen narrowly."""

        def forward(self, x):
            r, v, h = self.reach, x, x
            layers = zip(self.vertical, self.horizontal, self.link)
            for i, (vertical, horizontal, link) in enumerate(layers):
                v = torch.tanh(vertical(F.pad(v, (r, r, r + 1, 0))[:, :, :-1]))
                left = F.pad(h, (r, 0)) if i else F.pad(h, (r + 1, 0))[..., :-1]
                new = torch.tanh(horizontal(left) + link(v))
                h = h + new if i else new
            return self.head(h)

    @wrong("own row not seen far enough")
    class FirstPixelsAlone(Stacks):
        """The horizontal stack reads the image in each layer."""

        def forward(self, x):
            r, v, h = self.reach, x, 0
            layers = zip(self.vertical, self.horizontal, self.link)
            for vertical, horizontal, link in layers:
                v = torch.tanh(vertical(F.pad(v, (r, r, r, 0))))
                above = F.pad(v, (0, 0, 1, 0))[:, :, :-1]
                image = x.expand(-1, horizontal.in_channels, -1, -1)
                left = F.pad(image, (r + 1, 0))[..., :-1]
                h = h + torch.tanh(horizontal(left) + link(above))
            return self.head(h)

    @wrong("blind spot above to the right")
    class FirstRowsAlone(Stacks):
        """The vertical stack reads the image in each layer."""

        def forward(self, x):
            r, h = self.reach, x
            layers = zip(self.vertical, self.horizontal, self.link)
            for i, (vertical, horizontal, link) in enumerate(layers):
                image = x if i == 0 else x.expand(-1, vertical.in_channels, -1, -1)
                v = torch.tanh(vertical(F.pad(image, (r, r, r, 0))))
                above = F.pad(v, (0, 0, 1, 0))[:, :, :-1]
                left = F.pad(h, (r, 0)) if i else F.pad(h, (r + 1, 0))[..., :-1]
                new = torch.tanh(horizontal(left) + link(above))
                h = h + new if i else new
            return self.head(h)
