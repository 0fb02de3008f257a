"""Exercise flow-11: What uniform noise costs."""

import math

import numpy as np
import torch

from .._exercise import Exercise


@Exercise(
    id="flow-11",
    title="What uniform noise costs",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compute the gap between the bound of uniform dequantization and the "
        "probability of a pixel, and the noise that closes it.",
    ),
    statement=r"""
A pixel has four levels, $x = 0, 1, 2, 3$. A model of it is a density on the numbers
from 0 to 1, a straight line,

$$
p(y) = \frac{1 + 18\, y}{10}, \qquad y = \frac{x + u}{4}, \quad 0 \le u < 1 ,
$$

so that level $x$ has the probability $P(x)$ that $p$ gives to the cell from $x/4$ to
$(x + 1)/4$. With $u$ uniform,

$$
\log P(x) \;\ge\; \mathbb E_u \log \frac{p\bigl(\tfrac{x + u}{4}\bigr)}{4} .
$$

Give four significant digits or more, rounded (all four count: a coarse grid or a
mean of random draws has two or three), the first two in nats and the gaps in bits:

- `log_prob`: $\log P(0)$, of the darkest level;
- `bound`: the right side for $x = 0$;
- `gap`: by how many **bits** the bound is too low for $x = 0$;
- `noise`: the density $q(u)$ at $u = 0.8$ of the noise that closes the gap for $x = 0$
  entirely;
- `mean_gap`: the mean of the gaps, in **bits**, of pixels that are distributed as the
  model says, with the probabilities $P(0), \dots, P(3)$.
""",
    stub="""
log_prob = ...  # log P(0), nats
bound = ...  # of uniform noise, x = 0, nats
gap = ...  # between the two, bits
noise = ...  # q(0.8), the best noise for x = 0
mean_gap = ...  # over the levels, weighted by P, bits
""",
    answers={
        "log_prob": float,
        "bound": float,
        "gap": float,
        "noise": float,
        "mean_gap": float,
    },
    hints=(
        r"$P(0)$ is the integral of a straight line over a quarter. The bound is the "
        "integral of its logarithm: an antiderivative of $\\log t$ is $t \\log t - t$.",
        "A gap in nats becomes one in bits if it is divided by log 2.",
        "With one draw the bound is log P(x) for each u only if p(x + u)/q(u) does not "
        "depend on u. So q is p within the cell, scaled to the integral 1 over u.",
    ),
    misconceptions={
        "density in place of the probability": "P(0) is the integral over the cell, "
        "not the value of p at a place in it.",
        "width of the cell left out": "A cell is a quarter wide: in units of levels "
        "the density is p/4.",
        "logarithm of what is due": "The number itself is due.",
        "width of the cell counted otherwise": "The density of y is divided by the "
        "number of levels, once.",
        "ten left out": "p is (1 + 18 y)/10: its integral over 0 to 1 is 1.",
        "another cell": "Level 0 is the cell from 0 to 1/4.",
        "no straight line within the cell": "p rises from 0.1 to 0.55 within the "
        "darkest cell: it isn't the value at one of its ends.",
        "logarithm of the mean": "The bound is the mean of the logarithm, which is "
        "smaller than the logarithm of the mean.",
        "mean of the two ends": "A logarithm is bent: its mean over the cell is not "
        "the mean of its values at the ends.",
        "antiderivative of the logarithm": "An antiderivative of log t is t log t - t, "
        "and t = 1 + 18 y runs 18 times, or 4.5 times, as fast.",
        "gap of the probabilities": "The gap is a difference of logarithms.",
        "best noise not normalized": "q is a density of u: its integral over 0 to 1 is "
        "1.",
        "density of y in place of u": "The cell is a quarter wide in y, and 1 in u.",
        "uniform noise called the best": "q(u) = 1 is the noise that has the gap.",
        "another place": "u = 0.8 is the place y = 0.2.",
        "inverse of the density": "The noise has to come where p is high.",
        "mean without the probabilities": "A pixel of level 3 comes far more often "
        "than one of level 0: the gaps count with P(x).",
        "sum of the gaps": "A mean is due.",
        "divided by four once more": "The probabilities add up to one: weighted by "
        "them, a sum is the mean already.",
        "a level left out": "All four levels have a part in the mean.",
        "multiplied by log 2": "A bit is log 2 nats: nats are divided by log 2.",
        "distribution function in place of the density": "q is the density, the slope "
        "of the distribution function.",
        "density of the whole pixel": "The noise stays in one cell: q has the shape of "
        "p within this cell, stretched to the length 1.",
        "gap of one level": "All four levels have a part in the mean.",
        "weights at one place of each cell": "P(x) is the probability of the cell.",
    },
)
def flow_11(t, log_prob, bound, gap, noise, mean_gap):
    at, weight = np.polynomial.legendre.leggauss(200)  # exact to twelve digits
    u, w = torch.from_numpy(at + 1) / 2, torch.from_numpy(weight) / 2

    def p(y):
        return (1.0 + 18.0 * y) / 10.0

    def cell(x):
        """P, the bound and the gap in nats, by quadrature."""
        inside = p((x + u) / 4.0) / 4.0
        mass, mean_log = (w * inside).sum(), (w * inside.log()).sum()
        return mass, mean_log, mass.log() - mean_log

    mass, low, nats = cell(0)
    every = [cell(x) for x in range(4)]
    masses = torch.stack([v[0] for v in every])
    gaps = torch.stack([v[2] for v in every]) / math.log(2)
    height = p(torch.tensor(0.2).double())
    due = mass.log(), low, gaps[0], height / 4 / mass, (masses * gaps).sum()
    ends = [p(torch.tensor(y).double()) for y in (0.0, 0.125, 0.25)]

    def told(name, got, value, why, ideas, unit=""):
        """Only what fits to four digits is named."""
        out = f"{float(t.tensor(got).detach()):.4g}"
        kept = {}
        for mistake, values in ideas.items():
            values = values if isinstance(values, list) else [values]
            fits = [v for v in values if f"{float(v):.4g}" == out]
            kept[mistake] = [v for v in fits if abs(float(v) / float(value) - 1) > 4e-3]
        digit = 10.0 ** (math.floor(math.log10(abs(float(value)))) - 3)
        tol = 0.6 * digit / abs(float(value))  # half of the last one, and some air
        t.number(name, got, value, why, kept, tol=tol, unit=unit, others=due)

    why = "The logarithm of the integral of p over 0 to 1/4, by quadrature."
    ideas = {
        "bits in place of nats": mass.log2(),
        "width of the cell left out": (4 * mass).log(),
        "width of the cell counted otherwise": [(v * mass).log() for v in (0.25, 16)],
        "ten left out": (10 * mass).log(),
        "no straight line within the cell": [(v / 4).log() for v in (ends[0], ends[2])],
        "density in place of the probability": [v.log() for v in ends],
        "density in place of its logarithm": mass,
        "another cell": [v.log() for v in masses[1:]],
    }
    told("log P(0)", log_prob, due[0], why, ideas, "nats")

    why = "The mean of log(p/4) over the cell, by quadrature."
    wrong = [5.5 * math.log(5.5), 5.5 * math.log(5.5) - 4.5]  # of log t, 1 to 5.5
    half = math.log(40)
    ideas = {
        "bits in place of nats": low / math.log(2),
        "logarithm of the mean": mass.log(),
        "mean of the two ends": (ends[0] * ends[2]).sqrt().log() - math.log(4),
        "width of the cell left out": [low + math.log(4), (4 * mass).log()],
        "width of the cell counted otherwise": [low - math.log(4), low / 4,
                                                low + 2 * math.log(4)],
        "ten left out": [low + math.log(10), low + half],
        "antiderivative of the logarithm": [
            *(wrong[0] / 4.5 - half, wrong[1] - half, wrong[1] / 18 - half),
            *(4.5 * wrong[1] - half, (math.log(5.5) - 0) - half, -1 + wrong[0] - half),
        ],
        "another cell": [v[1] for v in every[1:]],
    }  # fmt: skip
    told("the bound of uniform noise", bound, due[1], why, ideas, "nats")

    why = "log2 P(0) minus the bound, in bits."
    bits = due[2]
    ideas = {
        "nats in place of bits": nats,
        "logarithm to base 10": nats / math.log(10),
        "gap of the probabilities": [mass - low.exp(), 1 - low.exp() / mass],
        "width of the cell left out": [bits + 2, bits - 2, 2 - bits],
        "multiplied by log 2": nats * math.log(2),
        "mean of the two ends": mass.log2() - (ends[0] * ends[2]).sqrt().log2() + 2,
        "another cell": list(gaps[1:]),
    }  # fmt: skip
    told("the gap in bits", gap, bits, why, ideas, "bits")

    why = "p within the cell, divided by its integral over u."
    at = p(torch.tensor([0.2, 0.8, 0.05, 0.05]).double())
    ideas = {
        "best noise not normalized": [at[0], at[0] / 4],
        "density of y in place of u": [4 * due[3], 16 * due[3]],
        "uniform noise called the best": 1.0,
        "density of the whole pixel": at[1],
        "distribution function in place of the density": (0.8 + 2.25 * 0.64) / 3.25,
        "another place": [at[1] / mass / 4, at[1] / mass, at[2] / mass / 4,
                          ends[2] / mass / 4],
        "inverse of the density": 1 / (at[0] * (w / p(u / 4)).sum()),
        "logarithm of what is due": due[3].log(),
    }  # fmt: skip
    told("the best noise at u = 0.8", noise, due[3], why, ideas)

    why = "The gaps of the four cells, each by quadrature, weighted by P(x)."
    heights, upper = p(torch.arange(4) / 4.0), p(torch.arange(1, 5) / 4.0)
    mean = due[4]
    ideas = {
        "nats in place of bits": mean * math.log(2),
        "mean without the probabilities": gaps.mean(),
        "sum of the gaps": [gaps.sum(), 4 * mean],
        "divided by four once more": mean / 4,
        "multiplied by log 2": mean * math.log(2) ** 2,
        "a level left out": [
            (mean - masses[i] * gaps[i]) / rest
            for i in range(4) for rest in (1, 1 - masses[i])
        ],
        "gap of one level": list(gaps),
        "weights at one place of each cell": [
            (v * gaps).sum() / c for v in (heights, upper) for c in (1, 4, v.sum())
        ],
    }  # fmt: skip
    told("the mean gap in bits", mean_gap, mean, why, ideas, "bits")
