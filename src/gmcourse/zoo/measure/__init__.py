"""What is measured of a model: each measure with its own settings.

The full value is what the results page shows. The quick one uses few examples and a
fixed seed: it is recomputed at every run of the tests and must come out the same.
How a number was measured never depends on how the model was trained: a recipe names
its measures, with their settings.
"""

from .base import Measure, Result, by_parts, kind_in_words
from .labels import Accuracy, AsPhrased, AsTold
from .likelihoods import (
    DivergenceFromTruth,
    DrawnElbo,
    EstimatedBound,
    ImportanceWeightedBound,
    NegativeElbo,
    NegativeLogProb,
    NegativeLogProbOfText,
    ReconstructionError,
)
from .modes import HighQuality, ModesCovered, StacksCovered
from .molecules import DrawnMolecules
from .samples import SampleDistance, TranslationError

__all__ = [
    "Accuracy",
    "AsPhrased",
    "AsTold",
    "DivergenceFromTruth",
    "DrawnElbo",
    "DrawnMolecules",
    "EstimatedBound",
    "HighQuality",
    "ImportanceWeightedBound",
    "Measure",
    "ModesCovered",
    "NegativeElbo",
    "NegativeLogProb",
    "NegativeLogProbOfText",
    "ReconstructionError",
    "Result",
    "SampleDistance",
    "StacksCovered",
    "TranslationError",
    "by_parts",
    "kind_in_words",
]
