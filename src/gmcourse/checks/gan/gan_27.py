"""Exercise gan-27: A thousand modes, not equally likely."""

import math
from typing import Any

import torch
from torch import Tensor

from .._comparisons import far
from .._exercise import Exercise

LARGE = "hundreds of millions of real examples a mode"
NOBODY = "modes that nobody has left out of the divergence"


@Exercise(
    id="gan-27",
    title="A thousand modes, not equally likely",
    difficulty=2,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Compare the modes of what was made with those of real examples, by a "
        "classifier's logits and a divergence that sees what should not be there.",
    ),
    statement=r"""
Three digits laid over each other in red, green and blue make a thousand modes. Where
the digits are drawn evenly, the frequencies are compared with equal ones. But a set of
real examples need not be even, and some modes it may not have at all.

Write `digit_modes(logits, counts)`:

- `logits` is `(n, 3, 10)`, float32 or float64: what a classifier of digits says of the
  red, the green and the blue channel of $n \ge 1$ examples that were made. The digit of
  a channel is that of the largest logit; of equal ones it is the smallest digit. The
  mode of an example is the number $100 r + 10 g + b$ of its three digits.
- `counts` is `(1000,)`, int64: how many *real* examples each mode has, 0 or more, not
  all 0, up to $10^9$ each.

With $q$ the frequencies of the modes among the made examples and $p$ those among the
real ones, return two numbers:

- how many modes that have a real example have a made one, too, an `int`;
- $\mathrm{KL}(q \,\|\, p)$ in nats, a `float`. A mode that was never made adds nothing.
  If a mode was made that has no real example, it is `math.inf`.

(Tensors without axes will do, the first of an integer type, the second float64.)
The logits may be of any size, and may differ in their last digit only. The divergence
is right to $10^{-9}$, also where it is nearly 0. The inputs are not changed.
""",
    stub='''
def digit_modes(logits, counts):
    """(n, 3, 10), (1000,) -> number of modes met, KL(q || p) in nats."""
    return ...
''',
    answers={"digit_modes": callable},
    hints=(
        "The largest of ten logits needs no softmax. `torch.argmax` gives the first of "
        "several that are equal.",
        "`torch.bincount` has an argument for how many modes there are.",
        "The terms with $q = 0$ are left out, and then a term with $p = 0$ is infinite "
        "by itself. Counts are whole numbers: divide them in float64.",
    ),
    misconceptions={
        "channels in another order": "Red counts hundreds, green tens, blue ones.",
        "largest along another axis": "The ten logits of a channel lie along the last "
        "axis.",
        "smallest logit taken": "The digit is that of the largest logit.",
        "last of equal logits": "Of equal logits the first counts.",
        "probabilities in place of digits": "Each example has one mode, however sure "
        "the classifier is.",
        "logits that were squashed": "A softmax, a sigmoid, an exp, a clamp or another "
        "precision makes logits equal that are not, or infinite. The largest can be "
        "found without.",
        "modes that nobody has": "A made mode without a real example is no mode that "
        "was met.",
        "modes of the real examples": "These are the modes that could be met.",
        "modes not met": "These are the modes that are missing.",
        "examples counted": "A mode counts once, however often it was made.",
        "share in place of the number": "The number of modes is due.",
        "digits of each channel": "The mode is that of all three digits together.",
        "KL reversed": "The mean is due under q, of what was made: a mode that is "
        "missing adds nothing, one that should not be there makes it infinite.",
        "frequencies taken as even": "counts says how often each mode is real.",
        "each channel by itself": "Three divergences of ten digits are not that of a "
        "thousand modes.",
        "another divergence": "KL(q || p) is the sum of q log(q / p).",
        "frequencies not divided by their sum": "Both are frequencies: each adds up to "
        "1.",
        NOBODY: "What is made and has no "
        "real example has the frequency 0 under p: the divergence is infinite.",
        "frequencies smoothed": "Nothing is added to a count or a frequency: where q "
        "is 0 nothing is added up, where p alone is 0 the divergence is infinite.",
        "real modes that are missing left out": "p stays as it is where a mode was "
        "not made: all real examples are in its denominator.",
        "mean over the modes": "A divergence is a sum, weighted by q and by nothing "
        "else.",
        "zero times the logarithm of zero": "It adds nothing, and is nan in floating "
        "point.",
        "float32 in between": "Frequencies and logarithms are due in float64: of "
        "float32 seven digits are left, and of a number near 0 fewer.",
        "numbers exchanged": "The number of modes first, then the divergence.",
        "not a whole number": "The number of modes is an int.",
    },
)
def gan_27(t, digit_modes):
    def logits_of(modes, low=0.3, high=4.0):
        """(n, 3, 10) whose largest entries are those of the modes."""
        digits = digits_of(modes)[:, :, None]
        x = t.uniform(len(modes), 3, 10, low=-6, high=6)
        rest = x.scatter(2, digits, -torch.inf).amax(2, keepdim=True)
        top = rest + t.uniform(len(modes), 3, 1, low=low, high=high)
        return x.scatter(2, digits, top)

    def world(n, size, made, extra=0, scale=1):
        """Logits of ``made`` of ``size`` modes and of ``extra`` that nobody has."""
        order = torch.randperm(1000, generator=t.rng)
        counts = torch.zeros(1000, dtype=torch.int64)
        counts[order[:size]] = t.integers(size, low=1, high=60) * scale
        some = torch.cat([order[:made], order[size : size + extra]])
        weights = t.uniform(len(some), low=0.2, high=2.0)
        picks = torch.multinomial(weights, n, True, generator=t.rng)
        picks[: len(some)] = torch.arange(len(some))[:n]
        return some[picks], counts

    seen: list[Any] = []

    def compared(name, worlds, place, mistake=None):
        """One of the two numbers, in some worlds. A name has to fit in all of them."""
        outs, got = [], []
        for _, logits, counts in worlds:
            out = t.call(digit_modes, logits, counts)
            two = isinstance(out, tuple | list) and len(out) == 2
            t.true(two, "Two numbers.", f"an object of type {type(out).__name__}")
            for v in out:
                t.shape(v, (), "a number.")
            outs.append(out)
            got.append(t.tensor(out[place]).detach().double())
        got, tol = torch.stack(got), (1e-7, 1e-9)[place]
        ways = RIVALS[place]
        due = torch.stack([ways[""][0](*world) for world in worlds])
        wrong = far(got, due, tol)
        t.property(name, of=outs[int(wrong.int().argmax())])
        if wrong.any():
            old = [
                list(kept(world, seen + worlds[:i], place))
                for i, world in enumerate(worlds)
            ]
            again = all(
                any(not far(got[i], v, 1e-9) for v in old[i])
                for i in wrong.nonzero().flatten()
            )
            if again and not mistake and got[wrong].min() > (1e-3 if place else 20):
                mistake, ways = "result of an earlier call", {}
            elif place and got.isnan().any():
                mistake = "zero times the logarithm of zero"
            elif place and not far(got, due, 1e-6).any():
                single = (got.float() == got).all() or name == LARGE
                mistake = "float32 in between" if single else None
            ideas = (
                (k, [v for v in values if far(v, due, tol).any()])
                for k, values in (
                    (k, [torch.stack([f(*world) for world in worlds]) for f in found])
                    for k, found in ways.items()
                )
            )
            ideas = None if mistake == "float32 in between" else ideas
            t.close(got, due, WHY[place], mistake, ideas, tol)
        seen.extend(worlds)
        kind = t.tensor(outs[0][place]).dtype
        if place:
            t.dtype(outs[0][1], torch.float64, "a float.", "float32 in between")
        else:
            whole = not kind.is_floating_point
            t.true(whole, "An int.", str(kind), "not a whole number")

    def drawn(*args, **more):
        modes, counts = world(*args, **more)
        return modes, logits_of(modes), counts

    sizes = [t.integer(*v) for v in ((300, 360), (380, 420), (430, 500))]
    some = [drawn(n + 90, n, n // 2, extra=9) for n in sizes]
    compared("how many modes are met", some, 0)
    # All that is real was made; all may be made; some of either.
    plain = [drawn(1200, sizes[0], sizes[0]), drawn(700, 1000, 300)]
    plain += [drawn(2 * n, n, n // 2) for n in sizes[1:]]
    compared("the divergence in nats", plain, 1)
    double = [(m, x.double(), c) for m, x, c in plain[:2]]
    compared("the divergence of float64 logits", double, 1)

    near = []
    for n in sizes:
        modes = world(4 * n, n, n)[0]
        counts = torch.bincount(modes, minlength=1000) * 1000
        more = counts.nonzero().flatten()[t.integer(0, 200)]
        counts[more] += t.integer(1, 9) * (len(near) > 0)
        near.append((modes, logits_of(modes), counts))
    compared("frequencies that are nearly the same: a divergence near 0", near, 1)
    large = [drawn(n, n, n // 2, scale=t.integer(10**7, 16 * 10**6)) for n in sizes]
    compared(LARGE, large, 1)

    t.property("a mode that nobody has: infinite")
    for extra in 9, 1:
        modes, logits, counts = drawn(400, 300, 150, extra=extra)
        out = t.call(digit_modes, logits, counts)
        value = t.tensor(out[1]).detach().double()
        ideas = infinite(modes, logits, counts)
        why = "p is 0 there, and q is not."
        t.close(value, math.inf, why, ideas=ideas, tol=1e-7)

    equal = []
    for n in 240, 270:
        modes, counts = world(n, 500, 200, extra=300)
        logits, digits = logits_of(modes), digits_of(modes)
        after = torch.arange(10) > digits[:, :, None]
        again = after & (t.uniform(n, 3, 10, low=0, high=1) < 0.4)
        logits = torch.where(again, logits.amax(2, keepdim=True), logits)
        equal.append((modes, logits, counts))
    modes, counts = torch.zeros(7, dtype=torch.int64), torch.ones(1000).long()
    counts[0] = 0
    equal.append((modes, torch.full((7, 3, 10), -2.0), counts))
    compared("equal logits: the smallest digit", equal, 0)
    name = "logits that were squashed"
    fine = []
    for base, step, kind in (
        (50.0, 1e-12, torch.float64),
        (-3000.0, 1.0, torch.float32),
        (3000.0, 1.0, torch.float32),
        (1e30, 1e25, torch.float32),
        (-1e-30, 1e-32, torch.float32),
    ):
        modes, counts = world(300, 500, 100, extra=100)
        digits = digits_of(modes)[:, :, None]
        x = torch.full((300, 3, 10), base, dtype=kind)
        top = torch.full_like(digits, 1, dtype=kind) * (base + step)
        fine.append((modes, x.scatter(2, digits, top), counts))
    compared("logits of any size, that differ in the last digits", fine, 0, name)

    few = [drawn(n, 700, n) for n in (1, 3, 10, 1)]
    compared("one example, three, ten: the modes", few, 0)
    compared("one example, three, ten: the divergence", few, 1)
    alone = []
    for last in 999, 0:
        counts = torch.zeros(1000, dtype=torch.int64)
        counts[last] = 3
        modes = torch.full((4,), last)
        alone.append((modes, logits_of(modes), counts))
    compared("one mode alone: the number", alone, 0)
    compared("one mode alone: no divergence", alone, 1)


WHY = (
    "The modes that have a real example and a made one.",
    "The sum of q log(q/p) over the modes that were made.",
)


def digits_of(modes: Tensor) -> Tensor:
    return torch.stack([modes // 100, modes // 10 % 10, modes % 10], 1)


def shares(modes: Tensor) -> Tensor:
    """The frequencies of the thousand modes."""
    return torch.bincount(modes, minlength=1000).double() / len(modes)


# Other ways from logits to modes.
DIGITS = {
    "channels in another order": [
        lambda x, order=order: x[:, order].argmax(2)
        for order in ([2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1])
    ],
    "smallest logit taken": [lambda x: x.argmin(2)],
    "last of equal logits": [lambda x: 9 - x.flip(2).argmax(2)],
    "largest along another axis": [
        lambda x: x.reshape(-1, 10, 3).argmax(1),
        lambda x: x.transpose(0, 1).reshape(-1, 3, 10).argmax(2),
    ],
}


def number_of(digits: Tensor) -> Tensor:
    return (digits * torch.tensor([100, 10, 1])).sum(1)


def by_modes(f):
    """A number that needs the modes and the counts, by the modes that were meant."""
    return lambda modes, logits, counts: f(modes, counts)


def astray(f):
    """The same number by other modes."""
    return {
        name: [
            lambda modes, logits, counts, way=way: f(number_of(way(logits)), counts)
            for way in ways
        ]
        for name, ways in DIGITS.items()
    }


def met(modes, counts):
    """One by one."""
    made, real = set(modes.tolist()), counts.tolist()
    return torch.tensor(float(sum(real[m] > 0 for m in made)), dtype=torch.double)


def kept(world, earlier, place):
    """What comes of an earlier call, or of a part of it."""
    modes, logits, counts = world
    f = RIVALS[place][""][0]
    for old, x, real in earlier:
        yield from (f(old, x, real), f(modes, logits, real), f(old, x, counts))


def kl(modes, counts):
    q, p = shares(modes), counts.double() / counts.sum()
    return divergence(q, p)


def divergence(q, p):
    """Over the places of q alone."""
    there = q > 0
    return q[there] @ (q[there].log() - p[there].log())


def soft(logits):
    """The mean of the probabilities of the modes."""
    r, g, b = logits.double().softmax(2).unbind(1)
    joint = r[:, :, None, None] * g[:, None, :, None] * b[:, None, None, :]
    return joint.mean(0).flatten()


def sides(f):
    """A number by both frequencies."""

    def value(modes, logits, counts):
        return f(shares(modes), counts.double() / counts.sum(), counts.double())

    return value


def apart(modes, logits, counts):
    """The divergences of the three channels."""
    every = digits_of(torch.arange(1000))
    q, p = shares(modes), counts.double() / counts.sum()
    total = torch.zeros((), dtype=torch.double)
    for i in range(3):
        u, v = (torch.zeros(10).double().index_add(0, every[:, i], w) for w in (q, p))
        total = total + divergence(u, v)
    return total


def each_digit(modes, logits, counts):
    """How many digits are met, of all channels."""
    seen = digits_of(modes)
    real = digits_of(counts.nonzero().flatten())
    found = [len({*seen[:, i].tolist()} & {*real[:, i].tolist()}) for i in range(3)]
    return torch.tensor(float(sum(found)), dtype=torch.double)


def half(q, p, c):
    m = (q + p) / 2
    return (divergence(q, m) + divergence(p, m)) / 2


def smooth(more):
    def value(modes, logits, counts):
        c = torch.bincount(modes, minlength=1000).double()
        q, p = c + more, counts.double() + more
        return divergence(q / q.sum(), p / p.sum())

    return value


def few(more, both=True):
    """Smoothed, and summed over the modes that were made."""

    def value(modes, logits, counts):
        made = torch.bincount(modes, minlength=1000).double()
        q, p = made + more * both, counts.double() + more
        terms = q / q.sum() * (q / q.sum() / (p / p.sum())).log()
        return terms[made > 0].sum()

    return value


def raised(e):
    def value(q, p, c):
        return (q * ((q + e) / (p + e)).log()).sum()

    return value


RIVALS: tuple[dict[str, Any], ...] = (
    {
        "": [by_modes(met)],
        "modes that nobody has": [sides(lambda q, p, c: (q > 0).sum().double())],
        "modes of the real examples": [sides(lambda q, p, c: (p > 0).sum().double())],
        "modes not met": [
            sides(lambda q, p, c: ((p > 0) & (q == 0)).sum().double()),
            sides(lambda q, p, c: (1000 - (q > 0).sum()).double()),
            sides(lambda q, p, c: (1000 - ((q > 0) & (p > 0)).sum()).double()),
            sides(lambda q, p, c: ((p == 0) & (q > 0)).sum().double()),
        ],
        "share in place of the number": [
            lambda modes, logits, counts: met(modes, counts) / 1000,
            lambda modes, logits, counts: met(modes, counts) / (counts > 0).sum(),
        ],
        "examples counted": [
            lambda modes, logits, counts: (counts[modes] > 0).sum().double(),
            lambda modes, logits, counts: torch.tensor(float(len(modes))).double(),
        ],
        "digits of each channel": [each_digit],
        "numbers exchanged": [by_modes(kl)],
        "probabilities in place of digits": [
            lambda modes, logits, counts: (
                ((soft(logits) > 0) & (counts > 0)).sum().double()
            )
        ],
        **astray(met),
    },
    {
        "": [by_modes(kl)],
        "KL reversed": [
            sides(lambda q, p, c: divergence(p, q)),
            sides(lambda q, p, c: (p * (p / q).log())[(q > 0) & (p > 0)].sum()),
        ],
        "frequencies taken as even": [
            sides(lambda q, p, c: divergence(q, 0 * p + 1e-3)),
            sides(lambda q, p, c: divergence(q, (p > 0).double() / (p > 0).sum())),
        ],
        "frequencies not divided by their sum": [
            sides(lambda q, p, c: divergence(q, c)),
            lambda m, x, c: divergence(shares(m) * len(m), c.double() / c.sum()),
            lambda m, x, c: divergence(shares(m) * len(m), c.double()),
        ],
        "real modes that are missing left out": [
            sides(lambda q, p, c: divergence(q, p * (q > 0) / p[q > 0].sum())),
        ],
        "frequencies smoothed": [
            *(f(v) for v in (1, 0.5, 1e-3, 1e-2, 0.1) for f in (smooth, few)),
            *(few(v, both=False) for v in (1, 0.5, 1e-3, 1e-2, 0.1)),
            *(sides(raised(10.0**-k)) for k in range(2, 13)),
            *(
                sides(lambda q, p, c, e=10.0**-k: divergence(q, p + e))
                for k in range(2, 14)
            ),
        ],
        "another divergence": [
            sides(half),
            sides(lambda q, p, c: (q - p).abs().sum() / 2),
            sides(lambda q, p, c: (q - p).abs().sum()),
            sides(lambda q, p, c: ((q - p)[p > 0] ** 2 / p[p > 0]).sum()),
            sides(lambda q, p, c: divergence(q, p) + divergence(p, q)),
            sides(lambda q, p, c: -(q * p.log())[q > 0].sum()),
            sides(lambda q, p, c: -(q * q.log())[q > 0].sum()),
            sides(lambda q, p, c: (q * q.log())[q > 0].sum()),
            sides(lambda q, p, c: (q.log() - p.log())[q > 0].sum()),
        ],
        "mean over the modes": [
            sides(lambda q, p, c: divergence(q, p) / 1000),
            sides(lambda q, p, c: divergence(q, p) / (q > 0).sum()),
            sides(lambda q, p, c: divergence(q, p) / (p > 0).sum()),
            sides(lambda q, p, c: (q.log() - p.log())[q > 0].mean()),
        ],
        "bits in place of nats": [
            sides(lambda q, p, c: divergence(q, p) / math.log(2))
        ],
        "logarithm to base 10": [
            sides(lambda q, p, c: divergence(q, p) / math.log(10))
        ],
        "sign flipped": [sides(lambda q, p, c: -divergence(q, p))],
        "each channel by itself": [
            apart,
            lambda *world: apart(*world) / 3,
        ],
        "probabilities in place of digits": [
            lambda m, x, c: divergence(soft(x), c.double() / c.sum()),
            lambda m, x, c: divergence(soft(x)[c > 0], (c.double() / c.sum())[c > 0]),
        ],
        "numbers exchanged": [by_modes(met)],
        **astray(kl),
    },
)


def infinite(modes, logits, counts):
    """What is finite, though a mode was made that nobody has."""
    q, p = shares(modes), counts.double() / counts.sum()
    both = (q > 0) & (p > 0)
    terms = (q * (q.log() - p.log()))[both]
    yield (
        NOBODY,
        [
            terms.sum(),
            divergence(q * both / q[both].sum(), p),
            terms.sum() / q[both].sum(),
        ],
    )
    floors = [10.0**-k for k in range(3, 41)]
    floors += [torch.finfo(v).eps for v in (torch.float32, torch.float64)]
    floors += [torch.finfo(v).tiny for v in (torch.float32, torch.float64)]
    for e in floors:
        yield (
            "frequencies smoothed",
            [
                sides(raised(e))(modes, logits, counts),
                divergence(q, p + e),
                divergence(q, p.clamp(min=e)),
                divergence(q, (p + e) / (p + e).sum()),
            ],
        )
    yield (
        "frequencies smoothed",
        [smooth(v)(modes, logits, counts) for v in (1, 0.5, 1e-3, 1e-6, 1e-9)],
    )
