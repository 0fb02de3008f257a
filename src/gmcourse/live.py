"""Models alive in the page: small trained networks run in the reader's browser.

A live figure is one piece of HTML: the runtime (``live.js``), the weights in half
precision, and a still picture for print and for pages that run no scripts.  It needs
no server, asks nothing of the network, and works in the book, in Jupyter and in Colab.
"""

import base64
import hashlib
import html
import json
import math
import struct
import zlib
from collections.abc import Callable, Sequence
from importlib import resources

import torch
from jaxtyping import Float, Integer, UInt8
from torch import Tensor, nn

from ._arguments import positive

__all__ = ["LatentPlane", "Live", "pack", "png"]

# Exact types: a subclass may compute something else.  The browser holds an example as
# a flat row of numbers, so layers that only change the shape have nothing to do there.
_LAYERS: dict[type[nn.Module], Callable[..., list]] = {
    nn.Linear: lambda m: ["linear", m.in_features, m.out_features],
    nn.ReLU: lambda m: ["relu"],
    nn.Tanh: lambda m: ["tanh"],
    nn.Sigmoid: lambda m: ["sigmoid"],
    nn.SiLU: lambda m: ["silu"],
    nn.GELU: lambda m: ["gelu" if m.approximate == "none" else "gelu_tanh"],
    nn.Softplus: lambda m: ["softplus", m.beta, m.threshold],
}
_SHAPE_ONLY = (nn.Identity, nn.Flatten, nn.Unflatten)
_CLASSES = 10  # as many colors as the eye tells apart, and as live.js has
_POINTS = 10_000


def pack(module: nn.Module) -> tuple[list[list], bytes]:
    """The network for the browser: what ``GM.net`` in ``live.js`` reads.

    Args:
        module: an `nn.Sequential` (nested ones too) of Linear, ReLU, Tanh, Sigmoid,
            SiLU, GELU, Softplus, Identity, Flatten and Unflatten.

    Returns:
        The layers as ``[name, *numbers]``, and their weights (for Linear the weight,
        row by row, then the bias) in half precision, little-endian.

    Raises:
        ValueError: a layer that the browser does not know, layers whose sizes do not
            follow, or a weight that is not finite in half precision.

    >>> spec, weights = pack(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))
    >>> spec, len(weights)
    ([['linear', 2, 3], ['relu']], 18)
    """
    spec: list[list] = []
    weights: list[bytes] = []
    width = None
    for name, layer in _layers(module):
        if type(layer) in _SHAPE_ONLY:
            # Other dimensions would move numbers between examples or axes.
            usual = {"start_dim": 1, "end_dim": -1, "dim": 1}
            if any(getattr(layer, k, v) != v for k, v in usual.items()):
                raise ValueError(
                    f"layer {name!r} is {layer}; only Flatten() and Unflatten(1, ...), "
                    "with the batch first, are supported"
                )
            continue
        if type(layer) not in _LAYERS:
            known = [t.__name__ for t in (*_LAYERS, *_SHAPE_ONLY)]
            raise ValueError(
                f"layer {name!r} is a {type(layer).__name__}, which the browser does "
                f"not know; supported in nn.Sequential: {', '.join(known)}"
            )
        spec.append(_LAYERS[type(layer)](layer))
        if isinstance(layer, nn.Linear):
            if width not in (None, layer.in_features):
                raise ValueError(
                    f"layer {name!r} takes {layer.in_features} numbers, but the layers "
                    f"before it give {width}"
                )
            width = layer.out_features
            bias = layer.bias if layer.bias is not None else torch.zeros(width)
            for kind, values in ("weight", layer.weight), ("bias", bias):
                half = values.detach().to("cpu", torch.float16)
                if not torch.isfinite(half).all():
                    raise ValueError(
                        f"the {kind} of layer {name!r} holds NaN, infinity or a number "
                        "above 65,504, the largest in half precision; did training "
                        "diverge?"
                    )
                weights.append(_half(half))
    return spec, b"".join(weights)


def png(image: UInt8[Tensor, "c h w"]) -> bytes:
    """The image as a PNG file: gray (c = 1) or RGB (c = 3), lossless.

    Written out here so that a figure needs no plotting library (W3C, PNG
    specification, third edition, 2025). Other shapes and dtypes raise ValueError.

    >>> png(torch.zeros(1, 2, 2, dtype=torch.uint8))[:4]
    b'\\x89PNG'
    """
    if image.dtype != torch.uint8 or image.ndim != 3 or image.shape[0] not in (1, 3):
        raise ValueError(
            f"expected a uint8 image (1, h, w) or (3, h, w), "
            f"given {image.dtype} {tuple(image.shape)}"
        )
    c, h, w = image.shape
    rows = image.cpu().permute(1, 2, 0).reshape(h, w * c).numpy()
    raw = b"".join(b"\0" + row.tobytes() for row in rows)  # filter 0: none
    header = struct.pack(">IIBBBBB", w, h, 8, 0 if c == 1 else 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")
    out = b"\x89PNG\r\n\x1a\n"
    for tag, data in chunks:
        out += struct.pack(">I", len(data)) + tag + data
        out += struct.pack(">I", zlib.crc32(tag + data))
    return out


class Live:
    """What every live figure shares: data for the browser, a still, and the HTML.

    ``data["kind"]`` names the function in ``GM.figures`` (``live.js``) that draws it.
    """

    def __init__(self, data: dict, still: bytes, caption: str) -> None:
        self.data, self.still, self.caption = data, still, caption

    def __repr__(self) -> str:
        return f"[live figure: {self.data['label']}] {self.caption}"

    def _repr_html_(self) -> str:
        runtime = resources.files("gmcourse").joinpath("live.js").read_text("utf-8")
        runtime = runtime.replace("GM_VERSION", _digest(runtime))
        # "<" would let a title end the script.
        data = json.dumps(self.data, sort_keys=True).replace("<", "\\u003c")
        name = f"gm-{_digest(data)}"  # the same figure has the same id on every run
        label, title = html.escape(self.data["label"]), html.escape(self.data["title"])
        caption = html.escape(self.caption)
        return (
            f'<div class="gm-live" id="{name}" role="group" aria-label="{label}">'
            f'<div class="gm-title">{title}</div>'
            f'<img class="gm-still" alt="{label}. {caption}" '
            'style="width:440px;max-width:100%;image-rendering:pixelated" '
            f'src="data:image/png;base64,{_base64(self.still)}">'
            f'<div class="gm-still">{caption}</div></div>\n'
            f"<script>\n{runtime}GM.start({json.dumps(name)}, {data});\n</script>"
        )


class LatentPlane(Live):
    """A decoder with two latent numbers: move on the plane, see the image.

    With mouse, finger or keyboard the reader moves a handle over the plane, beside
    which stands the decoded image.  Encoded data may be shown as points.

    Args:
        decoder: from (b, 2) to (b, c * h * w) or (b, c, h, w); layers as in `pack`.
        shape: (c, h, w) of the image, c = 1 (gray) or 3 (RGB).
        points: (n, 2) encoded examples, n <= 10,000.
        labels: (n,) integers, the class of every point.
        classes: the name of each class, at most 10; default "0", "1", ...
        activation_out: "sigmoid" where the decoder ends in logits, None where it ends
            in pixels.  Pixels outside [0, 1] are drawn as black or white.
        extent: the plane shows [-extent, extent] in both directions.
        prior: draw rings at whole standard deviations of a standard normal prior.
        title: a line above the figure.
        label: what the figure shows, in one phrase, for readers who do not see it.

    Raises:
        ValueError, TypeError: what was given does not fit together; see the message.

    In the page the container holds ``gm = {decode(z), set(z1, z2), get()}``.
    Kingma & Welling (2014), figure 4 (the manifold, here the still picture).
    """

    def __init__(
        self,
        decoder: nn.Module,
        *,
        shape: tuple[int, int, int],
        points: Float[Tensor, "n k"] | None = None,
        labels: Integer[Tensor, " m"] | None = None,
        classes: Sequence[str] | None = None,
        activation_out: str | None = "sigmoid",
        extent: float = 3.0,
        prior: bool = True,
        title: str = "",
        label: str = "The latent plane of a decoder",
    ) -> None:
        if activation_out not in ("sigmoid", None):
            raise ValueError(
                f"activation_out is {activation_out!r}; expected 'sigmoid' where the "
                "decoder ends in logits, None where it ends in pixels"
            )
        extent = positive("extent", extent)
        if len(shape) != 3 or shape[0] not in (1, 3) or min(shape) < 1:
            raise ValueError(f"shape is {shape}; expected (c, h, w) with c = 1 or 3")
        out = nn.Sigmoid() if activation_out else nn.Identity()
        net = nn.Sequential(decoder, out)
        spec, weights = pack(net)
        linear = [layer for layer in spec if layer[0] == "linear"]
        if not linear:
            raise ValueError("the decoder has no Linear layer; expected 2 numbers in")
        if linear[0][1] != 2:
            raise ValueError(
                f"the decoder takes {linear[0][1]} latent numbers, a plane 2; train "
                "a model with a latent of size 2, or put a Linear(2, k) before"
            )
        if linear[-1][2] != math.prod(shape):
            raise ValueError(
                f"the decoder gives {linear[-1][2]} numbers, shape {tuple(shape)} has "
                f"{math.prod(shape)}"
            )
        if [layer[0] for layer in spec[-2:]] == ["sigmoid", "sigmoid"]:
            raise ValueError(
                "the decoder ends in a Sigmoid already; pass activation_out=None"
            )
        points, labels, names = _points(points, labels, classes)
        data = {
            "kind": "latentPlane",
            "net": spec,
            "weights": _base64(weights),
            "shape": list(shape),
            "points": _base64(_half(points)),
            "labels": _base64(bytes(labels.tolist())),
            "classes": names,
            "extent": extent,
            "prior": bool(prior),
            "title": title,
            "label": label,
        }
        span = f"\u2212{extent:g} to {extent:g}"
        caption = (
            f"Images decoded over the plane: z\u2081 from {span} to the right, "
            f"z\u2082 from {span} upward."
        )
        super().__init__(data, _manifold(net, shape, extent), caption)


def _layers(module: nn.Module, name: str = "") -> list[tuple[str, nn.Module]]:
    if not isinstance(module, nn.Module):
        raise TypeError(f"expected an nn.Sequential, given a {type(module).__name__}")
    if type(module) is not nn.Sequential:
        return [(name or type(module).__name__, module)]
    parts = module.named_children()
    return [pair for k, m in parts for pair in _layers(m, f"{name}.{k}" if name else k)]


def _points(points, labels, classes) -> tuple[Tensor, Tensor, list[str]]:
    for name, given in ("points", points), ("labels", labels):
        if not isinstance(given, Tensor | None):
            raise TypeError(f"{name} is a {type(given).__name__}; expected a tensor")
    if (labels is not None and points is None) or (classes and labels is None):
        raise ValueError("classes name labels, and labels name points: give those too")
    if points is None:
        points = torch.zeros(0, 2)
    elif points.ndim != 2 or points.shape[1] != 2 or not 1 <= len(points) <= _POINTS:
        raise ValueError(
            f"points have shape {tuple(points.shape)}; expected (n, 2), n from 1 to "
            f"{_POINTS:,}; of more, show a part"
        )
    if not torch.isfinite(points).all():
        raise ValueError("points hold NaN or infinity; expected finite coordinates")
    if labels is None:
        return points, torch.zeros(0, dtype=torch.uint8), []
    if labels.shape != points.shape[:1] or labels.is_floating_point():
        raise ValueError(
            f"labels are {labels.dtype} of shape {tuple(labels.shape)}; expected "
            f"({len(points)},) integers, one a point"
        )
    names = list(map(str, range(int(labels.max()) + 1) if classes is None else classes))
    if len(names) > _CLASSES:
        raise ValueError(
            f"{len(names)} classes; expected at most {_CLASSES}: more colors cannot "
            "be told apart; merge some, or show the points of a few"
        )
    if labels.min() < 0 or labels.max() >= len(names):
        raise ValueError(
            f"labels run from {labels.min()} to {labels.max()}; expected 0 to "
            f"{len(names) - 1}, for the classes {names}"
        )
    return points, labels, names


@torch.no_grad()
def _manifold(net: nn.Module, shape: Sequence[int], extent: float) -> bytes:
    c, h, w = shape
    k = max(3, min(15, 330 // max(h, w)))
    at = extent * (2 * (torch.arange(k) + 0.5) / k - 1)
    z = torch.stack([at.repeat(k), at.flip(0).repeat_interleave(k)], -1)  # (k * k, 2)
    pixels = net(z.to(next(net.parameters()))).reshape(k, k, c, h, w).clamp(0, 1)
    grid = pixels.permute(2, 0, 3, 1, 4).reshape(c, k * h, k * w).float()
    # 32 levels: nobody sees it in a still, and the file is half as large.
    return png(((grid * 31).round() * (255 / 31)).round().to(torch.uint8))


def _half(values: Tensor) -> bytes:
    return values.detach().to("cpu", torch.float16).numpy().astype("<f2").tobytes()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
