"""Networks for the browser: which layers, and their weights in half precision."""

from collections.abc import Callable

import torch
from torch import nn

from ._bytes import finite_half

# Exact types: a subclass may compute something else.  The browser holds an example as
# a flat row of numbers, so layers that only change the shape have nothing to do there.
_LAYERS: dict[type[nn.Module], Callable[..., list]] = {
    nn.Linear: lambda m: ["linear", m.in_features, m.out_features],
    nn.ReLU: lambda m: ["relu"],
    nn.LeakyReLU: lambda m: ["leaky_relu", m.negative_slope],
    nn.Tanh: lambda m: ["tanh"],
    nn.Sigmoid: lambda m: ["sigmoid"],
    nn.SiLU: lambda m: ["silu"],
    nn.GELU: lambda m: ["gelu" if m.approximate == "none" else "gelu_tanh"],
    nn.Softplus: lambda m: ["softplus", m.beta, m.threshold],
}
_SHAPE_ONLY = (nn.Identity, nn.Flatten, nn.Unflatten)
_TRAINED = {"linear", "relu", "leaky_relu", "tanh", "sigmoid", "silu"}  # by train.js


def pack(module: nn.Module) -> tuple[list[list], bytes]:
    """The network for the browser: what ``GM.net`` in ``runtime.js`` reads.

    Args:
        module: an `nn.Sequential` (nested ones too) of Linear, ReLU, LeakyReLU,
            Tanh, Sigmoid, SiLU, GELU, Softplus, Identity, Flatten and Unflatten.

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
                weights.append(finite_half(f"the {kind} of layer {name!r}", values))
    return spec, b"".join(weights)


def _layers(module: nn.Module, name: str = "") -> list[tuple[str, nn.Module]]:
    if not isinstance(module, nn.Module):
        raise TypeError(f"expected an nn.Sequential, given a {type(module).__name__}")
    if type(module) is not nn.Sequential:
        return [(name or type(module).__name__, module)]
    parts = module.named_children()
    return [pair for k, m in parts for pair in _layers(m, f"{name}.{k}" if name else k)]


def pack_trained(
    name: str, module: nn.Module, into: int | None, out: int
) -> tuple[list[list], bytes]:
    """As `pack` gives it, if the page can train it and the widths are right.

    Raises:
        ValueError: as of `pack`, a layer without a way back in ``train.js``, a first
            layer that is not Linear, or other numbers of inputs and outputs.
    """
    spec, weights = pack(module)
    unknown = {layer[0] for layer in spec} - _TRAINED
    if unknown:
        raise ValueError(
            f"the {name} has {', '.join(sorted(unknown))}, which the page runs but "
            f"cannot train; it trains {', '.join(sorted(_TRAINED))}"
        )
    linear = [layer for layer in spec if layer[0] == "linear"]
    if not linear or spec[0][0] != "linear":
        raise ValueError(f"the {name} must begin with a Linear layer")
    if linear[0][1] != (into or linear[0][1]) or linear[-1][2] != out:
        raise ValueError(
            f"the {name} takes {linear[0][1]} numbers and gives {linear[-1][2]}; "
            f"expected {into or 'any'} and {out}"
        )
    return spec, weights
