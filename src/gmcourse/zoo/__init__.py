"""The zoo: small trained models that ship with the course.

Each entry is a recipe (code), weights (safetensors, half precision) and a card (JSON):
what it was trained on, for how long, where, and what it scores. What the results page
says of these models comes from nowhere else.

Example:
    >>> from gmcourse import zoo
    >>> vae = zoo.load("vae-mnist")
    >>> vae.sample(2).shape
    torch.Size([2, 1, 28, 28])
"""

import difflib
import hashlib
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import checkpoint, data
from ..nets import count_parameters
from ..settings import default_device, scale, seeded
from ..state import EMA
from ..state import load as load_weights
from ..training import train as _train
from ..training import warmup_cosine
from .measure import measures
from .recipes import RECIPES, Recipe

__all__ = ["card", "cards", "evaluate", "load", "names", "recipe", "train"]

FOLDER = Path(__file__).with_name("weights")


def names() -> list[str]:
    """Names of the entries whose weights ship."""
    return [name for name in RECIPES if (FOLDER / f"{name}.json").exists()]


def recipe(name: str) -> Recipe:
    """The recipe of an entry.

    Raises:
        ValueError: there is no such entry; the message suggests the closest names.
    """
    if name in RECIPES:
        return RECIPES[name]
    close = difflib.get_close_matches(name, RECIPES, n=3, cutoff=0.4)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known: {list(RECIPES)}"
    raise ValueError(f"the zoo has no entry {name!r}; {hint}")


def card(name: str, folder: str | os.PathLike = FOLDER) -> dict[str, Any]:
    """The card of an entry, as plain data.

    Raises:
        ValueError: there is no such entry, or its card is damaged.
        FileNotFoundError: it has a recipe, but no weights in ``folder``.
    """
    path = Path(folder) / f"{recipe(name).name}.json"
    if not path.exists():
        raise FileNotFoundError(
            f"{name} has a recipe but no weights at {path}: make them with "
            f"'gmcourse zoo train {name}'"
        )
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is damaged: {error}. Restore it from a copy, or install the "
            "package anew"
        ) from error


def cards() -> list[dict[str, Any]]:
    """All cards, in the order of the recipes."""
    return [card(name) for name in names()]


def load(
    name: str, device: torch.device | str = "cpu", folder: str | os.PathLike = FOLDER
) -> Any:
    """A trained model of the zoo, in eval mode.

    Raises:
        ValueError: no such entry, or the weights are damaged or another model's.
        FileNotFoundError: the recipe's weights are not in ``folder``.
    """
    path, entry = Path(folder) / f"{name}.safetensors", recipe(name)
    if not path.exists():
        card(name, folder)  # says what is missing and how to make it
    with seeded(0):
        model = entry.build()
    load_weights(model, path)
    return model.to(device).eval()


def train(
    name: str,
    folder: str | os.PathLike,
    *,
    seed: int = 0,
    steps: int | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Make an entry from its recipe: weights and card, written to ``folder``.

    The run can be stopped and started again: it is kept beside the weights as
    ``<name>.run`` until it ends. ``steps`` replaces the number of the scale at hand.
    Returns the card, without measurements: :func:`evaluate` adds them.
    """
    entry, device, folder = recipe(name), default_device(), Path(folder)
    if steps is None:
        steps = entry.steps[("smoke", "cpu", "gpu").index(scale())]
    part = data.load(entry.source.name, "train")
    labels = None if entry.labels is None else entry.labels(part)
    with seeded(seed):
        model = entry.build()
        if entry.start is not None:
            start = load(entry.start, folder=_holder(entry.start, folder))
            model.get_submodule("vae").load_state_dict(start.state_dict())
        model.to(device)
        batches = data.Batches(
            part.x,
            labels,
            batch_size=entry.batch_size,
            transform=entry.source.transform,
            device=device,
            seed=seed,
        )
        adam = torch.optim.Adam(model.parameters(), lr=entry.lr, fused=True)
        ema, run = EMA(model, entry.ema), folder / f"{name}.run"
        wall, cpu = time.monotonic(), time.process_time()
        for _ in _train(
            model,
            batches,
            adam,
            steps=steps,
            ema=ema,
            autocast=torch.bfloat16 if entry.bfloat16 else None,
            clip=entry.clip,
            schedule=warmup_cosine(steps, warmup=min(500, steps // 10)),
            resume=run,
            progress=progress,
        ):
            pass
        seconds = {"wall": time.monotonic() - wall, "cpu": time.process_time() - cpu}
    if entry.kind == "ae":
        ema.model.fit(entry.source.transform(part.x).to(device))
    _write_weights(ema.model, folder / f"{name}.safetensors")
    for leftover in (run, run.with_name(run.name + ".previous")):
        leftover.unlink(missing_ok=True)
    record = _card(entry, ema.model, part, seed, steps, seconds, folder)
    _write_json(folder / f"{name}.json", record)
    return record


def evaluate(
    name: str, folder: str | os.PathLike = FOLDER, *, quick: bool = False
) -> dict[str, dict[str, Any]]:
    """Measure an entry's weights anew: ``{measure: record}``.

    ``quick`` computes the small deterministic version that CI compares.
    """
    entry, model = recipe(name), load(name, default_device(), folder)
    return {m.key: m.run(entry, model, quick=quick) for m in measures(entry)}


def _holder(name: str, folder: Path) -> Path:
    """Where an entry's weights are: the folder at hand, else the shipped ones."""
    return folder if (folder / f"{name}.safetensors").exists() else FOLDER


def _write_weights(model: nn.Module, path: Path) -> None:
    half = {
        key: value.half() if value.is_floating_point() else value
        for key, value in model.state_dict().items()
    }
    checkpoint.write(path, half, {"model": type(model).__name__})
    path.with_name(path.name + ".previous").unlink(missing_ok=True)


def _card(
    entry: Recipe,
    model: nn.Module,
    part: Any,
    seed: int,
    steps: int,
    seconds: dict[str, float],
    folder: Path,
) -> dict[str, Any]:
    weights = folder / f"{entry.name}.safetensors"
    device = default_device()
    kind = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    return {
        "name": entry.name,
        "title": entry.title,
        "kind": entry.kind,
        "data": {
            "name": entry.source.name,
            "title": entry.source.title,
            "examples": len(part.x),
            "is_sample": part.info.is_sample,
        },
        "recipe": {
            "steps": steps,
            "batch_size": entry.batch_size,
            "lr": entry.lr,
            "ema": entry.ema,
            "clip": entry.clip,
            "start": entry.start,
            "autocast": "bfloat16" if entry.bfloat16 else None,
        },
        "parameters": count_parameters(model.requires_grad_(True)),
        "bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "seed": seed,
        "device": kind,
        "threads": torch.get_num_threads(),
        "minutes": {k: round(v / 60, 2) for k, v in seconds.items()},
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "metrics": {},
    }


def _write_json(path: Path, record: dict[str, Any]) -> None:
    temporary = path.with_name(path.name + ".tmp")
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
