"""Exercise gm-13: A density under 2.7 nats."""

import math

import torch

from ...data.densities import pinwheel
from .._exercise import Exercise


@Exercise(
    id="gm-13",
    title="A density under 2.7 nats",
    difficulty=4,
    minutes=40,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Fit a density that is good on data it has not seen, in a second of CPU time.",
    ),
    statement=r"""
`x` holds 1,000 points, shape `(1000, 2)`, from a five-armed pinwheel that has been
turned by an unknown angle and shifted. Write `fit_density(x)`, which returns a function
`log_prob`: points `(b, 2)` to log-densities `(b,)` in nats.

On fresh points the mean of `-log_prob` must be **at most 2.7 nats** (the entropy of the
truth is 2.32), and the density must integrate to one; the value at a point must not
depend on which other points are asked for. Any kind of model is allowed: a mixture, a
kernel, a net. (A histogram of equal cells comes close at best.) Budget: about two
seconds on one CPU thread. The check does not time you, but you will wait.
""",
    stub='''
def fit_density(x):
    """(1000, 2) -> a function: (b, 2) -> (b,) log-densities in nats."""
    return ...
''',
    answers={"fit_density": callable},
    hints=(
        "Measure before you send it in: keep 200 of the points back, and look at the "
        "mean log-density there, not on the points you fitted.",
        "A mixture of about twenty full Gaussians by EM does it, with a floor under "
        "the variances. So does one round Gaussian on each point, if its width is "
        "well chosen.",
        "Too narrow: the held-out value explodes. Too wide: it creeps up. The best "
        "width lies where the two meet.",
    ),
    misconceptions={
        "no function returned": "fit_density returns log_prob itself.",
        "the same density everywhere": "A constant has learned nothing from x.",
        "impossible points": "Minus infinity for a single fresh point spoils the mean: "
        "leave some density everywhere.",
        "points remembered": "High on the training points, low beside them: the model "
        "is too sharp.",
        "too coarse": "It has the outline and not the arms: more components, smaller "
        "cells, a narrower kernel, or more steps.",
        "does not integrate to one": "A constant added to log p, or a floor under p "
        "however far away, makes any model look better; then it is no density.",
        "depends on the other points": "A density is a function of one point. What is "
        "fitted or normalized is fixed before log_prob is called.",
    },
)
def gm_13(t, fit_density):
    wheel = pinwheel()
    angle = 2 * math.pi * torch.rand((), generator=t.rng)
    turn = torch.tensor([[angle.cos(), -angle.sin()], [angle.sin(), angle.cos()]])
    shift = t.uniform(2, low=-0.5, high=0.5)
    seed = t.integer(0, 10**9)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        points = wheel.sample(5000) @ turn.T + shift
    x, fresh = points[:1000], points[1000:]

    t.property("a function from points to log-densities")
    log_prob = t.call(fit_density, x)
    got = f"an object of type {type(log_prob).__name__}"
    t.true(callable(log_prob), "A function.", got, "no function returned")
    out = t.tensor(t.call(log_prob, fresh)).detach().double()
    t.shape(out, (len(fresh),), "one log-density for each point.")

    few = t.tensor(t.call(log_prob, fresh[:40])).detach().double()
    one = t.tensor(t.call(log_prob, fresh[:1])).detach().double()
    why, alone = "The same points, fewer at a time.", "depends on the other points"
    t.close(few, out[:40], why, alone, tol=1e-2)
    t.close(one, out[:1], why, alone, tol=1e-2)

    t.property("it gives density to every fresh point")
    never = int((out == -math.inf).sum())
    why = "No fresh point may be impossible."
    t.true(never == 0, why, f"{never} points at minus infinity", "impossible points")
    t.finite(out, "Log-densities are numbers.")
    flat = "the same density everywhere"
    t.true(out.std() > 1e-6, "Not a constant.", "one value for all points", flat)

    t.property("it integrates to one")

    def density(places):
        return t.tensor(t.call(log_prob, places)).detach().double().exp()

    def board(edge, cells):
        side = edge * (2 * (torch.arange(cells) + 0.5) / cells - 1)
        return torch.cartesian_prod(side, side), (2 * edge / cells) ** 2

    inner, area = board(7.0, 175)
    wide, patch = board(49.0, 49)  # of which 7 by 7 cells are the inner square
    near = density(inner)
    total = near.sum() * area
    total = total + density(wide[wide.abs().amax(1) > 7]).sum() * patch
    why = "Over a fine grid in the middle and a coarse one around it: 0.97 to 1.03."
    seen = t.tensor(t.call(log_prob, x)).detach().double()
    sharp = out.mean() < seen.mean() - 1.5  # too sharp for the grid to see
    name = "points remembered" if sharp else "does not integrate to one"
    if 0.95 < (1 / near).sum() * area < 1.05:
        name = "negative log-likelihood returned"
    t.true(0.97 <= total <= 1.03, why, f"{total:.4g}", name)
    for far in (300.0, 30_000.0):
        ring = far * torch.tensor([[1.0, 0.1], [-0.2, 1.0], [-1.0, -0.7], [0.5, -1.0]])
        mass = density(ring).mean() * math.pi * far**2
        why = f"So little is {far:g} away that a disk of it holds less than 5 percent."
        t.at_most(mass, 0.05, why, "does not integrate to one")

    # Twenty Gaussians by EM: 2.470 nats over 60 seeds, deviation 0.034, worst 2.59.
    t.property("at most 2.7 nats on fresh points", of=log_prob)
    name = "points remembered" if sharp else "too coarse"
    t.at_most(-out.mean(), 2.7, "The mean of -log p; 2.32 is the floor.", name)
