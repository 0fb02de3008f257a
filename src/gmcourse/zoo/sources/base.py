"""What a set is to a model."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ...settings import seeded

__all__ = ["Part", "Source", "draws"]


@dataclass(frozen=True)
class Part:
    """Examples as they are stored, and what turns them into what a model sees.

    Attributes:
        x: ``(n, ...)``: pixels, tokens, points.
        c: what a model is told, or is to tell, of each; None without.
        transform: applied to each batch of ``x``; None leaves it as it is.
        is_sample: it stands in for a larger set that was not found.
    """

    x: Tensor
    c: Tensor | None = None
    transform: Callable[[Tensor], Tensor] | None = None
    is_sample: bool = False

    def __len__(self) -> int:
        return len(self.x)

    def first(self, n: int | None = None) -> tuple[Tensor, Tensor | None]:
        """The first ``n`` examples as a model sees them; all where there are fewer."""
        x = self.x[:n] if self.transform is None else self.transform(self.x[:n])
        return x, None if self.c is None else self.c[:n]


@dataclass(frozen=True)
class Source:
    """A set as models see it; abstract.

    Attributes:
        name: of the set; models of equal names stand in one table of the results.
        title: with what was done to it.
    """

    name: str
    title: str

    def part(self, split: str) -> Part:
        """The part ``"train"`` or ``"test"``."""
        raise NotImplementedError(f"{type(self).__name__} does not define its parts")


def draws(examples: int, split: str, draw: Callable[[int], Tensor]) -> Tensor:
    """The same draws each time; the test part has others, and a tenth as many."""
    if split not in ("train", "test"):
        raise ValueError(f"split is {split!r}; expected 'train' or 'test'")
    train = split == "train"
    with seeded(1 if train else 2):
        return draw(examples if train else examples // 10)
