"""Small classifiers: what samples are compared with data by, and read by."""

import math
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ._arguments import integer, shape_of, within_unit
from .conditions import Labels
from .core import Model, evaluating
from .data import mu_law_inverse
from .nets import ConvEncoder

__all__ = ["FeatureClassifier", "SoundClassifier"]


class FeatureClassifier(Model):
    """A small convolutional classifier whose last hidden layer is the feature space.

    Args:
        event_shape: image shape; values in [0, 1].
        heads: number of classes of each head. ``c`` enumerates their combinations:
            the label of the first head is ``c % heads[0]``, and so on.
        width: channels of the first convolution.

    Not a generative model: it cannot draw.
    """

    dim = 64
    smallest_batch = 2  # of batch normalization, in train mode

    def __init__(
        self, event_shape: tuple[int, ...], heads: tuple[int, ...], width: int = 16
    ):
        super().__init__()
        self.event_shape, self.heads = tuple(event_shape), tuple(heads)
        self.condition = Labels(math.prod(heads))
        self.trunk = ConvEncoder(self.event_shape, self.dim, width)
        # Running statistics give features of mean 0 and variance 1 on the training set.
        self.normalize = nn.BatchNorm1d(self.dim, affine=False)
        self.head = nn.Linear(self.dim, sum(heads))

    def features(self, x: Float[Tensor, "b ..."]) -> Float[Tensor, "b 64"]:
        """The features of ``x``: standardized activations of the last hidden layer.

        Raises:
            TypeError: ``x`` is no float tensor in the weights' precision.
            ValueError: ``x`` is not ``(b, *event_shape)`` with b > 0, or holds values
                outside of [0, 1] (on a GPU they are not looked at).
        """
        self.check_x(x)
        within_unit(x)
        return self.normalize(F.silu(self.trunk(x)))

    def forward(self, x: Float[Tensor, "b ..."]) -> tuple[Tensor, ...]:
        """Logits of each head, ``(b, classes)``."""
        z = F.dropout(self.features(x), 0.1, self.training)
        return self.head(z).split(self.heads, dim=1)

    def loss(self, x, c=None):
        """The cross-entropies of all heads, summed; nats, batch mean."""
        self.check(x, c)
        assert c is not None  # check has seen to it
        pairs = zip(self(x), self.split_labels(c))
        return sum(F.cross_entropy(logits, label) for logits, label in pairs)

    def split_labels(self, c: Int[Tensor, " b"]) -> list[Tensor]:
        """The label of each head, ``(b,)`` each, from the combined label.

        Raises:
            ValueError: a label is out of range (on a GPU it is not looked at).
        """
        self.check_condition(c, len(c))
        labels = []
        for classes in self.heads:
            labels.append(c % classes)
            c = c // classes
        return labels

    @torch.no_grad()
    def features_of(
        self, x: Float[Tensor, "n ..."], batch: int = 500
    ) -> Float[Tensor, "n 64"]:
        """Features of many images, in eval mode, in double precision on the CPU.

        Raises:
            TypeError, ValueError: as :meth:`features`; values are looked at on a GPU
                too.
        """
        with evaluating(self):
            self.check_x(x)
            within_unit(x, wait=True)
            parts = x.split(batch)
            features = [self.features(part.to(self.device)).cpu() for part in parts]
        return torch.cat(features).double()


class SoundClassifier(Model):
    """A small convolutional classifier of sound, which looks at its spectrogram.

    The logarithm of 64 magnitudes for every 32 samples, through three convolutions
    along time, each at half the pace; then the mean over time. Tokens are those of
    `gmcourse.data.mu_law`.

    Args:
        event_shape: of an example; several axes are made one.
        levels: number of tokens.
        classes: number of labels.
        width: channels of the convolutions.

    Raises:
        ValueError, TypeError: a size is no positive integer.
    """

    dtype = torch.int64

    levels: int
    window: Float[Tensor, " 128"]

    def __init__(
        self, event_shape: tuple[int, ...], levels: int, classes: int, width: int = 48
    ):
        super().__init__()
        self.event_shape = shape_of("event_shape", event_shape)
        self.levels, width = integer("levels", levels, 2), integer("width", width)
        self.condition = Labels(classes)
        window = torch.hann_window(128)
        self.register_buffer("window", window, persistent=False)
        self.net = nn.Sequential(
            nn.Conv1d(64, width, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2),
            nn.SiLU(),
            nn.Conv1d(width, width, 5, stride=2, padding=2),
            nn.SiLU(),
        )
        self.head = nn.Linear(width, classes)

    def spectrogram(self, x: Int[Tensor, "b ..."]) -> Float[Tensor, "b 64 frames"]:
        """Logarithms of magnitudes, of 1/128, 2/128, … 64/128 periods a sample."""
        sound = mu_law_inverse(x.flatten(1), self.levels).to(self.window)
        how: Any = {"pad_mode": "constant", "return_complex": True}
        waves = torch.stft(sound, 128, 32, window=self.window, **how)
        return (waves[:, 1:].abs() + 0.01).log()

    def forward(self, x: Int[Tensor, "b ..."]) -> tuple[Float[Tensor, "b classes"]]:
        """Logits.

        Raises:
            TypeError, ValueError: ``x`` is not ``(b, *event_shape)`` of tokens.
        """
        self.check_x(x)
        z = self.net(self.spectrogram(x)).mean(2)
        return (self.head(F.dropout(z, 0.1, self.training)),)

    def loss(self, x, c=None):
        """The cross-entropy; nats, batch mean."""
        self.check(x, c)
        assert c is not None  # check has seen to it
        return F.cross_entropy(self(x)[0], c)

    def split_labels(self, c: Int[Tensor, " b"]) -> list[Tensor]:
        """The labels, as `FeatureClassifier.split_labels` of one head."""
        return [c]
