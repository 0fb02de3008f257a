"""Exercise gan-07: Nine tenths sure."""

import math

import torch

from .._comparisons import far
from .._exercise import Exercise
from .._parts import mistakes

SATURATED = "logarithm of a saturated sigmoid"
USUAL = 0.9, 0.95, 0.8, 0.7  # labels of other people


@Exercise(
    id="gan-07",
    title="Nine tenths sure",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Write a loss with smoothed labels from logits, and say what the best critic "
        "becomes under it.",
    ),
    statement=r"""
A critic that separates data from draws may become as sure as it likes. With
*one-sided label smoothing* ([Salimans et al., 2016](https://arxiv.org/abs/1606.03498))
it is asked to say of a real example that it is real with probability $s$, for instance
0.9, and of one that was made, as before, with probability 0. Both terms are
cross-entropies in nats: of an example with the target $y$ it is
$-y \log D - (1 - y) \log(1 - D)$.

Write two functions, where $0 < s \le 1$ is the number `label`:

- `critic_loss(real, made, label)`: the critic's values $f$ (logits) at $n$ real
  examples, `(n,)`, and at $m$ made ones, `(m,)`. Return the mean of the cross-entropies
  over the real examples plus that over the made ones, a number with gradients to both.
- `best_value(log_p, log_q, label)`: the logarithms of the densities of the data and of
  the generator at $k$ points, `(k,)` each. Return the **value** $f^*$ (not the
  probability $D^*$) of the best of all critics for this loss at each of them, `(k,)`,
  where $n$ and $m$ are as large as you like.

`critic_loss` stays right for values as large as ±1000, `best_value` for logarithms of
densities as large as ±1000 (and needs no gradients), both for `label` 1. In float32 the
results are right to 1 in 100,000 of the largest number that goes in; given float64,
both compute in it and return it.
""",
    stub='''
def critic_loss(real, made, label):
    """(n,), (m,), float -> one number, in nats."""
    return ...


def best_value(log_p, log_q, label):
    """(k,), (k,), float -> (k,): the best critic's logit."""
    return ...
''',
    answers={"critic_loss": callable, "best_value": callable},
    hints=(
        r"$-\log D$ and $-\log(1 - D)$ are softplus functions of $-f$ and of $f$. A "
        "real example needs both, with two weights.",
        r"At one point the loss is $p\,(-s \log D - (1 - s) \log(1 - D))$ "
        r"minus $q \log(1 - D)$. Sort it by the two logarithms before you "
        r"differentiate, and compare with the way to (4.2).",
        r"The answer is a difference of two logarithms, of what stands before $\log D$ "
        r"and of what stands before $\log(1 - D)$. One of them is the logarithm of a "
        "sum of densities: never leave the logarithms.",
    ),
    misconceptions={
        "not reduced over the batch": "One number is due.",
        "another label than what was given": "label is an argument: 0.9 is one "
        "example of it.",
        "float32 in between": "What comes back as float64 has the digits of float32: "
        "look for a cast on the way.",
        "label kept below 1": "With label 1 the rest is exactly 0. A floor under it "
        "bounds the value, which has no bound.",
        "rest of the label with the other density": "1 - s is the share of the *data* "
        "that counts as made: it goes with p, and all of q counts as made.",
        "label ignored": "This is the loss without smoothing.",
        "both sides smoothed": "Only the target of real examples changes. With the "
        "other one smoothed, too, the best critic would ask for more of what is made "
        "where there are no data.",
        "made examples smoothed in place of real ones": "The real ones get the target "
        "s, the made ones keep the target 0.",
        "rest of the label left out": "1 - s is the probability of the other answer, "
        "and its logarithm counts, too: without it the loss of real examples is only "
        "weighted.",
        "label and its rest exchanged": "s goes with log D, and 1 - s with log(1 - D).",
        "real and made exchanged": "Real examples have the target s, made ones 0.",
        "loss of the generator": "The critic wants a low value where examples are "
        "made.",
        "squared error in place of the cross-entropy": "A cross-entropy is due.",
        "one mean over both batches": "Each of the two batches has a mean of its own.",
        "logits taken as probabilities": "f is any real number: D is its sigmoid.",
        "logits clamped": "Where the critic is far from its target the loss goes on to "
        "grow.",
        "best value without smoothing": "With s below 1 the best critic is less sure: "
        "s p of the mass at a point says real.",
        "probability in place of the value": "The logit of D is due: any real number.",
        "label times the value": "The probability is multiplied by s, not its logit.",
        "label taken from the numerator alone": "Under the smoothed loss a share of "
        "the data counts as made: it is in the other term.",
        "densities exchanged": "The value is large where the data are dense.",
        "densities out of range": "exp(-1000) is 0 in floating point, exp(1000) "
        "infinite: subtract logarithms, and add with logaddexp.",
        "logarithm of zero": "With label 1 the rest is 0, and its logarithm is not to "
        "be multiplied by anything.",
        "probability of the data's share": "A logit is log D - log(1 - D), not log D.",
        "logarithms in place of densities": "The densities are added and weighted, "
        "not their logarithms.",
    },
)
def gan_07(t, critic_loss, best_value):
    n, m, k = t.integer(5, 6), t.integer(7, 8), t.integer(4, 6)
    label = t.integer(75, 89) / 100
    real, made = t.away(n, low=0.4, high=3), t.away(m, low=0.4, high=3)
    real[:2], made[:2] = t.uniform(2, low=0.4, high=3), t.uniform(2, low=-3, high=-0.4)

    def entropy(target, v, base=torch.log):
        """The cross-entropy as it is defined, by the probabilities themselves."""
        d = 1 / (1 + (-v.double()).exp())
        yes, no = base(d), base(1 - d)
        return -(target * yes + (1 - target) * no)

    def single(out, due):
        """The mistake, if a result in float64 is near and has the digits of float32."""
        out = t.tensor(out).detach()
        near = not far(out, due.detach(), 1e-5).any()
        return "float32 in between" if near and (out.float() == out).all() else None

    def parts(real, made):
        """The loss, as parts that can be wrong."""
        s, r = label, 1 - label
        targets = {
            "": (s, 0.0),
            "label ignored": (1.0, 0.0),
            "another label than what was given": [(c, 0.0) for c in USUAL],
            "both sides smoothed": (s, r),
            "made examples smoothed in place of real ones": [(1.0, r), (1.0, s)],
            "label and its rest exchanged": (r, 0.0),
            "real and made exchanged": [(0.0, s), (0.0, 1.0), (r, 1.0)],
            "loss of the generator": (s, 1.0),
        }
        each = {
            "": entropy,
            "rest of the label left out": [
                lambda y, v: max(y, 1 - y) * entropy(float(y > 0.5), v),
                lambda y, v: entropy(float(y > 0.5), v) * (y or 1),
            ],
            "bits in place of nats": lambda y, v: entropy(y, v, torch.log2),
            "sigmoid applied twice": lambda y, v: entropy(y, v.sigmoid()),
            "logits taken as probabilities": [
                lambda y, v, e=e: (
                    -y * v.clamp(e, 1 - e).double().log()
                    - (1 - y) * (1 - v.clamp(e, 1 - e).double()).log()
                )
                for e in (1e-8, 1e-7, 1e-6, 1e-4)
            ],
            "squared error in place of the cross-entropy": [
                lambda y, v: (v - y) ** 2,
                lambda y, v: (v.sigmoid() - y) ** 2,
                lambda y, v: (v - y) ** 2 / 2,
            ],
        }
        ends = {
            "": (n, m),
            "sum over the batch": (1, 1),
            "one mean over both batches": [
                *((n + m, n + m), ((n + m) / 2, (n + m) / 2), (n, n), (m, m)),
            ],
            "off by a factor of two": [(2 * n, 2 * m), (n / 2, m / 2)],
            "sign flipped": (-n, -m),
        }

        def make(target, each, end):
            total = each(target[0], real).sum() / end[0]
            return total + each(target[1], made).sum() / end[1]

        return make, targets, each, ends

    t.property("the loss: a mean of cross-entropies over either batch")
    real, made = (v.requires_grad_() for v in (real, made))
    out = t.call(critic_loss, real, made, label)
    t.shape(out, (), "one number, whatever n and m are.", "not reduced over the batch")
    make, *wrong = parts(real.detach(), made.detach())
    why = f"By the probabilities, with {label} for the real ones and 0 for the others."
    due = make(*(v[""] for v in wrong))
    t.close(out, due, why, ideas=mistakes(make, *wrong))
    t.property("its gradient", of=out)
    loss = (entropy(label, real).sum() / n) + (entropy(0.0, made).sum() / m)
    for v in real, made:
        slope, why = t.grad(loss, v), "The derivative of the same loss."
        t.close(t.grad(out, v), slope, why, "cut off from the graph", tol=1e-4)
    t.property("the loss at values of ±1000 and ±80")
    for size in 1000.0, 80.0:
        large = [(size * v.detach().sign()).requires_grad_() for v in (real, made)]
        out = t.call(critic_loss, *large, label)

        def limit(edge, large=large):
            """There log(1 + exp(f)) is f or 0, to 30 digits."""
            ends = [v.double().clamp(-edge, edge) for v in large]
            over = [v.clamp(min=0) for v in ends]
            return (over[0] - label * ends[0]).sum() / n + over[1].sum() / m

        due = limit(2000)
        why, name = "There log(1 + exp(f)) is f, or 0.", SATURATED
        t.finite(out, why, name)
        clamped = [limit(c).detach() for c in (10, 15, 20, 30, 40, 50, 60, 500)]
        ideas = {"logits clamped": clamped}
        t.close(out, due.detach(), why, name, ideas)
        for v in large:
            t.finite(t.grad(out, v), "The slope is D less the target.", name)
            t.close(t.grad(out, v), t.grad(due, v), why, name, tol=1e-4)
    t.property("the loss with label 1, and in float64")
    for s in 1.0, 0.5, label:
        given = [v.detach().double().requires_grad_() for v in (real, made)]
        out = t.call(critic_loss, *given, s)
        t.dtype(out, torch.float64, "the values are float64.")
        due = entropy(s, given[0]).sum() / n + entropy(0.0, given[1]).sum() / m
        why = f"The same with label {s}."
        t.close(out, due.detach(), why, single(out, due), tol=1e-10)
        for v in given:
            got, slope = t.grad(out, v), t.grad(due, v)
            t.close(got, slope, why, single(got, slope), tol=1e-10)

    def best(lp, lq, s):
        """Where the slope of the loss at a point is 0: by halving an interval."""
        top = torch.maximum(lp, lq).double()
        p, q = (lp.double() - top).exp(), (lq.double() - top).exp()
        low, high = torch.full_like(p, -60), torch.full_like(p, 60)
        for _ in range(80):
            middle = (low + high) / 2
            d = middle.sigmoid()
            up = p * (s - d) > q * d
            low, high = torch.where(up, middle, low), torch.where(up, high, middle)
        return middle

    t.property("the best value: where the slope of the loss at a point is zero")
    log_p, log_q = t.away(k, low=0.3, high=3), t.away(k, low=0.3, high=3)
    args, s, r = (log_p, log_q), label, 1 - label
    out, due = t.call(best_value, *args, label), best(*args, label)
    t.shape(out, (k,), "one value for each point.")
    gap, p, q = log_p - log_q, log_p.exp(), log_q.exp()
    ideas = {
        "best value without smoothing": gap,
        "another label than what was given": [
            best(*args, c) for c in USUAL if c != label
        ],
        "probability in place of the value": [due.sigmoid(), s * gap.sigmoid()],
        "label times the value": [s * gap, gap / s],
        "label taken from the numerator alone": [gap + math.log(s), gap - math.log(s)],
        "densities exchanged": best(log_q, log_p, label),
        "label and its rest exchanged": best(*args, r),
        "sign flipped": -due,
        "both sides smoothed": ((s * p + r * q) / (s * q + r * p)).log(),
        "made examples smoothed in place of real ones": [
            ((p + r * q) / (s * q)).log(),
            ((p + s * q) / (r * q)).log(),
        ],
        "rest of the label with the other density": [
            (s * p / (p + r * q)).log(),
            (s * p / (r * p + r * q)).log(),
            (s * p / (r * p + s * q)).log(),
            (s * p / (p + q)).log(),
        ],
        "rest of the label left out": [gap + math.log(s / 2), gap + math.log(s / r)],
        "bits in place of nats": due / math.log(2),
        "logarithms in place of densities": [
            (s * log_p) / (r * log_p + log_q),
            s * log_p - r * log_p - log_q,
            s * log_p - log_q,
        ],
        "probability of the data's share": [(p / (p + q)).log(), (s * p).log()],
    }
    why = f"The smoothed loss of one point, with label {label}, is smallest there."
    t.close(out, due, why, ideas=ideas, tol=2e-5)
    t.property("the best value with label 1, and in float64")
    ends = torch.tensor([15.0, -15.0])  # there p is e³⁰ times q, or q that of p
    args = torch.cat([log_p, ends]).double(), torch.cat([log_q, -ends]).double()
    for one in 1.0, 0.5, label:
        out = t.call(best_value, *args, one)
        t.dtype(out, torch.float64, "the densities are float64.")
        t.finite(out, f"A number, with label {one}.", "logarithm of zero")
        due, why = best(*args, one), f"The same with label {one}."
        ideas = {}
        if one == 1:  # where halving has no digits left, (4.2)
            gap = args[0] - args[1]
            due[-2:] = gap[-2:]
            floors = [math.log(10.0**-k) for k in range(3, 18)]
            floors += [math.log(2.0**-k) for k in (10, 23, 24, 52, 53)]
            low = [-torch.logaddexp(torch.full_like(gap, f), -gap) for f in floors]
            ideas["label kept below 1"] = low
        name = single(out, due)
        if not far(out.detach().cpu()[:-2], due[:-2], 1e-10).any():
            name = "densities out of range"
        t.close(out, due, why, name, ideas, tol=1e-10)
    due = best(log_p, log_q, label)
    t.property("the best value at densities of e¹⁰⁰⁰ and of e⁻¹⁰⁰⁰")
    name = "densities out of range"
    for shift in 995.0, -995.0:
        out = t.call(best_value, log_p + shift, log_q + shift, label)
        why = "Both are multiplied by one number: the value is the same."
        t.finite(out, why, name)
        t.close(out, due, why, name, tol=1e-4)
    high = torch.tensor([1000.0, -1000.0, 990.0])
    for one in label, 1.0:
        out = t.call(best_value, high, -high, one)
        top = math.log(one / (1 - one)) if one < 1 else 1e4
        ends = torch.tensor([2000.0, -2000.0, 1980.0]) + math.log(one)
        why = "Far from the data only log(s p/q) counts, far from draws s alone."
        t.finite(out, why, name)
        t.close(out, ends.clamp(max=top), why, name)
