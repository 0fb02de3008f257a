"""Data: sets that are verified wherever they come from, batches, 2-D densities.

`load("mnist")` always gives something to work with: the full set where it is found or
can be fetched, else a sample that ships with the package and says so. `Batches` feeds
it to `train`; the transforms turn its uint8 pixels into what a model expects, and an
`Alphabet` turns text into tokens.
"""

from . import densities, structured
from .alphabet import Alphabet
from .batches import Batches
from .catalog import CATALOG
from .download import Damaged, Unavailable
from .sets import (
    Info,
    Sequences,
    Split,
    TextSplit,
    load,
    load_sequences,
    load_text,
)
from .transforms import (
    Palette,
    binarize,
    dequantize,
    mu_law,
    mu_law_inverse,
    small_digits,
    to_symmetric,
    to_unit,
)

__all__ = [
    "CATALOG",
    "Alphabet",
    "Batches",
    "Damaged",
    "Info",
    "Palette",
    "Sequences",
    "Split",
    "TextSplit",
    "Unavailable",
    "binarize",
    "densities",
    "dequantize",
    "load",
    "load_sequences",
    "load_text",
    "mu_law",
    "mu_law_inverse",
    "small_digits",
    "structured",
    "to_symmetric",
    "to_unit",
]
