"""gmcourse: the library of a course on deep generative models.

Every model of the book lives here, tested against mathematics: ``gmcourse.basics``,
``gmcourse.autoencoders`` and ``gmcourse.vae``. See the book for the explanations.
"""

from . import data
from .checks import check, hint
from .conditions import Labels, Like
from .core import GenerativeModel, Model
from .settings import budget, default_device, scale, seeded
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
    "train",
    "warmup_cosine",
]
