"""Adaptive augmentation of what a critic sees.

A critic that sees few images learns them by heart. If it sees all images changed at
random, the real ones and those that were made, it has more to learn from, and the
generator need not learn the changes: as long as the distribution of the changed images
tells that of the images, both players agree on the latter alone. Such an augmentation
does not leak. Karras et al. (2020), "Training generative adversarial networks with
limited data". Built in chapter 05_wasserstein_style_and_translation.

A kind of change takes images ``(b, c, h, v)`` and gives each a random change of its
own; `Augment` makes it with probability ``p``, and else leaves the image alone. Below
one half nothing leaks, whatever the kind: the unchanged images outweigh the others.
Beyond, each kind says why it does not; in practice ``p`` should stay below 0.8 (sec.
2.2 there).
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ._arguments import integer, probability

__all__ = ["Augment", "brightness", "contrast", "mirror", "shift", "turn"]

Images = Float[Tensor, "b c h v"]


def _each(values: Tensor) -> Tensor:
    """One value for each image, ``(b,)``, against ``(b, c, h, v)``."""
    return values.view(-1, 1, 1, 1)


def mirror(x: Images) -> Images:
    """Left and right exchanged, with probability one half.

    No leak below ``p = 1``: an image and its mirror image are told apart by which is
    the more frequent. At 1 they are equally frequent.
    """
    coin = torch.rand(len(x), device=x.device) < 0.5
    return torch.where(_each(coin), x.flip(3), x)


def turn(x: Images) -> Images:
    """By 0, 90, 180 or 270 degrees, equally likely.

    No leak below ``p = 1``: the unturned image is the most frequent of the four.

    Raises:
        ValueError: the images are not square.
    """
    if x.shape[2] != x.shape[3]:
        raise ValueError(f"images are {tuple(x.shape[2:])}; expected square ones")
    turned = torch.stack([x.rot90(k, (2, 3)) for k in range(4)])
    k = torch.randint(4, (len(x),), device=x.device)
    return turned[k, torch.arange(len(x), device=x.device)]


def shift(x: Images) -> Images:
    """By whole pixels, up to an eighth of the side, and reflected at the border.

    All shifts are equally likely; a side below 8 has none. No leak below ``p = 1/2``.
    """
    for axis in (2, 3):
        most = x.shape[axis] // 8
        by = torch.randint(-most, most + 1, (len(x), 1), device=x.device)
        place = _reflected(x.shape[axis], by)
        place = place[:, None, :, None] if axis == 2 else place[:, None, None, :]
        x = torch.take_along_dim(x, place, axis)
    return x


def _reflected(size: int, by: Int[Tensor, "b 1"]) -> Int[Tensor, "b size"]:
    """Where each pixel of a line comes from; the border's own pixel is not repeated."""
    place = (torch.arange(size, device=by.device) - by).abs()
    return size - 1 - (size - 1 - place).abs()


def brightness(x: Images) -> Images:
    """Plus a normal value, of standard deviation 0.1.

    No leak for any ``p``: the sum with normal noise tells the distribution. Pixels
    may leave [0, 1], since what is clipped would.
    """
    return x + _each(0.1 * torch.randn(len(x), device=x.device, dtype=x.dtype))


def contrast(x: Images) -> Images:
    """Away from mid gray or toward it, by 2 to a normal value of deviation 0.5.

    No leak for any ``p``: in logarithms it is a sum with normal noise. Pixels may
    leave [0, 1].
    """
    factor = 2 ** (0.5 * torch.randn(len(x), device=x.device, dtype=x.dtype))
    return 0.5 + _each(factor) * (x - 0.5)


def _changed(kind: Callable[[Tensor], Tensor], x: Images) -> Images:
    """``kind(x)``, in the precision of ``x``: under autocast it may be another."""
    y = kind(x)
    if y.shape != x.shape or y.is_floating_point() != x.is_floating_point():
        name = getattr(kind, "__name__", type(kind).__name__)
        raise ValueError(
            f"{name} gave {tuple(y.shape)}, {y.dtype}; expected {tuple(x.shape)}, "
            f"{x.dtype}"
        )
    return y.to(x.dtype)


class Augment(nn.Module):
    """Changes of images, ``(b, c, h, v)``, each made with probability ``p``.

    Every example has its own; gradients flow through. For ``GAN(augment=…)``, whose
    critic then sees all images so. With a target, ``p`` follows how sure the critic is
    of the real images: ``r = E sign(critic)``, 1 when it knows them all by heart and 0
    when it cannot tell. Karras et al. (2020), eq. 1. The critic's value
    must be above 0 for "real": `GAN` takes a target only in a game that classifies,
    `Saturating`, `NonSaturating` or `Hinge`.

    Args:
        kinds: what may be done to an image, in this order.
        p: at the start.
        target: for ``r``, 0.6 in the paper; None holds ``p`` fixed.
        images: after so many real images, one direction, ``p`` has gone from 0 to 1;
            500,000 in the paper.

    Attributes:
        p: a buffer, saved with the model. In a model that was cast to bfloat16 it
            cannot be counted up: its steps are below that precision.

    Raises:
        ValueError: ``p`` or ``target`` is out of range, or ``images`` is below 1;
            later, ``x`` is no batch of images, or a kind gives another shape, or
            integers.
        TypeError: ``kinds`` is no sequence of functions, or ``images`` no integer.

    Example:
        >>> Augment(p=0.5)(torch.rand(5, 1, 8, 8)).shape
        torch.Size([5, 1, 8, 8])
    """

    p: Tensor

    def __init__(
        self,
        kinds: Sequence[Callable[[Tensor], Tensor]] = (mirror, shift, contrast),
        *,
        p: float = 0.0,
        target: float | None = 0.6,
        images: int = 100_000,
    ):
        super().__init__()
        if callable(kinds):
            raise TypeError("kinds is a function; expected several: pass (kind,)")
        self.kinds, self.target = tuple(kinds), target
        if not all(callable(kind) for kind in self.kinds):
            raise TypeError(f"kinds are {self.kinds}; expected functions of images")
        if target is not None and not -1 <= target <= 1:
            raise ValueError(f"target is {target}; expected -1 to 1, or None")
        self.images = integer("images", images)
        self.register_buffer("p", torch.tensor(probability("p", p)))

    def forward(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, "b ..."]:
        if x.ndim != 4:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected images (b, c, h, v)"
            )
        for kind in self.kinds:
            chosen = torch.rand(len(x), device=x.device) < self.p
            x = torch.where(_each(chosen), _changed(kind, x), x)
        return x

    @torch.no_grad()
    def observe(self, values: Float[Tensor, " b"]) -> None:
        """Move ``p``, in train mode, by the critic's values of real examples."""
        if self.target is None or not self.training:
            return
        too_sure = (values.sign().mean() - self.target).sign()
        self.p.add_(too_sure * len(values) / self.images).clamp_(0, 1)
