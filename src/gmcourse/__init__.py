"""gmcourse: the library of a course on deep generative models.

Every model of the book lives here, tested against mathematics: ``gmcourse.mixtures``,
``gmcourse.autoencoders`` and ``gmcourse.vae``. See the book for the explanations.
"""

import importlib
import pkgutil
from typing import Any

from . import data
from .checks import check, hint
from .conditions import Labels, Like
from .core import GenerativeModel, Model
from .settings import budget, default_device, scale, seeded, spread
from .state import EMA, load, save
from .training import Step, train, warmup_cosine

__version__ = "0.1.0"
__all__ = [
    "EMA",
    "GenerativeModel",
    "Labels",
    "Like",
    "Model",
    "Step",
    "budget",
    "check",
    "data",
    "default_device",
    "hint",
    "load",
    "save",
    "scale",
    "seeded",
    "spread",
    "train",
    "warmup_cosine",
]


def __getattr__(name: str) -> Any:
    """The other modules, imported at their first use: ``gm.zoo``, ``gm.plots``, …"""
    path = f"{__name__}.{name}"
    if not name.startswith("_"):
        try:
            return importlib.import_module(path)
        except ModuleNotFoundError as error:
            if error.name != path:
                raise
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    modules = {module.name for module in pkgutil.iter_modules(__path__)}
    return sorted(name for name in {*globals(), *modules} if name != "__main__")
