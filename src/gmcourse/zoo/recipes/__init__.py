"""The recipes of the shipped models: one file a topic, joined here.

A file of recipes holds ``RECIPES``, a tuple; it is found by being there.
"""

import importlib
import pkgutil

from ..making import Recipe

__all__ = ["RECIPES"]


def _joined() -> dict[str, Recipe]:
    found: dict[str, Recipe] = {}
    for topic in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        module = importlib.import_module(f"{__name__}.{topic}")
        for recipe in module.RECIPES:
            if recipe.name in found:
                raise ValueError(f"two recipes are named {recipe.name!r}")
            found[recipe.name] = recipe
    return found


RECIPES: dict[str, Recipe] = _joined()
