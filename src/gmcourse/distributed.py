"""One training in several processes, by PyTorch's own engine.

Each process holds the model and sees a part of each batch; the gradients are averaged
while they are computed. Started by ``torchrun``. Built in chapter
11_steering_and_scale.
"""

from typing import Any

from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from .core import Model

__all__ = ["Replicated"]


class _Loss(nn.Module):
    """A model whose forward is its loss: what the engine can wrap."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, c: Tensor | None = None) -> Tensor:
        return self.model.loss(x, c)


class Replicated(Model):
    """A model for ``train`` whose gradients are averaged over all processes.

    The gradient is that of the mean of the processes' losses, which is the loss of one
    batch where their parts are equally large. Weights are those of the first process at
    the start, and buffers at each loss; the random streams stay each process's own, so
    give each its own seed, and with ``resume`` its own file. Average, evaluate and save
    ``model``, which holds the same weights: a loss of this one waits for all processes.

    Args:
        model: of one player, on this process's device.

    Raises:
        RuntimeError: the processes have not been joined: call
            ``torch.distributed.init_process_group`` before.
        ValueError: the model has several players.

    Li et al. (2020).
    """

    def __init__(self, model: Model):
        super().__init__()
        if not distributed.is_initialized():
            raise RuntimeError(
                "no process group: call torch.distributed.init_process_group(), in a "
                "script that torchrun starts"
            )
        if len(model.players()) != 1:
            raise ValueError(f"the players are {list(model.players())}; expected one")
        self.event_shape, self.dtype, self.levels = (
            model.event_shape,
            model.dtype,
            model.levels,
        )
        self.condition = model.condition
        self.engine = DistributedDataParallel(_Loss(model))

    def at(self, step: int) -> None:
        self.engine.module.model.at(step)

    def loss(self, x: Tensor, c: Tensor | None = None) -> Any:
        return self.engine(x, c)
