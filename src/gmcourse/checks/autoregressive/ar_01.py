"""Exercise ar-01: One factor at a time."""

from itertools import chain

import torch

from .._comparisons import far
from .._exercise import Exercise


@Exercise(
    id="ar-01",
    title="One factor at a time",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=("Take a joint distribution apart by the chain rule.",),
    statement=r"""
The joint distribution of $d$ discrete variables is a tensor `p` of the shape
$(k_1, \dots, k_d)$: `p[a, b, ...]` is the probability that $x_1 = a$, $x_2 = b$, and so
on. Its entries are not negative and sum to 1. By the chain rule

$$
p(x_1, \dots, x_d) = \prod_{i=1}^d p(x_i \mid x_1, \dots, x_{i-1}) .
$$

Write `factors(p)`, which gives the $d$ tables on the right, in a list. The $i$-th has
the shape $(k_1, \dots, k_i)$ and holds $p(x_i \mid x_1, \dots, x_{i-1})$ with the
variable itself on the last axis, along which the entries sum to 1; the first is the
marginal distribution of $x_1$. What comes after $x_i$ is summed out.

Where a past $x_1, \dots, x_{i-1}$ has exactly the probability 0, any distribution would
do; give the uniform one, $1/k_i$ for each value. A past with a probability of
$10^{-30}$ is possible and is treated like any other. Some $k_i$ may be 1, and $d$ is
from 1 to 8.

`p` is in float32 or float64 and so are the tables, right to five digits and to ten.
`p` is not changed. No gradient is asked for.
""",
    stub='''
def factors(p):
    """(k_1, ..., k_d) -> a list: (k_1,), (k_1, k_2), ..., (k_1, ..., k_d)."""
    return ...
''',
    answers={"factors": callable},
    hints=(
        r"Begin with the marginals: $p(x_1, \dots, x_i)$ is `p` with the last $d - i$ "
        "axes summed out.",
        "A conditional probability is the quotient of two neighboring marginals. The "
        "divisor has one axis less: the last axis, summed, and kept as an axis of "
        "length one.",
        "`torch.where` takes the uniform value where the divisor is 0. Adding a small "
        "number to the divisor is another function: it changes the possible pasts that "
        "are rare.",
    ),
    misconceptions={
        "another number of tables": "There is one for each variable, the first "
        "included.",
        "tables in the opposite order": "The first is that of the first variable.",
        "conditioned on the later variables": "The factor of x_i holds those before "
        "it on the right of the bar: the chain rule was read from the back.",
        "own variable not on the last axis": "The axes are those of p, in its order.",
        "axes of length one kept": "What is summed out leaves no axis behind.",
        "axes of length one lost": "A variable with one value has its axis all the "
        "same.",
        "later variables not summed out": "The factor of x_i knows nothing of what "
        "comes later: add up over it.",
        "past left out": "This is the distribution of x_i alone, whatever came before.",
        "only the last value of the past": "The factor depends on all values before "
        "it: a Markov chain is a special case.",
        "joint in place of conditional": "Divide by the probability of the past.",
        "divided by the wrong marginal": "For each past the entries sum to one, over "
        "the values of the variable itself: over no other axis, and not all together.",
        "logarithms in place of probabilities": "The probabilities themselves are due.",
        "zero divided by zero": "A past of probability 0 has no quotient.",
        "not uniform after an impossible past": "For a past of probability 0 each of "
        "the k values gets 1/k.",
        "a zero taken for an impossible past": "A value of probability 0 after a "
        "possible past keeps it: only the past decides.",
        "constant beside a small probability": "A past of 1e-30 is divided by 1e-30: "
        "a constant added there, or a smallest divisor, changes it.",
        "float32 in between": "What comes back as float64 has the digits of float32: "
        "look for a cast on the way.",
    },
)
def ar_01(t, factors):
    def joint(*shape, low=1, high=9):
        p = t.integers(*shape, low=low, high=high).double()
        return p / p.sum()

    def marginal(p, i):
        """Of the first i variables."""
        return p.flatten(i).sum(-1) if i < p.dim() else p

    def due(p, i):
        """The table of variable i, counted from 0: a difference of logarithms."""
        own, past = marginal(p, i + 1), marginal(p, i)
        table = (own.log().movedim(-1, 0) - past.log()).exp().movedim(0, -1)
        table[past == 0] = 1 / p.shape[i]
        return table

    def alone(p, *kept):
        """The marginal of some variables, with axes of length one for the others."""
        rest = [i for i in range(p.dim()) if i not in kept]
        return p.sum(rest, keepdim=True) if rest else p

    def rivals(p, i):
        """Tables of the same shape that other rules would give."""
        own, d = marginal(p, i + 1), p.dim()

        def fit(v):
            return v.reshape(v.shape[: i + 1]).expand(own.shape)

        yield "joint in place of conditional", own
        yield "logarithms in place of probabilities", [due(p, i).log(), own.log()]
        if i:
            last = alone(p, i - 1, i)
            yield "past left out", fit(alone(p, i))
            last = last / last.sum(i, keepdim=True)
            yield "only the last value of the past", fit(last)
            wrong = [own / own.sum(j, keepdim=True) for j in range(i)]
            wrong += [own / fit(alone(p, i)), own / own.max()]
            yield "divided by the wrong marginal", wrong
        if i + 1 < d:
            first = p[(slice(None),) * (i + 1) + (0,) * (d - i - 1)]
            end = p[(slice(None),) * (i + 1) + (-1,) * (d - i - 1)]
            most = p.flatten(i + 1).max(-1).values
            wrong = [v / v.sum(i, keepdim=True) for v in (first, end, most)]
            mean = p.flatten(i + 1).mean(-1)
            over = [v / own.sum(i, keepdim=True) for v in (mean, first, most)]
            yield "later variables not summed out", [*wrong, *over, mean, first]
            back = alone(p, *range(i + 1, d))
            shape = own.shape
            later = alone(p, *range(i, d)) / back
            if later.numel() == own.numel():
                yield "conditioned on the later variables", later.reshape(shape)

    def tables(p, name=None):
        """All tables of a call, with their number, shapes and type."""
        out, k, d = t.call(factors, p), tuple(p.shape), p.dim()
        listed = isinstance(out, list | tuple)
        got = f"an object of type {type(out).__name__}"
        t.true(listed, "A list of tensors.", got, "another number of tables")
        got, wrong = f"{len(out)} tables", "another number of tables"
        t.true(len(out) == d, f"One for each of {d} variables.", got, wrong)
        found = [tuple(t.tensor(v).shape) for v in out]
        if d > 1 and found == [k[: d - i] for i in range(d)]:
            name = "tables in the opposite order"
        if found in ([k[i:] for i in range(d)], [k[d - i - 1 :] for i in range(d)]):
            name = "conditioned on the later variables" if d > 1 else name
        for i, v in enumerate(out):
            ones = (*k[: i + 1], *[1] * (d - i - 1))
            kept = tuple(k[j] if j == i else 1 for j in range(i + 1))
            ideas = {
                "own variable not on the last axis": [
                    *((k[i], *k[:i]), k[: i + 1][::-1]),
                    *((*k[:j], *k[j + 1 : i + 1], k[j]) for j in range(i)),
                ],
                "axes of length one kept": ones,
                "later variables not summed out": k,
                "past left out": [(k[i],), kept],
                "only the last value of the past": k[max(i - 1, 0) : i + 1],
                "axes of length one lost": tuple(n for n in k[: i + 1] if n > 1),
            }
            if i:
                ideas["divided by the wrong marginal"] = [k[:i], ()]
            why = f"table {i + 1} has the first {i + 1} axes of p."
            t.shape(v, k[: i + 1], why, name or "wrong shape", {} if name else ideas)
            t.dtype(v, p.dtype, "that of p.")
        return out

    def judged(p, tol=1e-5):
        made = tables(p)
        for i, table in enumerate(made):
            why = f"p(x_{i + 1} | what is before it), by logarithms."
            ideas = chain(kept, rivals(p.double(), i))
            right = due(p.double(), i)
            out = t.tensor(table).detach()
            blunt = tol < 1e-6 and (out.float() == out).all()
            name = "float32 in between" if blunt else None
            t.close(table, right, why, name, ideas, tol)
        return made

    kept: list = []
    t.property("a table for each variable, of the shape of the axes up to it")
    p = joint(3, 2, 5, 4).float()
    tables(p)
    t.property("each table holds the variable given those before it")
    judged(p)
    kept = [("result of an earlier call", due(p.double(), i)) for i in range(4)]
    t.property("another distribution of the same shape")
    judged(joint(3, 2, 5, 4).float())
    kept = []
    t.property("their product is p")
    p, product = joint(4, 3, 2).float(), torch.ones(())
    for table in judged(p):
        product = product[..., None] * t.tensor(table).detach()
    t.close(product, p, "The chain rule.")

    t.property("one variable, two, eight; variables with a single value")
    shapes = (5,), (4, 3), (2,) * 8, (1, 3, 1, 2), (3, 1), (1,), (1, 1, 1)
    for shape in shapes:
        judged(joint(*shape).float())

    t.property("values of probability 0 after a possible past")
    p = joint(3, 4, 5)
    p[:, 1, 2:], p[2, 3, 0], p[0, 0, :2] = 0, 0, 0
    p = (p / p.sum()).float()
    for i, table in enumerate(tables(p)):
        right, out = due(p.double(), i), t.tensor(table).detach().double()
        name, off = None, far(out, right, 1e-5)
        if off.any() and not out.isfinite().all():
            name = "zero divided by zero"
        elif off.any() and (right[off] == 0).any():
            name = "a zero taken for an impossible past"
        t.close(table, right, "A value that never comes has 0.", name)

    t.property("pasts that are rare")
    for scale in 1e-30, 1e-12, 1e-6:
        p = joint(3, 2, 4)
        p[1] *= scale
        p[2, 1] *= scale
        p = (p / p.sum()).float()
        for i, table in enumerate(tables(p)):
            right, out = due(p.double(), i), t.tensor(table).detach().double()
            whole = out.sum(-1)
            low = far(whole, 1.0, 1e-4) if i else torch.zeros(())
            name = "constant beside a small probability" if low.any() else None
            even = far(out, 1 / p.shape[i], 1e-5).view(-1, p.shape[i]).any(1)
            if i and not even.all():
                name = "constant beside a small probability"
            if not out.isfinite().all():
                name = "not finite"
            t.close(table, right, f"A past of about {scale:g} counts.", name, tol=5e-5)

    t.property("pasts of probability 0")
    p = joint(3, 4, 2, 5)
    p[1], p[2, 3], p[0, 1, 0] = 0, 0, 0
    for v in (p / p.sum()).float(), p / p.sum():
        for i, table in enumerate(tables(v)):
            out = t.tensor(table).detach()
            name = "not uniform after an impossible past"
            name = name if out.isfinite().all() else "zero divided by zero"
            t.close(table, due(v.double(), i), f"1/{v.shape[i]} each.", name)

    t.property("ten digits in float64")
    judged(joint(2, 4, 3), tol=1e-11)
