"""What several exercises on noisy examples try."""

from itertools import chain

import torch

from .._parts import mistakes


def over(v, x):
    """A number of each example in a shape that multiplies ``x``."""
    return v.reshape(-1, *[1] * (x.dim() - 1))


def last(v, x):
    """The same, wrongly: along the last axis."""
    return v if x.dim() > 1 and x.shape[-1] == len(v) else over(v, x)


def shares(betas):
    """What of the variance of data is left after 0, 1, ... steps; (K + 1,), float64."""
    left = [1.0]
    for beta in betas.tolist():
        left.append(left[-1] * (1 - beta))
    return torch.tensor(left, dtype=torch.float64)


def drawn(t, *shape, kind=torch.float64, low=0.3, high=1.5):
    """Numbers away from 0 that are none of float32, unless that is their type."""
    return t.away(*shape, low=low, high=high).to(kind) / 0.7


def pair(t, out, why):
    """The two parts of a result; ``why`` says which are due."""
    two = isinstance(out, tuple | list) and len(out) == 2
    got = f"an object of type {type(out).__name__}"
    t.true(two, f"A pair {why}.", got, "no pair")
    return out


def again(t, f, *args, drawing="estimated from samples"):
    """Two calls give the same; ``drawing`` is the mistake where they do not."""
    t.property("the same input gives the same again")
    one, two = (t.tensor(t.call(f, *args)).detach() for _ in range(2))
    same = one.shape == two.shape and torch.allclose(one, two, equal_nan=True)
    t.true(same, "Nothing else is random.", "two results", drawing)


def held(t, out, make, *parts, why, kind, old=(), extra=(), tol=0.0):
    """``out`` against ``make`` of the right choices, in float64; what is due."""
    due = make(*(part[""] for part in parts)).double()
    t.shape(out, due.shape, why, ideas={"batch axis lost": due.squeeze(0).shape})
    t.dtype(out, kind, "that of the inputs.")
    tol = tol or (1e-9 if kind == torch.float64 else 1e-4)
    near = kind == torch.float64 and torch.allclose(t.tensor(out), due, 1e-4, 1e-5)
    earlier = [v for v in old if v.shape == due.shape and not torch.equal(v, due)]
    first = {
        "not to the digits asked for": [t.tensor(out).detach()] * near,
        "result of an earlier call": earlier,
    }
    found = chain(first.items(), extra, mistakes(make, *parts, tol=10 * tol))
    t.close(out, due.detach(), why, None, found, tol)
    return due.detach()


def slopes(t, name, f, due, *leaves, why):
    """Gradients of ``f(*leaves)`` are those of ``due(*leaves)``."""
    leaves = [v.clone().requires_grad_() for v in leaves]
    out, right = f(*leaves), due(*leaves)
    t.property(name, of=out)
    weight = t.uniform(*right.shape, low=0.5, high=2)
    for leaf in leaves:
        told = why, "cut off from the graph"
        t.close(t.grad(out, leaf, weight), t.grad(right, leaf, weight), *told, tol=1e-8)
