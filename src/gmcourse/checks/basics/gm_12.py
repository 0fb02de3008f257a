"""Exercise gm-12: Drawing the rest of a point."""

import math

import torch
from torch.distributions import Categorical, Normal

from .._exercise import Exercise, Stop
from .._parts import wrong_part
from ._shared import fractions, log_joint_choices


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
        r"Two steps, for each draw anew: a component from $p(z \mid a)$, by the "
        "formula of the E-step in one dimension, then the rest from that component.",
        "Far away all densities are 0 as floats. Logarithms first; then `softmax` and "
        "`torch.multinomial`.",
    ),
    misconceptions={
        "components averaged": "A weighted mean of Gaussian draws is a Gaussian draw: "
        "one hump between the others.",
        "one Gaussian for the mixture": "These are draws from one Gaussian, with the "
        "mean and the covariance of the mixture: the conditional is a mixture, too.",
        "mean in place of draws": "Draws are due, neither the mean of the conditional "
        "nor that of a component.",
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
        "another coordinate compared with a": "a is the first coordinate: the others "
        "of the means say nothing about which component gave it.",
        "other coordinates than those asked for": "x_2, ..., x_d are due, in this "
        "order: the columns of means and stds from the second on.",
        "moved with the known coordinate": "Within a component the "
        "coordinates are independent, each around the component's own mean: a tells "
        "which component it is, and moves nothing.",
        "known coordinate returned": "Return the other coordinates alone: d - 1.",
        "lost far away": "Right near the components, and wrong where all densities are "
        "tiny: a clamp, a floor or a fallback, draws that were kept because they fell "
        "near a, or numbers that underflow.",
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
    t.property("draws, and not all of them alike")
    same, middle = t.tensor(draw(n)).detach().double(), w @ means.double()
    alike = (same == same[0]).all()
    centers = torch.cat([means.double(), middle[None], w.new_zeros(1, 2)])
    still = alike and (same[0] - centers).abs().amax(1).min() < 1e-3
    t.true(not still, "Draws.", f"{n} times the same mean", "mean in place of draws")
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
    count, name = len(x[:, 0].unique()), "one noise for all draws"
    if (x - means[j]).abs().max() < 1e-3:
        name = "noise left out"
    t.true(count > n // 2, "No two alike.", f"{count} different", name)
    away = (z.abs().amax(1) > 7).double().mean()
    name = misplaced(x, means, stds, every, broad, known, prior.double(), w)
    why = "At most one in 200 is farther than seven of its standard deviations."
    t.at_most(away, 0.005, why, name if away > 0.005 else None)

    t.property("the components' frequencies are their weights", of=one)
    counts = torch.bincount(j, minlength=3)
    first = torch.bincount(j, minlength=3) / n

    def others():
        """What chose the components: it fits three times, with other numbers."""
        cases = [(known, prior, at, width, first)]
        for a, off in ((known, [1.3, -0.5, 0.2]), (0.7, [-0.9, 0.3, 1.4])):
            here = a - torch.tensor(off)[:, None], torch.tensor([[0.9], [0.4], [1.5]])
            weights = fractions(t, 3)
            full = torch.cat([here[0], means], 1), torch.cat([here[1], stds], 1)
            out = t.tensor(draw(n, a, weights, *full)).detach().double()
            share = torch.bincount(nearest(out)[0], minlength=3) / n
            cases.append((a, weights, *here, share))
        return chosen(cases, means, stds)

    few, name = int((counts > 0).sum()), None
    why, got = "All components occur.", f"all {n} draws near {few} of the means"
    if few == 1:
        name = "one component for all draws"
        again = [nearest(t.tensor(draw(1)).detach().double())[0] for _ in range(30)]
        if (torch.cat(again) == j[0]).double().mean() > 0.9:
            name = others() or "nearest component alone"
    t.true(few == 3, why, got, name or (others() if few < 3 else None))
    p_value = ((first - w).square() / w * n).sum()
    name = others() if p_value > 20 else None
    t.frequencies(counts, w, "Each is chosen by p(z | a).", name)

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
        "standard deviation squared": each.square().flatten(),
        "deviations of another component or axis": [v.flatten() for v in swapped],
    }
    moved = known - at
    centers = {
        "moved with the known coordinate": [
            (means + v).double().flatten()
            for v in (moved, -moved, moved / width * stds, known, -known, at)
        ],
    }
    t.gaussian(parts, means.flatten(), each.flatten(), ideas, centers, of=one)
    t.independent_noise(z[::4, None], z2[::4, None])
    t.independent_noise(one[::4, None, :1], two[::4, None, :1])

    t.property("a hundred deviations from all components")
    apart = torch.tensor([[0.0], [0.01], [-0.01]])
    ones, far = torch.ones(3, 1), 100.0 * (1 - 2 * t.integer(0, 1))
    rest = torch.cat([apart, means], 1), torch.cat([ones, stds], 1)
    why, low = "By p(z | a), from logarithms.", "underflow to zero"
    try:
        out = t.tensor(draw(n, far, prior, *rest)).detach().double()
    except Stop as stop:  # near the components all went well
        if stop.outcome != "error":
            raise
        got = stop.lines["got"]
        invalid = "probab" in got or "nan" in got.lower() or "inf" in got
        t.fail(low if invalid else "lost far away", why=why, got=got)
    t.finite(out, "Draws are numbers.", low)
    share = torch.bincount(nearest(out)[0], minlength=3) / n
    due = given(far, prior, apart, ones)
    # Ten standard errors: no test of chance is spent on it.
    t.close(share, due, why, "lost far away", tol=0.04)


def chosen(cases, means, stds):
    """The name of what chose the components, by the shares that it gives."""

    def shares(use, prior, gap, width):
        found = []
        for a, weights, at, s, _ in cases:
            full = torch.cat([at, means], 1).double(), torch.cat([s, stds], 1).double()
            v = prior(weights.double()) + gap(a - full[0], full[1]) - width(full[1])
            found.append(use(v, weights.double().log()))
        return torch.stack(found)

    def fits(found):
        due = torch.stack([case[-1].double() for case in cases])
        return (found - due).abs().max() < 0.018

    def at(f, columns=(0,)):
        """``f``, summed over these columns."""
        return lambda *v: f(*v)[:, list(columns)].sum(1)

    prior, gaps, widths = log_joint_choices()
    gaps, widths = ({k: list(map(at, v)) for k, v in c.items()} for c in (gaps, widths))
    lost, others = "known coordinate left out of the choice", ([0, 1, 2], [1], [2])
    gaps[lost] = [lambda *v: 0 * v[0][:, 0]]
    right = log_joint_choices()[1][""][0]
    gaps["another coordinate compared with a"] = [at(right, c) for c in others]
    widths["log-deviation enters otherwise"] += [at(torch.log, c) for c in others]
    one = torch.eye(3).double()
    uses = {
        "": [lambda v, w: v.softmax(0)],
        "nearest component alone": [
            lambda v, w: one[v.argmax()],
            lambda v, w: one[(v - w).argmax()],
        ],
        lost: [lambda v, w: 0 * v + 1 / 3],
        "density in place of its logarithm": [
            lambda v, w, c=c: (v.exp() / c).softmax(0)
            for c in (1, (2 * math.pi) ** 0.5)
        ],
        "another power of the shares": [
            lambda v, w, c=c: (c * v).softmax(0) for c in (2, 0.5)
        ],
    }
    return wrong_part(fits, shares, uses, prior, gaps, widths)


def misplaced(x, means, stds, every, broad, known, prior, w):
    """What gave draws that do not lie near the means, if it is one of these."""
    center, spread = x.mean(0), x.std(0)
    middle = w @ means.double()
    if (center - middle).abs().max() < 0.3 and spread.max() < 1:
        return "components averaged"
    if center.abs().max() < 0.1 and spread.max() < 1:
        return "mean not added"
    m, s = every.double(), broad.double()
    total = prior @ m
    off = m - total
    cov = (off * prior[:, None]).T @ off + (prior @ s**2).diag()
    slope = cov[1:, 0] / cov[0, 0]
    rest = cov[1:, 1:] - slope[:, None] * cov[0, 1:]
    inner = w @ (means - middle) ** 2 + w @ stds.double() ** 2
    for mean, var in (
        (total[1:] + slope * (known - total[0]), rest.diag()),
        (total[1:], cov.diag()[1:]),
        (middle, inner),
    ):
        normal = (((x - center) / spread) ** 4).mean(0)  # 3 for a Gaussian
        close = (center - mean).abs() < 0.1 * (1 + spread)
        if (
            close.all()
            and ((spread / var.sqrt()).log().abs() < 0.05).all()
            and (normal - 3).abs().max() < 0.3
        ):
            return "one Gaussian for the mixture"

    def near(table, far):
        """The points lie near the rows of a table, and around them."""
        gap = x[:, None] - table
        j = gap.square().sum(2).argmin(1)
        gap = gap[torch.arange(len(x)), j]
        around = torch.stack([gap[j == c].mean(0) for c in j.unique()])
        return gap.abs().median() < far / 2 and around.abs().max() < far / 2, gap, j

    fits, gap, j = near(means, 1.5)
    if fits and len(j.unique()) == 3:
        size = torch.stack([gap[j == c].abs().median(0)[0] for c in range(3)]) / 0.6745
        sizes = {
            "standard deviation ignored": [torch.ones(3, 2)],
            "standard deviation taken as a variance": [stds.sqrt()],
            "deviations of another component or axis": [
                *(stds.flip(1), stds.roll(1, 0), stds.roll(2, 0)),
                *(broad[:, :1].expand(3, 2), broad[:, :2], broad[:, [0, 2]]),
            ],
            "deviations taken as logarithms": [stds.exp()],
        }
        for name, v in sizes.items():
            if any((size / u).log().abs().max() < 0.1 for u in v):
                return name
    moved = known - every[:, :1]
    tables = {
        "other coordinates than those asked for": [
            every[:, list(v)] for v in ((0, 1), (1, 0), (0, 2), (2, 0), (2, 1))
        ],
        "moved with the known coordinate": [
            means + v
            for v in (
                *(moved, -moved, moved / broad[:, :1] * stds),
                *(known, -known, every[:, :1]),
            )
        ],
    }
    for name, found in tables.items():
        if any(near(v, 0.8)[0] for v in found):
            return name
    apart = ((x[:, None] - means).abs() / stds).amin(1)  # each axis by itself
    if (apart > 7).double().mean() < 0.005:
        return "component chosen for each dimension"
    return None
