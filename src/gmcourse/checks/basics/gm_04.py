"""Exercise gm-04: Bayes' rule on a computer."""

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
        "prior added, not multiplied": "Logarithms are added to logarithms: the prior "
        "needs one first.",
        "prior counted twice": "The prior enters once.",
        "normalized over the examples": "Each row is a distribution over classes.",
        "not normalized": "The rows must sum to one.",
        "prior applied after normalizing": "Multiplying by the prior changes the sum: "
        "normalize after it, not before.",
        "log posterior returned": "Probabilities are due.",
        "only the winner": "A posterior is more than its largest class.",
        "exponential that underflows": "exp(-900) is 0 for all classes, and 0/0 is "
        "nan.",
        "one shift for all examples": "Subtracting one number everywhere saves the "
        "likeliest example alone: the others still underflow.",
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
    counts = t.integers(k, low=2, high=9) * torch.tensor([1, 2, 3, 5, 8])
    log_lik = t.uniform(b, k, low=-2, high=0)

    t.property("one probability for each example and class")
    out = t.call(posterior, log_lik, counts)
    t.shape(out, (b, k), "p(y | x) of all classes.")
    t.finite(out, "All classes have examples.")
    t.shape(t.call(posterior, log_lik[:1], counts), (1, k), "one is a batch too.")

    t.property("rows sum to one")
    joint = torch.zeros(b, k, dtype=torch.float64)
    for y in range(k):
        joint[:, y] = log_lik[:, y].double().exp() * int(counts[y])
    every = joint / joint.sum(1, keepdim=True)
    flat = log_lik.double().softmax(1)
    share = counts.double() / int(counts.sum())
    ideas = {
        "log posterior returned": every.log().sum(1),
        "normalized over the examples": (joint / joint.sum(0)).sum(1),
        "prior applied after normalizing": (flat * share).sum(1),
    }
    total = t.tensor(out).sum(1)
    why = "One of the classes it must be."
    t.close(total, 1.0, why, "not normalized", ideas, tol=1e-4)

    t.property("equal likelihoods give back the prior")
    same = t.call(posterior, torch.full((2, k), -0.5), counts)
    twice = share.square() / share.square().sum()
    sure = t.tensor(same)
    why, got = "No class is ruled out by the prior.", "zeros and ones alone"
    t.true(((sure != 0) & (sure != 1)).any(), why, got, "only the winner")
    ideas = {
        "prior left out": 1 / k,
        "prior counted twice": twice.expand(2, k),
        "prior added, not multiplied": [
            share.softmax(0).expand(2, k),
            counts.double().softmax(0).expand(2, k),
        ],
    }
    smooth = "empty class smoothed"
    why = "x says nothing about y then."
    t.close(same, share.expand(2, k), why, smooth, ideas)

    t.property("odds of two classes: prior odds times likelihood ratio")
    out = t.call(posterior, log_lik, counts)
    odds = t.tensor(out)[:, 0] / t.tensor(out)[:, 1]
    due = (log_lik[:, 0] - log_lik[:, 1]).exp() * (int(counts[0]) / int(counts[1]))
    name = "log-likelihoods rescaled"
    t.close(odds, due, "Bayes' rule for two of them.", name, tol=1e-3)

    t.property("log-likelihoods of images: a shift changes nothing")
    far = t.call(posterior, log_lik - 900, counts)
    name = "exponential that underflows"
    t.finite(far, "Adding a number to a row of log_lik cancels.", name)
    t.close(far, out, "Adding a number to a row cancels.", name, tol=1e-3)
    depth = -300.0 * torch.arange(1, b + 1)[:, None]
    far = t.call(posterior, log_lik + depth, counts)
    name = "one shift for all examples"
    t.finite(far, "Each row has a shift of its own.", name)
    t.close(far, out, "Each row has a shift of its own.", name, tol=1e-3)

    t.property("one class thousands of nats ahead has posterior one")
    ahead = log_lik - 9000
    ahead[:, 2] += 8000
    out = t.call(posterior, ahead, counts)
    t.finite(out, "One, and zeros.", "exponential that overflows")
    t.close(t.tensor(out)[:, 2], 1.0, "It leaves nothing to the others.")

    t.property("a class without examples has posterior zero")
    none = counts.clone()
    none[3] = 0
    out = t.call(posterior, log_lik, none)
    t.finite(out, "The other classes are as before.", smooth)
    t.close(t.tensor(out)[:, 3], 0.0, "Its prior is zero.", smooth, tol=0.0)
    cut = "empty class cut out afterward"
    t.close(t.tensor(out).sum(1), 1.0, "The others share all of it.", cut, tol=1e-4)
