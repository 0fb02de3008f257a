"""Models alive in the page: small trained networks run in the reader's browser.

A live figure is one piece of HTML: the runtime (``runtime.js``), the drawing of its
kind, the weights in half precision, and a still picture for print and for pages that
run no scripts.  It needs no server, asks nothing of the network, and works in the book,
in Jupyter and in Colab.
"""

from ._bytes import png
from ._net import pack
from .coins import PixelCoins
from .divergences import Divergences
from .em_steps import EMSteps
from .face_by_phrase import FaceByPhrase
from .figure import Live
from .flow_plane import FlowPlane
from .gan_plane import GANPlane
from .latent_plane import LatentPlane
from .next_token import NextToken
from .particle_cloud import ParticleCloud
from .pixel_by_pixel import PixelByPixel
from .tradeoff import Tradeoff
from .transport import Transport
from .velocity_field import VelocityField

__all__ = [
    "Divergences",
    "EMSteps",
    "FaceByPhrase",
    "FlowPlane",
    "GANPlane",
    "LatentPlane",
    "Live",
    "NextToken",
    "ParticleCloud",
    "PixelByPixel",
    "PixelCoins",
    "Tradeoff",
    "Transport",
    "VelocityField",
    "pack",
    "png",
]
