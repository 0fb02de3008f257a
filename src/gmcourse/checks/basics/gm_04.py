"""Exercise gm-04: A classifier that has moved."""

from itertools import chain, combinations

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes
from ._shared import fractions


@Exercise(
    id="gm-04",
    title="A classifier that has moved",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Use Bayes' rule backward: take a prior out, put another one in.",),
    statement=r"""
A classifier was fitted where the classes had the shares `old`. It is used where they
have the shares `new`, and what the members of a class look like, $p(x \mid y)$, is as
before. All you have of it is what it puts out, `log_post[i, y]`: $\log p(y \mid x_i)$
in nats, under the old shares. Of images most of these are numbers like $-900$ or
$-9000$.

Write `reweigh(log_post, old, new)`: shapes `(b, classes)`, `(classes,)` and
`(classes,)`; return $p(y \mid x)$ under the new shares, shape `(b, classes)`, rows that
sum to one. Old shares are positive; a class whose new share is zero has posterior
zero.
""",
    stub='''
def reweigh(log_post, old, new):
    """(b, classes), (classes,), (classes,) -> (b, classes): p(y | x)."""
    return ...
''',
    answers={"reweigh": callable},
    hints=(
        r"Write $p(y \mid x)$ for both priors by Bayes' rule. Which factor is the same "
        "in both, and which does not depend on $y$?",
        r"$\exp(-900)$ is 0 as a float32 and as a float64. Does the result change if "
        "you add the same number to all log-posteriors of one example?",
        "Three logarithms to add or subtract, and then the function that exponentiates "
        "and normalizes in one go.",
    ),
    misconceptions={
        "old shares left in": "The log-posterior holds the old prior already: it has "
        "to go out before the new one comes in.",
        "new shares left out": "With the old prior taken out, all classes count the "
        "same: the new one is missing.",
        "posterior unchanged": "These are the probabilities under the old shares.",
        "shares exchanged": "Out with the old, in with the new: this is the other way "
        "around.",
        "old shares put in once more": "They are in the log-posterior already, and go "
        "out: here they count twice.",
        "shares with another power": "Bayes' rule has a prior in it once: its "
        "logarithm counts once, neither half nor twice.",
        "base of the logarithm mixed": "The log-posterior is in nats, and so is what "
        "is added to it: log2 or log10 of a share makes a power of it.",
        "odds in place of shares": "p / (1 - p) is for two classes; each of several "
        "counts with its share.",
        "old shares guessed from the batch": "`old` is known; the mean posterior of "
        "this batch says what is here.",
        "log-posterior scaled": "A ratio of shares multiplies a probability, so its "
        "logarithm is added to the log-posterior.",
        "shares added in place of multiplied": "Bayes' rule multiplies by a ratio of "
        "shares; adding or averaging probabilities is another rule.",
        "softmax of probabilities": "softmax takes logarithms; of numbers between 0 "
        "and 1 it makes nearly equal ones.",
        "normalized over the examples": "Each row is a distribution over classes.",
        "not normalized": "The rows must sum to one.",
        "normalized by another number than the sum": "Within each row the ratios are "
        "right; divided by the row's sum they add up to one.",
        "log posterior returned": "Probabilities are due.",
        "only the winner": "A posterior is more than its largest class.",
        "floor under the log-posteriors": "A clamp, or a small number added to a "
        "probability, makes all improbable classes equal, and forgets which of them "
        "is the likelier.",
        "absent class kept": "A class whose new share is zero has posterior zero, and "
        "the others share all of it: its logarithm is minus infinity, and no other "
        "number may stand for that.",
        "absent class cut out afterward": "What the absent class had in the sum is "
        "missing from the row: set its prior to zero, not its posterior.",
    },
)
def gm_04(t, reweigh):
    b, k = t.integer(3, 4), 5
    log_lik = t.uniform(b, k, low=-2, high=0)

    def shares():
        parts = torch.cat([fractions(t, 3), fractions(t, 4)[:2]])
        return parts[torch.randperm(k, generator=t.rng)] / parts.sum()

    old, new = shares(), shares()

    def bayes(prior):
        joint = log_lik.double().exp() * prior
        return joint / joint.sum(1, keepdim=True)

    def told(shift=0.0):
        """What the classifier puts out, some classes of it far behind."""
        return (log_lik + shift + old.double().log()).log_softmax(1).float()

    t.property("one probability for each example and class")
    before = shares(), shares()
    early = t.call(reweigh, told().flip(0), *before)
    out = t.call(reweigh, told(), old, new)
    t.shape(out, (b, k), "p(y | x) of all classes.")
    one, lost = t.call(reweigh, told()[:1], old, new), {"batch axis lost": (k,)}
    t.shape(one, (1, k), "one is a batch too.", ideas=lost)

    t.property("the same likelihoods with the new prior, rows that sum to one", of=out)
    due, got = bayes(new), t.tensor(out).detach().double()
    kept = [early, bayes(old * before[1] / before[0])]
    name = None
    if far(got, due, 1e-5).any():
        name = mixed(got, [bayes(p) for p in (1, old, new, old * new)] + [new, old])
        ratio = got / due
        if got.min() > 0 and (ratio / ratio[:, :1] - 1).abs().max() < 1e-4:
            name = "normalized by another number than the sum"
    ideas = rivals(told().double(), old.double(), new.double(), bayes)
    ideas = chain(ideas, [("result of an earlier call", kept)])
    t.close(out, due, "Bayes' rule, twice.", name, ideas)

    here = torch.arange(k) != 3
    none = new * here
    t.property("a class that does not occur any more")
    out = t.call(reweigh, told(), old, none)
    t.finite(out, "Its prior is zero, its posterior too.", "not finite")
    sure = t.tensor(out).detach()
    name = "absent class kept" if (sure[:, 3] > 0).any() else None
    if (sure[:, 3] == 0).all() and (sure.sum(1) < 0.9999).all():
        name = "absent class cut out afterward"
    t.close(out, bayes(none), "The same by Bayes' rule.", name, tol=1e-3)
    t.equal(sure[:, 3], 0.0, "Its prior is zero.", "absent class kept")

    def same(name, shift, new, due, mistake):
        t.property(name)
        out, why = t.call(reweigh, told(shift), old, new), "The same by Bayes' rule."
        t.finite(out, why, mistake)
        flat = (new / old).expand(b, k)
        empty = [0.0 * due, new.expand(b, k), torch.full((b, k), 1 / k)]
        ideas = {
            "floor under the log-posteriors": flat / flat.sum(1, keepdim=True),
            "underflow to zero": [*empty, *[p * (new > 0) for p in empty]],
        }
        t.close(out, due, why, ideas=ideas, tol=1e-3)

    two = torch.arange(k) % 3 == 1
    name, low = "two classes thousands of nats ahead", "underflow to zero"
    same(name, 5000 * two, new, bayes(new * two), "not finite")
    name = "the absent class was 900 nats ahead"
    same(name, 900 * ~here, none, bayes(none), low)
    same("or 3,000", 3000 * ~here, none, bayes(none), low)
    apart, shift = 1200 * torch.arange(1, b + 1)[:, None], "one shift for all examples"
    name = "or a different number in each row"
    same(name, apart * ~here, none, bayes(none), shift)


def rivals(log_post, old, new, bayes):
    """The results of wrong formulas, by what is wrong in them."""
    post, odd = log_post.exp(), lambda p: (p / (1 - p)).log()
    seen = post.mean(0)
    joints = [
        {
            "": log_post,
            "odds in place of shares": odd(post),
        },
        {
            "": -old.log(),
            "old shares left in": 0 * old,
            "old shares put in once more": old.log(),
            "shares with another power": [-c * old.log() for c in (0.5, 2.0)],
            "base of the logarithm mixed": [-old.log2(), -old.log10()],
            "weights added, not their logarithms": -old,
            "odds in place of shares": -odd(old),
            "old shares guessed from the batch": -seen.log(),
        },
        {
            "": new.log(),
            "new shares left out": 0 * new,
            "shares with another power": [c * new.log() for c in (0.5, 2.0)],
            "base of the logarithm mixed": [new.log2(), new.log10()],
            "weights added, not their logarithms": new,
            "odds in place of shares": odd(new),
        },
    ]
    ends = {
        "": lambda v: v.softmax(1),
        "not normalized": torch.exp,
        "normalized over the examples": [
            lambda v: v.softmax(0),
            lambda v: v.flatten().softmax(0).view_as(v),
        ],
        "log posterior returned": [lambda v: v.log_softmax(1), lambda v: v],
        "only the winner": lambda v: (v == v.amax(1, keepdim=True)).double(),
        "softmax of probabilities": [
            lambda v: v.exp().softmax(1),
            lambda v: v.softmax(1).softmax(1),
        ],
        "odds in place of shares": [
            torch.sigmoid,
            lambda v: v.sigmoid() / v.sigmoid().sum(1, keepdim=True),
        ],
    }
    whole = {
        "posterior unchanged": bayes(old),
        "shares exchanged": bayes(old * old / new),
        "log-posterior scaled": [
            (log_post * v).softmax(1) for v in (new / old, new, new.log())
        ],
        "shares added in place of multiplied": [
            v / v.sum(1, keepdim=True)
            for v in ((post + new - old).clamp(min=0), post + new, post + new / old)
        ]
        + [post + new - old],
    }
    found = mistakes(lambda p, o, n, end: end(p + o + n), *joints, ends)
    return chain(whole.items(), found)


def mixed(got, known):
    """The name of a weighted mean of two of the results that are known."""
    for a, b in combinations([v.double().expand_as(got) for v in known], 2):
        d = b - a
        share = ((got - a) * d).sum() / d.square().sum()
        if 0.01 < share < 0.99 and (got - a - share * d).abs().max() < 1e-4:
            return "shares added in place of multiplied"
    return None
