"""What a recipe is: how one model of the zoo is made and measured, as code."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ..core import Model
from ..data import Batches
from ..training import warmup_cosine
from .measure import Measure
from .sources import Part, Source

__all__ = [
    "Recipe",
    "Start",
    "adam",
    "adams",
    "adamw",
    "channels_last",
    "muon",
    "seldom",
    "shuffled",
    "warmed_up",
]


def adam(lr: float) -> Callable[[Model], Optimizer]:
    """One Adam for all weights."""
    return lambda model: torch.optim.Adam(model.parameters(), lr=lr, fused=True)


def adamw(
    lr: float, decay: float, betas: tuple[float, float] = (0.9, 0.99)
) -> Callable[[Model], Optimizer]:
    """One AdamW for all weights; matrices decay, vectors do not."""

    def optimizer(model: Model) -> Optimizer:
        matrices = [p for p in model.parameters() if p.ndim > 1]
        vectors = [p for p in model.parameters() if p.ndim < 2]
        groups: Any = [{"params": matrices}]
        if vectors:
            groups.append({"params": vectors, "weight_decay": 0.0})
        how: Any = {"lr": lr, "betas": betas, "weight_decay": decay, "fused": True}
        return torch.optim.AdamW(groups, **how)

    return optimizer


def adams(
    lr: float, betas: tuple[float, float]
) -> Callable[[Model], dict[str, Optimizer]]:
    """One Adam for each player's weights."""
    how: Any = {"lr": lr, "betas": betas, "fused": True}
    return lambda model: {
        player: torch.optim.Adam(weights, **how)
        for player, weights in model.players().items()
    }


def muon(lr: float, others: float, decay: float = 0.1) -> Callable[[Any], Optimizer]:
    """Muon for the matrices of the blocks in ``model.net``, Adam for all other weights.

    Muon makes the momentum of a matrix nearly orthogonal before each step, so that it
    moves all directions alike. Jordan et al. (2024). Needs PyTorch 2.9.

    Args:
        lr: Muon's rate.
        others: Adam's.
        decay: of the matrices.
    """

    def optimizer(model: Any) -> Optimizer:
        from torch.optim import Muon  # not there before PyTorch 2.9

        matrices = [p for p in model.net.blocks.parameters() if p.ndim == 2]
        mine = {id(p) for p in matrices}
        rest = [p for p in model.parameters() if id(p) not in mine]
        adam = torch.optim.Adam(rest, lr=others, betas=(0.9, 0.99), fused=True)
        return Together(Muon(matrices, lr=lr, weight_decay=decay), adam)

    return optimizer


class Together(Optimizer):
    """Several optimizers that make their steps together, as the one of a player.

    The numbers that a card holds, ``defaults``, are those of the first.
    """

    def __init__(self, *parts: Optimizer):
        self.parts = parts
        super().__init__([g for part in parts for g in part.param_groups], {})
        self.defaults = parts[0].defaults

    def step(self, closure: Any = None) -> None:
        for part in self.parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"]):
            part.load_state_dict(state)
        self.param_groups = [g for part in self.parts for g in part.param_groups]


def channels_last(model: Any) -> Any:
    """Convolutions are faster on a CPU where the channels of a pixel lie together."""
    return model.to(memory_format=torch.channels_last)


_adam = adam(1e-3)


def seldom(penalty: Callable[..., Tensor], every: int = 4) -> Callable[..., Tensor]:
    """A critic's penalty in one step of ``every``, by chance, and then ``every`` times.

    The same in expectation, and cheaper: Karras et al. (2020), appendix B, who take
    every 16th step.
    """

    def now_and_then(critic: Any, real: Tensor, fake: Tensor) -> Tensor:
        if torch.rand(()) >= 1 / every:
            return torch.zeros((), device=real.device)
        return every * penalty(critic, real, fake)

    return now_and_then


def shuffled(
    part: Part, *, batch_size: int, seed: int, device: torch.device
) -> Batches:
    """The examples in an order of their own in each epoch."""
    how: Any = {"batch_size": batch_size, "seed": seed, "device": device}
    return Batches(part.x, part.c, transform=part.transform, **how)


def warmed_up(steps: int) -> Callable[[int], float]:
    """Up over the first tenth, or 500 steps, then a cosine to 0."""
    return warmup_cosine(steps, warmup=min(500, steps // 10))


def straight(steps: int) -> Callable[[int], float]:
    """Up over the first tenth, then straight down to 0."""
    warmup = max(1, steps // 10)
    return lambda step: min(
        (step + 1) / warmup, (steps - step) / max(1, steps - warmup)
    )


@dataclass(frozen=True)
class Start:
    """Another entry's weights to start from, and the part of the model they go to."""

    entry: str
    part: Callable[[Any], nn.Module] = lambda model: model


@dataclass(frozen=True)
class Recipe:
    """How one model is made, and what is measured of it.

    Attributes:
        source: the set that it is trained on and measured with.
        model: makes the untrained model.
        steps: updates at the scales (smoke, cpu, gpu); a card says how many made its
            weights.
        measures: what its card and the results page hold of it.
        optimizer: from the model to its optimizer, or to one for each player.
        batches: from the training part to the stream of batches, with its place in
            ``state_dict``, so that a run can be resumed.
        schedule: from the number of steps to the factor of the learning rate.
        ema: decay of the average of the weights, which is what is kept.
        clip: largest norm of each player's gradient.
        autocast: dtype of the losses in training. Not bfloat16 for 8-bit likelihoods:
            near 1 a bfloat16 mean is as coarse as the data's own levels.
        start: the entry whose weights training starts from.
        finish: called with the averaged model and the training part at the end.
        ships: the weights are in the package; if not, in the repository's folder
            ``weights``, from where they are fetched when they are first loaded.
        bits: of a weight of a matrix in the file: 16 is half precision; 12 or 8 where
            the measures do not suffer.
        bytes_note: why the weights take more than an entry's share of the package.
    """

    name: str
    title: str
    source: Source
    model: Callable[[], Model]
    steps: tuple[int, int, int]
    measures: tuple[Measure, ...]
    optimizer: Callable[[Any], Optimizer | dict[str, Optimizer]] = _adam
    batch_size: int = 128
    batches: Callable[..., Any] = shuffled
    schedule: Callable[[int], Callable[[int], float]] | None = warmed_up
    ema: float = 0.999
    clip: float | None = None
    autocast: torch.dtype | None = None
    start: Start | None = None
    finish: Callable[[Any, Part], None] | None = None
    ships: bool = True
    bits: int = 16
    bytes_note: str = ""
