"""A first model in training: one coin for each pixel."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from .._arguments import finite, positive
from ._bytes import in_base64, png
from .figure import Live


class PixelCoins(Live):
    """Gradient descent on the logits of independent pixels, run in the page.

    The loss is the mean of -log p(x) over all ways to binarize all pictures of a set.
    It depends on the mean picture m alone, its least value is the entropy of coins with
    the probabilities m, and its gradient in a logit is p - m. Under the probabilities
    stand draws of the model, each from the same uniform numbers at every step.

    Args:
        means: mean pictures, one for each set, with values in [0, 1]; kept in 8 bits.
        names: of the sets, for the buttons; the first is shown at first.
        rate: learning rate at first, a power of two from 1/4 to 64.
        title, label: as of `Live`.
        wander: it trains, and begins anew with the next set, until touched, as of
            `Live`.

    Raises:
        ValueError: means of another shape or range, not one name for each, or another
            rate.

    In the page the container holds
    ``gm = {step(), choose(index), anew(), rate(value), get()}``.
    """

    kind = "coins"

    def __init__(
        self,
        means: Float[Tensor, "sets 1 h w"],
        names: Sequence[str] = ("all",),
        *,
        rate: float = 1.0,
        title: str = "",
        label: str = "Independent pixels in training",
        wander: bool = True,
    ) -> None:
        if means.ndim != 4 or means.shape[1] != 1 or len(names) != len(means) > 0:
            raise ValueError(
                f"means have shape {tuple(means.shape)}, with {len(names)} names; "
                "expected (sets, 1, h, w) and one name a set"
            )
        means = finite("means", means)
        if means.min() < 0 or means.max() > 1:
            raise ValueError(
                f"means lie in [{means.min():.3g}, {means.max():.3g}]; expected [0, 1]"
            )
        power = torch.tensor(positive("rate", rate)).log2().item()
        if power % 1 or not -2 <= power <= 6:
            raise ValueError(f"rate is {rate}; expected a power of two, 1/4 to 64")
        levels = (255 * means).round().to(torch.uint8)
        data = {
            "means": in_base64(levels.numpy().tobytes()),
            "shape": list(means.shape[2:]),
            "names": list(map(str, names)),
            "power": int(power),
        }
        caption = "The mean picture, and eight draws of the best coins."
        super().__init__(data, png(_still(levels[0])), caption, title, label, wander)


def _still(mean: UInt8[Tensor, "1 h w"]) -> UInt8[Tensor, "1 h2 w2"]:
    """The mean, four times as large, over two rows of four draws."""
    uniform = torch.rand(8, *mean.shape, generator=torch.Generator().manual_seed(0))
    draws = (255 * uniform < mean).to(torch.uint8) * 255
    sheet = draws.view(2, 4, *mean.shape[1:]).permute(0, 2, 1, 3).flatten(0, 1)
    large = mean[0].repeat_interleave(4, 0).repeat_interleave(4, 1)
    return torch.cat([large, sheet.flatten(1)])[None]
