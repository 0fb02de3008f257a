"""Faces by phrases, drawn in the page by a small diffusion transformer."""

import copy
import io
import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import _bits
from .._arguments import integer, nonnegative
from ..denoisers import waves
from ..diffusion import Diffusion
from ..phrases import LENGTH, TRAITS, WORDS, PhraseEncoder
from ..samplers import dpm_solver
from ..transformers import DiTDenoiser
from ._bytes import finite_half, in_base64
from .figure import Live

_STEPS = (4, 8, 12, 24)


class FaceByPhrase(Live):
    """A diffusion draws four faces in the page, told what the reader chooses.

    Lists for hair, hat, glasses and beard, a weight of the guidance, and a number of
    steps of DPM-Solver++. Each change starts from the same noise, so that what a word
    or the weight does is seen on the same faces.

    Args:
        model: a `Diffusion` of square pictures with three channels whose net is a
            `DiTDenoiser` with a `PhraseEncoder`. Its matrices are kept in 8 bits, as
            the zoo keeps them: 1.4 bytes of the page for each weight.
        steps: the numbers to choose from.
        guidance: the weight at first.
        seed: of the noise at first.
        title, label: as of `Live`.
        wander: it draws faces for phrases at random until touched, as of `Live`.

    Raises:
        TypeError: the model is no such diffusion.
        ValueError: a picture is not square or has other channels; a weight is not
            finite in half precision; no steps.

    In the page the container holds ``gm = {set({trait: i}), weight(w), steps(i),
    estimate(x, k), draw(noise), get()}``: -1 stands for a trait that is not named,
    ``draw`` takes noise for each face, or its own, and gives the faces in inner units.
    """

    kind = "face_by_phrase"

    def __init__(
        self,
        model: Diffusion,
        *,
        steps: Sequence[int] = _STEPS,
        guidance: float = 2.0,
        seed: int = 1,
        title: str = "",
        label: str = "A model draws faces by phrases",
        wander: bool = True,
    ) -> None:
        net, reader = _supported(model)
        if not steps:
            raise ValueError("steps is empty; expected at least one number of steps")
        low, high = model.limits or (-math.inf, math.inf)
        units = [(v - model.center) / model.spread for v in (low, high)]
        whole, halves = _packed(net)
        attention: Any = reader.net.blocks[0]
        data = {
            "bytes": in_base64(whole),
            "halves": in_base64(halves),
            "width": net.head.in_features,
            "depth": len(net.blocks),
            "heads": net.blocks[0].heads,  # type: ignore[union-attr]
            "side": net.side,
            "places": net.grid[0],
            "frequencies": net.frequencies,
            "reader": {
                "width": reader.word.embedding_dim,
                "tokens": reader.word.num_embeddings,
                "length": len(reader.position),
                "depth": len(reader.net.blocks),
                "heads": attention.attention.heads,
            },
            "center": model.center,
            "spread": model.spread,
            "low": max(units[0], -1e9),
            "high": min(units[1], 1e9),
            "names": list(TRAITS),
            "traits": {name: list(values) for name, values in TRAITS.items()},
            "words": list(WORDS.symbols),
            "walks": [_walk(model, net, integer("steps", n)) for n in steps],
            "walk": len(steps) // 2,
            "weight": nonnegative("guidance", guidance),
            "seed": seed,
        }
        kept = copy.deepcopy(model)
        kept.load_state_dict(_rounded(model))
        caption = "Four faces for “red hair, glasses, no hat”."
        super().__init__(
            data, _still(kept.cpu(), guidance), caption, title, label, wander
        )


def _supported(model: Diffusion) -> tuple[DiTDenoiser, PhraseEncoder]:
    net = getattr(model, "net", None)
    if type(model) is not Diffusion or type(net) is not DiTDenoiser:
        raise TypeError(
            f"the model is a {type(model).__name__} with a {type(net).__name__}; "
            "expected a Diffusion with a DiTDenoiser"
        )
    if type(net.label) is not PhraseEncoder:
        raise TypeError(
            f"the net is told by a {type(net.label).__name__}; expected a PhraseEncoder"
        )
    channels, height, width = model.event_shape
    if channels != 3 or height != width:
        raise ValueError(
            f"the model's event_shape is {model.event_shape}; expected three channels "
            "and a square"
        )
    return net, net.label


def _walk(model: Diffusion, net: DiTDenoiser, steps: int) -> dict[str, Any]:
    """What each step of `samplers.dpm_solver` does, as numbers."""
    path, times = model.path, model.grid(model.path, steps)
    found, last = [], None
    for t, s in itertools.pairwise(times):
        (a_t, s_t), (a_s, s_s) = path.at(t), path.at(s)
        one = torch.tensor([t], dtype=torch.float64, device="cpu")
        skip, out, scale = (k.item() for k in model.predict(path, one))
        step: dict[str, Any] = {"skip": skip, "out": out, "scale": scale}
        step["told"] = waves(one, net.frequencies)[0].tolist()
        x, of_data, change = 0.0, a_s, 0.0
        if s_s:
            h = math.log(a_s / s_s) - math.log(a_t / s_t)
            x, of_data = s_s / s_t, -a_s * math.expm1(-h)
            change = 0.0 if last is None else of_data * h / (2 * last)
            last = h
        found.append(step | {"x": x, "data": of_data, "change": change})
    return {"start": path.at(times[0])[1], "steps": found}


def _order(net: DiTDenoiser) -> list[Tensor]:
    """The weights in the order in which the script takes them."""
    reader: Any = net.label
    found: list[Tensor] = [reader.word.weight, reader.position]

    def take(*parts: nn.Module) -> None:
        for part in parts:
            found.extend(part.parameters())

    block: Any
    for block in reader.net.blocks:
        take(block.norms[0], block.attention.qkv, block.attention.out)
        take(block.norms[1], block.mlp[0], block.mlp[2])
    take(reader.net.norm, reader.head, net.time[0], net.time[2], net.into)
    found.append(net.position)
    for block in net.blocks:
        take(block.told, block.qkv, block.out, block.mlp[0], block.mlp[2])
    take(net.last, net.head)
    return found


def _packed(net: DiTDenoiser) -> tuple[bytes, bytes]:
    """Matrices in 8 bits; the largest magnitude of each row, and vectors, in half."""
    whole, halves = [], []
    for weight in _order(net):
        weight = weight.detach().cpu()
        if weight.ndim == 1:
            halves.append(finite_half("the model", weight))
            continue
        parts = _bits.pack("w", weight, 8)
        whole.append(parts["w"].numpy().tobytes())
        halves.append(finite_half("the model", parts["w" + _bits.REACH]))
    return b"".join(whole), b"".join(halves)


def _rounded(model: Diffusion) -> dict[str, Tensor]:
    """The weights as the page has them."""
    found = {}
    for key, weight in model.state_dict().items():
        bits = 8 if weight.ndim > 1 else 16
        found |= _bits.unpack(_bits.pack(key, weight.cpu(), bits))
    return {key: weight.float() for key, weight in found.items()}


@torch.no_grad()
def _still(model: Diffusion, guidance: float) -> bytes:
    import matplotlib.pyplot as plt

    from ..plots import figure, images
    from ..settings import seeded

    c = WORDS.encode_all(["red hair, glasses, no hat"] * 4, LENGTH)
    with seeded(0):
        x = model.sample(4, c, guidance=guidance, steps=12, sampler=dpm_solver)
    fig, ax = figure(width=4.4, height=1.2)
    images(ax, x.clamp(0, 1), 4)
    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=100, metadata={"Software": None})
    plt.close(fig)
    return out.getvalue()
