"""Exercise diff-09: Fewer steps of the same chain."""

import torch

from .._exercise import Exercise

LOST = "difference of near numbers"


@Exercise(
    id="diff-09",
    title="Fewer steps of the same chain",
    difficulty=3,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "See a chain of a thousand steps as one of a hundred larger ones, with the "
        "same noise where it is looked at, and keep the digits on the way.",
    ),
    statement=r"""
A net that was trained on a chain of $T$ steps,
$x_k = \sqrt{1 - \beta_k}\; x_{k-1} + \sqrt{\beta_k}\; z_k$ for $k = 1, \dots, T$, knows
$T$ noise levels. For sampling, some of them will do
([Nichol & Dhariwal, 2021](https://arxiv.org/abs/2102.09672), section 4): keep the steps
$k_1 < k_2 < \dots < k_n$, and build a chain of $n$ steps with
$\beta'_1, \dots, \beta'_n$ that has after its $j$-th step the same $\alpha^2$ as the
long chain after step $k_j$. The net is then asked at the levels that it knows, and
whatever is written for a chain runs on the short one. Both chains begin at the data,
where $\alpha^2 = 1$.

Write `respaced(betas, kept)`. `betas` is `(T,)`, float32 or float64; `kept` is a tuple
of Python ints, counted from 1 to `T`, rising: any of them, at least one, at whatever
distances, with or without the first and the last. Return $\beta'$, `(n,)`, in the type
of `betas`.

The betas never fall from step to step, lie between $10^{-8}$ and 0.999, and there are
up to 1,000 of them. Each result is right relative to its own size: to $10^{-9}$ in
float64, to $10^{-3}$ in float32, the smallest ones, too. No gradient is asked for.
""",
    stub='''
def respaced(betas, kept):
    """(T,), tuple of n ints from 1 to T -> (n,)."""
    return ...
''',
    answers={"respaced": callable},
    hints=(
        "One step of the short chain does what several of the long one do. What do "
        "these keep of $x$, and of its variance?",
        "$\\alpha^2$ is a product of factors $1 - \\beta$; that of one new step is the "
        "part of the product between two kept ones. Where does the first part begin?",
        "A product of a thousand factors may be 0 as a float, and 1 minus a number "
        "near 1 has lost its digits: `torch.log1p` and `torch.expm1` know both.",
    ),
    misconceptions={
        "betas picked": "A new step has to add all the noise of those that it leaves "
        "out.",
        "one step too early or too late": "k counts from 1: the betas 1, ..., k belong "
        "to step k, and those up to the kept step before are done.",
        "first kept step otherwise": "The first new step begins at the data: it has "
        "all that comes up to the first kept one.",
        "last kept step otherwise": "The last new step ends at the last kept one.",
        "equal distances assumed": "Any steps may be kept: each new one spans as many "
        "as lie between two of them.",
        "betas added": "The factors 1 - beta are multiplied: noise that is added "
        "early shrinks with the data.",
        "betas averaged": "A longer step adds more noise, not the mean of it.",
        "alpha in place of its square": "What beta takes away is variance: "
        "alpha² falls by the factor 1 - beta.",
        "what is kept in place of what is added": "beta is 1 minus the part of "
        "alpha² that is left.",
        "since the data, not since the step before": "A new step does what lies "
        "between two kept ones.",
        "bounded betas": "A long step may have a beta of nearly 1.",
        LOST: "1 - alpha² ratio keeps no digits where little noise is added.",
        "float32 in between": "What comes back as float64 has the digits of float32.",
    },
)
def diff_09(t, respaced):
    def judged(name, betas, kept, default=None):
        t.property(name)
        out = t.call(respaced, betas, kept)
        t.shape(out, (len(kept),), "one for each kept step.")
        t.dtype(out, betas.dtype, "that of betas.")
        t.finite(out, "Every beta is a number.", default or "not finite")
        got, due = t.tensor(out).detach().double(), expected(betas, kept)
        off, double = (got / due - 1).abs(), betas.dtype == torch.float64
        tol = 1e-9 if double else 1e-3

        def found():
            yield "result of an earlier call", list(past)
            near = double and (off < 1e-5).all()
            held = near and torch.equal(got, got.float().double())
            yield "float32 in between", [got] * held
            yield from wrong(betas.double(), kept)

        # Relative to what is due: ones are due.
        if not off.max() <= tol:
            told = "What the steps that are left out add, together.", default, found()
            t.close(out, due, *told, tol / 100)
            at = int(off.argmax())
            values = f"{got[at]:.9g} where {due[at]:.9g} is due, at [{at}]"
            t.fail(default, why="Right relative to its size.", got=values)
        past.append(due)

    def rising(T, low=0.02, high=0.3):
        return (t.uniform(T, low=low, high=high).double() / 0.7).sort()[0]

    past: list = []
    betas = rising(9)
    t.steady(respaced, betas, (3, 5, 6, 8))
    judged("some of the steps", betas, (3, 5, 6, 8))
    judged("the same sizes, other numbers", rising(9), (1, 4, 6, 9))
    for T, kept in (
        (9, (4, 5, 7)),
        (7, (1, 2, 3, 4, 5, 6, 7)),
        (6, (6,)),
        (6, (3,)),
        (5, (1,)),
        (1, (1,)),
    ):
        judged(f"{kept} of {T} steps", rising(T), kept)
    count = t.integer(3, 20)
    any_of = torch.randperm(50, generator=t.rng)[:count].sort()[0] + 1
    judged("many steps", rising(50, 0.01, 0.1), tuple(any_of.tolist()))
    judged("large betas", rising(20, 0.5, 0.65), (1, 7, 20), "bounded betas")
    many = tuple(range(1, 1001, 111))
    linear = torch.linspace(1e-4, 0.02, 1000).double()
    judged("a thousand steps", linear, many)
    judged("float32", rising(9).float(), (3, 5, 6, 8))
    judged("a thousand large betas", rising(1000, 0.5, 0.69), many, "underflow to zero")
    small = 10.0 ** torch.linspace(-8, -1, 200).double()
    for kind in (torch.float64, torch.float32):
        judged(f"small betas, {kind}", small.to(kind), (1, 2, 3, 5, 60, 200), LOST)


def expected(betas, kept):
    """By what a variance becomes along the steps, one after the other."""
    made, k = [], 0
    for end in kept:
        added = 0.0
        while k < end:
            added += float(betas[k].double()) * (1.0 - added)
            k += 1
        made.append(added)
    return torch.tensor(made, dtype=torch.float64)


def wrong(betas, kept):
    """What mistakes give, under their names."""
    T, n = len(betas), len(kept)
    ends, starts = list(kept), [0, *kept[:-1]]
    parts = [betas[a:b] for a, b in zip(starts, ends)]
    due = expected(betas, kept)
    long = torch.cat([torch.ones(1).double(), (1 - betas).cumprod(0)])
    squares = long[ends]
    yield "betas picked", betas[[k - 1 for k in ends]]
    yield "betas picked", betas[[min(k, T - 1) for k in ends]]
    yield "betas picked", betas[:n]
    early = [betas[max(a - 1, 0) : b - 1] for a, b in zip(starts, ends)]
    late = [betas[a + 1 : b + 1] for a, b in zip(starts, ends)]
    more = [betas[a : b + 1] for a, b in zip(starts, ends)]
    less = [betas[a : b - 1] for a, b in zip(starts, ends)]
    again = [betas[max(a - 1, 0) : b] for a, b in zip(starts, ends)]
    missed = [betas[a + 1 : b] for a, b in zip(starts, ends)]
    first = [betas[:0], *parts[1:]], [betas[:1], *parts[1:]]
    first += [betas[ends[0] - 1 : ends[0]], *parts[1:]], [parts[0][1:], *parts[1:]]
    spans = [late, early, more, less, again, missed]
    spans += [[betas[: b + 1] if not i else v for i, (v, b) in enumerate(zip(m, ends))]
              for m in (late, early)]  # fmt: skip
    whole = {
        "first kept step otherwise": first,
        "last kept step otherwise": [[*parts[:-1], betas[starts[-1] :]]],
        "one step too early or too late": spans,
        "since the data, not since the step before": [[betas[:k] for k in ends]],
    }
    for name, rows in whole.items():
        for row in rows:
            value = torch.stack([1 - (1 - v).prod() for v in row])
            if (value - due).abs().max() > 1e-6:
                yield name, value
    step = ends[1] - ends[0] if n > 1 else T
    for gap in {step, T // n, max(1, ends[0]), round(T / n)}:
        yield "equal distances assumed", 1 - (1 - betas[[k - 1 for k in ends]]) ** gap
        back = [long[max(k - gap, 0)] for k in ends]
        yield "equal distances assumed", 1 - squares / torch.stack(back)
    sums = torch.stack([v.sum() for v in parts])
    yield "bounded betas", [due.clamp(max=v) for v in (0.999, 0.99, 0.9, 0.95, 0.5)]
    yield "betas added", [sums, sums.clamp(max=0.999), sums.clamp(max=1.0)]
    yield "betas averaged", torch.stack([v.mean() for v in parts])
    yield "alpha in place of its square", 1 - (1 - due).sqrt()
    yield "alpha in place of its square", 1 - (1 - due) ** 2
    yield "what is kept in place of what is added", [1 - due, (1 - due).sqrt()]
    yield "since the data, not since the step before", [squares, squares.sqrt()]
    yield "standard deviation in place of the variance", due.sqrt()
    yield "sign flipped", -due
