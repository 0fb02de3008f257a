"""The same flows by the library, zuko, nflows and normflows.

Four maps; nets of two hidden layers of 64 with SiLU; splines of 8 bins over [-5, 5]; a
normal base. The peers are put together of their own parts, so that all have the same
layers. In a MAF the density takes one pass.

https://github.com/probabilists/zuko, https://github.com/bayesiains/nflows and
https://github.com/VincentStimper/normalizing-flows.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gmcourse.autoregressive_flows import masked_flow
from gmcourse.flows import coupling_flow
from gmcourse.monotone import Affine, RationalQuadratic

LAYERS, WIDTH, BINS, BOUND = 4, 64, 8, 5.0
KINDS = "spline couplings", "MAF, affine", "MAF, spline"
PEERS = "zuko", "nflows", "normflows"

LogProb = Callable[[Tensor], Tensor]
Sample = Callable[[int], Tensor]


class Peer(nn.Module):
    """A flow, of whomever, with ``log_prob(x)`` and ``sample(n)``."""

    def __init__(self, net: nn.Module, log_prob: LogProb, sample: Sample):
        super().__init__()
        self.net, self.log_prob, self.sample = net, log_prob, sample


def made(who: str, kind: str, d: int) -> Any:
    """A flow of that kind by ``gmcourse`` or one of PEERS."""
    return globals()[who](kind, d)


def gmcourse(kind: str, d: int) -> nn.Module:
    transform = Affine() if "affine" in kind else RationalQuadratic(BINS, BOUND)
    flow = masked_flow if "MAF" in kind else coupling_flow
    return flow(d, transform, layers=LAYERS, width=WIDTH)


def zuko(kind: str, d: int) -> Peer:
    import zuko

    how: dict[str, Any] = {"transforms": LAYERS, "hidden_features": (WIDTH, WIDTH)}
    how["activation"] = nn.SiLU
    spline = {
        "univariate": zuko.transforms.MonotonicRQSTransform,
        "shapes": [(BINS,), (BINS,), (BINS - 1,)],
    }
    if kind == "spline couplings":
        flow = zuko.flows.NICE(d, **how, **spline)
    else:
        flow = zuko.flows.MAF(d, **how, **({} if "affine" in kind else spline))
    return Peer(flow, lambda x: flow().log_prob(x), lambda n: flow().sample((n,)))


def halves(d: int) -> Iterator[Tensor]:
    """Which values are moved: the last half, the first half, and so on."""
    for i in range(LAYERS):
        yield (torch.arange(d) < d // 2) == bool(i % 2)


class Told(nn.Module):
    """A net as nflows and normflows call one; they divide by the root of its width."""

    hidden_features = WIDTH

    def __init__(self, into: int, out: int):
        super().__init__()
        inner, last = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, out)
        self.net = nn.Sequential(
            nn.Linear(into, WIDTH), nn.SiLU(), inner, nn.SiLU(), last
        )

    def forward(self, x: Tensor, context: None = None) -> Tensor:
        return self.net(x)


SPLINE: dict[str, Any] = {"num_bins": BINS, "tails": "linear", "tail_bound": BOUND}
MADE: dict[str, Any] = {
    "hidden_features": WIDTH,
    "num_blocks": 1,
    "use_residual_blocks": False,
    "activation": F.silu,
}


def nflows(kind: str, d: int) -> Peer:
    from nflows import distributions, flows, transforms

    parts: list[nn.Module] = []
    for half in halves(d):
        if kind == "spline couplings":
            spline = transforms.PiecewiseRationalQuadraticCouplingTransform
            parts.append(spline(half.int(), Told, **SPLINE))
            continue
        if kind == "MAF, affine":
            parts.append(transforms.MaskedAffineAutoregressiveTransform(d, **MADE))
        else:
            named = "MaskedPiecewiseRationalQuadraticAutoregressiveTransform"
            parts.append(getattr(transforms, named)(d, **MADE, **SPLINE))
        parts.append(transforms.ReversePermutation(d))
    base = distributions.StandardNormal([d])
    flow = flows.Flow(transforms.CompositeTransform(parts), base)
    return Peer(flow, flow.log_prob, flow.sample)


def normflows(kind: str, d: int) -> Peer:
    import normflows as nf
    from normflows.flows.neural_spline import autoregressive, coupling

    parts: list[nn.Module] = []
    for half in halves(d):
        if kind == "spline couplings":
            spline = coupling.PiecewiseRationalQuadraticCoupling
            part = spline(half.int(), Told, **SPLINE)
        elif kind == "MAF, affine":
            part = nf.flows.MaskedAffineAutoregressive(d, **MADE)
        else:
            spline = autoregressive.MaskedPiecewiseRationalQuadraticAutoregressive
            part = spline(d, **MADE, **SPLINE)
        if "MAF" in kind:  # without residual blocks it leaves out an activation
            net = part.autoregressive_net
            net.initial_layer = nn.Sequential(net.initial_layer, nn.SiLU())
        parts.append(nf.flows.Reverse(part))  # theirs goes from noise to data
        if "MAF" in kind:
            parts.append(nf.flows.Permute(d, "swap"))
    flow = nf.NormalizingFlow(nf.distributions.DiagGaussian(d, trainable=False), parts)
    return Peer(flow, flow.log_prob, lambda n: flow.sample(n)[0])


def update(flow: Any, x: Tensor, log_prob: LogProb | None = None) -> Callable:
    """The loss and its gradient, as an update has it; without the optimizer's part."""
    log_prob, weights = log_prob or flow.log_prob, list(flow.parameters())

    def step() -> None:
        for p in weights:
            p.grad = None
        (-log_prob(x).mean()).backward()

    return step


def draws(flow: Any, n: int) -> Callable:
    def call() -> Tensor:
        with torch.no_grad():
            return flow.sample(n)

    return call
