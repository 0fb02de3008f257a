"""Exercise gan-01: Shares that are not equal."""

import itertools
import math

import torch

from .._exercise import Exercise
from .._parts import mistakes
from .._statistics import numbers

BASES = [math.log(2), 1 / math.log(2), math.log(10), 1 / math.log(10)]


@Exercise(
    id="gan-01",
    title="Shares that are not equal",
    difficulty=1,
    minutes=10,
    compute="cpu-instant",
    points=1,
    objectives=(
        "Redo the derivation of the best critic for any share of real examples, and "
        "compute it from logarithms.",
    ),
    statement=r"""
[(4.2)](#eq-ratio) holds for a critic that is shown real and made examples in equal
parts. Let a share $s$ of what it sees be real instead, as where each batch holds one
real example for four that were made. It still maximizes the mean of its
log-likelihood, now $s\, \mathbb{E}_p[\log D] + (1 - s)\, \mathbb{E}_q[\log(1 - D)]$.

Write `best_critic(log_p, log_q, share)`: the logarithms of both densities at the same
points, each of shape `(b,)`, float32 or float64, and the share $s$, a float from 0.001
to 0.999; return $D^*(x)$ of each point, a probability, shape `(b,)`. The logarithms lie
anywhere from $-5000$ to $5000$, and one of the two (never both) may be $-\infty$. Where
$D^*$ is small, it has to be right to a thousandth of itself, down to $10^{-30}$.

And on paper (not checked): what does this critic say everywhere if $q = p$? Does a
generator that is there feel a slope of $f^*$?
""",
    stub='''
def best_critic(log_p, log_q, share):
    """(b,), (b,), float -> (b,): the probability of "real"."""
    return ...
''',
    answers={"best_critic": callable},
    hints=(
        r"What one point contributes is now $s p \log D + (1 - s) q \log(1 - D)$. "
        "Where is its slope in $D$ zero?",
        'It is Bayes\' rule: the share is the prior of "real", the two densities are '
        "the likelihoods.",
        "Write $D^*$ as a sigmoid. Then its argument is a sum of logarithms, and "
        "neither density has to be formed.",
    ),
    misconceptions={
        "share left out": "With equal densities the best critic says s, not one half.",
        "shares exchanged": "s is the share of what is real, whose density is p.",
        "share of one side alone": "The real examples count with s and the made ones "
        "with 1 - s: both enter, as a ratio.",
        "share outside of the ratio": "s p stands above the line, and the same s p is "
        "a part of what stands below it: where q is 0, D is 1 whatever s.",
        "not normalized": "This is s p, a part of the density of what is seen: it is "
        "to be divided by the whole of it.",
        "share with another power": "Bayes' rule has the prior in it once.",
        "another base": "The densities' logarithms are natural, so are those of the "
        "shares.",
        "a bound on the share": "The share is anything from 0.001 to 0.999: no clamp, "
        "and nothing is added to it.",
        "ratio turned around": "D is large where p is large.",
        "product of the densities": "Their ratio counts: equal densities tell nothing "
        "about where a point came from, be they large or small.",
        "critic's value in place of its probability": "This is the logit: its sigmoid "
        "is due.",
        "probability of the other heap": 'D is the probability of "real": this is '
        'that of "made".',
        "ratio in place of the probability": "This is D/(1 - D), which may be more "
        "than 1.",
        "logarithm of the probability": "D itself is due.",
        "logarithms taken as densities": "log_p and log_q are logarithms.",
        "overflow": "exp of a number above 88 is infinite in float32, and a quotient "
        "of two such is not a number: subtract logarithms before any exponential.",
        "a bound on the logarithms": "A clamp makes all densities beyond it equal, or "
        "a nan or an infinity was replaced by a number.",
        "small probabilities lost": "In float32 1 - D and the like are 0 where D is "
        "within 3e-8 of 1: compute the small one of the two directly.",
        "a density of zero spoils the result": "-inf is the logarithm of a density of "
        "0: the point came from the other heap for certain.",
    },
)
def gan_01(t, best_critic):
    b = t.integer(5, 7)
    log_p, log_q = t.uniform(2, b, low=-4, high=-0.5)
    log_p[:2], log_q[:2] = torch.tensor([[-0.5, -3.0], [-2.0, -1.0]])  # not one-sided
    share = t.integer(12, 30) / 100
    share = 1 - share if t.integer(0, 1) else share

    def bayes(log_p, log_q, share):
        """The share of the real in what is seen at a point, with the densities."""
        each = torch.stack([log_p, log_q]).double()
        seen = (each - each.amax(0)).exp() * each.new_tensor([[share], [1 - share]])
        return seen[0] / seen.sum(0)

    t.property("one probability for each point")
    out = t.call(best_critic, log_p, log_q, share)
    t.shape(out, (b,), "one for each.", ideas={"reduced over the batch": [(), (1,)]})

    t.property("any densities and shares: s p / (s p + (1 - s) q)", of=out)
    why = "Of what is seen at x, this part is real."
    pair = log_p.double(), log_q.double()
    ideas = itertools.chain(rivals(*pair, share), bound(numbers(out), *pair, share))
    t.close(out, bayes(log_p, log_q, share), why, ideas=ideas)

    kept = t.tensor(out).detach().clone()
    for some in (0.001, 0.999):
        t.property(f"a share of {some}")
        pair = log_p.flip(0), log_q.flip(0)  # what was kept shows by its order
        out = t.call(best_critic, *pair, some)
        pair = pair[0].double(), pair[1].double()
        ideas = itertools.chain(
            [("result of an earlier call", kept)],
            rivals(*pair, some),
            bound(numbers(out), *pair, some),
        )
        t.close(out, bayes(*pair, some), why, ideas=ideas)

    for name, shift, lost in (
        ("log-densities near -5000", torch.full((b,), -4990.0), "underflow to zero"),
        ("log-densities near 5000", torch.full((b,), 4990.0), "overflow"),
        (
            "log-densities near 4900 and near -4900",
            4900.0 * (1 - 2 * (torch.arange(b) % 2)),
            "one shift for all examples",
        ),
    ):
        t.property(name)
        some = log_p + shift, log_q + shift
        out, why = t.call(best_critic, *some, share), "Only their difference counts."
        due, kept = bayes(*some, share), t.tensor(out).detach()
        ideas = {"a bound on the logarithms": [share, 0.5, 1 - share]}
        if kept.isfinite().all() and lost != "one shift for all examples":
            lost = "a bound on the logarithms"
        t.close(out, due, why, lost, ideas, tol=2e-3)

    t.property("one density far below the other")
    far = torch.where(torch.arange(b) % 2 == 0, 4000.0, -5000.0)
    out = t.call(best_critic, log_p + far, log_q - far, share)
    why, name = "There is no doubt: 1 and 0.", "overflow"
    t.close(out, bayes(log_p + far, log_q - far, share), why, name)

    t.property("a small probability keeps its digits")
    some = log_q - torch.linspace(20, 65, b).round(), log_q
    due = bayes(*some, share)
    out = t.tensor(t.call(best_critic, *some, share))
    ratio, name = out.detach().double() / due, "small probabilities lost"
    t.close(ratio, torch.ones(b), "Divided by what is due it is 1.", name, tol=1e-3)

    for i, what in enumerate(("p", "q")):
        t.property(f"a point where {what} is zero")
        some = [log_p.clone(), log_q.clone()]
        some[1 - i][1] = -4990.0
        some[i][:2] = -math.inf
        out = t.call(best_critic, *some, share)
        name, why = "a density of zero spoils the result", "The other one is certain."
        t.close(out, bayes(*some, share), why, name)

    t.property("one point, in float64")
    out = t.call(best_critic, log_p[:1].double(), log_q[:1].double(), share)
    t.shape(out, (1,), "a batch of one is a batch.", ideas={"batch axis lost": ()})
    t.close(out, bayes(log_p[:1], log_q[:1], share), "The same for one point.")


def bound(out, p, q, s):
    """What comes of a share that is nearer to one half, if ``out`` has one."""
    odds, due = out.logit() - (p - q), math.log(s / (1 - s))
    mean = float(odds.mean())
    alike = (odds - mean).abs().max() < 0.1 * abs(mean - due)
    if alike and abs(mean) < abs(due) and mean * due >= 0:
        yield "a bound on the share", (p - q + mean).sigmoid()


def rivals(p, q, s):
    """What one or two mistakes give, in the logit or in what is made of it."""
    odds = math.log(s / (1 - s))
    ratio = {
        "": p - q,
        "ratio turned around": q - p,
        "another base": [(p - q) * c for c in BASES],
        "product of the densities": [p + q, -p - q],
        "logarithms taken as densities": p / q,
    }
    prior = {
        "": odds,
        "share left out": 0.0,
        "shares exchanged": -odds,
        "share of one side alone": [
            *(c * v for c in (1, -1) for v in (math.log(s), math.log(1 - s)))
        ],
        "weights added, not their logarithms": [
            *(s, 1 - s, 2 * s - 1, s / (1 - s), -s, s - 1, 1 - 2 * s)
        ],
        "share with another power": [2 * odds, odds / 2],
        "another base": [odds * c for c in BASES],
    }
    ends = {
        "": torch.sigmoid,
        "critic's value in place of its probability": lambda v: v,
        "ratio in place of the probability": [torch.exp, lambda v: v.exp() / s],
        "logarithm of the probability": [
            lambda v: v.sigmoid().log(),
            lambda v: -v.sigmoid().log(),
        ],
        "probability of the other heap": lambda v: (-v).sigmoid(),
        "sigmoid applied twice": lambda v: v.sigmoid().sigmoid(),
    }
    yield from mistakes(lambda r, o, f: f(r + o), ratio, prior, ends, most=1)
    a, c, ones = p.exp(), q.exp(), (s, 1 - s)
    yield from {
        "share outside of the ratio": [
            *(v * a / (a + c) for v in (*ones, 2 * s, s / (1 - s))),
            *(a / (v * a + (1 - v) * c) for v in ones),
        ],
        "logarithms taken as densities": [
            v * p / (v * p + w * q) for v, w in (ones, (0.5, 0.5), ones[::-1])
        ],
        "not normalized": s * a,
    }.items()
    some = {k: v for k, v in prior.items() if k in ("", "share left out")}
    yield from mistakes(lambda r, o, f: f(r + o), ratio, some, ends)
