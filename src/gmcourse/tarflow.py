"""A transformer autoregressive flow of images: patch by patch, in both directions.

An image is cut into patches, and a patch is moved as a transformer says that has seen
those before it; from block to block the order turns round. Also here are what makes its
draws good: guidance toward a label, and the removal of the noise that it was trained
with. Zhai et al. (2024), in small. Built in chapter 08_normalizing_flows.
"""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, nonnegative, shape_of
from .attention import Transformer
from .autoregressive_flows import Conditionals, now
from .conditions import Labels
from .core import GenerativeModel, evaluating
from .flows import Bijection, Flow, Inverse, Permute, silent
from .monotone import Affine, Monotone

__all__ = ["Guided", "Patches", "TokenNet", "denoise", "guide", "tarflow"]


class Patches(Bijection):
    """An image as a sequence of square patches, by rows; the volume stays.

    From ``(b, channels, height, width)`` to ``(b, patches, values)``. Built in chapter
    08_normalizing_flows.

    Args:
        event_shape: of the image.
        side: of a patch.

    Raises:
        ValueError, TypeError: the shape is no image's, or a side of it is no multiple
            of a patch's.
    """

    def __init__(self, event_shape: tuple[int, ...], side: int):
        super().__init__()
        channels, *sides = shape_of("event_shape", event_shape)
        self.side = integer("side", side)
        if len(sides) != 2 or any(s % side for s in sides):
            raise ValueError(
                f"event_shape is {tuple(event_shape)}; expected (channels, height, "
                f"width), the last two multiples of the side of a patch, {side}"
            )
        self.grid = sides[0] // side, sides[1] // side
        self.number = self.grid[0] * self.grid[1]
        self.values = channels * side**2

    def to_latent(self, x, c=None):
        values = F.pixel_unshuffle(x, self.side)  # (b, values, rows, columns)
        return values.flatten(2).mT, x.new_zeros(len(x))

    def from_latent(self, z, c=None):
        return F.pixel_shuffle(z.mT.unflatten(2, self.grid), self.side)


class TokenNet(nn.Module):
    """A causal transformer: what moves each token, from those before it.

    The first token has none before it, and is moved by numbers that are learned. A
    label is a vector added to each token; one more stands for no label.

    Args:
        tokens: how many.
        values: of each.
        per_value: outputs for each value.
        width, depth, heads: of the transformer, see `attention.Transformer`.
        classes: number of labels, or 0.

    Raises:
        ValueError, TypeError: a size is no positive integer, or does not fit.

    Zhai et al. (2024). Built in chapter 08_normalizing_flows.
    """

    def __init__(
        self,
        tokens: int,
        values: int,
        per_value: int = 2,
        *,
        width: int = 64,
        depth: int = 2,
        heads: int = 4,
        classes: int = 0,
    ):
        super().__init__()
        self.values, self.per_value = integer("values", values), per_value
        self.into = nn.Linear(values, integer("width", width))
        position = torch.randn(integer("tokens", tokens), width)
        self.position = nn.Parameter(0.02 * position)
        self.label = nn.Embedding(classes + 1, width) if classes else None
        self.net = Transformer(width, depth, heads)
        self.head = nn.Linear(width, per_value * values)
        silent(self.head)

    def params(
        self, x: Float[Tensor, "b t v"], c: Int[Tensor, " b"] | None = None
    ) -> Float[Tensor, "b pt v"]:
        """Of all tokens at once, ``(b, per_value · t, v)``."""
        before = F.pad(self.into(x[:, :-1]), (0, 0, 1, 0))
        h = self.net(before + self.position + self._told(x, c))
        return torch.cat(self.head(h).chunk(self.per_value, 2), 1)

    def steps(
        self, x: Float[Tensor, "b t v"], c: Int[Tensor, " b"] | None = None
    ) -> Iterator[tuple[slice, Float[Tensor, "b pv"]]]:
        """One token after the other, with the keys and values of those so far kept.

        A place is that of the token's values in an example with its axes made one.
        """
        cache, told, v = self.net.cache(), self._told(x, c), self.values
        for i, where in enumerate(self.position):
            h = told + where
            if i:
                h = h + self.into(now(x[:, i - 1 : i]))
            yield slice(v * i, v * i + v), self.head(self.net(h, cache)[:, 0])

    def _told(self, x: Tensor, c: Tensor | None) -> Float[Tensor, "b 1 width"]:
        """A vector of the label, or of none."""
        if self.label is None:
            return x.new_zeros(len(x), 1, self.position.shape[1])
        if c is None:
            c = torch.full((len(x),), self.label.num_embeddings - 1, device=x.device)
        return self.label(c)[:, None]


class Guided(nn.Module):
    """What moves each token, pushed toward what the label alone accounts for.

    Of the net's outputs, which are shift and log-scale before its limit,

        shift_w     = shift_c + w (shift_c - shift_u)
        log_scale_w = log_scale_c + w (log_scale_c - log_scale_u)

    with ``c`` for those that the label gives and ``u`` for those without one. Zhai et
    al. (2024), guidance. Built in chapter 08_normalizing_flows.
    """

    def __init__(self, net: Any, w: float):
        super().__init__()
        self.net, self.w = net, w

    def params(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        return self._pushed(self.net.params(x, c), self.net.params(x))

    def steps(self, x: Tensor, c: Tensor | None = None) -> Iterator[tuple[Any, Tensor]]:
        for (place, told), (_, plain) in zip(self.net.steps(x, c), self.net.steps(x)):
            yield place, self._pushed(told, plain)

    def _pushed(self, told: Tensor, plain: Tensor) -> Tensor:
        return told + self.w * (told - plain)


def guide(flow: Flow, w: float) -> Flow:
    """The flow with all its autoregressive parts `Guided`; the weights are shared.

    It is a flow as well: its density is exact. With ``w = 0`` it is the one given, told
    a label. That one has to be trained with and without labels, see ``dropped`` in
    `tarflow`. Built in chapter 08_normalizing_flows.

    Raises:
        ValueError: the flow is not one that can do without its label, or ``w`` is
            negative.
    """
    told, w = flow.condition, nonnegative("w", w)
    if not isinstance(told, Labels) or told.required:
        raise ValueError(
            "flow must know labels and do without: expected a condition "
            f"Labels(…, required=False), not {told}"
        )

    def guided(part: nn.Module) -> Any:
        if isinstance(part, Conditionals):
            return Conditionals(Guided(part.net, w), part.transform)
        return part

    parts = [guided(part) for part in flow.chain.parts]
    return Flow(*parts, event_shape=flow.event_shape, condition=Labels(told.classes))


def tarflow(
    event_shape: tuple[int, ...],
    transform: Monotone | None = None,
    *,
    side: int = 4,
    layers: int = 4,
    width: int = 64,
    depth: int = 2,
    heads: int = 4,
    condition: Labels | None = None,
    dropped: float = 0.0,
) -> Flow:
    """A flow of images, patch by patch; from layer to layer the order turns round.

    The density takes one pass of each transformer, and a draw goes from patch to patch.
    But for the order, it begins as the identity. Values should be about as large as
    normal ones, and have noise: ``x + sigma * torch.randn_like(x)``; see `denoise`.

    Args:
        event_shape: ``(channels, height, width)``.
        transform: of each value; `Affine` by default.
        side: of a patch.
        layers: number of autoregressive maps, each with a transformer.
        width, depth, heads: of each transformer, see `attention.Transformer`.
        dropped: the chance that a label is left out in training, for `guide`.

    Raises:
        ValueError, TypeError: a size is no positive integer, or does not fit, or
            ``dropped`` is above 0 and the label required.

    Zhai et al. (2024). Built in chapter 08_normalizing_flows.

    Example:
        >>> flow = tarflow((1, 8, 8), layers=2, width=16)
        >>> flow.log_prob(torch.zeros(3, 1, 8, 8)).shape
        torch.Size([3])
    """
    patches, transform = Patches(event_shape, side), transform or Affine()
    how = {"width": width, "depth": depth, "heads": heads}
    how["classes"] = condition.classes if condition else 0
    parts: list[Bijection] = [patches]
    for _ in range(integer("layers", layers)):
        net = TokenNet(patches.number, patches.values, transform.per_value, **how)
        turned = Permute(range(patches.number)[::-1])
        parts += [Conditionals(net, transform), turned]
    kinds = {"condition": condition, "dropped": dropped}
    return Flow(*parts, Inverse(patches), event_shape=event_shape, **kinds)


def denoise(
    model: GenerativeModel,
    y: Float[Tensor, "b ..."],
    sigma: float,
    c: Shaped[Tensor, "b ..."] | None = None,
) -> Float[Tensor, "b ..."]:
    """Without the noise: the mean of ``x`` given ``y = x + sigma · eps``.

        x̂ = y + sigma² ∇_y log p(y)

    where ``p`` is the density of ``y``, which a model has learned that was trained on
    noisy examples. Robbins (1956), after Tweedie; Miyasawa (1961); in this use Zhai et
    al. (2024). Built in chapter 08_normalizing_flows.

    Raises:
        ValueError: the model has no exact density, or ``sigma`` is negative.
    """
    if not model.exact:
        raise ValueError(f"{type(model).__name__} has no exact log_prob")
    told, variance = () if c is None else (c,), nonnegative("sigma", sigma) ** 2
    with torch.enable_grad(), evaluating(model):
        y = y.detach().requires_grad_()
        total = model.log_prob(y, *told).sum()  # type: ignore[operator]
        (score,) = torch.autograd.grad(total, y)
    return y.detach() + variance * score
