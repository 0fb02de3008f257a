"""Exercise ar-10: Pixel by pixel."""

import itertools
import math
import time

import torch

from .._exercise import Exercise
from .._statistics import p_frequencies


@Exercise(
    id="ar-10",
    title="Pixel by pixel",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Draw from an autoregressive model value by value, around values that are "
        "known, at any temperature.",
    ),
    statement=r"""
An autoregressive model of $d$ values, each 0 or 1, is given as a function
`conditional(x)`: of `x`, `(n, d)`, it gives the logits of all values at once, `(n, d)`,
and the $i$-th of them depends on `x[:, :i]` alone. It gives them for any zeros and
ones, and may be called as often as you like.

Write `draw(conditional, x, known, temperature, generator)`. `x` is `(b, d)`, float32 or
float64, zeros and ones; `known` is `(d,)`, bool. The result is a new tensor of the
shape and type of `x`, in which

- the known values are those of `x`;
- the others are drawn in the order $0, \dots, d - 1$, each from its conditional given
  all values before it, the known and the drawn ones, with its logit divided by
  `temperature`, a float of 0.01 or more. What `x` holds there does not matter.

A known value that comes later is not looked at. All randomness comes from `generator`,
a `torch.Generator` on the CPU, which is neither seeded nor copied: with a generator in
the same state the result is the same, and the next call goes on with fresh numbers.
All draws are independent, from value to value, from row to row, from call to call.
Nothing that was passed in is changed, but for the state of the generator. Any number of
values may be known, also none or all.
""",
    stub='''
def draw(conditional, x, known, temperature, generator):
    """x (b, d) zeros and ones, known (d,) bool -> (b, d)."""
    return ...
''',
    answers={"draw": callable},
    hints=(
        "Copy `x` first. Then one pass for each value: the logits of all values, of "
        "which only column `i` is of use now.",
        "`torch.rand(b, generator=generator)` gives one number for each row; how often "
        "is it below a probability `p`?",
        "Does your function give a model's own distribution? With two values there are "
        "four outcomes: count them in 10,000 rows, and compare with the products of "
        "the conditionals.",
    ),
    misconceptions={
        "known values overwritten": "What is known stays as it is.",
        "known and unknown exchanged": "known is true where nothing is to be drawn.",
        "logits taken once": "Each value depends on those drawn before it: the logits "
        "have to be computed anew after each draw.",
        "most likely value taken": "A draw is random, however likely one value is: "
        "this gives one and the same image again and again.",
        "temperature left out": "The logits are divided by the temperature.",
        "temperature multiplied": "Below 1 the likely values get likelier: the logits "
        "are divided.",
        "temperature applied otherwise": "The logit is divided by the temperature, "
        "once: not the probability, nor its power.",
        "the whole distribution tempered": "Each conditional is tempered for itself: "
        "the product is not the tempered joint distribution.",
        "order reversed": "The i-th logit depends on the values before i: they have to "
        "be there first.",
        "logits of a neighbor": "The i-th logit is that of the i-th value.",
        "known values ahead seen": "A value is drawn given those before it alone: "
        "known ones that come later do not count.",
        "known values not seen": "What is known and comes first is part of the "
        "condition.",
        "zeros and ones exchanged": "The logit is that of a one.",
        "logits taken for probabilities": "A logit is any number; the sigmoid makes a "
        "probability of it.",
        "not zeros and ones": "What is drawn is 0 or 1.",
        "generator not used": "All randomness comes from the generator that is passed "
        "in: otherwise no result can be repeated.",
        "x itself returned": "Who gets the result may change it: it is a tensor of its "
        "own, even where nothing was drawn.",
        "generator reseeded": "The generator belongs to the caller, who counts on its "
        "going on.",
    },
)
def ar_10(t, draw):
    gen = torch.Generator("cpu").manual_seed(t.integer(0, 10**9))

    def called(model, x, known, temperature, generator=gen):
        seed = generator.initial_seed()
        out = t.call(draw, model, x, known, temperature, generator)
        t.shape(out, tuple(x.shape), "as x.")
        same = generator.initial_seed() == seed
        name = "generator reseeded"
        t.true(same, "The generator only goes on.", "It was seeded.", name)
        return t.tensor(out)

    d, at = 6, torch.tensor([0, 3])
    known = torch.zeros(d, dtype=torch.bool)
    known[at] = True
    model = Model(t, d)

    t.property("zeros and ones in the shape and type of x")
    x = t.integers(200, d, low=0, high=1).float()
    start = time.process_time()
    out = called(model, x, known, 1.3)
    seconds = time.process_time() - start
    t.dtype(out, x.dtype, "that of x.")
    binary = ((out == 0) | (out == 1)).all()
    bad = out[(out != 0) & (out != 1)]
    got = f"{bad[0]:.4g}" if len(bad) else ""
    t.true(binary, "Values are drawn.", got, "not zeros and ones")

    t.property("known values stay", of=out)
    moved = (out != x)[:, known].any()
    still = (out == x)[:, ~known].all()
    name = "known and unknown exchanged" if still else "known values overwritten"
    t.true(not moved, "As they are in x.", "Some are others.", name)
    got, name = "They are as in x.", "known and unknown exchanged"
    t.true(not still, "The others are drawn.", got, name)

    t.property("all randomness comes from the generator")
    one, two = (torch.Generator("cpu").manual_seed(7) for _ in "12")
    first, again = (called(model, x, known, 1.0, g) for g in (one, two))
    why, got = "The same state of the generator, the same draws.", "Others came."
    t.true((first == again).all(), why, got, "generator not used")
    t.property("fresh draws at each call")
    same = torch.zeros(d).expand(200, d)
    none = torch.zeros(d, dtype=torch.bool)
    more = [called(model, same, none, 1.0) for _ in range(4)]
    equal = all(torch.equal(v, more[0]) for v in more)
    alike = all((v == v[:1]).all() for v in more)
    why, name = "A second call gives other draws.", "noise fixed across calls"
    name = "most likely value taken" if alike else name
    t.true(not equal, why, "the same draws as before", name)
    t.property("fresh draws for each row")
    why, name = "Rows are drawn independently.", "one noise for all examples"
    t.true(not alike, why, "All rows with equal conditions are equal.", name)

    def frequencies(name, known, temperature, rows, fill):
        """All outcomes, for each of the values of what is known."""
        t.property(name)
        number = int(known.sum())
        patterns = list(itertools.product((0.0, 1.0), repeat=number))
        x = torch.full((rows * len(patterns), d), float(fill))
        x[:, known] = torch.tensor(patterns).repeat(rows, 1)
        model.calls = 0
        out = called(model, x, known, temperature)
        calls = model.calls
        t.equal(out[:, known], x[:, known], "As in x.", "known values overwritten")
        free = (~known).nonzero().flatten()
        code = (out[:, free] * 2 ** torch.arange(len(free))).sum(1).long()
        k, counts, rights, others = len(patterns), [], [], []
        for i, pattern in enumerate(patterns):
            right, ideas = expected(model, known, pattern, fill, temperature)
            counts.append(code[i::k].bincount(minlength=2 ** len(free)).double())
            rights.append(right)
            others.append(ideas)
        told = likeliest(counts, rights, others)
        if calls > 1 and told == "logits taken once":
            told = "order reversed"  # the same distribution
        why = "The product of the tempered conditionals, outcome by outcome."
        # As many rows of each pattern: Chernoff's bound holds for all cells together.
        t.frequencies(torch.cat(counts), torch.cat(rights) / k, why, told)

    fill = t.integer(0, 1)
    many = 4 if seconds < 0.01 else 1  # code that goes row by row is spared some
    for temperature, start in ((0.5, fill), (2.5, 1 - fill)):
        told = f"every outcome at temperature {temperature:g}"
        frequencies(told, known, temperature, 150 * many, start)
    frequencies("nothing known", none, 1.0, 500 * many, fill)
    other = torch.tensor([False, True, False, False, True, True])
    frequencies("other values known", other, 0.8, 150 * many, 1 - fill)
    if many > 1:
        frequencies("the same in more draws", known, 0.35, 20_000, fill)

    t.property("independent rows and calls")
    n = 400 * many
    x = torch.zeros(n, d)
    runs = [called(model, x, none, 2.5).double() for _ in "12"]
    z = []
    for out in runs:
        p = (model(out) / 2.5).sigmoid()
        z.append((out - p) / (p * (1 - p)).sqrt())
    # Is anything shared along the rows? The suspicious distance of one call is tried
    # in the other.
    waves = torch.fft.rfft(z[1], 2 * n, dim=0).abs().square()
    sums = torch.fft.irfft(waves, 2 * n, dim=0).sum(1)[1 : n - 100]
    lag = int((sums.abs() / (n - torch.arange(1, n - 100)).sqrt()).argmax()) + 1
    pairs = [(z[0][:-k], z[0][k:]) for k in (1, lag)]
    half = n // 2
    pairs += [(z[0][:half], z[0].flip(0)[:half]), (z[0], z[1])]
    shared = "draws not independent"
    for a, b in pairs:
        told = "Draws, less their means, have no correlation.", shared
        t.mean((a * b).flatten(), 0.0, 1.0, *told)

    t.property("many values, of which each turns the next one around")
    for b, far, kind in ((3, 61, torch.float32), (1, 40, torch.float64)):
        known = t.integers(far, low=0, high=3) == 0
        known[0] = True
        x = t.integers(b, far, low=0, high=1).to(kind)
        out = called(alternate, x, known, 3.0)
        t.dtype(out, kind, "that of x.")
        due = x.clone()
        for i in range(1, far):
            due[:, i] = torch.where(known[i], x[:, i], 1 - due[:, i - 1])
        t.equal(out, due, "Each is the opposite of the one before it, nearly surely.")

    t.property("temperatures near 0, and far above 1")
    known = torch.zeros(9, dtype=torch.bool)
    x = torch.ones(20, 9)
    out = called(falling, x, known, 0.01)
    due = (torch.arange(9) < 5).float().expand(20, 9)
    t.equal(out, due, "The likelier value of each, nearly surely.")
    hot = called(lambda x: 40 * alternate(x), torch.zeros(200, 9), known, 1e6)
    why = "A logit of 4800 divided by a million: half and half."
    name = "temperature applied otherwise"
    t.mean(hot.flatten(), 0.5, 0.5, why, name)

    t.property("all values known; one value")
    x = t.integers(4, 5, low=0, high=1).float()
    known = torch.ones(5, dtype=torch.bool)
    out = called(alternate, x, known, 1.0)
    t.equal(out, x, "Nothing is to be drawn.", "known values overwritten")
    again = t.tensor(t.guard(draw, alternate, x, known, 1.0, gen))  # no copy of x
    own = again.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    t.true(own, "A new tensor.", "x itself.", "x itself returned")
    out = called(lambda x: 0 * x + 50, torch.zeros(1, 1), torch.tensor([False]), 1.0)
    t.equal(out, 1.0, "A logit of 50 is a one.")


class Model:
    """A fully visible network whose conditionals lie near neither 0 nor 1."""

    def __init__(self, t, d):
        self.b = t.away(d, low=0.4, high=1.0)
        self.w = t.away(d, d, low=0.9, high=1.6).tril(-1)
        near = torch.arange(d)[:, None] - torch.arange(d) <= 2
        self.w, self.calls = self.w * near, 0

    def __call__(self, x):
        self.calls += 1
        return self.b.to(x) + x @ self.w.to(x).T


def alternate(x):
    before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], 1)
    return 120 * (1 - 2 * before)


def falling(x):
    return (4.5 - torch.arange(9).to(x)).expand(len(x), 9)


def expected(model, known, pattern, fill, temperature):
    """Probabilities of the outcomes: the right ones, and what mistakes give."""
    d, free = len(known), (~known).nonzero().flatten().tolist()
    n = 2 ** len(free)
    ends = torch.zeros(n, d).double()
    ends[:, known] = torch.tensor(pattern).double()
    for j, i in enumerate(free):
        ends[:, i] = (torch.arange(n) // 2**j % 2).double()
    start = ends.clone()
    start[:, free] = float(fill)

    def product(logit):
        """Of the probabilities of the free values; ``logit(i)`` is (n,)."""
        total = torch.ones(n).double()
        for i in free:
            p = logit(i)
            total = total * torch.where(ends[:, i] > 0, p, 1 - p)
        return total

    def at(x, i, scale=1 / temperature):
        return (scale * model(x)[:, i]).sigmoid()

    def mixed(i, left, right):
        """The values before i of one, those from i on of another."""
        return torch.cat([left[:, :i], right[:, i:]], 1)

    right = product(lambda i: at(ends, i))
    lost = ends.clone()
    lost[:, known] = 0.0
    whole = torch.ones(n).double()
    for i in range(d):
        p = at(ends, i, 1.0)
        whole = whole * torch.where(ends[:, i] > 0, p, 1 - p)
    hot = torch.ones(n).double()
    for i in range(d):
        p = at(ends, i)
        hot = hot * torch.where(ends[:, i] > 0, p, 1 - p)
    cold = product(lambda i: at(ends, i, 1.0)) ** (1 / temperature)
    power = 1 / temperature
    ideas = {
        "logits taken once": [
            product(lambda i: at(start, i)),
            product(lambda i: at(torch.where(known, start, 0 * start), i)),
        ],
        "temperature left out": product(lambda i: at(ends, i, 1.0)),
        "temperature multiplied": product(lambda i: at(ends, i, temperature)),
        "temperature applied otherwise": [
            product(lambda i: at(ends, i, temperature**-2)),
            product(lambda i: at(ends, i, temperature**-0.5)),
            product(lambda i: (at(ends, i, 1.0) * power).clamp(max=1)),
            product(lambda i: at(ends, i, 1.0) ** power),
            product(lambda i: (power * at(ends, i, 1.0)).sigmoid()),
        ],
        "zeros and ones exchanged": product(lambda i: 1 - at(ends, i)),
        "logits of a neighbor": [
            product(lambda i: at(ends, max(i - 1, 0))),
            product(lambda i: at(mixed(i, ends, start), min(i + 1, d - 1))),
            product(lambda i: at(ends, i - 1)),
        ],
        "known values not seen": product(lambda i: at(lost, i)),
        "logits taken for probabilities": [
            product(lambda i: (model(ends)[:, i] * power).clamp(0, 1)),
        ],
        "known values ahead seen": [hot / hot.sum(), whole / whole.sum()],
        "the whole distribution tempered": [
            cold / cold.sum(),
            whole**power / (whole**power).sum(),
        ],
        "one noise for all dimensions": comonotone(ends, free, lambda i: at(ends, i)),
        "most likely value taken": product(lambda i: (at(ends, i) > 0.5).double()),
    }
    return right, [
        (name, v)
        for name, values in ideas.items()
        for v in (values if isinstance(values, list) else [values])
    ]


def likeliest(counts, rights, others):
    """The mistake under which all counts are the most probable, if they can be."""
    best, name = -math.inf, None
    for ways in zip(*others):
        far = sum(float((v[1] - r).abs().sum()) for v, r in zip(ways, rights))
        fits = all(
            p_frequencies(n, v[1]).nan_to_num(0.0).min() * len(n) > 1e-6
            for n, v in zip(counts, ways)
        )
        value = sum(float(torch.xlogy(n, v[1]).sum()) for n, v in zip(counts, ways))
        if far > 0.02 and fits and value > best:
            best, name = value, ways[0][0]
    return name


def comonotone(ends, free, p):
    """Where one uniform number decides all values of a row."""
    low, high = torch.zeros(len(ends)).double(), torch.ones(len(ends)).double()
    for i in free:
        one = ends[:, i] > 0
        high = torch.where(one, torch.minimum(high, p(i)), high)
        low = torch.where(one, low, torch.maximum(low, p(i)))
    return (high - low).clamp(min=0)
