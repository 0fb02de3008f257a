"""Flows of images: mixed channels, smaller sizes, and halves that are done early.

Examples are images ``(b, channels, height, width)``; what is said of the channels holds
for the values of a vector as well. Built in chapter 08_normalizing_flows.
"""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, probability, shape_of
from .conditions import Labels
from .flows import Bijection, Chain, Coupling, Flow, normal_log_prob, silent
from .monotone import Affine, Monotone

__all__ = [
    "ActNorm",
    "AtHalfSize",
    "CouplingNet",
    "Logit",
    "Mix",
    "OnHalf",
    "Probit",
    "glow",
]


def _places(x: Tensor) -> int:
    """How often a channel stands in an example."""
    return x[0, 0].numel()


class ActNorm(Bijection):
    """Each channel shifted and scaled, by its own numbers.

    The first batch in train mode sets them: it leaves with mean 0 and variance 1 in
    each channel, over examples and places. Kingma & Dhariwal (2018), sec. 3.1. Built in
    chapter 08_normalizing_flows.

    Raises:
        ValueError, TypeError: ``channels`` is not a positive integer.
    """

    ready: Tensor

    def __init__(self, channels: int):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(integer("channels", channels)))
        self.log_std = nn.Parameter(torch.zeros(channels))
        self.register_buffer("ready", torch.tensor(False))

    def to_latent(self, x, c=None):
        if self.training and not self.ready:
            self._set(x)
        mean, log_std = (self._along(v, x) for v in (self.mean, self.log_std))
        log_det = -self.log_std.sum() * _places(x)
        return (x - mean) * (-log_std).exp(), log_det.expand(len(x))

    def from_latent(self, z, c=None):
        return z * self._along(self.log_std, z).exp() + self._along(self.mean, z)

    @torch.no_grad()
    def _set(self, x: Tensor) -> None:
        values = x.transpose(0, 1).flatten(1)  # (channels, all of them)
        self.mean.copy_(values.mean(1))
        self.log_std.copy_(values.std(1, correction=0).clamp(min=1e-3).log())
        self.ready.fill_(True)

    def _along(self, v: Tensor, x: Tensor) -> Tensor:
        return v.to(x.dtype).view(-1, *[1] * (x.ndim - 2))


class Mix(Bijection):
    """The channels mixed by an invertible matrix, the same at all places.

    A 1×1 convolution. The matrix is ``P L (U + diag(s))``: ``P`` is a permutation that
    stays, ``L`` has ones on its diagonal and numbers below, ``U`` numbers above, and
    ``s`` keeps its signs, so that ``log |det| = Σ log |s|`` costs nothing. It begins as
    a random rotation. Kingma & Dhariwal (2018), sec. 3.2 and eqs. 10 and 11. Built in
    chapter 08_normalizing_flows.

    Raises:
        ValueError, TypeError: ``channels`` is not a positive integer.
    """

    permutation: Tensor
    sign: Tensor

    def __init__(self, channels: int):
        super().__init__()
        d = integer("channels", channels)
        rotation = torch.linalg.qr(torch.randn(d, d, dtype=torch.float64)).Q
        permutation, lower, upper = torch.linalg.lu(rotation)
        size, kind = upper.diagonal(), torch.get_default_dtype()
        self.register_buffer("permutation", permutation.to(kind))
        self.register_buffer("sign", size.sign().to(kind))
        self.log_size = nn.Parameter(size.abs().log().to(kind))
        self.lower = nn.Parameter(lower.tril(-1).to(kind))
        self.upper = nn.Parameter(upper.triu(1).to(kind))

    def to_latent(self, x, c=None):
        log_det = self.log_size.sum() * _places(x)
        return self._mixed(x, self.matrix), log_det.expand(len(x))

    def from_latent(self, z, c=None):
        return self._mixed(z, self.inverse)

    def matrix(self) -> Float[Tensor, "d d"]:
        """``P L (U + diag(s))``."""
        lower, upper = self._triangles()
        return self.permutation @ lower @ upper

    def inverse(self) -> Float[Tensor, "d d"]:
        """Of the matrix, from the inverses of two triangles."""
        lower, upper = self._triangles()
        below = torch.linalg.solve_triangular(lower, self.permutation.T, upper=False)
        return torch.linalg.solve_triangular(upper, below, upper=True)

    def _triangles(self) -> tuple[Tensor, Tensor]:
        size = self.sign * self.log_size.exp()
        eye = torch.eye(len(size), device=size.device, dtype=size.dtype)
        return self.lower.tril(-1) + eye, self.upper.triu(1) + size.diag()

    def _mixed(self, x: Tensor, matrix: Callable[[], Tensor]) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):  # it has to be inverted
            return torch.einsum("ij,bj...->bi...", matrix(), x)


class AtHalfSize(Bijection):
    """Maps of the image at half its size, each 2×2 square moved into the channels.

    Dinh et al. (2017), sec. 3.6, squeeze; the result is moved back, so that ``z`` has
    the shape of the image.

    Raises:
        ValueError: a side of the image is odd.
    """

    def __init__(self, *parts: Bijection):
        super().__init__()
        self.chain = Chain(*parts)

    def to_latent(self, x, c=None):
        z, log_det = self.chain.to_latent(self._small(x), c)
        return F.pixel_shuffle(z, 2), log_det

    def from_latent(self, z, c=None):
        return F.pixel_shuffle(self.chain.from_latent(self._small(z), c), 2)

    def _small(self, x: Tensor) -> Tensor:
        if x.shape[-1] % 2 or x.shape[-2] % 2:
            raise ValueError(
                f"the image is {x.shape[-2]} by {x.shape[-1]}; expected even sides: "
                "pad it, or leave this size out"
            )
        return F.pixel_unshuffle(x, 2)


class OnHalf(Bijection):
    """Maps of the last half of the channels; the first half is done.

    Dinh et al. (2017), sec. 3.6, factoring out: nearly half the work is saved, and
    values leave at every size. Of an odd number one more goes on.
    """

    def __init__(self, *parts: Bijection):
        super().__init__()
        self.chain = Chain(*parts)

    def to_latent(self, x, c=None):
        half = x.shape[1] // 2
        z, log_det = self.chain.to_latent(x[:, half:], c)
        return torch.cat([x[:, :half], z], 1), log_det

    def from_latent(self, z, c=None):
        half = z.shape[1] // 2
        return torch.cat([z[:, :half], self.chain.from_latent(z[:, half:], c)], 1)


class Logit(Bijection):
    """Values between 0 and 1 to all numbers: ``log(u / (1 - u))``.

    ``u = margin + (1 - 2 margin) x`` keeps away from the ends. Papamakarios et al.
    (2017), appendix D; Dinh et al. (2017), sec. 4.1. Its slope has its part in the
    density, or what is reported are not bits of the pixels. Built in chapter
    08_normalizing_flows.

    Raises:
        ValueError: ``margin`` is no number from 0 to below one half; a value that is
            mapped is not between 0 and 1, which on a GPU is not looked at.
    """

    def __init__(self, margin: float = 0.05):
        super().__init__()
        self.margin = probability("margin", margin)
        if margin >= 0.5:
            raise ValueError(f"margin is {margin}; expected less than one half")

    def to_latent(self, x, c=None):
        share = 1 - 2 * self.margin
        u = self.margin + share * x
        slope = -u.log() - (-u).log1p()
        return u.logit(), (slope + math.log(share)).flatten(1).sum(1)

    def from_latent(self, z, c=None):
        return (z.sigmoid() - self.margin) / (1 - 2 * self.margin)


class Probit(Bijection):
    """Values between 0 and 1 to normal ones, by the quantile function.

    What is uniform before it is standard normal after it. Built in chapter
    08_normalizing_flows.
    """

    def to_latent(self, x, c=None):
        tiny = torch.finfo(x.dtype).eps / 2  # 0 and 1 themselves are infinitely far
        z = torch.special.ndtri(x.clamp(tiny, 1 - tiny))
        return z, -normal_log_prob(z)

    def from_latent(self, z, c=None):
        return torch.special.ndtr(z)


class CouplingNet(nn.Module):
    """Three convolutions, the middle one 1×1; the last puts out 0 at first.

    Kingma & Dhariwal (2018), sec. 3.3 and appendix A.

    Args:
        into: channels that it sees.
        out: channels that it puts out.
        width: of the hidden layers.
        beside: channels, at this size, of an image that is its condition, or 0. A
            larger image is made as small by moving squares into channels.
        classes: number of labels that are its condition, or 0.
    """

    def __init__(
        self,
        into: int,
        out: int,
        width: int = 64,
        *,
        beside: int = 0,
        classes: int = 0,
    ):
        super().__init__()
        self.beside = beside
        self.label = nn.Embedding(classes, width) if classes else None
        self.first = nn.Conv2d(into + beside, integer("width", width), 3, padding=1)
        self.inner = nn.Conv2d(width, width, 1)
        self.last = nn.Conv2d(width, out, 3, padding=1)
        silent(self.last)

    def forward(
        self, x: Float[Tensor, "b i h w"], c: Tensor | None = None
    ) -> Float[Tensor, "b o h w"]:
        if self.beside and c is not None:
            c = F.pixel_unshuffle(c, c.shape[-1] // x.shape[-1])
            x = torch.cat([x, c], 1)
        h = self.first(x)
        if self.label is not None:
            h = h + self.label(c)[:, :, None, None]
        h = F.silu(h)
        return self.last(F.silu(self.inner(h)))


def glow(
    event_shape: tuple[int, int, int],
    transform: Monotone | None = None,
    *,
    sizes: int = 2,
    steps: int = 4,
    width: int = 64,
    margin: float = 0.05,
    condition: Labels | None = None,
) -> Flow:
    """A flow of images with values between 0 and 1, at several sizes.

    At each size, halved before: ``steps`` times actnorm, a mix of the channels and a
    coupling; then half of the channels are done. Kingma & Dhariwal (2018), fig. 2, with
    the logit of Dinh et al. (2017) before it.

    Args:
        event_shape: ``(channels, height, width)``.
        transform: of the couplings; `Affine` by default.
        sizes: how often the side is halved.
        width: of the nets.
        margin: of the `Logit`.

    Raises:
        ValueError, TypeError: a size is no positive integer, or a side can't be halved
            that often.
    """
    channels, *sides = shape_of("event_shape", event_shape)
    if len(sides) != 2 or any(s % 2 ** integer("sizes", sizes) for s in sides):
        raise ValueError(
            f"event_shape is {tuple(event_shape)}; expected (channels, height, width) "
            f"whose sides are multiples of {2**sizes}, to be halved {sizes} times"
        )
    transform = transform or Affine()
    classes = condition.classes if condition else 0

    def step(channels: int) -> list[Bijection]:
        half = channels // 2
        out = transform.per_value * (channels - half)
        net = CouplingNet(half, out, width, classes=classes)
        return [ActNorm(channels), Mix(channels), Coupling(net, transform)]

    def part(channels: int, left: int) -> Bijection:
        channels *= 4
        parts = [p for _ in range(integer("steps", steps)) for p in step(channels)]
        if left > 1:
            parts.append(OnHalf(part(channels - channels // 2, left - 1)))
        return AtHalfSize(*parts)

    shape = (channels, *sides)
    map_of = part(channels, sizes)
    return Flow(Logit(margin), map_of, event_shape=shape, condition=condition)
