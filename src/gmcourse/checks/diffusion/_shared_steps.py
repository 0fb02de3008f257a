"""What several exercises on steps between data and noise ask a net by."""

import math

import torch

from .._comparisons import first
from .._trial import alike


class Net:
    """A function of an example and a number; it keeps what it was asked and said."""

    def __init__(self, t, shape):
        d = math.prod(shape)
        self.mix = t.away(d, d, low=0.4, high=1.2).double() / d**0.5
        self.more = t.away(d, low=0.5, high=1.5).double() / 0.7
        self.when, self.seen, self.said, self.given = [], [], [], []

    def __call__(self, x, when):
        y = x.detach().double().clone()
        flat = y.flatten(1)
        out = (flat @ self.mix + self.more * (1 + number(when))).sin() + 0.4 * flat
        out = out.reshape(x.shape).to(x.dtype)
        self.when.append(number(when))
        self.seen.append(y)
        self.said.append(out.double().clone())
        self.given.append(out)
        return out


class Noise:
    """Draws in the shape of what it is shown; it keeps what it drew."""

    def __init__(self, t):
        self.t, self.said, self.given = t, [], []

    def __call__(self, x):
        out = self.t.away(*x.shape, low=0.3, high=1.4).to(x.dtype) / 0.7
        self.said.append(out.double().clone())
        self.given.append(out)
        return out


def number(value):
    """A number, also where it came as a tensor of one entry."""
    value = torch.as_tensor(value).double()
    return value.item() if value.numel() == 1 else math.nan


def single(numbers):
    """Numbers as float32 holds them."""
    return numbers.float().double()


def walked(t, net, x, out, times, ideas, past, *noise):
    """All states, (steps + 1, b, ...) in float64, after a look at what was asked.

    ``times`` are those at which the net is due; ``ideas``, under the names of mistakes,
    are lists of such.
    """
    t.shape(out, tuple(x.shape), "that of x.")
    t.dtype(out, x.dtype, "that of x.")
    for said, given in ((v.said, v.given) for v in (net, *noise)):
        if not alike(said, [v.double() for v in given], tol=0.0):
            t.spoiled("input changed in place", "What the functions gave has changed.")

    def fits(v):
        near = (math.isclose(a, b, rel_tol=1e-6) for a, b in zip(v, net.when))
        return len(v) == len(net.when) and all(near)

    if not fits(times):
        name = "result of an earlier call" if any(alike(out, v) for v in past) else None
        name = name or first(ideas, fits) or "calls that are not one for each step"
        told = [", ".join(f"{v:.4g}" for v in w[:9]) for w in (times, net.when)]
        why = f"{len(times)} calls, in this order: {told[0]}."
        t.fail(name, why=why, got=f"{len(net.when)} calls: {told[1]}")
    t.finite(out, "A finite result.")
    last = t.tensor(out).detach().double()
    past.append(out.detach())
    for state in net.seen:
        t.shape(state, tuple(x.shape), "of what the net is shown.")
    t.close(net.seen[0], x.double(), "The first call sees x.", "begun elsewhere")
    return torch.stack([*net.seen, last])


def in_float32(states):
    """For `ideas`: the states as they came, if float32 holds each but the first."""
    held = bool((states[1:] == single(states[1:])).all())
    return "float32 in between", [states[1:]] * held


CALLS = {
    "calls that are not one for each step": "Each step asks the net once, at the place "
    "and time where it begins.",
    "begun elsewhere": "The first call sees x as it was given.",
    "coefficients rounded to float32": "A tensor made of Python floats is float32: its "
    "numbers have seven digits.",
    "float32 in between": "What comes back as float64 has the digits of float32.",
}
