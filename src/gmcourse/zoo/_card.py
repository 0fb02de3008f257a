"""The card of weights that were just made, before anything is measured."""

import hashlib
import platform
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ..core import Model
from ..nets import count_parameters
from ..settings import default_device
from .making import Recipe
from .sources import Part


def new_card(
    entry: Recipe, model: nn.Module, part: Part, weights: Path
) -> dict[str, Any]:
    """What is known of weights without measuring them."""
    device = default_device()
    record = {
        "name": entry.name,
        "title": entry.title,
        "data": {
            "name": entry.source.name,
            "title": entry.source.title,
            "examples": len(part),
            "is_sample": part.is_sample,
        },
        "recipe": {
            "batch_size": entry.batch_size,
            "ema": entry.ema,
            "clip": entry.clip,
            "start": None if entry.start is None else entry.start.entry,
            "autocast": _name(entry.autocast),
            "bits": entry.bits,
        },
        "parameters": count_parameters(model.requires_grad_(True)),
        "ships": entry.ships,
        "bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "device": torch.cuda.get_device_name() if device.type == "cuda" else "CPU",
        "threads": torch.get_num_threads(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }
    return record | ({"bytes_note": entry.bytes_note} if entry.bytes_note else {})


def players_of(
    model: Model, optimizer: Optimizer | dict[str, Optimizer]
) -> dict[str, dict[str, Any]]:
    """Each player's optimizer, with the numbers that it was made with."""
    if isinstance(optimizer, Optimizer):
        optimizer = {next(iter(model.players())): optimizer}
    told = ("lr", "betas", "momentum", "weight_decay")
    return {
        player: {
            "name": type(o).__name__,
            **{key: o.defaults[key] for key in told if o.defaults.get(key)},
        }
        for player, o in optimizer.items()
    }


def _name(dtype: torch.dtype | None) -> str | None:
    return None if dtype is None else str(dtype).removeprefix("torch.")
