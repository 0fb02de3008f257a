"""Exercise vae-12: How many draws count?"""

import math

import torch

from .._exercise import Exercise


@Exercise(
    id="vae-12",
    title="How many draws count?",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compute the effective sample size of an importance-weighted bound, from "
        "logarithms, and read from it how far to trust the bound.",
    ),
    statement=r"""
A bound $\mathcal L_k$ with $k$ draws is worth little if one draw carries the sum. The
**effective sample size** of the weights $w_1, \dots, w_k$ of one example is

$$
\frac{\bigl(\sum_i w_i\bigr)^2}{\sum_i w_i^2},
$$

which is $k$ if all weights are equal, and 1 if one of them carries everything.

Write `effective_size(log_joint, log_q)`: `log_joint` $= \log p(x, z_i)$ and `log_q`
$= \log q(z_i \mid x)$, both of shape `(b, k)`, draws **last**; return the effective
sample size of each of the `b` examples, shape `(b,)`. It has to be right for a
`log_joint` of $-5000$ or $+5000$, and where a draw has probability zero (`log_joint`
$= -\infty$) while others have not.

Then call it on two models of the zoo (not checked). `log_weights` gives the logarithms
of the weights, draws **first**:

```python
import gmcourse as gm
from gmcourse import zoo


def sizes(name, x, k=1000):
    vae = zoo.load(name)
    with torch.no_grad():
        log_w = torch.cat([vae.log_weights(v[None], k=k) for v in x], 1)
    return effective_size(log_w.T, torch.zeros_like(log_w.T))


digits, faces = (gm.data.load(n, "test").x[:10] for n in ("mnist", "pixelfaces"))
print(sizes("vae-mnist", gm.data.binarize(digits)))
print(sizes("vae-pixelfaces", gm.data.to_unit(faces)))
```

Which of the two bounds would you publish, and with which words?
""",
    stub='''
def effective_size(log_joint, log_q):
    """(b, k), (b, k) -> (b,): between 1 and k."""
    return ...
''',
    answers={"effective_size": callable},
    hints=(
        "A factor on all weights changes nothing, so normalize them first. Which "
        "function turns logarithms of weights into weights that add up to 1?",
        "With normalized weights the numerator is 1.",
        "Two values to try: for $k$ equal log weights it is $k$; with weights 3 and 1 "
        "it is $16/10$.",
    ),
    misconceptions={
        "wrong axis": "The draws are along the last axis.",
        "sum of squares not inverted": "The sum of squared shares is between 1/k and "
        "1: its inverse is due.",
        "root taken": "The sum of squares itself, not its root.",
        "inverse of the largest share": "Another measure of the same, or weights over "
        "the largest one that are not squared below the line: for weights 3 and 1 it "
        "gives 4/3, where 16/10 is due.",
        "exponential of the entropy": "That is another measure of the same, a little "
        "larger unless the weights are equal or one.",
        "divided by k": "The number of draws is due, not their share of k.",
        "logarithm of the size": "The size itself is due, not its logarithm.",
        "always 1": "Above the line the sum of the weights is squared, below it each "
        "weight: with the same in both places nothing is left but 1.",
        "a whole number": "A draw counts the less the smaller its weight, and "
        "k is due for equal weights alone: sizes lie between whole numbers.",
        "weights too even or too uneven": "The right formula, with the log weights "
        "multiplied by a number: they are log_joint - log_q as they are.",
        "a function of the spread of the weights": "k / (1 + variance of k shares) is "
        "the size; no other function of their spread, as of the deviation, is.",
        "sum not squared": "Above the line the sum is squared, below it each weight: "
        "then a factor on all weights cancels, such as the largest one.",
        "mean in place of a sum": "Both are sums over the draws.",
        "logarithms squared": "The weights are squared: their logarithms are doubled.",
        "from the spread of the logarithms": "A formula with the variance of log w is "
        "an approximation, for small spreads.",
        "each normalized on its own": "The weight is a ratio: first the difference of "
        "the logarithms, then the shares.",
        "variance with k - 1": "The sum of squares follows from the variance over k.",
        "shares of all examples together": "Each example has weights of its own.",
        "q left out": "The draws come from q, so each is weighted by 1/q.",
        "log_q added": "log p(x, z)/q(z given x) is a difference of logarithms.",
        "ratio turned around": "The weight is p(x, z)/q(z given x).",
        "weights taken as logarithms": "The weights are exponentials of the numbers "
        "given.",
        "underflow": "exp of a number below -104 is 0 in float32, and above 88 it is "
        "infinite: normalize in the logarithm.",
        "a bound on the logarithms": "Cut off at a bound, weights become equal: "
        "subtract the largest logarithm of each example instead.",
        "a zero weight spoils the size": "A weight of 0 is a weight: the others count.",
        "a zero weight counted": "log w = -inf is a weight of 0, which adds nothing: "
        "it is not to be replaced by another number.",
    },
)
def vae_12(t, effective_size):
    b, k = t.integer(5, 6), t.integer(3, 4)
    log_joint, log_q = t.uniform(b, k, low=-4, high=-1), t.uniform(b, k, low=-1, high=1)

    t.property("one number for each example")
    out = t.call(effective_size, log_joint, log_q)
    ideas = {"wrong axis": (k,), "reduced over the batch": ()}
    t.shape(out, (b,), "one for each of the b examples.", ideas=ideas)

    def size(log_w):
        """By the definition, in double precision and with the weights themselves."""
        rows = [[math.exp(v) for v in row] for row in log_w.tolist()]
        return torch.tensor([sum(r) ** 2 / sum(v * v for v in r) for r in rows])

    t.property("any weights: the square of their sum over the sum of squares", of=out)
    joint, q = log_joint.double(), log_q.double()
    log_w = joint - q
    due = size(log_w).double()
    why = "Computed by the definition, with the weights."
    t.close(out, due, why, ideas=rivals(t.tensor(out).detach().double(), joint, q, due))

    for name, drop, mistake in (
        ("log weights near -5000", torch.full((b,), 5000.0), "underflow"),
        ("log weights near +5000", torch.full((b,), -5000.0), "underflow"),
        (
            "log weights near 0 and near -5000",
            5000.0 * (torch.arange(b) % 2),
            "one shift for all examples",
        ),
    ):
        t.property(name)
        some = t.call(effective_size, log_joint - drop[:, None], log_q)
        why = "A factor on all weights of an example changes nothing."
        bound = {"a bound on the logarithms": torch.where(drop == 0, due, float(k))}
        t.close(some, due, why, mistake, bound, tol=2e-3)

    for drop in (5000.0, -5000.0):
        t.property(f"log_joint and log_q both near {-drop:g}")
        pair = log_joint - drop, log_q - drop
        due = size(pair[0].double() - pair[1].double())
        why = "Only their difference counts."
        bound = {"a bound on the logarithms": [float(k), size(joint), size(-q)]}
        told = "underflow", bound
        t.close(t.call(effective_size, *pair), due, why, *told, tol=2e-3)

    t.property("a draw of probability zero")
    some = log_joint.clone()
    some[:, 0] = -math.inf
    why, zero = "That of the other weights.", "a zero weight spoils the size"
    out = t.call(effective_size, some, log_q)
    finite = bool(t.tensor(out).isfinite().all())
    ideas = {"a zero weight counted": t.tensor(out).detach() if finite else []}
    t.close(out, size(log_w[:, 1:]), why, zero, ideas)

    t.property("equal weights, and a thousand draws")
    out = t.tensor(t.call(effective_size, torch.zeros(3, 1000), torch.ones(3, 1000)))
    t.close(out, 1000.0, "All draws count.", tol=1e-4)

    t.property("one example, one draw")
    out = t.call(effective_size, log_joint[:1, :1], log_q[:1, :1])
    t.shape(out, (1,), "a batch of one is a batch.", ideas={"batch axis lost": ()})
    t.close(out, 1.0, "A single draw counts as one.")


def rivals(out, joint, q, due):
    """What mistakes give: in the formula, in log w, or in the weights."""
    log_w, (b, k) = joint - q, joint.shape
    w, s = log_w.exp(), log_w.softmax(1)
    best, square = w / w.amax(1, keepdim=True), s.square().sum(1)
    together, down = log_w.flatten().softmax(0).view(b, k), log_w.softmax(0)
    entropy, spreads = (
        -(s * s.log()).sum(1),
        [(k * s).std(1, correction=c) for c in (0, 1)],
    )
    log_vars = [log_w.var(1, correction=c) for c in (0, 1)]
    powers = 1 / k, 0.1, 1 / 4, 1 / 3, 0.5, math.log(2), 1 / math.log(2), 1.5, 2, 3, 10
    found = {
        "sum of squares not inverted": [square],
        "root taken": [square**-0.5, square**0.5],
        "inverse of the largest share": [1 / s.amax(1), s.amax(1)],
        "exponential of the entropy": [entropy.exp()],
        "divided by k": [1 / square / k],
        "logarithm of the size": [-square.log(), square.log()],
        "always 1": [torch.ones(b)],
        "a whole number": [out.round()],
        "a function of the spread of the weights": [k / (1 + v) for v in spreads],
        "sum not squared": [v.sum(1) / v.square().sum(1) for v in (w, best, k * s)],
        "mean in place of a sum": [k / square, 1 / square / k**2],
        "variance with k - 1": [k / (1 + (k * s).var(1)), k - (k * s).var(1)],
        "from the spread of the logarithms": [
            v for var in log_vars for v in (k / (1 + var), k * (-var).exp())
        ],
        "shares of all examples together": [1 / together.square().sum(1)],
        "reduced over the batch": [torch.ones(b) * due.mean()],
        "weights too even or too uneven": [
            1 / (c * log_w).softmax(1).square().sum(1) for c in powers
        ],
    }
    logs = {
        "q left out": [joint],
        "log_q added": [joint + q],
        "ratio turned around": [-log_w],
        "logarithms squared": [log_w**2, log_w**2 / 2, log_w.log_softmax(1) ** 2],
    }
    rows = {  # the weights of an example, up to a factor
        **{name: [v.exp() for v in values] for name, values in logs.items()},
        "each normalized on its own": [joint.softmax(1) / q.softmax(1)],
        "weights taken as logarithms": [log_w, -log_w, joint / q],
        "wrong axis": [down],
    }
    for name, weights in rows.items():
        found[name] = [
            v
            for w in weights
            for below in (w.square().sum(1),)
            for v in (w.sum(1) ** 2 / below, 1 / below, 1 / w.sum(1))
        ]
    return found
