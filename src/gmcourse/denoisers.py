"""What a sampler asks, ``denoise(x_t, t)``: the estimate of the data, at one time.

It may come from a net, from the data themselves, or from other estimates.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer
from .nets import mlp
from .paths import Path

__all__ = ["PointDenoiser", "Told", "along", "guide", "optimal", "waves"]

Denoise = Callable[[Tensor, float], Tensor]
Weight = float | Callable[[float], float]


def guide(told: Denoise, untold: Denoise, weight: Weight) -> Denoise:
    """The estimate without a condition, and ``weight`` times what the condition adds.

    1 is the conditional model itself, 0 the one that is told nothing. Ho & Salimans
    (2022), eq. 6, whose w is ``weight - 1``. A function of the time may be 1 in a part
    of it, where nothing else is then asked (Kynkäänniemi et al., 2024).
    """

    def denoise(x: Tensor, t: float) -> Tensor:
        w = weight(t) if callable(weight) else weight
        if w == 1:
            return told(x, t)
        anything = untold(x, t)
        return anything + w * (told(x, t) - anything)

    return denoise


def along(denoise: Denoise, of: Path, to: Path) -> Denoise:
    """The same estimate for noisy data on another path.

    Where ``sigma / alpha`` agree, noisy data of two paths differ in size alone.
    """

    def other(x: Tensor, t: float) -> Tensor:
        alpha, sigma = to.at(t)
        same = of.when(sigma / alpha)
        return denoise(of.at(same)[0] / alpha * x, same)

    return other


def optimal(points: Float[Tensor, "n ..."], path: Path) -> Denoise:
    """The best estimate where the data are these points and no others.

    The mean of the points, weighted by how well each explains the noisy example.
    Built in chapter 10_diffusion.
    """
    flat = points.flatten(1)

    def denoise(x: Tensor, t: float) -> Tensor:
        alpha, sigma = path.at(t)
        # Not by |a|² - 2ab + |b|²: with little noise all would be lost in rounding.
        how = "donot_use_mm_for_euclid_dist"
        far = torch.cdist(x.flatten(1), alpha * flat, compute_mode=how) ** 2  # (b, n)
        return ((-far / (2 * sigma**2)).softmax(1) @ flat).view_as(x)

    return denoise


def waves(
    t: Float[Tensor, "b *times"], frequencies: int, times: int = 1
) -> Float[Tensor, "b k"]:
    """A time as sines and cosines of ``k π t / 2``, ``k`` = 1 … ``frequencies``.

    Args:
        times: more than 1 where ``t`` is ``(b, times)``; one after the other.

    Raises:
        ValueError: ``t`` holds another number of times.
    """
    if t.shape[1:] != ((times,) if times > 1 else ()):
        due = f"(b, {times})" if times > 1 else "(b,)"
        raise ValueError(f"t has shape {tuple(t.shape)}; the net expects {due}")
    k = torch.arange(1, frequencies + 1, device=t.device)
    angles = math.pi / 2 * k * t[..., None]
    return torch.cat([angles.sin(), angles.cos()], -1).flatten(1)


class Told(nn.Module):
    """What a net of images is told, as one vector: the time, and maybe a condition.

    Args:
        values: of the vector.
        frequencies: of the time, see `waves`.
        classes: number of labels, or 0; the label ``classes`` says nothing, as None.
        encoder: from conditions to ``(b, values)``, in place of labels.
        times: how many times: `meanflow.MeanFlow` tells two.

    Raises:
        ValueError, TypeError: a size is no positive integer, or labels and an encoder
            are both given; in `told`: a condition is given, and there is neither.
    """

    def __init__(
        self,
        values: int,
        frequencies: int,
        classes: int = 0,
        encoder: nn.Module | None = None,
        times: int = 1,
    ):
        super().__init__()
        if integer("classes", classes, 0) and encoder is not None:
            raise ValueError("classes and an encoder are given; expected one of them")
        self.classes = classes
        self.frequencies = integer("frequencies", frequencies)
        self.times, inputs = integer("times", times), 2 * frequencies * times
        self.label = nn.Embedding(classes + 1, values) if classes else encoder
        self.time = nn.Sequential(
            nn.Linear(inputs, values), nn.SiLU(), nn.Linear(values, values)
        )

    def told(
        self, t: Float[Tensor, "b *times"], c: Shaped[Tensor, "b ..."] | None
    ) -> Float[Tensor, "b values"]:
        """The vector; where ``c`` is None, that of the time alone, or of no label."""
        told = self.time(waves(t, self.frequencies, self.times))
        if c is None and self.classes:
            c = torch.full((len(t),), self.classes, device=t.device)
        if c is None:
            return F.silu(told)
        if self.label is None:
            raise ValueError("c is given to a net without classes and encoder")
        return F.silu(told + self.label(c))


class PointDenoiser(nn.Module):
    """A fully connected net of points that is told the time, and maybe a label.

    The time is told as sine and cosine of ``k π t / 2``, ``k`` = 1 … ``frequencies``.

    Args:
        d: number of values of a point.
        width: of the hidden layers.
        depth: how many of them.
        frequencies: of the time.
        classes: number of labels, or 0; the label ``classes`` says nothing, as None.
        times: how many times it is told, as in `Told`.
    """

    def __init__(
        self,
        d: int,
        *,
        width: int = 128,
        depth: int = 3,
        frequencies: int = 4,
        classes: int = 0,
        times: int = 1,
    ):
        super().__init__()
        hidden = [integer("width", width)] * integer("depth", depth)
        self.frequencies = integer("frequencies", frequencies)
        self.classes = integer("classes", classes, 0)
        self.times, inputs = integer("times", times), 2 * frequencies * times
        self.net = mlp(integer("d", d) + inputs + classes, *hidden, d)

    def forward(
        self,
        x: Float[Tensor, "b d"],
        t: Float[Tensor, "b *times"],
        c: Int[Tensor, " b"] | None = None,
    ) -> Float[Tensor, "b d"]:
        told = [x, waves(t, self.frequencies, self.times)]
        if self.classes:
            c = x.new_full((len(x),), self.classes).long() if c is None else c
            told.append(F.one_hot(c, self.classes + 1)[:, :-1].to(x.dtype))
        return self.net(torch.cat(told, 1))
