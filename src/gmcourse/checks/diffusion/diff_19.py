"""Exercise diff-19: Guidance kept in bounds."""

import torch

from .._exercise import Exercise
from ._shared_noised import drawn, held

WHERE = "guided at other ratios"
AXES = "statistics over other axes"


@Exercise(
    id="diff-19",
    title="Guidance kept in bounds",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Guide only where it does good, and take back what guidance does to the "
        "contrast of a picture.",
    ),
    statement=r"""
Two remedies for what a large weight does to pictures, together in one function,
`bounded(told, untold, x_t, alpha, sigma, w, within, share)`. `told` and `untold` are
*functions*: `told(x_t)` and `untold(x_t)` give the estimates of the data with the
condition and without it, of the shape of `x_t`, `(b, ...)`.

1. *An interval*
   ([Kynkäänniemi et al., 2024](https://arxiv.org/abs/2404.07724)). `alpha` and `sigma`
   are floats above 0, those of this step, and `within` is a pair of floats, low and
   high. If $\sigma / \alpha$ lies between them, the ends included, the estimate is
   untold + `w` (told − untold). Elsewhere it is told, and then `untold` is *not
   asked*.
2. *Rescaled* ([Lin et al., 2023](https://arxiv.org/abs/2305.08891), section 3.4). Where
   an estimate is guided, multiply each example by the standard deviation of its told
   estimate over that of its guided one, each about the mean of the example and over all
   its values, dividing by their number. Return `share` times the result plus
   1 − `share` times the guided estimate; `share` is a float in [0, 1].

`w` is any float. An example whose guided values are all equal has no deviation: it
stays as it is. The mean of an example may be a thousand times its deviation: deviations
are to be right also then.

Estimates are float64 or float32, and so is what you return: right to $10^{-7}$ of the
largest in float64, to $10^{-3}$ in float32. Each function is asked at most once, and
with `x_t`. Gradients are not asked for. Nothing that is given is changed.
""",
    stub='''
def bounded(told, untold, x_t, alpha, sigma, w, within, share):
    """-> the estimate of the data, in the shape of x_t."""
    return ...
''',
    answers={"bounded": callable},
    hints=(
        "First decide whether this step is guided at all.",
        "Each example has two numbers: the deviation of told and that of guided. "
        "Flatten all axes but the first, and say how the variance is counted.",
        "A deviation of 0 cannot be divided by: `torch.where` with a number in its "
        "place. The mean of squares less the square of the mean loses all digits where "
        "the mean is large.",
    ),
    misconceptions={
        WHERE: "sigma / alpha between low and high, the ends included.",
        "told nothing outside": "Outside the interval the conditional model is used as "
        "it is.",
        "rescaled where not guided": "What is not guided is the told estimate.",
        "untold asked in vain": "Outside the interval half of the evaluations are "
        "saved: that is what it is for.",
        "asked more than once": "A call of a network is what a step costs.",
        "told and untold exchanged": "More weight leads toward the condition.",
        "weight of another convention": "At w = 1 it is the conditional model.",
        "share the other way round": "share of the rescaled one.",
        "share left out": "Only a share is rescaled.",
        "ratio the other way round": "The guided estimate gets the deviation of told.",
        "variance for deviation": "Values that grow by a factor have a deviation that "
        "grows by the same.",
        AXES: "One number for each example, over all of its values.",
        "about zero": "The deviation is about the mean of the example.",
        "only the contrast rescaled": "The example is multiplied, its mean included.",
        "deviation of untold": "The deviation that is wanted is that of the told "
        "estimate.",
        "nothing to divide by": "Where all guided values of an example are equal, it "
        "stays.",
        "the digits lost": "Squares of large numbers differ in their last digits: take "
        "the mean off first.",
    },
)
def diff_19(t, bounded):
    past = []

    def judged(name, b, shape, w, ratio, share, kind=torch.float64, change=None):
        t.property(name)
        two = [drawn(t, b, *shape, kind=kind) for _ in range(2)]
        two = change(*two, w) if change else two
        x_t = drawn(t, b, *shape, kind=kind)
        alpha = t.uniform(1, low=0.3, high=1.4).double().item()
        sigma, within, asked = ratio * alpha, (0.5, 2.0), []

        def told(x):
            asked.append(("told", torch.equal(x, x_t)))
            return two[0].clone()

        def untold(x):
            asked.append(("untold", torch.equal(x, x_t)))
            return two[1].clone()

        out = t.call(bounded, told, untold, x_t, alpha, sigma, w, within, share)
        seen = list(asked)
        exact = [v.double() for v in two]
        make, options = choices(
            *exact, w, within[0] <= sigma / alpha <= within[1], share
        )
        tol = 1e-7 if kind == torch.float64 else 1e-3
        extra, got = [], t.tensor(out).detach().double()
        if change == far and kind == torch.float64:
            options["the digits lost"] = [got]
        elif change == far:
            extra = [("the digits lost", [got])]
        why = "Where all guided values of an example are equal, it stays."
        t.finite(out, why, "nothing to divide by")
        how = {"kind": kind, "tol": tol, "old": past, "extra": extra}
        past.append(held(t, out, make, options, why="As the statement says.", **how))
        vain = ratio > 2 or ratio < 0.5
        names = [name for name, _ in seen]
        if vain:
            why = "untold is not asked."
            t.true("untold" not in names, why, f"{names}", "untold asked in vain")
        often = max(names.count(name) for name in ("told", "untold"))
        t.true(often <= 1, "Each at most once.", f"{names}", "asked more than once")
        t.true(all(same for _, same in seen), "Asked at x_t.", "at another x")

    t.property("the same input gives the same again")
    x, y = drawn(t, 2, 3), drawn(t, 2, 3)
    rest = 1.0, 1.0, 2.0, (0.5, 2.0), 0.5
    f = lambda x: bounded(lambda _: x, lambda _: y, x, *rest)  # noqa: E731
    one, two = (t.tensor(t.call(f, x)).detach() for _ in range(2))
    told = "Nothing is random.", "two results", "estimated from samples"
    t.true(torch.equal(one, two), *told)
    for name in ("in the interval", "in the interval, other numbers"):
        judged(name, 4, (5,), 3.0, 1.1, 0.7)
    judged("pictures", 3, (2, 3, 4), 4.0, 0.8, 0.6)
    judged("not rescaled", 3, (4,), 2.5, 1.3, 0.0)
    judged("rescaled in full", 3, (4,), 2.5, 1.3, 1.0)
    judged("more noise than that", 3, (4,), 2.5, 2.3, 0.7)
    judged("less noise than that", 3, (4,), 2.5, 0.4, 0.7)
    judged("a negative weight", 3, (4,), -2.0, 1.0, 0.4)
    judged("weight 0", 3, (4,), 0.0, 1.0, 0.4)
    judged("one example", 1, (6,), 3.0, 1.0, 0.5)
    judged("one value", 3, (1,), 3.0, 1.0, 0.5)
    judged("as many examples as values", 4, (4,), 3.0, 1.0, 0.5)
    judged("equal values after guidance", 4, (5,), 3.0, 1.0, 0.5, change=flat)
    judged("a mean of a thousand deviations", 3, (6,), 3.0, 1.0, 0.5, change=far)
    single = torch.float32
    judged("float32", 3, (5,), 3.0, 1.0, 0.5, single)
    judged("a large mean, float32", 3, (6,), 3.0, 1.0, 0.5, single, change=far)
    t.property("the ends of the interval")
    for ratio in (0.5, 2.0):
        for alpha in (1.0, 0.25):
            asked = []

            def untold(x, asked=asked):
                asked.append(1)
                return 2 * x

            x = drawn(t, 2, 3)
            t.call(
                bounded,
                torch.sin,
                untold,
                x,
                alpha,
                ratio * alpha,
                2.0,
                (0.5, 2.0),
                0.0,
            )
            t.true(len(asked) == 1, "Ends are included.", "not guided", WHERE)


def flat(told, untold, w):
    """In the first example all guided values are 1, to the last digit."""
    told, untold = told.clone(), untold.clone()
    told[0] = (8 * told[0]).round() / 8
    untold[0] = (w * told[0] - 1) / (w - 1)  # w is 3
    return told, untold


def far(told, untold, w):
    """Means of about a thousand deviations; they cancel in told - untold."""
    return told + 1_000, untold + 1_000


def choices(told, untold, w, inside, share):
    """What is due and what mistakes give, as `held` takes them; float64."""
    axes = list(range(1, told.dim()))

    def guided(k=w, one=told, two=untold):
        return two + k * (one - two)

    def size(v, over=axes, less=0, middle=True):
        mean = v.mean(over, keepdim=True) if middle else 0 * v
        square = (v - mean).square().sum(over, keepdim=True)
        count = v.numel() // square.numel()
        return (square / max(1, count - less)).sqrt()

    def scaled(y, by=told, part=share, power=1, turned=False, **how):
        top, bottom = size(by, **how), size(y, **how)
        top, bottom = (bottom, top) if turned else (top, bottom)
        factor = torch.where(bottom > 0, top / bottom.where(bottom > 0, 1), 1)
        return part * factor**power * y + (1 - part) * y

    def result(y=None, **how):
        return scaled(guided() if y is None else y, **how) if inside else told

    right, y = result(), guided()
    contrast = y.mean(axes, keepdim=True)
    everything = list(range(told.dim()))
    plain = size(told) / size(y)
    ways = {
        WHERE: [told] if inside else [scaled(y), y],
        "told nothing outside": [] if inside else [untold],
        "rescaled where not guided": [] if inside else [scaled(told, untold)],
        "told and untold exchanged": [result(guided(w, untold, told))],
        "weight of another convention": [result(guided(w + 1)), result(guided(w - 1))],
        "share the other way round": [result(part=1 - share)],
        "share left out": [result(part=1.0), result(part=0.0)],
        "ratio the other way round": [result(turned=True)],
        "variance for deviation": [result(power=2), result(power=0.5)],
        AXES: [
            result(over=everything),
            *(result(over=[k]) for k in range(told.dim())),
            *([result(over=axes[1:])] if len(axes) > 1 else []),
        ],
        "about zero": [result(middle=False)],
        "only the contrast rescaled": [
            (share * plain + 1 - share) * (y - contrast) + contrast
        ],
        "deviation of untold": [result(by=untold)],
        "nothing to divide by": [share * plain * y + (1 - share) * y],
    }
    kept = {"": right}
    for name, made in ways.items():
        off = [v for v in made if not torch.allclose(v, right, 1e-5, 1e-8)]
        if off:
            kept[name] = off
    return lambda v: v, kept
