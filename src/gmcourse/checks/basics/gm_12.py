"""Exercise gm-12: Drawing from a mixture."""

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
        "noise left out": "A draw is not the mean of its component.",
        "deviations of another component or axis": "Mean and deviations belong to the "
        "same component, axis by axis.",
        "number of dimensions fixed": "d is the width of means, whatever it is.",
        "weights taken as logits": "The weights are the probabilities, as they are.",
    },
)
def gm_12(t, sample_mixture):
    n, w = 16_000, fractions(t, 3)
    means = torch.tensor([[-4.0, 3.0], [0.0, -3.5], [4.5, 0.5]])
    means = means + t.uniform(3, 2, low=-0.4, high=0.4)
    stds = torch.tensor([[0.28, 0.42], [0.45, 0.33], [0.36, 0.24]])
    stds = stds + t.uniform(3, 2, low=-0.02, high=0.02)

    t.property("n points of d coordinates, for any n, d and number of components")
    for k, d in ((3, 1), (4, 3)):
        some = t.uniform(k, d, low=-2, high=2), t.uniform(k, d, low=0.5, high=1)
        few = t.call(sample_mixture, 7, fractions(t, k), *some)
        t.shape(few, (7, d), f"d = {d}.", "number of dimensions fixed")
    out = t.call(sample_mixture, 1, w, means, stds)
    t.shape(out, (1, 2), "one draw.")
    one, two = t.fresh(lambda n: t.call(sample_mixture, n, w, means, stds), n)
    t.shape(one, (n, 2), "n draws.")
    t.finite(one, "Draws are numbers.")
    x, other = one.double(), two.double()

    def nearest(x):
        """The component of each point, and its deviations from it along either axis."""
        off = (x[:, None] - means) / stds
        j = off.abs().amax(2).argmin(1)
        return j, off[torch.arange(len(x)), j]

    (j, z), (j2, z2) = nearest(x), nearest(other)
    t.property("each point lies near one of the means", of=one)
    count = len(x[:, 0].unique())
    t.true(count > n // 2, "No two alike.", f"{count} different", "noise left out")
    away, center, name = (z.abs().amax(1) > 7).double().mean(), x.mean(0), None
    apart = ((x[:, None] - means).abs() / stds).amin(1).max()  # each axis by itself
    if (center - w @ means).abs().max() < 0.3 and x.std(0).max() < 1:
        name = "components averaged"
    elif (center - w @ means).abs().max() < 0.3 and away > 0.25:
        each = "component chosen for each dimension"
        name = "components averaged" if apart > 7 else each
    elif center.abs().max() < 0.1 and x.std(0).max() < 1:
        name = "mean not added"
    elif (x - means[j]).abs().median().sub(0.674).abs() < 0.05:
        name = "standard deviation ignored"
    why = "At most one in 200 is farther than seven of its standard deviations."
    t.at_most(away, 0.005, why, name)

    t.property("the components' frequencies are their weights", of=one)
    counts = torch.bincount(j, minlength=3)
    why, got = "All components occur.", f"all {n} draws near one mean"
    t.true((counts > 0).all(), why, got, "one component for all draws")
    ideas = {
        "weights left out": torch.full((3,), 1 / 3),
        "weights taken as logits": w.softmax(0),
    }
    t.frequencies(counts, w, "Each is chosen with its weight.", ideas=ideas)

    t.property("draws do not depend on their place", of=one)
    place, shared = torch.arange(n, dtype=torch.float64), "draws not independent"
    blocks = (j.diff() != 0).sum() < 10
    name = "components in fixed numbers, sorted" if blocks else shared
    t.independent(torch.stack([x[:, 0], place], 1)[::4], "In any order.", name)
    t.independent(x[:4000, 0].view(-1, 2), "Neighbors.", shared)

    t.property("a second call chooses and draws anew", of=two)
    same = (j == j2).all() or ((z - z2).abs() < 1e-3).double().mean() > 0.5
    got = "the same choices, or the same noise"
    t.true(not same, "Other draws.", got, "noise fixed across calls")

    t.property("each draw chooses by itself: the numbers vary from call to call")
    seen = set()
    for _ in range(6):  # that all six agree: below 1e-11 for independent draws
        few = t.tensor(t.call(sample_mixture, 200, w, means, stds)).detach().double()
        seen.add(tuple(torch.bincount(nearest(few)[0], minlength=3).tolist()))
    why, got = "Of 200 draws each time.", "six times the same number of each component"
    t.true(len(seen) > 1, why, got, "the same shares at each call")

    m, every = int(counts.min()), stds.double()
    parts = torch.cat([x[j == c][:m] for c in range(3)], 1)  # (m, 6)
    swapped = [every.flip(1), every.roll(1, 0), every.roll(2, 0)]
    swapped.append((w.double() @ every.square()).sqrt().expand(3, 2))
    ideas = {
        "standard deviation taken as a variance": every.sqrt().flatten(),
        "deviations of another component or axis": [v.flatten() for v in swapped],
    }
    t.gaussian(parts, means.flatten(), every.flatten(), ideas, of=one)
    t.independent_noise(z[::4, None], z2[::4, None])
    t.independent_noise(one[::4, None, :1], two[::4, None, :1])
