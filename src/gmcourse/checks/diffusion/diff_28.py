"""Exercise diff-28: More pixels want more noise."""

import math

import torch

from .._exercise import Exercise
from ._shared_noised import again, drawn

LOST = "difference of near numbers"
BOUND, SINGLE = "shape of the path bounded", "float32 in between"


@Exercise(
    id="diff-28",
    title="More pixels want more noise",
    difficulty=3,
    minutes=35,
    compute="cpu-instant",
    points=4,
    objectives=(
        "Measure what pooling does to the ratio of signal and noise, and move a path "
        "to another resolution or another scale of the data, with all its digits.",
    ),
    statement=r"""
In $x_t = \alpha x + \sigma \epsilon$ the signal-to-noise ratio is the mean of the
squares of $\alpha x$ over that of $\sigma \epsilon$, with standard normal $\epsilon$.
Put the means of all squares of $k \times k$ pixels in the place of the image: signal
and noise both get less, and not alike.

**First**, write `gain(x, k)`: by what factor this pooling multiplies the
signal-to-noise ratio of the images `x`. `x` is `(b, c, h, w)`, float32 or float64, not
all 0, its other values between $10^{-3}$ and $10^3$ in size; `k`, an int, 1 or more,
divides `h` and `w`, and the squares do not overlap. The mean of the squares of the
signal is taken over all images, channels and pixels together, about 0; for the noise
take its expectation. Return a tensor of no axes, in the type of `x`, within $10^{-9}$
of 1 plus the gain in float64, $10^{-4}$ in float32.

Where the pixels of each square agree, the gain is as large as it can be. At the same
$\alpha$ and $\sigma$ a large image is therefore less noisy than a small one, and a path
that was chosen for one resolution is not right for another
([Hoogeboom et al., 2023](https://arxiv.org/abs/2301.11093), section 3.1). What the
values are multiplied by counts as well: the latents of an encoder need not have the
deviation 1.

**Second**, write `shifted(alpha, sigma, side, base, std)`. `alpha` and `sigma` are
those of a path for images of `base` × `base` pixels, whose values have the standard
deviation 1. Return the pair $\alpha', \sigma'$ with $\alpha'^2 + \sigma'^2 = 1$ for
images of `side` × `side` pixels whose values have the standard deviation `std`, such
that at each time the signal-to-noise ratio is that of the small images once the large
ones have been pooled to `base` × `base`, if the pixels of each square agree. Where
`side` is smaller than `base` or no multiple of it, the same formula holds.

`alpha` and `sigma`, of one shape, which is any, with no axes, too, are both float32 or
both float64, with $\alpha^2 + \sigma^2 = 1$ as far as their digits go and
$\log \alpha^2 / \sigma^2$ from -60 to 60; one of the two may also be 0, and the other
is 1 there. `side` and `base` are positive ints, neither more than 64 times the other;
`std` is a Python float from 0.01 to 100. Both results have the shape and type of
`alpha`, and **each entry** is right relative to its own size, the smallest ones, too:
to $10^{-9}$ in float64, to $10^{-4}$ in float32; where 0 is due it is 0. No gradient is
asked for, in neither function, and nothing that is given is changed.
""",
    stub='''
def gain(x, k):
    """(b, c, h, w), int -> (), a factor."""
    return ...


def shifted(alpha, sigma, side, base, std):
    """Two tensors of one shape, int, int, float -> two of this shape."""
    return ..., ...
''',
    answers={"gain": callable, "shifted": callable},
    hints=(
        "The mean of $n$ independent normal numbers of deviation 1 has the deviation "
        "$1 / \\sqrt n$. How many pixels has a square? The signal needs the images.",
        "Undo what helps: the large image's ratio is too high by the square of "
        "`side / base` (after pooling) and by the square of `std`. By what is "
        "$\\sigma / \\alpha$ to be multiplied?",
        "Multiply $\\sigma$ by that and divide both by the root of the sum of their "
        "squares: nothing is taken from 1, so that no digit is lost.",
    ),
    misconceptions={
        "noise taken for unchanged": "Pooling averages the noise of all pixels of a "
        "square away.",
        "root of the number of pixels": "The variance of a mean of k² numbers is "
        "smaller by k², not by k.",
        "sum in place of the mean": "The mean of each square is due.",
        "signal taken for unchanged": "Where pixels do not agree their mean is small: "
        "the images decide how much of the signal is left.",
        "one pixel in place of the mean": "A square becomes the mean of its pixels.",
        "mean removed": "The squares are those of the values, not of what they differ "
        "from their mean by.",
        "mean over the images of each one's gain": "All squares go into one mean "
        "before, and one after.",
        "ratio of deviations": "Signal and noise are compared by their squares.",
        "shift turned around": "A large image, and large values, want more noise.",
        "shift counted once": "The logarithm of the ratio of *squares* is shifted by "
        "twice a logarithm.",
        "shift counted twice": "What multiplies sigma / alpha is counted once; its "
        "square multiplies the ratio of squares.",
        "deviation of the data left out": "Values of deviation s have s² times the "
        "signal.",
        "deviation of the data turned around": "Large values are harder to hide: they "
        "want more noise.",
        "resolution left out": "The number of pixels that are pooled counts.",
        "variance not preserved": "The squares of both results add up to 1.",
        "pair exchanged": "alpha comes first.",
        BOUND: "Ratios to e^60 and beyond are in range: nothing is cut off.",
        LOST: "1 minus the square of a number near 1 has no digits left.",
        SINGLE: "What comes back as float64 has the digits of float32.",
        "no pair": "Two tensors are due.",
    },
)
def diff_28(t, gain, shifted):
    past: list = []

    def pooled(name, x, k):
        t.property(name)
        out = t.call(gain, x, k)
        t.shape(out, (), "one factor for all.")
        t.dtype(out, x.dtype, "that of x.")
        due, double = factor(x, k), x.dtype == torch.float64
        got = t.tensor(out).detach()
        near = double and abs(float(got) - due) < 1e-5 * due
        held = near and torch.equal(got, got.float().double())
        apart = 1e-6 if double else 1e-2
        ideas = {
            **gains(x.double(), k, due),
            SINGLE: [float(got)] * held,
            "not to the digits asked for": [float(got)] * near,
            "result of an earlier call": past,
        }
        for name, values in ideas.items():
            if name not in (SINGLE, "not to the digits asked for"):
                ideas[name] = [v for v in values if abs(v - due) > apart]
        why = "Signal after over before, and the same of the noise."
        ideas = {n: [double_of(v) for v in vs] for n, vs in ideas.items()}
        t.close(out, double_of(due), why, None, ideas, 1e-9 if double else 1e-4)
        past.append(due)

    def smooth(b, c, h, w, k, rough=0.5):
        """Squares that agree in part."""
        coarse = drawn(t, b, c, h // k, w // k)
        coarse = torch.kron(coarse, torch.ones(k, k, dtype=torch.float64))
        return 0.5 + coarse + rough * drawn(t, b, c, h, w)

    again(t, gain, smooth(2, 3, 6, 4, 2), 2)
    for name in ("squares that agree in part", "the same, other numbers"):
        pooled(name, smooth(2, 3, 9, 6, 3), 3)
    pooled("pixels that agree", smooth(3, 1, 8, 12, 4, 0), 4)
    pooled("independent pixels", drawn(t, 2, 2, 6, 8), 2)
    pooled("squares of one pixel", smooth(2, 3, 4, 5, 1), 1)
    pooled("one image, one square", smooth(1, 1, 5, 5, 5), 5)
    rows = torch.arange(6)
    board = (1.0 - 2 * ((rows[:, None] + rows) % 2)).double() * drawn(t, 2, 1, 1, 1)
    pooled("pixels that cancel", board.expand(2, 1, 6, 6).clone(), 2)
    uneven = (
        smooth(3, 2, 4, 4, 2) * torch.tensor([0.03, 1.0, 40.0])[:, None, None, None]
    )
    pooled("images of different size", uneven.double(), 2)
    pooled("far from 0", 500 + smooth(2, 3, 4, 6, 2), 2)
    for kind in (torch.float64, torch.float32):
        for size in (1e-3 / 0.4, 400.0):
            x = size * smooth(2, 3, 4, 6, 2, 0)
            pooled(f"values near {size:.2g}, {kind}", x.to(kind), 2)
    pooled("many pixels, float32", smooth(4, 3, 64, 64, 4).float(), 4)

    before: list = []

    def moved(name, alpha, sigma, side, base, std, default=None):
        t.property(name)
        out = t.call(shifted, alpha, sigma, side, base, std)
        pair = isinstance(out, tuple | list) and len(out) == 2
        t.true(pair, "A pair.", f"an object of type {type(out).__name__}", "no pair")
        for part in out:
            t.shape(part, alpha.shape, "that of alpha.")
            t.dtype(part, alpha.dtype, "that of alpha.")
            t.finite(part, "A number everywhere.", default or "not finite")
        got = torch.stack([t.tensor(v).detach().double() for v in out])
        due = path(alpha, sigma, side / base * std)
        double = alpha.dtype == torch.float64
        tol = 1e-9 if double else 1e-4
        off = torch.where(due == 0, got.abs(), (got / due - 1).abs())
        near = double and bool((off < 1e-5).all())

        def found():
            yield BOUND, [got] * floored(got, off > tol)
            yield from paths(alpha, sigma, side, base, std, due)
            held = torch.equal(got, got.float().double())
            yield SINGLE, [got] * (near and held)
            yield "not to the digits asked for", [got] * (near and default is None)
            same = [v for v in before if v.shape == due.shape]
            yield "result of an earlier call", same

        if not off.max() <= tol:
            t.about(out[0])
            why = "Of each of the two, one below the other."
            t.close(got, due, why, default, found(), tol)
            at = tuple(off.argwhere()[off[off > 0].argmax()].tolist())
            text = f"{got[at]:.9g} where {due[at]:.9g} is due, at {list(at)}"
            t.fail(default, why="Right relative to its size.", got=text)
        before.append(due)

    def middle(*shape, kind=torch.float64):
        return circle(t.uniform(*shape, low=-2, high=2).double() / 0.7, kind)

    t.steady(shifted, *middle(3), 96, 64, 1.5)
    for name in ("larger images, larger values", "the same sizes, other numbers"):
        moved(name, *middle(7), t.integer(80, 300), 64, t.integer(150, 300) / 100)
    moved("the same images, larger values", *middle(5), 32, 32, 5.5)
    moved("the same images, smaller values", *middle(2, 3), 32, 32, 0.18)
    moved("larger images", *middle(2, 1, 3), 256, 64, 1.0)
    moved("smaller images", *middle(4), 28, 64, 1.0)
    moved("another base", *middle(4), 50, 20, 0.7)
    moved("nothing to change", *middle(6), 64, 64, 1.0)
    moved("numbers without axes", *(v[0] for v in middle(1)), 128, 64, 2.0)
    wide = torch.linspace(-60, 60, 41).double()
    for kind in (torch.float64, torch.float32):
        moved(f"{kind}", *middle(8, kind=kind), 100, 64, 1.3)
        for side, std in ((64, 1.0), (256, 3.0), (4096, 100.0), (1, 0.01)):
            name = f"log ratios from -60 to 60, {side} pixels, {kind}"
            moved(name, *circle(wide, kind), side, 64, std, LOST)
    ends = torch.tensor([[1.0, 0.0, 0.8], [0.0, 1.0, 0.6]]).double()
    moved("no noise, and no data", *ends, 128, 64, 2.0, BOUND)
    moved("no noise, and no data, float32", *ends.float(), 128, 64, 2.0, BOUND)


def double_of(v):
    return torch.tensor(v, dtype=torch.float64)


def factor(x, k):
    """The gain, by one square after the other."""
    x = x.double()
    squares = x.unfold(2, k, k).unfold(3, k, k).flatten(4)
    left = squares.sum(-1).square().mean()
    return float(left / x.square().mean() / k**2)


def gains(x, k, due):
    """What mistakes give."""
    squares = x.unfold(2, k, k).unfold(3, k, k).flatten(4)
    each, mean = squares.square(), squares.mean(-1)
    own = mean.square().flatten(1).mean(1) / x.square().flatten(1).mean(1)
    found = {
        "noise taken for unchanged": due / k**2,
        "root of the number of pixels": due / k,
        "sum in place of the mean": [due * k**2, due * k**4],
        "signal taken for unchanged": [float(k**2), float(k)],
        "one pixel in place of the mean": [
            k**2 * float(v.square().mean() / each.mean())
            for v in (squares.amax(-1), squares[..., 0], each.mean(-1).sqrt())
        ],
        "mean removed": [
            k**2 * float(mean.var(correction=c) / x.var(correction=c))
            for c in (0, 1)
            if mean.numel() > 1
        ],
        "mean over the images of each one's gain": k**2 * float(own.mean()),
        "ratio of deviations": max(due, 0) ** 0.5,
        "inverse of what is due": 1 / due if due else [],
    }
    lists = {n: v if isinstance(v, list) else [v] for n, v in found.items()}
    return lists


def floored(got, bad):
    """Whether many wrong entries are one small number."""
    small = got[bad & (got > 0) & (got < 0.1)]
    return len(small) > 0 and int((small / small.min() - 1 < 1e-5).sum()) >= 5


def circle(logs, kind):
    """alpha and sigma from alpha² / sigma²'s logarithm."""
    return tuple((1 + (s * logs).exp()).rsqrt().to(kind) for s in (-1, 1))


def path(alpha, sigma, by):
    """Both, (2, ...): by the logarithm of their ratio, which `by` takes down."""
    made = []
    for a, s in zip(alpha.flatten().tolist(), sigma.flatten().tolist()):
        if a == 0 or s == 0:
            made.append((float(a > 0), float(s > 0)))
            continue
        log = math.log(a) - math.log(s) - math.log(by)
        made.append(
            [math.exp(-0.5 * math.log1p(math.exp(-2 * v))) for v in (log, -log)]
        )
    return double_of(made).reshape(*alpha.shape, 2).movedim(-1, 0)


def paths(alpha, sigma, side, base, std, due):
    """What mistakes give."""
    size, right = side / base, side / base * std
    factors = {
        "shift turned around": [1 / right, std / size],
        "shift counted once": [right**0.5, size**0.5 * std, size * std**0.5],
        "shift counted twice": [right**2, size**2 * std, size * std**2],
        "deviation of the data left out": [size],
        "deviation of the data turned around": [size / std],
        "resolution left out": [std, 1.0],
    }
    for name, values in factors.items():
        made = [path(alpha, sigma, v) for v in values]
        yield name, [v for v in made if (v - due).abs().max() > 1e-4]
    a, s = alpha.double(), sigma.double()
    if right != 1:
        apart = (a, right * s), (a / right, s), (a, due[1]), (due[0], s)
        yield "variance not preserved", [torch.stack(v) for v in apart]
        square = a**2 + (right * s) ** 2
        yield "variance not preserved", torch.stack([a / square, right * s / square])
    yield "pair exchanged", due.flip(0)
    yield "variance in place of the standard deviation", due**2
