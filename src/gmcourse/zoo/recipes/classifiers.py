"""The classifiers whose features measure distances between sets of images."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ...classifiers import FeatureClassifier
from ..making import Recipe
from ..measure import Accuracy
from ..sources import FACES, FASHION, MNIST, Images


def _face_labels(part: Any) -> Tensor:
    """What a face's features must tell apart: the accessories and the skin."""
    skin = part.attributes[:, part.info.columns.index("skinColor")].long()
    return part.c + 8 * skin


def _classifier(
    source: Images,
    heads: tuple[int, ...],
    labels: Callable[[Any], Tensor] | None = None,
) -> Recipe:
    quick = Accuracy(n=500, tolerance=0.3)
    return Recipe(
        name=f"classifier-{source.name.split('_')[0]}",
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
)
