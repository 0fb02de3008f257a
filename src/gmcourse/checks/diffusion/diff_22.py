"""Exercise diff-22: The smallest change that agrees."""

import torch
from torch.nn import functional as F

from .._exercise import Exercise
from ._shared_noised import drawn, held, slopes

ADJOINT = "turned, not inverted"
LARGER = "not the smallest change"


@Exercise(
    id="diff-22",
    title="The smallest change that agrees",
    difficulty=3,
    minutes=25,
    compute="cpu-instant",
    points=3,
    objectives=(
        "Correct an estimate so that it agrees with a measurement, and change nothing "
        "that was not measured.",
    ),
    statement=r"""
A measurement is a linear map: what was seen of a picture $x$ is $y = A x$. Of all
pictures that look like $y$, the one nearest to an estimate $\hat x$, in the sum of
squared differences, is $\hat x + A^+ (y - A \hat x)$. Write it for two measurements.

`sharper(estimate, y, side)`: seen were the means over squares of `side` × `side`
pixels, which do not overlap, in each channel. `estimate` is `(b, c, h, w)`, and `y` is
`(b, c, h / side, w / side)`; `side` is an int, 1 or more, that divides `h` and `w`,
which may differ.

`colored(estimate, y, weights)`: seen was a weighted *sum* of the channels of each
pixel, $y = \sum_c w_c\, x_c$, as in a gray picture in which green counts more than
blue. `weights` is `(c,)`, of any sign, some may be 0 but not all, and they need not
add up to 1; `y` is `(b, 1, h, w)`.

All tensors of a call are of one type, float32 or float64, and so is what you return,
of the shape of the estimate. Sizes are 1 or more, and there may be any number of
channels; weights and values lie between $10^{-3}$ and $10^3$ in size (or are 0).
Results are right to $10^{-9}$ of the largest in float64 and to $10^{-4}$ in float32.
Gradients flow to all tensors that are given, which are not changed.
""",
    stub='''
def sharper(estimate, y, side):
    """(b, c, h, w), (b, c, h / side, w / side), int -> (b, c, h, w)."""
    return ...


def colored(estimate, y, weights):
    """(b, c, h, w), (b, 1, h, w), (c,) -> (b, c, h, w)."""
    return ...
''',
    answers={"sharper": callable, "colored": callable},
    hints=(
        "What the estimate lacks of y, y - A x, has to be brought back to pixels so "
        "that looking at it again gives all of it, and none is wasted.",
        "If every pixel of a square is raised by r, its mean is raised by r.",
        "For the channels try a correction d = k w: then A d = k (w · w). Any other "
        "correction with the same A d has a part at a right angle to w, which only "
        "makes it longer.",
    ),
    misconceptions={
        ADJOINT: "A transposed is not its inverse: look at what the correction looks "
        "like.",
        LARGER: "It agrees with what was seen, but a smaller correction does, too.",
        "what was seen added once more": "Only what the estimate lacks is added.",
        "what was seen taken off": "y less what is seen of the estimate, not the other "
        "way round.",
        "the estimate forgotten": "What was not seen stays as the estimate has it.",
        "corrected in part": "All of what is lacking is added, not a share of it.",
        "smoothed": "A mean says nothing of how its pixels differ: all of a square are "
        "moved alike.",
        "sums in place of means": "Means over the squares were seen.",
        "means in place of sums": "The weighted sum was seen: weights need not add up "
        "to 1.",
        "height and width exchanged": "Pictures need not be square.",
        "pixels that are no neighbors": "A square holds neighboring pixels.",
        "squares of another side": "A square has side × side pixels.",
        "channels mixed": "Each channel was seen on its own.",
        "weights left out": "A channel moves in proportion to its weight.",
        "length for its square": "A d = k (w · w).",
        "sign of the weights lost": "A channel with a negative weight moves the other "
        "way.",
        "examples mixed": "Each picture has its own measurement.",
    },
)
def diff_22(t, sharper, colored):
    past = []

    def judged(f, name, given, parts, kind=torch.float64, tol=0.0):
        t.property(name)
        out = t.call(f, *[v.clone() if torch.is_tensor(v) else v for v in given])
        exact = [v.double() if torch.is_tensor(v) else v for v in given]
        make, options = parts(*exact)
        why = "The nearest picture that looks like y."
        told = {"kind": kind, "old": past, "tol": tol}
        past.append(held(t, out, make, options, why=why, **told))

    def squares(name, b, c, h, w, side, kind=torch.float64, size=1.0):
        estimate = size * drawn(t, b, c, h, w, kind=kind)
        y = size * drawn(t, b, c, h // side, w // side, kind=kind)
        judged(sharper, name, (estimate, y, side), of_squares, kind)

    def channels(name, b, c, h, w, kind=torch.float64, change=None):
        weights = drawn(t, c, kind=kind).abs()
        weights[1::2] *= -1  # of both signs, where there are two
        weights = weights if change is None else change(weights)
        given = drawn(t, b, c, h, w, kind=kind), drawn(t, b, 1, h, w, kind=kind)
        judged(colored, name, (*given, weights), of_channels, kind)

    t.property("the same input gives the same again")
    x, y = drawn(t, 2, 1, 4, 2), drawn(t, 2, 1, 2, 1)
    one, two = (t.tensor(t.call(sharper, x, y, 2)).detach() for _ in range(2))
    told = "Nothing is random.", "two results", "estimated from samples"
    t.true(torch.equal(one, two), *told)
    for name in ("squares of 2 × 2 pixels", "squares of 2 × 2 pixels, other numbers"):
        squares(name, 3, 2, 4, 6, 2)
    squares("squares of 3 × 3 pixels", 2, 3, 9, 6, 3)
    squares("squares of one pixel", 2, 3, 4, 5, 1)
    squares("one square", 3, 2, 4, 4, 4)
    squares("one channel, one example", 1, 1, 8, 4, 4)
    squares("large values", 2, 2, 4, 4, 2, size=500.0)
    squares("small values", 2, 2, 4, 4, 2, size=2e-3)
    squares("float32", 2, 3, 6, 4, 2, torch.float32)
    for name in ("three channels", "three channels, other numbers"):
        channels(name, 4, 3, 5, 6)
    channels("two channels, one example", 1, 2, 4, 3)
    channels("one channel", 3, 1, 4, 2)
    channels("as many of all", 4, 4, 4, 4)
    channels("a weight of 0", 2, 4, 3, 5, change=without)
    channels("large and small weights", 2, 3, 3, 4, change=uneven)
    channels("weights that add up to 0", 2, 2, 3, 4, change=opposite)
    channels("float32, channels", 2, 3, 3, 4, torch.float32)

    x, y, w = drawn(t, 2, 3, 4, 2), drawn(t, 2, 3, 2, 1), drawn(t, 3)
    f = lambda x, y: t.call(sharper, x, y, 2)  # noqa: E731
    due = lambda x, y: squared(x, y, 2)  # noqa: E731
    slopes(t, "gradients, squares", f, due, x, y, why="Those of the nearest picture.")
    y = drawn(t, 2, 1, 4, 2)
    f = lambda x, y, w: t.call(colored, x, y, w)  # noqa: E731
    slopes(t, "gradients, channels", f, weighed, x, y, w, why="Of weights, too.")


def without(w):
    return torch.cat([0 * w[:1], w[1:]])


def uneven(w):
    return w * torch.logspace(-2, 2, len(w)).to(w)


def opposite(w):
    return torch.stack([w[0], -w[0]])


def squared(x, y, side):
    """Square by square."""
    made = x.clone()
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            part = (..., *(slice(k * side, (k + 1) * side) for k in (i, j)))
            lacking = y[:, :, i, j] - x[part].mean((2, 3))
            made[part] = x[part] + lacking[..., None, None]
    return made


def weighed(x, y, w):
    """By the inverse of A Aᵀ, a number."""
    lacking = y[:, 0] - torch.einsum("bchw,c->bhw", x, w)
    return x + torch.einsum("bhw,c->bchw", lacking / w.square().sum(), w)


def grown(r, side):
    return torch.kron(r, torch.ones(side, side).to(r))


def of_squares(x, y, side):
    pooled = F.avg_pool2d(x, side)
    lacking, size = y - pooled, tuple(x.shape[2:])
    right = squared(x, y, side)

    def tiled(r):
        return r.repeat(1, 1, side, side)

    def smooth(mode):
        return x + F.interpolate(lacking, size=size, mode=mode, align_corners=False)

    def one_pixel():
        made = torch.zeros_like(x)
        made[:, :, ::side, ::side] = lacking * side**2
        return x + made

    ways = {
        "": [right],
        "what was seen added once more": [x + grown(y, side)],
        "what was seen taken off": [x - grown(lacking, side)],
        "the estimate forgotten": [grown(y, side), grown(lacking, side)],
        "sums in place of means": [x + grown(y - side**2 * pooled, side)],
        "corrected in part": [x + grown(lacking, side) / k for k in (2, side)],
        ADJOINT: [x + grown(lacking, side) / side**2],
        LARGER: [one_pixel()],
        "smoothed": [smooth("bilinear"), smooth("bicubic")],
        "pixels that are no neighbors": [x + tiled(lacking)],
        "channels mixed": [x + grown(lacking.mean(1, keepdim=True), side)],
        "examples mixed": [x + grown(lacking.mean(0, keepdim=True), side)],
    }
    return chosen(ways, right)


def of_channels(x, y, w):
    column = w.view(-1, 1, 1)
    seen, right = (x * column).sum(1, keepdim=True), weighed(x, y, w)
    lacking, square = y - seen, w.square().sum()
    total = w.sum()
    most = w[w.abs().argmax()]
    largest = (w.abs() == w.abs().max()) / most
    one = (torch.arange(len(w)) == w.abs().argmax()) / most
    ways = {
        "": [right],
        "what was seen added once more": [x + column * y / square],
        "what was seen taken off": [x - column * lacking / square],
        "the estimate forgotten": [column * y / square],
        ADJOINT: [x + column * lacking],
        LARGER: [
            x + lacking / total,
            *(x + v.view(-1, 1, 1) * lacking for v in (one, largest)),
        ],
        "means in place of sums": [
            x + column * (y - seen / len(w)) / square,
            x + column * (y - seen / total) / square,
        ],
        "weights left out": [
            x + lacking,
            x + lacking / len(w),
            x + y - x.mean(1, True),
        ],
        "length for its square": [x + column * lacking / square.sqrt()],
        "sign of the weights lost": [x + column.abs() * lacking / square],
        "corrected in part": [x + column * lacking / square / 2],
        "examples mixed": [x + column * lacking.mean(0, keepdim=True) / square],
    }
    return chosen(ways, right)


def chosen(ways, right):
    """As `held` takes them: a function of one choice, and those; no other is right."""
    kept = {"": right}
    for name, made in ways.items():
        off = [v for v in made if v.isfinite().all() and not torch.allclose(v, right)]
        if name and off:
            kept[name] = off
    return lambda v: v, kept
