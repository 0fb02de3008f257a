"""Exercise gm-04: A classifier that has moved."""

import torch

from .._exercise import Exercise
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
        "Write p(y | x) for both priors by Bayes' rule. Which factor is the same in "
        "both, and which does not depend on y?",
        "exp(-900) is 0 as a float32 and as a float64. Does the result change if you "
        "add the same number to all log-posteriors of one example?",
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
        "normalized over the examples": "Each row is a distribution over classes.",
        "not normalized": "The rows must sum to one.",
        "log posterior returned": "Probabilities are due.",
        "only the winner": "A posterior is more than its largest class.",
        "exponential that overflows": "A class far above what was subtracted gives "
        "infinity over infinity, which is nan.",
        "absent class smoothed": "A class that does not occur has probability zero.",
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
    due, ratio = bayes(new), told().double().exp() * new / old
    ideas = {
        "old shares left in": bayes(old * new),
        "new shares left out": bayes(1),
        "posterior unchanged": bayes(old),
        "shares exchanged": bayes(old * old / new),
        "weights added, not their logarithms": [
            bayes(old * (new - old).exp()),
            bayes((new - old.log()).exp() * old),
        ],
        "normalized over the examples": [ratio / ratio.sum(0), ratio / ratio.sum()],
        "log posterior returned": due.log(),
        "only the winner": due == due.amax(1, keepdim=True),
        "not normalized": [ratio, told().double().exp() * new],
        "result of an earlier call": [early, bayes(old * before[1] / before[0])],
    }
    t.close(out, due, "Bayes' rule, twice.", None, ideas)

    def same(name, shift, new, due, mistake):
        t.property(name)
        out, why = t.call(reweigh, told(shift), old, new), "The same by Bayes' rule."
        t.finite(out, why, mistake)
        t.close(out, due, why, mistake, tol=1e-3)

    here = torch.arange(k) != 3
    none = new * here
    few = bayes(torch.where(here, new, 0.01))
    t.property("a class that does not occur any more")
    out = t.call(reweigh, told(), old, none)
    t.finite(out, "Its prior is zero, its posterior too.", "not finite")
    sure = t.tensor(out).detach()
    name = None
    if (sure[:, 3] == 0).all() and (sure.sum(1) < 0.9999).all():
        name = "absent class cut out afterward"
    ideas = {"absent class smoothed": [few, bayes(none + 0.01)]} if not name else {}
    t.close(out, bayes(none), "The same by Bayes' rule.", name, ideas, tol=1e-3)
    t.equal(sure[:, 3], 0.0, "Its prior is zero.", "absent class smoothed")

    two = torch.arange(k) % 3 == 1
    over = "exponential that overflows"
    same("two classes thousands of nats ahead", 5000 * two, new, bayes(new * two), over)
    name, low = "the absent class was 900 nats ahead", "underflow to zero"
    same(name, 900 * ~here, none, bayes(none), low)
    same("or 3,000", 3000 * ~here, none, bayes(none), low)
    apart, shift = 1200 * torch.arange(1, b + 1)[:, None], "one shift for all examples"
    name = "or a different number in each row"
    same(name, apart * ~here, none, bayes(none), shift)
