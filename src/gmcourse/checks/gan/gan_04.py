"""Exercise gan-04: How much gets through."""

import functools
import math
from typing import Any

import torch
from torch.distributions import Normal

from .._exercise import Exercise

Z = torch.linspace(-12, 12, 1201, dtype=torch.float64)  # x - d
NORMAL = Normal(0.0, 1.0).log_prob(Z).exp()
STEP = float(Z[1] - Z[0])


@Exercise(
    id="gan-04",
    title="How much gets through",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compute how much of the critic's slope either loss of the generator lets "
        "through, and which examples carry it.",
    ),
    statement=r"""
The data are $p = \mathcal N(0, 1)$, the generator makes $x = z + d$ with
$z \sim \mathcal N(0, 1)$ and one parameter, $d > 0$, so that $q = \mathcal N(d, 1)$.
The critic is the best one for this $d$, and held fixed where a loss is differentiated.
By [(4.4)](#eq-saturating) the saturating loss weighs the critic's slope with $D^*$, and
the other one with $1 - D^*$.

Give four numbers, to three significant digits, `carried` to two. An integral over $x$
is a sum on a grid, with a step of 0.01 or less: `carried` ends between two points, and
on a coarser grid that alone puts it too far off.

- `weight`: the mean weight $\mathbb{E}_q[D^*(x)]$ of the saturating loss at $d = 4$;
- `carried`: which share of that mean is due to the 5% of the examples that lie nearest
  to the data, those with $x < d - 1.645$;
- `pull`: the derivative with respect to $d$ of the non-saturating loss,
  $\mathbb{E}_q[-\log D^*(x)]$, at $d = 4$;
- `steepest`: the $d$ at which the derivative of the saturating loss,
  $\mathbb{E}_q[\log(1 - D^*(x))]$, is the largest.
""",
    stub="""
weight = ...  # E_q[D*] at d = 4
carried = ...  # by the nearest 5% of the examples, a number from 0 to 1
pull = ...  # d E_q[-log D*] / dd at d = 4, the critic held fixed
steepest = ...  # where d E_q[log(1 - D*)] / dd is the largest
""",
    answers={"weight": float, "carried": float, "pull": float, "steepest": float},
    hints=(
        r"$f^*(x) = \log p(x) - \log q(x)$ is linear in $x$: which constant, which "
        "slope?",
        r"With $f^*$ fixed, $d$ enters through $x = z + d$ alone, with the derivative "
        "1. By (4.4) each derivative is a mean of weights times the slope of $f^*$, "
        "which is the same at all $x$.",
        "`carried` is the integral of $q D^*$ up to $d - 1.645$, divided by the whole "
        "one. For `steepest` compute the derivative of the loss on a grid of $d$, and "
        "then on a finer one about its maximum.",
    ),
    misconceptions={
        "D at the middle of the examples": "A mean of D is not D at the mean: most "
        "examples have next to no weight, and a few have nearly 1.",
        "the other weight": "This is the mean of 1 - D, or of D over the data, or the "
        "derivative of the other loss.",
        "mean over both heaps": "The generator sees its own examples alone.",
        "overlap of the two densities": "How much p and q have in common is another "
        "number: D is p/(p + q), and q its weight in the mean.",
        "share of the examples taken for real": "All weights count, not the share of "
        "those above one half.",
        "another critic": "log p - log q of these two is d²/2 - d x: look at each "
        "term.",
        "weight and slope confused": "The weight is D or 1 - D alone; a derivative by "
        "d is the weight times the slope of f, whose size is d.",
        "critic not held fixed": "d moves the examples, not the critic. By (4.5) the "
        "derivative is that of KL(q || p) - 2 JS; a critic that moves with d takes JS "
        "away once only.",
        "another weight in place of D": "By (4.4) the weight is D: not its square or "
        "root, not its derivative, and not the loss itself.",
        "slope of f left out": "At d = 0 the mean weight is largest, and the "
        "derivative, which is d times as much, is 0: look for where that is largest.",
        "KL alone": "By (4.5) it is KL(q || p) - 2 JS that changes.",
        "JS counted otherwise": "2 JS is subtracted, with its derivative of D times "
        "the slope of f.",
        "value in place of the derivative": "The derivative with respect to d is due.",
        "not divided by the whole": "A share of the mean is due: the part of the "
        "integral divided by all of it.",
        "mean weight of the nearest": "Their part in the sum is due, not their own "
        "mean.",
        "another part of the examples": "The 5% at the side of the data, x < d - "
        "1.645.",
        "weight of the loss at its steepest": "The place d is due, not the derivative "
        "there.",
        "steepest of another function": "The derivative is d times the mean of D over "
        "the examples; its largest value is looked for.",
    },
)
def gan_04(t, weight, carried, pull, steepest):
    d, one = 4.0, mass()
    share, others = critic(d)
    mean = float((one * share).sum())
    middle = center(d)
    nearest = slices(share, -12, -1.645)
    dues = mean, nearest / mean, slope(d, 0), maxima()[0]
    how = {"tol": 3e-3, "others": dues}

    f = share.log() - others.log()
    critics = [f - 8, f + 8, 2 * f, f / 2, f / 4, -4 * (Z + d)]
    ideas = {
        "D at the middle of the examples": middle,
        "the other weight": [1 - mean, d * (1 - mean)],
        "mean over both heaps": 0.5,
        "overlap of the two densities": [
            *(math.erfc(2 / 2**0.5), math.exp(-2.0), math.exp(-4.0)),
            *(math.exp(-4.0) / (4 * math.pi) ** 0.5, 1.0),
        ],
        "share of the examples taken for real": math.erfc(2 / 2**0.5) / 2,
        "another critic": [(one * v.sigmoid()).sum() for v in critics],
        "weight and slope confused": [d * mean, d**2 * mean],
        "another weight in place of D": [mean_of(share**0.5), -mean_of(others.log())],
        "not to the digits asked for": [
            v for v in coarse(d) if abs(v / mean - 1) > 0.01
        ],
    }
    why, name = "The integral of q D, D = p / (p + q).", "the mean weight at d = 4"
    t.number(name, weight, mean, why, ideas, **how)

    part = 0.05
    ends = (1.645, 12), (-12, -1.96), (-12, -1.2816), (-12, -2.3263), (-12, -0.6745)
    ideas = {
        "not divided by the whole": nearest,
        "mean weight of the nearest": [nearest / part, part],
        "the other weight": [
            slices(others, -12, -1.645) / v for v in (1.0, mean, 1 - mean)
        ],
        "another part of the examples": [
            1 - nearest / mean,
            *(slices(share, *v) / mean for v in (*ends, (-12, -5.645), (-12, 0))),
        ],
        "another weight in place of D": [
            slices(v, -12, -1.645) / mean_of(v)
            for v in (share**2, share**0.5, share * others, -others.log())
        ],
    }
    for mistake, values in ideas.items():  # a name is for what fits to three digits
        values = values if isinstance(values, list) else [values]
        ideas[mistake] = [v for v in values if abs(carried - v) < 2e-3 * v]
    why, name = "The part of q D up to d - 1.645.", "the share of the nearest 5%"
    t.number(name, carried, dues[1], why, ideas, **how | {"tol": 1e-2})

    ideas = {
        "the other weight": [d * mean, -d * mean],
        "weight and slope confused": [1 - mean, d**2 * (1 - mean), d * d / 2],
        "KL alone": d,
        "JS counted otherwise": [d + d * mean, d - 2 * d * mean],
        "D at the middle of the examples": [d * (1 - middle), 1 - middle],
        "critic not held fixed": moving(d, 0),
        "value in place of the derivative": float(-(one * share.log()).sum()),
        "another weight in place of D": [
            d * mean_of(v) for v in (others**2, others**0.5, others * share)
        ],
    }
    why, name = "By autograd, D held fixed.", "the pull of the non-saturating loss"
    t.number(name, pull, dues[2], why, ideas, **how)

    best, found = maxima()
    top = slope(best, 1)
    at_most = {"weight of the loss at its steepest": [top, top / best]}
    ideas: dict[str, Any] = {**at_most, **found}
    # A grid of d ends somewhere, near 0 or far away.
    ideas["slope of f left out"] = steepest if 0 <= steepest < 0.25 else 0.0
    ideas["the other weight"] = [4.0, 5.0, 6.0, 8.0, 10.0, 12.0]
    why, name = (
        "The maximum of the derivative.",
        "where the saturating loss is steepest",
    )
    t.number(name, steepest, best, why, ideas, **how)


@functools.cache
def maxima():
    """Where the derivative of the saturating loss is largest, and other functions."""
    bent = {
        "D at the middle of the examples": [lambda d: d * center(d)],
        "steepest of another function": [
            *(lambda d, k=k: d**k * mean_of(critic(d)[0]) for k in (2, 3, 0.5)),
            lambda d: d**2 * mean_of(critic(d)[0]) * mean_of(critic(d)[1]),
        ],
    }
    found = {name: [largest(f) for f in values] for name, values in bent.items()}
    return largest(lambda d: slope(d, 1)), found


def mass():
    return NORMAL * STEP


def mean_of(values):
    return float(values @ mass())


def center(d):
    """D at the middle of the examples."""
    return float(critic(d)[0][len(Z) // 2])


def coarse(d):
    """The mean weight by sums with a large step."""
    for step, places in ((2.0, 4), (1.0, 2)):
        for i in range(places):
            z = torch.arange(-12, 12, step).double() + i * step / places
            density = Normal(0.0, 1.0).log_prob(z).exp()
            yield float((density * (-d * z - d * d / 2).sigmoid()).sum()) * step


def critic(d):
    """D and 1 - D where x is Z + d, from the densities themselves."""
    both = torch.stack([(-((Z + d) ** 2) / 2).exp(), (-(Z**2) / 2).exp()])
    return both / both.sum(0)


def slices(values, low, high):
    """The mean of values on a part of the examples, whose ends need not be on Z."""
    fine = torch.linspace(low, high, 4001, dtype=torch.float64)
    at = ((fine + 12) / STEP).floor().long().clamp(max=len(Z) - 2)
    v = values.log()
    v = v[at] + (v[at + 1] - v[at]) * (fine - Z[at]) / STEP
    return float(torch.trapezoid(Normal(0.0, 1.0).log_prob(fine).exp() * v.exp(), fine))


def slope(d, saturating):
    """d/dd of the mean of log(1 - D) or of -log D, by autograd, D held fixed."""
    real, made = critic(d)
    loss = made.log() if saturating else -real.log()
    at = torch.tensor(d, dtype=torch.float64, requires_grad=True)
    density = Normal(at, 1.0).log_prob(Z + d).exp()
    return float(torch.autograd.grad((density * loss).sum() * STEP, at)[0])


def moving(d, saturating, h=1e-3):
    """The same with a critic that moves with d."""
    (a, b), (a2, b2) = critic(d - h), critic(d + h)
    change = (b2 / b).log() if saturating else (a / a2).log()
    return float((mass() * change).sum()) / (2 * h)


def largest(f, low=0.05, high=4.0):
    """Where f is largest, by three grids."""
    for _ in range(3):
        grid = torch.linspace(low, high, 21).double()
        best = float(max(grid.tolist(), key=f))
        step = (high - low) / 20
        low, high = max(best - step, 1e-3), best + step
    return best
