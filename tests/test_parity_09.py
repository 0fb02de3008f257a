"""What chapter 09 builds computes what the library ships."""

import pytest
import torch
from parity import build_namespace, copy_weights, parity, shaken, values

from gmcourse import solvers
from gmcourse.continuous import (
    Field,
    continuous_flow,
    divergence,
    hutchinson,
    solve_by_adjoint,
)

CHAPTER = "09_continuous_flows"
equal = torch.testing.assert_close


@pytest.fixture(scope="module")
def notebook():
    return build_namespace(CHAPTER)


def rate(t, x, y):
    return (x * y[:, None] + t).sin(), x.sum(1).cos() * t


@parity("09_continuous_flows", "euler", "rk4", "solve")
@pytest.mark.parametrize("step", ["euler", "rk4"])
def test_solvers(notebook, step):
    state = values(4, 3), values(4)
    mine = notebook["solve"](rate, state, 1.0, -0.5, 7, notebook[step])
    due = solvers.solve(
        rate, state, start=1.0, end=-0.5, steps=7, step=getattr(solvers, step)
    )
    equal(mine, due)


def both_fields(notebook):
    theirs = shaken(Field(3, width=8))
    mine = notebook["Velocity"](3, 8).double()
    copy_weights(theirs, mine)
    return mine, theirs


@parity("09_continuous_flows", "Velocity", "trace", "noisy_trace")
def test_a_velocity_and_its_traces(notebook):
    mine, theirs = both_fields(notebook)
    x, eps = values(5, 3).requires_grad_(), values(5, 3).flip(0)
    v, w = mine(x, 0.3), theirs(x, 0.3)
    equal(v, w)
    equal(notebook["trace"](v, x), divergence(w, x))
    equal(notebook["noisy_trace"](v, x, eps), hutchinson(w, x, eps))


@parity("09_continuous_flows", "CNF")
def test_a_flow_both_ways(notebook):
    mine, _ = both_fields(notebook)
    eps = values(5, 3).flip(0)
    theirs = continuous_flow(3, width=8, steps=6, probe=lambda x: eps).double()
    copy_weights(mine, theirs.field)
    flow, x = notebook["CNF"](mine, steps=6), values(5, 3)
    equal(flow.to_latent(x), theirs.to_latent(x))
    equal(flow.from_latent(x), theirs.from_latent(x))
    equal(flow.log_prob(x), theirs.log_prob(x))
    equal(flow.log_prob(x, eps), theirs.estimate(x))


@parity("09_continuous_flows", "Adjoint")
def test_the_adjoint(notebook):
    field, _ = both_fields(notebook)
    weights, x = tuple(field.parameters()), values(5, 3).requires_grad_()
    mine = notebook["Adjoint"].apply(field, 6, x, *weights)
    (theirs,) = solve_by_adjoint(lambda t, x: (field(x, t),), (x,), weights, steps=6)
    equal(mine, theirs)
    a, b = (
        torch.autograd.grad(z.square().sum(), (x, *weights)) for z in (mine, theirs)
    )
    equal(a, b)
