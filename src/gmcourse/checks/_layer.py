"""An invertible layer: its inverse, its log-determinant, what depends on what."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from ._trial import Trial


def layer(
    t: "Trial",
    forward: Callable,
    inverse: Callable,
    x: Tensor,
    *,
    mask: Tensor | None = None,
    tol: float = 1e-4,
):
    """``forward(x) -> z, log_det`` for ``(b, d)`` x, and ``inverse(z) -> x``.

    The inverse undoes it, ``log_det`` ``(b,)`` is the logarithm of the size
    of the determinant of the Jacobian of each row, and ``z[:, i]`` depends on
    ``x[:, j]`` only where ``mask[i, j]``. Take b and d of 3 or more, and not equal.
    """
    b, d = x.shape
    t.property("z of the shape of x, and one log-determinant for each row")
    made = t.call(forward, x)
    pair = isinstance(made, tuple | list) and len(made) == 2
    t.true(pair, "A pair (z, log_det).", f"an object of type {type(made).__name__}")
    z, log_det = made
    t.shape(z, (b, d), "one z for each x.")
    shapes = {
        "not summed over the dimensions": (b, d),
        "reduced over the batch": [(), (1,)],
    }
    t.shape(log_det, (b,), "one for each row.", ideas=shapes)

    t.property("there and back again")
    back = t.call(inverse, t.tensor(z).detach())
    t.close(back, x, "The inverse gives x again.", "not inverted", tol=tol)

    def row(r):
        return t.tensor(t.call(forward, r[None])[0])[0]

    # One row at a time: what leaks between rows shows as another Jacobian.
    jacobians = [torch.autograd.functional.jacobian(row, r) for r in x.detach()]
    jac = torch.stack(jacobians)
    if mask is not None:
        t.property("each output depends only on what it may see", of=made)
        seen = jac.abs().amax(0) * ~mask.bool()
        told = "The derivative is exactly 0 where the mask says so."
        t.equal(seen, 0.0, told, "depends on what it must not see")
    t.property("the log-determinant of the Jacobian", of=made)
    due = torch.linalg.slogdet(jac.double()).logabsdet
    ideas = {
        "log-determinant of the inverse": -due,
        "determinant in place of its logarithm": due.exp(),
        "mean over the dimensions": due / d,
        "reduced over the batch": [due / b, due.mean().expand(b), due.sum().expand(b)],
    }
    t.close(log_det, due, "By automatic differentiation, row by row.", None, ideas, tol)
