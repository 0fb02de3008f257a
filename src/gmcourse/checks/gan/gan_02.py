"""Exercise gan-02: Jensen-Shannon, in bits."""

import itertools
import math

import torch

from .._exercise import Exercise, Stop
from .._parts import mistakes

LOW = "logarithm of a saturated sigmoid"


@Exercise(
    id="gan-02",
    title="Jensen-Shannon, in bits",
    difficulty=2,
    minutes=15,
    compute="cpu-instant",
    points=2,
    objectives=(
        "Turn a critic's values into an estimate of the Jensen-Shannon divergence, "
        "with its constant, its factor and its unit.",
    ),
    statement=r"""
With the best critic, [(4.3)](#eq-js) gives $\mathrm{JS}(p, q)$ from $V$, and $V$ is two
means over examples. In bits it lies between 0 and 1.

Write `jensen_shannon(real, made)`: the critic's values $f$ at $n$ real examples, shape
`(n,)`, and at $m$ made ones, shape `(m,)`, float32 or float64, where $n$ and $m$ need
not be equal; each heap stands for its distribution, whatever its size. Return the
estimate of $\mathrm{JS}(p, q)$ in **bits**, one number (a scalar tensor or a float). It
has to be right for values from $-1000$ to $1000$ of either sign in either heap. A poor
critic may give less than 0: that is returned as it is.

Then look at how far to trust it (not checked). Take $p = q = \mathcal N(0, I)$ in ten
dimensions, so that 0 is due. Train a critic, `nn.Sequential(nn.Linear(10, 128),
nn.ReLU(), nn.Linear(128, 1))`, by `critic_loss` on 200 examples of either kind,
the same ones in each of 1000 steps of Adam with learning rate 0.003. What does your
function say on these examples, and what on 2000 new ones of either kind?
""",
    stub='''
def jensen_shannon(real, made):
    """(n,), (m,) -> one number, in bits."""
    return ...
''',
    answers={"jensen_shannon": callable},
    hints=(
        r"$V = 2\, \mathrm{JS} - \log 4$, where $V$ is a mean over the real examples "
        "plus a mean over the made ones. Solve for JS, and only then think of bits.",
        "Two checks: a critic that says 0 everywhere gives 0, and one that says 1000 "
        "at all real and -1000 at all made examples gives 1.",
        r"$\log D$ and $\log(1 - D)$ are the same function of $f$ and of $-f$. Which "
        "one keeps its digits where $D$ is 0 as a float?",
    ),
    misconceptions={
        "log 4 left out": "Of a critic that says 0 everywhere V is -log 4, not 0.",
        "log 4 with the other sign": "V is at most 0 and JS at least 0 at the best "
        "critic: something is added to V.",
        "another constant": "V and 2 JS differ by log 4, in nats, once: a critic that "
        "says 0 everywhere has to give 0.",
        "half left out": "V + log 4 is the sum of two divergences from the mixture: "
        "JS is their mean.",
        "halved too often": "JS is half of V + log 4, and V is the sum of two means.",
        "another base": "A number of nats is divided by log 2 to make it bits, once.",
        "critic's loss in place of the value": "What a critic minimizes is -V.",
        "real and made exchanged": "A large value says real: it is right at a real "
        "example, and wrong at a made one.",
        "log D at the made examples": "There the critic is paid for log(1 - D).",
        "one heap left out": "Both heaps have a mean in V.",
        "mean over the joined heaps": "Each heap has a mean of its own, whatever their "
        "sizes, and V is their sum.",
        "sum in place of a mean": "Means are due: twice the examples is no more "
        "distance.",
        "some examples left out": "The heaps may have different sizes, and all "
        "examples count.",
        "mean inside the logarithm": "The mean of the logarithms is due, not the "
        "logarithm of a mean.",
        "probability in place of its logarithm": "V holds log D and log(1 - D).",
        "values in place of log-probabilities": "log D is a function of f, not f.",
        "cut off at 0 or at 1": "A critic that is worse than none gives a number below "
        "0: it says how bad the critic is, and is to be returned.",
        "root of the divergence": "Its root is a metric, but the divergence is due.",
        "another divergence": "The mean of f at the real examples is KL(p || q), at "
        "the made ones -KL(q || p): JS compares either with the mixture of both.",
        "share of right decisions": "All values count, not their signs alone.",
        "heaps taken to be of one size": "They may have different sizes: what goes "
        "with pairs of examples fails where a partner is missing.",
        "right for small values only": "A few terms of a series, or a clamp, hold near "
        "0: a critic's values may be any numbers.",
        "a bound on the values": "A clamp, or a small number inside the logarithm, "
        "ends the loss where the critic is wrong and sure of it.",
        "weighted by the sizes of the heaps": "In (4.3) p and q count alike, however "
        "many examples there are of either.",
    },
)
def gan_02(t, jensen_shannon):
    n, m = t.integer(6, 8), t.integer(3, 5)
    real, made = t.uniform(n, low=-0.3, high=3), t.uniform(m, low=-3, high=0.3)

    def bits(real, made):
        """Half of V + log 4 over log 2, in decimal places that no sigmoid can lose."""

        def log_prob(v):  # of the label that is right
            v = v.double()
            return torch.where(v > 0, 0 * v, v) - torch.log1p((-v.abs()).exp())

        value = log_prob(real).mean() + log_prob(-made).mean()
        return value / math.log(4) + 1

    t.property("one number")
    heaps = [(real, made), (-0.5 * made, -2 * real), (real[:4], made)]
    paired(t, jensen_shannon, heaps[0], bits)
    outs = [t.tensor(t.call(jensen_shannon, *pair)) for pair in heaps]
    ideas = {"sum in place of a mean": [(n,), (m,)]}
    t.shape(outs[0], (), "a scalar, over both heaps.", ideas=ideas)

    # A mistake has to fit in all three: one number may be anything by chance.
    t.property("any values, heaps of different sizes", of=outs[0])
    why = "Half of V + log 4, in units of log 2; for three pairs of heaps."
    due = torch.stack([bits(*pair) for pair in heaps])
    seen = torch.stack(outs).detach()

    def near_zero():
        """What came out, if it is right at values of a fiftieth of these."""
        small = [[v / 50 for v in pair] for pair in heaps]
        got = [float(t.call(jensen_shannon, *pair)) for pair in small]
        t.about(outs[0])
        if all(abs(v - bits(*pair)) < 1e-5 for v, pair in zip(got, small)):
            yield "right for small values only", seen

    t.close(seen, due, why, ideas=itertools.chain(rivals(heaps), near_zero()))

    def told(name, real, made, why, misconception=None, cuts=()):
        t.property(name)
        out, due = t.call(jensen_shannon, real, made), bits(real, made)
        ideas = {"result of an earlier call": list(seen)}
        ideas |= {"cut off at 0 or at 1": [-due, *cuts]} if cuts else {}
        t.close(out, due, why, misconception, ideas)

    told("a critic that says 0 everywhere", 0 * real, 0 * made, "It tells nothing: 0.")
    name, cuts = "a critic that is mostly wrong", (0.0, 1.0, -1.0)
    told(name, -2 * real, -2 * made, "Less than 0.", cuts=cuts)

    sure = torch.ones(4)

    def cause(size):
        """What is wrong where a critic is wrong and sure of it, in either heap."""
        pairs = [(-size * sure, -size * sure[:3]), (size * sure, size * sure[:3])]
        outs = [float(t.call(jensen_shannon, *pair)) for pair in pairs]
        terms = [(1 - v) * math.log(4) for v in outs]  # size is due
        if not all(map(math.isfinite, terms)):
            return LOW if size == 20 else "not finite"
        off = [v for v in terms if abs(v - size) > 1e-3 * size]
        if off and all(2 < v < size for v in off):
            return "a bound on the values"
        return LOW if off else None

    for size in (20.0, 200.0, 1000.0):
        low = cause(size)
        for a, b, why in (
            (1, -1, "Nothing is in doubt: 1."),
            (-1, 1, "Wrong and sure of it: far below 0."),
            (1, 1, "Right at the real, wrong at the made examples."),
            (-1, -1, "Wrong at the real, right at the made examples."),
        ):
            pair = a * size * sure, b * size * sure[:3]
            told(f"values of {a * size:g} and {b * size:g}", *pair, why, low)

    t.property("one example of either kind, in float64")
    out = t.call(jensen_shannon, real[:1].double(), made[:1].double())
    t.shape(out, (), "a scalar.", ideas={"batch axis lost": (1,)})
    t.close(out, bits(real[:1], made[:1]), "The same for a pair.")


def paired(t, f, heaps, due):
    """Fail if ``f`` has an error for these heaps that goes with their sizes."""
    k = min(map(len, heaps))
    try:
        t.call(f, *heaps)
    except Stop as stop:
        if stop.outcome != "error":
            raise
        shown, same = t.shown, [v[:k] for v in heaps]
        try:
            right = abs(float(t.call(f, *same)) - due(*same)) < 1e-4
        except (Stop, ValueError, TypeError):
            right = False
        t.shown = shown
        if not right:
            raise
        name, got = "heaps taken to be of one size", stop.lines["got"]
        t.fail(name, why="No error: the sizes need not be equal.", got=got)


def rivals(heaps):
    """What one or two mistakes give: in each mean, in what is made of them."""
    heaps = [(real.double(), made.double()) for real, made in heaps]

    def log_d(v):
        return v.sigmoid().log()

    def few(a, b):
        k = min(len(a), len(b))
        return log_d(a[:k]), log_d(-b[:k])

    per = {  # what is averaged, of the real and of the made examples
        "": lambda a, b: (log_d(a), log_d(-b)),
        "real and made exchanged": lambda a, b: (log_d(-a), log_d(b)),
        "log D at the made examples": lambda a, b: (log_d(a), log_d(b)),
        "probability in place of its logarithm": [
            lambda a, b: (a.sigmoid(), (-b).sigmoid()),
            lambda a, b: (a.sigmoid(), -b.sigmoid()),
        ],
        "values in place of log-probabilities": [
            lambda a, b: (a, -b),
            lambda a, b: (a, b),
        ],
        "one heap left out": [
            lambda a, b: (log_d(a), 0 * b),
            lambda a, b: (0 * a, log_d(-b)),
        ],
        "some examples left out": few,
    }
    joined = lambda a, b: torch.cat([a, b]).mean()  # noqa: E731
    ways = {
        "": lambda a, b: a.mean() + b.mean(),
        "mean over the joined heaps": [joined, lambda a, b: 2 * joined(a, b)],
        "weighted by the sizes of the heaps": [
            lambda a, b: (a.sum() + b.sum()) / len(a),
            lambda a, b: (a.sum() + b.sum()) / len(b),
        ],
        "sum in place of a mean": lambda a, b: a.sum() + b.sum(),
        "mean inside the logarithm": lambda a, b: (
            a.exp().mean().log() + b.exp().mean().log()
        ),
    }
    two = math.log(2)
    constants = {
        "": 2 * two,
        "log 4 left out": 0.0,
        "log 4 with the other sign": -2 * two,
        "another constant": [two, -two, 4 * two, 1.0, 2.0, 4.0, 2 * two**2],
    }
    factors = {"": 0.5, "half left out": 1.0, "halved too often": 0.25}
    units = {
        "": 1 / two,
        "nats in place of bits": 1.0,
        "another base": [two, 1 / math.log(10), two**-2],
    }

    def make(f, way, c, factor, unit):
        return torch.stack([factor * (way(*f(*v)) + c) * unit for v in heaps])

    due = make(per[""], ways[""], 2 * two, 0.5, 1 / two)
    yield "critic's loss in place of the value", [-due, 1 - due, 2 - due, 2 - 2 * due]
    yield "root of the divergence", due.sqrt()
    yield "cut off at 0 or at 1", [due.clamp(0, 1), due.abs()]
    yield from mistakes(make, per, ways, constants, factors, units)
    ends = torch.stack([torch.stack([a.mean(), -b.mean()]) for a, b in heaps]).T
    ends = [*ends, ends.sum(0), ends.mean(0)]
    yield "another divergence", [v / c for v in ends for c in (1, two)]
    hits = torch.stack(
        [((a > 0).double().mean() + (b < 0).double().mean()) / 2 for a, b in heaps]
    )
    yield "share of right decisions", [hits, 1 - hits, 2 * hits - 1]
