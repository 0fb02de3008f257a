"""Exercise diff-02: One step back."""

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, held, last, over, pair, shares, slopes

SPREAD, OFF = "variance of the step forward", "off by one in the schedule"


@Exercise(
    id="diff-02",
    title="One step back",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Derive the step back that a net has to learn: normal, with a mean between the "
        "data and the noisy example, and a variance that no net needs to say.",
    ),
    statement=r"""
In the chain of exercise diff-01, $x_k = \sqrt{1 - \beta_k}\, x_{k-1} + \sqrt{\beta_k}\,
\epsilon_k$ for $k = 1, \dots, K$, the step back is known if the data are: given $x_k$
*and* $x_0$, the less noisy $x_{k-1}$ is normal, and its values are independent.

Write `step_back(x, x_k, k, betas)`, which returns the pair of its mean, in the shape of
`x`, and its variance (the variance of one value, not the deviation), `(b,)`. `x`, the
data, and `x_k` have the shape `(b, ...)`, with no, one or more axes after the first;
`betas` is `(K,)`, with `betas[0]` for $\beta_1$, in any order, all in $(0, 1)$; the
three are all float32 or all float64, and so are the results. `k` is `(b,)`, int64, from
1 to $K$: a step for each example. All sizes are 1 or more.

At $k = 1$ nothing is left to chance: the mean is the data and the variance 0, exactly.
Results have the digits of their type where the betas are not small; small ones come as
float64. Gradients flow to `x` and `x_k`. Nothing that is given is changed.
""",
    stub='''
def step_back(x, x_k, k, betas):
    """(b, ...), (b, ...), (b,) int64, (K,) -> (b, ...), (b,)."""
    return ...
''',
    answers={"step_back": callable},
    hints=(
        r"Given $x_0$ alone, $x_{k-1}$ is normal: you know its mean and its variance "
        "$v$ from diff-01. That is the prior; $x_k$ is a measurement of it.",
        r"The measurement $x_k / \sqrt{1 - \beta_k}$ has the variance $\beta_k / (1 - "
        r"\beta_k)$. Precisions add up, and means are weighted by them.",
        "At $k = 1$ the prior's precision is infinite. Write both results so that $v$ "
        "stands above a fraction's line, never below.",
    ),
    misconceptions={
        "no pair": "Mean and variance, in this order.",
        "logarithm of what is due": "The variance itself is due.",
        OFF: "betas[0] belongs to the step from the data to k = 1.",
        "k = 1 left out": "Before the first step there is no noise: the mean is the "
        "data, exactly, and the variance 0.",
        SPREAD: "beta is the variance of the step forward. Who knows the data knows "
        "more: the variance of the step back is smaller.",
        "variance of the noise so far": "That is the variance before x_k was seen.",
        "one step alone": "What is left after k steps is a product over all of them.",
        "product of the betas themselves": "A step keeps the share 1 - beta of the "
        "variance.",
        "one k for all examples": "Each example has a step of its own.",
        "k along the last axis": "k belongs to the examples: give it axes of length "
        "one at its end.",
        "weights exchanged": "With little noise so far x_{k-1} is near the data; "
        "and x comes before x_k.",
        "root of the step left out": "x_k is smaller than x_{k-1} by the root of "
        "1 - beta: it is a measurement of that.",
        "root of the data's share left out": "What is left of the data before step k "
        "has the root of the share for its factor.",
        "data not shrunk": "Before step k the data have been shrunk k - 1 times.",
        "mean of the prior alone": "x_k says something about x_{k-1}, too.",
        "the measurement alone": "The data say something about x_{k-1}, too.",
        "mean without the last division": "Both weights have the noise of k steps "
        "below the line.",
        "wrong sum below the line": "Prior and measurement: the variance of x_k, "
        "given the data, is 1 minus the share that is left after k steps.",
    },
)
def diff_02(t, step_back):
    past = {"mean": [], "variance": []}

    def judged(name, shape, K, k=None, kind=torch.float64, size=1.0, high=0.6):
        b = shape[0]
        if k is None:  # all different, with a step before and a step after
            k = torch.randperm(K - 2, generator=t.rng, device="cpu")[:b] + 2
        betas = high * (t.uniform(K, low=0.25, high=1).to(kind) / 1.07)
        x, x_k = (size * drawn(t, *shape, kind=kind) for _ in range(2))
        out = pair(t, t.call(step_back, x, x_k, k, betas), "of mean and variance")
        mean, variance = law(x.double(), x_k.double(), k, betas.double())
        for part, got, (make, parts) in (
            ("mean", out[0], mean), ("variance", out[1], variance)
        ):  # fmt: skip
            t.property(f"the {part}: {name}", of=got)
            if part == "variance" and high < 0.1:  # what is small has digits, too
                t.shape(got, (b,), "one for each example.")
                scale = float(make(*(p[""] for p in parts)).max()) / 3
                got, make = t.tensor(got) / scale, scaled(make, scale)
            told = {"why": "That of x_{k-1}, given x_k and the data.", "kind": kind}
            old = past[part] if high > 0.1 else []
            past[part].append(held(t, got, make, *parts, old=old, **told))
        return x, x_k, k, betas, out

    t.property("the same input gives the same again")
    betas, k = t.uniform(5, low=0.1, high=0.7).double(), torch.tensor([2, 3, 4])
    t.steady(step_back, drawn(t, 3, 2), drawn(t, 3, 2), k, betas)
    for name in ("steps within the chain", "the same shapes again, other numbers"):
        judged(name, (4, 3), 9)
    judged("as many examples as values", (3, 3), 7)
    judged("pictures", (4, 2, 3, 5), 8)
    judged("one number each", (5,), 11)
    x, *_, out = judged("k = 1 and k = K", (4, 3), 6, torch.tensor([3, 1, 6, 1]))
    judged("one example", (1, 4), 6)
    judged("all at one step", (3, 2), 5, torch.tensor([2, 2, 2]))
    judged("values near 1000", (4, 2), 9, size=800.0)
    judged("a thousand small steps", (6, 3), 1000, high=0.02)
    judged("float32", (5, 4), 12, kind=torch.float32)
    x, *_, out = judged("one example, one step", (1, 2), 1, torch.tensor([1]))
    t.property("k = 1: the data, and no variance", of=out[0])
    told = "The data have no noise.", "k = 1 left out"
    t.close(out[0], x, *told, tol=1e-12)
    t.close(out[1], 0.0, *told, tol=1e-12)
    x, x_k, k, betas, _ = judged("k = 1 again", (4, 3), 6, torch.tensor([3, 1, 6, 1]))

    def right(x, x_k):
        make, parts = law(x, x_k, k, betas)[0]
        return make(*(part[""] for part in parts))

    f = lambda x, x_k: t.call(step_back, x, x_k, k, betas)[0]  # noqa: E731
    slopes(t, "gradients of the mean", f, right, x, x_k, why="Two factors.")


def scaled(make, by):
    return lambda *choices: make(*choices) / by


def law(x, x_k, k, betas):
    """Mean and variance by a measurement of what is normal, and their mistakes."""
    kept, n = shares(betas), len(betas)

    def at(i, j=None, m=None, table=kept, rates=betas):
        """What is left before step i, what step j adds, what is left after step m."""
        j, m = (i if v is None else v for v in (j, m))
        before, after = table[(i - 1).clamp(0, n)], table[m.clamp(0, n)]
        found = before, rates[(j - 1).clamp(0, n - 1)], after
        return tuple(v.expand(len(k)) for v in found)

    def whole(found):
        return [found, (*found[:2], found[0] * (1 - found[1]))]

    up, down = k + 1, k - 1
    alone, turned = (torch.cat([kept[:1], v]) for v in (1 - betas, betas.cumprod(0)))
    schedules = {
        "": at(k),
        OFF: [
            *(at(down), at(up), at(k, down), at(k, up), at(down, k), at(up, k)),
            *(at(k, k, down), at(k, k, up), at(down, k, down), at(up, k, up)),
            *(at(down, down, k), at(up, up, k)),
            *(whole(at(i, j))[1] for i in (down, k, up) for j in (down, k, up)),
        ],
        "k = 1 left out": [
            (torch.where(k == 1, kept[-1], at(k)[0]), *at(k)[1:]), at(k + (k == 1))
        ],
        "one step alone": whole(at(k, table=alone)),
        "product of the betas themselves": whole(at(k, table=turned)),
        "one k for all examples": [at(v) for v in (k[:1], k[-1:], k.max(), k.min())],
    }  # fmt: skip
    firsts = {
        "": lambda a: a**0.5,
        "root of the data's share left out": lambda a: a,
        "data not shrunk": torch.ones_like,
    }
    steps = {"": lambda c: c**0.5, "root of the step left out": lambda c: c}
    ends = {
        "": lambda data, far, a, step, gain: gain(data, far),
        "mean of the prior alone": lambda data, far, a, step, gain: data,
        "the measurement alone": lambda data, far, a, step, gain: far,
    }
    overs = {"": over, "k along the last axis": last}
    belows = {
        "": lambda a, beta, now: 1 - now,
        "mean without the last division": lambda a, beta, now: torch.ones_like(a),
        "wrong sum below the line": [
            lambda a, beta, now: 1 - a, lambda a, beta, now: 1 - a + beta,
            lambda a, beta, now: beta, lambda a, beta, now: now,
            lambda a, beta, now: (1 - now) ** 0.5,
        ],
    }  # fmt: skip
    weights = {"": 0, "weights exchanged": [1, 2]}

    def mean(found, first, step, end, put, below, order):
        (a, beta, _), (data, far), turned = found, (x, x_k), order & 2
        data, far = (far, data) if order & 1 else (data, far)
        noise, c, sum_of = 1 - a, 1 - beta, below(*found)
        one, two = (noise, beta) if turned else (beta, noise)
        p, q = one / sum_of * first(a), two / sum_of * step(c)
        gain = lambda data, far: put(p, x) * data + put(q, x) * far  # noqa: E731
        prior, measured = put(first(a), x) * data, far / put(step(c), x)
        return gain(data, far) if end is ends[""] else end(prior, measured, a, c, gain)

    kinds = {
        "": lambda v, noise, beta: v,
        SPREAD: lambda v, noise, beta: beta,
        "variance of the noise so far": [
            lambda v, noise, beta: noise,
            lambda v, noise, beta: (1 - beta) * noise + beta,
        ],
        "standard deviation in place of the variance": lambda v, noise, beta: v**0.5,
        "inverse of what is due": lambda v, noise, beta: 1 / v,
        "logarithm of what is due": lambda v, noise, beta: v.log(),
    }  # fmt: skip

    def variance(kind, found, below):
        a, beta, _ = found
        return kind(beta / below(*found) * (1 - a), 1 - a, beta)

    parts = schedules, firsts, steps, ends, overs, belows, weights
    return (mean, parts), (variance, (kinds, schedules, belows))
