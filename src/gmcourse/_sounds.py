"""Sounds to listen to, as notebooks and the book show them."""

import base64
import html
import io
import itertools
import wave
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ._arguments import integer

COLUMNS, HEIGHT = 120, 40  # of the picture of a sound


class Heard:
    """Sounds in a row: a picture and a player for each, as HTML that needs no more.

    The players are the browser's own, which a keyboard reaches too; the pictures have
    the color of the page's text.
    """

    def __init__(
        self, waves: Sequence[Tensor], rate: int, labels: Sequence[str], caption: str
    ):
        self.rate, self.labels, self.caption = rate, labels, caption
        self.pictures = [_outline(sound) for sound in waves]
        self.files = [_wav(sound, rate) for sound in waves]
        self.seconds = [len(sound) / rate for sound in waves]

    def _repr_html_(self) -> str:
        every = zip(self.labels, self.pictures, self.files, self.seconds)
        cells = "".join(_cell(*one) for one in every)
        return (
            '<figure class="gm-figure gm-sounds">'
            '<div style="display:grid;gap:.8rem 1rem;'
            'grid-template-columns:repeat(auto-fill,minmax(9.5rem,1fr))">'
            f"{cells}</div><figcaption>{html.escape(self.caption)}</figcaption></figure>"
        )

    def __repr__(self) -> str:
        return f"[sounds: {', '.join(self.labels)}] {self.caption}"


def _cell(label: str, outline: str, file: bytes, seconds: float) -> str:
    label, data = html.escape(label), base64.b64encode(file).decode()
    return (
        '<div style="min-width:0">'
        f'<div aria-hidden="true">{label}</div>'
        f'<svg role="img" aria-label="Waveform of {label}, {seconds:.2f} seconds" '
        f'viewBox="0 0 {COLUMNS} {HEIGHT}" preserveAspectRatio="none" '
        'style="display:block;width:100%;height:2.5rem">'
        f'<path fill="currentColor" opacity="0.75" d="{outline}"/></svg>'
        f'<audio controls preload="metadata" aria-label="{label}" '
        'style="display:block;width:100%;height:2.25rem;margin-top:.25rem" '
        f'src="data:audio/wav;base64,{data}"></audio></div>'
    )


def _outline(sound: Tensor) -> str:
    """The path around a sound: the highest of each column, and back the lowest."""
    n = len(sound)
    edges = [k * n // COLUMNS for k in range(COLUMNS + 1)]
    columns = [sound[a : max(b, a + 1)] for a, b in itertools.pairwise(edges)]
    middle = HEIGHT / 2

    def at(x: int, value: Tensor, edge: float) -> str:
        y = middle * (1 - float(value)) + edge  # as thin as a line where it is silent
        return f"{x + 0.5:g} {min(max(y, 0), HEIGHT):.1f}"

    high = [at(x, part.max(), -0.3) for x, part in enumerate(columns)]
    low = [at(x, part.min(), 0.3) for x, part in enumerate(columns)]
    return f"M{'L'.join(high + low[::-1])}Z"


def _wav(sound: Tensor, rate: int) -> bytes:
    """A file of 16-bit samples, one channel."""
    samples = (sound * 32767).round().to(torch.int16)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.numpy().astype("<i2").tobytes())
    return buffer.getvalue()


def sounds(
    waves: Sequence[Float[Tensor, " _"]] | Float[Tensor, "n samples"],
    rate: int,
    labels: Sequence[Any] | None = None,
    *,
    caption: str,
) -> Heard:
    """Sounds to listen to, each with its picture and a player: the last line of a cell.

    The page holds the sounds themselves, 16 bits a sample: half a second at 8,000
    samples a second takes 11 KB of it.

    Args:
        waves: samples in [-1, 1]; what lies beyond is cut off.
        rate: samples in a second; some browsers play nothing below 3,000.
        labels: what stands above each; by default its number, from 1.
        caption: what to listen for, in a sentence or two.

    Raises:
        ValueError: no sound, an empty one, samples that are not finite, another
            number of labels, an empty caption, or a ``rate`` below 1.
        TypeError: samples that are no floats, or a ``rate`` that is no integer.
    """
    rate = integer("rate", rate)
    if not caption.strip():
        raise ValueError("sounds need a caption (what to listen for)")
    if not len(waves):
        raise ValueError("there is no sound: waves is empty")
    names = [str(k + 1) for k in range(len(waves))] if labels is None else labels
    if len(names) != len(waves):
        raise ValueError(f"there are {len(names)} labels for {len(waves)} sounds")
    found = [_samples(sound) for sound in waves]
    return Heard(found, rate, [str(name) for name in names], " ".join(caption.split()))


def _samples(sound: Any) -> Tensor:
    if not isinstance(sound, Tensor) or not sound.is_floating_point():
        kind = sound.dtype if isinstance(sound, Tensor) else type(sound).__name__
        raise TypeError(f"a sound is {kind}; expected a tensor of floats in [-1, 1]")
    if sound.ndim != 1 or not len(sound) or not sound.isfinite().all():
        raise ValueError(
            f"a sound has shape {tuple(sound.shape)}; expected (samples,), one or "
            "more, all finite"
        )
    return sound.detach().cpu().float().clamp(-1, 1)
