"""Exercise gan-11: Fair shares."""

import functools
import math

import torch
from torch import Tensor

from .._exercise import Exercise
from .._parts import mistakes


@Exercise(
    id="gan-11",
    title="Fair shares",
    difficulty=2,
    minutes=20,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Say of a generator's draws not only which modes they cover, but how unfairly, "
        "and how many belong to none.",
    ),
    statement=r"""
A mode counts as covered as soon as one sample is near it: 1 in 2,500 is enough. The
divergence of the shares tells more.

Write `fair_shares(x, centers, stds, w)` for a mixture of $k$ round Gaussians: `x` is
`(n, d)`, `centers` is `(k, d)`, `stds` holds the standard deviation of each mode,
`(k,)` and positive, and `w` their weights, `(k,)`, positive and of sum 1.

A sample belongs to the mode from which its distance, **in units of that mode's
standard deviation**, is the smallest. It is good if this distance is at most 3: 3
itself is good. Let $h_j$ be the share of mode $j$ among the *good* samples. Return two
numbers (floats, or tensors without axes):

- $\mathrm{KL}(h \,\|\, w)$ in nats, where an empty mode adds nothing. If no sample is
  good, there are no shares, and it is `math.inf`;
- the share of good samples among all `n`.

A sample with an entry that is nan or infinite is not good. Both numbers $v$ have to be
right to $10^{-5}\,(1 + |v|)$, also where the modes are far from 0 for their size:
centers near 1,000 and deviations near 0.1, in float32. The inputs are not changed.
""",
    stub='''
def fair_shares(x, centers, stds, w):
    """(n, d), (k, d), (k,), (k,) -> KL(h || w), share of good samples."""
    return ...
''',
    answers={"fair_shares": callable},
    hints=(
        "All distances at once: `x[:, None] - centers` has shape `(n, k, d)`. Divide "
        "by the deviations before you look for the smallest.",
        "`torch.bincount` has an argument for how many modes there are. What does it "
        "get: all samples, or the good ones?",
        r"$0 \log 0$ is 0 here, and nan on a computer: `torch.special.xlogy` knows, "
        "or leave the empty modes out of the sum. `torch.cdist` may compute "
        r"$x^2 - 2xc + c^2$: what is left of it near 1,000?",
    ),
    misconceptions={
        "nearest in plain distance": "A wide mode reaches farther: divide by the "
        "deviation of each mode first, then take the nearest.",
        "mode of the highest density": "The density also has a factor that is smaller "
        "for a wide mode. The distance alone is due, in deviations of the mode.",
        "one deviation for all modes": "Each mode has a deviation of its own.",
        "deviation not used": "Three means three standard deviations.",
        "deviation squared or rooted": "stds are deviations: the distance is divided "
        "by them as they are.",
        "each coordinate by itself": "The distance is that of the plane, or of space: "
        "within 3 in every coordinate is a box, and a larger set.",
        "squared distance against 3": "Square both, or neither.",
        "sum of the coordinates' distances": "The distance is the root of the sum of "
        "the squares.",
        "mean over the coordinates": "The squares of the coordinates are added, not "
        "averaged, and 3 is 3 in any dimension.",
        "another threshold": "At most 3 deviations, whatever the number of dimensions.",
        "less than 3 in place of at most 3": "A distance of exactly 3 is good, too.",
        "counted for several modes": "A sample within 3 deviations of two modes "
        "belongs to the nearer one alone.",
        "KL reversed": "The mean is due under h, what was drawn. The other way around "
        "one empty mode makes it infinite.",
        "w taken as uniform": "The modes have weights.",
        "far samples counted, too": "h holds the shares among the good samples alone.",
        "shares of all samples": "The h of all modes add up to 1: good samples only "
        "in the denominator, too.",
        "empty modes left out of w": "w stays as it is where a mode is empty: that is "
        "what the divergence is to tell.",
        "shares beside the weights of others": "Where a mode is empty, the share of "
        "the next one still goes with the next weight.",
        "empty mode not left at zero": "0 log 0 adds nothing: 0 times the logarithm "
        "is nan on a computer.",
        "counts made smooth": "Nothing is added to the counts or inside the logarithm.",
        "covered in place of shares": "How often each mode is met counts, not whether.",
        "entropy, or cross-entropy": "The mean of log h - log w is due under h.",
        "mean over the modes": "Each mode counts with its share: a sum.",
        "another divergence": "KL(h || w): the sum of h (log h - log w).",
        "counts in place of shares": "Shares add up to 1.",
        "number in place of a share": "A share lies between 0 and 1.",
        "share of the covered modes": "The share of the good samples is due.",
        "share of the bad samples": "The good ones are those within 3.",
        "shares where nothing is good": "No good sample, no shares: the two numbers "
        "are math.inf and 0.",
        "samples that are not finite": "nan and inf are near no mode, and still count "
        "among all n.",
        "the two exchanged": "First the divergence, then the share.",
        "no pair of numbers": "Two numbers are due.",
        "wrong far from 0": "Right near 0, and not there: x² - 2xc + c² has no digits "
        "left in float32 where x is large for the deviations. torch.cdist computes "
        "that, unless it is told not to. Subtract first.",
    },
)
def gan_11(t, fair_shares):
    def told(*args):
        made = t.call(fair_shares, *args)
        pair = isinstance(made, tuple | list) or torch.is_tensor(made)
        pair = pair and getattr(made, "shape", (2,)) == (2,) and len(made) == 2
        got = f"an object of type {type(made).__name__}"
        t.true(pair, "Two numbers.", got, "no pair of numbers")
        kl, share = (t.tensor(v).detach() for v in made)
        for v in kl, share:
            t.shape(v, (), "a number.", "no pair of numbers")
        return kl, share

    t.property("two numbers: the divergence, and the share of good samples")
    # The last mode is empty in the plane, and one in the middle in space.
    cases = [scene(t, 2, 5), scene(t, 3, t.integer(1, 4))]
    out = [told(*args) for args in cases]
    kls, shares = (torch.stack(v) for v in zip(*out))
    due = [counted(*args) for args in cases]
    kl, share = (torch.tensor(v) for v in zip(*due))
    swapped = (share - kls).abs().max() < 1e-4 > (kl - shares).abs().max()
    got = f"{kls[1]:.5g} and {shares[1]:.5g}"
    t.true(not swapped, "The divergence comes first.", got, "the two exchanged")

    t.property("both of them, in the plane and in space")
    if kls.isnan().any():
        t.fail("empty mode not left at zero", why="One mode is empty here.", got="nan")
    why = "Counted one by one: a row for the plane, and one for the call that is shown."
    seen, whole = torch.stack([kls, shares], 1), torch.stack([kl, share], 1)
    t.close(seen, whole, why, ideas=rivals(cases), tol=5e-5)

    t.property("the same samples, and other weights")
    x, centers, stds, w = cases[1]
    kl, share = told(x, centers, stds, w.flip(0))
    again = {"result of an earlier call": kls[1]}
    end = counted(x, centers, stds, w.flip(0))[0]
    t.close(kl, end, "As before.", ideas=again, tol=5e-5)

    t.property("shares that are those of w: a divergence of 0")
    centers, stds = torch.eye(4) * 20, torch.tensor([1.0, 2.0, 0.5, 1.0])
    w = torch.tensor([0.1, 0.2, 0.3, 0.4])
    kl, share = told(centers.repeat_interleave(t.integer(1, 3) * (10 * w).long(), 0),
                     centers, stds, w)  # fmt: skip
    t.close(kl, 0.0, "h is w.", tol=5e-5)
    t.close(share, 1.0, "All lie on a center.")

    t.property("one sample, on a center")
    j = t.integer(1, 2)
    w = torch.tensor([0.4, 0.04, 0.06, 0.5])
    kl, share = told(centers[j : j + 1], centers, stds, w)
    why = "All of h is in one mode: -log of its weight."
    apart = {"shares beside the weights of others": [-w[0].log(), -w[-1].log()]}
    t.close(kl, -math.log(float(w[j])), why, ideas=apart, tol=5e-5)
    t.close(share, 1.0, "It is good.")

    t.property("at most 3: a distance of exactly 3 is good, and 3.004 is not")
    edge = 3 + torch.tensor([0, 1, -1, 0, -2, 2]) / 256  # no digit is lost
    i, j = t.integer(0, 3), torch.tensor([0, 1, 2, 3, 1, 2])
    x = centers[j]
    x[:, i] -= edge * stds[j]
    x = torch.cat([x, centers])
    kl, share = told(x, centers, stds, w)
    due_kl, due_share = counted(x, centers, stds, w)
    counts = torch.tensor([-3, -4, 1, 2]) / 10
    less = {
        "less than 3 in place of at most 3": due_share - 0.2,
        "another threshold": list(due_share + counts),
    }
    t.close(share, due_share, "8 of 10 are good.", ideas=less)
    t.close(kl, due_kl, "Counted one by one.", tol=5e-5)

    t.property("no good sample: math.inf and 0")
    kl, share = told(centers + 9 * stds.max(), centers, stds, w)
    none, why = "shares where nothing is good", "There are no shares."
    t.true(kl == math.inf, why, f"{kl:.5g}", none)
    t.close(share, 0.0, "None of them.", none)

    t.property("samples with nan and inf are not good")
    x, centers, stds, w = cases[0]
    odd, part = torch.tensor([[math.nan, 0.3], [math.inf, 1.0], [math.nan] * 2]), 3
    kl, share = told(torch.cat([odd, x, odd]), centers, stds, w)
    other = "samples that are not finite"
    whole = len(x) / (len(x) + 2 * part)
    t.close(share, due[0][1] * whole, "They count among all n.", other, tol=5e-5)
    t.close(kl, due[0][0], "The shares of the others stay.", other, tol=5e-5)

    t.property("modes near 1,000, with deviations near 0.1")
    x, centers, stds, w = (v / 8 if i < 3 else v for i, v in enumerate(cases[1]))
    shift = 1000 + t.uniform(3, low=-20, high=20)
    args = x + shift, centers + shift, stds, w
    kl, share = told(*args)
    ends = counted(*args)
    t.close(share, ends[1], "Counted one by one.", "wrong far from 0", tol=1e-4)
    t.close(kl, ends[0], "Counted one by one.", "wrong far from 0", tol=1e-4)


def scene(t, d: int, empty: int) -> tuple[Tensor, ...]:
    """Samples of modes some of which overlap, some far from all, none near an edge.

    The mode ``empty`` has none of them.
    """
    k, n = 6, t.integer(150, 190)
    stds = torch.tensor([0.4, 1.6, 0.8, 0.5, 1.1, 0.7]) + t.uniform(k, low=0, high=0.1)
    w = torch.tensor([0.30, 0.05, 0.20, 0.10, 0.23, 0.12])
    order = torch.randperm(k, generator=t.rng)
    stds, w = stds[order], w[torch.randperm(k, generator=t.rng)]
    centers = 2.2 * torch.tensor(
        [[-1, 0], [0, 0], [1.5, 0], [0, 1.5], [1.5, 1.5], [6, 6]]
    )
    # Far apart along the last axis, too: no two axes tell the mode.
    depth = torch.tensor([[0.0], [1.2], [-1.2], [1.2], [0.0], [0.0]])
    centers = torch.cat([centers, depth.expand(k, d - 2)], 1)
    centers = centers + t.uniform(k, d, low=-0.3, high=0.3)
    seen = torch.tensor([0.15, 0.2, 0.05, 0.35, 0.25, 0.0])
    swap = torch.arange(k)
    swap[empty], swap[-1] = swap[-1].item(), empty
    centers, seen = centers[swap], seen[swap]
    j = torch.multinomial(seen, 8 * n, replacement=True, generator=t.rng)
    wide = torch.where(torch.rand(8 * n, 1, generator=t.rng) < 0.3, 3.5, 1.3)
    x = centers[j] + stds[j, None] * wide * torch.randn(8 * n, d, generator=t.rng)
    u = units(x, centers, stds)
    least = u.sort(1).values
    clear = (least[:, 0] - 3).abs() > 0.05
    clear &= (least[:, 1] > 1.03 * least[:, 0]) & (u[:, empty] > 3.2)
    return x[clear][:n], centers, stds, w


def units(x, centers, stds, w=None) -> Tensor:
    """The distance of each sample from each mode, in the mode's deviations."""
    apart = x.double()[:, None] - centers.double()
    return (apart / stds.double()[:, None]).square().sum(2).sqrt()


def counted(x, centers, stds, w) -> tuple[float, float]:
    """The two numbers, sample by sample."""
    counts = [0] * len(w)
    for row in units(x, centers, stds).tolist():
        if min(row) <= 3:
            counts[row.index(min(row))] += 1
    n = sum(counts)
    kl = sum(c / n * math.log(c / n / v) for c, v in zip(counts, w.tolist()) if c)
    return kl, n / len(x)


def rivals(cases):
    """What mistakes give, of all cases at once."""

    def plain(x, c, s, w):
        return units(x, c, torch.ones_like(s))

    def scaled(f):
        return lambda x, c, s, w: units(x, c, f(s.double()))

    def axes(f):
        return lambda x, c, s, w: units(f(x), f(c), s)

    def density(powers, weights):
        """What is least where a density is highest."""
        return lambda x, c, s, w: (
            units(x, c, s).square() / 2
            + powers(x.shape[1]) * s.double().log()
            - weights * w.double().log()
        )

    def entries(x, c, s, w):
        return (x.double()[:, None] - c.double()).abs() / s.double()[:, None]

    some = [scaled(lambda s, f=f: f(s) + 0 * s) for f in (torch.mean, torch.max)]
    some += [
        scaled(lambda s: s[0] + 0 * s),
        scaled(lambda s: s.square().mean().sqrt() + 0 * s),
    ]
    lengths = {
        "": [units],
        "deviation not used": [plain],
        "one deviation for all modes": some,
        "deviation squared or rooted": [scaled(torch.square), scaled(torch.sqrt)],
        "each coordinate by itself": [lambda *a: entries(*a).amax(2)],
        "sum of the coordinates' distances": [lambda *a: entries(*a).sum(2)],
        "mean over the coordinates": [lambda *a: entries(*a).square().mean(2).sqrt()],
        "dimensions left out": [
            axes(lambda v, i=i: v[:, i])
            for i in (slice(2), slice(-1), slice(1, None), slice(1), slice(-1, None))
        ],
    }
    ways = {  # which distance tells the mode, and which the good samples
        name: [way for v in found for way in ((v, v), (units, v))]
        for name, found in lengths.items()
    }
    ways["nearest in plain distance"] = [(plain, units)]
    ways["mode of the highest density"] = [
        (density(power, share), units)
        for power in (lambda d: d, lambda d: 1, lambda d: 0)
        for share in (0, 1)
    ]
    limits = {
        "": lambda d: 3.0,
        "squared distance against 3": lambda d: 3**0.5,
        "another threshold": [lambda d, v=v: v for v in (1, 2, 2.5, 4, 6, 9)]
        + [lambda d: (4.5 * d) ** 0.5],
    }
    tallies = {
        "": lambda j, ok, k: j[ok.gather(1, j[:, None])[:, 0]].bincount(minlength=k),
        "counted for several modes": lambda j, ok, k: ok.sum(0),
        "far samples counted, too": lambda j, ok, k: j.bincount(minlength=k),
    }

    @functools.cache
    def tallied(way, limit, tally):
        made = []
        for x, c, s, w in cases:
            near, ok = way[0](x, c, s, w), way[1](x, c, s, w) <= limit(x.shape[1])
            j = near.argmin(1)
            good = ok.gather(1, j[:, None]).sum()
            made.append((tally(j, ok, len(w)).double(), w.double(), good, len(x)))
        return made

    def make(way, limit, tally, divergence, share):
        rows = tallied(way, limit, tally)
        made = [float(f(*row)) for row in rows for f in (divergence, share)]
        return torch.tensor(made).double().view(-1, 2)

    yield from mistakes(make, ways, limits, tallies, DIVERGENCES, SHARES)


def kl(h, w):
    return torch.special.xlogy(h, h / w).sum()


def of_shares(f):
    return lambda n, w, good, total: f(n / n.sum(), w)


# Of the counts of the modes, their weights, the good samples and all of them.
SHARES = {
    "": lambda n, w, good, total: good / total,
    "share of the bad samples": lambda n, w, good, total: 1 - good / total,
    "number in place of a share": [
        lambda n, w, good, total: 100 * good / total,
        lambda n, w, good, total: good,
    ],
    "share of the covered modes": [
        lambda n, w, good, total: (n > 0).sum() / len(w),
        lambda n, w, good, total: (n > 0).sum(),
    ],
}
DIVERGENCES = {
    "": of_shares(kl),
    "KL reversed": [
        of_shares(lambda h, w: kl(w, h)),
        of_shares(lambda h, w: kl(w[h > 0], h[h > 0])),
    ],
    "w taken as uniform": of_shares(lambda h, w: kl(h, 0 * w + 1 / len(w))),
    "shares of all samples": lambda n, w, good, total: kl(n / total, w),
    "empty modes left out of w": of_shares(lambda h, w: kl(h, w / w[h > 0].sum())),
    "shares beside the weights of others": [
        of_shares(lambda h, w: kl(h[h > 0], w[: int((h > 0).sum())])),
        of_shares(lambda h, w: kl(h[h > 0], w[int((h == 0).sum()) :])),
    ],
    "counts made smooth": [
        *(
            lambda n, w, good, total, e=e: kl((n + e) / (n + e).sum(), w)
            for e in (1, 0.5)
        ),
        lambda n, w, good, total: kl((n + w) / (n + w).sum(), w),
        *(
            of_shares(lambda h, w, e=e: torch.xlogy(h, (h + e) / w).sum())
            for e in (0.1, 0.01, 1e-3)
        ),
    ],
    "covered in place of shares": of_shares(
        lambda h, w: kl((h > 0) / (h > 0).sum(), w)
    ),
    "entropy, or cross-entropy": [
        *(of_shares(lambda h, w, c=c: c * torch.xlogy(h, h).sum()) for c in (1, -1)),
        *(of_shares(lambda h, w, c=c: c * (h * w.log()).sum()) for c in (1, -1)),
    ],
    "mean over the modes": [
        of_shares(lambda h, w: kl(h, w) / len(w)),
        of_shares(lambda h, w: kl(h, w) / (h > 0).sum()),
    ],
    "another divergence": [
        of_shares(lambda h, w: (kl(h, (h + w) / 2) + kl(w, (h + w) / 2)) / 2),
        *(of_shares(lambda h, w, c=c: c * (h - w).abs().sum()) for c in (1, 0.5)),
        of_shares(lambda h, w: (h - w).square().sum()),
        of_shares(lambda h, w: ((h - w).square() / w).sum()),
        of_shares(lambda h, w: kl(h, w).sqrt()),
    ],
    "counts in place of shares": lambda n, w, good, total: kl(n, w),
    "bits in place of nats": of_shares(lambda h, w: kl(h, w) / math.log(2)),
    "sign flipped": of_shares(lambda h, w: -kl(h, w)),
}
