"""The classifiers whose features measure distances between sets of images."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...classifiers import FeatureClassifier
from ...phrases import TRAITS, traits
from ..making import Recipe
from ..measure import Accuracy
from ..sources import FACES, FASHION, MNIST, Images


def _face_labels(part: Any) -> Tensor:
    """What a face's features must tell apart: the accessories and the skin."""
    skin = part.attributes[:, part.info.columns.index("skinColor")].long()
    return part.c + 8 * skin


_VALUES = tuple(map(len, TRAITS.values()))


def _trait_labels(part: Any) -> Tensor:
    """The traits of a face as one number; the first counts the fastest."""
    label, unit = 0, 1
    for values, count in zip(traits(part).T, _VALUES):
        label, unit = label + unit * values, unit * count
    return torch.as_tensor(label)


def _classifier(
    source: Images,
    heads: tuple[int, ...],
    labels: Callable[[Any], Tensor] | None = None,
    name: str = "",
) -> Recipe:
    quick = Accuracy(n=500, tolerance=0.3)
    return Recipe(
        name=f"classifier-{name or source.name.split('_')[0]}",
        title="feature classifier",
        source=source.labeled(labels),
        model=lambda: FeatureClassifier(source.shape, heads),
        steps=(20, 2_000, 20_000),
        measures=(Accuracy(n=10_000, tolerance=0.1, quick=quick),),
        autocast=torch.bfloat16,
    )


RECIPES = (
    _classifier(MNIST, (10,)),
    _classifier(FASHION, (10,)),
    _classifier(FACES, (8, 8), _face_labels),
    _classifier(FACES, _VALUES, _trait_labels, "traits"),
)
