"""Exercise gm-12: Drawing the rest of a point."""

import torch
from torch.distributions import Categorical, Normal

from .._exercise import Exercise
from ._shared import fractions


@Exercise(
    id="gm-12",
    title="Drawing the rest of a point",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Sample from a conditional: first the component, given what is known.",
    ),
    statement=r"""
A mixture, $\sum_j \pi_j\, \mathcal N(\mu_j, \operatorname{diag}(\sigma_j^2))$, and a
point of which only the first coordinate is known: it is $a$. Draw the others.

Write `draw_rest(n, a, w, means, stds)`: `n` independent draws from
$p(x_2, \dots, x_d \mid x_1 = a)$. `a` is a float, `w` has shape `(k,)` and sums to one,
`means` and `stds` have shape `(k, d)`, $d \ge 2$. Return a tensor of shape
`(n, d - 1)`, fresh at each call. It has to be right also where $a$ lies a hundred
standard deviations from all components.
""",
    stub='''
def draw_rest(n, a, w, means, stds):
    """int, float, (k,), (k, d), (k, d) -> (n, d - 1): independent draws."""
    return ...
''',
    answers={"draw_rest": callable},
    hints=(
        "Within a component the coordinates are independent. So what does the first "
        "say about the others? Which component it is.",
        "Two steps, for each draw anew: a component from p(z | a), by the formula of "
        "the E-step in one dimension, then the rest from that component.",
        "Far away all densities are 0 as floats. Logarithms first; then `softmax` and "
        "`torch.multinomial`.",
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
        "known coordinate left out of the choice": "a tells the components apart; "
        "they are chosen by p(z | a), not by their weights.",
        "nearest component alone": "Other components could have given a, too.",
        "widths left out of the responsibilities": "A wide component is a low one: "
        "the density has the factor 1/std.",
        "known coordinate returned": "Return the other coordinates alone: d - 1.",
    },
)
def gm_12(t, draw_rest):
    n = 16_000
    means = torch.tensor([[-4.0, 3.0], [0.0, -3.5], [4.5, 0.5]])
    means = means + t.uniform(3, 2, low=-0.4, high=0.4)
    stds = torch.tensor([[0.28, 0.42], [0.45, 0.33], [0.36, 0.24]])
    stds = stds + t.uniform(3, 2, low=-0.02, high=0.02)
    known = t.integer(-20, 20) / 10  # a, and the first coordinate of the components
    at = known + torch.tensor([[-0.4], [0.9], [-1.5]]) * t.uniform(1, low=0.9, high=1.1)
    width = torch.tensor([[0.5], [1.2], [0.8]])
    every, broad = torch.cat([at, means], 1), torch.cat([width, stds], 1)

    def given(a, prior, at, width):
        each = Normal(at[:, 0].double(), width[:, 0].double()).log_prob(torch.tensor(a))
        return Categorical(logits=prior.double().log() + each).probs

    w = fractions(t, 3).double()
    prior = given(known, w, at, width)  # so that w is what is due given a
    prior = w**2 / prior
    prior = (prior / prior.sum()).float()

    def draw(n, a=known, prior=prior, every=every, broad=broad):
        return t.call(draw_rest, n, a, prior, every, broad)

    t.property("n points of d - 1 coordinates, for any n, d and number of components")
    for k, d in ((4, 3), (3, 2)):
        some = t.uniform(k, d, low=-2, high=2), t.uniform(k, d, low=0.5, high=1)
        few = draw(7, 0.5, fractions(t, k), *some)
        whole = tuple(t.tensor(few).shape) == (7, d) == (7, 3)
        name = "known coordinate returned" if whole else "number of dimensions fixed"
        t.shape(few, (7, d - 1), f"d = {d}.", name)
    t.shape(draw(1), (1, 2), "one draw.")
    one, two = t.fresh(draw, n)
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
    if (center - w @ means.double()).abs().max() < 0.3 and x.std(0).max() < 1:
        name = "components averaged"
    elif (center - w @ means.double()).abs().max() < 0.3 and away > 0.25:
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
    name = "one component for all draws"
    if (j == j[0]).all():
        others = [nearest(t.tensor(draw(1)).detach().double())[0] for _ in range(30)]
        if (torch.cat(others) == j[0]).all():
            name = "nearest component alone"
    t.true((counts > 0).all(), why, got, name)
    gap = ((known - at) / width).double()[:, 0]
    flat = Categorical(logits=prior.double().log() - gap**2 / 2).probs
    ideas = {
        "weights left out": given(known, prior * 0 + 1, at, width),
        "known coordinate left out of the choice": [prior, torch.full((3,), 1 / 3)],
        "widths left out of the responsibilities": flat,
        "factor one half lost": Categorical(
            logits=prior.double().log() - width[:, 0].log() - gap**2
        ).probs,
    }
    t.frequencies(counts, w, "Each is chosen by p(z | a).", ideas=ideas)

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
        few = t.tensor(draw(200)).detach().double()
        seen.add(tuple(torch.bincount(nearest(few)[0], minlength=3).tolist()))
    why, got = "Of 200 draws each time.", "six times the same number of each component"
    t.true(len(seen) > 1, why, got, "the same shares at each call")

    m, each = int(counts.min()), stds.double()
    parts = torch.cat([x[j == c][:m] for c in range(3)], 1)  # (m, 6)
    swapped = [each.flip(1), each.roll(1, 0), each.roll(2, 0)]
    swapped.append((w @ each.square()).sqrt().expand(3, 2))
    ideas = {
        "standard deviation taken as a variance": each.sqrt().flatten(),
        "deviations of another component or axis": [v.flatten() for v in swapped],
    }
    t.gaussian(parts, means.flatten(), each.flatten(), ideas, of=one)
    t.independent_noise(z[::4, None], z2[::4, None])
    t.independent_noise(one[::4, None, :1], two[::4, None, :1])

    t.property("a hundred deviations from all components")
    apart = torch.tensor([[0.0], [0.01], [-0.01]])
    ones, far = torch.ones(3, 1), 100.0 * (1 - 2 * t.integer(0, 1))
    rest = torch.cat([apart, means], 1), torch.cat([ones, stds], 1)
    out = t.tensor(draw(n, far, prior, *rest)).detach().double()
    low = "underflow to zero"
    t.finite(out, "Draws are numbers.", low)
    counts = torch.bincount(nearest(out)[0], minlength=3)
    due = given(far, prior, apart, ones)
    # Ten standard errors: no test of chance is spent on it.
    t.close(counts / n, due, "By p(z | a), from logarithms.", low, tol=0.04)
