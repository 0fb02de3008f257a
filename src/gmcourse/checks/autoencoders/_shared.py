"""What several exercises of this topic share."""

import torch
from torch import Tensor, nn

from .._comparisons import far, first


class Spy(nn.Module):
    """An encoder that keeps what it was given and passes it on."""

    def __init__(self):
        super().__init__()
        self.seen: list[Tensor] = []
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x):
        self.seen.append(x.detach().clone())
        return self.gain * x


class Constant(nn.Module):
    """A decoder whose answer does not depend on the code."""

    def __init__(self, value: float):
        super().__init__()
        self.value = nn.Parameter(torch.tensor(value))

    def forward(self, z):
        return self.value + 0 * z


def series(t, f, calls: list, due, whys, ideas: dict, mistake=None, tol=2e-5) -> list:
    """``f(*args)`` for each of ``calls``, each against what is due, (n,).

    One number fits many mistakes: a name is given where its idea, (n,) or a list of
    such, fits all calls. ``whys`` is one sentence, or one for each call.
    """
    outs, shown = [], []
    for args in calls:
        outs.append(t.tensor(t.call(f, *args)).detach().clone())
        shown.append(t.shown)
        t.shape(outs[-1], (), "one number.")
    seen = torch.stack([out.double() for out in outs])
    name = first(ideas, lambda v: not far(seen, torch.as_tensor(v), tol).any())
    whys = [whys] * len(outs) if isinstance(whys, str) else whys
    due = torch.as_tensor(due).double()
    for out, call, value, why in zip(outs, shown, due, whys):
        t.shown = call
        t.close(out, value, why, name or mistake, tol=tol)
    return outs


def held(t, model: nn.Module, networks: tuple, use):
    """The model holds the networks' parameters, and ``use()`` leaves their modes."""
    t.property("the module holds the networks, and leaves their modes")
    mine = {id(p) for p in model.parameters()}
    whole = all(id(p) in mine for net in networks for p in net.parameters())
    why, got = "parameters() gives those of both networks.", "Some are missing."
    t.true(whole, why, got, "networks not registered")
    modes = [m for net in networks for m in net.modules()]
    for wanted in (False, True):
        for part in (model, *modes):
            part.train(wanted)
        use()
        kept = all(part.training == wanted for part in (model, *modes))
        why, got = "In the mode that they were in.", "In another one."
        t.true(kept, why, got, "mode switched by a call")
