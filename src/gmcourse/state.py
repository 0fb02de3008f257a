"""What is kept of a model: the average of its weights, and its file."""

import copy
import os
from typing import Any

import torch
from torch import Tensor, nn

from . import checkpoint

__all__ = ["EMA", "load", "save"]


def plain_name(name: str) -> str:
    """The name of a weight without what torch.compile puts into it."""
    return name.replace("_orig_mod.", "")


def weights(model: nn.Module) -> dict[str, Tensor]:
    """``model.state_dict()``, named alike whether parts of it are compiled or not."""
    return {plain_name(k): v for k, v in model.state_dict().items()}


def put(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Give ``model`` the `weights` of a model like it."""
    model.load_state_dict({k: tensors[plain_name(k)] for k in model.state_dict()})


class EMA:
    """An exponential moving average of a model's weights, as a second model.

    After update ``k`` the average moves by ``1 - min(decay, (1 + k) / (10 + k))``
    toward the model: the ramp lets it forget the initial weights. Buffers are copied.

    Attributes:
        model: the average, in eval mode and without gradients: what to evaluate.
        online: the model in training.

    Raises:
        ValueError: ``decay`` is not in [0, 1), or the model cannot be copied.

    Example:
        >>> net = nn.Linear(1, 1)
        >>> ema = EMA(net, decay=0.999)
        >>> ema.update()  # train() calls this after each step
        >>> ema.model is net
        False
    """

    def __init__(self, model: nn.Module, decay: float = 0.999):
        if not 0.0 <= decay < 1.0:
            raise ValueError(f"decay is {decay}; expected 0 <= decay < 1")
        self.online, self.decay, self.updates = model, decay, 0
        self.model: Any
        try:
            self.model = copy.deepcopy(model).eval().requires_grad_(False)
        except RuntimeError as error:
            raise ValueError(
                f"{type(model).__name__} cannot be copied: it keeps a tensor with its "
                "graph, the output of a layer for instance. Build EMA(model) before "
                "the first loss, or keep such tensors detached"
            ) from error

    @torch.no_grad()
    def update(self) -> None:
        """Move the average one step toward the model's present weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        average: list[Tensor] = []
        current: list[Tensor] = []
        pairs = zip(self.model.parameters(), self.online.parameters())
        for kept, seen in pairs:
            if kept.is_floating_point():
                average.append(kept)
                current.append(seen)
        if average:
            torch._foreach_lerp_(average, current, 1.0 - decay)
        for kept, seen in zip(self.model.buffers(), self.online.buffers()):
            kept.copy_(seen)


def save(model: nn.Module, path: str | os.PathLike, **meta: Any) -> None:
    """Write a model's weights to one safetensors file, atomically.

    A file already there is kept as ``<path>.previous``; ``meta`` (JSON values) is
    returned by :func:`load`.

    Raises:
        OSError: the disk is full, the folder cannot be written, or ``path`` is a
            folder; what was there is untouched.
        TypeError: ``meta`` holds what JSON cannot.
    """
    checkpoint.write(
        path, weights(model), {"model": type(model).__name__, "meta": meta}
    )


def load(model: nn.Module, path: str | os.PathLike) -> dict[str, Any]:
    """Read weights written by :func:`save` into ``model``; return their ``meta``.

    Raises:
        FileNotFoundError, IsADirectoryError: no file is there.
        ValueError: the file is damaged, or holds another model or a run of ``train``;
            ``model`` is unchanged.
    """
    tensors, meta = checkpoint.read(path)
    if "run" in meta:
        raise ValueError(
            f"{path} holds a run, of step {meta['step']}: pass it to "
            "train(…, resume=path), and save the weights with save"
        )
    check_fit(model, {k: tuple(v.shape) for k, v in tensors.items()}, meta, path)
    put(model, tensors)
    return meta.get("meta", {})  # the zoo's own files have none


def check_fit(model: nn.Module, shapes: dict, meta: dict, path: Any) -> None:
    """Raise unless weights of these names and shapes belong to ``model``."""
    want = {k: tuple(v.shape) for k, v in weights(model).items()}
    if shapes == want:
        return
    differ = sorted(k for k in shapes | want if shapes.get(k) != want.get(k))
    first = differ[0]
    text = (
        f"{path} holds the weights of another model ({meta.get('model')}): "
        f"{first!r} is {shapes.get(first, 'missing')} there and "
        f"{want.get(first, 'missing')} in this {type(model).__name__}"
    )
    if len(differ) > 1:
        text += f", and {len(differ) - 1} more differ"
    raise ValueError(text)
