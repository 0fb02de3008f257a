"""The sets as models see them: their parts, and what makes floats or tokens of them.

A new kind of data is a class beside :class:`Images`, :class:`Points` and :class:`Text`
with ``name``, ``title`` and ``part``.
"""

from dataclasses import replace
from string import ascii_lowercase

from ... import data
from ...data.formats import SYMBOLS
from ...molecules import tokens
from .base import Part, Source
from .molecules import Molecules
from .pictures import (
    Images,
    Pairs,
    Stacked,
    faces_palette,
    faces_phrases,
    grainy_halves,
    halves,
    stacked_label,
)
from .points import Points
from .sounds import Sounds
from .text import Strings, Text, Windows

__all__ = [
    "Images",
    "Molecules",
    "Pairs",
    "Part",
    "Points",
    "Sounds",
    "Source",
    "Stacked",
    "Strings",
    "Text",
    "Windows",
    "faces_palette",
    "faces_phrases",
    "grainy_halves",
    "halves",
    "stacked_label",
]

MNIST = Images("mnist", "binarized MNIST", (1, 28, 28), data.binarize)
MNIST_TURNED = Images(
    "mnist",
    "binarized MNIST, rows and columns exchanged",
    (1, 28, 28),
    lambda x: data.binarize(x).mT.contiguous(),
)
MNIST8 = Images("mnist8", "8-bit MNIST", (1, 28, 28), data.to_unit, stored="mnist")
MNIST_STORED = Images("mnist8", "8-bit MNIST", (1, 28, 28), lambda x: x, stored="mnist")
DIGITS16 = Images(
    "digits16", "16×16 digits", (1, 16, 16), data.small_digits, stored="mnist"
)
DIGITS14 = Images(
    "digits14", "14×14 digits with noise", (1, 14, 14), grainy_halves, stored="mnist"
)
DIGITS14_STORED = Images(
    "digits14_8bit", "8-bit digits, 14×14", (1, 14, 14), halves, stored="mnist"
)
DIGITS14_UNIT = replace(DIGITS14_STORED, transform=lambda x: data.to_unit(halves(x)))
FASHION = Images("fashion_mnist", "Fashion-MNIST", (1, 28, 28), data.to_unit)
CLOTHING = Images("clothing", "photos of clothes", (3, 64, 64), data.to_unit)
FACES = Images("pixelfaces", "pixelfaces", (3, 16, 16), data.to_unit)
FACES64 = Images(
    "faces64",
    "pixelfaces in 64 colors",
    (1, 16, 16),
    lambda x: faces_palette().encode(x),
    stored="pixelfaces",
)
GRID25 = Points("grid25", "twenty-five Gaussians", data.densities.grid25)
EIGHT = Points("eight", "eight Gaussians", data.densities.eight_gaussians)
RINGS = Points("rings", "three rings", data.densities.rings)
PINWHEEL = Points("pinwheel", "a pinwheel", data.densities.pinwheel)
CHECKERBOARD = Points("checkerboard", "a checkerboard", data.densities.checkerboard)
STACKED = Stacked("stacked_mnist", "stacked MNIST")
EMOJI = Pairs(
    "emoji32_twitter",
    "emoji, from Google's style to Twitter's",
    (3, 32, 32),
    given="emoji32_google",
)
SHAKESPEARE = Text("tinyshakespeare", "tiny Shakespeare", 128, data.Alphabet(SYMBOLS))
NAMES = Strings("names", "first names", 16, data.Alphabet(ascii_lowercase, end=True))
# 4 strings of the 50,000 have more than 48 tokens.
MOLECULES = Molecules(
    "moses_50k",
    "50,000 molecules of MOSES",
    48,
    data.Alphabet(
        ("Br", "Cl", "[H]", "[nH]", *"()-=#12345CFNOScnos"),
        split=tokens,
        end=True,
    ),
)
SPOKEN = Sounds(
    "fsdd", "spoken digits, 0.5 s at 4 kHz", length=2000, rate=4000, levels=128
)
