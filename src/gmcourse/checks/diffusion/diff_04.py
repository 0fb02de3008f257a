"""Exercise diff-04: The noise that a perfect net would say."""

import torch

from .._exercise import Exercise
from ._shared_noised import again, drawn, held, over, slopes

UNDER, FAR = "underflow to zero", "difference of large numbers"


@Exercise(
    id="diff-04",
    title="The noise that a perfect net would say",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Write the target that a noise-predicting net would reach on a finite data "
        "set, in logarithms, so that it holds at every noise level.",
    ),
    statement=r"""
A data set of $n$ points $x_i$ with weights $w_i$ is a distribution: the point $x_i$ is
drawn with the probability $w_i / \sum_j w_j$. Noisy examples are $x_t = \alpha x +
\sigma \epsilon$, with standard normal $\epsilon$. The net that predicts noise with the
smallest squared error says $\mathbb{E}[\epsilon \mid x_t]$, and for a finite data set
this is a formula.

Write `mean_noise(x_t, points, weights, alpha, sigma)`. `x_t` is `(b, ...)` and `points`
`(n, ...)`, with the same one or more axes after the first; `weights` is `(n,)`, 0 or
more, at least one of them positive, with any sum; `alpha`, 0 or more, and `sigma`,
positive, are `(b,)`: a pair for each example. All are float32 or all float64; all sizes
are 1 or more.

Return the mean noise, in the shape and type of `x_t`, with the digits of this type. It
is finite and right

- far from all points, and with so little noise that every density underflows,
- where all points lie far from 0 (one that is lost in $|a|^2 - 2ab + |b|^2$),
- for weights that differ by thirty orders of magnitude, or are 0,
- where `alpha` is 0.

Gradients flow to `x_t`. Nothing that is given is changed.
""",
    stub='''
def mean_noise(x_t, points, weights, alpha, sigma):
    """(b, ...), (n, ...), (n,), (b,), (b,) -> (b, ...)."""
    return ...
''',
    answers={"mean_noise": callable},
    hints=(
        r"If $x_t$ came from $x_i$, its noise was $(x_t - \alpha x_i)/\sigma$. "
        "What is due is the mean of these $n$ noises.",
        "How probable is it that it came from $x_i$? By Bayes: the prior $w_i$ times "
        r"the density of $x_t$, which is normal around $\alpha x_i$.",
        "A `softmax` over the points takes logarithms that need no constant in common. "
        "The logarithm of the density is minus half the squared length of the noise; "
        "that of a weight is added.",
    ),
    misconceptions={
        "sigma left out of the distance": "Distances count in units of sigma.",
        "alpha left out": "The noisy examples lie around alpha times a point, in the "
        "distance and in the noise.",
        "distance not squared": "In the exponent stands half the squared distance.",
        "shares that add up over the batch": "Those of an example add up to one, over "
        "the points.",
        "shares that do not add up to one": "Weights go into the shares before these "
        "are normalized.",
        "nearest point alone": "With some noise more than one point may be behind x_t.",
        "distance left out": "The points are weighted by how well each of them "
        "explains x_t, too.",
        "data in place of the noise": "The mean of the points is what a net would say "
        "that predicts data.",
        "score in place of the noise": "The score is minus the noise, over sigma.",
        "not divided by sigma": "The noise is what has been multiplied by sigma.",
        "divided by the variance": "The noise has been multiplied by sigma, once.",
        "one alpha and sigma for all examples": "Each example has its own pair.",
    },
)
def diff_04(t, mean_noise):
    past = []

    def judged(name, b, n, shape, kind=torch.float64, change=None, seen=(), tol=0.0):
        t.property(name)
        at, points = (drawn(t, m, *shape, kind=kind) for m in (b, n))
        weights = t.uniform(n, low=0.2, high=3).to(kind) / 0.7
        alpha = t.uniform(b, low=0.6, high=1.6).to(kind) / 0.7
        sigma = t.uniform(b, low=0.7, high=1.3).to(kind) * points[0].numel() ** 0.5
        given = [at, points, weights, alpha, sigma]
        given = change(*given) if change else given
        out = t.call(mean_noise, *given)
        make, parts = formula(*(v.double() for v in given))
        due = make(*(part[""] for part in parts))
        if seen == UNDER and t.tensor(out).shape == due.shape:
            t.finite(out, "Softmax of logarithms.", UNDER)
        extra = []
        if seen == UNDER and t.tensor(out).shape == due.shape:
            extra = [(UNDER, list(lost(t.tensor(out).detach().double(), due, given)))]
        extra += [(FAR, [t.tensor(out).detach()])] * (seen == FAR)
        told = {"kind": kind, "old": past, "extra": extra, "tol": tol}
        why = "The mean of the noises, each with its share."
        past.append(held(t, out, make, *parts, why=why, **told))
        return given

    def nothing(at, points, weights, alpha, sigma):
        alpha[::2] = 0
        return at, points, weights, alpha, sigma

    def far(at, points, weights, alpha, sigma):
        return 900 * at, points, weights, alpha, sigma / 10

    def little(at, points, weights, alpha, sigma):
        """Halfway between two points, where the weights decide."""
        both = (points[:1] + points[1:2]) / 2
        at = over(alpha, at) * (both + 1e-6 * at)
        return at, points, weights, alpha, 1e-3 * sigma

    def off(at, points, weights, alpha, sigma):
        points = points / 100 + 1e6
        at = over(alpha, at) * (points[:1] + at / 100)
        return at, points, weights, alpha, sigma / 100

    def rare(at, points, weights, alpha, sigma):
        """A point of next to no weight is the one nearby; and one has none."""
        points[0] = points[0] + 30 * points[0].sign()
        weights[0], weights[1] = 1e-30, 0
        at = over(alpha, at) * points[:1] + at
        return at, points, weights, alpha, sigma / 2

    t.property("the same input gives the same again")
    positive = t.uniform(4, low=0.5, high=2).double(), t.uniform(3, low=0.5, high=2)
    pair = positive[1].double(), positive[1].flip(0).double()
    again(t, mean_noise, drawn(t, 3, 2), drawn(t, 4, 2), positive[0], *pair)
    for name in ("a few points", "a few points, other numbers"):
        judged(name, 5, 4, (3,))
    judged("pictures", 3, 6, (2, 4, 3))
    judged("as many of all", 4, 4, (4,))
    judged("one value", 5, 7, (1,))
    judged("one example", 1, 5, (2,))
    judged("one point", 4, 1, (3,))
    judged("alpha = 0 for some", 4, 5, (3,), change=nothing)
    judged("float32", 5, 6, (4,), torch.float32)
    judged("many points of many values", 2, 300, (150,))
    judged("far from all points", 4, 5, (3,), change=far, seen=UNDER, tol=1e-8)
    judged("little noise", 4, 5, (3,), change=little, seen=UNDER, tol=1e-6)
    for kind in (torch.float64, torch.float32):
        told = {"kind": kind, "change": far, "seen": UNDER}
        judged(f"far from all points, {kind}", 4, 5, (3,), **told, tol=1e-4)
    judged("a rare point and one without weight", 4, 5, (3,), change=rare, seen=UNDER)
    judged("points far from 0", 4, 5, (3,), change=off, seen=FAR, tol=1e-5)
    x_t, *rest = judged("a few points again", 5, 4, (3,))

    def due(x_t):
        make, parts = formula(x_t, *rest)
        return make(*(part[""] for part in parts))

    f = lambda x_t: t.call(mean_noise, x_t, *rest)  # noqa: E731
    slopes(t, "its gradient", f, due, x_t, why="That of shares and noises.")


def lost(out, due, given):
    """What is due, but for examples whose shares are all 0."""
    for value in (0 * due, given[0].double() / over(given[4].double(), due)):
        rows = (out - value).abs().flatten(1).amax(1) <= 1e-6 * (1 + value.abs().max())
        yield torch.where(over(rows, due), value, due)


def formula(x_t, points, weights, alpha, sigma):
    """The mean noise by parts, and the mistakes in each; (b, n, ...) in between."""
    events = list(range(2, points.dim() + 1))
    w = weights.reshape(1, -1, *[1] * len(events))
    same = alpha[:1].expand_as(alpha), sigma[:1].expand_as(sigma)
    numbers = {"": (alpha, sigma), "one alpha and sigma for all examples": same}
    places = {"": (1, 1), "alpha left out": [(0, 1), (1, 0), (0, 0)]}
    lengths = {
        "": lambda gap: gap.square().sum(events, keepdim=True),
        "mean over the dimensions": lambda gap: gap.square().mean(events, keepdim=True),
        "component chosen for each dimension": torch.square,
        "distance not squared": lambda gap: gap.square().sum(events, True).sqrt(),
    }
    units = {
        "": lambda s: 2 * s**2,
        "factor one half lost": lambda s: s**2,
        "standard deviation in place of the variance": [lambda s: 2 * s, lambda s: s],
        "sigma left out of the distance": [lambda s: 2 + 0 * s, lambda s: 1 + 0 * s],
    }

    def best(logits):
        return (logits == logits.max(1, keepdim=True)[0]).double()

    shares = {
        "": lambda logits: (logits + w.log()).softmax(1),
        "weights left out": lambda logits: logits.softmax(1),
        "weights added, not their logarithms": [
            lambda logits: (logits + w).softmax(1),
            lambda logits: (logits + w / w.sum()).softmax(1),
        ],
        "weights counted otherwise": [
            lambda logits: (logits + 2 * w.log()).softmax(1),
            lambda logits: (logits - w.log()).softmax(1),
            lambda logits: (logits + w.log() / 2).softmax(1),
        ],
        "shares that do not add up to one": [
            lambda logits: logits.softmax(1) * w,
            lambda logits: logits.softmax(1) * w / w.sum(),
            lambda logits: logits.exp() * w / w.sum(), lambda logits: logits.exp() * w,
        ],
        "shares that add up over the batch": lambda logits: (
            (logits + w.log()).softmax(0)
        ),
        "nearest point alone": [best, lambda logits: best(logits + w.log())],
        "distance left out": lambda logits: (w / w.sum()).expand_as(logits),
    }  # fmt: skip
    answers = {
        "": lambda eps, x, s: eps,
        "data in place of the noise": lambda eps, x, s: x,
        "score in place of the noise": lambda eps, x, s: -eps / s,
        "sign flipped": lambda eps, x, s: -eps,
        "not divided by sigma": lambda eps, x, s: eps * s,
        "divided by the variance": lambda eps, x, s: eps / s,
    }

    def make(two, place, length, unit, share, answer):
        near, from_ = (over(two[0] ** power, x_t)[:, None] for power in place)
        s = over(two[1], x_t)[:, None]
        logits = length(x_t[:, None] - near * points) / -unit(s)
        parts = share(logits)
        eps = (parts * ((x_t[:, None] - from_ * points) / s)).sum(1)
        return answer(eps, (parts * points).sum(1), s[:, 0])

    return make, (numbers, places, lengths, units, shares, answers)
