"""Exercise gm-04: Bayes' rule on a computer."""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="gm-04",
    title="Bayes' rule on a computer",
    difficulty=2,
    minutes=10,
    compute="cpu-instant",
    points=2,
    objectives=("Turn log-likelihoods of classes into probabilities of classes.",),
    statement=r"""
A density was fitted to each class, and `log_lik[i, y]` is $\log p(x_i \mid y)$ in
nats. Of images, that is a number like $-900$, of larger ones $-9000$, and classes may
differ by as much. `counts[y]` says how many training
examples there were of class $y$: their shares are the prior.

Write `posterior(log_lik, counts)`: shapes `(b, classes)` and `(classes,)` (int64);
return $p(y \mid x)$, shape `(b, classes)`, rows that sum to one. A class without
training examples has posterior zero.
""",
    stub='''
def posterior(log_lik, counts):
    """(b, classes), (classes,) -> (b, classes): p(y | x)."""
    return ...
''',
    answers={"posterior": callable},
    hints=(
        "The posterior is proportional to prior times likelihood. Which axis has to "
        "sum to one?",
        "exp(-900) is zero in every floating-point type. Does the posterior change if "
        "you add the same number to all log-likelihoods of one example?",
        "log(prior) + log_lik, and then the function that exponentiates and "
        "normalizes in one go.",
    ),
    misconceptions={
        "prior left out": "A class that is nine times as frequent starts with nine "
        "times the probability.",
        "prior counted twice": "The prior enters once.",
        "normalized over the examples": "Each row is a distribution over classes.",
        "not normalized": "The rows must sum to one.",
        "prior applied after normalizing": "Multiplying by the prior changes the sum: "
        "normalize after it, not before.",
        "log posterior returned": "Probabilities are due.",
        "only the winner": "A posterior is more than its largest class.",
        "exponential that overflows": "A class far above what was subtracted gives "
        "infinity over infinity, which is nan.",
        "empty class smoothed": "A class that was never seen has prior zero here.",
        "empty class cut out afterward": "What the empty class had in the sum is "
        "missing from the row: set its prior to zero, not its posterior.",
        "log-likelihoods rescaled": "They are natural logarithms: their exponentials "
        "are the likelihoods, as they are.",
    },
)
def gm_04(t, posterior):
    b, k = t.integer(3, 4), 5
    counts = 2 + torch.randperm(k, generator=t.rng)
    log_lik = t.uniform(b, k, low=-2, high=0)

    def bayes(counts, axis: int | tuple = 1):
        joint = log_lik.double().exp() * counts
        return joint / joint.sum(axis, keepdim=True)

    t.property("one probability for each example and class")
    out = t.call(posterior, log_lik, counts)
    t.shape(out, (b, k), "p(y | x) of all classes.")
    one, lost = t.call(posterior, log_lik[:1], counts), {"batch axis lost": (k,)}
    t.shape(one, (1, k), "one is a batch too.", ideas=lost)

    t.property("prior times likelihood, in rows that sum to one", of=out)
    share, due = counts.double() / int(counts.sum()), bayes(counts)
    scales = [c * log_lik.double().exp() for c in (share, counts)]
    powers = [log_lik.double() * c for c in (1 / math.log(2), math.log(2), 1 / k)]
    ideas = {
        "prior left out": bayes(1),
        "prior counted twice": bayes(counts**2),
        "weights added, not their logarithms": [
            bayes(v.exp()) for v in (share, counts)
        ],
        "normalized over the examples": [bayes(counts, 0), bayes(counts, (0, 1))],
        "prior applied after normalizing": bayes(1) * share,
        "log posterior returned": due.log(),
        "only the winner": due == due.amax(1, keepdim=True),
        "empty class smoothed": bayes(counts + 1),
        "log-likelihoods rescaled": [(v + share.log()).softmax(1) for v in powers],
        "not normalized": scales,
    }
    t.close(out, due, "Bayes' rule.", None, ideas)

    def same(name, log_lik, counts, due, mistake, ideas=None):
        t.property(name)
        out, why = t.call(posterior, log_lik, counts), "The same by Bayes' rule."
        t.finite(out, why, mistake)
        t.close(out, due, why, mistake, ideas, tol=1e-3)
        return t.tensor(out)

    low, apart = "underflow to zero", 1500.0 * torch.arange(1, b + 1)[:, None]
    same("900 nats less of all changes nothing", log_lik - 900, counts, due, low)
    name, shift = "a number for each row changes nothing", "one shift for all examples"
    same(name, log_lik - apart, counts, due, shift)
    name, two = "two classes thousands of nats ahead", torch.arange(k) % 3 == 1
    over = "exponential that overflows"
    same(name, log_lik - 9000 + 8000 * two, counts, bayes(counts * two), over)

    none, name = counts * (torch.arange(k) != 3), "a class without examples"
    few = bayes(none.clamp(min=1))
    ideas = {
        "empty class smoothed": [few, bayes(none + 1)],
        "empty class cut out afterward": few * (none > 0),
    }
    out = same(name, log_lik, none, bayes(none), None, ideas)
    t.equal(out[:, 3], 0.0, "Its prior is zero.", "empty class smoothed")
    name, ahead = "and this class thousands of nats ahead", 8000 * (none == 0)
    same(name, log_lik - 9000 + ahead, none, bayes(none), low)
