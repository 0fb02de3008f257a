"""Exercise gm-12: Drawing from a mixture."""

import math

import torch

from .._exercise import Exercise
from ._shared import fractions


@Exercise(
    id="gm-12",
    title="Drawing from a mixture",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Sample in the order of the model: first the component, then x.",),
    statement=r"""
Write `sample_mixture(n, w, means, stds)`: `n` independent draws from
$\sum_j \pi_j\, \mathcal N(\mu_j, \operatorname{diag}(\sigma_j^2))$. `w` has shape
`(k,)` and sums to one, `means` and `stds` have shape `(k, d)`. Return a tensor of
shape `(n, d)`, fresh at each call.
""",
    stub='''
def sample_mixture(n, w, means, stds):
    """int, (k,), (k, d), (k, d) -> (n, d): independent draws."""
    return ...
''',
    answers={"sample_mixture": callable},
    hints=(
        "How was the data supposed to have come about? Two steps, for each draw anew.",
        "`torch.multinomial(w, n, replacement=True)` gives n component numbers; "
        "`means[j]` with a vector j picks a row for each.",
        "Count the noise: n · d numbers.",
    ),
    misconceptions={
        "components averaged": "A weighted mean of Gaussian draws is a Gaussian draw: "
        "one hump between the others.",
        "one component for all draws": "Each draw chooses its own component.",
        "components in fixed numbers, sorted": "Independent draws come in any order, "
        "and the number of each component varies.",
        "the same shares at each call": "Each draw chooses by itself, so that the "
        "number of draws of a component varies from call to call.",
        "weights left out": "Components are chosen with their weights.",
        "variances used as deviations": "stds are standard deviations.",
        "component chosen for each dimension": "One choice of component holds for the "
        "whole point.",
        "noise left out": "A draw is not the mean of its component.",
        "deviations of another component or axis": "Mean and deviations belong to the "
        "same component, axis by axis.",
        "noise not Gaussian": "Uniform, clipped or heavy-tailed noise of the right "
        "deviation is not normal.",
        "number of dimensions fixed": "d is the width of means, whatever it is.",
        "weights changed": "The weights are the probabilities, as they are.",
        "draws not independent of each other": "Each draw has a component and noise of "
        "its own.",
        "fixed across calls": "A second call gives other draws.",
    },
)
def gm_12(t, sample_mixture):
    d, n = 2, 6000
    w = fractions(t, 3)
    means = torch.tensor([[-4.0, 3.0], [0.0, -3.5], [4.5, 0.5]])
    means = means + t.uniform(3, d, low=-0.4, high=0.4)
    stds = torch.tensor([[0.28, 0.42], [0.45, 0.33], [0.36, 0.24]])
    stds = stds + t.uniform(3, d, low=-0.02, high=0.02)

    t.property("n points of d coordinates, fresh at each call")
    out = t.call(sample_mixture, n, w, means, stds)
    t.shape(out, (n, d), "n draws.")
    t.finite(out, "Draws are numbers.")
    again = t.call(sample_mixture, n, w, means, stds)
    fresh = "fixed across calls"
    t.true((out != again).any(), "Other draws.", "the same draws", fresh)
    x = t.tensor(out).detach().double()
    fixed = "number of dimensions fixed"
    for size in (1, 3):
        some = t.uniform(3, size, low=-2, high=2), t.uniform(3, size, low=0.5, high=1)
        t.shape(t.call(sample_mixture, 7, w, *some), (7, size), f"d = {size}.", fixed)

    t.property("each point lies near one of the means")
    near = ((x[:, None] - means).abs() / stds).amax(2)  # in deviations, the worse axis
    close, j = near.min(1)
    count = len(x.unique(dim=0))
    t.true(count > n // 2, "No two alike.", f"{count} different", "noise left out")
    first = (x[:, 0, None] - means[:, 0]).abs().argmin(1)
    spread = torch.bincount(first, minlength=3).min() > n // 20
    apart = ((x[:, None] - means).abs() / stds).amin(1).max()  # each axis by itself
    name = "components averaged"
    if spread and apart < 7:
        name = "component chosen for each dimension"
    why = "At most one in 200 is farther than seven of its standard deviations."
    t.at_most((close > 7).double().mean(), 0.005, why, name)

    t.property("the components' frequencies are their weights")
    counts = torch.bincount(j, minlength=3)
    got = f"all {n} draws near one mean"
    one = "one component for all draws"
    t.true((counts > 0).all(), "All components occur.", got, one)
    ideas = {"weights left out": torch.full((3,), 1 / 3)}
    other = "weights changed"
    t.frequencies(counts, w, "Each is chosen with its weight.", other, ideas)

    t.property("draws do not depend on their place")
    place = torch.arange(n, dtype=torch.float64)
    shared = "draws not independent of each other"
    blocks = (j.diff() != 0).sum() < 10
    name = "components in fixed numbers, sorted" if blocks else shared
    for axis in (0, 1):
        t.independent(torch.stack([x[:, axis], place], 1), "In any order.", name)

    t.property("each draw chooses by itself: the numbers vary from call to call")
    seen = set()
    for _ in range(6):  # that all six agree: below 1e-11 for independent draws
        few = t.tensor(t.call(sample_mixture, 200, w, means, stds)).detach().double()
        near = ((few[:, None] - means).abs() / stds).amax(2).argmin(1)
        seen.add(tuple(torch.bincount(near, minlength=3).tolist()))
    why, got = "Of 200 draws each time.", "six times the same number of each component"
    t.true(len(seen) > 1, why, got, "the same shares at each call")

    t.property("around each mean: Gaussian, with the deviations asked for")
    z = (x - means[j]) / stds[j]
    for c in range(3):
        ideas = {"variances used as deviations": [stds[c], stds[c] ** -0.5]}
        why, other = f"Component {c}.", "deviations of another component or axis"
        t.std(z[j == c], torch.ones(2), why, other, ideas)
    t.independent(z, "Noise of its own.", "one noise for all dimensions")
    borders = torch.tensor([0.0, 0.6, 1.1, 1.6, 2.1, 2.6, 3.1, math.inf]).double()
    size = torch.bucketize(z.abs().flatten(), borders[1:-1])
    counts, probs = torch.bincount(size, minlength=7), (borders / 2**0.5).erf().diff()
    t.frequencies(counts, probs, "Sizes of normal noise.", "noise not Gaussian")

    t.property("no two draws share a component or noise")
    t.independent(x[:, 0].view(-1, 2), "Neighbors.", shared)
    t.independent(z[:, 0].view(2, -1).T, "The two halves.", shared)
