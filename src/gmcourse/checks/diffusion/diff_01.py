"""Exercise diff-01: Straight to step k."""

import torch

from .._exercise import Exercise
from ._shared_noised import again, drawn, held, last, over, shares, slopes

ZERO, OFF = "k = 0 is not the data", "off by one in the schedule"


@Exercise(
    id="diff-01",
    title="Straight to step k",
    difficulty=1,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Read a chain of many noisy steps as one step, with the indices of the "
        "published schedules.",
    ),
    statement=r"""
[Ho et al. (2020)](https://arxiv.org/abs/2006.11239) make noise in $K$ steps, each with
a variance of its own: from $x_0$, the data, and for $k = 1, \dots, K$

$$
x_k = \sqrt{1 - \beta_k}\; x_{k-1} + \sqrt{\beta_k}\; \epsilon_k ,
$$

where all $\epsilon_k$ are standard normal and independent. Training never takes these
steps one by one: given the data, $x_k$ has a normal distribution that can be drawn from
with a *single* noise.

Write `noised(x, k, betas, eps)`, which returns $x_k$ of each example, made with the
noise `eps`. `x` and `eps` have the shape `(b, ...)`, with no, one or more axes after
the first; `betas` is `(K,)`, with `betas[0]` for $\beta_1$, in any order, all in
$(0, 1)$; the three are all float32 or all float64. `k` is `(b,)`, int64, from 0 to $K$,
a step for each example; $k = 0$ gives the data exactly. All sizes are 1 or more.

The result has the shape and type of `x`, and the digits of this type. Gradients flow to
`x` and `eps` (those by `betas` are not looked at). Nothing that is given is changed.
""",
    stub='''
def noised(x, k, betas, eps):
    """(b, ...), (b,) int64, (K,), (b, ...) -> (b, ...)."""
    return ...
''',
    answers={"noised": callable},
    hints=(
        r"Put the first step into the second. $x_0$ is then multiplied by "
        r"$\sqrt{(1 - \beta_1)(1 - \beta_2)}$; which variance do the two noises have "
        "together?",
        "If $x_0$ had variance 1, so would every $x_k$: what is left of the data says "
        "how much noise there is.",
        "A table of $K + 1$ numbers, which begins with 1, has an entry for $k = 0$, "
        "too. Give what you look up in it axes of length one.",
    ),
    misconceptions={
        OFF: "betas[0] belongs to k = 1: after k steps k of the betas have been used.",
        ZERO: "After no step nothing has happened; and an index of -1 is the last one.",
        "product of the betas themselves": "A step keeps the share 1 - beta of the "
        "variance.",
        "one step alone": "k steps have been taken: what they keep multiplies.",
        "variances added up": "What is left is a product, which is the exponential of "
        "minus a sum only where all betas are small.",
        "product over the batch": "The product runs along the schedule; only then is "
        "it looked up for each example.",
        "steps counted from the end": "The chain begins with betas[0].",
        "one k for all examples": "Each example has a step of its own.",
        "k along the last axis": "k belongs to the examples: give it axes of length "
        "one at its end.",
        "variance kept in place of its root": "The data are multiplied by the root of "
        "the share of the variance that is left.",
        "root taken twice": "The data are multiplied by the root of that share.",
        "data not shrunk": "Each step shrinks what is there, or the variance grows.",
        "noise not scaled": "The noise has the variance that is not left to the data.",
        "noise of the last step alone": "The noise of all steps is in it.",
        "deviations that add up to one": "Variances add up: the two squares do.",
        "data and noise exchanged": "After few steps most of it is the data.",
        "sign of the noise": "The noise is added.",
        "noise left out": "The noise that is given is added.",
        "another noise than the one given": "eps is the noise, and nothing is drawn.",
        "a step at a time, with the same noise": "Adding one noise k times is not "
        "adding k independent ones: their variances add up, not their deviations.",
    },
)
def diff_01(t, noised):
    past, schedules = [], []

    def judged(name, shape, K, k=None, kind=torch.float64, size=1.0, high=0.6):
        t.property(name)
        b = shape[0]
        if k is None:  # all different, with a step before and a step after
            k = torch.randperm(K - 2, generator=t.rng, device="cpu")[:b] + 2
        betas = high * (t.uniform(K, low=0.05, high=1).to(kind) / 1.07)
        x, eps = size * drawn(t, *shape, kind=kind), drawn(t, *shape, kind=kind)
        out = t.call(noised, x, k, betas, eps)
        make, parts = formula(x.double(), eps.double(), k, betas.double(), schedules)
        schedules.append(betas.double())
        told = {"why": "What k steps give, with one noise.", "kind": kind}
        past.append(held(t, out, make, *parts, old=past, **told))
        return x, eps, k, betas

    betas, k = t.uniform(5, low=0.1, high=0.7).double(), torch.tensor([2, 1, 4])
    given = drawn(t, 3, 2), k, betas, drawn(t, 3, 2)
    again(t, noised, *given, drawing="another noise than the one given")
    for name in ("steps within the chain", "the same shapes again, other numbers"):
        judged(name, (4, 3), 9)
    zero = torch.tensor([3, 0, 6, 0])
    judged("k = 0 and k = K", (4, 3), 6, zero)
    judged("as many examples as values", (3, 3), 7)
    judged("pictures", (4, 2, 3, 5), 8)
    judged("one number each", (5,), 11)
    judged("one example", (1, 4), 6)
    judged("one example of one value, one step", (1, 1), 1, torch.tensor([1]))
    judged("one example, no step", (1, 2), 1, torch.tensor([0]))
    judged("all at one step", (3, 2), 5, torch.tensor([2, 2, 2]))
    judged("values near 1000", (4, 2), 9, size=800.0)
    judged("a thousand small steps", (6, 3), 1000, high=0.02)
    judged("float32", (5, 4), 12, kind=torch.float32)
    judged("float32, a thousand steps", (6, 3), 1000, kind=torch.float32, high=0.02)
    x, eps, k, betas = judged("k = 0 again", (4, 3), 6, zero)

    def due(x, eps):
        make, parts = formula(x, eps, k, betas)
        return make(*(part[""] for part in parts))

    slopes(
        t, "gradients of the data and of the noise",
        lambda x, eps: t.call(noised, x, k, betas, eps),
        due,
        x, eps, why="Two factors.",
    )  # fmt: skip


def formula(x, eps, k, betas, schedules=()):
    """Step by step, of the share of the variance that is left; and its mistakes."""
    kept, spread, n = shares(betas), [0.0], len(betas)
    for beta in betas.tolist():
        spread.append((1 - beta) ** 0.5 * spread[-1] + beta**0.5)
    spread = torch.tensor(spread, dtype=torch.float64)
    past = [v for v in schedules if len(v) == n]
    before, later, lost = (k - 1).clamp(min=0), (k + 1).clamp(max=n), k == 0
    sums = torch.cat([kept[:1] * 0, betas.cumsum(0)])
    batch = (1 - betas[before]).cumprod(0)
    levels = {
        "": kept[k],
        "result of an earlier call": [shares(v)[k] for v in past],
        OFF: [kept[before], kept[later], kept[k - 1]],
        ZERO: [torch.where(lost, v, kept[k]) for v in (kept[-1], kept[1], kept[-2])],
        "one k for all examples": [
            kept[v].expand(len(k)) for v in (k[0], k[-1], k.max(), k.min(), k.sum() % n)
        ],
        "product of the betas themselves": [
            torch.cat([kept[:1], betas.cumprod(0)])[k], betas.cumprod(0)[before]
        ],
        "one step alone": (1 - betas)[before],
        "variances added up": [(-sums[k]).exp(), (1 - sums[k]).clamp(min=0)],
        "product over the batch": [batch, batch[-1].expand(len(k))],
        "steps counted from the end": [kept[n - k], kept[-1] / kept[n - k]],
    }  # fmt: skip
    shrinks = {
        "": torch.sqrt,
        "variance kept in place of its root": lambda a: a,
        "root taken twice": lambda a: a**0.25,
        "data not shrunk": torch.ones_like,
    }
    spreads = {
        "": lambda a: torch.sqrt(1 - a),
        "variance in place of the standard deviation": lambda a: 1 - a,
        "deviations that add up to one": lambda a: 1 - a.sqrt(),
        "noise not scaled": torch.ones_like,
        "noise of the last step alone": lambda a: betas[before].sqrt(),
        "a step at a time, with the same noise": lambda a: spread[k],
        "noise left out": torch.zeros_like,
    }
    overs = {"": over, "k along the last axis": last}
    both = {
        "": (x, eps),
        "data and noise exchanged": (eps, x),
        "sign of the noise": (x, -eps),
    }

    def make(level, shrink, wide, put, two):
        data, noise = two
        return put(shrink(level), x) * data + put(wide(level), x) * noise

    return make, (levels, shrinks, spreads, overs, both)
