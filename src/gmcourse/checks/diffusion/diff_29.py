"""Exercise diff-29: Two means that are weighted."""

import math
from fractions import Fraction

import torch

from .._exercise import Exercise

LOST, SINGLE = "difference of near numbers", "float32 in between"
EMPTY = "empty part not left out"


@Exercise(
    id="diff-29",
    title="Two means that are weighted",
    difficulty=3,
    minutes=30,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Say what an average of weights is made of when batches change their size, and "
        "join the gradients of unequal parts of a batch.",
    ),
    statement=r"""
**The past of an average.** After step $j$ of a training, $j = 1, \dots, k$, the weights
are $\theta_j$, and the average moves a little toward them:

$$
\bar\theta_j = d_j\, \bar\theta_{j-1} + (1 - d_j)\, \theta_j .
$$

So that it means the same with any batch size, $d_j$ follows from a *half-life* of $H$
training examples: what is in the average has lost half of its share when $H$ more
examples have been seen; step $j$ sees $B_j$ of them, and the sizes may differ from step
to step. What the average was before the first step, $\bar\theta_0$, is random and
tells nothing: its share is taken away, and what is left is divided by the sum of its
shares. So

$$
\bar\theta_k = \sum_{j=1}^k s_j\, \theta_j, \qquad \sum_{j=1}^k s_j = 1 .
$$

Write `shares(batches, half_life)`, which returns $s_1, \dots, s_k$ as a float64 tensor
`(k,)`. `batches` is a tuple of 1 to 2,000 Python ints $B_j$ from 1 to $10^6$ in their
order; `half_life` is $H$, an int or float from 1 to $10^{12}$. Each share is right
relative to its own size, to $10^{-9}$, however long or short the half-life is against
the batches and all of the training; one below $10^{-300}$ may also be 0.

**The parts of a batch.** A batch lies on $r$ processes in parts of unequal size. Each
has computed the gradient of *its* mean loss, and what is due is the gradient of the
mean over all examples. Write `joined(means, counts)`: `means` is `(r, ...)`, with none,
one or more axes after the first, the gradient of each process, and `counts` `(r,)`,
int64, the number of its examples, from 0 to $10^9$, not all 0. A part of 0 examples has
no mean: its row may hold nan or infinity, and counts nothing. Return `(...)` in the
type of `means`, float32 or float64: within $10^{-9}$ of 1 plus its size in float64;
within $10^{-5}$ of the largest of all values given, and of 1, in float32. Values are at
most $10^6$ in size. No gradient is asked for; nothing that is given is changed.
""",
    stub='''
def shares(batches, half_life):
    """A tuple of k ints, a number -> (k,), float64."""
    return ...


def joined(means, counts):
    """(r, ...), (r,) -> (...)."""
    return ...
''',
    answers={"shares": callable, "joined": callable},
    hints=(
        "After $n$ examples a share is $2^{-n/H}$ of what it was. How many examples "
        "were seen *after* step $j$?",
        "Before it is divided, the share of $\\theta_j$ is $1 - d_j$ times all later "
        "$d_i$; their sum is 1 minus the product of all $d_j$. `torch.expm1` keeps the "
        "digits of $1 - d$ where $d$ is nearly 1.",
        "The sum over a part is its mean times its count. nan times 0 is nan: choose "
        "the rows before you multiply.",
    ),
    misconceptions={
        "average turned around": "d is what the average keeps of itself, and is near "
        "1 for a long half-life.",
        "newest first": "The shares come in the order of the steps, the oldest first: "
        "what was seen last has lost least.",
        "start not taken away": "The shares of the past add up to one: divide by what "
        "is left without the start.",
        "first weights taken for the start": "The average does not begin at the first "
        "weights: these count with 1 - d like all others.",
        "half-life in steps": "A half-life is counted in examples, and a step sees as "
        "many as its batch has.",
        "e in place of one half": "After a half-life one half is left, not 1/e.",
        "decay taken for straight": "What is left falls by a factor with each example, "
        "not by an amount.",
        "one batch size for all steps": "Each step has its own batch, and its own d.",
        "decay of another step": "What step j adds is 1 - d of its own batch; what is "
        "left of it are the d of all later ones.",
        "share lost too often": "Its own step takes nothing from a share: only those "
        "after it.",
        "half-life not counted": "All steps get the same, or what their batches have.",
        LOST: "1 minus a number near 1 has lost its digits.",
        "underflow to nan": "A short half-life leaves 0 of the past, and a quotient of "
        "two such numbers is nan.",
        SINGLE: "What comes back as float64 has the digits of float32.",
        "mean of the means": "A mean over more examples counts more.",
        "sum in place of the mean": "What is due is a mean over examples: divide by "
        "the number of all of them.",
        "divided by the number of processes": "The sum over all examples is divided by "
        "their number.",
        "counts turned around": "A part counts the more, the larger it is.",
        "another power of the counts": "Each example counts once: a part counts as "
        "often as it has examples.",
        EMPTY: "nan times 0 is nan, and infinity times 0 as well.",
    },
)
def diff_29(t, shares, joined):
    past: list = []

    def weighed(name, batches, half_life, default=None):
        t.property(name)
        out = t.call(shares, batches, half_life)
        t.shape(out, (len(batches),), "one for each step.")
        t.dtype(out, torch.float64, "whatever is given.")
        t.finite(out, "Each share is a number.", default or "not finite")
        got, due = t.tensor(out).detach(), expected(batches, half_life)
        gone = due < 1e-290
        off = torch.where(gone, (got - due).abs() * 1e280, (got / due - 1).abs())
        near = bool((off < 1e-5).all())

        def found():
            yield from wrong(batches, half_life, due)
            held = near and torch.equal(got, got.float().double())
            yield SINGLE, [got] * held
            yield "not to the digits asked for", [got] * (near and default is None)
            yield "result of an earlier call", [v for v in past if v.shape == due.shape]

        if not off.max() <= 1e-9:
            told = "In the order of the steps.", default
            t.close(out, due, *told, found(), 1e-11)
            name = "not to the digits asked for" if near else None
            at = int(off.argmax())
            text = f"{got[at]:.12g} where {due[at]:.12g} is due, at [{at}]"
            t.fail(default or name, why="Right relative to its size.", got=text)
        past.append(due)

    def sizes(k, low=3, high=60):
        return tuple(t.integers(k, low=low, high=high).tolist())

    t.steady(shares, (3, 4, 5), 9)
    for name in ("a few steps", "as many, other numbers"):
        weighed(name, sizes(6), t.integer(20, 90))
    weighed("equal batches", (t.integer(10, 40),) * 5, t.integer(20, 90))
    weighed("a half-life that is no whole number", sizes(4), 31.7)
    weighed("one step", sizes(1), 50)
    weighed("two steps", sizes(2), 50)
    weighed("batches of very different size", (1, 1_000_000, 3, 900, 1), 2_000)
    weighed("many steps", sizes(2_000), 10_000)
    weighed("a short training", sizes(4), 4_000)
    weighed("a half-life of 1", sizes(5, 1, 9), 1)
    nan = "underflow to nan"
    weighed("batches much longer than the half-life", sizes(4, 900, 5_000), 1.0, nan)
    weighed("many long batches", sizes(2_000, 900, 2_000), 400.0, nan)
    for H in (10**9, 1e12):
        weighed(f"a half-life of {H:.0e}", sizes(5, 1, 9), H, LOST)
        weighed(f"a half-life of {H:.0e}, many steps", sizes(2_000), H, LOST)

    before: list = []

    def together(name, means, counts, empty=False):
        t.property(name)
        out = t.call(joined, means, counts)
        t.shape(out, means.shape[1:], "that of one process's gradient.")
        t.dtype(out, means.dtype, "that of means.")
        t.finite(out, "A number.", EMPTY if empty else "not finite")
        kept = counts > 0
        rows, n = means[kept].double(), counts[kept].double()
        due = mean(means, counts)
        double = means.dtype == torch.float64
        tol, scale = 1e-9, 1.0
        if not double:
            tol, scale = 1e-5, 1 + float(rows.abs().max())
        got = t.tensor(out).detach().double()
        near = double and torch.allclose(got, due, 1e-4, 1e-4)

        def by(w):
            return torch.tensordot(w / w.sum(), rows, 1)

        total, r, p = torch.tensordot(n, rows, 1), len(counts), len(rows)
        ideas = {
            "mean of the means": [by(torch.ones_like(n)), p / r * by(0 * n + 1)],
            "sum in place of the mean": [total, rows.sum(0)],
            "divided by the number of processes": [total / r, total / p],
            "counts turned around": [by(1 / n)],
            "another power of the counts": [by(n**0.5), by(n**2)],
            SINGLE: [got] * (near and torch.equal(got, got.float().double())),
            "not to the digits asked for": [got] * near,
            "result of an earlier call": [v for v in before if v.shape == due.shape],
        }
        own, least = (SINGLE, "not to the digits asked for"), 10 * tol * scale
        ideas = {
            name: [v / scale for v in values if name in own or apart(v, due, least)]
            for name, values in ideas.items()
        }
        told = "Each example once.", None, ideas, tol
        t.close(got / scale, due / scale, *told)
        before.append(due)

    def parts(r, *shape, kind=torch.float64, size=1.0):
        return (size * t.away(r, *shape, low=0.3, high=2).double() / 0.7).to(kind)

    def numbers(r, low=1, high=40):
        n = t.integers(r, low=low, high=high)
        n[0], n[-1] = low, high  # never all of one size
        return n

    x = parts(3, 4), numbers(3)
    t.steady(joined, *x)
    for name in ("a few processes", "as many, other numbers"):
        together(name, parts(4, 3), numbers(4))
    together("a matrix", parts(3, 3, 3), numbers(3))
    together("a number", parts(5), numbers(5))
    together("one process", parts(1, 4), numbers(1))
    together("as many processes as values", parts(5, 5), numbers(5))
    for value in (0.5, torch.nan, torch.inf):
        means, counts = parts(4, 3), numbers(4)
        at = t.integer(0, 3)
        counts[at], means[at] = 0, value
        together(f"a part without examples, of {value}", means, counts, True)
    together("all in one part", parts(3, 2), torch.tensor([0, 7, 0]), True)
    two = torch.tensor([torch.nan, 2.5]), torch.tensor([0, 3])
    together("one number, and nan", *two, True)
    many = torch.tensor([1_000_000_000, 999_999_937, 500_000_003, 3])
    for kind in (torch.float64, torch.float32):
        together(f"a billion, {kind}", parts(4, 3, kind=kind), many)
        together(f"a million, {kind}", parts(4, 3, kind=kind, size=3e5), numbers(4))
        means, counts = parts(4, 3, kind=kind), numbers(4)
        counts[2], means[2] = 0, torch.nan
        together(f"without examples, {kind}", means, counts, True)
    together("many processes, float32", parts(300, 2, kind=torch.float32), numbers(300))


def apart(value, due, least):
    return (value - due).abs().max() > least


def mean(means, counts):
    """Example by example, as it were: exact sums of fractions."""
    n = sum(counts.tolist())
    flat = means.double().reshape(len(means), -1).T.tolist()
    pairs = [[(v, c) for v, c in zip(row, counts.tolist()) if c] for row in flat]
    made = [float(sum(Fraction(v) * c for v, c in row) / n) for row in pairs]
    return torch.tensor(made, dtype=torch.float64).reshape(means.shape[1:])


def expected(batches, half_life):
    """From the newest to the oldest: what is left, and what a step takes of it."""
    made, seen = [], 0
    rate = -math.log(2) / half_life
    whole = -math.expm1(rate * sum(batches))
    for B in reversed(batches):
        own = -math.expm1(rate * B)
        made.append(own * 2.0 ** -min(seen / half_life, 1074.0) / whole)
        seen += B
    return torch.tensor(made[::-1], dtype=torch.float64)


def wrong(batches, half_life, due):
    """What mistakes give, under their names."""
    B = torch.tensor(batches, dtype=torch.float64)
    k, rate = len(B), math.log(2) / half_life

    def made(d, own=None, start=False, less=0):
        """Shares by the d of the steps, in the order of a loop."""
        own = 1 - d if own is None else own
        left = torch.ones(k).double()
        for j in range(k - 1):
            left[j] = d[j + 1 - less : k - less].prod() if less < 2 else d[j:].prod()
        if less == 2:
            left[-1] = d[-1]
        s = own * left
        return s if start else s / s.sum()

    d = (-rate * B).exp()
    if k > 50:
        return
    first = d.clone()
    first[0] = 0
    counts = B[0], B[-1], B.mean(), B.median(), B.max()
    same = [torch.full_like(d, v.item()) for v in counts]
    found = {
        "sign flipped": [-due],
        "start not taken away": [made(d, start=True)],
        "first weights taken for the start": [made(first, start=True)],
        "newest first": [due.flip(0)],
        "average turned around": [made(1 - d), made(1 - d, start=True)],
        "half-life in steps": [made((-rate * B**0).exp())],
        "e in place of one half": [made((-B / half_life).exp())],
        "decay taken for straight": [
            made(1 - B / half_life), made(1 - B / half_life / 2),
            made((1 - B / half_life).clamp(min=0)), made(1 - rate * B),
            made((1 - rate * B).clamp(min=0)), made(1 / (1 + B / half_life)),
        ],
        "one batch size for all steps": [made((-rate * v).exp()) for v in same],
        "share lost too often": [made(d, less=2)],
        "decay of another step": [
            made(d, less=1), made(d, 1 - d.roll(1)), made(d, 1 - d.roll(-1)),
            made(d, d**0),
        ],
        "half-life not counted": [B / B.sum(), B**0 / k],
    }  # fmt: skip
    for name, values in found.items():
        yield name, [v for v in values if (v - due).abs().max() > 1e-6]
