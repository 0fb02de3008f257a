"""Exercise gan-05: Second thoughts."""

import math

import torch
from torch.distributions import Normal

from .._exercise import Exercise, Stop


@Exercise(
    id="gan-05",
    title="Second thoughts",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Mend what a generator draws by rejecting some of it, with the critic's value "
        "as the logarithm of a ratio of densities.",
    ),
    statement=r"""
Drawing needs the generator alone. But if $f = \log p/q$, the critic knows what is
wrong with it: what $q$ makes too often has a small $f$. Keep each draw with probability
$p(x) / (M\, q(x))$, where $M$ is a bound on that ratio, and what is kept is distributed
as $p$ ([Azadi et al., 2019](https://arxiv.org/abs/1810.06758)).

Write `accepted(x, value, log_m)`: draws `x` of shape `(n, ...)`, $n \ge 1$, of any
dtype; the critic's values $f$ at these, shape `(n,)`, float32 or float64; and
$\log M$, a float. Return the rows of `x` that are accepted, unchanged and in the order
in which they came, shape `(k, ...)`, where $k$ is anything from 0 to $n$. Each row is
accepted with probability $e^{f - \log M}$, whatever happens to the others, by a chance
that is drawn anew at each call.

Values and $\log M$ lie anywhere from $-5000$ to $5000$, and a value may be $-\infty$:
such a row is never accepted. One that equals $\log M$ always is. If any value is larger
than $\log M$, then $M$ is no bound: raise a `ValueError`.

And on paper (not checked): how many of $n$ draws are accepted on average, if $f$ is
exact? What does that say about two distributions in many dimensions?
""",
    stub='''
def accepted(x, value, log_m):
    """(n, ...), (n,), float -> (k, ...): the rows that are kept."""
    return ...
''',
    answers={"accepted": callable},
    hints=(
        "An event of probability $a$: a uniform number from 0 to 1 is below $a$. One "
        "number for each row.",
        "Subtract before the exponential: $f - \\log M$ is never above 0, so its "
        "exponential is a probability, and no number on the way is infinite.",
        "A mask of shape `(n,)` picks rows of a tensor of any shape, also none.",
    ),
    misconceptions={
        "mask or places in place of the rows": "The accepted rows of x are due.",
        "rejected rows not left out": "What is rejected is not there any more: no "
        "zeros and no other row in its place.",
        "drawn with replacement": "Each row is kept once or not at all; resampling by "
        "weights repeats the good ones.",
        "another order": "The rows come in the order of x.",
        "rows changed": "What is accepted is returned as it is.",
        "a threshold in place of chance": "Keeping all rows above a value keeps what q "
        "makes too seldom in full, and drops the rest: that is not p.",
        "one random number for all rows": "Each row has a chance of its own.",
        "a fixed number accepted": "How many are kept is left to chance.",
        "the critic's probability as the chance": "D is p/(p + q); p/(M q) is due, "
        "which is proportional to the ratio itself.",
        "sigmoid in place of the exponential": "e^(f - log M) is at most 1 already.",
        "bound left out": "p/q may be more than 1: what is cut off there is missing.",
        "the largest value in place of the bound": "The largest value of this batch is "
        "another number in each batch, and below the bound: the rows would depend on "
        "each other.",
        "another power of the ratio": "The chance is proportional to p/q, not to its "
        "root or square.",
        "ratio turned around": "A large f is a reason to keep a draw.",
        "noise that is not uniform": "A uniform number is below a with probability a.",
        "values taken as chances": "f is a logarithm.",
        "another factor of the chance": "A row with f = log M is always accepted.",
        "another base": "f and log M are natural logarithms.",
        "one row kept in any case": "Where chance accepts none, none is returned.",
        "log M taken as M": "The ratio is divided by M, whose logarithm is given.",
        "rejected rows returned": "These are the rows that were to go.",
        "all rows kept": "With f below log M some are rejected.",
        "nothing kept": "The chance is e^(f - log M), above 0 for every finite value; "
        "a logarithm of it is below every uniform number.",
        "ratio of two exponentials": "exp(5000) is infinite and exp(-5000) is 0, so "
        "their quotients are no numbers: subtract first.",
        "a bound on the value": "A clamp changes the chance of what lies beyond it.",
        "an error where nothing is accepted": "Then a tensor of shape (0, ...) is due.",
        "axes of the rows changed": "x has any number of axes, and all but the first "
        "stay.",
        "no error above the bound": "A value above log M would need a chance above 1: "
        "what is returned is not distributed as p, so say so.",
        "another kind of error": "A ValueError is due.",
        "a value at the bound refused": "Its chance is exactly 1.",
    },
)
def gan_05(t, accepted):
    n = 12_000
    log_m, j = 1.5, torch.arange(1, n + 1)
    levels = torch.tensor([1.0, 0.5, 0.0, -0.5, -1.25, -2.0]) + t.integer(-7, 7) / 64
    group = torch.randint(6, (n,), generator=t.rng)
    x, value = torch.stack([j, -j], 1).float(), levels[group]

    def kept(out, x):
        """The places of the accepted rows."""
        out = t.tensor(out).detach()
        n, rest, why = len(x), tuple(x.shape[1:]), "rows of x, some of them."
        if out.dim() == 1:
            name = "mask or places in place of the rows"
        elif out.dim() == x.dim() and len(out) >= n and (out == 0).any():
            name = "rejected rows not left out"
        else:
            name = "axes of the rows changed"
        t.true(out.dim() == x.dim(), why, f"shape {tuple(out.shape)}", name)
        t.shape(out, (len(out), *rest), why, name)
        at = out.flatten(1)[:, 0].double().round().long().sub(1).clamp(0, n - 1)
        got = f"{int((out != x[at]).any())} or more rows are none of x"
        gone = (out == 0).flatten(1).all(1).double().mean() > 0.05
        name = "rejected rows not left out" if gone else "rows changed"
        t.true((out == x[at]).all(), why, got, name)
        same = len(at.unique()) < len(at)
        got, name = "a row that stands there twice", "drawn with replacement"
        t.true(not same, "No row twice.", got, name)
        t.true(
            (at.diff() > 0).all(), "In the order of x.", "rows moved", "another order"
        )
        return torch.zeros(n, dtype=torch.bool).index_fill(0, at, True)

    def flat(mask):
        return mask.all() or not mask.any()

    def cut(mask, ties=False):
        """Whether those above some value were kept, and no others."""
        low, high = value[mask].min(), value[~mask].max()
        return bool(low > high or (ties and low == high))

    t.property("rows of x, in their order")
    out = t.call(accepted, x, value, log_m)
    one = kept(out, x)
    t.property("a new chance at each call")

    def again(x, value):
        return kept(t.call(accepted, x, value, log_m), x)

    masks = [one, again(x, value)]
    if (masks[0] == masks[1]).all() or all(map(flat, masks)):
        masks += [again(x, value) for _ in range(30)]
    if flat(one):
        name = "all rows kept" if one.all() else "nothing kept"
    else:
        name = "noise fixed across calls"
        name = "a threshold in place of chance" if cut(one, ties=True) else name
    same = all((m == one).all() for m in masks)
    t.true(not same, "Other rows are accepted.", "the same rows", name)
    name = "one random number for all rows"
    got, alike = "all above some value, or none", all(flat(m) or cut(m) for m in masks)
    t.true(not alike, "A chance for each row.", got, name)

    def fixed(values):
        """Ten numbers of 400 rows: that all agree has a probability below 1e-11."""
        t.property("how many are accepted is left to chance")
        counts = {int(again(x[:400], values).sum()) for _ in range(10)}
        name, got = "a fixed number accepted", "10 times the same number"
        t.true(len(counts) > 1, "Of 400 rows.", got, name)

    fixed(value[:400])
    t.property("each is accepted with probability exp(f - log M)", of=out)
    found = group[one].bincount(minlength=6)
    size = group.bincount(minlength=6)

    def shares(chance):
        part = size / n * torch.as_tensor(chance).expand(6).clamp(0, 1)
        return torch.cat([part, 1 - part.sum(0, True)]).double()

    def off(chance):
        """How far the frequencies are from this chance, in deviations."""
        a = torch.as_tensor(chance).expand(6).clamp(2e-3, 1 - 2e-3)
        return float(((found / size - a).abs() / (a * (1 - a) / size).sqrt()).max())

    # Chernoff's bound holds for rows with unequal chances, too: Hoeffding (1956).
    due = shares((levels - log_m).exp())
    gaps = {k: min(map(off, v)) for k, v in rivals(levels, log_m).items()}
    name = min(gaps, key=lambda k: gaps[k])
    name = name if gaps[name] < 5 else None
    counts = torch.cat([found, (~one).sum()[None]])
    t.frequencies(counts, due, "Of six values, and the rejected.", name)

    fixed(torch.full((400,), log_m + math.log(0.4)))
    t.property("f - log M of -log 2: half of them")
    even = torch.zeros(n), math.log(2)
    masks = [kept(t.call(accepted, x, *even), x).long() for _ in range(2)]
    counts = torch.cat(masks).bincount(minlength=2)
    t.frequencies(counts, [0.5, 0.5], "Rejected and accepted.")
    t.property("whatever happens to the others")
    why, other = "Both, one, the other, none: a quarter each.", "draws not independent"
    for a, b in (masks[0].view(-1, 2).T, masks[0].view(2, -1), masks):
        t.frequencies((2 * a + b).bincount(minlength=4), [0.25] * 4, why, other)

    t.property("what is accepted is distributed as p")
    p, q = Normal(0.4, 0.7), Normal(0.0, 1.0)
    z = torch.randn(n, generator=t.rng)
    ratio = p.log_prob(z) - q.log_prob(z)
    top = 0.4**2 / (2 * (1 - 0.7**2)) - math.log(0.7) + 0.01  # the largest, and a bit
    out = t.call(accepted, z[:, None], ratio, top)
    t.shape(out, (len(t.tensor(out)), 1), "rows of x.", "axes of the rows changed")
    t.distribution(out, p.cdf, "Draws of q in, draws of p out.")
    edges(t, accepted, kept)


def edges(t, accepted, kept):
    def tried(mistake, x, value, log_m):
        """A call whose error is the mistake."""
        try:
            return t.call(accepted, x, value, log_m)
        except Stop as stop:
            if stop.outcome != "error":
                raise
            t.fail(mistake, why="No error here.", got=stop.lines["got"])

    n = 40
    x = torch.arange(1, n + 1)[:, None, None] + torch.arange(6).view(2, 3)
    t.property("a value that equals log M is always accepted; x of any shape and dtype")
    for dtype in (torch.int64, torch.float64):
        rows, value = x.to(dtype), torch.full((n,), 0.75, dtype=torch.float64)
        out = tried("a value at the bound refused", rows, value, 0.75)
        mask = kept(out, rows)
        got = f"{int(mask.sum())} of {n} rows"
        t.true(mask.all(), "Their chance is 1.", got)
        t.dtype(out, dtype, "that of x.")

    for base in (5000.0, -4000.0):
        t.property(f"values and log M near {base:g}")
        far = torch.arange(n) % 2
        lost = "ratio of two exponentials"
        out = tried(lost, x, base - 200.0 * far, base)
        mask = kept(out, x)
        why = "Half of the chances are 1, half are e^-200."
        name = "a bound on the value" if (mask & (far == 1)).any() else lost
        t.equal(mask.long(), 1 - far, why, name)
        some = torch.arange(1, 801).view(-1, 1)
        out = tried(lost, some, torch.full((800,), base - 0.6875), base)
        share = kept(out, some).double().mean()
        t.close(share, 0.503, "e^-0.6875, within ten deviations.", lost, tol=0.12)

    for log_m in (0.0, -5000.0):
        t.property(f"values of -inf, and others of {log_m:g}")
        value = torch.full((n,), log_m)
        value[::3] = -math.inf
        mask = kept(tried("not finite", x, value, log_m), x)
        due = value.isfinite().long()
        t.equal(mask.long(), due, "Never accepted.", "a bound on the value")

    t.property("nothing is accepted")
    lost = "an error where nothing is accepted"
    many = 20_000
    out = tried(lost, torch.ones(many, 1), torch.full((many,), -300.0), 0.0)
    few = len(t.tensor(out))
    # A uniform number in float32 is 0 itself once in 17 million.
    t.at_most(few, 3, "Of 20,000 rows with a chance of e^-300.", "a bound on the value")
    out = tried(lost, x, torch.full((n,), -math.inf), 0.0)
    name = "one row kept in any case" if t.tensor(out).shape[:1] == (1,) else lost
    t.shape(out, (0, 2, 3), "no row.", name)
    out = tried(lost, x[:1], torch.full((1,), -300.0), 0.0)
    t.shape(out, (0, 2, 3), "no row of one.", lost)
    t.property("one row")
    out = tried("a value at the bound refused", x[:1], torch.zeros(1), 0.0)
    t.shape(out, (1, 2, 3), "one row of one.", "batch axis lost")

    t.property("a value above log M: a ValueError")
    for place in (0, n - 1):
        value = torch.full((n,), -300.0)
        value[place] = 1.0
        try:
            t.call(accepted, x, value, 0.5)
        except Stop as stop:
            if stop.outcome != "error":
                raise
            last = stop.lines["got"]
            if "ValueError" not in last:
                t.fail("another kind of error", why="A ValueError.", got=last)
        else:
            why, got = "M is no bound.", "no error"
            t.fail("no error above the bound", why=why, got=got)


def rivals(v, log_m):
    """The chances of acceptance that mistakes give, by the critic's value."""
    ratio, top, low = (v - log_m).exp(), v.max(), v.min()
    return {
        "the critic's probability as the chance": [
            *(v.sigmoid(), v.sigmoid() / top.sigmoid()),
            v.sigmoid() / torch.tensor(log_m).sigmoid(),
        ],
        "sigmoid in place of the exponential": [
            *((v - log_m).sigmoid(), 2 * (v - log_m).sigmoid()),
            *((v - top).sigmoid(), 2 * (v - top).sigmoid()),
        ],
        "bound left out": [v.exp()],
        "the largest value in place of the bound": [(v - top).exp()],
        "another power of the ratio": [
            *(ratio**k for k in (0.5, 2)),
            *((v - top).exp() ** k for k in (0.5, 2)),
        ],
        "values taken as chances": [
            *(v, v / log_m, v / top, (v - low) / (top - low), 1 + v - log_m),
        ],
        "log M taken as M": [v.exp() / log_m],
        "rejected rows returned": [1 - ratio],
        "ratio turned around": [(log_m - v - (log_m - low)).exp(), (-v).exp()],
        "noise that is not uniform": [
            *(torch.special.ndtr(ratio), (ratio / 2**0.5).erf()),
            torch.where(ratio < 0.5, 2 * ratio**2, 1 - 2 * (1 - ratio) ** 2),
        ],
        "another factor of the chance": [ratio * c for c in (0.5, 2, 1 / 6)],
        "another base": [c ** (v - log_m) for c in (2, 10)],
    }
