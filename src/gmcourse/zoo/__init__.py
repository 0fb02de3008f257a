"""The zoo: small trained models that come with the course.

Each entry is a recipe (code), weights (safetensors, in half precision or fewer bits)
and a card (JSON): what it was trained on, for how long, where, and what it scores. What
the results page says of these models comes from nowhere else. All cards are in the
package, and the weights that chapters load; others lie in the repository's folder
``weights`` and are fetched, and verified, when they are first loaded.

Example:
    >>> from gmcourse import zoo
    >>> vae = zoo.load("vae-mnist")
    >>> vae.sample(2).shape
    torch.Size([2, 1, 28, 28])
"""

import difflib
import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from .._files import write_json
from ..settings import default_device, scale, seeded
from ..state import EMA, check_fit
from ..training import train as _train
from . import _weights
from ._card import new_card, players_of
from .making import Recipe
from .recipes import RECIPES

SAVE_SECONDS = 60.0  # how much of a run a kill may cost

__all__ = [
    "card",
    "cards",
    "evaluate",
    "experiment",
    "fetch",
    "load",
    "names",
    "recipe",
    "train",
]


def names() -> list[str]:
    """Names of the entries that have a card."""
    return [name for name in RECIPES if (_weights.PACKAGE / f"{name}.json").exists()]


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


def card(name: str, folder: str | os.PathLike | None = None) -> dict[str, Any]:
    """The card of an entry, as plain data; of the one in ``folder``, if given.

    Raises:
        ValueError: there is no such entry, or its card is damaged.
        FileNotFoundError: it has a recipe, but was not trained yet.
    """
    return _weights.card(recipe(name).name, folder)


def cards() -> list[dict[str, Any]]:
    """All cards, in the order of the recipes."""
    return [card(name) for name in names()]


def experiment(name: str) -> dict[str, Any]:
    """What a script of ``benchmarks`` measured of many trainings, as plain data.

    Its ``runs`` are ``{case: {seed: {measure: value}}}``; beside them stand the
    settings and the machine.

    Raises:
        ValueError: there is no such record; the message lists those that are there.
    """
    folder = _weights.PACKAGE.with_name("experiments")
    known = {path.stem: path for path in sorted(folder.glob("*.json"))}
    if name not in known:
        raise ValueError(f"no experiment {name!r} is on record; known: {list(known)}")
    return json.loads(known[name].read_text(encoding="utf-8"))


def load(
    name: str,
    device: torch.device | str = "cpu",
    folder: str | os.PathLike | None = None,
) -> Any:
    """A trained model of the zoo, in eval mode.

    Its weights are in the package, or in the repository's folder ``weights`` where
    this is a clone of it, or else they are fetched from there, once: see
    ``gmcourse.data`` for the places and the variables. With ``folder`` they are looked
    for there only.

    Raises:
        ValueError: no such entry, or the weights are damaged or another model's.
        FileNotFoundError: they are not in ``folder``, or were not made yet.
        data.Unavailable: they could not be fetched; the message says what to do.
        data.Damaged: a file of theirs in GMCOURSE_DATA is another one.
    """
    entry = recipe(name)
    tensors, meta, where = _weights.read(name, folder)
    with seeded(0):
        model = entry.model()
    check_fit(model, {k: tuple(v.shape) for k, v in tensors.items()}, meta, where)
    model.load_state_dict(tensors)
    return model.to(device).eval()


def fetch(name: str) -> str:
    """Get an entry's weights where they are not in the package; say where they are.

    Raises:
        As :func:`load`; and data.Unavailable where they could not be kept.
    """
    return str(_weights.read(recipe(name).name, must_keep=True)[2])


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
    part, run = entry.source.part("train"), folder / f"{name}.run"
    with seeded(seed), _Clock(folder / f"{name}.run.seconds") as clock:
        model = entry.model()
        if entry.start is not None:
            there = (folder / f"{entry.start.entry}.json").exists()
            start = load(entry.start.entry, folder=folder if there else None)
            entry.start.part(model).load_state_dict(start.state_dict())
        model.to(device)
        optimizer, ema = entry.optimizer(model), EMA(model, entry.ema)
        batches = entry.batches(
            part, batch_size=entry.batch_size, seed=seed, device=device
        )
        for _ in _train(
            model,
            batches,
            optimizer,
            steps=steps,
            ema=ema,
            autocast=entry.autocast,
            clip=entry.clip,
            schedule=None if entry.schedule is None else entry.schedule(steps),
            resume=run,
            save_seconds=SAVE_SECONDS,
            progress=progress,
        ):
            clock.tick(SAVE_SECONDS / 3)
        if entry.finish is not None:
            entry.finish(ema.model, part)
    path = folder / f"{name}.safetensors"
    weights = _weights.write(ema.model, path, entry.bits)
    record = new_card(entry, ema.model, part, weights)
    record["recipe"] |= {"steps": steps, "optimizers": players_of(model, optimizer)}
    record |= {"seed": seed, "minutes": clock.minutes(), "metrics": {}}
    write_json(folder / f"{name}.json", record)
    for leftover in (run, run.with_name(run.name + ".previous"), clock.path):
        leftover.unlink(missing_ok=True)
    return card(name, folder)


def evaluate(
    name: str, folder: str | os.PathLike | None = None, *, quick: bool = False
) -> dict[str, dict[str, Any]]:
    """Measure an entry's weights anew: ``{measure: record}``.

    ``quick`` computes the small deterministic version that the tests compare.
    """
    entry, model = recipe(name), load(name, default_device(), folder)
    chosen = {m.key: m.quick if quick else m for m in entry.measures}
    return {k: m.run(model, entry.source) for k, m in chosen.items() if m is not None}


class _Clock:
    """Seconds of training, those before an interruption included."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self) -> "_Clock":
        found = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.before = {"wall": 0.0, "cpu": 0.0} | found
        self.started = self.kept = time.monotonic(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.keep()

    def seconds(self) -> dict[str, float]:
        now = {"wall": time.monotonic(), "cpu": time.process_time()}
        begun = dict(zip(now, self.started))
        return {k: self.before[k] + now[k] - begun[k] for k in now}

    def minutes(self) -> dict[str, float]:
        return {k: round(v / 60, 2) for k, v in self.seconds().items()}

    def tick(self, every: float) -> None:
        """Keep the seconds now and then: a process may be killed."""
        if time.monotonic() - self.kept[0] >= every:
            self.keep()

    def keep(self) -> None:
        self.kept = time.monotonic(), time.process_time()
        write_json(self.path, self.seconds())
