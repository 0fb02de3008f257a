"""Exercise flow-29: A pinwheel in sixteen evaluations."""

import math

import torch
from torch import nn

from .._exercise import Exercise
from ._shared_paths import kutta

# Nats. Over 8 seeds, fewer than the usual 20, the reference is 0.069 above the truth
# with a standard deviation of 0.006, from 0.063 to 0.078; 1,200 points add an error of
# 0.010 to it, and five deviations of both are added. Between 4 steps and 40 its
# log-densities differ by 0.033 with a deviation of 0.003, from 0.028 to 0.037.
BOUND, NEAR, CHANCE, APART, WEIGHTS = 0.13, 0.30, 1.2, 0.08, 10_000


@Exercise(
    id="flow-29",
    title="A pinwheel in sixteen evaluations",
    difficulty=4,
    minutes=60,
    compute="cpu-10min",
    points=5,
    objectives=(
        "Train a continuous flow to a stated divergence and a stated number of "
        "evaluations, and tell a density from the error of a solver.",
    ),
    statement=r"""
`truth` below is a density on the plane, a pinwheel of five arms. `truth.sample(n)`
draws `(n, 2)` points, as many as you like, and `truth.log_prob(x)` gives their exact
log-density.

Train a continuous flow to it. The answer is `field`, an `nn.Module` with at most
**10,000** weights (numbers in its parameters): `field(x, t)` gives the velocity,
`(n, 2)`, at the points `x`, `(n, 2)`, for a float `t` from 0 (data) to 1 (noise). Both
are float32. In evaluation mode nothing is random, each row is treated by itself, and
the velocity can be differentiated by `x`. Its density is, as in the chapter,

$$
\log p(x) = \log \mathcal N(x(1); 0, I)
+ \int_0^1 \operatorname{tr} \frac{\partial v}{\partial x}(x(t), t)\, \mathrm dt ,
\qquad \frac{\mathrm dx}{\mathrm dt} = v(x, t) .
$$

The check solves this with the method of Runge and Kutta twice: with about 20 steps
(their number is drawn), and with **4**, which are sixteen evaluations of the field.
What four steps give alone proves nothing: a field can be trained until *the errors of
its solver* look like a good density. So it passes if, over 1,200 fresh points,

1. with about 20 steps the mean of `truth.log_prob(x)` $- \log p(x)$, an estimate of the
   Kullback–Leibler divergence, is **0.13** nats or less;
2. the log-densities by 4 steps and by about 20 differ by **0.08** nats or less, in the
   mean of the absolute value.

Before, it counts the weights and compares the derivative with differences of the field.
A single Gaussian is at 1.3 nats. The reference takes twenty seconds of one CPU core,
and no answer should need more than a minute. How the field was made is not looked at:
parts of the library are allowed.
""",
    stub='''
from gmcourse.data.densities import pinwheel

truth = pinwheel()


class Field(nn.Module):
    def forward(self, x, t):
        """(n, 2), a float -> (n, 2)."""
        return ...


field = ...  # Field(), trained
''',
    answers={"field": nn.Module},
    hints=(
        "By the likelihood each step of training costs sixteen evaluations and their "
        "derivatives. Conditional flow matching costs one: in a minute it sees many "
        "more points.",
        "A net of three hidden layers of 64 with SiLU, which is told the time as a "
        "third number; 8,000 steps of 512 fresh points, Adam at 5e-3 with a cosine to "
        "zero.",
        "Solve with 4, 8 and 20 steps and compare, before you believe a number. What "
        "was trained through a few steps of a solver is right for that solver alone.",
    ),
    misconceptions={
        "too many weights": "Count them: sum(p.numel() for p in field.parameters()).",
        "random in evaluation mode": "The same points give another velocity at the "
        "next call.",
        "time turned around": "With time the other way it fits: data are at t = 0 "
        "here, noise at t = 1, and v is dx/dt in this time.",
        "sign of the velocity": "With the other sign it fits: the velocity points from "
        "data to noise.",
        "fitted to a coarse solver": "With a few steps it looks much better than the "
        "equation is: the steps' errors were trained, not the flow.",
        "too bent for sixteen evaluations": "The density is right and four steps do "
        "not see it: the paths bend too much, or change too fast in time.",
    },
)
def flow_29(t, field):
    from gmcourse.data.densities import pinwheel

    truth = pinwheel()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(t.integer(0, 10**9))
        x = truth.sample(1200).float()
    t.trained(field)
    t.property(f"at most {WEIGHTS:,} weights")
    count = sum(p.numel() for p in field.parameters())
    t.true(count <= WEIGHTS, "Fewer.", f"{count:,}", "too many weights")

    def at(x, time):
        out = t.call(field, x, time)
        t.shape(out, tuple(x.shape), "one velocity for each point.")
        return t.tensor(out)

    t.property("the same points, the same velocity")
    few = x[:60]
    value = at(few, 0.3).detach()
    for out, why, name in (
        (at(few, 0.3), "The same at each call.", "random in evaluation mode"),
        (at(few.flip(0), 0.3).flip(0), "In any order.",
         "depends on its place in the batch"),
        (torch.cat([at(few[:9], 0.3), at(few[9:], 0.3)]), "With fewer points.",
         "statistics of the batch"),
    ):  # fmt: skip
        t.close(out, value, why, name, tol=1e-3)

    def with_trace(x, time, sign=1.0):
        x = x.detach().requires_grad_()
        v = at(x, time)
        trace = sum(t.grad(v[:, i], x)[:, i] for i in (0, 1))
        return sign * v.detach(), sign * trace

    t.property("the derivative is that of the field")
    spots, off = t.uniform(300, 2, low=-3, high=3), []
    for time in (0.05, 0.4, 0.9):
        _, trace = with_trace(spots, time)
        steps = 4e-3 * torch.eye(2)
        ends = [(at(spots + h, time) - at(spots - h, time)).detach() for h in steps]
        off.append((trace - (ends[0][:, 0] + ends[1][:, 1]) / 8e-3).abs())
    worst, told = torch.cat(off).mean(), "By differences of the field."
    t.at_most(worst, 0.05, told, "cut off from the graph")

    def log_prob(x, steps, sign=1.0, turned=False):
        def rates(time, x, _):
            return with_trace(x, 1 - time if turned else time, sign)

        x, total = kutta(rates, (x, torch.zeros(len(x))), steps)
        return total - x.square().sum(1) / 2 - math.log(2 * math.pi)

    def above(steps, x=x[:400], **how):
        """Nats above the truth."""
        gap = float((truth.log_prob(x) - log_prob(x, steps, **how)).mean())
        return gap if gap == gap else math.inf

    def looks_better():
        own = above(16)
        return any(above(k) < min(own - 0.05, 0.6) for k in (4, 2, 1, 3, 5, 8))

    t.property("nats above the truth, with about 20 steps")
    fine = log_prob(x, t.integer(19, 23))
    turned = [{"turned": True, "sign": s} for s in (-1.0, 1.0)]
    traps = {
        "time turned around": lambda: any(above(16, **how) < 0.4 for how in turned),
        "sign of the velocity": lambda: above(16, sign=-1.0) < 0.4,
        "fitted to a coarse solver": looks_better,
    }
    gap, why = (truth.log_prob(x) - fine).mean(), f"At most {BOUND}, over fresh points."
    t.reached(t.properties[-1], gap, BOUND, why, traps, near=NEAR, chance=CHANCE)
    t.property("four steps see the same density")
    apart = (log_prob(x, 4) - fine).abs().mean()
    name = "too bent for sixteen evaluations"
    t.at_most(apart, APART, f"Log-densities at most {APART} nats apart.", name)
